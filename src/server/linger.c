/* SPDX-License-Identifier: MIT */
/* See linger.h. */
#include "linger.h"
#include "macro.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_MS     3000u
#define READS_AT_ONCE 16 /* of one socket: others wait, and whoever adds one */

/* With the lock held. */
static void drop(struct lingering *l, size_t i)
{
    (void)close(l->sockets[i].fd);
    l->count--;
    memmove(&l->sockets[i], &l->sockets[i + 1], (l->count - i) * sizeof l->sockets[0]);
    memmove(&l->until_ms[i], &l->until_ms[i + 1], (l->count - i) * sizeof l->until_ms[0]);
}

/* False: the client is through, or gone. */
static bool read_over(int fd)
{
    char waste[65536];
    ssize_t n = 1;
    for (int i = 0; n > 0 && i < READS_AT_ONCE; i++) {
        n = recv(fd, waste, sizeof waste, MSG_DONTWAIT);
    }
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
}

/* Reads what is there, drops what is over; returns how long to wait then, -1: no limit. */
static int look(struct lingering *l)
{
    uint64_t now = bcj2__os_now_ms(), next = UINT64_MAX;
    for (size_t i = l->count; i-- > 0;) {
        if (!read_over(l->sockets[i].fd) || l->until_ms[i] <= now) {
            drop(l, i);
        } else {
            next = MIN(next, l->until_ms[i]);
        }
    }
    return next == UINT64_MAX ? -1 : (int)(next - now);
}

static void run(void *argument)
{
    struct lingering *l = argument;
    struct pollfd polled[LINGER_AT_ONCE + 1];
    (void)pthread_mutex_lock(&l->lock);
    while (!l->stopping) {
        char waste[64];
        int wait_ms = look(l);
        size_t count = l->count;
        memcpy(polled, l->sockets, count * sizeof polled[0]);
        polled[count] = (struct pollfd){.fd = l->wake[0], .events = POLLIN};
        (void)pthread_mutex_unlock(&l->lock);
        (void)poll(polled, (nfds_t)count + 1, wait_ms);
        if (polled[count].revents != 0) {
            (void)!read(l->wake[0], waste, sizeof waste);
        }
        (void)pthread_mutex_lock(&l->lock);
    }
    (void)pthread_mutex_unlock(&l->lock);
}

static void wake(struct lingering *l)
{
    (void)!write(l->wake[1], "", 1); /* full: it will wake anyway */
}

bool linger_start(struct lingering *l)
{
    *l = (struct lingering){.wake = {-1, -1}};
    if (pthread_mutex_init(&l->lock, NULL) != 0 || pipe(l->wake) != 0) {
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        (void)fcntl(l->wake[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(l->wake[i], F_SETFL, O_NONBLOCK);
    }
    return true;
}

void linger_stop(struct lingering *l)
{
    (void)pthread_mutex_lock(&l->lock);
    l->stopping = true;
    (void)pthread_mutex_unlock(&l->lock);
    wake(l);
    l->thread = bcj2__os_thread_join(l->thread);
    while (l->count > 0) {
        drop(l, 0);
    }
    (void)close(l->wake[0]);
    (void)close(l->wake[1]);
}

void linger_add(struct lingering *l, int fd)
{
    (void)shutdown(fd, SHUT_WR);
    (void)pthread_mutex_lock(&l->lock);
    bool runs =
        l->thread != NULL ||
        (!l->stopping && BCJ2_SUCCEEDED(bcj2__os_thread_start("linger", run, l, &l->thread)));
    if (!runs || l->stopping) {
        (void)close(fd);
    } else {
        if (l->count == LINGER_AT_ONCE) {
            drop(l, 0);
        }
        l->sockets[l->count] = (struct pollfd){.fd = fd, .events = POLLIN};
        l->until_ms[l->count++] = bcj2__os_now_ms() + LINGER_MS;
    }
    (void)pthread_mutex_unlock(&l->lock);
    wake(l);
}
