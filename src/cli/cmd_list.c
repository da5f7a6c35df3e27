/* SPDX-License-Identifier: MIT */
/* bcj2 list and show: looking, never changing. */
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
    bcj2_status status = bcj2_manager_enum_jobs(cli->manager, 0, &jobs);
    if (BCJ2_FAILED(status)) {
        return out_failed(cli, status, "cannot list the jobs");
    }
    (void)bcj2_job_enum_count(jobs, &count);
    out_json_jobs(cli);
    if (!cli->options.json && count > 0) {
        (void)printf("%-36s  %-15s  %4s  %-12s  %s\n", "ID", "STATE", "SENT", "TYPE", "NAME");
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

/* "1.0 MiB of 24.0 MiB (1048576 of 25165824 bytes)" */
static void show_bytes(const char *name, uint64_t done, uint64_t total)
{
    char a[32], b[32];
    out_size(done, a);
    if (total == BCJ2_SIZE_UNKNOWN) {
        out_field(name, "%s (%" PRIu64 " bytes), size not known yet", a, done);
        return;
    }
    out_size(total, b);
    out_field(name, "%s of %s (%" PRIu64 " of %" PRIu64 " bytes)", a, b, done, total);
}

static void show_files(bcj2_job *job)
{
    bcj2_file_enum *files = NULL;
    bcj2_file *file;
    if (BCJ2_FAILED(bcj2_enum_files(job, &files))) {
        return;
    }
    while (bcj2_file_enum_next(files, &file) == BCJ2_OK) {
        char *path = NULL, *url = NULL;
        if (BCJ2_SUCCEEDED(bcj2_file_get_local_name(file, &path)) &&
            BCJ2_SUCCEEDED(bcj2_file_get_remote_name(file, &url))) {
            out_field("file", "%s", path);
            out_field("url", "%s", url);
        }
        bcj2_free(path);
        bcj2_free(url);
        (void)bcj2_file_unref(file);
    }
    (void)bcj2_file_enum_unref(files);
}

static void show_progress(bcj2_job *job)
{
    bcj2_job_progress sent = BCJ2_JOB_PROGRESS_INIT;
    bcj2_reply_progress reply = BCJ2_REPLY_PROGRESS_INIT;
    char *name = NULL;
    if (BCJ2_SUCCEEDED(bcj2_get_progress(job, &sent))) {
        show_bytes("sent", sent.bytes_transferred, sent.bytes_total);
    }
    if (BCJ2_SUCCEEDED(bcj2_get_reply_progress(job, &reply)) &&
        reply.bytes_total != BCJ2_SIZE_UNKNOWN) {
        show_bytes("reply", reply.bytes_transferred, reply.bytes_total);
    }
    if (BCJ2_SUCCEEDED(bcj2_get_reply_file_name(job, &name)) && name != NULL) {
        out_field("reply file", "%s", name);
    }
    bcj2_free(name);
}

static void show_times(bcj2_job *job)
{
    bcj2_job_times times = BCJ2_JOB_TIMES_INIT;
    bcj2_filetime next = 0;
    char text[32];
    if (BCJ2_SUCCEEDED(bcj2_get_times(job, &times))) {
        out_time(times.creation_time, text);
        out_field("created", "%s", text);
        out_time(times.modification_time, text);
        out_field("changed", "%s", text);
        out_time(times.transfer_completion_time, text);
        out_field("transferred", "%s", text);
    }
    if (BCJ2_SUCCEEDED(bcj2_get_next_attempt(job, &next)) && next != 0) {
        out_time(next, text);
        out_field("next try", "%s", text);
    }
}

/* Who moves it, if it is one that has to be moved. */
static void show_runner(struct cli *cli, bcj2_job_state state)
{
    if (state != BCJ2_JOB_STATE_QUEUED && state != BCJ2_JOB_STATE_CONNECTING &&
        state != BCJ2_JOB_STATE_TRANSFERRING && state != BCJ2_JOB_STATE_TRANSIENT_ERROR) {
        return;
    }
    int64_t runner = cli_runner(cli);
    if (runner != 0) {
        out_field("moved by", "process %" PRId64, runner);
    } else {
        out_field("moved by", "no program now; \"bcj2 run\" does it");
    }
}

static void show_job(struct cli *cli, bcj2_job *job)
{
    char id[BCJ2_GUID_TEXT_SIZE], error[3072];
    char *name = NULL, *why = NULL;
    bcj2_job_state state = -1;
    bcj2_job_type type = -1;
    bcj2_job_priority priority = -1;
    uint32_t errors = 0;
    find_format_job(job, id);
    out_field("id", "%s", id);
    if (BCJ2_SUCCEEDED(bcj2_get_display_name(job, &name))) {
        out_field("name", "%s", name);
    }
    (void)bcj2_get_type(job, &type);
    out_field("type", "%s", explain_type(type));
    (void)bcj2_get_priority(job, &priority);
    out_field("priority", "%s", options_priority_name(priority));
    (void)bcj2_get_state(job, &state);
    out_field("state", "%s", explain_state(state));
    if (BCJ2_SUCCEEDED(bcj2_get_status_text(job, &why))) {
        out_field("", "%s", why);
    }
    show_runner(cli, state);
    show_files(job);
    show_progress(job);
    show_times(job);
    (void)bcj2_get_error_count(job, &errors);
    out_field("errors", "%" PRIu32, errors);
    explain_error(job, error);
    if (error[0] != '\0') {
        out_field("error", "%s", error);
    }
    bcj2_free(name);
    bcj2_free(why);
}

int cmd_show(struct cli *cli)
{
    bcj2_job *job = NULL;
    int result = cli_open(cli, BCJ2_MANAGER_CONTROL_ONLY);
    if (result == EXIT_DONE) {
        result = find_job(cli, cli->options.arguments[0], &job);
    }
    if (result != EXIT_DONE) {
        return result;
    }
    if (cli->options.json) {
        out_json_job(cli, job);
    } else {
        show_job(cli, job);
    }
    (void)bcj2_job_unref(job);
    return EXIT_DONE;
}
