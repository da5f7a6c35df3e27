/* SPDX-License-Identifier: MIT */
/* A growing byte buffer that cannot outgrow the maximum it was made with. The content is always
   followed by a NUL. An append that fails (too long, or no memory) sets a flag that sticks, so a
   chain of appends is checked once, with bcj2__buf_ok(). */
#ifndef BCJ2_BASE_BUF_H
#define BCJ2_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include "macro.h"

struct buf {
    char *data; /* NULL while empty and never appended to; use bcj2__buf_cstr() to read */
    size_t length;
    size_t capacity;
    size_t maximum; /* bytes, without the NUL */
    bool failed, no_memory;
};

#define BUF_INIT(max)    \
    (struct buf)         \
    {                    \
        .maximum = (max) \
    }

bool bcj2__buf_append(struct buf *b, const void *data, size_t length);
bool bcj2__buf_text(struct buf *b, const char *text); /* appends a string */
bool bcj2__buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
const char *bcj2__buf_cstr(const struct buf *b); /* "" while empty */
bool bcj2__buf_ok(const struct buf *b);
void bcj2__buf_clear(struct buf *b); /* empty again, memory kept, flags reset */
void bcj2__buf_done(struct buf *b);  /* frees; the buffer is empty and usable again */
char *bcj2__buf_take(struct buf *b); /* the string, the caller's; NULL if !ok */

#define CLEANUP_BUF CLEANUP(bcj2__buf_done)

#endif
