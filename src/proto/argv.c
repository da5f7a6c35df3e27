/* SPDX-License-Identifier: MIT */
/* See argv.h: splitting. It needs nothing but itself, so that programs can have it, too. */
#include "argv.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct output {
    char *bytes;
    size_t size, used;
    bool full; /* something had no room */
};

static void put(struct output *out, char c)
{
    if (out->used < out->size) {
        out->bytes[out->used++] = c;
    } else {
        out->full = true;
    }
}

/* The program's name at p. Returns what is behind it: a blank or the end. */
static const char *take_program(const char *p, struct output *out)
{
    bool quoted = false;
    for (; *p != '\0' && (quoted || !is_blank(*p)); p++) {
        if (*p == '"') {
            quoted = !quoted;
        } else {
            put(out, *p);
        }
    }
    put(out, '\0');
    return p;
}

/* Backslashes and the quote behind them, if there is one. Returns what is behind that. */
static const char *take_slashes(const char *p, struct output *out, bool *quoted)
{
    size_t slashes = strspn(p, "\\");
    p += slashes;
    for (size_t i = *p == '"' ? slashes / 2 : slashes; i > 0; i--) {
        put(out, '\\');
    }
    if (*p != '"') {
        return p;
    }
    if (slashes % 2 == 1) {
        put(out, '"');
    } else if (*quoted && p[1] == '"') {
        put(out, '"');
        p++;
    } else {
        *quoted = !*quoted;
    }
    return p + 1;
}

/* Any other argument. */
static const char *take_argument(const char *p, struct output *out)
{
    bool quoted = false;
    while (*p != '\0' && (quoted || !is_blank(*p))) {
        if (*p == '\\' || *p == '"') {
            p = take_slashes(p, out, &quoted);
        } else {
            put(out, *p++);
        }
    }
    put(out, '\0');
    return p;
}

bool bcj2__argv_split(const char *text, char *out, size_t out_size, const char **argv,
                      size_t argv_max, size_t *ret_argc)
{
    struct output to = {.bytes = out, .size = out_size};
    size_t argc = 0;
    *ret_argc = 0;
    const char *p = text;
    while (*p != '\0') {
        if (argc >= argv_max) {
            return false;
        }
        argv[argc] = to.bytes + to.used;
        p = argc == 0 ? take_program(p, &to) : take_argument(p, &to);
        argc++;
        while (is_blank(*p)) {
            p++;
        }
    }
    if (to.full || argc >= argv_max) {
        return false;
    }
    argv[argc] = NULL;
    *ret_argc = argc;
    return true;
}
