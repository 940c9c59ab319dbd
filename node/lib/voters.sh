# shellcheck shell=bash disable=SC2034  # a member is read whole; the arrays are read by the verbs
# Whether every voter is well, asked of each of them: before something that takes one of them away for a while.

# all_voters_well: every member votes, answers, knows a leader and complains of nothing but a full database; why not in
# REPLY. Fills VOTERS with lines "ID NAME ADDRESS", the one of this server among them.
all_voters_well() {
  local line id name learner where url
  VOTERS=()
  etcd_members || { REPLY="etcd here does not answer: $REPLY" && return 1; }
  for line in "${MEMBERS[@]}"; do
    read -r id name learner where <<<"$line"
    ((learner)) && REPLY="$name at $where is a learner" && return 1
    [[ $name == - ]] && REPLY="the member at $where never started" && return 1
    url_of "$where" "$ETCD_PORT" && url=$REPLY
    etcd_status "$url" || only_full || { REPLY="$name at $where: $REPLY" && return 1; }
    VOTERS+=("$id $name $where")
  done
}

# only_full: whether etcd_status failed for nothing but the alarm NOSPACE.
only_full() {
  local error
  [[ $ETCD_LEADER != 0 ]] && ((${#ETCD_ERRORS[@]})) || return 1
  for error in "${ETCD_ERRORS[@]}"; do
    [[ $error == *NOSPACE* ]] || return 1
  done
}

# alarms_known: whether there is no alarm but NOSPACE; the others in REPLY.
alarms_known() {
  local alarm unknown=""
  etcd_alarms || { REPLY="etcd here does not say which alarms there are: $REPLY" && return 1; }
  for alarm in "${ALARMS[@]}"; do
    [[ $alarm == *" NOSPACE" ]] || unknown+="${unknown:+, }$alarm"
  done
  REPLY="etcd has an alarm that a defragmentation does not mend: $unknown"
  [[ -z $unknown ]]
}
