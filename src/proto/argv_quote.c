/* SPDX-License-Identifier: MIT */
/* See argv.h: quoting. */
#include "argv.h"
#include "detail.h"

#include <string.h>

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
