/* SPDX-License-Identifier: MIT */
/* The conformance vectors of job-semantics, appendix A, that need no network, by their numbers; and
   each limit at the limit and one past it. Vectors about what this release does not declare (proxies,
   credentials, notifications) are not here. Files and URLs: test_api_files.c; HTTP options:
   test_api_http.c; states with a server: test_api_state.c. */
#include "../support/queue.h"

#include "limit.h"
#include "macro.h"
#include "os.h"
#include "timeouts.h"

#include <stdio.h>
#include <string.h>

#define DOWNLOAD     BCJ2_JOB_TYPE_DOWNLOAD
#define UPLOAD       BCJ2_JOB_TYPE_UPLOAD
#define UPLOAD_REPLY BCJ2_JOB_TYPE_UPLOAD_REPLY
#define TYPES        3 /* loops over the types count from 0 */

/* Between two calls of which the first makes a copy and the second frees it: nothing changed. */
static char *snapshot;

static void remember(bcj2_job *job)
{
    snapshot = queue_json(job);
}

static void unchanged(bcj2_job *job)
{
    char *now = queue_json(job);
    ck_assert_str_eq(now, snapshot);
    bcj2_free(now);
    bcj2_free(snapshot);
    snapshot = NULL;
}

/* `count` times the piece, to be free()d. */
static char *repeated(const char *piece, size_t count)
{
    size_t length = strlen(piece);
    char *text = calloc(count + 1, length);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * length, piece, length);
    }
    return text;
}

START_TEST(A1_A2_a_new_job_is_suspended_and_empty)
{
    bcj2_job *job = queue_job((bcj2_job_type)_i);
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_SUSPENDED);
    p.bytes_total = p.bytes_transferred = 7;
    p.files_total = p.files_transferred = 7;
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.bytes_total, 0);
    ck_assert_uint_eq(p.bytes_transferred, 0);
    ck_assert_uint_eq(p.files_total, 0);
    ck_assert_uint_eq(p.files_transferred, 0);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A4_resume_of_an_empty_job)
{
    bcj2_job *job = queue_job((bcj2_job_type)_i);
    remember(job);
    assert_status(bcj2_resume(job), BCJ2_E_EMPTY);
    assert_detail("nothing to transfer");
    unchanged(job);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_SUSPENDED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A5_defaults)
{
    bcj2_job *job = queue_job((bcj2_job_type)_i);
    uint32_t delay = 0, timeout = 0, errors = 7;
    bcj2_job_priority priority = -1;
    bcj2_job_type type = -1;
    bcj2_job_times t = BCJ2_JOB_TIMES_INIT;
    bcj2_filetime next = 7;
    char *owner = NULL, expected[32];
    assert_status(bcj2_get_minimum_retry_delay(job, &delay), BCJ2_OK);
    assert_status(bcj2_get_no_progress_timeout(job, &timeout), BCJ2_OK);
    assert_status(bcj2_get_error_count(job, &errors), BCJ2_OK);
    assert_status(bcj2_get_priority(job, &priority), BCJ2_OK);
    assert_status(bcj2_get_type(job, &type), BCJ2_OK);
    assert_status(bcj2_get_times(job, &t), BCJ2_OK);
    assert_status(bcj2_get_next_attempt(job, &next), BCJ2_OK);
    assert_status(bcj2_get_owner(job, &owner), BCJ2_OK);
    ck_assert_uint_eq(delay, 600);
    ck_assert_uint_eq(timeout, 1209600);
    ck_assert_uint_eq(errors, 0);
    ck_assert_int_eq(priority, 2);
    ck_assert_int_eq(type, _i);
    ck_assert_uint_ne(t.creation_time, 0);
    ck_assert_uint_eq(t.modification_time, t.creation_time);
    ck_assert_uint_eq(t.transfer_completion_time, 0);
    ck_assert_uint_eq(next, 0);
    (void)snprintf(expected, sizeof expected, "S-1-22-1-%u", (unsigned)bcj2__os_uid());
    ck_assert_str_eq(owner, expected);
    bcj2_free(owner);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A6_retry_delay_has_a_floor)
{
    static const uint32_t set_get[][2] = {{0, 5}, {4, 5}, {5, 5}, {6, 6}, {UINT32_MAX, UINT32_MAX}};
    bcj2__timeouts.retry_delay_min_s = LIMIT_RETRY_DELAY_MIN_S;
    bcj2_job *job = queue_job((bcj2_job_type)_i);
    for (size_t i = 0; i < ARRAY_LEN(set_get); i++) {
        uint32_t got = 0;
        assert_status(bcj2_set_minimum_retry_delay(job, set_get[i][0]), BCJ2_OK);
        assert_status(bcj2_get_minimum_retry_delay(job, &got), BCJ2_OK);
        ck_assert_uint_eq(got, set_get[i][1]);
    }
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A7_no_progress_timeout)
{
    static const uint32_t values[] = {0, 1, 1209600, UINT32_MAX};
    bcj2_job *job = queue_job((bcj2_job_type)_i);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        uint32_t got = 7;
        assert_status(bcj2_set_no_progress_timeout(job, values[i]), BCJ2_OK);
        assert_status(bcj2_get_no_progress_timeout(job, &got), BCJ2_OK);
        ck_assert_uint_eq(got, values[i]);
    }
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A12_priorities)
{
    static const bcj2_job_priority bad[] = {4, -1, INT32_MAX, INT32_MIN};
    bcj2_job *job = queue_job((bcj2_job_type)_i);
    for (bcj2_job_priority p = 0; p < 4; p++) {
        bcj2_job_priority got = -1;
        assert_status(bcj2_set_priority(job, p), BCJ2_OK);
        assert_status(bcj2_get_priority(job, &got), BCJ2_OK);
        ck_assert_int_eq(got, p);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        remember(job);
        assert_status(bcj2_set_priority(job, bad[i]), BCJ2_E_NOTIMPL);
        assert_detail("priority");
        unchanged(job);
    }
    bcj2_job_unref(job);
}
END_TEST

/* Character limits count UTF-16 units: two for a character beyond the first 65,536. */
static const struct {
    const char *piece;
    unsigned units;
} pieces[] = {{"x", 1}, {"\xc3\xa4", 1}, {"\xe2\x82\xac", 1}, {"\xf0\x9f\x93\xa6", 2}};

typedef bcj2_status set_text(bcj2_job *job, const char *text);
typedef bcj2_status get_text(bcj2_job *job, char **ret);

static void text_limit(bcj2_job *job, set_text *set, get_text *get, unsigned limit)
{
    static const char *const not_utf8[] = {"\xff", "\xc3", "a\xed\xa0\x80", "\xc0\xaf"};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        char *fits = repeated(pieces[i].piece, limit / pieces[i].units), *got = NULL;
        char *over = repeated(pieces[i].piece, limit / pieces[i].units + 1);
        assert_status(set(job, fits), BCJ2_OK);
        assert_status(get(job, &got), BCJ2_OK);
        ck_assert_str_eq(got, fits);
        remember(job);
        assert_status(set(job, over), BCJ2_E_STRING_TOO_LONG);
        assert_detail("the limit is");
        unchanged(job);
        bcj2_free(got);
        free(fits);
        free(over);
    }
    for (size_t i = 0; i < ARRAY_LEN(not_utf8); i++) {
        remember(job);
        assert_status(set(job, not_utf8[i]), BCJ2_E_INVALIDARG);
        assert_detail("UTF-8");
        unchanged(job);
    }
    remember(job);
    assert_status(set(job, NULL), BCJ2_E_INVALIDARG);
    unchanged(job);
    assert_status(set(job, ""), BCJ2_OK);
}

START_TEST(A14_display_name)
{
    bcj2_job *job = queue_job((bcj2_job_type)_i);
    char *name = NULL;
    assert_status(bcj2_get_display_name(job, &name), BCJ2_OK);
    ck_assert_str_eq(name, "a job");
    bcj2_free(name);
    text_limit(job, bcj2_set_display_name, bcj2_get_display_name, 256);
    bcj2_job_unref(job);
}
END_TEST

static void no_job_was_made(const char *name, bcj2_job_type type, bcj2_status expected)
{
    bcj2_guid id = {.data1 = 7};
    bcj2_job *job = NULL;
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_create_job(queue_manager, name, type, &id, &job), expected);
    ck_assert_ptr_null(job);
    ck_assert_uint_eq(id.data1, 7);
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    ck_assert_uint_eq(info.jobs, 0);
}

START_TEST(A15_create_job)
{
    char *fits = repeated("\xf0\x9f\x93\xa6", 128), *over = repeated("x", 257);
    bcj2_guid id;
    bcj2_job *job = NULL;
    no_job_was_made(over, UPLOAD, BCJ2_E_INVALIDARG);
    assert_detail("257");
    no_job_was_made("\xff", UPLOAD, BCJ2_E_INVALIDARG);
    no_job_was_made(NULL, UPLOAD, BCJ2_E_INVALIDARG);
    no_job_was_made("x", 3, BCJ2_E_NOTIMPL);
    no_job_was_made("x", -1, BCJ2_E_NOTIMPL);
    no_job_was_made(over, 3, BCJ2_E_NOTIMPL); /* R-ORDER: values before lengths */
    assert_status(bcj2_manager_create_job(queue_manager, fits, UPLOAD, &id, &job), BCJ2_OK);
    bcj2_job_unref(job);
    free(fits);
    free(over);
}
END_TEST

START_TEST(A16_description)
{
    bcj2_job *job = queue_job((bcj2_job_type)_i);
    char *text = NULL;
    assert_status(bcj2_get_description(job, &text), BCJ2_OK);
    ck_assert_str_eq(text, "");
    bcj2_free(text);
    text_limit(job, bcj2_set_description, bcj2_get_description, 1024);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A3_A13_notify_flags)
{
    bcj2_job *job = queue_job((bcj2_job_type)_i);
    bcj2_notify_flags flags = 0;
    assert_status(bcj2_get_notify_flags(job, &flags), BCJ2_OK);
    ck_assert_uint_eq(flags, 3);
    for (bcj2_notify_flags f = 0; f <= 0x3f; f++) {
        assert_status(bcj2_set_notify_flags(job, f), BCJ2_OK);
        assert_status(bcj2_get_notify_flags(job, &flags), BCJ2_OK);
        ck_assert_uint_eq(flags, f);
    }
    for (unsigned bit = 6; bit < 32; bit++) {
        remember(job);
        assert_status(bcj2_set_notify_flags(job, 1u << bit | 1u), BCJ2_E_NOTIMPL);
        assert_detail("notify flags");
        unchanged(job);
    }
    bcj2_job_unref(job);
}
END_TEST

static void assert_cmdline(bcj2_job *job, const char *program, const char *parameters)
{
    char *got_program = NULL, *got_parameters = NULL;
    assert_status(bcj2_get_notify_cmdline(job, &got_program, &got_parameters), BCJ2_OK);
    ck_assert_str_eq(got_program, program);
    ck_assert_str_eq(got_parameters, parameters);
    bcj2_free(got_program);
    bcj2_free(got_parameters);
}

static bcj2_status set_program(bcj2_job *job, const char *text)
{
    return bcj2_set_notify_cmdline(job, text, text == NULL ? "x" : NULL);
}

static bcj2_status set_parameters(bcj2_job *job, const char *text)
{
    return text == NULL ? bcj2_set_notify_cmdline(job, NULL, "x")
                        : bcj2_set_notify_cmdline(job, "/bin/true", text);
}

static bcj2_status get_program(bcj2_job *job, char **ret)
{
    char *parameters = NULL;
    bcj2_status s = bcj2_get_notify_cmdline(job, ret, &parameters);
    bcj2_free(parameters);
    return s;
}

static bcj2_status get_parameters(bcj2_job *job, char **ret)
{
    char *program = NULL;
    bcj2_status s = bcj2_get_notify_cmdline(job, &program, ret);
    bcj2_free(program);
    return s;
}

START_TEST(A17_A18_A19_notify_command_line)
{
    bcj2_job *job = queue_job((bcj2_job_type)_i);
    assert_cmdline(job, "", "");
    text_limit(job, set_program, get_program, 260);
    assert_cmdline(job, "", "");
    text_limit(job, set_parameters, get_parameters, 4000);
    assert_cmdline(job, "/bin/true", "");
    assert_status(bcj2_set_notify_cmdline(job, "/a", "b \"c\n"), BCJ2_OK);
    assert_cmdline(job, "/a", "b \"c\n");
    assert_status(bcj2_set_notify_cmdline(job, NULL, NULL), BCJ2_OK);
    assert_cmdline(job, "", "");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A20_A21_only_an_upload_reply_job_has_a_reply)
{
    bcj2_job *job = queue_job_with_file((bcj2_job_type)_i, NULL);
    bcj2_reply_progress p = BCJ2_REPLY_PROGRESS_INIT;
    uint8_t *data = NULL;
    uint64_t length = 7;
    char *name = NULL;
    assert_status(bcj2_get_reply_progress(job, &p), BCJ2_E_NOTIMPL);
    assert_status(bcj2_get_reply_data(job, &data, &length), BCJ2_E_NOTIMPL);
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(length, 0);
    assert_status(bcj2_get_reply_file_name(job, &name), BCJ2_E_NOTIMPL);
    remember(job);
    assert_status(bcj2_set_reply_file_name(job, queue_path("out/reply")), BCJ2_E_NOTIMPL);
    assert_status(bcj2_set_reply_file_name(job, "relative"), BCJ2_E_NOTIMPL); /* R-ORDER */
    assert_status(bcj2_set_reply_file_name(job, NULL), BCJ2_E_NOTIMPL);
    unchanged(job);
    bcj2_job_unref(job);
}
END_TEST

static char *reply_name(bcj2_job *job)
{
    char *name = NULL;
    assert_status(bcj2_get_reply_file_name(job, &name), BCJ2_OK);
    return name;
}

START_TEST(A22_A23_reply_names_are_generated)
{
    bcj2_job *job = queue_job(UPLOAD_REPLY);
    ck_assert_ptr_null(reply_name(job));
    assert_status(bcj2_add_file(job, "http://host/", queue_path("up.bin")), BCJ2_OK);
    char *name = reply_name(job);
    size_t folder = strlen(queue_path(""));
    ck_assert_int_eq(strncmp(name, queue_path(""), folder), 0);
    ck_assert_ptr_null(strchr(name + folder, '/'));
    ck_assert_uint_gt(strlen(name + folder), 0);
    bcj2_free(name);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A24_A25_reply_names_are_set_and_given_back)
{
    static const char *const nothing[] = {NULL, ""};
    bcj2_job *job = queue_job(UPLOAD_REPLY);
    const char *path = queue_path("out/reply");
    for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
        assert_status(bcj2_set_reply_file_name(job, path), BCJ2_OK);
        char *name = reply_name(job);
        ck_assert_str_eq(name, path);
        bcj2_free(name);
        assert_status(bcj2_set_reply_file_name(job, nothing[i]), BCJ2_OK);
        ck_assert_ptr_null(reply_name(job)); /* no file yet, so no name either */
    }
    assert_status(bcj2_set_reply_file_name(job, path), BCJ2_OK);
    assert_status(bcj2_add_file(job, "http://host/", queue_path("up.bin")), BCJ2_OK);
    assert_status(bcj2_set_reply_file_name(job, NULL), BCJ2_OK);
    char *name = reply_name(job);
    ck_assert_ptr_nonnull(name);
    ck_assert_str_ne(name, path);
    bcj2_free(name);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A26_reply_names_that_are_refused)
{
    char *long_name = repeated("x", LIMIT_PATH_BYTES + 1);
    long_name[0] = '/';
    const struct {
        const char *path, *detail;
    } rows[] = {
        {"relative", "absolute"},
        {"./out/reply", "absolute"},
        {"/tmp/\xff", "UTF-8"},
        {long_name, "4096"},
        {queue_path("out/"), "folder"},
        {queue_path("out/."), "folder"},
        {queue_path("missing/reply"), "missing"},
        {queue_path("up.bin/reply"), "up.bin"},
    };
    bcj2_job *job = queue_job_with_file(UPLOAD_REPLY, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        remember(job);
        assert_status(bcj2_set_reply_file_name(job, rows[i].path), BCJ2_E_INVALIDARG);
        assert_detail(rows[i].detail);
        unchanged(job);
    }
    free(long_name);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A27_A28_a_reply_before_its_time)
{
    bcj2_job *job = queue_job_with_file(UPLOAD_REPLY, NULL);
    bcj2_reply_progress p = BCJ2_REPLY_PROGRESS_INIT;
    uint8_t *data = (uint8_t *)job;
    uint64_t length = 7;
    assert_status(bcj2_get_reply_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.bytes_total, UINT64_MAX);
    ck_assert_uint_eq(p.bytes_transferred, 0);
    assert_status(bcj2_get_reply_data(job, &data, &length), BCJ2_E_INVALID_STATE);
    assert_detail("SUSPENDED");
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(length, 0);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A29_A30_an_upload_holds_one_file)
{
    bcj2_job *job = queue_job_with_file(_i == 0 ? UPLOAD : UPLOAD_REPLY, NULL);
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    remember(job);
    assert_status(bcj2_add_file(job, "http://host/", queue_path("up.bin")), BCJ2_E_TOO_MANY_FILES);
    assert_detail("one file");
    unchanged(job);
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.files_total, 1);
    ck_assert_uint_eq(p.bytes_total, UINT64_MAX);
    bcj2_job_unref(job);
    const bcj2_file_info files[] = {{"http://host/a", queue_path("up.bin")},
                                    {"http://host/b", queue_path("up.bin")}};
    job = queue_job(_i == 0 ? UPLOAD : UPLOAD_REPLY);
    remember(job);
    assert_status(bcj2_add_file_set(job, 2, files), BCJ2_E_TOO_MANY_FILES);
    assert_detail("one file");
    unchanged(job);
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.files_total, 0);
    assert_status(bcj2_add_file_set(job, 1, files), BCJ2_OK);
    assert_status(bcj2_add_file_set(job, 1, files), BCJ2_E_TOO_MANY_FILES);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A31_complete_too_early)
{
    bcj2_job *job = queue_job_with_file(_i == 0 ? UPLOAD : UPLOAD_REPLY, NULL);
    remember(job);
    assert_status(bcj2_complete(job), BCJ2_E_INVALID_STATE);
    assert_detail("SUSPENDED");
    unchanged(job);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_SUSPENDED);
    bcj2_job_unref(job);
}
END_TEST

static unsigned jobs_listed(uint32_t flags)
{
    bcj2_job_enum *jobs = NULL;
    uint32_t count = 0;
    assert_status(bcj2_manager_enum_jobs(queue_manager, flags, &jobs), BCJ2_OK);
    assert_status(bcj2_job_enum_count(jobs, &count), BCJ2_OK);
    bcj2_job_enum_unref(jobs);
    return count;
}

START_TEST(A32_A33_A34_cancel)
{
    bcj2_job *job = queue_job_with_file((bcj2_job_type)_i, NULL), *found = NULL;
    bcj2_guid id = {0}, same = {0};
    char *name = NULL;
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    assert_status(bcj2_manager_get_job(queue_manager, &id, &found), BCJ2_OK);
    found = bcj2_job_unref(found);
    ck_assert_uint_eq(jobs_listed(0), 1);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_CANCELLED);
    remember(job);
    assert_status(bcj2_cancel(job), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_suspend(job), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_resume(job), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_set_priority(job, 1), BCJ2_E_INVALID_STATE);
    assert_detail("CANCELLED");
    unchanged(job);
    assert_status(bcj2_get_display_name(job, &name), BCJ2_OK);
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    assert_status(bcj2_get_id(job, &same), BCJ2_OK);
    ck_assert_mem_eq(&id, &same, sizeof id);
    assert_status(bcj2_manager_get_job(queue_manager, &id, &found), BCJ2_E_NOT_FOUND);
    ck_assert_ptr_null(found);
    ck_assert_uint_eq(jobs_listed(0), 0);
    ck_assert_uint_eq(jobs_listed(BCJ2_JOB_ENUM_ALL_USERS), 0);
    bcj2_free(name);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A35_no_error_no_error_object)
{
    bcj2_job *job = queue_job((bcj2_job_type)_i);
    bcj2_error *error = (bcj2_error *)job;
    assert_status(bcj2_get_error(job, &error), BCJ2_E_ERROR_INFORMATION_UNAVAILABLE);
    ck_assert_ptr_null(error);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A42_A45_A46_files_are_enumerated)
{
    bcj2_job *job = queue_job_with_file(UPLOAD, "http://host/a?b=c#d");
    bcj2_file_enum *files = NULL, *copy = NULL;
    bcj2_file *file = NULL, *none = (bcj2_file *)job;
    bcj2_file_progress p = BCJ2_FILE_PROGRESS_INIT;
    uint32_t count = 0;
    char *url = NULL, *path = NULL;
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_count(files, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 1);
    assert_status(bcj2_file_enum_clone(files, &copy), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &none), BCJ2_S_FALSE);
    ck_assert_ptr_null(none);
    assert_status(bcj2_file_get_remote_name(file, &url), BCJ2_OK);
    assert_status(bcj2_file_get_local_name(file, &path), BCJ2_OK);
    assert_status(bcj2_file_get_progress(file, &p), BCJ2_OK);
    ck_assert_str_eq(url, "http://host/a?b=c#d");
    ck_assert_str_eq(path, queue_path("up.bin"));
    ck_assert_uint_eq(p.bytes_total, UINT64_MAX);
    ck_assert_uint_eq(p.bytes_transferred, 0);
    ck_assert_int_eq(p.completed, 0);
    assert_status(bcj2_file_enum_reset(files), BCJ2_OK);
    assert_status(bcj2_file_enum_skip(files, 1), BCJ2_OK);
    assert_status(bcj2_file_enum_skip(files, 1), BCJ2_S_FALSE);
    assert_status(bcj2_file_enum_reset(files), BCJ2_OK);
    assert_status(bcj2_file_enum_skip(files, UINT32_MAX), BCJ2_S_FALSE);
    assert_status(bcj2_file_enum_skip(copy, 0), BCJ2_OK); /* the copy stands where it was made */
    bcj2_file_unref(bcj2_file_ref(file));
    bcj2_file_unref(file);
    assert_status(bcj2_file_enum_next(copy, &file), BCJ2_OK);
    bcj2_free(url);
    bcj2_free(path);
    bcj2_file_unref(file);
    bcj2_file_enum_unref(files);
    bcj2_file_enum_unref(copy);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(A42_A45_A46_two_files)
{
    const bcj2_file_info infos[] = {{"http://host/a", queue_path("out/a")},
                                    {"https://host/b", queue_path("out/b")}};
    bcj2_job *job = queue_job(DOWNLOAD);
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    bcj2_job_progress all = BCJ2_JOB_PROGRESS_INIT;
    uint32_t count = 0;
    assert_status(bcj2_add_file_set(job, 2, infos), BCJ2_OK);
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_add_file(job, "http://host/c", queue_path("out/c")), BCJ2_OK);
    assert_status(bcj2_file_enum_count(files, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 2); /* the one added later is not in the snapshot */
    for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
        bcj2_file_progress p = BCJ2_FILE_PROGRESS_INIT;
        char *url = NULL;
        assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
        assert_status(bcj2_file_get_remote_name(file, &url), BCJ2_OK);
        ck_assert_str_eq(url, infos[i].remote_name);
        assert_status(bcj2_file_get_progress(file, &p), BCJ2_OK);
        ck_assert_uint_eq(p.bytes_total, UINT64_MAX);
        ck_assert_uint_eq(p.bytes_transferred, 0);
        ck_assert_int_eq(p.completed, 0);
        bcj2_free(url);
        bcj2_file_unref(file);
    }
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_S_FALSE);
    assert_status(bcj2_file_enum_reset(files), BCJ2_OK);
    assert_status(bcj2_file_enum_skip(files, 2), BCJ2_OK);
    assert_status(bcj2_file_enum_skip(files, 1), BCJ2_S_FALSE);
    assert_status(bcj2_file_enum_reset(files), BCJ2_OK);
    assert_status(bcj2_file_enum_skip(files, 3), BCJ2_S_FALSE);
    bcj2_file_enum_unref(files);
    assert_status(bcj2_get_progress(job, &all), BCJ2_OK);
    ck_assert_uint_eq(all.files_total, 3);
    ck_assert_uint_eq(all.bytes_total, UINT64_MAX);
    bcj2_job_unref(job);
}
END_TEST

static void expect_next(bcj2_job_enum *jobs, const bcj2_guid *expected)
{
    bcj2_job *job = NULL;
    bcj2_guid id = {0};
    assert_status(bcj2_job_enum_next(jobs, &job), BCJ2_OK);
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    ck_assert_mem_eq(&id, expected, sizeof id);
    bcj2_job_unref(job);
}

START_TEST(A42_A45_jobs_are_enumerated)
{
    bcj2_job *jobs[3], *none = NULL;
    bcj2_guid ids[3];
    bcj2_job_enum *list = NULL, *copy = NULL, *later = NULL;
    uint32_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        jobs[i] = queue_job(UPLOAD);
        assert_status(bcj2_get_id(jobs[i], &ids[i]), BCJ2_OK);
        if (i == 1) {
            assert_status(bcj2_manager_enum_jobs(queue_manager, 0, &list), BCJ2_OK);
        }
    }
    assert_status(bcj2_manager_enum_jobs(queue_manager, 2, &later), BCJ2_E_NOTIMPL);
    assert_status(bcj2_manager_enum_jobs(queue_manager, 1, &later), BCJ2_OK);
    assert_status(bcj2_job_enum_count(later, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 3);
    assert_status(bcj2_job_enum_count(list, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 2); /* made later: not in it */
    expect_next(list, &ids[0]);
    assert_status(bcj2_job_enum_clone(list, &copy), BCJ2_OK);
    assert_status(bcj2_cancel(jobs[1]), BCJ2_OK);
    expect_next(list, &ids[1]); /* gone meanwhile: still given */
    expect_next(copy, &ids[1]);
    assert_status(bcj2_job_enum_next(list, &none), BCJ2_S_FALSE);
    ck_assert_ptr_null(none);
    assert_status(bcj2_job_enum_reset(list), BCJ2_OK);
    assert_status(bcj2_job_enum_skip(list, 2), BCJ2_OK);
    assert_status(bcj2_job_enum_skip(list, 1), BCJ2_S_FALSE);
    assert_status(bcj2_job_enum_reset(list), BCJ2_OK);
    assert_status(bcj2_job_enum_skip(list, 3), BCJ2_S_FALSE);
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        bcj2_job_unref(jobs[i]);
    }
    bcj2_job_enum_unref(list);
    bcj2_job_enum_unref(copy);
    bcj2_job_enum_unref(later);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "vectors of job-semantics, appendix A", 20);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_loop_test(tc, A1_A2_a_new_job_is_suspended_and_empty, 0, TYPES);
    tcase_add_loop_test(tc, A4_resume_of_an_empty_job, 0, TYPES);
    tcase_add_loop_test(tc, A5_defaults, 0, TYPES);
    tcase_add_loop_test(tc, A6_retry_delay_has_a_floor, 0, TYPES);
    tcase_add_loop_test(tc, A7_no_progress_timeout, 0, TYPES);
    tcase_add_loop_test(tc, A12_priorities, 0, TYPES);
    tcase_add_loop_test(tc, A14_display_name, 0, TYPES);
    tcase_add_test(tc, A15_create_job);
    tcase_add_loop_test(tc, A16_description, 0, TYPES);
    tcase_add_loop_test(tc, A3_A13_notify_flags, 0, TYPES);
    tcase_add_loop_test(tc, A17_A18_A19_notify_command_line, 0, TYPES);
    tcase_add_loop_test(tc, A20_A21_only_an_upload_reply_job_has_a_reply, 0, UPLOAD_REPLY);
    tcase_add_test(tc, A22_A23_reply_names_are_generated);
    tcase_add_test(tc, A24_A25_reply_names_are_set_and_given_back);
    tcase_add_test(tc, A26_reply_names_that_are_refused);
    tcase_add_test(tc, A27_A28_a_reply_before_its_time);
    tcase_add_loop_test(tc, A29_A30_an_upload_holds_one_file, 0, 2);
    tcase_add_loop_test(tc, A31_complete_too_early, 0, 2);
    tcase_add_loop_test(tc, A32_A33_A34_cancel, 0, TYPES);
    tcase_add_loop_test(tc, A35_no_error_no_error_object, 0, TYPES);
    tcase_add_test(tc, A42_A45_A46_files_are_enumerated);
    tcase_add_test(tc, A42_A45_A46_two_files);
    tcase_add_test(tc, A42_A45_jobs_are_enumerated);
}

SUITE_MAIN("conformance", add_cases)
