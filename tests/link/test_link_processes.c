/* SPDX-License-Identifier: MIT */
/* link: real processes, killed and forked; how long a takeover takes and what idling costs. */
#include "link_rig.h"
#include "macro.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Its own thread in each process wakes up all the time. */
#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER true
#endif
#endif
#ifndef THREAD_SANITIZER
#define THREAD_SANITIZER false
#endif

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- a process with a link ---- */

#define PROCESSES 16

/* What it says of each event, in one write. */
struct report {
    int process;
    enum link_event_type type;
    uint64_t change, at_ns;
};

static struct process {
    pid_t pid;
    int orders; /* written to: change numbers to ring */
} processes[PROCESSES];

static int reports[2]; /* of all of them */

static void report_all(struct link *l, int process)
{
    struct link_event e;
    while (bcj2__link_next(l, &e)) {
        struct report r = {process, e.type, e.change, now_ns()};
        if (write(reports[1], &r, sizeof r) != (ssize_t)sizeof r) {
            _exit(3);
        }
    }
}

/* Sleeps until the link or the orders want something, and nothing else. */
static void live(int process, int orders, bool control_only)
{
    struct link *l = NULL;
    if (BCJ2_FAILED(bcj2__link_open(rig_folder, control_only, NULL, &l))) {
        _exit(2);
    }
    for (;;) {
        struct link_fd fds[2 * PROCESSES];
        struct pollfd polled[2 * PROCESSES + 1] = {{.fd = orders, .events = POLLIN}};
        report_all(l, process);
        size_t n = bcj2__link_fds(l, fds, ARRAY_LEN(fds));
        for (size_t i = 0; i < n; i++) {
            polled[i + 1] = (struct pollfd){
                .fd = fds[i].fd,
                .events = (short)((fds[i].read ? POLLIN : 0) | (fds[i].write ? POLLOUT : 0)),
            };
        }
        uint64_t deadline = bcj2__link_deadline(l), now = bcj2__os_now_ms();
        int wait = deadline == UINT64_MAX ? -1 : deadline <= now ? 0 : (int)(deadline - now);
        if (poll(polled, (nfds_t)n + 1, wait) < 0) {
            _exit(4);
        }
        uint64_t change;
        if (polled[0].revents != 0) {
            if (read(orders, &change, sizeof change) != (ssize_t)sizeof change) {
                (void)bcj2__link_close(l);
                _exit(0);
            }
            bcj2__link_ring(l, change);
        }
        if (BCJ2_FAILED(bcj2__link_step(l))) {
            _exit(5);
        }
    }
}

static void start(int i, bool control_only)
{
    int orders[2];
    ck_assert_int_eq(pipe(orders), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)close(orders[1]);
        (void)close(reports[0]);
        for (int j = 0; j < PROCESSES; j++) {
            if (processes[j].pid != 0) {
                (void)close(processes[j].orders);
            }
        }
        live(i, orders[0], control_only);
    }
    (void)close(orders[0]);
    processes[i] = (struct process){.pid = pid, .orders = orders[1]};
}

static struct report next_report(void)
{
    struct report r;
    struct pollfd p = {.fd = reports[0], .events = POLLIN};
    ck_assert_msg(poll(&p, 1, RIG_PATIENCE_MS) == 1, "no process says anything");
    ck_assert_int_eq(read(reports[0], &r, sizeof r), (ssize_t)sizeof r);
    return r;
}

/* Until count processes have said that they are the runner or a client; returns the runner, -1 if none
   of them became it. */
static int wait_for_roles(int count, uint64_t *ret_at_ns)
{
    int runner = -1;
    while (count > 0) {
        struct report r = next_report();
        if (r.type == LINK_EV_RUNNER) {
            ck_assert_int_eq(runner, -1);
            runner = r.process;
            *ret_at_ns = r.at_ns;
        }
        count -= r.type == LINK_EV_RUNNER || r.type == LINK_EV_CLIENT;
    }
    return runner;
}

static void ring(int i, uint64_t change)
{
    ck_assert_int_eq(write(processes[i].orders, &change, sizeof change), (ssize_t)sizeof change);
}

static void kill_one(int i)
{
    ck_assert_int_eq(kill(processes[i].pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(processes[i].pid, NULL, 0), processes[i].pid);
    (void)close(processes[i].orders);
    processes[i].pid = 0;
}

static void begin(void)
{
    rig_begin();
    ck_assert_int_eq(pipe(reports), 0);
    memset(processes, 0, sizeof processes);
}

static void end(void)
{
    for (int i = 0; i < PROCESSES; i++) {
        if (processes[i].pid != 0) {
            int how = -1;
            (void)close(processes[i].orders);
            ck_assert_int_eq(waitpid(processes[i].pid, &how, 0), processes[i].pid);
            ck_assert_int_eq(how, 0);
        }
    }
    (void)close(reports[0]);
    (void)close(reports[1]);
    rig_end();
}

/* ---- takeover ---- */

#define KILLS 30

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y ? 1 : 0;
}

/* A change that anyone makes reaches all the others, control-only processes too. */
static void everybody_hears(int from, uint64_t change)
{
    int heard = 0;
    ring(from, change);
    while (heard < PROCESSES - 1) {
        struct report r = next_report();
        if (r.type == LINK_EV_CHANGED && r.change == change) {
            ck_assert_int_ne(r.process, from);
            heard++;
        }
    }
}

START_TEST(a_killed_runner_is_followed_at_once)
{
    uint64_t took[KILLS], at = 0;
    for (int i = 0; i < PROCESSES; i++) {
        start(i, i % 4 == 3);
    }
    int runner = wait_for_roles(PROCESSES, &at);
    for (int k = 0; k < KILLS; k++) {
        ck_assert_int_ge(runner, 0);
        everybody_hears(k % PROCESSES, (uint64_t)k + 1);
        int dead = runner;
        uint64_t killed = now_ns();
        kill_one(dead);
        runner = wait_for_roles(PROCESSES - 1, &at);
        took[k] = at - killed;
        start(dead, false);
        uint64_t ignored;
        ck_assert_int_eq(wait_for_roles(1, &ignored), -1);
    }
    qsort(took, KILLS, sizeof took[0], compare);
    printf("takeover after SIGKILL, %d others: median %.1f ms, maximum %.1f ms\n", PROCESSES - 1,
           (double)took[KILLS / 2] / 1e6, (double)took[KILLS - 1] / 1e6);
    ck_assert_uint_lt(took[KILLS - 1], UINT64_C(2000000000));
}
END_TEST

/* ---- idle ---- */

#define IDLE_MS    1000
#define SETTLED_MS 100

static uint64_t switches_of(pid_t pid)
{
    char path[64], line[256];
    unsigned long long n = 0, sum = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1 ||
            sscanf(line, "nonvoluntary_ctxt_switches: %llu", &n) == 1) {
            sum += n;
        }
    }
    (void)fclose(f);
    return sum;
}

static uint64_t switches_of_all(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < PROCESSES; i++) {
        sum += switches_of(processes[i].pid);
    }
    return sum;
}

static void pass_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR) {
    }
}

/* Begin and end of the time looked at; what was begun before has come to an end. */
static void nobody_wakes_up(void)
{
    uint64_t before;
    do {
        before = switches_of_all();
        pass_ms(SETTLED_MS);
    } while (switches_of_all() != before);
    pass_ms(IDLE_MS);
    ck_assert_uint_eq(switches_of_all(), before);
}

START_TEST(idle_processes_sleep)
{
    if (access("/proc/self/status", R_OK) != 0 || THREAD_SANITIZER) {
        (void)fprintf(stderr, "not tried: context switches cannot be counted here\n");
        return;
    }
    uint64_t at;
    for (int i = 0; i < PROCESSES; i++) {
        start(i, i % 5 == 4);
    }
    ck_assert_int_ge(wait_for_roles(PROCESSES, &at), 0);
    nobody_wakes_up();
}
END_TEST

START_TEST(idle_processes_without_a_runner_sleep)
{
    if (access("/proc/self/status", R_OK) != 0 || THREAD_SANITIZER) {
        (void)fprintf(stderr, "not tried: context switches cannot be counted here\n");
        return;
    }
    for (int i = 0; i < PROCESSES; i++) {
        start(i, true);
    }
    uint64_t heard = 0;
    for (uint64_t change = 1; heard != (1u << PROCESSES) - 1; change++) {
        ring(0, change); /* until all watch */
        pass_ms(1);
        struct pollfd p = {.fd = reports[0], .events = POLLIN};
        while (poll(&p, 1, 0) == 1) {
            heard |= UINT64_C(1) << next_report().process;
        }
        ck_assert_uint_lt(change, RIG_PATIENCE_MS);
    }
    nobody_wakes_up();
}
END_TEST

/* ---- fork without exec ---- */

/* In the child: nothing works, nothing is harmed. */
static int use_in_child(struct link *l)
{
    struct link_event e;
    struct link_fd fds[4];
    bcj2__link_ring(l, 99);
    if (bcj2__link_step(l) != BCJ2_E_CLOSED || bcj2__link_next(l, &e) ||
        bcj2__link_fds(l, fds, 4) != 0 || bcj2__link_deadline(l) != UINT64_MAX ||
        bcj2__link_send(l, 0, LINK_KIND_REGISTER, 1, "", 0) != BCJ2_E_NOT_FOUND) {
        return 1;
    }
    /* descriptors of its own, which have the numbers of the parent's */
    int mine[16];
    for (size_t i = 0; i < ARRAY_LEN(mine); i++) {
        mine[i] = open("/dev/null", O_RDONLY);
    }
    (void)bcj2__link_close(l);
    for (size_t i = 0; i < ARRAY_LEN(mine); i++) {
        if (mine[i] < 0 || fcntl(mine[i], F_GETFD) < 0) {
            return 2;
        }
    }
    return 0;
}

/* A child that lives on until `stay` is closed. _i: which of the links it uses. */
START_TEST(a_forked_child_keeps_nothing_alive)
{
    struct side *a = rig_open(false), *b = rig_open(false), *control = rig_open(true);
    struct link *of_child[] = {a->l, b->l, control->l};
    int stay[2], used[2], how = -1;
    char result = 9;
    until(b->client == 1 && control->client == 1);
    rig_quiet();
    ck_assert_int_eq(pipe(stay), 0);
    ck_assert_int_eq(pipe(used), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)close(stay[1]);
        result = (char)use_in_child(of_child[_i]);
        (void)!write(used[1], &result, 1);
        _exit(read(stay[0], &result, 1) == 0 ? 0 : 1);
    }
    ck_assert_int_eq(read(used[0], &result, 1), 1);
    ck_assert_int_eq(result, 0);
    rig_quiet();
    ck_assert_int_eq(a->gone + b->alone + control->alone + a->changed, 0);
    bcj2__link_ring(b->l, 1);
    until(a->change == 1 && control->change == 1);
    rig_close(b); /* the hang-up is heard though the child lives */
    until(a->gone == 1);
    rig_close(a); /* as is the end of the runner, and the lock is free */
    until(control->alone == 1);
    struct side *c = rig_open(false);
    ck_assert_int_eq(bcj2__link_role(c->l), LINK_RUNNER);
    until(control->client == 2);
    (void)close(stay[1]);
    ck_assert_int_eq(waitpid(pid, &how, 0), pid);
    ck_assert_int_eq(how, 0);
}
END_TEST

/* A child may open the queue for itself. */
START_TEST(a_forked_child_may_have_its_own)
{
    struct side *a = rig_open(false);
    int how = -1;
    rig_quiet();
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct link *own = NULL;
        struct link_event e = {.type = LINK_EV_GONE};
        bcj2_status s = bcj2__link_open(rig_folder, false, NULL, &own);
        (void)bcj2__link_close(a->l);
        while (BCJ2_SUCCEEDED(s) && e.type != LINK_EV_CLIENT) {
            s = bcj2__link_step(own);
            (void)bcj2__link_next(own, &e);
        }
        (void)bcj2__link_close(own);
        _exit(BCJ2_SUCCEEDED(s) ? 0 : 1);
    }
    until(waitpid(pid, &how, WNOHANG) == pid);
    ck_assert_int_eq(how, 0);
    until(a->gone == 1);
}
END_TEST

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS  60

static void *open_and_close(void *failed)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct link *l = NULL;
        struct link_event e;
        bcj2_status s = bcj2__link_open(rig_folder, i % 3 == 0, NULL, &l);
        for (int j = 0; j < 5 && BCJ2_SUCCEEDED(s); j++) {
            bcj2__link_ring(l, (uint64_t)(i + j));
            s = bcj2__link_step(l);
            while (bcj2__link_next(l, &e)) {
            }
        }
        *(bcj2_status *)failed = BCJ2_FAILED(s) ? s : *(bcj2_status *)failed;
        (void)bcj2__link_close(l);
    }
    return NULL;
}

/* While links come and go in some threads, another forks: no child keeps the lock. */
START_TEST(forks_while_links_come_and_go)
{
    pthread_t threads[THREADS];
    bcj2_status failed[THREADS] = {0};
    pid_t children[20];
    int stay[2];
    ck_assert_int_eq(pipe(stay), 0);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, open_and_close, &failed[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            char byte;
            (void)close(stay[1]);
            _exit(read(stay[0], &byte, 1) == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        assert_status(failed[i], BCJ2_OK);
    }
    struct side *a = rig_open(false);
    ck_assert_int_eq(bcj2__link_role(a->l), LINK_RUNNER);
    (void)close(stay[1]);
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        ck_assert_int_eq(waitpid(children[i], NULL, 0), children[i]);
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "processes", 100);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, a_killed_runner_is_followed_at_once);
    tcase_add_test(tc, idle_processes_sleep);
    tcase_add_test(tc, idle_processes_without_a_runner_sleep);

    tc = suite_case(suite, "fork", 60);
    tcase_add_checked_fixture(tc, rig_begin, rig_end);
    tcase_add_loop_test(tc, a_forked_child_keeps_nothing_alive, 0, 3);
    tcase_add_test(tc, a_forked_child_may_have_its_own);
    tcase_add_test(tc, forks_while_links_come_and_go);
}

SUITE_MAIN("link_processes", add_cases)
