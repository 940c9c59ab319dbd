# shellcheck shell=bash disable=SC2034  # UNDO_LAST and WAS_ACTIVE are read by the library
# remove: this node leaves its cluster for good, and nothing of k3s stays on it. What is kept: our own
# logs, and a server's snapshot with its token: the last server's in $LAST, another's in $SNAPSHOTS. What neither k3s
# nor this program wrote stays where it is, and is named.

verb_remove() {
  local out=()
  parse_args "name role peer deadline drain-deadline" "part-time" "$@"
  require role
  [[ -n ${ARG[name]:-} ]] || ARG[name]=$(sed -nE 's/.*"node":"([^"]*)".*/\1/p' "$MARKER" 2>/dev/null)
  NODE_NAME=${ARG[name]:-$NODE_NAME}
  begin_verb remove
  step observe observe_removal
  comes_and_goes
  if [[ $REPLY != "${ARG[part-time]:-no}" ]]; then
    say "this machine is another entry's of the stack now, or was never this one's; nothing is removed"
  elif [[ $K3S_HERE == yes || $MARKED == yes ]]; then
    act
    UNDO_LAST=back_to_work
    [[ $LEAVING == last ]] || step drain send_pods_away
    [[ $ROLE == server ]] && step leave leave_cluster
    step stop stop_for_good
    [[ -n $VIA ]] && step node delete_own_node
    step wipe wipe_all
    changed removed
  fi
  finish_step ok
  json_string "$NODE_NAME" && out+=(node "$REPLY")
  json_string "${ARG[role]}" && out+=(role "$REPLY")
  json_string "${LEAVING:-never}" && out+=(left "$REPLY")
  json_or_null "$([[ $LEAVING == last ]] && echo "$LAST")" && out+=(kept "$REPLY")
  json_list "${FILES[@]}" && out+=(leftBehind "$REPLY")
  json_list "${CHANGED[@]}" && out+=(changed "$REPLY")
  json_object "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}

# observe_removal: is it ours, and may it leave? Refuses before anything is touched. A node that was
# changing its role goes as what it is now.
observe_removal() {
  observe_machine
  observe_k3s
  [[ $K3S_HERE == yes && $MARKED == no ]] && refuse "a k3s that this program did not install is here (role $ROLE); it is not removed"
  [[ $ROLE == none ]] && ROLE=${ARG[role]}
  [[ $ROLE == "${ARG[role]}" ]] || say "this node was a ${ARG[role]} and is a k3s $ROLE now"
  unit_of "$ROLE" && UNIT=$REPLY
  service_state
  [[ $STATE_WORD == other ]] || WAS_ACTIVE=yes
  [[ $ROLE == server && $K3S_HERE == yes ]] && may_it_leave
  return 0
}

# leave_cluster: the last server saves its data, which happens only when the whole stack is destroyed: a
# configuration has one server at least. Any other saves a snapshot and leaves etcd.
leave_cluster() {
  case $LEAVING in
    last) save_last ;;
    yes)
      save_before
      leave_etcd
      ;;
    *) say "this node is no member of etcd; there is nothing to leave" ;;
  esac
}

# save_last: a snapshot and the token, outside what is wiped.
save_last() {
  local name
  printf -v name 'last-%(%Y%m%dT%H%M%SZ)T' -1
  mkdir -p "$LAST" || die "$LAST cannot be made"
  say "this is the last server: its data goes to $LAST"
  if etcd_status; then
    save_snapshot "${name,,}" || die "$REPLY"
    cp -- "$SAVED" "$LAST/$name" || die "the last snapshot cannot be copied to $LAST; is the disk full?"
  else
    say "warning: etcd does not answer ($REPLY); its data directory is kept as it is"
    systemctl stop "$UNIT"
    cp -a -- "$ETCD_DATA" "$LAST/$name" || die "$ETCD_DATA cannot be copied to $LAST; is the disk full?"
  fi
  write_file "$LAST/$name.token" 600 "$(cat "$DATA/server/token")" || die "the token cannot be written to $LAST"
  sync "$LAST/$name" 2>/dev/null
}

# wipe_all: what k3s and this program wrote. What is left is not theirs: it is named.
wipe_all() {
  local name
  wipe_data
  while IFS= read -r name; do
    [[ -n $name ]] && rm -f -- "$DATA/agent/images/$name"
  done < <(cat "$IMAGES_PUT" 2>/dev/null)
  drop_empty "$DATA/agent/images" "$DATA/agent" "$DATA" "${DATA%/*}"
  wipe_files
  drop_bar
  laid_back
  rm -rf -- "$RUNNING" "$RESTORES" "$CORDONED_HERE" "$LAID" "$IMAGES_PUT"
  forget_before
  name_files "$ROOT" < <(find_left)
  ((${#FILES[@]} == 0)) || { list_files && say "left here, since neither k3s nor this program wrote it: $REPLY"; }
}
