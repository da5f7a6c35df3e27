#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs clang-tidy, with the checks of .clang-tidy, over every source of src that a configured build
# directory compiles (others belong to another system).
#   lint.sh BUILD
set -eu
cd "$1"
processors=$(getconf _NPROCESSORS_ONLN)
status=0
said=$(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' compile_commands.json | grep '/src/.*\.c$' |
    LC_ALL=C sort -u | xargs -n 8 -P "$processors" clang-tidy --quiet -p . 2>&1) || status=1
printf '%s\n' "$said" | sed '/^[0-9]* warnings\{0,1\} generated\.$/d; /^$/d'
exit $status
