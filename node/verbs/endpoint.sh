# shellcheck shell=bash disable=SC2034  # NODE_NAME is read by log.sh
# endpoint: HAProxy or keepalived, or both, run here with the configuration on standard input; what is not in
# it does not run. endpoint-remove: neither runs any more, and their files are again what they were.

SERVICES="haproxy keepalived"
declare -gA WANTED=() # by service, the content of its file

# file_of SERVICE: its configuration file, in REPLY.
file_of() {
  case $1 in
    haproxy) REPLY=$ROOT/etc/haproxy/haproxy.cfg ;;
    keepalived) REPLY=$ROOT/etc/keepalived/keepalived.conf ;;
  esac
}

# read_files: WANTED, from standard input: a line `=== SERVICE` before the content of each file.
read_files() {
  local line service=""
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line == "=== "* ]]; then
      service=${line#=== }
      [[ " $SERVICES " == *" $service "* ]] || usage_error "'$service' on standard input is none of: $SERVICES"
      WANTED[$service]=""
    else
      [[ -n $service ]] || usage_error "standard input must begin with '=== SERVICE'"
      WANTED[$service]+=$line$'\n'
    fi
  done
}

# put_interface: the interface of our own address, where the file leaves it to this node.
put_interface() {
  [[ ${WANTED[keepalived]:-} == *@interface@* ]] || return 0
  interface_with "${ARG[address]}"
  [[ -n $REPLY ]] || refuse "no interface here has the address ${ARG[address]}; correct the node's address, or write endpoint.interface"
  WANTED[keepalived]=${WANTED[keepalived]//@interface@/$REPLY}
}

verb_endpoint() {
  local service out=()
  parse_args "name address deadline" "" "$@"
  require name address
  NODE_NAME=${ARG[name]}
  read_files
  begin_verb endpoint
  observe_machine
  [[ $SYSTEMD == true ]] || refuse "systemd does not run here"
  put_interface
  step packages put_packages
  step files put_files
  step services run_services
  forget_before
  finish_step ok
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_list "${CHANGED[@]}" && out+=(changed "$REPLY")
  json_object "${out[@]}"
  answer "$REPLY"
}

# put_packages: the distribution's own.
put_packages() {
  local service missing=()
  for service in $SERVICES; do
    [[ -n ${WANTED[$service]+wanted} ]] || continue
    command -v "$service" >/dev/null || missing+=("$service")
  done
  ((${#missing[@]})) || return 0
  act
  say "installing ${missing[*]}"
  if command -v apt-get >/dev/null; then
    install_packages env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
  elif command -v dnf >/dev/null; then
    install_packages dnf install --assumeyes "${missing[@]}"
  else
    refuse "there is neither apt-get nor dnf here; install ${missing[*]} and run again"
  fi
  changed packages
}

# install_packages COMMAND...: tried once more with fresh lists.
install_packages() {
  local said
  said=$(timeout 300 "$@" 2>&1 9>&-) && return 0
  [[ " $* " == *" apt-get "* ]] && timeout 120 apt-get update >/dev/null 2>&1 9>&-
  said=$(timeout 300 "$@" 2>&1 9>&-) || die "the packages could not be installed: $(tail -n 1 <<<"$said")"
}

# put_files: each file is checked by its own program before it takes its place.
put_files() {
  local service file
  for service in $SERVICES; do
    [[ -n ${WANTED[$service]+wanted} ]] || continue
    file_of "$service" && file=$REPLY
    same_file "$file" "${WANTED[$service]}" && continue
    keep_original "$file"
    check_file "$service"
    act
    remember "$file"
    write_file "$file" 640 "${WANTED[$service]}" || die "$file cannot be written"
    changed "$service"
  done
}

# keep_original FILE: what was there before this program came, kept for the way back.
keep_original() {
  local copy=$STATE/original/${1//\//%}
  [[ -e $copy || -e $copy.absent ]] && return 0
  mkdir -p "${copy%/*}" || die "${copy%/*} cannot be made"
  if [[ -e $1 ]]; then cp -p -- "$1" "$copy"; else : >"$copy.absent"; fi
}

# check_file SERVICE: refuses what its program does not accept.
check_file() {
  local said candidate=$STATE/$1.candidate
  write_file "$candidate" 600 "${WANTED[$1]}" || die "$candidate cannot be written"
  case $1 in
    haproxy) said=$(haproxy -c -f "$candidate" 2>&1) ;;
    keepalived) said=$(keepalived --config-test --use-file "$candidate" 2>&1) ;;
  esac || { rm -f -- "$candidate" && refuse "$1 does not accept its configuration: $(grep -iE 'alert|error|unknown|line' <<<"$said" | tail -n 3)"; }
  rm -f -- "$candidate"
}

# run_services: those that are wanted run with their file, reloaded without dropping a connection; the others do not run.
run_services() {
  local service
  for service in $SERVICES; do
    if [[ -n ${WANTED[$service]+wanted} ]]; then
      run_one "$service"
    elif systemctl is-enabled --quiet "$service" 2>/dev/null && managed "$service"; then
      put_original "$service"
    fi
  done
}

# run_one SERVICE
run_one() {
  local since=$SECONDS
  if ! systemctl is-enabled --quiet "$1" 2>/dev/null; then
    act
    systemctl enable --quiet "$1" 2>/dev/null || die "systemctl enable $1 failed"
    changed "$1"
  fi
  if ! systemctl is-active --quiet "$1"; then
    act
    on_failure systemctl stop "$1"
    systemctl restart "$1" 2>/dev/null
    changed "$1"
  elif [[ " ${CHANGED[*]} " == *" $1 "* ]]; then
    on_failure systemctl reload-or-restart "$1"
    systemctl reload "$1" || systemctl restart "$1"
  fi
  until systemctl is-active --quiet "$1"; do
    ((SECONDS - since < 20)) || die "$1 does not run: $(journalctl --unit "$1" --lines 3 --output cat --no-pager 2>/dev/null | tr '\n' ' ')"
    pause "$POLL"
  done
}

# managed SERVICE: whether this program has configured it.
managed() {
  file_of "$1"
  [[ -e $STATE/original/${REPLY//\//%} || -e $STATE/original/${REPLY//\//%}.absent ]]
}

# put_original SERVICE: it stops, and its file is what it was before this program came.
put_original() {
  local file copy
  managed "$1" || return 0
  act
  systemctl disable --quiet --now "$1" 2>/dev/null
  file_of "$1" && file=$REPLY
  [[ $1 != keepalived ]] || drop_from_loopback "$(address_in "$file")"
  copy=$STATE/original/${file//\//%}
  if [[ -e $copy ]]; then cp -p -- "$copy" "$file"; else rm -f -- "$file"; fi
  rm -f -- "$copy" "$copy.absent"
  changed "$1"
}

# address_in FILE: the address that a keepalived.conf of ours moves, on standard output.
address_in() {
  sed -nE '/virtual_ipaddress/,/\}/ s#^ *([0-9a-fA-F.:]+)/32.*#\1#p' "$1" | head -n 1
}

verb_endpoint_remove() {
  local service out=()
  parse_args "name deadline" "" "$@"
  require name
  NODE_NAME=${ARG[name]}
  begin_verb endpoint-remove
  for service in $SERVICES; do
    step "$service" put_original "$service"
  done
  finish_step ok
  json_string "${ARG[name]}" && out+=(node "$REPLY")
  json_list "${CHANGED[@]}" && out+=(changed "$REPLY")
  json_object "${out[@]}"
  answer "$REPLY"
}
