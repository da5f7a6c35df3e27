/* SPDX-License-Identifier: MIT */
/* The conformance vectors of job-semantics, appendix A, that need a server, by their numbers; and what
   the getters show on the way. The protocol itself: tests/wire. */
#include "../support/bits_server.h"
#include "../support/queue.h"

#include "macro.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MEBIBYTE 1048576u

static struct bits_server *server;

static void start(void)
{
    server = bits_server_start();
    queue_start();
}

static void stop(void)
{
    queue_stop();
    bits_server_stop(server);
}

static bcj2_job *started(bcj2_job_type type)
{
    bcj2_job *job = queue_job_with_file(type, bits_server_url(server, "/inbox/up.bin"));
    assert_status(bcj2_resume(job), BCJ2_OK);
    return job;
}

static bcj2_job *transferred(bcj2_job_type type)
{
    bcj2_job *job = started(type);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    return job;
}

static bcj2_reply_progress reply_progress(bcj2_job *job)
{
    bcj2_reply_progress p = BCJ2_REPLY_PROGRESS_INIT;
    assert_status(bcj2_get_reply_progress(job, &p), BCJ2_OK);
    return p;
}

static bool reply_exists(void)
{
    return access(queue_path("out/reply"), F_OK) == 0;
}

static void expect_reply_file(const char *expected, size_t expected_size)
{
    size_t size = 0;
    char *got = queue_read_file(queue_path("out/reply"), &size);
    ck_assert_uint_eq(size, expected_size);
    ck_assert_mem_eq(got, expected, size);
    free(got);
}

static void expect_error(bcj2_job *job, bcj2_status code, bcj2_error_context context,
                         uint32_t http_status)
{
    bcj2_error *error = NULL;
    bcj2_error_context got_context = -1;
    bcj2_status got = BCJ2_OK;
    uint32_t got_http = 7;
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get(error, &got_context, &got), BCJ2_OK);
    assert_status(bcj2_error_get_http_status(error, &got_http), BCJ2_OK);
    assert_status(got, code);
    ck_assert_int_eq(got_context, context);
    ck_assert_uint_eq(got_http, http_status);
    bcj2_error_unref(error);
}

static uint32_t error_count(bcj2_job *job)
{
    uint32_t count = 0;
    assert_status(bcj2_get_error_count(job, &count), BCJ2_OK);
    return count;
}

START_TEST(A49_no_credentials)
{
    bits_server_fail(server, BITS_CREATE, 401, 1);
    bcj2_job *job = started(BCJ2_JOB_TYPE_UPLOAD);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_ERROR);
    expect_error(job, BCJ2_E_HTTP_ERROR_401, BCJ2_ERROR_CONTEXT_REMOTE_FILE, 401);
    uint32_t errors = error_count(job);
    bcj2_filetime next = 7;
    assert_status(bcj2_get_next_attempt(job, &next), BCJ2_OK);
    ck_assert_uint_eq(next, 0);
    assert_status(bcj2_wait(job, 0x1ff & ~STATE_BIT(ERROR), 50, NULL), BCJ2_S_FALSE);
    ck_assert_uint_eq(error_count(job), errors);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A50_unavailable_once)
{
    bits_server_fail(server, BITS_CREATE, 503, 1);
    bcj2_job *job = started(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    bcj2_filetime next = 0;
    char *text = NULL;
    queue_wait(job, STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    expect_error(job, BCJ2_E_HTTP_ERROR_503, BCJ2_ERROR_CONTEXT_REMOTE_FILE, 503);
    assert_status(bcj2_get_next_attempt(job, &next), BCJ2_OK);
    ck_assert_uint_ne(next, 0);
    assert_status(bcj2_get_status_text(job, &text), BCJ2_OK);
    ck_assert_ptr_nonnull(strstr(text, "to retry"));
    bcj2_free(text);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A51_A52_no_retries)
{
    static const uint32_t delay_timeout[][2] = {{600, 0}, {100, 50}};
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, bits_server_url(server, "/a"));
    assert_status(bcj2_set_minimum_retry_delay(job, delay_timeout[_i][0]), BCJ2_OK);
    assert_status(bcj2_set_no_progress_timeout(job, delay_timeout[_i][1]), BCJ2_OK);
    bits_server_fail(server, BITS_CREATE, 503, 1);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(ERROR) | STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_ERROR);
    expect_error(job, BCJ2_E_HTTP_ERROR_503, BCJ2_ERROR_CONTEXT_REMOTE_FILE, 503);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A53_the_source_changes_meanwhile)
{
    bits_server_hold(server, BITS_FRAGMENT);
    bcj2_job *job = started(BCJ2_JOB_TYPE_UPLOAD);
    ck_assert(bits_server_wait_held(server));
    queue_write_file("up.bin", "grown meanwhile", 15);
    bits_server_release(server);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_ERROR);
    expect_error(job, BCJ2_E_LOCAL_FILE_CHANGED, BCJ2_ERROR_CONTEXT_LOCAL_FILE, 0);
    bcj2_job_unref(job);
}
END_TEST

/* What is uploaded is the file as it was when the session began. */
START_TEST(the_source_changes_before_its_session)
{
    bits_server_hold(server, BITS_CREATE);
    bcj2_job *job = started(BCJ2_JOB_TYPE_UPLOAD);
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    size_t size = 0;
    ck_assert(bits_server_wait_held(server));
    queue_write_file("up.bin", "grown meanwhile", 15);
    bits_server_release(server);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    uint8_t *got = bits_server_upload(server, &size);
    ck_assert_uint_eq(size, 15);
    ck_assert_mem_eq(got, "grown meanwhile", 15);
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.bytes_total, 15);
    ck_assert_uint_eq(p.bytes_transferred, 15);
    free(got);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A54_a_reply_of_10_bytes)
{
    static const char reply[] = "0123456789";
    bits_server_set_reply(server, reply, 10);
    bcj2_job *job = transferred(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    bcj2_reply_progress p = reply_progress(job);
    bcj2_job_progress up = BCJ2_JOB_PROGRESS_INIT;
    bcj2_job_times times = BCJ2_JOB_TIMES_INIT;
    uint8_t *data = NULL;
    uint64_t length = 0;
    ck_assert_uint_eq(p.bytes_total, 10);
    ck_assert_uint_eq(p.bytes_transferred, 10);
    assert_status(bcj2_get_progress(job, &up), BCJ2_OK);
    ck_assert_uint_eq(up.bytes_total, 10);
    ck_assert_uint_eq(up.bytes_transferred, 10);
    ck_assert_uint_eq(up.files_total, 1);
    ck_assert_uint_eq(up.files_transferred, 1);
    assert_status(bcj2_get_times(job, &times), BCJ2_OK);
    ck_assert_uint_ge(times.transfer_completion_time, times.creation_time);
    ck_assert(!reply_exists());
    for (int before = 1; before >= 0; before--) {
        assert_status(bcj2_get_reply_data(job, &data, &length), BCJ2_OK);
        ck_assert_uint_eq(length, 10);
        ck_assert_mem_eq(data, reply, 10);
        bcj2_free(data);
        if (before) {
            assert_status(bcj2_complete(job), BCJ2_OK);
        }
    }
    expect_reply_file(reply, 10);
    assert_status(bcj2_complete(job), BCJ2_E_INVALID_STATE);
    ck_assert_int_eq(unlink(queue_path("out/reply")), 0);
    assert_status(bcj2_get_reply_data(job, &data, &length), BCJ2_E_WIN32_FILE_NOT_FOUND);
    assert_detail(queue_path("out/reply"));
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(length, 0);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A55_replies_around_a_mebibyte)
{
    size_t size = MEBIBYTE + (size_t)_i;
    char *reply = calloc(1, size);
    ck_assert_ptr_nonnull(reply);
    memset(reply, 'r', size);
    bits_server_set_reply(server, reply, size);
    bcj2_job *job = transferred(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    uint8_t *data = NULL;
    uint64_t length = 0;
    bcj2_status s = bcj2_get_reply_data(job, &data, &length);
    assert_status(s, _i == 0 ? BCJ2_OK : BCJ2_E_TOO_LARGE);
    ck_assert_uint_eq(length, size);
    if (_i == 0) {
        ck_assert_mem_eq(data, reply, size);
    } else {
        ck_assert_ptr_null(data);
        assert_detail("1048577");
    }
    assert_status(bcj2_complete(job), BCJ2_OK);
    expect_reply_file(reply, size);
    bcj2_free(data);
    free(reply);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A56_no_reply_and_an_empty_one)
{
    if (_i == 1) {
        bits_server_set_reply(server, "", 0);
    }
    bcj2_job *job = transferred(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    uint8_t *data = (uint8_t *)job;
    uint64_t length = 7;
    ck_assert_uint_eq(reply_progress(job).bytes_total, 0);
    assert_status(bcj2_get_reply_data(job, &data, &length), BCJ2_OK);
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(length, 0);
    assert_status(bcj2_complete(job), BCJ2_OK);
    expect_reply_file("", 0);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A57_the_reply_cannot_be_fetched)
{
    bits_server_set_reply(server, "reply", 5);
    bits_server_fail(server, BITS_GET, 404, 1);
    bcj2_job *job = started(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_ERROR);
    expect_error(job, BCJ2_E_HTTP_ERROR_404, BCJ2_ERROR_CONTEXT_REMOTE_FILE, 404);
    ck_assert_uint_ne(reply_progress(job).bytes_total, BCJ2_SIZE_UNKNOWN);
    assert_status(bcj2_set_reply_file_name(job, queue_path("out/other")), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_uint_eq(bits_server_count(server, BITS_CREATE), 1); /* the upload was kept */
    ck_assert_uint_eq(bits_server_count(server, BITS_GET), 2);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_reply_does_not_need_the_source_any_more)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    bits_server_set_reply(server, "reply", 5);
    bits_server_fail(server, BITS_GET, 404, 1);
    bcj2_job *job = started(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_ERROR);
    ck_assert_int_eq(unlink(queue_path("up.bin")), 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.bytes_total, 10);
    ck_assert_uint_eq(p.bytes_transferred, 10);
    assert_status(bcj2_complete(job), BCJ2_OK);
    expect_reply_file("reply", 5);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(an_upload_ends_with_its_close)
{
    bcj2_job *job = transferred(BCJ2_JOB_TYPE_UPLOAD);
    size_t size = 0;
    uint8_t *got = bits_server_upload(server, &size);
    ck_assert_uint_eq(size, 10);
    ck_assert_mem_eq(got, "0123456789", 10);
    free(got);
    ck_assert_uint_eq(bits_server_count(server, BITS_CLOSE), 1);
    assert_status(bcj2_complete(job), BCJ2_OK);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_ACKNOWLEDGED);
    bcj2_job_unref(job);
}
END_TEST

/* ---- where the reply is to go ---- */

static void put_file(const char *path)
{
    queue_write_file("out/reply", "old", 3);
}

static void put_link(const char *path)
{
    ck_assert_int_eq(symlink(queue_path("up.bin"), path), 0);
}

static void put_folder(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void remove_folder(const char *path)
{
    ck_assert_int_eq(rename(queue_path("out"), queue_path("gone")), 0);
}

START_TEST(complete_replaces_what_is_there)
{
    static void (*const puts[])(const char *) = {put_file, put_link};
    struct stat st;
    size_t size = 0;
    bits_server_set_reply(server, "reply", 5);
    bcj2_job *job = transferred(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    puts[_i](queue_path("out/reply"));
    mode_t mask = umask(027);
    assert_status(bcj2_complete(job), BCJ2_OK);
    (void)umask(mask);
    expect_reply_file("reply", 5);
    ck_assert_int_eq(lstat(queue_path("out/reply"), &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
    char *linked = queue_read_file(queue_path("up.bin"), &size);
    ck_assert_str_eq(linked, "0123456789"); /* the link was not followed */
    free(linked);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(complete_that_fails_can_be_called_again)
{
    bits_server_set_reply(server, "reply", 5);
    bcj2_job *job = transferred(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    if (_i == 0) {
        put_folder(queue_path("out/reply"));
        assert_status(bcj2_complete(job), BCJ2_E_ACCESSDENIED);
        ck_assert_int_eq(rmdir(queue_path("out/reply")), 0);
    } else {
        remove_folder(queue_path("out"));
        ck_assert(BCJ2_FAILED(bcj2_complete(job)));
        ck_assert_int_eq(rename(queue_path("gone"), queue_path("out")), 0);
    }
    assert_detail(queue_path("out/"));
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_complete(job), BCJ2_OK);
    expect_reply_file("reply", 5);
    bcj2_job_unref(job);
}
END_TEST

struct told {
    int calls, last_phase;
    uint64_t done, total;
};

static int32_t tell(void *user, int32_t phase, uint64_t done, uint64_t total)
{
    struct told *t = user;
    ck_assert_int_ge(phase, t->last_phase);
    ck_assert(total == BCJ2_SIZE_UNKNOWN || done <= total);
    t->calls++;
    t->last_phase = phase;
    t->done = done;
    t->total = total;
    return 0;
}

START_TEST(upload_reply_in_one_call)
{
    struct told told = {0};
    bcj2_job *job = NULL;
    bits_server_set_reply(server, "reply", 5);
    assert_status(bcj2_upload_reply(queue_manager, queue_path("up.bin"),
                                    bits_server_url(server, "/a"), queue_path("out/reply"),
                                    _i == 0 ? NULL : tell, &told, _i == 0 ? NULL : &job),
                  BCJ2_OK);
    expect_reply_file("reply", 5);
    if (_i == 1) {
        ck_assert_int_gt(told.calls, 0);
        ck_assert_int_eq(told.last_phase, BCJ2_PHASE_REPLY);
        ck_assert_uint_eq(told.done, 5);
        ck_assert_uint_eq(told.total, 5);
        ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_ACKNOWLEDGED);
        bcj2_job_unref(job);
    }
}
END_TEST

/* ---- a server that wants to know who asks ---- */

static bcj2_job *with_token(const char *headers)
{
    static const char reply[] = "the reply";
    bits_server_set_reply(server, reply, sizeof reply - 1);
    bits_server_ask_token(server, "t0ken");
    bcj2_job *job =
        queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, bits_server_url(server, "/inbox/up.bin"));
    assert_status(bcj2_set_custom_headers(job, headers), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    return job;
}

static void wait_answered(enum bits_request kind)
{
    const struct timespec a_little = {.tv_nsec = 5000000};
    for (int look = 0; bits_server_count(server, kind) == 0; look++) {
        ck_assert_int_lt(look, 2000);
        (void)nanosleep(&a_little, NULL);
    }
}

START_TEST(every_request_carries_the_headers)
{
    bcj2_job *job = with_token("X-First: 1\r\nX-Token: t0ken\n");
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_complete(job), BCJ2_OK);
    expect_reply_file("the reply", 9);
    bcj2_job_unref(job);
    wait_answered(BITS_CLOSE);
    ck_assert_uint_eq(bits_server_count(server, BITS_GET), 1);
}
END_TEST

START_TEST(a_goodbye_carries_the_headers)
{
    bits_server_hold(server, BITS_FRAGMENT);
    bcj2_job *job = with_token("X-Token: t0ken");
    ck_assert(bits_server_wait_held(server));
    assert_status(bcj2_cancel(job), BCJ2_OK);
    bcj2_job_unref(job);
    bits_server_release(server);
    wait_answered(BITS_CANCEL);
}
END_TEST

START_TEST(other_headers_are_refused)
{
    bcj2_job *job = with_token("X-Token: another");
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_ERROR);
    expect_error(job, BCJ2_E_HTTP_ERROR_401, BCJ2_ERROR_CONTEXT_REMOTE_FILE, 401);
    assert_status(bcj2_set_custom_headers(job, "X-Token: t0ken"), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

/* Without the key its secrets cannot be opened: nothing is sent without them. */
START_TEST(headers_that_cannot_be_opened)
{
    bcj2_job *job = with_token("X-Token: another");
    queue_wait(job, STATE_BIT(ERROR), BCJ2_JOB_STATE_ERROR);
    ck_assert_int_eq(unlink(queue_path("queue/secret.key")), 0);
    bits_server_ask_token(server, "");
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_ERROR);
    expect_error(job, BCJ2_E_DECRYPTION_FAILED, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER, 0);
    ck_assert_uint_eq(bits_server_count(server, BITS_CREATE), 0);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "vectors of job-semantics, appendix A, with a server", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, A49_no_credentials);
    tcase_add_test(tc, A50_unavailable_once);
    tcase_add_loop_test(tc, A51_A52_no_retries, 0, 2);
    tcase_add_test(tc, A53_the_source_changes_meanwhile);
    tcase_add_test(tc, the_source_changes_before_its_session);
    tcase_add_test(tc, A54_a_reply_of_10_bytes);
    tcase_add_loop_test(tc, A55_replies_around_a_mebibyte, 0, 2);
    tcase_add_loop_test(tc, A56_no_reply_and_an_empty_one, 0, 2);
    tcase_add_test(tc, A57_the_reply_cannot_be_fetched);
    tc = suite_case(suite, "headers", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, every_request_carries_the_headers);
    tcase_add_test(tc, a_goodbye_carries_the_headers);
    tcase_add_test(tc, other_headers_are_refused);
    tcase_add_test(tc, headers_that_cannot_be_opened);
    tc = suite_case(suite, "to the end", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, a_reply_does_not_need_the_source_any_more);
    tcase_add_test(tc, an_upload_ends_with_its_close);
    tcase_add_loop_test(tc, complete_replaces_what_is_there, 0, 2);
    tcase_add_loop_test(tc, complete_that_fails_can_be_called_again, 0, 2);
    tcase_add_loop_test(tc, upload_reply_in_one_call, 0, 2);
}

SUITE_MAIN("api_transfer", add_cases)
