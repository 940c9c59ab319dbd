# shellcheck shell=bash disable=SC2034  # NODE_NAME is read by log.sh
# identity: where this server's API answers, and the token that its cluster is joined with. It only reads,
# and says the same as long as the cluster lives, so that what is chained on it does not move when the
# server's own settings do. It holds a secret.

verb_identity() {
  local out=() token
  parse_args "name address" "" "$@"
  require name address
  NODE_NAME=${ARG[name]}
  [[ -s $DATA/server/token ]] || refuse "$DATA/server/token is not here: this node is no running server"
  token=$(<"$DATA/server/token")
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  url_of "${ARG[address]}" "$API_PORT"
  json_string "$REPLY" && out+=(url "$REPLY")
  json_string "$token" && out+=(token "$REPLY")
  json_object "${out[@]}"
  answer "$REPLY"
}
