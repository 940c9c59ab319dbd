# shellcheck shell=bash disable=SC2015  # `a && b || die` is meant: die when either fails
# The k3s binary: downloaded or handed over, checked, and only then put in its place.

# artifact_of ARCH: the name of the release's file, in REPLY.
artifact_of() {
  case $1 in
    amd64) REPLY=k3s ;;
    arm64) REPLY=k3s-arm64 ;;
  esac
}

# looks_like FILE: what FILE seems to be: `binary`, `page` (HTML or text) or `nothing`, in REPLY.
looks_like() {
  local head
  head=$(head -c 4 -- "$1" 2>/dev/null | od -An -tx1 | tr -d ' \n')
  case $head in
    "") REPLY=nothing ;;
    7f454c46) REPLY=binary ;;
    *) REPLY=page ;;
  esac
}

# explain_sum FILE WANTED SOURCE: why FILE is refused, in REPLY.
explain_sum() {
  local found bytes
  sum_of_large "$1"
  found=$REPLY
  bytes=$(stat -c %s -- "$1" 2>/dev/null)
  looks_like "$1"
  case $REPLY in
    nothing) REPLY="$3 is empty" ;;
    page) REPLY="$3 is not a program: it begins like a page or text (a proxy's or mirror's error page?)" ;;
    binary) REPLY="$3 is not the release: it was cut short, altered, or is another version" ;;
  esac
  REPLY+="; ${bytes:-0} bytes, sha256 wanted $2, found $found. The binary in place was not touched. Check --mirror and the pinned checksum"
}

# fetch_from URL FILE: downloads, going on where an earlier try ended. Bounded: it gives up when
# less than 1 KiB/s came for 30 s, or at the deadline.
fetch_from() {
  local url=$1 file=$2 code message=$2.err resume=()
  [[ -s $file ]] && resume=(--continue-at -)
  seconds_left
  curl --fail --location --silent --show-error --connect-timeout 10 --speed-limit 1024 --speed-time 30 \
    --retry 2 --max-time "$REPLY" "${resume[@]}" --output "$file" --url "$url" 2>"$message" 9>&- &
  wait $!
  code=$?
  REPLY=$(tail -n 1 "$message" 2>/dev/null)
  rm -f -- "$message"
  return $code
}

# download WANTED FILE: the release into FILE, checked.
download() {
  local wanted=$1 file=$2 url
  artifact_of "$ARCH"
  url=${ARG[mirror]%/}/${ARG[version]/+/%2B}/$REPLY
  sum_of_large "$file"
  [[ $REPLY == "$wanted" ]] && return 0
  say "downloading $url"
  if [[ -s $file ]]; then
    fetch_from "$url" "$file"
    sum_of_large "$file"
    [[ $REPLY == "$wanted" ]] && return 0
    rm -f -- "$file"
  fi
  if ! fetch_from "$url" "$file"; then
    die "$url could not be downloaded: ${REPLY:-no reason given}. Correct \`download.mirror\` in the stack, or let it bring the binary (\`upload\`)"
  fi
  sum_of_large "$file"
  if [[ $REPLY != "$wanted" ]]; then
    explain_sum "$file" "$wanted" "what $url sent"
    rm -f -- "$file"
    die "$REPLY"
  fi
}

# version_of FILE: the version that a k3s binary gives, in REPLY; empty when it does not run. The first
# word of its answer is not looked at: it is the name of the file.
version_of() {
  REPLY=$(timeout 30 "$1" --version 2>/dev/null 9>&- | awk '$2 == "version" { print $3; exit }')
}

# stage_binary: the wanted release, checked, beside the place where it belongs: its file in REPLY, empty
# when it is in place already. A file gets the name `.checked` only after it was summed, run and synced, and
# only root writes here: it is not read through again by the step that waits for it in the chain of servers.
stage_binary() {
  local wanted=${ARG[sha256-$ARCH]:-} file source checked other syncing
  [[ -n $wanted ]] || refuse "the stack has no checksum of ${ARG[version]} for $ARCH, which this machine is. Add \`checksums.$ARCH\`"
  checked=${K3S%/*}/.k3s.${wanted:0:12}.checked
  [[ -f $checked ]] && { REPLY=$checked && return 0; }
  k3s_sum
  [[ $REPLY == "$wanted" ]] && { REPLY="" && return 0; }
  file=${checked%.checked}.part
  mkdir -p "${K3S%/*}"
  for other in "${K3S%/*}"/.k3s.*.checked; do
    rm -f -- "$other" # of a version that was never put in place
  done
  on_failure rm -f -- "$file"
  if [[ -n ${ARG[upload]:-} ]]; then
    artifact_of "$ARCH"
    source=${ARG[upload]%/}/$REPLY
    sum_of_large "$file"
    if [[ $REPLY != "$wanted" ]]; then
      [[ -f $source ]] || die "$source is not on this node; does the stack upload a binary for $ARCH?"
      sum_of_large "$source"
      [[ $REPLY == "$wanted" ]] || { explain_sum "$source" "$wanted" "the uploaded $source" && die "$REPLY"; }
      cp -- "$source" "$file" || die "$source cannot be copied to ${K3S%/*}; is the disk full?"
    fi
  else
    download "$wanted" "$file"
  fi
  chmod 755 "$file"
  sync "$file" 9>&- & # it takes as long as the look at its version
  syncing=$!
  version_of "$file"
  if [[ $REPLY != "${ARG[version]}" ]]; then
    rm -f -- "$file"
    die "the binary with sha256 $wanted says it is '${REPLY:-nothing}', wanted ${ARG[version]}: the checksum is that of another release, or the binary does not run on this machine"
  fi
  wait "$syncing" && mv -f -- "$file" "$checked" || die "$checked cannot be written; is the disk full?"
  REPLY=$checked
}

# put_binary: the wanted release at $K3S, and the images that came with it.
put_binary() {
  local file
  [[ -z ${ARG[upload]:-} ]] || put_images
  stage_binary
  file=$REPLY
  [[ -n $file ]] || return 0
  act
  remember "$K3S"
  mv -f -- "$file" "$K3S" || die "$K3S cannot be replaced"
  k3s_sum_is "${ARG[sha256-$ARCH]}"
  command -v restorecon >/dev/null && restorecon -F "$K3S"
  changed binary
}

# put_images: uploaded container images where k3s imports them from when it starts. Their names are noted: a removal
# takes these away, and no others.
put_images() {
  local source target
  for source in "${ARG[upload]%/}/k3s-airgap-images-$ARCH".*; do
    [[ -f $source ]] || continue
    target=$DATA/agent/images/${source##*/}
    cmp -s -- "$source" "$target" && continue
    act
    grep -qsxF -- "${target##*/}" "$IMAGES_PUT" || first_images "$target"
    if ! { mkdir -p "${target%/*}" && cp -- "$source" "$target.part" && mv -f -- "$target.part" "$target"; }; then
      die "$source cannot be copied to ${target%/*}; is the disk full?"
    fi
    changed images
  done
}

# first_images FILE: this program puts images of that name here for the first time. Others that the user laid there before
# the first run are not overwritten.
first_images() {
  on_failure drop_images "$1"
  printf '%s\n' "${1##*/}" >>"$IMAGES_PUT" || die "$IMAGES_PUT cannot be written"
  [[ -e $1 && $MARKED == no ]] || return 0
  mv -- "$1" "$1.before" || die "$1 cannot be moved aside"
  say "warning: the images in $1 are not those of the release; they are in $1.before now, where k3s does not read them"
}

# drop_images FILE: undoes first_images.
drop_images() {
  local others
  others=$(grep -vxF -- "${1##*/}" "$IMAGES_PUT")
  write_file "$IMAGES_PUT" 600 "${others:+$others$'\n'}"
  rm -f -- "$1" "$1.part"
  [[ ! -e $1.before ]] || mv -f -- "$1.before" "$1"
}
