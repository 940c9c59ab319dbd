# shellcheck shell=bash disable=SC2153  # UNIT stands in service.sh
# The names in the certificate that this server really shows on 6443.

NAMES_PATIENCE=10 # seconds that k3s is given to put new names into its certificate after a start
MISSING_NAMES=()

# names_wanted: the names that the configuration asks for, separated by commas, in REPLY.
names_wanted() {
  flag_value tls-san "$WANTED_CONFIG"
}

# name_served NAME: whether the certificate shown here is one of the cluster's CA and valid for NAME.
name_served() {
  local url
  url_of "$1" "$API_PORT" && url=$REPLY
  curl --silent --noproxy '*' --connect-timeout 3 --max-time 8 --output /dev/null --cacert "$DATA/server/tls/server-ca.crt" \
    --connect-to "::127.0.0.1:$API_PORT" "$url/ping" 9>&-
}

# look_at_names: MISSING_NAMES; fails while there are any.
look_at_names() {
  local name
  MISSING_NAMES=()
  names_wanted
  for name in ${REPLY//,/ }; do
    name_served "$name" || MISSING_NAMES+=("$name")
  done
  ((${#MISSING_NAMES[@]} == 0))
}

# check_names: a living server that was changed serves all names that were asked for. A start brings them as a
# rule; where it did not, this server's certificates are issued anew, once. A new server's are new anyway.
check_names() {
  ((SERVICE_TOUCHED)) || [[ -n $UNFINISHED ]] || return 0
  [[ $WAS_ACTIVE == yes ]] || return 0
  patiently_for "$NAMES_PATIENCE" look_at_names && return 0
  say "the certificate on $API_PORT lacks ${MISSING_NAMES[*]}; issuing this server's certificates anew"
  rotate_certificates
  run_service
  wait_voter
  patiently_for "$((NAMES_PATIENCE * 3))" look_at_names && return 0
  die "the certificate served on $API_PORT still lacks ${MISSING_NAMES[*]}, although it was issued anew. See journalctl -u $UNIT, and the tls-san of ${CONFIG#"$ROOT"}"
}
