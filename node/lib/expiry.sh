# shellcheck shell=bash
# When this server's certificates end. Read from the files themselves: the nodes need no openssl, and k3s
# has a command for it only in recent versions.

# not_after PEM: the end of the first certificate in PEM as `YYYYMMDDhhmmss` (UTC), in REPLY; empty when it
# cannot be read. In DER two times in a row are the validity: UTCTime (17 0d) until 2049, then
# GeneralizedTime (18 0f), each with a final Z (5a).
not_after() {
  local hex
  hex=$(awk '/-----END/ { exit } inside { print } /-----BEGIN CERT/ { inside = 1 }' <<<"$1" | base64 -d 2>/dev/null | od -An -v -tx1 | tr -d ' \n')
  REPLY=""
  [[ $hex =~ (170d(3[0-9]){12}|180f(3[0-9]){14})5a(170d((3[0-9]){12})|180f((3[0-9]){14}))5a ]] || return 0
  local digits=${BASH_REMATCH[5]:-${BASH_REMATCH[7]}} i
  for ((i = 1; i < ${#digits}; i += 2)); do
    REPLY+=${digits:i:1}
  done
  # a year of two digits: 50 and later were in the last century
  ((${#REPLY} == 12)) && { if ((10#${REPLY:0:2} < 50)); then REPLY=20$REPLY; else REPLY=19$REPLY; fi; }
  return 0
}

# served_certificate: the one on port 6443, which k3s keeps as a Secret in a file, in REPLY.
served_certificate() {
  REPLY=$(sed -nE 's/.*"tls\.crt": *"([^"]*)".*/\1/p' "$DATA/server/tls/dynamic-cert.json" 2>/dev/null | head -n 1 | base64 -d 2>/dev/null)
}

# nearest_expiry: the end of the certificate here that ends first, CAs left out, as ISO 8601, in REPLY; empty
# without certificates.
nearest_expiry() {
  local file nearest=""
  for file in "$DATA"/server/tls/*.crt "$DATA"/server/tls/etcd/*.crt "$DATA"/agent/*.crt dynamic; do
    [[ $file == *-ca.crt || $file == *-ca.nochain.crt ]] && continue
    if [[ $file == dynamic ]]; then
      served_certificate
    else
      REPLY=$(cat -- "$file" 2>/dev/null)
    fi
    not_after "$REPLY"
    [[ -n $REPLY && (-z $nearest || $REPLY < $nearest) ]] && nearest=$REPLY
  done
  REPLY=$nearest
  [[ -z $REPLY ]] || REPLY=${REPLY:0:4}-${REPLY:4:2}-${REPLY:6:2}T${REPLY:8:2}:${REPLY:10:2}:${REPLY:12:2}Z
}
