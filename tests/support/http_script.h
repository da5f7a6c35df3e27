/* SPDX-License-Identifier: MIT */
/* A server that follows a script, byte for byte, on a loopback port: what no real server does. Each
   connection runs the steps of its own list in its own thread; what came is kept exactly. Not here:
   HTTP beyond finding the end of a request; faults on the way to a real server (fault_proxy.h). */
#ifndef BCJ2_TESTS_HTTP_SCRIPT_H
#define BCJ2_TESTS_HTTP_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_do {
    HTTP_END,      /* end of the list: the connection is closed (FIN) */
    HTTP_ASK,      /* reads one request: a head, and a body of its Content-Length */
    HTTP_ASK_HEAD, /* reads up to the end of a head and nothing behind it */
    HTTP_ASK_BYTES,
    HTTP_SAY,     /* sends text, count times */
    HTTP_DRIBBLE, /* sends text byte by byte, count milliseconds apart */
    HTTP_HOLD,    /* waits for http_script_release(), or that the client closes */
    HTTP_RESET,   /* closes with RST */
    HTTP_AGAIN,   /* goes on with the first step; ends when the client closes */
};

struct http_step {
    enum http_do what;
    const char *text;
    uint64_t count;
};

#define ASK              \
    {                    \
        .what = HTTP_ASK \
    }
#define ASK_HEAD              \
    {                         \
        .what = HTTP_ASK_HEAD \
    }
#define ASK_BYTES(n)                         \
    {                                        \
        .what = HTTP_ASK_BYTES, .count = (n) \
    }
#define SAY(t)                                    \
    {                                             \
        .what = HTTP_SAY, .text = (t), .count = 1 \
    }
#define SAY_N(t, n)                                 \
    {                                               \
        .what = HTTP_SAY, .text = (t), .count = (n) \
    }
#define DRIBBLE(t, m)                                   \
    {                                                   \
        .what = HTTP_DRIBBLE, .text = (t), .count = (m) \
    }
#define HOLD              \
    {                     \
        .what = HTTP_HOLD \
    }
#define RESET              \
    {                      \
        .what = HTTP_RESET \
    }
#define AGAIN              \
    {                      \
        .what = HTTP_AGAIN \
    }
#define END              \
    {                    \
        .what = HTTP_END \
    }

struct http_script;

/* Connection k follows lists[k], those beyond the last follow the last. The lists are borrowed.
   Fails the test itself if no server can be made. */
struct http_script *http_script_start(const struct http_step *const *lists, size_t count);
/* Ends all connections and threads; NULL is fine. */
void http_script_stop(struct http_script *s);

uint16_t http_script_port(const struct http_script *s);
/* "http://127.0.0.1:PORT" and path; kept until the next call for this server. */
const char *http_script_url(struct http_script *s, const char *path);
void http_script_release(struct http_script *s);       /* lets every HOLD, now and later, go on */
size_t http_script_connections(struct http_script *s); /* accepted so far */
/* What connection k got so far, NUL-terminated: a copy to free(); "" if there is no such one. */
char *http_script_received(struct http_script *s, size_t k, size_t *ret_length);
/* Waits until connection k got that many bytes; false: not within 10 s. */
bool http_script_wait_received(struct http_script *s, size_t k, size_t bytes);
/* Waits until connection k is closed on this side; false: not within 10 s. */
bool http_script_wait_closed(struct http_script *s, size_t k);

#endif
