#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/summary.sh on logs in the form that `meson test` writes.
#   test_summary.sh SUMMARY_SH
set -eu
summary=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

start() {
    echo 'Log of Meson test suite run on 2026-01-01T00:00:00' >"$work/log"
}

record() { # NAME RESULT [STDOUT-LINE…]
    {
        printf '==================================== 1/9 =====================================\n'
        printf 'test:         %s\nstart time:   00:00:00\nduration:     0.01s\n' "$1"
        printf 'result:       %s\ncommand:      /x/%s\n' "$2" "$1"
        shift 2
        if [ $# -gt 0 ]; then
            printf -- '----------------------------------- stdout -----------------------------------\n'
            printf '%s\n' "$@"
        fi
        printf '==============================================================================\n\n'
    } >>"$work/log"
}

expect() { # STATUS LAST-LINE
    status=0
    "$summary" "$work/log" >"$work/out" || status=$?
    last=$(tail -n 1 "$work/out")
    if [ "$status" != "$1" ] || [ "$last" != "$2" ]; then
        echo "'$last' with status $status instead of '$2' with $1:"
        cat "$work/log"
        failed=1
    fi
}

start
record suite 'exit status 0' 'Running suite(s): suite' '100%: Checks: 27, Failures: 0, Errors: 0'
record script 'exit status 0'
expect 0 '28 passed, 0 failed'

start
record suite 'exit status 1' '80%: Checks: 10, Failures: 1, Errors: 1' 'x.c:1:F: no'
record script 'exit status 1' 'it is broken'
expect 1 '8 passed, 3 failed'

start # what a failing test wrote last is repeated, nothing of the others
record quiet 'exit status 0' 'all is well'
record loud 'exit status 1' 'one' 'two' '3 passed, 0 failed'
expect 1 '1 passed, 1 failed'
if ! grep -q '^    two$' "$work/out" || grep -q 'all is well' "$work/out"; then
    echo 'not the words of the failing test:'
    cat "$work/out"
    failed=1
fi

start # a suite that died before it could count
record crashed 'killed by signal 11 SIGSEGV' 'Running suite(s): crashed'
record hung 'killed by signal 15 SIGTERM'
expect 1 '0 passed, 2 failed'

start # all checks passed, then a leak was found at the end
record leaky 'exit status 1' '100%: Checks: 5, Failures: 0, Errors: 0'
expect 1 '5 passed, 1 failed'

start # skipped tests count for nothing
record absent 'exit status 77'
expect 1 '0 passed, 0 failed'
record script 'exit status 0'
expect 0 '1 passed, 0 failed'

start # what a test prints is not taken for the log's own lines
record liar 'exit status 1' 'result:       exit status 0' 'test:         other'
expect 1 '0 passed, 1 failed'

rm "$work/log" # nothing was run
expect 1 '0 passed, 1 failed'
exit $failed
