/* SPDX-License-Identifier: MIT */
/* What the tests of starting programs share: a lock and a pipe to hand on, starting spawn_program.c, seeing it
   end, and systems that lack something. A test file defines _GNU_SOURCE (or _DARWIN_C_SOURCE) before it
   includes this. */
#ifndef BCJ2_TESTS_SPAWN_RIG_H
#define BCJ2_TESTS_SPAWN_RIG_H

#include "detail.h"
#include "mem.h"
#include "os.h"
#include "os_fakes.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int lock = -1;     /* of the file "lock", held */
static int to_program[2]; /* a pipe to its standard input */

/* ---- starting ---- */

static void make(void)
{
    begin();
    assert_status(bcj2__os_lock_open_own(in_scratch("lock"), &lock), BCJ2_OK);
    assert_status(bcj2__os_lock(lock, OS_LOCK_EXCLUSIVE, false), BCJ2_OK);
    ck_assert_int_eq(pipe(to_program), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(fcntl(to_program[i], F_SETFD, FD_CLOEXEC), 0);
    }
}

static void end_input(void)
{
    bcj2__os_close(to_program[1]);
    to_program[1] = -1;
}

static void let_go(void)
{
    end_input();
    bcj2__os_close(to_program[0]);
    bcj2__os_close_own(lock);
    end();
}

static bcj2_status start_at(const char *program, const char *first, const char *second,
                            struct os_child **ret)
{
    const char *const arguments[] = {"its name", first, second, NULL};
    const struct os_spawn what = {
        .program = program, .arguments = arguments, .input = to_program[0], .lock = lock};
    return bcj2__os_spawn(&what, ret);
}

static bcj2_status start(const char *first, const char *second, struct os_child **ret)
{
    return start_at(SPAWN_PROGRAM, first, second, ret);
}

static bool readable(const struct os_child *c, int wait_ms)
{
    struct pollfd p = {.fd = bcj2__os_child_fd(c), .events = POLLIN};
    int n = poll(&p, 1, wait_ms);
    ck_assert_int_ge(n, 0);
    return n == 1;
}

/* Waits as an engine does. */
static struct os_ended outcome(struct os_child *c)
{
    struct os_ended ended = {0}, again = {0};
    ck_assert(readable(c, 20000));
    assert_status(bcj2__os_child_reap(c, &ended), BCJ2_OK);
    assert_status(bcj2__os_child_reap(c, &again), BCJ2_OK);
    ck_assert(ended.how == again.how && ended.value == again.value);
    ck_assert(readable(c, 0));
    return ended;
}

static void assert_ended(struct os_child *c, enum os_ended_how how, int value)
{
    struct os_ended ended = outcome(c);
    ck_assert_msg(ended.how == how && ended.value == value, "ended %d %d instead of %d %d",
                  (int)ended.how, ended.value, (int)how, value);
}

static inline void assert_no_child_left(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static inline int count_descriptors(void)
{
    int n = 0;
    for (int i = 0; i < 2048; i++) {
        n += fcntl(i, F_GETFD) != -1 ? 1 : 0;
    }
    return n;
}

/* The lock as another process sees it; `wait`: until it is free. */
static inline bcj2_status lock_anew(bool wait)
{
    int other;
    assert_status(bcj2__os_lock_open(in_scratch("lock"), &other), BCJ2_OK);
    bcj2_status status = bcj2__os_lock(other, OS_LOCK_EXCLUSIVE, wait);
    bcj2__os_close(other);
    return status;
}

static inline void give_lock_away(void)
{
    bcj2__os_close_own(lock);
    lock = -1;
}

/* ---- how the system is ---- */

static int child_watch_missing(pid_t pid)
{
    (void)pid;
    errno = ENOSYS;
    return -1;
}

static void as_it_is(void)
{
}

static void without_child_watch(void)
{
    ck_assert(bcj2__os_syscall_set("child_watch", (os_function)child_watch_missing) != NULL);
}

/* those that differ in how an end is seen */
static void (*const watches[])(void) = {as_it_is, without_child_watch};

/* Else a thread does, which may be the first to know. */
static inline bool the_kernel_watches(void)
{
    int watch = bcj2__os_calls.child_watch(getpid());
    bcj2__os_close(watch);
    return watch >= 0;
}

#endif
