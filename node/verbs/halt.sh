# shellcheck shell=bash disable=SC2034  # NODE_NAME and UNIT are read by the library
# halt: this server is stopped for a restore, and does not start by itself until its step `server` has
# set its data aside and joined it again. Once for each restore: --again, which stands in every run but
# the first one, stops nothing that is past it.

verb_halt() {
  local found again out=()
  parse_args "id:name name deadline" "again" "$@"
  require id name
  NODE_NAME=${ARG[name]} again=${ARG[again]:-no}
  unit_of server && UNIT=$REPLY
  begin_verb halt
  restore_record "${ARG[id]}"
  found=$REPLY
  decide_halt "$found" "$again"
  [[ $REPLY == halt ]] && step halt halt_server
  finish_step ok
  restore_record "${ARG[id]}"
  json_or_null "$REPLY" && out+=(state "$REPLY")
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_list "${CHANGED[@]}" && out+=(changed "$REPLY")
  json_object "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}

# halt_server: disabled and stopped; a machine that never ran k3s is only noted.
halt_server() {
  observe_k3s
  [[ $K3S_HERE == no || $MARKED == yes ]] || refuse "a k3s that this program did not install is here; it is not stopped"
  [[ $ROLE != agent ]] || refuse "this node is a k3s agent; only servers are halted"
  service_state
  [[ $STATE_WORD == other ]] || changed service
  act
  on_failure go_on
  note_state halted
  [[ $ROLE == server ]] || return 0
  systemctl disable --quiet "$UNIT" 2>/dev/null
  seconds_left
  timeout "$REPLY" systemctl stop "$UNIT" || die "$UNIT could not be stopped within $REPLY s; see journalctl -u $UNIT"
  systemctl reset-failed "$UNIT" 2>/dev/null
  service_state
  [[ $STATE_WORD == other ]] || die "$UNIT is $STATE_WORD again after it was stopped: who starts it?"
}

# go_on: undoes halt_server.
go_on() {
  rm -f -- "$RECORD/state"
  [[ $ROLE == server ]] || return 0
  systemctl enable --quiet "$UNIT" 2>/dev/null
  systemctl start --no-block "$UNIT" && UNDONE+=("$UNIT is started again")
}
