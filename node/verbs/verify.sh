# shellcheck shell=bash disable=SC2016,SC2034  # a go-template has $ of its own; a member is read whole
# verify: what the whole cluster says. Every server a voter, no learner, no alarm, every Node Ready with a
# fresh lease. A voter beside those is said: it may be one that this run removes at its end. Runs on a
# server; changes nothing.

LEASE_FRESH=40 # seconds: a kubelet renews its lease every 10, the first time 10 after its Node registered, and is given up after 40

verb_verify() {
  local since=$SECONDS other
  parse_args "server agent deadline rotate-keys" "" "$@"
  require server
  [[ -s $ADMIN_KUBECONFIG ]] || refuse "this node is no running server: $ADMIN_KUBECONFIG is not here"
  mkdir -p "$STATE"
  while :; do
    look_at_etcd
    look_at_nodes
    look_at_keys
    if ((${#MISSING[@]} == 0)); then
      for other in "${OTHERS[@]}"; do
        say "warning: $other votes in etcd, but is no server of the stack. It is one that this run removes at its end; if not, it was never removed, or came back by itself: see docs/nodes.md"
      done
      answer_verify $((SECONDS - since))
      return 0
    fi
    seconds_left
    if ((REPLY <= 1)); then
      local item text=""
      for item in "${MISSING[@]}"; do
        text+="${text:+; }$item"
      done
      die "the cluster is not as it shall be after $((SECONDS - since)) s: $text"
    fi
    every 10 progress && say "waiting: ${MISSING[0]}$( ((${#MISSING[@]} > 1)) && echo " (and $((${#MISSING[@]} - 1)) more)")"
    pause 1
  done
}

# look_at_etcd: VOTERS, OTHERS (voters that are no server of the stack), LEADER; begins MISSING, what is not
# yet as it shall be.
look_at_etcd() {
  local line id name learner where wanted
  MISSING=() VOTERS=() OTHERS=() LEADER=""
  etcd_members || { MISSING+=("etcd here does not answer: $REPLY") && return; }
  etcd_status || MISSING+=("etcd here: $REPLY")
  for line in "${MEMBERS[@]}"; do
    read -r id name learner where <<<"$line"
    node_of "$name"
    if ((learner)); then
      MISSING+=("$name at $where is a learner")
    elif [[ $name == - ]]; then
      MISSING+=("the etcd member at $where never started")
    else
      VOTERS+=("$REPLY")
      [[ $id == "$ETCD_LEADER" ]] && LEADER=$REPLY
      [[ ,${ARG[server]}, == *",$REPLY,"* ]] || OTHERS+=("$name at $where")
    fi
  done
  for wanted in ${ARG[server]//,/ }; do
    [[ " ${VOTERS[*]} " == *" $wanted "* ]] || MISSING+=("$wanted is not a voter")
  done
  etcd_alarms && ((${#ALARMS[@]})) && MISSING+=("etcd has an alarm: ${ALARMS[*]}")
  return 0
}

# look_at_nodes: NODES, a line "NAME READY VERSION ROLES" each; adds to MISSING.
look_at_nodes() {
  local kind name rest now renewed wanted agents=${ARG[agent]:-} found=()
  declare -A renewal=() seen=()
  NODES=()
  printf -v now '%(%s)T' -1
  # one question for both: to start kubectl takes longer than to answer it
  while read -r kind name rest; do
    case $kind in
      Lease) renewed=$(date -d "$rest" +%s 2>/dev/null) && renewal[$name]=$((now - renewed)) ;;
      Node) found+=("$name $rest") ;;
    esac
  done < <(kube --namespace kube-node-lease get nodes,leases.coordination.k8s.io -o go-template='{{range .items}}{{.kind}} {{.metadata.name}} {{if eq .kind "Lease"}}{{.spec.renewTime}}{{else}}{{.metadata.creationTimestamp}} {{$ready := "Unknown"}}{{range .status.conditions}}{{if eq .type "Ready"}}{{$ready = .status}}{{end}}{{end}}{{$ready}} {{.status.nodeInfo.kubeletVersion}} {{range $key, $value := .metadata.labels}}{{$key}},{{end}}{{end}}{{"\n"}}{{end}}' 2>/dev/null)
  for wanted in "${found[@]}"; do
    judge_node "$wanted"
  done
  for wanted in ${ARG[server]//,/ } ${agents//,/ }; do
    [[ -n ${seen[$wanted]:-} ]] || MISSING+=("the Node $wanted is not registered")
  done
  return 0
}

# judge_node LINE: one of them, with what look_at_nodes knows. A Node that is younger than its first lease is Ready
# because its kubelet has just said so; both times are of the servers' clocks.
judge_node() {
  local name created ready version roles age why
  read -r name created ready version roles <<<"$1"
  seen[$name]=yes
  age=${renewal[$name]:-} why="its lease is $age s old"
  if [[ -z $age ]]; then
    created=$(date -d "$created" +%s 2>/dev/null) || created=0
    age=$((now - created)) why="it has no lease, $age s after it registered"
  fi
  if [[ ! ,${ARG[server]},${ARG[agent]:-}, == *",$name,"* ]]; then
    :
  elif [[ $ready != True ]]; then
    MISSING+=("the Node $name is not Ready ($ready)")
    ready=False
  elif ((age > LEASE_FRESH)); then
    MISSING+=("the Node $name is called Ready, but $why: its kubelet is not running, or its clock is off")
    ready=False
  fi
  NODES+=("$name $ready $version ${roles:--}")
}

# look_at_keys: once the encryption keys were rotated, all servers must encrypt Secrets with the same ones; adds
# to MISSING.
look_at_keys() {
  [[ -n ${ARG[rotate-keys]:-} ]] || return 0
  if ! encryption_state; then
    MISSING+=("k3s does not say how Secrets are encrypted: $REPLY")
  elif [[ $HASHES_MATCH == no ]]; then
    MISSING+=("not all servers encrypt Secrets with the same keys (k3s secrets-encrypt status)")
  fi
}

# roles_in LABELS: the roles among a Node's label keys (joined by commas), as a JSON array in REPLY.
roles_in() {
  local label roles=()
  for label in ${1//,/ }; do
    [[ $label == node-role.kubernetes.io/* ]] && roles+=("${label#*/}")
  done
  json_list "${roles[@]}"
}

# answer_verify SECONDS
answer_verify() {
  local line name ready version labels nodes="" out=()
  for line in "${NODES[@]}"; do
    read -r name ready version labels <<<"$line"
    out=()
    json_string "$name" && out+=(name "$REPLY")
    out+=(ready "$([[ $ready == True ]] && echo true || echo false)")
    json_string "$version" && out+=(version "$REPLY")
    roles_in "$labels" && out+=(roles "$REPLY")
    json_object "${out[@]}"
    nodes+="${nodes:+,}$REPLY"
  done
  out=()
  json_list "${VOTERS[@]}" && out+=(voters "$REPLY")
  json_or_null "$LEADER" && out+=(leader "$REPLY" nodes "[$nodes]")
  quorum_of "${#VOTERS[@]}" && out+=(quorum "$REPLY")
  json_object "${out[@]}" seconds "$1"
  answer "$REPLY"
}
