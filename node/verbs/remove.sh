# shellcheck shell=bash
# remove: this node leaves its cluster for good, and nothing of k3s stays on it. What is kept: our
# own logs, and what the last server saved to $LAST.

VIA=""        # the address of a living server that does what this one no longer can
REMOVED_BY_K3S=15 # seconds until the member is removed directly: 1.21 does not know the annotation
LEAVING=""    # last, yes, gone (no member any more) or never (never was one)

verb_remove() {
  local out=()
  parse_args "name role peer deadline" "" "$@"
  require role
  unit_of "${ARG[role]}" && UNIT=$REPLY
  [[ -n ${ARG[name]:-} ]] || ARG[name]=$(sed -nE 's/.*"node":"([^"]*)".*/\1/p' "$MARKER" 2>/dev/null)
  NODE_NAME=${ARG[name]:-$NODE_NAME}
  begin_verb remove
  step observe observe_removal
  if [[ $K3S_HERE == yes || $MARKED == yes ]]; then
    act
    if [[ ${ARG[role]} == server ]]; then
      step leave leave_cluster
    fi
    step stop stop_for_good
    [[ -n $VIA ]] && step node delete_own_node
    step wipe wipe_all
    changed removed
  fi
  finish_step ok
  json_string "$NODE_NAME" && out+=(node "$REPLY")
  json_string "${ARG[role]}" && out+=(role "$REPLY")
  json_string "${LEAVING:-never}" && out+=(left "$REPLY")
  json_or_null "$([[ $LEAVING == last ]] && echo "$LAST")" && out+=(kept "$REPLY")
  json_list "${CHANGED[@]}" && out+=(changed "$REPLY")
  json_object "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}

# observe_removal: is it ours, of this role, and may it leave? Refuses before anything is touched.
observe_removal() {
  observe_machine
  observe_k3s
  [[ $K3S_HERE == yes && $MARKED == no ]] && refuse "a k3s that this program did not install is here (role $ROLE); it is not removed"
  [[ $ROLE == none || $ROLE == "${ARG[role]}" ]] || refuse "this node is a k3s $ROLE, not a ${ARG[role]}; nothing was removed"
  [[ ${ARG[role]} == server && $K3S_HERE == yes ]] && may_it_leave
  return 0
}

# may_it_leave: LEAVING and VIA, from what etcd says here or, when it is down here, at a peer.
may_it_leave() {
  local own peer url said="" line id name learner where voters=0 healthy=0
  LEAVING=never
  own_member_name && own=$REPLY
  [[ $ETCD_HERE == yes && -n $own ]] || return 0
  if ! etcd_members; then
    said="here: $REPLY"
    MEMBERS=()
    for peer in "${PEERS[@]}"; do
      url_of "${peer#*=}" "$ETCD_PORT" && url=$REPLY
      etcd_members "$url" && break
      said+="; ${peer%%=*}: $REPLY"
    done
    if ((${#MEMBERS[@]} == 0 && ${#PEERS[@]} > 0)); then
      refuse "no etcd answers ($said), so this server cannot leave its cluster. Start k3s on a majority of the servers and run again; or, if the cluster is given up, remove k3s from the nodes by hand"
    fi
    ((${#MEMBERS[@]} == 0)) && MEMBERS=("0 $own 0 -")
  fi
  own_line "$own" "${MEMBERS[@]}"
  if [[ -z $REPLY ]]; then
    LEAVING=gone
  fi
  for line in "${MEMBERS[@]}"; do
    read -r id name learner where <<<"$line"
    ((learner)) && continue
    ((voters++))
    [[ $name == "$own" ]] && continue
    url_of "$where" "$ETCD_PORT"
    if etcd_status "$REPLY"; then
      ((healthy++))
      VIA=${VIA:-$where}
    fi
  done
  [[ $LEAVING == gone ]] && return 0
  may_leave "$voters" "$healthy"
  [[ $REPLY == quorum ]] && refuse "only $healthy of the $((voters - 1)) other voters are healthy; if this server left, the cluster would have no majority. Bring the others back first"
  LEAVING=$REPLY
}

# leave_cluster: the last server saves its data; any other leaves etcd, as k3s wants it: an annotation
# on its Node, which a server acts on.
leave_cluster() {
  case $LEAVING in
    last) save_last ;;
    yes) leave_etcd ;;
    *) say "this node is no member of etcd; there is nothing to leave" ;;
  esac
}

# leave_etcd
leave_etcd() {
  local own url tries=0 id
  own_member_name && own=$REPLY
  url_of "$VIA" "$API_PORT" && url=$REPLY
  say "asking k3s to take the member $own out of etcd (through $url)"
  kube --at "$url" annotate node "${ARG[name]}" etcd.k3s.cattle.io/remove=true --overwrite >/dev/null ||
    say "warning: the Node ${ARG[name]} could not be annotated; the member is removed directly"
  url_of "$VIA" "$ETCD_PORT" && url=$REPLY
  while ((tries++ < 60)); do
    if etcd_members "$url"; then
      own_line "$own" "${MEMBERS[@]}"
      [[ -z $REPLY ]] && break
      if ((tries == REMOVED_BY_K3S)); then
        read -r id _ <<<"$REPLY"
        say "k3s has not removed the member after $tries s; removing it directly"
        etcd_remove "$url" "$id"
      fi
    fi
    pause 1
  done
  own_line "$own" "${MEMBERS[@]}"
  [[ -z $REPLY ]] || die "the member $own is still listed after 60 s; nothing was removed from this node. Run again"
  changed member
}

# save_last: a snapshot and the token, outside what is wiped.
save_last() {
  local name
  printf -v name 'last-%(%Y%m%dT%H%M%SZ)T' -1
  mkdir -p "$LAST" || die "$LAST cannot be made"
  say "this is the last server: its data goes to $LAST"
  if etcd_status; then
    save_snapshot "${name,,}" || die "$REPLY"
    cp -- "$SAVED" "$LAST/$name" || die "the last snapshot cannot be copied to $LAST; is the disk full?"
  else
    say "warning: etcd does not answer ($REPLY); its data directory is kept as it is"
    systemctl stop "$UNIT"
    cp -a -- "$ETCD_DATA" "$LAST/$name" || die "$ETCD_DATA cannot be copied to $LAST; is the disk full?"
  fi
  write_file "$LAST/$name.token" 600 "$(cat "$DATA/server/token")" || die "the token cannot be written to $LAST"
  sync "$LAST/$name" 2>/dev/null
}

# delete_own_node: the Node goes, once a leader is there again. Through another server: this one is stopped.
delete_own_node() {
  local url tries=30
  url_of "$VIA" "$ETCD_PORT" && url=$REPLY
  while ((tries-- > 0)) && ! etcd_status "$url"; do
    pause 1
  done
  url_of "$VIA" "$API_PORT"
  kube --at "$REPLY" delete node "${ARG[name]}" --ignore-not-found --timeout=15s >/dev/null 2>&1
  delete_password "$REPLY" "${ARG[name]}"
  node_facts "$REPLY" "${ARG[name]}"
  case $NODE_ID in
    deleting) say "the Node ${ARG[name]} is marked as deleted; k3s drops it as soon as its controllers have a leader again" ;;
    "") ;;
    *) say "warning: the Node ${ARG[name]} could not be deleted; delete it with kubectl" ;;
  esac
}

# wipe_all
wipe_all() {
  wipe_data
  rm -rf -- "$DATA/agent/images"
  rmdir -- "$DATA/agent" "$DATA" "${DATA%/*}" 2>/dev/null
  wipe_files
  rm -rf -- "$RUNNING" "$RESTORES"
  forget_before
}
