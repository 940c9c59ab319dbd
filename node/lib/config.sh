# shellcheck shell=bash disable=SC2015  # `a && b || die` is meant: die when either fails
# What the program sends on standard input, and the files it becomes.

TOKEN=""       # the server or agent token
WANTED_CONFIG="" # config.yaml

# read_input: token and config.yaml from standard input: `token: T`, `---`, the file.
read_input() {
  local line all
  IFS= read -r -d '' all || true
  all=${all//$'\r'/}
  line=${all%%$'\n'*}
  [[ $line == "token: "* ]] || usage_error "standard input must begin with 'token: '"
  TOKEN=${line#token: }
  [[ $TOKEN =~ ^[[:graph:]]{8,}$ && $TOKEN != *[\"\'\\]* ]] || usage_error "the token on standard input is too short or has a character that no token has"
  keep_secret "$TOKEN"
  keep_secret "${TOKEN##*:}"
  all=${all#*$'\n'}
  [[ $all == "---"$'\n'* ]] || usage_error "the second line of standard input must be '---'"
  WANTED_CONFIG=${all#---$'\n'}
  if grep -qE '^(cluster-init|server|token|token-file|data-dir)[[:space:]]*:' <<<"$WANTED_CONFIG"; then
    usage_error "config.yaml on standard input names cluster-init, server, token or data-dir: the node decides these itself"
  fi
  while IFS= read -r line; do
    keep_secret "${line//[\"\']/}"
  done < <(sed -nE 's/^(agent-token|etcd-s3-access-key|etcd-s3-secret-key)[[:space:]]*:[[:space:]]*//p' <<<"$WANTED_CONFIG")
}

# put_config: config.yaml as it was sent.
put_config() {
  if same_file "$CONFIG" "$WANTED_CONFIG"; then
    [[ $(stat -c %a "$CONFIG") == 600 ]] || chmod 600 "$CONFIG"
    return 0
  fi
  act
  remember "$CONFIG"
  write_file "$CONFIG" 600 "$WANTED_CONFIG" || die "$CONFIG cannot be written; is the file system full or read-only?"
  changed config
}

# put_join CONTENT: the file that says how this node founds or joins.
put_join() {
  same_file "$JOIN" "$1" && return 0
  act
  remember "$JOIN"
  write_file "$JOIN" 600 "$1" || die "$JOIN cannot be written"
  changed join
}

# founding and joining: the content of the join file, in REPLY.
founding() {
  REPLY="# Written once, when this node founded its cluster."$'\n'"cluster-init: true"$'\n'"token: \"$TOKEN\""$'\n'
}
joining() {
  REPLY="# Written once, when this node joined its cluster."$'\n'"server: \"$1\""$'\n'"token: \"$TOKEN\""$'\n'
}

# adopted_token: an adopted cluster keeps the token that it has.
adopted_token() {
  TOKEN=$(cat "$DATA/server/token" 2>/dev/null)
  [[ -n $TOKEN ]] || die "$DATA/server/token cannot be read; the token of the cluster is needed"
  keep_secret "$TOKEN"
  keep_secret "${TOKEN##*:}"
}

# keeping_token: the join file of an adopted member of etcd, in REPLY.
keeping_token() {
  adopted_token
  REPLY="# Written once, when this member was adopted."$'\n'"token: \"$TOKEN\""$'\n'
}

# comes_and_goes: whether this node is a part-time agent of the stack (yes|no), in REPLY.
comes_and_goes() {
  REPLY=no
  grep -qs '"partTime":true' "$MARKER" && REPLY=yes
  return 0
}

# put_marker ROLE: says whose k3s this is, and whether it comes and goes.
put_marker() {
  local stamp own=()
  if [[ -f $MARKER ]] && grep -q "\"role\":\"$1\"" "$MARKER"; then
    comes_and_goes
    [[ $REPLY == "${ARG[part-time]:-no}" ]] && return 0
  fi
  act
  remember "$MARKER"
  printf -v stamp '%(%Y-%m-%dT%H:%M:%SZ)T' -1
  [[ -n ${ARG[part-time]:-} ]] && own=(partTime true)
  json_object installedBy '"homelab-k3s"' node "\"${ARG[name]}\"" role "\"$1\"" at "\"$stamp\"" "${own[@]}"
  write_file "$MARKER" 600 "$REPLY"$'\n' || die "$MARKER cannot be written"
}
