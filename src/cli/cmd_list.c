/* SPDX-License-Identifier: MIT */
/* bcj2 list: looking, never changing. */
#include "cli.h"
#include "explain.h"
#include "find.h"
#include "out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "52%", "-" while the size is not known. */
static void format_percent(bcj2_job *job, char text[8])
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    (void)snprintf(text, 8, "-");
    if (BCJ2_FAILED(bcj2_get_progress(job, &p)) || p.bytes_total == BCJ2_SIZE_UNKNOWN) {
        return;
    }
    if (p.bytes_total > 0) {
        (void)snprintf(text, 8, "%u%%",
                       (unsigned)((double)p.bytes_transferred * 100 / (double)p.bytes_total));
    } else if (p.files_total > 0 && p.files_transferred == p.files_total) {
        (void)snprintf(text, 8, "100%%");
    }
}

static void list_job(bcj2_job *job)
{
    char id[BCJ2_GUID_TEXT_SIZE], progress[8];
    bcj2_job_state state = -1;
    bcj2_job_type type = -1;
    char *name = NULL;
    find_format_job(job, id);
    format_percent(job, progress);
    (void)bcj2_get_state(job, &state);
    (void)bcj2_get_type(job, &type);
    if (BCJ2_SUCCEEDED(bcj2_get_display_name(job, &name))) {
        (void)printf("%-36s  %-15s  %4s  %-12s  %s\n", id, explain_state(state), progress,
                     explain_type(type), out_clean(name));
    }
    bcj2_free(name);
}

int cmd_list(struct cli *cli)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job;
    uint32_t count = 0;
    int result = cli_open(cli, BCJ2_MANAGER_CONTROL_ONLY);
    if (result != EXIT_DONE) {
        return result;
    }
    bcj2_status status = bcj2_manager_enum_jobs(cli->manager, BCJ2_JOB_ENUM_ALL_USERS, &jobs);
    if (BCJ2_FAILED(status)) {
        return out_failed(cli, status, "cannot list the jobs");
    }
    (void)bcj2_job_enum_count(jobs, &count);
    out_json_jobs(cli);
    if (!cli->options.json && count > 0) {
        (void)printf("%-36s  %-15s  %4s  %-12s  %s\n", "ID", "STATE", "DONE", "TYPE", "NAME");
    } else if (count == 0) {
        out_say("the queue %s is empty", cli->queue);
    }
    while (bcj2_job_enum_next(jobs, &job) == BCJ2_OK) {
        if (cli->options.json) {
            out_json_add_job(cli, job);
        } else {
            list_job(job);
        }
        (void)bcj2_job_unref(job);
    }
    (void)bcj2_job_enum_unref(jobs);
    return EXIT_DONE;
}
