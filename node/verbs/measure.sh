# shellcheck shell=bash disable=SC2034,SC2153  # NODE_NAME is read by log.sh; FRESH stands in observe.sh
# measure: what a machine and its network can do, before anything is changed. A conversation, since all machines listen
# before the first one measures, and end it when the last one has: a line of JSON when this one listens, one when it was
# told `measure` and has, one when it was told `end`. Where k3s was ever, its ports are its own, and its disk is in use:
# there only the way to others is measured.

verb_measure() {
  parse_args "name role peer server deadline" "vxlan" "$@"
  require name role
  NODE_NAME=${ARG[name]}
  scratch || refuse "no room in $ROOT/run, which lies in memory"
  trap 'end_listening; rm -rf -- "$SCRATCH"' EXIT
  observe_k3s
  begin_listening
  await_word measure
  measure_ways
  await_word end
  end_listening
  answer_heard
}

# await_word WORD: until the caller says WORD. When it is gone so is everything that was begun here.
await_word() {
  local said=""
  IFS= read -r -t "$LISTEN_SECONDS" said
  [[ $said == "$1" ]] || refuse "the other side said '${said//[^[:print:]]/?}', expected '$1': it was ended, or took more than $LISTEN_SECONDS s"
}

begin_listening() {
  local out=() new=false heard=false
  TAKEN=() FREE=()
  if [[ $FRESH == yes ]]; then
    new=true
    look_at_ports "${ARG[role]}"
    if [[ -n ${ARG[vxlan]:-} ]]; then
      if socket_on udp "$VXLAN_PORT"; then owner_of "$REPLY" && TAKEN+=("udp $VXLAN_PORT $REPLY"); else heard=true; fi
    fi
    listen "$heard" || FREE=() heard=false # nobody is blamed for what does not listen
  fi
  json_string "${ARG[name]}" && out+=(node "$REPLY" new "$new")
  json_list "${TAKEN[@]}" && out+=(taken "$REPLY")
  printf -v REPLY '%s,' "${FREE[@]}"
  out+=(listens "[${REPLY%,}]" vxlan "$heard")
  json_object "${out[@]}"
  answer "$REPLY"
}

measure_ways() {
  local out=() lines=() disk=null
  [[ -z ${ARG[vxlan]:-} ]] || call_on_vxlan
  knock_peers
  mapfile -t lines <"$SCRATCH/knocks"
  [[ ${ARG[role]} == server && $FRESH == yes ]] && disk_json && disk=$REPLY
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_list "${lines[@]}" && out+=(knocks "$REPLY" disk "$disk")
  json_object "${out[@]}"
  answer "$REPLY"
}

# disk_json: what the disk under etcd is and does, in REPLY.
disk_json() {
  local out=() micros
  sync_latency
  micros=${REPLY:-null}
  medium_of "$(df --output=source -- "$(nearest_directory "$DATA/server/db")" | tail -n 1)"
  json_string "$REPLY" && out+=(medium "$REPLY" syncMicros "$micros")
  json_object "${out[@]}"
}

answer_heard() {
  local out=() lines=()
  mapfile -t lines < <(sort -u "$SCRATCH/heard" 2>/dev/null | head -n 1000)
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_list "${lines[@]}" && out+=(heard "$REPLY")
  json_object "${out[@]}"
  answer "$REPLY"
}
