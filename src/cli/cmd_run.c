/* SPDX-License-Identifier: MIT */
/* bcj2 run: being the process that moves bytes, or the next one that does. It sleeps until something
   in the queue changes, whoever changed it, and tells what is new. */
#include "cli.h"
#include "explain.h"
#include "find.h"
#include "interrupt.h"
#include "out.h"
#include "roster.h"
#include "since.h"

#include <inttypes.h>

#define BIT(state) (1u << (state))
#define TO_MOVE                                                    \
    (BIT(BCJ2_JOB_STATE_QUEUED) | BIT(BCJ2_JOB_STATE_CONNECTING) | \
     BIT(BCJ2_JOB_STATE_TRANSFERRING) | BIT(BCJ2_JOB_STATE_TRANSIENT_ERROR))

struct run {
    struct roster
        before; /* --until-idle: before this process moved anything; its handles are closed */
    struct roster roster;
    bool looked;        /* once at least */
    int64_t runner_pid; /* as last told */
    bool idle;          /* as last told */
};

static void pass(void *user, struct roster_job *job, enum roster_event event)
{
    (void)user;
    (void)job;
    (void)event;
}

/* Jobs move as soon as the queue is open to move them, and short ones are over before they are looked at:
   whether one failed is only asked at the end of --until-idle. */
static int look_before(struct cli *cli, struct run *run)
{
    int result = cli_open(cli, BCJ2_MANAGER_CONTROL_ONLY);
    if (result != EXIT_DONE) {
        return result;
    }
    bcj2_status status = roster_look(&run->before, cli->manager, 0, pass, NULL);
    if (BCJ2_FAILED(status)) {
        result = out_failed(cli, status, "cannot watch the queue");
    }
    cli_close(cli);
    return result;
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

/* Jobs that rested when we came are none of ours until they move; nor is one that is being made. */
static void visit(void *user, struct roster_job *job, enum roster_event event)
{
    const struct run *run = user;
    const struct roster_job *before =
        event == ROSTER_NEW ? roster_find(&run->before, &job->id) : NULL;
    bool to_move =
        (BIT(job->state) & TO_MOVE) != 0 || (before != NULL && (BIT(before->state) & TO_MOVE) != 0);
    job->moved = job->moved || to_move || (event == ROSTER_NEW && run->looked);
    bool news = event == ROSTER_NEW
                    ? to_move || (run->looked && job->state != BCJ2_JOB_STATE_SUSPENDED)
                    : job->state != job->told;
    if (news) {
        tell(job->job, job->state);
    }
    job->told = job->state;
}

/* Looks round, and tells what is new of the jobs and of who moves them. *ret_idle: nothing is left that
   a runner would do. */
static bcj2_status look(struct cli *cli, struct run *run, uint64_t change, bool *ret_idle)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    bcj2_status status = bcj2_manager_get_info(cli->manager, &info);
    if (BCJ2_SUCCEEDED(status)) { /* after it: what left nothing to do is seen */
        status = roster_look(&run->roster, cli->manager, change, visit, run);
    }
    if (BCJ2_FAILED(status)) {
        return status;
    }
    run->looked = true;
    if (info.runner_pid != run->runner_pid && info.runner_pid != 0) {
        if (info.is_runner == 0) {
            out_say("process %" PRId64 " moves the jobs of this queue; this one does if it ends",
                    info.runner_pid);
        } else if (run->runner_pid != 0) {
            out_say("this process moves the jobs of the queue now");
        }
        run->runner_pid = info.runner_pid;
    }
    *ret_idle = info.jobs_to_move == 0 && info.goodbyes == 0 && info.commands == 0;
    if (*ret_idle && !run->idle && !cli->options.until_idle) {
        out_say("nothing to do; waiting for SIGINT or SIGTERM");
    }
    run->idle = *ret_idle;
    return BCJ2_OK;
}

/* Until a signal comes, or with --until-idle nothing is left to do. */
static bcj2_status watch_queue(struct cli *cli, struct run *run)
{
    bool idle = false;
    uint64_t change = 0;
    bcj2_status status = bcj2_manager_wait(cli->manager, &change, 0);
    while (BCJ2_SUCCEEDED(status) || status == BCJ2_E_ABORT) {
        uint64_t before = since_now_ms();
        if ((interrupt_news() & INTERRUPT_END) != 0) {
            return BCJ2_OK;
        }
        status = look(cli, run, change, &idle);
        if (BCJ2_FAILED(status) || (idle && cli->options.until_idle)) {
            return status;
        }
        /* where very much changes, looking at all of it would take longer than the transfers do */
        interrupt_rest(since_rest_ms(before));
        status = bcj2_manager_wait(cli->manager, &change, -1);
    }
    return status;
}

/* Whether one that moved while we watched is in ERROR now. */
static bool has_failed(const struct run *run)
{
    for (size_t i = 0; i < run->roster.count; i++) {
        if (run->roster.jobs[i].moved && run->roster.jobs[i].state == BCJ2_JOB_STATE_ERROR) {
            return true;
        }
    }
    return false;
}

static void add_to_document(void *user, struct roster_job *job, enum roster_event event)
{
    if (event != ROSTER_GONE) {
        out_json_add_job(user, job->job);
    }
}

/* The queue as this process leaves it. */
static int add_all_to_document(struct cli *cli)
{
    struct roster roster = {0};
    if (!cli->options.json) {
        return EXIT_DONE;
    }
    int result = cli_open(cli, BCJ2_MANAGER_CONTROL_ONLY);
    if (result != EXIT_DONE) {
        return result;
    }
    out_json_jobs(cli);
    bcj2_status status = roster_look(&roster, cli->manager, 0, add_to_document, cli);
    roster_free(&roster);
    return BCJ2_FAILED(status) ? out_failed(cli, status, "cannot list the jobs") : EXIT_DONE;
}

int cmd_run(struct cli *cli)
{
    struct run run = {0};
    if (!interrupt_start(false)) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot wait for signals");
    }
    interrupt_hold();
    int result = cli->options.until_idle ? look_before(cli, &run) : EXIT_DONE;
    if (result == EXIT_DONE) {
        result = cli_open(cli, 0);
    }
    if (result != EXIT_DONE) {
        roster_free(&run.before);
        interrupt_end(cli);
        return result;
    }
    interrupt_tell(cli);
    bcj2_status status = watch_queue(cli, &run);
    interrupt_hold(); /* what was begun ends in order; a third signal ends it at once */
    bool until_idle = cli->options.until_idle, failed = has_failed(&run);
    if (BCJ2_FAILED(status)) {
        result = out_failed(cli, status, "cannot watch the queue");
    }
    roster_free(&run.roster);
    roster_free(&run.before);
    cli_close(cli);
    interrupt_end(cli);
    if (cli->signal != 0) {
        out_say("stopped; the jobs stay in the queue");
    }
    if (!until_idle) {
        cli->signal = 0; /* that is how it is ended */
    }
    if (result == EXIT_DONE) {
        result = add_all_to_document(cli);
    }
    return result == EXIT_DONE && failed && until_idle ? EXIT_FAILED : result;
}
