# shellcheck shell=bash disable=SC2034  # S3_PLACE and S3_LISTED are read by the verbs
# Snapshots in S3. k3s carries them there, as its config.yaml says; here it is only asked. That an
# upload failed is a line in k3s' journal and no error of its command, so what counts is the list.

S3_TIMEOUT=2m0s # of one request to S3, when we are the ones who wait; k3s' own is 5 minutes
S3_PLACE=""     # s3://BUCKET/FOLDER/NAME
S3_PROBLEM=""   # why the last snapshot is not in S3

# s3_configured: whether k3s here is told to keep snapshots in S3.
s3_configured() {
  grep -qE '^etcd-s3:[[:space:]]*"?true"?[[:space:]]*$' "$CONFIG" 2>/dev/null
}

# setting KEY: what config.yaml says of KEY, one value, in REPLY.
setting() {
  REPLY=$(sed -nE "s/^$1[[:space:]]*:[[:space:]]*[\"']?([^\"']*)[\"']?[[:space:]]*$/\1/p" "$CONFIG" 2>/dev/null | tail -n 1)
}

# hide_s3_keys: the keys are in nothing that is said from now on.
hide_s3_keys() {
  local key
  for key in access-key secret-key; do
    setting "etcd-s3-$key"
    keep_secret "$REPLY"
  done
}

# s3_store: the store as people know it, in REPLY.
s3_store() {
  local bucket folder
  setting etcd-s3-bucket && bucket=$REPLY
  setting etcd-s3-folder && folder=$REPLY
  setting etcd-s3-endpoint
  REPLY="S3 (bucket $bucket${folder:+, folder $folder} at $REPLY)"
}

# reason_in SAID SINCE: the reason in what k3s' command said, or in its journal since then when the
# command only points there, in REPLY.
reason_in() {
  local text
  text=$(sed -nE 's/.*level=(fatal|error).*msg="?(.*[^"])"?$/\2/p' <<<"$1" | tail -n 1)
  [[ -n $text ]] || text=$(tail -n 1 <<<"$1")
  text=${text//\\\"/\"}
  if [[ -z $text || $text == *"error ID"* || $text == *"saved."* ]]; then
    text=$(journalctl --unit k3s.service --since "@$2" --output cat 2>/dev/null |
      sed -nE 's/.*level=(error|warning).*msg="?(.*S3.*[^"])"?$/\2/p' | tail -n 1)
  fi
  text=${text##*etcd-snapshot handler: }
  text=${text##*Bad Request }
  redact "${text#*failed to initialize S3 client: }"
}

# list_s3: what k3s lists, here and in S3, as lines in S3_LISTED; why it could not in REPLY.
list_s3() {
  local since
  printf -v since '%(%s)T' -1
  S3_LISTED=$(timeout 250 "$K3S" etcd-snapshot ls --etcd-s3-timeout="$S3_TIMEOUT" 2>"$STATE/s3.said" 9>&-) && return 0
  reason_in "$(cat "$STATE/s3.said")" "$since"
  return 1
}

# in_s3 FILE BYTES: whether the snapshot file FILE is in S3, whole; its place in S3_PLACE, what is
# wrong in REPLY.
in_s3() {
  local name place bytes _
  S3_PLACE=""
  list_s3 || return 1
  REPLY="it is not in the list of the bucket"
  while read -r name place bytes _; do
    [[ $name == "$1" && $place == s3://* ]] || continue
    [[ $bytes == "$2" ]] && S3_PLACE=$place && return 0
    REPLY="it has $bytes bytes there, saved were $2"
  done <<<"$S3_LISTED"
  return 1
}

# confirm_in_s3 FILE BYTES: what k3s did not say: whether the upload succeeded. S3_PROBLEM when not.
confirm_in_s3() {
  local since
  in_s3 "${1##*/}" "$2" && return 0
  S3_PROBLEM=$REPLY
  printf -v since '%(%s)T' "$(($(stat -c %Y -- "$1") - 1))"
  reason_in "" "$since"
  [[ -n $REPLY && $S3_PROBLEM != *"$REPLY"* ]] && S3_PROBLEM+=" ($REPLY)"
  return 0
}

# s3_trouble: which store, what S3_PROBLEM is, and the way on, in REPLY.
s3_trouble() {
  s3_store
  REPLY+=": $S3_PROBLEM. Bring the store back, or correct backup.s3, s3AccessKey and s3SecretKey"
}
