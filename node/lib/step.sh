# shellcheck shell=bash disable=SC2034  # UNFINISHED and ACTING are read by the other files
# The named steps of a run. Each is announced and written down, so that a run that was killed or
# lost its power is seen by the next one.

ACTING=0         # 1 from the first change on
UNFINISHED=""    # the verb of an earlier run that did not end
BEGUN=""         # when it began
INTERRUPTED=0

# write_note TEXT: a line in the step file.
write_note() {
  printf '%(%Y-%m-%dT%H:%M:%S%z)T %s\n' -1 "$*" >>"$STEP_FILE"
}

# note TEXT: the same, on disk before we go on.
note() {
  write_note "$@" && sync "$STEP_FILE" 2>/dev/null
  return 0
}

# hold_node VERB: takes the lock, opens the log, and outlives the connection that it was started over.
hold_node() {
  take_lock "$1"
  open_log "$1"
  outlive_caller
}

# not_ended: whether the run in the step file did not end: its verb in UNFINISHED, when it began in BEGUN, and what it
# noted last in REPLY.
not_ended() {
  [[ -s $STEP_FILE ]] || return 1
  REPLY=$(tail -n 1 "$STEP_FILE")
  [[ $REPLY != *" ended "* ]] || return 1
  BEGUN=$(head -n 1 "$STEP_FILE")
  UNFINISHED=${BEGUN##* } BEGUN=${BEGUN%% *} REPLY=${REPLY#* }
}

# begin_verb VERB: holds the node, and reports what an earlier run left unfinished.
begin_verb() {
  hold_node "$1"
  not_ended && say "the step \`$UNFINISHED\` begun at $BEGUN did not end (last: $REPLY); going on from what is there"
  : >"$STEP_FILE"
  note "verb $1"
  load_undo
}

# step NAME COMMAND...: one named step, told to who asked for that (--steps). Nothing stands between its end and the
# next note, which takes it to the disk.
step() {
  local name=$1 tell=log
  [[ -z ${ARG[steps]:-} ]] || tell=say
  shift
  note "begin $name"
  "$tell" "step: $name begin"
  "$@"
  "$tell" "step: $name end"
  write_note "end $name"
}

# finish_step HOW: the run ended by itself (ok, undone or refused).
finish_step() {
  [[ -e $STEP_FILE && $(tail -n 1 "$STEP_FILE") == *" ended "* ]] && return 0
  [[ -n $LOG_FILE ]] && note "ended $1"
  return 0
}

# act: from here on something is changed.
act() {
  ACTING=1
}

# interrupted SIGNAL: the operator, or the machine's shutdown, ends this run.
interrupted() {
  ((INTERRUPTED)) && return
  INTERRUPTED=1
  die "ended by signal $1"
}

# every SECONDS WHAT: whether WHAT is due again: at most once in SECONDS, and not at the first call.
declare -gA DUE_SINCE=()
every() {
  local last=${DUE_SINCE[$2]:=$SECONDS}
  ((SECONDS - last >= $1)) || return 1
  DUE_SINCE[$2]=$SECONDS
}

# pause SECONDS: a sleep that a signal can end.
pause() {
  sleep "$1" 9>&- &
  wait $! 2>/dev/null
  return 0
}

# patiently_for SECONDS COMMAND...: again and again for so long; fails when it never succeeded.
patiently_for() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < until)) || return 1
    stay_alive
    pause "$POLL"
  done
}
