# shellcheck shell=bash disable=SC2034  # NODE_NAME, UNIT and WAS_ACTIVE are read by the library
# agent: this node is an agent of its cluster, with this version and this configuration.

JOIN_URL=""

verb_agent() {
  local out=()
  parse_args "name address version sha256-amd64 sha256-arm64 mirror upload join peer restored:name existing deadline drain-deadline rotate-certificates" "part-time" "$@"
  require name version join
  require_source
  NODE_NAME=${ARG[name]}
  unit_of agent && UNIT=$REPLY
  read_input
  begin_verb agent
  step observe observe_agent
  converts server && step leave leave_as_server
  converts server && step convert become_agent
  look_at_rotations
  step drain drain_before agent
  [[ -z $TAKING ]] || step migrate take_existing
  step binary put_binary
  step config put_agent_config
  step unit put_unit agent
  drop_watches
  rotate_due
  step start run_service check_agent
  step registered wait_registered
  step changed wait_changed
  [[ -z $TAKING ]] || step migrated finish_existing
  finish_rotations
  past_restore
  forget_before
  step uncordon uncordon_or_die
  finish_step ok
  json_string "${ARG[version]}" && out+=(version "$REPLY")
  json_string "${ARG[name]}" && out+=(node "$REPLY" role '"agent"')
  json_string "$JOIN_URL" && out+=(joined "$REPLY")
  json_list "${CHANGED[@]}" && out+=(changed "$REPLY")
  json_list "${UNDONE[@]}" && out+=(undone "$REPLY")
  json_object "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}

# observe_agent: preflight, and what an undo will have to bring back.
observe_agent() {
  preflight agent
  [[ $ROLE == server && -n ${ARG[part-time]:-} ]] && refuse "this node is a server, and a part-time agent may be off: leave partTime out until \`up\` has made it an agent"
  need_checksum
  check_existing
  service_state
  [[ $TAKING == replace ]] || observe_active
  choose_join
  same_cluster
  may_become_agent
  begin_new
}

# choose_join: JOIN_URL, the server that this agent is seeded with. What it has is kept while it is one
# of those given and the token is the same; else the first of --join and the peers that answers.
choose_join() {
  local peer candidates=("${ARG[join]}")
  for peer in "${PEERS[@]}"; do
    url_of "${peer#*=}" "$API_PORT" && candidates+=("$REPLY")
  done
  for JOIN_URL in "${candidates[@]}"; do
    joining "$JOIN_URL"
    same_file "$JOIN" "$REPLY" && return 0
  done
  for JOIN_URL in "${candidates[@]}"; do
    host_of "$JOIN_URL"
    tcp_probe "$REPLY" "${JOIN_URL##*:}"
    [[ $REPLY == open ]] && check_token && return 0
    say "the server at $JOIN_URL does not answer ($REPLY)"
  done
  refuse "no server answers; this agent has nobody to join. Bring a server up, or open TCP $API_PORT to it"
}

# same_cluster: an agent is adopted by its own cluster only.
same_cluster() {
  local hash=${TOKEN%%::*}
  [[ $TAKING == adopt && $OPEN_KIND == none && $TOKEN == K10* && -n $CLUSTER_CA && ${hash#K10} != "$CLUSTER_CA" ]] || return 0
  refuse "the k3s agent here belongs to another cluster (CA ${CLUSTER_CA:0:12}); only agents of this cluster can be adopted. Set existing: replace"
}

# check_token: whether the server at JOIN_URL answers; refuses when it does not accept our token.
check_token() {
  if ! peer_get "$JOIN_URL" /v1-k3s/config "$STATE/config.$$" node; then
    rm -f -- "$STATE/config.$$"
    [[ $REPLY == other-ca ]] && refuse_other_ca "$JOIN_URL"
    return 1
  fi
  rm -f -- "$STATE/config.$$"
  [[ $REPLY != 401 && $REPLY != 403 ]] || refuse "the server at $JOIN_URL does not accept this agent's token: another cluster, or the token was changed there. Nothing was changed here"
}

# put_agent_config: marker, config.yaml and the join file, which for an agent follows the arguments: the
# address in it is only a seed, and the token may have been rotated.
put_agent_config() {
  put_marker agent
  put_config
  joining "$JOIN_URL" && put_join "$REPLY"
}

# drop_watches: after a restore the cluster's history is another one. What an agent that ran meanwhile has
# watched is of the old one, so its service is restarted, once.
drop_watches() {
  [[ -n ${ARG[restored]:-} && $WAS_ACTIVE == yes ]] || return 0
  restore_record "${ARG[restored]}"
  [[ -z $REPLY ]] || return 0
  say "the cluster was restored: this agent forgets what it has seen of it"
  act
  rm -f -- "$RUNNING"
  changed watches
}

# check_agent: ends the wait early when the cluster knows this node's name as another machine's.
check_agent() {
  every 5 rejected || return 0
  # not what it said before this run: the cluster may have been told since then to admit this machine
  local window=$((SECONDS - STARTED))
  journal_says "$(($(date +%s) - (window < 20 ? window : 20)))" 'Node password rejected' || return 0
  die "the cluster knows the name ${ARG[name]} as another machine's (\"Node password rejected\"): either this machine was reinstalled, then run on a server: k3s-node admit --node ${ARG[name]}=$MACHINE_ID; or two machines have this name, then rename one"
}

# wait_registered: until this node has the credentials that the cluster gives a kubelet, and the cluster
# knows its Node. Asked as the kubelet asks: over k3s' own load balancer, which knows all servers.
wait_registered() {
  local since=$SECONDS code="" url=""
  while :; do
    if [[ -s $DATA/agent/kubelet.kubeconfig && -s $DATA/agent/client-kubelet.key ]]; then
      url=$(sed -n 's/^ *server: *//p' "$DATA/agent/kubelet.kubeconfig" | head -n 1 | tr -d "\"'")
      code=$(curl --silent --noproxy '*' --max-time 8 --output /dev/null --write-out '%{http_code}' \
        --cacert "$DATA/agent/server-ca.crt" --cert "$DATA/agent/client-kubelet.crt" --key "$DATA/agent/client-kubelet.key" \
        "$url/api/v1/nodes/${ARG[name]}" 9>&-)
      [[ $code == 200 ]] && return 0
    fi
    seconds_left
    if ((REPLY <= 1)); then
      show_journal "$(($(date +%s) - (SECONDS - since) - 30))"
      die "the service is active, but the cluster ($url) does not know the Node ${ARG[name]} after $((SECONDS - since)) s (HTTP ${code:-none})"
    fi
    check_agent
    stay_alive
    pause "$POLL"
  done
}
