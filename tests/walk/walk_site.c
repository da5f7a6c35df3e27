/* SPDX-License-Identifier: MIT */
/* See walk_site.h. A thread a connection, one lock around everything they share. */
#include "walk_site.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VERSIONS 256
#define HEAD_MAX 8192
#define PEERS    1024

struct resource {
    enum site_mood mood;
    unsigned versions;
    uint64_t size[VERSIONS];
};

struct site {
    int listen_fd;
    uint16_t port;
    char url[64];
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    unsigned count;
    struct resource resources[SITE_RESOURCES];
    int fds[PEERS]; /* -1: free */
    unsigned live;
};

struct peer {
    struct site *site;
    unsigned slot;
    int fd;
};

static uint8_t content(unsigned resource, unsigned version, uint64_t at)
{
    uint64_t n = (at + 1) * UINT64_C(0x9E3779B97F4A7C15) + resource * UINT64_C(7919) +
                 version * UINT64_C(104729);
    n ^= n >> 29;
    n *= UINT64_C(0xBF58476D1CE4E5B9);
    return (uint8_t)(n >> 56);
}

static bool say(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

static bool ask(int fd, char head[HEAD_MAX])
{
    size_t length = 0;
    for (;;) {
        ssize_t n = recv(fd, head + length, HEAD_MAX - 1 - length, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0 || length + (size_t)n == HEAD_MAX - 1) {
            return false;
        }
        length += (size_t)n;
        head[length] = '\0';
        if (strstr(head, "\r\n\r\n") != NULL) { /* requests without bodies, one at a time */
            return true;
        }
    }
}

static const char *field(const char *head, const char *name)
{
    const char *at = strstr(head, name);
    return at == NULL ? NULL : at + strlen(name);
}

static void reset(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

struct asked {
    unsigned resource, version;
    uint64_t size, first, last; /* last: behind the last byte */
    bool is_head, is_range, has_length;
    enum site_mood mood;
};

/* What is asked, as things are now; waits while the resource is silent. False: no such one, or the end. */
static bool look(struct site *s, const char *head, struct asked *a)
{
    char etag[64];
    const char *path = strchr(head, '/'), *range = field(head, "\r\nRange: bytes=");
    const char *when = field(head, "\r\nIf-Range: ");
    *a = (struct asked){.is_head = strncmp(head, "HEAD", 4) == 0, .has_length = true};
    if (path == NULL || sscanf(path, "/%u ", &a->resource) != 1) {
        return false;
    }
    (void)pthread_mutex_lock(&s->lock);
    struct resource *r = &s->resources[a->resource];
    while (r->mood == SITE_SILENT && !s->stopping) {
        (void)pthread_cond_wait(&s->changed, &s->lock);
    }
    a->mood = r->mood;
    a->version = r->versions - 1;
    a->size = a->last = r->size[a->version];
    bool goes_on = !s->stopping;
    (void)pthread_mutex_unlock(&s->lock);
    (void)snprintf(etag, sizeof etag, "\"%u-%u\"", a->resource, a->version);
    if (range != NULL && a->mood != SITE_NO_RANGES &&
        (when == NULL || strncmp(when, etag, strlen(etag)) == 0)) {
        char *end = NULL;
        a->is_range = true;
        a->first = strtoull(range, &end, 10);
        if (*end == '-' && end[1] >= '0' && end[1] <= '9') {
            uint64_t last = strtoull(end + 1, NULL, 10) + 1;
            a->last = last < a->size ? last : a->size;
        }
    }
    a->has_length = !(a->mood == SITE_NO_LENGTH && a->is_head);
    return goes_on;
}

static bool say_body(int fd, const struct asked *a)
{
    uint8_t piece[16384];
    uint64_t end = a->mood == SITE_CUT ? a->first + (a->last - a->first) / 2 : a->last;
    for (uint64_t at = a->first; at < end;) {
        size_t n = 0;
        while (n < sizeof piece && at < end) {
            piece[n++] = content(a->resource, a->version, at++);
        }
        if (!say(fd, piece, n)) {
            return false;
        }
    }
    return end == a->last;
}

static bool answer(int fd, const struct asked *a)
{
    static const char *const refusals[SITE_MOODS] = {
        [SITE_MISSING] = "404 x\r\n",
        [SITE_BUSY] = "503 x\r\n",
        [SITE_BUSY_LONG] = "503 x\r\nRetry-After: 5000\r\n",
    };
    char head[512];
    if (a->mood == SITE_RESET) {
        reset(fd);
        return false;
    }
    int n = 0;
    bool unsatisfiable = a->is_range && a->first >= a->size;
    if (refusals[a->mood] != NULL) {
        n = snprintf(head, sizeof head, "HTTP/1.1 %sContent-Length: 0\r\n\r\n", refusals[a->mood]);
    } else if (unsatisfiable) {
        n = snprintf(head, sizeof head,
                     "HTTP/1.1 416 x\r\nContent-Range: bytes */%llu\r\nContent-Length: 0\r\n\r\n",
                     (unsigned long long)a->size);
    } else {
        n = snprintf(head, sizeof head, "HTTP/1.1 %d x\r\nETag: \"%u-%u\"\r\n",
                     a->is_range ? 206 : 200, a->resource, a->version);
        if (a->has_length) {
            n += snprintf(head + n, sizeof head - (size_t)n, "Content-Length: %llu\r\n",
                          (unsigned long long)(a->last - a->first));
        }
        if (a->is_range) {
            n += snprintf(head + n, sizeof head - (size_t)n,
                          "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)a->first,
                          (unsigned long long)a->last - 1, (unsigned long long)a->size);
        }
        n += snprintf(head + n, sizeof head - (size_t)n, "\r\n");
    }
    bool body = !a->is_head && refusals[a->mood] == NULL && !unsatisfiable;
    return say(fd, head, (size_t)n) && (!body || say_body(fd, a));
}

static void *serve(void *argument)
{
    struct peer p = *(struct peer *)argument;
    char head[HEAD_MAX];
    struct asked a;
    free(argument);
    while (ask(p.fd, head) && look(p.site, head, &a) && answer(p.fd, &a)) {
    }
    (void)pthread_mutex_lock(&p.site->lock);
    p.site->fds[p.slot] = -1;
    p.site->live--;
    (void)close(p.fd);
    (void)pthread_cond_broadcast(&p.site->changed);
    (void)pthread_mutex_unlock(&p.site->lock);
    return NULL;
}

/* With the lock. */
static void take_in(struct site *s, int fd)
{
    int yes = 1;
    pthread_t thread;
    unsigned slot = 0;
    while (slot < PEERS && s->fds[slot] >= 0) {
        slot++;
    }
    struct peer *p = slot < PEERS ? malloc(sizeof *p) : NULL;
    if (p == NULL) {
        (void)close(fd);
        return;
    }
    *p = (struct peer){.site = s, .slot = slot, .fd = fd};
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    s->fds[slot] = fd;
    s->live++;
    if (pthread_create(&thread, NULL, serve, p) != 0) {
        abort();
    }
    (void)pthread_detach(thread);
}

static void *run_acceptor(void *argument)
{
    struct site *s = argument;
    bool stopping = false;
    while (!stopping) {
        int fd = accept(s->listen_fd, NULL, NULL);
        (void)pthread_mutex_lock(&s->lock);
        stopping = s->stopping;
        if (fd >= 0 && !stopping) {
            take_in(s, fd);
        } else if (fd >= 0) {
            (void)close(fd);
        }
        (void)pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

struct site *site_start(void)
{
    struct site *s = calloc(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    for (unsigned i = 0; i < PEERS; i++) {
        s->fds[i] = -1;
    }
    s->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(s->listen_fd, 0);
    ck_assert_int_eq(bind(s->listen_fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(s->listen_fd, 128), 0);
    ck_assert_int_eq(getsockname(s->listen_fd, (struct sockaddr *)&at, &length), 0);
    s->port = ntohs(at.sin_port);
    ck_assert_int_eq(pthread_mutex_init(&s->lock, NULL), 0);
    ck_assert_int_eq(pthread_cond_init(&s->changed, NULL), 0);
    ck_assert_int_eq(pthread_create(&s->acceptor, NULL, run_acceptor, s), 0);
    return s;
}

void site_stop(struct site *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(s->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)pthread_mutex_lock(&s->lock);
    s->stopping = true;
    (void)pthread_cond_broadcast(&s->changed);
    for (unsigned i = 0; i < PEERS; i++) {
        if (s->fds[i] >= 0) {
            (void)shutdown(s->fds[i], SHUT_RDWR);
        }
    }
    while (s->live > 0) {
        (void)pthread_cond_wait(&s->changed, &s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* wakes accept() */
    (void)connect(fd, (struct sockaddr *)&at, sizeof at);
    (void)close(fd);
    (void)pthread_join(s->acceptor, NULL);
    (void)close(s->listen_fd);
    free(s);
}

unsigned site_add(struct site *s, uint64_t size)
{
    (void)pthread_mutex_lock(&s->lock);
    ck_assert_uint_lt(s->count, SITE_RESOURCES);
    unsigned number = s->count++;
    s->resources[number].versions = 1;
    s->resources[number].size[0] = size;
    (void)pthread_mutex_unlock(&s->lock);
    return number;
}

const char *site_url(struct site *s, unsigned resource)
{
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u/%u", (unsigned)s->port, resource);
    return s->url;
}

void site_set_mood(struct site *s, unsigned resource, enum site_mood mood)
{
    (void)pthread_mutex_lock(&s->lock);
    s->resources[resource].mood = mood;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

void site_change(struct site *s, unsigned resource, uint64_t size)
{
    (void)pthread_mutex_lock(&s->lock);
    struct resource *r = &s->resources[resource];
    if (r->versions < VERSIONS) {
        r->size[r->versions++] = size;
    }
    (void)pthread_mutex_unlock(&s->lock);
}

static bool is_version(const struct resource *r, unsigned resource, unsigned version,
                       const uint8_t *data, size_t size, const bcj2_file_range *ranges,
                       uint32_t range_count)
{
    const bcj2_file_range all = {0, r->size[version]};
    uint32_t count = range_count == 0 ? 1 : range_count;
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        const bcj2_file_range *range = range_count == 0 ? &all : &ranges[i];
        for (uint64_t n = 0; n < range->length; n++) {
            if (at == size || data[at] != content(resource, version, range->initial_offset + n)) {
                return false;
            }
            at++;
        }
    }
    return at == size;
}

bool site_has_version(struct site *s, unsigned resource, const char *path,
                      const bcj2_file_range *ranges, uint32_t range_count)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return false;
    }
    (void)fseek(f, 0, SEEK_END);
    size_t size = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(size + 1);
    bool found = false;
    if (data != NULL && fread(data, 1, size, f) == size) {
        (void)pthread_mutex_lock(&s->lock);
        const struct resource *r = &s->resources[resource];
        for (unsigned v = 0; v < r->versions && !found; v++) {
            found = is_version(r, resource, v, data, size, ranges, range_count);
        }
        (void)pthread_mutex_unlock(&s->lock);
    }
    free(data);
    (void)fclose(f);
    return found;
}
