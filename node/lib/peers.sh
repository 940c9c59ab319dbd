# shellcheck shell=bash disable=SC2034  # LIVING, UNKNOWN and LISTED are read by the verbs
# Asking the other servers, with nothing but the token.

# tcp_probe ADDRESS PORT: `open`, `refused` (nothing listens there) or `unknown`, in REPLY.
# "No route to host" is unknown: a firewall says that too.
tcp_probe() {
  local said
  # shellcheck disable=SC2016  # expanded by the inner shell
  said=$(timeout 4 bash -c 'exec 3<>"/dev/tcp/$1/$2"' probe "$1" "$2" 2>&1 9>&-)
  case $?:$said in
    0:*) REPLY=open ;;
    *"onnection refused"*) REPLY=refused ;;
    *) REPLY=unknown ;;
  esac
}

# peer_get URL PATH FILE [USER]: GET with the token (HTTP basic, as k3s does it; USER is `server`, or
# `node` for an agent's token), the server's CA checked against the token where that carries the CA's
# hash. The HTTP status is in REPLY; fails without one. PEER_CA is the hash of the server's CA.
peer_get() {
  local url=$1 path=$2 file=$3 user=${4:-server} ca=$STATE/peer-ca.$$ password=${TOKEN##*:} hash verify
  curl --silent --insecure --noproxy '*' --connect-timeout 4 --max-time 8 --output "$ca" "$url/cacerts" 9>&- || {
    rm -f -- "$ca"
    REPLY="no answer to /cacerts" && return 1
  }
  sum_of "$ca" && PEER_CA=$REPLY
  if [[ $TOKEN == K10* ]]; then
    hash=${TOKEN%%::*}
    if [[ $PEER_CA != "${hash#K10}" ]]; then
      rm -f -- "$ca"
      REPLY=other-ca && return 1
    fi
  fi
  password=${password//\\/\\\\}
  verify=$(curl --silent --noproxy '*' --cacert "$ca" --connect-timeout 4 --max-time 8 --output "$file" \
    --write-out '%{http_code}' --config - "$url$path" 9>&- <<<"user = \"$user:${password//\"/\\\"}\"")
  rm -f -- "$ca"
  REPLY=$verify
  [[ $verify != 000 && -n $verify ]] || { REPLY="no answer to $path" && return 1; }
}

# parse_db_info FILE: the members in a k3s server's /db/info, as the lines that etcd.sh uses.
# A JSON number is taken as its digits: 64 bits do not fit awk's numbers.
parse_db_info() {
  local id name learner address
  while read -r id name learner address; do
    printf -v id %x "$id"
    host_of "$address"
    printf '%s %s %s %s\n' "$id" "$name" "$learner" "$REPLY"
  done < <(tr -d ' \n\t' <"$1" | awk 'BEGIN { RS = "}" } /"ID":/ {
    id = name = peer = "-"
    if (match($0, /"ID":[0-9]+/)) id = substr($0, RSTART + 5, RLENGTH - 5)
    if (match($0, /"name":"[^"]*"/)) name = substr($0, RSTART + 8, RLENGTH - 9)
    if (match($0, /"peerURLs":\["[^"]*"/)) peer = substr($0, RSTART + 13, RLENGTH - 14)
    print id, (name == "" ? "-" : name), ($0 ~ /"isLearner":true/ ? 1 : 0), peer
  }')
}

# peer_info URL FILE: the members of a server's cluster, asked with the token on standard input, and where that
# is not accepted with the one that this node has had: a rotation may be half done. As peer_get.
peer_info() {
  local status
  peer_get "$1" /db/info "$2" || return 1
  status=$REPLY
  if [[ $status == 401 || $status == 403 ]] && own_token && [[ -n $REPLY && ${REPLY##*:} != "${TOKEN##*:}" ]]; then
    local TOKEN=$REPLY
    peer_get "$1" /db/info "$2" && status=$REPLY
  fi
  REPLY=$status
}

# pongs URL CONNECT MAX: whether a k3s server answers there, within so many seconds for the connection and in all.
pongs() {
  local pong
  pong=$(curl --silent --insecure --noproxy '*' --connect-timeout "$2" --max-time "$3" "$1/ping" 2>/dev/null 9>&- | head -c 16)
  [[ $pong == pong ]]
}

# ask_peer NAME URL: `living` (then MEMBERS is what it lists), `absent`, `stranger` (a server that accepts no
# token of ours), `starting` (k3s is there, but cannot say more yet) or `unknown`, the last two with the
# reason after it, in REPLY. Refuses when a server of another CA than our token's answers.
ask_peer() {
  local name=$1 url=$2 info=$STATE/db-info.$$ said
  host_of "$url"
  tcp_probe "$REPLY" "${url##*:}"
  [[ $REPLY == refused ]] && { REPLY=absent && return 0; }
  [[ $REPLY == open ]] || { REPLY="unknown (no connection to $url within 4 s)" && return 0; }
  MEMBERS=()
  peer_info "$url" "$info"
  said=$REPLY
  [[ $said != 200 ]] || mapfile -t MEMBERS < <(parse_db_info "$info")
  rm -f -- "$info"
  if [[ $said != 200 ]] && ! pongs "$url" 4 8; then
    REPLY="unknown ($url is not answering as a k3s server does)" && return 0
  fi
  case $said in
    401 | 403)
      REPLY=stranger
      given_up "$name"
      ;;
    other-ca) given_up "$name" || refuse_other_ca "$name at $url" ;;
    "no answer"*) REPLY="starting ($url: $said)" ;;
    *) REPLY=living ;; # also one whose etcd cannot say more now
  esac
  return 0
}

# given_up NAME: whether that peer's own k3s will be replaced, with consent: its cluster does not count. Then
# REPLY is absent.
given_up() {
  [[ ,${ARG[replacing]:-}, == *",$1,"* ]] || return 1
  say "peer $1 has a k3s of its own, which will be replaced"
  REPLY=absent
}

# refuse_other_ca WHO
refuse_other_ca() {
  refuse "$1 is a server of another cluster: its CA is not the one in our token. Check the address, and that the token was not taken from another stack"
}

PEERS_START=60 # seconds that servers are given which are there, but cannot answer yet

# ask_peers: LIVING (URLs, --join first), UNKNOWN (texts), PEER_MEMBERS (members as a peer lists them).
# After a power cut all servers start at once: those that do are waited for while nobody else lives.
ask_peers() {
  local until=$((SECONDS + PEERS_START))
  ask_peers_once
  while ((${#LIVING[@]} == 0 && STARTING > 0 && SECONDS < until)); do
    pause 2
    ask_peers_once
  done
  refuse_strangers
}

# refuse_strangers: a server that accepts no token of ours is one of another cluster, unless it has the CA of
# one that does, or of the cluster whose data this node holds: then a rotation of the token has not come to it
# yet. Where its CA is this node's, only its word is missing, as with one that does not answer.
refuse_strangers() {
  local line
  for line in "${STRANGERS[@]}"; do
    [[ -n $LIVING_CA && ${line%% *} == "$LIVING_CA" ]] && continue
    if [[ $ETCD_HERE == yes && -n $CLUSTER_CA && ${line%% *} == "$CLUSTER_CA" ]]; then
      UNKNOWN+=("${line#* } has another token of this cluster: a rotation is half done")
      continue
    fi
    refuse "${line#* } is a k3s server that does not accept our token: another cluster, or the token was changed there. Nothing was joined or founded"
  done
  return 0
}

# ask_peers_once: the same, without patience; STARTING is how many are there without an answer.
ask_peers_once() {
  local peer name url word asked=" "
  LIVING=() UNKNOWN=() PEER_MEMBERS=() STRANGERS=() LIVING_CA="" STARTING=0
  for peer in ${ARG[join]:+"${ARG[join]}=${ARG[join]}"} "${PEERS[@]}"; do
    name=${peer%%=*} url=${peer#*=}
    [[ $url == https://* ]] || { url_of "$url" "$API_PORT" && url=$REPLY; }
    [[ $asked == *" $url "* ]] && continue
    asked+="$url "
    ask_peer "$name" "$url"
    word=$REPLY
    say "peer $name: $word"
    case $word in
      living)
        LIVING+=("$url") LIVING_CA=$PEER_CA
        ((${#PEER_MEMBERS[@]})) || PEER_MEMBERS=("${MEMBERS[@]}")
        ;;
      stranger) STRANGERS+=("$PEER_CA $name at $url") ;;
      starting* | unknown*)
        UNKNOWN+=("$name: ${word#* }")
        [[ $word == starting* ]] && ((STARTING++))
        ;;
    esac
  done
  return 0
}
