#!/bin/bash
# Makes the root file system that all machines of all labs share: Debian 12 with what a k3s node needs,
# an sshd that is ready early, and nothing that would reach out of the machine to the host's kernel.
# usage: rootfs.sh TARGET MIRROR PACKAGES(comma separated); an empty MIRROR is Debian's own
# Run it with the lock on TARGET's directory held; TARGET appears at once, when it is complete.
# Progress on stdout and stderr, lines that begin with "I: ".
set -euo pipefail
target=$1 mirror=$2 packages=$3
here=$(cd "$(dirname "$0")" && pwd)
new=$target.incomplete

if [ -e "$target" ]; then exit 0; fi # made while we waited for the lock
rm --recursive --force --one-file-system "${target%/*}"/rootfs-*.incomplete

echo "I: asking ${mirror:-Debian} for Debian 12"
# apt may know a proxy that the environment does not
eval "$(apt-config shell proxy Acquire::http::Proxy)"
if [ -n "${proxy:-}" ] && [ "$proxy" != DIRECT ]; then
  export http_proxy=${http_proxy:-$proxy}
fi
mmdebstrap --mode=root --variant=minbase --include="$packages" --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$new" ${mirror:+"$mirror"}

echo "I: shaping the machine"
cp -r --no-preserve=ownership "$here/rootfs/." "$new/"
chmod 755 "$new/usr/local/sbin/lab-setup"
chmod 440 "$new/etc/sudoers.d/lab"

# What would be equal on all machines and must not be
rm -f "$new"/etc/ssh/ssh_host_*_key* "$new/etc/hostname" "$new/var/lib/dbus/machine-id"
: >"$new/etc/machine-id"
echo "# the lab has no name service" >"$new/etc/resolv.conf"

for user in admin nosudo; do
  chroot "$new" useradd --create-home --shell /bin/bash "$user"
done
chroot "$new" usermod --append --groups sudo nosudo

# networkd and udevd: with a writable /sys they leave the interface down for minutes.
# sysctl, modules, binfmt, random-seed, hwclock, debug mounts: they would change the host's kernel.
# logind, getty, timers: nobody needs them here, and a boot without them is quicker.
for unit in systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service \
  systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service \
  systemd-udev-settle.service systemd-resolved.service systemd-timesyncd.service systemd-logind.service \
  systemd-sysctl.service systemd-modules-load.service systemd-binfmt.service systemd-random-seed.service \
  modprobe@.service proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount sys-kernel-config.mount \
  sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount dev-hugepages.mount \
  systemd-pstore.service kmod-static-nodes.service systemd-hwdb-update.service systemd-firstboot.service \
  systemd-journal-catalog-update.service ldconfig.service console-getty.service getty.target \
  nftables.service netfilter-persistent.service e2scrub_reap.service apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer fstrim.timer; do
  ln -sf /dev/null "$new/etc/systemd/system/$unit"
done
chroot "$new" systemctl --quiet enable lab-setup.service ssh.service
chroot "$new" systemctl --quiet disable haproxy.service keepalived.service logrotate.timer
chroot "$new" systemctl --quiet set-default multi-user.target

# the mount points of what each machine gets from the host's own disk
rm -rf "$new"/var/log/*
mkdir -p "$new"/var/lib/{rancher,kubelet,homelab-k3s}
mv --no-target-directory "$new" "$target"
