/* SPDX-License-Identifier: MIT */
/* What the tests of programs that are told of events share: a queue with a moved clock, and that nothing of
   a program is left at the end. A test file defines _GNU_SOURCE (or _DARWIN_C_SOURCE) before it includes
   this. Not here: the program that is told (support/told.h). */
#ifndef BCJ2_TESTS_COMMAND_RIG_H
#define BCJ2_TESTS_COMMAND_RIG_H

#include "../support/fake_clock.h"
#include "../support/told.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENDED (STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR))

static struct fake_clock fake;

static inline void start(void)
{
    fake_clock_install(&fake);
    queue_prepare();
    told_open();
}

/* Nothing of any program is left to be waited for; nothing is waited for here, it would be stolen. */
static inline void assert_no_child(void)
{
    siginfo_t info;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        (void)poll(NULL, 0, 1); /* it has ended, and is being reaped by a thread of its own */
    }
    ck_assert_int_eq(errno, ECHILD);
}

static inline void stop(void)
{
    if (queue_manager != NULL) {
        queue_close();
    }
    assert_no_child();
    ck_assert(!told_overlapped());
    queue_stop();
}

static inline void assert_file(const char *name, const char *expected)
{
    size_t size = 0;
    char *text = queue_read_file(queue_path(name), &size);
    ck_assert_str_eq(text, expected);
    free(text);
}

static inline uint64_t commands(void)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    return info.commands;
}

/* The engine has looked at the clock, and at what is due, since this began. */
static inline void look(void)
{
    bcj2_job *probe = told_job(false);
    assert_status(bcj2_set_priority(probe, BCJ2_JOB_PRIORITY_FOREGROUND), BCJ2_OK);
    assert_status(bcj2_resume(probe), BCJ2_OK);
    queue_wait(probe, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_complete(probe), BCJ2_OK);
    bcj2_job_unref(probe);
}

static inline void pass(int64_t seconds)
{
    fake_clock_pass(seconds);
    look();
}

static inline bcj2_job *over_restart(bcj2_job *job)
{
    bcj2_guid id;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    bcj2_job_unref(job);
    queue_close();
    told_open();
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_OK);
    return job;
}

static inline TCase *a_case(Suite *suite, const char *name)
{
    TCase *tc = suite_case(suite, name, 60);
    tcase_add_checked_fixture(tc, start, stop);
    return tc;
}

#endif
