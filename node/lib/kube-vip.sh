# shellcheck shell=bash disable=SC2034  # KUBE_VIPS is read by the verbs
# kube-vip's processes on this node, whose containers outlive k3s.

KUBE_VIPS=() # directories below /proc

# kube_vips: KUBE_VIPS, the processes that were started as kube-vip with an address to announce.
kube_vips() {
  local path
  KUBE_VIPS=()
  while IFS= read -r path; do
    KUBE_VIPS+=("${path%/environ}")
  done < <(grep -lzxF vip_arp=true "$PROC"/[0-9]*/environ 2>/dev/null)
}

# end_kube_vips: those processes end, and their addresses leave this node: a killed one would leave them on the
# interface, where they answer beside the server that has them next. Asked to end, kube-vip takes them away
# itself, those of Services too; what it left after three seconds is taken away here.
end_kube_vips() {
  local path address addresses=() tries=15
  kube_vips
  ((${#KUBE_VIPS[@]})) || return 0
  for path in "${KUBE_VIPS[@]}"; do
    address=$(tr '\0' '\n' <"$path/environ" 2>/dev/null | sed -n 's/^address=//p')
    [[ $address =~ ^[0-9a-fA-F.:]+$ ]] && addresses+=("$address")
    kill -TERM "${path##*/}" 2>/dev/null
  done
  while ((tries-- > 0)) && kube_vips && ((${#KUBE_VIPS[@]})); do
    pause 0.2
  done
  for path in "${KUBE_VIPS[@]}"; do
    kill -KILL "${path##*/}" 2>/dev/null
  done
  for address in "${addresses[@]}"; do
    drop_address "$address"
  done
  return 0
}

# drop_address ADDRESS: no interface here has it any more.
drop_address() {
  interface_with "$1"
  [[ -n $REPLY ]] || return 0
  ip address delete "$1/32" dev "$REPLY" 2>/dev/null || say "warning: $1 is still on $REPLY here; remove it by hand"
}
