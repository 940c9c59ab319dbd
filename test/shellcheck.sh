#!/usr/bin/env bash
# Checks every shell file of the project. Debian's shellcheck is installed when it is missing and we may.
set -euo pipefail

if ! command -v shellcheck >/dev/null; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq shellcheck >/dev/null
  else
    echo "shellcheck is not installed; on Debian: sudo apt-get install shellcheck" >&2
    exit 1
  fi
fi

mapfile -t files < <(git ls-files -co --exclude-standard -- '*.sh' '.ci/run' 'node/k3s-node')
shellcheck -x "${files[@]}"
echo "${#files[@]} shell files"
