#!/bin/sh
# SPDX-License-Identifier: MIT
# The demo's server application: a text comes in, a report goes out. bcj2-server runs it with the
# upload as standard input; what it prints is the reply.
set -eu

text=$(mktemp "${TMPDIR:-/tmp}/bcj2-report.XXXXXX")
trap 'rm -f "$text"' EXIT
cat >"$text"

sha256() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi
}

echo "report on ${BITS_ORIGINAL_REQUEST_URL##*/}"
wc -lwc <"$text" | {
    read -r lines words bytes
    printf '  lines    %d\n  words    %d\n  bytes    %d\n' "$lines" "$words" "$bytes"
}
printf '  SHA-256  %s\n' "$(sha256 "$text" | cut -d ' ' -f 1)"
