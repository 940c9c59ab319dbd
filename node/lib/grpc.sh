# shellcheck shell=bash
# Questions to etcd over gRPC with curl. The JSON gateway would be shorter, but k3s leaves it off
# where it embeds etcd 3.5 or older (its default in a configuration file); gRPC is what k3s itself
# uses, on this node and between servers, in every version.

# grpc URL METHOD MESSAGE SECONDS: the answer as hexadecimal digits in REPLY; or fails, with the
# reason in REPLY. MESSAGE is hexadecimal as well.
grpc() {
  local at=$SCRATCH/grpc.$BASHPID ok=1
  [[ -r $ETCD_TLS/client.key ]] || { REPLY="this node has no etcd credentials" && return 1; }
  if grpc_to "$at" "$2" "$3" "$4" --http2 --cacert "$ETCD_TLS/server-ca.crt" --cert "$ETCD_TLS/client.crt" \
    --key "$ETCD_TLS/client.key" "$1"; then
    REPLY=$(od -An -v -tx1 "$at.body")
    REPLY=${REPLY//[[:space:]]/}
    REPLY=${REPLY:10}
    ok=0
  fi
  rm -f -- "$at".*
  return $ok
}

# grpc_to PATH METHOD MESSAGE SECONDS CURL-ARGUMENT... URL: the answer, as it came, in the file PATH.body; or fails, with
# the reason in REPLY. PATH.head and PATH.error are left beside it. Asked often, so it starts no process but curl's.
grpc_to() {
  local to=$1 method=$2 message=$3 seconds=$4 url=${!#} frame name value status="" said=""
  set -- "${@:5:$#-5}"
  printf -v frame '00%08x%s' $((${#message} / 2)) "$message"
  hex_to_bytes "$frame" | curl --silent --show-error --noproxy '*' --connect-timeout 3 --max-time "$seconds" "$@" \
    --header 'content-type: application/grpc' --header 'te: trailers' --data-binary @- \
    --dump-header "$to.head" --output "$to.body" "$url/etcdserverpb.$method" 2>"$to.error"
  # the last of each counts: trailers come after the headers
  [[ ! -r $to.head ]] || while IFS=': ' read -r name value; do
    case $name in
      grpc-status) status=${value%$'\r'} ;;
      grpc-message) said=${value%$'\r'} ;;
    esac
  done <"$to.head"
  [[ $status == 0 ]] && return 0
  [[ -n $said ]] || said=$(tail -n 1 "$to.error" 2>/dev/null)
  REPLY=${said:-no answer}
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
