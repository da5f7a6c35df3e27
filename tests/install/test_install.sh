#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the tree into a scratch prefix, then builds the examples outside the tree with nothing
# but pkg-config (the README's program too), against the shared library and against the archive, and
# runs them and the installed programs against the installed server.
#   test_install.sh TREE COMPILER…
set -eu
tree=$1
shift
work=$(mktemp -d)
server=
clean_up() {
    if [ -n "$server" ]; then
        kill "$server"
        wait "$server" || true
    fi
    rm -rf "$work"
}
trap clean_up EXIT

fail() {
    echo "test_install.sh: $*" >&2
    exit 1
}

prefix=$work/prefix
install_tree() {
    meson setup "$work/build" "$tree" --prefix="$prefix" -Dbuildtype=debug -Dtests=disabled \
        -Dexamples=disabled -Dcli=enabled -Dserver=enabled \
        -Dsystemd_user_unit_dir="$prefix/lib/systemd/user" \
        -Dsystemd_system_unit_dir="$prefix/lib/systemd/system" &&
        ninja -C "$work/build" &&
        meson install -C "$work/build" --no-rebuild
}
install_tree >"$work/log" 2>&1 || fail "the tree cannot be installed: $(cat "$work/log")"
rm -rf "$work/build" # nothing may be found there

pc=$(find "$prefix" -name bcj2.pc)
PKG_CONFIG_PATH=${pc%/bcj2.pc}:${PKG_CONFIG_PATH:-}
export PKG_CONFIG_PATH
libdir=$(pkg-config --variable=libdir bcj2)
for file in "$libdir/libbcj2.a" "$prefix/bin/bcj2" "$prefix/bin/bcj2-server" \
    "$prefix/include/bcj2/bcj2.h" "$prefix/include/bcj2/version.h" \
    "$prefix/share/man/man1/bcj2.1" "$prefix/share/man/man3/libbcj2.3"; do
    [ -f "$file" ] || fail "not installed: $file"
done

# the services name the installed program, and systemd takes them if it is there
for unit in user system; do
    file=$prefix/lib/systemd/$unit/bcj2.service
    [ -f "$file" ] || fail "not installed: $file"
    grep -qx "ExecStart=$prefix/bin/bcj2 run" "$file" || fail "$file starts something else"
    if command -v systemd-analyze >/dev/null; then
        said=$(HOME=$work XDG_RUNTIME_DIR=$work \
            systemd-analyze verify --man=no "--$unit" "$file" 2>&1) || said="no: $said"
        [ -z "$said" ] || fail "systemd does not take $file: $said"
    fi
done
if [ "$(uname)" = Darwin ]; then
    file=$prefix/share/bcj2/launchd/bcj2.plist
    grep -q "<string>$prefix/bin/bcj2</string>" "$file" || fail "$file starts something else"
    plutil -lint "$file" >/dev/null || fail "launchd does not take $file"
fi

cd "$work"
flags="-std=c11 -Wall -Wextra -Werror"
mkdir shared static
# shellcheck disable=SC2016 # Markdown's quotes, not the shell's
sed -n '/^```c$/,/^```$/p' "$tree/README.md" | sed '1d;$d' >readme.c # compiled, not run
for source in "$tree"/examples/*.c readme.c; do
    name=$(basename "$source" .c)
    # shellcheck disable=SC2046,SC2086 # flags, one word each
    "$@" $flags "$source" $(pkg-config --cflags --libs bcj2) -o "shared/$name"
    # shellcheck disable=SC2046,SC2086 # likewise; plain --libs, for pkg-config --static wants the
    # development packages of everything that libcurl itself uses
    "$@" $flags "$source" $(pkg-config --cflags bcj2) "$libdir/libbcj2.a" \
        $(pkg-config --libs libcurl sqlite3 libcjson libsodium) -pthread -o "static/$name"
done

# the library's folder is searched for the shared programs only: the others must do without
with_library() {
    LD_LIBRARY_PATH=$libdir DYLD_LIBRARY_PATH=$libdir "$@"
}

cat >application <<'END'
#!/bin/sh
printf 'the server counted %s bytes\n' "$(wc -c | tr -d ' ')"
END
chmod +x application
mkdir root queue
mkfifo announced
"$prefix/bin/bcj2-server" --root "$work/root" --listen 127.0.0.1:0 \
    --app-exec "$work/application" >announced 2>server.log &
server=$!
exec 3<announced # stays open: the server may go on writing
read -r line <&3 || fail "the server does not start: $(cat server.log)"
case $line in
'listening on http://127.0.0.1:'*/) url=${line#listening on } ;;
*) fail "the server says '$line'" ;;
esac

expect_reply() { # FILE BYTES
    [ "$(cat "$1")" = "the server counted $2 bytes" ] || fail "$1 holds '$(cat "$1")'"
}

head -c 300000 /dev/zero >file
for kind in shared static; do
    runner='env'
    if [ $kind = shared ]; then
        runner=with_library
    fi
    $runner $kind/upload_reply "$work/queue" "$work/file" "${url}$kind-1" "$work/$kind-1" \
        2>$kind.log || fail "$kind/upload_reply: $(cat $kind.log)"
    expect_reply $kind-1 300000
    $runner $kind/resume_after_restart "$work/queue" "$work/id" "$work/file" "${url}$kind-2" \
        "$work/$kind-2" 2>$kind.log || fail "$kind/resume_after_restart: $(cat $kind.log)"
    expect_reply $kind-2 300000
done

with_library "$prefix/bin/bcj2" --queue "$work/queue" upload-reply "$work/file" "${url}cli" \
    -o "$work/cli" 2>cli.log || fail "bcj2: $(cat cli.log)"
expect_reply cli 300000
