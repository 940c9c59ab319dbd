# shellcheck shell=bash disable=SC2015  # `a && b || die` is meant: die when either fails
# On-demand snapshots of etcd, with the server token that a restore needs sealed beside them.
# $SNAPSHOTS holds a copy outside k3s' directories (a wipe of server/db takes k3s' own along) and
# NAME.json, what is known about it.

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

# save_snapshot NAME: asks k3s for a snapshot; its file in SAVED.
save_snapshot() {
  local name=$1 said stamp file
  stamp=$(mktemp "$STATE/since.XXXXXX") || die "no room in $STATE"
  said=$(timeout 300 "$K3S" etcd-snapshot save --name "$name" 2>&1 9>&-) || {
    rm -f -- "$stamp"
    redact "$(grep -E 'level=(fatal|error)' <<<"$said" | tail -n 2)"
    die "k3s could not save the snapshot $name: ${REPLY:-$(tail -n 1 <<<"$said")}"
  }
  SAVED=""
  for file in "$K3S_SNAPSHOTS/$name"-*; do
    [[ -f $file && $file -nt $stamp ]] && SAVED=$file
  done
  rm -f -- "$stamp"
  [[ -s $SAVED ]] || die "k3s says that the snapshot $name was saved, but there is no such file in $K3S_SNAPSHOTS"
}

# opens FILE: whether FILE begins like an etcd database (its magic number stands at byte 16) or is a
# zip of one, as k3s makes it with etcd-snapshot-compress.
opens() {
  local head
  head=$(od -An -v -tx1 -N 20 -- "$1" 2>/dev/null | tr -d ' \n')
  [[ ${head:32:8} == edda0ced || ${head:0:8} == 504b0304 ]]
}

verb_snapshot_save() {
  local file bytes sum created out=()
  parse_args "name deadline" "keep-token" "$@"
  require name
  begin_verb snapshot-save
  if intact "${ARG[name]}"; then
    finish_step ok
    answer "$(cat "$SNAPSHOTS/${ARG[name]}.json")"
    return 0
  fi
  [[ -s $DATA/server/token && -d $ETCD_DATA/member ]] || refuse "this node is no server with etcd data; a snapshot is saved on a server"
  etcd_status || refuse "etcd here is not healthy ($REPLY); a snapshot now would not be trusted"
  step save save_snapshot "${ARG[name]}"
  file=$SAVED
  opens "$file" || die "$file is not an etcd database"
  sum_of "$file" && sum=$REPLY
  bytes=$(stat -c %s -- "$file")
  printf -v created '%(%Y-%m-%dT%H:%M:%SZ)T' "$(stat -c %Y -- "$file")"
  mkdir -p "$SNAPSHOTS" && cp -- "$file" "$SNAPSHOTS/${ARG[name]}.part" && sync "$SNAPSHOTS/${ARG[name]}.part" &&
    mv -f -- "$SNAPSHOTS/${ARG[name]}.part" "$SNAPSHOTS/${ARG[name]}" || die "the snapshot cannot be copied to $SNAPSHOTS; is the disk full?"
  if [[ -n ${ARG[keep-token]:-} ]]; then
    write_file "$SNAPSHOTS/${ARG[name]}.token" 600 "$(cat "$DATA/server/token")" || die "the token cannot be written to $SNAPSHOTS"
  fi
  json_string "$(sed -nE 's/.*"node":"([^"]*)".*/\1/p' "$MARKER" 2>/dev/null)" && out+=(node "$REPLY")
  json_string "${ARG[name]}" && out+=(name "$REPLY")
  json_string "$file" && out+=(file "$REPLY" bytes "$bytes")
  json_string "$sum" && out+=(sha256 "$REPLY")
  json_string "$created" && out+=(createdAt "$REPLY" revision "$ETCD_REVISION")
  json_object "${out[@]}"
  write_file "$SNAPSHOTS/${ARG[name]}.json" 600 "$REPLY" || die "$SNAPSHOTS cannot be written"
  intact "${ARG[name]}" || die "$REPLY"
  finish_step ok
  answer "$(cat "$SNAPSHOTS/${ARG[name]}.json")"
}

verb_snapshot_verify() {
  parse_args "name deadline" "" "$@"
  require name
  intact "${ARG[name]}" || die "$REPLY"
  opens "$SNAPSHOTS/${ARG[name]}" || die "the snapshot ${ARG[name]} is not an etcd database"
  known "${ARG[name]}" file
  timeout 60 "$K3S" etcd-snapshot ls 2>/dev/null 9>&- | grep -qF -- "${REPLY##*/}" ||
    say "warning: k3s does not list ${REPLY##*/} any more; the copy in $SNAPSHOTS is whole"
  answer "$(cat "$SNAPSHOTS/${ARG[name]}.json")"
}

verb_snapshot_delete() {
  local name
  parse_args "name deadline" "" "$@"
  require name
  name=${ARG[name]}
  begin_verb snapshot-delete
  known "$name" file
  if [[ -n $REPLY && -e $REPLY ]]; then
    timeout 60 "$K3S" etcd-snapshot delete "${REPLY##*/}" >/dev/null 2>&1 9>&-
    known "$name" file
    rm -f -- "$REPLY"
  fi
  rm -f -- "$SNAPSHOTS/$name" "$SNAPSHOTS/$name.token" "$SNAPSHOTS/$name.json"
  finish_step ok
  json_string "$name"
  answer "{\"name\":$REPLY,\"deleted\":true}"
}
