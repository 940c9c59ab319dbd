# shellcheck shell=bash disable=SC2034  # NODE_NAME and STEP_FILE are read by the library
# fetch: the release is on this node and checked, beside the place where the step `server` or `agent`
# will put it, so that nobody waits for a download in the chain of servers. k3s itself is not touched, but for one that
# cannot start: the first server of the chain waits in vain while the others end at each start.

verb_fetch() {
  local out=()
  parse_args "name version sha256-amd64 sha256-arm64 mirror upload deadline" "" "$@"
  require name version
  require_source
  NODE_NAME=${ARG[name]}
  hold_node fetch
  # not the file of the steps that change k3s: what one of those left unfinished must stay to be seen
  STEP_FILE=$STEP_FILE-fetch
  : >"$STEP_FILE"
  observe_machine
  step stage stage_binary
  step passwords unblock_start
  finish_step ok
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_string "${ARG[version]}" && out+=(version "$REPLY")
  json_or_null "$MACHINE_ID" && out+=(machineId "$REPLY")
  json_object "${out[@]}"
  answer "$REPLY"
}
