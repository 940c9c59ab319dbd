# shellcheck shell=bash disable=SC2153  # UNIT stands in service.sh
# The systemd unit, the same as k3s' own installer writes, but for the EnvironmentFile: every
# setting stands in config.yaml.

# unit_text ROLE: the unit file, in REPLY.
unit_text() {
  REPLY="[Unit]
Description=Lightweight Kubernetes
Documentation=https://k3s.io
Wants=network-online.target
After=network-online.target

[Install]
WantedBy=multi-user.target

[Service]
Type=notify
KillMode=process
Delegate=yes
User=root
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=${K3S#"$ROOT"} $1
"
}

# put_unit ROLE
put_unit() {
  local unit=$UNIT text
  unit_text "$1" && text=$REPLY
  if ! same_file "$UNIT_DIR/$unit" "$text"; then
    act
    remember "$UNIT_DIR/$unit"
    write_file "$UNIT_DIR/$unit" 644 "$text" || die "$UNIT_DIR/$unit cannot be written"
    changed unit
  elif systemctl is-enabled --quiet "$unit" 2>/dev/null; then
    return 0
  fi
  act
  # makes systemd read its units again, also when the service was enabled before
  systemctl enable --quiet "$unit" 2>/dev/null || die "systemctl enable $unit failed after $UNIT_DIR/$unit was written"
  changed unit
}
