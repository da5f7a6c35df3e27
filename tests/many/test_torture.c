/* SPDX-License-Identifier: MIT */
/* Storms: 2 and 8 processes make, set, suspend, resume, cancel and complete the same jobs of one queue at
   random against the real server, while the one that moves the bytes is killed again and again. Nothing is
   lost or doubled, no call hangs, and what any process was promised is seen by all, at once and at the end.

   A few seconds each; BCJ2_TEST_LONG=1: a minute; BCJ2_TEST_SECONDS=N: that long, in storms of a minute;
   BCJ2_TEST_SEED=N: only this one. `make torture` sets them. The random numbers of each process come from
   the seed; what they meet depends on the machine as well. */
#include "../support/client.h"
#include "../support/suite.h"
#include "../support/trials.h"
#include "torture_judge.h"
#include "torture_storm.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STORM_S     60u
#define AIM_US      6000u /* about as long as a Complete takes */
#define PATIENCE_US UINT64_C(60000000)

/* ---- killing ---- */

static void moment_us(unsigned us)
{
    const struct timespec moment = {.tv_nsec = (long)us * 1000};
    (void)nanosleep(&moment, NULL); /* the storm's own time; nothing waits for anything here */
}

/* The place of the runner among these, as soon as it is one of them. */
static unsigned find_runner(const pid_t *among, unsigned count)
{
    uint64_t end = client_now_us() + PATIENCE_US;
    while (client_now_us() < end) {
        pid_t pid = storm_runner();
        for (unsigned i = 0; i < count; i++) {
            if (among[i] == pid && pid != 0) {
                return i;
            }
        }
        storm_assert_all_live();
        moment_us(1000);
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
        moment_us(seen || n > 0 ? 0 : 200);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    moment_us(seen ? client_random(&storm.random) % AIM_US : 0);
}

static void rage(unsigned seconds, unsigned every_ms)
{
    uint64_t end = client_now_us() + (uint64_t)seconds * 1000000;
    while (client_now_us() < end) {
        unsigned wait_ms = every_ms / 2 + client_random(&storm.random) % every_ms;
        for (; wait_ms > 0 && client_now_us() < end; wait_ms -= wait_ms < 10 ? wait_ms : 10) {
            moment_us(10000);
            storm_assert_all_live();
        }
        unsigned victim = find_runner(storm.workers, storm.processes);
        if (client_random(&storm.random) % 2 == 0) {
            take_aim(victim);
        }
        storm_kill(&storm.workers[victim]);
        storm.runner_kills++;
        if (client_random(&storm.random) % 4 == 0) { /* and one that may be about to take over */
            unsigned other = (victim + 1) % storm.processes;
            storm_kill(&storm.workers[other]);
            storm_start_worker(other);
        }
        storm_start_worker(victim);
    }
}

/* Half of them are killed, half of them told to end. What was running then is gone on with by one of two
   that have done nothing so far, and when that is killed, by the other. */
static void end_all(void)
{
    storm_start_heirs();
    for (unsigned i = 0; i < storm.processes; i += 2) {
        storm_kill(&storm.workers[i]);
    }
    (void)close(storm.stop);
    for (unsigned i = 1; i < storm.processes; i += 2) {
        storm_join_well(storm.workers[i], "a worker");
    }
    (void)close(storm.stdin_of_workers);
    storm.processes = 0;
    storm_kill(&storm.heirs[find_runner(storm.heirs, HEIRS)]);
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
        moment_us(10000);
        storm_run("rows", "rows");
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
    storm_run("finish", NULL);
    wait_for_farewells();
    (void)close(storm.stop_heirs);
    (void)close(storm.stdin_of_heirs);
    storm_join_well(storm.heirs[0] != 0 ? storm.heirs[0] : storm.heirs[1], "the last heir");
    storm_run("rows", "rows");
    (void)fclose(storm.ask);
    storm_join_well(storm.scout, "the scout");
    (void)fclose(storm.answer);
    storm_run("rows", "rows-closed");
    folder_in(path, storm.folder, "rows");
    folder_in(closed, storm.folder, "rows-closed");
    client_assert_same(path, closed);
}

/* ---- a storm ---- */

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
    storm_prepare(seed, processes);
    storm_start_scout();
    (void)storm_runner(); /* it has the queue open */
    for (unsigned i = 0; i < processes; i++) {
        storm_start_worker(i);
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
    storm_stop();
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
