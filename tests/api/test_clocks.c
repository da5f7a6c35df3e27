/* SPDX-License-Identifier: MIT */
/* What jobs do by time: retry delay, no-progress time-out, maximum download time, inactivity; over sleep,
   restarts, reboots and a calendar that is moved. With clocks that the test moves (fake_clock.h): nothing
   here waits for time. Not here: the time-outs of the network (tests/net). */
#include "../support/bits_server.h"
#include "../support/fake_clock.h"
#include "../support/http_script.h"
#include "../support/queue.h"

#include "filetime.h"
#include "os.h"
#include "timeouts.h"

#include <stdio.h>

#define DAY  86400
#define YEAR (365 * DAY)
#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e\"\r\n\r\n"
#define REST(length, first)                                                                      \
    "HTTP/1.1 206 x\r\nETag: \"e\"\r\nContent-Length: " length "\r\nContent-Range: bytes " first \
    "-9/10\r\n\r\n"
#define BUSY             "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"
#define FAILING          "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"
#define MISSING          "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"
#define NOT_NOW          "HTTP/1.1 503 x\r\nRetry-After: 2000\r\nContent-Length: 0\r\n\r\n"
#define TO_ERROR(status) ((bcj2_status)(0x80190000u + (status)))

/* A connection each. */
static const struct http_step busy[] = {ASK, SAY(BUSY), END};
static const struct http_step missing[] = {ASK, SAY(MISSING), END};
static const struct http_step failing[] = {ASK, SAY(FAILING), END};
static const struct http_step not_now[] = {ASK, SAY(NOT_NOW), END};
static const struct http_step good[] = {ASK, SAY(HEAD), ASK, SAY(HEAD "0123456789"), AGAIN};
static const struct http_step stuck[] = {ASK, SAY(HEAD), ASK, SAY(HEAD "0123"), HOLD, END};
/* likewise when it is asked to go on, each time a byte further */
static const struct http_step stuck_at_4[] = {ASK, SAY(REST("6", "4") "4"), HOLD, END};
static const struct http_step stuck_at_5[] = {ASK, SAY(REST("5", "5") "5"), HOLD, END};

static struct fake_clock fake;
static struct http_script *server, *probe_server;
static const struct http_step *const probe_lists[] = {good};

static void start(void)
{
    fake_clock_install(&fake);
    queue_start();
    bcj2__timeouts.receive_stall_ms = UINT32_MAX; /* a server that holds still is no failure here */
    probe_server = http_script_start(probe_lists, 1);
}

static void stop(void)
{
    queue_stop();
    http_script_stop(server);
    http_script_stop(probe_server);
}

#define SERVER(...)                                                           \
    do {                                                                      \
        static const struct http_step *const lists_[] = {__VA_ARGS__};        \
        server = http_script_start(lists_, sizeof lists_ / sizeof lists_[0]); \
    } while (0)

static bcj2_job *download(const char *url, const char *name, bcj2_job_priority priority)
{
    char path[64];
    (void)snprintf(path, sizeof path, "out/%s", name);
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    assert_status(bcj2_set_priority(job, priority), BCJ2_OK);
    assert_status(bcj2_add_file(job, url, queue_path(path)), BCJ2_OK);
    return job;
}

/* The engine has looked at the clock since it was moved: another job has gone through it. */
static void look(void)
{
    bcj2_job *probe =
        download(http_script_url(probe_server, "/p"), "probe", BCJ2_JOB_PRIORITY_FOREGROUND);
    assert_status(bcj2_resume(probe), BCJ2_OK);
    queue_wait(probe, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_complete(probe), BCJ2_OK);
    bcj2_job_unref(probe);
}

static void pass(int64_t seconds)
{
    fake_clock_pass(seconds);
    look();
}

static bcj2_job *started(uint32_t delay_s, uint32_t no_progress_s)
{
    bcj2_job *job = download(http_script_url(server, "/a"), "a", BCJ2_JOB_PRIORITY_NORMAL);
    assert_status(bcj2_set_minimum_retry_delay(job, delay_s), BCJ2_OK);
    assert_status(bcj2_set_no_progress_timeout(job, no_progress_s), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    return job;
}

#define ENDED   (STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR))
#define RESTING (STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR) | STATE_BIT(TRANSIENT_ERROR))

static bcj2_job *failed_once(void)
{
    bcj2_job *job = started(600, 1209600);
    queue_wait(job, RESTING, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    return job;
}

static void assert_waits(bcj2_job *job, size_t connections)
{
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    ck_assert_uint_eq(http_script_connections(server), connections);
}

static void assert_error(bcj2_job *job, bcj2_error_context context, bcj2_status code)
{
    bcj2_error *error = NULL;
    bcj2_error_context is_context = 0;
    bcj2_status is_code = 0;
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get(error, &is_context, &is_code), BCJ2_OK);
    ck_assert_int_eq(is_context, context);
    ck_assert_msg(is_code == code, "0x%08x, expected 0x%08x", (unsigned)is_code, (unsigned)code);
    bcj2_error_unref(error);
}

/* How long, by the calendar, until the next attempt; one that is planned. */
static int64_t seconds_to_attempt(bcj2_job *job)
{
    bcj2_filetime at = 0;
    assert_status(bcj2_get_next_attempt(job, &at), BCJ2_OK);
    ck_assert_uint_ne(at, 0);
    int64_t now_ms = fake_clock_wall_ms();
    bcj2_filetime now = bcj2__filetime_from_unix(now_ms / 1000, (now_ms % 1000) * 1000000);
    return ((int64_t)at - (int64_t)now) / (int64_t)FILETIME_PER_S;
}

static void reopen(void)
{
    queue_close();
    queue_open();
}

/* Handles do not outlive a manager. */
static bcj2_job *found(const bcj2_guid *id)
{
    bcj2_job *job = NULL;
    assert_status(bcj2_manager_get_job(queue_manager, id, &job), BCJ2_OK);
    return job;
}

static bcj2_job *over_restart(bcj2_job *job)
{
    bcj2_guid id;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    bcj2_job_unref(job);
    reopen();
    return found(&id);
}

/* ---- retry delay ---- */

START_TEST(the_retry_delay_goes_by_in_sleep)
{
    SERVER(busy, good);
    bcj2_job *job = failed_once();
    pass(590);
    assert_waits(job, 1);
    pass(20);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(the_retry_delay_goes_by_while_nobody_has_the_queue)
{
    SERVER(busy, good);
    bcj2_job *job = failed_once();
    fake_clock_pass(590);
    job = over_restart(job);
    look();
    assert_waits(job, 1);
    fake_clock_pass(20);
    job = over_restart(job);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

/* Before the delay is over it waits; after it, it is tried. */
START_TEST(the_calendar_changes_nothing)
{
    static const int64_t moves[] = {DAY, -2 * DAY, 10 * YEAR, -20 * (int64_t)YEAR};
    SERVER(busy, good);
    bcj2_job *job = failed_once();
    pass(100);
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        fake_clock_set_wall(moves[i]);
        look();
        assert_waits(job, 1);
        ck_assert_int_ge(seconds_to_attempt(job), 450);
        ck_assert_int_le(seconds_to_attempt(job), 500);
        if (_i == 1) {
            job = over_restart(job);
            look();
            assert_waits(job, 1);
        }
    }
    pass(510);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_server_may_ask_for_more_than_the_delay)
{
    SERVER(not_now, good);
    bcj2_job *job = failed_once();
    pass(1990);
    assert_waits(job, 1);
    pass(20);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_server_cannot_ask_for_less)
{
    static const struct http_step soon[] = {
        ASK, SAY("HTTP/1.1 503 x\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"), END};
    SERVER(soon, good);
    bcj2_job *job = failed_once();
    pass(590);
    assert_waits(job, 1);
    pass(20);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(resume_does_not_wait_for_the_delay)
{
    SERVER(busy, busy, good);
    bcj2_job *job = failed_once();
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, RESTING, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    ck_assert_int_ge(seconds_to_attempt(job), 500); /* and the delay counts anew */
    pass(610);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_suspended_job_is_not_tried)
{
    bcj2_filetime at = 1;
    SERVER(busy, good);
    bcj2_job *job = failed_once();
    assert_status(bcj2_suspend(job), BCJ2_OK);
    assert_status(bcj2_get_next_attempt(job, &at), BCJ2_OK);
    ck_assert_uint_eq(at, 0);
    pass(10 * DAY);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_SUSPENDED);
    ck_assert_uint_eq(http_script_connections(server), 1);
    bcj2_job_unref(job);
}
END_TEST

/* ---- no-progress time-out ---- */

START_TEST(no_progress_ends_with_the_last_code)
{
    SERVER(busy, failing, good);
    bcj2_job *job = started(600, 1000);
    queue_wait(job, RESTING, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    assert_error(job, BCJ2_ERROR_CONTEXT_REMOTE_FILE, TO_ERROR(503));
    fake_clock_pass(605);
    look();
    ck_assert_int_eq(bcj2_wait(job, STATE_BIT(TRANSFERRED), 0, NULL), BCJ2_S_FALSE);
    while (http_script_connections(server) < 2) {
        look();
    }
    queue_wait(job, RESTING, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    assert_error(job, BCJ2_ERROR_CONTEXT_REMOTE_FILE, TO_ERROR(500));
    pass(370);
    assert_waits(job, 2);
    if (_i == 1) {
        fake_clock_pass(30);
        job = over_restart(job);
    } else {
        pass(30);
    }
    queue_wait(job, ENDED, BCJ2_JOB_STATE_ERROR);
    assert_error(job, BCJ2_ERROR_CONTEXT_REMOTE_FILE, TO_ERROR(500));
    ck_assert_uint_eq(http_script_connections(server), 2);
    pass(10 * DAY); /* and it stays so */
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_ERROR);
    bcj2_job_unref(job);
}
END_TEST

/* The calendar moved by years is no year without progress. */
START_TEST(no_progress_is_not_measured_by_the_calendar)
{
    SERVER(busy, good);
    bcj2_job *job = failed_once();
    fake_clock_set_wall(10 * YEAR);
    job = over_restart(job);
    look();
    assert_waits(job, 1);
    fake_clock_set_wall(-30 * (int64_t)YEAR);
    pass(610);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(no_time_for_a_retry_is_the_end_at_once)
{
    static const struct {
        uint32_t delay_s, no_progress_s;
        bcj2_job_state expected;
    } rows[] = {
        {100, 50, BCJ2_JOB_STATE_ERROR},
        {51, 50, BCJ2_JOB_STATE_ERROR},
        {50, 50, BCJ2_JOB_STATE_TRANSIENT_ERROR},
        {5, 0, BCJ2_JOB_STATE_ERROR},
        {600, 0, BCJ2_JOB_STATE_ERROR},
        {UINT32_MAX, UINT32_MAX, BCJ2_JOB_STATE_TRANSIENT_ERROR},
    };
    SERVER(busy);
    bcj2_job *job = started(rows[_i].delay_s, rows[_i].no_progress_s);
    queue_wait(job, RESTING, rows[_i].expected);
    assert_error(job, BCJ2_ERROR_CONTEXT_REMOTE_FILE, TO_ERROR(503));
    bcj2_job_unref(job);
}
END_TEST

/* ---- maximum download time ---- */

static bcj2_job *stuck_job(uint32_t seconds)
{
    bcj2_job *job = download(http_script_url(server, "/a"), "a", BCJ2_JOB_PRIORITY_NORMAL);
    assert_status(bcj2_set_maximum_download_time(job, seconds), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSFERRING) | RESTING, BCJ2_JOB_STATE_TRANSFERRING);
    return job;
}

START_TEST(the_time_of_a_download_counts_over_restarts)
{
    SERVER(stuck, stuck_at_4, stuck_at_5);
    bcj2_job *job = stuck_job(1000);
    pass(600);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_TRANSFERRING);
    job = over_restart(job);
    queue_wait(job, STATE_BIT(TRANSFERRING) | RESTING, BCJ2_JOB_STATE_TRANSFERRING);
    fake_clock_set_wall(10 * DAY);
    pass(300);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_TRANSFERRING);
    pass(110);
    queue_wait(job, RESTING, BCJ2_JOB_STATE_ERROR);
    assert_error(job, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER, BCJ2_E_MAXDOWNLOAD_TIMEOUT);

    /* Resume begins anew */
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSFERRING) | RESTING, BCJ2_JOB_STATE_TRANSFERRING);
    pass(900);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_TRANSFERRING);
    pass(110);
    queue_wait(job, RESTING, BCJ2_JOB_STATE_ERROR);
    bcj2_job_unref(job);
}
END_TEST

/* While the queue is closed, or the job waits, is suspended or is queued, no time is used. */
START_TEST(only_running_counts_as_time_of_a_download)
{
    SERVER(busy, stuck, stuck_at_4);
    bcj2_job *job = failed_once();
    assert_status(bcj2_set_maximum_download_time(job, 1000), BCJ2_OK);
    pass(601);
    queue_wait(job, STATE_BIT(TRANSFERRING) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRING);
    pass(500);
    bcj2_guid id;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    bcj2_job_unref(job);
    queue_close();
    fake_clock_pass(10 * DAY);
    queue_open();
    job = found(&id);
    queue_wait(job, STATE_BIT(TRANSFERRING) | RESTING, BCJ2_JOB_STATE_TRANSFERRING);
    pass(400);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_TRANSFERRING);
    pass(150);
    queue_wait(job, RESTING, BCJ2_JOB_STATE_ERROR);
    bcj2_job_unref(job);
}
END_TEST

/* ---- inactivity ---- */

/* In every state that waits for somebody. */
START_TEST(a_job_nobody_touches_is_cancelled_after_90_days)
{
    static const bcj2_job_state ends[] = {BCJ2_JOB_STATE_SUSPENDED, BCJ2_JOB_STATE_TRANSFERRED,
                                          BCJ2_JOB_STATE_TRANSIENT_ERROR, BCJ2_JOB_STATE_ERROR};
    static const struct http_step *const servers[][1] = {{good}, {good}, {busy}, {missing}};
    server = http_script_start(servers[_i], 1);
    bcj2_job *job = download(http_script_url(server, "/a"), "a", BCJ2_JOB_PRIORITY_NORMAL);
    assert_status(bcj2_set_minimum_retry_delay(job, 180 * DAY), BCJ2_OK);
    assert_status(bcj2_set_no_progress_timeout(job, 200 * DAY), BCJ2_OK);
    if (_i > 0) {
        assert_status(bcj2_resume(job), BCJ2_OK);
        queue_wait(job, 1u << ends[_i], ends[_i]);
    }
    bcj2_job_state rests = queue_state(job);
    pass(60 * DAY);
    assert_status(bcj2_set_description(job, "touched"), BCJ2_OK);
    pass(89 * DAY);
    ck_assert_int_eq(queue_state(job), rests);
    pass(DAY + 10);
    queue_wait(job, STATE_BIT(CANCELLED), BCJ2_JOB_STATE_CANCELLED);
    bcj2_job_unref(job);
}
END_TEST

/* A calendar that was wrong when the job was made, and is right now, makes it no older. */
START_TEST(a_job_does_not_age_by_the_calendar)
{
    SERVER(good);
    if (_i == 1) {
        fake_clock_set_wall(-50 * (int64_t)YEAR);
    }
    bcj2_job *job = download(http_script_url(server, "/a"), "a", BCJ2_JOB_PRIORITY_NORMAL);
    fake_clock_set_wall(_i == 1 ? 50 * (int64_t)YEAR : YEAR);
    job = over_restart(job);
    look();
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_SUSPENDED);
    pass(2 * DAY);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_SUSPENDED);
    pass(89 * DAY);
    queue_wait(job, STATE_BIT(CANCELLED), BCJ2_JOB_STATE_CANCELLED);
    bcj2_job_unref(job);
}
END_TEST

/* ---- what ended ---- */

/* A handle can be asked for a day after the end, however old the job was then. */
START_TEST(a_cancelled_job_can_be_asked_for_a_day)
{
    struct bits_server *bits = bits_server_start();
    bcj2_job_times times = BCJ2_JOB_TIMES_INIT;
    bcj2_job_state state = -1;
    bits_server_set_reply(bits, "the reply", 9);
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, bits_server_url(bits, "/a"));
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    pass(10 * DAY);
    bcj2_filetime before = bcj2__os_wall();
    assert_status(bcj2_cancel(job), BCJ2_OK);
    assert_status(bcj2_get_times(job, &times), BCJ2_OK);
    ck_assert_uint_ge(times.modification_time, before);
    pass(DAY - 3600);
    assert_status(bcj2_get_state(job, &state), BCJ2_OK);
    ck_assert_int_eq(state, BCJ2_JOB_STATE_CANCELLED);
    pass(2 * 3600);
    look();
    assert_status(bcj2_get_state(job, &state), BCJ2_E_NOT_FOUND);
    bcj2_job_unref(job);
    bits_server_stop(bits);
}
END_TEST

/* By the hour, once there is something to forget: each at its own time. */
START_TEST(jobs_that_ended_are_forgotten_one_after_the_other)
{
    bcj2_job_state state = -1;
    bcj2_job *first = queue_job(BCJ2_JOB_TYPE_DOWNLOAD),
             *second = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    assert_status(bcj2_cancel(first), BCJ2_OK);
    pass(13 * 3600);
    assert_status(bcj2_cancel(second), BCJ2_OK);
    pass(13 * 3600);
    look();
    assert_status(bcj2_get_state(first, &state), BCJ2_E_NOT_FOUND);
    pass(10 * 3600);
    look();
    assert_status(bcj2_get_state(second, &state), BCJ2_OK);
    pass(2 * 3600);
    look();
    assert_status(bcj2_get_state(second, &state), BCJ2_E_NOT_FOUND);
    bcj2_job_unref(first);
    bcj2_job_unref(second);
}
END_TEST

/* ---- reboots: a process each, whose clock begins anew ---- */

struct boot {
    const char *id;
    int64_t clock_s, wall_s; /* against the real ones */
    uint32_t errors;         /* how often the job has failed at the end */
};

static uint32_t errors_of(bcj2_job *job)
{
    uint32_t count = 0;
    assert_status(bcj2_get_error_count(job, &count), BCJ2_OK);
    return count;
}

static void live_one_boot(void *argument)
{
    const struct boot *boot = argument;
    atomic_store(&fake.boot_ms, boot->clock_s * 1000);
    atomic_store(&fake.wall_ms, boot->wall_s * 1000);
    fake_clock_install(&fake);
    fake_clock_boot(boot->id);
    queue_open();
    probe_server = http_script_start(probe_lists, 1);
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job = NULL;
    assert_status(bcj2_manager_enum_jobs(queue_manager, 0, &jobs), BCJ2_OK);
    if (bcj2_job_enum_next(jobs, &job) != BCJ2_OK) {
        job = download("http://127.0.0.1:1/", "a", BCJ2_JOB_PRIORITY_NORMAL); /* nobody listens */
        assert_status(bcj2_resume(job), BCJ2_OK);
    }
    bcj2_job_enum_unref(jobs);
    look();
    while (errors_of(job) < boot->errors) {
        look();
    }
    queue_wait(job, RESTING, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    look();
    ck_assert_uint_eq(errors_of(job), boot->errors);
    bcj2_job_unref(job);
    queue_close();
    http_script_stop(probe_server);
}

START_TEST(the_retry_delay_goes_by_over_reboots)
{
    static struct boot boots[] = {
        {"boot 1", 1000000, 0, 0},
        {"boot 2", 0, 590, 0},       /* not yet, though this clock is far behind that one */
        {"boot 3", 5000000, 595, 0}, /* nor if it is far ahead */
        {"boot 4", 0, 700, 1},       /* tried, and failed again */
        {"boot 4", 300, 1000, 1},
        {"boot 4", 610, 1310, 2},
    };
    for (size_t i = 0; i < sizeof boots / sizeof boots[0]; i++) {
        queue_join(queue_fork(live_one_boot, &boots[i]));
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "retry delay", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, the_retry_delay_goes_by_in_sleep);
    tcase_add_test(tc, the_retry_delay_goes_by_while_nobody_has_the_queue);
    tcase_add_loop_test(tc, the_calendar_changes_nothing, 0, 2);
    tcase_add_test(tc, a_server_may_ask_for_more_than_the_delay);
    tcase_add_test(tc, a_server_cannot_ask_for_less);
    tcase_add_test(tc, resume_does_not_wait_for_the_delay);
    tcase_add_test(tc, a_suspended_job_is_not_tried);
    tc = suite_case(suite, "no progress", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, no_progress_ends_with_the_last_code, 0, 2);
    tcase_add_test(tc, no_progress_is_not_measured_by_the_calendar);
    tcase_add_loop_test(tc, no_time_for_a_retry_is_the_end_at_once, 0, 6);
    tc = suite_case(suite, "time of a download", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, the_time_of_a_download_counts_over_restarts);
    tcase_add_test(tc, only_running_counts_as_time_of_a_download);
    tc = suite_case(suite, "inactivity", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, a_job_nobody_touches_is_cancelled_after_90_days, 0, 4);
    tcase_add_loop_test(tc, a_job_does_not_age_by_the_calendar, 0, 2);
    tcase_add_test(tc, a_cancelled_job_can_be_asked_for_a_day);
    tcase_add_test(tc, jobs_that_ended_are_forgotten_one_after_the_other);
    tc = suite_case(suite, "reboots", 30);
    tcase_add_checked_fixture(tc, queue_prepare, queue_stop);
    tcase_add_test(tc, the_retry_delay_goes_by_over_reboots);
}

SUITE_MAIN("clocks", add_cases)
