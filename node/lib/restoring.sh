# shellcheck shell=bash disable=SC2034  # read by the verbs
# What a node has done of a restore, so that an interrupted one is gone on with and a finished one is
# never done twice: $RESTORES/ID/state holds one word.
#   checked  first server: the snapshot can be restored; nothing was touched
#   halted   this server is stopped for it, and its data are of before
#   aside    first server: the old data are being set aside, or are
#   reset    first server: etcd has the snapshot's data, and this member only
#   done     this node is past it

RECORD="" # the directory of this restore on this node

# restore_record ID: RECORD, and the state in REPLY; empty when nothing of it was done here.
restore_record() {
  RECORD=$RESTORES/$1
  REPLY=$(cat "$RECORD/state" 2>/dev/null)
}

# note_state WORD: on disk before we go on.
note_state() {
  write_file "$RECORD/state" 600 "$1" || die "$RECORD cannot be written; is the file system full or read-only?"
  sync "$RECORD" 2>/dev/null
  return 0
}

# halted_for: the restore that this server is halted for, in REPLY; empty when it is not.
halted_for() {
  local file
  REPLY=""
  for file in "$RESTORES"/*/state; do
    [[ -f $file && $(<"$file") == halted ]] || continue
    REPLY=${file%/state}
    REPLY=${REPLY##*/}
    return 0
  done
  return 0
}

# past_restore: this node is a part of its cluster again, and past every restore it was halted for.
past_restore() {
  halted_for
  while [[ -n $REPLY ]]; do
    restore_record "$REPLY"
    note_state "done"
    halted_for
  done
  [[ -n ${ARG[restored]:-} ]] || return 0
  restore_record "${ARG[restored]}"
  [[ $REPLY == "done" ]] || note_state "done"
}

# old_data ID: where a restore keeps what was here before, in REPLY. On the file system of the data, so
# that moving them is one rename.
old_data() {
  REPLY=$DATA/server/before-restore-$1
}

# set_cluster_aside: etcd's data, keys and tokens of before are set aside, never deleted. The word `aside`
# stands before the first rename, so that what is found afterwards can be told: with $old/etcd there,
# etcd's directory is of a reset that did not end.
set_cluster_aside() {
  local old item
  old_data "${ARG[id]}" && old=$REPLY
  act
  on_failure cluster_back
  if [[ $STATE_FOUND != aside ]]; then
    rm -rf -- "$old"
    mkdir -p "$old" || die "$old cannot be made; is the file system full or read-only?"
    for item in tls cred token; do
      [[ ! -e $DATA/server/$item ]] || cp -a -- "$DATA/server/$item" "$old/$item" || die "$DATA/server/$item cannot be copied to $old; is the disk full?"
    done
    sync "$old"
    note_state aside
  fi
  if [[ -e $old/etcd ]]; then
    rm -rf -- "$ETCD_DATA"
  elif [[ -e $ETCD_DATA ]]; then
    mv -- "$ETCD_DATA" "$old/etcd" || die "$ETCD_DATA could not be moved aside"
    say "the data of before are in $old until the next restore has succeeded"
  else
    mkdir "$old/etcd"
  fi
}

# cluster_back: undoes set_cluster_aside, also what a killed run did of it.
cluster_back() {
  local old item
  old_data "${ARG[id]}" && old=$REPLY
  if [[ -e $old/etcd ]]; then
    rm -rf -- "$ETCD_DATA"
    [[ ! -e $old/etcd/name ]] || mv -- "$old/etcd" "$ETCD_DATA"
  fi
  for item in tls cred token; do
    [[ -e $old/$item ]] || continue
    rm -rf -- "${DATA:?}/server/$item"
    mv -- "$old/$item" "$DATA/server/$item"
  done
  rm -rf -- "$old"
  write_file "$RECORD/state" 600 checked
  UNDONE+=("etcd's data, keys and tokens are again as they were")
}

# start_again: the last of an undo: the first server runs as before. Nothing waits for it: the others are
# still halted, and alone it has no majority.
start_again() {
  [[ -d $ETCD_DATA/member ]] || return 0
  systemctl daemon-reload 2>/dev/null
  systemctl enable --quiet "$UNIT" 2>/dev/null
  systemctl start --no-block "$UNIT" && UNDONE+=("$UNIT is started again; the other servers are still halted: mend what is said above and run again, or go back: take \`restore\` out of the configuration and run \`systemctl enable --now $UNIT\` on each of them")
}

# no_way_back: from here on the snapshot's data count; a later failure keeps them, and the next run goes on.
no_way_back() {
  UNDO=() UNDO_FIRST="" UNDO_LAST=""
  STAYS="the snapshot's data are in place here and stay, and the other servers are halted: the next run goes on from there"
  forget_before
}
