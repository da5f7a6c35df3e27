/* SPDX-License-Identifier: MIT */
/* The matrix of job-semantics 1.1: each declared method in each of the nine states, reached as users
   reach them. What happens to files and errors on the way: test_api_transfer.c. */
#include "../support/bits_server.h"
#include "../support/queue.h"

#include "macro.h"

#include <stdio.h>
#include <string.h>

#define STATES 9
#define OK     BCJ2_OK
#define INV    BCJ2_E_INVALID_STATE
#define MANY   BCJ2_E_TOO_MANY_FILES
#define EMPTY  BCJ2_E_EMPTY
#define NOERR  BCJ2_E_ERROR_INFORMATION_UNAVAILABLE

static struct bits_server *server;
static bcj2_job *first, *job; /* first: what keeps job waiting in QUEUED */

/* ---- the states ---- */

static void start_job(void)
{
    job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, bits_server_url(server, "/a"));
    assert_status(bcj2_resume(job), BCJ2_OK);
}

static void hold_at(enum bits_request kind)
{
    bits_server_hold(server, kind);
    start_job();
    ck_assert(bits_server_wait_held(server));
}

static void to_queued(void)
{
    hold_at(BITS_CREATE);
    first = job;
    start_job();
}

static void to_connecting(void)
{
    hold_at(BITS_CREATE);
}

static void to_transferring(void)
{
    hold_at(BITS_FRAGMENT);
}

static void to_suspended(void)
{
    bits_server_hold(server, BITS_CREATE);
    job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, bits_server_url(server, "/a"));
}

static void to_failed(int http_status, bcj2_job_state state)
{
    bits_server_fail(server, BITS_CREATE, http_status, 1);
    start_job();
    queue_wait(job, 1u << state, state);
    bits_server_hold(server, BITS_CREATE);
}

static void to_error(void)
{
    to_failed(404, BCJ2_JOB_STATE_ERROR);
}

static void to_transient_error(void)
{
    to_failed(503, BCJ2_JOB_STATE_TRANSIENT_ERROR);
}

static void to_transferred(void)
{
    start_job();
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
}

static void to_acknowledged(void)
{
    to_transferred();
    assert_status(bcj2_complete(job), BCJ2_OK);
}

static void to_cancelled(void)
{
    to_suspended();
    assert_status(bcj2_cancel(job), BCJ2_OK);
}

static void (*const reach[STATES])(void) = {
    to_queued,          to_connecting,  to_transferring, to_suspended, to_error,
    to_transient_error, to_transferred, to_acknowledged, to_cancelled,
};

static void start(void)
{
    server = bits_server_start();
    bits_server_set_reply(server, "reply", 5);
    queue_start();
}

static void stop(void)
{
    job = bcj2_job_unref(job);
    first = bcj2_job_unref(first);
    queue_stop();
    bits_server_stop(server);
}

static void reached(int state)
{
    reach[state]();
    ck_assert_int_eq(queue_state(job), state);
}

/* ---- methods that leave the state alone ---- */

#define METHOD(name, ...)                \
    static bcj2_status call_##name(void) \
    {                                    \
        return __VA_ARGS__;              \
    }

static bcj2_status text_of(bcj2_status (*get)(bcj2_job *, char **))
{
    char *text = NULL;
    bcj2_status s = get(job, &text);
    bcj2_free(text);
    return s;
}

static uint32_t number;

METHOD(add_file, bcj2_add_file(job, "http://host/", queue_path("up.bin")))
METHOD(set_display_name, bcj2_set_display_name(job, "x"))
METHOD(set_description, bcj2_set_description(job, "x"))
METHOD(set_priority, bcj2_set_priority(job, BCJ2_JOB_PRIORITY_NORMAL))
METHOD(set_retry_delay, bcj2_set_minimum_retry_delay(job, 600))
METHOD(set_no_progress_timeout, bcj2_set_no_progress_timeout(job, 1209600))
METHOD(set_reply_file_name, bcj2_set_reply_file_name(job, queue_path("out/reply")))
METHOD(get_id, bcj2_get_id(job, &(bcj2_guid){0}))
METHOD(get_type, bcj2_get_type(job, &(bcj2_job_type){0}))
METHOD(get_progress, bcj2_get_progress(job, &(bcj2_job_progress)BCJ2_JOB_PROGRESS_INIT))
METHOD(get_times, bcj2_get_times(job, &(bcj2_job_times)BCJ2_JOB_TIMES_INIT))
METHOD(get_owner, text_of(bcj2_get_owner))
METHOD(get_display_name, text_of(bcj2_get_display_name))
METHOD(get_description, text_of(bcj2_get_description))
METHOD(get_priority, bcj2_get_priority(job, &(bcj2_job_priority){0}))
METHOD(get_retry_delay, bcj2_get_minimum_retry_delay(job, &number))
METHOD(get_no_progress_timeout, bcj2_get_no_progress_timeout(job, &number))
METHOD(get_error_count, bcj2_get_error_count(job, &number))
METHOD(get_reply_progress,
       bcj2_get_reply_progress(job, &(bcj2_reply_progress)BCJ2_REPLY_PROGRESS_INIT))
METHOD(get_reply_file_name, text_of(bcj2_get_reply_file_name))
METHOD(get_status_text, text_of(bcj2_get_status_text))
METHOD(get_json, text_of(bcj2_get_json))
METHOD(get_next_attempt, bcj2_get_next_attempt(job, &(bcj2_filetime){0}))

static bcj2_status call_enum_files(void)
{
    bcj2_file_enum *files = NULL;
    bcj2_status s = bcj2_enum_files(job, &files);
    bcj2_file_enum_unref(files);
    return s;
}

static bcj2_status call_get_error(void)
{
    bcj2_error *error = NULL;
    bcj2_status s = bcj2_get_error(job, &error);
    ck_assert((error != NULL) == (s == BCJ2_OK));
    bcj2_error_unref(error);
    return s;
}

static bcj2_status call_get_reply_data(void)
{
    uint8_t *data = NULL;
    uint64_t length = 7;
    bcj2_status s = bcj2_get_reply_data(job, &data, &length);
    ck_assert_uint_eq(length, s == BCJ2_OK ? 5 : 0);
    ck_assert((data != NULL) == (s == BCJ2_OK));
    bcj2_free(data);
    return s;
}

#define ALWAYS                             \
    {                                      \
        OK, OK, OK, OK, OK, OK, OK, OK, OK \
    }
#define UNLESS_FINAL                         \
    {                                        \
        OK, OK, OK, OK, OK, OK, OK, INV, INV \
    }

static const struct {
    const char *name;
    bcj2_status (*call)(void);
    bcj2_status expected[STATES];
} quiet[] = {
    {"add_file", call_add_file, {MANY, MANY, MANY, MANY, MANY, MANY, MANY, INV, INV}},
    {"set_display_name", call_set_display_name, UNLESS_FINAL},
    {"set_description", call_set_description, UNLESS_FINAL},
    {"set_priority", call_set_priority, UNLESS_FINAL},
    {"set_retry_delay", call_set_retry_delay, UNLESS_FINAL},
    {"set_no_progress_timeout", call_set_no_progress_timeout, UNLESS_FINAL},
    {"set_reply_file_name", call_set_reply_file_name, {OK, OK, OK, OK, OK, OK, INV, INV, INV}},
    {"get_error", call_get_error, {NOERR, NOERR, NOERR, NOERR, OK, OK, NOERR, NOERR, NOERR}},
    {"get_reply_data", call_get_reply_data, {INV, INV, INV, INV, INV, INV, OK, OK, INV}},
    {"enum_files", call_enum_files, ALWAYS},
    {"get_id", call_get_id, ALWAYS},
    {"get_type", call_get_type, ALWAYS},
    {"get_progress", call_get_progress, ALWAYS},
    {"get_times", call_get_times, ALWAYS},
    {"get_owner", call_get_owner, ALWAYS},
    {"get_display_name", call_get_display_name, ALWAYS},
    {"get_description", call_get_description, ALWAYS},
    {"get_priority", call_get_priority, ALWAYS},
    {"get_retry_delay", call_get_retry_delay, ALWAYS},
    {"get_no_progress_timeout", call_get_no_progress_timeout, ALWAYS},
    {"get_error_count", call_get_error_count, ALWAYS},
    {"get_reply_progress", call_get_reply_progress, ALWAYS},
    {"get_reply_file_name", call_get_reply_file_name, ALWAYS},
    {"get_status_text", call_get_status_text, ALWAYS},
    {"get_json", call_get_json, ALWAYS},
    {"get_next_attempt", call_get_next_attempt, ALWAYS},
};

START_TEST(methods_that_leave_the_state_alone)
{
    reached(_i);
    for (size_t i = 0; i < ARRAY_LEN(quiet); i++) {
        bcj2_status s = quiet[i].call();
        ck_assert_msg(s == quiet[i].expected[_i], "%s in state %d: 0x%08x, expected 0x%08x",
                      quiet[i].name, _i, (unsigned)s, (unsigned)quiet[i].expected[_i]);
        ck_assert_msg(queue_state(job) == _i, "%s: state %d instead of %d", quiet[i].name,
                      (int)queue_state(job), _i);
    }
}
END_TEST

/* ---- methods that are there to change it ---- */

#define Q 0
#define C 1
#define T 2
#define S 3
#define E 4
#define D 6
#define A 7
#define X 8

static const struct {
    const char *name;
    bcj2_status (*call)(bcj2_job *);
    bcj2_status expected[STATES];
    int after[STATES]; /* the server holds Create: a job that was let go stops at CONNECTING */
} moves[] = {
    {"suspend", bcj2_suspend, {OK, OK, OK, OK, OK, OK, OK, INV, INV}, {S, S, S, S, E, S, D, A, X}},
    {"resume", bcj2_resume, {OK, OK, OK, OK, OK, OK, EMPTY, INV, INV}, {Q, C, T, C, C, C, D, A, X}},
    {"cancel", bcj2_cancel, {OK, OK, OK, OK, OK, OK, OK, INV, INV}, {X, X, X, X, X, X, X, A, X}},
    {"complete",
     bcj2_complete,
     {INV, INV, INV, INV, INV, INV, OK, INV, INV},
     {Q, C, T, S, E, 5, A, A, X}},
};

START_TEST(methods_that_change_the_state)
{
    int state = _i % STATES, move = _i / STATES;
    reached(state);
    bcj2_status s = moves[move].call(job);
    ck_assert_msg(s == moves[move].expected[state], "%s in state %d: 0x%08x", moves[move].name,
                  state, (unsigned)s);
    queue_wait(job, 1u << moves[move].after[state], moves[move].after[state]);
    if (BCJ2_FAILED(s)) {
        ck_assert_uint_gt(strlen(bcj2_last_detail()), 0);
    }
}
END_TEST

/* ---- what a move means for the transfer ---- */

START_TEST(a_suspended_upload_goes_on_where_it_was)
{
    to_transferring();
    assert_status(bcj2_suspend(job), BCJ2_OK);
    bits_server_release(server);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_uint_eq(bits_server_count(server, BITS_CREATE), 1);
}
END_TEST

START_TEST(a_cancelled_upload_says_goodbye)
{
    to_transferring();
    assert_status(bcj2_cancel(job), BCJ2_OK);
    bits_server_release(server);
    queue_close(); /* lets goodbyes end */
    ck_assert_uint_eq(bits_server_count(server, BITS_CANCEL), 1);
    ck_assert_uint_eq(bits_server_count(server, BITS_CLOSE), 0);
}
END_TEST

START_TEST(waits_for_a_state_that_cannot_come_any_more)
{
    bcj2_job_state state = -1;
    to_cancelled();
    assert_status(bcj2_wait(job, STATE_BIT(TRANSFERRED), -1, &state), BCJ2_E_INVALID_STATE);
    assert_detail("CANCELLED");
    ck_assert_int_eq(state, BCJ2_JOB_STATE_CANCELLED);
}
END_TEST

START_TEST(waits_that_time_out)
{
    bcj2_job_state state = -1;
    to_suspended();
    assert_status(bcj2_wait(job, STATE_BIT(TRANSFERRED), 0, &state), BCJ2_S_FALSE);
    ck_assert_int_eq(state, BCJ2_JOB_STATE_SUSPENDED);
    state = -1;
    assert_status(bcj2_wait(job, STATE_BIT(TRANSFERRED), 20, &state), BCJ2_S_FALSE);
    ck_assert_int_eq(state, BCJ2_JOB_STATE_SUSPENDED);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "state and method", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, methods_that_leave_the_state_alone, 0, STATES);
    tcase_add_loop_test(tc, methods_that_change_the_state, 0, STATES * (int)ARRAY_LEN(moves));
    tcase_add_test(tc, a_suspended_upload_goes_on_where_it_was);
    tcase_add_test(tc, a_cancelled_upload_says_goodbye);
    tcase_add_test(tc, waits_for_a_state_that_cannot_come_any_more);
    tcase_add_test(tc, waits_that_time_out);
}

SUITE_MAIN("api_state", add_cases)
