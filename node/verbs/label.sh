# shellcheck shell=bash disable=SC2016,SC2153  # a go-template has $ of its own; LABELS and TAINTS stand in args.sh
# label: the Node of a machine carries the labels and taints that the stack gives it. k3s applies them only
# when a node registers, so later changes come this way, from a server. What the stack gave is written down
# on the Node: only that is ever taken away again.

MANAGED=homelab-k3s/managed # annotation: label:KEY and taint:KEY:EFFECT, joined by commas

verb_label() {
  local out=()
  parse_args "name label taint deadline" "" "$@"
  require name
  begin_elsewhere
  need_server
  patiently read_marks "${ARG[name]}" || die "the API here does not answer for the Node ${ARG[name]}"
  if ((NODE_THERE)); then
    decide_marks
    act
    apply_marks "${ARG[name]}"
  else
    say "there is no Node ${ARG[name]}, so it has no labels and taints"
  fi
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_list "${CHANGED[@]}" && out+=(changed "$REPLY")
  json_object "${out[@]}" seconds "$((SECONDS - STARTED))"
  answer "$REPLY"
}

# read_marks NAME: NODE_THERE, and HAS, a line `label KEY=VALUE`, `taint KEY=VALUE:EFFECT` or `managed LIST` each.
read_marks() {
  local all
  all=$(kube get node "$1" --ignore-not-found -o go-template='node{{"\n"}}{{range $key, $value := .metadata.labels}}label {{$key}}={{$value}}{{"\n"}}{{end}}{{range .spec.taints}}taint {{.key}}={{if .value}}{{.value}}{{end}}:{{.effect}}{{"\n"}}{{end}}{{range $key, $value := .metadata.annotations}}{{if eq $key "'"$MANAGED"'"}}managed {{$value}}{{"\n"}}{{end}}{{end}}' 2>/dev/null) || return 1
  mapfile -t HAS <<<"$all"
  NODE_THERE=0
  [[ ${HAS[0]} != node ]] || NODE_THERE=1
}

# taint_id TAINT: KEY:EFFECT, which is what tells taints apart, in REPLY. Pure.
taint_id() {
  REPLY=${1%:*}
  REPLY=${REPLY%%=*}:${1##*:}
}

# decide_marks: from HAS, LABELS and TAINTS: SET_LABELS and SET_TAINTS, arguments for kubectl, and NOW_MANAGED. Pure.
decide_marks() {
  local item old="" wanted=" " key
  SET_LABELS=() SET_TAINTS=() NOW_MANAGED="" WAS_MANAGED=""
  local has=$'\n'
  for item in "${HAS[@]}"; do
    has+=$item$'\n'
    [[ $item == "managed "* ]] && WAS_MANAGED=${item#managed }
  done
  for item in "${LABELS[@]}"; do
    wanted+="label:${item%%=*} "
    [[ $has == *$'\n'"label $item"$'\n'* ]] || SET_LABELS+=("$item")
  done
  for item in "${TAINTS[@]}"; do
    taint_id "$item" && wanted+="taint:$REPLY "
    [[ $item == *=*:* ]] || item=${item%:*}=:${item##*:}
    [[ $has == *$'\n'"taint $item"$'\n'* ]] || SET_TAINTS+=("$item")
  done
  for old in ${WAS_MANAGED//,/ }; do
    [[ $wanted == *" $old "* ]] && continue
    key=${old#*:}
    case $old in
      label:*) [[ $has == *$'\n'"label $key="* ]] && SET_LABELS+=("$key-") ;;
      taint:*) [[ $has == *$'\n'"taint ${key%:*}="*":${key##*:}"$'\n'* ]] && SET_TAINTS+=("$key-") ;;
    esac
  done
  NOW_MANAGED=$(tr ' ' '\n' <<<"$wanted" | grep . | sort | paste -sd , -)
}

# apply_marks NAME: what is written down comes last, so that a run that was cut short is done again.
apply_marks() {
  if ((${#SET_LABELS[@]})); then
    kube label node "$1" --overwrite "${SET_LABELS[@]}" >/dev/null || die "the labels of the Node $1 could not be set: ${SET_LABELS[*]}"
    say "labels of $1: ${SET_LABELS[*]}"
    changed labels
  fi
  if ((${#SET_TAINTS[@]})); then
    kube taint node "$1" --overwrite "${SET_TAINTS[@]}" >/dev/null || die "the taints of the Node $1 could not be set: ${SET_TAINTS[*]}"
    say "taints of $1: ${SET_TAINTS[*]}"
    changed taints
  fi
  [[ $NOW_MANAGED == "$WAS_MANAGED" ]] ||
    kube annotate node "$1" --overwrite "$MANAGED${NOW_MANAGED:+=}${NOW_MANAGED:--}" >/dev/null ||
    die "what the stack gave the Node $1 could not be written down on it"
}
