# shellcheck shell=bash disable=SC2034,SC2153  # read by the verbs; BEFORE stands in paths.sh
# What systemd says of k3s' service. Looks only.

# service_state: STATE_WORD (active, activating or other), INVOCATION, RESTARTS, SUBSTATE.
service_state() {
  local line
  STATE_WORD=other INVOCATION="" RESTARTS=0 SUBSTATE=""
  while IFS= read -r line; do
    case $line in
      ActiveState=active | ActiveState=reloading) STATE_WORD=active ;;
      ActiveState=activating) STATE_WORD=activating ;;
      SubState=*) SUBSTATE=${line#*=} ;;
      InvocationID=*) INVOCATION=${line#*=} ;;
      NRestarts=*) RESTARTS=${line#*=} ;;
    esac
  done < <(systemctl show "$UNIT" --property=ActiveState,SubState,InvocationID,NRestarts 2>/dev/null)
}

# observe_active: WAS_ACTIVE, from service_state: the service runs, or an earlier run stopped it itself and did
# not come to starting it again.
observe_active() {
  [[ $STATE_WORD != other || -e $BEFORE/active ]] && WAS_ACTIVE=yes
  return 0
}

START_UP=120 # seconds that a k3s is given which starts at this moment, such as after a power cut

# started_up: STATE_WORD, once a service that is starting has started, or failed to; waits no longer than this
# run may.
started_up() {
  local until
  seconds_left
  until=$((SECONDS + (REPLY - 5 < START_UP ? REPLY - 5 : START_UP)))
  service_state
  while [[ $STATE_WORD == activating ]] && ((SECONDS < until)); do
    every 15 starting && say "waiting for $UNIT, which is starting"
    pause "$POLL"
    service_state
  done
}
