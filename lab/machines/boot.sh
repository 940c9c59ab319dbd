#!/bin/bash
# Runs a machine inside its control groups, so that all it starts is counted, and can be killed, there;
# starts it again each time it ends with 133, which is nspawn's word for "it wants to reboot".
# Every directory has a child `boot` for this script and a child `machine` for COMMAND: with cgroup v2 only leaves hold processes.
# usage: boot.sh CGROUP_DIRECTORY... -- COMMAND ARGUMENT...
set -euo pipefail
groups=()
while [ "$1" != -- ]; do
  groups+=("$1")
  shift
done
shift

for group in "${groups[@]}"; do echo $$ >"$group/boot/cgroup.procs"; done
code=133
while [ "$code" = 133 ]; do
  (
    for group in "${groups[@]}"; do
      find "$group/machine" -mindepth 1 -depth -type d -delete
      echo "$BASHPID" >"$group/machine/cgroup.procs"
    done
    exec "$@"
  ) && code=0 || code=$?
done
exit "$code"
