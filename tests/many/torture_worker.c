/* SPDX-License-Identifier: MIT */
/* A process of a storm (test_torture.c):

       work FOLDER URL LIFE SEED   calls at random until standard input ends
       scout FOLDER                for each line on standard input: "RUNNER JOBS", never moves bytes
       heir FOLDER                 opens, says so, does nothing until standard input ends
       finish FOLDER URL           brings all jobs to their end (torture_finish.c)
       rows FOLDER                 what is in the database (torture_finish.c)

   Not here: the calls (torture_calls.c, torture_look.c). */
#include "torture_worker.h"
#include "../support/sanitizer.h"
#include "timeouts.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_JOBS 24u /* that are not over, in all */
#define WAIT_MS   50

#ifdef SANITIZER_THREAD
/* At the first race, not at the end: few of these processes live to see it. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "halt_on_error=1";
}
#endif

/* ---- the other thread: waits for changes all the time ---- */

static struct {
    pthread_t thread;
    atomic_bool stop;
} waiter;

static void *wait_for_changes(void *argument)
{
    struct worker *w = argument;
    uint64_t change = 0;
    while (!atomic_load(&waiter.stop)) {
        uint64_t last = change;
        bcj2_status s = bcj2_manager_wait(w->manager, &change, WAIT_MS);
        /* the same number: another process is the runner */
        if ((s != BCJ2_OK || change < last) && (s != BCJ2_S_FALSE || change != last)) {
            worker_fail(w, "manager_wait from %" PRIu64 " to %" PRIu64 ": %s: %s", last, change,
                        bcj2_status_name(s), bcj2_last_detail());
        }
    }
    return NULL;
}

static void begin(struct worker *w)
{
    worker_open(w, 0);
    atomic_store(&waiter.stop, false);
    if (pthread_create(&waiter.thread, NULL, wait_for_changes, w) != 0) {
        worker_fail(w, "no thread");
    }
}

static void end(struct worker *w)
{
    atomic_store(&waiter.stop, true);
    call_begin(w, CALL_MANAGER_WAIT);
    (void)pthread_join(waiter.thread, NULL);
    call_end();
    worker_close(w);
}

/* ---- what is done at random ---- */

/* Made, and not over as far as we know; every second time one of the newest: all processes meet there. */
static struct known *pick(struct worker *w)
{
    size_t count = w->journal.count;
    size_t from = worker_random(w, 2) == 0 && count > 6 ? count - 6 : count > 60 ? count - 60 : 0;
    struct known *found = NULL;
    unsigned seen = 0;
    for (size_t i = from; i < count; i++) {
        struct known *k = w->journal.jobs[i];
        if (k->made && !known_is_over(k) && worker_random(w, ++seen) == 0) {
            found = k;
        }
    }
    return found;
}

static void wait_a_little(struct worker *w, struct known *k)
{
    bcj2_job_state state = -1;
    const uint32_t mask =
        1u << BCJ2_JOB_STATE_TRANSFERRED | (worker_random(w, 2) << BCJ2_JOB_STATE_SUSPENDED);
    if (worker_job(w, k) == NULL) {
        return;
    }
    call_begin(w, CALL_WAIT);
    bcj2_status s = bcj2_wait(k->handle, mask, worker_random(w, WAIT_MS), &state);
    call_end();
    worker_judge(w, CALL_WAIT, k, s);
    if (s == BCJ2_OK && (mask & 1u << state) == 0) {
        worker_fail(w, "waiting for 0x%x of %s returned in state %d", (unsigned)mask, k->tag,
                    (int)state);
    }
}

/* One that is over: nothing can be done to it, whatever process it was that ended it. */
static void poke_the_dead(struct worker *w)
{
    struct known *k = NULL;
    for (int i = 0; i < 8 && k == NULL && w->journal.count > 0; i++) {
        k = w->journal.jobs[worker_random(w, (uint32_t)w->journal.count)];
        k = k->made && known_is_over(k) ? k : NULL;
    }
    if (k != NULL) {
        static const enum call any[] = {CALL_SUSPEND, CALL_RESUME, CALL_CANCEL, CALL_COMPLETE};
        (void)worker_change(w, k, any[worker_random(w, 4)], 0);
        if (k->handle != NULL) {
            worker_look(w, k);
            k->handle = bcj2_job_unref(k->handle);
        }
    }
}

static void change_one(struct worker *w, struct known *k, uint32_t dice)
{
    if (dice < 20) {
        if (k->added == 0 || worker_random(w, 8) == 0) {
            (void)worker_change(w, k, CALL_ADD, 0);
        }
        (void)worker_change(w, k, CALL_RESUME, 0);
    } else if (dice < 26) {
        (void)worker_change(w, k, CALL_RESUME, 0);
    } else if (dice < 36 && k->mine) {
        (void)worker_change(w, k, CALL_DESCRIBE, ++w->described);
    } else if (dice < 40) {
        (void)worker_change(w, k, CALL_PRIORITY, worker_random(w, 4));
    } else if (dice < 42 && known_has_reply(k)) {
        (void)worker_change(w, k, CALL_NAME, 0);
    } else if (dice < 47) {
        (void)worker_change(w, k, CALL_SUSPEND, 0);
    } else if (dice < 49) {
        if (worker_random(w, 6) == 0) { /* most are to be completed */
            (void)worker_change(w, k, CALL_CANCEL, 0);
        }
    } else {
        (void)worker_change(w, k, CALL_COMPLETE, 0);
    }
}

static void do_something(struct worker *w)
{
    uint32_t dice = worker_random(w, 100);
    struct known *k = pick(w);
    if (k == NULL || dice < 4) {
        unsigned live = 0;
        for (size_t i = 0; i < w->journal.count; i++) {
            live += w->journal.jobs[i]->made && !known_is_over(w->journal.jobs[i]);
        }
        if (live < MOST_JOBS) {
            worker_create(w, TORTURE_SOURCES);
        }
    } else if (dice < 6) {
        poke_the_dead(w);
    } else if (dice < 9) {
        (void)worker_list(w);
    } else if (dice == 9) {
        end(w);
        begin(w);
    } else if (dice < 14) {
        worker_read_reply(w, k);
    } else if (dice < 24) {
        worker_look(w, k);
    } else if (dice < 32) {
        wait_a_little(w, k);
    } else {
        change_one(w, k, worker_random(w, 64));
    }
    if (k != NULL && worker_random(w, 2) == 0) {
        k->handle = bcj2_job_unref(k->handle);
    }
}

static bool told_to_end(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&in, 1, 0) != 0;
}

static int work(struct worker *w)
{
    begin(w);
    while (!told_to_end()) {
        journal_read(&w->journal);
        do_something(w);
    }
    end(w);
    return EXIT_SUCCESS;
}

/* ---- the scout ---- */

static int scout(struct worker *w)
{
    char line[16];
    worker_open(w, BCJ2_MANAGER_CONTROL_ONLY);
    while (fgets(line, sizeof line, stdin) != NULL) {
        bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
        call_begin(w, CALL_INFO);
        bcj2_status s = bcj2_manager_get_info(w->manager, &info);
        call_end();
        worker_judge(w, CALL_INFO, NULL, s);
        if (info.is_runner != 0) {
            worker_fail(w, "a process that may not run is the runner");
        }
        (void)printf("%" PRId64 " %" PRIu64 "\n", info.runner_pid, info.jobs);
        (void)fflush(stdout);
    }
    worker_close(w);
    return EXIT_SUCCESS;
}

/* ---- the heir ---- */

static int inherit(struct worker *w)
{
    char c = '.';
    worker_open(w, 0);
    if (write(STDOUT_FILENO, &c, 1) != 1) {
        worker_fail(w, "nobody listens");
    }
    while (read(STDIN_FILENO, &c, 1) > 0) {
    }
    worker_close(w);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct worker w;
    int result = 2;
    if (argc < 3) {
        return result;
    }
    bool working = strcmp(argv[1], "work") == 0 && argc == 6;
    bcj2__timeouts.retry_delay_min_s = 0;
    (void)snprintf(w.folder, sizeof w.folder, "%s", argv[2]);
    (void)snprintf(w.url, sizeof w.url, "%s", argc > 3 ? argv[3] : "");
    w.life = working ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
    w.random = working ? (uint32_t)strtoul(argv[5], NULL, 10) | 1u : 1u;
    journal_open(&w.journal, worker_path(&w, "journal"), working ? argv[4] : argv[1]);
    if (working) {
        result = work(&w);
    } else if (strcmp(argv[1], "scout") == 0) {
        result = scout(&w);
    } else if (strcmp(argv[1], "heir") == 0) {
        result = inherit(&w);
    } else if (strcmp(argv[1], "finish") == 0) {
        result = torture_finish(&w);
    } else if (strcmp(argv[1], "rows") == 0) {
        result = torture_rows(&w);
    }
    journal_close(&w.journal);
    return result;
}
