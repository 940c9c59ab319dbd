# shellcheck shell=bash disable=SC2015,SC2153  # `a && b || c` is meant; UNIT, DATA and the facts of service_state stand in the other files
# A k3s that ends by itself is started again by systemd, for ever, and may call itself ready each time: only the number
# of restarts tells. Every wait asks here. What counts is why it ended first; later deaths may only follow from that.

RESTARTS_BORNE=3   # restarts of a k3s that never was ready, before it is given up
RESTARTS_OF_READY=2 # of one that was: nothing that it waits for comes so late

WATCHING=0       # 1 since this run has told the service to start
WATCHED=""       # the first invocation since then, and what systemd counted at its begin
WATCHED_FROM=0
WATCHED_READY=no # yes: an invocation was ready since

# watch_deaths OLD: deaths count from here: the service was just told to start, in another invocation than OLD.
watch_deaths() {
  WATCHING=1 WATCHED="" WATCHED_FROM=0 WATCHED_READY=no WATCHED_OLD=$1
}

# died_often: whether k3s has ended by itself too often to wait any longer; why, in its own first words, in REPLY. Called
# after service_state.
died_often() {
  local deaths borne=$RESTARTS_BORNE
  if [[ -z $WATCHED ]]; then
    [[ -n $INVOCATION && $INVOCATION != "$WATCHED_OLD" ]] || return 1
    WATCHED=$INVOCATION WATCHED_FROM=$RESTARTS
  fi
  [[ $STATE_WORD != active ]] || WATCHED_READY=yes
  [[ $WATCHED_READY == no ]] || borne=$RESTARTS_OF_READY
  deaths=$((RESTARTS - WATCHED_FROM))
  ((deaths >= borne)) || return 1
  [[ $WATCHED_READY == yes ]] || ! ends_by_itself || return 1
  first_death
  REPLY="$UNIT ended $deaths times and does not stay up; at first it said: $REPLY"
}

# stay_alive: dies when died_often. For every wait, those after a start.
stay_alive() {
  ((WATCHING)) && every 1 deaths || return 0
  service_state
  ! died_often || die "$REPLY"
}

# ends_by_itself: whether the newest failure is one that others end: they are joining, or have no leader yet.
ends_by_itself() {
  journal "$(($(date +%s) - 60))" | grep -E 'level=(fatal|error)' | tail -n 1 |
    grep -qE 'too many learner|unhealthy cluster|leader changed|duplicate node name|[Pp]eer URLs already exists|deadline exceeded|connection refused'
}

# first_death: what the first invocation said when it ended, in REPLY. Its journal, and containerd's log where that ended
# first, are kept beside our own log: an undo takes them away.
first_death() {
  local text log=$DATA/agent/containerd/containerd.log
  text=$(journalctl "_SYSTEMD_INVOCATION_ID=$WATCHED" --output cat --no-pager --lines 2000 2>/dev/null)
  [[ -z $LOG_FILE ]] || printf '%s\n' "$text" >"${LOG_FILE%.log}.k3s"
  words_of_death "$text"
  if [[ $REPLY == *"containerd exited"* && -s $log ]]; then
    [[ -z $LOG_FILE ]] || tail -n 500 -- "$log" >"${LOG_FILE%.log}.containerd"
    REPLY+=" ($( (grep -m 1 -E '^panic:|level=fatal|^containerd: ' -- "$log" || tail -n 1 -- "$log") | cut -c 1-300))"
  fi
  redact "$REPLY"
}

# words_of_death JOURNAL: the first line in it that says why k3s ended, without time and level, in REPLY; its last line
# when none does. Pure.
words_of_death() {
  local line
  line=$(grep -m 1 -E 'level=fatal|Shutdown request received: |^panic:|^fatal error:|^Error: ' <<<"$1" || tail -n 1 <<<"$1")
  [[ $line =~ msg=\"(.*)\"$ ]] && line=${BASH_REMATCH[1]}
  line=${line#Shutdown request received: }
  line=${line//\\\\/\\}
  line=${line//\\\"/\"}
  line=${line#\"} line=${line%\"}
  REPLY=${line:0:500}
}
