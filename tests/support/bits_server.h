/* SPDX-License-Identifier: MIT */
/* A small upload-reply server inside the test's process: real enough for a whole job (sessions,
   fragments, reply with ranges, goodbyes), and it can be told to hold an answer back or to fail. Not
   here: what bcj2-server is tested for; bytes that no server would send (http_script.h). It uses
   none of the library's own floors, so faults that a test puts into those do not hit it. */
#ifndef BCJ2_TESTS_BITS_SERVER_H
#define BCJ2_TESTS_BITS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bits_server;

enum bits_request {
    BITS_PING,
    BITS_CREATE,
    BITS_FRAGMENT,
    BITS_CLOSE,
    BITS_CANCEL,
    BITS_GET, /* the reply, or its head; "/moved" is a redirect to it */
    BITS_REQUESTS,
};

/* On a free loopback port. Fails the test itself if no server can be made. */
struct bits_server *bits_server_start(void);
void bits_server_stop(struct bits_server *s); /* NULL is fine */
/* "http://127.0.0.1:PORT" and path; kept until the next call for this server. */
const char *bits_server_url(struct bits_server *s, const char *path);

/* What uploads are answered with; copied. NULL (from the start): no reply. */
void bits_server_set_reply(struct bits_server *s, const void *reply, size_t size);

/* Requests of this kind wait for their answer until released (or the server stops). */
void bits_server_hold(struct bits_server *s, enum bits_request kind);
/* Until a request waits there; false: not within 10 s. */
bool bits_server_wait_held(struct bits_server *s);
void bits_server_release(struct bits_server *s);

/* The next `times` requests of this kind are answered with that HTTP status. */
void bits_server_fail(struct bits_server *s, enum bits_request kind, int status, unsigned times);

/* From now on a request without the field "X-Token: token" is answered 401, and not counted. */
void bits_server_ask_token(struct bits_server *s, const char *token);

unsigned bits_server_count(struct bits_server *s, enum bits_request kind); /* answered so far */
/* The last file that came whole: a copy to free(), NULL if none did. */
uint8_t *bits_server_upload(struct bits_server *s, size_t *ret_size);

#endif
