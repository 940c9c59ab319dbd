# shellcheck shell=bash disable=SC2034,SC2154  # NODE_NAME is read by log.sh, SCRATCH by grpc.sh
# checkup: everything about this node that can be wrong, as facts; what they mean is decided elsewhere. It reads,
# takes no lock and writes no log; what it needs to put down lies in memory, since a disk may be full.

verb_checkup() {
  local part out=() parts=(machine service files records)
  parse_args "name role address nonce:sha256 vip:address services:names server peer deadline" "api s3" "$@"
  require name role address nonce
  NODE_NAME=${ARG[name]}
  scratch || refuse "no room in $ROOT/run, which lies in memory"
  observe_k3s
  [[ ${ARG[role]} == balancer ]] || parts+=(binary reach)
  [[ ${ARG[role]} == server ]] && parts+=(snapshots etcd restart)
  [[ -z ${ARG[api]:-} ]] || parts+=(api)
  [[ -z ${ARG[s3]:-} ]] || parts+=(away)
  # side by side: most of the time is spent on waiting
  for part in "${parts[@]}"; do
    "checkup_$part" >"$SCRATCH/part-$part" 2>/dev/null &
  done
  wait
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  for part in "${parts[@]}"; do
    REPLY=$(<"$SCRATCH/part-$part")
    out+=("$part" "${REPLY:-null}")
  done
  json_object "${out[@]}"
  answer "$REPLY"
}
