# shellcheck shell=bash disable=SC2034  # CHANGED is read by the verbs
# Files are written whole, under another name first, and only when they differ.

CHANGED=() # binary, config, unit, join, member, service: what this run changed

# changed WHAT: notes WHAT once.
changed() {
  [[ " ${CHANGED[*]} " == *" $1 "* ]] || CHANGED+=("$1")
}

# same_file PATH CONTENT: whether PATH holds exactly CONTENT.
same_file() {
  local wanted
  [[ -f $1 ]] || return 1
  wanted=$(printf '%s' "$2" | sha256sum)
  sum_of "$1"
  [[ $REPLY == "${wanted%% *}" ]]
}

# write_file PATH MODE CONTENT: PATH gets CONTENT, at once or not at all. Fails when it cannot.
write_file() {
  local path=$1 mode=$2 content=$3
  mkdir -p "$(dirname -- "$path")" || return 1
  printf '%s' "$content" >"$path.part" && chmod "$mode" "$path.part" && sync "$path.part" && mv -f -- "$path.part" "$path"
}

# sum_of PATH: its sha256, in REPLY; empty when it cannot be read.
sum_of() {
  REPLY=$(sha256sum -- "$1" 2>/dev/null)
  REPLY=${REPLY%% *}
  REPLY=${REPLY#\\}
}
