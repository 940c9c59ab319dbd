# shellcheck shell=bash disable=SC2015,SC2034,SC2153  # `a && b || refuse` is meant; HOLDER stands in paths.sh; LOCKED is read by undo.sh
# One run at a time on a node.

LOCKED=0 # 1 once this run holds the node

# Seconds a second run waits before it gives up: when the machine where Pulumi runs died, its step goes on here for
# CALLER_GONE, and an undo that restarts k3s may follow, while the next `pulumi up` comes in the middle of it.
LOCK_WAIT=360

# who_holds: who holds this node, in REPLY.
who_holds() {
  REPLY=$(head -n 1 "$HOLDER" 2>/dev/null)
  REPLY=${REPLY:-another run}
}

# take_lock VERB: holds the node for the rest of this run; waits for it no longer than the run's own
# deadline. Descriptor 9 is the lock; what runs long in the background closes it, or it would hold the
# node after we are gone.
take_lock() {
  local wait=$LOCK_WAIT until
  find_caller
  ((${ARG[deadline]:-$wait} < wait)) && wait=${ARG[deadline]}
  there "$STATE" && exec 9>>"$LOCK" || refuse "$STATE cannot be written; is the file system full or read-only?"
  until=$((SECONDS + wait))
  while ! flock -n 9; do
    who_holds
    if ((SECONDS >= until)); then
      say "error: this node is held by $REPLY; wait until it has ended, then run again"
      exit 4
    fi
    say "waiting up to $((until - SECONDS)) s: this node is held by $REPLY"
    flock -w "$((until - SECONDS < 30 ? until - SECONDS : 30))" 9 && break
    caller_lives || exit 4
  done
  LOCKED=1
  printf '%s: %s, since %(%Y-%m-%d %H:%M:%S %Z)T, process %d\n' "$CALLER" "$1" -1 $$ >"$HOLDER"
}
