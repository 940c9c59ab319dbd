# shellcheck shell=bash disable=SC2015,SC2034,SC2153  # `a && b || die` is meant; UNDO_FIRST is read by undo.sh
# SQLite becomes embedded etcd. k3s does it itself, at a start with cluster-init and without etcd data; but when
# that fails, its next start finds etcd's half-filled data, asks no more, and comes up with what is there
# (k3s#3231). So it gets one try, is never started by itself meanwhile, and what it moved is compared.

MIGRATED=no  # yes: k3s has finished, and nothing is missing
FORWARD=no   # yes: k3s has finished in an earlier run, and may have served since
COMPARED=""

# problems_of_migrating
problems_of_migrating() {
  local need free db
  decide_migration "$VERSION_FOUND"
  case $REPLY in
    old) problem "k3s $VERSION_FOUND cannot move SQLite to etcd; upgrade the k3s that is here to v1.22.2 or newer, one minor after another, and then adopt it" ;;
    broken) problem "k3s $VERSION_FOUND fails to move SQLite to etcd (k3s#12478); upgrade the k3s that is here to the next patch release (v1.30.14, v1.31.10, v1.32.6, v1.33.2 or newer) and then adopt it" ;;
  esac
  if [[ $ETCD_HERE == yes ]]; then
    problem "server/db has both state.db and etcd below $DATA; k3s uses etcd at its next start and forgets SQLite. If the cluster runs on SQLite now ($(kine_answers && echo "it does" || echo "it does not")), move $ETCD_DATA away; else move state.db away"
  fi
  UNIT=$OLD_UNIT started_up
  [[ $STATE_WORD == active ]] || problem "the k3s here is not running ($OLD_UNIT is $STATE_WORD), so its objects cannot be counted before they are moved; start it"
  db=${SQLITE%/*}
  need=$(du -sk "$db" 2>/dev/null | cut -f 1)
  for free in "${STATE%/*}" "$db"; do
    (($(df -Pk "$free" | awk 'NR == 2 { print $4 }') >= 2 * need)) || problem "$free has no room for another copy of the database ($((2 * need / 1024)) MiB); make room"
  done
}

# migrating: SQLite is what counts, whatever a start that failed left of etcd beside it.
migrating() {
  [[ $OPEN_KIND == none ]] || ARG["found"]=yes # granted when it began
  [[ ! -e $SQLITE ]] || ETCD_HERE=no
}

# migration_membership: this cluster is the one that is moved; it cannot be joined to another.
migration_membership() {
  case $MEMBERSHIP in
    join) refuse "this node's SQLite holds a cluster, and ${LIVING[0]} is a server of another one; two clusters cannot be made one. Only the first server of a new cluster can be adopted from SQLite; set existing: replace to give this one up" ;;
    lost) refuse "this node's k3s runs on SQLite and can be adopted only as the first server, when the stack creates it; list it first, or set existing: replace" ;;
    found) adopted_token ;;
  esac
}

# kine_answers: whether SQLite is what the running k3s uses.
kine_answers() {
  mkdir -p "$STATE"
  list_keys kine /dev/null
}

# prepare_migration: looked at, stopped, copied, and what would be in the way removed.
prepare_migration() {
  local sqlite=no active=no copied=no open=none
  UNDO_FIRST=back_to_sqlite
  [[ -e $SQLITE ]] && sqlite=yes
  service_state
  [[ $STATE_WORD == other ]] || active=yes
  [[ -d ${OPEN_DIR:-/nowhere}/db ]] && copied=yes
  [[ $OPEN_KIND == none ]] || open=adopt
  decide_resume "$open" "$sqlite" "$active" "$copied"
  case $REPLY in
    moved)
      FORWARD=yes
      drop_guard # or k3s could not be started after a power cut
      return 0
      ;;
    begin)
      begin_open
      rm -rf -- "$OPEN_DIR/db"
      keep_old_files
      list_keys kine "$OPEN_DIR/keys.before" || die "the objects in SQLite could not be listed (kine: $REPLY)"
      stop_for_copy
      copy_database
      ;;
    copy) copy_database ;;
  esac
  guard_start
  retire_old_files
  rm -rf -- "$ETCD_DATA"
}

# stop_for_copy: k3s stops; its containers go on.
stop_for_copy() {
  say "stopping $UNIT: the API is away until SQLite is moved"
  SERVICE_TOUCHED=1
  systemctl stop "$UNIT" || die "$UNIT could not be stopped"
}

# copy_database: the database, with what of it is still in its write-ahead log.
copy_database() {
  local file
  [[ -s $OPEN_DIR/keys.before ]] || die "there is no list of the objects in $OPEN_DIR; start $UNIT and run again"
  rm -rf -- "$OPEN_DIR/db.part"
  mkdir -p "$OPEN_DIR/db.part"
  for file in "$SQLITE" "$SQLITE-wal" "$SQLITE-shm"; do
    [[ -e $file ]] || continue
    cp -p -- "$file" "$OPEN_DIR/db.part/" && cmp -s -- "$file" "$OPEN_DIR/db.part/${file##*/}" || die "$file could not be copied to $OPEN_DIR; is the disk full?"
  done
  chmod -R go= "$OPEN_DIR/db.part"
  sync "$OPEN_DIR/db.part"/* && mv -- "$OPEN_DIR/db.part" "$OPEN_DIR/db" && sync "$OPEN_DIR" || die "$OPEN_DIR cannot be written"
  say "SQLite, $(wc -l <"$OPEN_DIR/keys.before") objects, is copied to $OPEN_DIR/db"
}

# guard_start: until k3s has moved everything, nobody starts it but this run: no restart after a failure, and none
# when the machine comes up again.
guard_start() {
  write_file "$GUARD" 644 "[Unit]"$'\n'"ConditionPathExists=$GUARD_FLAG"$'\n\n'"[Service]"$'\n'"Restart=no"$'\n' &&
    : >"$GUARD_FLAG" && systemctl daemon-reload || die "$GUARD cannot be written"
}

drop_guard() {
  [[ -e $GUARD ]] || return 0
  rm -f -- "$GUARD" "$GUARD_FLAG"
  rmdir -- "${GUARD%/*}" 2>/dev/null
  systemctl daemon-reload 2>/dev/null
}

# watch_migration: each second while k3s starts.
watch_migration() {
  [[ $MIGRATED == yes ]] && return 0
  if [[ -e $SQLITE && $SUBSTATE == failed ]]; then
    show_journal "$(($(date +%s) - 60))"
    die "k3s could not move SQLite to etcd; its last words are above"
  fi
  [[ -e $SQLITE ]] || compare_keys
  return 0
}

# compare_keys: MIGRATED, when nothing is missing; dies when something is. Fails while etcd does not answer.
compare_keys() {
  local missing line names="" count
  list_keys etcd "$OPEN_DIR/keys.after" || return 1
  missing=$(missing_keys "$OPEN_DIR/keys.before" "$OPEN_DIR/keys.after")
  COMPARED="$(wc -l <"$OPEN_DIR/keys.before") objects in SQLite, $(wc -l <"$OPEN_DIR/keys.after") in etcd"
  if [[ -n $missing ]]; then
    count=$(wc -l <<<"$missing")
    while IFS= read -r line; do
      pb_text "$line" && names+="${names:+, }$REPLY"
    done < <(head -n 3 <<<"$missing")
    if [[ $FORWARD == no ]]; then
      die "$count object(s) that were in SQLite are not in etcd: $names$( ((count > 3)) && echo ", ...")"
    fi
    say "warning: $count object(s) that were in SQLite are not in etcd: $names; they may have been deleted since, and are in $OPEN_DIR/db"
  fi
  MIGRATED=yes
  say "SQLite is moved to etcd: $COMPARED"
  drop_guard
}

# confirm_migration: compared, if that could not be done while k3s started.
confirm_migration() {
  [[ ! -e $SQLITE ]] || die "k3s runs, but $SQLITE was not moved to etcd"
  until [[ $MIGRATED == yes ]] || compare_keys; do
    seconds_left
    ((REPLY > 1)) || die "the objects in etcd could not be listed"
    pause 1
  done
  rm -f -- "$SQLITE-wal" "$SQLITE-shm"
}

# back_to_sqlite: the undo of a migration: the database as it was, and nothing of etcd. Once k3s has served from
# etcd there is no way back: what was written since would be lost.
back_to_sqlite() {
  service_state
  if [[ $FORWARD == yes || ($MIGRATED == yes && $STATE_WORD == active) ]]; then
    UNDO=() UNDO_LAST=""
    UNDONE+=("NOT undone, on purpose: the cluster has moved to etcd and serves from there. Run again")
    return 0
  fi
  WAS_ACTIVE=$OPEN_ACTIVE
  if [[ -d ${OPEN_DIR:-/nowhere}/db ]]; then
    SERVICE_TOUCHED=1
    systemctl stop "$UNIT" 2>/dev/null
    systemctl reset-failed "$UNIT" 2>/dev/null
    rm -rf -- "$ETCD_DATA" "$SQLITE" "$SQLITE-wal" "$SQLITE-shm" "$SQLITE.migrated"
    cp -p -- "$OPEN_DIR/db"/* "${SQLITE%/*}/" && sync "$SQLITE" && UNDONE+=("the cluster is in SQLite again, as it was")
  fi
  drop_guard
  end_open
}
