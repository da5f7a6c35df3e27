/* SPDX-License-Identifier: MIT */
/* bcj2 suspend, resume, cancel and complete: one call on each of some jobs. All ids are looked up
   before the first job is changed; a job that fails does not keep the others from their turn.

   The queue is opened without the right to move bytes: a program that ends in a moment must not begin
   transfers, and the one that runs the queue hears of the change at once. Complete works on the files
   in this process, so its umask counts. */
#include "cli.h"
#include "complete.h"
#include "explain.h"
#include "find.h"
#include "out.h"

struct verb {
    const char *name;
    bcj2_status (*call)(bcj2_job *job);
};

static int call_verb(struct cli *cli, const struct verb *verb, bcj2_job *job)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    find_format_job(job, id);
    bcj2_status status = verb->call(job);
    if (BCJ2_FAILED(status)) {
        return out_failed(cli, status, "cannot %s job %s", verb->name, id);
    }
    bcj2_job_state state = -1;
    (void)bcj2_get_state(job, &state); /* Suspend leaves one in ERROR or TRANSFERRED as it is */
    out_say("job %s is now %s", id, explain_state(state));
    if (status == BCJ2_S_UNABLE_TO_DELETE_FILES) {
        out_say("%s", bcj2_status_text(status));
    }
    return EXIT_DONE;
}

/* verb NULL: complete. */
static int for_each_job(struct cli *cli, const struct verb *verb)
{
    bcj2_job **jobs = NULL;
    int result = cli_open(cli, BCJ2_MANAGER_CONTROL_ONLY);
    if (result == EXIT_DONE) {
        result = find_arguments(cli, &jobs);
    }
    if (result != EXIT_DONE) {
        return result;
    }
    out_json_jobs(cli);
    for (int i = 0; i < cli->options.count; i++) {
        int one = verb == NULL ? complete_job(cli, jobs[i]) : call_verb(cli, verb, jobs[i]);
        if (one != EXIT_DONE && result != EXIT_FAILED) {
            result = one == EXIT_PARTIAL ? EXIT_PARTIAL : EXIT_FAILED;
        }
        out_json_add_job(cli, jobs[i]);
    }
    find_free(jobs, cli->options.count);
    return result;
}

int cmd_suspend(struct cli *cli)
{
    static const struct verb verb = {"suspend", bcj2_suspend};
    return for_each_job(cli, &verb);
}

int cmd_resume(struct cli *cli)
{
    static const struct verb verb = {"resume", bcj2_resume};
    int result = for_each_job(cli, &verb);
    if (result == EXIT_DONE) {
        explain_no_runner(cli);
    }
    return result;
}

/* The runner says the goodbyes that are due. If there is none, opening the queue as one does; not while
   other jobs wait: they would start for a moment only because one was dropped. Whoever runs them says
   goodbye as well. */
static void tell_the_server(struct cli *cli)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    if (BCJ2_SUCCEEDED(bcj2_manager_get_info(cli->manager, &info)) && info.goodbyes > 0 &&
        info.runner_pid == 0 && info.jobs_to_move == 0) {
        cli_close(cli);
        (void)cli_open(cli, 0);
    }
}

int cmd_cancel(struct cli *cli)
{
    static const struct verb verb = {"cancel", bcj2_cancel};
    int result = for_each_job(cli, &verb);
    if (cli->manager != NULL) {
        tell_the_server(cli);
    }
    return result;
}

int cmd_complete(struct cli *cli)
{
    return for_each_job(cli, NULL);
}
