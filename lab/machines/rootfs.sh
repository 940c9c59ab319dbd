#!/bin/bash
# Makes the root file system that all machines of all labs share: Debian 12 with what a k3s node needs,
# an sshd that is ready early, and nothing that would reach out of the machine to the host's kernel.
# usage: rootfs.sh TARGET MIRROR PACKAGES(comma separated)
# TARGET must not exist. Progress on stdout, one line a step.
set -euo pipefail
target=$1 mirror=$2 packages=$3
here=$(cd "$(dirname "$0")" && pwd)

# apt may know a proxy that the environment does not
eval "$(apt-config shell proxy Acquire::http::Proxy)"
if [ -n "${proxy:-}" ] && [ "$proxy" != DIRECT ]; then
  export http_proxy=${http_proxy:-$proxy}
fi

debootstrap --variant=minbase --include="$packages" bookworm "$target" "$mirror"

echo "I: Shaping the machine"
cp -r --no-preserve=ownership "$here/rootfs/." "$target/"
chmod 755 "$target/usr/local/sbin/lab-setup"
chmod 440 "$target/etc/sudoers.d/lab"

# What would be equal on all machines and must not be
rm -f "$target"/etc/ssh/ssh_host_*_key* "$target/etc/hostname" "$target/var/lib/dbus/machine-id"
: >"$target/etc/machine-id"
echo "# the lab has no name service" >"$target/etc/resolv.conf"

for user in admin nosudo; do
  chroot "$target" useradd --create-home --shell /bin/bash "$user"
done
chroot "$target" usermod --append --groups sudo nosudo

# networkd and udevd: with a writable /sys they leave the interface down for minutes.
# sysctl, modules, binfmt, random-seed, hwclock, debug mounts: they would change the host's kernel.
# logind, getty, timers: nobody needs them here, and a boot without them is quicker.
for unit in systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service \
  systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service \
  systemd-udev-settle.service systemd-resolved.service systemd-timesyncd.service systemd-logind.service \
  systemd-sysctl.service systemd-modules-load.service systemd-binfmt.service systemd-random-seed.service \
  proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount sys-kernel-config.mount \
  sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount dev-hugepages.mount \
  systemd-pstore.service kmod-static-nodes.service systemd-hwdb-update.service systemd-firstboot.service \
  systemd-journal-catalog-update.service ldconfig.service console-getty.service getty.target \
  nftables.service netfilter-persistent.service apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer fstrim.timer; do
  ln -sf /dev/null "$target/etc/systemd/system/$unit"
done
chroot "$target" systemctl --quiet enable lab-setup.service ssh.service
chroot "$target" systemctl --quiet set-default multi-user.target

rm -rf "$target"/var/cache/apt/*.bin "$target"/var/cache/apt/archives/*.deb "$target"/var/lib/apt/lists/* \
  "$target"/usr/share/doc/* "$target"/usr/share/locale/* "$target"/var/log/*
# the mount points of what each machine gets from the host's own disk
mkdir -p "$target"/var/lib/{rancher,kubelet,homelab-k3s} "$target/var/log"
