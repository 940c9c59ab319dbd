# shellcheck shell=bash disable=SC2034,SC2153  # facts, read by the other files; MARKER stands in paths.sh
# What of k3s is on this node. Reads only.

# observe_k3s: ROLE (server|agent|none), VERSION_FOUND, DATASTORE (etcd|sqlite|external|none),
# ETCD_HERE (yes|no), CLUSTER_CA (sha256 or empty), MARKED (yes|no), K3S_HERE (yes|no: a unit or
# data of k3s), FRESH (yes|no: nothing of k3s was ever here). What a user lays there before the first start (an own CA in
# server/tls, a disk for snapshots in server/db) is no k3s.
observe_k3s() {
  ROLE=none
  if [[ -e $UNIT_DIR/k3s-agent.service ]]; then
    ROLE=agent
  elif [[ -e $UNIT_DIR/k3s.service || -d $ETCD_DATA/member || -e $SQLITE || -e $DATA/server/cred/passwd || -e $DATA/server/tls/client-admin.crt ]]; then
    ROLE=server
  elif [[ -e $DATA/agent/kubelet.kubeconfig ]]; then
    ROLE=agent
  fi
  DATASTORE=none ETCD_HERE=no
  if [[ -d $ETCD_DATA/member/wal ]]; then
    DATASTORE=etcd ETCD_HERE=yes
  elif [[ -e $DATA/server/db/state.db ]]; then
    DATASTORE=sqlite
  elif grep -qsE '^datastore-endpoint[[:space:]]*:' "$CONFIG" "$ETC"/config.yaml.d/*.yaml; then
    DATASTORE=external
  fi
  VERSION_FOUND=""
  [[ -x $K3S ]] && version_of "$K3S" && VERSION_FOUND=$REPLY
  CLUSTER_CA=""
  if [[ -s $DATA/server/tls/server-ca.crt ]]; then
    sum_of "$DATA/server/tls/server-ca.crt" && CLUSTER_CA=$REPLY
  elif [[ -s $DATA/agent/server-ca.crt ]]; then
    sum_of "$DATA/agent/server-ca.crt" && CLUSTER_CA=$REPLY
  fi
  MARKED=no
  [[ -e $MARKER ]] && MARKED=yes
  K3S_HERE=no
  [[ $ROLE != none || $DATASTORE != none ]] && K3S_HERE=yes
  [[ $K3S_HERE == yes ]] || CLUSTER_CA=""
  FRESH=no
  [[ $K3S_HERE == no && $MARKED == no ]] && FRESH=yes
  return 0
}
