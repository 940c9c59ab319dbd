# shellcheck shell=bash disable=SC2015,SC2034,SC2153  # `a && b || c` is meant; NEWER and OTHER are read by the verbs; API_PORT stands in paths.sh
# Bootstrap data: the CAs, keys and passwords that all servers share. etcd has a copy, and k3s compares the files on disk
# with it at each start: one that differs and is newer ends that start ("newer than datastore and could cause a cluster
# outage"; k3s: pkg/cluster/bootstrap.go). cred/passwd becomes such a file by k3s itself: a start with another agent
# token writes the file anew, and the copy follows only when the server token is rotated.

CLOCK_SKEW=3 # seconds that a file may be newer, as k3s has it

# Each file by k3s' name for it (k3s: pkg/daemons/control/deps, CreateRuntimeCertFiles).
declare -gA BOOTSTRAP_FILES=(
  [ETCDServerCA]=tls/etcd/server-ca.crt [ETCDServerCAKey]=tls/etcd/server-ca.key
  [ETCDPeerCA]=tls/etcd/peer-ca.crt [ETCDPeerCAKey]=tls/etcd/peer-ca.key
  [ServerCA]=tls/server-ca.crt [ServerCAKey]=tls/server-ca.key
  [ClientCA]=tls/client-ca.crt [ClientCAKey]=tls/client-ca.key
  [RequestHeaderCA]=tls/request-header-ca.crt [RequestHeaderCAKey]=tls/request-header-ca.key
  [ServiceKey]=tls/service.key [PasswdFile]=cred/passwd [IPSECKey]=cred/ipsec.psk
  [EncryptionConfig]=cred/encryption-config.json [EncryptionHash]=cred/encryption-state.json
)

# bootstrap_data: etcd's copy, as this server's k3s gives it to who has the server token, in REPLY; fails with the HTTP
# status there. It holds every key of the cluster, so it stays in memory.
bootstrap_data() {
  local status
  own_token
  REPLY=$(curl --silent --noproxy '*' --cacert "$DATA/server/tls/server-ca.crt" --connect-timeout 4 --max-time 20 \
    --write-out '\n%{http_code}' --config - "https://127.0.0.1:$API_PORT/v1-k3s/server-bootstrap" 9>&- <<<"user = \"server:${REPLY##*:}\"")
  status=${REPLY##*$'\n'}
  [[ $status == 200 ]] || { REPLY=${status:-000} && return 1; }
}

# compare_bootstrap_data: NEWER, the files here that differ from etcd's copy and would end the next start of k3s or the one
# after, and OTHER, those that differ and would be written over by it. Other passwords than the copy's are of the first
# kind at any age: a start takes the copy's and writes its own again, which is newer then. Fails, with the HTTP status in
# REPLY, without an answer.
compare_bootstrap_data() {
  local name stamp content file copied
  NEWER=() OTHER=()
  bootstrap_data || return 1
  # "NAME":{"Timestamp":"TIME","Content":"BASE64"
  while IFS='"' read -r _ name _ _ _ stamp _ _ _ content _; do
    [[ -n ${BOOTSTRAP_FILES[$name]:-} ]] || continue
    file=$DATA/server/${BOOTSTRAP_FILES[$name]}
    [[ $(base64 -w 0 -- "$file" 2>/dev/null) == "$content" ]] && continue
    copied=$(date -d "$stamp" +%s 2>/dev/null) || copied=0
    if [[ -e $file ]] && { (($(stat -c %Y -- "$file") - copied >= CLOCK_SKEW)) || other_passwords "$file" "$content"; }; then
      NEWER+=("$file")
    else
      OTHER+=("$file")
    fi
  done < <(grep -oE '"[A-Za-z]+":\{"Timestamp":"[^"]*","Content":"[^"]*"' <<<"$REPLY")
  return 0
}

# other_passwords FILE BASE64: whether FILE is that of the passwords and has others; k3s writes its lines in any order.
other_passwords() {
  [[ $1 == "$PASSWORDS" ]] && ! cmp -s <(sort -- "$1") <(base64 -d <<<"$2" | sort)
}

# served_from_disk VERSION: whether a k3s of that version gives away the files on its own disk instead of etcd's copy, so
# that nothing can be told by comparing (changed in March 2025; k3s: pkg/cluster/bootstrap.go). Pure.
served_from_disk() {
  [[ $1 =~ ^v1\.([0-9]+)\. ]] && ((BASH_REMATCH[1] < 33))
}

# drop_passwords: before a start, the file goes that would end it. k3s makes it anew, from etcd's copy and the tokens in
# its configuration; there is nothing else in it.
drop_passwords() {
  [[ $UNIT != k3s.service || ! -e $PASSWORDS ]] || rm -f -- "$PASSWORDS"
}

# save_bootstrap_data: etcd's copy has today's passwords, so that k3s here can be started again as often as one likes. A
# rotation to the token that the cluster has already does it: k3s then writes the files of this server into etcd, all of
# them, so none but the passwords may differ. The file is made the newest of all servers': on the others k3s then takes
# it over from the copy.
save_bootstrap_data() {
  local token
  own_token && token=${REPLY##*:}
  patiently_for 30 compare_bootstrap_data || die "k3s here does not give its bootstrap data (HTTP $REPLY), so it cannot be told whether it could start again; see journalctl -u $UNIT, then run again"
  if served_from_disk "${ARG[version]:-v1.99.0}" && ((SERVICE_TOUCHED)); then NEWER+=("$PASSWORDS"); fi
  ((${#NEWER[@]})) || return 0
  if ! only_passwords; then
    again
    patiently_for 30 compare_bootstrap_data && only_passwords || die "k3s here would not start again: $REPLY differ from etcd's copy and are newer. Remove what is not meant to be so, restart k3s, then run again"
  fi
  say "saving today's passwords in etcd: k3s compares them at each start"
  act
  touch -- "$PASSWORDS"
  put_token "$token" "$token" || die "k3s did not save its bootstrap data: HTTP $REPLY; see journalctl -u $UNIT"
  compare_bootstrap_data && ((${#NEWER[@]} == 0)) || die "k3s says that it saved its bootstrap data, but etcd's copy of ${NEWER[*]} still differs"
}

# only_passwords: whether no file but the passwords differs; the others in REPLY.
only_passwords() {
  local file
  REPLY=""
  for file in "${NEWER[@]}" "${OTHER[@]}"; do
    [[ $file == "$PASSWORDS" ]] || REPLY+="${REPLY:+, }$file"
  done
  [[ -z $REPLY ]]
}

# unblock_start: a server that ends at every start because of its passwords loses them: systemd's next try succeeds.
unblock_start() {
  local UNIT=k3s.service
  [[ -e $MARKER && -e $PASSWORDS ]] || return 0
  service_state
  [[ $STATE_WORD != active ]] && journal "$(($(date +%s) - 300))" | grep -qF "$PASSWORDS newer than datastore" || return 0
  say "k3s here ends at every start, since its passwords are newer than etcd's copy; they are made anew"
  drop_passwords
}
