# shellcheck shell=bash disable=SC2034  # a member is read whole
# When too few voters are left: said with what was seen and both ways out. Nothing is ever reset by itself.

MAJORITY_RETURNS=30 # seconds that voters are given which start at this moment

# no_majority: whether etcd here has no leader because too few voters answer; what was seen and both ways
# out in REPLY.
no_majority() {
  local silent="" voters=0 answering=0 needed
  if etcd_members "$LOCAL_ETCD" alone; then ask_voters; else look_for_voters; fi
  quorum_of "$voters"
  needed=$REPLY
  ((voters > 0 && answering < needed)) || return 1
  newest_snapshot
  REPLY="etcd has no majority: $answering of $voters voters answer, $needed are needed; silent: $silent. Either bring one of these back, with its disk, and run again; or, if they are gone for good, restore from a snapshot, which loses what was written since: $REPLY"
}

# ask_voters: counts those of MEMBERS that answer. Fills the caller's voters, answering and silent.
ask_voters() {
  local line id name learner where
  for line in "${MEMBERS[@]}"; do
    read -r id name learner where <<<"$line"
    ((learner)) && continue
    ((voters++))
    url_of "$where" "$ETCD_PORT"
    if grpc "$REPLY" Maintenance/Status "" 3; then ((answering++)); else silent+="${silent:+, }$name at $where"; fi
  done
}

# look_for_voters: the same without MEMBERS. An etcd that starts without a majority opens its ports, but says
# nothing before it has one; who its members are stands in its database.
look_for_voters() {
  local peer hosts
  peers_on_disk || return 0
  hosts=" ${REPLY//$'\n'/ } "
  voters=1 answering=1
  for peer in "${PEERS[@]}"; do
    [[ $hosts == *" ${peer#*=} "* ]] || continue
    ((voters++))
    tcp_probe "${peer#*=}" "$ETCD_PEER_PORT"
    if [[ $REPLY == open ]]; then ((answering++)); else silent+="${silent:+, }${peer%%=*} at ${peer#*=}"; fi
  done
}

# peers_on_disk: the addresses of members in this server's etcd database, a line each, in REPLY; also such that have left,
# as long as their page was not written over. Fails without a database.
peers_on_disk() {
  local peer
  [[ -f $ETCD_DATA/member/snap/db ]] || return 1
  REPLY=$(grep -aoE '"peerURLs":\["https://[^"]*"' -- "$ETCD_DATA/member/snap/db" | sort -u | while IFS= read -r peer; do
    host_of "${peer#*[\"}"
    printf '%s\n' "${REPLY%\"}"
  done)
}

# majority_returns: whether a majority answers, now or within MAJORITY_RETURNS; why not in REPLY.
majority_returns() {
  local until=$((SECONDS + MAJORITY_RETURNS))
  while no_majority; do
    ((SECONDS < until)) || return 1
    pause 2
  done
}

# newest_snapshot: the newest snapshot on this node, its age and how it is restored, for people, in REPLY.
newest_snapshot() {
  local file newest="" age place
  for file in "$K3S_SNAPSHOTS"/* "$SNAPSHOTS"/*; do
    [[ -f $file && $file != *.json && $file != *.token && $file != *.part ]] || continue
    [[ -z $newest || ! $newest -nt $file ]] && newest=$file
  done
  [[ -n $newest ]] || { REPLY="none is on this node; restore.from names other places" && return; }
  age=$((($(date +%s) - $(stat -c %Y -- "$newest")) / 60))
  place=${newest#"$ROOT"}
  [[ $newest == "$SNAPSHOTS"/* ]] && place=${newest##*/}
  REPLY="the newest on this node is $((age / 60)) h $((age % 60)) min old (restore: { id: a-new-word, snapshot: $place })"
}
