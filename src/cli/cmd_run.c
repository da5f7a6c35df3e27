/* SPDX-License-Identifier: MIT */
/* bcj2 run: being the process that moves bytes. It sleeps until something changes: in a wait on one
   unfinished job, the one that most likely changes next; the others are looked at when it wakes. */
#include "cli.h"
#include "explain.h"
#include "find.h"
#include "interrupt.h"
#include "out.h"

#include <stdlib.h>
#include <time.h>

#define BIT(state) (1u << (state))
#define ALL_STATES (BIT(BCJ2_JOB_STATE_CANCELLED + 1) - 1u)
#define ACTIVE                                                     \
    (BIT(BCJ2_JOB_STATE_QUEUED) | BIT(BCJ2_JOB_STATE_CONNECTING) | \
     BIT(BCJ2_JOB_STATE_TRANSFERRING) | BIT(BCJ2_JOB_STATE_TRANSIENT_ERROR))
/* In a long queue looking at every job after every change would take longer than the transfers. */
#define LOOK_ROUND_MS 1000u

struct watched {
    bcj2_job *job;
    bcj2_job_state state; /* as last told */
};

struct watch {
    struct watched *jobs; /* the active ones, in creation order */
    size_t count;
    uint64_t looked_ms; /* when all were looked at last; 0: not yet */
    bool failed;        /* a job went to ERROR, or is gone */
};

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* One line for a state. */
static void tell(bcj2_job *job, bcj2_job_state state)
{
    char id[BCJ2_GUID_TEXT_SIZE], error[3072];
    char *name = NULL, *why = NULL;
    find_format_job(job, id);
    (void)bcj2_get_display_name(job, &name);
    explain_error(job, error);
    if (state == BCJ2_JOB_STATE_ERROR && error[0] != '\0') {
        out_say("%s %s: %s: %s", id, name == NULL ? "" : name, explain_state(state), error);
    } else {
        (void)bcj2_get_status_text(job, &why);
        out_say("%s %s: %s%s%s", id, name == NULL ? "" : name, explain_state(state),
                why == NULL ? "" : ": ", why == NULL ? "" : why);
    }
    bcj2_free(name);
    bcj2_free(why);
}

/* Notes what the job is in now. false: it is not active any more. */
static bool update(struct watch *watch, struct watched *watched, bcj2_job_state state)
{
    if (state != watched->state) {
        tell(watched->job, state);
        watched->state = state;
    }
    if ((BIT(state) & ACTIVE) != 0) {
        return true;
    }
    if (state == BCJ2_JOB_STATE_ERROR || state == BCJ2_JOB_STATE_CANCELLED) {
        watch->failed = true;
    }
    return false;
}

static int load(struct cli *cli, struct watch *watch)
{
    bcj2_job_enum *jobs = NULL;
    uint32_t total = 0;
    bcj2_status status = bcj2_manager_enum_jobs(cli->manager, BCJ2_JOB_ENUM_ALL_USERS, &jobs);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_job_enum_count(jobs, &total);
    }
    watch->jobs = calloc((size_t)total + 1, sizeof *watch->jobs);
    if (BCJ2_FAILED(status) || watch->jobs == NULL) {
        (void)bcj2_job_enum_unref(jobs);
        return out_failed(cli, BCJ2_FAILED(status) ? status : BCJ2_E_OUTOFMEMORY,
                          "cannot list the jobs");
    }
    struct watched one;
    while (watch->count < total && bcj2_job_enum_next(jobs, &one.job) == BCJ2_OK) {
        if (BCJ2_SUCCEEDED(bcj2_get_state(one.job, &one.state)) && (BIT(one.state) & ACTIVE) != 0) {
            tell(one.job, one.state);
            watch->jobs[watch->count++] = one;
        } else {
            (void)bcj2_job_unref(one.job);
        }
    }
    (void)bcj2_job_enum_unref(jobs);
    return EXIT_DONE;
}

static void forget(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        (void)bcj2_job_unref(watch->jobs[i].job);
    }
    free(watch->jobs);
}

/* Looks at every job, tells what is new and drops those that are not active any more. */
static bcj2_status look_round(struct watch *watch)
{
    size_t kept = 0;
    bcj2_status status = BCJ2_OK;
    for (size_t i = 0; i < watch->count; i++) {
        bcj2_job_state state = watch->jobs[i].state;
        bcj2_status one = bcj2_get_state(watch->jobs[i].job, &state);
        if (one == BCJ2_E_NOT_FOUND) {
            state = BCJ2_JOB_STATE_CANCELLED;
        } else if (BCJ2_FAILED(one)) {
            status = one;
        }
        if (update(watch, &watch->jobs[i], state)) {
            watch->jobs[kept++] = watch->jobs[i];
        } else {
            (void)bcj2_job_unref(watch->jobs[i].job);
        }
    }
    watch->count = kept;
    watch->looked_ms = now_ms();
    return status;
}

/* The job that will most likely change next: a running one, else the first that waits in the queue,
   else the one with the earliest next attempt. */
static struct watched *likely_next(struct watch *watch)
{
    struct watched *queued = NULL, *retry = NULL;
    bcj2_filetime earliest = UINT64_MAX;
    for (size_t i = 0; i < watch->count; i++) {
        struct watched *one = &watch->jobs[i];
        bcj2_filetime next = 0;
        if (one->state == BCJ2_JOB_STATE_CONNECTING || one->state == BCJ2_JOB_STATE_TRANSFERRING) {
            return one;
        }
        if (one->state == BCJ2_JOB_STATE_QUEUED) {
            queued = queued == NULL ? one : queued;
        } else if (BCJ2_SUCCEEDED(bcj2_get_next_attempt(one->job, &next)) &&
                   (retry == NULL || next < earliest)) {
            retry = one;
            earliest = next;
        }
    }
    return queued != NULL ? queued : retry != NULL ? retry : watch->jobs;
}

/* Until no job is active. BCJ2_E_CLOSED: a signal came first. */
static bcj2_status watch_jobs(struct watch *watch)
{
    bcj2_status status = BCJ2_OK;
    while (watch->count > 0 && BCJ2_SUCCEEDED(status)) {
        struct watched *one = likely_next(watch);
        bcj2_job_state state = one->state;
        status = bcj2_wait(one->job, ALL_STATES & ~BIT(state), -1, &state);
        if (BCJ2_FAILED(status)) {
            break;
        }
        bool active = update(watch, one, state);
        if (!active || now_ms() - watch->looked_ms >= LOOK_ROUND_MS) {
            status = look_round(watch);
        }
    }
    return status;
}

/* The queue as it is now. A signal has closed it: it is opened again, to look. */
static int add_all_to_document(struct cli *cli)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job;
    if (!cli->options.json) {
        return EXIT_DONE;
    }
    int result = cli->manager != NULL ? EXIT_DONE : cli_open(cli, BCJ2_MANAGER_CONTROL_ONLY);
    if (result != EXIT_DONE) {
        return result;
    }
    out_json_jobs(cli);
    bcj2_status status = bcj2_manager_enum_jobs(cli->manager, BCJ2_JOB_ENUM_ALL_USERS, &jobs);
    if (BCJ2_FAILED(status)) {
        return out_failed(cli, status, "cannot list the jobs");
    }
    while (bcj2_job_enum_next(jobs, &job) == BCJ2_OK) {
        out_json_add_job(cli, job);
        (void)bcj2_job_unref(job);
    }
    (void)bcj2_job_enum_unref(jobs);
    return EXIT_DONE;
}

int cmd_run(struct cli *cli)
{
    struct watch watch = {0};
    if (!interrupt_start()) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot wait for signals");
    }
    interrupt_hold();
    int result = cli_open(cli, 0);
    if (result == EXIT_DONE) {
        result = load(cli, &watch);
    }
    if (result != EXIT_DONE) {
        interrupt_end(cli);
        forget(&watch);
        return result;
    }
    bool until_idle = cli->options.until_idle;
    interrupt_close_on_signal(cli);
    bcj2_status status = watch_jobs(&watch);
    if (!until_idle && BCJ2_SUCCEEDED(status)) {
        out_say("nothing to do; waiting for SIGINT or SIGTERM");
        interrupt_wait();
    }
    interrupt_end(cli);
    forget(&watch);
    if (cli->signal == 0 && BCJ2_FAILED(status)) {
        return out_failed(cli, status, "cannot wait for the jobs");
    }
    if (cli->signal != 0) {
        out_say("stopped; the jobs stay in the queue");
    }
    if (!until_idle) {
        cli->signal = 0; /* that is how it is ended */
    }
    result = add_all_to_document(cli);
    return result == EXIT_DONE && watch.failed && until_idle ? EXIT_FAILED : result;
}
