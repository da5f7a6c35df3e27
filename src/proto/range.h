/* SPDX-License-Identifier: MIT */
/* Byte ranges and validators of HTTP as text and numbers (RFC 9110,
   wire-protocol 1.3, 4.2-4.4, 4.6). Used by both sides. */
#ifndef BCJ2_PROTO_RANGE_H
#define BCJ2_PROTO_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct content_range {
    bool unsatisfied; /* "bytes * /total" */
    uint64_t first, last;
    bool total_known; /* false: "/ *" */
    uint64_t total;
};

/* "bytes first-last/total" of an answer. The unit's case is ignored. False: not one, or first >
   last, or last >= total. */
bool bcj2__range_parse_content(const char *text, struct content_range *ret);

/* IMF-fixdate, RFC 850 or asctime date to Unix seconds. */
bool bcj2__range_parse_date(const char *text, int64_t *ret_unix);
/* "Tue, 03 Feb 2026 10:15:09 GMT" */
void bcj2__range_format_date(int64_t unix_seconds, char text[40]);

/* A strong entity tag: in quotes, without W/. */
bool bcj2__range_strong_etag(const char *etag);

/* The ranges of a Range request against a size, for the server: each resolved and clipped.
   Returns how many (in request order, unmerged); 0 with *ret_satisfiable: no usable Range header,
   send everything; 0 without: 416. More than max ranges is 416. */
struct byte_range {
    uint64_t first, last;
};
size_t bcj2__range_parse_request(const char *text, uint64_t size, struct byte_range *ret,
                                 size_t max, bool *ret_satisfiable);

#endif
