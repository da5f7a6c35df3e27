/* SPDX-License-Identifier: MIT */
/* See fault_proxy.h. One thread with poll(); all state is under one lock, which it lets go only
   while it waits. */
#include "fault_proxy.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limit.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX   256
#define PLAN_MAX    64
#define BUFFER_SIZE 65536

/* One way through a link: from one socket to the other. */
struct way {
    char data[BUFFER_SIZE];
    size_t start, length;
    bool ended;             /* the sender's FIN came */
    bool end_passed;        /* and was passed on */
    uint64_t taken, passed; /* bytes since the present plan began */
};

struct link {
    int fd[2]; /* 0: the client's, 1: the server's */
    struct way way[2];
    bool draining;          /* closed in order: what still comes is dropped */
    bool gone[2];           /* draining: that peer has closed too */
    bool stalled, struck;   /* struck: an each_connection fault has happened to it */
    uint64_t stalled_until; /* 0: until it is released */
};

struct fault_proxy {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t struck;
    int listen_fd, wake[2];
    struct sockaddr_in address;
    uint16_t target_port;
    bool stopping, refusing, refuse_wanted;
    uint64_t refusing_until; /* 0: until it is released */
    struct fault_plan plan[PLAN_MAX];
    size_t plan_count, plan_at;
    uint64_t plan_taken[2], plan_passed[2]; /* bytes since the present entry began, by direction */
    struct fault_counts counts;
    size_t link_count;
    struct link *links[LINKS_MAX];
};

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- sockets ---- */

static void prepare(int fd)
{
    int on = 1;
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* A socket on our port (on any, the first time) that refuses connections until it listens. */
static int bind_port(struct fault_proxy *p)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    socklen_t length = sizeof p->address;
    ck_assert_int_ge(fd, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&p->address, sizeof p->address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&p->address, &length), 0);
    prepare(fd);
    return fd;
}

static void close_socket(int *fd, bool reset)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (*fd >= 0) {
        if (reset) {
            (void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        (void)close(*fd);
        *fd = -1;
    }
}

static void drop_link(struct fault_proxy *p, size_t i, bool reset)
{
    close_socket(&p->links[i]->fd[0], reset);
    close_socket(&p->links[i]->fd[1], reset);
    free(p->links[i]);
    p->links[i] = p->links[--p->link_count];
}

static void accept_link(struct fault_proxy *p)
{
    int client = accept(p->listen_fd, NULL, NULL);
    if (client < 0) {
        return;
    }
    p->counts.connections++;
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in target = {.sin_family = AF_INET,
                                 .sin_port = htons(p->target_port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct link *l = p->link_count < LINKS_MAX ? calloc(1, sizeof *l) : NULL;
    if (l == NULL || server < 0 ||
        connect(server, (struct sockaddr *)&target, sizeof target) != 0) {
        close_socket(&client, true);
        close_socket(&server, true);
        free(l);
        return;
    }
    prepare(client);
    prepare(server);
    l->fd[0] = client;
    l->fd[1] = server;
    p->links[p->link_count++] = l;
}

/* ---- the plan ---- */

static const struct fault_plan *present(const struct fault_proxy *p)
{
    return p->plan_at < p->plan_count ? &p->plan[p->plan_at] : NULL;
}

static void forget_counts(struct fault_proxy *p)
{
    for (int d = 0; d < 2; d++) {
        p->plan_taken[d] = p->plan_passed[d] = 0;
    }
}

/* Bytes that may still pass that way before the fault; UINT64_MAX: any number. */
static uint64_t allowance(const struct fault_proxy *p, const struct link *l, int direction)
{
    const struct fault_plan *e = present(p);
    if (e == NULL || (int)e->direction != direction || (e->each_connection && l->struck)) {
        return UINT64_MAX;
    }
    uint64_t taken = e->each_connection ? l->way[direction].taken : p->plan_taken[direction];
    return taken < e->after ? e->after - taken : 0;
}

/* A byte waits to be read from fd. */
static bool has_more(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK) > 0;
}

/* Is it time for the present entry, on this link? One that counts no bytes waits for the next byte:
   an idle link beside it is not meant. */
static bool is_due(const struct fault_proxy *p, const struct link *l)
{
    const struct fault_plan *e = present(p);
    if (e == NULL || (e->each_connection && l->struck)) {
        return false;
    }
    int d = (int)e->direction;
    uint64_t passed = e->each_connection ? l->way[d].passed : p->plan_passed[d];
    return passed >= e->after && (e->after > 0 || has_more(l->fd[d]));
}

static void start_refusing(struct fault_proxy *p, uint32_t for_ms)
{
    while (p->link_count > 0) {
        drop_link(p, p->link_count - 1, true);
    }
    close_socket(&p->listen_fd, false);
    p->listen_fd = bind_port(p);
    p->refusing = true;
    p->refusing_until = for_ms == 0 ? 0 : now_ms() + for_ms;
}

static void stop_refusing(struct fault_proxy *p)
{
    p->refusing = false;
    ck_assert_int_eq(listen(p->listen_fd, 128), 0);
}

/* Closes in order: FIN both ways; the link goes when both peers have closed too. */
static void start_draining(struct link *l)
{
    l->draining = true;
    (void)shutdown(l->fd[0], SHUT_WR);
    (void)shutdown(l->fd[1], SHUT_WR);
}

static void send_rubbish(struct link *l, const char *rubbish)
{
    static const char some[] = "\x16\x03\x01 this is no answer \xff\xfe\r\n\r\n";
    rubbish = rubbish == NULL ? some : rubbish;
    (void)send(l->fd[0], rubbish, strlen(rubbish), MSG_NOSIGNAL);
    close_socket(&l->fd[1], true);
    start_draining(l);
}

/* What the present entry says happens to link i. False: the link is gone. */
static bool strike(struct fault_proxy *p, size_t i)
{
    struct link *l = p->links[i];
    struct fault_plan e = *present(p);
    if (e.each_connection) {
        l->struck = true;
    } else {
        p->plan_at++;
        forget_counts(p);
    }
    p->counts.entries++;
    p->counts.faults += e.kind != FAULT_PASS;
    pthread_cond_broadcast(&p->struck);
    switch (e.kind) {
    case FAULT_PASS:
        break;
    case FAULT_FIN:
        start_draining(l);
        break;
    case FAULT_RST:
        drop_link(p, i, true);
        return false;
    case FAULT_STALL:
        l->stalled = true;
        l->stalled_until = e.for_ms == 0 ? 0 : now_ms() + e.for_ms;
        break;
    case FAULT_RUBBISH:
        send_rubbish(l, e.rubbish);
        break;
    case FAULT_REFUSE:
        start_refusing(p, e.for_ms);
        return false;
    }
    return true;
}

/* ---- moving bytes ---- */

/* Reads and drops; true: that peer has closed. */
static bool drained(int fd)
{
    char dropped[4096];
    ssize_t n;
    if (fd < 0) {
        return true;
    }
    while ((n = recv(fd, dropped, sizeof dropped, 0)) > 0) {
    }
    return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* Direction d leads from fd[d] to fd[1 - d]. False: the link is broken. */
static bool fill(struct fault_proxy *p, struct link *l, int d)
{
    struct way *w = &l->way[d];
    uint64_t most = allowance(p, l, d);
    if (w->length > 0 || w->ended || most == 0) {
        return true;
    }
    ssize_t n = recv(l->fd[d], w->data, most < BUFFER_SIZE ? (size_t)most : BUFFER_SIZE, 0);
    if (n < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    }
    w->ended = n == 0;
    w->start = 0;
    w->length = (size_t)n;
    w->taken += (uint64_t)n;
    p->plan_taken[d] += (uint64_t)n;
    return true;
}

static bool empty(struct fault_proxy *p, struct link *l, int d)
{
    struct way *w = &l->way[d];
    if (w->length > 0) {
        ssize_t n = send(l->fd[1 - d], w->data + w->start, w->length, MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        }
        w->start += (size_t)n;
        w->length -= (size_t)n;
        w->passed += (uint64_t)n;
        p->plan_passed[d] += (uint64_t)n;
        *(d == FAULT_TO_SERVER ? &p->counts.to_server : &p->counts.to_client) += (uint64_t)n;
    }
    if (w->length == 0 && w->ended && !w->end_passed) {
        (void)shutdown(l->fd[1 - d], SHUT_WR);
        w->end_passed = true;
    }
    return true;
}

/* Moves what can be moved over link i, up to the next fault. */
static void serve_link(struct fault_proxy *p, size_t i)
{
    struct link *l = p->links[i];
    if (l->draining) {
        for (int side = 0; side < 2; side++) {
            l->gone[side] = l->gone[side] || drained(l->fd[side]);
        }
        if (l->gone[0] && l->gone[1]) {
            drop_link(p, i, false);
        }
        return;
    }
    for (int d = 0; d < 2; d++) {
        if (l->stalled) {
            return;
        }
        if (!fill(p, l, d) || !empty(p, l, d)) {
            drop_link(p, i, true); /* a peer's reset is passed on */
            return;
        }
        while (is_due(p, l)) {
            if (!strike(p, i) || l->draining || l->stalled) {
                return;
            }
        }
    }
    if (l->way[0].end_passed && l->way[1].end_passed) {
        drop_link(p, i, false);
    }
}

/* ---- the thread ---- */

static short wanted(const struct fault_proxy *p, const struct link *l, int side)
{
    if (l->draining) {
        return l->gone[side] ? 0 : POLLIN;
    }
    const struct way *out = &l->way[side], *in = &l->way[1 - side];
    const struct fault_plan *e = present(p);
    bool passes = allowance(p, l, side) > 0 || (e != NULL && e->after == 0);
    bool reads = out->length == 0 && !out->ended && passes;
    return (short)((reads ? POLLIN : 0) | (in->length > 0 ? POLLOUT : 0));
}

/* Ends what has lasted long enough; returns the milliseconds to the next end, -1: none. */
static int expire(struct fault_proxy *p)
{
    uint64_t now = now_ms(), next = UINT64_MAX;
    if (p->refusing && p->refusing_until != 0) {
        if (p->refusing_until <= now) {
            stop_refusing(p);
        } else {
            next = p->refusing_until;
        }
    }
    for (size_t i = 0; i < p->link_count; i++) {
        struct link *l = p->links[i];
        if (l->stalled && l->stalled_until != 0) {
            if (l->stalled_until <= now) {
                l->stalled = false;
            } else if (l->stalled_until < next) {
                next = l->stalled_until;
            }
        }
    }
    return next == UINT64_MAX ? -1 : (int)(next - now);
}

/* polled[0] is the wake pipe, [1] the listener, then two for each link. */
static size_t choose(struct fault_proxy *p, struct pollfd polled[2 + 2 * LINKS_MAX])
{
    polled[0] = (struct pollfd){.fd = p->wake[0], .events = POLLIN};
    polled[1] = (struct pollfd){.fd = p->refusing ? -1 : p->listen_fd, .events = POLLIN};
    for (size_t i = 0; i < p->link_count; i++) {
        const struct link *l = p->links[i];
        for (int side = 0; side < 2; side++) {
            short events = l->stalled ? 0 : wanted(p, l, side);
            /* A descriptor without a wish would still report a hang-up, again and again. */
            polled[2 + 2 * i + (size_t)side] =
                (struct pollfd){.fd = events == 0 ? -1 : l->fd[side], .events = events};
        }
    }
    return 2 + 2 * p->link_count;
}

static void *run(void *argument)
{
    struct fault_proxy *p = argument;
    static _Thread_local struct pollfd polled[2 + 2 * LINKS_MAX];
    char bytes[64];
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        int timeout = expire(p);
        size_t count = choose(p, polled);
        pthread_mutex_unlock(&p->lock);
        (void)poll(polled, (nfds_t)count, timeout);
        while (read(p->wake[0], bytes, sizeof bytes) > 0) {
        }
        pthread_mutex_lock(&p->lock);
        if (p->refuse_wanted) {
            p->refuse_wanted = false;
            p->counts.faults++;
            pthread_cond_broadcast(&p->struck);
            start_refusing(p, 0);
        }
        if (!p->refusing && (polled[1].revents & POLLIN) != 0) {
            accept_link(p);
        }
        for (size_t i = p->link_count; i-- > 0;) {
            if (i < p->link_count) { /* a REFUSE takes them all */
                serve_link(p, i);
            }
        }
    }
    while (p->link_count > 0) {
        drop_link(p, p->link_count - 1, true);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- from outside ---- */

static void wake(struct fault_proxy *p)
{
    (void)!write(p->wake[1], "", 1);
}

struct fault_proxy *fault_proxy_start(uint16_t target_port)
{
    struct fault_proxy *p = calloc(1, sizeof *p);
    ck_assert_ptr_nonnull(p);
    p->target_port = target_port;
    p->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    p->listen_fd = bind_port(p);
    ck_assert_int_eq(listen(p->listen_fd, 128), 0);
    ck_assert_int_eq(pipe(p->wake), 0);
    prepare(p->wake[0]);
    prepare(p->wake[1]);
    ck_assert_int_eq(pthread_mutex_init(&p->lock, NULL), 0);
    ck_assert_int_eq(pthread_cond_init(&p->struck, NULL), 0);
    ck_assert_int_eq(pthread_create(&p->thread, NULL, run, p), 0);
    return p;
}

void fault_proxy_stop(struct fault_proxy *p)
{
    if (p == NULL) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_mutex_unlock(&p->lock);
    wake(p);
    (void)pthread_join(p->thread, NULL);
    (void)close(p->listen_fd);
    (void)close(p->wake[0]);
    (void)close(p->wake[1]);
    (void)pthread_cond_destroy(&p->struck);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

uint16_t fault_proxy_port(const struct fault_proxy *p)
{
    return ntohs(p->address.sin_port);
}

void fault_proxy_target(struct fault_proxy *p, uint16_t target_port)
{
    pthread_mutex_lock(&p->lock);
    p->target_port = target_port;
    pthread_mutex_unlock(&p->lock);
}

void fault_proxy_plan(struct fault_proxy *p, const struct fault_plan *plan, size_t count)
{
    ck_assert_uint_le(count, PLAN_MAX);
    pthread_mutex_lock(&p->lock);
    if (count > 0) {
        memcpy(p->plan, plan, count * sizeof *plan);
    }
    p->plan_count = count;
    p->plan_at = 0;
    forget_counts(p);
    p->counts.entries = 0;
    for (size_t i = 0; i < p->link_count; i++) {
        struct link *l = p->links[i];
        l->struck = false;
        for (int d = 0; d < 2; d++) {
            l->way[d].taken = l->way[d].passed = 0;
        }
    }
    pthread_mutex_unlock(&p->lock);
    wake(p);
}

void fault_proxy_release(struct fault_proxy *p)
{
    pthread_mutex_lock(&p->lock);
    if (p->refusing) {
        stop_refusing(p);
    }
    for (size_t i = 0; i < p->link_count; i++) {
        p->links[i]->stalled = false;
    }
    pthread_mutex_unlock(&p->lock);
    wake(p);
}

/* The port refuses when this returns: the thread that owns the sockets is waited for. */
void fault_proxy_refuse(struct fault_proxy *p)
{
    pthread_mutex_lock(&p->lock);
    p->refuse_wanted = true;
    wake(p);
    while (p->refuse_wanted) {
        (void)pthread_cond_wait(&p->struck, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
}

struct fault_counts fault_proxy_counts(struct fault_proxy *p)
{
    pthread_mutex_lock(&p->lock);
    struct fault_counts counts = p->counts;
    pthread_mutex_unlock(&p->lock);
    return counts;
}

bool fault_proxy_wait_faults(struct fault_proxy *p, uint32_t faults)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 20;
    int waited = 0;
    pthread_mutex_lock(&p->lock);
    while (waited == 0 && p->counts.faults < faults) {
        waited = pthread_cond_timedwait(&p->struck, &p->lock, &deadline);
    }
    bool there = p->counts.faults >= faults;
    pthread_mutex_unlock(&p->lock);
    return there;
}
