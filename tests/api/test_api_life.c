/* SPDX-License-Identifier: MIT */
/* The life of a manager: closed under its handles, in a forked child, opened twice, opened again, its
   limits, and several threads at once. What a queue directory may be: test_api_queue.c. */
#include "../support/bits_server.h"
#include "../support/queue.h"
#include "every_call.h"

#include "job.h"
#include "macro.h"
#include "mem.h"
#include "os.h"

#include <inttypes.h>
#include <pthread.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- closed ---- */

/* What every call on a handle says when there is no queue behind it any more. */
static void all_closed(bool with_manager, const char *detail)
{
    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *c = &every_call[i];
        if (c->no_queue || (c->manager && !with_manager)) {
            continue;
        }
        bcj2_status s = c->call(NO_NULL);
        ck_assert_msg(s == BCJ2_E_CLOSED, "%s: 0x%08x", c->name, (unsigned)s);
        assert_detail(detail);
    }
}

START_TEST(handles_outlive_their_manager)
{
    every_call_prepare();
    queue_close();
    all_closed(false, "closed");
    every_call_done();
}
END_TEST

struct waiter {
    bcj2_job *job;
    bcj2_manager *manager;
    bcj2_status status;
    char detail[256];
};

static void *wait_for_ever(void *argument)
{
    struct waiter *w = argument;
    w->status = bcj2_wait(w->job, STATE_BIT(TRANSFERRED), -1, NULL);
    (void)snprintf(w->detail, sizeof w->detail, "%s", bcj2_last_detail());
    return NULL;
}

/* Until so many calls on the queue are under way. */
static void await_calls(bcj2_job *job, uint32_t expected)
{
    uint32_t calls = 0;
    while (calls != expected) {
        bcj2__os_mutex_lock(job->core->lock);
        calls = job->core->calls;
        bcj2__os_mutex_unlock(job->core->lock);
        (void)poll(NULL, 0, 1);
    }
}

START_TEST(close_wakes_who_waits)
{
    struct waiter w = {.job = queue_job(BCJ2_JOB_TYPE_UPLOAD)};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_ever, &w), 0);
    await_calls(w.job, 1);
    queue_close();
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(w.status, BCJ2_E_CLOSED);
    ck_assert_ptr_nonnull(strstr(w.detail, "closed"));
    bcj2_job_unref(w.job);
}
END_TEST

static struct queue_signal started; /* given once by each thread that has begun */

static int32_t note_progress(void *user, int32_t phase, uint64_t done, uint64_t total)
{
    bool *told = user;
    if (!*told) {
        queue_signal_give(&started);
        *told = true;
    }
    return 0;
}

static void *upload_for_ever(void *argument)
{
    struct waiter *w = argument;
    bcj2_job *job = NULL;
    bool told = false;
    w->status = bcj2_upload_reply(w->manager, queue_path("up.bin"), "http://127.0.0.1:1/",
                                  queue_path("out/reply"), note_progress, &told, &job);
    w->job = job;
    return NULL;
}

START_TEST(close_ends_an_upload_reply)
{
    struct waiter w = {.manager = queue_manager};
    pthread_t thread;
    queue_signal_make(&started);
    ck_assert_int_eq(pthread_create(&thread, NULL, upload_for_ever, &w), 0);
    queue_signal_await(&started);
    queue_close();
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(w.status, BCJ2_E_CLOSED);
    ck_assert_ptr_nonnull(w.job);
    bcj2_job_unref(w.job);
    queue_open(); /* the job is still there */
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    ck_assert_uint_eq(info.jobs, 1);
}
END_TEST

START_TEST(close_while_a_job_runs)
{
    struct bits_server *server = bits_server_start();
    bits_server_hold(server, BITS_FRAGMENT);
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, bits_server_url(server, "/a"));
    bcj2_guid id;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert(bits_server_wait_held(server));
    job = bcj2_job_unref(job);
    queue_close();
    bits_server_release(server);
    queue_open();
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_uint_eq(bits_server_count(server, BITS_CREATE), 1); /* it went on */
    bcj2_job_unref(job);
    queue_close();
    bits_server_stop(server);
}
END_TEST

/* ---- forked ---- */

static struct queue_signal child_may_end, child_has_looked;

static void look_in_child(void *unused)
{
    all_closed(true, "fork");
    every_call_done();
    queue_signal_give(&child_has_looked);
    queue_signal_await(&child_may_end);
}

/* The child keeps nothing of the parent's: not the lock either, while it lives. */
START_TEST(a_forked_child_has_no_queue)
{
    queue_signal_make(&child_may_end);
    queue_signal_make(&child_has_looked);
    every_call_prepare();
    int pid = queue_fork(look_in_child, NULL);
    queue_signal_await(&child_has_looked);
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD); /* the parent goes on */
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_SUSPENDED);
    bcj2_job_unref(job);
    every_call_done();
    queue_close();
    queue_open();
    queue_signal_give(&child_may_end);
    queue_join(pid);
}
END_TEST

static void close_it(void *unused)
{
    queue_manager = bcj2_manager_close(queue_manager);
}

static void expect_runner(bcj2_manager *m, bool expected)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_get_info(m, &info), BCJ2_OK);
    ck_assert_int_eq(info.is_runner, expected);
    ck_assert_int_eq(info.runner_pid, (int64_t)getpid());
}

START_TEST(a_forked_child_that_closes_frees_no_lock)
{
    bcj2_manager *other = NULL;
    queue_join(queue_fork(close_it, NULL));
    bcj2_job_unref(queue_job(BCJ2_JOB_TYPE_UPLOAD));
    assert_status(bcj2_manager_open(queue_path("queue"), NULL, &other), BCJ2_OK);
    expect_runner(queue_manager, true);
    expect_runner(other, false); /* else it would have got the lock */
    ck_assert_ptr_null(bcj2_manager_close(other));
}
END_TEST

/* Two managers are two, whether in one process or in two. */
START_TEST(a_queue_is_open_twice_in_one_process)
{
    bcj2_manager *other = NULL;
    bcj2_job *here = NULL, *there = NULL;
    bcj2_guid id;
    uint64_t change = 0;
    assert_status(bcj2_manager_open(queue_path("queue"), NULL, &other), BCJ2_OK);
    assert_status(bcj2_manager_wait(queue_manager, &change, 0), BCJ2_S_FALSE);
    here = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, NULL);
    assert_status(bcj2_get_id(here, &id), BCJ2_OK);
    assert_status(bcj2_manager_get_job(other, &id, &there), BCJ2_OK);
    assert_status(bcj2_manager_wait(other, &change, 20000), BCJ2_OK);
    assert_status(bcj2_resume(there), BCJ2_OK);
    /* nobody listens there: the runner here has tried it */
    queue_wait(here, STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    assert_status(bcj2_wait(there, STATE_BIT(TRANSIENT_ERROR), 20000, NULL), BCJ2_OK);
    assert_status(bcj2_cancel(there), BCJ2_OK);
    assert_status(bcj2_wait(here, STATE_BIT(CANCELLED), 20000, NULL), BCJ2_OK);
    expect_runner(other, false);
    bcj2_job_unref(here);
    queue_close(); /* the runner goes, the other takes over */
    assert_status(bcj2_manager_create_job(other, "x", BCJ2_JOB_TYPE_UPLOAD, &id, &here), BCJ2_OK);
    assert_status(bcj2_add_file(here, "http://127.0.0.1:1/x", queue_path("up.bin")), BCJ2_OK);
    assert_status(bcj2_resume(here), BCJ2_OK);
    queue_wait(here, STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    expect_runner(other, true);
    bcj2_job_unref(here);
    bcj2_job_unref(there);
    ck_assert_ptr_null(bcj2_manager_close(other));
    queue_open();
}
END_TEST

static void open_and_close(void *unused)
{
    queue_manager = NULL;
    queue_open();
    queue_close();
}

START_TEST(a_closed_queue_can_be_opened_again)
{
    queue_close();
    queue_join(queue_fork(open_and_close, NULL));
    for (int i = 0; i < 5; i++) {
        queue_open();
        queue_close();
    }
    queue_open();
}
END_TEST

START_TEST(jobs_survive_with_all_they_have)
{
    bcj2_guid id;
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, "http://host/a?b=%20#c");
    assert_status(bcj2_set_display_name(job, "n\xc3\xa4me \"\\\n"), BCJ2_OK);
    assert_status(bcj2_set_description(job, "description"), BCJ2_OK);
    assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), BCJ2_OK);
    assert_status(bcj2_set_minimum_retry_delay(job, UINT32_MAX), BCJ2_OK);
    assert_status(bcj2_set_no_progress_timeout(job, 0), BCJ2_OK);
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    char *before = queue_json(job);
    job = bcj2_job_unref(job);
    queue_close();
    queue_open();
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_OK);
    char *after = queue_json(job);
    ck_assert_str_eq(after, before);
    bcj2_free(before);
    bcj2_free(after);
    bcj2_job_unref(job);
}
END_TEST

/* ---- limits ---- */

START_TEST(jobs_are_limited_by_the_options)
{
    const struct {
        uint32_t max_jobs, max_jobs_per_user;
        bcj2_status expected;
    } rows[] = {
        {2, 0, BCJ2_E_TOO_MANY_JOBS_PER_MACHINE},
        {0, 2, BCJ2_E_TOO_MANY_JOBS_PER_USER},
        {2, 2, BCJ2_E_TOO_MANY_JOBS_PER_USER},
    };
    bcj2_manager_options o = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_job *jobs[2], *more = NULL;
    bcj2_guid id;
    o.max_jobs = rows[_i].max_jobs;
    o.max_jobs_per_user = rows[_i].max_jobs_per_user;
    queue_close();
    assert_status(bcj2_manager_open(queue_path("queue"), &o, &queue_manager), BCJ2_OK);
    jobs[0] = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    jobs[1] = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    assert_status(bcj2_manager_create_job(queue_manager, "x", BCJ2_JOB_TYPE_UPLOAD, &id, &more),
                  rows[_i].expected);
    assert_detail(" 2 jobs");
    ck_assert_ptr_null(more);
    assert_status(bcj2_cancel(jobs[0]), BCJ2_OK); /* final jobs do not count */
    more = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    bcj2_job_unref(more);
    bcj2_job_unref(jobs[0]);
    bcj2_job_unref(jobs[1]);
}
END_TEST

START_TEST(jobs_that_nobody_touches_are_cancelled)
{
    bcj2_manager_options o = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_guid id;
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    job = bcj2_job_unref(job);
    queue_close();
    o.job_inactivity_timeout = 1;
    assert_status(bcj2_manager_open(queue_path("queue"), &o, &queue_manager), BCJ2_OK);
    bcj2_status s = bcj2_manager_get_job(queue_manager, &id, &job);
    if (s != BCJ2_E_NOT_FOUND) { /* a second may be over already */
        assert_status(s, BCJ2_OK);
        queue_wait(job, STATE_BIT(CANCELLED), BCJ2_JOB_STATE_CANCELLED);
    }
    bcj2_job_unref(job);
}
END_TEST

START_TEST(manager_info)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    bcj2_manager_options o = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_job_unref(queue_job(BCJ2_JOB_TYPE_UPLOAD));
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    ck_assert_int_eq(info.is_runner, 1);
    ck_assert_int_eq(info.runner_pid, (int64_t)getpid());
    ck_assert_uint_eq(info.jobs, 1);
    ck_assert_uint_eq(info.jobs_to_move, 0);
    ck_assert_uint_eq(info.goodbyes, 0);
    queue_close();
    o.flags = BCJ2_MANAGER_CONTROL_ONLY;
    assert_status(bcj2_manager_open(queue_path("queue"), &o, &queue_manager), BCJ2_OK);
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    ck_assert_int_eq(info.is_runner, 0);
    ck_assert_int_eq(info.runner_pid, 0);
    /* a runner comes and goes: a waiter hears of it, although no job changes */
    uint64_t change = 0;
    bcj2_manager *runner = NULL;
    assert_status(bcj2_manager_wait(queue_manager, &change, -1), BCJ2_OK);
    assert_status(bcj2_manager_open(queue_path("queue"), NULL, &runner), BCJ2_OK);
    for (int i = 0; i < 2; i++) {
        do { /* also of one that came or went between the two calls */
            assert_status(bcj2_manager_wait(queue_manager, &change, 20000), BCJ2_OK);
            assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
        } while ((info.runner_pid == 0) != (i == 1));
        ck_assert_int_eq(info.is_runner, 0);
        runner = bcj2_manager_close(runner);
    }
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, NULL);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert_int_eq(bcj2_wait(job, ~STATE_BIT(QUEUED) & 0x1ff, 50, NULL), BCJ2_S_FALSE);
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    ck_assert_uint_eq(info.jobs, 2);
    ck_assert_uint_eq(info.jobs_to_move, 1);
    bcj2_job_unref(job);
}
END_TEST

static void interrupt_it(void *manager)
{
    assert_status(bcj2_manager_interrupt(manager), BCJ2_OK);
}

START_TEST(a_wait_is_interrupted)
{
    uint64_t change = 0, before;
    struct os_thread *thread = NULL;
    bcj2_job_unref(queue_job(BCJ2_JOB_TYPE_UPLOAD));
    /* before it, while it waits, and not a second time */
    assert_status(bcj2_manager_interrupt(queue_manager), BCJ2_OK);
    assert_status(bcj2_manager_wait(queue_manager, &change, -1), BCJ2_E_ABORT);
    ck_assert_uint_eq(change, 0);
    assert_status(bcj2_manager_wait(queue_manager, &change, -1), BCJ2_OK);
    before = change;
    assert_status(bcj2__os_thread_start("interrupt", interrupt_it, queue_manager, &thread),
                  BCJ2_OK);
    assert_status(bcj2_manager_wait(queue_manager, &change, -1), BCJ2_E_ABORT);
    ck_assert_uint_eq(change, before);
    ck_assert_ptr_null(bcj2__os_thread_join(thread));
    assert_status(bcj2_manager_wait(queue_manager, &change, 0), BCJ2_S_FALSE);
}
END_TEST

/* Whichever way it was named. */
START_TEST(the_directory_is_its_real_path)
{
    char *directory = NULL, *real = NULL;
    bcj2_manager *other = NULL;
    assert_status(bcj2__os_real_path(queue_path("queue"), &real), BCJ2_OK);
    ck_assert_int_eq(symlink(real, queue_path("link")), 0);
    assert_status(bcj2_manager_open(queue_path("link"), NULL, &other), BCJ2_OK);
    assert_status(bcj2_manager_get_directory(other, &directory), BCJ2_OK);
    ck_assert_str_eq(directory, real);
    bcj2_free(directory);
    bcj2__mem_free(real);
    ck_assert_ptr_null(bcj2_manager_close(other));
}
END_TEST

START_TEST(unknown_jobs_are_not_found)
{
    bcj2_guid id = {.data1 = 0x12345678};
    bcj2_job *job = NULL;
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_E_NOT_FOUND);
    assert_detail("12345678");
    ck_assert_ptr_null(job);
}
END_TEST

/* ---- threads ---- */

static const struct {
    bcj2_status (*set)(bcj2_job *, const char *);
    bcj2_status (*get)(bcj2_job *, char **);
} texts[] = {{bcj2_set_display_name, bcj2_get_display_name},
             {bcj2_set_description, bcj2_get_description}};

/* Changes and reads until the manager is closed under it. */
static void *hammer(void *argument)
{
    struct waiter *w = argument;
    for (uint32_t i = 0; i < UINT32_MAX; i++) {
        char text[32], *got = NULL;
        uint32_t number = 0;
        (void)snprintf(text, sizeof text, "%" PRIu32, i);
        w->status = texts[i % 2].set(w->job, text);
        if (w->status != BCJ2_OK) {
            break;
        }
        if ((w->status = texts[i % 2].get(w->job, &got)) != BCJ2_OK ||
            (w->status = bcj2_set_no_progress_timeout(w->job, i)) != BCJ2_OK ||
            (w->status = bcj2_get_no_progress_timeout(w->job, &number)) != BCJ2_OK ||
            (w->status = bcj2_suspend(w->job)) != BCJ2_OK) {
            bcj2_free(got);
            break;
        }
        bcj2_free(got);
        if (i == 0) {
            queue_signal_give(&started);
        }
    }
    bcj2_job_unref(w->job);
    return NULL;
}

START_TEST(two_threads_and_a_close)
{
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    struct waiter w[2] = {{.job = bcj2_job_ref(job)}, {.job = bcj2_job_ref(job)}};
    pthread_t threads[ARRAY_LEN(w)];
    queue_signal_make(&started);
    for (size_t i = 0; i < ARRAY_LEN(w); i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, &w[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(w); i++) {
        queue_signal_await(&started);
    }
    for (int i = 0; i < 20; i++) {
        char *json = queue_json(job);
        bcj2_free(json);
    }
    queue_close();
    for (size_t i = 0; i < ARRAY_LEN(w); i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(w[i].status, BCJ2_E_CLOSED);
    }
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "closed", 30);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_test(tc, handles_outlive_their_manager);
    tcase_add_test(tc, close_wakes_who_waits);
    tcase_add_test(tc, close_ends_an_upload_reply);
    tcase_add_test(tc, close_while_a_job_runs);
    tc = suite_case(suite, "processes", 30);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_test(tc, a_forked_child_has_no_queue);
    tcase_add_test(tc, a_forked_child_that_closes_frees_no_lock);
    tcase_add_test(tc, a_queue_is_open_twice_in_one_process);
    tcase_add_test(tc, a_closed_queue_can_be_opened_again);
    tcase_add_test(tc, jobs_survive_with_all_they_have);
    tc = suite_case(suite, "limits and threads", 30);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_loop_test(tc, jobs_are_limited_by_the_options, 0, 3);
    tcase_add_test(tc, jobs_that_nobody_touches_are_cancelled);
    tcase_add_test(tc, manager_info);
    tcase_add_test(tc, a_wait_is_interrupted);
    tcase_add_test(tc, the_directory_is_its_real_path);
    tcase_add_test(tc, unknown_jobs_are_not_found);
    tcase_add_test(tc, two_threads_and_a_close);
}

SUITE_MAIN("api_life", add_cases)
