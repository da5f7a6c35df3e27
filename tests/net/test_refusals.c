/* SPDX-License-Identifier: MIT */
/* Jobs that end in an error and what a Resume makes of them: what the application says, a source that is
   gone or changes, a reply that is gone, a full disk; and when transient errors become final. The network
   is sound here: test_faults.c has the other kind. */
#include "../support/nginx.h"
#include "../support/rig.h"
#include "os_calls.h"
#include "os_syscall.h"
#include "timeouts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB         ((uint64_t)1 << 20)
#define PROBE       5120u
#define FOR_LONG    3600u /* a retry delay that no test waits for */
#define COUNT(a)    ((int)(sizeof(a) / sizeof((a)[0])))
#define BUSY        75 /* how the application says so */
#define FORBIDDEN   77
#define APPLICATION BCJ2_ERROR_CONTEXT_REMOTE_APPLICATION

static uint32_t error_count(bcj2_job *job)
{
    uint32_t count = 0;
    assert_status(bcj2_get_error_count(job, &count), BCJ2_OK);
    return count;
}

static bcj2_filetime next_attempt(bcj2_job *job)
{
    bcj2_filetime at = 1;
    assert_status(bcj2_get_next_attempt(job, &at), BCJ2_OK);
    return at;
}

static uint64_t reply_total(bcj2_job *job)
{
    bcj2_reply_progress p = BCJ2_REPLY_PROGRESS_INIT;
    assert_status(bcj2_get_reply_progress(job, &p), BCJ2_OK);
    return p.bytes_total;
}

/* ---- the application ---- */

START_TEST(forbidden)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 3 * MIB);
    rig_exits(FORBIDDEN);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, APPLICATION, BCJ2_E_HTTP_ERROR_403);
    ck_assert_uint_eq(error_count(job), 1);
    ck_assert_uint_eq(next_attempt(job), 0);
    rig_exits(0); /* it would take it now, but is never asked again */
    for (uint32_t i = 1; i <= 2; i++) {
        assert_status(bcj2_resume(job), BCJ2_OK);
        client_wait_error(job, BCJ2_JOB_STATE_ERROR, APPLICATION, BCJ2_E_HTTP_ERROR_403);
        ck_assert_uint_ge(error_count(job), 1 + i);
    }
    ck_assert_uint_eq(rig_runs(), 1);
    ck_assert_uint_eq(server_sums(rig.server).fresh, 3 * MIB);
    ck_assert_uint_le(server_sums(rig.server).duplicate, 2 * PROBE);
    assert_status(bcj2_complete(job), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    rig_unref(job);
    rig_assert_clean();
    rig_stop();
}
END_TEST

START_TEST(busy_until_resumed)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 3 * MIB);
    rig_exits(BUSY);
    bcj2_job *job = rig_job(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    assert_status(bcj2_set_minimum_retry_delay(job, FOR_LONG), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_TRANSIENT_ERROR, APPLICATION, BCJ2_E_HTTP_ERROR_503);
    ck_assert_uint_ne(next_attempt(job), 0);
    ck_assert_uint_eq(error_count(job), 1);
    ck_assert_uint_eq(reply_total(job), BCJ2_SIZE_UNKNOWN);
    bcj2_guid id = client_id(job);
    rig_unref(job);
    rig_close(); /* the waiting survives that */
    rig_open();
    assert_status(bcj2_manager_get_job(rig.manager, &id, &job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_TRANSIENT_ERROR, APPLICATION, BCJ2_E_HTTP_ERROR_503);
    ck_assert_uint_ne(next_attempt(job), 0);
    rig_exits(0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    rig_finish(job);
    ck_assert_uint_eq(rig_runs(), 2);
    ck_assert_uint_le(server_sums(rig.server).duplicate, PROBE);
    rig_assert_clean();
    rig_stop();
}
END_TEST

START_TEST(busy_once)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 3 * MIB);
    rig_exits_once(BUSY);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    rig_transferred(job);
    ck_assert_uint_ge(error_count(job), 1);
    bcj2_error *error = NULL;
    assert_status(bcj2_get_error(job, &error), BCJ2_E_ERROR_INFORMATION_UNAVAILABLE);
    rig_finish(job);
    ck_assert_uint_eq(rig_runs(), 2);
    ck_assert_uint_eq(server_sums(rig.server).fresh, 3 * MIB);
    ck_assert_uint_le(server_sums(rig.server).duplicate, PROBE);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* What the application's exit status makes of the job, with the no-progress time-out off (A51) or
   shorter than the retry delay (A52): at once final. */
static const struct {
    uint32_t delay_s, no_progress_s;
} impatient[] = {{0, 0}, {5, 0}, {100, 50}};

START_TEST(transient_is_final)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_exits(BUSY);
    bcj2_job *job = rig_job(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    assert_status(bcj2_set_minimum_retry_delay(job, impatient[_i].delay_s), BCJ2_OK);
    assert_status(bcj2_set_no_progress_timeout(job, impatient[_i].no_progress_s), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, APPLICATION, BCJ2_E_HTTP_ERROR_503);
    ck_assert_uint_eq(error_count(job), 1);
    ck_assert_uint_eq(rig_runs(), 1);
    rig_exits(0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    rig_finish(job);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* A second without progress, and it is given up, with the last error. */
START_TEST(no_progress)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_exits(BUSY);
    bcj2_job *job = rig_job(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    assert_status(bcj2_set_no_progress_timeout(job, 1), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, APPLICATION, BCJ2_E_HTTP_ERROR_503);
    ck_assert_uint_ge(rig_runs(), 2); /* it was tried again */
    ck_assert_uint_ge(error_count(job), rig_runs());
    rig_unref(job);
    rig_stop();
}
END_TEST

/* ---- the source ---- */

enum change { APPENDED, CUT, REPLACED, TOUCHED, REMOVED };

static void change_source(enum change change)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    const char *source = rig_path("source");
    switch (change) {
    case APPENDED:
        ck_assert_int_eq(truncate(source, (off_t)client_size(source) + 1), 0);
        break;
    case CUT:
        ck_assert_int_eq(truncate(source, 100), 0);
        break;
    case REPLACED:
        rig_make("more", 3 * MIB);
        ck_assert_int_eq(rename(rig_path("more"), source), 0);
        break;
    case TOUCHED:
        ck_assert_int_eq(utimensat(AT_FDCWD, source, long_ago, 0), 0);
        break;
    case REMOVED:
        ck_assert_int_eq(unlink(source), 0);
        break;
    }
}

static bcj2_job *stalled_job(enum fault_direction direction, uint64_t after)
{
    const struct fault_plan plan = {.kind = FAULT_STALL, .direction = direction, .after = after};
    rig_proxy();
    fault_proxy_plan(rig.proxy, &plan, 1);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    return job;
}

/* Changed in the middle: the job ends, the server hears of it, and a Resume uploads the new file. */
START_TEST(source_changed)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 24 * MIB);
    bcj2_job *job =
        stalled_job(FAULT_TO_SERVER, 2 * MIB); /* fragments behind this one are to come */
    change_source((enum change)_i);
    fault_proxy_release(rig.proxy);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_LOCAL_FILE,
                      BCJ2_E_LOCAL_FILE_CHANGED);
    server_wait_logged(rig.server, "cancel {", 1);
    ck_assert_uint_eq(rig_runs(), 0);
    if (_i == REMOVED) {
        assert_status(bcj2_resume(job), BCJ2_OK);
        client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_LOCAL_FILE,
                          BCJ2_E_WIN32_FILE_NOT_FOUND);
        rig_make("source", 1000);
    }
    assert_status(bcj2_resume(job), BCJ2_OK);
    rig_finish(job); /* the new file */
    ck_assert_uint_eq(server_logged(rig.server, "create {"), 2);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* Changed before there is an answer to Create: the file that is there then is the one to upload. */
START_TEST(source_changed_early)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 3 * MIB);
    bcj2_job *job = stalled_job(FAULT_TO_CLIENT, 0);
    change_source((enum change)_i);
    fault_proxy_release(rig.proxy);
    if (_i == REMOVED) {
        client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_LOCAL_FILE,
                          BCJ2_E_WIN32_FILE_NOT_FOUND);
        rig_make("source", 1000);
        assert_status(bcj2_resume(job), BCJ2_OK);
    }
    rig_transferred(job);
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.bytes_total, client_size(rig_path("source")));
    ck_assert_uint_eq(rig_runs(), 1);
    ck_assert_uint_eq(server_sums(rig.server).duplicate, 0);
    rig_finish(job);
    rig_assert_clean_but(_i == REMOVED ? 1 : 0);
    rig_stop();
}
END_TEST

/* Changed while its only fragment is on its way: it ends well or it does not, but the application never
   sees a mixture. */
START_TEST(source_changed_late)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 200000);
    rig_make("old", 200000);
    ck_assert_int_eq(rename(rig_path("old"), rig_path("source")), 0);
    bcj2_job *job = stalled_job(FAULT_TO_SERVER, 100000);
    rig_make("source", 200000); /* cut, then written again, in place */
    fault_proxy_release(rig.proxy);
    client_wait(job, STATE(ERROR));
    server_wait_logged(rig.server, "cancel {", 1);
    if (client_exists(rig_path("seen"))) { /* all had left before the change */
        rig_make("old", 200000);
        client_assert_same(rig_path("seen"), rig_path("old"));
    }
    rig_write("runs", "");
    assert_status(bcj2_resume(job), BCJ2_OK);
    rig_finish(job);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* Once the server has all of it, the file may go: the reply comes. */
START_TEST(source_removed_late)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_make("answer", 2 * MIB);
    bcj2_job *job = stalled_job(FAULT_TO_CLIENT, MIB);
    ck_assert_int_eq(rename(rig_path("source"), rig_path("kept")), 0);
    fault_proxy_release(rig.proxy);
    client_wait(job, STATE(TRANSFERRED));
    ck_assert_int_eq(rename(rig_path("kept"), rig_path("source")), 0);
    rig_finish(job);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* The same, where the job is interrupted in the reply and goes on without the file. */
START_TEST(source_removed_late_and_resumed)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_make("answer", 2 * MIB);
    bcj2_job *job = stalled_job(FAULT_TO_CLIENT, MIB);
    assert_status(bcj2_suspend(job), BCJ2_OK);
    ck_assert_int_eq(rename(rig_path("source"), rig_path("kept")), 0);
    fault_proxy_release(rig.proxy);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait(job, STATE(TRANSFERRED));
    ck_assert_int_eq(rename(rig_path("kept"), rig_path("source")), 0);
    rig_finish(job);
    rig_assert_clean();
    rig_stop();
}
END_TEST

enum oddity { MISSING, FOLDER, FIFO, DANGLING };

START_TEST(source_that_is_none)
{
    static const bcj2_status codes[] = {BCJ2_E_WIN32_FILE_NOT_FOUND, BCJ2_E_ACCESSDENIED,
                                        BCJ2_E_ACCESSDENIED, BCJ2_E_WIN32_FILE_NOT_FOUND};
    rig_start(NULL, RIG_APPLICATION);
    const char *source = rig_path("source");
    ck_assert_int_eq(unlink(source), 0);
    switch ((enum oddity)_i) {
    case FOLDER:
        ck_assert_int_eq(mkdir(source, 0700), 0);
        break;
    case FIFO:
        ck_assert_int_eq(mkfifo(source, 0600), 0);
        break;
    case DANGLING:
        ck_assert_int_eq(symlink("nowhere", source), 0);
        break;
    case MISSING:
        break;
    }
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_LOCAL_FILE, codes[_i]);
    ck_assert_uint_eq(server_logged(rig.server, "create"), 0);
    (void)remove(source);
    rig_make("source", 5000);
    assert_status(bcj2_resume(job), BCJ2_OK);
    rig_finish(job);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* ---- the reply ---- */

/* The reply is taken away while it is fetched: an error of the reply, and the upload is kept (A57). */
START_TEST(reply_gone)
{
    const struct fault_plan cut = {.kind = FAULT_RST, .direction = FAULT_TO_CLIENT, .after = 1};
    char command[FOLDER_PATH_SIZE + 64];
    rig_start(NULL, RIG_APPLICATION);
    rig_make("answer", 3 * MIB);
    bcj2_job *job = stalled_job(FAULT_TO_CLIENT, MIB);
    (void)snprintf(command, sizeof command, "rm '%s'/in/BITS-Sessions/Replies/*/responsefile.bin",
                   server_root(rig.server));
    ck_assert_int_eq(system(command), 0);
    fault_proxy_plan(rig.proxy, &cut, 1);
    fault_proxy_release(rig.proxy);
    for (int i = 0; i < 2; i++) {
        client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                          BCJ2_E_HTTP_ERROR_404);
        ck_assert_uint_ne(reply_total(job), BCJ2_SIZE_UNKNOWN);
        assert_status(bcj2_resume(job), BCJ2_OK);
    }
    client_wait(job, STATE(ERROR));
    ck_assert_uint_eq(rig_runs(), 1);
    ck_assert_uint_eq(server_sums(rig.server).duplicate, 0);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    rig_unref(job);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* ---- a full disk ---- */

static atomic_ullong disk_ends; /* no file may have bytes behind it; 0: no limit */
static bool disk_preallocates;  /* says so when space is asked for; else when it is written */

static ssize_t pwrite_on_small_disk(int fd, const void *data, size_t size, off_t offset)
{
    unsigned long long end = atomic_load(&disk_ends);
    if (end != 0 && (unsigned long long)offset + size > end) {
        errno = ENOSPC;
        return -1;
    }
    return pwrite(fd, data, size, offset);
}

static int fallocate_on_small_disk(int fd, off_t size)
{
    unsigned long long end = atomic_load(&disk_ends);
    errno = ENOSPC;
    return disk_preallocates && end != 0 && (unsigned long long)size > end ? -1 : 0;
}

START_TEST(disk_full)
{
    const uint64_t size = 4 * MIB;
    disk_preallocates = _i == 1;
    rig_start(NULL, RIG_APPLICATION);
    rig_close();
    (void)bcj2__os_syscall_set("pwrite", (os_function)pwrite_on_small_disk);
    (void)bcj2__os_syscall_set("fallocate", (os_function)fallocate_on_small_disk);
    rig_open();
    rig_make("answer", size);
    rig_proxy();
    atomic_store(&disk_ends, 3 * MIB);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_LOCAL_FILE, BCJ2_E_DISK_FULL);
    uint64_t had = client_size(rig_temporary(job));
    uint64_t before = fault_proxy_counts(rig.proxy).to_client;
    ck_assert(disk_preallocates ? had == 0 : had > 2 * MIB);
    atomic_store(&disk_ends, 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    rig_finish(job);
    ck_assert_uint_eq(rig_runs(), 1);
    /* it went on from what was there */
    ck_assert_uint_le(fault_proxy_counts(rig.proxy).to_client - before, size - had + 81920);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* nginx between us and the server takes bodies of at most 100 KiB: fragments get smaller until they fit,
   and nothing is lost (wire-protocol 2.4). */
START_TEST(a_proxy_that_limits_bodies)
{
    char config[512];
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 1000000);
    rig_make("answer", 5000);
    struct nginx *n = nginx_new();
    (void)snprintf(config, sizeof config,
                   "server { listen 127.0.0.1:PORT1; client_max_body_size 100k;"
                   " location / { proxy_pass http://127.0.0.1:%u; proxy_http_version 1.1;"
                   " proxy_set_header Host $http_host; } }",
                   (unsigned)server_port(rig.server));
    nginx_run(n, config);
    bcj2_job *job = client_job(rig.manager, rig_path("source"), nginx_url(n, 1, "/in/a.bin"),
                               rig_path("out/reply"));
    assert_status(bcj2_resume(job), BCJ2_OK);
    rig_finish(job);
    nginx_wait_logged(n, " 413 ", 1);
    rig_assert_clean();
    nginx_stop(n);
    rig_stop();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "application", 120);
    tcase_add_test(tc, a_proxy_that_limits_bodies);
    tcase_add_test(tc, forbidden);
    tcase_add_test(tc, busy_until_resumed);
    tcase_add_test(tc, busy_once);
    tcase_add_loop_test(tc, transient_is_final, 0, COUNT(impatient));
    tcase_add_test(tc, no_progress);
    tc = suite_case(suite, "source", 120);
    tcase_add_loop_test(tc, source_changed, 0, REMOVED + 1);
    tcase_add_loop_test(tc, source_changed_early, 0, REMOVED + 1);
    tcase_add_test(tc, source_changed_late);
    tcase_add_test(tc, source_removed_late);
    tcase_add_test(tc, source_removed_late_and_resumed);
    tcase_add_loop_test(tc, source_that_is_none, 0, DANGLING + 1);
    tc = suite_case(suite, "reply", 120);
    tcase_add_test(tc, reply_gone);
    tcase_add_loop_test(tc, disk_full, 0, 2);
}

SUITE_MAIN("refusals", add_cases)
