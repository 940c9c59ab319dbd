# shellcheck shell=bash disable=SC2034,SC2153  # tables by role are read by name; FRESH stands in observe.sh
# What a machine and its network can do, measured before anything is changed there.

LISTEN_SECONDS=20 # a listener that nobody ends goes away by itself
SYNC_WRITES=50    # of 8 KiB, as etcd's log has them
SYNC_SECONDS=1.5
VXLAN_PORT=8472

# Ports that a node takes, also those that it offers to itself only: docs.k3s.io, installation/requirements; the local
# ones are upstream's defaults, 2381 etcd's metrics and 6444 the local load balancer.
OFFERED_server="6443 2379 2380 10250"
OFFERED_agent="10250"
LOCAL_server="2381 6444 10248 10249 10256 10257 10258 10259"
LOCAL_agent="6444 10248 10249 10256"

# ports_of KIND ROLE: in REPLY.
ports_of() {
  local name=$1_$2
  REPLY=${!name:-}
}

# look_at_sockets: SOCKETS, the inode of what listens here, by `tcp PORT` and `udp PORT`, all read at once.
declare -gA SOCKETS=()
look_at_sockets() {
  local file files=() protocol port inode
  for file in "$PROC"/net/{tcp,tcp6,udp,udp6}; do
    [[ -r $file ]] && files+=("$file")
  done
  SOCKETS=()
  while read -r protocol port inode; do
    SOCKETS[$protocol $((16#$port))]=$inode
  done < <(awk '
    FNR == 1 { protocol = FILENAME ~ /udp6?$/ ? "udp" : "tcp"; next }
    protocol == "udp" || $4 == "0A" { split($2, part, ":"); print protocol, part[2], $10 }' "${files[@]}" </dev/null)
}

# socket_on tcp|udp PORT: the inode of what listens on PORT here, in REPLY; fails when nothing does.
socket_on() {
  REPLY=${SOCKETS["$1 $2"]:-}
  [[ -n $REPLY ]]
}

# owner_of INODE: the process with that socket as `NAME (PID)`, in REPLY; `the kernel` without one.
owner_of() {
  local link
  REPLY="the kernel"
  link=$(find "$PROC"/[0-9]*/fd -maxdepth 1 -lname "socket:\[$1\]" -print -quit 2>/dev/null)
  [[ -n $link ]] || return 0
  link=${link#"$PROC/"}
  REPLY="$(tr -d '\n' <"$PROC/${link%%/*}/comm") (${link%%/*})"
}

# look_at_ports ROLE: TAKEN, a line `PROTOCOL PORT OWNER` for each port that is in use; FREE, those that others must reach
# and that are not.
look_at_ports() {
  local port
  TAKEN=() FREE=()
  look_at_sockets
  ports_of OFFERED "$1"
  for port in $REPLY; do
    if socket_on tcp "$port"; then owner_of "$REPLY" && TAKEN+=("tcp $port $REPLY"); else FREE+=("$port"); fi
  done
  ports_of LOCAL "$1"
  for port in $REPLY; do
    socket_on tcp "$port" && owner_of "$REPLY" && TAKEN+=("tcp $port $REPLY")
  done
  return 0
}

# listen VXLAN: on the ports of FREE, and on vxlan's when VXLAN is true, until end_listening. Whoever knocks is answered
# by the kernel; what comes on vxlan's is kept in $SCRATCH/heard.
LISTENERS=()
listen() {
  local args=() port
  command -v systemd-socket-activate >/dev/null || return 1
  for port in "${FREE[@]}"; do
    args+=(--listen "0.0.0.0:$port")
  done
  ((${#args[@]})) && in_background systemd-socket-activate "${args[@]}" sleep "$LISTEN_SECONDS"
  if [[ $1 == true ]]; then
    # shellcheck disable=SC2016  # the inner shell has its own $0
    in_background systemd-socket-activate --datagram --listen "0.0.0.0:$VXLAN_PORT" bash -c 'cat <&3 >>"$0/heard"' "$SCRATCH"
  fi
  wait_until_heard "$1"
}

# in_background COMMAND...: in a session of its own, which is ended as a whole.
in_background() {
  setsid timeout "$LISTEN_SECONDS" "$@" </dev/null >/dev/null 2>&1 &
  LISTENERS+=($!)
}

end_listening() {
  local pid
  for pid in "${LISTENERS[@]}"; do
    kill -- "-$pid" 2>/dev/null
  done
  LISTENERS=()
}

# wait_until_heard VXLAN: until the kernel has all the listeners.
wait_until_heard() {
  local tries port
  for ((tries = 0; tries < 40; tries++)); do
    look_at_sockets
    for port in "${FREE[@]}"; do
      socket_on tcp "$port" || { sleep 0.05 && continue 2; }
    done
    [[ $1 == false ]] || socket_on udp "$VXLAN_PORT" || { sleep 0.05 && continue; }
    return 0
  done
  return 1
}

# call_on_vxlan: a datagram to every peer, twice: one may be lost.
call_on_vxlan() {
  local peer
  for peer in "${PEERS[@]}" "${PEERS[@]}"; do
    { printf '%s\n' "${ARG[name]}" >"/dev/udp/${peer#*=}/$VXLAN_PORT"; } 2>/dev/null
  done
  return 0
}

# sync_latency: microseconds of one synced write where etcd's log will be, on average, in REPLY; empty when it cannot be
# told.
sync_latency() {
  local file said
  REPLY=""
  file=$(mktemp "$(nearest_directory "$DATA/server/db")/.homelab-k3s-sync.XXXXXX") || return 0
  said=$(timeout --signal=INT "$SYNC_SECONDS" dd if=/dev/zero of="$file" bs=8k count="$SYNC_WRITES" oflag=dsync 2>&1)
  rm -f -- "$file"
  REPLY=$(awk '/records out/ { split($1, n, "+") } / copied, / { for (i = 1; i < NF; i++) if ($i == "copied,") seconds = $(i + 1) } END { if (n[1] > 0) printf "%d", seconds / n[1] * 1000000 }' <<<"$said")
}

# nearest_directory PATH: the last part of PATH that is there, on standard output.
nearest_directory() {
  local dir=$1
  until [[ -d $dir/ ]]; do dir=${dir%/*}; done
  echo "$dir/"
}

# medium_of DEVICE: `sd-card` when DEVICE, such as /dev/mmcblk0p2, is on one, else `disk`, in REPLY. What looks like an SD
# card by its name may be eMMC, which is soldered on and a disk.
medium_of() {
  local path parent
  path=$(readlink -f "$SYS/class/block/${1##*/}")
  REPLY=disk
  for parent in "$path" "${path%/*}" "$path"/slaves/*/..; do
    [[ $(cat "$parent/device/type" 2>/dev/null) == SD ]] && REPLY=sd-card
  done
  return 0
}
