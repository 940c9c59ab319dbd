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

# there DIRECTORY: it is there, or is made.
there() {
  [[ -d $1 ]] || mkdir -p -- "$1"
}

# write_file PATH MODE CONTENT: PATH gets CONTENT, at once or not at all. Fails when it cannot.
write_file() {
  local path=$1 mode=$2 content=$3
  there "${path%/*}" || return 1
  [[ ! -e $path.part ]] || rm -f -- "$path.part" || return 1
  umask 077 # a new file is 600 from the beginning
  printf '%s' "$content" >"$path.part" || return 1
  [[ $mode == 600 ]] || chmod "$mode" "$path.part" || return 1
  sync "$path.part" && mv -f -- "$path.part" "$path"
}

# sum_of PATH: its sha256, in REPLY; empty when it cannot be read.
sum_of() {
  REPLY=$(sha256sum -- "$1" 2>/dev/null)
  REPLY=${REPLY%% *}
  REPLY=${REPLY#\\}
}

# sum_of_large PATH: the same for a file of many megabytes. openssl, where it is, has the processor's own instructions
# (170 MB: 0.2 s, coreutils 0.9 s), but takes longer to start.
sum_of_large() {
  REPLY=$(openssl dgst -sha256 -r 2>/dev/null <"$1") || { sum_of "$1" && return; }
  REPLY=${REPLY%% *}
}

# k3s_sum: the sha256 of the binary in place, in REPLY; empty without one. Read once for each binary:
# 70 MB take a second or two on a small machine.
K3S_SUM="" K3S_SUM_OF=""
k3s_sum() {
  if [[ $(k3s_identity) != "$K3S_SUM_OF" || -z $K3S_SUM_OF ]]; then
    sum_of_large "$K3S"
    k3s_sum_is "$REPLY"
  fi
  REPLY=$K3S_SUM
}

# k3s_sum_is SUM: the binary that is in place now was just summed.
k3s_sum_is() {
  K3S_SUM=$1
  K3S_SUM_OF=$(k3s_identity)
}

k3s_identity() {
  stat -c '%i %s %.Y' -- "$K3S" 2>/dev/null
}
