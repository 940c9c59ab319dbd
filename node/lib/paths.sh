# shellcheck shell=bash disable=SC2034  # constants, read by the other files
# Where things are on a node. K3S_NODE_ROOT puts all of it below another directory: for tests
# of the scripts without a machine, never set on a node.

ROOT=${K3S_NODE_ROOT:-}

K3S=$ROOT/usr/local/bin/k3s
UNIT_DIR=$ROOT/etc/systemd/system
NO_RETURN=$ROOT/run/systemd/system/k3s.service.d/leaving.conf
ETC=$ROOT/etc/rancher/k3s
CONFIG=$ETC/config.yaml
JOIN=$ETC/config.yaml.d/10-join.yaml
MARKER=$ETC/.homelab-k3s
PASSWORDS=$ROOT/var/lib/rancher/k3s/server/cred/passwd
NODE_PASSWORD=$ROOT/etc/rancher/node/password
DATA=$ROOT/var/lib/rancher/k3s
ETCD_DATA=$DATA/server/db/etcd
K3S_SNAPSHOTS=$DATA/server/db/snapshots
REMOVED_MEMBER=$DATA/server/removed-member # on the file system of the data: one rename
ETCD_TLS=$DATA/server/tls/etcd
ADMIN_KUBECONFIG=$DATA/server/cred/admin.kubeconfig
PROC=$ROOT/proc
SYS=$ROOT/sys

# Ours.
STATE=$ROOT/var/lib/homelab-k3s
SCRATCH=$STATE # what is put down for a moment
LOCK=$STATE/lock
HOLDER=$STATE/holder
STEP_FILE=$STATE/step
LOG_DIR=$STATE/log
BEFORE=$STATE/before
RUNNING=$STATE/running
CORDONED_HERE=$STATE/cordoned
HELD_ADDRESS=$STATE/held-address
APPLIED=$STATE/applied
KEPT_KEYS=$STATE/keys
LAID=$STATE/laid
IMAGES_PUT=$STATE/images
SNAPSHOTS=$STATE/snapshots
LAST=$STATE/last
RESTORES=$STATE/restore
MIGRATION=$STATE/migration

# SQLite, and what keeps k3s from being started while it is moved.
SQLITE=$DATA/server/db/state.db
KINE=$DATA/server/kine.sock
GUARD=$UNIT_DIR/k3s.service.d/00-homelab-k3s-migration.conf
GUARD_FLAG=$ROOT/run/homelab-k3s-migration

API_PORT=6443
ETCD_PORT=2379
ETCD_PEER_PORT=2380
LOCAL_ETCD=https://127.0.0.1:$ETCD_PORT

# unit_of ROLE: the name of k3s' unit for a role.
unit_of() {
  case $1 in
    server) REPLY=k3s.service ;;
    agent) REPLY=k3s-agent.service ;;
  esac
}
