/* SPDX-License-Identifier: MIT */
/* Jobs whose remote files are on this machine: paths and file URLs, down and up. Kills are in
   test_kill_download.c. */
#include "../support/rig.h"
#include "mem.h"
#include "os_syscall.h"
#include "timeouts.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OLD     ((time_t)784111777) /* a time of change that no test makes by itself */
#define SMALLER 1000u

static bcj2_job *new_job(bcj2_job_type type)
{
    bcj2_job *job = NULL;
    bcj2_guid id;
    assert_status(bcj2_manager_create_job(rig.manager, "copy", type, &id, &job), BCJ2_OK);
    assert_status(bcj2_set_minimum_retry_delay(job, 0), BCJ2_OK);
    return job;
}

static void make_old(const char *name, uint64_t bytes)
{
    const struct timespec times[2] = {{.tv_sec = OLD}, {.tv_sec = OLD, .tv_nsec = 5000}};
    rig_make(name, bytes);
    ck_assert_int_eq(utimensat(AT_FDCWD, rig_path(name), times, 0), 0);
}

static void assert_old(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mtime, OLD);
    ck_assert_int_eq(st.st_mode & 0777, 0644);
}

static const char *file_url(const char *path)
{
    static char url[2 * FOLDER_PATH_SIZE];
    (void)snprintf(url, sizeof url, "file://%s", path);
    return url;
}

static bcj2_job *resumed(bcj2_job_type type, const char *remote, const char *path)
{
    bcj2_job *job = new_job(type);
    assert_status(bcj2_add_file(job, remote, path), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    return job;
}

static void start(void)
{
    rig_prepare();
    (void)umask(022);
}

static const uint64_t sizes[] = {0, 1, 262144, 262145, 20000000};

START_TEST(down)
{
    start();
    make_old("source", sizes[_i]);
    bcj2_job *job = resumed(BCJ2_JOB_TYPE_DOWNLOAD, rig_path("source"), rig_path("out/a"));
    client_wait(job, STATE(TRANSFERRED));
    ck_assert(!client_exists(rig_path("out/a")));
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.bytes_total, sizes[_i]);
    ck_assert_uint_eq(p.bytes_transferred, sizes[_i]);
    ck_assert_uint_eq(p.files_transferred, 1);
    assert_status(bcj2_complete(job), BCJ2_OK);
    client_assert_same(rig_path("source"), rig_path("out/a"));
    assert_old(rig_path("out/a"));
    rig_unref(job);
    rig_assert_no_temporary_here();
    rig_stop();
}
END_TEST

START_TEST(up)
{
    start();
    make_old("source", sizes[_i]);
    bcj2_job *job =
        resumed(BCJ2_JOB_TYPE_UPLOAD, file_url(rig_path("out/a%20b")), rig_path("source"));
    client_wait(job, STATE(TRANSFERRED));
    client_assert_same(rig_path("source"), rig_path("out/a b")); /* there before Complete */
    assert_old(rig_path("out/a b"));
    rig_assert_no_temporary_here();
    assert_status(bcj2_complete(job), BCJ2_OK);
    rig_unref(job);
    rig_stop();
}
END_TEST

/* A source that cannot be read: whose fault it is depends on the direction. */
START_TEST(without_a_source)
{
    static const struct {
        bcj2_job_type type;
        bcj2_error_context context;
        const char *protocol;
    } ways[] = {
        {BCJ2_JOB_TYPE_DOWNLOAD, BCJ2_ERROR_CONTEXT_REMOTE_FILE, "file"},
        {BCJ2_JOB_TYPE_UPLOAD, BCJ2_ERROR_CONTEXT_LOCAL_FILE, NULL},
    };
    bool is_folder = _i >= 2;
    bool is_down = ways[_i % 2].type == BCJ2_JOB_TYPE_DOWNLOAD;
    start();
    if (is_folder) {
        ck_assert_int_eq(mkdir(rig_path("missing"), 0700), 0);
    }
    bcj2_job *job = resumed(ways[_i % 2].type, rig_path(is_down ? "missing" : "out/a"),
                            rig_path(is_down ? "out/a" : "missing"));
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, ways[_i % 2].context,
                      is_folder ? BCJ2_E_ACCESSDENIED : BCJ2_E_WIN32_FILE_NOT_FOUND);
    bcj2_error *error = NULL;
    char *protocol = NULL;
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get_protocol(error, &protocol),
                  is_down ? BCJ2_OK : BCJ2_E_PROTOCOL_NOT_AVAILABLE);
    ck_assert_pstr_eq(protocol, ways[_i % 2].protocol);
    bcj2_free(protocol);
    (void)bcj2_error_unref(error);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    rig_unref(job);
    rig_assert_no_temporary_here();
    rig_stop();
}
END_TEST

/* A target that is a folder: the upload's bytes are there, its name cannot be had. */
START_TEST(up_to_a_folder)
{
    start();
    rig_make("source", 1000);
    bcj2_job *job = new_job(BCJ2_JOB_TYPE_UPLOAD);
    assert_status(bcj2_add_file(job, rig_path("out/taken"), rig_path("source")), BCJ2_OK);
    ck_assert_int_eq(mkdir(rig_path("out/taken"), 0700), 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                      BCJ2_E_ACCESSDENIED);
    ck_assert_int_eq(rmdir(rig_path("out/taken")), 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait(job, STATE(TRANSFERRED));
    client_assert_same(rig_path("source"), rig_path("out/taken"));
    rig_unref(job);
    rig_assert_no_temporary_here();
    rig_stop();
}
END_TEST

/* Some of it was copied. */
static bool has_begun(bcj2_job *job)
{
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    char *path = NULL;
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    bool begun = bcj2_file_get_temporary_name(file, &path) == BCJ2_OK && client_exists(path) &&
                 client_size(path) > SMALLER;
    bcj2_free(path);
    (void)bcj2_file_unref(file);
    (void)bcj2_file_enum_unref(files);
    return begun;
}

/* Changed between two runs, to a larger one or a smaller: a download begins again by itself, an upload fails
   and begins again when it is resumed. */
START_TEST(a_changed_source)
{
    start();
    bool is_down = _i % 2 == 0;
    make_old("source", 50000000);
    bcj2_job *job =
        resumed(is_down ? BCJ2_JOB_TYPE_DOWNLOAD : BCJ2_JOB_TYPE_UPLOAD,
                rig_path(is_down ? "source" : "out/a"), rig_path(is_down ? "out/a" : "source"));
    bcj2_job_state state = client_state(job);
    while (state == BCJ2_JOB_STATE_QUEUED || state == BCJ2_JOB_STATE_CONNECTING) {
        state = client_state(job);
    }
    ck_assert_int_eq(state, BCJ2_JOB_STATE_TRANSFERRING);
    while (!has_begun(job)) {
        ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRING);
    }
    assert_status(bcj2_suspend(job), BCJ2_OK);
    rig_make("source", _i < 2 ? 50000001 : SMALLER);
    assert_status(bcj2_resume(job), BCJ2_OK);
    if (!is_down) {
        client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_LOCAL_FILE,
                          BCJ2_E_LOCAL_FILE_CHANGED);
        assert_status(bcj2_resume(job), BCJ2_OK);
    }
    client_wait(job, STATE(TRANSFERRED));
    assert_status(bcj2_complete(job), BCJ2_OK);
    client_assert_same(rig_path("source"), rig_path("out/a"));
    rig_unref(job);
    rig_assert_no_temporary_here();
    rig_stop();
}
END_TEST

START_TEST(cancelled_on_the_way)
{
    start();
    rig_make("source", 50000000);
    bcj2_job *job =
        resumed(_i == 0 ? BCJ2_JOB_TYPE_DOWNLOAD : BCJ2_JOB_TYPE_UPLOAD,
                rig_path(_i == 0 ? "source" : "out/a"), rig_path(_i == 0 ? "out/a" : "source"));
    while (client_state(job) < BCJ2_JOB_STATE_TRANSFERRING) {
    }
    assert_status(bcj2_cancel(job), BCJ2_OK);
    rig_unref(job);
    rig_close(); /* the piece that was under way has ended */
    rig_assert_no_temporary_here();
    ck_assert(!client_exists(rig_path("out/a")));
    rig_stop();
}
END_TEST

/* ---- a mount that hangs ---- */

static atomic_bool hangs;
static atomic_int hanging;

static ssize_t hanging_read(int fd, void *data, size_t size, off_t offset)
{
    const struct timespec a_little = {.tv_nsec = 1000000};
    atomic_fetch_add(&hanging, 1);
    while (atomic_load(&hangs)) {
        (void)nanosleep(&a_little, NULL);
    }
    atomic_fetch_sub(&hanging, 1);
    return pread(fd, data, size, offset);
}

/* The engine goes on with others; a call about the job returns; it is not run a second time while its
   first run hangs, and ends well when the mount is back. */
START_TEST(a_mount_that_hangs)
{
    (void)bcj2__os_syscall_set("pread", (os_function)hanging_read);
    start();
    rig_make("source", 1000);
    bcj2_job *job = new_job(BCJ2_JOB_TYPE_DOWNLOAD), *other = new_job(BCJ2_JOB_TYPE_DOWNLOAD);
    assert_status(bcj2_add_file(job, rig_path("source"), rig_path("out/a")), BCJ2_OK);
    assert_status(bcj2_add_file(other, rig_path("missing"), rig_path("out/b")), BCJ2_OK);
    atomic_store(&hangs, true);
    assert_status(bcj2_resume(job), BCJ2_OK);
    while (atomic_load(&hanging) == 0) {
    }
    assert_status(bcj2_suspend(job), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    assert_status(bcj2_resume(other), BCJ2_OK);
    client_wait(other, STATE(ERROR)); /* in the one background slot */
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_QUEUED);
    ck_assert_int_eq(atomic_load(&hanging), 1);
    atomic_store(&hangs, false);
    client_wait(job, STATE(TRANSFERRED));
    assert_status(bcj2_complete(job), BCJ2_OK);
    client_assert_same(rig_path("source"), rig_path("out/a"));
    rig_unref(job);
    rig_unref(other);
    rig_stop();
    bcj2__os_syscall_reset();
}
END_TEST

/* ---- no memory at the n-th allocation ---- */

static void without_memory(uint32_t nth)
{
    bcj2_job *job = new_job(BCJ2_JOB_TYPE_DOWNLOAD);
    assert_status(bcj2_add_file(job, rig_path("source"), rig_path("out/a")), BCJ2_OK);
    assert_status(bcj2_add_file(job, rig_path("source"), rig_path("out/b")), BCJ2_OK);
    bcj2__mem_fail_at(nth);
    bcj2_status s = bcj2_resume(job);
    if (s != BCJ2_OK) {
        assert_status(s, BCJ2_E_OUTOFMEMORY);
        assert_status(bcj2_resume(job), BCJ2_OK);
    }
    do {
        s = bcj2_wait(job, STATE(TRANSFERRED), 10000, NULL);
    } while (s == BCJ2_E_OUTOFMEMORY);
    if (s != BCJ2_OK) {
        char *text = NULL;
        assert_status(bcj2_get_status_text(job, &text), BCJ2_OK);
        ck_abort_msg("allocation %u: %s", (unsigned)nth, text);
    }
    s = bcj2_complete(job);
    if (s != BCJ2_OK) {
        assert_status(s, BCJ2_E_OUTOFMEMORY);
        ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRED);
        assert_status(bcj2_complete(job), BCJ2_OK);
    }
    bcj2__mem_fail_at(0);
    rig_unref(job);
}

START_TEST(memory_that_is_missing_at_one_moment)
{
    start();
    bcj2__timeouts.store_rest_ms = 10;
    rig_make("source", 300000);
    for (uint32_t nth = 1; nth <= 100; nth++) {
        without_memory(nth);
        client_assert_same(rig_path("source"), rig_path("out/a"));
        client_assert_same(rig_path("source"), rig_path("out/b"));
        ck_assert_int_eq(unlink(rig_path("out/a")), 0);
        ck_assert_int_eq(unlink(rig_path("out/b")), 0);
        rig_assert_no_temporary_here();
    }
    rig_stop();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "copies", 60);
    tcase_add_loop_test(tc, down, 0, (int)(sizeof sizes / sizeof *sizes));
    tcase_add_loop_test(tc, up, 0, (int)(sizeof sizes / sizeof *sizes));
    tcase_add_loop_test(tc, without_a_source, 0, 4);
    tcase_add_test(tc, up_to_a_folder);
    tcase_add_loop_test(tc, a_changed_source, 0, 4);
    tcase_add_loop_test(tc, cancelled_on_the_way, 0, 2);
    tcase_add_test(tc, a_mount_that_hangs);
    tcase_add_test(tc, memory_that_is_missing_at_one_moment);
}

SUITE_MAIN("file copies", add_cases)
