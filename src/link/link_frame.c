/* SPDX-License-Identifier: MIT */
/* See link_frame.h. */
#include "link_frame.h"
#include "macro.h"

#include <string.h>

static const uint8_t magic[4] = {'B', 'J', '2', 'L'};

static uint64_t number(const uint8_t *from, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = bytes; i > 0; i--) {
        n = n << 8 | from[i - 1];
    }
    return n;
}

static void put_number(uint8_t *to, uint64_t n, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(n >> (8 * i));
    }
}

size_t bcj2__link_reader_space(struct link_reader *r, uint8_t **ret)
{
    if (r->start > 0) {
        memmove(r->bytes, r->bytes + r->start, r->end - r->start);
        r->end -= r->start;
        r->start = 0;
    }
    *ret = r->bytes + r->end;
    return sizeof r->bytes - r->end;
}

void bcj2__link_reader_put(struct link_reader *r, size_t length)
{
    r->end += length;
}

enum link_reading bcj2__link_reader_next(struct link_reader *r, struct link_frame *ret)
{
    const uint8_t *at = r->bytes + r->start;
    size_t have = r->end - r->start;
    if (memcmp(at, magic, MIN(have, sizeof magic)) != 0) {
        return LINK_READING_RUBBISH;
    }
    if (have < LINK_FRAME_HEADER_BYTES) {
        return LINK_READING_MORE;
    }
    size_t length = (size_t)number(at + 8, 4);
    if (length > LIMIT_LINK_DATA_BYTES) {
        return LINK_READING_RUBBISH;
    }
    if (have < LINK_FRAME_HEADER_BYTES + length) {
        return LINK_READING_MORE;
    }
    *ret = (struct link_frame){
        .kind = (uint16_t)number(at + 4, 2),
        .id = number(at + 12, 8),
        .data = at + LINK_FRAME_HEADER_BYTES,
        .length = length,
    };
    r->start += LINK_FRAME_HEADER_BYTES + length;
    return LINK_READING_FRAME;
}

void bcj2__link_frame_header(uint8_t to[LINK_FRAME_HEADER_BYTES], uint16_t kind, uint64_t id,
                             size_t length)
{
    memcpy(to, magic, sizeof magic);
    put_number(to + 4, kind, 2);
    put_number(to + 6, 0, 2);
    put_number(to + 8, length, 4);
    put_number(to + 12, id, 8);
}
