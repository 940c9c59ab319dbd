# shellcheck shell=bash disable=SC2034  # constants of the scripts under test
# An etcd of three members: a (ID 1, this server), b (2) and c (3), at 192.0.2.ID. What it is asked is noted in the file
# `asked`. It can be told otherwise: LEADER, LEARNER (an ID), DEAF (an address), COMPLAINT, ALARM_KIND, FREE (bytes on disk).

LEADER=1 LEARNER="" DEAF="" COMPLAINT="" ALARM_KIND="" FREE=1000000
ETCD_DATA=$PWD
mkdir -p "$STATE"

# text FIELD TEXT: a field of protobuf that holds text, in REPLY.
text() {
  local hex
  hex=$(printf %s "$2" | od -An -v -tx1 | tr -d ' \n')
  printf -v REPLY '%s%02x%s' "$1" $((${#hex} / 2)) "$hex"
}

# member ID NAME: in REPLY.
member() {
  local body="080$1"
  text 12 "$2" && body+=$REPLY
  text 1a "https://192.0.2.$1:2380" && body+=$REPLY
  [[ $1 == "$LEARNER" ]] && body+=2801
  printf -v REPLY '12%02x%s' $((${#body} / 2)) "$body"
}

grpc() {
  local all=""
  echo "$2 $3" >>asked
  [[ -n $DEAF && $1 == *"$DEAF"* ]] && REPLY="no answer" && return 1
  case $2 in
    Cluster/MemberList)
      member 1 a-11111111 && all+=$REPLY
      member 2 b-22222222 && all+=$REPLY
      member 3 c-33333333 && all+=$REPLY
      ;;
    Maintenance/Status) # member 1 at revision 7, 1000 bytes of which 100 are in use
      all=0a0410011807
      text 12 3.6.5 && all+=$REPLY
      all+=18e807200${LEADER}280538054864
      [[ -n $COMPLAINT ]] && text 42 "$COMPLAINT" && all+=$REPLY
      ;;
    Maintenance/Alarm) [[ -n $ALARM_KIND && $3 != 0802* ]] && all=12040802100$ALARM_KIND ;;
    Maintenance/MoveLeader) LEADER=2 ;;
  esac
  REPLY=$all
}

df() {
  printf 'Avail\n%s\n' "$FREE"
}
