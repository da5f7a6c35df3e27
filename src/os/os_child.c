/* SPDX-License-Identifier: MIT */
/* Watching and reaping a process that os_spawn.c started. See os.h. The kernel tells when it ended, by a
   descriptor; where there is none (Linux before 5.3, some sandboxes) a thread waits for it, and hangs up
   a socket. The same kind of thread reaps one whose owner went away. SIGCHLD is the program's: nothing
   here depends on it. */
#include "detail.h"
#include "mem.h"
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_fork.h"
#include "os_platform.h"
#include "os_spawn.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/wait.h>

/* What a thread that waits and the one who wants to know share; who lets go of it last frees it. */
struct waiter {
    pid_t pid;
    int watch;             /* own; -1: none */
    int hang_up;           /* own; closed when it has ended; -1: nobody looks */
    struct os_ended ended; /* once done is true */
    atomic_bool done, one_let_go;
};

struct os_child {
    pid_t pid; /* 0: none yet */
    int fd;    /* own */
    uint32_t fork_generation;
    struct waiter *waiter; /* NULL: fd is the kernel's */
    bool has_ended;        /* and is reaped */
    struct os_ended ended;
    struct os_child *next;
};

/* Those that run, whose owner went away, and for which no thread could be had. Guarded by
   bcj2__os_fork_hold(), so that it is whole in a forked child. */
static struct os_child *left_behind;

bcj2_status bcj2__os_pair_own(int ends[2], const char *what_for)
{
    bcj2_status status = bcj2__os_fork_hold();
    if (status != BCJ2_OK) {
        return status;
    }
    int made[2];
    ends[0] = ends[1] = -1;
    if (bcj2__os_calls.socketpair(made) != 0) {
        status = bcj2__os_fail(errno, "starting %s: a pair of sockets", what_for);
    }
    for (int i = 0; i < 2 && status == BCJ2_OK; i++) {
        ends[i] = bcj2__os_above_standard(made[i]);
        if (ends[i] >= 0) {
            status = bcj2__os_fork_own(&ends[i]);
        } else {
            status = bcj2__os_fail(errno, "starting %s: a pair of sockets", what_for);
        }
        if (status != BCJ2_OK && i == 0) {
            bcj2__os_close(made[1]);
        }
    }
    bcj2__os_fork_release();
    if (status != BCJ2_OK) {
        bcj2__os_close_own(ends[0]);
        ends[0] = -1;
    }
    return status;
}

/* ---- waiting ---- */

/* WNOHANG in options: BCJ2_S_FALSE if it has not ended. */
static bcj2_status wait_for(int watch, pid_t pid, int options, struct os_ended *ret)
{
    siginfo_t info;
    int result;
    do {
        info = (siginfo_t){.si_pid = 0};
        result = bcj2__os_calls.wait_child(watch, pid, &info, WEXITED | options);
    } while (result != 0 && errno == EINTR);
    if (result != 0 && errno != ECHILD) {
        return bcj2__os_fail(errno, "waiting for process %lld", (long long)pid);
    }
    if (result != 0) {
        *ret = (struct os_ended){.how = OS_ENDED_STOLEN};
        return BCJ2_OK;
    }
    if (info.si_pid == 0) {
        return BCJ2_S_FALSE;
    }
    *ret = (struct os_ended){
        .how = info.si_code == CLD_EXITED ? OS_ENDED_EXIT : OS_ENDED_SIGNAL,
        .value = info.si_status,
    };
    return BCJ2_OK;
}

static void let_go(struct waiter *w)
{
    if (atomic_exchange(&w->one_let_go, true)) {
        bcj2__mem_free(w);
    }
}

static void waiter_main(void *argument)
{
    struct waiter *w = argument;
    if (wait_for(w->watch, w->pid, 0, &w->ended) != BCJ2_OK) {
        w->ended = (struct os_ended){.how = OS_ENDED_STOLEN}; /* nobody will ever know */
    }
    bcj2__os_close_own(w->watch);
    atomic_store(&w->done, true);
    bcj2__os_close_own(w->hang_up);
    let_go(w);
}

/* The descriptors pass to it, also if this fails. */
static bcj2_status start_waiter(pid_t pid, int watch, int hang_up, struct waiter **ret)
{
    struct waiter *w = bcj2__mem_calloc(1, sizeof *w);
    bcj2_status status = BCJ2_OK;
    if (w == NULL) {
        status = bcj2__detail_no_memory();
    } else {
        w->pid = pid;
        w->watch = watch;
        w->hang_up = hang_up;
        status = bcj2__os_thread_start_alone("bcj2-child", waiter_main, w);
    }
    if (status != BCJ2_OK) {
        bcj2__os_close_own(watch);
        bcj2__os_close_own(hang_up);
        bcj2__mem_free(w);
        return status;
    }
    *ret = w;
    return BCJ2_OK;
}

/* ---- one child ---- */

struct os_child *bcj2__os_child_new(void)
{
    struct os_child *c = bcj2__mem_calloc(1, sizeof *c);
    if (c != NULL) {
        c->fd = -1;
        c->fork_generation = bcj2__os_fork_generation();
    }
    return c;
}

static bcj2_status watch_by_thread(struct os_child *c)
{
    int ends[2];
    bcj2_status status = bcj2__os_pair_own(ends, "a thread that waits");
    if (status == BCJ2_OK) {
        c->fd = ends[0];
        status = start_waiter(c->pid, -1, ends[1], &c->waiter);
    }
    if (status != BCJ2_OK) {
        bcj2__os_close_own(c->fd);
        c->fd = -1;
    }
    return status;
}

bcj2_status bcj2__os_child_begin(struct os_child *c, pid_t pid)
{
    c->pid = pid;
    bcj2_status status = bcj2__os_fork_hold();
    if (status != BCJ2_OK) {
        return status;
    }
    bool none = false;
    c->fd = bcj2__os_above_standard(bcj2__os_calls.child_watch(pid));
    if (c->fd >= 0) {
        status = bcj2__os_fork_own(&c->fd);
    } else {
        none = errno == ENOSYS || errno == EPERM;
        status = none ? BCJ2_OK : bcj2__os_fail(errno, "watching process %lld", (long long)pid);
    }
    bcj2__os_fork_release();
    return none ? watch_by_thread(c) : status;
}

int64_t bcj2__os_child_pid(const struct os_child *c)
{
    return (int64_t)c->pid;
}

int bcj2__os_child_fd(const struct os_child *c)
{
    return c->fd;
}

bcj2_status bcj2__os_child_reap(struct os_child *c, struct os_ended *ret)
{
    if (!c->has_ended) {
        bcj2_status status = BCJ2_S_FALSE;
        if (c->waiter == NULL) {
            status = wait_for(c->fd, c->pid, WNOHANG, &c->ended);
        } else if (atomic_load(&c->waiter->done)) {
            c->ended = c->waiter->ended;
            status = BCJ2_OK;
        }
        if (status != BCJ2_OK) {
            return status;
        }
        c->has_ended = true;
    }
    *ret = c->ended;
    return BCJ2_OK;
}

static void *discard(struct os_child *c)
{
    bcj2__os_close_own(c->fd);
    if (c->waiter != NULL) {
        let_go(c->waiter);
    }
    bcj2__mem_free(c);
    return NULL;
}

/* ---- one whose owner goes away ---- */

static void leave_behind(struct os_child *c)
{
    if (bcj2__os_fork_hold() == BCJ2_OK) {
        c->next = left_behind;
        left_behind = c;
        bcj2__os_fork_release();
    }
}

static void await_hang_up(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n;
    REPEAT_INTERRUPTED(n, poll(&p, 1, -1));
}

void bcj2__os_child_drop(struct os_child *c)
{
    if (c == NULL) {
        return;
    }
    if (c->waiter != NULL) {
        await_hang_up(c->fd);
    }
    if (c->pid == 0 || c->waiter != NULL || wait_for(c->fd, c->pid, 0, &c->ended) == BCJ2_OK) {
        (void)discard(c);
    } else {
        leave_behind(c);
    }
}

/* Those that need no more waiting for, out of the list. In a forked child its parent's are none of ours. */
static struct os_child *take_ended(void)
{
    struct os_child *ended = NULL;
    if (bcj2__os_fork_hold() != BCJ2_OK) {
        return NULL;
    }
    for (struct os_child **at = &left_behind; *at != NULL;) {
        struct os_child *c = *at;
        if (c->fork_generation == bcj2__os_fork_generation() &&
            wait_for(c->fd, c->pid, WNOHANG, &c->ended) != BCJ2_OK) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        c->next = ended;
        ended = c;
    }
    bcj2__os_fork_release();
    return ended;
}

void bcj2__os_child_sweep(void)
{
    for (struct os_child *c = take_ended(); c != NULL;) {
        struct os_child *next = c->next;
        (void)discard(c);
        c = next;
    }
}

void *bcj2__os_child_close(struct os_child *c)
{
    bcj2__os_child_sweep();
    if (c == NULL) {
        return NULL;
    }
    struct os_ended ended;
    if (c->fork_generation != bcj2__os_fork_generation()) {
        bcj2__mem_free(c);
        return NULL;
    }
    if (c->waiter != NULL || bcj2__os_child_reap(c, &ended) == BCJ2_OK) {
        return discard(c);
    }
    int watch = c->fd;
    c->fd = -1;
    if (start_waiter(c->pid, watch, -1, &c->waiter) == BCJ2_OK) {
        return discard(c);
    }
    leave_behind(c);
    return NULL;
}
