# shellcheck shell=bash disable=SC2034  # ARG and PEERS are read by the verbs
# The command line. Every value passes a grammar before it is used; none of them is a secret.

declare -gA ARG=()
PEERS=()     # NAME=ADDRESS, from --peer
ADMITTED=()  # NAME=MACHINE-ID, or NAME=none, from --node
LABELS=()    # KEY=VALUE, from --label
TAINTS=()    # KEY[=VALUE]:EFFECT, from --taint
STARTED=$SECONDS

# fits FLAG VALUE: whether VALUE may follow --FLAG.
fits() {
  local value=$2 name='[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?' address='[0-9a-fA-F.:]{2,45}'
  case $1 in
    name | snapshot) [[ $value =~ ^$name$ ]] ;;
    names) [[ $value =~ ^$name(,$name)*$ ]] ;;
    existing) [[ $value == adopt || $value == replace ]] ;;
    role) [[ $value == server || $value == agent || $value == balancer ]] ;;
    address) [[ $value =~ ^$address$ ]] ;;
    peer) [[ $value =~ ^$name=$address$ ]] ;;
    admitted) [[ $value =~ ^$name=([0-9a-f]{32}|none)$ ]] ;;
    version) [[ $value =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?\+k3s[0-9]+$ ]] ;;
    sha256) [[ $value =~ ^[0-9a-f]{64}$ ]] ;;
    url) [[ $value =~ ^https?://[A-Za-z0-9._~:/@%+-]+$ || $value =~ ^https?://\[$address\][A-Za-z0-9._~:/@%+-]*$ ]] ;;
    server-url) [[ $value =~ ^https://([A-Za-z0-9.-]+|\[$address\]):[0-9]{1,5}$ ]] ;;
    path) [[ $value =~ ^[A-Za-z0-9._/][A-Za-z0-9._/+-]*$ ]] ;;
    label) [[ $value =~ ^[A-Za-z0-9][A-Za-z0-9./_-]*=[A-Za-z0-9._-]*$ ]] ;;
    taint) [[ $value =~ ^[A-Za-z0-9][A-Za-z0-9./_-]*(=[A-Za-z0-9._-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$ ]] ;;
    seconds) [[ $value =~ ^[1-9][0-9]{0,4}$ ]] ;;
    counter) [[ $value =~ ^[1-9][0-9]{0,3}$ ]] ;;
    *) return 1 ;;
  esac
}

# grammar_of FLAG: the name of the grammar of --FLAG, in REPLY; fails for a flag nobody knows.
grammar_of() {
  case $1 in
    name | role | address | peer | version | path | existing | label | taint) REPLY=$1 ;;
    scripts | sha256-amd64 | sha256-arm64) REPLY=sha256 ;;
    mirror) REPLY=url ;;
    upload) REPLY=path ;;
    join) REPLY=server-url ;;
    server | agent) REPLY=names ;;
    node) REPLY=admitted ;;
    deadline | drain-deadline | seconds) REPLY=seconds ;;
    rotate-token | rotate-keys | rotate-certificates) REPLY=counter ;;
    *) return 1 ;;
  esac
}

# known_flag FLAG KNOWN: whether --FLAG is in KNOWN; its grammar in REPLY. KNOWN is a list of FLAG
# or FLAG:GRAMMAR.
known_flag() {
  local word
  for word in $2; do
    [[ $word == "$1" ]] && { grammar_of "$1"; return; }
    [[ ${word%%:*} == "$1" ]] && { REPLY=${word#*:}; return 0; }
  done
  return 1
}

# parse_args "WANTED FLAGS" "SWITCHES" ARGUMENT...: fills ARG, PEERS and ADMITTED.
parse_args() {
  local known=" scripts $1 " switches=" steps $2 " flag
  shift 2
  while (($#)); do
    flag=${1#--}
    [[ $1 == --* ]] || usage_error "'$1' is not a flag; flags are --name value"
    if [[ $switches == *" $flag "* ]]; then
      ARG[$flag]=yes
      shift
      continue
    fi
    known_flag "$flag" "$known" || usage_error "--$flag is not known here; known are:${known% }${switches% }"
    (($# >= 2)) || usage_error "--$flag wants a value"
    fits "$REPLY" "$2" || usage_error "--$flag '${2//[^[:print:]]/?}' is not a valid $REPLY"
    case $flag in
      peer) PEERS+=("$2") ;;
      node) ADMITTED+=("$2") ;;
      label) LABELS+=("$2") ;;
      taint) TAINTS+=("$2") ;;
      *) ARG[$flag]=$2 ;;
    esac
    shift 2
  done
}

# require FLAG...: these must have been given.
require() {
  local flag
  for flag in "$@"; do
    [[ -n ${ARG[$flag]:-} ]] || usage_error "--$flag is missing"
  done
}

# require_source: a release comes from a mirror, or was uploaded.
require_source() {
  [[ -n ${ARG[mirror]:-}${ARG[upload]:-} ]] || usage_error "--mirror or --upload is missing"
}

# seconds_left: what is left of --deadline, never less than 1, in REPLY.
seconds_left() {
  REPLY=$((${ARG[deadline]:-600} - (SECONDS - STARTED)))
  ((REPLY < 1)) && REPLY=1
  return 0
}

VERBS="inspect measure checkup fetch server identity agent verify kubeconfig snapshot-save snapshot-verify snapshot-delete backups remove admit forget label restore-check halt restore endpoint endpoint-remove handover handover-undo address members defrag cut-off reunite"

# run_verb VERB ARGUMENT...
run_verb() {
  local verb=${1:-}
  (($#)) && shift
  ((EUID == 0)) || [[ -n $ROOT ]] || usage_error "k3s-node runs as root: sudo -n bash k3s-node $verb ..."
  [[ -n $verb && " $VERBS " == *" $verb "* ]] || usage_error "'$verb' is not a verb; verbs are $VERBS"
  "verb_${verb//-/_}" "$@"
}
