# shellcheck shell=bash disable=SC2034  # UNDO_FIRST and others are read by the library
# An old k3s makes room for ours, with the user's consent for this node. Its data is moved aside, not deleted; what
# only costs room (containers and their images) goes when our own has succeeded. What the user laid there for this
# machine (settings of containerd and kubelet, images) stays in force, what was for the old cluster is kept with the copy.

ASIDE="" # where its data is meanwhile: beside its old place, so that moving takes no time

# aside_of: ASIDE, from the name of the copy.
aside_of() {
  ASIDE=$DATA-replaced-${OPEN_DIR##*/}
}

# problems_of_replacing: moving must take no time, and never copy what a user has on another file system.
problems_of_replacing() {
  local point real way="give $DATA no links and mounts (mount its disk at ${DATA%/*} instead), or remove the old k3s yourself"
  real=$(readlink -f -- "$DATA")
  while IFS= read -r point; do
    # not moved, and what containers have mounted
    [[ $point == "$real"/agent/images* || $point == "$real"/agent/containerd/*/* ]] ||
      problem "$point is a file system of its own, so the old k3s' data cannot be moved aside with it; $way"
  done < <(awk -v dir="$real" '$2 == dir || index($2, dir "/") == 1 { print $2 }' "$PROC/self/mounts" 2>/dev/null)
  for point in "$DATA" "$DATA/agent"; do
    [[ ! -L $point ]] || problem "$point is a link, so the old k3s' data cannot be moved aside beside it; $way"
  done
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
    [[ ! -e $item && ! -L $item || $item == "$DATA/agent" ]] || put_aside "$item"
  done
  for item in "$DATA"/agent/* "$DATA"/agent/.[!.]*; do
    [[ ! -e $item && ! -L $item || $item == "$DATA/agent/images" || $item == "$DATA/agent/etc" ]] || put_aside "$item"
  done
  while IFS= read -r item; do
    put_aside "$item"
  done < <(own_names "$DATA" | grep -E "^$DATA/agent/(etc|images)/" | only_own)
  retire_old_files
  for item in "$CONFIG" "$JOIN" "$MARKER"; do
    remember "$item"
    rm -f -- "$item"
  done
  rm -f -- "$UNIT_DIR/k3s.service" "$UNIT_DIR/k3s-agent.service"
  systemctl daemon-reload
  name_files "$ROOT" "$DATA" < <(find "$DATA/agent/" ! -type d)
  ((${#FILES[@]} == 0)) || { list_files && say "these stay in force for the new k3s: $REPLY"; }
  # from here on this node has nothing of k3s
  FRESH=yes
  begin_new
  UNDO_LAST=bring_back
}

# put_aside PATH: PATH, from below the data directory, goes to its place below ASIDE.
put_aside() {
  local to=$ASIDE${1#"$DATA"}
  mkdir -p "${to%/*}"
  mv -- "$1" "${to%/*}/" || die "$1 cannot be moved to ${to%/*}"
}

# move_into FROM TO: all of the directory FROM goes into TO, which may have a part of it.
move_into() {
  local item
  mkdir -p "$2"
  for item in "$1"/* "$1"/.[!.]*; do
    if [[ -d $item && ! -L $item && -d $2/${item##*/} ]]; then
      move_into "$item" "$2/${item##*/}"
    elif [[ -e $item || -L $item ]]; then
      mv -f -- "$item" "$2/"
    fi
  done
  rmdir -- "$1" 2>/dev/null
}

# bring_back: the last of the undo: the old k3s has its data again and runs as before.
bring_back() {
  local unit
  [[ -e $MARKER ]] && return 0 # ours could not leave its cluster and stays
  move_into "$ASIDE" "$DATA"
  systemctl daemon-reload
  for unit in k3s.service k3s-agent.service; do
    [[ -e $UNIT_DIR/$unit ]] || continue
    systemctl enable --quiet "$unit" 2>/dev/null
    [[ $OPEN_ACTIVE == yes ]] && systemctl start --no-block "$unit"
  done
  UNDONE+=("the k3s that was here has its data again, and runs as before")
}

# tidy_aside: the old data and what the user had laid into it go to the copy, the volumes of its pods stay beside, what
# only costs room is removed.
tidy_aside() {
  local place
  aside_of
  [[ -d $ASIDE ]] || return 0
  for place in server agent; do
    [[ $place == server ]] || remove_own "$ASIDE"
    [[ -d $ASIDE/$place ]] || continue
    move_into "$ASIDE/$place" "$OPEN_DIR/$place"
    [[ ! -d $ASIDE/$place ]] || die "$ASIDE/$place cannot be moved to $OPEN_DIR; is the disk full?"
    chmod -R go= "$OPEN_DIR/$place"
  done
  name_files "$OPEN_DIR/" "$OPEN_DIR" < <(find "$OPEN_DIR/server" "$OPEN_DIR/agent" ! -type d 2>/dev/null)
  ((${#FILES[@]} == 0)) || { list_files && say "no longer in force, and kept in $OPEN_DIR: $REPLY"; }
  [[ -d $ASIDE ]] && say "volumes of the old k3s' pods, and what else lay beside them, are kept in $ASIDE"
  return 0
}
