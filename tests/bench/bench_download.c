/* SPDX-License-Identifier: MIT */
/* One large download from nginx against `curl -o` of the same file, both
   synced (curl is followed by fsync of the file and its folder) and unsynced (the library's syncs of files
   do nothing; those of its database remain). nginx keeps the file in memory: its disk is not measured. */
#include "../support/nginx.h"
#include "bench.h"
#include "os_syscall.h"

#include <check.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct download {
    char folder[FOLDER_PATH_SIZE], target[FOLDER_PATH_SIZE];
    const char *url;
    uint64_t size;
    bcj2_manager *manager;
    bcj2_job_priority priority;
    bool synced;
};

static uint64_t file_size = UINT64_C(1) << 30;

/* ---- not syncing ---- */

static int sync_nothing(int fd)
{
    (void)fd;
    return 0;
}

/* No manager is open: no thread is in a call. */
static void set_syncs(bool synced)
{
    static const char *const names[] = {"fsync", "fdatasync"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)bcj2__os_syscall_set(names[i], synced ? NULL : (os_function)sync_nothing);
    }
}

/* ---- the two ---- */

static void check_and_remove(const struct download *d)
{
    struct stat st;
    bench_check(stat(d->target, &st) == 0 && (uint64_t)st.st_size == d->size, "what arrived");
    bench_check(unlink(d->target) == 0, d->target);
}

static void sync_path(const char *path)
{
    int fd = open(path, O_RDONLY);
    bench_check(fd >= 0 && fsync(fd) == 0, path);
    (void)close(fd);
}

static double bare(void *user, int round)
{
    const struct download *d = user;
    int status = 0;
    double start = bench_seconds();
    pid_t pid = fork();
    if (pid == 0) {
        (void)execlp("curl", "curl", "--silent", "--show-error", "--fail", "-o", d->target, d->url,
                     (char *)NULL);
        perror("curl");
        _exit(127);
    }
    bench_check(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "curl");
    if (d->synced) {
        sync_path(d->target);
        sync_path(d->folder);
    }
    double end = bench_seconds();
    check_and_remove(d);
    return end - start;
}

static double ours(void *user, int round)
{
    const struct download *d = user;
    bcj2_guid id;
    bcj2_job *job = NULL;
    const uint32_t ends = 1u << BCJ2_JOB_STATE_TRANSFERRED | 1u << BCJ2_JOB_STATE_ERROR |
                          1u << BCJ2_JOB_STATE_TRANSIENT_ERROR;
    bcj2_job_state state = 0;
    double start = bench_seconds();
    bench_must(bcj2_manager_create_job(d->manager, "bench", BCJ2_JOB_TYPE_DOWNLOAD, &id, &job),
               "create");
    bench_must(bcj2_add_file(job, d->url, d->target), "add file");
    bench_must(bcj2_set_priority(job, d->priority), "priority");
    bench_must(bcj2_resume(job), "resume");
    bench_must(bcj2_wait(job, ends, -1, &state), "wait");
    bench_check(state == BCJ2_JOB_STATE_TRANSFERRED, "the job");
    bench_must(bcj2_complete(job), "complete");
    double end = bench_seconds();
    (void)bcj2_job_unref(job);
    check_and_remove(d);
    return end - start;
}

/* ---- what is compared ---- */

static void compare(struct download *d, const char *what, bool synced, bcj2_job_priority priority)
{
    char queue[FOLDER_PATH_SIZE];
    folder_in(queue, d->folder, "queue");
    (void)printf("%s\n", what);
    set_syncs(synced);
    d->synced = synced;
    d->priority = priority;
    bench_must(bcj2_manager_open(queue, NULL, &d->manager), "open");
    bench_pairs("MiB", (double)d->size / 1048576, bare, ours, d);
    (void)bcj2_manager_close(d->manager);
    set_syncs(true);
    folder_remove(queue);
}

/* nginx's support checks with Check, so this is a suite of one. */
START_TEST(downloads)
{
    struct download d = {.size = file_size};
    char memory[FOLDER_PATH_SIZE], path[FOLDER_PATH_SIZE], config[2 * FOLDER_PATH_SIZE], title[128];
    folder_make(d.folder);
    folder_in(d.target, d.folder, "target");
    bench_memory_folder(memory, d.size, d.folder);
    bench_check(chmod(memory, 0755) == 0, memory);
    folder_in(path, memory, "file");
    folder_file(path, d.size);
    bench_check(chmod(path, 0644) == 0, path);
    struct nginx *n = nginx_new();
    (void)snprintf(config, sizeof config, "server { listen 127.0.0.1:PORT1; root %s; }", memory);
    nginx_run(n, config);
    d.url = nginx_url(n, 1, "/file");
    (void)snprintf(title, sizeof title,
                   "One download of %.0f MiB from nginx, from the first call to Complete; curl -o",
                   (double)d.size / 1048576);
    bench_title(title, d.folder);
    compare(&d, "  both synced", true, BCJ2_JOB_PRIORITY_FOREGROUND);
    compare(&d, "  both unsynced", false, BCJ2_JOB_PRIORITY_FOREGROUND);
    compare(&d, "  both synced, priority NORMAL: in fragments", true, BCJ2_JOB_PRIORITY_NORMAL);
    nginx_stop(n);
    folder_remove(memory);
    folder_remove(d.folder);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("download");
    TCase *tc = tcase_create("download");
    file_size = argc > 1 ? strtoull(argv[1], NULL, 10) : file_size;
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, downloads);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_MINIMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
