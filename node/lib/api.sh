# shellcheck shell=bash disable=SC2034,SC2153  # facts, read by the other files; UNIT stands in service.sh
# The Kubernetes API as this node itself may ask it. A server asks its own API as the administrator; an
# agent asks with its kubelet's credentials, over k3s' load balancer, which knows all servers.

# api METHOD PATH [BODY [CONTENT-TYPE]]: the HTTP status in API_STATUS, 000 without an answer, and the body
# in REPLY. Fails unless the status is one of 200 to 299.
api() {
  local method=$1 path=$2 body=${3:-} type=${4:-application/json} url=https://127.0.0.1:$API_PORT
  local ca=$DATA/server/tls/server-ca.crt user=$DATA/server/tls/client-admin send=()
  if [[ $UNIT != k3s.service ]]; then
    ca=$DATA/agent/server-ca.crt user=$DATA/agent/client-kubelet
    url=$(sed -n 's/^ *server: *//p' "$DATA/agent/kubelet.kubeconfig" 2>/dev/null | head -n 1 | tr -d "\"'")
  fi
  [[ -z $body ]] || send=(--header "content-type: $type" --data-binary @-)
  REPLY=$(curl --silent --noproxy '*' --connect-timeout 4 --max-time 20 --request "$method" "${send[@]}" \
    --cacert "$ca" --cert "$user.crt" --key "$user.key" --write-out '\n%{http_code}' "$url$path" 9>&- <<<"$body")
  API_STATUS=${REPLY##*$'\n'}
  REPLY=${REPLY%$'\n'*}
  [[ $API_STATUS == 2?? ]]
}

# kube_self ARGUMENT...: kubectl with the same credentials.
kube_self() {
  local kubeconfig=$ADMIN_KUBECONFIG
  [[ $UNIT == k3s.service ]] || kubeconfig=$DATA/agent/kubelet.kubeconfig
  timeout 90 "$K3S" kubectl --kubeconfig "$kubeconfig" --request-timeout 20s "$@" 9>&-
}

CORDONED="" KUBELET_VERSION="" SELF_READY=""
WAS_READY=no # yes: its Node was Ready before anything was changed

# look_at_self: this node's Node: KUBELET_VERSION, SELF_READY (True, False or Unknown), CORDONED yes|no, and
# CORDONED_BY_US, when this program did it, or `-`. Fails when the API does not answer or has no such Node.
look_at_self() {
  local line
  # shellcheck disable=SC2016  # a go-template has $ of its own
  line=$(kube_self get node "${ARG[name]}" -o go-template='{{.status.nodeInfo.kubeletVersion}} {{$ready := "Unknown"}}{{range .status.conditions}}{{if eq .type "Ready"}}{{$ready = .status}}{{end}}{{end}}{{$ready}} {{if .spec.unschedulable}}yes{{else}}no{{end}} {{$ours := "-"}}{{range $key, $value := .metadata.annotations}}{{if eq $key "'"$CORDON_ANNOTATION"'"}}{{$ours = $value}}{{end}}{{end}}{{$ours}}{{"\n"}}' 2>/dev/null) || return 1
  read -r KUBELET_VERSION SELF_READY CORDONED CORDONED_BY_US <<<"$line"
  [[ $KUBELET_VERSION == v* ]]
}

# patch_self PATCH: a merge patch of this node's Node.
patch_self() {
  api PATCH "/api/v1/nodes/${ARG[name]}" "$1" application/merge-patch+json
}

# wait_changed: after a living node was changed, until its Node reports the wanted version, and is Ready when
# it was before, and until a server's own API says that it is ready to serve.
wait_changed() {
  local since=$SECONDS begun why=""
  ((SERVICE_TOUCHED)) || [[ -n $UNFINISHED ]] || return 0
  [[ $WAS_ACTIVE == yes ]] || return 0
  printf -v begun '%(%s)T' -1
  while :; do
    if [[ $UNIT == k3s.service ]] && ! api GET /readyz; then
      why="its own API is not ready (HTTP $API_STATUS: $(grep -o '^\[-\][^ ]*' <<<"$REPLY" | tr '\n' ' '))"
    elif ! look_at_self; then
      why="the API does not answer for its Node"
    elif [[ $KUBELET_VERSION != "${ARG[version]}" || ($WAS_READY == yes && $SELF_READY != True) ]]; then
      why="its Node reports $KUBELET_VERSION (Ready: $SELF_READY)"
    else
      return 0
    fi
    seconds_left
    if ((REPLY <= 1)); then
      show_journal "$begun"
      die "the service is active, but $why after $((SECONDS - since)) s; wanted ${ARG[version]}, Ready"
    fi
    stay_alive
    every 15 changed && say "waiting: $why"
    pause "$POLL"
  done
}
