#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing to work on this tree, and nothing if nothing is missing.
#   install-deps.sh GROUP…      groups: build, test, ci
# Each need is looked for by itself (a command, a pkg-config module, a compiler that works), so that
# things that were not installed by the package manager count as well.
set -eu
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

# GROUP KIND NEED MINIMUM APT-PACKAGES BREW-FORMULAS; "-" for none, "," between several.
needs() {
    cat <<'END'
build compiles  c         -       gcc,libc6-dev            -
build command   meson     -       meson                    meson
build command   ninja     -       ninja-build              ninja
build command   pkg-config -      pkg-config               pkg-config
build module    libcurl   7.84.0  libcurl4-openssl-dev     curl
build module    sqlite3   3.37.0  libsqlite3-dev           sqlite
build module    libcjson  1.7.15  libcjson-dev             cjson
build module    libsodium 1.0.18  libsodium-dev            libsodium
build module    libmicrohttpd 0.9.75 libmicrohttpd-dev     libmicrohttpd
test  compiles  c++       -       g++                      -
test  module    check     0.15.2  check                    check
test  command   openssl   -       openssl                  openssl
test  command   curl      -       curl                     curl
test  command   nginx     -       nginx                    nginx
ci    command   clang     -       clang                    llvm
ci    compiles  sanitized -       libclang-rt-CLANG-dev    llvm
ci    command   clang-format -    clang-format             clang-format
ci    command   clang-tidy -      clang-tidy               llvm
ci    command   git       -       git                      git
END
    if [ "$(uname)" = Linux ]; then
        echo 'ci command valgrind - valgrind -'
    fi
}

say() {
    echo "install-deps.sh: $*" >&2
}

compiles() { # c, c++ or sanitized: does a program of that kind compile and link?
    case $1 in
    c) set -- "${CC:-cc}" -x c ;;
    c++) set -- "${CXX:-c++}" -x c++ ;;
    sanitized) set -- clang -fsanitize=address -x c ;;
    esac
    printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' |
        "$@" -o /dev/null - >/dev/null 2>&1
}

is_there() { # KIND NEED MINIMUM
    case $1 in
    command) PATH="$PATH:/usr/sbin" command -v "$2" >/dev/null ;; # nginx is in no user's PATH
    module) pkg-config --exists "$2 >= $3" 2>/dev/null ;;
    compiles) compiles "$2" ;;
    esac
}

missing() { # GROUP…: the lines of what is missing
    needs | while read -r group kind need minimum apt brew; do
        for wanted; do
            if [ "$group" = "$wanted" ] && ! is_there "$kind" "$need" "$minimum"; then
                echo "$need $minimum $apt $brew"
            fi
        done
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "to run '$*' this script needs root or sudo"
        exit 1
    fi
}

clang_version() { # the major version of the clang that is, or would be, installed
    if command -v clang >/dev/null; then
        clang -dumpversion
    else
        apt-cache show clang | sed -n 's/^Version: *\([0-9]*:\)\{0,1\}//p' | head -n 1
    fi | sed 's/[^0-9].*//'
}

install_with_apt() { # packages
    as_root apt-get update -qq
    packages=$(printf '%s\n' "$@" | sed "s/CLANG/$(clang_version)/")
    # shellcheck disable=SC2086 # package names, one word each
    say installing $packages
    # shellcheck disable=SC2086 # likewise
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $packages >/dev/null
}

tell() { # the lines of missing: what they are, for people
    echo "$1" | while read -r need minimum rest; do
        case $need:$minimum in
        c:*) echo '  a C compiler (cc) with the headers of the C library' ;;
        c++:*) echo '  a C++ compiler (c++)' ;;
        sanitized:*) echo "  clang's sanitizer libraries" ;;
        *:-) echo "  $need" ;;
        *) echo "  $need >= $minimum" ;;
        esac
    done >&2
}

lines=$(missing "$@")
if [ -z "$lines" ]; then
    exit 0
fi
if command -v apt-get >/dev/null; then
    # shellcheck disable=SC2046 # package names, one word each
    install_with_apt $(echo "$lines" | awk '{print $3}' | tr ',' '\n' | sort -u)
elif command -v brew >/dev/null; then
    # shellcheck disable=SC2046 # formula names, one word each
    brew install --quiet $(echo "$lines" | awk '$4 != "-" {print $4}' | sort -u)
else
    say "these are missing, and I only know apt-get and brew; please install them:"
    tell "$lines"
    exit 1
fi

lines=$(missing "$@")
if [ -n "$lines" ]; then
    say "these are still missing (Debian 12 and Ubuntu 24.04 have all of them; macOS needs" \
        "'xcode-select --install' for its compiler):"
    tell "$lines"
    exit 1
fi
