# shellcheck shell=bash disable=SC2153  # the facts stand in machine.sh and observe.sh
# What every step looks at before it touches anything. Refuses with what was found, what is wanted
# and the way on.

# Figures: k3s' documented minimum, less 10 % for what firmware and kernel keep for themselves.
SERVER_CORES=2 SERVER_MIB=1843
AGENT_CORES=1 AGENT_MIB=460

# problem TEXT: one more thing that is wrong.
PROBLEMS=()
problem() {
  PROBLEMS+=("$1")
}

# preflight ROLE: observes the machine and k3s on it; refuses with every problem at once.
preflight() {
  local role=$1 cores=$AGENT_CORES mib=$AGENT_MIB list="" item
  local more="give it more, or take it out of the configuration"
  [[ $role == server ]] && cores=$SERVER_CORES mib=$SERVER_MIB more="give it more, or list it among the agents"
  [[ $(uname -s) == Linux ]] || refuse "this is $(uname -s); k3s runs on Linux"
  observe_machine
  observe_k3s
  [[ $SYSTEMD == true ]] || problem "systemd does not run here (no /run/systemd/system); k3s is run as a systemd service. In WSL2 set systemd=true in /etc/wsl.conf"
  [[ -n $ARCH ]] || problem "the architecture is $(uname -m); k3s is released for x86_64 and aarch64"
  preflight_tools
  ((CORES >= cores)) || problem "$CORES CPU core(s), a k3s $role needs $cores; $more"
  ((${MEMORY_MIB:-0} >= mib)) || problem "${MEMORY_MIB:-0} MiB of memory, a k3s $role needs at least $mib MiB; $more"
  [[ $DEFAULT_ROUTE == true ]] || problem "there is no default route; k3s needs one (also without internet) to choose its interface. Add a gateway to the network configuration"
  if [[ $SELINUX == enforcing && ! -e $ROOT/usr/share/selinux/packages/k3s.pp && ! -e $ROOT/usr/share/selinux/packages/targeted/k3s.pp ]]; then
    problem "SELinux is enforcing and the k3s-selinux policy is not installed; install the package k3s-selinux of Rancher's repository for this system"
  fi
  [[ $role == balancer ]] || preflight_kernel
  preflight_owner "$role"
  ((${#PROBLEMS[@]} == 0)) && return 0
  for item in "${PROBLEMS[@]}"; do
    list+="${list:+; }$item"
  done
  refuse "$list"
}

# preflight_tools: what the scripts themselves need, beyond coreutils and systemd.
preflight_tools() {
  local tool
  for tool in curl flock awk sed grep cmp; do
    command -v "$tool" >/dev/null || problem "'$tool' is not installed; install it (Debian, Ubuntu: apt-get install curl util-linux gawk sed grep diffutils; RHEL: dnf install curl util-linux gawk sed grep diffutils)"
  done
  if command -v curl >/dev/null && [[ $(curl --version) != *HTTP2* ]]; then
    problem "curl here has no HTTP/2, which etcd is asked with; install the distribution's full curl"
  fi
}

# preflight_owner ROLE: is it ours, and of this role?
preflight_owner() {
  if [[ $1 == balancer ]]; then
    [[ $ROLE == server ]] && problem "a k3s server is here, and has the port that a balancer needs; take another machine, or endpoint.provider keepalived"
    return 0
  fi
  local found="role $ROLE, datastore $DATASTORE, version ${VERSION_FOUND:-unknown}${CLUSTER_CA:+, cluster CA ${CLUSTER_CA:0:12}}"
  read_open
  decide_owner "$1" "$ROLE" "$MARKED" "$K3S_HERE" "${ARG[existing]:-none}" "$OPEN_KIND"
  case $REPLY in
    adopt | migrate | replace) own_existing "$REPLY" "$1" ;;
    foreign)
      problem "a k3s that this program did not install is here ($found); it is never touched without consent. Set for this node either existing: adopt (it is taken over in place with all that it has; SQLite is moved to embedded etcd) or existing: replace (its data is put aside and the node joins as a new one); or take this node out of the configuration"
      ;;
    adopt-role)
      problem "a k3s that this program did not install is here ($found), and a k3s is adopted in the role that it has; list this node among the ${ROLE}s, or set existing: replace"
      ;;
    convert) say "this node is a k3s $ROLE and shall be a k3s $1" ;;
  esac
}

# need_checksum: a binary is only run when its checksum for this architecture is known.
need_checksum() {
  [[ -n ${ARG[sha256-$ARCH]:-} ]] || refuse "no checksum is given for $ARCH, the architecture of this node; add checksums.$ARCH for ${ARG[version]} to the configuration (sha256sum-$ARCH.txt of the release)"
}
