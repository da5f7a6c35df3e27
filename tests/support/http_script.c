/* SPDX-License-Identifier: MIT */
/* See http_script.h. */
#include "http_script.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256

struct connection {
    struct http_script *script;
    const struct http_step *steps;
    pthread_t thread;
    int fd;        /* -1 once closed; under the script's lock */
    char *data;    /* what came; under the script's lock */
    size_t length; /* under the script's lock */
    size_t capacity;
    size_t consumed; /* bytes of data that steps have used */
};

struct http_script {
    const struct http_step *const *lists;
    size_t list_count;
    int listen_fd;
    uint16_t port;
    char url[512];
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool released, stopping;
    size_t count;
    struct connection connections[CONNECTIONS_MAX];
};

/* Reads what there is, waiting for something; false: the client closed, or broke. */
static bool receive(struct connection *c)
{
    char piece[65536];
    ssize_t n = recv(c->fd, piece, sizeof piece, 0);
    if (n <= 0) {
        return false;
    }
    pthread_mutex_lock(&c->script->lock);
    if (c->length + (size_t)n + 1 > c->capacity) {
        c->capacity = 2 * (c->length + (size_t)n + 1);
        c->data = realloc(c->data, c->capacity);
        if (c->data == NULL) {
            abort();
        }
    }
    memcpy(c->data + c->length, piece, (size_t)n);
    c->length += (size_t)n;
    c->data[c->length] = '\0';
    pthread_cond_broadcast(&c->script->changed);
    pthread_mutex_unlock(&c->script->lock);
    return true;
}

static bool ask_bytes(struct connection *c, uint64_t count)
{
    while (c->length - c->consumed < count) {
        if (!receive(c)) {
            return false;
        }
    }
    c->consumed += (size_t)count;
    return true;
}

/* Up to and with the blank line; *ret_body: the Content-Length. Bytes of a body may have NULs, but
   only behind the blank line. */
static bool ask_head(struct connection *c, uint64_t *ret_body)
{
    const char *end = NULL;
    while (c->length == c->consumed || (end = strstr(c->data + c->consumed, "\r\n\r\n")) == NULL) {
        if (!receive(c)) {
            return false;
        }
    }
    *ret_body = 0;
    for (const char *p = c->data + c->consumed; p < end; p++) {
        if (strncasecmp(p, "\r\nContent-Length:", 17) == 0) {
            *ret_body = strtoull(p + 17, NULL, 10);
        }
    }
    c->consumed = (size_t)(end - c->data) + 4;
    return true;
}

static bool say(struct connection *c, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = send(c->fd, text, length, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        text += n;
        length -= (size_t)n;
    }
    return true;
}

static bool dribble(struct connection *c, const struct http_step *step)
{
    struct timespec pause = {.tv_sec = (time_t)(step->count / 1000),
                             .tv_nsec = (long)(step->count % 1000) * 1000000};
    for (const char *p = step->text; *p != '\0'; p++) {
        if (!say(c, p, 1)) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

/* What comes meanwhile stays in the socket: the client's side fills up and stalls. */
static bool hold(struct connection *c)
{
    struct http_script *s = c->script;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        bool over = s->released || s->stopping;
        pthread_mutex_unlock(&s->lock);
        if (over) {
            return true;
        }
        struct pollfd p = {.fd = c->fd};
        if (poll(&p, 1, 5) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0) {
            return false;
        }
        char byte;
        if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
            return false;
        }
    }
}

static void reset(struct connection *c)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* False: the list is at its end, or the connection is. */
static bool run_step(struct connection *c, const struct http_step *step)
{
    uint64_t body = 0;
    switch (step->what) {
    case HTTP_ASK:
        return ask_head(c, &body) && ask_bytes(c, body);
    case HTTP_ASK_HEAD:
        return ask_head(c, &body);
    case HTTP_ASK_BYTES:
        return ask_bytes(c, step->count);
    case HTTP_SAY:
        for (uint64_t i = 0; i < step->count; i++) {
            if (!say(c, step->text, strlen(step->text))) {
                return false;
            }
        }
        return true;
    case HTTP_DRIBBLE:
        return dribble(c, step);
    case HTTP_HOLD:
        return hold(c);
    case HTTP_RESET:
        reset(c);
        return false;
    case HTTP_AGAIN:
        return true;
    case HTTP_END:
        break;
    }
    return false;
}

static void *run_connection(void *argument)
{
    struct connection *c = argument;
    const struct http_step *step = c->steps;
    while (run_step(c, step)) {
        step = step->what == HTTP_AGAIN ? c->steps : step + 1;
    }
    pthread_mutex_lock(&c->script->lock);
    (void)close(c->fd);
    c->fd = -1;
    pthread_cond_broadcast(&c->script->changed);
    pthread_mutex_unlock(&c->script->lock);
    return NULL;
}

static void *run_acceptor(void *argument)
{
    struct http_script *s = argument;
    for (;;) {
        int fd = accept(s->listen_fd, NULL, NULL);
        if (fd < 0 && errno == EINTR) {
            continue;
        }
        pthread_mutex_lock(&s->lock);
        if (fd < 0 || s->stopping || s->count == CONNECTIONS_MAX) {
            pthread_mutex_unlock(&s->lock);
            if (fd >= 0) {
                (void)close(fd);
            }
            return NULL;
        }
        size_t k = s->count < s->list_count ? s->count : s->list_count - 1;
        struct connection *c = &s->connections[s->count];
        *c = (struct connection){.script = s, .steps = s->lists[k], .fd = fd};
        if (pthread_create(&c->thread, NULL, run_connection, c) == 0) {
            s->count++;
        } else {
            (void)close(fd);
        }
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->lock);
    }
}

struct http_script *http_script_start(const struct http_step *const *lists, size_t count)
{
    struct http_script *s = calloc(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
    s->lists = lists;
    s->list_count = count;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    s->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(s->listen_fd, 0);
    ck_assert_int_eq(bind(s->listen_fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(s->listen_fd, 128), 0);
    ck_assert_int_eq(getsockname(s->listen_fd, (struct sockaddr *)&address, &length), 0);
    s->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_mutex_init(&s->lock, NULL), 0);
    ck_assert_int_eq(pthread_cond_init(&s->changed, NULL), 0);
    ck_assert_int_eq(pthread_create(&s->acceptor, NULL, run_acceptor, s), 0);
    return s;
}

/* A connection to ourselves ends the wait in accept() on every system; shutdown() does not. */
static void wake_acceptor(const struct http_script *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(s->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)connect(fd, (struct sockaddr *)&address, sizeof address);
    (void)close(fd);
}

void http_script_stop(struct http_script *s)
{
    if (s == NULL) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    for (size_t i = 0; i < s->count; i++) {
        if (s->connections[i].fd >= 0) {
            (void)shutdown(s->connections[i].fd, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&s->lock);
    wake_acceptor(s);
    (void)pthread_join(s->acceptor, NULL);
    for (size_t i = 0; i < s->count; i++) {
        (void)pthread_join(s->connections[i].thread, NULL);
        free(s->connections[i].data);
    }
    (void)close(s->listen_fd);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

uint16_t http_script_port(const struct http_script *s)
{
    return s->port;
}

const char *http_script_url(struct http_script *s, const char *path)
{
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u%s", s->port, path);
    return s->url;
}

void http_script_release(struct http_script *s)
{
    pthread_mutex_lock(&s->lock);
    s->released = true;
    pthread_mutex_unlock(&s->lock);
}

size_t http_script_connections(struct http_script *s)
{
    pthread_mutex_lock(&s->lock);
    size_t count = s->count;
    pthread_mutex_unlock(&s->lock);
    return count;
}

char *http_script_received(struct http_script *s, size_t k, size_t *ret_length)
{
    pthread_mutex_lock(&s->lock);
    size_t length = k < s->count ? s->connections[k].length : 0;
    char *copy = calloc(1, length + 1);
    if (copy != NULL && length > 0) {
        memcpy(copy, s->connections[k].data, length);
    }
    pthread_mutex_unlock(&s->lock);
    ck_assert_ptr_nonnull(copy);
    if (ret_length != NULL) {
        *ret_length = length;
    }
    return copy;
}

/* Until connection k got that many bytes, or is closed. */
static bool wait_for(struct http_script *s, size_t k, size_t bytes, bool closed)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 10;
    bool there = false;
    pthread_mutex_lock(&s->lock);
    for (int waited = 0; waited == 0;) {
        const struct connection *c = &s->connections[k];
        there = k < s->count && (closed ? c->fd < 0 : c->length >= bytes);
        if (there) {
            break;
        }
        waited = pthread_cond_timedwait(&s->changed, &s->lock, &deadline);
    }
    pthread_mutex_unlock(&s->lock);
    return there;
}

bool http_script_wait_received(struct http_script *s, size_t k, size_t bytes)
{
    return wait_for(s, k, bytes, false);
}

bool http_script_wait_closed(struct http_script *s, size_t k)
{
    return wait_for(s, k, 0, true);
}
