/* SPDX-License-Identifier: MIT */
/* What callbacks may do to their job, their manager and each other, and when what was set is destroyed: once,
   whatever way it ends (job-semantics 5.3, vector A65). Called in bcj2_manager_dispatch(). */
#include "../support/fake_clock.h"
#include "../support/sqlite_fault.h"
#include "ear.h"

#include "macro.h"
#include "mem.h"
#include "os.h"
#include "timeouts.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define FAILED_ ((bcj2_status)0x80004005)
#define ENDED   (STATE_BIT(ACKNOWLEDGED) | STATE_BIT(CANCELLED))

static struct fake_clock fake;
static struct ear ear, second;

static void start(void)
{
    fake_clock_install(&fake);
    queue_start();
    ear_open_to_dispatch();
    ear_make(&ear);
    ear_make(&second);
}

static void stop(void)
{
    (void)sqlite_fault_clear();
    queue_stop();
}

static bcj2_job *job_that_calls(void (*meanwhile)(struct ear *, bcj2_job *, uint32_t))
{
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_minimum_retry_delay(job, 600), BCJ2_OK);
    ear.meanwhile = meanwhile;
    ear_set(&ear, job, ALL_KINDS);
    return job;
}

static void assert_got(bcj2_status status)
{
    ck_assert_uint_eq(ear.got_count, 1);
    assert_status(ear.got[0], status);
}

/* ---- what callbacks do to their job ---- */

static void complete(struct ear *e, bcj2_job *job, uint32_t kind)
{
    ck_assert_uint_eq(kind, BCJ2_NOTIFY_JOB_TRANSFERRED);
    ear_got(e, bcj2_complete(job));
}

START_TEST(A65_a_callback_completes_its_job)
{
    bcj2_job *job = job_that_calls(complete);
    ear.answers[0] = FAILED_; /* makes no difference any more */
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await_destroyed(&ear, 1);
    assert_got(BCJ2_OK);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_ACKNOWLEDGED);
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_DROPPED);
    ear_settle();
    ck_assert_str_eq(ear_heard(&ear), "T");
    bcj2_job_unref(job);
}
END_TEST

static void cancel(struct ear *e, bcj2_job *job, uint32_t kind)
{
    (void)kind;
    ear_got(e, bcj2_cancel(job));
}

START_TEST(a_callback_cancels_its_job)
{
    bcj2_job *job = job_that_calls(cancel);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await_destroyed(&ear, 1);
    assert_got(BCJ2_OK);
    ear_settle();
    ck_assert_str_eq(ear_heard(&ear), "T");
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_CANCELLED);
    bcj2_job_unref(job);
}
END_TEST

static void repair_and_resume(struct ear *e, bcj2_job *job, uint32_t kind)
{
    if (kind == BCJ2_NOTIFY_JOB_ERROR) {
        queue_write_file("missing", "0123456789", 10);
        ear_got(e, bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND));
        ear_got(e, bcj2_resume(job));
    }
}

START_TEST(a_callback_repairs_and_resumes_its_job)
{
    bcj2_job *job = ear_job_failing();
    ear.meanwhile = repair_and_resume;
    ear.answers[0] = FAILED_; /* of the old error, which is no more */
    ear_set(&ear, job, ALL_KINDS);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ear_await(&ear, 2);
    ck_assert_str_eq(ear_heard(&ear), "ET");
    assert_status(ear.got[0], BCJ2_OK);
    assert_status(ear.got[1], BCJ2_OK);
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_DROPPED);
    ear_settle();
    ck_assert_str_eq(ear_heard(&ear), "ET");
    bcj2_job_unref(job);
}
END_TEST

static void suspend(struct ear *e, bcj2_job *job, uint32_t kind)
{
    (void)kind;
    ear_got(e, bcj2_suspend(job));
}

START_TEST(a_callback_suspends_its_job)
{
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_notify_flags(job, BCJ2_NOTIFY_JOB_MODIFICATION), BCJ2_OK);
    ear.meanwhile = suspend;
    ear_set(&ear, job, ALL_KINDS);
    fake_clock_set_wall(1);
    assert_status(bcj2_set_display_name(job, "other"), BCJ2_OK);
    ear_await_ended(&ear, 1);
    assert_got(BCJ2_OK);
    assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
    bcj2_job_unref(job);
}
END_TEST

static void unref_other(struct ear *e, bcj2_job *job, uint32_t kind)
{
    (void)kind;
    ck_assert_ptr_ne(e->other, job);
    e->other = bcj2_job_unref(e->other);
}

START_TEST(a_callback_drops_the_last_handle_of_its_job)
{
    bcj2_job *job = job_that_calls(unref_other);
    ear.other = job;
    assert_status(bcj2_resume(job), BCJ2_OK);
    ear_await_ended(&ear, 1);
    ck_assert_ptr_null(ear.other);
    ear_settle();
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_DELIVERED);
}
END_TEST

/* ---- what callbacks do to callbacks ---- */

static void replace(struct ear *e, bcj2_job *job, uint32_t kind)
{
    (void)kind;
    ear_set(&second, job, ALL_KINDS);
    ck_assert_uint_eq(ear_destroyed(e), 0); /* it runs */
}

START_TEST(a_callback_that_replaces_itself_counts_if_it_takes_the_event)
{
    bcj2_job *job = job_that_calls(replace);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await_destroyed(&ear, 1);
    ear_settle();
    ck_assert_str_eq(ear_heard(&ear), "T");
    ck_assert_str_eq(ear_heard(&second), "");
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_DELIVERED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(what_a_replaced_callback_refuses_is_the_new_ones_at_once)
{
    bcj2_job *job = job_that_calls(replace);
    ear.answers[0] = FAILED_;
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&second, 1);
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
    ck_assert_str_eq(ear_heard(&ear), "T");
    ck_assert_str_eq(ear_heard(&second), "T");
    ear_settle();
    ck_assert_uint_eq(ear_event(1).attempts, 0);
    bcj2_job_unref(job);
}
END_TEST

static void remove_all(struct ear *e, bcj2_job *job, uint32_t kind)
{
    bcj2_notify_callbacks got = BCJ2_NOTIFY_CALLBACKS_INIT;
    (void)kind;
    ear_got(e, bcj2_set_notify_callbacks(job, NULL));
    assert_status(bcj2_get_notify_callbacks(job, &got), BCJ2_S_FALSE);
    ck_assert_uint_eq(ear_destroyed(e), 0);
}

START_TEST(a_callback_that_removes_itself_and_refuses_leaves_the_event_to_who_comes)
{
    bcj2_job *job = job_that_calls(remove_all);
    ear.answers[0] = FAILED_;
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await_destroyed(&ear, 1);
    assert_got(BCJ2_OK);
    ear_settle();
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_OWED);
    ear_set(&second, job, ALL_KINDS);
    ear_await(&second, 1);
    ck_assert_str_eq(ear_heard(&ear), "T");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_callback_that_removes_itself_and_takes_the_event_leaves_nothing)
{
    bcj2_job *job = job_that_calls(remove_all);
    assert_status(bcj2_set_notify_flags(job, 3 | BCJ2_NOTIFY_DISABLE), BCJ2_OK);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_set_notify_flags(job, 3), BCJ2_OK);
    ear_await_destroyed(&ear, 1);
    ear_settle();
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_DELIVERED);
    ear_set(&second, job, ALL_KINDS);
    ear_settle();
    ck_assert_str_eq(ear_heard(&ear), "T");
    ck_assert_str_eq(ear_heard(&second), "");
    bcj2_job_unref(job);
}
END_TEST

static void remove_and_set_again(struct ear *e, bcj2_job *job, uint32_t kind)
{
    remove_all(e, job, kind);
    ear_set(&second, job, ALL_KINDS);
}

START_TEST(a_callback_that_removes_itself_and_sets_another_is_not_overtaken)
{
    bcj2_job *job = job_that_calls(remove_and_set_again);
    second.answers[0] = FAILED_;
    ear.answers[0] = FAILED_;
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&second, 1);
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
    ck_assert_uint_eq(ear_event(1).attempts, 1); /* the second's */
    bcj2_job_unref(job);
}
END_TEST

/* ---- what is refused ---- */

static void wait_for_it(struct ear *e, bcj2_job *job, uint32_t kind)
{
    bcj2_job_state state = -1;
    (void)kind;
    ear_got(e, bcj2_wait(job, ENDED, -1, &state));
    assert_detail("callback");
    ear_got(e, bcj2_wait(e->other, STATE_BIT(SUSPENDED), -1, &state));
}

START_TEST(a_callback_waits_for_other_jobs_but_not_for_its_own)
{
    bcj2_job *job = job_that_calls(wait_for_it);
    ear.other = ear_job(1);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await_ended(&ear, 1);
    assert_status(ear.got[0], BCJ2_E_INVALIDARG);
    assert_status(ear.got[1], BCJ2_OK);
    assert_status(bcj2_wait(job, STATE_BIT(TRANSFERRED), 0, NULL), BCJ2_OK); /* outside it may */
    bcj2_job_unref(ear.other);
    bcj2_job_unref(job);
}
END_TEST

static void close_it(struct ear *e, bcj2_job *job, uint32_t kind)
{
    (void)job;
    (void)kind;
    ck_assert_ptr_eq(bcj2_manager_close(queue_manager), queue_manager);
    assert_detail("callback");
    ear_got(e, bcj2_manager_dispatch(queue_manager));
    assert_detail("callback");
}

static void close_at_end(struct ear *e)
{
    close_it(e, NULL, 0);
}

START_TEST(a_callback_neither_closes_its_manager_nor_dispatches_it)
{
    bcj2_job *job = job_that_calls(close_it);
    ear.at_end = close_at_end;
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await_ended(&ear, 1);
    assert_got(BCJ2_E_INVALIDARG);
    ear_settle(); /* it is not closed */
    assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
    assert_status(ear.got[1], BCJ2_E_INVALIDARG);
    bcj2_job_unref(job);
}
END_TEST

static void close_other_manager(struct ear *e, bcj2_job *job, uint32_t kind)
{
    bcj2_manager *other = NULL;
    (void)job;
    (void)kind;
    ear_got(e, bcj2_manager_open(queue_path("other"), NULL, &other));
    ck_assert_ptr_null(bcj2_manager_close(other));
}

START_TEST(a_callback_closes_other_managers)
{
    bcj2_job *job = job_that_calls(close_other_manager);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await_ended(&ear, 1);
    assert_got(BCJ2_OK);
    bcj2_job_unref(job);
}
END_TEST

/* ---- the end of what was set ---- */

START_TEST(what_was_set_is_destroyed_when_it_is_replaced)
{
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    ear_set(&second, job, ALL_KINDS);
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
    ck_assert_uint_eq(ear_destroyed(&second), 0);
    queue_close();
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
    ck_assert_uint_eq(ear_destroyed(&second), 1);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(what_was_set_is_destroyed_when_the_job_ends)
{
    bcj2_job *completed = ear_job_transferred(), *cancelled = ear_job(1);
    ear_set(&ear, completed, ALL_KINDS & ~(uint32_t)BCJ2_NOTIFY_JOB_TRANSFERRED);
    ear_set(&second, cancelled, ALL_KINDS);
    assert_status(bcj2_complete(completed), BCJ2_OK);
    ear_await_destroyed(&ear, 1);
    assert_status(bcj2_cancel(cancelled), BCJ2_OK);
    ear_await_destroyed(&second, 1);
    queue_close();
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
    ck_assert_uint_eq(ear_destroyed(&second), 1);
    bcj2_job_unref(completed);
    bcj2_job_unref(cancelled);
}
END_TEST

START_TEST(what_was_set_is_destroyed_when_another_manager_sets_callbacks)
{
    bcj2_manager *other = NULL;
    bcj2_guid id;
    bcj2_job *job = ear_job(1), *same = NULL;
    bcj2_notify_callbacks got = BCJ2_NOTIFY_CALLBACKS_INIT;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    assert_status(bcj2_manager_open(queue_path("queue"), NULL, &other), BCJ2_OK);
    assert_status(bcj2_manager_get_job(other, &id, &same), BCJ2_OK);
    ear_set(&ear, job, ALL_KINDS);
    ear_set(&second, same, ALL_KINDS);
    assert_status(bcj2_get_notify_callbacks(job, &got), BCJ2_S_FALSE);
    ear_await_destroyed(&ear, 1);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_manager *dispatched = queue_manager;
    queue_manager = other; /* which has threads */
    ear_await_ended(&second, 1);
    queue_manager = dispatched;
    bcj2_job_unref(same);
    ck_assert_ptr_null(bcj2_manager_close(other));
    ck_assert_uint_eq(ear_destroyed(&second), 1);
    ck_assert_uint_eq(ear_count(&ear), 0);
    bcj2_job_unref(job);
}
END_TEST

/* ---- what fails ---- */

START_TEST(a_call_that_fails_for_memory_leaves_what_was_set)
{
    bcj2_notify_callbacks set = ear_callbacks(&second, ALL_KINDS);
    bcj2_notify_callbacks got = BCJ2_NOTIFY_CALLBACKS_INIT;
    bcj2_status s = BCJ2_E_OUTOFMEMORY;
    unsigned failed = 0;
    for (uint64_t nth = 1; s != BCJ2_OK; nth++) {
        bcj2_job *job = ear_job(1); /* each needs room in the table */
        ear_make(&ear);
        ear_set(&ear, job, ALL_KINDS);
        ear_settle();
        bcj2__mem_fail_at(nth);
        s = bcj2_set_notify_callbacks(job, &set);
        bool was_ours = bcj2__mem_fail_left() == 0;
        bcj2__mem_fail_at(0);
        if (s != BCJ2_OK) {
            ck_assert(was_ours);
            assert_status(s, BCJ2_E_OUTOFMEMORY);
            assert_status(bcj2_get_notify_callbacks(job, &got), BCJ2_OK);
            ck_assert_ptr_eq(got.user, &ear);
            ck_assert_uint_eq(ear_destroyed(&second), 0);
            failed++;
        }
        assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
        bcj2_job_unref(job);
    }
    ck_assert_uint_gt(failed, 0);
    ck_assert_uint_eq(ear_destroyed(&second), 1);
}
END_TEST

static void fill_the_disk(struct ear *e, bcj2_job *job, uint32_t kind)
{
    (void)job;
    (void)kind;
    if (ear_count(e) == 1) {
        sqlite_fault_plan(SQLITE_CALL_WRITE, ENOSPC, 1, UINT32_MAX);
    }
}

static bool is_owed(void)
{
    bcj2_event event = ear_event(1);
    return event.result == BCJ2_EVENT_OWED && event.attempts == 0;
}

START_TEST(an_answer_that_cannot_be_stored_is_kept_until_it_can)
{
    bool refuses = _i == 1;
    bcj2_job *job = job_that_calls(fill_the_disk);
    ear.answers[0] = refuses ? FAILED_ : BCJ2_OK;
    assert_status(bcj2_resume(job), BCJ2_OK);
    ear_await_ended(&ear, 1);
    struct pollfd more = {.fd = bcj2_manager_get_fd(queue_manager), .events = POLLIN};
    for (int full = 1; is_owed(); full--) { /* once more in vain */
        ck_assert_int_eq(poll(&more, 1, 20000), 1);
        ck_assert(full != 0 || sqlite_fault_clear());
        assert_status(bcj2_manager_dispatch(queue_manager), BCJ2_S_FALSE);
    }
    ear_settle();
    ck_assert_str_eq(ear_heard(&ear), "T");
    ck_assert_int_eq(ear_event(1).result, refuses ? BCJ2_EVENT_OWED : BCJ2_EVENT_DELIVERED);
    ck_assert_uint_eq(ear_event(1).attempts, refuses);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(callbacks_that_cannot_be_stored_are_not_set)
{
    bcj2_notify_callbacks set = ear_callbacks(&second, ALL_KINDS);
    bcj2_job *job = ear_job(1);
    ear_set(&ear, job, ALL_KINDS);
    sqlite_fault_plan(SQLITE_CALL_WRITE, ENOSPC, 1, UINT32_MAX);
    assert_status(bcj2_set_notify_callbacks(job, &set), BCJ2_E_DISK_FULL);
    ck_assert(sqlite_fault_clear());
    ck_assert_uint_eq(ear_destroyed(&ear) + ear_destroyed(&second), 0);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    ear_await(&ear, 1);
    ck_assert_uint_eq(ear_count(&second), 0);
    bcj2_job_unref(job);
}
END_TEST

static void start_with_faults(void)
{
    sqlite_fault_install();
    start();
}

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "jobs", 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, A65_a_callback_completes_its_job);
    tcase_add_test(tc, a_callback_cancels_its_job);
    tcase_add_test(tc, a_callback_repairs_and_resumes_its_job);
    tcase_add_test(tc, a_callback_suspends_its_job);
    tcase_add_test(tc, a_callback_drops_the_last_handle_of_its_job);

    tc = suite_case(suite, "callbacks", 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, a_callback_that_replaces_itself_counts_if_it_takes_the_event);
    tcase_add_test(tc, what_a_replaced_callback_refuses_is_the_new_ones_at_once);
    tcase_add_test(tc, a_callback_that_removes_itself_and_refuses_leaves_the_event_to_who_comes);
    tcase_add_test(tc, a_callback_that_removes_itself_and_takes_the_event_leaves_nothing);
    tcase_add_test(tc, a_callback_that_removes_itself_and_sets_another_is_not_overtaken);

    tc = suite_case(suite, "refused", 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, a_callback_waits_for_other_jobs_but_not_for_its_own);
    tcase_add_test(tc, a_callback_neither_closes_its_manager_nor_dispatches_it);
    tcase_add_test(tc, a_callback_closes_other_managers);

    tc = suite_case(suite, "ends", 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, what_was_set_is_destroyed_when_it_is_replaced);
    tcase_add_test(tc, what_was_set_is_destroyed_when_the_job_ends);
    tcase_add_test(tc, what_was_set_is_destroyed_when_another_manager_sets_callbacks);

    tc = suite_case(suite, "faults", 60);
    tcase_add_checked_fixture(tc, start_with_faults, stop);
    tcase_add_test(tc, a_call_that_fails_for_memory_leaves_what_was_set);
    tcase_add_loop_test(tc, an_answer_that_cannot_be_stored_is_kept_until_it_can, 0, 2);
    tcase_add_test(tc, callbacks_that_cannot_be_stored_are_not_set);
}

SUITE_MAIN("callbacks inside", add_cases)
