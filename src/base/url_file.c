/* SPDX-License-Identifier: MIT */
/* Names of files where a URL may stand: "/mnt/share/a", "file:///mnt/share/a". See url.h. Not here:
   which paths are good (core). */
#include "url.h"

#include <stdio.h>
#include <string.h>
#include "str.h"

bool bcj2__url_is_file(const char *text)
{
    return text[0] == '/' || bcj2__str_same_n(text, "file:", 5);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends text with %XX decoded. */
static bool decode(const char *text, struct buf *ret, char problem[128])
{
    for (const char *p = text; *p != '\0'; p++) {
        char c = *p;
        if (c == '?' || c == '#') {
            (void)snprintf(problem, 128, "'%c' in a file URL must be escaped", c);
            return false;
        }
        if (c == '%') {
            int high = hex_value(p[1]), low = high < 0 ? -1 : hex_value(p[2]);
            if (low < 0 || (high == 0 && low == 0)) {
                (void)snprintf(problem, 128, "a '%%' that is not followed by two digits, or %%00");
                return false;
            }
            c = (char)(high << 4 | low);
            p += 2;
        }
        if (!bcj2__buf_append(ret, &c, 1)) {
            (void)snprintf(problem, 128, "it is too long");
            return false;
        }
    }
    return true;
}

bool bcj2__url_file_path(const char *text, struct buf *ret, char ret_problem[128])
{
    if (text[0] == '/' && text[1] == '/') { /* half a URL, or the name of a share elsewhere */
        (void)snprintf(ret_problem, 128, "it has two slashes and no scheme before them");
        return false;
    }
    if (text[0] == '/') {
        if (!bcj2__buf_text(ret, text)) {
            (void)snprintf(ret_problem, 128, "it is too long");
            return false;
        }
        return true;
    }
    const char *path = text;
    if (bcj2__str_same_n(text, "file://localhost/", 17)) {
        path += 16;
    } else if (bcj2__str_same_n(text, "file:///", 8)) {
        path += 7;
    } else {
        (void)snprintf(ret_problem, 128,
                       "a file URL is file:///path: other hosts are mounted here");
        return false;
    }
    return decode(path, ret, ret_problem);
}
