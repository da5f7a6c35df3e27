#!/bin/sh
# SPDX-License-Identifier: MIT
# What include paths cannot keep apart: system headers and functions where they do not belong,
# relative includes, and the limits on size. Prints every offence; exit status 1 if there is one.
#   floors.sh TREE
set -eu
rules=$(cd "$(dirname "$0")" && pwd)/floors.awk
cd "$1"
files=$(find src include -name '*.[ch]' -type f 2>/dev/null | LC_ALL=C sort)
if [ -z "$files" ]; then
    echo "floors.sh: no sources under $1" >&2
    exit 1
fi
# shellcheck disable=SC2086 # names in this tree have no spaces
exec awk -f "$rules" $files
