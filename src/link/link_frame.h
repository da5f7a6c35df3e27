/* SPDX-License-Identifier: MIT */
/* Messages between processes as bytes: a pure incremental reader, and a writer. All numbers are little
   endian:

     0  "BJ2L"            what is not a frame is rubbish
     4  kind      2 bytes
     6  reserved  2 bytes  0; not looked at
     8  length    4 bytes  of the data that follows, at most LIMIT_LINK_DATA_BYTES
    12  id        8 bytes  of a delivery, or the change number

   Processes with different versions of the library meet on one queue: this form stays, new kinds are
   skipped by who does not know them. Not here: kinds and what they mean (link.h), sockets. */
#ifndef BCJ2_LINK_FRAME_H
#define BCJ2_LINK_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include "limit.h"

#define LINK_FRAME_HEADER_BYTES 20
#define LINK_FRAME_MAX_BYTES    (LINK_FRAME_HEADER_BYTES + LIMIT_LINK_DATA_BYTES)

struct link_frame {
    uint16_t kind;
    uint64_t id;
    const uint8_t *data; /* in the reader; any alignment */
    size_t length;
};

struct link_reader {
    size_t start, end; /* of what was put and not yet taken */
    uint8_t bytes[LINK_FRAME_MAX_BYTES];
};

enum link_reading {
    LINK_READING_MORE, /* the next frame is not complete yet */
    LINK_READING_FRAME,
    LINK_READING_RUBBISH, /* and so it stays */
};

/* Where to put the next bytes, and how many fit; 0: a whole frame is waiting. Makes the data of earlier
   frames invalid. */
size_t bcj2__link_reader_space(struct link_reader *r, uint8_t **ret);
void bcj2__link_reader_put(struct link_reader *r, size_t length);
enum link_reading bcj2__link_reader_next(struct link_reader *r, struct link_frame *ret);

/* The header of a frame; its data is to follow. length <= LIMIT_LINK_DATA_BYTES. */
void bcj2__link_frame_header(uint8_t to[LINK_FRAME_HEADER_BYTES], uint16_t kind, uint64_t id,
                             size_t length);

#endif
