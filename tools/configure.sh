#!/bin/sh
# SPDX-License-Identifier: MIT
# Configures a build directory with meson, or again if an option is asked for that it was not
# configured with. Does nothing otherwise.
#   configure.sh BUILD [MESON-OPTION…]
set -eu
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"
build=$1
shift
tree=$(cd "$(dirname "$0")/.." && pwd)
known=$build/.options-asked-for

if ! [ -f "$build/build.ninja" ]; then
    rm -f "$known"
    meson setup "$build" "$tree" "$@"
else
    news=false
    for option; do
        grep -qxFe "$option" "$known" 2>/dev/null || news=true
    done
    if ! $news; then
        exit 0
    fi
    meson setup --reconfigure "$build" "$tree" "$@"
fi

# The latest value of an option counts: an earlier one must not look as if it still held.
touch "$known"
for option; do
    grep -vFe "${option%%=*}=" "$known" >"$known.new" || true
    echo "$option" >>"$known.new"
    mv "$known.new" "$known"
done
