# shellcheck shell=bash
# When this server's certificates end. Read from the files themselves: the nodes need no openssl, and k3s
# has a command for it only in recent versions.

# first_end FILE...: the earliest end among the first certificates of these PEM files, `-` being standard input, as
# `YYYYMMDDhhmmss` (UTC), in REPLY; empty when none can be read. In DER two times in a row are the validity: UTCTime
# (17 0d) until 2049, then GeneralizedTime (18 0f), each with a final Z (5a). One process for all of them: a server has
# fifteen certificates, and every step of it ends here.
first_end() {
  REPLY=$(awk '
    BEGIN {
      letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
      for (i = 1; i <= 64; i++) value[substr(letters, i, 1)] = i - 1
      six = "3[0-9]3[0-9]3[0-9]3[0-9]3[0-9]3[0-9]"
      time = "(170d" six six "5a|180f" six six "3[0-9]3[0-9]5a)"
    }
    FNR == 1 { look(); text = ""; state = "before" }
    state == "inside" && /-----END/ { state = "after" }
    state == "inside" { text = text $1 }
    state == "before" && /-----BEGIN CERT/ { state = "inside" }
    END { look(); print first }

    # two letters are twelve bits, which are three digits
    function look(  hex, i, end) {
      for (i = 1; i < length(text); i += 2)
        hex = hex sprintf("%03x", value[substr(text, i, 1)] * 64 + value[substr(text, i + 1, 1)])
      if (!match(hex, time time)) return
      hex = substr(hex, RSTART, RLENGTH)
      hex = substr(hex, substr(hex, 1, 2) == "17" ? 31 : 35)
      for (i = 6; i < length(hex) - 1; i += 2) end = end substr(hex, i, 1)
      # a year of two digits: 50 and later were in the last century
      if (length(end) == 12) end = (substr(end, 1, 2) < "50" ? "20" : "19") end
      if (first == "" || end < first) first = end
    }' "$@" 2>/dev/null)
}

# served_certificate: the one on port 6443, which k3s keeps as a Secret in a file, on standard output.
served_certificate() {
  sed -nE 's/.*"tls\.crt": *"([^"]*)".*/\1/p' "$DATA/server/tls/dynamic-cert.json" 2>/dev/null | head -n 1 | base64 -d 2>/dev/null
}

# nearest_expiry: the end of the certificate here that ends first, CAs left out, as ISO 8601, in REPLY; empty
# without certificates.
nearest_expiry() {
  local file files=()
  for file in "$DATA"/server/tls/*.crt "$DATA"/server/tls/etcd/*.crt "$DATA"/agent/*.crt; do
    [[ $file == *-ca.crt || $file == *-ca.nochain.crt || ! -r $file ]] || files+=("$file")
  done
  first_end "${files[@]}" - < <(served_certificate)
  [[ -z $REPLY ]] || REPLY=${REPLY:0:4}-${REPLY:4:2}-${REPLY:6:2}T${REPLY:8:2}:${REPLY:10:2}:${REPLY:12:2}Z
}
