# shellcheck shell=bash disable=SC2153  # HOLDER and K3S stand in paths.sh
# Who called us, and what becomes of a run that nobody hears any more.

CALLER=""      # for people: USER from ADDRESS
SERVED_BY=""   # "PID START" of the process that serves our connection; without one, of the process above us
WATCHER=""     # the process that looks whether that one is still there
CALLER_GONE=90 # seconds that a run has to its end from then on: a server joins in 28, one that is upgraded takes less

# look_at_process PID: "ABOVE START" in REPLY: the process above it, and when PID was started; fails when there is none.
look_at_process() {
  local entry
  { entry=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  # shellcheck disable=SC2086  # words; a name, which ends with the bracket, may hold blanks
  set -- ${entry##*)}
  [[ $1 != Z ]] || return 1
  REPLY="$2 ${20}"
}

# find_caller: CALLER and SERVED_BY. sudo takes SSH_CONNECTION away, so the processes above are asked: above the last one
# that has it stands sshd's process for this connection, which ends with it.
find_caller() {
  local pid=$$ above=$PPID from="" here entry
  while ((pid > 1)); do
    here=""
    while IFS= read -r -d '' entry; do
      [[ $entry != SSH_CONNECTION=* ]] || { here=${entry#*=} && here=${here%% *}; }
    done 2>/dev/null <"/proc/$pid/environ"
    [[ -n $here || -z $from ]] || break
    look_at_process "$pid" || break
    [[ -z $here ]] || from=$here above=${REPLY% *}
    pid=${REPLY% *}
  done
  CALLER=${SUDO_USER:-root}${from:+ from $from}
  # below process 1 it stands by itself: started by systemd, or in a terminal that outlives its connection
  if ((above > 1)) && look_at_process "$above"; then SERVED_BY="$above ${REPLY#* }"; fi
}

# caller_lives: whether somebody still waits for us.
caller_lives() {
  [[ -n $SERVED_BY ]] || return 0
  look_at_process "${SERVED_BY% *}" && [[ ${REPLY#* } == "${SERVED_BY#* }" ]]
}

# outlive_caller: this run goes on when its connection is cut, but no longer than CALLER_GONE without its caller; then, as
# at a signal, it is undone.
outlive_caller() {
  trap '' HUP PIPE
  trap 'interrupted TERM' TERM
  trap 'interrupted INT' INT
  [[ -n $CALLER ]] || find_caller
  [[ -n $SERVED_BY ]] || return 0
  trap orphaned USR1
  watch_caller </dev/null >/dev/null 2>&1 9>&- &
  WATCHER=$!
  disown "$WATCHER"
}

# orphaned: the end of a run that nobody hears. An undo has bounds of its own.
orphaned() {
  ((UNDOING)) || die "its caller has been gone for $CALLER_GONE s, and it has not ended"
}

# stop_watching: what is undone is not disturbed.
stop_watching() {
  [[ -z $WATCHER ]] || kill "$WATCHER" 2>/dev/null
}

# watch_caller: the watcher. It ends with the run.
watch_caller() {
  local until holder
  while caller_lives; do
    sleep 2
    still_ours || return 0
  done
  say "the caller is gone; this run ends within $CALLER_GONE s, or is undone"
  if ((LOCKED)); then
    who_holds && holder=$REPLY
    printf '%s; its caller is gone since %(%H:%M:%S %Z)T, so it ends within %d s, or is undone then\n' "$holder" -1 "$CALLER_GONE" >"$HOLDER"
  fi
  until=$((SECONDS + CALLER_GONE))
  while ((SECONDS < until)); do
    sleep 1
    still_ours || return 0
  done
  kill -USR1 $$ && end_waits
}

# still_ours: whether the run that this watcher belongs to still runs.
still_ours() {
  look_at_process "$BASHPID" && ((${REPLY% *} == $$))
}

# end_waits: a shell takes a signal only after the command that it waits for. Those that do nothing but wait for others
# are ended: questions, downloads, k3s' own commands and systemctl; never a package manager.
end_waits() {
  local file pid above words
  for file in /proc/[0-9]*/cmdline; do
    mapfile -d '' -t words 2>/dev/null <"$file"
    [[ ${words[0]:-} == curl || (${words[0]:-} == timeout && (${words[2]:-} == "$K3S" || ${words[2]:-} == systemctl)) ]] || continue
    pid=${file#/proc/} pid=${pid%/cmdline} above=$pid
    while ((above > 1 && above != $$)); do
      look_at_process "$above" || break
      above=${REPLY% *}
    done
    ((above != $$)) || kill -TERM "$pid"
  done
}
