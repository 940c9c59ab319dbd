# shellcheck shell=bash disable=SC2034  # read by the verbs
# Which cluster this server belongs to: its own data first, then what the peers say. Never its
# position in a list.

MEMBERSHIP="" # member, rejoin, join or found
LISTED=unknown
OWN_LINE=""   # our own member, as etcd lists it

# own_line MEMBER-NAME MEMBER...: the line of that member, in REPLY. Pure.
own_line() {
  local own=$1 line
  shift
  REPLY=""
  for line in "$@"; do
    if [[ $line == *" $own "* ]]; then
      REPLY=$line
      return 0
    fi
  done
}

# unnamed_at ADDRESS MEMBER...: the line of a member at ADDRESS that has not told its name yet, in REPLY. Where k3s
# starts by itself, such as at a boot, this node may be joining at this moment: its name comes up to 15 s later. Pure.
unnamed_at() {
  local address=$1 line id name learner where
  shift
  REPLY=""
  for line in "$@"; do
    read -r id name learner where <<<"$line"
    if [[ $name == - && $where == "$address" ]]; then
      REPLY=$line
      return 0
    fi
  done
}

# is_voter_now: whether this node's own etcd runs and says that it is a voter. Sets MEMBERS, OWN_LINE.
is_voter_now() {
  local own
  own_member_name && own=$REPLY
  [[ -n $own ]] && etcd_members || return 1
  own_line "$own" "${MEMBERS[@]}"
  OWN_LINE=$REPLY
  [[ $OWN_LINE == *" $own 0 "* ]] || { REPLY="it is not a voter yet" && return 1; }
  etcd_status
}

# choose_membership: sets MEMBERSHIP, LIVING, STALE; refuses where no answer is safe.
choose_membership() {
  local found=${ARG[found]:-no} own item texts="" halted
  LIVING=() UNKNOWN=() PEER_MEMBERS=()
  halted_for && halted=$REPLY
  [[ -z ${ARG[restored]:-} ]] || found=no # the restore has made the cluster
  if [[ $ETCD_HERE == yes && -z $halted ]] && is_voter_now; then
    MEMBERSHIP=member
    return 0
  fi
  ask_peers
  [[ $TAKING == replace ]] || { own_member_name && own=$REPLY; }
  if [[ $ETCD_HERE == yes && ${#PEER_MEMBERS[@]} -gt 0 ]]; then
    own_line "${own:--none-}" "${PEER_MEMBERS[@]}"
    LISTED=no
    [[ -n $REPLY ]] || unnamed_at "${ARG[address]}" "${PEER_MEMBERS[@]}"
    [[ -n $REPLY ]] && LISTED=yes
  fi
  decide_membership "$ETCD_HERE" "$found" "${#LIVING[@]}" "${#UNKNOWN[@]}" "$LISTED"
  MEMBERSHIP=$REPLY
  [[ $TAKING == migrate ]] && migration_membership
  for item in "${UNKNOWN[@]}"; do
    texts+="${texts:+; }$item"
  done
  if [[ -n $halted ]]; then
    on_failure systemctl disable --quiet "$UNIT"
    [[ $MEMBERSHIP != member || $LISTED == yes || (-z ${ARG[restored]:-} && ${#LIVING[@]} -eq 0) ]] ||
      refuse "this server was halted for the restore $halted, its data are of before, and no restored server says who its members are (${texts:-it answers, but not for etcd}). Bring the restored server up, then run again"
  fi
  case $MEMBERSHIP in
    unknown) refuse "no peer is a living server, but not all could be asked, and a second cluster must never be founded beside one that lives: $texts. Bring these up (k3s need not run there), open TCP $API_PORT to them, or take them out of the configuration" ;;
    lost) refuse "this node has no etcd data and no living server was found to join (${texts:-no peer is a server}). A new cluster is founded only where a stack creates its first server, so none is founded here: bring a server back, or restore from a snapshot" ;;
    rejoin) say "this node's etcd data is of the member ${own:-(unnamed)}, which the cluster has removed; it is set aside and the node joins again" ;;
  esac
  find_stale "${own:--none-}" "${ARG[address]}" "${ARG[name]}" "${PEER_MEMBERS[@]}"
  [[ $MEMBERSHIP == join || $MEMBERSHIP == rejoin ]] && all_voters_answer
  say "this node will: $MEMBERSHIP${LIVING[0]:+ (through ${LIVING[0]})}"
}

VOTERS_RETURN=30 # seconds that a voter is given which restarts at this moment

# all_voters_answer: etcd admits nobody while a voter is away ("unhealthy cluster"), and k3s would try for
# ever. Refuses with the name of the one that is missing; what an earlier life of this node left is cleared later.
all_voters_answer() {
  local line id name learner where silent until=$((SECONDS + VOTERS_RETURN))
  while :; do
    silent=""
    for line in "${PEER_MEMBERS[@]}"; do
      read -r id name learner where <<<"$line"
      ((learner)) || [[ " ${STALE[*]} " == *" $name "* || $where == - ]] && continue
      tcp_probe "$where" "$ETCD_PORT"
      [[ $REPLY == open ]] || silent+="${silent:+, }$name at $where"
    done
    [[ -z $silent ]] && return 0
    ((SECONDS < until)) || refuse "a voter of the cluster does not answer: $silent. etcd takes no new member before all voters are back: bring it back, or declare its node lost (lost: true), then run again"
    say "waiting for $silent"
    pause 2
  done
}

# set_data_aside: the etcd data of a removed member, kept beside them until this run is done.
set_data_aside() {
  act
  systemctl stop "$UNIT" || die "$UNIT could not be stopped"
  if [[ ! -e $REMOVED_MEMBER ]]; then
    move_etcd "$ETCD_DATA" "$REMOVED_MEMBER" || die "$ETCD_DATA could not be moved aside; is the disk full?"
  fi
  empty_etcd # of a run that did not end: what is here now is of its try to join
  # compared with the cluster's, passwords and encryption keys of then would end k3s; without them it takes today's
  if [[ ! -e $REMOVED_MEMBER/cred && -e $DATA/server/cred ]]; then
    mv -- "$DATA/server/cred" "$REMOVED_MEMBER/cred" || die "$DATA/server/cred could not be moved aside"
  else
    rm -rf -- "$DATA/server/cred"
  fi
  on_failure data_back
}

# data_back: undoes set_data_aside.
data_back() {
  systemctl stop "$UNIT" 2>/dev/null
  empty_etcd
  if [[ -e $REMOVED_MEMBER/cred ]]; then
    rm -rf -- "$DATA/server/cred"
    mv -- "$REMOVED_MEMBER/cred" "$DATA/server/cred"
  fi
  move_etcd "$REMOVED_MEMBER" "$ETCD_DATA" && UNDONE+=("$ETCD_DATA is again as it was")
}

# etcd_elsewhere: whether the user gave etcd a disk of its own, by a link or a mount, which stays where it is.
etcd_elsewhere() {
  [[ -L $ETCD_DATA ]] || holds_mounts "$ETCD_DATA"
}

ETCD_NAMES=(member name config tombstone) # what k3s and etcd have in etcd's directory

# empty_etcd: nothing of etcd's is left in its directory.
empty_etcd() {
  if etcd_elsewhere; then
    rm -rf -- "${ETCD_NAMES[@]/#/$ETCD_DATA/}"
  else
    rm -rf -- "$ETCD_DATA"
  fi
}

# move_etcd FROM TO: etcd's data, in one rename; from and to a disk of its own by copy. A kill leaves FROM whole, or TO.
move_etcd() {
  local name to=$2
  if ! etcd_elsewhere; then
    mv -- "$1" "$2"
    return
  fi
  [[ $to == "$ETCD_DATA" ]] || to=$2.part
  rm -rf -- "$2.part"
  there "$to" || return 1
  for name in "${ETCD_NAMES[@]}"; do
    [[ ! -e $1/$name ]] || cp -a -- "$1/$name" "$to/" || return 1
  done
  [[ $to == "$2" ]] || { sync "$to" && mv -- "$to" "$2"; } || return 1
  rm -rf -- "${ETCD_NAMES[@]/#/$1/}"
  rmdir -- "$1" 2>/dev/null
  return 0
}
