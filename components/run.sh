#!/bin/sh
# run.sh SCRIPT ARGUMENT...: a script of this project, in its directory, with the Node that it pins, where that is
# installed: the one on PATH may be too old to run TypeScript. Everybody waits for these processes to start: compiled
# code is kept, which halves that, and with a young generation of 16 MiB from the beginning nothing is collected while
# modules load, which is another tenth.
PATH="node_modules/.bin:$PATH" NODE_COMPILE_CACHE=node_modules/.cache/node exec node --min-semi-space-size=16 "$@"
