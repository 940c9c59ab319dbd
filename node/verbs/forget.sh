# shellcheck shell=bash disable=SC2034,SC2153  # a member is read whole; STATE stands in paths.sh
# What the cluster knows of a machine, put right from a living server.
# forget: a machine is gone for good (removed, or lost): its etcd member, Node and password secret go.
# admit:  machines are about to join as agents: where the cluster knows such a name from a machine
#         with another machine-id, that Node and its password go, and nothing else.
# Neither changes this node, so neither holds it: many may run here at the same time.

verb_forget() {
  local url=https://127.0.0.1:$API_PORT line id name learner where forgotten=()
  parse_args "name address role peer deadline" "" "$@"
  require name
  begin_elsewhere
  observe_k3s
  if [[ $K3S_HERE == no ]]; then
    say "nothing of k3s is here yet, so there is no cluster that could know ${ARG[name]}"
    answer_forget
    return
  fi
  need_server
  own_member_name
  node_of "$REPLY"
  [[ $REPLY == "${ARG[name]}" ]] && refuse "this is ${ARG[name]} itself; a server is forgotten by another one"
  etcd_members || { no_majority && refuse "$REPLY"; } || refuse "etcd here does not answer: $REPLY"
  members_of "${ARG[name]}" "${ARG[address]:-none}" "${MEMBERS[@]}"
  patiently node_facts "$url" "${ARG[name]}" || refuse "the API here does not answer"
  if [[ ${ARG[role]:-} == agent ]] && still_used; then
    say "${ARG[name]} is $REPLY; nothing is forgotten"
    answer_forget
    return
  fi
  refuse_alive
  act
  for line in "${STALE[@]}"; do
    read -r id name learner where <<<"$line"
    patiently etcd_remove "$LOCAL_ETCD" "$id" || die "the etcd member $name could not be removed: $REPLY"
    say "the etcd member $name at $where is removed"
    forgotten+=("member $name")
  done
  [[ -n $NODE_ID ]] && forgotten+=("node ${ARG[name]}")
  patiently delete_node "$url" "${ARG[name]}" || die "the Node ${ARG[name]} could not be deleted"
  answer_forget "${forgotten[@]}"
}

# begin_elsewhere: a run that changes the cluster and not this node.
begin_elsewhere() {
  NODE_NAME=${ARG[name]:-$NODE_NAME}
  mkdir -p "$STATE"
  outlive_caller
}

# need_server: refuses where there is no server to ask.
need_server() {
  [[ -s $ADMIN_KUBECONFIG && -d $ETCD_DATA/member ]] || refuse "this node is no running server; run this on a living server of the cluster"
}

# members_of NODE ADDRESS MEMBER...: STALE, the members of that machine, also one that never started. Pure.
members_of() {
  local node=$1 address=$2 line id name learner where
  shift 2
  STALE=()
  for line in "$@"; do
    read -r id name learner where <<<"$line"
    node_of "$name"
    [[ $REPLY == "$node" || $where == "$address" ]] && STALE+=("$line")
  done
  return 0
}

# kubelet_answers ADDRESS: whether a machine answers there as a Node.
kubelet_answers() {
  [[ -n ${1:-} ]] || return 1
  tcp_probe "$1" 10250
  [[ $REPLY == open ]]
}

# still_used: whether what was an agent is a server now, or lives; what it is in REPLY.
still_used() {
  if ((${#STALE[@]})); then
    REPLY="a server now"
  elif kubelet_answers "$NODE_ADDRESS"; then
    REPLY="a living Node at $NODE_ADDRESS"
  else
    return 1
  fi
}

# refuse_alive: a machine that lives is not forgotten.
refuse_alive() {
  local line id name learner where
  for line in "${STALE[@]}"; do
    read -r id name learner where <<<"$line"
    [[ $where == - ]] && continue
    url_of "$where" "$ETCD_PORT"
    etcd_status "$REPLY" && refuse "the etcd member $name at $where is alive: this machine is not lost. Take \`lost\` away; to remove the server, take its entry out of the stack"
  done
  kubelet_answers "$NODE_ADDRESS" && refuse "a kubelet answers as ${ARG[name]} at $NODE_ADDRESS: this machine is not lost. Stop it, or take \`lost\` away"
  return 0
}

# answer_forget FORGOTTEN...
answer_forget() {
  local out=()
  json_list "$@" && out+=(forgotten "$REPLY")
  json_string "${ARG[name]}"
  json_object node "$REPLY" "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}

verb_admit() {
  local url=https://127.0.0.1:$API_PORT item deleted=() out=()
  parse_args "node deadline" "" "$@"
  ((${#ADMITTED[@]})) || usage_error "--node NAME=MACHINE-ID is missing"
  begin_elsewhere
  need_server
  unit_of server && UNIT=$REPLY
  for item in "${ADMITTED[@]}"; do
    if [[ ${item#*=} == none ]]; then
      say "warning: ${item%%=*} has no machine-id, so a reinstalled machine cannot be told from the one before"
      continue
    fi
    admit_one "$url" "${item%%=*}" "${item#*=}"
  done
  json_list "${deleted[@]}" && out+=(deleted "$REPLY")
  json_object "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}

# admit_one URL NAME MACHINE-ID: adds to `deleted` of its caller.
admit_one() {
  local url=$1 name=$2 machine=$3 living=no
  unheard_of "$name" && return 0
  patiently node_facts "$url" "$name" || die "the API here does not answer"
  [[ $NODE_READY == yes ]] && kubelet_answers "$NODE_ADDRESS" && living=yes
  decide_node "$NODE_ID" "$machine" "$living"
  case $REPLY in
    twin) die "the Node $name is another living machine ($NODE_ADDRESS, machine-id $NODE_ID, wanted $machine); give one of them another name" ;;
    delete)
      act
      say "the machine of the Node $name was reinstalled: deleting the Node and its password"
      patiently delete_node "$url" "$name" || die "the stale Node $name could not be deleted"
      deleted+=("$name")
      ;;
    secret) patiently drop_password "$url" "$name" || die "the password secret of $name could not be deleted" ;;
  esac
}

# unheard_of NAME: whether the cluster surely knows neither a Node nor a password of this name. The usual answer for a
# new agent, without kubectl, which takes ten times as long to start.
unheard_of() {
  local path
  for path in "nodes/$1" "namespaces/kube-system/secrets/${1,,}.node-password.k3s"; do
    api GET "/api/v1/$path"
    [[ $API_STATUS == 404 ]] || return 1
  done
}
