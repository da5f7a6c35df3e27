/* SPDX-License-Identifier: MIT */
/* The server of the random walk's downloads: resources whose content is known for each of their versions, and
   that can be had, or not, in many ways. A resource may be changed at any time. */
#ifndef BCJ2_TESTS_WALK_SITE_H
#define BCJ2_TESTS_WALK_SITE_H

#include <bcj2/types.h>
#include <stdbool.h>
#include <stdint.h>

#define SITE_RESOURCES 4096

enum site_mood {
    SITE_OK,
    SITE_MISSING,   /* 404 */
    SITE_BUSY,      /* 503 */
    SITE_BUSY_LONG, /* 503, Retry-After: SITE_RETRY_AFTER_S */
    SITE_RESET,     /* the connection is reset instead of an answer */
    SITE_CUT,       /* the connection ends in the middle of a body */
    SITE_NO_RANGES, /* the whole, whatever was asked */
    SITE_NO_LENGTH, /* HEAD does not say how long it is */
    SITE_SILENT,    /* no answer until the mood changes */
    SITE_MOODS,
};
#define SITE_RETRY_AFTER_S 5000

struct site;
struct site *site_start(void);
void site_stop(struct site *s);
/* A new resource; its number. */
unsigned site_add(struct site *s, uint64_t size);
/* Kept until the next call. */
const char *site_url(struct site *s, unsigned resource);
void site_set_mood(struct site *s, unsigned resource, enum site_mood mood);
/* Another content from now on. */
void site_change(struct site *s, unsigned resource, uint64_t size);
/* Is that file one version of the resource, whole: all of it, or these ranges of it? */
bool site_has_version(struct site *s, unsigned resource, const char *path,
                      const bcj2_file_range *ranges, uint32_t range_count);

#endif
