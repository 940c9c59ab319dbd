# shellcheck shell=bash disable=SC2034  # SNAPSHOT_FILE and CHOSEN are read by the verbs
# What can be told of a snapshot before anything is stopped for it.

SNAPSHOT_FILE="" # the snapshot's file on this node
CHOSEN=""        # the token that the snapshot's shared data are sealed with

# snapshot_file PLACE: where the snapshot is, in REPLY. A name is one of $SNAPSHOTS; anything with a
# slash is a path, seen from the login user's home.
snapshot_file() {
  case $1 in
    /*) REPLY=$ROOT$1 ;;
    */*) REPLY=$PWD/$1 ;;
    *) REPLY=$SNAPSHOTS/$1 ;;
  esac
}

# whole_snapshot FILE: whether FILE is a whole etcd snapshot; what is wrong in REPLY. etcd appends the
# sha256 of the database, whose pages are multiples of 512 bytes, when it hands a snapshot out.
whole_snapshot() {
  local bytes head own wanted
  [[ -f $1 ]] || { REPLY="there is no file $1" && return 1; }
  bytes=$(stat -c %s -- "$1")
  ((bytes > 0)) || { REPLY="$1 is empty" && return 1; }
  head=$(od -An -v -tx1 -N 20 -- "$1" | tr -d ' \n')
  [[ ${head:0:8} != 504b0304 ]] || { REPLY="$1 is a zip file, as k3s makes it with etcd-snapshot-compress; unpack it (unzip -p) so that it can be looked into" && return 1; }
  [[ ${head:32:8} == edda0ced ]] || { REPLY="$1 is not an etcd database" && return 1; }
  if ((bytes % 512 == 32)); then
    own=$(tail -c 32 -- "$1" | od -An -v -tx1 | tr -d ' \n')
    wanted=$(head -c $((bytes - 32)) -- "$1" | sha256sum)
    [[ $own == "${wanted%% *}" ]] && return 0
  fi
  REPLY="$1 was cut short or altered: $bytes bytes, and the checksum at its end does not match"
  return 1
}

# versions_in FILE: the newest k3s that wrote to the database, in REPLY; empty when none can be told. In a
# stored Node the kubelet's version is field 7, with its length, and field 8 follows.
versions_in() {
  REPLY=$(grep -aoE $':[\x0b-\x1f]v[0-9]+\\.[0-9]+\\.[0-9]+\\+k3s[0-9]+B' -- "$1" |
    grep -aoE 'v[0-9.]+\+k3s[0-9]+' | sort -Vu | tail -n 1)
}

# newer_than VERSION OTHER: whether VERSION is newer than OTHER. Pure.
newer_than() {
  [[ $1 != "$2" && $(printf '%s\n%s\n' "$1" "$2" | sort -V | tail -n 1) == "$1" ]]
}

# sealed_with FILE TOKEN: whether FILE has shared data that are sealed with TOKEN: k3s keeps them under
# /bootstrap/ and the first 12 digits of the sha256 of the token's password.
sealed_with() {
  local sum
  sum=$(printf %s "${2##*:}" | sha256sum)
  grep -aqF "/bootstrap/${sum:0:12}" -- "$1"
}

# choose_token FILE: CHOSEN, the first of the token beside the snapshot, the one that was sent, and this
# node's own that the snapshot is sealed with; fails when none is.
choose_token() {
  local file=$1 token candidates=()
  [[ -s $file.token ]] && candidates+=("$(<"$file.token")")
  candidates+=("$TOKEN")
  [[ -s $DATA/server/token ]] && candidates+=("$(<"$DATA/server/token")")
  for token in "${candidates[@]}"; do
    keep_secret "$token"
    keep_secret "${token##*:}"
    sealed_with "$file" "$token" && CHOSEN=$token && return 0
  done
  return 1
}

# examine_snapshot PLACE VERSION: SNAPSHOT_FILE and CHOSEN; refuses a snapshot that this cluster cannot be
# restored from, with all that is wrong with it.
examine_snapshot() {
  local name=${1##*/} hash
  snapshot_file "$1" && SNAPSHOT_FILE=$REPLY
  whole_snapshot "$SNAPSHOT_FILE" || refuse "the snapshot cannot be restored: $REPLY. Nothing was stopped. Name another one; $(snapshots_here)"
  if [[ $1 != */* && -s $SNAPSHOTS/$name.json ]]; then
    intact "$name" || refuse "the snapshot cannot be restored: $REPLY. Nothing was stopped. Name another one"
  fi
  versions_in "$SNAPSHOT_FILE"
  if [[ -n $REPLY ]] && newer_than "$REPLY" "$2"; then
    refuse "the snapshot $name is of k3s $REPLY, and the stack's version is $2; an older k3s cannot read it. Nothing was stopped. Set version to $REPLY or newer"
  fi
  grep -aqE '/bootstrap/[0-9a-f]{12}' -- "$SNAPSHOT_FILE" || refuse "$SNAPSHOT_FILE is an etcd database, but not of a k3s cluster. Nothing was stopped"
  choose_token "$SNAPSHOT_FILE" || refuse "no token for the snapshot $name: it is sealed with the server token of its time, which is neither $([[ -s $SNAPSHOT_FILE.token ]] && echo "the one in $SNAPSHOT_FILE.token" || echo "beside it ($SNAPSHOT_FILE.token is missing)") nor the one of this stack. Either the snapshot is of another cluster, or the token was rotated since. Nothing was stopped. Give that token: pulumi config set --secret restoreToken"
  hash=${CHOSEN%%::*}
  if [[ $CHOSEN == K10*::* && -n $CLUSTER_CA && ${hash#K10} != "$CLUSTER_CA" ]]; then
    refuse "the snapshot $name is of another cluster: its token names the CA ${hash:3:12}, this node's is ${CLUSTER_CA:0:12}. Nothing was stopped. To make that cluster out of these machines, destroy this one first"
  fi
}

# snapshots_here: which snapshots with a name this node has, for people, on standard output.
snapshots_here() {
  local file list=""
  for file in "$SNAPSHOTS"/*.json; do
    [[ -e $file ]] || continue
    file=${file##*/}
    list+="${list:+, }${file%.json}"
  done
  echo "kept on this node: ${list:-none}"
}
