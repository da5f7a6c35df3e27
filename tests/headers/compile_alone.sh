#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles a source that holds nothing but one #include (and a declaration: ISO C wants one).
#   compile_alone.sh STANDARD INCLUDE COMPILER [FLAG…]
set -eu
standard=$1
include=$2
shift 2
case $standard in
c++*) language=c++ ;;
*) language=c ;;
esac
printf '#include %s\nextern int nothing_else;\n' "$include" |
    "$@" -x "$language" -std="$standard" -pedantic -Wall -Wextra -Wundef -Wshadow -Wconversion \
        -Werror -fsyntax-only -
