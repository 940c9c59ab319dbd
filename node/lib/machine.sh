# shellcheck shell=bash disable=SC2034  # facts, read by the other files
# What the machine itself is. Reads only.

# arch_of MACHINE: k3s' word for what `uname -m` says, in REPLY; empty when k3s has none.
arch_of() {
  case $1 in
    x86_64) REPLY=amd64 ;;
    aarch64 | arm64) REPLY=arm64 ;;
    *) REPLY="" ;;
  esac
}

# observe_machine: OS_NAME ARCH CORES MEMORY_MIB SYSTEMD MACHINE_ID PRODUCT_UUID DEFAULT_ROUTE SELINUX
observe_machine() {
  local key value # of the files that are read, by the shell itself: it is asked often
  OS_NAME="" MEMORY_MIB=0 MACHINE_ID=""
  while IFS='=' read -r key value; do
    [[ $key != PRETTY_NAME ]] || OS_NAME=${value//\"/}
  done 2>/dev/null <"$ROOT/etc/os-release"
  while read -r key value _; do
    [[ $key != MemTotal: ]] || { MEMORY_MIB=$((value / 1024)) && break; }
  done 2>/dev/null <"$PROC/meminfo"
  read -r -n 32 MACHINE_ID 2>/dev/null <"$ROOT/etc/machine-id"
  arch_of "$(uname -m)" && ARCH=$REPLY
  CORES=$(nproc 2>/dev/null || echo 0)
  SYSTEMD=false
  [[ -d $ROOT/run/systemd/system ]] && SYSTEMD=true
  PRODUCT_UUID=""
  if ! systemd-detect-virt --quiet --container 2>/dev/null; then
    PRODUCT_UUID=$(tr 'A-F' 'a-f' 2>/dev/null <"$SYS/class/dmi/id/product_uuid")
  fi
  DEFAULT_ROUTE=false
  if awk '$2 == "00000000" && $8 == "00000000" { found = 1 } END { exit !found }' "$PROC/net/route" 2>/dev/null ||
    awk '$1 ~ /^0+$/ && $2 == "00" && $10 != "lo" { found = 1 } END { exit !found }' "$PROC/net/ipv6_route" 2>/dev/null; then
    DEFAULT_ROUTE=true
  fi
  SELINUX=absent
  if [[ -r $SYS/fs/selinux/enforce ]]; then
    SELINUX=permissive
    [[ $(<"$SYS/fs/selinux/enforce") == 1 ]] && SELINUX=enforcing
  fi
  return 0
}

# firewall_warnings ROLE: WARNINGS, when a firewall that is running will not let k3s through.
firewall_warnings() {
  local port ports="6443/tcp 10250/tcp 8472/udp"
  WARNINGS=()
  [[ $1 == server ]] && ports="6443/tcp 2379:2380/tcp 10250/tcp 8472/udp"
  if systemctl is-active --quiet firewalld 2>/dev/null; then
    local missing="" open
    open=" $(firewall-cmd --list-ports 2>/dev/null) "
    for port in ${ports//:/-}; do
      [[ $open == *" $port "* ]] || missing+=" --add-port=$port"
    done
    [[ -n $missing ]] && WARNINGS+=("firewalld is active and does not let k3s through; on this node run: firewall-cmd --permanent$missing && firewall-cmd --permanent --zone=trusted --add-source=10.42.0.0/16 --add-source=10.43.0.0/16 && firewall-cmd --reload (with your own pod and service ranges)")
  fi
  if command -v ufw >/dev/null && ufw status 2>/dev/null | grep -q '^Status: active'; then
    local rules="" shown
    shown=$(ufw status 2>/dev/null)
    for port in $ports; do
      grep -qE "^$port " <<<"$shown" || rules+="ufw allow $port && "
    done
    [[ -n $rules ]] && WARNINGS+=("ufw is active and does not let k3s through; on this node run: ${rules}ufw allow from 10.42.0.0/16 && ufw allow from 10.43.0.0/16 (with your own pod and service ranges)")
  fi
  return 0
}

# interface_with ADDRESS: the interface that has it, in REPLY; empty when none has. The loopback interface does not count
# while an address is only held there until another machine announces it (handover.sh).
interface_with() {
  REPLY=$(ip -o address show 2>/dev/null | awk -v address="$1" -v held="$([[ -e $HELD_ADDRESS ]] && echo lo)" '$2 == held { next } { split($4, part, "/"); if (part[1] == address) { sub(/@.*/, "", $2); print $2; exit } }')
}
