#!/bin/bash
# Becomes COMMAND inside the given control groups, so that all it starts is counted, and can be killed, there.
# usage: boot.sh CGROUP_DIRECTORY... -- COMMAND ARGUMENT...
set -euo pipefail
while [ "$1" != -- ]; do
  echo $$ >"$1/cgroup.procs"
  shift
done
shift
exec "$@"
