/* SPDX-License-Identifier: MIT */
/* Many small downloads from nginx, which keeps the files in memory, against bare libcurl that keeps no
   state and syncs nothing: as many jobs of one file each, 16 at a time, against a multi loop of 16; and
   one job with all files, one after the other, against one easy handle. The jobs are created and resumed
   beforehand, once; each round runs a copy of that queue. */
#include "../support/nginx.h"
#include "bench.h"

#include <check.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS      16
#define FILE_BYTES 4096

static int file_count = 2000;

struct files {
    char folder[FOLDER_PATH_SIZE], targets[FOLDER_PATH_SIZE], template[FOLDER_PATH_SIZE];
    char base_url[64];
    int slots; /* of the multi loop */
    bcj2_guid *ids;
    int jobs;
};

static void target_path(const struct files *f, int i, char to[FOLDER_PATH_SIZE])
{
    char name[32];
    (void)snprintf(name, sizeof name, "file%d", i);
    folder_in(to, f->targets, name);
}

static void file_url(const struct files *f, int i, char to[FOLDER_PATH_SIZE])
{
    (void)snprintf(to, FOLDER_PATH_SIZE, "%s/file%d", f->base_url, i);
}

static void make_folder(const char *path)
{
    bench_check(mkdir(path, 0700) == 0, path);
}

static void check_targets(const struct files *f)
{
    for (int i = 0; i < file_count; i++) {
        char path[FOLDER_PATH_SIZE];
        struct stat st;
        target_path(f, i, path);
        bench_check(stat(path, &st) == 0 && st.st_size == FILE_BYTES, path);
    }
}

/* ---- bare ---- */

struct slot {
    CURL *easy;
    int fd;
};

static size_t on_write(char *data, size_t size, size_t count, void *user)
{
    const struct slot *slot = user;
    return write(slot->fd, data, size * count) == (ssize_t)(size * count) ? size * count : 0;
}

static void begin_file(const struct files *f, CURLM *multi, struct slot *slot, int i)
{
    char path[FOLDER_PATH_SIZE], url[FOLDER_PATH_SIZE];
    target_path(f, i, path);
    file_url(f, i, url);
    slot->fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    bench_check(slot->fd >= 0, path);
    (void)curl_easy_setopt(slot->easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
    (void)curl_easy_setopt(slot->easy, CURLOPT_FAILONERROR, 1L);
    (void)curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, on_write);
    (void)curl_easy_setopt(slot->easy, CURLOPT_WRITEDATA, slot);
    bench_check(curl_multi_add_handle(multi, slot->easy) == CURLM_OK, "libcurl");
}

static void run_loop(const struct files *f, CURLM *multi, int begun)
{
    for (int ended = 0; ended < file_count;) {
        int running = 0, left = 0;
        const CURLMsg *message = NULL;
        bench_check(curl_multi_perform(multi, &running) == CURLM_OK, "libcurl");
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            struct slot *slot = NULL;
            bench_check(message->data.result == CURLE_OK, "a download");
            (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
            (void)curl_multi_remove_handle(multi, slot->easy);
            (void)close(slot->fd);
            ended++;
            if (begun < file_count) {
                begin_file(f, multi, slot, begun++);
            }
        }
        bench_check(ended == file_count || curl_multi_poll(multi, NULL, 0, 1000, NULL) == CURLM_OK,
                    "libcurl");
    }
}

static double bare(void *user, int round)
{
    const struct files *f = user;
    struct slot slots[SLOTS] = {{0}};
    int begun = 0;
    make_folder(f->targets);
    double start = bench_seconds();
    CURLM *multi = curl_multi_init();
    bench_check(multi != NULL, "libcurl");
    for (int i = 0; i < f->slots; i++) {
        slots[i].easy = curl_easy_init();
        bench_check(slots[i].easy != NULL, "libcurl");
        begin_file(f, multi, &slots[i], begun++);
    }
    run_loop(f, multi, begun);
    double end = bench_seconds();
    for (int i = 0; i < f->slots; i++) {
        curl_easy_cleanup(slots[i].easy);
    }
    (void)curl_multi_cleanup(multi);
    check_targets(f);
    bench_put_away(f->targets);
    return end - start;
}

/* ---- ours ---- */

static void add_files(const struct files *f, bcj2_job *job, int first, int count)
{
    bcj2_file_info *infos = calloc((size_t)count, sizeof *infos);
    char(*texts)[2][FOLDER_PATH_SIZE] = calloc((size_t)count, sizeof *texts);
    bench_check(infos != NULL && texts != NULL, "memory");
    for (int i = 0; i < count; i++) {
        file_url(f, first + i, texts[i][0]);
        target_path(f, first + i, texts[i][1]);
        infos[i] = (bcj2_file_info){.remote_name = texts[i][0], .local_name = texts[i][1]};
    }
    bench_must(bcj2_add_file_set(job, (uint32_t)count, infos), "add files");
    free(infos);
    free(texts);
}

static void create_jobs(struct files *f)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager *manager = NULL;
    int each = file_count / f->jobs;
    options.flags = BCJ2_MANAGER_CONTROL_ONLY;
    make_folder(f->targets);
    bench_must(bcj2_manager_open(f->template, &options, &manager), "open");
    for (int i = 0; i < f->jobs; i++) {
        bcj2_job *job = NULL;
        bench_must(bcj2_manager_create_job(manager, "bench", BCJ2_JOB_TYPE_DOWNLOAD, &f->ids[i],
                                           &job),
                   "create");
        add_files(f, job, i * each, each);
        bench_must(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), "priority");
        bench_must(bcj2_resume(job), "resume");
        (void)bcj2_job_unref(job);
    }
    (void)bcj2_manager_close(manager);
    bench_put_away(f->targets);
}

static void wait_for(bcj2_job *job)
{
    const uint32_t ends = 1u << BCJ2_JOB_STATE_TRANSFERRED | 1u << BCJ2_JOB_STATE_ERROR |
                          1u << BCJ2_JOB_STATE_TRANSIENT_ERROR;
    bcj2_job_state state = 0;
    bench_must(bcj2_wait(job, ends, -1, &state), "wait");
    if (state != BCJ2_JOB_STATE_TRANSFERRED) {
        char *text = NULL;
        (void)bcj2_get_status_text(job, &text);
        bench_check(0, text);
    }
}

static double ours(void *user, int round)
{
    struct files *f = user;
    char queue[FOLDER_PATH_SIZE];
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager *manager = NULL;
    bcj2_job **jobs = calloc((size_t)f->jobs, sizeof(bcj2_job *));
    bench_check(jobs != NULL, "memory");
    folder_in(queue, f->folder, "queue");
    bench_copy_folder(f->template, queue);
    make_folder(f->targets);
    options.foreground_slots = SLOTS;
    double start = bench_seconds();
    bench_must(bcj2_manager_open(queue, &options, &manager), "open");
    for (int i = 0; i < f->jobs; i++) {
        bench_must(bcj2_manager_get_job(manager, &f->ids[i], &jobs[i]), "get job");
        wait_for(jobs[i]);
    }
    double end = bench_seconds();
    for (int i = 0; i < f->jobs; i++) {
        bench_must(bcj2_complete(jobs[i]), "complete");
        (void)bcj2_job_unref(jobs[i]);
    }
    (void)bcj2_manager_close(manager);
    check_targets(f);
    free(jobs);
    bench_put_away(queue);
    bench_put_away(f->targets);
    return end - start;
}

static void compare(struct files *f, const char *what, int jobs, int slots, const char *memory)
{
    (void)printf("  %s\n", what);
    f->jobs = jobs;
    f->slots = slots;
    folder_in(f->template, memory, "template");
    create_jobs(f);
    bench_pairs("files", file_count, bare, ours, f);
    folder_remove(f->template);
}

/* nginx's support checks with Check, so this is a suite of one. */
START_TEST(files)
{
    struct files f = {.ids = calloc((size_t)file_count, sizeof(bcj2_guid))};
    char memory[FOLDER_PATH_SIZE], www[FOLDER_PATH_SIZE], config[2 * FOLDER_PATH_SIZE], title[128];
    bench_check(f.ids != NULL, "memory");
    folder_make(f.folder);
    folder_in(f.targets, f.folder, "targets");
    bench_memory_folder(memory, UINT64_C(256) << 20, f.folder);
    folder_in(www, memory, "www");
    bench_check(chmod(memory, 0755) == 0 && mkdir(www, 0755) == 0, memory);
    for (int i = 0; i < file_count; i++) {
        char name[32], path[FOLDER_PATH_SIZE];
        (void)snprintf(name, sizeof name, "file%d", i);
        folder_in(path, www, name);
        folder_file(path, FILE_BYTES);
        bench_check(chmod(path, 0644) == 0, path);
    }
    struct nginx *n = nginx_new();
    (void)snprintf(config, sizeof config,
                   "keepalive_requests 100000; server { listen 127.0.0.1:PORT1; root %s; }", www);
    nginx_run(n, config);
    (void)snprintf(f.base_url, sizeof f.base_url, "%s", nginx_url(n, 1, ""));
    (void)snprintf(title, sizeof title,
                   "%d downloads of 4 KiB from nginx, from open to the last TRANSFERRED",
                   file_count);
    bench_title(title, f.folder);
    bench_check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl");
    compare(&f, "a job each, 16 at a time", file_count, SLOTS, memory);
    compare(&f, "one job, one after the other", 1, 1, memory);
    nginx_stop(n);
    folder_remove(memory);
    folder_remove(f.folder);
    free(f.ids);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("files");
    TCase *tc = tcase_create("files");
    file_count = argc > 1 ? atoi(argv[1]) : file_count;
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, files);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_MINIMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
