/* SPDX-License-Identifier: MIT */
/* An HTTP client for tests that sends exactly the bytes it is given and reads one answer. Whatever
   goes wrong on the way fails the test, unless a function says otherwise. */
#ifndef BCJ2_TESTS_RAW_HTTP_H
#define BCJ2_TESTS_RAW_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raw_answer {
    unsigned status; /* 0: the connection ended without an answer */
    char *head;      /* from the status line to the empty line */
    char *body;      /* NUL behind it */
    size_t body_length;
};

int raw_open(uint16_t port); /* loopback; gives up on an answer after 20 s */
void raw_close(int fd);
void raw_send(int fd, const void *data, size_t length);
void raw_text(int fd, const char *text);
/* False: the other side closed meanwhile. */
bool raw_try_send(int fd, const void *data, size_t length);
/* One answer: its body by Content-Length, chunked, or up to the end of the connection. */
void raw_read(int fd, bool has_body, struct raw_answer *ret);
void raw_free(struct raw_answer *answer);
/* Does the other side close now, without a further byte? */
bool raw_closed(int fd);

/* The value of a header field, or NULL; lives until the next call. */
const char *raw_field(const struct raw_answer *answer, const char *name);
/* Opens, sends, reads, closes. */
struct raw_answer raw_ask(uint16_t port, const char *text, size_t length);

#endif
