# shellcheck shell=bash disable=SC2034  # REPLY and the arrays are read by the callers
# Taking the pods off this node before its kubelet changes, and letting them come again. `kubectl drain`
# wants to read DaemonSets, which a kubelet may not; what it does is little: no new pods (cordon), and an
# eviction for each, which honours PodDisruptionBudgets.

# On the Node, set in the same request that cordons it: we did it. A node that somebody else cordoned
# does not bear it, and is never uncordoned.
CORDON_ANNOTATION=homelab-k3s/cordoned

PODS=()       # NAMESPACE NAME UID PHASE OWNER MIRROR(yes|no) DELETING(yes|no): the pods of this node
TO_EVICT=()   # NAMESPACE/NAME UID DELETING: those that must go
UNMANAGED=()  # NAMESPACE/NAME: those that nothing would start again elsewhere
declare -gA BLOCKED=()

# minor_of VERSION: its major and minor, such as 1.34, in REPLY.
minor_of() {
  REPLY=${1#v}
  REPLY=${REPLY%%.*}.$(cut -d . -f 2 <<<"$REPLY")
}

# drain_before ROLE: a living node whose kubelet gets another minor is drained first. Kubernetes wants that: a
# kubelet may start the containers of its pods anew when its minor changes.
drain_before() {
  local running
  [[ $WAS_ACTIVE == yes ]] && will_change "$1" || return 0
  if ! patiently_for 20 look_at_self; then
    service_state
    [[ $STATE_WORD == active ]] && refuse "the API does not answer for this Node, so it cannot be told whether its pods must be moved first. Wait until it does (journalctl -u $UNIT), then run again"
    say "this node's k3s does not come up; its pods cannot be moved before it is changed"
    return 0
  fi
  [[ $SELF_READY == True ]] && WAS_READY=yes
  minor_of "$KUBELET_VERSION" && running=$REPLY
  minor_of "${ARG[version]}"
  [[ $running == "$REPLY" ]] && return 0
  say "the kubelet goes from $running to $REPLY: moving this node's pods first, within ${ARG[drain-deadline]:-300} s"
  drain_self
}

# drain_self: no new pods, and the old ones evicted. Dies at the deadline, naming each pod and what holds it.
drain_self() {
  drain_within "${ARG[drain-deadline]:-300}" ||
    die "this node was not drained within ${ARG[drain-deadline]:-300} s: $REPLY. Make room for these pods elsewhere, change the budget or remove what holds them, or raise drainDeadline; then run again"
}

# drain_within SECONDS: the same; at the end of that time it fails, with what is still here in REPLY.
drain_within() {
  local deadline=$((SECONDS + $1)) since=$SECONDS line
  [[ -n $CORDONED ]] || look_at_self || die "the API does not answer for this Node, so its pods cannot be moved"
  cordon
  while :; do
    if look_at_pods; then
      sort_pods "${PODS[@]}"
      ((${#TO_EVICT[@]} == 0)) && break
      for line in "${TO_EVICT[@]}"; do
        # shellcheck disable=SC2086  # three words
        evict $line
      done
    fi
    if ((SECONDS >= deadline)); then
      still_here
      return 1
    fi
    if every 15 drain; then
      still_here
      say "waiting for ${#TO_EVICT[@]} pods: $REPLY"
    fi
    pause 1
  done
  ((${#UNMANAGED[@]} == 0)) || say "warning: left here, since nothing would start them elsewhere: ${UNMANAGED[*]}"
  say "drained after $((SECONDS - since)) s"
}

# cordon: no new pods come here. What somebody else has cordoned stays theirs.
cordon() {
  if [[ $CORDONED == yes && $CORDONED_BY_US == - ]]; then
    say "somebody has cordoned this node; it will stay so"
    return 0
  fi
  act
  write_file "$CORDONED_HERE" 600 "${ARG[name]}"$'\n' || die "$CORDONED_HERE cannot be written"
  [[ $CORDONED == yes ]] && return 0
  patch_self "{\"metadata\":{\"annotations\":{\"$CORDON_ANNOTATION\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"}},\"spec\":{\"unschedulable\":true}}" ||
    die "this node could not be cordoned: the API answered $API_STATUS"
}

# look_at_pods: PODS. Fails when the API does not answer.
look_at_pods() {
  local all
  # shellcheck disable=SC2016  # a go-template has $ of its own
  all=$(kube_self get pods --all-namespaces --field-selector "spec.nodeName=${ARG[name]}" -o go-template='{{range .items}}{{$owner := "-"}}{{range .metadata.ownerReferences}}{{if .controller}}{{$owner = .kind}}{{end}}{{end}}{{$mirror := "no"}}{{range $key, $value := .metadata.annotations}}{{if eq $key "kubernetes.io/config.mirror"}}{{$mirror = "yes"}}{{end}}{{end}}{{.metadata.namespace}} {{.metadata.name}} {{.metadata.uid}} {{.status.phase}} {{$owner}} {{$mirror}} {{if .metadata.deletionTimestamp}}yes{{else}}no{{end}}{{"\n"}}{{end}}' 2>/dev/null) || return 1
  PODS=()
  [[ -z $all ]] || mapfile -t PODS <<<"$all"
}

# sort_pods POD...: TO_EVICT and UNMANAGED. Pure. A DaemonSet would bring its pod back at once, a mirror pod is
# the kubelet's own, and one that has finished has nothing to move.
sort_pods() {
  local line namespace name uid phase owner mirror deleting
  TO_EVICT=() UNMANAGED=()
  for line in "$@"; do
    read -r namespace name uid phase owner mirror deleting <<<"$line"
    [[ $owner == DaemonSet || $mirror == yes || $phase == Succeeded || $phase == Failed ]] && continue
    if [[ $owner == - && $deleting == no ]]; then
      UNMANAGED+=("$namespace/$name")
    else
      TO_EVICT+=("$namespace/$name $uid $deleting")
    fi
  done
}

# evict NAMESPACE/NAME UID DELETING: asks once; what holds the pod in BLOCKED. policy/v1 is there since 1.22, which took
# the place of v1beta1.
evict() {
  local pod=$1 uid=$2 namespace=${1%%/*} name=${1#*/} policy=policy/v1
  [[ $KUBELET_VERSION =~ ^v1\.(1[0-9]|2[01])\. ]] && policy=policy/v1beta1
  if [[ $3 == yes ]]; then
    BLOCKED[$pod]="it was told to end and has not ended"
    return 0
  fi
  if api POST "/api/v1/namespaces/$namespace/pods/$name/eviction" \
    "{\"apiVersion\":\"$policy\",\"kind\":\"Eviction\",\"metadata\":{\"name\":\"$name\",\"namespace\":\"$namespace\"},\"deleteOptions\":{\"preconditions\":{\"uid\":\"$uid\"}}}" ||
    [[ $API_STATUS == 404 || $API_STATUS == 409 ]]; then
    unset "BLOCKED[$pod]"
    return 0
  fi
  refusal_in "$REPLY"
  BLOCKED[$pod]="${REPLY:-no reason given} (HTTP $API_STATUS)"
}

# refusal_in STATUS: why the API refused, out of its answer, in REPLY. The cause names the PodDisruptionBudget, the
# message does not. Pure.
refusal_in() {
  local messages
  messages=$(grep -oE '"message": *"([^"\\]|\\.)*"' <<<"$1" | sed -E 's/^"message": *"//; s/"$//; s/\\"/"/g')
  REPLY=$(grep -m 1 'disruption budget [^ ]* needs' <<<"$messages" | sed -E 's/^The disruption budget/the PodDisruptionBudget/')
  [[ -n $REPLY ]] || REPLY=$(head -n 1 <<<"$messages")
  REPLY=${REPLY//[^[:print:]]/?}
  REPLY=${REPLY:0:300}
}

# still_here: the pods of TO_EVICT, each with what holds it, in REPLY.
still_here() {
  local line pod text=""
  for line in "${TO_EVICT[@]}"; do
    pod=${line%% *}
    text+="${text:+; }$pod: ${BLOCKED[$pod]:-it is on its way out}"
  done
  REPLY=${text:-its pods could not be listed}
}

# uncordon: pods may come again, when it was this program that sent them away: in this run, or in any earlier one. The
# Node itself says so; the note here is of the data, and goes with them when a node changes its role.
uncordon() {
  patiently_for 60 ask_for_self || { REPLY="the API does not answer for this Node (HTTP $API_STATUS)" && return 1; }
  if [[ $REPLY =~ \"$CORDON_ANNOTATION\":\ ?\" ]]; then
    patch_self "{\"metadata\":{\"annotations\":{\"$CORDON_ANNOTATION\":null}},\"spec\":{\"unschedulable\":null}}" ||
      { REPLY="the API answered $API_STATUS" && return 1; }
    say "uncordoned: pods may come again"
  fi
  rm -f -- "$CORDONED_HERE"
}

# ask_for_self: this node's Node in REPLY, or that there is none. Fails without an answer.
ask_for_self() {
  api GET "/api/v1/nodes/${ARG[name]}" || [[ $API_STATUS == 404 ]]
}

# uncordon_or_die: the last step of a node that has changed.
uncordon_or_die() {
  uncordon || die "this node is done, but whether pods may come again could not be seen to: $REPLY. Run again"
}

# back_to_work: the last of an undo on a node that had k3s: it runs as before, and pods may come again.
back_to_work() {
  restore_service
  [[ -e $CORDONED_HERE ]] || return 0
  if uncordon; then UNDONE+=("the node is uncordoned again"); else UNDONE+=("NOT done: the node could not be uncordoned: $REPLY"); fi
}
