# shellcheck shell=bash disable=SC2034  # NODE_NAME and STEP_FILE are read by the library
# handover: keepalived here, if it runs, gives the endpoint's address over to kube-vip. kube-vip begins on every server by
# taking the address off the interface, and a keepalived that held it goes on announcing what it no longer has: nobody
# would answer until it is removed. So the address moves to the loopback interface, where the kernel answers for it as
# before and kube-vip does not look, and keepalived ends without a word to the others. endpoint-remove, which comes after
# kube-vip has the address, takes it from there.
# handover-undo: kube-vip goes again, or never came: keepalived has the address as before.

verb_handover() {
  parse_args "name address deadline" "" "$@"
  require name address
  NODE_NAME=${ARG[name]}
  if managed keepalived && systemctl is-active --quiet keepalived; then
    begin_handover handover
    step keepalived hold_on_loopback
    finish_step ok
  fi
  answer_handover
}

verb_handover_undo() {
  parse_args "name address deadline" "" "$@"
  require name address
  NODE_NAME=${ARG[name]}
  begin_handover handover-undo
  if managed keepalived && ! systemctl is-active --quiet keepalived; then
    act
    systemctl enable --quiet keepalived 2>/dev/null
    systemctl restart keepalived || die "keepalived does not start again; see journalctl -u keepalived"
    changed keepalived
  fi
  drop_from_loopback "${ARG[address]}"
  finish_step ok
  answer_handover
}

# begin_handover VERB: with a step file of its own, as fetch has: it may come before the step that changes k3s here.
begin_handover() {
  hold_node "$1"
  STEP_FILE=$STEP_FILE-handover
  : >"$STEP_FILE"
}

# hold_on_loopback: killed, keepalived neither takes the address away nor tells the others to take over, which are told to
# end at the same moment.
hold_on_loopback() {
  act
  on_failure systemctl start keepalived
  systemctl disable --quiet keepalived 2>/dev/null
  systemctl kill --signal=KILL keepalived
  systemctl stop keepalived 2>/dev/null
  systemctl reset-failed keepalived 2>/dev/null
  changed keepalived
  # asked only now: until it ended it could still take the address over from another machine
  interface_with "${ARG[address]}"
  if [[ -n $REPLY ]]; then
    write_file "$HELD_ADDRESS" 600 "${ARG[address]}"$'\n' || die "$HELD_ADDRESS cannot be written"
    ip address replace "${ARG[address]}/32" dev lo || die "the address ${ARG[address]} cannot be put on the loopback interface"
    say "${ARG[address]} is held on the loopback interface until kube-vip has it"
  fi
}

# drop_from_loopback ADDRESS
drop_from_loopback() {
  rm -f -- "$HELD_ADDRESS"
  [[ -n $(ip -o address show dev lo to "$1/32" 2>/dev/null) ]] || return 0
  ip address delete "$1/32" dev lo || say "warning: $1 is still on the loopback interface here; remove it by hand"
}

answer_handover() {
  local out=()
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_list "${CHANGED[@]}" && out+=(changed "$REPLY")
  json_object "${out[@]}"
  answer "$REPLY"
}
