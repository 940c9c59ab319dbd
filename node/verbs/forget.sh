# shellcheck shell=bash disable=SC2034  # a member is read whole
# What the cluster knows of a machine, put right from a living server.
# forget: a machine is gone for good (removed, or lost): its etcd member, Node and password secret go.
# admit:  machines are about to join as agents: where the cluster knows such a name from a machine
#         with another machine-id, that Node and its password go, and nothing else.

# alive NAME: whether a machine answers as the Node NAME: its kubelet's port. Uses node_facts.
kubelet_answers() {
  [[ -n ${1:-} ]] || return 1
  tcp_probe "$1" 10250
  [[ $REPLY == open ]]
}

# here_api: this server's own API, in REPLY; refuses where there is none.
here_api() {
  [[ -s $ADMIN_KUBECONFIG && -d $ETCD_DATA/member ]] || refuse "this node is no running server; run this on a living server of the cluster"
  REPLY=https://127.0.0.1:$API_PORT
}

verb_forget() {
  local url line id name learner where own forgotten=() out=()
  parse_args "name address deadline" "" "$@"
  require name
  begin_verb forget
  here_api && url=$REPLY
  own_member_name && own=$REPLY
  etcd_members || refuse "etcd here does not answer: $REPLY"
  node_facts "$url" "${ARG[name]}" || refuse "the API here does not answer"
  find_stale "$own" "${ARG[address]:-none}" "${ARG[name]}" "${MEMBERS[@]}"
  node_of "$own"
  [[ $REPLY == "${ARG[name]}" ]] && refuse "this is ${ARG[name]} itself; a server is forgotten by another one"
  for line in "${STALE[@]}"; do
    read -r id name learner where <<<"$line"
    url_of "$where" "$ETCD_PORT"
    etcd_status "$REPLY" && refuse "the etcd member $name at $where is alive; remove that server itself instead of forgetting it"
  done
  kubelet_answers "$NODE_ADDRESS" && refuse "a kubelet answers as ${ARG[name]} at $NODE_ADDRESS; stop that machine, or remove the node itself"
  act
  for line in "${STALE[@]}"; do
    read -r id name learner where <<<"$line"
    etcd_remove "$LOCAL_ETCD" "$id" || die "the etcd member $name could not be removed: $REPLY"
    forgotten+=("member $name")
  done
  [[ -n $NODE_ID ]] && forgotten+=("node ${ARG[name]}")
  delete_node "$url" "${ARG[name]}" || die "the Node ${ARG[name]} could not be deleted"
  finish_step ok
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_list "${forgotten[@]}" && out+=(forgotten "$REPLY")
  json_object "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}

verb_admit() {
  local url item name machine living deleted=() out=()
  parse_args "node deadline" "" "$@"
  ((${#ADMITTED[@]})) || usage_error "--node NAME=MACHINE-ID is missing"
  begin_verb admit
  here_api && url=$REPLY
  for item in "${ADMITTED[@]}"; do
    name=${item%%=*} machine=${item#*=} living=no
    node_facts "$url" "$name" || die "the API here does not answer"
    [[ $NODE_READY == yes ]] && kubelet_answers "$NODE_ADDRESS" && living=yes
    decide_node "$NODE_ID" "$machine" "$living"
    case $REPLY in
      twin) die "the Node $name is another living machine ($NODE_ADDRESS, machine-id $NODE_ID, wanted $machine); give one of them another name" ;;
      delete)
        say "the machine of the Node $name was reinstalled: deleting the Node and its password"
        delete_node "$url" "$name" || die "the stale Node $name could not be deleted"
        deleted+=("$name")
        ;;
      secret) delete_password "$url" "$name" || die "the password secret of $name could not be deleted" ;;
    esac
  done
  finish_step ok
  json_list "${deleted[@]}" && out+=(deleted "$REPLY")
  json_object "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}
