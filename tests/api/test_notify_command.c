/* SPDX-License-Identifier: MIT */
/* Programs that are told of events (job-semantics 5.2 and 5.4): when one is started, and what follows from its
   end. Not here: what it is started with, programs that are none (test_notify_program.c), processes that are
   killed (tests/fault/test_kill_command.c), callbacks by themselves (test_notify_callbacks.c). */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "command_rig.h"

/* ---- when it is started ---- */

START_TEST(status_0_is_delivered_and_ends_it)
{
    bcj2_job *job = told_resumed(_i == 1, ":", 600);
    bcj2_event event = told_await(job, BCJ2_EVENT_DELIVERED, 1);
    ck_assert_uint_eq(event.attempts, 1);
    ck_assert_uint_eq(event.kind, _i == 1 ? BCJ2_NOTIFY_JOB_ERROR : BCJ2_NOTIFY_JOB_TRANSFERRED);
    pass(2000);
    ck_assert_uint_eq(told_runs(), 1);
    ck_assert_uint_eq(commands(), 0);
    bcj2_job_unref(job);
}
END_TEST

/* A61 for command lines: the flags decide, also later. */
START_TEST(flags_hold_it_back)
{
    static const bcj2_notify_flags held[] = {
        0,
        BCJ2_NOTIFY_DISABLE,
        BCJ2_NOTIFY_DISABLE | BCJ2_NOTIFY_JOB_TRANSFERRED,
        BCJ2_NOTIFY_JOB_ERROR,
        BCJ2_NOTIFY_JOB_MODIFICATION | BCJ2_NOTIFY_FILE_TRANSFERRED,
    };
    told_make(":");
    bcj2_job *job = told_job(false);
    told_set(job);
    assert_status(bcj2_set_notify_flags(job, held[_i]), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    look();
    ck_assert_uint_eq(told_runs(), 0);
    assert_status(bcj2_set_notify_flags(job, BCJ2_NOTIFY_JOB_TRANSFERRED), BCJ2_OK);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
}
END_TEST

/* A63 */
START_TEST(one_that_is_set_after_the_event_is_started)
{
    told_make(":");
    bcj2_job *job = told_job(false);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    look();
    ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_OWED);
    told_set(job);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(one_that_is_removed_while_it_is_due_is_not_started_again)
{
    bcj2_job *job = told_resumed(true, "leave 1", 600);
    told_await_log("ended with status 1");
    assert_status(bcj2_set_notify_cmdline(job, NULL, NULL), BCJ2_OK);
    pass(2000);
    ck_assert_uint_eq(told_runs(), 1);
    ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_OWED);
    ck_assert_uint_eq(commands(), 0);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(one_that_is_removed_while_it_runs_is_not_started_again)
{
    bcj2_job *job = told_resumed(true, "pass; leave 1", 600);
    told_await_start();
    assert_status(bcj2_set_notify_cmdline(job, NULL, NULL), BCJ2_OK);
    told_release(1);
    told_await_log("ended with status 1");
    pass(2000);
    ck_assert_uint_eq(told_runs(), 1);
    ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_OWED);
    bcj2_job_unref(job);
}
END_TEST

/* The same where who started it is gone before it ends: the next process does not know how it ended, but
   that it is not wanted any more. */
START_TEST(one_that_is_not_wanted_any_more_is_not_started_by_the_next_process)
{
    bcj2_job *job = told_resumed(true, "pass; leave 1", 600);
    bcj2_guid id;
    told_await_start();
    assert_status(_i == 0 ? bcj2_set_notify_cmdline(job, NULL, NULL)
                          : bcj2_set_notify_flags(job, BCJ2_NOTIFY_DISABLE),
                  BCJ2_OK);
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    bcj2_job_unref(job);
    queue_close();
    told_release(2);
    assert_no_child();
    told_open();
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_OK);
    look();
    bcj2_event event = told_event(job, 0);
    ck_assert_int_eq(event.result, BCJ2_EVENT_OWED);
    ck_assert_uint_eq(event.attempts, 1);
    ck_assert_uint_eq(commands(), 0);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
}
END_TEST

/* ---- after the callback ---- */

struct ear {
    bcj2_status answer;
    atomic_uint calls;
};

static bcj2_status hear(bcj2_job *job, void *user)
{
    struct ear *ear = user;
    (void)job;
    atomic_fetch_add(&ear->calls, 1);
    return ear->answer;
}

static bcj2_status hear_error(bcj2_job *job, bcj2_error *error, void *user)
{
    (void)error;
    return hear(job, user);
}

static void set_ear(bcj2_job *job, struct ear *ear, bool for_errors)
{
    bcj2_notify_callbacks callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
    callbacks.job_transferred = hear;
    callbacks.job_error = for_errors ? hear_error : NULL;
    callbacks.user = ear;
    assert_status(bcj2_set_notify_callbacks(job, &callbacks), BCJ2_OK);
}

/* A60 */
START_TEST(a_callback_that_takes_it_leaves_nothing_for_the_program)
{
    struct ear ear = {.answer = BCJ2_OK};
    told_make(":");
    bcj2_job *job = told_job(_i == 1);
    told_set(job);
    set_ear(job, &ear, true);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert_uint_eq(told_await(job, BCJ2_EVENT_DELIVERED, 0).attempts, 0);
    pass(2000);
    ck_assert_uint_eq(atomic_load(&ear.calls), 1);
    ck_assert_uint_eq(told_runs(), 0);
    bcj2_job_unref(job);
}
END_TEST

/* A59; all but BCJ2_OK refuses. */
START_TEST(after_a_callback_that_refuses_it_is_started_once)
{
    static const bcj2_status answers[] = {BCJ2_E_FAIL, BCJ2_S_FALSE};
    struct ear ear = {.answer = answers[_i]};
    told_make(":");
    bcj2_job *job = told_job(true);
    told_set(job);
    set_ear(job, &ear, true);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert_uint_eq(told_await(job, BCJ2_EVENT_DELIVERED, 2).attempts, 2);
    pass(2000);
    ck_assert_uint_eq(atomic_load(&ear.calls), 1);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(after_both_failed_all_is_repeated_after_the_delay)
{
    struct ear ear = {.answer = BCJ2_E_FAIL};
    told_make("leave 1");
    bcj2_job *job = told_job(true);
    told_set(job);
    set_ear(job, &ear, true);
    assert_status(bcj2_resume(job), BCJ2_OK);
    told_await_log("status 1");
    pass(590);
    ck_assert_uint_eq(atomic_load(&ear.calls), 1);
    ck_assert_uint_eq(told_runs(), 1);
    pass(20);
    told_await_log("status 1");
    ck_assert_uint_eq(atomic_load(&ear.calls), 2);
    ck_assert_uint_eq(told_runs(), 2);
    ck_assert_uint_eq(told_event(job, 0).attempts, 4);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(what_has_no_callback_of_its_kind_is_the_programs)
{
    struct ear ear = {.answer = BCJ2_OK};
    told_make(":");
    bcj2_job *job = told_job(true);
    told_set(job);
    set_ear(job, &ear, false);
    assert_status(bcj2_resume(job), BCJ2_OK);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    ck_assert_uint_eq(atomic_load(&ear.calls), 0);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
}
END_TEST

/* ---- its end ---- */

/* A64 */
START_TEST(another_status_repeats_it_after_the_delay)
{
    static const struct {
        const char *body, *log;
    } rows[] = {{"leave 1", "status 1"},
                {"leave 3", "status 3"},
                {"rmdir \"$mine\"; kill -TERM $$", "signal 15"},
                {"rmdir \"$mine\"; kill -KILL $$", "signal 9"}};
    bcj2_job *job = told_resumed(true, rows[_i].body, 600);
    told_await_log(rows[_i].log);
    for (uint64_t n = 1; n < 4; n++) {
        pass(590);
        ck_assert_uint_eq(told_runs(), n);
        fake_clock_pass(20);
        look();
        told_await_log(rows[_i].log);
        ck_assert_uint_eq(told_runs(), n + 1);
        ck_assert_int_eq(told_await(job, BCJ2_EVENT_OWED, n + 1).attempts, (int)n + 1);
    }
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_ERROR);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(the_delay_goes_by_while_nobody_has_the_queue)
{
    bcj2_job *job = told_resumed(true, "[ $(wc -l < runs) -gt 1 ] && leave 0; leave 1", 600);
    told_await_log("status 1");
    fake_clock_pass(590);
    job = over_restart(job);
    look();
    ck_assert_uint_eq(told_runs(), 1);
    fake_clock_pass(20);
    job = over_restart(job);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 2);
    ck_assert_uint_eq(told_runs(), 2);
    bcj2_job_unref(job);
}
END_TEST

/* What nobody was told of is owed to the next process. */
START_TEST(an_event_outlives_its_process)
{
    told_make(":");
    bcj2_job *job = told_job(false);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    job = over_restart(job);
    told_set(job);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    bcj2_job_unref(job);
}
END_TEST

static void completed(bcj2_job *job)
{
    assert_status(bcj2_complete(job), BCJ2_OK);
}

static void cancelled(bcj2_job *job)
{
    assert_status(bcj2_cancel(job), BCJ2_OK);
}

static void (*const meanwhile[])(bcj2_job *job) = {completed, cancelled};

START_TEST(a_job_that_is_over_meanwhile_is_done_whatever_the_status)
{
    bcj2_job *job = told_resumed(false, "pass; leave 3", 600);
    bcj2_event event = told_event(job, 0);
    told_await_start();
    meanwhile[_i](job);
    told_release(1);
    told_await_log("nobody waits for that any more");
    pass(2000);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_event after = BCJ2_EVENT_INIT;
    assert_status(bcj2_manager_get_event(queue_manager, event.number - 1, &after), BCJ2_OK);
    ck_assert_int_eq(after.result, BCJ2_EVENT_DROPPED);
    ck_assert_uint_eq(after.number, event.number);
    bcj2_job_unref(job);
}
END_TEST

/* Each new ERROR is a new event, and the old one's program counts for nothing. */
START_TEST(a_job_that_is_resumed_meanwhile_is_told_of_its_next_end)
{
    bcj2_job *job = told_resumed(true, "pass; rmdir \"$mine\"; exit 3", 600);
    told_await_start();
    bcj2_event first = told_event(job, 0);
    told_make("mine=second; mkdir second; leave 0");
    assert_status(bcj2_resume(job), BCJ2_OK);
    bcj2_event second = told_event(job, first.number);
    uint64_t change = 0;
    while (second.result != BCJ2_EVENT_DELIVERED) {
        assert_status(bcj2_manager_wait(queue_manager, &change, 20000), BCJ2_OK);
        second = told_event(job, first.number);
    }
    ck_assert_uint_eq(second.attempts, 1);
    ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_DROPPED);
    told_release(1);
    told_await_log("nobody waits for that any more");
    pass(2000);
    ck_assert_uint_eq(told_runs(), 2);
    (void)unlink(queue_path("overlaps")); /* two events' */
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_job_that_is_resumed_before_the_repetition_is_told_anew)
{
    bcj2_job *job = told_resumed(true, "leave 1", 600);
    told_await_log("status 1");
    assert_status(bcj2_resume(job), BCJ2_OK);
    told_await_log("status 1");
    ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_DROPPED);
    ck_assert_uint_eq(told_runs(), 2);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(one_that_runs_for_ever_is_waited_for)
{
    bcj2_job *job = told_resumed(true, "pass", 600);
    told_await_start();
    pass(100000);
    ck_assert_uint_eq(told_runs(), 1);
    ck_assert_uint_eq(commands(), 1);
    told_release(1);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = a_case(suite, "when it is started");
    tcase_add_loop_test(tc, status_0_is_delivered_and_ends_it, 0, 2);
    tcase_add_loop_test(tc, flags_hold_it_back, 0, 5);
    tcase_add_test(tc, one_that_is_set_after_the_event_is_started);
    tcase_add_test(tc, one_that_is_removed_while_it_is_due_is_not_started_again);
    tcase_add_test(tc, one_that_is_removed_while_it_runs_is_not_started_again);
    tcase_add_loop_test(tc, one_that_is_not_wanted_any_more_is_not_started_by_the_next_process, 0,
                        2);

    tc = a_case(suite, "after the callback");
    tcase_add_loop_test(tc, a_callback_that_takes_it_leaves_nothing_for_the_program, 0, 2);
    tcase_add_loop_test(tc, after_a_callback_that_refuses_it_is_started_once, 0, 2);
    tcase_add_test(tc, after_both_failed_all_is_repeated_after_the_delay);
    tcase_add_test(tc, what_has_no_callback_of_its_kind_is_the_programs);

    tc = a_case(suite, "its end");
    tcase_add_loop_test(tc, another_status_repeats_it_after_the_delay, 0, 4);
    tcase_add_test(tc, the_delay_goes_by_while_nobody_has_the_queue);
    tcase_add_test(tc, an_event_outlives_its_process);
    tcase_add_loop_test(tc, a_job_that_is_over_meanwhile_is_done_whatever_the_status, 0, 2);
    tcase_add_test(tc, a_job_that_is_resumed_meanwhile_is_told_of_its_next_end);
    tcase_add_test(tc, a_job_that_is_resumed_before_the_repetition_is_told_anew);
    tcase_add_test(tc, one_that_runs_for_ever_is_waited_for);
}

SUITE_MAIN("notify_command", add_cases)
