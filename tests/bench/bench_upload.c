/* SPDX-License-Identifier: MIT */
/* One large upload job against a bare libcurl session of the same protocol, to the same bcj2-server,
   which keeps what it gets in memory: its disk is not measured. */
#include "bare.h"
#include "bench.h"
#include "server_process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct upload {
    char source[FOLDER_PATH_SIZE], root[FOLDER_PATH_SIZE], url[FOLDER_PATH_SIZE];
    uint64_t size;
    bcj2_manager *manager;
    CURL *easy;
};

/* What arrived is complete; it goes away. */
static void check_and_remove(const struct upload *u)
{
    char path[FOLDER_PATH_SIZE];
    struct stat st;
    folder_in(path, u->root, "up");
    bench_check(stat(path, &st) == 0 && (uint64_t)st.st_size == u->size, "what arrived");
    bench_check(unlink(path) == 0, path);
}

static double bare(void *user, int round)
{
    const struct upload *u = user;
    struct bare b;
    int fd = open(u->source, O_RDONLY);
    bench_check(fd >= 0, u->source);
    double start = bench_seconds();
    bare_begin(&b, u->easy, u->url, fd, u->size, -1);
    bare_create(&b);
    bare_answered(&b, curl_easy_perform(b.easy));
    while (b.total < b.size) {
        bare_fragment(&b);
        bare_answered(&b, curl_easy_perform(b.easy));
    }
    bare_close(&b);
    bare_answered(&b, curl_easy_perform(b.easy));
    double end = bench_seconds();
    bare_end(&b);
    (void)close(fd);
    check_and_remove(u);
    return end - start;
}

static double ours(void *user, int round)
{
    const struct upload *u = user;
    bcj2_guid id;
    bcj2_job *job = NULL;
    const uint32_t ends = 1u << BCJ2_JOB_STATE_TRANSFERRED | 1u << BCJ2_JOB_STATE_ERROR |
                          1u << BCJ2_JOB_STATE_TRANSIENT_ERROR;
    bcj2_job_state state = 0;
    double start = bench_seconds();
    bench_must(bcj2_manager_create_job(u->manager, "bench", BCJ2_JOB_TYPE_UPLOAD, &id, &job),
               "create");
    bench_must(bcj2_add_file(job, u->url, u->source), "add file");
    bench_must(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), "priority");
    bench_must(bcj2_resume(job), "resume");
    bench_must(bcj2_wait(job, ends, -1, &state), "wait");
    bench_check(state == BCJ2_JOB_STATE_TRANSFERRED, "the job");
    bench_must(bcj2_complete(job), "complete");
    double end = bench_seconds();
    (void)bcj2_job_unref(job);
    check_and_remove(u);
    return end - start;
}

int main(int argc, char **argv)
{
    char folder[FOLDER_PATH_SIZE], queue[FOLDER_PATH_SIZE], memory[FOLDER_PATH_SIZE], title[128];
    struct upload u = {.size = argc > 1 ? strtoull(argv[1], NULL, 10) : UINT64_C(1) << 30};
    folder_make(folder);
    folder_in(u.source, folder, "source");
    bench_memory_folder(memory, 2 * u.size, folder);
    folder_in(u.root, memory, "root");
    folder_in(queue, folder, "queue");
    bench_check(mkdir(u.root, 0700) == 0, u.root);
    folder_file(u.source, u.size);
    struct server_process server = server_process_start(u.root, NULL, NULL);
    (void)snprintf(u.url, sizeof u.url, "%sup", server.url);
    (void)snprintf(title, sizeof title,
                   "One upload of %.0f MiB, from the first call to Complete; bare libcurl with "
                   "fragments of 8 MiB",
                   (double)u.size / 1048576);
    bench_title(title, folder);

    bench_check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl");
    u.easy = curl_easy_init();
    bench_check(u.easy != NULL, "libcurl");
    bench_must(bcj2_manager_open(queue, NULL, &u.manager), "open");
    bench_pairs("MiB", (double)u.size / 1048576, bare, ours, &u);
    (void)bcj2_manager_close(u.manager);
    curl_easy_cleanup(u.easy);
    server_process_stop(&server);
    folder_remove(memory);
    folder_remove(folder);
    return EXIT_SUCCESS;
}
