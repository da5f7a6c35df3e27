/* SPDX-License-Identifier: MIT */
/* Many small upload-reply jobs, 16 at a time, against a bare libcurl multi loop that makes the same
   requests and keeps no state, to the same bcj2-server, which keeps its files in memory: its disk is not
   measured. The jobs are created and resumed beforehand, once; each round runs a copy of that queue. */
#include "bare.h"
#include "bench.h"
#include "server_process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS      16
#define FILE_BYTES 1024

struct small {
    char folder[FOLDER_PATH_SIZE], source[FOLDER_PATH_SIZE], replies[FOLDER_PATH_SIZE];
    char template[FOLDER_PATH_SIZE]; /* the queue with all jobs in it */
    char base_url[64];
    int jobs;
    bcj2_guid *ids;
    uint8_t content[FILE_BYTES];
};

static void read_all(const char *path, void *to, size_t size)
{
    int fd = open(path, O_RDONLY);
    bench_check(fd >= 0 && read(fd, to, size) == (ssize_t)size, path);
    (void)close(fd);
}

static void make_folder(const char *path)
{
    bench_check(mkdir(path, 0700) == 0, path);
}

static void reply_path(const struct small *s, int i, char to[FOLDER_PATH_SIZE])
{
    char name[32];
    (void)snprintf(name, sizeof name, "reply%d", i);
    folder_in(to, s->replies, name);
}

static void job_url(const struct small *s, int i, char to[FOLDER_PATH_SIZE])
{
    (void)snprintf(to, FOLDER_PATH_SIZE, "%sup%d", s->base_url, i);
}

/* ---- bare ---- */

enum next { NEXT_CREATE, NEXT_FRAGMENT, NEXT_GET, NEXT_CLOSE, NEXT_NOTHING };

struct slot {
    struct bare bare;
    enum next next;
    char url[FOLDER_PATH_SIZE];
};

struct loop {
    const struct small *small;
    CURLM *multi;
    struct slot slots[SLOTS];
    int begun, ended;
};

static void start_request(struct loop *l, struct slot *slot)
{
    switch (slot->next) {
    case NEXT_CREATE:
        bare_create(&slot->bare);
        break;
    case NEXT_FRAGMENT:
        bare_fragment(&slot->bare);
        break;
    case NEXT_GET:
        bench_check(slot->bare.total == FILE_BYTES && slot->bare.reply[0] != '\0', "the upload");
        bare_get(&slot->bare);
        break;
    default:
        bench_check(slot->bare.received == FILE_BYTES, "the reply");
        bare_close(&slot->bare);
        break;
    }
    slot->next++;
    bench_check(curl_multi_add_handle(l->multi, slot->bare.easy) == CURLM_OK, "libcurl");
}

static void start_session(struct loop *l, struct slot *slot)
{
    char reply[FOLDER_PATH_SIZE];
    reply_path(l->small, l->begun, reply);
    job_url(l->small, l->begun++, slot->url);
    int fd = open(l->small->source, O_RDONLY);
    int sink = open(reply, O_WRONLY | O_CREAT | O_EXCL, 0600);
    bench_check(fd >= 0 && sink >= 0, reply);
    bare_begin(&slot->bare, slot->bare.easy, slot->url, fd, FILE_BYTES, sink);
    slot->next = NEXT_CREATE;
    start_request(l, slot);
}

static void go_on(struct loop *l, struct slot *slot)
{
    if (slot->next != NEXT_NOTHING) {
        start_request(l, slot);
        return;
    }
    (void)close(slot->bare.fd);
    (void)close(slot->bare.sink);
    bare_end(&slot->bare);
    l->ended++;
    if (l->begun < l->small->jobs) {
        start_session(l, slot);
    }
}

static void run_loop(struct loop *l)
{
    while (l->ended < l->small->jobs) {
        int running = 0, left = 0;
        CURLMsg *message = NULL;
        bench_check(curl_multi_perform(l->multi, &running) == CURLM_OK, "libcurl");
        while ((message = curl_multi_info_read(l->multi, &left)) != NULL) {
            struct bare *b = NULL;
            CURLcode result = message->data.result;
            (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &b);
            (void)curl_multi_remove_handle(l->multi, b->easy);
            bare_answered(b, result);
            go_on(l, (struct slot *)b);
        }
        if (l->ended < l->small->jobs) { /* with nothing to wait for it would wait all the same */
            bench_check(curl_multi_poll(l->multi, NULL, 0, 1000, NULL) == CURLM_OK, "libcurl");
        }
    }
}

static double bare(void *user, int round)
{
    struct small *s = user;
    struct loop l = {.small = s, .multi = curl_multi_init()};
    (void)round;
    make_folder(s->replies);
    double start = bench_seconds();
    bench_check(l.multi != NULL, "libcurl");
    for (int i = 0; i < SLOTS && l.begun < s->jobs; i++) {
        l.slots[i].bare.easy = curl_easy_init();
        bench_check(l.slots[i].bare.easy != NULL, "libcurl");
        start_session(&l, &l.slots[i]);
    }
    run_loop(&l);
    double end = bench_seconds();
    for (int i = 0; i < SLOTS; i++) {
        curl_easy_cleanup(l.slots[i].bare.easy);
    }
    (void)curl_multi_cleanup(l.multi);
    bench_put_away(s->replies);
    return end - start;
}

/* ---- ours ---- */

static void create_jobs(struct small *s)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager *manager = NULL;
    options.flags = BCJ2_MANAGER_CONTROL_ONLY;
    make_folder(s->replies);
    bench_must(bcj2_manager_open(s->template, &options, &manager), "open");
    for (int i = 0; i < s->jobs; i++) {
        bcj2_job *job = NULL;
        char url[FOLDER_PATH_SIZE], reply[FOLDER_PATH_SIZE];
        job_url(s, i, url);
        reply_path(s, i, reply);
        bench_must(bcj2_manager_create_job(manager, "bench", BCJ2_JOB_TYPE_UPLOAD_REPLY, &s->ids[i],
                                           &job),
                   "create");
        bench_must(bcj2_set_reply_file_name(job, reply), "reply name");
        bench_must(bcj2_add_file(job, url, s->source), "add file");
        bench_must(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), "priority");
        bench_must(bcj2_resume(job), "resume");
        (void)bcj2_job_unref(job);
    }
    (void)bcj2_manager_close(manager);
    bench_put_away(s->replies);
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

static void check_reply(const struct small *s, bcj2_job *job)
{
    uint8_t *reply = NULL;
    uint64_t length = 0;
    bench_must(bcj2_get_reply_data(job, &reply, &length), "reply");
    bench_check(length == FILE_BYTES && memcmp(reply, s->content, FILE_BYTES) == 0, "the reply");
    bcj2_free(reply);
}

static double ours(void *user, int round)
{
    struct small *s = user;
    char queue[FOLDER_PATH_SIZE];
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager *manager = NULL;
    bcj2_job **jobs = calloc((size_t)s->jobs, sizeof(bcj2_job *));
    bench_check(jobs != NULL, "memory");
    folder_in(queue, s->folder, "queue");
    bench_copy_folder(s->template, queue);
    make_folder(s->replies);
    options.foreground_slots = SLOTS;
    double start = bench_seconds();
    bench_must(bcj2_manager_open(queue, &options, &manager), "open");
    for (int i = 0; i < s->jobs; i++) {
        bench_must(bcj2_manager_get_job(manager, &s->ids[i], &jobs[i]), "get job");
        wait_for(jobs[i]);
    }
    double end = bench_seconds();
    for (int i = 0; i < s->jobs; i++) {
        check_reply(s, jobs[i]);
        (void)bcj2_job_unref(jobs[i]);
    }
    (void)bcj2_manager_close(manager);
    free(jobs);
    bench_put_away(queue);
    bench_put_away(s->replies);
    return end - start;
}

int main(int argc, char **argv)
{
    char root[FOLDER_PATH_SIZE], memory[FOLDER_PATH_SIZE], title[128];
    struct small s = {.jobs = argc > 1 ? atoi(argv[1]) : 2000};
    s.ids = calloc((size_t)s.jobs, sizeof *s.ids);
    bench_check(s.ids != NULL, "memory");
    folder_make(s.folder);
    folder_in(s.source, s.folder, "source");
    folder_in(s.replies, s.folder, "replies");
    bench_memory_folder(memory, UINT64_C(256) << 20, s.folder);
    folder_in(s.template, memory, "template");
    folder_in(root, memory, "root");
    make_folder(root);
    folder_file(s.source, FILE_BYTES);
    read_all(s.source, s.content, FILE_BYTES);
    struct server_process server =
        server_process_start(root, "/bin/cat", "{\"BITSSessionLimitEnable\": false}");
    (void)snprintf(s.base_url, sizeof s.base_url, "%s", server.url);
    (void)snprintf(title, sizeof title,
                   "%d upload-reply jobs, 1 KiB each way, %d at a time, from open to the last "
                   "TRANSFERRED",
                   s.jobs, SLOTS);
    bench_title(title, s.folder);
    bench_check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl");
    create_jobs(&s);
    bench_pairs("jobs", s.jobs, bare, ours, &s);
    server_process_stop(&server);
    folder_remove(memory);
    folder_remove(s.folder);
    free(s.ids);
    return EXIT_SUCCESS;
}
