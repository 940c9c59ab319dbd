# shellcheck shell=bash
# What a lost or reinstalled machine left in the cluster under our name. k3s refuses to join
# beside it ("duplicate node name found", "Node password rejected"), but by then it has fetched
# this node's credentials from a living server: they are used to clear it away.

STALE=()        # members that bear our name or address and are not ours
NEW_PASSWORD=no # yes: this machine has no node password yet, so one in the cluster is not its own
CLEARED=no

# find_stale OWN-MEMBER ADDRESS NODE MEMBER...: STALE. Pure. A member that never started and has our
# address is taken over by k3s itself.
find_stale() {
  local own=$1 address=$2 node=$3 line id name learner where
  shift 3
  STALE=()
  for line in "$@"; do
    read -r id name learner where <<<"$line"
    [[ $name == "$own" || $name == - ]] && continue
    node_of "$name"
    [[ $REPLY == "$node" || $where == "$address" ]] && STALE+=("$id $name $learner $where")
  done
  return 0
}

# clear_once URL: clears what is stale through the server at URL, as soon as this node can. Called
# while k3s starts, again and again.
clear_once() {
  local url=$1
  [[ $CLEARED == yes || ! -s $ADMIN_KUBECONFIG || ! -s $ETCD_TLS/client.key ]] && return 0
  CLEARED=yes
  clear_members "$url"
  [[ $NEW_PASSWORD == yes ]] && clear_node "$url"
  return 0
}

# patiently COMMAND...: again and again for a minute. The machine that was lost may have led etcd, and
# nothing can be changed before another leads.
patiently() {
  patiently_for 60 "$@"
}

# clear_members URL
clear_members() {
  local line id name learner where answers etcd
  host_of "$1" && url_of "$REPLY" "$ETCD_PORT" && etcd=$REPLY
  for line in "${STALE[@]}"; do
    read -r id name learner where <<<"$line"
    answers=no
    if [[ $where != "${ARG[address]}" && $where != - ]]; then
      tcp_probe "$where" "$ETCD_PORT"
      [[ $REPLY == open ]] && answers=yes
    fi
    decide_stale "$where" "${ARG[address]}" "$answers"
    [[ $REPLY == twin ]] && die "the cluster has a living server $name at $where with this node's name; give this node another name, or remove that one first"
    say "removing the etcd member $name ($([[ $learner == 1 ]] && echo learner || echo voter), $where): it is of an earlier life of this node"
    patiently etcd_remove "$etcd" "$id" || die "the stale etcd member $name could not be removed: $REPLY"
    changed member
  done
}

# clear_node URL
clear_node() {
  local living=no
  patiently node_facts "$1" "${ARG[name]}" || die "the API at $1 does not answer; the Node of this node's earlier life could not be looked for"
  [[ $NODE_READY == yes && $NODE_ADDRESS != "${ARG[address]}" ]] && living=yes
  observed_machine_id
  decide_node "$NODE_ID" "$REPLY" "$living"
  case $REPLY in
    twin) die "another living machine ($NODE_ADDRESS) is the Node ${ARG[name]}; give this node another name, or remove that one first" ;;
    delete)
      say "deleting the Node ${ARG[name]} and its password: this machine was reinstalled"
      patiently delete_node "$1" "${ARG[name]}" || die "the stale Node ${ARG[name]} could not be deleted"
      changed node
      ;;
    keep | secret) patiently drop_password "$1" "${ARG[name]}" || die "the stale password secret of ${ARG[name]} could not be deleted" ;;
  esac
}

# observed_machine_id: what kubelet will report as this machine's id, in REPLY.
observed_machine_id() {
  REPLY=${MACHINE_ID:-none}
}
