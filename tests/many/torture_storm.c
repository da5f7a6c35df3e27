/* SPDX-License-Identifier: MIT */
/* See torture_storm.h. */
#include "torture_storm.h"
#include "../support/client.h"
#include "../support/trials.h"
#include "torture_worker.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint32_t source_sizes[TORTURE_SOURCES] = {0, 1000, 70000, 1000003, 4194304};

struct storm storm;

/* ---- processes ---- */

/* in, out: -1 for the test's own. */
static pid_t start(const char *const argv[], int in, int out)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (in >= 0) {
            (void)dup2(in, STDIN_FILENO);
        }
        if (out >= 0) {
            (void)dup2(out, STDOUT_FILENO);
        }
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    return pid;
}

static void pipe_of_ours(int ends[2])
{
    ck_assert_int_eq(pipe(ends), 0);
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
}

static const char *program(void)
{
    const char *path = getenv("BCJ2_TEST_TORTURE_WORKER");
    ck_assert_msg(path != NULL, "BCJ2_TEST_TORTURE_WORKER must name the program");
    return path;
}

void storm_start_worker(unsigned i)
{
    char life[16], seed[16];
    storm.life[i] = ++storm.lives;
    (void)snprintf(life, sizeof life, "%u", storm.life[i]);
    (void)snprintf(seed, sizeof seed, "%" PRIu32, client_random(&storm.random));
    const char *const argv[] = {program(), "work", storm.folder, storm.url, life, seed, NULL};
    storm.workers[i] = start(argv, storm.stdin_of_workers, -1);
}

void storm_start_scout(void)
{
    int in[2], out[2];
    const char *const argv[] = {program(), "scout", storm.folder, NULL};
    pipe_of_ours(in);
    pipe_of_ours(out);
    storm.scout = start(argv, in[0], out[1]);
    (void)close(in[0]);
    (void)close(out[1]);
    storm.ask = fdopen(in[1], "w");
    storm.answer = fdopen(out[0], "r");
}

pid_t storm_runner(void)
{
    char line[64];
    long long pid = -1;
    ck_assert_int_ge(fputs("?\n", storm.ask), 0);
    ck_assert_int_eq(fflush(storm.ask), 0);
    ck_assert_msg(fgets(line, sizeof line, storm.answer) != NULL, "the scout is gone");
    ck_assert_int_eq(sscanf(line, "%lld", &pid), 1);
    return (pid_t)pid;
}

void storm_start_heirs(void)
{
    const char *const argv[] = {program(), "heir", storm.folder, NULL};
    for (unsigned i = 0; i < HEIRS; i++) {
        char c = '\0';
        int out[2];
        pipe_of_ours(out);
        storm.heirs[i] = start(argv, storm.stdin_of_heirs, out[1]);
        (void)close(out[1]);
        ck_assert_msg(read(out[0], &c, 1) == 1, "an heir did not open the queue");
        (void)close(out[0]);
    }
}

static int join(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        ck_assert_int_eq(errno, EINTR);
    }
    return status;
}

void storm_join_well(pid_t pid, const char *who)
{
    int status = join(pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ended with status 0x%x", who,
                  (unsigned)status);
}

void storm_run(const char *what, const char *output)
{
    char path[FOLDER_PATH_SIZE];
    const char *const argv[] = {program(), what, storm.folder, storm.url, NULL};
    int out = -1;
    if (output != NULL) {
        folder_in(path, storm.folder, output);
        out = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
        ck_assert_int_ge(out, 0);
    }
    storm_join_well(start(argv, -1, out), what);
    if (out >= 0) {
        (void)close(out);
    }
}

/* ---- killing ---- */

void storm_assert_all_live(void)
{
    for (unsigned i = 0; i < storm.processes; i++) {
        int status = 0;
        if (storm.workers[i] != 0) {
            ck_assert_msg(waitpid(storm.workers[i], &status, WNOHANG) == 0,
                          "a worker ended by itself (status 0x%x)", (unsigned)status);
        }
    }
}

void storm_kill(pid_t *pid)
{
    ck_assert_int_eq(kill(*pid, SIGKILL), 0);
    int status = join(*pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                  "a process ended by itself (status 0x%x)", (unsigned)status);
    *pid = 0;
    storm.kills++;
}

/* ---- a storm ---- */

static void write_application(char path[FOLDER_PATH_SIZE])
{
    static const char script[] = "#!/bin/sh\n"
                                 "tag=${BITS_ORIGINAL_REQUEST_URL##*/}\n"
                                 "source=${tag#?}; source=${source%%%%-*}\n"
                                 "cd '%s' || exit 1\n"
                                 "cat >seen.$$\n"
                                 "how=broken\n"
                                 "if cmp -s seen.$$ source-$source; then how=whole; fi\n"
                                 "echo \"reply to $tag\" && cat seen.$$\n"
                                 "rm seen.$$\n"
                                 "echo \"$tag $how\" >>runs\n";
    folder_in(path, storm.folder, "application");
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_gt(fprintf(f, script, storm.folder), 0);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(path, 0700), 0);
}

void storm_prepare(uint32_t seed, unsigned processes)
{
    char path[FOLDER_PATH_SIZE], name[32];
    int ends[2];
    memset(&storm, 0, sizeof storm);
    storm.random = trial_random(seed);
    storm.processes = processes;
    folder_make(storm.folder);
    for (unsigned i = 0; i < TORTURE_SOURCES; i++) {
        (void)snprintf(name, sizeof name, "source-%u", i);
        folder_in(path, storm.folder, name);
        client_make_file(path, source_sizes[i], i + 1);
    }
    folder_in(path, storm.folder, "out");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    folder_in(path, storm.folder, "runs");
    client_make_file(path, 0, 1);
    write_application(path);
    const char *const options[] = {"--app-exec", path, NULL};
    storm.server = server_start(options);
    (void)snprintf(storm.url, sizeof storm.url, "%s", server_url(storm.server, "/in"));
    pipe_of_ours(ends);
    storm.stdin_of_workers = ends[0];
    storm.stop = ends[1];
    pipe_of_ours(ends);
    storm.stdin_of_heirs = ends[0];
    storm.stop_heirs = ends[1];
}

void storm_stop(void)
{
    server_stop(storm.server);
    folder_remove(storm.folder);
}
