# shellcheck shell=bash disable=SC2034  # NODE_NAME is read by log.sh
# fetch: the release is on this node and checked, beside the place where the step `server` or `agent`
# will put it, so that nobody waits for a download in the chain of servers. k3s itself is not touched.

verb_fetch() {
  local out=()
  parse_args "name version sha256-amd64 sha256-arm64 mirror upload deadline" "" "$@"
  require name version
  require_source
  NODE_NAME=${ARG[name]}
  take_lock fetch
  open_log fetch
  trap '' HUP PIPE
  trap 'interrupted TERM' TERM
  trap 'interrupted INT' INT
  observe_machine
  stage_binary
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_string "${ARG[version]}" && out+=(version "$REPLY")
  json_object "${out[@]}"
  answer "$REPLY"
}
