# shellcheck shell=bash disable=SC2034  # NODE_NAME is read by log.sh
# cut-off: for a drill. This server and its --peer ones hear nothing of each other any more, as if a cable were pulled
# between them; SSH stays. A timer of systemd ends it after --seconds, set before the first packet is dropped: it comes to
# its end even when whoever asked for it is gone. reunite ends it now. Neither survives a reboot.

CUT_TABLE=homelab_k3s_cut_off
REUNITE_UNIT=homelab-k3s-reunite

verb_cut_off() {
  local peer addresses4="" addresses6="" nft
  parse_args "name peer seconds deadline" "" "$@"
  require name seconds
  NODE_NAME=${ARG[name]}
  ((${#PEERS[@]})) || usage_error "--peer is missing"
  nft=$(command -v nft) || refuse "nft is not here: install the package nftables, or choose another scenario"
  for peer in "${PEERS[@]}"; do
    peer=${peer#*=}
    if [[ $peer == *:* ]]; then addresses6+="${addresses6:+, }$peer"; else addresses4+="${addresses4:+, }$peer"; fi
  done
  reunite
  systemd-run --quiet --collect --on-active="${ARG[seconds]}s" --timer-property=AccuracySec=100ms --unit="$REUNITE_UNIT" \
    "$nft" delete table inet "$CUT_TABLE" >&2 || refuse "systemd sets no timer that would end it"
  if ! cut_rules "$addresses4" "$addresses6" | "$nft" -f - >&2; then
    reunite
    refuse "nft does not take the rules"
  fi
  json_string "${ARG[name]}"
  json_object node "$REPLY" seconds "${ARG[seconds]}"
  answer "$REPLY"
}

verb_reunite() {
  parse_args "name deadline" "" "$@"
  require name
  NODE_NAME=${ARG[name]}
  reunite
  json_string "${ARG[name]}"
  json_object node "$REPLY"
  answer "$REPLY"
}

# cut_rules ADDRESSES4 ADDRESSES6: what nft reads; each a list with commas, may be empty. SSH is let through: the way
# back may lead over another server.
cut_rules() {
  local hook
  echo "table inet $CUT_TABLE {"
  for hook in input output; do
    local side=saddr
    [[ $hook == output ]] && side=daddr
    echo "  chain $hook {"
    echo "    type filter hook $hook priority -150; policy accept;"
    echo "    tcp dport 22 accept"
    echo "    tcp sport 22 accept"
    [[ -n $1 ]] && echo "    ip $side { $1 } drop"
    [[ -n $2 ]] && echo "    ip6 $side { $2 } drop"
    echo "  }"
  done
  echo "}"
}

# reunite: no rule and no timer is left.
reunite() {
  systemctl stop "$REUNITE_UNIT.timer" 2>/dev/null
  nft delete table inet "$CUT_TABLE" 2>/dev/null
  return 0
}
