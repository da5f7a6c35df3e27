/* SPDX-License-Identifier: MIT */
/* What callbacks are told, in which order and how often (job-semantics 5.1 to 5.3 and vectors A3, A58 to A62).
   All of them are called in bcj2_manager_dispatch(), so that "nothing was told" can be seen. Not here: what
   callbacks may do (test_notify_inside.c), threads (test_notify_threads.c), other processes
   (test_notify_processes.c), command lines. */
#include "../support/bits_server.h"
#include "../support/fake_clock.h"
#include "ear.h"

#include "macro.h"
#include "os_calls.h"
#include "os_syscall.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define FAILED_ ((bcj2_status)0x80004005)
#define RETRY_S 600

static struct fake_clock fake;
static struct ear ear;

static void start(void)
{
    fake_clock_install(&fake);
    queue_start();
    ear_open_to_dispatch();
    ear_make(&ear);
}

static void settled_with(const char *heard)
{
    ear_settle();
    ck_assert_str_eq(ear_heard(&ear), heard);
}

/* Time goes by, and the engine looks at the clock: the job was touched. */
static void pass(bcj2_job *job, int64_t seconds)
{
    fake_clock_pass(seconds);
    assert_status(bcj2_set_description(job, "touched"), BCJ2_OK);
}

/* ---- set and get ---- */

static void assert_same(const bcj2_notify_callbacks *a, const bcj2_notify_callbacks *b)
{
    ck_assert(a->job_transferred == b->job_transferred && a->job_error == b->job_error);
    ck_assert(a->job_modification == b->job_modification);
    ck_assert(a->file_transferred == b->file_transferred && a->destroy == b->destroy);
    ck_assert_ptr_eq(a->user, b->user);
    ck_assert_uint_eq(a->struct_size, b->struct_size);
}

START_TEST(A3_a_new_job_has_no_callbacks)
{
    bcj2_notify_callbacks got = ear_callbacks(&ear, ALL_KINDS);
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_get_notify_callbacks(job, &got), BCJ2_S_FALSE);
    assert_same(&got, &(bcj2_notify_callbacks)BCJ2_NOTIFY_CALLBACKS_INIT);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(what_was_set_is_given_back_until_it_is_taken_away)
{
    bcj2_notify_callbacks got = BCJ2_NOTIFY_CALLBACKS_INIT, set = ear_callbacks(&ear, ALL_KINDS);
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_notify_callbacks(job, &set), BCJ2_OK);
    assert_status(bcj2_get_notify_callbacks(job, &got), BCJ2_OK);
    assert_same(&got, &set);
    assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
    assert_status(bcj2_get_notify_callbacks(job, &got), BCJ2_S_FALSE);
    ck_assert_ptr_null(got.user);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_struct_of_another_size_is_a_smaller_or_a_larger_one)
{
    struct {
        bcj2_notify_callbacks known;
        uint64_t later;
    } larger = {.known = ear_callbacks(&ear, ALL_KINDS), .later = 7};
    bcj2_notify_callbacks small = larger.known;
    bcj2_job *job = ear_job(1);
    small.struct_size = (uint32_t)sizeof small - 1;
    assert_status(bcj2_set_notify_callbacks(job, &small), BCJ2_E_INVALIDARG);
    assert_status(bcj2_get_notify_callbacks(job, &small), BCJ2_E_INVALIDARG);
    larger.known.struct_size = (uint32_t)sizeof larger;
    assert_status(bcj2_set_notify_callbacks(job, &larger.known), BCJ2_OK);
    memset(&larger.known.job_transferred, 0, sizeof(void *));
    assert_status(bcj2_get_notify_callbacks(job, &larger.known), BCJ2_OK);
    ck_assert_ptr_eq(larger.known.user, &ear);
    ck_assert(larger.known.job_transferred != NULL);
    ck_assert_uint_eq(larger.later, 7);
    ck_assert_uint_eq(larger.known.struct_size, sizeof larger);
    ck_assert_uint_eq(ear_destroyed(&ear), 0);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_job_that_left_the_queue_takes_none)
{
    bcj2_notify_callbacks set = ear_callbacks(&ear, ALL_KINDS), got = BCJ2_NOTIFY_CALLBACKS_INIT;
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    assert_status(bcj2_set_notify_callbacks(job, &set), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_get_notify_callbacks(job, &got), BCJ2_S_FALSE);
    ck_assert_uint_eq(ear_destroyed(&ear), 0);
    bcj2_job_unref(job);
}
END_TEST

/* ---- what is told ---- */

START_TEST(a_transferred_job_is_told_once)
{
    bcj2_guid id;
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    ear_set(&ear, job, ALL_KINDS);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&ear, 1);
    settled_with("T");
    ck_assert_mem_eq(&ear.told[0].job, &id, sizeof id);
    bcj2_event event = ear_event(1);
    ck_assert_int_eq(event.result, BCJ2_EVENT_DELIVERED);
    ck_assert_uint_eq(event.attempts, 0);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_failed_job_is_told_with_its_error_at_each_new_one)
{
    bcj2_job *job = ear_job_failing();
    ear_set(&ear, job, ALL_KINDS);
    ear_resume(job, BCJ2_JOB_STATE_ERROR);
    ear_await(&ear, 1);
    settled_with("E");
    ck_assert_int_eq(ear.told[0].code, BCJ2_E_WIN32_FILE_NOT_FOUND);
    ear_resume(job, BCJ2_JOB_STATE_ERROR);
    ear_await(&ear, 2);
    settled_with("EE");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A62_what_happened_before_is_told_when_callbacks_are_set)
{
    bcj2_job *job = ear_job_transferred();
    ear_set(&ear, job, ALL_KINDS);
    ear_await(&ear, 1);
    settled_with("T");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A61_flags_decide_what_is_told_and_may_be_set_later)
{
    static const struct {
        uint32_t flags;
        const char *heard;
    } rows[] = {{0, ""},
                {BCJ2_NOTIFY_DISABLE, ""},
                {BCJ2_NOTIFY_DISABLE | 3, ""},
                {BCJ2_NOTIFY_JOB_ERROR, ""},
                {BCJ2_NOTIFY_FILE_RANGES_TRANSFERRED, ""},
                {BCJ2_NOTIFY_JOB_TRANSFERRED, "T"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ear_make(&ear);
        bcj2_job *job = ear_job(1);
        assert_status(bcj2_set_notify_flags(job, rows[i].flags), BCJ2_OK);
        ear_set(&ear, job, ALL_KINDS);
        ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
        ear_await(&ear, (unsigned)strlen(rows[i].heard));
        settled_with(rows[i].heard);
        assert_status(bcj2_set_notify_flags(job, BCJ2_NOTIFY_JOB_TRANSFERRED), BCJ2_OK);
        ear_await(&ear, 1);
        settled_with("T");
        assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
        bcj2_job_unref(job);
    }
}
END_TEST

START_TEST(A58_a_refusal_without_a_command_is_repeated_after_the_retry_delay)
{
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_minimum_retry_delay(job, RETRY_S), BCJ2_OK);
    ear.answers[0] = FAILED_;
    ear_set(&ear, job, ALL_KINDS);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&ear, 1);
    pass(job, RETRY_S / 2);
    settled_with("T");
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_OWED);
    ck_assert_uint_eq(ear_event(1).attempts, 1);
    pass(job, RETRY_S / 2 + 1);
    ear_await(&ear, 2);
    settled_with("TT");
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_DELIVERED);
    bcj2_job_unref(job);
}
END_TEST

/* A program that ends with 1: the turn is the callback's again after the delay only. */
START_TEST(A59_a_refusal_passes_the_event_to_the_command)
{
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_minimum_retry_delay(job, RETRY_S), BCJ2_OK);
    assert_status(bcj2_set_notify_cmdline(job, "/bin/false", NULL), BCJ2_OK);
    ear.answers[0] = FAILED_;
    ear_set(&ear, job, ALL_KINDS);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&ear, 1);
    settled_with("T");
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_OWED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A60_what_a_callback_took_is_not_for_the_command)
{
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_notify_cmdline(job, "/bin/false", NULL), BCJ2_OK);
    ear_set(&ear, job, ALL_KINDS);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&ear, 1);
    settled_with("T");
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_DELIVERED);
    ck_assert_uint_eq(ear_event(1).attempts, 0);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(R75_every_status_but_OK_refuses_a_job_and_only_failures_a_file)
{
    static const bcj2_status junk[] = {1, 2, INT32_MAX, 0x00200017, -1, FAILED_, INT32_MIN};
    for (size_t i = 0; i < ARRAY_LEN(junk); i++) {
        bool failure = junk[i] < 0;
        ear_make(&ear);
        bcj2_job *job = ear_job(1);
        assert_status(bcj2_set_minimum_retry_delay(job, RETRY_S), BCJ2_OK);
        assert_status(bcj2_set_notify_flags(job, 3 | BCJ2_NOTIFY_FILE_TRANSFERRED), BCJ2_OK);
        ear.answers[0] = junk[i];
        ear_set(&ear, job, ALL_KINDS);
        ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
        ear_await(&ear, failure ? 1 : 2);
        settled_with(failure ? "F" : "FT");
        assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
        bcj2_job_unref(job);

        ear_make(&ear);
        job = ear_job(1);
        assert_status(bcj2_set_minimum_retry_delay(job, RETRY_S), BCJ2_OK);
        ear.answers[0] = junk[i];
        ear_set(&ear, job, ALL_KINDS);
        ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
        ear_await(&ear, 1);
        settled_with("T");
        pass(job, RETRY_S + 1);
        ear_await(&ear, 2);
        settled_with("TT");
        assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
        bcj2_job_unref(job);
    }
}
END_TEST

/* ---- files ---- */

static bcj2_job *job_with_files(unsigned files)
{
    bcj2_job *job = ear_job(files);
    assert_status(bcj2_set_minimum_retry_delay(job, RETRY_S), BCJ2_OK);
    assert_status(bcj2_set_notify_flags(job, 3 | BCJ2_NOTIFY_FILE_TRANSFERRED), BCJ2_OK);
    return job;
}

START_TEST(files_are_told_in_their_order_and_before_the_job)
{
    bcj2_job *job = job_with_files(3);
    ear_set(&ear, job, ALL_KINDS);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&ear, 4);
    settled_with("FFFT");
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(ear.told[i].index, i);
    }
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_file_that_is_refused_holds_up_the_other_events_of_its_job)
{
    bcj2_job *job = job_with_files(2);
    ear.answers[1] = FAILED_;
    ear_set(&ear, job, ALL_KINDS);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&ear, 2);
    settled_with("FF");
    pass(job, RETRY_S + 1);
    ear_await(&ear, 4);
    settled_with("FFFT");
    ck_assert_uint_eq(ear.told[2].index, 1);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_file_that_was_refused_is_told_at_once_when_others_listen)
{
    bcj2_job *job = job_with_files(1);
    static struct ear second;
    ear_make(&second);
    ear.answers[0] = FAILED_;
    ear_set(&ear, job, ALL_KINDS);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&ear, 1);
    ear_set(&second, job, ALL_KINDS);
    ear_await(&second, 2);
    ck_assert_str_eq(ear_heard(&second), "FT");
    settled_with("F");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(files_from_before_the_callbacks_are_told_once)
{
    bcj2_job *job = job_with_files(2);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_set(&ear, job, ALL_KINDS);
    ear_await(&ear, 3);
    settled_with("FFT");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(files_hold_up_nothing_when_nobody_wants_them)
{
    bcj2_job *job = job_with_files(2);
    ear_set(&ear, job, BCJ2_NOTIFY_JOB_TRANSFERRED);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&ear, 1);
    settled_with("T");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(files_of_a_job_without_the_flag_are_never_told)
{
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&ear, 1);
    assert_status(bcj2_set_notify_flags(job, 3 | BCJ2_NOTIFY_FILE_TRANSFERRED), BCJ2_OK);
    settled_with("T");
    bcj2_job_unref(job);
}
END_TEST

/* ---- modifications ---- */

/* The test's calendar counts milliseconds: two changes in one have the same time. */
static void rename_job(bcj2_job *job, const char *name)
{
    fake_clock_set_wall(1);
    assert_status(bcj2_set_display_name(job, name), BCJ2_OK);
}

static _Atomic uint64_t frozen_ms;

static uint64_t frozen_now_ms(void)
{
    return atomic_load(&frozen_ms);
}

/* With a clock that stands still but when it is moved: what may be told together is. */
static void start_frozen(void)
{
    fake_clock_install(&fake);
    atomic_store(&frozen_ms, bcj2__os_calls.now_ms());
    (void)bcj2__os_syscall_set("now_ms", (os_function)frozen_now_ms);
    queue_start();
    ear_open_to_dispatch();
    ear_make(&ear);
}

START_TEST(modifications_are_told_at_once_and_then_together_twice_a_second)
{
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_notify_flags(job, BCJ2_NOTIFY_JOB_MODIFICATION), BCJ2_OK);
    ear_set(&ear, job, ALL_KINDS);
    settled_with("");
    rename_job(job, "a");
    ear_await(&ear, 1);
    for (int i = 0; i < 5; i++) {
        rename_job(job, "b");
    }
    settled_with("M");
    atomic_fetch_add(&frozen_ms, 499);
    rename_job(job, "c");
    settled_with("M");
    atomic_fetch_add(&frozen_ms, 1);
    ear_await(&ear, 2);
    settled_with("MM");
    atomic_fetch_add(&frozen_ms, 1000);
    settled_with("MM");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(what_a_modification_callback_returns_is_not_looked_at)
{
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_notify_flags(job, BCJ2_NOTIFY_JOB_MODIFICATION), BCJ2_OK);
    ear.answers[0] = FAILED_;
    ear_set(&ear, job, ALL_KINDS);
    rename_job(job, "a");
    ear_await(&ear, 1);
    atomic_fetch_add(&frozen_ms, 1000);
    settled_with("M");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(the_change_to_ERROR_is_no_modification)
{
    bcj2_job *job = ear_job_failing();
    assert_status(bcj2_set_notify_flags(job, 3 | BCJ2_NOTIFY_JOB_MODIFICATION), BCJ2_OK);
    ear_set(&ear, job, ALL_KINDS);
    rename_job(job, "a");
    ear_await(&ear, 1); /* nothing of what follows is told as one before the clock goes on */
    ear_resume(job, BCJ2_JOB_STATE_ERROR);
    ear_await(&ear, 2);
    atomic_fetch_add(&frozen_ms, 1000);
    settled_with("ME");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(without_the_flag_modifications_are_not_told_later_either)
{
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    rename_job(job, "a");
    settled_with("");
    assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
    bcj2_job_unref(job);
}
END_TEST

/* ---- dispatching ---- */

static bool is_readable(void)
{
    struct pollfd p = {.fd = bcj2_manager_get_fd(queue_manager), .events = POLLIN};
    ck_assert_int_ge(p.fd, 0);
    return poll(&p, 1, 0) == 1;
}

START_TEST(the_descriptor_is_readable_while_there_is_something_to_call)
{
    struct pollfd p = {.fd = bcj2_manager_get_fd(queue_manager), .events = POLLIN};
    ck_assert(!is_readable());
    assert_status(bcj2_manager_dispatch(queue_manager), BCJ2_S_FALSE);
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_int_eq(poll(&p, 1, 20000), 1);
    ck_assert(is_readable()); /* as long as nobody dispatches */
    ck_assert_uint_eq(ear_count(&ear), 0);
    assert_status(bcj2_manager_dispatch(queue_manager), BCJ2_OK);
    ck_assert_uint_eq(ear_count(&ear), 1);
    ck_assert(pthread_equal(ear.told[0].thread, pthread_self()));
    ck_assert(!is_readable());
    settled_with("T");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(without_the_option_there_is_nothing_to_dispatch)
{
    queue_close();
    queue_open();
    ck_assert_int_eq(bcj2_manager_get_fd(queue_manager), -1);
    ck_assert_int_eq(bcj2_manager_get_fd(NULL), -1);
    assert_status(bcj2_manager_dispatch(queue_manager), BCJ2_E_INVALIDARG);
    assert_detail("BCJ2_MANAGER_DISPATCH");
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "set and get", 60);
    tcase_add_checked_fixture(tc, start, queue_stop);
    tcase_add_test(tc, A3_a_new_job_has_no_callbacks);
    tcase_add_test(tc, what_was_set_is_given_back_until_it_is_taken_away);
    tcase_add_test(tc, a_struct_of_another_size_is_a_smaller_or_a_larger_one);
    tcase_add_test(tc, a_job_that_left_the_queue_takes_none);

    tc = suite_case(suite, "jobs", 60);
    tcase_add_checked_fixture(tc, start, queue_stop);
    tcase_add_test(tc, a_transferred_job_is_told_once);
    tcase_add_test(tc, a_failed_job_is_told_with_its_error_at_each_new_one);
    tcase_add_test(tc, A62_what_happened_before_is_told_when_callbacks_are_set);
    tcase_add_test(tc, A61_flags_decide_what_is_told_and_may_be_set_later);
    tcase_add_test(tc, A58_a_refusal_without_a_command_is_repeated_after_the_retry_delay);
    tcase_add_test(tc, A59_a_refusal_passes_the_event_to_the_command);
    tcase_add_test(tc, A60_what_a_callback_took_is_not_for_the_command);
    tcase_add_test(tc, R75_every_status_but_OK_refuses_a_job_and_only_failures_a_file);

    tc = suite_case(suite, "files", 60);
    tcase_add_checked_fixture(tc, start, queue_stop);
    tcase_add_test(tc, files_are_told_in_their_order_and_before_the_job);
    tcase_add_test(tc, a_file_that_is_refused_holds_up_the_other_events_of_its_job);
    tcase_add_test(tc, a_file_that_was_refused_is_told_at_once_when_others_listen);
    tcase_add_test(tc, files_from_before_the_callbacks_are_told_once);
    tcase_add_test(tc, files_hold_up_nothing_when_nobody_wants_them);
    tcase_add_test(tc, files_of_a_job_without_the_flag_are_never_told);

    tc = suite_case(suite, "modifications", 60);
    tcase_add_checked_fixture(tc, start_frozen, queue_stop);
    tcase_add_test(tc, modifications_are_told_at_once_and_then_together_twice_a_second);
    tcase_add_test(tc, what_a_modification_callback_returns_is_not_looked_at);
    tcase_add_test(tc, the_change_to_ERROR_is_no_modification);
    tcase_add_test(tc, without_the_flag_modifications_are_not_told_later_either);

    tc = suite_case(suite, "dispatching", 60);
    tcase_add_checked_fixture(tc, start, queue_stop);
    tcase_add_test(tc, the_descriptor_is_readable_while_there_is_something_to_call);
    tcase_add_test(tc, without_the_option_there_is_nothing_to_dispatch);
}

SUITE_MAIN("callbacks", add_cases)
