/* SPDX-License-Identifier: MIT */
/* See bits_server.h. A thread a connection, one lock around everything they share. */
#include "bits_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX     16384
#define SESSIONS_MAX 64

struct session {
    bool open;
    uint8_t *data;
    uint64_t have;
};

struct connection {
    struct bits_server *server;
    struct connection *next;
    pthread_t thread;
    int fd; /* -1 once closed */
    char input[HEAD_MAX];
    size_t length; /* of input: a head and what came behind it */
};

struct bits_server {
    int listen_fd;
    char url[512];
    uint16_t port;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    struct connection *connections;
    struct session sessions[SESSIONS_MAX];
    unsigned session_count;
    uint8_t *reply;
    size_t reply_size;
    uint8_t *upload;
    size_t upload_size;
    bool holding[BITS_REQUESTS];
    unsigned held;
    int fail_status[BITS_REQUESTS];
    unsigned fail_times[BITS_REQUESTS], count[BITS_REQUESTS];
    char token[64]; /* "": none is asked for */
};

struct request {
    enum bits_request kind;
    unsigned session; /* 1 is the first; 0: none */
    uint64_t first, total, length;
    uint64_t range_first, range_end; /* of a GET; end 0: to the end */
    bool is_head, is_range, is_moved;
    char token[64]; /* "": none came */
    uint8_t *body;
};

/* ---- reading ---- */

static const char *field(const char *head, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') {
            return line + 2 + length + 1 + strspn(line + 2 + length + 1, " ");
        }
    }
    return NULL;
}

/* A whole number of a field, behind a text that it must begin with. */
static uint64_t field_number(const char *head, const char *name, const char *before)
{
    const char *value = field(head, name);
    if (value == NULL || strncasecmp(value, before, strlen(before)) != 0) {
        return 0;
    }
    return strtoull(value + strlen(before), NULL, 10);
}

static bool receive(int fd, void *to, size_t size, size_t *ret)
{
    ssize_t n = 0;
    do {
        n = recv(fd, to, size, 0);
    } while (n < 0 && errno == EINTR);
    *ret = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool read_body(struct connection *c, size_t head_length, struct request *r)
{
    size_t have = c->length - head_length, n = 0;
    r->body = malloc((size_t)r->length + 1);
    if (r->body == NULL || have > r->length) {
        return false; /* more than a request: nobody does that here */
    }
    memcpy(r->body, c->input + head_length, have);
    while (have < r->length) {
        if (!receive(c->fd, r->body + have, (size_t)r->length - have, &n)) {
            return false;
        }
        have += n;
    }
    c->length = 0;
    return true;
}

static enum bits_request kind_of(const char *head)
{
    static const char *const names[] = {"Ping", "Create-Session", "Fragment", "Close-Session",
                                        "Cancel-Session"};
    const char *value = field(head, "BITS-Packet-Type");
    for (size_t i = 0; value != NULL && i < sizeof names / sizeof names[0]; i++) {
        if (strncasecmp(value, names[i], strlen(names[i])) == 0) {
            return (enum bits_request)i;
        }
    }
    return BITS_GET;
}

static void read_range_end(const char *head, struct request *r)
{
    const char *range = field(head, "Range"), *dash = range == NULL ? NULL : strchr(range, '-');
    if (dash != NULL && dash[1] >= '0' && dash[1] <= '9') {
        r->range_end = strtoull(dash + 1, NULL, 10) + 1;
    }
}

static bool read_request(struct connection *c, struct request *r)
{
    const char *end = NULL;
    size_t n = 0;
    c->input[c->length] = '\0';
    while ((end = strstr(c->input, "\r\n\r\n")) == NULL) {
        if (c->length == sizeof c->input - 1 ||
            !receive(c->fd, c->input + c->length, sizeof c->input - 1 - c->length, &n)) {
            return false;
        }
        c->length += n;
        c->input[c->length] = '\0';
    }
    const char *range = field(c->input, "Content-Range"), *slash = NULL;
    *r = (struct request){
        .kind = kind_of(c->input),
        .session = (unsigned)field_number(c->input, "BITS-Session-Id", "session-"),
        .first = field_number(c->input, "Content-Range", "bytes "),
        .length = field_number(c->input, "Content-Length", ""),
        .range_first = field_number(c->input, "Range", "bytes="),
        .is_head = strncmp(c->input, "HEAD ", 5) == 0,
        .is_range = field(c->input, "Range") != NULL,
        .is_moved = strstr(c->input, " /moved HTTP/") != NULL,
    };
    read_range_end(c->input, r);
    const char *token = field(c->input, "X-Token");
    if (token != NULL) {
        (void)snprintf(r->token, sizeof r->token, "%.*s", (int)strcspn(token, "\r\n"), token);
    }
    if (range != NULL && (slash = strchr(range, '/')) != NULL) {
        r->total = strtoull(slash + 1, NULL, 10);
    }
    return read_body(c, (size_t)(end - c->input) + 4, r);
}

/* ---- answering; with the lock ---- */

struct answer {
    char head[1024];
    const uint8_t *body;
    size_t body_size;
};

__attribute__((format(printf, 2, 3))) static void head(struct answer *a, const char *format, ...)
{
    size_t length = strlen(a->head);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(a->head + length, sizeof a->head - length, format, args);
    va_end(args);
}

static void ack(struct answer *a, int status)
{
    head(a, "HTTP/1.1 %d x\r\nBITS-Packet-Type: Ack\r\nContent-Length: 0\r\n", status);
}

static void answer_create(struct bits_server *s, struct answer *a)
{
    if (s->session_count == SESSIONS_MAX) {
        ack(a, 403);
        return;
    }
    s->sessions[s->session_count++].open = true;
    ack(a, 200);
    head(a,
         "BITS-Protocol: {7df0354d-249b-430f-820d-3d2a9bef4931}\r\nAccept-Encoding: identity\r\n"
         "BITS-Session-Id: session-%u\r\n",
         s->session_count);
}

static void take_fragment(struct session *session, const struct request *r)
{
    if (r->first > session->have || r->first + r->length <= session->have) {
        return; /* a gap, or all of it is there */
    }
    uint8_t *data = realloc(session->data, (size_t)(r->first + r->length));
    if (data == NULL) {
        abort();
    }
    memcpy(data + r->first, r->body, (size_t)r->length);
    session->data = data;
    session->have = r->first + r->length;
}

static void answer_fragment(struct bits_server *s, struct session *session, const struct request *r,
                            struct answer *a)
{
    bool gap = r->first > session->have;
    take_fragment(session, r);
    ack(a, gap ? 416 : 200);
    head(a, "BITS-Received-Content-Range: %llu\r\n", (unsigned long long)session->have);
    if (session->have != r->total) {
        return;
    }
    free(s->upload);
    s->upload = malloc((size_t)r->total + 1);
    s->upload_size = (size_t)r->total;
    if (s->upload == NULL) {
        abort();
    }
    if (r->total > 0) {
        memcpy(s->upload, session->data, s->upload_size);
    }
    if (s->reply != NULL) {
        head(a, "BITS-Reply-URL: /reply\r\n");
    }
}

static void answer_get(struct bits_server *s, const struct request *r, struct answer *a)
{
    if (r->is_moved) {
        head(a, "HTTP/1.1 302 x\r\nLocation: /reply\r\nContent-Length: 0\r\n");
        return;
    }
    if (s->reply == NULL || r->range_first > s->reply_size) {
        ack(a, s->reply == NULL ? 404 : 416);
        return;
    }
    size_t end =
        r->range_end == 0 || r->range_end > s->reply_size ? s->reply_size : (size_t)r->range_end;
    size_t size = end - (size_t)r->range_first;
    bool part = r->is_range && size > 0;
    head(a, "HTTP/1.1 %d x\r\nETag: \"reply\"\r\nAccept-Ranges: bytes\r\nContent-Length: %zu\r\n",
         part ? 206 : 200, size);
    if (part) {
        head(a, "Content-Range: bytes %llu-%zu/%zu\r\n", (unsigned long long)r->range_first,
             end - 1, s->reply_size);
    }
    if (!r->is_head) {
        a->body = s->reply + r->range_first;
        a->body_size = size;
    }
}

static struct session *session_of(struct bits_server *s, const struct request *r)
{
    struct session *session =
        r->session == 0 || r->session > s->session_count ? NULL : &s->sessions[r->session - 1];
    return session != NULL && session->open ? session : NULL;
}

static void answer(struct bits_server *s, const struct request *r, struct answer *a)
{
    struct session *session = session_of(s, r);
    bool wants_session =
        r->kind == BITS_FRAGMENT || r->kind == BITS_CLOSE || r->kind == BITS_CANCEL;
    if (s->token[0] != '\0' && strcmp(r->token, s->token) != 0) {
        ack(a, 401);
        head(a, "\r\n");
        return;
    }
    if (s->fail_times[r->kind] > 0) {
        s->fail_times[r->kind]--;
        ack(a, s->fail_status[r->kind]);
    } else if (wants_session && session == NULL) {
        ack(a, 500);
        head(a, "BITS-Error-Code: 0x8020001f\r\nBITS-Error-Context: 0x5\r\n");
    } else if (r->kind == BITS_CREATE) {
        answer_create(s, a);
    } else if (r->kind == BITS_FRAGMENT) {
        answer_fragment(s, session, r, a);
    } else if (r->kind == BITS_GET) {
        answer_get(s, r, a);
    } else {
        ack(a, 200);
        if (session != NULL) {
            session->open = false;
        }
    }
    head(a, "\r\n");
    s->count[r->kind]++;
}

/* ---- connections ---- */

static bool say(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

static bool serve_one(struct connection *c)
{
    struct bits_server *s = c->server;
    struct request r = {0};
    struct answer a = {0};
    uint8_t *body = NULL;
    bool ok = read_request(c, &r);
    if (ok) {
        pthread_mutex_lock(&s->lock);
        bool held = s->holding[r.kind];
        s->held += held;
        pthread_cond_broadcast(&s->changed);
        while (s->holding[r.kind] && !s->stopping) {
            pthread_cond_wait(&s->changed, &s->lock);
        }
        s->held -= held;
        answer(s, &r, &a);
        if (a.body_size > 0) { /* a copy: the reply may be changed while it is sent */
            body = malloc(a.body_size);
            if (body == NULL) {
                abort();
            }
            memcpy(body, a.body, a.body_size);
        }
        pthread_mutex_unlock(&s->lock);
        ok = say(c->fd, a.head, strlen(a.head)) && say(c->fd, body, a.body_size);
    }
    free(body);
    free(r.body);
    return ok;
}

static void *run_connection(void *argument)
{
    struct connection *c = argument;
    while (serve_one(c)) {
    }
    pthread_mutex_lock(&c->server->lock);
    (void)close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&c->server->lock);
    return NULL;
}

static void *run_acceptor(void *argument)
{
    struct bits_server *s = argument;
    for (;;) {
        int fd = accept(s->listen_fd, NULL, NULL);
        if (fd < 0 && errno == EINTR) {
            continue;
        }
        pthread_mutex_lock(&s->lock);
        struct connection *c = s->stopping || fd < 0 ? NULL : calloc(1, sizeof *c);
        if (c != NULL) {
            int yes = 1; /* head and body go out as they are written */
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            c->server = s;
            c->fd = fd;
        }
        if (c == NULL || pthread_create(&c->thread, NULL, run_connection, c) != 0) {
            free(c);
            (void)close(fd);
            pthread_mutex_unlock(&s->lock);
            return NULL;
        }
        c->next = s->connections;
        s->connections = c;
        pthread_mutex_unlock(&s->lock);
    }
}

/* ---- the test's side ---- */

struct bits_server *bits_server_start(void)
{
    struct bits_server *s = calloc(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
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
static void wake_acceptor(const struct bits_server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(s->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)connect(fd, (struct sockaddr *)&address, sizeof address);
    (void)close(fd);
}

void bits_server_stop(struct bits_server *s)
{
    if (s == NULL) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->changed);
    for (struct connection *c = s->connections; c != NULL; c = c->next) {
        if (c->fd >= 0) {
            (void)shutdown(c->fd, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&s->lock);
    wake_acceptor(s);
    (void)pthread_join(s->acceptor, NULL);
    while (s->connections != NULL) {
        struct connection *c = s->connections;
        s->connections = c->next;
        (void)pthread_join(c->thread, NULL);
        free(c);
    }
    (void)close(s->listen_fd);
    for (unsigned i = 0; i < s->session_count; i++) {
        free(s->sessions[i].data);
    }
    free(s->reply);
    free(s->upload);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *bits_server_url(struct bits_server *s, const char *path)
{
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u%s", s->port, path);
    return s->url;
}

void bits_server_set_reply(struct bits_server *s, const void *reply, size_t size)
{
    pthread_mutex_lock(&s->lock);
    free(s->reply);
    s->reply = reply == NULL ? NULL : malloc(size + 1);
    s->reply_size = size;
    if (s->reply != NULL && size > 0) {
        memcpy(s->reply, reply, size);
    }
    pthread_mutex_unlock(&s->lock);
}

void bits_server_hold(struct bits_server *s, enum bits_request kind)
{
    pthread_mutex_lock(&s->lock);
    s->holding[kind] = true;
    pthread_mutex_unlock(&s->lock);
}

bool bits_server_wait_held(struct bits_server *s)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 10;
    pthread_mutex_lock(&s->lock);
    while (s->held == 0 && pthread_cond_timedwait(&s->changed, &s->lock, &deadline) == 0) {
    }
    bool there = s->held > 0;
    pthread_mutex_unlock(&s->lock);
    return there;
}

void bits_server_release(struct bits_server *s)
{
    pthread_mutex_lock(&s->lock);
    memset(s->holding, 0, sizeof s->holding);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void bits_server_ask_token(struct bits_server *s, const char *token)
{
    pthread_mutex_lock(&s->lock);
    (void)snprintf(s->token, sizeof s->token, "%s", token);
    pthread_mutex_unlock(&s->lock);
}

void bits_server_fail(struct bits_server *s, enum bits_request kind, int status, unsigned times)
{
    pthread_mutex_lock(&s->lock);
    s->fail_status[kind] = status;
    s->fail_times[kind] = times;
    pthread_mutex_unlock(&s->lock);
}

unsigned bits_server_count(struct bits_server *s, enum bits_request kind)
{
    pthread_mutex_lock(&s->lock);
    unsigned count = s->count[kind];
    pthread_mutex_unlock(&s->lock);
    return count;
}

uint8_t *bits_server_upload(struct bits_server *s, size_t *ret_size)
{
    pthread_mutex_lock(&s->lock);
    uint8_t *copy = s->upload == NULL ? NULL : malloc(s->upload_size + 1);
    if (copy != NULL) {
        memcpy(copy, s->upload, s->upload_size);
        *ret_size = s->upload_size;
    }
    pthread_mutex_unlock(&s->lock);
    return copy;
}
