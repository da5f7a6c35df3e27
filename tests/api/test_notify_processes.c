/* SPDX-License-Identifier: MIT */
/* Callbacks of several processes on one queue: who set them last has them, what a process did not take
   before it ended is owed to the next, and whether one lives is the kernel's to say. Processes are forked
   before the queue is open anywhere. */
#include "ear.h"

#include "listener.h"
#include "mem.h"
#include "os.h"
#include "store_event.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ear ear;
static struct queue_signal ready, go_on;

static void start(void)
{
    queue_prepare();
    ear_make(&ear);
    queue_signal_make(&ready);
    queue_signal_make(&go_on);
}

static bcj2_job *only_job(void)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job = NULL;
    assert_status(bcj2_manager_enum_jobs(queue_manager, 0, &jobs), BCJ2_OK);
    assert_status(bcj2_job_enum_next(jobs, &job), BCJ2_OK);
    (void)bcj2_job_enum_unref(jobs);
    return job;
}

static struct store_notify row_of(bcj2_job *job)
{
    struct store_notify n;
    assert_status(bcj2__store_notify(job->core->store, job->seq, &n), BCJ2_OK);
    return n;
}

/* Of the only job, in a queue that nobody has open: a manager may bury a dead one as soon as it is open. */
static uint64_t listener_left(void)
{
    struct store *store = NULL;
    struct store_notify n;
    int64_t *seqs = NULL;
    uint32_t count = 0;
    assert_status(bcj2__store_open(queue_path("queue"), NULL, &store), BCJ2_OK);
    assert_status(bcj2__store_job_seqs(store, UINT32_MAX, &seqs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 1);
    assert_status(bcj2__store_notify(store, seqs[0], &n), BCJ2_OK);
    bcj2__mem_free(seqs);
    (void)bcj2__store_close(store);
    ck_assert_uint_ne(n.listener, 0);
    return n.listener;
}

static const char *lock_file(uint64_t number)
{
    char name[64];
    (void)snprintf(name, sizeof name, "queue/listener-%016llx.lock", (unsigned long long)number);
    return queue_path(name);
}

static bool has_lock_file(uint64_t number)
{
    return access(lock_file(number), F_OK) == 0;
}

static void count_lock_file(void *count, const char *name)
{
    *(unsigned *)count += strncmp(name, "listener-", strlen("listener-")) == 0;
}

static unsigned lock_files(void)
{
    unsigned count = 0;
    assert_status(bcj2__os_each_name(queue_path("queue"), count_lock_file, &count), BCJ2_OK);
    return count;
}

static void kill_it(int pid)
{
    int status = 0;
    ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid((pid_t)pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
}

/* ---- the process that has callbacks, and what becomes of it ---- */

static void say_and_block(struct ear *e, bcj2_job *job, uint32_t kind)
{
    (void)e;
    (void)job;
    (void)kind;
    queue_signal_give(&ready);
    queue_signal_await(&go_on);
}

static void be_told_and_block(void *unused)
{
    (void)unused;
    queue_open();
    ear.meanwhile = say_and_block;
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    assert_status(bcj2_resume(job), BCJ2_OK);
    (void)pause();
}

START_TEST(an_event_that_killed_its_process_is_owed_to_the_next)
{
    int child = queue_fork(be_told_and_block, NULL);
    queue_signal_await(&ready);
    kill_it(child);
    uint64_t number = listener_left();
    queue_open();
    bcj2_job *job = only_job();
    ck_assert(!bcj2__listener_lives(job->core, number));
    bcj2__listener_bury(job->core, number);
    ck_assert(!has_lock_file(number));
    ck_assert(!bcj2__listener_lives(job->core, number));
    ear_set(&ear, job, ALL_KINDS);
    ear_await_ended(&ear, 1);
    ck_assert_str_eq(ear_heard(&ear), "T");
    number = row_of(job).listener;
    ck_assert(bcj2__listener_lives(job->core, number));
    ck_assert(has_lock_file(number));
    assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_DELIVERED);
    bcj2_job_unref(job);
    queue_close();
    ck_assert(!has_lock_file(number));
}
END_TEST

static void set_and_close(void *unused)
{
    (void)unused;
    queue_open();
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_notify_cmdline(job, "/bin/false", NULL), BCJ2_OK);
    assert_status(bcj2_set_notify_flags(job, BCJ2_NOTIFY_DISABLE), BCJ2_OK);
    ear_set(&ear, job, ALL_KINDS);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_set_notify_flags(job, BCJ2_NOTIFY_JOB_ERROR), BCJ2_OK);
    queue_close();
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
    ck_assert_uint_eq(ear_count(&ear), 0);
    ck_assert(BCJ2_FAILED(bcj2_suspend(job)));
    bcj2_job_unref(job);
}

START_TEST(a_manager_that_closes_leaves_its_jobs_without_callbacks)
{
    queue_join(queue_fork(set_and_close, NULL));
    queue_open();
    bcj2_job *job = only_job();
    ck_assert_uint_eq(row_of(job).listener, 0);
    ck_assert_uint_eq(row_of(job).channels.callbacks, 0);
    assert_status(bcj2_set_notify_cmdline(job, NULL, NULL), BCJ2_OK);
    assert_status(bcj2_set_notify_flags(job, BCJ2_NOTIFY_JOB_TRANSFERRED), BCJ2_OK);
    ear_set(&ear, job, ALL_KINDS);
    ear_await(&ear, 1);
    bcj2_job_unref(job);
}
END_TEST

static void be_replaced(void *unused)
{
    (void)unused;
    queue_open();
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    queue_signal_give(&ready);
    ear_await_destroyed(&ear, 1); /* by the other process's setting */
    bcj2_notify_callbacks got = BCJ2_NOTIFY_CALLBACKS_INIT;
    assert_status(bcj2_get_notify_callbacks(job, &got), BCJ2_S_FALSE);
    ck_assert_uint_eq(ear_count(&ear), 0);
    queue_signal_give(&ready);
    queue_signal_await(&go_on);
    ck_assert_uint_eq(ear_count(&ear), 0);
    queue_close();
    bcj2_job_unref(job);
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
}

START_TEST(the_process_that_sets_callbacks_last_has_them)
{
    int child = queue_fork(be_replaced, NULL);
    queue_signal_await(&ready);
    queue_open();
    bcj2_job *job = only_job();
    ear_set(&ear, job, ALL_KINDS);
    queue_signal_await(&ready);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await_ended(&ear, 1);
    queue_signal_give(&go_on);
    queue_join(child);
    ck_assert_str_eq(ear_heard(&ear), "T");
    bcj2_job_unref(job);
}
END_TEST

static void set_and_wait(void *unused)
{
    (void)unused;
    queue_open();
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    queue_signal_give(&ready);
    ear_await_destroyed(&ear, 1);
    queue_close();
    bcj2_job_unref(job);
}

START_TEST(NULL_takes_the_callbacks_of_another_process_away)
{
    int child = queue_fork(set_and_wait, NULL);
    queue_signal_await(&ready);
    queue_open();
    bcj2_job *job = only_job();
    uint64_t number = row_of(job).listener;
    ck_assert(bcj2__listener_lives(job->core, number));
    assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
    queue_join(child);
    ck_assert(!bcj2__listener_lives(job->core, number));
    bcj2_job_unref(job);
}
END_TEST

/* The runner is another process: what it does reaches a listener that only listens. */
static void listen_as_client(void *unused)
{
    (void)unused;
    queue_open();
    bcj2_job *job = only_job();
    assert_status(bcj2_set_notify_flags(job, 3 | BCJ2_NOTIFY_FILE_TRANSFERRED), BCJ2_OK);
    ear_set(&ear, job, ALL_KINDS & ~(uint32_t)BCJ2_NOTIFY_JOB_MODIFICATION);
    queue_signal_give(&ready);
    ear_await_ended(&ear, 3);
    ck_assert_str_eq(ear_heard(&ear), "FFT");
    queue_close();
    bcj2_job_unref(job);
}

START_TEST(a_process_that_is_not_the_runner_is_told_too)
{
    struct queue_signal made;
    queue_signal_make(&made);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        queue_signal_await(&made);
        listen_as_client(NULL);
        _exit(EXIT_SUCCESS);
    }
    queue_open();
    bcj2_job *job = ear_job(2);
    queue_signal_give(&made);
    queue_signal_await(&ready);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    queue_join((int)child);
    bcj2_job_unref(job);
}
END_TEST

/* ---- forked children ---- */

START_TEST(a_forked_child_has_neither_callbacks_nor_calls)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_notify_callbacks set = ear_callbacks(&ear, ALL_KINDS), got = BCJ2_NOTIFY_CALLBACKS_INIT;
    options.flags = BCJ2_MANAGER_DISPATCH;
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        assert_status(bcj2_set_notify_callbacks(job, &set), BCJ2_E_CLOSED);
        assert_status(bcj2_get_notify_callbacks(job, &got), BCJ2_E_CLOSED);
        assert_status(bcj2_manager_dispatch(queue_manager), BCJ2_E_CLOSED);
        ck_assert_int_eq(bcj2_manager_get_fd(queue_manager), -1);
        ck_assert_ptr_null(bcj2_manager_close(queue_manager));
        ck_assert_uint_eq(ear_destroyed(&ear), 0);
        _exit(EXIT_SUCCESS);
    }
    queue_join((int)child);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await_ended(&ear, 1);
    bcj2_job_unref(job);
}
END_TEST

static void set_and_fork(void *unused)
{
    (void)unused;
    queue_open();
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) { /* lives on, with all that it has of its parent */
        queue_signal_give(&ready);
        queue_signal_await(&go_on);
        _exit(EXIT_SUCCESS);
    }
    (void)pause();
}

START_TEST(a_forked_child_does_not_keep_its_parent_alive)
{
    int parent = queue_fork(set_and_fork, NULL);
    queue_signal_await(&ready);
    kill_it(parent);
    uint64_t number = listener_left();
    ck_assert(has_lock_file(number));
    queue_open();
    bcj2_job *job = only_job();
    ck_assert(!bcj2__listener_lives(job->core, number));
    queue_signal_give(&go_on);
    bcj2_job_unref(job);
}
END_TEST

/* ---- lock files ---- */

START_TEST(a_listener_without_its_file_is_dead)
{
    queue_open();
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    uint64_t number = row_of(job).listener;
    ck_assert(number <= (uint64_t)INT64_MAX);
    ck_assert(bcj2__listener_lives(job->core, number));
    ck_assert(!bcj2__listener_lives(job->core, number ^ 1));
    ck_assert(!has_lock_file(number ^ 1));  /* asking makes none */
    bcj2__listener_bury(job->core, number); /* not while it lives */
    bcj2__listener_bury_all(job->core);
    ck_assert(bcj2__listener_lives(job->core, number));
    ck_assert_int_eq(unlink(lock_file(number)), 0);
    ck_assert(!bcj2__listener_lives(job->core, number));
    bcj2_job_unref(job);
}
END_TEST

static void end_without_a_word(void *unused)
{
    (void)unused;
    queue_open();
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    assert_status(bcj2_cancel(job), BCJ2_OK); /* no row names it any more */
    queue_signal_give(&ready);
    (void)pause();
}

START_TEST(who_becomes_the_runner_removes_the_files_of_the_dead)
{
    bcj2_notify_callbacks set = ear_callbacks(&ear, ALL_KINDS);
    int child = queue_fork(end_without_a_word, NULL);
    queue_signal_await(&ready);
    kill_it(child);
    ck_assert_uint_eq(lock_files(), 1);
    queue_write_file("queue/listener-1.lock", "", 0); /* no listener's name */
    queue_open();
    ck_assert_uint_eq(lock_files(), 1);
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_notify_callbacks(job, &set), BCJ2_OK);
    ck_assert_uint_eq(lock_files(), 2);
    queue_close();
    ck_assert_uint_eq(lock_files(), 1);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_manager_has_one_number_for_all_its_jobs)
{
    queue_open();
    bcj2_job *one = ear_job(1), *two = ear_job(1);
    ear_set(&ear, one, ALL_KINDS);
    ear_set(&ear, two, BCJ2_NOTIFY_JOB_ERROR);
    ck_assert_uint_eq(row_of(one).listener, row_of(two).listener);
    ck_assert_uint_eq(row_of(one).channels.callbacks, ALL_KINDS);
    ck_assert_uint_eq(row_of(two).channels.callbacks, BCJ2_NOTIFY_JOB_ERROR);
    bcj2_job_unref(one);
    bcj2_job_unref(two);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "processes", 60);
    tcase_add_checked_fixture(tc, start, queue_stop);
    tcase_add_test(tc, an_event_that_killed_its_process_is_owed_to_the_next);
    tcase_add_test(tc, a_manager_that_closes_leaves_its_jobs_without_callbacks);
    tcase_add_test(tc, the_process_that_sets_callbacks_last_has_them);
    tcase_add_test(tc, NULL_takes_the_callbacks_of_another_process_away);
    tcase_add_test(tc, a_process_that_is_not_the_runner_is_told_too);

    tc = suite_case(suite, "forked children", 60);
    tcase_add_checked_fixture(tc, start, queue_stop);
    tcase_add_test(tc, a_forked_child_has_neither_callbacks_nor_calls);
    tcase_add_test(tc, a_forked_child_does_not_keep_its_parent_alive);

    tc = suite_case(suite, "lock files", 60);
    tcase_add_checked_fixture(tc, start, queue_stop);
    tcase_add_test(tc, a_listener_without_its_file_is_dead);
    tcase_add_test(tc, who_becomes_the_runner_removes_the_files_of_the_dead);
    tcase_add_test(tc, a_manager_has_one_number_for_all_its_jobs);
}

SUITE_MAIN("callbacks of processes", add_cases)
