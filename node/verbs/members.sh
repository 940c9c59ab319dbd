# shellcheck shell=bash disable=SC2034,SC2153  # NODE_NAME is read by log.sh; etcd.sh fills the arrays
# members: what the etcd of this server says of itself and of the members. Changes nothing, takes no lock, writes no log.

verb_members() {
  local out=() line id name learner where members="" leader="" alarms=()
  parse_args "name deadline" "" "$@"
  require name
  NODE_NAME=${ARG[name]}
  mkdir -p "$STATE"
  etcd_members || refuse "etcd here does not answer: $REPLY"
  etcd_status || only_full || refuse "etcd here: $REPLY"
  for line in "${MEMBERS[@]}"; do
    read -r id name learner where <<<"$line"
    node_of "$name"
    [[ $id == "$ETCD_LEADER" ]] && leader=$REPLY
    member_json "$REPLY" "$name" "$learner" "$where"
    members+="${members:+,}$REPLY"
  done
  etcd_alarms || refuse "etcd here does not say which alarms there are: $REPLY"
  for line in "${ALARMS[@]}"; do
    alarms+=("${line#* }")
  done
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_or_null "$leader" && out+=(leader "$REPLY" members "[$members]")
  json_list "${alarms[@]}" && out+=(alarms "$REPLY")
  json_string "$ETCD_VERSION" && out+=(version "$REPLY")
  json_object "${out[@]}" bytes "$ETCD_BYTES" inUse "$ETCD_IN_USE" quota "$ETCD_QUOTA"
  answer "$REPLY"
}

# member_json NODE NAME LEARNER ADDRESS: in REPLY; a member that never started has no name.
member_json() {
  local out=() voter=true
  [[ $3 == 1 || $2 == - ]] && voter=false
  json_string "$1" && out+=(node "$REPLY")
  json_string "$4" && out+=(address "$REPLY" voter "$voter")
  json_object "${out[@]}"
}
