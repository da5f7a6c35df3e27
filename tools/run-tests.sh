#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the tests of a build directory and ends with their sum (see summary.sh), which also gives the
# exit status: meson's own counts a suite of a hundred checks as one.
#   run-tests.sh BUILD [MESON-TEST-OPTION…]
set -eu
build=$1
shift
rm -f "$build"/meson-logs/testlog*.txt
meson test -C "$build" --no-rebuild --print-errorlogs "$@" || true
set -- "$build"/meson-logs/testlog*.txt
exec "$(dirname "$0")/summary.sh" "$@"
