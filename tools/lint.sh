#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs clang-tidy, with the checks of .clang-tidy, over every source of src that a configured build
# directory compiles.
#   lint.sh BUILD
set -eu
cd "$(dirname "$0")/.."
processors=$(getconf _NPROCESSORS_ONLN)
find src -name '*.c' -type f | LC_ALL=C sort |
    xargs -n 8 -P "$processors" clang-tidy --quiet -p "$1"
