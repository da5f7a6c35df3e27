#!/bin/sh
# SPDX-License-Identifier: MIT
# Applies the tree's one style with clang-format 14, or with --check says where it is not kept.
# Tables made of macro lines (status_table.h, *.inc) are laid out by hand.
#   format.sh [--check]
set -eu
cd "$(dirname "$0")/.."
tool=clang-format
if command -v clang-format-14 >/dev/null; then
    tool=clang-format-14
fi
case ${1:-} in
--check) set -- --dry-run -Werror ;;
'') set -- -i ;;
*)
    echo "format.sh: unknown option $1" >&2
    exit 2
    ;;
esac
find include src tests examples demo -name '*.[ch]' -type f 2>/dev/null |
    grep -v '^src/base/status_table\.h$' | LC_ALL=C sort | xargs "$tool" --style=file "$@"
