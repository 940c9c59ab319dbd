# shellcheck shell=bash
# Whether ports of other machines answer, with nothing but bash.

KNOCK_MS=2500 # milliseconds: a lost first packet is sent again after one second

# now_us: microseconds since 1970, in REPLY.
now_us() {
  if [[ -n ${EPOCHREALTIME:-} ]]; then REPLY=${EPOCHREALTIME/./}; else REPLY=$(date +%s%6N); fi
}

# knock "NAME ADDRESS PORT"...: all at the same time; in $SCRATCH/knocks a line `NAME PORT open MICROSECONDS`,
# `NAME PORT refused 0` or `NAME PORT silent 0` for each. The time is the best of three connections.
knock() {
  local target pids=() pid waited=0 left
  : >"$SCRATCH/knocks"
  for target in "$@"; do
    # shellcheck disable=SC2086  # three words
    knock_at $target >>"$SCRATCH/knocks" 2>/dev/null &
    pids+=($!)
  done
  while ((waited < KNOCK_MS)); do
    left=0
    for pid in "${pids[@]}"; do
      kill -0 "$pid" 2>/dev/null && left=1 && break
    done
    ((left)) || break
    sleep 0.05
    ((waited += 50))
  done
  kill "${pids[@]}" 2>/dev/null
  wait "${pids[@]}" 2>/dev/null
  for target in "$@"; do
    grep -q "^${target%% *} ${target##* } " "$SCRATCH/knocks" || echo "${target%% *} ${target##* } silent 0" >>"$SCRATCH/knocks"
  done
}

# knock_at NAME ADDRESS PORT
knock_at() {
  local best="" began attempt
  for attempt in 1 2 3; do
    now_us && began=$REPLY
    if { :; } 3<>"/dev/tcp/$2/$3"; then
      now_us
      ((best == 0 || REPLY - began < best)) && best=$((REPLY - began))
    elif ((attempt == 1)); then
      # an answer that it may not be reached comes at once, silence after minutes: then nobody waits any more
      echo "$1 $3 refused 0"
      return 0
    fi
  done
  echo "$1 $3 open $best"
}
