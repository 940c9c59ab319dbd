# shellcheck shell=bash
# Whether ports of other machines answer, with nothing but bash.

KNOCK_MS=2500 # milliseconds: a lost first packet is sent again after one second

# scratch: SCRATCH, a directory in memory that is gone at the end.
scratch() {
  SCRATCH=$(mktemp -d "$ROOT/run/homelab-k3s.XXXXXX") || return 1
  trap 'rm -rf -- "$SCRATCH"' EXIT
}

# now_us: microseconds since 1970, in REPLY.
now_us() {
  if [[ -n ${EPOCHREALTIME:-} ]]; then REPLY=${EPOCHREALTIME/./}; else REPLY=$(date +%s%6N); fi
}

# knock "NAME ADDRESS PORT"...: all at the same time; in $SCRATCH/knocks a line `NAME PORT open MICROSECONDS` for each, or
# instead of `open` how it did not answer: `refused`, `rejected` (a firewall or a router says so) or `silent`. The time
# is the best of three connections.
knock() {
  local target pids=() pid waited=0 left
  : >"$SCRATCH/knocks"
  (($#)) || return 0 # `wait` without a process waits for all of this shell's, listeners too
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
      # silence never comes here: the kernel gives up after minutes, when nobody waits any more
      REPLY=$({ { :; } 3<>"/dev/tcp/$2/$3"; } 2>&1)
      if [[ $REPLY == *refused* ]]; then echo "$1 $3 refused 0"; else echo "$1 $3 rejected 0"; fi
      return 0
    fi
  done
  echo "$1 $3 open $best"
}

# knock_peers: knocks at what this node needs of the others (--peer; --server names the servers among them).
knock_peers() {
  local peer name port ports targets=()
  for peer in "${PEERS[@]}"; do
    name=${peer%%=*} ports=10250
    if [[ ,${ARG[server]:-}, == *",$name,"* ]]; then
      ports+=" $API_PORT"
      [[ ${ARG[role]} != server ]] || ports+=" $ETCD_PORT $ETCD_PEER_PORT"
    elif [[ ${ARG[role]} == agent ]]; then
      continue # agents among themselves need no TCP, and would be as many as their square
    fi
    for port in $ports; do
      targets+=("$name ${peer#*=} $port")
    done
  done
  knock "${targets[@]}"
}
