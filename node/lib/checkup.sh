# shellcheck shell=bash disable=SC2034  # S3_TIMEOUT and STATE are read by s3.sh
# What of a node can be wrong: the machine, k3s' service, files and records. Each function prints one JSON value, and
# reads only.

# checkup_machine: room on the file systems that k3s needs, the virtual address, and other services.
checkup_machine() {
  local out=() vip=false name services=()
  disks && out+=(disks "$REPLY")
  [[ -n ${ARG[vip]:-} ]] && interface_with "${ARG[vip]}" && [[ -n $REPLY ]] && vip=true
  out+=(vip "$vip")
  REPLY=${ARG[services]:-}
  for name in ${REPLY//,/ }; do
    json_string "$(systemctl is-active "$name.service")" && services+=("$name" "$REPLY")
  done
  json_object "${services[@]}" && out+=(services "$REPLY")
  json_object "${out[@]}"
  echo "$REPLY"
}

# disks: a JSON list of the file systems that k3s' data, snapshots, logs and our own records are on, each once, in REPLY.
disks() {
  local path mount blocks free percent inodes seen=" " list="" out
  for path in "$ROOT/" "$DATA" "$K3S_SNAPSHOTS" "$STATE" "$ROOT/var/log"; do
    [[ -d $path ]] || continue
    read -r blocks free percent mount < <(df -Pk -- "$path" | awk 'NR == 2 { print $2, $4, $5, $6 }')
    [[ -n $mount && $seen != *" $mount "* ]] || continue
    seen+="$mount "
    inodes=$(df -Pi -- "$path" | awk 'NR == 2 { print $5 }')
    out=()
    json_string "$mount" && out+=(mount "$REPLY" kib "$blocks" freeKib "$free")
    # some file systems count no inodes
    out+=(usedPercent "${percent%\%}" usedInodesPercent "$([[ $inodes == *[0-9]% ]] && echo "${inodes%\%}" || echo 0)")
    json_object "${out[@]}"
    list+="${list:+,}$REPLY"
  done
  REPLY="[$list]"
}

# checkup_service: the unit of the role that this node shall have, and whether its text is the one that we write.
checkup_service() {
  local unit key value text out=() matches=false
  local -A shown=()
  unit_of "${ARG[role]}" && unit=$REPLY
  while IFS='=' read -r key value; do
    shown[$key]=$value
  done < <(systemctl show --property=ActiveState,SubState,UnitFileState,DropInPaths,NRestarts "$unit")
  unit_text "${ARG[role]}" && text=$REPLY
  same_file "$UNIT_DIR/$unit" "$text" && matches=true
  json_string "$unit" && out+=(unit "$REPLY")
  json_string "$ROLE" && out+=(role "$REPLY")
  json_string "${shown[ActiveState]:-} (${shown[SubState]:-})" && out+=(state "$REPLY")
  json_string "${shown[UnitFileState]:-}" && out+=(enabled "$REPLY" matches "$matches")
  # shellcheck disable=SC2086  # a list of paths, separated by blanks
  json_list ${shown[DropInPaths]:-} && out+=(dropIns "$REPLY")
  out+=(restarts "$(( ${shown[NRestarts]:-0} ))")
  json_object "${out[@]}"
  echo "$REPLY"
}

# checkup_binary: what would run after the next start.
checkup_binary() {
  local out=()
  arch_of "$(uname -m)" && json_string "$REPLY" && out+=(arch "$REPLY")
  json_or_null "$VERSION_FOUND" && out+=(version "$REPLY")
  sum_of_large "$K3S"
  json_or_null "$REPLY" && out+=(sha256 "$REPLY")
  json_object "${out[@]}"
  echo "$REPLY"
}

# checkup_files: the configuration without its secrets, digests that tell whether two nodes have the same secret,
# secrets that others may read, and the end of the first certificate.
checkup_files() {
  local out=() file loose=() others=() ca=$CLUSTER_CA
  json_or_null "$(sed -E 's/^(agent-token|token|etcd-s3-access-key|etcd-s3-secret-key)([[:space:]]*:).*/\1\2 "(secret)"/' "$CONFIG")"
  out+=(config "$REPLY")
  for file in "$ETC"/config.yaml.d/*.yaml; do
    [[ ! -e $file || $file == "$JOIN" ]] || others+=("$file")
  done
  json_list "${others[@]}" && out+=(others "$REPLY")
  for file in "$CONFIG" "$JOIN" "$DATA/server/token" "$ADMIN_KUBECONFIG" "$DATA"/server/tls/*.key "$SNAPSHOTS"/*.token; do
    [[ -e $file ]] || continue
    REPLY=$(stat -L -c '%a %u' -- "$file")
    [[ $REPLY == [0-7]00\ 0 ]] || loose+=("$file $REPLY")
  done
  json_list "${loose[@]}" && out+=(loose "$REPLY")
  digests && out+=(digests "$REPLY")
  json_or_null "${ca:0:16}" && out+=(clusterCa "$REPLY")
  nearest_expiry && json_or_null "$REPLY" && out+=(expires "$REPLY")
  json_object "${out[@]}"
  echo "$REPLY"
}

# digests: what each token is, as a digest that means something only during this one look, as JSON in REPLY.
digests() {
  local out=()
  digest "$(cat "$DATA/server/token")" && out+=(server "$REPLY")
  join_token
  digest "$REPLY" && out+=(join "$REPLY")
  setting agent-token
  digest "$REPLY" && out+=(agent "$REPLY")
  json_object "${out[@]}"
}

# digest TOKEN: of its password, as JSON in REPLY; null without one.
digest() {
  local sum
  [[ -n $1 ]] || { REPLY=null && return 0; }
  sum=$(printf '%s:%s' "${ARG[nonce]}" "${1##*:}" | sha256sum)
  json_string "${sum:0:16}"
}

# checkup_records: what an earlier run began and did not end here.
checkup_records() {
  local out=() file lines=() running=false
  not_ended && lines+=("the step $UNFINISHED, begun at $BEGUN, last: $REPLY")
  for file in "$RESTORES"/*/state; do
    [[ -f $file && $(<"$file") != "done" ]] || continue
    REPLY=${file%/state}
    lines+=("the restore ${REPLY##*/}, last: $(<"$file")")
  done
  [[ -s $MIGRATION/open ]] && lines+=("the $(head -n 1 "$MIGRATION/open" | cut -d ' ' -f 1) of a k3s that was here")
  [[ -e $CORDONED_HERE ]] && lines+=("a drain: the node was cordoned for it and is not released")
  # a run that works at this moment has not failed to end
  [[ -e $LOCK ]] && ! flock --nonblock --shared "$LOCK" true && running=true
  json_list "${lines[@]}" && out+=(unfinished "$REPLY" running "$running")
  json_object "${out[@]}"
  echo "$REPLY"
}

# checkup_snapshots: the newest snapshot here, k3s' own and ours; what is wrong with k3s', and since when there should be one.
checkup_snapshots() {
  local out=() problem=""
  newest < <(lines_here)
  out+=(newest "$REPLY")
  if [[ $REPLY =~ \"name\":\"([A-Za-z0-9._-]+)\" ]]; then
    whole_or_packed "$K3S_SNAPSHOTS/${BASH_REMATCH[1]}" || problem=$REPLY
  fi
  json_or_null "$problem" && out+=(problem "$REPLY")
  newest_kept && out+=(kept "$REPLY")
  printf -v REPLY '%(%Y-%m-%dT%H:%M:%SZ)T' "$(stat -c %Y -- "$CONFIG")"
  json_string "$REPLY" && out+=(since "$REPLY")
  json_object "${out[@]}"
  echo "$REPLY"
}

# newest_kept: the newest of our own, as `newest` tells of k3s', in REPLY.
newest_kept() {
  local file newest="" out=()
  for file in "$SNAPSHOTS"/*.json; do
    file=${file%.json}
    [[ -s $file ]] && [[ -z $newest || $file -nt $newest ]] && newest=$file
  done
  [[ -n $newest ]] || { REPLY=null && return; }
  json_string "${newest##*/}" && out+=(name "$REPLY")
  json_string "file://$newest" && out+=(place "$REPLY" bytes "$(stat -c %s -- "$newest")")
  known "${newest##*/}" createdAt
  json_string "$REPLY" && out+=(createdAt "$REPLY")
  json_object "${out[@]}"
}

# whole_or_packed FILE: as whole_snapshot; into one that k3s packed nobody looks.
whole_or_packed() {
  [[ $(head -c 2 -- "$1") == PK ]] || whole_snapshot "$1"
}

# checkup_away: the newest snapshot in S3, or why the store cannot be asked.
checkup_away() {
  local out=() problem=""
  S3_TIMEOUT=10s
  STATE=$SCRATCH # list_s3 puts down there what k3s said
  if list_s3; then
    newest < <(grep -E '^[^ ]+ +s3://' <<<"$S3_LISTED")
    out+=(newest "$REPLY")
  else
    problem=$REPLY
    s3_store
    problem="$REPLY cannot be asked: $problem"
    out+=(newest null)
  fi
  json_or_null "$problem" && out+=(problem "$REPLY")
  json_object "${out[@]}"
  echo "$REPLY"
}
