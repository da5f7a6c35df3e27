/* SPDX-License-Identifier: MIT */
/* Idle costs nothing: a process with a long queue and nothing to do is not woken. Counted are the
   context switches of all its threads, by its parent, from /proc. Not here: what a busy process costs
   (tests/bench). */
#include "../support/suite.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <bcj2/bcj2.h>
#include "../support/folder.h"
#include "../support/wakeups.h"

#define SUSPENDED_JOBS 1000
#define RETRYING_JOBS  10
#define IDLE_MS        5000

/* ---- the process that is watched ---- */

static unsigned port_number;

static void must(bcj2_status status, const char *what)
{
    if (BCJ2_FAILED(status)) {
        (void)fprintf(stderr, "%s: %s: %s\n", what, bcj2_status_name(status), bcj2_last_detail());
        _exit(1);
    }
}

/* host: the last number of a loopback address of its own, for jobs of one dead server wait for each
   other; 0: the job is not run. */
static void create(bcj2_manager *manager, const char *source, int host)
{
    char url[64];
    bcj2_guid id;
    bcj2_job *job = NULL;
    must(bcj2_manager_create_job(manager, "idle", BCJ2_JOB_TYPE_UPLOAD, &id, &job), "create");
    if (host > 0) {
        (void)snprintf(url, sizeof url, "http://127.0.0.%d:%u/a", host, port_number);
        must(bcj2_add_file(job, url, source), "add file");
        must(bcj2_resume(job), "resume");
        must(bcj2_wait(job, 1u << BCJ2_JOB_STATE_TRANSIENT_ERROR, -1, NULL), "wait");
    }
    (void)bcj2_job_unref(job);
}

/* Fills the queue, says so, and stays until `stay` is closed. */
static void be_idle(const char *folder, int ready, int stay)
{
    char queue[FOLDER_PATH_SIZE], source[FOLDER_PATH_SIZE], end = 0;
    bcj2_manager *manager = NULL;
    folder_in(queue, folder, "queue");
    folder_in(source, folder, "source");
    must(bcj2_manager_open(queue, NULL, &manager), "open");
    for (int i = 0; i < SUSPENDED_JOBS; i++) {
        create(manager, source, 0);
    }
    for (int i = 0; i < RETRYING_JOBS; i++) {
        create(manager, source, i + 1);
    }
    (void)!write(ready, "r", 1);
    (void)!read(stay, &end, 1);
    (void)bcj2_manager_close(manager);
    _exit(0);
}

/* A port that refuses connections for as long as the descriptor is open: bound, not listening. */
static int refusing_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    port_number = ntohs(address.sin_port);
    return fd;
}

START_TEST(waiting_jobs_wake_nobody)
{
    if (!wakeups_are_counted()) {
        return;
    }
    char folder[FOLDER_PATH_SIZE], source[FOLDER_PATH_SIZE], byte = 0;
    int ready[2], stay[2], port = refusing_port();
    folder_make(folder);
    folder_in(source, folder, "source");
    folder_file(source, 1000);
    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(pipe(stay), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)close(stay[1]);
        be_idle(folder, ready[1], stay[0]);
    }
    (void)close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);

    struct wakeups before = wakeups_settled(&pid, 1);
    wakeups_pass(IDLE_MS);
    struct wakeups after = wakeups_of(&pid, 1);

    (void)close(stay[1]);
    int ended = 0;
    ck_assert_int_eq(waitpid(pid, &ended, 0), pid);
    ck_assert_msg(WIFEXITED(ended) && WEXITSTATUS(ended) == 0, "the watched process failed");
    (void)close(ready[0]);
    (void)close(stay[0]);
    (void)close(port);
    folder_remove(folder);
    /* main, engine, disk: it was the whole manager that was idle */
    ck_assert_uint_ge(before.threads, 3);
    ck_assert_uint_eq(after.threads, before.threads);
    ck_assert_msg(after.switches == before.switches,
                  "%llu wake-ups of %llu threads in %d ms of idleness",
                  (unsigned long long)(after.switches - before.switches),
                  (unsigned long long)after.threads, IDLE_MS);
}
END_TEST

static void add_cases(Suite *suite)
{
    tcase_add_test(suite_case(suite, "idle", 100), waiting_jobs_wake_nobody);
}

SUITE_MAIN("idle", add_cases)
