# shellcheck shell=bash
# The keys of all objects, in SQLite and in etcd, so that nothing is lost on the way unnoticed.

# list_keys kine|etcd FILE: the keys of all objects, sorted, in hexadecimal digits, a line each. Keys are told from
# values by protobuf: a length before, the tag of the next field behind. kine gives values along: it cannot leave
# them out. Fails, with the reason in REPLY.
list_keys() {
  local dir message=0a0a2f72656769737472792f120a2f726567697374727930 ok=1 reason
  REPLY=""
  dir=$(mktemp -d "$STATE/keys.XXXXXX") || { REPLY="no room in $STATE" && return 1; }
  if [[ $1 == kine ]]; then
    grpc_to "$dir/all" KV/Range "$message" 120 --http2-prior-knowledge --unix-socket "$KINE" http://localhost
  else
    grpc_to "$dir/all" KV/Range "${message}4001" 120 --http2 --cacert "$ETCD_TLS/server-ca.crt" \
      --cert "$ETCD_TLS/client.crt" --key "$ETCD_TLS/client.key" "$LOCAL_ETCD"
  fi && ok=0
  reason=$REPLY
  ((ok == 0)) && od -An -v -tx1 "$dir/all.body" | tr -d ' \n' |
    grep -oE '0a[0-9a-f]{2}(0[1-9])?2f72656769737472792f([2-7][0-9a-f])+10' |
    sed -E 's/^0a..(0[1-9])?(2f72656769737472792f.*)10$/\2/' | sort -u >"$2"
  rm -rf -- "$dir"
  REPLY=$reason
  return $ok
}

# missing_keys BEFORE AFTER: the keys of BEFORE that AFTER has not, but for those that come and go by themselves. Pure.
missing_keys() {
  local name prefixes=""
  for name in events leases masterleases; do
    prefixes+="${prefixes:+|}2f72656769737472792f$(printf '%s/' "$name" | od -An -v -tx1 | tr -d ' \n')"
  done
  comm -23 "$1" "$2" | grep -vE "^($prefixes)"
}
