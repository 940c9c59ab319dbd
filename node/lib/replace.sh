# shellcheck shell=bash disable=SC2034  # UNDO_FIRST and others are read by the library
# An old k3s makes room for ours, with the user's consent for this node. Its data is moved aside, not deleted; what
# only costs room (images, containers) goes when our own has succeeded.

ASIDE="" # where its data is meanwhile: beside its old place, so that moving takes no time

# aside_of: ASIDE, from the name of the copy.
aside_of() {
  ASIDE=$DATA-replaced-${OPEN_DIR##*/}
}

# problems_of_replacing
problems_of_replacing() {
  if mountpoint -q "$DATA" 2>/dev/null; then
    problem "$DATA is a file system of its own, so the old k3s' data cannot be moved aside beside it; mount it at ${DATA%/*} instead, or remove the old k3s yourself"
  fi
}

# move_aside
move_aside() {
  local item unit
  begin_open
  aside_of
  UNDO_LAST=bring_back
  on_failure end_open
  [[ $MARKED == no ]] || return 0 # an earlier run had moved it and begun with ours
  remember "$NODE_PASSWORD"
  keep_old_files
  say "stopping the k3s that is here and moving its data to $ASIDE"
  for unit in k3s.service k3s-agent.service; do
    [[ -e $UNIT_DIR/$unit ]] || continue
    UNIT=$unit stop_for_good
    remember "$UNIT_DIR/$unit"
  done
  mkdir -p "$ASIDE" || die "$ASIDE cannot be made"
  for item in "$DATA"/* "$DATA"/.[!.]*; do
    [[ -e $item && $item != "$DATA/agent" ]] || continue
    mv -- "$item" "$ASIDE/" || die "$item cannot be moved to $ASIDE"
  done
  if [[ -d $DATA/agent ]]; then
    mkdir -p "$ASIDE/agent"
    for item in "$DATA"/agent/*; do
      # images that somebody put there serve ours as well
      [[ ! -e $item || $item == "$DATA/agent/images" ]] || mv -- "$item" "$ASIDE/agent/" || die "$item cannot be moved to $ASIDE"
    done
  fi
  retire_old_files
  for item in "$CONFIG" "$JOIN" "$MARKER"; do
    remember "$item"
    rm -f -- "$item"
  done
  rm -f -- "$UNIT_DIR/k3s.service" "$UNIT_DIR/k3s-agent.service"
  systemctl daemon-reload
  # from here on this node has nothing of k3s
  FRESH=yes
  begin_new
  UNDO_LAST=bring_back
}

# bring_back: the last of the undo: the old k3s has its data again and runs as before.
bring_back() {
  local item unit
  [[ -e $MARKER ]] && return 0 # ours could not leave its cluster and stays
  mkdir -p "$DATA/agent"
  for item in "$ASIDE"/*; do
    [[ ! -e $item || $item == "$ASIDE/agent" ]] || mv -- "$item" "$DATA/"
  done
  for item in "$ASIDE"/agent/*; do
    [[ ! -e $item ]] || mv -- "$item" "$DATA/agent/"
  done
  rmdir -- "$ASIDE/agent" "$ASIDE" 2>/dev/null
  systemctl daemon-reload
  for unit in k3s.service k3s-agent.service; do
    [[ -e $UNIT_DIR/$unit ]] || continue
    systemctl enable --quiet "$unit" 2>/dev/null
    [[ $OPEN_ACTIVE == yes ]] && systemctl start --no-block "$unit"
  done
  UNDONE+=("the k3s that was here has its data again, and runs as before")
}

# tidy_aside: the old data goes to the copy, the volumes of its pods stay beside, the rest is removed.
tidy_aside() {
  aside_of
  [[ -d $ASIDE ]] || return 0
  if [[ -d $ASIDE/server ]]; then
    mv -- "$ASIDE/server" "$OPEN_DIR/server" || die "$ASIDE/server cannot be moved to $OPEN_DIR; is the disk full?"
    chmod -R go= "$OPEN_DIR/server"
  fi
  rm -rf -- "$ASIDE/agent" "$ASIDE/data"
  rmdir -- "$ASIDE/storage" "$ASIDE" 2>/dev/null
  [[ -d $ASIDE ]] && say "volumes of the old k3s' pods are kept in $ASIDE"
  return 0
}
