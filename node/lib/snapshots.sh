# shellcheck shell=bash
# Snapshots of etcd, each with the server token that a restore needs sealed beside it. $SNAPSHOTS holds
# a copy outside k3s' directories (a wipe of server/db takes k3s' own along), NAME.token and NAME.json,
# what is known about it.

SAVED=""      # k3s' own file of the snapshot that was saved last
BEFORE_KEPT=5 # this many snapshots from before a change are kept

# known NAME KEY: a value out of NAME.json, in REPLY; empty without one.
known() {
  REPLY=$(sed -nE "s/.*\"$2\":\"?([^\",}]*).*/\1/p" "$SNAPSHOTS/$1.json" 2>/dev/null)
}

# intact NAME: whether the copy is what was saved; what is wrong in REPLY.
intact() {
  local wanted
  [[ -s $SNAPSHOTS/$1.json ]] || { REPLY="there is no snapshot $1 in $SNAPSHOTS" && return 1; }
  known "$1" sha256 && wanted=$REPLY
  sum_of "$SNAPSHOTS/$1"
  [[ -n $REPLY && $REPLY == "$wanted" ]] || { REPLY="the snapshot $1 has sha256 ${REPLY:-(no file)}, saved was $wanted" && return 1; }
}

# opens FILE: whether FILE begins like an etcd database (its magic number stands at byte 16) or is a
# zip of one, as k3s makes it with etcd-snapshot-compress.
opens() {
  local head
  head=$(od -An -v -tx1 -N 20 -- "$1" 2>/dev/null | tr -d ' \n')
  [[ ${head:32:8} == edda0ced || ${head:0:8} == 504b0304 ]]
}

# save_snapshot NAME: asks k3s for a snapshot; its file in SAVED. Fails with the reason in REPLY.
save_snapshot() {
  local name=$1 said stamp file
  stamp=$(mktemp "$STATE/since.XXXXXX") || { REPLY="no room in $STATE" && return 1; }
  said=$(timeout 300 "$K3S" etcd-snapshot save --name "$name" 2>&1 9>&-) || {
    rm -f -- "$stamp"
    redact "$(grep -E 'level=(fatal|error)' <<<"$said" | tail -n 2)"
    REPLY="k3s could not save the snapshot $name: ${REPLY:-$(tail -n 1 <<<"$said")}"
    return 1
  }
  SAVED=""
  for file in "$K3S_SNAPSHOTS/$name"-*; do
    [[ -f $file && $file -nt $stamp ]] && SAVED=$file
  done
  rm -f -- "$stamp"
  [[ -s $SAVED ]] || { REPLY="k3s says that the snapshot $name was saved, but there is no such file in $K3S_SNAPSHOTS" && return 1; }
}

# keep_snapshot NAME TOKEN: saves a snapshot, copies it to $SNAPSHOTS, with the token beside it when TOKEN
# is yes, and reads it back. etcd_status was asked before: its revision is written down. Fails with the
# reason in REPLY.
keep_snapshot() {
  local name=$1 token=$2 copy=$SNAPSHOTS/$1 bytes sum created out=()
  save_snapshot "$name" || return 1
  opens "$SAVED" || { REPLY="$SAVED is not an etcd database" && return 1; }
  sum_of "$SAVED" && sum=$REPLY
  bytes=$(stat -c %s -- "$SAVED")
  created=$(date -u -d "@$(stat -c %Y -- "$SAVED")" +%Y-%m-%dT%H:%M:%SZ)
  if ! { mkdir -p "$SNAPSHOTS" && cp -- "$SAVED" "$copy.part" && sync "$copy.part" && mv -f -- "$copy.part" "$copy"; }; then
    rm -f -- "$copy.part"
    REPLY="the snapshot $name cannot be copied to $SNAPSHOTS; is the disk full?"
    return 1
  fi
  if [[ $token == yes ]]; then
    write_file "$copy.token" 600 "$(cat "$DATA/server/token")" || { REPLY="the token cannot be written to $SNAPSHOTS" && return 1; }
  fi
  json_string "$(sed -nE 's/.*"node":"([^"]*)".*/\1/p' "$MARKER" 2>/dev/null)" && out+=(node "$REPLY")
  json_string "$name" && out+=(name "$REPLY")
  json_string "$SAVED" && out+=(file "$REPLY" bytes "$bytes")
  json_string "$sum" && out+=(sha256 "$REPLY")
  json_string "$created" && out+=(createdAt "$REPLY" revision "$ETCD_REVISION")
  json_object "${out[@]}"
  write_file "$copy.json" 600 "$REPLY" || { REPLY="$SNAPSHOTS cannot be written" && return 1; }
  intact "$name"
}

# drop_snapshot NAME: k3s' own files of it, our copy, its token and what was known.
drop_snapshot() {
  local name=$1 file
  known "$name" file
  if [[ -n $REPLY && -e $REPLY ]]; then
    file=$REPLY
    timeout 60 "$K3S" etcd-snapshot delete "${file##*/}" >/dev/null 2>&1 9>&-
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

# snapshot_before: a living member that is about to be changed saves a snapshot first. Refuses when that
# fails: nothing was touched.
snapshot_before() {
  local name
  [[ $MEMBERSHIP == member && $WAS_ACTIVE == yes ]] || return 0
  will_change server || return 0
  if ! is_voter_now; then
    say "warning: no snapshot is saved before this change: etcd here does not answer as a voter ($REPLY)"
    return 0
  fi
  name=before-$(date -u +%Y%m%d-%H%M%S)
  keep_snapshot "$name" yes || refuse "a snapshot must be saved before this server is changed: $REPLY. Make room or see journalctl -u $UNIT, then run again"
  say "saved the snapshot $name with its token in $SNAPSHOTS ($(stat -c %s -- "$SNAPSHOTS/$name") bytes, revision $ETCD_REVISION)"
  prune_before
}
