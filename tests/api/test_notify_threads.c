/* SPDX-License-Identifier: MIT */
/* Callbacks on threads: at most four at a time, one that blocks holds up itself only, setting waits for what
   it replaces and closing for what runs; and calls of many threads at once. */
#include "ear.h"

#include "os_calls.h"
#include "os_syscall.h"

#include <poll.h>
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define AT_A_TIME 4
#define STORMERS  4
#define ROUNDS    25

static struct ear ear, second;

static void start(void)
{
    queue_start();
    ear_make(&ear);
    ear_make(&second);
}

static void start_to_dispatch(void)
{
    start();
    ear_open_to_dispatch();
}

static bcj2_job *resumed(struct ear *e)
{
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), BCJ2_OK);
    ear_set(e, job, ALL_KINDS);
    assert_status(bcj2_resume(job), BCJ2_OK);
    return job;
}

static pthread_t begin(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, run, argument), 0);
    return thread;
}

static void end(pthread_t thread)
{
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

START_TEST(four_that_block_hold_up_the_fifth_and_no_transfer)
{
    bcj2_job *jobs[AT_A_TIME + 1], *other;
    ear_hold(&ear);
    for (int i = 0; i <= AT_A_TIME; i++) {
        jobs[i] = resumed(&ear);
        queue_wait(jobs[i], STATE_BIT(TRANSFERRED), BCJ2_JOB_STATE_TRANSFERRED);
    }
    ear_await(&ear, AT_A_TIME);
    other = ear_job_transferred();
    assert_status(bcj2_complete(other), BCJ2_OK);
    ck_assert_uint_eq(ear_count(&ear), AT_A_TIME);
    ear_let_go(&ear);
    ear_await_ended(&ear, AT_A_TIME + 1);
    for (int i = 0; i <= AT_A_TIME; i++) {
        for (int k = 0; k < i; k++) {
            ck_assert(memcmp(&ear.told[i].job, &ear.told[k].job, sizeof(bcj2_guid)) != 0);
        }
        ck_assert(!pthread_equal(ear.told[i].thread, pthread_self()));
    }
    for (int i = 0; i <= AT_A_TIME; i++) { /* one struct for all: destroyed once for each */
        bcj2_job_unref(jobs[i]);
    }
    bcj2_job_unref(other);
    queue_close();
    ck_assert_uint_eq(ear_destroyed(&ear), AT_A_TIME + 1);
}
END_TEST

static void note_signals(struct ear *e, bcj2_job *job, uint32_t kind)
{
    sigset_t blocked;
    (void)job;
    (void)kind;
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &blocked), 0);
    ear_got(e, sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGCHLD) == 1);
}

START_TEST(signals_are_not_for_these_threads)
{
    ear.meanwhile = note_signals;
    bcj2_job *job = resumed(&ear);
    ear_await_ended(&ear, 1);
    ck_assert_int_eq(ear.got[0], 1);
    bcj2_job_unref(job);
}
END_TEST

static void *remove_callbacks(void *job)
{
    assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
    return NULL;
}

START_TEST(setting_waits_for_the_callback_that_it_replaces)
{
    bcj2_notify_callbacks got = BCJ2_NOTIFY_CALLBACKS_INIT;
    ear_hold(&ear);
    bcj2_job *job = resumed(&ear);
    ear_await(&ear, 1);
    pthread_t thread = begin(remove_callbacks, job);
    while (bcj2_get_notify_callbacks(job, &got) == BCJ2_OK) {
        (void)sched_yield();
    }
    ck_assert_uint_eq(ear_destroyed(&ear), 0);
    ear_let_go(&ear);
    end(thread);
    bcj2_job_unref(job);
}
END_TEST

static void remove_others(struct ear *e, bcj2_job *job, uint32_t kind)
{
    (void)job;
    (void)kind;
    ear_got(e, bcj2_set_notify_callbacks(e->other, NULL));
}

START_TEST(two_callbacks_that_remove_each_other_both_end)
{
    ear.meanwhile = second.meanwhile = remove_others;
    ear_hold(&ear);
    ear_hold(&second);
    bcj2_job *one = resumed(&ear), *two = resumed(&second);
    ear.other = two;
    second.other = one;
    ear_await(&ear, 1);
    ear_await(&second, 1);
    ear_let_go(&ear);
    ear_let_go(&second);
    ear_await_destroyed(&ear, 1);
    ear_await_destroyed(&second, 1);
    assert_status(ear.got[0], BCJ2_OK);
    assert_status(second.got[0], BCJ2_OK);
    bcj2_job_unref(one);
    bcj2_job_unref(two);
}
END_TEST

static void wait_and_complete(struct ear *e, bcj2_job *job, uint32_t kind)
{
    (void)kind;
    ear_got(e, bcj2_wait(e->other, STATE_BIT(TRANSFERRED), -1, NULL));
    ear_got(e, bcj2_complete(job));
}

START_TEST(closing_ends_the_waits_of_a_callback_and_lets_it_do_its_work)
{
    ear.other = ear_job(1);
    ear.meanwhile = wait_and_complete;
    bcj2_job *job = resumed(&ear);
    ear_await(&ear, 1);
    queue_close();
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
    assert_status(ear.got[0], BCJ2_E_CLOSED);
    assert_status(ear.got[1], BCJ2_OK);
    bcj2_job_unref(ear.other);
    bcj2_job_unref(job);
}
END_TEST

static void *dispatch(void *unused)
{
    ear_await_ended(&ear, 1);
    return unused;
}

/* The second one is called in another thread's dispatch() while the first one blocks. */
START_TEST(several_threads_dispatch_different_jobs)
{
    ear_hold(&ear);
    bcj2_job *one = resumed(&ear);
    pthread_t thread = begin(dispatch, NULL);
    while (ear_count(&ear) == 0) {
        (void)sched_yield();
    }
    bcj2_job *two = resumed(&second);
    ear_await_ended(&second, 1);
    ck_assert_uint_eq(ear_count(&ear), 1);
    ear_let_go(&ear);
    end(thread);
    ck_assert(!pthread_equal(ear.told[0].thread, second.told[0].thread));
    bcj2_job_unref(one);
    bcj2_job_unref(two);
}
END_TEST

/* ---- set while the result of the old one is stored ---- */

static int (*real_flock)(int fd, int operation);
static _Thread_local bool is_setter;

/* The callback's thread gets the time to do whatever it does before its own transaction, which waits for
   the setter's. Less time than it needs would hide a mistake, not make one. */
static int let_the_callback_end(int fd, int operation)
{
    if (is_setter) {
        is_setter = false;
        ear_let_go(&ear);
        ear_await_ended(&ear, 1);
        (void)poll(NULL, 0, 100);
    }
    return real_flock(fd, operation);
}

static void *set_second(void *job)
{
    is_setter = true;
    ear_set(&second, job, ALL_KINDS);
    ck_assert(!is_setter);
    ck_assert_uint_eq(ear_destroyed(&ear), 1);
    return NULL;
}

START_TEST(a_refusal_that_is_stored_after_others_are_set_is_not_theirs)
{
    uint64_t change = 0;
    ear_hold(&ear);
    ear.answers[0] = BCJ2_E_FAIL;
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_notify_cmdline(job, "/bin/false", NULL), BCJ2_OK);
    ear_set(&ear, job, ALL_KINDS);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ear_await(&ear, 1);
    end(begin(set_second, job));
    ear_await_ended(&second, 1);
    ck_assert_str_eq(ear_heard(&second), "T");
    while (ear_event(1).result == BCJ2_EVENT_OWED) { /* until the end is stored */
        assert_status(bcj2_manager_wait(queue_manager, &change, 20000), BCJ2_OK);
    }
    ck_assert_int_eq(ear_event(1).result, BCJ2_EVENT_DELIVERED);
    ck_assert_uint_eq(ear_event(1).attempts, 0); /* the program neither */
    bcj2_job_unref(job);
}
END_TEST

static void start_with_slow_locks(void)
{
    real_flock = bcj2__os_calls.flock;
    (void)bcj2__os_syscall_set("flock", (os_function)let_the_callback_end);
    start();
}

/* ---- all at once ---- */

static bcj2_job *shared[2];
static _Atomic unsigned sets, destroys;

static bcj2_status hear_anything(bcj2_job *job, void *user)
{
    (void)user;
    return bcj2_set_description(job, "heard");
}

static void count_destroy(void *user)
{
    (void)user;
    destroys++;
}

static void *storm(void *number)
{
    bcj2_notify_callbacks set = BCJ2_NOTIFY_CALLBACKS_INIT, got = BCJ2_NOTIFY_CALLBACKS_INIT;
    set.job_transferred = set.job_modification = hear_anything;
    set.destroy = count_destroy;
    for (unsigned i = 0; i < ROUNDS; i++) {
        bcj2_job *job = shared[i % 2];
        assert_status(bcj2_set_notify_callbacks(job, &set), BCJ2_OK);
        sets++;
        ck_assert_int_ge(bcj2_get_notify_callbacks(job, &got), 0);
        bcj2_status s = bcj2_resume(job); /* a transferred one has nothing left */
        ck_assert_msg(s == BCJ2_OK || s == BCJ2_E_EMPTY, "0x%08x", (unsigned)s);
        if (i % 3 == 0) {
            assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
        }
    }
    return number;
}

START_TEST(whatever_threads_do_at_once_each_set_is_destroyed_once)
{
    pthread_t threads[STORMERS];
    for (int i = 0; i < 2; i++) {
        shared[i] = ear_job(1);
        assert_status(bcj2_set_notify_flags(shared[i], 0x1B), BCJ2_OK);
    }
    for (int i = 0; i < STORMERS; i++) {
        threads[i] = begin(storm, NULL);
    }
    for (int i = 0; i < STORMERS; i++) {
        end(threads[i]);
    }
    queue_close();
    ck_assert_uint_eq(sets, STORMERS * ROUNDS);
    ck_assert_uint_eq(destroys, STORMERS * ROUNDS);
    for (int i = 0; i < 2; i++) {
        bcj2_job_unref(shared[i]);
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "threads", 60);
    tcase_add_checked_fixture(tc, start, queue_stop);
    tcase_add_test(tc, four_that_block_hold_up_the_fifth_and_no_transfer);
    tcase_add_test(tc, signals_are_not_for_these_threads);
    tcase_add_test(tc, setting_waits_for_the_callback_that_it_replaces);
    tcase_add_test(tc, two_callbacks_that_remove_each_other_both_end);
    tcase_add_test(tc, closing_ends_the_waits_of_a_callback_and_lets_it_do_its_work);
    tcase_add_test(tc, whatever_threads_do_at_once_each_set_is_destroyed_once);

    tc = suite_case(suite, "slow locks", 60);
    tcase_add_checked_fixture(tc, start_with_slow_locks, queue_stop);
    tcase_add_test(tc, a_refusal_that_is_stored_after_others_are_set_is_not_theirs);

    tc = suite_case(suite, "dispatching threads", 60);
    tcase_add_checked_fixture(tc, start_to_dispatch, queue_stop);
    tcase_add_test(tc, several_threads_dispatch_different_jobs);
}

SUITE_MAIN("callbacks on threads", add_cases)
