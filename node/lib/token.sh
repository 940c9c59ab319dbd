# shellcheck shell=bash disable=SC2153  # TOKEN, JOIN and BEFORE stand in the other files
# The server token of a living cluster, and its rotation. k3s keeps the keys that its servers share in etcd,
# sealed with the token, under a name that is the token's hash. So etcd says which token is the cluster's,
# whatever the servers' own files say and whoever was interrupted when.

OLD_TOKEN="" # the token that this run replaces here

# join_token: the token in the join file, in REPLY; empty without one.
join_token() {
  REPLY=$(sed -nE 's/^token[[:space:]]*:[[:space:]]*"?([^"[:space:]]+)"?.*/\1/p' "$JOIN" 2>/dev/null | tail -n 1)
}

# own_token: the token that this node's k3s starts with, in REPLY; empty without one.
own_token() {
  join_token
  [[ -n $REPLY ]] || REPLY=$(cat "$DATA/server/token" 2>/dev/null)
  keep_secret "$REPLY"
  keep_secret "${REPLY##*:}"
}

# seal_of TOKEN: the key in etcd of what is sealed with TOKEN, in REPLY.
seal_of() {
  REPLY=$(printf %s "${1##*:}" | sha256sum)
  REPLY=/bootstrap/${REPLY:0:12}
}

# seals TOKEN: whether the cluster's shared keys are sealed with TOKEN: `yes`, `no`, or `unknown` when no etcd
# can say, in REPLY. Asked of a majority; where there is none, of what a server knows by itself.
seals() {
  local message urls=("$LOCAL_ETCD") url how
  for url in "${LIVING[@]}"; do
    host_of "$url" && url_of "$REPLY" "$ETCD_PORT" && urls+=("$REPLY")
  done
  seal_of "$1"
  message=$(printf %s "$REPLY" | od -An -v -tx1 | tr -d ' \n')
  printf -v message '0a%02x%s4801' $((${#message} / 2)) "$message" # key; count only
  for how in "" 3801; do # 3801: serializable, without a majority
    for url in "${urls[@]}"; do
      grpc "$url" KV/Range "$message$how" 5 || continue
      pb_fields "$REPLY" || continue
      pb_field 4
      if [[ -n $REPLY && $REPLY != 0 ]]; then REPLY=yes; else REPLY=no; fi
      return 0
    done
  done
  REPLY=unknown
}

# cluster_token: the token that opens a snapshot saved now, in REPLY; fails, with the reason in REPLY. While a
# rotation is half done it is not the one on this node's disk, but the one on standard input.
cluster_token() {
  local own
  own=$(cat "$DATA/server/token" 2>/dev/null)
  seals "$own"
  if [[ $REPLY != no ]]; then
    REPLY=$own
    return 0
  fi
  seals "$TOKEN"
  if [[ -n $TOKEN && $REPLY == yes ]]; then
    REPLY=${own%%::*}::server:${TOKEN##*:}
    return 0
  fi
  REPLY="the token on this node is not the one that the cluster has now: a rotation of the token is half done. Run \`pulumi up\` until it succeeds"
  return 1
}

# look_at_token: adds `token` to DUE: the stack has another one than this node, and either the cluster has it
# already, or this is the server that rotates it. A member keeps its own token in every other case.
look_at_token() {
  own_token
  [[ -n $REPLY && ${REPLY##*:} != "${TOKEN##*:}" ]] || return 0
  seals "$TOKEN"
  case $REPLY in
    yes) DUE+="token " ;;
    no)
      [[ -n ${ARG[first]:-} && -n ${ARG[rotate-token]:-} ]] || return 0
      started_up
      [[ $STATE_WORD == active ]] || refuse "the server token is rotated by a k3s that runs, and $UNIT is $STATE_WORD here. Bring it up first (journalctl -u $UNIT), then run again"
      DUE+="token "
      ;;
    unknown) [[ -z ${ARG[rotate-token]:-} ]] || refuse "no etcd member says which token the cluster has; nothing is rotated before one does" ;;
  esac
  return 0
}

# token_half_rotated: whether the cluster has the new token already and this server's k3s only knows the old
# one. Every server that starts again in this state ends at once, so it is not one to wait in.
token_half_rotated() {
  is_due token && seals "$TOKEN" && [[ $REPLY == yes ]]
}

# rotate_token: the cluster gets the token on standard input, unless it has it; then this node does.
rotate_token() {
  own_token && OLD_TOKEN=$REPLY
  act
  seals "$TOKEN"
  [[ $REPLY != no ]] || give_token
  replace_token
}

# give_token: the cluster's shared data are sealed with the token on standard input. k3s writes all files of this server
# into etcd on the way, so none may be older than the copy there: a restart takes the copy over.
give_token() {
  if ! patiently_for 30 compare_bootstrap_data || ! only_passwords; then again; fi
  say "rotating the server token"
  if ! put_token "${OLD_TOKEN##*:}" "${TOKEN##*:}" && [[ $REPLY != 404 ]]; then
    # k3s may have changed its own list of passwords and then failed: a start takes that back
    say "k3s did not rotate its token (HTTP $REPLY); restarting it once"
    again
    put_token "${OLD_TOKEN##*:}" "${TOKEN##*:}"
  fi
  case $REPLY in
    200) ;;
    404) die "this k3s has no way to rotate its token (HTTP 404); v1.28 and newer have" ;;
    *) die "k3s did not rotate the token: HTTP $REPLY; see journalctl -u $UNIT" ;;
  esac
  seals "$TOKEN"
  [[ $REPLY == yes ]] || die "k3s says that the token was rotated, but what is in etcd is not sealed with the new one"
}

# put_token PASSWORD NEW: what \`k3s token rotate\` sends, the status in REPLY; fails unless k3s did it. Sent by curl, since
# the command takes the new token only as an argument, which everybody on this machine can read while it starts.
put_token() {
  REPLY=$(curl --silent --noproxy '*' --cacert "$DATA/server/tls/server-ca.crt" --connect-timeout 4 --max-time 60 \
    --output /dev/null --write-out '%{http_code}' --config - "https://127.0.0.1:$API_PORT/v1-k3s/token" 9>&- <<END
request = "PUT"
user = "server:$1"
data = "{\\"newToken\\":\\"$2\\"}"
END
  )
  [[ $REPLY == 200 ]]
}

# again: the service is restarted with what it has, and votes again.
again() {
  forget_start
  changed service
  run_service
  wait_voter
}

# replace_token: the join file with the new token. There is no way back: the cluster knows no other, and a
# server with the old one ends at its start; so an undo leaves this file alone.
replace_token() {
  local line content="" found=no
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line =~ ^token[[:space:]]*: ]]; then
      line="token: \"$TOKEN\"" found=yes
    fi
    content+=$line$'\n'
  done < <(cat "$JOIN" 2>/dev/null)
  [[ $found == yes ]] || content+="token: \"$TOKEN\""$'\n'
  rm -f -- "$BEFORE/${JOIN//\//%}" "$BEFORE/${JOIN//\//%}.absent"
  write_file "$JOIN" 600 "$content" || die "$JOIN cannot be written"
  changed join
}

# accepts_token URL TOKEN: the status of a request that only servers may make, in REPLY; fails without one. The answer
# holds the cluster's keys, so it is not kept.
accepts_token() {
  local TOKEN=$2
  peer_get "$1" /v1-k3s/server-bootstrap /dev/null
}

# check_token_rotated: this server accepts the new token and refuses the old one.
check_token_rotated() {
  local url=https://127.0.0.1:$API_PORT until=$((SECONDS + 30))
  [[ -n $OLD_TOKEN ]] || return 0
  until accepts_token "$url" "$TOKEN" && [[ $REPLY == 200 ]]; do
    ((SECONDS < until)) || die "this server does not accept the new token: HTTP $REPLY"
    pause 1
  done
  accepts_token "$url" "$OLD_TOKEN"
  [[ $REPLY == 401 || $REPLY == 403 ]] || die "this server does not refuse the old token: HTTP $REPLY"
  say "the new token is accepted here and the old one refused"
}
