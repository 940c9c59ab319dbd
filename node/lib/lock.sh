# shellcheck shell=bash disable=SC2015,SC2034,SC2153  # `a && b || refuse` is meant; HOLDER stands in paths.sh; LOCKED is read by undo.sh
# One run at a time on a node.

LOCKED=0 # 1 once this run holds the node

# Seconds a second run waits before it gives up: when the machine where Pulumi runs died, its step goes on here to
# its end, and the next `pulumi up` comes in the middle of it. A server joins in less.
LOCK_WAIT=180

# caller: who called us, in REPLY. sudo takes SSH_CONNECTION away, so the processes above are asked.
caller() {
  local pid=$$ from="" who=${SUDO_USER:-root} entry
  while [[ -z $from && $pid =~ ^[0-9]+$ && $pid -gt 1 ]]; do
    while IFS= read -r -d '' entry; do
      [[ $entry != SSH_CONNECTION=* ]] || { from=${entry#*=} && from=${from%% *}; }
    done 2>/dev/null <"/proc/$pid/environ"
    entry=$(<"/proc/$pid/stat") 2>/dev/null || break
    read -r _ pid _ <<<"${entry##*)}" # the process above; a name may hold blanks and brackets
  done
  REPLY="$who${from:+ from $from}"
}

# take_lock VERB: holds the node for the rest of this run; waits for it no longer than the run's own
# deadline. Descriptor 9 is the lock; what runs long in the background closes it, or it would hold the
# node after we are gone.
take_lock() {
  local holder wait=$LOCK_WAIT
  ((${ARG[deadline]:-$wait} < wait)) && wait=${ARG[deadline]}
  there "$STATE" && exec 9>>"$LOCK" || refuse "$STATE cannot be written; is the file system full or read-only?"
  if ! flock -n 9; then
    holder=$(head -n 1 "$HOLDER" 2>/dev/null)
    say "waiting up to $wait s: this node is held by ${holder:-another run}"
    if ! flock -w "$wait" 9; then
      holder=$(head -n 1 "$HOLDER" 2>/dev/null)
      say "error: this node is held by ${holder:-another run}; wait until it has ended, then run again"
      exit 4
    fi
  fi
  LOCKED=1
  caller
  printf '%s: %s, since %(%Y-%m-%d %H:%M:%S %Z)T, process %d\n' "$REPLY" "$1" -1 $$ >"$HOLDER"
}
