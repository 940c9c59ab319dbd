# shellcheck shell=bash
# On-demand snapshots of etcd: saved once under a name, verified, and deleted. With --s3 the copy in S3
# is part of each.

verb_snapshot_save() {
  local old="" name
  parse_args "name deadline" "keep-token s3" "$@"
  require name
  name=${ARG[name]}
  begin_verb snapshot-save
  hide_s3_keys
  if intact "$name" && { known "$name" s3; [[ -z ${ARG[s3]:-} || -n $REPLY ]]; }; then
    finish_step ok
    answer "$(cat "$SNAPSHOTS/$name.json")"
    return 0
  fi
  [[ -s $DATA/server/token && -d $ETCD_DATA/member ]] || refuse "this node is no server with etcd data; a snapshot is saved on a server"
  etcd_status || refuse "etcd here is not healthy ($REPLY); a snapshot now would not be trusted"
  [[ -z ${ARG[s3]:-} ]] || s3_configured || refuse "k3s on this node does not know of S3: $CONFIG has no etcd-s3"
  known "$name" file && old=$REPLY
  step save keep_or_die "$name"
  # what an earlier try left, which did not reach S3
  [[ -n $old && $old != "$SAVED" && $old == "$K3S_SNAPSHOTS"/* ]] && rm -f -- "$old"
  if [[ -n $S3_PROBLEM ]]; then
    s3_trouble
    die "the snapshot $name is saved on this node with its token ($SNAPSHOTS/$name), but it is not in $REPLY, and run again: it is then taken anew under this name. Without backup.s3 snapshots stay on the nodes"
  fi
  finish_step ok
  answer "$(cat "$SNAPSHOTS/$name.json")"
}

keep_or_die() {
  keep_snapshot "$1" "${ARG[keep-token]:-no}" "${ARG[s3]:+s3}" || die "$REPLY"
}

verb_snapshot_verify() {
  local name file
  parse_args "name deadline" "s3" "$@"
  require name
  name=${ARG[name]}
  hide_s3_keys
  if [[ ! -e $SNAPSHOTS/$name.json && ! -e $SNAPSHOTS/$name ]]; then
    # the server that saved it is gone, or is not the first any more: no reason to stop here for good
    json_string "$name"
    answer "{\"name\":$REPLY,\"missing\":true}"
    return 0
  fi
  intact "$name" || die "$REPLY"
  opens "$SNAPSHOTS/$name" || die "the snapshot $name is not an etcd database"
  known "$name" file && file=$REPLY
  [[ -e $file ]] || say "warning: k3s has deleted its own ${file##*/}; the copy in $SNAPSHOTS is whole"
  known "$name" s3
  if [[ -n ${ARG[s3]:-} && -z $REPLY ]]; then
    say "warning: the snapshot $name was saved before S3 was configured and is on this node only"
  elif [[ -n ${ARG[s3]:-} ]]; then
    known "$name" bytes
    if ! in_s3 "${file##*/}" "$REPLY"; then
      S3_PROBLEM=$REPLY
      s3_trouble
      die "the snapshot $name is whole on this node, but its copy is not confirmed in $REPLY, and run again. If the copy is gone for good, give the snapshot a new name under \`snapshots\`: that takes another"
    fi
  fi
  answer "$(cat "$SNAPSHOTS/$name.json")"
}

verb_snapshot_delete() {
  parse_args "name deadline" "" "$@"
  require name
  begin_verb snapshot-delete
  hide_s3_keys
  drop_snapshot "${ARG[name]}"
  finish_step ok
  json_string "${ARG[name]}"
  answer "{\"name\":$REPLY,\"deleted\":true}"
}
