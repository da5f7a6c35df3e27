/* SPDX-License-Identifier: MIT */
/* Names, URLs and files that cannot be used: the status at the call, or the job's error where the
   file is only looked at when it is transferred (job-semantics R12). Each time a detail that names
   the thing, and nothing changed. Bad queue directories: test_api_queue.c. */
#include "../support/queue.h"

#include "limit.h"
#include "macro.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "token=s3cret"

static char too_long_url[LIMIT_URL_BYTES + 2], too_long_path[LIMIT_PATH_BYTES + 2];

static void start(void)
{
    queue_start();
    memset(too_long_url, 'x', LIMIT_URL_BYTES + 1);
    memcpy(too_long_url, "http://h/", 9);
    memset(too_long_path, 'x', LIMIT_PATH_BYTES + 1);
    too_long_path[0] = '/';
}

/* ---- at the call ---- */

static const struct {
    const char *url, *path, *detail;
} arguments[] = {
    {"http://", "/tmp/f", "no host"},
    {"http:///path", "/tmp/f", "no host"},
    {"http://?" SECRET, "/tmp/f", "no host"},
    {"http://:80/", "/tmp/f", "no host"},
    {"", "/tmp/f", "scheme"},
    {"host/path", "/tmp/f", "scheme"},
    {"ftp://host/?" SECRET, "/tmp/f", "scheme"},
    {"//host/", "/tmp/f", "scheme"},
    {"http:/host/", "/tmp/f", "scheme"},
    {"http://host/a\r\nX-Evil: 1", "/tmp/f", "0x0d"},
    {"http://host/a\nb", "/tmp/f", "0x0a"},
    {"http://host/a b?" SECRET, "/tmp/f", "0x20"},
    {" http://host/", "/tmp/f", "0x20"},
    {"http://host/\t", "/tmp/f", "0x09"},
    {"http://host/\x7f", "/tmp/f", "0x7f"},
    {"http://h\xc3\xb6st/", "/tmp/f", "0xc3"},
    {"http://host/{x}", "/tmp/f", "0x7b"},
    {"http://host/\\x", "/tmp/f", "0x5c"},
    {"http://host/%4", "/tmp/f", "'%'"},
    {"http://host/%zz", "/tmp/f", "'%'"},
    {"http://host:0/", "/tmp/f", "port"},
    {"http://host:65536/", "/tmp/f", "port"},
    {"http://host:8o/", "/tmp/f", "port"},
    {"http://me:s3cret@host/", "/tmp/f", "user name"},
    {"http://me@host/", "/tmp/f", "user name"},
    {too_long_url, "/tmp/f", "8193"},
    {"http://host/", "", "absolute"},
    {"http://host/", "f", "absolute"},
    {"http://host/", "./f", "absolute"},
    {"http://host/", "/tmp/\xff", "UTF-8"},
    {"http://host/", "/tmp/\xc0\xaf", "UTF-8"},
    {"http://host/", "/", "folder"},
    {"http://host/", "/tmp/", "folder"},
    {"http://host/", "/tmp/..", "folder"},
    {"http://host/", too_long_path, "4096"},
};

START_TEST(add_file_refuses)
{
    bcj2_job *job = queue_job(_i % 2 == 0 ? BCJ2_JOB_TYPE_UPLOAD : BCJ2_JOB_TYPE_UPLOAD_REPLY);
    char *before = queue_json(job);
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++) {
        bcj2_status s = bcj2_add_file(job, arguments[i].url, arguments[i].path);
        ck_assert_msg(s == BCJ2_E_INVALIDARG, "%zu, %.40s: 0x%08x", i, arguments[i].url,
                      (unsigned)s);
        assert_detail(arguments[i].detail);
        ck_assert_msg(strstr(bcj2_last_detail(), "s3cret") == NULL, "%s", bcj2_last_detail());
        ck_assert_ptr_null(strpbrk(bcj2_last_detail(), "\r\n\t\x7f"));
    }
    char *after = queue_json(job);
    ck_assert_str_eq(after, before);
    bcj2_free(before);
    bcj2_free(after);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(the_longest_names_are_taken)
{
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    char *url = NULL, *path = NULL;
    too_long_url[LIMIT_URL_BYTES] = '\0';
    too_long_path[LIMIT_PATH_BYTES] = '\0';
    assert_status(bcj2_add_file(job, too_long_url, too_long_path), BCJ2_OK);
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    assert_status(bcj2_file_get_remote_name(file, &url), BCJ2_OK);
    assert_status(bcj2_file_get_local_name(file, &path), BCJ2_OK);
    ck_assert_str_eq(url, too_long_url);
    ck_assert_str_eq(path, too_long_path);
    bcj2_free(url);
    bcj2_free(path);
    bcj2_file_unref(file);
    bcj2_file_enum_unref(files);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_reply_needs_a_folder)
{
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    char *before = queue_json(job);
    assert_status(bcj2_add_file(job, "http://host/", queue_path("missing/f")), BCJ2_E_INVALIDARG);
    assert_detail(queue_path("missing"));
    char *after = queue_json(job);
    ck_assert_str_eq(after, before);
    /* with a name for the reply the upload's folder is nobody's business until the transfer */
    assert_status(bcj2_set_reply_file_name(job, queue_path("out/reply")), BCJ2_OK);
    assert_status(bcj2_add_file(job, "http://host/", queue_path("missing/f")), BCJ2_OK);
    bcj2_free(before);
    bcj2_free(after);
    bcj2_job_unref(job);
}
END_TEST

static void closed_folder_in_child(void *unused)
{
    queue_become_plain_user();
    queue_open();
    ck_assert_int_eq(chmod(queue_path("out"), 0500), 0);
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    assert_status(bcj2_add_file(job, "http://host/", queue_path("out/f")), BCJ2_E_ACCESSDENIED);
    assert_detail(queue_path("out"));
    assert_status(bcj2_set_reply_file_name(job, queue_path("out/reply")), BCJ2_E_ACCESSDENIED);
    assert_detail(queue_path("out"));
    assert_status(bcj2_resume(job), BCJ2_E_EMPTY); /* nothing was added */
    ck_assert_int_eq(chmod(queue_path("out"), 0700), 0);
    bcj2_job_unref(job);
    queue_close();
}

START_TEST(a_reply_needs_a_writable_folder)
{
    queue_close();
    queue_join(queue_fork(closed_folder_in_child, NULL));
}
END_TEST

/* ---- when it is transferred ---- */

static void make_nothing(const char *path)
{
}

static void make_folder(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_fifo(const char *path)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void make_link_to_device(const char *path)
{
    ck_assert_int_eq(symlink("/dev/null", path), 0);
}

static void make_link_to_nothing(const char *path)
{
    ck_assert_int_eq(symlink("missing", path), 0);
}

static void make_link_to_itself(const char *path)
{
    ck_assert_int_eq(symlink(path, path), 0);
}

static const struct {
    const char *name;
    void (*make)(const char *path);
    bcj2_status code;
} sources[] = {
    {"missing", make_nothing, BCJ2_E_WIN32_FILE_NOT_FOUND},
    {"dangling", make_link_to_nothing, BCJ2_E_WIN32_FILE_NOT_FOUND},
    {"up.bin/below-a-file", make_nothing, BCJ2_E_PATH_NOT_FOUND},
    {"folder", make_folder, BCJ2_E_ACCESSDENIED},
    {"fifo", make_fifo, BCJ2_E_ACCESSDENIED},
    {"device", make_link_to_device, BCJ2_E_ACCESSDENIED},
    {"loop", make_link_to_itself, BCJ2_E_ACCESSDENIED},
};

/* The error object says which file, and that no server was part of it. */
static void expect_source_error(bcj2_job *job, const char *path, bcj2_status code)
{
    bcj2_error *error = NULL;
    bcj2_file *file = NULL;
    bcj2_error_context context = -1;
    bcj2_status got = BCJ2_OK;
    uint32_t http = 7;
    char *text = NULL, *name = NULL, *protocol = NULL;
    queue_wait(job, STATE_BIT(ERROR) | STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_ERROR);
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get(error, &context, &got), BCJ2_OK);
    assert_status(got, code);
    ck_assert_int_eq(context, BCJ2_ERROR_CONTEXT_LOCAL_FILE);
    assert_status(bcj2_error_get_description(error, &text), BCJ2_OK);
    ck_assert_ptr_nonnull(strstr(text, path));
    assert_status(bcj2_error_get_file(error, &file), BCJ2_OK);
    assert_status(bcj2_file_get_local_name(file, &name), BCJ2_OK);
    ck_assert_str_eq(name, path);
    assert_status(bcj2_error_get_protocol(error, &protocol), BCJ2_E_PROTOCOL_NOT_AVAILABLE);
    assert_status(bcj2_error_get_http_status(error, &http), BCJ2_OK);
    ck_assert_uint_eq(http, 0);
    bcj2_free(text);
    bcj2_free(name);
    text = NULL;
    assert_status(bcj2_error_get_context_description(error, &text), BCJ2_OK);
    ck_assert_uint_gt(strlen(text), 0);
    bcj2_free(text);
    bcj2_file_unref(file);
    bcj2_error_unref(error);
}

START_TEST(a_source_that_is_none)
{
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    const char *path = queue_path(sources[_i].name);
    sources[_i].make(path);
    assert_status(bcj2_add_file(job, "http://127.0.0.1:1/", path), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    expect_source_error(job, path, sources[_i].code);
    bcj2_job_unref(job);
}
END_TEST

static void unreadable_in_child(void *unused)
{
    queue_become_plain_user();
    queue_open();
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    const char *path = queue_path("up.bin");
    ck_assert_int_eq(chmod(path, 0), 0);
    assert_status(bcj2_add_file(job, "http://127.0.0.1:1/", path), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    expect_source_error(job, path, BCJ2_E_ACCESSDENIED);
    bcj2_job_unref(job);
    queue_close();
}

START_TEST(a_source_that_cannot_be_read)
{
    queue_close();
    queue_join(queue_fork(unreadable_in_child, NULL));
}
END_TEST

/* ---- in one call ---- */

static uint64_t jobs_there(void)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    return info.jobs;
}

START_TEST(upload_reply_cancels_what_it_cannot_start)
{
    const struct {
        const char *local, *url, *reply, *detail;
    } rows[] = {
        {"relative", "http://host/", queue_path("out/r"), "absolute"},
        {queue_path("up.bin"), "ftp://host/", queue_path("out/r"), "scheme"},
        {queue_path("up.bin"), "http://host/", "relative", "absolute"},
        {queue_path("up.bin"), "http://host/", queue_path("missing/r"), "missing"},
        {queue_path("missing/f"), "http://host/", NULL, "missing"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bcj2_job *job = NULL;
        assert_status(bcj2_upload_reply(queue_manager, rows[i].local, rows[i].url, rows[i].reply,
                                        NULL, NULL, _i == 0 ? &job : NULL),
                      BCJ2_E_INVALIDARG);
        assert_detail(rows[i].detail);
        ck_assert_uint_eq(jobs_there(), 0);
        if (_i == 0) {
            ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_CANCELLED);
            bcj2_job_unref(job);
        }
    }
}
END_TEST

START_TEST(upload_reply_gives_the_code_of_the_jobs_error)
{
    bcj2_job *job = NULL;
    assert_status(bcj2_upload_reply(queue_manager, queue_path("missing"), "http://127.0.0.1:1/",
                                    queue_path("out/reply"), NULL, NULL, &job),
                  BCJ2_E_WIN32_FILE_NOT_FOUND);
    assert_detail(queue_path("missing"));
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_ERROR); /* to be looked at and resumed */
    ck_assert_uint_eq(jobs_there(), 1);
    bcj2_job_unref(job);
}
END_TEST

static int32_t stop(void *user, int32_t phase, uint64_t done, uint64_t total)
{
    return 1;
}

START_TEST(upload_reply_stops_when_told)
{
    bcj2_job *job = NULL;
    assert_status(bcj2_upload_reply(queue_manager, queue_path("up.bin"), "http://127.0.0.1:1/",
                                    queue_path("out/reply"), stop, NULL, &job),
                  BCJ2_E_ABORT);
    ck_assert_uint_eq(jobs_there(), 1);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(guids_that_are_none)
{
    static const char *const bad[] = {
        "",
        "{}",
        "6b29fc40-ca47-1067-b31d-00dd010662d",
        "6b29fc40-ca47-1067-b31d-00dd010662daa",
        "{6b29fc40-ca47-1067-b31d-00dd010662da",
        "6b29fc40-ca47-1067-b31d-00dd010662da}",
        "6b29fc40ca471067b31d00dd010662da",
        "gb29fc40-ca47-1067-b31d-00dd010662da",
        " 6b29fc40-ca47-1067-b31d-00dd010662da",
    };
    bcj2_guid id = {.data1 = 7};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_status(bcj2_guid_parse(bad[i], &id), BCJ2_E_INVALIDARG);
        assert_detail(bad[i]);
        ck_assert_uint_eq(id.data1, 7);
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "bad input", 30);
    tcase_add_checked_fixture(tc, start, queue_stop);
    tcase_add_loop_test(tc, add_file_refuses, 0, 2);
    tcase_add_test(tc, the_longest_names_are_taken);
    tcase_add_test(tc, a_reply_needs_a_folder);
    tcase_add_test(tc, a_reply_needs_a_writable_folder);
    tcase_add_loop_test(tc, a_source_that_is_none, 0, (int)ARRAY_LEN(sources));
    tcase_add_test(tc, a_source_that_cannot_be_read);
    tcase_add_loop_test(tc, upload_reply_cancels_what_it_cannot_start, 0, 2);
    tcase_add_test(tc, upload_reply_gives_the_code_of_the_jobs_error);
    tcase_add_test(tc, upload_reply_stops_when_told);
    tcase_add_test(tc, guids_that_are_none);
}

SUITE_MAIN("api_bad_input", add_cases)
