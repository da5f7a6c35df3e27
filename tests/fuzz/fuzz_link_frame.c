/* SPDX-License-Identifier: MIT */
/* Fuzz target: the reader of messages between processes. The first byte of the input says in what pieces
   the rest comes. Whatever comes, the reader must say the same as one who sees all of it at once. */
#include "link_frame.h"
#include "macro.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                              \
    do {                                                             \
        if (!(condition)) {                                          \
            (void)fprintf(stderr, "%d: %s\n", __LINE__, #condition); \
            abort();                                                 \
        }                                                            \
    } while (0)

static uint64_t little_endian(const uint8_t *from, int bytes)
{
    uint64_t n = 0;
    for (int i = 0; i < bytes; i++) {
        n |= (uint64_t)from[i] << (8 * i);
    }
    return n;
}

/* The next frame of all the bytes, in the plainest way; *at is moved behind it. */
static enum link_reading plain(const uint8_t *bytes, size_t size, size_t *at,
                               struct link_frame *ret)
{
    size_t left = size - *at;
    const uint8_t *b = bytes + *at;
    for (size_t i = 0; i < 4 && i < left; i++) {
        if (b[i] != "BJ2L"[i]) {
            return LINK_READING_RUBBISH;
        }
    }
    if (left < LINK_FRAME_HEADER_BYTES) {
        return LINK_READING_MORE;
    }
    uint64_t length = little_endian(b + 8, 4);
    if (length > LIMIT_LINK_DATA_BYTES) {
        return LINK_READING_RUBBISH;
    }
    if (left - LINK_FRAME_HEADER_BYTES < length) {
        return LINK_READING_MORE;
    }
    ret->kind = (uint16_t)little_endian(b + 4, 2);
    ret->id = little_endian(b + 12, 8);
    ret->data = b + LINK_FRAME_HEADER_BYTES;
    ret->length = (size_t)length;
    *at += LINK_FRAME_HEADER_BYTES + ret->length;
    return LINK_READING_FRAME;
}

static void same_frame(const struct link_frame *a, const struct link_frame *b)
{
    uint8_t header[LINK_FRAME_HEADER_BYTES];
    MUST(a->kind == b->kind && a->id == b->id && a->length == b->length);
    MUST(memcmp(a->data, b->data, a->length) == 0);
    bcj2__link_frame_header(header, a->kind, a->id, a->length); /* and back */
    MUST(memcmp(header, b->data - LINK_FRAME_HEADER_BYTES, 6) == 0);
    MUST(memcmp(header + 8, b->data - LINK_FRAME_HEADER_BYTES + 8, LINK_FRAME_HEADER_BYTES - 8) ==
         0);
}

/* All frames that are complete among the first `have` bytes. False: rubbish. */
static bool take_frames(struct link_reader *r, const uint8_t *bytes, size_t have, size_t *at)
{
    for (;;) {
        struct link_frame got, expected;
        enum link_reading reading = bcj2__link_reader_next(r, &got);
        MUST(reading == plain(bytes, have, at, &expected));
        if (reading == LINK_READING_RUBBISH) {
            MUST(bcj2__link_reader_next(r, &got) == LINK_READING_RUBBISH);
            return false;
        }
        if (reading == LINK_READING_MORE) {
            return true;
        }
        same_frame(&got, &expected);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct link_reader *r = calloc(1, sizeof *r); /* of its own, so that a byte too far is seen */
    if (size == 0 || r == NULL) {
        free(r);
        return 0;
    }
    size_t piece = data[0] == 0 ? SIZE_MAX : data[0], have = 0, at = 0;
    const uint8_t *bytes = data + 1;
    bool good = true;
    size--;
    while (good && have < size) {
        uint8_t *to;
        size_t space = bcj2__link_reader_space(r, &to);
        MUST(space > 0 && to >= r->bytes && to + space == r->bytes + sizeof r->bytes);
        size_t n = MIN(MIN(space, piece), size - have);
        memcpy(to, bytes + have, n);
        bcj2__link_reader_put(r, n);
        have += n;
        good = take_frames(r, bytes, have, &at);
    }
    free(r);
    return 0;
}
