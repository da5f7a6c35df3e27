/* SPDX-License-Identifier: MIT */
/* Storms: 2 and 8 processes make, set, suspend, resume, cancel and complete the same jobs of one queue at
   random against the real server, while the one that moves the bytes is killed again and again. Nothing is
   lost or doubled, no call hangs, and what any process was promised is seen by all, at once and at the end.

   A few seconds each; BCJ2_TEST_LONG=1: a minute; BCJ2_TEST_SECONDS=N: that long, in storms of a minute;
   BCJ2_TEST_SEED=N: only this one. `make torture` sets them. The random numbers of each process come from
   the seed; what they meet depends on the machine as well. */
#include "../support/client.h"
#include "../support/folder.h"
#include "../support/servers.h"
#include "../support/suite.h"
#include "../support/trials.h"
#include "torture_judge.h"
#include "torture_worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MOST_PROCESSES 8
#define HEIRS          2
#define STORM_S        60u
#define AIM_US         6000u /* about as long as a Complete takes */
#define PATIENCE_US    UINT64_C(60000000)

static const uint32_t source_sizes[TORTURE_SOURCES] = {0, 1000, 70000, 1000003, 4194304};

static struct {
    char folder[FOLDER_PATH_SIZE];
    struct test_server *server;
    char url[128];
    uint32_t random;
    pid_t workers[MOST_PROCESSES]; /* 0: none */
    unsigned life[MOST_PROCESSES]; /* the number by which the journal knows it */
    pid_t heirs[HEIRS];
    unsigned processes, lives, kills, runner_kills;
    int stop; /* writing end of the workers' standard input: closed, they end */
    int stdin_of_workers;
    int stop_heirs, stdin_of_heirs; /* likewise */
    pid_t scout;
    FILE *ask, *answer;
} storm;

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

static void start_worker(unsigned i)
{
    char life[16], seed[16];
    storm.life[i] = ++storm.lives;
    (void)snprintf(life, sizeof life, "%u", storm.life[i]);
    (void)snprintf(seed, sizeof seed, "%" PRIu32, client_random(&storm.random));
    const char *const argv[] = {program(), "work", storm.folder, storm.url, life, seed, NULL};
    storm.workers[i] = start(argv, storm.stdin_of_workers, -1);
}

static void start_scout(void)
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

/* The process that moves the bytes, as another one is told; 0: nobody. */
static pid_t runner(void)
{
    char line[64];
    long long pid = -1;
    ck_assert_int_ge(fputs("?\n", storm.ask), 0);
    ck_assert_int_eq(fflush(storm.ask), 0);
    ck_assert_msg(fgets(line, sizeof line, storm.answer) != NULL, "the scout is gone");
    ck_assert_int_eq(sscanf(line, "%lld", &pid), 1);
    return (pid_t)pid;
}

/* Two that only have the queue open. */
static void start_heirs(void)
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

static void join_well(pid_t pid, const char *who)
{
    int status = join(pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ended with status 0x%x", who,
                  (unsigned)status);
}

/* Runs one to its end; output: a name in the folder, or NULL. */
static void run(const char *what, const char *output)
{
    char path[FOLDER_PATH_SIZE];
    const char *const argv[] = {program(), what, storm.folder, storm.url, NULL};
    int out = -1;
    if (output != NULL) {
        folder_in(path, storm.folder, output);
        out = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
        ck_assert_int_ge(out, 0);
    }
    join_well(start(argv, -1, out), what);
    if (out >= 0) {
        (void)close(out);
    }
}

/* ---- killing ---- */

static void assert_all_live(void)
{
    for (unsigned i = 0; i < storm.processes; i++) {
        int status = 0;
        if (storm.workers[i] != 0) {
            ck_assert_msg(waitpid(storm.workers[i], &status, WNOHANG) == 0,
                          "a worker ended by itself (status 0x%x)", (unsigned)status);
        }
    }
}

static void kill_process(pid_t *pid)
{
    ck_assert_int_eq(kill(*pid, SIGKILL), 0);
    int status = join(*pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                  "a process ended by itself (status 0x%x)", (unsigned)status);
    *pid = 0;
    storm.kills++;
}

static void a_moment(unsigned ms)
{
    const struct timespec moment = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&moment, NULL); /* the storm's own time; nothing waits for anything here */
}

/* The place of the runner among these, as soon as it is one of them. */
static unsigned find_runner(const pid_t *among, unsigned count)
{
    uint64_t end = client_now_us() + PATIENCE_US;
    while (client_now_us() < end) {
        pid_t pid = runner();
        for (unsigned i = 0; i < count; i++) {
            if (among[i] == pid && pid != 0) {
                return i;
            }
        }
        assert_all_live();
        a_moment(1);
    }
    ck_abort_msg("no process moves the bytes");
    return 0;
}

/* Lets the process come into the middle of a Complete, the call of the most steps, if it makes one soon: most
   kills at random hit something else. */
static void take_aim(unsigned i)
{
    char path[FOLDER_PATH_SIZE], news[8192], words[32];
    uint64_t end = client_now_us() + 200000;
    folder_in(path, storm.folder, "journal");
    (void)snprintf(words, sizeof words, "\n%u complete ? ", storm.life[i]);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t at = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    bool seen = false;
    while (fd >= 0 && !seen && client_now_us() < end) {
        ssize_t n = pread(fd, news, sizeof news - 1, at);
        news[n > 0 ? n : 0] = '\0';
        seen = strstr(news, words) != NULL;
        at += n > 0 ? n : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    end = client_now_us() + client_random(&storm.random) % AIM_US;
    while (seen && client_now_us() < end) {
    }
}

static void rage(unsigned seconds, unsigned every_ms)
{
    uint64_t end = client_now_us() + (uint64_t)seconds * 1000000;
    while (client_now_us() < end) {
        unsigned wait_ms = every_ms / 2 + client_random(&storm.random) % every_ms;
        for (; wait_ms > 0 && client_now_us() < end; wait_ms -= wait_ms < 10 ? wait_ms : 10) {
            a_moment(10);
            assert_all_live();
        }
        unsigned victim = find_runner(storm.workers, storm.processes);
        if (client_random(&storm.random) % 2 == 0) {
            take_aim(victim);
        }
        kill_process(&storm.workers[victim]);
        storm.runner_kills++;
        if (client_random(&storm.random) % 4 == 0) { /* and one that may be about to take over */
            unsigned other = (victim + 1) % storm.processes;
            kill_process(&storm.workers[other]);
            start_worker(other);
        }
        start_worker(victim);
    }
}

/* Half of them are killed, half of them told to end. What was running then is gone on with by one of two
   that have done nothing so far, and when that is killed, by the other. */
static void end_all(void)
{
    start_heirs();
    for (unsigned i = 0; i < storm.processes; i += 2) {
        kill_process(&storm.workers[i]);
    }
    (void)close(storm.stop);
    for (unsigned i = 1; i < storm.processes; i += 2) {
        join_well(storm.workers[i], "a worker");
    }
    (void)close(storm.stdin_of_workers);
    storm.processes = 0;
    kill_process(&storm.heirs[find_runner(storm.heirs, HEIRS)]);
    storm.runner_kills++;
}

/* The last goodbyes to the server: the runner says them, whoever ended the job. */
static void wait_for_farewells(void)
{
    uint64_t end = client_now_us() + PATIENCE_US;
    bool said = false;
    while (!said) {
        char path[FOLDER_PATH_SIZE], line[1024];
        ck_assert_msg(client_now_us() < end, "goodbyes to the server are not said");
        a_moment(10);
        run("rows", "rows");
        folder_in(path, storm.folder, "rows");
        FILE *f = fopen(path, "r");
        ck_assert_ptr_nonnull(f);
        while (fgets(line, sizeof line, f) != NULL) {
            said = said || strcmp(line, "farewells 0\n") == 0;
        }
        (void)fclose(f);
    }
}

/* Ended jobs are forgotten when somebody opens a queue that nobody has open: the scout has it open until
   they have been looked at. What is there then must still be there when the last one has closed it. */
static void finish_all(void)
{
    char path[FOLDER_PATH_SIZE], closed[FOLDER_PATH_SIZE];
    run("finish", NULL);
    wait_for_farewells();
    (void)close(storm.stop_heirs);
    (void)close(storm.stdin_of_heirs);
    join_well(storm.heirs[0] != 0 ? storm.heirs[0] : storm.heirs[1], "the last heir");
    run("rows", "rows");
    (void)fclose(storm.ask);
    join_well(storm.scout, "the scout");
    (void)fclose(storm.answer);
    run("rows", "rows-closed");
    folder_in(path, storm.folder, "rows");
    folder_in(closed, storm.folder, "rows-closed");
    client_assert_same(path, closed);
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

static void prepare(uint32_t seed, unsigned processes)
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

/* A session whose Create was broken off or killed before its answer was stored is known to nobody, and ends
   by the server's time-out. One that got a fragment had been stored before: it was closed or cancelled.
   Gives back how many there are. */
static unsigned judge_sessions(void)
{
    unsigned found = 0;
    DIR *d = opendir(server_path(storm.server, "root/in/BITS-Sessions/Requests"));
    const struct dirent *e = NULL;
    while (d != NULL && (e = readdir(d)) != NULL) {
        char words[300];
        if (e->d_name[0] == '{') {
            (void)snprintf(words, sizeof words, "fragment %s", e->d_name);
            ck_assert_msg(server_logged(storm.server, words) == 0, "the session %s was forgotten",
                          e->d_name);
            found++;
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return found;
}

static void one_storm(uint32_t seed, unsigned processes, unsigned seconds, unsigned every_ms)
{
    prepare(seed, processes);
    start_scout();
    (void)runner(); /* it has the queue open */
    for (unsigned i = 0; i < processes; i++) {
        start_worker(i);
    }
    rage(seconds, every_ms);
    end_all();
    finish_all();
    struct verdict v = torture_judge(storm.folder);
    unsigned sessions = judge_sessions();
    /* the server was never killed, and a session's answer stays there until it is closed */
    ck_assert_msg(v.doubled == 0, "the application ran twice for %u jobs", v.doubled);
    (void)fprintf(stderr,
                  "seed %u: %u processes, %u s: %u runners and %u others killed; %u jobs, %u "
                  "completed, %u cancelled; %" PRIu64
                  " lines of journal; %u suspends; %u sessions that nobody knew\n",
                  (unsigned)seed, processes, seconds, storm.runner_kills,
                  storm.kills - storm.runner_kills, v.jobs, v.completed, v.cancelled, v.lines,
                  v.suspended, sessions);
    server_stop(storm.server);
    folder_remove(storm.folder);
}

/* ---- how long ---- */

static unsigned seconds_asked(void)
{
    const char *value = getenv("BCJ2_TEST_SECONDS");
    unsigned seconds = value == NULL ? 0 : (unsigned)strtoul(value, NULL, 10);
    return seconds > 0 ? seconds : client_long() ? STORM_S : 0;
}

static void storms(const char *name, unsigned processes)
{
    unsigned asked = seconds_asked(), rounds = asked <= STORM_S ? 1 : asked / STORM_S;
    unsigned seconds = asked == 0 ? 3 : asked / rounds, every_ms = asked == 0 ? 300 : 1000;
    uint32_t only = client_only_seed(), seed = only != 0 ? only : 1;
    for (uint32_t last = only != 0 ? only : rounds; seed <= last; seed++) {
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            one_storm(seed, processes, seconds, every_ms);
            _exit(0);
        }
        if (!trial_join(pid)) {
            char again[48] = "";
            if (asked != 0) {
                (void)snprintf(again, sizeof again, "BCJ2_TEST_SECONDS=%u ", seconds);
            }
            (void)fprintf(stderr,
                          "%s failed with seed %u; again: %sCK_RUN_CASE=%s BCJ2_TEST_SEED=%u "
                          "meson test -C build torture\n",
                          name, (unsigned)seed, again, name, (unsigned)seed);
            _exit(1); /* the child has said what failed */
        }
    }
}

START_TEST(two)
{
    storms("two", 2);
}
END_TEST

START_TEST(eight)
{
    storms("eight", 8);
}
END_TEST

static void add_cases(Suite *suite)
{
    tcase_add_test(suite_case(suite, "two", 0), two); /* meson has the limit */
    tcase_add_test(suite_case(suite, "eight", 0), eight);
}

SUITE_MAIN("torture", add_cases)
