# shellcheck shell=bash disable=SC2153  # DATA, BEFORE and others stand in paths.sh
# What a user had laid under k3s' own names before k3s ever ran, such as an own CA. k3s goes on to write there, so
# these files are known by more than their names.

# laid_before PATH: whether PATH was here before k3s ever ran: what this run brings back when it fails, or what has still
# the content that the user gave it.
laid_before() {
  [[ -e $BEFORE/${1//\//%} ]] && return 0
  [[ -s $LAID && -f $1 && ! -L $1 ]] || return 1
  local lines
  lines=$(<"$LAID")$'\n'
  [[ $lines == *"  $1"$'\n'* ]] || return 1
  sum_of "$1"
  [[ $lines == *"$REPLY  $1"$'\n'* ]]
}

# note_laid: what is here before k3s ever ran, and has a name of k3s'. This run brings it back when it fails; later an own
# CA is known by its content, since a server that joins writes the cluster's over it.
note_laid() {
  local path sums=""
  there "$BEFORE" || die "$BEFORE cannot be made"
  {
    ls -d -- "${DATA%/*}" "$DATA"
    find "$DATA/" "${ETC%/*}" "$ROOT/var/lib/kubelet" "$ROOT/var/lib/cni" -maxdepth 5 -xdev -path "$DATA/storage/*" -prune -o -type d -print
  } >"$BEFORE/directories" 2>/dev/null
  rm -f -- "$BEFORE/${DATA//\//%}"%* # of a run that was refused: the user may have changed them since
  while IFS= read -r path; do
    [[ -f $path ]] || continue
    remember_laid "$path"
    [[ $path == "$DATA"/server/* ]] || continue
    sum_of "$path"
    sums+="$REPLY  $path"$'\n'
  done < <(own_names "$DATA" && own_names_elsewhere)
  [[ ! -e $NODE_PASSWORD ]] || remember "$NODE_PASSWORD"
  [[ ! -e $CONFIG ]] || config_aside
  if [[ -n $sums ]]; then
    write_file "$LAID" 600 "$sums" || die "$LAID cannot be written"
  else
    rm -f -- "$LAID"
  fi
}

# config_aside: a config.yaml without a k3s. The stack's takes its place, so that of the user is kept elsewhere.
config_aside() {
  same_file "$CONFIG" "$WANTED_CONFIG" && return 0
  cp -p -- "$CONFIG" "$STATE/config.yaml.before" || die "$CONFIG cannot be copied to $STATE"
  say "warning: $CONFIG was here before the first run. The stack's takes its place; what it said is kept in $STATE/config.yaml.before, and counts no more"
}

# remember_laid PATH: what is behind a link that the user made comes back there.
remember_laid() {
  if [[ -L $1 ]]; then remember "$(readlink -f -- "$1")"; else remember "$1"; fi
}

# remember_as_agent: what an agent has under a server's names is the user's, and a server that joins may overwrite it.
remember_as_agent() {
  local path
  while IFS= read -r path; do
    [[ -f $path && ($path == "$DATA"/server/* || $path == "$ETC/k3s.yaml") ]] && remember_laid "$path"
  done < <(own_names "$DATA" && own_names_elsewhere)
  return 0
}

# laid_back: a node that never came up goes for good: what its first start wrote over is the user's again.
laid_back() {
  local copy
  for copy in "$BEFORE/${DATA//\//%}"%*; do
    [[ ! -e $copy || $copy == *.part || $copy == *.absent ]] || { copy=${copy##*/} && put_back "${copy//%//}"; }
  done
}

# was_here DIRECTORY: whether it was here before the first step of a new node that fails now. It is left as it is, such
# as the pods' directories of a k3s that comes back.
was_here() {
  grep -qsxF -- "$1" "$BEFORE/directories"
}
