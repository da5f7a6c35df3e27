# SPDX-License-Identifier: MIT
# The rules of floors.sh. Comments are taken out and strings emptied before anything is looked at.

function offence(what)
{
    printf "%s:%d: %s\n", FILENAME, FNR, what
    offences++
}

# The line without comments, strings empty. in_comment carries over to the next line.
function bare(line,    out, c, two, quote)
{
    out = ""
    while (line != "") {
        two = substr(line, 1, 2)
        c = substr(line, 1, 1)
        if (in_comment) {
            if (two == "*/") {
                in_comment = 0
                line = substr(line, 3)
                continue
            }
            line = substr(line, 2)
        } else if (two == "/*") {
            in_comment = 1
            line = substr(line, 3)
        } else if (two == "//") {
            return out
        } else if (c == "\"" || c == "'") {
            quote = c
            line = substr(line, 2)
            while (line != "" && substr(line, 1, 1) != quote) {
                line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
            }
            line = substr(line, 2)
            out = out quote quote
        } else {
            out = out c
            line = substr(line, 2)
        }
    }
    return out
}

# Is one of these names called, or otherwise used as a plain word (not as a member)?
function uses(code, names)
{
    return match(" " code " ", "[^A-Za-z0-9_.>](" names ")[^A-Za-z0-9_]")
}

function calls(code, names)
{
    return match(" " code, "[^A-Za-z0-9_.>](" names ")[ ]*\\(")
}

function check_include(line,    name)
{
    name = line
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
    if (name ~ /^"/) {
        if (name ~ /\.\.\//) {
            offence("a relative include goes round the floors: " name)
        }
        if (floor == "include") {
            offence("a public header includes <bcj2/…> only: " name)
        }
        if (floor == "proto" && name ~ /^"(mem|log)\.h"/) {
            offence("proto neither allocates nor logs: " name)
        }
        return
    }
    sub(/^</, "", name)
    sub(/>.*$/, "", name)
    if (floor == "include") {
        if (name !~ /^bcj2\// && name != "stdint.h") {
            offence("a public header needs <stdint.h> only: <" name ">")
        }
        return
    }
    if (name ~ /^curl\// && floor !~ /^(net|server)$/) {
        offence("libcurl belongs to src/net: <" name ">")
    } else if (name == "sqlite3.h" && floor != "store") {
        offence("SQLite belongs to src/store: <" name ">")
    } else if (name ~ /cJSON\.h$/ && floor !~ /^(store|cli|server)$/) {
        offence("cJSON belongs to src/store: <" name ">")
    } else if (name == "sodium.h" && floor !~ /^(base|secrets)$/) {
        offence("libsodium belongs to src/base and src/secrets: <" name ">")
    } else if (name == "microhttpd.h" && floor != "server") {
        offence("libmicrohttpd belongs to src/server: <" name ">")
    } else if (name !~ /^(bcj2|curl)\// && name !~ /^(sqlite3|sodium|microhttpd)\.h$/ &&
               name !~ /cJSON\.h$/ && name !~ pure_headers && floor !~ /^(os|cli|server)$/) {
        offence("POSIX, clocks and signals belong to src/os: <" name ">")
    }
}

function check_code(code)
{
    if (calls(code, "atoi|atol|atoll|strtol|strtoll|strtoul|strtoull|strtod|sprintf|vsprintf|" \
                    "strcpy|strcat|gets|system|popen|localtime|gmtime|strtok|alloca")) {
        offence("banned function")
    }
    if (floor ~ /^(include|cli|server)$/) {
        return
    }
    if (FILENAME != "src/base/mem.c" &&
        calls(code, "malloc|calloc|realloc|reallocarray|strdup|strndup|asprintf|free")) {
        offence("the library allocates through base/mem only")
    }
    if (uses(code, "FILE|stdin|stdout|stderr") || calls(code, "printf|puts|putchar|perror")) {
        offence("the library has no stdio streams")
    }
    if (FILENAME != "src/os/os_exec.c" && # in a forked child, which has no other way out
        calls(code, "exit|_exit|quick_exit|abort|signal|raise")) {
        offence("the library neither ends the process nor touches its signals")
    }
}

function check_sizes()
{
    if (FNR == 601) {
        offence("more than 600 lines in one file")
    }
    if ($0 == "{") {
        function_start = FNR
    } else if (function_start && $0 ~ /^}/) {
        if (FNR - function_start > 100) {
            offence("a function of more than 100 lines")
        }
        function_start = 0
    }
}

BEGIN {
    pure_headers = "^(assert|ctype|errno|float|inttypes|limits|math|stdalign|stdarg|stdatomic|" \
                   "stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string)[.]h$"
}

FNR == 1 {
    in_comment = 0
    function_start = 0
    floor = FILENAME
    if (floor ~ /^include\//) {
        floor = "include"
    } else {
        sub(/^src\//, "", floor)
        sub(/\/.*$/, "", floor)
    }
    if ($0 != "/* SPDX-License-Identifier: MIT */") {
        offence("the first line is the SPDX line")
    }
}

{
    check_sizes()
    was_comment = in_comment
    code = bare($0)
    if (!was_comment && $0 ~ /^[ \t]*#[ \t]*include/) {
        check_include($0)
    } else {
        check_code(code)
    }
}

END {
    exit offences > 0
}
