/* SPDX-License-Identifier: MIT */
/* One upload against a bcj2-server, packet by packet, on a connection of its own. Each call leaves
   the server's answer in .answer (freed by the next one). */
#ifndef BCJ2_TESTS_BITS_CLIENT_H
#define BCJ2_TESTS_BITS_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include "../support/raw_http.h"
#include "../support/servers.h"

struct bits {
    const struct test_server *server;
    int fd;
    const char *path;
    char session[64];   /* "" before Create */
    uint16_t host_port; /* in the Host field; 0: the server's */
    struct raw_answer answer;
};

struct bits bits_open(const struct test_server *server, const char *path);
void bits_close(struct bits *b);
void bits_reconnect(struct bits *b); /* a new connection, the same session */

/* One packet; extra: more header lines ("A: b\r\n") or "". Returns the status. */
unsigned bits_packet(struct bits *b, const char *packet, const char *extra);
unsigned bits_create(struct bits *b); /* 200 is asserted; the session is kept */
unsigned bits_fragment(struct bits *b, uint64_t first, const void *data, size_t length,
                       uint64_t total);
/* Only its head: the body and the answer are the test's. */
void bits_fragment_head(struct bits *b, const char *range, size_t length);
void bits_read(struct bits *b); /* an answer, into .answer */
/* BITS-Received-Content-Range; fails the test if there is none. */
uint64_t bits_offset(const struct bits *b);
/* BITS-Error-Code, 0 if there is none; BITS-Error must say the same. */
uint32_t bits_error(const struct bits *b);
/* BITS-Error-Context, 0 if there is none. */
uint32_t bits_context(const struct bits *b);
/* GET of an URL path, with more header lines. Returns the status. */
unsigned bits_get(struct bits *b, const char *path, const char *extra);

/* size bytes of a pattern, to free(). */
char *bits_pattern(size_t size);

#endif
