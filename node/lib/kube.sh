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
# out), NODE_READY yes|no, NODE_ADDRESS. Fails when the API does not answer.
node_facts() {
  local line
  line=$(kube --at "$1" get node "$2" --ignore-not-found \
    -o jsonpath='{.metadata.deletionTimestamp}|{.status.nodeInfo.machineID}|{.status.conditions[?(@.type=="Ready")].status}|{.status.addresses[?(@.type=="InternalIP")].address}' 2>/dev/null) || return 1
  NODE_ID="" NODE_ADDRESS=${line##*|} NODE_READY=no
  [[ -n $line ]] || return 0
  [[ $line == *"|True|"* ]] && NODE_READY=yes
  NODE_ID=${line#*|}
  NODE_ID=${NODE_ID%%|*}
  [[ -n $NODE_ID ]] || NODE_ID=never-reported
  [[ $line == "|"* ]] || NODE_ID=deleting NODE_READY=no
  return 0
}

# delete_node URL NAME [SECONDS]: the Node, and the password secret that binds its name to a machine.
# Waits for k3s' finalizer, which needs k3s' controllers to have a leader (15 to 50 s when the lost
# server was theirs); default 75.
delete_node() {
  kube --at "$1" delete node "$2" --ignore-not-found --timeout="${3:-75}s" >/dev/null || return 1
  delete_password "$1" "$2"
}

# delete_password URL NAME
delete_password() {
  kube --at "$1" --namespace kube-system delete secret "${2,,}.node-password.k3s" --ignore-not-found >/dev/null
}
