# shellcheck shell=bash disable=SC2034  # NODE_NAME, UNIT and others are read by the library
# restore: this server becomes the only member of a cluster that has a snapshot's data. The others are
# halted, and join again afterwards. Done once for each --id; --again, which stands in every run but the
# first one, goes on with a restore that was begun here and never begins one.
# restore-check: whether it can be done; touches nothing of k3s.

STATE_FOUND="" # what was done of this restore before this run

verb_restore_check() {
  local out=()
  parse_args "id:name name address version snapshot:path" "again" "$@"
  require id name address version snapshot
  NODE_NAME=${ARG[name]}
  read_input
  restore_record "${ARG[id]}"
  STATE_FOUND=$REPLY
  decide_restore "$STATE_FOUND" "${ARG[again]:-no}"
  case $REPLY in
    restore)
      preflight server
      examine_snapshot "${ARG[snapshot]}" "${ARG[version]}"
      mkdir -p "$STATE"
      [[ -n $STATE_FOUND ]] || note_state checked
      out+=(bytes "$(stat -c %s -- "$SNAPSHOT_FILE")")
      printf -v REPLY '%(%Y-%m-%dT%H:%M:%SZ)T' "$(stat -c %Y -- "$SNAPSHOT_FILE")"
      json_string "$REPLY" && out+=(savedAt "$REPLY")
      ;;
    nothing)
      [[ -n ${ARG[again]:-} ]] || refuse "the restore ${ARG[id]} was done here at $(date -u -d "@$(stat -c %Y "$RECORD/state")" +%Y-%m-%dT%H:%M:%SZ). To restore again give it a new id; to keep things as they are take \`restore\` out of the configuration"
      ;;
  esac
  json_string "${ARG[id]}" && out+=(id "$REPLY")
  json_or_null "$STATE_FOUND" && out+=(state "$REPLY")
  json_object "${out[@]}"
  answer "$REPLY"
}

verb_restore() {
  local out=()
  parse_args "id:name name address version sha256-amd64 sha256-arm64 mirror upload snapshot:path peer node deadline" "again" "$@"
  require id name address version snapshot
  require_source
  NODE_NAME=${ARG[name]}
  unit_of server && UNIT=$REPLY
  read_input
  begin_verb restore
  restore_record "${ARG[id]}"
  STATE_FOUND=$REPLY
  decide_restore "$STATE_FOUND" "${ARG[again]:-no}"
  case $REPLY in
    restore)
      step observe observe_restore
      step stop stop_before_restore
      step binary put_binary
      step config put_restore_config
      step aside set_cluster_aside
      step reset reset_cluster
      come_back
      ;;
    resume)
      no_way_back
      observe_restored
      put_binary
      come_back
      ;;
  esac
  finish_step ok
  json_string "${ARG[id]}" && out+=(id "$REPLY")
  old_data "${ARG[id]}" && json_string "$REPLY" && out+=(kept "$REPLY")
  json_list "${CHANGED[@]}" && out+=(changed "$REPLY")
  json_object "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}

# observe_restore: everything that is checked while nothing is touched here, and what an undo brings back.
observe_restore() {
  local peer port
  preflight server
  need_checksum
  [[ $DATASTORE == etcd || $DATASTORE == none ]] || refuse "this server's datastore is $DATASTORE; a snapshot of etcd is restored where etcd is"
  examine_snapshot "${ARG[snapshot]}" "${ARG[version]}"
  for peer in "${PEERS[@]}"; do
    for port in "$API_PORT" "$ETCD_PORT"; do
      tcp_probe "${peer#*=}" "$port"
      [[ $REPLY != open ]] || refuse "${peer%%=*} still answers at ${peer#*=}:$port; a restore makes a new cluster of this server, and no other may live beside it. Stop k3s there (k3s-node halt --id ${ARG[id]} --name ${peer%%=*}) and run again"
    done
  done
  mkdir -p "$RECORD"
  [[ -e $NODE_PASSWORD ]] || : >"$RECORD/new-machine"
  service_state
  begin_new
  [[ $UNDO_FIRST == wipe_new ]] || UNDO_LAST=start_again
}

# observe_restored: the same for a restore that only has to come back.
observe_restored() {
  preflight server
  need_checksum
  service_state
}

# stop_before_restore: from here to the end of the reset k3s does not start by itself, not even at boot.
stop_before_restore() {
  act
  systemctl disable --quiet "$UNIT" 2>/dev/null
  seconds_left
  [[ $STATE_WORD == other ]] || timeout "$REPLY" systemctl stop "$UNIT" || die "$UNIT could not be stopped within $REPLY s; see journalctl -u $UNIT"
  systemctl reset-failed "$UNIT" 2>/dev/null
  return 0
}

# put_restore_config: as for a server; the join file has the snapshot's token, and no server to join, which
# k3s refuses beside a reset.
put_restore_config() {
  put_marker server
  put_config
  TOKEN=$CHOSEN
  founding && put_join "$REPLY"
}

# reset_cluster: k3s itself makes the snapshot's data those of a cluster with this member only.
reset_cluster() {
  local flags=(--cluster-reset "--cluster-reset-restore-path=$SNAPSHOT_FILE") log=$RECORD/reset.log code line
  grep -qE '^etcd-s3:' "$CONFIG" && flags+=(--etcd-s3=false) # else the path would be a key there
  rm -f -- "$DATA/server/db/reset-flag"
  seconds_left
  say "k3s server ${flags[*]}"
  timeout "$REPLY" "$K3S" server "${flags[@]}" >"$log" 2>&1 </dev/null 9>&- &
  wait $!
  code=$?
  if ((code != 0)) || ! grep -q 'restart without --cluster-reset flag now' "$log"; then
    while IFS= read -r line; do
      say "  k3s: ${line:0:300}"
    done < <(grep -E 'level=(fatal|error)|^panic:|^Error: ' "$log" | tail -n 6)
    die "k3s could not restore $SNAPSHOT_FILE (exit code $code); its last words are above, all of them in $log"
  fi
  for line in "$ETCD_DATA"-old-*; do # k3s' own move of a directory that held nothing but a new name
    [[ ! -e $line || -d $line/member ]] || rm -rf -- "$line"
  done
  [[ -d $ETCD_DATA/member ]] || die "k3s says that it restored the snapshot, but there is no $ETCD_DATA/member; see $log"
  sync "$ETCD_DATA"
  note_state reset
  changed data
  no_way_back
}

# come_back: k3s runs with the snapshot's data, alone, and knows the machines that will join it.
come_back() {
  step unit put_unit server
  step start run_service
  step voter wait_alone
  step passwords save_bootstrap_data
  step admit admit_nodes
  past_restore # an earlier one, given up, may have halted this server
  restore_record "${ARG[id]}"
  note_state "done"
  forget_older
}

# wait_alone: a voter, and the only one.
wait_alone() {
  wait_voter
  ((${#MEMBERS[@]} == 1)) || die "etcd has ${#MEMBERS[@]} members after the restore, wanted one: ${MEMBERS[*]}"
}

# admit_nodes: where the snapshot knows a node from a machine with another machine-id, that Node and its
# password go, so that today's machine can register. All of them are dead at this moment but this one.
admit_nodes() {
  local item name machine url=https://127.0.0.1:$API_PORT
  for item in "${ADMITTED[@]}"; do
    name=${item%%=*} machine=${item#*=}
    if [[ $name == "${ARG[name]}" ]]; then
      [[ ! -e $RECORD/new-machine ]] || patiently delete_password "$url" "$name" || die "the password secret of $name could not be deleted"
      continue
    fi
    patiently node_facts "$url" "$name" || die "the API here does not answer"
    decide_node "$NODE_ID" "$machine" no
    case $REPLY in
      delete)
        say "the Node $name is of another machine: it and its password are deleted"
        patiently delete_node "$url" "$name" || die "the stale Node $name could not be deleted"
        ;;
      secret) patiently drop_password "$url" "$name" || die "the password secret of $name could not be deleted" ;;
    esac
  done
}

# forget_older: what earlier restores set aside goes, now that this one has succeeded.
forget_older() {
  local old keep
  old_data "${ARG[id]}" && keep=$REPLY
  for old in "$DATA"/server/before-restore-*; do
    [[ $old == "$keep" || ! -e $old ]] || rm -rf -- "$old"
  done
}
