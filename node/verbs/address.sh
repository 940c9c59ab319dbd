# shellcheck shell=bash disable=SC2034  # NODE_NAME is read by log.sh
# address: whether this machine has the endpoint's address, who announces it here, and whether the API answers
# there as seen from here. Changes nothing, takes no lock, writes no log.

verb_address() {
  local out=() by=()
  parse_args "name address" "" "$@"
  require name address
  NODE_NAME=${ARG[name]}
  json_string "$NODE_NAME" && out+=(node "$REPLY")
  interface_with "${ARG[address]}"
  json_or_null "$REPLY" && out+=(interface "$REPLY")
  announced_by keepalived && by+=(keepalived)
  announced_by kube-vip && by+=(kube-vip)
  json_list "${by[@]}" && out+=(by "$REPLY")
  url_of "${ARG[address]}" "$API_PORT"
  out+=(answers "$(pongs "$REPLY" 2 4 && echo true || echo false)")
  json_object "${out[@]}"
  answer "$REPLY"
}

# announced_by PROGRAM: whether it runs here with the address; it need not have it at the moment.
announced_by() {
  case $1 in
    keepalived)
      file_of keepalived
      grep -qsF " ${ARG[address]}/" "$REPLY" && systemctl is-active --quiet keepalived 2>/dev/null
      ;;
    kube-vip)
      kube_vips
      ((${#KUBE_VIPS[@]})) || return 1
      grep -qzxF "address=${ARG[address]}" "${KUBE_VIPS[@]/%//environ}" 2>/dev/null
      ;;
  esac
}
