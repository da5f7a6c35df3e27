#!/bin/sh
# SPDX-License-Identifier: MIT
# Adds up test runs. Reads logs of `meson test` (testlog*.txt) and prints what failed with the last
# lines it wrote, what was skipped, and as its last line "N passed, M failed". A Check suite counts each of its checks; a
# suite that crashed, hung or leaked counts one failure more; any other test counts as one. Exit
# status 0 only if something passed and nothing failed.
#   summary.sh TESTLOG…
set -eu
for log; do
    if ! [ -s "$log" ]; then
        echo "no test log: $log"
        echo "0 passed, 1 failed"
        exit 1
    fi
done
exec awk '
BEGIN {
    keep = 12
}
function end_of_test(    good, bad)
{
    if (name == "") {
        return
    }
    good = checks - broken
    bad = broken
    if (result == "exit status 77") {
        print "skipped: " name
        name = ""
        return
    }
    succeeded = result == "exit status 0"
    if (!has_checks) {
        good = succeeded ? 1 : 0
    }
    if (!succeeded && bad == 0) {
        bad = 1
    }
    if (bad > 0) {
        print "failed: " name " (" result ")"
        for (i = lines > keep ? lines - keep : 0; i < lines; i++) {
            print "    " line[i % keep]
        }
    }
    passed += good
    failed += bad
    name = ""
}

/^=+ [0-9]+\/[0-9]+ =+$/ {
    end_of_test()
    heading = 1
    result = "no result"
    checks = broken = has_checks = lines = 0
    next
}
/^-+ (stdout|stderr) -+$/ {
    heading = 0
    next
}
heading && /^test: / {
    name = $0
    sub(/^test: */, "", name)
}
heading && /^result: / {
    result = $0
    sub(/^result: */, "", result)
}
!heading && /^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$/ {
    has_checks = 1
    checks += $3
    broken += $5 + $7
}
!heading && !/^[=-]*$/ {
    line[lines++ % keep] = substr($0, 1, 600)
}
END {
    end_of_test()
    printf "%d passed, %d failed\n", passed, failed
    exit failed > 0 || passed == 0
}
' "$@"
