#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the tests of a build directory and ends with their sum (see summary.sh): meson's own counts a
# suite of a hundred checks as one. Exit status 0 only if the sum has no failure and meson saw none
# either: it may have ended before the log was whole.
#   run-tests.sh BUILD [MESON-TEST-OPTION…]
set -eu
build=$1
shift
rm -f "$build"/meson-logs/testlog*.txt
status=0
meson test -C "$build" --no-rebuild --print-errorlogs "$@" || status=$?
set -- "$build"/meson-logs/testlog*.txt
"$(dirname "$0")/summary.sh" "$@" || exit 1
exit "$status"
