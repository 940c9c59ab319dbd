# shellcheck shell=bash disable=SC2034,SC2153  # NODE_NAME is read by log.sh; FRESH stands in observe.sh
# listen, measure, unlisten: what a machine and its network can do, before anything is changed. All machines listen
# before the first one measures, and end it when the last one has. Where k3s was ever, its ports are its own, and its
# disk is in use: there only the way to others is measured.

LISTEN_DIRECTORY=$ROOT/run/homelab-k3s-listen

verb_listen() {
  local out=() dir="" new=false heard=false
  parse_args "name role deadline" "vxlan" "$@"
  require name role
  NODE_NAME=${ARG[name]}
  TAKEN=() FREE=()
  observe_k3s
  if [[ $FRESH == yes ]]; then
    new=true
    # of a run that was killed: nothing listens for it any more
    find "${LISTEN_DIRECTORY%/*}" -maxdepth 1 -name "${LISTEN_DIRECTORY##*/}.*" -mmin +1 -exec rm -rf {} +
    look_at_ports "${ARG[role]}"
    dir=$(mktemp -d "$LISTEN_DIRECTORY.XXXXXX") || refuse "no room in $ROOT/run, which lies in memory"
    if [[ -n ${ARG[vxlan]:-} ]]; then
      if socket_on udp "$VXLAN_PORT"; then owner_of "$REPLY" && TAKEN+=("udp $VXLAN_PORT $REPLY"); else : >"$dir/vxlan"; fi
    fi
    if listen "$dir"; then
      [[ ! -e $dir/vxlan ]] || heard=true
    else
      FREE=() # nobody is blamed for what does not listen
    fi
  fi
  json_string "${ARG[name]}" && out+=(node "$REPLY" new "$new")
  json_list "${TAKEN[@]}" && out+=(taken "$REPLY")
  printf -v REPLY '%s,' "${FREE[@]}"
  out+=(listens "[${REPLY%,}]" vxlan "$heard")
  json_or_null "$dir" && out+=(place "$REPLY")
  json_object "${out[@]}"
  answer "$REPLY"
}

verb_measure() {
  local out=() lines=() disk=null
  parse_args "name role peer server deadline" "vxlan" "$@"
  require name role
  NODE_NAME=${ARG[name]}
  scratch || refuse "no room in $ROOT/run, which lies in memory"
  observe_k3s
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

verb_unlisten() {
  local out=() lines=() pid dir
  parse_args "name place:path deadline" "" "$@"
  require name place
  NODE_NAME=${ARG[name]} dir=${ARG[place]}
  [[ $dir == "$LISTEN_DIRECTORY".?????? ]] || usage_error "--place is not a directory of listen"
  while read -r pid; do
    kill -- "-$pid" 2>/dev/null
  done < <(cat "$dir/pids" 2>/dev/null)
  mapfile -t lines < <(sort -u "$dir/heard" 2>/dev/null | head -n 1000)
  rm -rf -- "$dir"
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_list "${lines[@]}" && out+=(heard "$REPLY")
  json_object "${out[@]}"
  answer "$REPLY"
}
