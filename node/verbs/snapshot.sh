# shellcheck shell=bash
# On-demand snapshots of etcd: saved once under a name, verified, and deleted.

verb_snapshot_save() {
  parse_args "name deadline" "keep-token" "$@"
  require name
  begin_verb snapshot-save
  if ! intact "${ARG[name]}"; then
    [[ -s $DATA/server/token && -d $ETCD_DATA/member ]] || refuse "this node is no server with etcd data; a snapshot is saved on a server"
    etcd_status || refuse "etcd here is not healthy ($REPLY); a snapshot now would not be trusted"
    step save keep_or_die "${ARG[name]}"
  fi
  finish_step ok
  answer "$(cat "$SNAPSHOTS/${ARG[name]}.json")"
}

keep_or_die() {
  keep_snapshot "$1" "${ARG[keep-token]:-no}" || die "$REPLY"
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
  parse_args "name deadline" "" "$@"
  require name
  begin_verb snapshot-delete
  drop_snapshot "${ARG[name]}"
  finish_step ok
  json_string "${ARG[name]}"
  answer "{\"name\":$REPLY,\"deleted\":true}"
}
