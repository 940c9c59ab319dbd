# shellcheck shell=bash
# What a living cluster keeps: the flags that k3s wants equal on all its servers.

# They are rendered once for all servers. While servers restart one after another, a new value would
# differ from the old one on the others, and k3s then refuses to start ("critical configuration value
# mismatch"); ranges and the encryption of secrets are even decided for good when a cluster is founded.
FIXED=(
  cluster-cidr service-cidr cluster-dns cluster-domain disable disable-cloud-controller
  disable-helm-controller disable-kube-proxy disable-network-policy egress-selector-mode
  embedded-registry flannel-backend flannel-external-ip flannel-ipv6-masq secrets-encryption
  secrets-encryption-provider
)

# flag_value KEY YAML: the value of a top-level key on one line, in REPLY; empty without one.
flag_value() {
  REPLY=$(awk -v key="$1:" '
    /^[^ #-]/ { inside = ($1 == key) }
    inside { sub("^" key, ""); gsub(/^[ \t]*-?[ \t]*|["'\'']/, ""); if ($0 != "") printf "%s%s", (n++ ? "," : ""), $0 }
  ' <<<"$2")
}

# fixed_changes OLD NEW: what two config.yaml differ in that may not differ, in REPLY; empty when nothing.
fixed_changes() {
  local key old list=""
  for key in "${FIXED[@]}"; do
    flag_value "$key" "$1" && old=$REPLY
    flag_value "$key" "$2"
    [[ $REPLY == "$old" ]] || list+="${list:+; }$key is ${old:-unset} here and ${REPLY:-unset} in the stack"
  done
  REPLY=$list
}

# check_fixed: a member keeps these flags. Said before anything is changed.
check_fixed() {
  # an adopted server was compared with all that it was told (existing.sh)
  [[ $MEMBERSHIP == member && -f $CONFIG && -z $TAKING ]] || return 0
  fixed_changes "$(<"$CONFIG")" "$WANTED_CONFIG"
  [[ -z $REPLY ]] && return 0
  refuse "$REPLY. These flags must be the same on all servers at any moment, so they cannot be changed while the cluster lives: set them back. What can be changed by this program: version, tlsSans, endpoint, servers and agents. For other flags found a new cluster and move the workloads"
}
