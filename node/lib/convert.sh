# shellcheck shell=bash disable=SC2034  # UNIT, UNDO_FIRST and UNDO_LAST are read by the other files
# A node changes its role. What it was goes first, so that the rest is the way of a new node; its name, its
# password and the user's files stay. Interrupted anywhere, one more run of the same verb goes on.

# converts ROLE: whether this node is ours, has that role and shall have the other.
converts() {
  [[ $ROLE == "$1" && $MARKED == yes && -z $TAKING ]]
}

# become_server (verb server): an agent stops and loses its data, but its files are remembered: when it
# cannot join as a server it is an agent again.
become_server() {
  local file UNIT=k3s-agent.service
  drop_bar
  converts agent || [[ -e $BEFORE/agent ]] || return 0
  [[ $MEMBERSHIP == found ]] && refuse "this node is an agent, and no server of its cluster answers; it becomes a server only of the cluster that it is in. Bring a server up, then run again"
  converts agent && say "this agent becomes a server"
  converts agent && drain_own_pods
  act
  for file in "$UNIT_DIR/$UNIT" "$CONFIG" "$JOIN" "$MARKER"; do
    remember "$file"
  done
  converts agent && remember_as_agent
  : >"$BEFORE/agent"
  UNDO_FIRST=wipe_new UNDO_LAST=agent_again
  converts agent || return 0
  stop_for_good
  wipe_data
  rm -f -- "$UNIT_DIR/$UNIT" # the last: until then this node is an agent for the next run
  systemctl daemon-reload || die "systemctl daemon-reload failed"
  ROLE=none
  changed role
}

# agent_again: the last of the undo of an agent that could not become a server.
agent_again() {
  local tries=60 UNIT=k3s-agent.service
  systemctl daemon-reload
  systemctl enable --quiet "$UNIT" 2>/dev/null
  systemctl start --no-block "$UNIT"
  while ((tries-- > 0)); do
    service_state
    if [[ $STATE_WORD == active ]]; then
      UNDONE+=("$UNIT runs again: this node is an agent as before")
      uncordon || UNDONE+=("NOT done: the node may still be cordoned: $REPLY")
      return
    fi
    pause 1
  done
  UNDONE+=("NOT done: $UNIT did not come back within 60 s; see journalctl -u $UNIT")
}

# drain_own_pods: the pods move before the node does. One that is down has none that run.
drain_own_pods() {
  service_state
  if [[ $STATE_WORD == active ]] && patiently_for 20 look_at_self; then
    drain_self
  else
    say "this node's k3s does not answer; its pods cannot be moved before"
  fi
}

# may_become_agent (verb agent): refuses, before anything is touched, when the cluster needs this server.
may_become_agent() {
  converts server || return 0
  [[ $DATASTORE == etcd || $DATASTORE == none ]] || refuse "this server's datastore is $DATASTORE, which ends with it; it is not made an agent"
  may_it_leave
  [[ $LEAVING == last ]] && refuse "this server is the only voter of its cluster; its data would end with it. Let another server join first"
  return 0
}

# leave_as_server: its pods move, a snapshot, and out of etcd.
leave_as_server() {
  local UNIT=k3s.service
  drain_own_pods
  if [[ $LEAVING == yes ]]; then
    save_before
    act
    leave_etcd
  fi
}

# become_agent: a server that has left etcd stops and loses its data. It cannot be what it was again: when
# it fails to join as an agent, nothing of k3s is left here, and the next run goes on.
become_agent() {
  local UNIT=k3s.service
  say "this server becomes an agent"
  stop_for_good
  if [[ -n $VIA ]]; then
    await_others
    # k3s may hold a Node back for a while: dropped later, it would take the one of the new kubelet along
    url_of "$VIA" "$API_PORT"
    patiently delete_node "$REPLY" "${ARG[name]}" || die "the Node ${ARG[name]} could not be deleted through the server at $VIA; an agent of this name cannot register before it is gone. Run again"
  fi
  forget_before
  mkdir -p "$BEFORE" && : >"$BEFORE/new"
  UNDO=() UNDO_FIRST=wipe_new UNDO_LAST=drop_directories
  wipe_data
  rm -f -- "$CONFIG" "$JOIN" "$UNIT_DIR/$UNIT" # the unit: until then this node is a server for the next run
  rm -f -- "$MARKER" "$CORDONED_HERE" # its next Node is a new one
  drop_bar
  systemctl daemon-reload || die "systemctl daemon-reload failed"
  ROLE=none
  changed role
}
