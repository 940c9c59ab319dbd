# shellcheck shell=bash disable=SC2034  # NODE_NAME is read by log.sh
# inspect: the facts of a node, and a refusal when it cannot become what it shall. Changes nothing,
# takes no lock, writes no log.

verb_inspect() {
  local facts=()
  parse_args "name role address existing version restore:name deadline" "" "$@"
  require name role address
  NODE_NAME=${ARG[name]}
  preflight "${ARG[role]}"
  firewall_warnings "${ARG[role]}"
  local warning
  for warning in "${WARNINGS[@]}"; do
    say "warning: $warning"
  done
  # what is here is on its way out: nothing is decided by it
  [[ $TAKING == replace ]] && ROLE=none VERSION_FOUND="" DATASTORE=none CLUSTER_CA=""
  json_string "${ARG[name]}" && facts+=(node "$REPLY")
  json_or_null "$OS_NAME" && facts+=(os "$REPLY")
  json_string "$ARCH" && facts+=(arch "$REPLY")
  facts+=(cores "$CORES" memoryMiB "$MEMORY_MIB" systemd "$SYSTEMD")
  json_or_null "$MACHINE_ID" && facts+=(machineId "$REPLY")
  json_or_null "$PRODUCT_UUID" && facts+=(productUuid "$REPLY")
  json_string "$ROLE" && facts+=(role "$REPLY")
  json_or_null "$VERSION_FOUND" && facts+=(version "$REPLY")
  json_string "$DATASTORE" && facts+=(datastore "$REPLY")
  json_or_null "$CLUSTER_CA" && facts+=(clusterCa "$REPLY")
  if [[ -n ${ARG[restore]:-} ]]; then
    restore_record "${ARG[restore]}"
    json_or_null "$REPLY" && facts+=(restore "$REPLY")
  fi
  facts+=(defaultRoute "$DEFAULT_ROUTE")
  json_string "$SELINUX" && facts+=(selinux "$REPLY")
  json_list "${WARNINGS[@]}" && facts+=(warnings "$REPLY")
  json_object "${facts[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}
