/* SPDX-License-Identifier: MIT */
/* The files of a job: what may be added and what not, all or nothing, ranges, and other URLs. Nothing is
   transferred here. Strings that are good or bad as URLs and paths in general: test_api_bad_input.c. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "../support/queue.h"

#include "core.h"
#include "job.h"
#include "limit.h"
#include "macro.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOWNLOAD     BCJ2_JOB_TYPE_DOWNLOAD
#define UPLOAD       BCJ2_JOB_TYPE_UPLOAD
#define UPLOAD_REPLY BCJ2_JOB_TYPE_UPLOAD_REPLY
#define URL          "http://host/a"
#define EOF_LENGTH   BCJ2_LENGTH_TO_EOF

static uint32_t files_of(bcj2_job *job)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    return p.files_total;
}

static bcj2_file *file_at(bcj2_job *job, uint32_t index)
{
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_skip(files, index), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    bcj2_file_enum_unref(files);
    return file;
}

static void assert_url(bcj2_job *job, uint32_t index, const char *expected)
{
    bcj2_file *file = file_at(job, index);
    char *url = NULL;
    assert_status(bcj2_file_get_remote_name(file, &url), BCJ2_OK);
    ck_assert_str_eq(url, expected);
    bcj2_free(url);
    bcj2_file_unref(file);
}

/* ---- adding ---- */

START_TEST(a_set_is_added_whole_or_not_at_all)
{
    bcj2_job *job = queue_job(DOWNLOAD);
    bcj2_file_info files[] = {{URL, queue_path("out/a")},
                              {"https://host/b?c", queue_path("out/b")},
                              {URL, queue_path("out/a")}}; /* twice the same is fine */
    assert_status(bcj2_add_file_set(job, 3, files), BCJ2_OK);
    ck_assert_uint_eq(files_of(job), 3);
    assert_url(job, 1, "https://host/b?c");
    assert_status(bcj2_add_file_set(job, 0, files), BCJ2_E_INVALIDARG);
    const bcj2_file_info bad[] = {
        {NULL, queue_path("out/c")},
        {URL, NULL},
        {"ftp://h/", queue_path("c")},
        {URL, "relative"},
        {URL, queue_path("missing/c")},
        {URL, queue_path("out")},
        {"file:///x", "/x"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        files[2] = bad[i]; /* the last of three */
        assert_status(bcj2_add_file_set(job, 3, files), BCJ2_E_INVALIDARG);
        ck_assert_uint_eq(files_of(job), 3);
    }
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_job_holds_so_many_files_at_most)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.max_files_per_job = 3;
    queue_close();
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    bcj2_job *job = queue_job(DOWNLOAD);
    const bcj2_file_info files[] = {{URL, queue_path("out/a")},
                                    {URL, queue_path("out/b")},
                                    {URL, queue_path("out/c")},
                                    {URL, queue_path("out/d")}};
    assert_status(bcj2_add_file_set(job, 4, files), BCJ2_E_TOO_MANY_FILES_IN_JOB);
    assert_detail("3");
    ck_assert_uint_eq(files_of(job), 0);
    assert_status(bcj2_add_file_set(job, 2, files), BCJ2_OK);
    assert_status(bcj2_add_file_set(job, 2, files), BCJ2_E_TOO_MANY_FILES_IN_JOB);
    assert_status(bcj2_add_file(job, URL, queue_path("out/c")), BCJ2_OK);
    assert_status(bcj2_add_file(job, URL, queue_path("out/d")), BCJ2_E_TOO_MANY_FILES_IN_JOB);
    ck_assert_uint_eq(files_of(job), 3);
    bcj2_job_unref(job);
}
END_TEST

/* Where a download may go. */
START_TEST(destinations)
{
    bcj2_job *job = queue_job(DOWNLOAD);
    ck_assert_int_eq(symlink(queue_path("up.bin"), queue_path("out/link")), 0);
    ck_assert_int_eq(symlink(queue_path("out"), queue_path("folder-link")), 0);
    ck_assert_int_eq(symlink("nowhere", queue_path("out/dangling")), 0);
    const struct {
        const char *path;
        bcj2_status expected;
        const char *detail;
    } rows[] = {
        {queue_path("out/new"), BCJ2_OK, NULL},
        {queue_path("up.bin"), BCJ2_OK, NULL}, /* is replaced */
        {queue_path("out/link"), BCJ2_OK, NULL},
        {queue_path("out/dangling"), BCJ2_OK, NULL},
        {queue_path("folder-link/x"), BCJ2_OK, NULL},
        {queue_path("folder-link"), BCJ2_OK, NULL}, /* the link itself is replaced */
        {queue_path("out"), BCJ2_E_INVALIDARG, "folder"},
        {queue_path("missing/x"), BCJ2_E_INVALIDARG, "missing"},
        {queue_path("up.bin/x"), BCJ2_E_INVALIDARG, "up.bin"},
        {queue_path("out/dangling/x"), BCJ2_E_INVALIDARG, "dangling"},
    };
    uint32_t added = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bcj2_status s = bcj2_add_file(job, URL, rows[i].path);
        ck_assert_msg(s == rows[i].expected, "%s: 0x%08x", rows[i].path, (unsigned)s);
        added += s == BCJ2_OK;
        if (rows[i].detail != NULL) {
            assert_detail(rows[i].detail);
        }
    }
    ck_assert_uint_eq(files_of(job), added);
    bcj2_job_unref(job);
}
END_TEST

static void in_folders_of_others(void *nothing)
{
    queue_become_plain_user();
    queue_open();
    bcj2_job *job = queue_job(DOWNLOAD), *reply = queue_job(UPLOAD_REPLY);
    assert_status(bcj2_add_file(job, URL, queue_path("read-only/x")), BCJ2_E_ACCESSDENIED);
    assert_detail("read-only");
    assert_status(bcj2_add_file(job, URL, queue_path("hidden/in/x")), BCJ2_E_ACCESSDENIED);
    assert_detail("hidden");
    assert_status(bcj2_add_file(job, URL, "/usr/x"), BCJ2_E_ACCESSDENIED);
    ck_assert_uint_eq(files_of(job), 0);
    /* a file of somebody else in a folder of ours can be replaced */
    assert_status(bcj2_add_file(job, URL, queue_path("out/protected")), BCJ2_OK);
    assert_status(bcj2_add_file(reply, URL, queue_path("read-only/up")), BCJ2_E_ACCESSDENIED);
    assert_status(bcj2_set_reply_file_name(reply, queue_path("out/reply")), BCJ2_OK);
    assert_status(bcj2_add_file(reply, URL, queue_path("read-only/up")), BCJ2_OK);
    assert_status(bcj2_take_ownership(job), BCJ2_E_ACCESSDENIED);
    assert_detail("root");
    bcj2_job_unref(job);
    bcj2_job_unref(reply);
    queue_close();
}

START_TEST(folders_that_are_not_ours_to_write)
{
    queue_close();
    ck_assert_int_eq(mkdir(queue_path("read-only"), 0700), 0);
    ck_assert_int_eq(mkdir(queue_path("hidden"), 0700), 0);
    ck_assert_int_eq(mkdir(queue_path("hidden/in"), 0700), 0);
    queue_write_file("out/protected", "x", 1);
    ck_assert_int_eq(chmod(queue_path("out/protected"), 0400), 0);
    ck_assert_int_eq(chmod(queue_path("read-only"), 0500), 0);
    ck_assert_int_eq(chmod(queue_path("hidden"), 0000), 0);
    queue_join(queue_fork(in_folders_of_others, NULL));
    ck_assert_int_eq(chmod(queue_path("read-only"), 0700), 0);
    ck_assert_int_eq(chmod(queue_path("hidden"), 0700), 0);
}
END_TEST

/* Files of this machine in the place of URLs. */
static const struct {
    const char *url;
    bcj2_status expected;
    const char *detail;
} file_urls[] = {
    {"/mnt/share/a", BCJ2_OK, NULL},
    {"file:///mnt/share/a%20b", BCJ2_OK, NULL},
    {"file://localhost/mnt/a", BCJ2_OK, NULL},
    {"/mnt/\xc3\xa4?x#y", BCJ2_OK, NULL}, /* a path is taken as it is */
    {"//server/share/a", BCJ2_E_INVALIDARG, "slashes"},
    {"file://server/share/a", BCJ2_E_INVALIDARG, "file:///"},
    {"file:relative", BCJ2_E_INVALIDARG, "file:///"},
    {"file:///a%00b", BCJ2_E_INVALIDARG, "%00"},
    {"file:///a?b", BCJ2_E_INVALIDARG, "escaped"},
    {"file:///%ff", BCJ2_E_INVALIDARG, "UTF-8"},
    {"/mnt/\xff", BCJ2_E_INVALIDARG, "UTF-8"},
    {"/mnt/share/", BCJ2_E_INVALIDARG, "folder"},
    {"file:///mnt/..", BCJ2_E_INVALIDARG, "folder"},
    {"/", BCJ2_E_INVALIDARG, "folder"},
};

START_TEST(files_in_the_place_of_URLs)
{
    for (bcj2_job_type type = DOWNLOAD; type <= UPLOAD; type++) {
        bcj2_job *job = queue_job(type);
        bcj2_status s = bcj2_add_file(job, file_urls[_i].url, queue_path("up.bin"));
        ck_assert_msg(s == file_urls[_i].expected, "%s: 0x%08x", file_urls[_i].url, (unsigned)s);
        if (s == BCJ2_OK) {
            assert_url(job, 0, file_urls[_i].url);
        } else {
            assert_detail(file_urls[_i].detail);
        }
        bcj2_job_unref(job);
    }
    bcj2_job *job = queue_job(UPLOAD_REPLY);
    assert_status(bcj2_add_file(job, file_urls[_i].url, queue_path("up.bin")), BCJ2_E_INVALIDARG);
    assert_detail("upload-reply");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_file_is_not_its_own_source)
{
    char url[4200];
    (void)snprintf(url, sizeof url, "file://%s", queue_path("up.bin"));
    ck_assert_int_eq(link(queue_path("up.bin"), queue_path("out/hard")), 0);
    ck_assert_int_eq(symlink(queue_path("up.bin"), queue_path("out/soft")), 0);
    queue_write_file("out/there", "x", 1);
    for (bcj2_job_type type = DOWNLOAD; type <= UPLOAD; type++) {
        bcj2_job *job = queue_job(type);
        assert_status(bcj2_add_file(job, url, queue_path("up.bin")), BCJ2_E_INVALIDARG);
        assert_detail("its own source");
        assert_status(bcj2_add_file(job, url, queue_path("out/hard")), BCJ2_E_INVALIDARG);
        assert_status(bcj2_add_file(job, queue_path("out/soft"), queue_path("up.bin")),
                      BCJ2_E_INVALIDARG);
        assert_status(bcj2_add_file(job, queue_path("out/new"), queue_path("out/new")),
                      BCJ2_E_INVALIDARG); /* neither is there yet */
        assert_status(bcj2_add_file(job, url, queue_path("out/other")), BCJ2_OK);
        bcj2_job_unref(job);
    }
    bcj2_job *job = queue_job(DOWNLOAD); /* another file of the same disk is another file */
    assert_status(bcj2_add_file(job, url, queue_path("out/there")), BCJ2_OK);
    bcj2_job_unref(job);
}
END_TEST

/* The error object of a job with several files names the one that failed, and its protocol. */
START_TEST(an_error_is_about_one_of_the_files)
{
    bcj2_job *job = queue_job(DOWNLOAD);
    bcj2_error *error = NULL;
    bcj2_file *file = NULL;
    char *name = NULL, *protocol = NULL;
    const bcj2_file_info files[] = {{queue_path("up.bin"), queue_path("out/a")},
                                    {queue_path("missing"), queue_path("out/b")},
                                    {queue_path("up.bin"), queue_path("out/c")}};
    assert_status(bcj2_add_file_set(job, 3, files), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(ERROR) | STATE_BIT(TRANSFERRED), BCJ2_JOB_STATE_ERROR);
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get_file(error, &file), BCJ2_OK);
    assert_status(bcj2_file_get_local_name(file, &name), BCJ2_OK);
    ck_assert_str_eq(name, queue_path("out/b"));
    assert_status(bcj2_error_get_protocol(error, &protocol), BCJ2_OK);
    ck_assert_str_eq(protocol, "file");
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.files_transferred, 1);
    bcj2_free(name);
    bcj2_free(protocol);
    bcj2_file_unref(file);
    bcj2_error_unref(error);
    bcj2_job_unref(job);
}
END_TEST

/* ---- what is said of a running download ---- */

static void assert_text(bcj2_job *job, const char *expected)
{
    char *text = NULL;
    assert_status(bcj2_get_status_text(job, &text), BCJ2_OK);
    ck_assert_str_eq(text, expected);
    bcj2_free(text);
}

static void set_progress(bcj2_job *job, uint32_t index, uint64_t total, uint64_t done)
{
    const struct store_file file = {.index = index,
                                    .bytes_total = total,
                                    .bytes_transferred = done,
                                    .transferred = total == done};
    assert_status(bcj2__store_begin(job->core->store, false), BCJ2_OK);
    assert_status(bcj2__store_set_file_progress(job->core->store, job->seq, &file, 1), BCJ2_OK);
    assert_status(bcj2__store_commit(job->core->store, false), BCJ2_OK);
}

static void set_state(bcj2_job *job, bcj2_job_state from, bcj2_job_state to)
{
    assert_status(bcj2__store_begin(job->core->store, false), BCJ2_OK);
    assert_status(bcj2__store_set_state(job->core->store, job->seq, from, to, 1), BCJ2_OK);
    assert_status(bcj2__store_commit(job->core->store, false), BCJ2_OK);
}

START_TEST(the_status_text_counts_files)
{
    const uint64_t mib = 1024 * 1024;
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.flags = BCJ2_MANAGER_CONTROL_ONLY; /* the states are ours to set */
    queue_close();
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    bcj2_job *job = queue_job(DOWNLOAD);
    assert_text(job, "suspended, without a file");
    assert_status(bcj2_add_file(job, URL, queue_path("out/a")), BCJ2_OK);
    assert_text(job, "suspended, waiting for resume");
    set_state(job, BCJ2_JOB_STATE_SUSPENDED, BCJ2_JOB_STATE_CONNECTING);
    assert_text(job, "connecting to the server");
    set_state(job, BCJ2_JOB_STATE_CONNECTING, BCJ2_JOB_STATE_TRANSFERRING);
    set_progress(job, 0, BCJ2_SIZE_UNKNOWN, 812);
    assert_text(job, "downloading: 812 B");
    set_progress(job, 0, 2 * mib, mib);
    assert_text(job, "downloading: 1.0 MiB of 2.0 MiB");
    assert_status(bcj2_add_file(job, "/mnt/b", queue_path("out/b")), BCJ2_OK);
    assert_text(job, "downloading: 1.0 MiB, file 1 of 2");
    set_progress(job, 0, 2 * mib, 2 * mib);
    set_progress(job, 1, 8 * mib, mib);
    assert_text(job, "downloading: 3.0 MiB of 10.0 MiB, file 2 of 2");
    set_state(job, BCJ2_JOB_STATE_TRANSFERRING, BCJ2_JOB_STATE_CONNECTING);
    assert_text(job, "opening the files");
    set_state(job, BCJ2_JOB_STATE_CONNECTING, BCJ2_JOB_STATE_TRANSFERRING);
    set_progress(job, 1, 8 * mib, 8 * mib);
    assert_text(job, "downloading: 10.0 MiB of 10.0 MiB");
    bcj2_job_unref(job);
}
END_TEST

/* Resume of a TRANSFERRED job: only for files that were added since; the clock begins anew. */
START_TEST(files_added_later_need_a_resume)
{
    struct store_job row;
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.flags = BCJ2_MANAGER_CONTROL_ONLY;
    queue_close();
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    bcj2_job *job = queue_job(DOWNLOAD);
    assert_status(bcj2_add_file(job, URL, queue_path("out/a")), BCJ2_OK);
    set_progress(job, 0, 5, 5);
    set_state(job, BCJ2_JOB_STATE_SUSPENDED, BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_resume(job), BCJ2_E_EMPTY);
    assert_status(bcj2_add_file(job, URL, queue_path("out/b")), BCJ2_OK);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2__store_begin(job->core->store, false), BCJ2_OK);
    assert_status(bcj2__store_set_download_ms(job->core->store, job->seq, 0, 5000, 1), BCJ2_OK);
    assert_status(bcj2__store_commit(job->core->store, false), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_QUEUED);
    assert_status(bcj2__store_job_by_seq(job->core->store, job->seq, &row), BCJ2_OK);
    ck_assert(row.resumed);
    ck_assert_uint_eq(row.download_ms, 0);
    bcj2__store_job_done(&row);
    bcj2_job_unref(job);
}
END_TEST

/* ---- ranges ---- */

static bcj2_file_range too_many[LIMIT_RANGES_PER_FILE + 1];

static const struct {
    const char *name;
    uint32_t count;
    bcj2_file_range ranges[3];
    bcj2_status expected;
} range_rows[] = {
    {"in any order", 3, {{100, 100}, {900, 100}, {400, 100}}, BCJ2_OK},
    {"touching", 3, {{100, 100}, {0, 100}, {200, EOF_LENGTH}}, BCJ2_OK},
    {"to the end of 64 bits", 2, {{UINT64_MAX - 1, 1}, {0, UINT64_MAX - 1}}, BCJ2_OK},
    {"everything", 1, {{0, EOF_LENGTH}}, BCJ2_OK},
    {"none", 0, {{0, 1}}, BCJ2_E_INVALIDARG},
    {"no offset", 1, {{EOF_LENGTH, 1}}, BCJ2_E_INVALID_RANGE},
    {"no offset, to the end", 2, {{0, 1}, {EOF_LENGTH, EOF_LENGTH}}, BCJ2_E_INVALID_RANGE},
    {"empty", 2, {{0, 1}, {5, 0}}, BCJ2_E_INVALID_RANGE},
    {"beyond 64 bits", 1, {{2, UINT64_MAX - 1}}, BCJ2_E_INVALID_RANGE},
    {"twice the same", 2, {{5, 5}, {5, 5}}, BCJ2_E_OVERLAPPING_RANGES},
    {"one byte too many", 2, {{0, 101}, {100, 1}}, BCJ2_E_OVERLAPPING_RANGES},
    {"in the other order", 2, {{100, 1}, {0, 101}}, BCJ2_E_OVERLAPPING_RANGES},
    {"inside", 3, {{0, 1000}, {2000, 1}, {10, 1}}, BCJ2_E_OVERLAPPING_RANGES},
    {"after one to the end", 2, {{10, EOF_LENGTH}, {UINT64_MAX - 1, 1}}, BCJ2_E_OVERLAPPING_RANGES},
    {"two to the end", 2, {{10, EOF_LENGTH}, {20, EOF_LENGTH}}, BCJ2_E_OVERLAPPING_RANGES},
    {"before one to the end", 2, {{20, EOF_LENGTH}, {10, 11}}, BCJ2_E_OVERLAPPING_RANGES},
    {"equal offsets, descending", 2, {{5, 9}, {5, 2}}, BCJ2_E_OVERLAPPING_RANGES},
};

START_TEST(ranges)
{
    bcj2_job *job = queue_job(DOWNLOAD);
    const char *path = queue_path("out/a");
    uint32_t count = range_rows[_i].count;
    bcj2_status s = bcj2_add_file_with_ranges(job, URL, path, count, range_rows[_i].ranges);
    ck_assert_msg(s == range_rows[_i].expected, "%s: 0x%08x", range_rows[_i].name, (unsigned)s);
    ck_assert_uint_eq(files_of(job), s == BCJ2_OK);
    if (s == BCJ2_OK) {
        bcj2_file *file = file_at(job, 0);
        bcj2_file_range *got = NULL;
        uint32_t got_count = 0;
        assert_status(bcj2_file_get_ranges(file, &got, &got_count), BCJ2_OK);
        ck_assert_uint_eq(got_count, count);
        ck_assert_mem_eq(got, range_rows[_i].ranges, count * sizeof *got);
        bcj2_free(got);
        bcj2_file_unref(file);
    }
    bcj2_job_unref(job);
}
END_TEST

START_TEST(ranges_have_their_limits)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    const char *path = queue_path("out/a");
    bcj2_job *job = queue_job(DOWNLOAD), *upload = queue_job(UPLOAD);
    for (uint32_t i = 0; i < ARRAY_LEN(too_many); i++) {
        too_many[i] = (bcj2_file_range){2 * (uint64_t)i, 1};
    }
    assert_status(bcj2_add_file_with_ranges(job, URL, path, LIMIT_RANGES_PER_FILE, too_many),
                  BCJ2_OK);
    assert_status(bcj2_add_file_with_ranges(job, URL, path, LIMIT_RANGES_PER_FILE + 1, too_many),
                  BCJ2_E_TOO_MANY_RANGES_IN_FILE);
    assert_detail("10000");
    /* the type first, whatever else is wrong */
    assert_status(bcj2_add_file_with_ranges(upload, "x", "y", 0, too_many), BCJ2_E_NOTIMPL);
    assert_status(bcj2_add_file_with_ranges(job, "/mnt/a", path, 1, too_many), BCJ2_E_INVALIDARG);
    assert_detail("http");
    bcj2_file_range *got = (bcj2_file_range *)job;
    uint32_t count = 7;
    assert_status(bcj2_add_file(job, URL, path), BCJ2_OK);
    bcj2_file *file = file_at(job, 1);
    assert_status(bcj2_file_get_ranges(file, &got, &count), BCJ2_S_FALSE);
    ck_assert_ptr_null(got);
    ck_assert_uint_eq(count, 0);
    bcj2_file_unref(file);
    bcj2_job_unref(job);
    bcj2_job_unref(upload);
    options.max_ranges_per_file = 2;
    queue_close();
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    job = queue_job(DOWNLOAD);
    assert_status(bcj2_add_file_with_ranges(job, URL, path, 3, too_many),
                  BCJ2_E_TOO_MANY_RANGES_IN_FILE);
    assert_detail("2");
    assert_status(bcj2_add_file_with_ranges(job, URL, path, 2, too_many), BCJ2_OK);
    bcj2_job_unref(job);
}
END_TEST

/* ---- other URLs ---- */

START_TEST(a_new_URL_waits_for_the_resume)
{
    bcj2_job *job = queue_job(DOWNLOAD), *upload = queue_job_with_file(UPLOAD, NULL);
    bcj2_file_range range = {0, 5};
    assert_status(bcj2_add_file(job, "http://127.0.0.1:1/old", queue_path("out/a")), BCJ2_OK);
    assert_status(bcj2_add_file_with_ranges(job, URL, queue_path("out/b"), 1, &range), BCJ2_OK);
    bcj2_file *file = file_at(job, 0), *ranged = file_at(job, 1), *other = file_at(upload, 0);
    assert_status(bcj2_file_set_remote_name(file, "http://127.0.0.1:1/new"), BCJ2_OK);
    assert_url(job, 0, "http://127.0.0.1:1/old");
    assert_status(bcj2_file_set_remote_name(file, "ftp://host/"), BCJ2_E_INVALIDARG);
    assert_status(bcj2_file_set_remote_name(file, ""), BCJ2_E_INVALIDARG);
    assert_status(bcj2_file_set_remote_name(file, queue_path("out/a")), BCJ2_E_INVALIDARG);
    assert_status(bcj2_file_set_remote_name(ranged, "/mnt/a"), BCJ2_E_INVALIDARG);
    assert_status(bcj2_file_set_remote_name(other, URL), BCJ2_E_NOTIMPL);
    assert_status(bcj2_file_set_remote_name(other, "no URL"), BCJ2_E_NOTIMPL);
    assert_status(bcj2_resume(job), BCJ2_OK);
    assert_url(job, 0, "http://127.0.0.1:1/new");
    assert_url(job, 1, URL);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    assert_status(bcj2_file_set_remote_name(file, URL), BCJ2_E_INVALID_STATE);
    bcj2_file_unref(file);
    bcj2_file_unref(ranged);
    bcj2_file_unref(other);
    bcj2_job_unref(job);
    bcj2_job_unref(upload);
}
END_TEST

START_TEST(prefixes_are_replaced)
{
    static char longest[LIMIT_URL_BYTES + 1];
    bcj2_job *job = queue_job(DOWNLOAD), *upload = queue_job(UPLOAD);
    const bcj2_file_info files[] = {{"http://a/x/1", queue_path("out/1")},
                                    {"http://a/x/2?q", queue_path("out/2")},
                                    {"http://A/x/3", queue_path("out/3")},
                                    {"http://b/http://a/x/", queue_path("out/4")}};
    assert_status(bcj2_add_file_set(job, 4, files), BCJ2_OK);
    bcj2_file *file = file_at(job, 2);
    assert_status(bcj2_file_set_remote_name(file, "http://a/x/later"), BCJ2_OK);
    bcj2_file_unref(file);
    assert_status(bcj2_replace_remote_prefix(job, "http://c/", "http://d/"), BCJ2_S_FALSE);
    assert_status(bcj2_replace_remote_prefix(job, "", "http://d/"), BCJ2_E_INVALIDARG);
    assert_status(bcj2_replace_remote_prefix(job, "http://a/", ""), BCJ2_E_INVALIDARG);
    assert_status(bcj2_replace_remote_prefix(job, "http://a/x", "nonsense"), BCJ2_E_INVALIDARG);
    assert_url(job, 0, "http://a/x/1"); /* all or none */
    assert_status(bcj2_replace_remote_prefix(upload, "", ""), BCJ2_E_NOTIMPL);
    memset(longest, 'y', sizeof longest - 1);
    memcpy(longest, "http://long/", 12);
    /* one with "?q" would be two bytes too long */
    longest[LIMIT_URL_BYTES - 1] = '\0';
    assert_status(bcj2_replace_remote_prefix(job, "http://a/x/", longest), BCJ2_E_INVALIDARG);
    assert_url(job, 0, "http://a/x/1");
    assert_status(bcj2_replace_remote_prefix(job, "http://a/x/", "https://127.0.0.1:1/y/"),
                  BCJ2_OK);
    assert_url(job, 0, "https://127.0.0.1:1/y/1");
    assert_url(job, 1, "https://127.0.0.1:1/y/2?q");
    assert_url(job, 2, "http://A/x/3"); /* case counts */
    assert_url(job, 3, "http://b/http://a/x/");
    assert_status(bcj2_resume(job), BCJ2_OK);
    assert_url(job, 2, "https://127.0.0.1:1/y/later"); /* the pending one was changed too */
    assert_status(bcj2_cancel(job), BCJ2_OK);
    assert_status(bcj2_replace_remote_prefix(job, "http://a", "http://b"), BCJ2_E_INVALID_STATE);
    bcj2_job_unref(job);
    bcj2_job_unref(upload);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "adding files", 20);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_test(tc, a_set_is_added_whole_or_not_at_all);
    tcase_add_test(tc, a_job_holds_so_many_files_at_most);
    tcase_add_test(tc, destinations);
    tcase_add_test(tc, folders_that_are_not_ours_to_write);
    tcase_add_loop_test(tc, files_in_the_place_of_URLs, 0, ARRAY_LEN(file_urls));
    tcase_add_test(tc, a_file_is_not_its_own_source);
    tcase_add_test(tc, an_error_is_about_one_of_the_files);
    tcase_add_test(tc, the_status_text_counts_files);
    tcase_add_test(tc, files_added_later_need_a_resume);
    tc = suite_case(suite, "ranges", 20);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_loop_test(tc, ranges, 0, ARRAY_LEN(range_rows));
    tcase_add_test(tc, ranges_have_their_limits);
    tc = suite_case(suite, "other URLs", 20);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_test(tc, a_new_URL_waits_for_the_resume);
    tcase_add_test(tc, prefixes_are_replaced);
}

SUITE_MAIN("api_files", add_cases)
