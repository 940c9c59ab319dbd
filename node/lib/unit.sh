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
  systemctl enable --quiet --no-reload "$unit" 2>/dev/null || die "systemctl enable $unit failed after $UNIT_DIR/$unit was written"
  is_read "$unit" || systemctl daemon-reload || die "systemctl daemon-reload failed"
  changed unit
}

# is_read UNIT: whether systemd knows its file as it is now, and that it is enabled. One that is new it reads when it is
# first asked, which must be after that; else it has to read all units again, which takes ten times as long.
is_read() {
  local line known=0
  while IFS= read -r line; do
    case $line in LoadState=loaded | NeedDaemonReload=no | UnitFileState=enabled) ((known++)) ;; esac
  done < <(systemctl show "$1" --property=LoadState,NeedDaemonReload,UnitFileState 2>/dev/null)
  ((known == 3))
}
