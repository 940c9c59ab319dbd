# shellcheck shell=bash disable=SC2034  # NODE_NAME is read by log.sh
# backups: how old the newest snapshots are, on this server and in S3. Changes nothing.

# newest: of lines "NAME PLACE BYTES ...", the one whose name ends in the highest time, as JSON in
# REPLY; null without any.
newest() {
  local name place bytes _ seconds best=0 out=() created
  REPLY=null
  while read -r name place bytes _; do
    seconds=${name##*-}
    [[ $seconds =~ ^[0-9]{9,11}$ ]] || continue
    ((seconds > best)) || continue
    best=$seconds out=()
    printf -v created '%(%Y-%m-%dT%H:%M:%SZ)T' "$seconds"
    json_string "$name" && out+=(name "$REPLY")
    json_string "$place" && out+=(place "$REPLY" bytes "${bytes//[^0-9]/}")
    json_string "$created" && out+=(createdAt "$REPLY")
    json_object "${out[@]}"
  done
}

# lines_here: k3s' snapshot files on this server, as `ls` of k3s lists them.
lines_here() {
  local file
  for file in "$K3S_SNAPSHOTS"/*; do
    [[ -s $file ]] && echo "${file##*/} file://$file $(stat -c %s -- "$file")"
  done
}

verb_backups() {
  local out=() at since here away=null problem=""
  parse_args "name deadline" "s3" "$@"
  require name
  NODE_NAME=${ARG[name]}
  [[ -s $DATA/server/token ]] || refuse "this node is no server: $DATA/server/token is not here"
  hide_s3_keys
  newest < <(lines_here)
  here=$REPLY
  if [[ -n ${ARG[s3]:-} ]]; then
    if list_s3; then
      newest < <(grep -E '^[^ ]+ +s3://' <<<"$S3_LISTED")
      away=$REPLY
    else
      problem=$REPLY
      s3_store
      problem="$REPLY cannot be asked: $problem"
      say "warning: $problem"
    fi
  fi
  printf -v at '%(%Y-%m-%dT%H:%M:%SZ)T' -1
  # nothing can be older than the settings that made it due
  printf -v since '%(%Y-%m-%dT%H:%M:%SZ)T' "$(stat -c %Y -- "$CONFIG")"
  json_string "${ARG[name]}" && out+=(node "$REPLY" here "$here" away "$away")
  json_string "$at" && out+=(at "$REPLY")
  json_string "$since" && out+=(since "$REPLY")
  json_or_null "$problem" && out+=(problem "$REPLY")
  json_object "${out[@]}"
  answer "$REPLY"
}
