/* SPDX-License-Identifier: MIT */
/* See raw_http.h. */
#include "raw_http.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define HEAD_MAX   65536
#define PATIENCE_S 20

int raw_open(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void raw_close(int fd)
{
    (void)close(fd);
}

bool raw_try_send(int fd, const void *data, size_t length)
{
    const char *p = data;
    while (length > 0) {
        ssize_t n = send(fd, p, length, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        p += n;
        length -= (size_t)n;
    }
    return true;
}

void raw_send(int fd, const void *data, size_t length)
{
    ck_assert_msg(raw_try_send(fd, data, length), "the server closed: %s", strerror(errno));
}

void raw_text(int fd, const char *text)
{
    raw_send(fd, text, strlen(text));
}

/* One byte at a time: nothing behind the head is taken. False: the connection ended. */
static bool read_head(int fd, struct raw_answer *ret)
{
    size_t length = 0;
    ret->head = calloc(1, HEAD_MAX);
    ck_assert_ptr_nonnull(ret->head);
    while (length < 4 || memcmp(ret->head + length - 4, "\r\n\r\n", 4) != 0) {
        ck_assert_uint_lt(length, HEAD_MAX - 1);
        ssize_t n = recv(fd, ret->head + length, 1, 0);
        ck_assert_msg(n >= 0 || errno == ECONNRESET, "no answer: %s", strerror(errno));
        if (n <= 0) {
            return false;
        }
        length++;
    }
    return true;
}

/* Up to length bytes; fewer only at the end of the connection. */
static void read_bytes(int fd, size_t length, struct raw_answer *ret)
{
    ret->body = realloc(ret->body, ret->body_length + length + 1);
    ck_assert_ptr_nonnull(ret->body);
    while (length > 0) {
        ssize_t n = recv(fd, ret->body + ret->body_length, length, 0);
        ck_assert_msg(n >= 0, "the body does not come: %s", strerror(errno));
        if (n == 0) {
            break;
        }
        ret->body_length += (size_t)n;
        length -= (size_t)n;
    }
    ret->body[ret->body_length] = '\0';
}

static void read_chunks(int fd, struct raw_answer *ret)
{
    for (;;) {
        char line[32] = "";
        for (size_t i = 0; i < sizeof line - 1 && strchr(line, '\n') == NULL; i++) {
            ck_assert_int_eq(recv(fd, line + i, 1, 0), 1);
        }
        size_t size = strtoul(line, NULL, 16), before = ret->body_length;
        read_bytes(fd, size + 2, ret);
        ck_assert_uint_eq(ret->body_length, before + size + 2);
        ret->body_length -= 2; /* the chunk's line end */
        ret->body[ret->body_length] = '\0';
        if (size == 0) {
            return;
        }
    }
}

void raw_read(int fd, bool has_body, struct raw_answer *ret)
{
    *ret = (struct raw_answer){0};
    read_bytes(fd, 0, ret);
    if (!read_head(fd, ret)) {
        return;
    }
    ck_assert_int_eq(sscanf(ret->head, "HTTP/1.1 %u", &ret->status), 1);
    const char *coding = raw_field(ret, "Transfer-Encoding");
    bool chunked = coding != NULL && strcasecmp(coding, "chunked") == 0;
    const char *length = raw_field(ret, "Content-Length");
    if (!has_body || ret->status == 304) {
        return;
    }
    if (chunked) {
        read_chunks(fd, ret);
    } else if (length != NULL) {
        size_t expected = strtoul(length, NULL, 10);
        read_bytes(fd, expected, ret);
        ck_assert_uint_eq(ret->body_length, expected);
    } else {
        size_t before = 0;
        do {
            before = ret->body_length;
            read_bytes(fd, 65536, ret);
        } while (ret->body_length > before);
    }
}

void raw_free(struct raw_answer *answer)
{
    free(answer->head);
    free(answer->body);
    *answer = (struct raw_answer){0};
}

bool raw_closed(int fd)
{
    char byte = 0;
    ssize_t n = recv(fd, &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

const char *raw_field(const struct raw_answer *answer, const char *name)
{
    static char value[HEAD_MAX];
    size_t length = strlen(name);
    for (const char *line = strstr(answer->head, "\r\n"); line != NULL;
         line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            line += length + 1;
            line += strspn(line, " ");
            size_t n = strcspn(line, "\r");
            memcpy(value, line, n);
            value[n] = '\0';
            return value;
        }
    }
    return NULL;
}

struct raw_answer raw_ask(uint16_t port, const char *text, size_t length)
{
    struct raw_answer answer;
    int fd = raw_open(port);
    (void)raw_try_send(fd, text, length);
    raw_read(fd, strncmp(text, "HEAD ", 5) != 0, &answer);
    raw_close(fd);
    return answer;
}
