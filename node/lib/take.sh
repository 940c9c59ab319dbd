# shellcheck shell=bash disable=SC2015,SC2034,SC2153  # `a && b || die` is meant; TAKING is read by the verbs
# Taking over, or replacing, a k3s that this program did not install. What was there is kept below
# $MIGRATION; $MIGRATION/open says what has begun and not ended, so that a killed run is gone on with.

OPEN_KIND=none OPEN_DIR="" OPEN_ACTIVE=no
OLD_ACTIVE=no # whether the old k3s runs
COPIES_KEPT=3

# read_open: what an earlier run has begun.
read_open() {
  OPEN_KIND=none OPEN_DIR="" OPEN_ACTIVE=no
  [[ -s $MIGRATION/open ]] && read -r OPEN_KIND OPEN_DIR OPEN_ACTIVE <"$MIGRATION/open"
  return 0
}

# begin_open: from here on the next run knows what this one has begun.
begin_open() {
  [[ $OPEN_KIND == none ]] || return 0
  OPEN_KIND=$TAKING OPEN_ACTIVE=$OLD_ACTIVE
  printf -v OPEN_DIR '%s/%(%Y%m%dT%H%M%SZ)T' "$MIGRATION" -1
  mkdir -p "$OPEN_DIR" && write_file "$MIGRATION/open" 600 "$OPEN_KIND $OPEN_DIR $OPEN_ACTIVE"$'\n' ||
    die "$MIGRATION cannot be written; is the file system full or read-only?"
}

# end_open: it is done, or undone. Only the newest copies stay.
end_open() {
  local all=("$MIGRATION"/2*)
  rm -f -- "$MIGRATION/open"
  OPEN_KIND=none
  ((${#all[@]} > COPIES_KEPT)) || return 0
  say "the newest $COPIES_KEPT copies of an old k3s are kept; removing ${all[*]:0:${#all[@]}-COPIES_KEPT}"
  rm -rf -- "${all[@]:0:${#all[@]}-COPIES_KEPT}"
}

# own_existing WORD ROLE: decide_owner said WORD of the k3s that is here, wanted as ROLE. TAKING, and a
# problem for each thing that stands against it.
own_existing() {
  local role=$2
  TAKING=$1
  unit_of "$ROLE" && OLD_UNIT=$REPLY
  [[ $OPEN_KIND == none ]] || return 0
  UNIT=$OLD_UNIT service_state
  [[ $STATE_WORD == other ]] || OLD_ACTIVE=yes
  [[ $TAKING == adopt && $role == server && -e $SQLITE ]] && TAKING=migrate
  read_existing
  if [[ $DATASTORE == external || -n ${OLD[datastore-endpoint]:-} ]]; then
    problem "the k3s here keeps its data outside this machine (datastore-endpoint); moving that to embedded etcd is not supported. Take this node out of the configuration"
  fi
  if [[ ${OLD[data-dir]:-$DATA} != "${DATA#"$ROOT"}" && ${OLD[data-dir]:-$DATA} != "$DATA" ]]; then
    problem "the k3s here keeps its data in ${OLD[data-dir]}; this program knows ${DATA#"$ROOT"} only. Move it there first"
  fi
  if [[ $TAKING == replace ]]; then problems_of_replacing; else problems_of_adopting; fi
}

# problems_of_adopting
problems_of_adopting() {
  local wanted=${ARG[version]:-$VERSION_FOUND}
  if [[ ! -e $UNIT_DIR/$OLD_UNIT ]]; then
    problem "k3s has data here, but $UNIT_DIR/$OLD_UNIT is missing; only what k3s' own installer set up can be adopted. Install it again with the same settings, or set existing: replace"
    return
  fi
  if grep -qsE '^(ExecStart|EnvironmentFile)=|K3S_' "$UNIT_DIR/$OLD_UNIT.d"/*.conf; then
    problem "a file in $UNIT_DIR/$OLD_UNIT.d changes what k3s is started with, and would go on doing so; put its settings into $CONFIG, remove it and restart k3s"
  fi
  if [[ $VERSION_FOUND != "$wanted" ]]; then
    problem "k3s ${VERSION_FOUND:-of an unknown version} is here and the stack says $wanted; a running k3s is taken over with the version that it has, and upgraded afterwards. Set version: ${VERSION_FOUND:-to the one that is here}, run \`pulumi up\`, then raise it"
  fi
  [[ $TAKING == migrate ]] && problems_of_migrating
  return 0
}

# keep_old_files: what the old k3s was started with and is known by, for people and for going back.
keep_old_files() {
  local file
  for file in "$UNIT_DIR/$OLD_UNIT" "$UNIT_DIR/$OLD_UNIT.env" "$ROOT/etc/default/${OLD_UNIT%.service}" "$CONFIG" \
    "$ETC/config.yaml.d" "$ETC/registries.yaml" "$DATA/server/token" "$DATA/server/cred" "$DATA/server/tls"; do
    [[ -e $file ]] || continue
    cp -aL -- "$file" "$OPEN_DIR/" || die "$file cannot be copied to $OPEN_DIR; is the disk full?"
  done
  chmod -R go= "$OPEN_DIR"
}

# retire_old_files: files that would still be read beside ours. They come back when this run fails.
retire_old_files() {
  local file
  for file in "$UNIT_DIR/$OLD_UNIT.env" "$ETC"/config.yaml.d/*.yaml; do
    [[ -f $file && $file != "$JOIN" ]] || continue
    say "$file is no longer read; it is kept in $OPEN_DIR"
    remember "$file"
    rm -f -- "$file"
  done
}

# check_existing: what the stack would change of the k3s that is here. Refuses, so that nothing is
# reconfigured behind anybody's back.
check_existing() {
  [[ $TAKING == adopt || $TAKING == migrate ]] && [[ $OPEN_KIND == none ]] || return 0
  existing_changes "${ARG[name]}" "$WANTED_CONFIG"
  [[ -z $REPLY ]] || refuse "the stack would change settings of the k3s that is here: $REPLY. Set in the stack what it has a key for (k3s.clusterCidr, k3s.disable, k3s.secretsEncryption, tlsSans, address, name, ...); take the rest out of $CONFIG or $UNIT_DIR/$OLD_UNIT and restart k3s; or set existing: replace"
  [[ -z $LAPSED ]] || say "warning: these settings of the old installation end with it: $LAPSED"
  if [[ $ROLE == server && -z ${OLD[agent-token]:-}${OLD[agent-token-file]:-} ]]; then
    say "warning: agents will need the stack's agent token; adopt the agents of this cluster as well, or they cannot come back after a restart"
  fi
  return 0
}

# take_existing: the step. Nothing of the old k3s is lost: it is copied or moved aside first.
take_existing() {
  act
  # registered first, so undone last: an empty directory of ours
  [[ -d ${JOIN%/*} ]] || on_failure rmdir -- "${JOIN%/*}"
  case $TAKING in
    adopt)
      UNDO_FIRST=end_open
      begin_open
      keep_old_files
      retire_old_files
      say "taking over the k3s that is here; its old files are in $OPEN_DIR"
      ;;
    migrate) prepare_migration ;;
    replace) move_aside ;;
  esac
}

# finish_existing: the step after which the old k3s is history.
finish_existing() {
  case $TAKING in
    migrate) confirm_migration ;;
    replace) tidy_aside ;;
  esac
  end_open
  say "what the old k3s had is kept in $OPEN_DIR"
}
