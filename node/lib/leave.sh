# shellcheck shell=bash disable=SC2034  # a member is read whole
# A server leaves etcd for good: it is removed, or becomes an agent. It gives up its leadership first, can
# not come back by itself from then on, and its Node goes once the others are steady again.

VIA=""     # the address of a living voter that does what this one no longer can
VIA_ID=""  # its member's ID
LEFT=()    # the addresses of the healthy voters that stay
LEAVING="" # last, yes, gone (no member any more) or never (never was one)
REMOVED_BY_K3S=15 # seconds until the member is removed directly: 1.21 does not know the annotation

# may_it_leave: LEAVING, VIA and LEFT, from what etcd says here or, when it is down here, at a peer. Refuses
# when the others would have no majority.
may_it_leave() {
  local own peer url said="" line id name learner where voters=0
  LEAVING=never VIA="" LEFT=()
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
  [[ -n $REPLY ]] || LEAVING=gone
  for line in "${MEMBERS[@]}"; do
    read -r id name learner where <<<"$line"
    ((learner)) && continue
    ((voters++))
    [[ $name == "$own" ]] && continue
    url_of "$where" "$ETCD_PORT"
    if etcd_status "$REPLY"; then
      LEFT+=("$where")
      [[ -n $VIA ]] || VIA=$where VIA_ID=$id
    else
      said+="; $name at $where: $REPLY"
    fi
  done
  [[ $LEAVING == gone ]] && return 0
  may_leave "$voters" "${#LEFT[@]}"
  [[ $REPLY == quorum ]] && refuse "only ${#LEFT[@]} of the $((voters - 1)) other voters are healthy${said}; if this server left, the cluster would have no majority. Bring the others back, or declare a machine that is gone for good as lost, first"
  LEAVING=$REPLY
}

# send_pods_away: the pods of a node that goes for good find another place while it still runs. Those that do
# not within the time end with it.
send_pods_away() {
  service_state
  [[ $STATE_WORD == active ]] || return 0
  if ! patiently_for 10 look_at_self; then
    say "warning: the API does not answer for this Node; its pods end with it"
    return 0
  fi
  drain_within "${ARG[drain-deadline]:-300}" || say "warning: these pods end with the node, since they did not move within ${ARG[drain-deadline]:-300} s: $REPLY"
}

# leave_etcd: the member of this server leaves etcd, as k3s wants it: an annotation on its Node, which a
# server acts on.
leave_etcd() {
  local own url tries=0 id
  own_member_name && own=$REPLY
  hand_over
  bar_return
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
  [[ -z $REPLY ]] || die "the member $own is still listed after 60 s; it stays a server. Run again"
  UNDO=() # there is no way back any more, only on
  changed member
}

# hand_over: when this server leads etcd, another voter leads from now on: a leader that just goes costs an
# election, and the controllers of k3s end when writes take that long.
hand_over() {
  etcd_status && [[ $ETCD_LEADER == "$ETCD_ID" ]] || return 0
  if etcd_lead "$VIA_ID"; then
    say "handed the leadership of etcd over to the voter at $VIA"
  else
    say "warning: the leadership of etcd could not be handed over ($REPLY); the others elect a leader"
  fi
}

# bar_return: k3s here is neither started at boot nor again when it ends. A member that finds itself removed
# ends, and at its next start joins as a new one.
bar_return() {
  on_failure lift_bar
  systemctl disable --quiet k3s.service 2>/dev/null
  write_file "$NO_RETURN" 644 $'[Service]\nRestart=no\n' || die "$NO_RETURN cannot be written"
  systemctl daemon-reload || die "systemctl daemon-reload failed"
}

# lift_bar: undoes bar_return.
lift_bar() {
  systemctl enable --quiet k3s.service 2>/dev/null
  drop_bar
  UNDONE+=("k3s.service starts by itself again")
}

drop_bar() {
  [[ -e $NO_RETURN ]] || return 0
  rm -f -- "$NO_RETURN"
  rmdir -- "${NO_RETURN%/*}" 2>/dev/null
  systemctl daemon-reload 2>/dev/null
}

# others_steady: whether all healthy voters that stay have a leader, and the API answers through one.
others_steady() {
  local where
  for where in "${LEFT[@]}"; do
    url_of "$where" "$ETCD_PORT"
    etcd_status "$REPLY" || return 1
  done
  url_of "$VIA" "$API_PORT"
  kube --at "$REPLY" get --raw /readyz >/dev/null 2>&1
}

# await_others: until the others are steady, for half a minute at most.
await_others() {
  local tries=30
  while ((tries-- > 0)) && ! others_steady; do
    pause 1
  done
  return 0
}

# delete_own_node: the Node goes, once the others are steady. Through another server: this one is stopped.
delete_own_node() {
  await_others
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
