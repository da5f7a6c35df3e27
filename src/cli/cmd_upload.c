/* SPDX-License-Identifier: MIT */
/* bcj2 upload and upload-reply: makes a job of FILE and URL, and unless told to leave it in the
   queue moves it, shows how far it is, and completes it. */
#include "cli.h"
#include "explain.h"
#include "find.h"
#include "interrupt.h"
#include "out.h"
#include "paths.h"
#include "progress_bar.h"
#include "reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(state)   (1u << (state))
#define ALL_STATES   (BIT(BCJ2_JOB_STATE_CANCELLED + 1) - 1u)
#define REDRAW_MS    250  /* on a terminal, while bytes move */
#define PLAIN_MS     1000 /* elsewhere */
#define COUNTDOWN_MS 1000 /* the time until the next attempt, on a terminal */
#define FOR_EVER     (-1)

struct upload {
    bcj2_job_type type;
    const char *url;
    char *file, *output; /* absolute; output NULL: to stdout */
    bcj2_job *job;
    char id[BCJ2_GUID_TEXT_SIZE];
};

/* Both paths made absolute, and looked at early: a job that cannot work is not made. */
static int prepare_paths(struct cli *cli, struct upload *up)
{
    const char *file = cli->options.arguments[0], *output = cli->options.output;
    int result = paths_check_source(cli, file);
    if (result != EXIT_DONE) {
        return result;
    }
    up->file = paths_absolute(file);
    if (up->file == NULL) {
        return out_bad(cli, "cannot use %s: %s", file, strerror(errno));
    }
    if (output == NULL) {
        return EXIT_DONE;
    }
    up->output = paths_absolute(output);
    if (up->output == NULL) {
        return out_bad(cli, "cannot put the reply into %s: %s", output, strerror(errno));
    }
    result = paths_check_output(cli, up->output);
    if (result != EXIT_DONE) {
        return result;
    }
    if (paths_same_name(up->file, up->output)) {
        return out_bad(cli, "the reply would replace the file that is uploaded");
    }
    return EXIT_DONE;
}

static bcj2_status set_reply_name(struct cli *cli, struct upload *up)
{
    if (up->type != BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        return BCJ2_OK;
    }
    char *unnamed = up->output == NULL ? paths_unnamed_reply(cli, up->job) : NULL;
    bcj2_status status =
        bcj2_set_reply_file_name(up->job, up->output != NULL ? up->output : unnamed);
    free(unnamed);
    return status;
}

/* Foreground when somebody waits, unless said otherwise; in the queue the library's default. */
static bcj2_status set_priority(struct cli *cli, struct upload *up)
{
    if (cli->options.priority_given) {
        return bcj2_set_priority(up->job, cli->options.priority);
    }
    return cli->options.detach ? BCJ2_OK : bcj2_set_priority(up->job, BCJ2_JOB_PRIORITY_FOREGROUND);
}

/* The job, ready to run; or none. */
static int make_job(struct cli *cli, struct upload *up)
{
    const char *name = strrchr(up->file, '/') + 1;
    bcj2_guid guid;
    bcj2_status status = bcj2_manager_create_job(cli->manager, name, up->type, &guid, &up->job);
    if (BCJ2_FAILED(status)) {
        return out_failed(cli, status, "cannot make a job");
    }
    find_format(&guid, up->id);
    const char *what = "cannot set the priority";
    status = set_priority(cli, up);
    if (BCJ2_SUCCEEDED(status)) {
        what = "cannot put the reply there";
        status = set_reply_name(cli, up);
    }
    if (BCJ2_SUCCEEDED(status)) {
        what = "cannot upload that file to that URL";
        status = bcj2_add_file(up->job, up->url, up->file);
    }
    if (BCJ2_SUCCEEDED(status)) {
        what = "cannot start the job";
        status = bcj2_resume(up->job);
    }
    if (BCJ2_SUCCEEDED(status)) {
        return EXIT_DONE;
    }
    int result = out_failed(cli, status, "%s", what);
    (void)bcj2_cancel(up->job);
    return result;
}

static void show_words(struct upload *up, struct progress_bar *bar, enum progress_phase phase)
{
    char *text = NULL;
    if (BCJ2_SUCCEEDED(bcj2_get_status_text(up->job, &text))) {
        progress_bar_show(bar, phase, 0, 0, text);
    }
    bcj2_free(text);
}

static void show_moving(struct upload *up, struct progress_bar *bar)
{
    bcj2_job_progress sent = BCJ2_JOB_PROGRESS_INIT;
    bcj2_reply_progress reply = BCJ2_REPLY_PROGRESS_INIT;
    if (BCJ2_FAILED(bcj2_get_progress(up->job, &sent)) || sent.bytes_total == BCJ2_SIZE_UNKNOWN) {
        show_words(up, bar, PROGRESS_WAIT); /* it is connecting */
        return;
    }
    bool whole = sent.bytes_transferred == sent.bytes_total;
    if (!whole || up->type != BCJ2_JOB_TYPE_UPLOAD_REPLY ||
        BCJ2_FAILED(bcj2_get_reply_progress(up->job, &reply))) {
        progress_bar_show(bar, PROGRESS_UPLOAD, sent.bytes_transferred, sent.bytes_total, NULL);
    } else if (reply.bytes_total == BCJ2_SIZE_UNKNOWN) {
        progress_bar_show(bar, PROGRESS_SERVER, 0, 0, NULL);
    } else {
        bool unknown = reply.bytes_total == 0; /* it is 0 until the server told the size */
        progress_bar_show(bar, PROGRESS_REPLY, reply.bytes_transferred,
                          unknown ? BCJ2_SIZE_UNKNOWN : reply.bytes_total, NULL);
    }
}

/* Draws the job as it is; returns how long that picture is good for. */
static int64_t show(struct upload *up, struct progress_bar *bar, bcj2_job_state state)
{
    switch (state) {
    case BCJ2_JOB_STATE_CONNECTING:
    case BCJ2_JOB_STATE_TRANSFERRING:
        show_moving(up, bar);
        return bar->terminal ? REDRAW_MS : PLAIN_MS;
    case BCJ2_JOB_STATE_TRANSIENT_ERROR:
        show_words(up, bar, PROGRESS_RETRY);
        return bar->terminal ? COUNTDOWN_MS : FOR_EVER;
    default:
        show_words(up, bar, PROGRESS_WAIT);
        return FOR_EVER;
    }
}

/* Until the job rests: *ret_state is TRANSFERRED, ERROR, or what somebody else made of it. */
static bcj2_status wait_for_rest(struct upload *up, struct progress_bar *bar,
                                 bcj2_job_state *ret_state)
{
    const uint32_t resting = BIT(BCJ2_JOB_STATE_TRANSFERRED) | BIT(BCJ2_JOB_STATE_ERROR) |
                             BIT(BCJ2_JOB_STATE_SUSPENDED) | BIT(BCJ2_JOB_STATE_ACKNOWLEDGED) |
                             BIT(BCJ2_JOB_STATE_CANCELLED);
    bcj2_job_state state = BCJ2_JOB_STATE_QUEUED;
    bcj2_status status = bcj2_get_state(up->job, &state);
    while (BCJ2_SUCCEEDED(status) && (BIT(state) & resting) == 0) {
        int64_t good_for = show(up, bar, state);
        status = bcj2_wait(up->job, ALL_STATES & ~BIT(state), good_for, &state);
    }
    *ret_state = state;
    return status;
}

static void show_done(struct upload *up, struct progress_bar *bar)
{
    bcj2_job_progress sent = BCJ2_JOB_PROGRESS_INIT;
    if (BCJ2_SUCCEEDED(bcj2_get_progress(up->job, &sent))) {
        progress_bar_show(bar, PROGRESS_DONE, sent.bytes_transferred, sent.bytes_total, NULL);
    }
}

/* Waits and does what the end asks for. */
static int wait_and_complete(struct cli *cli, struct upload *up)
{
    struct progress_bar bar;
    bcj2_job_state state;
    progress_bar_start(&bar, strrchr(up->file, '/') + 1);
    interrupt_close_on_signal(cli);
    bcj2_status status = wait_for_rest(up, &bar, &state);
    interrupt_end(cli);
    if (BCJ2_SUCCEEDED(status) && state == BCJ2_JOB_STATE_TRANSFERRED && cli->signal == 0) {
        show_done(up, &bar);
    }
    progress_bar_end(&bar);
    if (cli->signal != 0) {
        explain_interrupt(cli, up->id, up->type);
        return EXIT_FAILED;
    }
    int result;
    if (BCJ2_FAILED(status)) {
        result = out_failed(cli, status, "cannot wait for job %s", up->id);
    } else if (state == BCJ2_JOB_STATE_TRANSFERRED) {
        result = reply_complete(cli, up->job);
    } else if (state == BCJ2_JOB_STATE_ERROR) {
        result = explain_failure(cli, up->job);
    } else {
        out_say("job %s is %s now: somebody else did that", up->id, explain_state(state));
        result = EXIT_FAILED;
    }
    out_json_job(cli, up->job);
    return result;
}

static int upload(struct cli *cli, bcj2_job_type type)
{
    struct upload up = {.type = type, .url = cli->options.arguments[1]};
    bool detach = cli->options.detach;
    if (cli->options.json && !detach && type == BCJ2_JOB_TYPE_UPLOAD_REPLY &&
        cli->options.output == NULL) {
        return out_bad(cli, "--json upload-reply needs -o: stdout belongs to the document");
    }
    int result = prepare_paths(cli, &up);
    if (result == EXIT_DONE && !detach && !interrupt_start(false)) {
        result = out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot wait for signals");
    }
    if (result == EXIT_DONE) {
        interrupt_hold();
        result = cli_open(cli, detach ? BCJ2_MANAGER_CONTROL_ONLY : 0);
    }
    if (result == EXIT_DONE) {
        result = make_job(cli, &up);
    }
    if (result == EXIT_DONE && detach) {
        out_json_job(cli, up.job);
        if (!cli->options.json) {
            (void)puts(up.id);
        }
        explain_no_runner(cli);
    } else if (result == EXIT_DONE) {
        result = wait_and_complete(cli, &up);
    }
    interrupt_end(cli);
    (void)bcj2_job_unref(up.job);
    free(up.file);
    free(up.output);
    return result;
}

int cmd_upload(struct cli *cli)
{
    return upload(cli, BCJ2_JOB_TYPE_UPLOAD);
}

int cmd_upload_reply(struct cli *cli)
{
    return upload(cli, BCJ2_JOB_TYPE_UPLOAD_REPLY);
}
