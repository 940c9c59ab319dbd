# shellcheck shell=bash disable=SC2016  # a go-template has $ of its own
# What a node says of the others: etcd, the API, and whether their ports answer. As in checkup.sh each function prints
# one JSON value, and reads only.

# checkup_etcd: members, leader and alarms as this server's etcd knows them, and those of its metrics that say how it
# fares. k3s serves them on 127.0.0.1:2381, to this node only. Where etcd does not run, whom its database names.
checkup_etcd() {
  local out=() problem="" metrics=() there=()
  # without a majority it still knows who the members were
  etcd_members || { problem=$REPLY && etcd_members "" alone; } || MEMBERS=()
  json_or_null "$problem" && out+=(problem "$REPLY")
  json_list "${MEMBERS[@]}" && out+=(members "$REPLY")
  ((${#MEMBERS[@]} == 0)) && peers_on_disk && [[ -n $REPLY ]] && mapfile -t there <<<"$REPLY"
  json_list "${there[@]:0:64}" && out+=(onDisk "$REPLY")
  etcd_status
  json_or_null "${ETCD_ID:-}" && out+=(id "$REPLY")
  [[ ${ETCD_LEADER:-0} != 0 ]] || ETCD_LEADER=""
  json_or_null "$ETCD_LEADER" && out+=(leader "$REPLY")
  etcd_alarms || ALARMS=()
  json_list "${ALARMS[@]}" && out+=(alarms "$REPLY")
  mapfile -t metrics < <(curl --silent --noproxy '*' --max-time 3 http://127.0.0.1:2381/metrics |
    grep -E '^etcd_(disk_wal_fsync_duration_seconds_bucket|network_peer_round_trip_time_seconds_bucket|mvcc_db_total_size_in(_use_in)?_bytes|server_quota_backend_bytes)' | head -n 300)
  json_list "${metrics[@]}" && out+=(metrics "$REPLY")
  json_object "${out[@]}"
  echo "$REPLY"
}

# checkup_restart: the files that would end the next start of this server's k3s, or why that cannot be told.
checkup_restart() {
  local out=() problem="" newer=()
  if compare_bootstrap_data; then newer=("${NEWER[@]#"$ROOT"}"); else problem="HTTP $REPLY"; fi
  json_or_null "$problem" && out+=(problem "$REPLY")
  json_list "${newer[@]}" && out+=(newer "$REPLY")
  json_object "${out[@]}"
  echo "$REPLY"
}

# checkup_api: every Node as `NAME|READY|VERSION|CORDONED|SILENT|KEYS`, where CORDONED is yes, no, or ours when this program
# did it, SILENT the seconds since its lease was renewed (without a lease: since it registered) by this node's clock, and
# KEYS what its encryption keys are called.
checkup_api() {
  local name renewed now created line lines=()
  local -A silent=()
  printf -v now '%(%s)T' -1
  kube --namespace kube-node-lease get leases -o jsonpath='{range .items[*]}{.metadata.name} {.spec.renewTime}{"\n"}{end}' >"$SCRATCH/leases" 2>/dev/null &
  kube get nodes -o go-template='{{range .items}}{{.metadata.creationTimestamp}}|{{.metadata.name}}|{{$ready := "Unknown"}}{{range .status.conditions}}{{if eq .type "Ready"}}{{$ready = .status}}{{end}}{{end}}{{$ready}}|{{.status.nodeInfo.kubeletVersion}}|{{$cordoned := "no"}}{{if .spec.unschedulable}}{{$cordoned = "yes"}}{{with .metadata.annotations}}{{if index . "'"$CORDON_ANNOTATION"'"}}{{$cordoned = "ours"}}{{end}}{{end}}{{end}}{{$cordoned}}|{{with .metadata.annotations}}{{index . "k3s.io/encryption-config-hash"}}{{end}}{{"\n"}}{{end}}' >"$SCRATCH/nodes" 2>/dev/null || { wait && return; }
  wait
  while read -r name renewed; do
    [[ -n $renewed ]] && renewed=$(date -d "$renewed" +%s 2>/dev/null) && silent[$name]=$((now - renewed))
  done <"$SCRATCH/leases"
  while IFS='|' read -r created name line; do
    [[ -n ${silent[$name]:-} ]] || silent[$name]=$((now - $(date -d "$created" +%s 2>/dev/null || echo 0)))
    lines+=("$name|${line%|*}|${silent[$name]}|${line##*|}")
  done <"$SCRATCH/nodes"
  json_list "${lines[@]}"
  echo "$REPLY"
}

# checkup_reach: how the ports that k3s needs of the others answer from here, a line of `knock` each.
checkup_reach() {
  local lines=()
  knock_peers
  mapfile -t lines <"$SCRATCH/knocks"
  json_list "${lines[@]}"
  echo "$REPLY"
}
