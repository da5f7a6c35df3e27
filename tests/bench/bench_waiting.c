/* SPDX-License-Identifier: MIT */
/* What a queue costs that holds very many jobs: 100, then 100,000 (or as many as the argument says). Each
   row is a process of its own, so that memory can be told apart. That nothing scans the queue is a
   test, too (tests/net/test_crowd.c). */
#include "../support/crowd.h"
#include "bench.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST  100
#define ROUNDS 5

static char folder[FOLDER_PATH_SIZE], url[64];

/* A server that takes connections and never answers: a job that has begun stays where it is. */
static void silent_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bench_check(fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 &&
                    listen(fd, 512) == 0 &&
                    getsockname(fd, (struct sockaddr *)&address, &length) == 0,
                "a socket");
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/file", (unsigned)ntohs(address.sin_port));
}

/* Resident memory in KiB; only Linux tells it in a file. */
static long memory_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f != NULL) {
        (void)fscanf(f, "%*s %ld", &pages);
        (void)fclose(f);
    }
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print(const char *what, double *ms)
{
    qsort(ms, ROUNDS, sizeof *ms, by_size);
    (void)printf("    %-62s %9.2f ms (%.2f to %.2f)\n", what, ms[ROUNDS / 2], ms[0],
                 ms[ROUNDS - 1]);
    (void)fflush(stdout);
}

/* ---- what is measured ---- */

static bcj2_manager *manager;

static void open_manager(uint32_t flags)
{
    char queue[FOLDER_PATH_SIZE];
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.flags = flags;
    folder_in(queue, folder, "queue");
    bench_must(bcj2_manager_open(queue, &options, &manager), "open");
}

static void close_manager(void)
{
    manager = bcj2_manager_close(manager);
}

static void list(uint32_t most)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job = NULL;
    bench_must(bcj2_manager_enum_jobs(manager, 0, &jobs), "list");
    for (uint32_t i = 0; i < most && bcj2_job_enum_next(jobs, &job) == BCJ2_OK; i++) {
        bcj2_job_state state = 0;
        char *name = NULL;
        bench_must(bcj2_get_state(job, &state), "state");
        bench_must(bcj2_get_display_name(job, &name), "name");
        bcj2_free(name);
        (void)bcj2_job_unref(job);
    }
    (void)bcj2_job_enum_unref(jobs);
}

static void list_first(void)
{
    list(FIRST);
}

static void list_all(void)
{
    list(UINT32_MAX);
}

static void info(void)
{
    bcj2_manager_info i = BCJ2_MANAGER_INFO_INIT;
    bench_must(bcj2_manager_get_info(manager, &i), "info");
}

static bcj2_job *created;

static void create(void)
{
    char target[FOLDER_PATH_SIZE];
    bcj2_guid id;
    folder_in(target, folder, "target");
    bench_must(bcj2_manager_create_job(manager, "one more", BCJ2_JOB_TYPE_DOWNLOAD, &id, &created),
               "create");
    bench_must(bcj2_add_file(created, url, target), "add file");
    bench_must(bcj2_set_priority(created, BCJ2_JOB_PRIORITY_FOREGROUND), "priority");
}

static void start(void)
{
    bcj2_job_state state = 0;
    bench_must(bcj2_resume(created), "resume");
    bench_must(bcj2_wait(created, 1u << BCJ2_JOB_STATE_CONNECTING, -1, &state), "wait");
}

static void cancel(void)
{
    bench_must(bcj2_cancel(created), "cancel");
    (void)bcj2_job_unref(created);
}

static double timed_ms(void (*what)(void))
{
    double begun = bench_seconds();
    what();
    return (bench_seconds() - begun) * 1000;
}

static void open_control(void)
{
    open_manager(BCJ2_MANAGER_CONTROL_ONLY);
}

static void open_runner(void)
{
    open_manager(0);
}

static void measure(void)
{
    static struct {
        const char *what;
        void (*run)(void);
        double ms[ROUNDS];
    } rows[] = {
        {"open, only to control", open_control, {0}},
        {"list the first 100, with state and name", list_first, {0}},
        {"list all, with state and name", list_all, {0}},
        {"bcj2_manager_get_info", info, {0}},
        {"close", close_manager, {0}},
        {"open, to run", open_runner, {0}},
        {"create one more with a file and a priority (3 synced commits)", create, {0}},
        {"Resume, until the runner has begun it", start, {0}},
        {"Cancel", cancel, {0}},
        {"close", close_manager, {0}},
    };
    const size_t count = sizeof rows / sizeof rows[0];
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            rows[i].ms[round] = timed_ms(rows[i].run);
        }
    }
    for (size_t i = 0; i < count; i++) {
        print(rows[i].what, rows[i].ms);
    }
}

/* What the runner holds when it has begun what it may begin. */
static void measure_memory(void)
{
    long before = memory_kib();
    open_runner();
    create();
    start();
    (void)printf("    %-62s %9.2f MiB (the program without a manager: %.2f)\n",
                 "memory of a runner", (double)memory_kib() / 1024, (double)before / 1024);
    cancel();
    close_manager();
}

static void in_process(void (*what)(void))
{
    int status = 0;
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        what();
        (void)fflush(stdout);
        _exit(EXIT_SUCCESS);
    }
    bench_check(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "a process");
}

/* ---- a day's jobs are forgotten ---- */

/* What one who writes all the time waits at most while the runner forgets so many jobs. */
static void forget(uint32_t count)
{
    char queue[FOLDER_PATH_SIZE];
    bcj2_guid id;
    bcj2_job *job = NULL;
    bcj2_manager *runner = NULL;
    uint32_t calls = 0;
    double longest = 0;
    folder_in(queue, folder, "queue");
    open_control(); /* keeps the next ones from forgetting as they open */
    bench_must(bcj2_manager_create_job(manager, "writer", BCJ2_JOB_TYPE_DOWNLOAD, &id, &job),
               "create");
    const struct crowd ended = {
        .count = count,
        .type = BCJ2_JOB_TYPE_DOWNLOAD,
        .state = BCJ2_JOB_STATE_ACKNOWLEDGED,
        .priority = BCJ2_JOB_PRIORITY_NORMAL,
        .url = url,
        .local_name = "/nowhere/file",
        .modified = 1,
    };
    crowd_add(queue, &ended);
    double begun = bench_seconds(), ms = 0;
    bench_must(bcj2_manager_open(queue, NULL, &runner), "open");
    double opened = bench_seconds();
    do {
        double call = bench_seconds();
        bench_must(bcj2_set_description(job, calls % 2 == 0 ? "a" : "b"), "description");
        ms = (bench_seconds() - call) * 1000;
        longest = ms > longest ? ms : longest;
        calls++;
    } while (bench_seconds() - opened < 8);
    (void)printf("  %u ended jobs are forgotten: open %.1f ms; a writer waited %.1f ms at most in "
                 "%u calls\n",
                 (unsigned)count, (opened - begun) * 1000, longest, (unsigned)calls);
    (void)bcj2_manager_close(runner);
    (void)bcj2_job_unref(job);
    close_manager();
    folder_remove(queue);
}

/* ---- */

static void with(uint32_t count, bcj2_job_state state, bcj2_job_type type, const char *what)
{
    char queue[FOLDER_PATH_SIZE], target[FOLDER_PATH_SIZE];
    folder_in(target, folder, "waiting");
    const struct crowd waiting = {
        .count = count,
        .type = type,
        .state = state,
        .priority = BCJ2_JOB_PRIORITY_NORMAL,
        .url = url,
        .local_name = target,
    };
    folder_in(queue, folder, "queue");
    bench_check(mkdir(queue, 0700) == 0, queue);
    crowd_add(queue, &waiting);
    (void)printf("  %u jobs, %s\n", (unsigned)count, what);
    in_process(measure);
    in_process(measure_memory);
    folder_remove(queue);
}

int main(int argc, char **argv)
{
    uint32_t many = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
    folder_make(folder);
    silent_server();
    bench_title("A queue with very many jobs; medians of five", folder);
    with(FIRST, BCJ2_JOB_STATE_QUEUED, BCJ2_JOB_TYPE_DOWNLOAD, "QUEUED");
    with(many, BCJ2_JOB_STATE_QUEUED, BCJ2_JOB_TYPE_DOWNLOAD, "QUEUED");
    with(many, BCJ2_JOB_STATE_TRANSIENT_ERROR, BCJ2_JOB_TYPE_UPLOAD, "TRANSIENT_ERROR");
    with(many, BCJ2_JOB_STATE_TRANSFERRED, BCJ2_JOB_TYPE_DOWNLOAD,
         "TRANSFERRED, with temporary files");
    forget(many);
    folder_remove(folder);
    return EXIT_SUCCESS;
}
