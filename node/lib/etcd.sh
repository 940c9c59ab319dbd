# shellcheck shell=bash disable=SC2034  # the arrays are read by the other files
# What etcd says about itself. A member is a line "ID NAME LEARNER ADDRESS": ID in hexadecimal,
# NAME `-` when it never started, LEARNER 1 or 0, ADDRESS that of its peer URL.

# host_of URL: its host, without brackets, in REPLY.
host_of() {
  REPLY=${1#*://}
  REPLY=${REPLY%%/*}
  if [[ $REPLY == \[* ]]; then
    REPLY=${REPLY#\[}
    REPLY=${REPLY%%\]*}
  else
    REPLY=${REPLY%%:*}
  fi
}

# url_of ADDRESS PORT: an https URL, with brackets for IPv6, in REPLY.
url_of() {
  if [[ $1 == *:* ]]; then REPLY="https://[$1]:$2"; else REPLY="https://$1:$2"; fi
}

# etcd_members [URL] [alone]: MEMBERS, read through a majority, or with `alone` as that server knows them
# without one; fails, with the reason in REPLY.
etcd_members() {
  local field member all=() linearizable=0801
  MEMBERS=()
  [[ ${2:-} == alone ]] && linearizable=""
  grpc "${1:-$LOCAL_ETCD}" Cluster/MemberList "$linearizable" 5 || return 1
  pb_fields "$REPLY" || { REPLY="an answer that cannot be read" && return 1; }
  for field in "${FIELDS[@]}"; do
    [[ ${field%% *} == 2 ]] && all+=("${field#* }")
  done
  for member in "${all[@]}"; do
    etcd_member "$member" || { REPLY="a member that cannot be read" && return 1; }
    MEMBERS+=("$REPLY")
  done
}

# etcd_member MESSAGE: one member as a line, in REPLY.
etcd_member() {
  local id name address learner=0
  pb_fields "$1" || return 1
  pb_field 1 && id=$REPLY
  pb_field 2 && pb_text "$REPLY" && name=$REPLY
  pb_field 3 && pb_text "$REPLY" && host_of "$REPLY" && address=$REPLY
  pb_field 5 && [[ $REPLY == 1 ]] && learner=1
  REPLY="$id ${name:--} $learner ${address:--}"
}

# etcd_status [URL] [SECONDS]: ETCD_LEADER (an ID, `0` without one), ETCD_ID, ETCD_REVISION, ETCD_VERSION, the bytes of
# the database on disk and in use (ETCD_BYTES, ETCD_IN_USE), its limit (ETCD_QUOTA, 0 before etcd 3.6), what of the log
# this server has and has applied (ETCD_LOG, ETCD_APPLIED), and its complaints (ETCD_ERRORS) of that server; fails, with
# the reason in REPLY, when it does not answer, has no leader or complains.
etcd_status() {
  local header="" field value
  ETCD_LEADER=0 ETCD_ID="" ETCD_REVISION=0 ETCD_VERSION="" ETCD_BYTES=0 ETCD_IN_USE=0 ETCD_QUOTA=0 ETCD_LOG=0 ETCD_APPLIED=0
  ETCD_ERRORS=()
  grpc "${1:-$LOCAL_ETCD}" Maintenance/Status "" "${2:-3}" || return 1
  pb_fields "$REPLY" || { REPLY="an answer that cannot be read" && return 1; }
  for field in "${FIELDS[@]}"; do
    value=${field#* }
    case ${field%% *} in
      1) header=$value ;;
      2) pb_text "$value" && ETCD_VERSION=$REPLY ;;
      3) ETCD_BYTES=$((16#$value)) ;;
      4) ETCD_LEADER=$value ;;
      5) ETCD_LOG=$((16#$value)) ;;
      7) ETCD_APPLIED=$((16#$value)) ;;
      8) pb_text "$value" && ETCD_ERRORS+=("$REPLY") ;;
      9) ETCD_IN_USE=$((16#$value)) ;;
      12) ETCD_QUOTA=$((16#$value)) ;;
    esac
  done
  pb_fields "$header" || return 1
  pb_field 2 && ETCD_ID=$REPLY
  pb_field 3 && ETCD_REVISION=$((16#${REPLY:-0}))
  printf -v REPLY '%s, ' "${ETCD_ERRORS[@]}"
  REPLY=${REPLY%, }
  [[ $ETCD_LEADER != 0 ]] || { REPLY=${REPLY:-no leader} && return 1; }
  ((${#ETCD_ERRORS[@]} == 0))
}

# etcd_alarms [URL]: ALARMS, a line "ID NOSPACE|CORRUPT" each.
etcd_alarms() {
  local field all=() kind
  ALARMS=()
  grpc "${1:-$LOCAL_ETCD}" Maintenance/Alarm "" 5 || return 1
  pb_fields "$REPLY" || return 1
  for field in "${FIELDS[@]}"; do
    [[ ${field%% *} == 2 ]] && all+=("${field#* }")
  done
  for field in "${all[@]}"; do
    pb_fields "$field" || return 1
    pb_field 2 && kind=$REPLY
    pb_field 1
    case $kind in
      1) ALARMS+=("$REPLY NOSPACE") ;;
      2) ALARMS+=("$REPLY CORRUPT") ;;
      *) ALARMS+=("$REPLY alarm-$kind") ;;
    esac
  done
}

# etcd_remove URL ID: the member leaves. One that is gone already is no failure.
etcd_remove() {
  pb_varint $((16#$2))
  grpc "$1" Cluster/MemberRemove "08$REPLY" 10 && return 0
  [[ $REPLY == *"member not found"* ]]
}

# etcd_lead ID: the voter ID leads from now on. Asked of the leader, which this server must be.
etcd_lead() {
  pb_varint $((16#$1))
  grpc "$LOCAL_ETCD" Maintenance/MoveLeader "08$REPLY" 10
}

# etcd_defragment SECONDS: rewrites the database of this server, which answers nobody meanwhile.
etcd_defragment() {
  grpc "$LOCAL_ETCD" Maintenance/Defragment "" "$1"
}

# etcd_compact REVISION: gives up what was overwritten before REVISION, and returns when that is done. History that is
# gone already is no failure.
etcd_compact() {
  pb_varint "$1"
  grpc "$LOCAL_ETCD" KV/Compact "08${REPLY}1001" 60 && return 0
  [[ $REPLY == *"has been compacted"* ]]
}

# etcd_disarm ID: takes the alarm NOSPACE of a member back.
etcd_disarm() {
  pb_varint $((16#$1))
  grpc "$LOCAL_ETCD" Maintenance/Alarm "080210${REPLY}1801" 10
}

# node_of MEMBER-NAME: k3s names a member after its node and eight characters, in REPLY.
node_of() {
  REPLY=${1%-*}
}

# own_member_name: the name that this node's etcd has on disk, in REPLY; empty without one.
own_member_name() {
  { REPLY=$(<"$ETCD_DATA/name"); } 2>/dev/null
  return 0
}
