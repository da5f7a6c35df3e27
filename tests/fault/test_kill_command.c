/* SPDX-License-Identifier: MIT */
/* The process that starts programs for events is killed, at each step of that and at moments of chance: each
   event is told, no more often than processes were killed, and never to two programs at once. Not here: what
   programs are started with (tests/api/test_notify_command.c).

   BCJ2_TEST_LONG=1: more kills. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "../support/fake_clock.h"
#include "../support/told.h"

#include "os_calls.h"
#include "os_syscall.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fake_clock fake;

static void die(void)
{
    (void)kill(getpid(), SIGKILL);
    (void)pause();
}

/* ---- the steps ---- */

static pid_t (*real_fork)(void);
static ssize_t (*real_send)(int fd, const void *data, size_t size, int flags);
static int (*real_wait_child)(int watch, pid_t pid, siginfo_t *ret, int options);
static int (*real_unlink)(const char *path);

static pid_t die_before_fork(void)
{
    die();
    return -1;
}

static pid_t die_after_fork(void)
{
    pid_t pid = real_fork();
    if (pid != 0) {
        die();
    }
    return pid;
}

/* The one byte is what the forked child waits for. */
static ssize_t die_after_go(int fd, const void *data, size_t size, int flags)
{
    ssize_t sent = real_send(fd, data, size, flags);
    if (size == 1) {
        die();
    }
    return sent;
}

static int die_at_its_end(int watch, pid_t pid, siginfo_t *ret, int options)
{
    int result = real_wait_child(watch, pid, ret, options);
    if (result == 0 && ret->si_pid != 0) {
        die();
    }
    return result;
}

static bool is_of_event(const char *path)
{
    return strstr(path, "/notify-") != NULL;
}

/* The first one is of the input's name, the lock's is removed when all is stored. */
static int die_at_input(const char *path)
{
    if (is_of_event(path)) {
        die();
    }
    return real_unlink(path);
}

static int die_when_stored(const char *path)
{
    if (is_of_event(path) && strstr(path, ".lock") != NULL) {
        die();
    }
    return real_unlink(path);
}

static const struct {
    const char *call;
    os_function fake;
    size_t runs; /* by all processes together */
} steps[] = {
    {"unlink", (os_function)die_at_input, 1},       {"fork", (os_function)die_before_fork, 1},
    {"fork", (os_function)die_after_fork, 1},       {"send", (os_function)die_after_go, 2},
    {"wait_child", (os_function)die_at_its_end, 2}, {"unlink", (os_function)die_when_stored, 1},
};
#define STEPS (sizeof steps / sizeof steps[0])

static void make_event(void *step)
{
    const size_t *at = step;
    real_fork = bcj2__os_calls.fork;
    real_send = bcj2__os_calls.send;
    real_wait_child = bcj2__os_calls.wait_child;
    real_unlink = bcj2__os_calls.unlink;
    (void)bcj2__os_syscall_set(steps[*at].call, steps[*at].fake);
    told_open();
    bcj2_job *job = told_resumed(true, ":", 0);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    for (;;) {
        (void)pause(); /* stored; what is left is to be killed at */
    }
}

static void killed(pid_t pid)
{
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status 0x%x",
                  (unsigned)status);
}

static bcj2_job *only_job(void)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job = NULL;
    assert_status(bcj2_manager_enum_jobs(queue_manager, 0, &jobs), BCJ2_OK);
    assert_status(bcj2_job_enum_next(jobs, &job), BCJ2_OK);
    bcj2_job_enum_unref(jobs);
    return job;
}

START_TEST(each_step)
{
    size_t step = (size_t)_i;
    queue_prepare();
    told_make(":");
    killed(queue_fork(make_event, &step));
    told_open();
    bcj2_job *job = only_job();
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    ck_assert_uint_eq(told_runs(), steps[step].runs);
    ck_assert(!told_overlapped());
    /* what it left is gone a day after the event is over */
    queue_close();
    fake_clock_install(&fake);
    fake_clock_pass(2 * 86400);
    told_open();
    bcj2_job_unref(job);
    job = told_job(true); /* goes through the engine after that was seen to */
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(ERROR), BCJ2_JOB_STATE_ERROR);
    ck_assert_int_eq(access(queue_path("queue/notify-1.lock"), F_OK), -1);
    ck_assert_int_eq(access(queue_path("queue/notify-1.input"), F_OK), -1);
    bcj2_job_unref(job);
    queue_stop();
}
END_TEST

/* ---- while it runs ---- */

static void run_for_ever(void *argument)
{
    (void)argument;
    told_open();
    bcj2_job *job = told_resumed(true, "pass; leave $(cat status)", 0);
    for (;;) {
        (void)bcj2_wait(job, STATE_BIT(ACKNOWLEDGED), -1, NULL);
    }
}

/* What a program's end was nobody knows whose starter is gone, so it runs again; but not beside itself. */
START_TEST(one_that_outlives_its_starter_is_not_joined_by_another)
{
    queue_prepare();
    queue_write_file("status", "3", 1);
    told_make(":");
    pid_t pid = queue_fork(run_for_ever, NULL);
    told_await_start();
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    killed(pid);
    told_open();
    for (int i = 0; i < 3; i++) {
        told_await_log("still runs");
    }
    ck_assert_uint_eq(told_runs(), 1);
    queue_write_file("status", "0", 1);
    told_release(1);
    told_await_start();
    told_release(1);
    bcj2_job *job = only_job();
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 2);
    ck_assert_uint_eq(told_runs(), 2);
    ck_assert(!told_overlapped());
    bcj2_job_unref(job);
    queue_stop();
}
END_TEST

/* The row goes with its job when the queue is opened; nobody knows the event's number from it then. */
START_TEST(its_file_goes_though_its_job_is_forgotten)
{
    queue_prepare();
    queue_write_file("status", "0", 1);
    told_make(":");
    pid_t pid = queue_fork(run_for_ever, NULL);
    told_await_start();
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    killed(pid);
    told_release(1);
    const bcj2_manager_options options = {.struct_size = sizeof options,
                                          .flags = BCJ2_MANAGER_CONTROL_ONLY};
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    bcj2_job *job = only_job();
    assert_status(bcj2_cancel(job), BCJ2_OK);
    bcj2_job_unref(job);
    queue_close();
    ck_assert_int_eq(access(queue_path("queue/notify-1.lock"), F_OK), 0);
    queue_write_file("queue/notify-1.lock.x", "", 0); /* no event's name */
    queue_write_file("queue/notify-2.input", "", 0);
    queue_open();
    ck_assert_int_eq(access(queue_path("queue/notify-1.lock"), F_OK), -1);
    ck_assert_int_eq(access(queue_path("queue/notify-1.lock.x"), F_OK), 0);
    ck_assert_int_eq(access(queue_path("queue/notify-2.input"), F_OK), -1);
    queue_stop();
}
END_TEST

/* ---- one that kills who starts it ---- */

static void start_and_be_killed(void *argument)
{
    const bool *first = argument;
    told_open();
    if (*first) {
        (void)told_resumed(true, "rmdir \"$mine\"; exec 3>&-; kill -9 $PPID", 600);
    }
    for (;;) {
        (void)pause();
    }
}

/* What was started once may have been about to be; what was started twice waits for the delay. */
START_TEST(one_that_kills_its_starter_does_not_kill_the_third)
{
    bool first = true, second = false;
    queue_prepare();
    told_make(":");
    killed(queue_fork(start_and_be_killed, &first));
    killed(queue_fork(start_and_be_killed, &second));
    told_open();
    bcj2_job *job = only_job(), *probe = told_job(true);
    assert_status(bcj2_resume(probe), BCJ2_OK);
    queue_wait(probe, STATE_BIT(ERROR), BCJ2_JOB_STATE_ERROR);
    ck_assert_uint_eq(told_runs(), 2);
    bcj2_event event = told_event(job, 0);
    ck_assert_int_eq(event.result, BCJ2_EVENT_OWED);
    ck_assert_uint_eq(event.attempts, 2);
    bcj2_job_unref(probe);
    bcj2_job_unref(job);
    queue_stop();
}
END_TEST

/* ---- who has the callbacks is killed ---- */

static bcj2_status never_return(bcj2_job *job, bcj2_error *error, void *user)
{
    (void)job;
    (void)error;
    queue_signal_give(user);
    for (;;) {
        (void)pause();
    }
    return BCJ2_OK;
}

struct listening {
    struct queue_signal go, set, called;
};

static void listen_for_ever(void *argument)
{
    struct listening *l = argument;
    bcj2_notify_callbacks callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
    callbacks.job_error = never_return;
    callbacks.user = &l->called;
    queue_signal_await(&l->go);
    told_open();
    assert_status(bcj2_set_notify_callbacks(only_job(), &callbacks), BCJ2_OK);
    queue_signal_give(&l->set);
    for (;;) {
        (void)pause();
    }
}

/* Before the event, or inside its callback: the program is started, by a runner that hears of the end only
   from the kernel. */
START_TEST(a_listener_that_is_killed_leaves_its_events_to_the_program)
{
    struct listening l;
    bool inside = _i == 1;
    queue_prepare();
    queue_signal_make(&l.go);
    queue_signal_make(&l.set);
    queue_signal_make(&l.called);
    pid_t pid = queue_fork(listen_for_ever, &l);
    told_open();
    told_make(":");
    bcj2_job *job = told_job(true);
    told_set(job);
    queue_signal_give(&l.go);
    queue_signal_await(&l.set);
    if (inside) {
        assert_status(bcj2_resume(job), BCJ2_OK);
        queue_signal_await(&l.called);
        ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_OWED);
    }
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    killed(pid);
    if (!inside) {
        assert_status(bcj2_resume(job), BCJ2_OK);
    }
    ck_assert_uint_eq(told_await(job, BCJ2_EVENT_DELIVERED, 1).attempts, 1);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
    queue_stop();
}
END_TEST

/* The listener moved the bytes, too: who takes over finds it dead. */
static void listen_and_run(void *argument)
{
    struct listening *l = argument;
    bcj2_notify_callbacks callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
    callbacks.job_error = never_return;
    callbacks.user = &l->called;
    told_open();
    told_make(":");
    bcj2_job *job = told_job(true);
    told_set(job);
    assert_status(bcj2_set_notify_callbacks(job, &callbacks), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    for (;;) {
        (void)pause();
    }
}

START_TEST(a_listener_that_was_the_runner_is_found_dead)
{
    struct listening l;
    bool waiting = _i == 1; /* who takes over is there before */
    queue_prepare();
    queue_signal_make(&l.called);
    pid_t pid = queue_fork(listen_and_run, &l);
    queue_signal_await(&l.called);
    if (waiting) {
        told_open();
    }
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    killed(pid);
    if (!waiting) {
        told_open();
    }
    bcj2_job *job = only_job();
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
    queue_stop();
}
END_TEST

/* ---- at moments of chance ---- */

#define JOBS 6

static void go_on(void *argument)
{
    (void)argument;
    told_open();
    for (;;) {
        (void)pause();
    }
}

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static bool all_delivered(bcj2_job *const jobs[])
{
    bool all = true;
    for (int i = 0; i < JOBS; i++) {
        all = told_event(jobs[i], 0).result == BCJ2_EVENT_DELIVERED && all;
    }
    return all;
}

static void make_jobs(void *argument)
{
    (void)argument;
    told_open();
    for (int i = 0; i < JOBS; i++) {
        bcj2_job *job = told_job(i % 2 == 0);
        told_set(job);
        assert_status(bcj2_set_minimum_retry_delay(job, 0), BCJ2_OK);
        assert_status(bcj2_resume(job), BCJ2_OK);
        bcj2_job_unref(job);
    }
    queue_close();
}

/* One process after the other moves the bytes for a moment and is killed; the last one is not. */
START_TEST(moments_of_chance)
{
    uint32_t random = (uint32_t)_i + 1;
    size_t kills = getenv("BCJ2_TEST_LONG") != NULL ? 200 : 12;
    bcj2_job_enum *list = NULL;
    bcj2_job *jobs[JOBS];
    queue_prepare();
    told_make("read line < up.bin\n[ $(($$ % 3)) = 0 ] && leave 1");
    queue_join(queue_fork(make_jobs, NULL));
    for (size_t k = 0; k < kills; k++) {
        pid_t pid = queue_fork(go_on, NULL);
        (void)poll(NULL, 0, (int)(random_next(&random) % 40)); /* the moment */
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        killed(pid);
    }
    told_open();
    assert_status(bcj2_manager_enum_jobs(queue_manager, 0, &list), BCJ2_OK);
    for (int i = 0; i < JOBS; i++) {
        assert_status(bcj2_job_enum_next(list, &jobs[i]), BCJ2_OK);
        (void)told_await(jobs[i], BCJ2_EVENT_DELIVERED, 1);
    }
    ck_assert(all_delivered(jobs));
    ck_assert_uint_ge(told_runs(), JOBS);
    ck_assert(!told_overlapped());
    for (int i = 0; i < JOBS; i++) {
        bcj2_job_unref(jobs[i]);
    }
    bcj2_job_enum_unref(list);
    (void)printf("%zu kills: %d events, %zu programs\n", kills, JOBS, told_runs());
    queue_stop();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "kills", 120);
    tcase_add_loop_test(tc, each_step, 0, STEPS);
    tcase_add_test(tc, one_that_outlives_its_starter_is_not_joined_by_another);
    tcase_add_test(tc, its_file_goes_though_its_job_is_forgotten);
    tcase_add_test(tc, one_that_kills_its_starter_does_not_kill_the_third);
    tcase_add_loop_test(tc, a_listener_that_is_killed_leaves_its_events_to_the_program, 0, 2);
    tcase_add_loop_test(tc, a_listener_that_was_the_runner_is_found_dead, 0, 2);
    tcase_add_loop_test(tc, moments_of_chance, 0, 3);
}

SUITE_MAIN("kill_command", add_cases)
