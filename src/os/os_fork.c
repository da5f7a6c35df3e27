/* SPDX-License-Identifier: MIT */
/* What a forked child must know: that it is one, and which descriptors it has to let go of. A flock
   belongs to the open file, so it lives on as long as any process has it open; and a socket hangs up
   only when the last process that has it closes it.

   The list is guarded by a mutex that fork() itself takes, so it is whole in the child, whose handler
   may call nothing but what is async-signal-safe: close(). */
#include "os_fork.h"
#include "detail.h"
#include "mem.h"
#include "os.h"
#include "os_calls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

static _Atomic uint32_t generation;
/* This thread forks in order to exec: see bcj2__os_fork_to_exec(). */
static _Thread_local bool to_exec;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int handler_error; /* errno value of pthread_atfork */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int *to_close; /* guarded by lock, as are the two below */
static size_t count, capacity;

static void before(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void in_parent(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void in_child(void)
{
    if (to_exec) {
        (void)pthread_mutex_unlock(&lock);
        return;
    }
    atomic_fetch_add(&generation, 1);
    for (size_t i = 0; i < count; i++) {
        (void)bcj2__os_calls.close(to_close[i]);
    }
    count = 0;
    (void)pthread_mutex_unlock(&lock);
}

static void set_handler(void)
{
    handler_error = pthread_atfork(before, in_parent, in_child);
}

uint32_t bcj2__os_fork_generation(void)
{
    (void)pthread_once(&once, set_handler);
    return atomic_load(&generation);
}

/* Written before the fork as well, so that the child does not touch it first: that could allocate. */
pid_t bcj2__os_fork_to_exec(void)
{
    to_exec = true;
    pid_t pid = bcj2__os_calls.fork();
    if (pid != 0) {
        to_exec = false;
    }
    return pid;
}

/* ---- held ---- */

bcj2_status bcj2__os_fork_hold(void)
{
    (void)pthread_once(&once, set_handler);
    if (handler_error != 0) {
        return bcj2__detail_no_memory();
    }
    (void)pthread_mutex_lock(&lock);
    return BCJ2_OK;
}

void bcj2__os_fork_release(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static bcj2_status add(int fd)
{
    if (count == capacity) {
        size_t larger = capacity == 0 ? 16 : capacity * 2;
        int *list = bcj2__mem_realloc(to_close, larger * sizeof *list);
        if (list == NULL) {
            return bcj2__detail_no_memory();
        }
        to_close = list;
        capacity = larger;
    }
    to_close[count++] = fd;
    return BCJ2_OK;
}

/* False: it is not in the list. */
static bool take_out(int fd)
{
    for (size_t i = count; i > 0; i--) { /* the newest are closed first, mostly */
        if (to_close[i - 1] == fd) {
            to_close[i - 1] = to_close[--count];
            if (count == 0) {
                bcj2__mem_free(to_close);
                to_close = NULL;
                capacity = 0;
            }
            return true;
        }
    }
    return false;
}

bcj2_status bcj2__os_fork_own(int *fd)
{
    bcj2_status status = add(*fd);
    if (status != BCJ2_OK) {
        (void)bcj2__os_close(*fd);
        *fd = -1;
    }
    return status;
}

/* ---- for everybody ---- */

bcj2_status bcj2__os_close_in_child(int fd)
{
    bcj2_status status = bcj2__os_fork_hold();
    if (status == BCJ2_OK) {
        status = add(fd);
        bcj2__os_fork_release();
    }
    return status;
}

void bcj2__os_close_in_child_no_more(int fd)
{
    if (fd >= 0 && bcj2__os_fork_hold() == BCJ2_OK) {
        (void)take_out(fd);
        bcj2__os_fork_release();
    }
}

void *bcj2__os_close_own(int fd)
{
    if (fd >= 0 && bcj2__os_fork_hold() == BCJ2_OK) {
        if (take_out(fd)) {
            (void)bcj2__os_close(fd);
        }
        bcj2__os_fork_release();
    }
    return NULL;
}
