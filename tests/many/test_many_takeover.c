/* SPDX-License-Identifier: MIT */
/* The runner is killed, or stopped: how soon another process moves the bytes, and that it goes on where the
   server stands. Times are printed and, but for a generous bound, not judged.

   BCJ2_TEST_LONG=1: 300 kills in a row in each test. */
#include "../support/rig.h"
#include "../support/sanitizer.h"
#include "many.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#define MOST      64
#define MAX_KILLS 300
#define BOUND_NS  UINT64_C(10000000000)
#define PROBE     5120u

static struct many all[MOST];

static void forget(void)
{
    memset(all, 0, sizeof all);
}

/* The first of them is the runner. */
static void start_all(size_t count)
{
    many_start(&all[0], rig_path("queue"), NULL);
    for (size_t i = 1; i < count; i++) {
        many_launch(&all[i], rig_path("queue"), NULL);
    }
    for (size_t i = 1; i < count; i++) {
        many_opened(&all[i]);
    }
}

static void stop_all(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        many_stop(&all[i]);
    }
}

/* Kills the runner; gives back the next one. */
static size_t kill_runner(size_t runner, size_t count, uint64_t *ret_ns)
{
    for (size_t i = 0; i < count; i++) {
        all[i].runner_ns = 0;
    }
    uint64_t killed = many_now_ns();
    many_kill(&all[runner]);
    size_t next = many_next_runner(all, count);
    *ret_ns = all[next].runner_ns - killed;
    struct many_info info = many_info(&all[next]);
    ck_assert_int_eq(info.is_runner, 1);
    ck_assert_int_eq(info.runner_pid, (long)all[next].pid);
    return next;
}

/* ---- how soon ---- */

static const size_t others[] = {1, 7, 63};

START_TEST(another_takes_over_at_once)
{
    char what[96];
    uint64_t took[MAX_KILLS];
    size_t runner = 0, count = others[_i] + 1, kills = client_long() ? MAX_KILLS : 10;
    if (SANITIZER[0] != '\0' && !client_long() && count > 16) {
        count = 16; /* each of them is ten times as large and as slow */
    }
    rig_prepare();
    rig_close();
    start_all(count);
    for (size_t k = 0; k < kills; k++) {
        size_t dead = runner, witness = (dead + 1 + k) % count;
        runner = kill_runner(dead, count, &took[k]);
        if (witness != dead) {
            many_await_runner_pid(&all[witness], all[runner].pid);
        }
        /* one who comes later knows at once */
        many_start(&all[dead], rig_path("queue"), NULL);
        struct many_info info = many_info(&all[dead]);
        ck_assert_int_eq(info.runner_pid, (long)all[runner].pid);
        ck_assert_int_eq(info.is_runner, 0);
    }
    (void)snprintf(what, sizeof what, "takeover after SIGKILL, %zu others", count - 1);
    ck_assert_uint_lt(many_print_ns(what, took, kills), BOUND_NS);
    stop_all(count);
    folder_remove(rig.folder);
}
END_TEST

/* ---- and goes on ---- */

#define PROCESSES   4
#define SOURCE_SIZE (UINT64_C(24) << 20)

static bcj2_job_state state_of(struct many *m, const char *id, long patience_ms)
{
    many_order(m, "wait %s %u %ld", id, STATE(TRANSFERRED) | STATE(ERROR), patience_ms);
    struct many_did d = many_did(m);
    ck_assert(d.status == BCJ2_OK || d.status == BCJ2_S_FALSE);
    return d.state;
}

/* One job to its end, its runner killed now and then. */
static void one_job(size_t *runner, size_t *kills_left, uint32_t *random, uint64_t *took,
                    size_t *kills)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    size_t creator = (*runner + 1) % PROCESSES;
    many_create(&all[creator], rig_url(), rig_path("source"), rig_path("out/reply"), id);
    (void)many_do(&all[creator], "resume %s", id);
    for (;;) {
        size_t watcher = (*runner + 1) % PROCESSES;
        /* the moment is random, and the wait a call like any other */
        long moment_ms = *kills_left == 0 ? 60000 : (long)(client_random(random) % 60);
        bcj2_job_state state = state_of(&all[watcher], id, moment_ms);
        ck_assert_int_ne(state, BCJ2_JOB_STATE_ERROR);
        if (state == BCJ2_JOB_STATE_TRANSFERRED) {
            (void)many_do(&all[watcher], "complete %s", id);
            client_assert_same(rig_path("answer"), rig_path("out/reply"));
            return;
        }
        ck_assert_uint_gt(*kills_left, 0);
        size_t dead = *runner;
        *runner = kill_runner(dead, PROCESSES, &took[*kills]);
        many_start(&all[dead], rig_path("queue"), NULL);
        ++*kills;
        --*kills_left;
    }
}

START_TEST(a_transfer_goes_on_in_the_next_runner)
{
    uint64_t took[MAX_KILLS];
    uint32_t random = client_only_seed() != 0 ? client_only_seed() : 1;
    size_t runner = 0, kills = 0, left = client_long() ? MAX_KILLS : 10, jobs = 0;
    rig_start(NULL, RIG_APPLICATION);
    rig_close();
    rig_make("source", SOURCE_SIZE);
    rig_make("answer", 1000000);
    start_all(PROCESSES);
    while (left > 0 || jobs == 0) {
        one_job(&runner, &left, &random, took, &kills);
        jobs++;
    }
    (void)many_print_ns("takeover while a transfer runs, 3 others", took, kills);
    struct server_sums sums = server_sums(rig.server);
    ck_assert_uint_eq(sums.fresh, jobs * SOURCE_SIZE); /* never begun anew */
    ck_assert_uint_le(sums.duplicate, (uint64_t)kills * PROBE);
    printf("%zu jobs of %d MiB, %zu kills: %llu bytes sent twice\n", jobs, (int)(SOURCE_SIZE >> 20),
           kills, (unsigned long long)sums.duplicate);
    ck_assert_uint_ge(rig_runs(), (unsigned)jobs);
    stop_all(PROCESSES);
    rig_assert_no_temporary_here();
    rig_stop();
}
END_TEST

/* ---- stopped ---- */

/* Nobody writes at this moment: a process that is stopped in the middle of a commit keeps all others from
   theirs until it goes on. */
static bool nobody_writes(void)
{
    int fd = open(rig_path("queue/writer.lock"), O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    bool got = flock(fd, LOCK_EX | LOCK_NB) == 0;
    (void)close(fd);
    return got;
}

static void stop_at_a_good_moment(struct many *m)
{
    int how = 0;
    for (;;) {
        ck_assert_int_eq(kill(m->pid, SIGSTOP), 0);
        ck_assert_int_eq(waitpid(m->pid, &how, WUNTRACED), m->pid);
        ck_assert(WIFSTOPPED(how));
        if (nobody_writes()) {
            return;
        }
        ck_assert_int_eq(kill(m->pid, SIGCONT), 0);
    }
}

START_TEST(a_stopped_runner_is_waited_for)
{
    char id[BCJ2_GUID_TEXT_SIZE], later[BCJ2_GUID_TEXT_SIZE];
    const struct fault_plan stall = {.kind = FAULT_STALL,
                                     .direction = FAULT_TO_SERVER,
                                     .after = 300000};
    rig_start(NULL, RIG_APPLICATION);
    rig_close();
    rig_proxy();
    rig_make("source", 2000000);
    fault_proxy_plan(rig.proxy, &stall, 1);
    start_all(2);
    many_create(&all[1], rig_url(), rig_path("source"), rig_path("out/reply"), id);
    (void)many_do(&all[1], "resume %s", id);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1)); /* in the middle of the transfer */
    stop_at_a_good_moment(&all[0]);
    fault_proxy_release(rig.proxy);
    /* nobody takes over from one who lives; calls work, who comes gets in, and all know who it is */
    many_start(&all[2], rig_path("queue"), NULL);
    for (size_t i = 1; i <= 2; i++) {
        struct many_info info = many_info(&all[i]);
        ck_assert_int_eq(info.is_runner, 0);
        ck_assert_int_eq(info.runner_pid, (long)all[0].pid);
        (void)many_do(&all[i], "describe %s %zu", id, i);
    }
    many_create(&all[2], rig_url(), rig_path("source"), rig_path("out/later"), later);
    (void)many_do(&all[2], "priority %s %d", later, (int)BCJ2_JOB_PRIORITY_FOREGROUND);
    (void)many_do(&all[2], "resume %s", later);
    ck_assert_int_eq(state_of(&all[2], later, 200), BCJ2_JOB_STATE_QUEUED);
    ck_assert_uint_eq(all[1].runner_ns + all[2].runner_ns, 0);
    ck_assert_int_eq(kill(all[0].pid, SIGCONT), 0);
    ck_assert_int_eq(state_of(&all[1], later, 60000), BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_int_eq(state_of(&all[2], id, 60000), BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_int_eq(many_info(&all[2]).runner_pid, (long)all[0].pid);
    (void)many_do(&all[1], "complete %s", later);
    (void)many_do(&all[1], "complete %s", id);
    client_assert_same(rig_path("answer"), rig_path("out/later"));
    stop_all(3);
    rig_stop();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "takeover", 1700);
    tcase_add_checked_fixture(tc, forget, NULL);
    tcase_add_loop_test(tc, another_takes_over_at_once, 0, 3);
    tcase_add_test(tc, a_transfer_goes_on_in_the_next_runner);
    tcase_add_test(tc, a_stopped_runner_is_waited_for);
}

SUITE_MAIN("many_takeover", add_cases)
