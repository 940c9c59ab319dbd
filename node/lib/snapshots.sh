# shellcheck shell=bash
# Snapshots of etcd, each with the server token that a restore needs sealed beside it. $SNAPSHOTS holds
# a copy outside k3s' directories (a wipe of server/db takes k3s' own along), NAME.token and NAME.json,
# what is known about it.

SAVED=""      # k3s' own file of the snapshot that was saved last
BEFORE_KEPT=5 # this many snapshots from before a change are kept
OTHER_SNAPSHOT=330 # seconds to wait for one that k3s is saving: S3's time-out, and some more

# known NAME KEY: a value out of NAME.json, in REPLY; empty without one.
known() {
  REPLY=$(sed -nE "s/.*\"$2\":\"?([^\",}]*).*/\1/p" "$SNAPSHOTS/$1.json" 2>/dev/null)
}

# intact NAME: whether the copy is what was saved; what is wrong in REPLY.
intact() {
  local wanted
  [[ -s $SNAPSHOTS/$1.json ]] || { REPLY="there is no snapshot $1 in $SNAPSHOTS" && return 1; }
  known "$1" sha256 && wanted=$REPLY
  sum_of_large "$SNAPSHOTS/$1"
  [[ -n $REPLY && $REPLY == "$wanted" ]] || { REPLY="the snapshot $1 has sha256 ${REPLY:-(no file)}, saved was $wanted" && return 1; }
}

# opens FILE: whether FILE begins like an etcd database (its magic number stands at byte 16) or is a
# zip of one, as k3s makes it with etcd-snapshot-compress.
opens() {
  local head
  head=$(od -An -v -tx1 -N 20 -- "$1" 2>/dev/null | tr -d ' \n')
  [[ ${head:32:8} == edda0ced || ${head:0:8} == 504b0304 ]]
}

# save_snapshot NAME [s3]: asks k3s for a snapshot; its file in SAVED. Fails with the reason in REPLY.
# S3, which may be away, is left out; with `s3` the snapshot goes there too, and when that cannot be,
# it is saved on this node only and S3_PROBLEM says why.
save_snapshot() {
  local here=() stamp since
  S3_PROBLEM=""
  s3_configured && here=(--etcd-s3=false)
  stamp=$(mktemp "$STATE/since.XXXXXX") || { REPLY="no room in $STATE" && return 1; }
  printf -v since '%(%s)T' -1
  if [[ ${2:-} == s3 ]] && ! ask_for_snapshot "$1" --etcd-s3-timeout="$S3_TIMEOUT"; then
    reason_in "$SAID" "$since"
    S3_PROBLEM=$REPLY
    say "k3s cannot save with S3 ($S3_PROBLEM); saving on this node only"
  fi
  if [[ ${2:-} != s3 || -n $S3_PROBLEM ]] && ! ask_for_snapshot "$1" "${here[@]}"; then
    rm -f -- "$stamp"
    reason_in "$SAID" "$since"
    REPLY="k3s could not save the snapshot $1: $REPLY"
    return 1
  fi
  find_saved "$1" "$stamp"
  rm -f -- "$stamp"
  [[ -s $SAVED ]] || { REPLY="k3s says that the snapshot $1 was saved, but there is no such file in $K3S_SNAPSHOTS" && return 1; }
}

# ask_for_snapshot NAME OPTION...: what k3s said in SAID. k3s saves one snapshot at a time, and counts
# the upload as part of it: while S3 is away, a scheduled one can take its five minutes.
ask_for_snapshot() {
  local name=$1 began=$SECONDS since
  shift
  while :; do
    printf -v since '%(%s)T' -1
    SAID=$(timeout 300 "$K3S" etcd-snapshot save --name "$name" "$@" 2>&1 9>&-) && return 0
    saving_another "$since" && ((SECONDS - began < OTHER_SNAPSHOT)) || return 1
    ((SECONDS - began > 2)) || say "k3s saves another snapshot at this moment; waiting for it"
    pause 3
  done
}

# saving_another SINCE: whether that is why k3s did not save; newer releases say so in their journal only.
saving_another() {
  [[ $SAID == *"already in progress"* ]] && return 0
  [[ $SAID == *"error ID"* ]] && journalctl --unit k3s.service --since "@$1" --output cat 2>/dev/null |
    grep -q 'snapshot save already in progress'
}

# find_saved NAME STAMP: k3s' file that came after the file STAMP, in SAVED.
find_saved() {
  local file
  SAVED=""
  for file in "$K3S_SNAPSHOTS/$1"-*; do
    [[ -f $file && $file -nt $2 ]] && SAVED=$file
  done
}

# keep_snapshot NAME TOKEN [s3]: saves a snapshot, copies it to $SNAPSHOTS, with the token beside it when
# TOKEN is yes, and reads it back; with `s3` as save_snapshot does. etcd_status was asked before: its
# revision is written down. Fails with the reason in REPLY.
keep_snapshot() {
  local name=$1 token=$2 copy=$SNAPSHOTS/$1 bytes
  save_snapshot "$name" "${3:-}" || return 1
  opens "$SAVED" || { REPLY="$SAVED is not an etcd database" && return 1; }
  bytes=$(stat -c %s -- "$SAVED")
  if ! { mkdir -p "$SNAPSHOTS" && cp -- "$SAVED" "$copy.part" && sync "$copy.part" && mv -f -- "$copy.part" "$copy"; }; then
    rm -f -- "$copy.part"
    REPLY="the snapshot $name cannot be copied to $SNAPSHOTS; is the disk full?"
    return 1
  fi
  if [[ $token == yes ]]; then
    cluster_token || return 1
    write_file "$copy.token" 600 "$REPLY" || { REPLY="the token cannot be written to $SNAPSHOTS" && return 1; }
  fi
  S3_PLACE=""
  [[ ${3:-} == s3 && -z $S3_PROBLEM ]] && confirm_in_s3 "$SAVED" "$bytes"
  note_snapshot "$name" "$bytes" || return 1
  intact "$name"
}

# note_snapshot NAME BYTES: writes down what is known of the snapshot that was just saved.
note_snapshot() {
  local created out=()
  created=$(date -u -d "@$(stat -c %Y -- "$SAVED")" +%Y-%m-%dT%H:%M:%SZ)
  json_string "$(sed -nE 's/.*"node":"([^"]*)".*/\1/p' "$MARKER" 2>/dev/null)" && out+=(node "$REPLY")
  json_string "$1" && out+=(name "$REPLY")
  json_string "$SAVED" && out+=(file "$REPLY" bytes "$2")
  sum_of_large "$SAVED"
  json_string "$REPLY" && out+=(sha256 "$REPLY")
  json_string "$created" && out+=(createdAt "$REPLY" revision "$ETCD_REVISION")
  [[ -n $S3_PLACE ]] && json_string "$S3_PLACE" && out+=(s3 "$REPLY")
  json_object "${out[@]}"
  write_file "$SNAPSHOTS/$1.json" 600 "$REPLY" || { REPLY="$SNAPSHOTS cannot be written" && return 1; }
}

# drop_snapshot NAME: k3s' own file of it and the one in S3, our copy, its token and what was known.
drop_snapshot() {
  local name=$1 file="" place="" said since here=()
  known "$name" s3 && place=$REPLY
  known "$name" file && file=$REPLY
  [[ -z $place ]] && s3_configured && here=(--etcd-s3=false)
  if [[ -n $file ]] && [[ -e $file || -n $place ]]; then
    printf -v since '%(%s)T' -1
    if ! said=$(timeout 250 "$K3S" etcd-snapshot delete "${here[@]}" "${file##*/}" 2>&1 9>&-) && [[ -n $place ]]; then
      reason_in "$said" "$since"
      say "warning: $place could not be deleted: $REPLY. Delete it there"
    fi
    rm -f -- "$file"
  fi
  rm -f -- "$SNAPSHOTS/$name" "$SNAPSHOTS/$name.part" "$SNAPSHOTS/$name.token" "$SNAPSHOTS/$name.json"
}

# before_names: the snapshots from before a change, in k3s' directory and in ours, oldest first; a line
# each. The time in their names tells them from those that somebody asked for.
before_names() {
  local file name
  for file in "$SNAPSHOTS"/before-* "$K3S_SNAPSHOTS"/before-*; do
    name=${file##*/}
    [[ -f $file && $name =~ ^(before-[0-9]{8}-[0-9]{6})([.-]|$) ]] && printf '%s\n' "${BASH_REMATCH[1]}"
  done | LC_ALL=C sort -u
}

# prune_before: all but the newest BEFORE_KEPT of them go, also what a killed run left half-done.
prune_before() {
  local names=() name
  mapfile -t names < <(before_names)
  ((${#names[@]} > BEFORE_KEPT)) || return 0
  for name in "${names[@]:0:${#names[@]}-BEFORE_KEPT}"; do
    drop_snapshot "$name"
    rm -f -- "$K3S_SNAPSHOTS/$name"-*
  done
}

# snapshot_before: a living member that is about to be changed saves a snapshot first.
snapshot_before() {
  [[ $MEMBERSHIP == member && $WAS_ACTIVE == yes ]] || return 0
  will_change server && save_before
  return 0
}

# save_before: a snapshot from before a change, with its token. Refuses when it cannot be saved.
save_before() {
  local name
  if ! is_voter_now; then
    say "warning: no snapshot is saved before this change: etcd here does not answer as a voter ($REPLY)"
    return 0
  fi
  name=before-$(date -u +%Y%m%d-%H%M%S)
  keep_snapshot "$name" yes || refuse "a snapshot must be saved before this server is changed: $REPLY. Make room or see journalctl -u $UNIT, then run again"
  say "saved the snapshot $name with its token in $SNAPSHOTS ($(stat -c %s -- "$SNAPSHOTS/$name") bytes, revision $ETCD_REVISION)"
  prune_before
}
