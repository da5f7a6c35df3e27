/* SPDX-License-Identifier: MIT */
/* What falls due while the machine sleeps is done when it wakes: the engine sleeps with a timer that goes
   on. The clock and the timer are the test's, so an hour goes by in a moment, and nothing but the timer
   tells the engine. Not here: the system's timer (unit/test_os_timer.c), what is due when (test_clocks.c). */
#include "../support/fake_clock.h"
#include "../support/http_script.h"
#include "../support/queue.h"

#include "os.h"
#include "os_syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e\"\r\n\r\n"
#define NOT_NOW "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"
#define DELAY_S 600
#define DAY     86400

static const struct http_step busy[] = {ASK, SAY(NOT_NOW), END};
static const struct http_step good[] = {ASK, SAY(HEAD), ASK, SAY(HEAD "0123456789"), AGAIN};

static struct fake_clock fake;
static struct http_script *server;
static atomic_int timer_end = -1; /* the engine's timer is the other one */
static _Atomic uint64_t timer_due_ms;
static atomic_int timers, timer_fails, settings;
static atomic_int complaints;

/* ---- the timer ---- */

static int made_up_timer(void)
{
    int ends[2];
    atomic_fetch_add(&timers, 1);
    if (atomic_load(&timer_fails) == 1) {
        errno = EMFILE;
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return -1;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int old = atomic_exchange(&timer_end, ends[1]);
    if (old >= 0) {
        (void)close(old);
    }
    return ends[0];
}

static int made_up_timer_set(int fd, uint64_t due_ms)
{
    char bytes[16];
    if (atomic_load(&timer_fails) == 2) {
        errno = EINVAL;
        return -1;
    }
    while (recv(fd, bytes, sizeof bytes, 0) > 0) {
        /* no longer due */
    }
    atomic_store(&timer_due_ms, due_ms);
    atomic_fetch_add(&settings, 1);
    return due_ms <= bcj2__os_now_ms() && write(atomic_load(&timer_end), "x", 1) != 1 ? -1 : 0;
}

/* The machine sleeps, and wakes when so much time has gone by: the system looks at the timer. */
static void sleep_for(int64_t seconds)
{
    fake_clock_pass(seconds);
    ck_assert_uint_le(atomic_load(&timer_due_ms), bcj2__os_now_ms());
    ck_assert_int_eq(write(atomic_load(&timer_end), "x", 1), 1);
}

static void note(void *user, int32_t level, const char *line)
{
    (void)user;
    (void)level;
    if (strstr(line, "what falls due in sleep may come late") != NULL) {
        atomic_fetch_add(&complaints, 1);
    }
}

/* The timer is set for about this time. */
static void await_setting(int64_t seconds)
{
    int64_t left_ms;
    do {
        left_ms = (int64_t)(atomic_load(&timer_due_ms) - bcj2__os_now_ms());
    } while (left_ms < (seconds - 30) * 1000 || left_ms > seconds * 1000);
}

/* ---- a job ---- */

#define ENDED (STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR))

static void start(void)
{
    fake_clock_install(&fake);
    (void)bcj2__os_syscall_set("timer", (os_function)made_up_timer);
    (void)bcj2__os_syscall_set("timer_set", (os_function)made_up_timer_set);
    queue_prepare();
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.log = note;
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
}

static void stop(void)
{
    queue_stop();
    http_script_stop(server);
    int end = atomic_exchange(&timer_end, -1);
    if (end >= 0) {
        (void)close(end);
    }
}

static bcj2_job *refused_once(void)
{
    static const struct http_step *const lists[] = {busy, good};
    server = http_script_start(lists, 2);
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    assert_status(bcj2_add_file(job, http_script_url(server, "/a"), queue_path("out/a")), BCJ2_OK);
    assert_status(bcj2_set_minimum_retry_delay(job, DELAY_S), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED | STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    return job;
}

START_TEST(a_retry_that_fell_due_in_sleep_is_made)
{
    bcj2_job *job = refused_once();
    await_setting(DELAY_S);
    sleep_for(DELAY_S + 5);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_int_eq(atomic_load(&timers), 1);
    bcj2_job_unref(job);
}
END_TEST

/* Nothing runs, so nothing else could wake the engine. */
START_TEST(a_job_that_nobody_touched_is_cancelled)
{
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    while (atomic_load(&timer_due_ms) == 0 || atomic_load(&timer_due_ms) == UINT64_MAX) {
        /* the engine has not slept yet */
    }
    sleep_for(91 * DAY);
    queue_wait(job, STATE_BIT(CANCELLED), BCJ2_JOB_STATE_CANCELLED);
    bcj2_job_unref(job);
}
END_TEST

/* A change that moves no earlier time does not set it again. */
START_TEST(it_is_set_only_for_another_time)
{
    bcj2_job *job = refused_once();
    await_setting(DELAY_S);
    int before = atomic_load(&settings);
    for (int i = 0; i < 20; i++) {
        bcj2_guid id;
        bcj2_job *other = NULL;
        assert_status(bcj2_manager_create_job(queue_manager, "other", BCJ2_JOB_TYPE_DOWNLOAD, &id,
                                              &other),
                      BCJ2_OK);
        bcj2_job_unref(other);
    }
    queue_close(); /* the engine has had its turns; the end's time is one more */
    ck_assert_int_le(atomic_load(&settings), before + 2);
    bcj2_job_unref(job);
}
END_TEST

/* It cannot be made, or set: said once, and the time-out of the poll has to do. */
START_TEST(without_a_timer)
{
    atomic_store(&timer_fails, _i);
    start();
    bcj2_job *job = refused_once();
    fake_clock_pass(DELAY_S + 5);
    assert_status(bcj2_set_description(job, "a turn"), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_int_eq(atomic_load(&timers), 1);
    ck_assert_int_eq(atomic_load(&complaints), 1);
    bcj2_job_unref(job);
}
END_TEST

/* Looking once a day would be late. */
START_TEST(the_end_of_a_job_nobody_touches_is_on_time)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_guid id;
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    options.job_inactivity_timeout = 10 * 86400;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    bcj2_job_unref(job);
    queue_close();
    fake_clock_pass(10 * 86400 - 3600);
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    await_setting(3600);
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_OK);
    sleep_for(3600);
    queue_wait(job, STATE_BIT(CANCELLED), BCJ2_JOB_STATE_CANCELLED);
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "timer", 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, a_retry_that_fell_due_in_sleep_is_made);
    tcase_add_test(tc, the_end_of_a_job_nobody_touches_is_on_time);
    tcase_add_test(tc, a_job_that_nobody_touched_is_cancelled);
    tcase_add_test(tc, it_is_set_only_for_another_time);
    tc = suite_case(suite, "no timer", 60);
    tcase_add_checked_fixture(tc, NULL, stop);
    tcase_add_loop_test(tc, without_a_timer, 1, 3);
}

SUITE_MAIN("clock_timer", add_cases)
