# shellcheck shell=bash disable=SC2015,SC2034  # `a && b || die` is meant; UNDOING is read by log.sh
# Putting a node back. What is changed is first copied to $BEFORE, which outlives a killed run:
# the next run either succeeds and drops it, or fails and still knows what was there before.

UNDOING=0
UNDO_FIRST="" # what is undone before the files are put back: a new node leaves its cluster
UNDO=()       # commands, quoted, the last one is run first
UNDO_LAST=""  # and after it: a service runs again with its old files
UNDONE=()     # what was undone, for people
STAYS=""      # what a failure leaves as it is, on purpose, for people

# on_failure COMMAND...: COMMAND is run when this run fails.
on_failure() {
  local quoted
  printf -v quoted '%q ' "$@"
  UNDO+=("$quoted")
}

# remember PATH: PATH comes back, as it is now, when this run fails. The first copy counts.
remember() {
  local copy=$BEFORE/${1//\//%}
  there "$BEFORE" || die "$BEFORE cannot be made"
  if [[ ! -e $copy && ! -e $copy.absent ]]; then
    if [[ -e $1 ]]; then
      cp -p -- "$1" "$copy.part" && mv -- "$copy.part" "$copy" || die "$1 cannot be copied to $BEFORE"
    else
      : >"$copy.absent"
    fi
    on_failure put_back "$1"
  fi
}

# load_undo: what a killed run remembered is put back when this run fails too.
load_undo() {
  local copy path
  [[ -d $BEFORE ]] || return 0
  for copy in "$BEFORE"/*; do
    [[ -e $copy && $copy == *%* ]] || continue
    [[ $copy == *.part ]] && { rm -f -- "$copy"; continue; }
    path=${copy##*/}
    path=${path%.absent}
    on_failure put_back "${path//%//}"
  done
}

# put_back PATH
put_back() {
  local copy=$BEFORE/${1//\//%} was
  if [[ -e $copy ]]; then
    sum_of "$copy" && was=$REPLY
    sum_of "$1"
    if [[ $REPLY != "$was" ]]; then
      mkdir -p "${1%/*}" && cp -p -- "$copy" "$1.part" && mv -f -- "$1.part" "$1" && UNDONE+=("$1 is again as it was")
    fi
  elif [[ -e $copy.absent && -e $1 ]]; then
    rm -f -- "$1" && UNDONE+=("$1 removed")
  fi
}

# forget_before: this run succeeded, or has put everything back. What fails from now on undoes nothing.
forget_before() {
  [[ ! -e $BEFORE ]] || rm -rf -- "$BEFORE"
  UNDO_FIRST="" UNDO=() UNDO_LAST=""
}

# run_undo WHY: the undo commands, last first. Signals wait meanwhile.
run_undo() {
  local i
  UNDOING=1
  trap '' TERM INT
  stop_watching
  [[ -n $UNDO_FIRST$UNDO_LAST || ${#UNDO[@]} -gt 0 ]] && say "undoing${1:+: $1}"
  [[ -n $UNDO_FIRST ]] && "$UNDO_FIRST"
  for ((i = ${#UNDO[@]} - 1; i >= 0; i--)); do
    eval "${UNDO[i]}"
  done
  [[ -n $UNDO_LAST ]] && "$UNDO_LAST"
  ((LOCKED)) && forget_before
}

# report_undone: says what was undone and where the log is.
report_undone() {
  local item text=""
  for item in "${UNDONE[@]}"; do
    text+="${text:+; }$item"
  done
  if [[ -n $STAYS ]]; then
    text+="${text:+; }NOT undone, on purpose: $STAYS"
  elif [[ -z $text ]] && ((ACTING)); then
    text="nothing; what was done here stays, and the next run goes on from it"
  fi
  say "undone: ${text:-nothing had been changed}. Log: ${LOG_FILE:-none}"
}
