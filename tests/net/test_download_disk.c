/* SPDX-License-Identifier: MIT */
/* Downloads to a disk that is full or broken at one moment: the job ends in an error that says so, what
   came stays, and Resume goes on there. The system calls of the library are replaced by name. */
#include "../fault/os_fault.h"
#include "../support/nginx.h"
#include "download_rig.h"
#include "os_syscall.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define BYTES      3000000u
#define MANY_BYTES (120 * 1024 * 1024) /* synced once on the way (LIMIT_SYNC_EVERY_BYTES) */

static struct nginx *nginx;

static void begin(void)
{
    os_fault_install();
    rig_prepare();
    nginx = nginx_new();
    client_make_file(nginx_path(nginx, "www/a"), BYTES, 5);
    nginx_run(nginx, "server { listen 127.0.0.1:PORT1; root FOLDER/www; }");
}

static void finish(bcj2_job *job)
{
    rig_unref(job);
    rig_assert_no_temporary_here();
    rig_close();
    nginx_stop(nginx);
    folder_remove(rig.folder);
}

static const struct os_fault_call *call_named(const char *name)
{
    for (size_t i = 0; i < os_fault_call_count; i++) {
        if (strcmp(os_fault_calls[i].name, name) == 0) {
            return &os_fault_calls[i];
        }
    }
    ck_abort_msg("no such call: %s", name);
    return NULL;
}

static const struct {
    const char *call;
    unsigned kth;
    int errno_value;
    bcj2_status code;
} faults[] = {
    {"pwrite", 1, ENOSPC, BCJ2_E_DISK_FULL},
    {"pwrite", 9, ENOSPC, BCJ2_E_DISK_FULL},
    {"pwrite", 20, EDQUOT, BCJ2_E_DISK_FULL},
    {"fallocate", 1, ENOSPC, BCJ2_E_DISK_FULL},
};

START_TEST(full_at_one_moment)
{
    begin();
    bcj2_job *job = download_foreground_job();
    download_add(job, nginx_url(nginx, 1, "/a"), "a");
    os_fault_plan(call_named(faults[_i].call), faults[_i].errno_value, faults[_i].kth);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_LOCAL_FILE, faults[_i].code);
    ck_assert_uint_eq(download_error_file(job), 0);
    ck_assert(os_fault_clear());
    uint64_t had = client_size(download_temporary(job, 0));
    ck_assert_uint_lt(had, BYTES);
    download_finish(job);
    client_assert_same(nginx_path(nginx, "www/a"), download_path("a"));
    nginx_wait_logged(nginx, "GET /a", 2);
    if (had > 0) {
        char range[64];
        (void)snprintf(range, sizeof range, "range=bytes=%llu-", (unsigned long long)had);
        ck_assert_uint_eq(nginx_logged(nginx, range), 1);
    }
    ck_assert_uint_eq(nginx_logged(nginx, "GET /a"), 2);
    finish(job);
}
END_TEST

/* A sync that failed: the kernel may have dropped what it could not write. Nothing of it counts. */
START_TEST(broken_at_the_end)
{
    begin();
    bcj2_job *job = download_foreground_job();
    download_add(job, nginx_url(nginx, 1, "/a"), "a");
    os_fault_plan(call_named("fdatasync"), EIO, 1);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait(job, STATE(ERROR) | STATE(TRANSFERRED));
    if (!os_fault_clear()) { /* another call syncs */
        ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRED);
        ck_abort_msg("nothing was synced with fdatasync");
    }
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_ERROR);
    download_finish(job);
    client_assert_same(nginx_path(nginx, "www/a"), download_path("a"));
    nginx_wait_logged(nginx, "GET /a 200 3000000", 2);
    finish(job);
}
END_TEST

/* The name cannot be given: the job stays TRANSFERRED, and Complete can be called again. */
START_TEST(no_rename)
{
    begin();
    bcj2_job *job = download_job();
    download_add(job, nginx_url(nginx, 1, "/a"), "a");
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait(job, STATE(TRANSFERRED));
    os_fault_plan(call_named("rename"), EACCES, 1);
    assert_status(bcj2_complete(job), BCJ2_E_ACCESSDENIED);
    ck_assert(os_fault_clear());
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert(!client_exists(download_path("a")) && client_exists(download_temporary(job, 0)));
    assert_status(bcj2_complete(job), BCJ2_OK);
    client_assert_same(nginx_path(nginx, "www/a"), download_path("a"));
    finish(job);
}
END_TEST

/* A FAT stick, say: it has no modes, and says so. */
START_TEST(no_modes)
{
    begin();
    bcj2_job *job = download_job();
    download_add(job, nginx_url(nginx, 1, "/a"), "a");
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait(job, STATE(TRANSFERRED));
    os_fault_plan(call_named("fchmod"), EPERM, 1);
    assert_status(bcj2_complete(job), BCJ2_OK);
    ck_assert(os_fault_clear());
    client_assert_same(nginx_path(nginx, "www/a"), download_path("a"));
    finish(job);
}
END_TEST

static int no_locks_in_out(int fd, int operation)
{
    char link[64], path[4096];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    if (strstr(path, "/out/") != NULL) {
        errno = ENOTSUP;
        return -1;
    }
    return flock(fd, operation);
}

/* The files lie on a mount that has no locks. */
START_TEST(no_locks)
{
    begin();
    (void)bcj2__os_syscall_set("flock", (os_function)no_locks_in_out);
    bcj2_job *job = download_job();
    download_add(job, nginx_url(nginx, 1, "/a"), "a");
    download_finish(job);
    client_assert_same(nginx_path(nginx, "www/a"), download_path("a"));
    finish(job);
}
END_TEST

static struct {
    pthread_mutex_t lock;
    pthread_cond_t entered;
    unsigned calls, inside;
    bool overlapped;
} syncs = {.lock = PTHREAD_MUTEX_INITIALIZER, .entered = PTHREAD_COND_INITIALIZER};

/* The first one takes its time: half a second, or until another begins. */
static int watched_sync(int fd)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 500000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&syncs.lock);
    syncs.overlapped = syncs.overlapped || syncs.inside > 0;
    syncs.inside++;
    bool first = ++syncs.calls == 1;
    pthread_cond_broadcast(&syncs.entered);
    while (first && syncs.calls == 1 &&
           pthread_cond_timedwait(&syncs.entered, &syncs.lock, &until) == 0) {
    }
    pthread_mutex_unlock(&syncs.lock);
    int result = fsync(fd);
    pthread_mutex_lock(&syncs.lock);
    syncs.inside--;
    pthread_mutex_unlock(&syncs.lock);
    return result;
}

/* A disk thread that has not come to its sync yet when the next file is begun would find the descriptor
   closed, or somebody else's: the last sync of a file waits for those on the way. */
START_TEST(syncs_end_before_the_file_does)
{
    begin();
    (void)bcj2__os_syscall_set("fdatasync", (os_function)watched_sync);
    ck_assert_int_eq(truncate(nginx_path(nginx, "www/a"), MANY_BYTES), 0);
    bcj2_job *job = download_foreground_job();
    download_add(job, nginx_url(nginx, 1, "/a"), "a");
    download_finish(job);
    ck_assert_uint_ge(syncs.calls, 2);
    ck_assert(!syncs.overlapped);
    client_assert_same(nginx_path(nginx, "www/a"), download_path("a"));
    finish(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "disk", 60);
    tcase_add_loop_test(tc, full_at_one_moment, 0, sizeof faults / sizeof faults[0]);
    tcase_add_test(tc, broken_at_the_end);
    tcase_add_test(tc, no_rename);
    tcase_add_test(tc, no_modes);
    tcase_add_test(tc, no_locks);
    tcase_add_test(tc, syncs_end_before_the_file_does);
}

SUITE_MAIN("downloads to a broken disk", add_cases)
