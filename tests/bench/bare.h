/* SPDX-License-Identifier: MIT */
/* The upload protocol with libcurl alone: what a program could do without the library, and so the upper
   bound that it is measured against. No state is kept anywhere, nothing is tried again, answers are
   believed. */
#ifndef BCJ2_BENCH_BARE_H
#define BCJ2_BENCH_BARE_H

#include <stdint.h>
#include <curl/curl.h>

#define BARE_FRAGMENT (UINT64_C(8) * 1024 * 1024)

/* One session, and the request of it that is under way. */
struct bare {
    CURL *easy;
    const char *url;
    int fd;               /* what is uploaded */
    uint64_t size;        /* of it */
    uint64_t offset, end; /* of the next byte to read, and of the fragment */
    uint64_t total;       /* acknowledged by the server */
    int sink;             /* where the reply goes */
    uint64_t received;
    char session[64], reply[512];
    struct curl_slist *lines;
};

/* easy is the caller's; its options are set by the functions below. */
void bare_begin(struct bare *b, CURL *easy, const char *url, int fd, uint64_t size, int sink);
/* Each sets the handle up for a request; the caller performs it and looks at the result. */
void bare_create(struct bare *b);
void bare_fragment(struct bare *b);
void bare_get(struct bare *b); /* the reply, whose URL came with the last fragment */
void bare_close(struct bare *b);
void bare_end(struct bare *b); /* easy stays */
/* The request that was performed had the answer it should have; else the process ends. */
void bare_answered(const struct bare *b, CURLcode result);

#endif
