# shellcheck shell=bash disable=SC2034  # NODE_NAME is read by log.sh
# defrag: rewrites the database of this server's etcd, which gives the room of what was deleted back to the disk. The
# member answers nobody meanwhile, so every other voter must be well, and a leader hands its office over first.
# --compact gives up the history before; --disarm takes the alarm NOSPACE back afterwards.

verb_defrag() {
  local out=() before moved="" began ended
  parse_args "name deadline" "compact disarm" "$@"
  require name
  NODE_NAME=${ARG[name]}
  begin_verb defrag
  all_voters_well || refuse "$REPLY; a member that is defragmented answers nobody meanwhile, so all the others must"
  alarms_known || refuse "$REPLY"
  etcd_status || only_full || refuse "etcd here: $REPLY"
  room_for_copy || refuse "$REPLY"
  before=$ETCD_BYTES
  act
  [[ -z ${ARG[compact]:-} ]] || step compact give_up_history
  if [[ $ETCD_LEADER == "$ETCD_ID" ]] && ((${#VOTERS[@]} > 1)); then
    step lead lead_elsewhere
    moved=$REPLY
  fi
  now_us && began=$REPLY
  step defrag rewrite_database
  now_us && ended=$REPLY
  patiently_for 30 caught_up || die "etcd here is not what it was before after 30 s: $REPLY"
  [[ -z ${ARG[disarm]:-} ]] || step disarm take_alarms_back
  finish_step ok
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_or_null "$moved" && out+=(movedTo "$REPLY")
  json_object "${out[@]}" before "$before" after "$ETCD_BYTES" inUse "$ETCD_IN_USE" pauseMs "$(((ended - began) / 1000))"
  answer "$REPLY"
}

# room_for_copy: the new database is written beside the old one.
room_for_copy() {
  local free
  free=$(df --output=avail --block-size=1 -- "$ETCD_DATA" | tail -n 1) || return 0
  REPLY="$((free >> 20)) MiB are free below $ETCD_DATA, and the new database needs $((ETCD_IN_USE >> 20)) MiB beside the old one; make room first"
  ((free > ETCD_IN_USE))
}

# give_up_history: a database that is full because of its history gets smaller by nothing else. The API server does it
# every five minutes, but its own bookkeeping is a write, which a full database refuses.
give_up_history() {
  etcd_compact "$ETCD_REVISION" || die "the history before revision $ETCD_REVISION cannot be given up: $REPLY"
}

# lead_elsewhere: another voter leads, its node in REPLY: while a leader is rewritten nobody could write.
lead_elsewhere() {
  local line id name where
  for line in "${VOTERS[@]}"; do
    read -r id name where <<<"$line"
    [[ $id == "$ETCD_ID" ]] || break
  done
  etcd_lead "$id" || die "$name cannot lead: $REPLY"
  patiently_for 10 led_by "$id" || die "$name does not lead after 10 s"
  node_of "$name"
}

# led_by ID: whether that member leads, as this server knows it.
led_by() {
  etcd_status || only_full || return 1
  [[ $ETCD_LEADER == "$1" ]]
}

rewrite_database() {
  seconds_left
  etcd_defragment "$REPLY" || die "etcd here did not defragment its database: $REPLY. It goes on with the old one; look at the journal of k3s"
}

# caught_up: this server answers, knows a leader, and has applied what it has of the log. What is missing in REPLY.
caught_up() {
  etcd_status || only_full || return 1
  REPLY="$((ETCD_LOG - ETCD_APPLIED)) entries of the log are not applied yet"
  ((ETCD_LOG - ETCD_APPLIED < 100))
}

# take_alarms_back: only where there is room again, or the alarm would come back with the next write.
take_alarms_back() {
  local alarm
  ((ETCD_QUOTA == 0 || ETCD_BYTES < ETCD_QUOTA)) ||
    die "the database has $ETCD_BYTES bytes, its limit is $ETCD_QUOTA: the alarm NOSPACE stays. Delete what is not needed, or raise quota-backend-bytes"
  for alarm in "${ALARMS[@]}"; do
    etcd_disarm "${alarm% *}" || die "the alarm $alarm cannot be taken back: $REPLY"
  done
}
