# shellcheck shell=bash disable=SC2015,SC2034,SC2153  # `a && b || c` is meant; HASHES_MATCH is read by verify; STATE stands in paths.sh
# The keys that encrypt Secrets in etcd. One server makes a new key and writes every Secret again; the others
# read with the old one until they are restarted.

# encryption_state: STAGE, ACTIVE_KEY, INACTIVE_KEYS (a line each), HASHES_MATCH yes|no, as this server sees
# them; fails when k3s does not say, with its last words in REPLY.
encryption_state() {
  local said
  STAGE="" ACTIVE_KEY="" INACTIVE_KEYS="" HASHES_MATCH=no
  said=$(timeout 30 "$K3S" secrets-encrypt status --output json 2>&1 9>&-) || { REPLY=$(tail -n 1 <<<"$said") && return 1; }
  STAGE=$(sed -nE 's/.*"stage": *"([^"]*)".*/\1/p' <<<"$said")
  ACTIVE_KEY=$(sed -nE 's/.*"activekey": *"([^"]*)".*/\1/p' <<<"$said")
  INACTIVE_KEYS=$(tr -d '\n' <<<"$said" | sed -nE 's/.*"inactivekeys": *\[([^]]*)\].*/\1/p' | tr ',' '\n' | sed -nE 's/^[^"]*"([^"]*)".*/\1/p')
  grep -qE '"hashmatch": *true' <<<"$said" && HASHES_MATCH=yes
  [[ -n $ACTIVE_KEY ]] || { REPLY="Secrets are not encrypted here" && return 1; }
}

# decide_keys FROM ACTIVE INACTIVE STAGE: how far the rotation is that began when FROM was the active key, as
# a word in REPLY. Pure.
# Words: rotate (not begun), wait (k3s is at it), finish (k3s was ended in the middle: the new key is there,
# and so is the old one), done.
decide_keys() {
  if [[ $4 == reencrypt_active ]]; then
    REPLY="wait"
  elif [[ $2 == "$1" ]]; then
    REPLY=rotate
  elif grep -qxF -- "$1" <<<"$3"; then
    REPLY=finish
  else
    REPLY="done"
  fi
}

# rotate_keys: on the first server the rotation itself; on every server the restart that follows takes over
# what is in etcd.
rotate_keys() {
  act
  [[ -n ${ARG[first]:-} ]] && make_new_key
  forget_start
  changed keys
}

# make_new_key: a new key, every Secret written with it, the old one dropped; or what is missing of that. The
# key that was active is written down first, so that a run that was killed is not repeated from the start.
make_new_key() {
  local from record=$APPLIED/encryption-keys.from number=${ARG[rotate-keys]} since=$SECONDS
  service_state
  [[ $STATE_WORD == active ]] || { run_service && wait_voter; }
  # refused when an earlier run rotated the token and was ended before the restart
  own_token
  patiently_for 30 accepts_token "https://127.0.0.1:$API_PORT" "$REPLY" && [[ $REPLY == 200 ]] || again
  patiently encryption_state || die "k3s does not say how Secrets are encrypted: $REPLY"
  from=$(cat "$record" 2>/dev/null)
  if [[ ${from%%:*} != "$number" ]]; then
    from=$number:$ACTIVE_KEY
    write_file "$record" 600 "$from" || die "$record cannot be written"
    rm -rf -- "$KEPT_KEYS"
  fi
  from=${from#*:}
  keep_keys
  while decide_keys "$from" "$ACTIVE_KEY" "$INACTIVE_KEYS" "$STAGE" && [[ $REPLY != "done" ]]; do
    case $REPLY in
      rotate) encrypt_with rotate-keys ;;
      finish) encrypt_with reencrypt --force ;;
      wait) pause 1 ;;
    esac
    seconds_left
    ((REPLY > 1)) || die "the Secrets are not all encrypted with a new key after $((SECONDS - since)) s (stage ${STAGE:-unknown}); see journalctl -u $UNIT, then run again"
    patiently encryption_state || die "k3s does not say how Secrets are encrypted: $REPLY"
  done
  say "every Secret is encrypted with $ACTIVE_KEY, and ${from#* } is gone"
}

# encrypt_with ARGUMENT...: one of k3s' commands. It may end before k3s is done, or because its own patience
# did; what came of it is seen afterwards.
encrypt_with() {
  local said=$STATE/encrypt.$$ pid code
  say "k3s secrets-encrypt $*; this takes a minute or two"
  timeout 180 "$K3S" secrets-encrypt "$@" >"$said" 2>&1 9>&- &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    keep_keys
    pause 0.5
  done
  wait "$pid"
  code=$?
  keep_keys
  redact "$(tail -n 1 "$said")"
  rm -f -- "$said"
  said=$REPLY
  ((code == 0)) && return 0
  pause 2
  if encryption_state && [[ $STAGE == reencrypt_active ]]; then return 0; fi
  die "k3s did not rotate the encryption keys: $said. Every set of keys that was in use since is in $KEPT_KEYS"
}

# keep_keys: a copy of the keys as they are now. k3s that is ended in the middle can come back without the new
# key, with which half of the Secrets may be written by then (k3s#13763); and a server that was not restarted yet
# goes on writing with the old one. Kept until the next rotation, for root alone, like k3s' own file.
keep_keys() {
  local file=$DATA/server/cred/encryption-config.json copy
  sum_of "$file"
  copy=$KEPT_KEYS/${REPLY:0:12}.json
  [[ -z $REPLY || -e $copy ]] && return 0
  mkdir -p "$KEPT_KEYS" && cp -p -- "$file" "$copy.part" && sync "$copy.part" && mv -f -- "$copy.part" "$copy"
}
