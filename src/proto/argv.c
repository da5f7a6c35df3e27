/* SPDX-License-Identifier: MIT */
/* See argv.h. */
#include "argv.h"
#include "detail.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- splitting ---- */

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

/* ---- quoting ---- */

/* Control characters would not need quotes here, but CommandLineToArgvW takes them for the end of a
   program's name. */
static bool needs_quotes(const char *argument)
{
    if (*argument == '\0') {
        return true;
    }
    for (const char *p = argument; *p != '\0'; p++) {
        if ((unsigned char)*p <= ' ' || *p == '"') {
            return true;
        }
    }
    return false;
}

/* What stands between the quotes. Backslashes are doubled where a quote follows, the closing one too. */
static void append_escaped(struct buf *line, const char *p)
{
    while (*p != '\0') {
        size_t plain = strcspn(p, "\\\"");
        size_t slashes = strspn(p + plain, "\\");
        (void)bcj2__buf_append(line, p, plain + slashes);
        const char *slash = p + plain;
        p += plain + slashes;
        if (*p == '"' || *p == '\0') {
            (void)bcj2__buf_append(line, slash, slashes);
        }
        if (*p == '"') {
            (void)bcj2__buf_text(line, "\\\"");
            p++;
        }
    }
}

bcj2_status bcj2__argv_quote(struct buf *line, const char *argument)
{
    bool program = line->length == 0;
    if (program && strchr(argument, '"') != NULL) {
        return bcj2__detail(BCJ2_E_INVALIDARG,
                            "the first word of a command line cannot have a quote in it");
    }
    if (!program) {
        (void)bcj2__buf_text(line, " ");
    }
    if (!needs_quotes(argument)) {
        (void)bcj2__buf_text(line, argument);
    } else {
        (void)bcj2__buf_text(line, "\"");
        if (program) {
            (void)bcj2__buf_text(line, argument);
        } else {
            append_escaped(line, argument);
        }
        (void)bcj2__buf_text(line, "\"");
    }
    if (bcj2__buf_ok(line)) {
        return BCJ2_OK;
    }
    return line->no_memory
               ? bcj2__detail_no_memory()
               : bcj2__detail(BCJ2_E_STRING_TOO_LONG, "the command line has more than %zu bytes",
                              line->maximum);
}
