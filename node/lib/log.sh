# shellcheck shell=bash
# Progress, errors and the log file. What standard error gets is in the log too; neither ever
# shows a secret.

NODE_NAME=${HOSTNAME:-node}
LOG_FILE=""
LINE="" # what was said last
SECRETS=()
LOGS_KEPT=20

# keep_secret VALUE: from now on VALUE is replaced in everything that is said. Short values are
# not: they would blank out ordinary words, and a token that short is refused anyway.
keep_secret() {
  ((${#1} >= 8)) && SECRETS+=("$1")
}

# redact TEXT: TEXT without secrets, in REPLY.
redact() {
  local secret
  REPLY=$1
  for secret in "${SECRETS[@]}"; do
    REPLY=${REPLY//"$secret"/(secret)}
  done
  while [[ $REPLY =~ K10[0-9a-f]{16,}::[^[:space:]\"\']+ ]]; do
    REPLY=${REPLY//"${BASH_REMATCH[0]}"/(token)}
  done
}

# say TEXT...: one line of progress. A reader that went away is no reason to stop.
say() {
  log "$@"
  printf '%s\n' "$LINE" >&2
  return 0
}

# log TEXT...: the same in the log file only; the line in LINE.
log() {
  local REPLY # what the caller has in REPLY stays
  redact "$*"
  printf -v LINE '%(%H:%M:%S)T %s: %s' -1 "$NODE_NAME" "$REPLY"
  [[ -n $LOG_FILE ]] && { printf '%s\n' "$LINE" >>"$LOG_FILE"; } 2>/dev/null
  return 0
}

# open_log VERB: a log file of its own for this run; the newest LOGS_KEPT stay.
open_log() {
  local old name
  there "$LOG_DIR" || return 0
  printf -v name '%(%Y%m%dT%H%M%SZ)T-%s-%d.log' -1 "$1" $$
  LOG_FILE=$LOG_DIR/$name
  : >"$LOG_FILE" || LOG_FILE=""
LINE="" # what was said last
  old=("$LOG_DIR"/*.log) # in the order of their time
  ((${#old[@]} > LOGS_KEPT)) || return 0
  for name in "${old[@]:0:${#old[@]}-LOGS_KEPT}"; do
    rm -f -- "$name" "${name%.log}.k3s" "${name%.log}.containerd"
  done
}

# usage_error TEXT: the arguments are wrong; nothing was looked at.
usage_error() {
  say "error: $*"
  exit 2
}

# refuse TEXT: something is not as it must be, and nothing was touched. Once a run has begun to
# act it can only fail, and undo.
refuse() {
  ((ACTING)) && die "$@"
  say "refused: $*"
  finish_step refused
  exit 3
}

# die TEXT: the run failed; what it did is undone. Its last line is why: who reads the whole of it reads that first.
die() {
  local reason=$*
  if ((!UNDOING)); then
    run_undo "$reason"
    finish_step undone
    report_undone
  fi
  say "error: $reason"
  exit 1
}
