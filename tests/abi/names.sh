#!/bin/sh
# SPDX-License-Identifier: MIT
# Compares what the public headers declare with what the version script and the shared library
# export, and with what constants.inc pins. com.h is left out: it has names of its own.
#   names.sh TREE [LIBRARY]
set -eu
tree=$1
library=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

same() { # WHAT LIST WHAT LIST
    if ! [ -s "$2" ] || ! diff -u "$2" "$4" >"$work/diff"; then
        echo "$1 (-) and $3 (+) differ:"
        sed -n '/^[-+][^-+]/p' "$work/diff"
        failed=1
    fi
}

for header in "$tree"/include/bcj2/*.h; do
    case $header in
    */export.h | */com.h) ;;
    *) cat "$header" ;;
    esac
done >"$work/headers"

tr '\n' ' ' <"$work/headers" | grep -o 'BCJ2_API [^;]*;' | sed 's/(.*//; s/.*[ *]//' |
    sort >"$work/declared"
sed -n 's/^ *\(bcj2_[a-z0-9_]*\);$/\1/p' "$tree/src/libbcj2.map" | sort >"$work/mapped"
same 'declared names' "$work/declared" 'src/libbcj2.map' "$work/mapped"

sed -n 's/^#define \(BCJ2_[A-Z0-9_]*\)[ ].*/\1/p' "$work/headers" | grep -v '_INIT$' | sort \
    >"$work/constants"
sed -n 's/^PIN(\([A-Z0-9_]*\),.*/\1/p' "$tree/tests/abi/constants.inc" | sort >"$work/pinned"
same 'constants' "$work/constants" 'tests/abi/constants.inc' "$work/pinned"

if [ -n "$library" ]; then
    nm -D --defined-only "$library" | awk '$2 != "A" {sub(/@.*/, "", $3); print $3}' | sort \
        >"$work/exported"
    same 'declared names' "$work/declared" "$library" "$work/exported"
    nm -D --defined-only --with-symbol-versions "$library" | grep -c 'bcj2_version@@BCJ2_0.1$' \
        >/dev/null || {
        echo "$library has no symbol versions"
        failed=1
    }
    soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    if [ "$soname" != libbcj2.so.0 ]; then
        echo "$library has the soname '$soname'"
        failed=1
    fi
    readelf -d "$library" | grep -q NODELETE || {
        echo "$library can be unloaded under a thread of its own"
        failed=1
    }
fi
exit $failed
