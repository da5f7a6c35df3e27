/* SPDX-License-Identifier: MIT */
/* See buf.h. */
#include "buf.h"
#include "mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool grow(struct buf *b, size_t extra)
{
    if (b->failed) {
        return false;
    }
    if (extra > b->maximum - b->length) {
        b->failed = true;
        return false;
    }
    size_t needed = b->length + extra + 1;
    if (needed <= b->capacity) {
        return true;
    }
    size_t capacity = MAX(needed, MIN(b->capacity * 2, b->maximum + 1));
    char *data = bcj2__mem_realloc(b->data, MAX(capacity, 32));
    if (data == NULL) {
        b->failed = b->no_memory = true;
        return false;
    }
    b->data = data;
    b->capacity = MAX(capacity, 32);
    return true;
}

bool bcj2__buf_append(struct buf *b, const void *data, size_t length)
{
    if (!grow(b, length)) {
        return false;
    }
    if (length != 0) {
        memcpy(b->data + b->length, data, length);
    }
    b->length += length;
    b->data[b->length] = '\0';
    return true;
}

bool bcj2__buf_text(struct buf *b, const char *text)
{
    return bcj2__buf_append(b, text, strlen(text));
}

bool bcj2__buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || !grow(b, (size_t)length)) {
        b->failed = true;
        return false;
    }
    va_start(args, format);
    (void)vsnprintf(b->data + b->length, (size_t)length + 1, format, args);
    va_end(args);
    b->length += (size_t)length;
    return true;
}

const char *bcj2__buf_cstr(const struct buf *b)
{
    return b->data == NULL ? "" : b->data;
}

bool bcj2__buf_ok(const struct buf *b)
{
    return !b->failed;
}

void bcj2__buf_clear(struct buf *b)
{
    b->length = 0;
    b->failed = b->no_memory = false;
    if (b->data != NULL) {
        b->data[0] = '\0';
    }
}

void bcj2__buf_done(struct buf *b)
{
    bcj2__mem_free(b->data);
    *b = BUF_INIT(b->maximum);
}

char *bcj2__buf_take(struct buf *b)
{
    if (b->failed || !bcj2__buf_append(b, "", 0)) {
        return NULL;
    }
    char *text = b->data;
    b->data = NULL;
    bcj2__buf_done(b);
    return text;
}
