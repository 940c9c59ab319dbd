# shellcheck shell=bash
# Questions to etcd over gRPC with curl. The JSON gateway would be shorter, but k3s leaves it off
# where it embeds etcd 3.5 or older (its default in a configuration file); gRPC is what k3s itself
# uses, on this node and between servers, in every version.

# grpc URL METHOD MESSAGE SECONDS: the answer as hexadecimal digits in REPLY; or fails, with the
# reason in REPLY. MESSAGE is hexadecimal as well.
grpc() {
  local dir ok=1
  [[ -r $ETCD_TLS/client.key ]] || { REPLY="this node has no etcd credentials" && return 1; }
  dir=$(mktemp -d "$SCRATCH/grpc.XXXXXX") || { REPLY="no room in $SCRATCH" && return 1; }
  if grpc_to "$dir" "$2" "$3" "$4" --http2 --cacert "$ETCD_TLS/server-ca.crt" --cert "$ETCD_TLS/client.crt" \
    --key "$ETCD_TLS/client.key" "$1"; then
    REPLY=$(od -An -v -tx1 "$dir/body" | tr -d ' \n')
    REPLY=${REPLY:10}
    ok=0
  fi
  rm -rf -- "$dir"
  return $ok
}

# grpc_to DIRECTORY METHOD MESSAGE SECONDS CURL-ARGUMENT... URL: the answer, as it came, in the file `body` of
# DIRECTORY; or fails, with the reason in REPLY.
grpc_to() {
  local dir=$1 method=$2 message=$3 seconds=$4 url=${!#} frame status reason
  set -- "${@:5:$#-5}"
  printf -v frame '00%08x%s' $((${#message} / 2)) "$message"
  hex_to_bytes "$frame" | curl --silent --show-error --noproxy '*' --connect-timeout 3 --max-time "$seconds" "$@" \
    --header 'content-type: application/grpc' --header 'te: trailers' --data-binary @- \
    --dump-header "$dir/head" --output "$dir/body" "$url/etcdserverpb.$method" 2>"$dir/error"
  reason=$(tail -n 1 "$dir/error")
  status=$(sed -n 's/^grpc-status: *\([0-9]*\).*/\1/p' "$dir/head" 2>/dev/null | tail -n 1)
  [[ $status == 0 ]] && return 0
  REPLY=$(sed -n 's/^grpc-message: *//p' "$dir/head" 2>/dev/null | tail -n 1 | tr -d '\r')
  REPLY=${REPLY:-${reason:-no answer}}
  return 1
}

# hex_to_bytes HEX: the bytes, on standard output.
hex_to_bytes() {
  local hex=$1 escaped="" i
  for ((i = 0; i < ${#hex}; i += 2)); do
    escaped+="\\x${hex:i:2}"
  done
  printf '%b' "$escaped"
}
