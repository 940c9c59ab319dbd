# shellcheck shell=bash disable=SC2034  # facts, read by the other files
# Questions to the Kubernetes API, as the cluster's administrator, with `k3s kubectl`.

# kube [--at URL] ARGUMENT...: kubectl against this server, or against the one at URL.
kube() {
  local at=()
  if [[ ${1:-} == --at ]]; then
    at=(--server "$2")
    shift 2
  fi
  timeout 90 "$K3S" kubectl --kubeconfig "$ADMIN_KUBECONFIG" --request-timeout 20s "${at[@]}" "$@" 9>&-
}

# node_facts URL NAME: NODE_ID (machine-id, empty without a Node, `deleting` when it is on its way
# out), NODE_READY yes|no, NODE_ADDRESS, NODE_PASSWORD_KEPT yes|no (its password secret is there). Fails when the API
# does not answer. One question for both: to start kubectl takes longer than to answer it.
node_facts() {
  local found kind deleting id ready address
  found=$(kube --at "$1" --namespace kube-system get "node/$2" "secret/${2,,}.node-password.k3s" --ignore-not-found \
    -o jsonpath='{range .items[*]}{.kind}|{.metadata.deletionTimestamp}|{.status.nodeInfo.machineID}|{.status.conditions[?(@.type=="Ready")].status}|{.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}' 2>/dev/null) || return 1
  NODE_ID="" NODE_ADDRESS="" NODE_READY=no NODE_PASSWORD_KEPT=no
  while IFS='|' read -r kind deleting id ready address; do
    case $kind in
      Secret) NODE_PASSWORD_KEPT=yes ;;
      Node)
        NODE_ADDRESS=$address NODE_ID=${id:-never-reported}
        [[ $ready == True ]] && NODE_READY=yes
        [[ -z $deleting ]] || NODE_ID=deleting NODE_READY=no
        ;;
    esac
  done <<<"$found"
  return 0
}

# delete_node URL NAME: the Node, and the password secret that binds its name to a machine. k3s holds a
# Node back until it has taken its member out of etcd; its controllers do that once they have a leader,
# which takes a minute or two when the lost server was theirs. The callers have removed the member
# already, so after 15 s the Node is released.
delete_node() {
  if ! kube --at "$1" delete node "$2" --ignore-not-found --timeout=15s >/dev/null 2>&1; then
    release_node "$1" "$2" || return 1
    kube --at "$1" delete node "$2" --ignore-not-found --timeout=15s >/dev/null || return 1
  fi
  delete_password "$1" "$2"
}

# release_node URL NAME: k3s' own finalizers (and nobody else's) are taken off the Node.
release_node() {
  local held others=()
  held=$(kube --at "$1" get node "$2" --ignore-not-found -o jsonpath='{range .metadata.finalizers[*]}{@}{"\n"}{end}') || return 1
  mapfile -t others < <(grep -v '^wrangler\.cattle\.io/' <<<"$held" | grep .)
  json_list "${others[@]}"
  kube --at "$1" patch node "$2" --type merge --patch "{\"metadata\":{\"finalizers\":$REPLY}}" >/dev/null
}

# drop_password URL NAME: the password secret goes, where node_facts has just seen one.
drop_password() {
  [[ $NODE_PASSWORD_KEPT == no ]] || delete_password "$1" "$2"
}

# delete_password URL NAME
delete_password() {
  kube --at "$1" --namespace kube-system delete secret "${2,,}.node-password.k3s" --ignore-not-found >/dev/null
}
