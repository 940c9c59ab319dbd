# shellcheck shell=bash
# What of the kernel ends k3s at its start, whatever its configuration says. Only what is certain to end it.

# preflight_kernel: a problem for each of those.
preflight_kernel() {
  local controllers missing="" name
  if [[ -e $SYS/fs/cgroup/cgroup.controllers ]]; then
    controllers=" $(<"$SYS/fs/cgroup/cgroup.controllers") "
    for name in cpu cpuset memory pids; do
      [[ $controllers == *" $name "* ]] || missing+="${missing:+, }$name"
    done
  elif [[ -d $SYS/fs/cgroup ]]; then
    [[ -e $SYS/fs/cgroup/memory ]] || missing=memory
    fails_on_cgroup_v1 "${ARG[version]:-}" &&
      problem "this machine has control groups of version 1 (cgroup v1, or both), on which the kubelet of ${ARG[version]} does not start: its setting failCgroupV1 is true unless it is told otherwise. Either boot with version 2 only (systemd.unified_cgroup_hierarchy=1 on the kernel's command line), or have a file $DATA/agent/etc/kubelet.conf.d/50-cgroup-v1.conf with the three lines \"apiVersion: kubelet.config.k8s.io/v1beta1\", \"kind: KubeletConfiguration\" and \"failCgroupV1: false\""
  fi
  [[ -z $missing ]] || problem "the kernel offers no control group for $missing, without which k3s ends at its start. On a Raspberry Pi add cgroup_enable=memory cgroup_memory=1 to /boot/firmware/cmdline.txt (older: /boot/cmdline.txt) and reboot; in a container its host has to pass it on"
  if [[ ! -e $ROOT/dev/kmsg ]] && systemd-detect-virt --quiet --container 2>/dev/null; then
    problem "there is no /dev/kmsg in this container, and a kubelet that cannot open it ends; give it the host's (in LXC: lxc.mount.entry: /dev/kmsg dev/kmsg none bind,create=file)"
  fi
}

# fails_on_cgroup_v1 VERSION: whether the kubelet of this k3s ends where control groups are of version 1. From 1.35 on it
# does, unless its configuration says no: an argument of k3s, or the last of the files that k3s hands to it, in the order
# of their names. A drop-in of the unit that lays one of them does so at the start only, so it is not judged.
fails_on_cgroup_v1() {
  local said
  [[ $1 =~ ^v1\.([0-9]+)\. ]] && ((BASH_REMATCH[1] >= 35)) || return 1
  grep -qsF kubelet.conf.d "$ROOT"/{etc,run,usr/local/lib,usr/lib}/systemd/system/k3s{,-agent}.service.d/*.conf && return 1
  said=$({
    find "$DATA/agent/etc/kubelet.conf.d" -name '*.conf' -print0 | sort -z | xargs -0 -r grep -hE '^[^#]*failCgroupV1'
    cat - "$ETC"/config.yaml.d/*.yaml <<<"$WANTED_CONFIG" | grep -E '^[^#]*fail-cgroupv1'
  } 2>/dev/null | grep -oiE '(failCgroupV1"?[[:space:]]*:|fail-cgroupv1=)[[:space:]]*(true|false)' | tail -n 1)
  [[ $said != *false ]]
}
