# shellcheck shell=bash disable=SC2034  # NODE_NAME, UNIT and WAS_ACTIVE are read by the library
# agent: this node is an agent of its cluster, with this version and this configuration.

verb_agent() {
  local out=()
  parse_args "name address version sha256-amd64 sha256-arm64 mirror file join deadline" "" "$@"
  require name version join
  [[ -n ${ARG[mirror]:-}${ARG[file]:-} ]] || usage_error "--mirror or --file is missing"
  NODE_NAME=${ARG[name]}
  unit_of agent && UNIT=$REPLY
  read_input
  begin_verb agent
  step observe observe_agent
  step binary put_binary
  step config put_agent_config
  step unit put_unit agent
  step start run_service check_agent
  step registered wait_registered
  forget_before
  finish_step ok
  version_of "$K3S"
  json_string "$REPLY" && out+=(version "$REPLY")
  json_string "${ARG[name]}" && out+=(node "$REPLY" role '"agent"')
  json_string "${ARG[join]}" && out+=(joined "$REPLY")
  json_list "${CHANGED[@]}" && out+=(changed "$REPLY")
  json_list "${UNDONE[@]}" && out+=(undone "$REPLY")
  json_object "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}

observe_agent() {
  preflight agent
  need_checksum
  service_state
  [[ $STATE_WORD == other ]] || WAS_ACTIVE=yes
  begin_new
}

# put_agent_config: marker, config.yaml and the join file, which for an agent follows the arguments:
# its address is only a seed, and the token may have been rotated.
put_agent_config() {
  put_marker agent
  put_config
  joining "${ARG[join]}" && put_join "$REPLY"
}

# check_agent: ends the wait early when the cluster knows this node's name as another machine's.
check_agent() {
  ((SECONDS % 5 == 0)) || return 0
  journal "$(($(date +%s) - 20))" | grep -q 'Node password rejected' || return 0
  die "the cluster knows the name ${ARG[name]} as another machine's (\"Node password rejected\"): either this machine was reinstalled, then run on a server: k3s-node admit --node ${ARG[name]}=$MACHINE_ID; or two machines have this name, then rename one"
}

# wait_registered: until this node has the credentials that the cluster gives a kubelet, and they work.
wait_registered() {
  local since=$SECONDS code
  while :; do
    if [[ -s $DATA/agent/kubelet.kubeconfig && -s $DATA/agent/client-kubelet.key ]]; then
      code=$(curl --silent --noproxy '*' --max-time 8 --output /dev/null --write-out '%{http_code}' \
        --cacert "$DATA/agent/server-ca.crt" --cert "$DATA/agent/client-kubelet.crt" --key "$DATA/agent/client-kubelet.key" \
        "${ARG[join]}/api/v1/nodes/${ARG[name]}" 9>&-)
      [[ $code == 200 ]] && return 0
    fi
    seconds_left
    if ((REPLY <= 1)); then
      show_journal "$(($(date +%s) - (SECONDS - since) - 30))"
      die "the service is active, but the cluster at ${ARG[join]} does not know the Node ${ARG[name]} after $((SECONDS - since)) s (HTTP ${code:-none})"
    fi
    check_agent
    pause 1
  done
}
