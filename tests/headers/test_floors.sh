#!/bin/sh
# SPDX-License-Identifier: MIT
# Shows that floors.sh sees what it is there for: a small clean tree passes, and each offence put
# into it by itself is found and named.
#   test_floors.sh FLOORS_SH
set -eu
floors=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

plant() { # LINES…: writes $file, its head and these lines
    mkdir -p "$tree/$(dirname "$file")"
    printf '%s\n' '/* SPDX-License-Identifier: MIT */' "$@" >"$tree/$file"
}

expect_offence() { # FILE WORDS LINES…
    file=$1
    words=$2
    shift 2
    plant "$@"
    if output=$("$floors" "$tree" 2>&1); then
        echo "not found in $file ($words): $*"
        failed=1
    elif ! printf '%s\n' "$output" | grep -q "^$file:[0-9]*: .*$words"; then
        echo "found, but not as '$words': $output"
        failed=1
    fi
    rm -f "$tree/$file"
}

expect_clean() { # FILE LINES…
    file=$1
    shift
    plant "$@"
    if ! output=$("$floors" "$tree" 2>&1); then
        echo "wrongly found: $output"
        failed=1
    fi
}

if "$floors" "$tree" >/dev/null 2>&1; then
    echo 'an empty tree passes'
    failed=1
fi
expect_clean include/bcj2/x.h '#include <stdint.h>' '#include <bcj2/y.h>'
expect_clean src/base/mem.c '#include <stdlib.h>' 'void *p = malloc(1);'
expect_clean src/base/x.c '#include <string.h>' '#include "mem.h"' '/* malloc(1); #include <time.h>' \
    '   free(p) */' 'const char *s = "free(p) \" system(1)"; // exit(1)' 'bcj2__mem_free(p); t->free(p);'
expect_clean src/os/x.c '#include <unistd.h>' '#include <time.h>'
expect_clean src/os/os_exec.c '_exit(127);'
expect_clean src/net/x.c '#include <curl/curl.h>'
expect_clean src/store/x.c '#include <sqlite3.h>' '#include <cjson/cJSON.h>'
expect_clean src/server/x.c '#include <sys/stat.h>' '#include <microhttpd.h>' 'free(p); exit(1);'

for floor in base proto net store core api; do
    for header in unistd.h fcntl.h sys/stat.h pthread.h time.h signal.h poll.h; do
        expect_offence src/$floor/bad.c 'belong to src/os' "#include <$header>"
    done
    expect_offence src/$floor/bad.c 'base/mem' 'char *p = strdup(q);'
    expect_offence src/$floor/bad.c 'base/mem' '    free (p);'
    expect_offence src/$floor/bad.c 'stdio' 'static FILE *f;'
    expect_offence src/$floor/bad.c 'stdio' 'printf("x");'
    expect_offence src/$floor/bad.c 'ends the process' 'if (x) exit(1);'
    expect_offence src/$floor/bad.h 'relative include' '#include "../os/os.h"'
done
for floor in base proto os store core api cli; do
    expect_offence src/$floor/bad.c 'libcurl' '#include <curl/curl.h>'
done
for floor in base proto os net core api cli server; do
    expect_offence src/$floor/bad.c 'SQLite' '#  include <sqlite3.h>'
done
for floor in base proto os net core api; do
    expect_offence src/$floor/bad.c 'cJSON' '#include <cjson/cJSON.h>'
done
expect_offence src/core/bad.c 'libsodium' '#include <sodium.h>'
expect_offence src/cli/bad.c 'libmicrohttpd' '#include <microhttpd.h>'
expect_offence src/proto/bad.c 'neither allocates' '#include "mem.h"'
expect_offence src/proto/bad.c 'nor logs' '#include "log.h"'
expect_offence include/bcj2/bad.h 'public header' '#include "limit.h"'
expect_offence include/bcj2/bad.h 'public header' '#include <sys/types.h>'
for function in atoi strtol sprintf strcpy strcat gets system popen localtime gmtime strtok alloca; do
    expect_offence src/os/bad.c 'banned' "x = $function(y);"
    expect_offence src/server/bad.c 'banned' "$function(y);"
done
expect_offence src/base/bad.c '600 lines' "$(yes '//' | head -n 650)"
expect_offence src/base/bad.c '100 lines' 'int f(void)' '{' "$(yes '    g();' | head -n 100)" '}'
file=src/base/headless.c
echo 'int x;' >"$tree/$file"
if "$floors" "$tree" >/dev/null 2>&1; then
    echo 'a file without the SPDX line passes'
    failed=1
fi
exit $failed
