/* SPDX-License-Identifier: MIT */
/* Download jobs from a real nginx: which requests it gets, that no byte is fetched twice, and vectors A47
   to A52 of job-semantics by their numbers. TLS and redirects: test_download_origins.c; kills:
   test_kill_download.c; servers that lie: test_download.c. */
#include "../support/nginx.h"
#include "download_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define PLAIN "server { listen 127.0.0.1:PORT1; root FOLDER/www; "
#define END   "}"
#define MB    1048576u

static struct nginx *nginx;

static void begin(const char *config)
{
    rig_prepare();
    nginx = nginx_new();
    nginx_run(nginx, config);
}

static void finish(bcj2_job *job)
{
    rig_unref(job);
    rig_assert_no_temporary_here();
    rig_close();
    nginx_stop(nginx);
    folder_remove(rig.folder);
}

static const char *served(const char *name)
{
    char relative[64];
    (void)snprintf(relative, sizeof relative, "www/%s", name);
    return nginx_path(nginx, relative);
}

/* A file that nginx has had for a day: then conditions by time are as good as any. */
static void serve(const char *name, uint64_t bytes)
{
    const char *path = served(name);
    uint32_t seed = 7;
    for (const char *p = name; *p != '\0'; p++) {
        seed = seed * 31 + (unsigned char)*p;
    }
    client_make_file(path, bytes, seed);
    struct utimbuf times = {time(NULL) - 86400, time(NULL) - 86400};
    ck_assert_int_eq(utime(path, &times), 0);
}

static void add(bcj2_job *job, const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/%s", name);
    download_add(job, nginx_url(nginx, 1, path), name);
}

/* ---- requests ---- */

START_TEST(several_files_in_order)
{
    begin(PLAIN END);
    serve("a", 300000);
    serve("b", 0);
    serve("c", 5 * MB);
    bcj2_job *job = download_job();
    add(job, "a");
    add(job, "b");
    add(job, "c");
    download_finish(job);
    for (const char *name = "abc"; *name != '\0'; name++) {
        const char text[] = {*name, '\0'};
        client_assert_same(served(text), download_path(text));
    }
    nginx_wait_logged(nginx, "HEAD /", 3);
    ck_assert_uint_eq(nginx_logged(nginx, "GET /b"), 0);
    ck_assert_uint_eq(nginx_bytes(nginx, "GET /a"), 300000);
    ck_assert_uint_eq(nginx_bytes(nginx, "GET /c"), 5 * MB);
    ck_assert_uint_eq(nginx_logged(nginx, "GET /a 206 262144 port="), 1);
    char *log = nginx_log(nginx);
    ck_assert(strstr(log, "GET /a") < strstr(log, "HEAD /b"));
    ck_assert(strstr(log, "HEAD /b") < strstr(log, "HEAD /c"));
    free(log);
    ck_assert_uint_eq(nginx_logged(nginx, "ae=identity"), nginx_logged(nginx, "proto=HTTP/1.1"));
    finish(job);
}
END_TEST

/* Each fragment but the first is asked for under the condition that the file is the same. */
START_TEST(fragments_under_a_condition)
{
    begin(PLAIN END);
    serve("a", 3 * MB);
    bcj2_job *job = download_job();
    add(job, "a");
    download_finish(job);
    client_assert_same(served("a"), download_path("a"));
    nginx_wait_logged(nginx, "range=bytes=0-262143 if-range=- ", 1);
    size_t fragments = nginx_logged(nginx, "GET /a 206");
    ck_assert_uint_gt(fragments, 1);
    ck_assert_uint_eq(nginx_logged(nginx, "if-range=\\x22"), fragments - 1);
    finish(job);
}
END_TEST

START_TEST(foreground_in_one_request)
{
    begin(PLAIN END);
    serve("a", 20 * MB);
    bcj2_job *job = download_foreground_job();
    add(job, "a");
    download_finish(job);
    client_assert_same(served("a"), download_path("a"));
    nginx_wait_logged(nginx, "GET /a", 1);
    ck_assert_uint_eq(nginx_logged(nginx, "GET /a 200 20971520 port="), 1);
    ck_assert_uint_eq(nginx_logged(nginx, "GET /a"), 1);
    ck_assert_uint_eq(nginx_logged(nginx, "range=- if-range=-"), nginx_logged(nginx, "port="));
    finish(job);
}
END_TEST

START_TEST(ranges_one_after_the_other)
{
    static const bcj2_file_range ranges[] = {
        {100000, 50}, {0, 10}, {300000, BCJ2_LENGTH_TO_EOF}, {20, 1}};
    begin(PLAIN END);
    serve("a", 300100);
    bcj2_job *job = download_job();
    download_add_ranges(job, nginx_url(nginx, 1, "/a"), "a", 4, ranges);
    download_finish(job);
    char all[300100], parts[161], got[162];
    FILE *f = fopen(served("a"), "rb");
    ck_assert_uint_eq(fread(all, 1, sizeof all, f), sizeof all);
    (void)fclose(f);
    memcpy(parts, all + 100000, 50);
    memcpy(parts + 50, all, 10);
    memcpy(parts + 60, all + 300000, 100);
    memcpy(parts + 160, all + 20, 1);
    f = fopen(download_path("a"), "rb");
    ck_assert_uint_eq(fread(got, 1, sizeof got, f), sizeof parts);
    (void)fclose(f);
    ck_assert_int_eq(memcmp(got, parts, sizeof parts), 0);
    nginx_wait_logged(nginx, "GET /a 206", 4);
    ck_assert_uint_eq(nginx_bytes(nginx, "GET /a"), 161);
    ck_assert_uint_eq(nginx_logged(nginx, "range=bytes=300000-300099 "), 1);
    ck_assert_uint_eq(download_progress(job, 0).bytes_total, 161);
    finish(job);
}
END_TEST

START_TEST(no_ranges)
{
    begin(PLAIN "max_ranges 0; " END);
    serve("a", 3 * MB);
    bcj2_job *job = download_job();
    add(job, "a");
    download_finish(job);
    client_assert_same(served("a"), download_path("a"));
    nginx_wait_logged(nginx, "GET /a 200 3145728", 1);
    ck_assert_uint_eq(nginx_logged(nginx, "GET /a"), 1);
    finish(job);
}
END_TEST

START_TEST(no_ranges_for_a_list_of_them)
{
    static const bcj2_file_range range = {5, 5};
    begin(PLAIN "max_ranges 0; " END);
    serve("a", 1000);
    bcj2_job *job = download_job();
    download_add_ranges(job, nginx_url(nginx, 1, "/a"), "a", 1, &range);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                      BCJ2_E_INSUFFICIENT_RANGE_SUPPORT);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    finish(job);
}
END_TEST

/* Would be packed for anybody who did not ask for it as it is. */
START_TEST(packing_is_not_wanted)
{
    begin(PLAIN "gzip on; gzip_min_length 0; gzip_types *; " END);
    serve("a", 1000);
    bcj2_job *job = download_job();
    add(job, "a");
    download_finish(job);
    client_assert_same(served("a"), download_path("a"));
    finish(job);
}
END_TEST

START_TEST(packed_all_the_same)
{
    begin(PLAIN "gzip_static always; " END);
    serve("a.gz", 1000);
    bcj2_job *job = download_job();
    add(job, "a");
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                      BCJ2_E_INVALID_SERVER_RESPONSE);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    finish(job);
}
END_TEST

START_TEST(no_head)
{
    begin(PLAIN "if ($request_method = HEAD) { return 405; } " END);
    serve("a", 300000);
    bcj2_job *job = download_job();
    add(job, "a");
    download_finish(job);
    client_assert_same(served("a"), download_path("a"));
    nginx_wait_logged(nginx, "HEAD /a 405", 1);
    ck_assert_uint_eq(nginx_logged(nginx, "GET /a 206 1 port="), 1);
    finish(job);
}
END_TEST

START_TEST(time_of_the_file)
{
    struct stat there, here;
    begin(PLAIN END);
    serve("a", 1000);
    bcj2_job *job = download_job();
    add(job, "a");
    download_finish(job);
    ck_assert_int_eq(stat(served("a"), &there), 0);
    ck_assert_int_eq(stat(download_path("a"), &here), 0);
    ck_assert_int_eq(here.st_mtime, there.st_mtime);
    finish(job);
}
END_TEST

START_TEST(head_of_the_answer_is_kept)
{
    char *headers = NULL;
    begin(PLAIN "add_header X-Test hello; " END);
    serve("a", 1000);
    bcj2_job *job = download_job();
    add(job, "a");
    download_finish(job);
    bcj2_file *file = download_file(job, 0);
    assert_status(bcj2_file_get_response_headers(file, &headers), BCJ2_OK);
    ck_assert_int_eq(strncmp(headers, "HTTP/1.1 200\r\n", 14), 0);
    ck_assert_ptr_nonnull(strstr(headers, "\r\nX-Test: hello\r\n"));
    bcj2_free(headers);
    (void)bcj2_file_unref(file);
    finish(job);
}
END_TEST

/* ---- going on ---- */

#define SLOW PLAIN "location /slow { limit_rate 2m; } " END

/* The bytes that are here when it is suspended are not fetched again. */
START_TEST(suspended_and_resumed)
{
    begin(SLOW);
    serve("slow", 4 * MB);
    bcj2_job *job = download_foreground_job();
    add(job, "slow");
    assert_status(bcj2_resume(job), BCJ2_OK);
    download_wait_bytes(job, 0, 700000);
    assert_status(bcj2_suspend(job), BCJ2_OK);
    nginx_wait_logged(nginx, "GET /slow", 1);
    uint64_t here = client_size(download_temporary(job, 0));
    char range[64];
    (void)snprintf(range, sizeof range, "range=bytes=%llu-4194303 if-range=\\x22",
                   (unsigned long long)here);
    ck_assert_uint_ge(here, 700000);
    download_finish(job);
    client_assert_same(served("slow"), download_path("slow"));
    nginx_wait_logged(nginx, "GET /slow", 2);
    ck_assert_msg(nginx_logged(nginx, range) == 1, "not asked: %s", range);
    ck_assert_uint_eq(nginx_logged(nginx, "HEAD /slow"), 1);
    finish(job);
}
END_TEST

/* One file changes while it is fetched: it starts again, alone. */
START_TEST(changed_file_starts_again)
{
    begin(SLOW);
    serve("a", 100000);
    serve("slow", 4 * MB);
    bcj2_job *job = download_foreground_job();
    add(job, "a");
    add(job, "slow");
    assert_status(bcj2_resume(job), BCJ2_OK);
    download_wait_bytes(job, 1, 700000);
    assert_status(bcj2_suspend(job), BCJ2_OK);
    client_make_file(served("new"), 900000, 99);
    ck_assert_int_eq(rename(served("new"), served("slow")), 0);
    download_finish(job);
    client_assert_same(served("slow"), download_path("slow"));
    client_assert_same(served("a"), download_path("a"));
    nginx_wait_logged(nginx, "GET /slow 200 900000", 1);
    ck_assert_uint_eq(nginx_logged(nginx, "GET /a"), 1);
    ck_assert_uint_eq(download_progress(job, 1).bytes_total, 900000);
    finish(job);
}
END_TEST

START_TEST(server_restarts)
{
    begin(SLOW);
    serve("slow", 3 * MB);
    bcj2_job *job = download_job();
    add(job, "slow");
    assert_status(bcj2_resume(job), BCJ2_OK);
    download_wait_bytes(job, 0, 300000);
    nginx_end(nginx);
    nginx_run(nginx, SLOW);
    client_wait(job, STATE(TRANSFERRED));
    assert_status(bcj2_complete(job), BCJ2_OK);
    client_assert_same(served("slow"), download_path("slow"));
    finish(job);
}
END_TEST

/* ---- vectors ---- */

START_TEST(A47_two_files)
{
    begin(PLAIN END);
    serve("a", 1000);
    serve("b", 2000);
    bcj2_job *job = download_job();
    add(job, "a");
    add(job, "b");
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait(job, STATE(TRANSFERRED));
    for (uint32_t i = 0; i < 2; i++) {
        bcj2_file_progress p = download_progress(job, i);
        ck_assert(!p.completed);
        ck_assert_uint_eq(p.bytes_total, 1000 * (i + 1));
        ck_assert_uint_eq(p.bytes_transferred, p.bytes_total);
    }
    ck_assert(!client_exists(download_path("a")) && !client_exists(download_path("b")));
    assert_status(bcj2_complete(job), BCJ2_OK);
    assert_status(bcj2_complete(job), BCJ2_E_INVALID_STATE);
    ck_assert(download_progress(job, 0).completed && download_progress(job, 1).completed);
    client_assert_same(served("a"), download_path("a"));
    client_assert_same(served("b"), download_path("b"));
    finish(job);
}
END_TEST

START_TEST(A48_the_second_of_three_is_missing)
{
    begin(PLAIN END);
    serve("a", 1000);
    serve("c", 1000);
    bcj2_job *job = download_job();
    add(job, "a");
    add(job, "b");
    add(job, "c");
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                      BCJ2_E_HTTP_ERROR(404));
    ck_assert_uint_eq(download_error_file(job), 1);
    assert_status(bcj2_complete(job), BCJ2_S_PARTIAL_COMPLETE);
    client_assert_same(served("a"), download_path("a"));
    ck_assert(!client_exists(download_path("b")) && !client_exists(download_path("c")));
    ck_assert_uint_eq(nginx_logged(nginx, " /c "), 0);
    finish(job);
}
END_TEST

START_TEST(A49_not_authorized)
{
    uint32_t before = 0, after = 0;
    begin(PLAIN "auth_basic x; auth_basic_user_file FOLDER/nobody; " END);
    serve("a", 1000);
    bcj2_job *job = download_job();
    add(job, "a");
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                      BCJ2_E_HTTP_ERROR(401));
    assert_status(bcj2_get_error_count(job, &before), BCJ2_OK);
    bcj2_filetime next = 1;
    assert_status(bcj2_get_next_attempt(job, &next), BCJ2_OK);
    ck_assert_uint_eq(next, 0);
    assert_status(bcj2_get_error_count(job, &after), BCJ2_OK);
    ck_assert_uint_eq(before, after);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    finish(job);
}
END_TEST

#define OUT_OF_SERVICE PLAIN "return 503; " END

static bcj2_job *job_of_503(void)
{
    begin(OUT_OF_SERVICE);
    serve("a", 1000);
    bcj2_job *job = download_job();
    add(job, "a");
    return job;
}

START_TEST(A50_503_once)
{
    bcj2_job *job = job_of_503();
    assert_status(bcj2_set_minimum_retry_delay(job, 600), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_TRANSIENT_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                      BCJ2_E_HTTP_ERROR(503));
    nginx_end(nginx);
    nginx_run(nginx, PLAIN END);
    download_finish(job);
    client_assert_same(served("a"), download_path("a"));
    finish(job);
}
END_TEST

START_TEST(A51_503_and_no_patience)
{
    bcj2_job *job = job_of_503();
    assert_status(bcj2_set_no_progress_timeout(job, 0), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                      BCJ2_E_HTTP_ERROR(503));
    assert_status(bcj2_cancel(job), BCJ2_OK);
    finish(job);
}
END_TEST

/* The time-out would be over before the next attempt. */
START_TEST(A52_503_and_less_patience_than_delay)
{
    bcj2_job *job = job_of_503();
    assert_status(bcj2_set_minimum_retry_delay(job, 100), BCJ2_OK);
    assert_status(bcj2_set_no_progress_timeout(job, 50), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                      BCJ2_E_HTTP_ERROR(503));
    assert_status(bcj2_cancel(job), BCJ2_OK);
    finish(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "requests", 60);
    tcase_add_test(tc, several_files_in_order);
    tcase_add_test(tc, fragments_under_a_condition);
    tcase_add_test(tc, foreground_in_one_request);
    tcase_add_test(tc, ranges_one_after_the_other);
    tcase_add_test(tc, no_ranges);
    tcase_add_test(tc, no_ranges_for_a_list_of_them);
    tcase_add_test(tc, packing_is_not_wanted);
    tcase_add_test(tc, packed_all_the_same);
    tcase_add_test(tc, no_head);
    tcase_add_test(tc, time_of_the_file);
    tcase_add_test(tc, head_of_the_answer_is_kept);
    tc = suite_case(suite, "going on", 60);
    tcase_add_test(tc, suspended_and_resumed);
    tcase_add_test(tc, changed_file_starts_again);
    tcase_add_test(tc, server_restarts);
    tc = suite_case(suite, "vectors", 60);
    tcase_add_test(tc, A47_two_files);
    tcase_add_test(tc, A48_the_second_of_three_is_missing);
    tcase_add_test(tc, A49_not_authorized);
    tcase_add_test(tc, A50_503_once);
    tcase_add_test(tc, A51_503_and_no_patience);
    tcase_add_test(tc, A52_503_and_less_patience_than_delay);
}

SUITE_MAIN("downloads from nginx", add_cases)
