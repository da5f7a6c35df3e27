#!/bin/sh
# SPDX-License-Identifier: MIT
# Shows an upload with a reply, and one whose client is killed half-way. It is also a test: it ends
# with an exit status that is not 0 if anything is not as it says.
#
# usage: demo.sh BUILD-DIRECTORY (called by `make demo`)
set -eu

build=${1:?usage: demo.sh BUILD-DIRECTORY}
here=$(cd "$(dirname "$0")" && pwd)
tree=$(dirname "$here")
bcj2=$(cd "$build" && pwd)/src/cli/bcj2
server=$(cd "$build" && pwd)/src/server/bcj2-server
work=$(mktemp -d "${TMPDIR:-/tmp}/bcj2-demo.XXXXXX")
server_pid=
client_pid=

mebibyte=1048576
large_bytes=$((24 * mebibyte))
rate=$((6 * mebibyte))
probe_bytes=5120 # what may be sent twice after a restart

say() {
    printf '\n== %s\n' "$*"
}

fail() {
    printf 'demo: %s\n' "$*" >&2
    for file in "$work/server.err" "$work/server.log"; do
        [ ! -s "$file" ] || { echo "demo: the end of ${file##*/}:" && tail -n 10 "$file"; } >&2
    done
    exit 1
}

stop_server() {
    if [ -n "$server_pid" ] && kill "$server_pid" 2>/dev/null; then
        wait "$server_pid" 2>/dev/null || :
    fi
    server_pid=
}

clean_up() {
    [ -z "$client_pid" ] || kill -9 "$client_pid" 2>/dev/null || :
    stop_server
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a command until it succeeds, for at most 20 seconds; another process is at work meanwhile.
until_true() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 400 ] || return 1
        sleep 0.05
    done
}

server_is_up() {
    kill -0 "$server_pid" 2>/dev/null || fail 'the server did not start'
    base=$(sed -n '1s/^listening on //p' "$work/server.out")
    [ -n "$base" ]
}

# Starts the server with the options given, beside those that every server of the demo has.
start_server() {
    : >"$work/server.out"
    "$server" --root "$work/root" --listen 127.0.0.1:0 --app-exec "$here/report.sh" \
        --log "$work/server.log" "$@" >"$work/server.out" 2>"$work/server.err" &
    server_pid=$!
    until_true server_is_up || fail 'the server did not say where it listens'
}

sha256() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi |
        cut -d ' ' -f 1
}

# check_report REPLY FILE: what the application must have counted
check_report() {
    # shellcheck disable=SC2046
    set -- "$1" "$2" $(wc -lwc <"$2")
    for wanted in "lines    $3\$" "words    $4\$" "bytes    $5\$" "SHA-256  $(sha256 "$2")"; do
        grep -q "$wanted" "$1" || fail "the reply lacks \"$wanted\""
    done
}

# How much of the upload the server has: its unfinished file.
server_has() {
    cat "$work"/root/BITS-Sessions/Requests/*/requestfile.bin 2>/dev/null | wc -c | tr -d ' '
}

# The numbers after a word in the lines of the server's log that tell of the file's pieces.
log_numbers() {
    sed -n "s/^fragment .* $1 \([0-9]*\).*/\1/p" "$2"
}

add_up() {
    awk '{ sum += $1 } END { printf "%d\n", sum }'
}

client_is_missed() {
    grep -q 'status broken' "$work/server.log"
}

half_way() {
    kill -0 "$client_pid" 2>/dev/null || fail 'the client ended before it could be killed'
    [ "$(server_has)" -ge $((large_bytes / 2)) ]
}

[ -x "$bcj2" ] || fail "there is no $bcj2: build first"
[ -x "$server" ] || fail "there is no $server: build with -Dserver=enabled"
mkdir "$work/root"
BCJ2_QUEUE=$work/queue
export BCJ2_QUEUE

say 'A server whose application reports on every text that is uploaded'
start_server
echo "bcj2-server listens on $base"

say 'README.md goes up, its report comes back'
text=$tree/README.md
[ -f "$text" ] || text=$tree/LICENSE
echo "\$ bcj2 upload-reply ${text##*/} ${base}${text##*/}"
"$bcj2" upload-reply "$text" "$base${text##*/}" >"$work/reply" || fail 'the upload failed'
cat "$work/reply"
check_report "$work/reply" "$text"
stop_server

say "24 MiB at 6 MiB a second; the client is killed half-way"
dd if=/dev/urandom of="$work/large.bin" bs=$mebibyte count=24 2>/dev/null
start_server --limit-rate $rate
echo "\$ bcj2 upload-reply large.bin ${base}large.bin -o large.report"
"$bcj2" upload-reply "$work/large.bin" "${base}large.bin" -o "$work/large.report" &
client_pid=$!
until_true half_way || fail 'the upload did not get half-way'
kill -9 "$client_pid"
wait "$client_pid" 2>/dev/null || :
client_pid=
printf '\nkill -9: the client is gone\n'
[ ! -e "$work/large.report" ] || fail 'there is a reply already'
until_true client_is_missed || fail 'the server did not see that the client is gone'
stood=$(log_numbers next "$work/server.log" | tail -n 1)
lines=$(wc -l <"$work/server.log")
tail -n 1 "$work/server.log"
echo "the server stands at $stood of $large_bytes bytes"
if [ "$stood" -lt $((large_bytes / 2)) ] || [ "$stood" -ge "$large_bytes" ]; then
    fail 'that is not half-way'
fi

say 'The job is still in the queue'
echo '$ bcj2 list'
"$bcj2" list
id=$("$bcj2" list | awk 'NR == 2 { print $1 }')

say 'Started again, it goes on from there'
echo '$ bcj2 run --until-idle'
"$bcj2" run --until-idle || fail 'the job did not end'
tail -n +$((lines + 1)) "$work/server.log" >"$work/second.log"
cat "$work/second.log"
again=$(log_numbers duplicate "$work/second.log" | add_up)
fresh=$(log_numbers new "$work/second.log" | add_up)
echo "it sent the $fresh bytes that were missing, and $again bytes a second time"
[ $((stood + fresh)) -eq $large_bytes ] || fail 'the server did not get what was missing'
[ "$again" -le $probe_bytes ] || fail 'too much was sent twice'

say 'The reply'
echo "\$ bcj2 complete $id"
"$bcj2" complete "$id" || fail 'the job could not be completed'
cat "$work/large.report"
check_report "$work/large.report" "$work/large.bin"
[ -z "$("$bcj2" list 2>/dev/null)" ] || fail 'the queue is not empty'

say 'Nothing was lost'
