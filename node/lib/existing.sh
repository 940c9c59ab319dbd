# shellcheck shell=bash disable=SC2034  # OLD and TAKING are read by the other files
# A k3s that this program did not install: what it was told, and what the stack would change of that.

declare -gA OLD=() # its settings by the name of k3s' flag; the items of a list are joined by commas
TAKING=""          # adopt (taken over in place), migrate (the same, and SQLite becomes etcd), replace, or nothing
OLD_UNIT=""        # the name of its unit

# old_setting KEY VALUE [more]: notes a setting; with `more` beside what the same source said before.
old_setting() {
  local key=$1 value=$2
  [[ $key == environment* ]] || key=${key//_/-}
  [[ $key == no-deploy ]] && key=disable
  if [[ -n ${3:-} && -n ${OLD[$key]:-} ]]; then OLD[$key]+=",$value"; else OLD[$key]=$value; fi
}

# settings_of_env TEXT: the K3S_ variables of an environment file, and what else the service was given there.
settings_of_env() {
  local line name value
  while IFS= read -r line; do
    [[ $line =~ ^[[:space:]]*([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || continue
    name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
    value=${value#[\"\']} value=${value%[\"\']}
    [[ -n $value ]] || continue
    case $name in
      K3S_URL) old_setting server "$value" ;;
      K3S_CONFIG_FILE) old_setting config "$value" ;;
      K3S_KUBECONFIG_OUTPUT) old_setting write-kubeconfig "$value" ;;
      K3S_KUBECONFIG_*) name=${name#K3S_KUBECONFIG_} && old_setting "write-kubeconfig-${name,,}" "$value" ;;
      K3S_*) name=${name#K3S_} && old_setting "${name,,}" "$value" ;;
      *) old_setting "environment $name" "$value" ;;
    esac
  done <<<"$1"
}

# settings_of_yaml TEXT: the keys of a config.yaml; `key+` adds to what an earlier file said.
settings_of_yaml() {
  local key value more last=""
  while IFS=$'\t' read -r key value; do
    more=""
    [[ $key == *+ || $key == "$last" ]] && more="more"
    last=$key
    old_setting "${key%+}" "$value" "$more"
  done < <(awk '
    function item(text) { sub(/[ \t]+#.*$/, "", text); gsub(/^[ \t"'\'']+|[ \t"'\'']+$/, "", text); if (text != "") print key "\t" text }
    /^[ \t]*#/ { next }
    /^[^ \t-][^:]*:/ {
      key = $0; sub(/[ \t]*:.*$/, "", key); gsub(/["'\'']/, "", key)
      rest = $0; sub(/^[^:]*:[ \t]*/, "", rest)
      if (rest ~ /^\[/) { gsub(/^\[|\][ \t]*$/, "", rest); count = split(rest, items, ","); for (i = 1; i <= count; i++) item(items[i]) }
      else item(rest)
      next
    }
    /^[ \t]*-[ \t]/ { rest = $0; sub(/^[ \t]*-[ \t]+/, "", rest); item(rest) }
  ' <<<"$1")
}

# settings_of_unit TEXT: the flags of the last ExecStart in a unit and its drop-ins.
settings_of_unit() {
  local line words=() word key="" value seen=" " i
  # k3s' installer ends every line in a backslash, the last one too: an empty one follows
  line=$(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' <<<"$1"$'\n' | sed -n 's/^ExecStart=[-@:+!]*//p' | grep . | tail -n 1)
  # the installer puts every argument in quotes of its own; nothing of the text is expanded
  mapfile -t words < <(grep -oE "'[^']*'|\"[^\"]*\"|[^[:space:]'\"]+" <<<"$line" | sed -E "s/^(['\"])(.*)\1\$/\2/")
  for ((i = 1; i < ${#words[@]}; i++)); do
    word=${words[i]}
    [[ $word == -* ]] || continue
    word=${word#-} word=${word#-}
    case ${word%%=*} in
      c) word=config${word#c} ;;
      d) word=data-dir${word#d} ;;
      i) word=node-ip${word#i} ;;
      o) word=write-kubeconfig${word#o} ;;
      s) word=server${word#s} ;;
      t) word=token${word#t} ;;
    esac
    key=${word%%=*} value=true
    if [[ $word == *=* ]]; then
      value=${word#*=}
    elif [[ -n ${words[i + 1]:-} && ${words[i + 1]} != -* ]]; then
      value=${words[++i]}
    fi
    # a flag replaces what files and environment say, and its own repetitions add up
    if [[ $seen == *" $key "* ]]; then old_setting "$key" "$value" more; else old_setting "$key" "$value"; fi
    seen+="$key "
  done
}

# read_existing: OLD, from the environment, the configuration files and the unit, each beating the one before.
read_existing() {
  local file name=${OLD_UNIT%.service}
  OLD=()
  for file in "$ROOT/etc/default/$name" "$ROOT/etc/sysconfig/$name" "$UNIT_DIR/$OLD_UNIT.env"; do
    [[ -f $file ]] && settings_of_env "$(<"$file")"
  done
  for file in "$CONFIG" "$ETC"/config.yaml.d/*.yaml; do
    [[ -f $file ]] && settings_of_yaml "$(<"$file")"
  done
  settings_of_unit "$(cat -- "$UNIT_DIR/$OLD_UNIT" "$UNIT_DIR/$OLD_UNIT.d"/*.conf 2>/dev/null)"
}

# default_of KEY: what k3s takes for a flag that is not given, in REPLY.
default_of() {
  case $1 in
    cluster-cidr) REPLY=10.42.0.0/16 ;;
    service-cidr) REPLY=10.43.0.0/16 ;;
    cluster-domain) REPLY=cluster.local ;;
    egress-selector-mode) REPLY=agent ;;
    flannel-backend) REPLY=vxlan ;;
    secrets-encryption-provider) REPLY=aescbc ;;
    disable-* | embedded-registry | flannel-external-ip | flannel-ipv6-masq | secrets-encryption) REPLY=false ;;
    *) REPLY="" ;;
  esac
}

# sorted_items LIST: a list joined by commas in one form, in REPLY.
sorted_items() {
  REPLY=$(tr ',' '\n' <<<"$1" | sed 's/^ *//; s/ *$//' | grep . | sort -u | paste -sd ,)
  return 0 # an empty list has no items for grep
}

# existing_changes NAME NEW: what OLD says and the config.yaml NEW of the node NAME does not, in REPLY;
# empty when nothing. LAPSED is what no longer applies and changes nothing in the cluster. Pure.
existing_changes() {
  local name=$1 new=$2 key old wanted list="" keys
  LAPSED=""
  keys=$(printf '%s\n' "${FIXED[@]}" "${!OLD[@]}" node-name | sort -u)
  while IFS= read -r key; do
    flag_value "$key" "$new" && sorted_items "$REPLY" && wanted=$REPLY
    sorted_items "${OLD[$key]:-}" && old=$REPLY
    case $key in
      token | token-file | agent-token | agent-token-file | server | cluster-init | node-label | node-taint | with-node-id) continue ;;
      config | debug | v | vmodule | log | alsologtostderr | write-kubeconfig | write-kubeconfig-*)
        LAPSED+="${LAPSED:+, }$key=$old"
        continue
        ;;
      node-name)
        [[ -n $old ]] || old=$(cat "$ROOT/etc/hostname" 2>/dev/null || hostname)
        old=${old,,} wanted=$name
        ;;
      tls-san)
        old=$(comm -23 <(tr ',' '\n' <<<"$old") <(tr ',' '\n' <<<"$wanted") | paste -sd ,)
        [[ -z $old ]] || list+="${list:+; }tls-san has $old here and not in the stack"
        continue
        ;;
    esac
    default_of "$key"
    old=${old:-$REPLY} wanted=${wanted:-$REPLY}
    [[ $key == cluster-dns && -z $old ]] && flag_value service-cidr "$new" && old=${REPLY%.*}.10 && wanted=${wanted:-$old}
    [[ $old == "$wanted" ]] && continue
    # some settings carry passwords
    [[ $key =~ -key$|password|datastore|auth|^environment ]] && old="set"
    list+="${list:+; }$key is ${old:-unset} here and ${wanted:-unset} in the stack"
  done <<<"$keys"
  REPLY=$list
}
