/* SPDX-License-Identifier: MIT */
/* Inputs for fuzz_link_frame: good messages, some of them cut off, with a wrong bit, or with noise behind. */
#include "link_frame.h"
#include "seeded.h"

static size_t put_message(uint8_t *to)
{
    static const size_t lengths[] = {
        0, 1, 3, 100, LIMIT_LINK_DATA_BYTES - 1, LIMIT_LINK_DATA_BYTES};
    size_t length = lengths[seeded_pick(sizeof lengths / sizeof lengths[0])];
    bcj2__link_frame_header(to, (uint16_t)seeded_pick(8), seeded_pick(UINT64_MAX), length);
    for (size_t i = 0; i < length; i++) {
        to[LINK_FRAME_HEADER_BYTES + i] = (uint8_t)seeded_pick(256);
    }
    return LINK_FRAME_HEADER_BYTES + length;
}

size_t seeded_make_input(uint8_t *to)
{
    size_t size = 1;
    to[0] = (uint8_t)seeded_pick(256);
    for (uint64_t pieces = seeded_pick(6);
         pieces > 0 && size < SEEDED_INPUT_BYTES - LINK_FRAME_MAX_BYTES; pieces--) {
        size_t began = size;
        size += put_message(to + size);
        switch (seeded_pick(8)) {
        case 0: /* cut off */
            size = began + (size_t)seeded_pick(size - began);
            break;
        case 1: /* one bit of the header is wrong */
            to[began + seeded_pick(LINK_FRAME_HEADER_BYTES)] ^= (uint8_t)(1u << seeded_pick(8));
            break;
        case 2: /* one byte of noise */
            to[size++] = (uint8_t)seeded_pick(256);
            break;
        default:
            break;
        }
    }
    return size;
}
