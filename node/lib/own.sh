# shellcheck shell=bash disable=SC2153  # DATA, ETC and others stand in paths.sh, UNIT in service.sh
# What k3s itself writes into its directories, by name. Everything else there is the user's and is never removed:
# drop-ins and templates of containerd and kubelet, images, manifests, charts, an own CA, volumes of pods. k3s tells
# where such files go (docs: advanced, installation/packaged-components, helm, cli/certificate), and anything may lie
# in a place that nobody documents: so the list is of k3s' names, not of the user's.

printf -v OWN_RELEASE '[0-9a-f]%.0s' {1..64} # k3s unpacks each release below the sum of its archive

# Below the data directory. k3s: pkg/daemons/control/deps, pkg/daemons/config, pkg/server, pkg/etcd, pkg/agent, pkg/cli/cert,
# pkg/deploy/embed, pkg/static, cmd/k3s. Where files of users are known, k3s' are named one by one.
OWN_DATA=(
  data/.lock data/current data/previous "data/$OWN_RELEASE" "data/$OWN_RELEASE-tmp" "data/cni/*"
  "agent/containerd/io.containerd.*" agent/containerd/tmpmounts "agent/containerd/containerd*.log*" agent/cri-dockerd
  agent/client-ca.crt agent/server-ca.crt agent/node-password.txt "agent/tls-[0-9]*"
  agent/{client-kubelet,client-kube-proxy,client-k3s-controller,serving-kubelet}.{crt,key}
  agent/{kubelet,kubeproxy,k3scontroller}.kubeconfig
  agent/etc/crictl.yaml agent/etc/resolv.conf "agent/etc/k3s-*-load-balancer.json" agent/etc/containerd/config.toml
  "agent/etc/containerd/certs.d/*/hosts.toml" agent/etc/flannel/net-conf.json agent/etc/cni/net.d/10-flannel.conflist
  agent/etc/kubelet.conf.d/00-k3s-defaults.conf agent/images/.cache.json
  server/{token,node-token,agent-token,kine.sock} "server/tls-[0-9]*"
  server/cred/{admin,supervisor,controller,scheduler,api-server,cloud-controller}.kubeconfig
  server/cred/{passwd,passwd.tmp,node-passwd,ipsec.psk,encryption-config.json,encryption-state.json} "server/cred/encryption-config.json.tmp*"
  server/db/etcd/{member,name,config,tombstone} "server/db/etcd-old-[0-9]*" "server/db/etcd-backup-[0-9]*"
  server/db/{snapshots,.metadata,reset-flag} "server/db/state.db*"
  server/etc/{egress-selector-config,cloud-config}.yaml
  server/tls/{server,client,request-header}-ca.{crt,key,nochain.crt} server/tls/token-ca.{crt,key} server/tls/service{,.current}.key
  server/tls/client-{admin,supervisor,controller,cloud-controller,k3s-cloud-controller,scheduler}.{crt,key}
  server/tls/client-{kube-apiserver,kube-proxy,k3s-controller,kubelet,auth-proxy}.{crt,key}
  "server/tls/serving-*.crt" "server/tls/serving-*.key" server/tls/dynamic-cert{.json,-regenerate} server/tls/temporary-certs
  server/tls/kube-scheduler/kube-scheduler.{crt,key} server/tls/kube-controller-manager/kube-controller-manager.{crt,key}
  server/tls/etcd/{server-ca,peer-ca,client,server-client,peer-server-client}.{crt,key}
  server/manifests/{ccm,coredns,local-storage,rolebindings,runtimes,traefik}.yaml
  server/manifests/metrics-server/{aggregated-metrics-reader,auth-delegator,auth-reader,resource-reader}.yaml
  server/manifests/metrics-server/metrics-{apiservice,server-deployment,server-service}.yaml
  "server/static/charts/traefik-[0-9]*.tgz" "server/static/charts/traefik-crd-[0-9]*.tgz"
  server/removed-member "server/before-restore-*" # this program's
)

# Below the root: kubelet's (pkg/kubelet of Kubernetes; seccomp profiles and config.json there are the user's), of the
# network plugins that k3s names cbr0, and the kubeconfig.
OWN_ELSEWHERE=(
  var/lib/kubelet/{pods,plugins,plugins_registry,plugin-containers,device-plugins,checkpoints,pod-resources,pods-api,pki,image_manager}
  var/lib/kubelet/{cpu,memory,dra}_manager_state var/lib/kubelet/{allocated_pods,actuated_pods,graceful_node_shutdown}_state
  var/lib/kubelet/pod_status_manager_state
  var/lib/cni/networks/cbr0 var/lib/cni/flannel "var/lib/cni/results/cbr0-*" "var/lib/cni/cache/results/cbr0-*"
  run/k3s run/flannel etc/rancher/k3s/k3s.yaml
)

# Directories that k3s makes, the deepest first. They go when nothing is left in them.
OWN_DIRECTORIES=(
  data/cni data
  agent/containerd/bin agent/containerd/lib agent/containerd
  "agent/etc/containerd/certs.d/*" agent/etc/containerd/certs.d agent/etc/containerd agent/etc/flannel agent/etc/cni/net.d
  agent/etc/cni agent/etc/kubelet.conf.d agent/etc agent/images agent/pod-manifests agent
  server/db/etcd server/db server/cred server/etc server/tls/etcd server/tls/kube-scheduler server/tls/kube-controller-manager
  server/tls server/manifests/metrics-server server/manifests server/static/charts server/static server storage
)

# own_names BASE: what below BASE, a data directory, has a name of k3s', one a line.
own_names() {
  local pattern
  for pattern in "${OWN_DATA[@]}"; do
    compgen -G "$1/$pattern"
  done
  return 0
}

# own_names_elsewhere: the same outside the data directory.
own_names_elsewhere() {
  local pattern
  for pattern in "${OWN_ELSEWHERE[@]}"; do
    compgen -G "$ROOT/$pattern"
  done
  return 0
}

# only_own: of the paths on standard input those that are k3s' own.
only_own() {
  local path
  while IFS= read -r path; do
    ! is_own "$path" || printf '%s\n' "$path"
  done
}

# is_own PATH: whether PATH, which has a name of k3s', is k3s' own: not what was here before k3s ever ran, and no link or
# disk of the user's.
is_own() {
  local REPLY
  laid_before "$1" && return 1
  # an agent writes nothing of a server's
  [[ $UNIT == k3s-agent.service && ($1 == "$DATA"/server/* || $1 == "$ETC/k3s.yaml") ]] && return 1
  if [[ -L $1 ]]; then # k3s' own links stay within its data
    [[ $ROOT$(readlink -- "$1") == "$DATA"/* ]]
  elif [[ -d $1 ]]; then
    ! was_here "$1" && ! holds_mounts "$1"
  else
    case $1 in
      */data/cni/*) return 1 ;; # k3s' own plugins are links
      */agent/etc/containerd/certs.d/*) [[ $(head -n 1 -- "$1") == "# File generated by k3s. DO NOT EDIT." ]] ;;
    esac
  fi
}

# holds_mounts DIRECTORY: whether a file system is mounted on it or below it.
holds_mounts() {
  awk -v dir="$(readlink -f -- "$1")" '$2 == dir || index($2, dir "/") == 1 { found = 1 } END { exit !found }' "$PROC/self/mounts" 2>/dev/null
}

# drop_empty DIRECTORY...: each goes that holds nothing, is no link and no mount point, and was not here before.
drop_empty() {
  local path
  for path in "$@"; do
    [[ ! -d $path ]] || was_here "$path" || rmdir -- "$path" 2>/dev/null
  done
  return 0
}

# remove_own BASE: what is k3s' own below BASE, a data directory. A file system that is mounted in it is never entered.
remove_own() {
  local path pattern
  while IFS= read -r path; do
    rm -rf --one-file-system -- "$path"
  done < <(own_names "$1" | only_own)
  for pattern in "${OWN_DIRECTORIES[@]}"; do
    while IFS= read -r path; do
      drop_empty "$path"
    done < <(compgen -G "$1/$pattern")
  done
  drop_empty "$1"
}

# remove_own_elsewhere: the same outside the data directory.
remove_own_elsewhere() {
  local path cni=$ROOT/var/lib/cni
  while IFS= read -r path; do
    rm -rf --one-file-system -- "$path"
  done < <(own_names_elsewhere | only_own)
  drop_empty "$cni/networks" "$cni/results" "$cni/cache/results" "$cni/cache" "$cni" "$ROOT/var/lib/kubelet"
}

FILES_NAMED=40 # more are counted

# name_files DIRECTORY [BASE]: FILES, the paths on standard input without the DIRECTORY that they begin with; of BASE, a
# data directory, without what is k3s' own there.
FILES=()
name_files() {
  local all=() path
  mapfile -t all < <(sort | awk '
    list { own[$0]; next }
    { for (path = $0; path != ""; sub("/[^/]*$", "", path)) if (path in own) next; print }
  ' list=1 <([[ -z ${2:-} ]] || own_names "$2" | only_own) list="" -)
  FILES=()
  for path in "${all[@]:0:FILES_NAMED}"; do
    FILES+=("${path#"$1"}")
  done
  ((${#all[@]} <= FILES_NAMED)) || FILES+=("and $((${#all[@]} - FILES_NAMED)) more")
}

# list_files: FILES for people, in REPLY.
list_files() {
  printf -v REPLY ', %s' "${FILES[@]}"
  REPLY=${REPLY#, }
}

# find_left: what lies in k3s' directories and beside its units after k3s is gone; volumes of pods by their directory.
find_left() {
  find -H "$DATA" "$ROOT/var/lib/kubelet" "$ETC" "${ETC%/*}/node" -xdev -path "$DATA/storage" -prune -print -o ! -type d -print 2>/dev/null
  compgen -G "$UNIT_DIR/k3s*.service.d/*"
  compgen -G "$UNIT_DIR/k3s*.service.env"
}
