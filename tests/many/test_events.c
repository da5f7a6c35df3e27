/* SPDX-License-Identifier: MIT */
/* A thousand jobs that end at once, and processes that want to be told: each event is told at least once,
   whoever is killed meanwhile. How often is printed. Not here: the rules of callbacks and of the command
   line for one job (tests/api/test_notify_callbacks.c, test_notify_command.c). */
#include "../support/client.h"
#include "../support/folder.h"
#include "../support/suite.h"
#include "../support/trials.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define LISTENERS 3u

static char folder[FOLDER_PATH_SIZE];
static unsigned jobs; /* how many */

static const char *path_of(const char *name)
{
    static char paths[4][FOLDER_PATH_SIZE];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    folder_in(path, folder, name);
    return path;
}

/* ---- the other processes ---- */

struct worker {
    pid_t pid; /* 0: none */
    int in, out;
};

static struct worker start(unsigned first, unsigned last)
{
    int in[2], out[2];
    char from[16], to[16], byte = 0;
    struct worker w = {0};
    const char *program = getenv("BCJ2_TEST_EVENTS_WORKER");
    ck_assert_ptr_nonnull(program);
    (void)snprintf(from, sizeof from, "%u", first);
    (void)snprintf(to, sizeof to, "%u", last);
    const char *queue = path_of("queue"), *log = path_of("log");
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    (void)fcntl(in[1], F_SETFD, FD_CLOEXEC);
    (void)fcntl(out[0], F_SETFD, FD_CLOEXEC);
    w.pid = fork();
    ck_assert_int_ge(w.pid, 0);
    if (w.pid == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)close(in[0]);
        (void)close(out[1]);
        (void)execl(program, program, queue, from, to, log, (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    w.in = in[1];
    w.out = out[0];
    do { /* events may come before it is ready */
        ck_assert_int_eq(read(w.out, &byte, 1), 1);
    } while (byte != 'r');
    return w;
}

/* Waits until it was told of so many events; false: it has not been within a minute. */
static bool was_told(const struct worker *w, unsigned events)
{
    struct pollfd fd = {.fd = w->out, .events = POLLIN};
    char bytes[64];
    for (unsigned seen = 0; seen < events;) {
        size_t most = events - seen < sizeof bytes ? events - seen : sizeof bytes;
        ssize_t n = poll(&fd, 1, 60000) == 1 ? read(w->out, bytes, most) : 0;
        if (n <= 0) {
            return false;
        }
        seen += (unsigned)n;
    }
    return true;
}

static void stop(struct worker *w, bool killed)
{
    int status = 0;
    if (w->pid == 0) {
        return;
    }
    if (killed) {
        ck_assert_int_eq(kill(w->pid, SIGKILL), 0);
    }
    (void)close(w->in);
    while (waitpid(w->pid, &status, 0) < 0) {
        ck_assert_int_eq(errno, EINTR);
    }
    ck_assert_msg(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0),
                  "a worker ended with 0x%x", (unsigned)status);
    (void)close(w->out);
    w->pid = 0;
}

/* ---- the jobs ---- */

static void make_jobs(bcj2_manager *manager)
{
    client_make_file(path_of("source"), 100, 1);
    ck_assert_int_eq(mkdir(path_of("out"), 0700), 0);
    for (unsigned i = 0; i < jobs; i++) {
        char name[16], target[32];
        bcj2_guid id;
        bcj2_job *job = NULL;
        (void)snprintf(name, sizeof name, "%u", i);
        (void)snprintf(target, sizeof target, "out/%u", i);
        assert_status(bcj2_manager_create_job(manager, name, BCJ2_JOB_TYPE_DOWNLOAD, &id, &job),
                      BCJ2_OK);
        assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), BCJ2_OK);
        assert_status(bcj2_add_file(job, path_of("source"), path_of(target)), BCJ2_OK);
        assert_status(bcj2_resume(job), BCJ2_OK);
        bcj2_job_unref(job);
    }
}

static void say_what_is_owed(bcj2_manager *manager, unsigned over, uint64_t number)
{
    bcj2_event event = BCJ2_EVENT_INIT;
    bcj2_job *job = NULL;
    char *text = NULL;
    (void)fprintf(stderr, "%u of %u events were told\n", over, jobs);
    if (bcj2_manager_get_event(manager, number, &event) == BCJ2_OK &&
        bcj2_manager_get_job(manager, &event.job, &job) == BCJ2_OK &&
        bcj2_get_json(job, &text) == BCJ2_OK) {
        (void)fprintf(stderr, "event %llu, %llu attempts, of %s\n",
                      (unsigned long long)event.number, (unsigned long long)event.attempts, text);
    }
    bcj2_free(text);
    bcj2_job_unref(job);
}

/* Waits until nobody is owed anything any more; false: not within a minute. */
static bool all_told(bcj2_manager *manager)
{
    uint64_t end_us = client_now_us() + 60000000u, change = 0, number = 0;
    unsigned over = 0;
    while (client_now_us() < end_us) {
        bcj2_event event = BCJ2_EVENT_INIT;
        bcj2_status s = BCJ2_OK;
        while ((s = bcj2_manager_get_event(manager, number, &event)) == BCJ2_OK &&
               event.result != BCJ2_EVENT_OWED) {
            number = event.number;
            over++;
        }
        ck_assert(BCJ2_SUCCEEDED(s));
        if (over == jobs) {
            return true;
        }
        ck_assert(BCJ2_SUCCEEDED(bcj2_manager_wait(manager, &change, 1000)));
    }
    say_what_is_owed(manager, over, number);
    return false;
}

/* How often each was told. */
static void count(unsigned *ret_once, unsigned *ret_more)
{
    unsigned *told = calloc(jobs, sizeof *told), number = 0;
    char line[64];
    int kind = 0;
    FILE *log = fopen(path_of("log"), "r");
    ck_assert_ptr_nonnull(told);
    ck_assert_ptr_nonnull(log);
    while (fgets(line, sizeof line, log) != NULL) {
        ck_assert_int_eq(sscanf(line, "%u %d", &number, &kind), 2);
        ck_assert_uint_lt(number, jobs);
        ck_assert_int_eq(kind, BCJ2_NOTIFY_JOB_TRANSFERRED);
        told[number]++;
    }
    (void)fclose(log);
    *ret_once = *ret_more = 0;
    for (unsigned i = 0; i < jobs; i++) {
        ck_assert_msg(told[i] > 0, "nobody was told of job %u", i);
        *ret_once += told[i] == 1;
        *ret_more += told[i] > 1;
    }
    free(told);
}

static unsigned first_of(unsigned listener)
{
    return listener * jobs / LISTENERS;
}

/* One of three is killed in the middle, the one that moves the bytes, too. What the killed one had is set
   again by another process. */
static void trial(uint32_t seed)
{
    uint32_t random = trial_random(seed);
    struct worker listeners[LISTENERS], mover;
    unsigned victim = client_random(&random) % LISTENERS, once = 0, more = 0;
    jobs = client_long() ? 1000 : 150;
    folder_make(folder);
    bcj2_manager *manager = client_open_to_look(path_of("queue"));
    make_jobs(manager);
    for (unsigned i = 0; i < LISTENERS; i++) {
        listeners[i] = start(first_of(i), first_of(i + 1));
    }
    mover = start(0, 0);
    unsigned share = first_of(victim + 1) - first_of(victim);
    ck_assert(was_told(&listeners[victim], 1 + client_random(&random) % (share / 2)));
    stop(&listeners[victim], true);
    if (client_random(&random) % 2 == 0) {
        stop(&mover, true);
        mover = start(0, 0);
    }
    struct worker heir = start(first_of(victim), first_of(victim + 1));
    ck_assert(all_told(manager));
    stop(&heir, false);
    for (unsigned i = 0; i < LISTENERS; i++) {
        stop(&listeners[i], false);
    }
    stop(&mover, false);
    count(&once, &more);
    (void)printf("%u events: %u told once, %u more than once\n", jobs, once, more);
    (void)fflush(stdout);
    bcj2_manager_close(manager);
    folder_remove(folder);
}

START_TEST(each_event_is_told_at_least_once)
{
    trials("events", "the test of events", trial, 4, 20);
}
END_TEST

static void add_cases(Suite *suite)
{
    tcase_add_test(suite_case(suite, "events", 0), each_event_is_told_at_least_once);
}

SUITE_MAIN("events", add_cases)
