# shellcheck shell=bash disable=SC2034  # UNDO_FIRST and UNDO_LAST are read by undo.sh
# Taking k3s off a node.

# kill_containers: ends what k3s leaves running when it stops (its unit has KillMode=process): processes whose
# program lies below k3s' own directory. containerd's command line says only its name, a shim's says all.
kill_containers() {
  local pid pids=() path
  for path in "$PROC"/[0-9]*; do
    pid=${path##*/}
    if [[ $(readlink "$path/exe" 2>/dev/null) == "$DATA"/data/*/bin/* ]] ||
      tr '\0' ' ' 2>/dev/null <"$path/cmdline" | grep -qE "^${DATA}/data/[^ ]*/bin/(containerd|k3s)"; then
      pids+=("$pid")
    fi
  done
  for pid in "${pids[@]}"; do
    kill_tree "$pid"
  done
}

# kill_tree PID: PID and all below it, children first.
kill_tree() {
  local child children
  read -ra children < <(cat "$PROC/$1/task"/*/children 2>/dev/null | tr '\n' ' ')
  for child in "${children[@]}"; do
    kill_tree "$child"
  done
  kill -9 "$1" 2>/dev/null
}

# unmount_below DIRECTORY...: everything mounted below it, deepest first; not what is mounted on it.
unmount_below() {
  local dir point
  for dir in "$@"; do
    dir=$(readlink -f -- "$dir") || continue
    while IFS= read -r point; do
      umount -- "$point" 2>/dev/null || umount --lazy -- "$point" 2>/dev/null
    done < <(awk -v dir="$dir/" 'index($2, dir) == 1 { print $2 }' "$PROC/self/mounts" | sort -r)
  done
}

# clean_network: k3s' own interfaces and packet filter rules.
clean_network() {
  local link tool name pods rules
  for name in "$ROOT"/run/netns/cni-*; do
    [[ -e $name ]] && umount -- "$name" 2>/dev/null && rm -f -- "$name"
  done
  for link in cni0 flannel.1 flannel-v6.1 kube-ipvs0 flannel-wg flannel-wg-v6; do
    [[ -e $SYS/class/net/$link ]] && ip link delete "$link" 2>/dev/null
  done
  pods=$(sed -n 's/^FLANNEL_NETWORK=//p' "$ROOT/run/flannel/subnet.env" 2>/dev/null)
  for tool in iptables ip6tables; do
    command -v "$tool-save" >/dev/null || continue
    rules=$("$tool-save" 2>/dev/null)
    [[ $(foreign_rules "$pods" <<<"$rules") == "$rules" ]] || foreign_rules "$pods" <<<"$rules" | "$tool-restore" 2>/dev/null
  done
  return 0
}

# foreign_rules PODS: the rules on standard input that are not k3s'. Its chains have names of their own; older
# releases of flannel also accept, return and masquerade what comes from or goes to the pods' network PODS.
foreign_rules() {
  local pods=${1:-none}
  grep -vE "KUBE-|CNI-|FLANNEL|flannel" |
    grep -vE -- "^-A (FORWARD|POSTROUTING) .*-[sd] ${pods//./\\.} .*-j (ACCEPT|RETURN|MASQUERADE)( |\$)"
}

# stop_for_good: the service is disabled and stopped; it can never rejoin by itself.
stop_for_good() {
  systemctl disable --quiet "$UNIT" 2>/dev/null
  systemctl stop "$UNIT" 2>/dev/null
  systemctl reset-failed "$UNIT" 2>/dev/null
  end_kube_vips
  kill_containers
  # what containers and pods have mounted; a disk that the user gave to containerd or to images stays
  unmount_below "$ROOT/run/k3s" "$DATA"/agent/containerd/* "$ROOT/var/lib/kubelet/pods" "$ROOT/var/lib/kubelet/plugins"
  clean_network
}

# wipe_data: what k3s wrote, and nothing of the user's (own.sh). The node password stays: the cluster may have learned
# it, would refuse another one, and an agent cannot make it forget.
wipe_data() {
  remove_own "$DATA"
  remove_own_elsewhere
  drop_empty "${DATA%/*}"
  rm -rf -- "$RUNNING" "$CORDONED_HERE" "$APPLIED" "$KEPT_KEYS"
}

# wipe_files: the rest: unit, configuration, binary.
wipe_files() {
  local name
  rm -f -- "$UNIT_DIR/k3s.service" "$UNIT_DIR/k3s-agent.service"
  systemctl daemon-reload 2>/dev/null
  rm -f -- "$CONFIG" "$JOIN" "$MARKER" "$NODE_PASSWORD" "${NODE_PASSWORD%/*}/id"
  drop_directories
  for name in kubectl crictl ctr; do
    [[ $(readlink "${K3S%/*}/$name") == *k3s ]] && rm -f -- "${K3S%/*}/$name"
  done
  rm -f -- "$K3S" "${K3S%/*}"/.k3s.*.part "${K3S%/*}"/.k3s.*.checked "${K3S%/*}"/k3s-*uninstall.sh "${K3S%/*}"/k3s-killall.sh
  return 0
}

# begin_new: this node has nothing of k3s; when the run fails, it has nothing again, and what the user has laid is as it
# is now. Survives a kill.
begin_new() {
  if [[ $FRESH == yes || -e $BEFORE/new ]]; then
    [[ $FRESH == no ]] || note_laid
    mkdir -p "$BEFORE" && : >"$BEFORE/new"
    UNDO_FIRST=wipe_new UNDO_LAST=drop_directories
  else
    UNDO_LAST=back_to_work
  fi
}

# wipe_new: the undo of a new node. It leaves the cluster first, while its own member still counts. A
# server that may be a voter and cannot leave is kept: its data may be what the majority hangs on.
wipe_new() {
  ((ACTING)) || [[ -n $UNFINISHED ]] || return 0
  if ! leave_again; then
    UNDO=() UNDO_LAST=""
    UNDONE+=("NOT undone, on purpose: this server may already be a voter and could not leave ($REPLY); it stays, with its service enabled. Run again")
    return 0
  fi
  stop_for_good
  wipe_data
  # a server can make the cluster forget its password (clear.sh), so it need not keep one; an agent must
  [[ $UNIT == k3s.service && ! -e $BEFORE/agent ]] && ! laid_before "$NODE_PASSWORD" && rm -f -- "$NODE_PASSWORD"
  rm -f -- "$UNIT_DIR/$UNIT"
  systemctl daemon-reload 2>/dev/null
  UNDONE+=("the service, its data and its membership are gone; files that k3s did not write stay")
}

# leave_again: the member and the Node that this run brought into a living cluster leave it. Fails,
# with the reason in REPLY, when a member that may be a voter could not be taken out.
leave_again() {
  local url=${LIVING[0]:-} etcd line id name learner where
  if [[ -z $url ]]; then
    [[ ! -d $ETCD_DATA/member/wal ]] || grep -qs '^cluster-init:' "$JOIN" && return 0
    REPLY="no other server answers"
    return 1
  fi
  [[ -s $ETCD_TLS/client.key ]] || return 0
  host_of "$url" && url_of "$REPLY" "$ETCD_PORT" && etcd=$REPLY
  if ! etcd_members "$etcd"; then
    [[ ! -d $ETCD_DATA/member/wal ]]
    return
  fi
  for line in "${MEMBERS[@]}"; do
    read -r id name learner where <<<"$line"
    node_of "$name"
    [[ $REPLY == "${ARG[name]}" || $where == "${ARG[address]}" ]] || continue
    etcd_remove "$etcd" "$id" || return 1
    UNDONE+=("the etcd member $name ($([[ $learner == 1 ]] && echo learner || echo voter)) left the cluster")
  done
  [[ -s $ADMIN_KUBECONFIG && -x $K3S ]] && kube --at "$url" delete node "${ARG[name]}" --ignore-not-found --wait=false >/dev/null 2>&1
  return 0
}

# drop_directories: the last of the undo of a new node: the directories of the files that went.
drop_directories() {
  drop_empty "${JOIN%/*}" "$ETC" "${NODE_PASSWORD%/*}" "${ETC%/*}" "${DATA%/*}"
}
