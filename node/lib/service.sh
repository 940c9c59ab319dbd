# shellcheck shell=bash disable=SC2015,SC2034,SC2153  # `a && b || die` is meant; read by the verbs; BEFORE stands in paths.sh
# Starting, restarting and watching k3s' service. systemd waits for ever for a join that cannot
# succeed, so nothing here waits for systemd: it is told, and then looked at.

UNIT=""
SERVICE_TOUCHED=0 # 1 once this run has started or stopped the service
WAS_ACTIVE=no
POLL=0.2          # seconds between two looks at what is soon to be there

# stop_for_now: k3s is stopped by a run that will start it again; when it does not come to that, the next one
# knows that it ran.
stop_for_now() {
  if [[ $WAS_ACTIVE == yes ]]; then
    mkdir -p "$BEFORE" && : >"$BEFORE/active" || die "$BEFORE cannot be made"
  fi
  SERVICE_TOUCHED=1 WATCHING=0
  timeout 120 systemctl stop "$UNIT" || die "$UNIT could not be stopped within 120 s"
}

# in_place: a digest of the files that a start reads, in REPLY.
in_place() {
  local files
  files=$(cat -- "$CONFIG" "$JOIN" "$UNIT_DIR/$UNIT" 2>/dev/null | sha256sum)
  k3s_sum
  REPLY="$REPLY ${files%% *}"
}

# record_start: writes down, before a start, what it will run with and which invocation came before.
# A later run can then tell whether that start took place, also after a kill or a power loss.
record_start() {
  in_place
  write_file "$RUNNING" 600 "$REPLY ${INVOCATION:-none}"
}

# forget_start: the next start is one that has to take place, although no file says so.
forget_start() {
  rm -f -- "$RUNNING"
}

# recorded_start: what the service was last started with, in REPLY; empty when nothing was written
# down, `never` when the start that was written down did not take place.
recorded_start() {
  REPLY=$(cat "$RUNNING" 2>/dev/null)
  [[ -n $REPLY ]] || return 0
  if [[ ${REPLY##* } == "$INVOCATION" ]]; then REPLY=never; else REPLY=${REPLY% *}; fi
}

# will_change ROLE: whether this run will have to touch a running service. Looks only.
will_change() {
  [[ $DUE == " " ]] || return 0
  unit_text "$1"
  same_file "$UNIT_DIR/$UNIT" "$REPLY" && same_file "$CONFIG" "$WANTED_CONFIG" || return 0
  k3s_sum
  [[ $REPLY == "${ARG[sha256-$ARCH]}" ]] || return 0
  service_need 0
  [[ $REPLY == restart ]]
}

# service_need CHANGES: start, restart, wait or nothing, in REPLY.
service_need() {
  local recorded
  service_state
  recorded_start && recorded=$REPLY
  in_place
  decide_service "$STATE_WORD" "$recorded" "$REPLY" "$UNFINISHED" "$1"
}

# run_service: starts or restarts the service when it needs that, and waits until it is active.
# EACH-TIME is a command that is run meanwhile.
run_service() {
  local before need
  service_need "${#CHANGED[@]}"
  need=$REPLY before=$INVOCATION
  case $need in
    nothing) return 0 ;;
    wait)
      wait_active "" "$@"
      return
      ;;
  esac
  act
  SERVICE_TOUCHED=1
  [[ -z $before ]] || systemctl reset-failed "$UNIT" 2>/dev/null # what never ran has not failed
  say "systemctl $need $UNIT"
  drop_passwords
  record_start
  systemctl "$need" --no-block "$UNIT" || die "systemctl $need $UNIT failed"
  changed service
  wait_active "$before" "$@"
}

# wait_active OLD-INVOCATION EACH-TIME...: until the service is active in another invocation than
# OLD-INVOCATION; dies at the timeout, at a failure that waiting does not mend, or when k3s ended too often by itself.
wait_active() {
  local old=$1 since=$SECONDS begun starting why
  shift
  watch_deaths "$old"
  # it returns when the start has come to its end, good or bad; until then nobody has to look
  exec {starting}< <(exec systemctl start "$UNIT" </dev/null 2>&1 9>&-)
  printf -v begun '%(%s)T' -1
  while :; do
    service_state
    [[ $STATE_WORD == active && $INVOCATION != "$old" ]] && break
    (("$#")) && "$@"
    every 3 hopeless && hopeless "$begun" && die "$UNIT: $REPLY"
    if died_often; then
      why=$REPLY
      [[ $MEMBERSHIP == member ]] && no_majority && die "$REPLY"
      die "$why"
    fi
    if [[ $MEMBERSHIP == member ]] && ((SECONDS - since > 60)) && every 15 majority && no_majority; then
      die "$REPLY"
    fi
    seconds_left
    if ((REPLY <= 1)); then
      [[ $UNIT == k3s.service ]] && no_majority && die "$REPLY"
      show_journal "$begun"
      die "$UNIT is still $STATE_WORD ($SUBSTATE) after $((SECONDS - since)) s; its last words are above"
    fi
    every 15 progress && say "$UNIT is $STATE_WORD ($SUBSTATE) after $((SECONDS - since)) s"
    if [[ -z $starting ]]; then
      pause "$POLL"
    elif read -r -t "$POLL" -u "$starting" || (($? <= 128)); then
      exec {starting}<&-
      starting=""
    fi
  done
  [[ -z $starting ]] || exec {starting}<&-
  WATCHED=${WATCHED:-$INVOCATION} WATCHED_READY=yes
  say "$UNIT is active after $((SECONDS - since)) s"
}

# journal SINCE: the service's journal since then, newest last.
journal() {
  journalctl --unit "$UNIT" --since "@$1" --output cat --no-pager --lines 400 2>/dev/null
}

# hopeless SINCE: whether the journal has an error that waiting does not mend; what to do in REPLY.
hopeless() {
  local text
  text=$(journal "$1")
  case $text in
    *"critical configuration value mismatch"*)
      REPLY="its configuration differs from the other servers' in a value that must be equal: $(grep -m 1 -o 'critical configuration value mismatch.*' <<<"$text")"
      ;;
    *"token CA hash does not match"*) REPLY="the server it joins has another CA than our token: another cluster answers there" ;;
    *"flag provided but not defined"*) REPLY="this k3s does not know a setting: $(grep -m 1 -o 'flag provided but not defined.*' <<<"$text")" ;;
    *) return 1 ;;
  esac
  redact "$REPLY"
}

# show_journal SINCE: what matters of the journal, without secrets: why k3s ended, else its errors,
# else its last words.
show_journal() {
  local line all
  all=$(journal "$1")
  while IFS= read -r line; do
    say "  journal: ${line:0:300}"
  done < <(
    grep -E 'level=fatal|^panic:|^Error: |^fatal error:' <<<"$all" | tail -n 4 ||
      grep -E 'level=(error|warning)' <<<"$all" | tail -n 8 || tail -n 5 <<<"$all"
  )
}

# restore_service: the last of an undo on a node that had k3s: it runs again as before.
restore_service() {
  local until=$((SECONDS + 180)) also=""
  [[ $UNIT == k3s.service && $ETCD_HERE == yes ]] && also=", and etcd counts it as a voter"
  systemctl daemon-reload 2>/dev/null
  service_need 0
  if [[ $WAS_ACTIVE == no ]]; then
    ((SERVICE_TOUCHED)) && systemctl stop "$UNIT" && UNDONE+=("$UNIT is stopped again, as it was")
    return
  fi
  [[ $REPLY == start || $REPLY == restart ]] || return
  say "restarting $UNIT with its old files"
  drop_passwords
  record_start
  systemctl restart --no-block "$UNIT"
  pause 2
  while ((SECONDS < until)); do
    service_state
    if [[ $STATE_WORD == active ]] && { [[ -z $also ]] || is_voter_now; }; then
      UNDONE+=("$UNIT runs again with its old files$also")
      return
    fi
    pause 1
  done
  UNDONE+=("NOT done: $UNIT did not come back within 180 s with its old files; see journalctl -u $UNIT")
}
