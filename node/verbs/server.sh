# shellcheck shell=bash disable=SC2034  # NODE_NAME, UNIT and others are read by the library
# server: this node is a voter of its cluster, with this version and this configuration.

verb_server() {
  parse_args "name address version sha256-amd64 sha256-arm64 mirror upload peer join restored:name existing replacing:names deadline drain-deadline rotate-token rotate-keys rotate-certificates" "found first" "$@"
  require name address version
  require_source
  NODE_NAME=${ARG[name]}
  unit_of server && UNIT=$REPLY
  read_input
  begin_verb server
  step observe observe_server
  step peers choose_membership
  step fixed check_fixed
  look_at_rotations
  step quorum check_quorum
  step snapshot snapshot_before
  step drain drain_before server
  step convert become_server
  [[ -z $TAKING ]] || step migrate take_existing
  step binary put_binary
  step config put_server_config
  step unit put_unit server
  rotate_due
  step start start_server
  step voter wait_voter
  step names check_names
  step changed wait_changed
  [[ -z $TAKING ]] || step migrated finish_existing
  check_token_rotated
  step passwords save_bootstrap_data
  finish_rotations
  forget_before
  step uncordon uncordon_or_die
  [[ ! -e $REMOVED_MEMBER ]] || rm -rf -- "$REMOVED_MEMBER"
  past_restore
  finish_step ok
  answer_server
}

# observe_server: preflight, and what an undo will have to bring back.
observe_server() {
  preflight server
  need_checksum
  check_existing
  case $TAKING:$DATASTORE in
    :sqlite | :external) refuse "this server's datastore is $DATASTORE, although this program installed it; look at $CONFIG and $DATA/server/db" ;;
    migrate:*) migrating ;;
    replace:*) [[ $MARKED == yes ]] || ETCD_HERE=no DATASTORE=none ;;
  esac
  [[ -e $NODE_PASSWORD ]] || NEW_PASSWORD=yes
  service_state
  # a k3s that is replaced is not the one that is started
  [[ $TAKING == replace ]] || observe_active
}

# check_quorum: a living voter is only touched while all voters are healthy. Said before anything is
# changed.
check_quorum() {
  local line id name learner where voters=0 healthy=0 sick="" self=0 until=$((SECONDS + 20))
  begin_new
  [[ $MEMBERSHIP == member && $WAS_ACTIVE == yes ]] || return 0
  will_change server || return 0
  # an election may be under way
  while ((self == 0 && SECONDS < until)); do
    is_voter_now && self=1
    [[ $STATE_WORD == active ]] || break
    ((self)) || pause 1
  done
  if ((self)); then
    for line in "${MEMBERS[@]}"; do
      read -r id name learner where <<<"$line"
      ((learner)) && continue
      ((voters++))
      url_of "$where" "$ETCD_PORT"
      if etcd_status "$REPLY"; then ((healthy++)); else sick+="${sick:+; }$name at $where: $REPLY"; fi
    done
  elif ! majority_returns; then
    refuse "$REPLY"
  fi
  may_stop "$voters" "$healthy" "$self"
  case $REPLY in
    unhealthy)
      if token_half_rotated; then
        say "$healthy of $voters voters are healthy ($sick), and the rotation of the token is half done: a server with the old one cannot start again, so waiting mends nothing; going on, the API may be away while this one restarts"
        return 0
      fi
      quorum_of "$voters"
      refuse "$healthy of $voters voters are healthy ($sick); this server would be restarted for its new version or settings, which is not done before all are healthy (majority: $REPLY). Bring them back, or declare a machine that is gone for good as lost"
      ;;
    alone) say "this is the only voter: the API is away while it restarts" ;;
    *) ((self)) && say "$healthy of $voters voters are healthy; $((healthy - 1)) of $voters while this one restarts" ;;
  esac
  return 0
}

# put_server_config: marker, config.yaml and, for a node that is no member yet, the join file.
put_server_config() {
  act
  case $MEMBERSHIP in
    join) rm -rf -- "$DATA/server/cred" ;; # of a try that was cut short: compared with the cluster's, it would end k3s
    rejoin) set_data_aside ;;
  esac
  put_marker server
  put_config
  case $MEMBERSHIP in
    found) founding && put_join "$REPLY" ;;
    member) [[ -z $TAKING || -e $JOIN ]] || { keeping_token && put_join "$REPLY"; } ;;
    join | rejoin) joining "${LIVING[0]}" && put_join "$REPLY" ;;
  esac
}

# start_server: runs the service; while it joins, what an earlier life left behind is cleared.
start_server() {
  case $MEMBERSHIP in
    join | rejoin) run_service clear_once "${LIVING[0]}" ;;
    *)
      if [[ $TAKING == migrate ]]; then
        run_service watch_migration
      elif [[ -e $BEFORE/new ]]; then
        run_service begin_over
      else
        run_service
      fi
      ;;
  esac
}

BEGUN_OVER=no

# begin_over: each second while a new server starts. The data of a first start that was cut short can be such that k3s
# ends at every further one; nothing was ever kept in them, so they go and it starts anew, once.
begin_over() {
  [[ $BEGUN_OVER == no && $ETCD_HERE == yes && -n $WATCHED ]] && ((RESTARTS > WATCHED_FROM)) || return 0
  BEGUN_OVER=yes
  first_death
  say "k3s cannot go on from its interrupted first start ($REPLY); it begins over"
  leave_again || { say "its data are kept: $REPLY" && return 0; }
  timeout 120 systemctl stop "$UNIT" || die "$UNIT could not be stopped within 120 s"
  rm -rf -- "$ETCD_DATA"
  drop_passwords
  service_state
  record_start
  systemctl start --no-block "$UNIT" || die "systemctl start $UNIT failed"
  watch_deaths "$INVOCATION"
}

# wait_voter: until etcd itself lists this server as a voter and has a leader.
wait_voter() {
  local since=$SECONDS begun why
  printf -v begun '%(%s)T' -1
  until is_voter_now; do
    why=$REPLY
    seconds_left
    if ((REPLY <= 1)); then
      no_majority && die "$REPLY"
      is_voter_now && return 0
      show_journal "$begun"
      die "this server is active but not a voter after $((SECONDS - since)) s: ${OWN_LINE:+it is listed as a learner; }$why"
    fi
    stay_alive
    every 15 progress && say "not a voter yet after $((SECONDS - since)) s: $why"
    pause "$POLL"
  done
  return 0
}

# answer_server: the result.
answer_server() {
  local out=() id name
  read -r id name _ _ <<<"$OWN_LINE"
  json_string "${ARG[version]}" && out+=(version "$REPLY")
  json_string "${ARG[name]}" && out+=(node "$REPLY" role '"server"')
  url_of "${ARG[address]}" "$API_PORT"
  json_string "$REPLY" && out+=(url "$REPLY")
  json_string "$name" && out+=(member "$REPLY")
  json_string "$id" && out+=(memberId "$REPLY" voter true)
  nearest_expiry && json_string "$REPLY" && out+=(expires "$REPLY")
  json_list "${CHANGED[@]}" && out+=(changed "$REPLY")
  json_list "${UNDONE[@]}" && out+=(undone "$REPLY")
  json_object "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}
