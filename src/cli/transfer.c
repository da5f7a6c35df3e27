/* SPDX-License-Identifier: MIT */
/* See transfer.h. */
#include "transfer.h"
#include "complete.h"
#include "explain.h"
#include "find.h"
#include "interrupt.h"
#include "out.h"
#include "progress_bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BIT(state)   (1u << (state))
#define ALL_STATES   (BIT(BCJ2_JOB_STATE_CANCELLED + 1) - 1u)
#define REDRAW_MS    250  /* on a terminal, while bytes move */
#define PLAIN_MS     1000 /* elsewhere */
#define COUNTDOWN_MS 1000 /* the time until the next attempt, on a terminal */
#define FOR_EVER     (-1)

int transfer_prepare(struct cli *cli, struct transfer *t)
{
    return property_read(cli, cli->options.given, cli->options.given_count, &t->values);
}

/* Foreground when somebody waits, unless said otherwise; in the queue the library's default. */
static int set_properties(struct cli *cli, struct transfer *t)
{
    if (!cli->options.detach && !property_has(&t->values, PROPERTY_PRIORITY)) {
        bcj2_status status = bcj2_set_priority(t->job, BCJ2_JOB_PRIORITY_FOREGROUND);
        if (BCJ2_FAILED(status)) {
            return out_failed(cli, status, "cannot set priority");
        }
    }
    return property_apply(cli, t->job, &t->values);
}

/* The job, ready to run; or none. */
static int make_job(struct cli *cli, struct transfer *t)
{
    bcj2_guid guid;
    bcj2_status status = bcj2_manager_create_job(cli->manager, t->name, t->type, &guid, &t->job);
    if (BCJ2_FAILED(status)) {
        return out_failed(cli, status, "cannot make a job");
    }
    find_format(&guid, t->id);
    int result = set_properties(cli, t);
    if (result == EXIT_DONE) {
        result = t->fill(cli, t);
    }
    if (result == EXIT_DONE) {
        status = bcj2_resume(t->job);
        if (BCJ2_FAILED(status)) {
            result = out_failed(cli, status, "cannot start the job");
        }
    }
    if (result != EXIT_DONE) {
        (void)bcj2_cancel(t->job);
    }
    return result;
}

static void show_words(struct transfer *t, struct progress_bar *bar, enum progress_phase phase)
{
    char *text = NULL;
    if (BCJ2_SUCCEEDED(bcj2_get_status_text(t->job, &text))) {
        progress_bar_show(bar, phase, 0, 0, text);
    }
    bcj2_free(text);
}

/* "downloading", and of several files which one. */
static void show_download(struct progress_bar *bar, const bcj2_job_progress *p)
{
    char text[64] = "downloading";
    if (p->files_total > 1 && p->files_transferred < p->files_total) {
        (void)snprintf(text, sizeof text, "downloading file %" PRIu32 " of %" PRIu32,
                       p->files_transferred + 1, p->files_total);
    }
    progress_bar_show(bar, PROGRESS_DOWNLOAD, p->bytes_transferred, p->bytes_total, text);
}

static void show_reply(struct transfer *t, struct progress_bar *bar)
{
    bcj2_reply_progress reply = BCJ2_REPLY_PROGRESS_INIT;
    if (BCJ2_FAILED(bcj2_get_reply_progress(t->job, &reply)) ||
        reply.bytes_total == BCJ2_SIZE_UNKNOWN) {
        progress_bar_show(bar, PROGRESS_SERVER, 0, 0, NULL);
    } else {
        bool unknown = reply.bytes_total == 0; /* it is 0 until the server told the size */
        progress_bar_show(bar, PROGRESS_REPLY, reply.bytes_transferred,
                          unknown ? BCJ2_SIZE_UNKNOWN : reply.bytes_total, NULL);
    }
}

static void show_moving(struct transfer *t, struct progress_bar *bar)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    bool known = BCJ2_SUCCEEDED(bcj2_get_progress(t->job, &p));
    bool download = t->type == BCJ2_JOB_TYPE_DOWNLOAD;
    bool begun = download ? p.bytes_transferred > 0 || p.files_transferred > 0
                          : p.bytes_total != BCJ2_SIZE_UNKNOWN;
    if (!known || !begun) {
        show_words(t, bar, PROGRESS_WAIT); /* it is connecting */
    } else if (download) {
        show_download(bar, &p);
    } else if (p.bytes_transferred != p.bytes_total || t->type != BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        progress_bar_show(bar, PROGRESS_UPLOAD, p.bytes_transferred, p.bytes_total, NULL);
    } else {
        show_reply(t, bar);
    }
}

/* Draws the job as it is; returns how long that picture is good for. */
static int64_t show(struct transfer *t, struct progress_bar *bar, bcj2_job_state state)
{
    switch (state) {
    case BCJ2_JOB_STATE_CONNECTING:
    case BCJ2_JOB_STATE_TRANSFERRING:
        show_moving(t, bar);
        return bar->terminal ? REDRAW_MS : PLAIN_MS;
    case BCJ2_JOB_STATE_TRANSIENT_ERROR:
        show_words(t, bar, PROGRESS_RETRY);
        return bar->terminal ? COUNTDOWN_MS : FOR_EVER;
    default:
        show_words(t, bar, PROGRESS_WAIT);
        return FOR_EVER;
    }
}

/* Until the job rests: *ret_state is TRANSFERRED, ERROR, or what somebody else made of it. */
static bcj2_status wait_for_rest(struct transfer *t, struct progress_bar *bar,
                                 bcj2_job_state *ret_state)
{
    const uint32_t resting = BIT(BCJ2_JOB_STATE_TRANSFERRED) | BIT(BCJ2_JOB_STATE_ERROR) |
                             BIT(BCJ2_JOB_STATE_SUSPENDED) | BIT(BCJ2_JOB_STATE_ACKNOWLEDGED) |
                             BIT(BCJ2_JOB_STATE_CANCELLED);
    bcj2_job_state state = BCJ2_JOB_STATE_QUEUED;
    bcj2_status status = bcj2_get_state(t->job, &state);
    while (BCJ2_SUCCEEDED(status) && (BIT(state) & resting) == 0) {
        int64_t good_for = show(t, bar, state);
        status = bcj2_wait(t->job, ALL_STATES & ~BIT(state), good_for, &state);
    }
    *ret_state = state;
    return status;
}

static void show_done(struct transfer *t, struct progress_bar *bar)
{
    bcj2_job_progress sent = BCJ2_JOB_PROGRESS_INIT;
    if (BCJ2_SUCCEEDED(bcj2_get_progress(t->job, &sent))) {
        progress_bar_show(bar, PROGRESS_DONE, sent.bytes_transferred, sent.bytes_total, NULL);
    }
}

/* Whether the event that the program of --notify waits for had a whole try, or is over; *ret_refused: it
   had, and is still owed. */
static bool program_had_its_turn(bcj2_job *job, bool *ret_refused)
{
    cJSON *document = out_json_snapshot(job);
    const cJSON *notify = cJSON_GetObjectItemCaseSensitive(document, "notify");
    const cJSON *event = cJSON_GetObjectItemCaseSensitive(notify, "event");
    const char *turn = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "turn"));
    bool running = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(event, "running"));
    double tries = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(event, "attempts"));
    bool owed = turn != NULL && strcmp(turn, "command") == 0;
    *ret_refused = owed && !running && tries > 0;
    cJSON_Delete(document);
    return !owed || *ret_refused;
}

/* Until the program of --notify was told, had one try, or a signal comes: if the job were completed at once
   nobody would start it any more. *ret_refused: that try failed. */
static bcj2_status wait_for_program(struct cli *cli, struct transfer *t, bool *ret_refused)
{
    uint64_t change = 0;
    bool said = false;
    *ret_refused = false;
    if (!property_has(&t->values, PROPERTY_NOTIFY)) {
        return BCJ2_OK;
    }
    interrupt_tell(cli);
    bcj2_status status = bcj2_manager_wait(cli->manager, &change, 0);
    while ((BCJ2_SUCCEEDED(status) || status == BCJ2_E_ABORT) &&
           (interrupt_news() & INTERRUPT_END) == 0 && !program_had_its_turn(t->job, ret_refused)) {
        if (!said) {
            out_say("waiting for the program of --notify");
            said = true;
        }
        status = bcj2_manager_wait(cli->manager, &change, FOR_EVER);
    }
    interrupt_end(cli);
    return status == BCJ2_E_ABORT ? BCJ2_OK : status;
}

/* The job rests, and its program was told; it may have done something with the job. */
static int end_transferred(struct cli *cli, struct transfer *t)
{
    bcj2_job_state state = BCJ2_JOB_STATE_TRANSFERRED;
    bool refused;
    bcj2_status status = wait_for_program(cli, t, &refused);
    if (cli->signal != 0) {
        cli_close(cli); /* it is said who moves the job without us */
        explain_interrupt(cli, t->id, t->type);
        return EXIT_FAILED;
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_get_state(t->job, &state);
    }
    if (BCJ2_FAILED(status)) {
        return out_failed(cli, status, "cannot wait for job %s", t->id);
    }
    if (state == BCJ2_JOB_STATE_ACKNOWLEDGED && property_has(&t->values, PROPERTY_NOTIFY)) {
        out_say("job %s was completed by its program", t->id);
        return EXIT_DONE;
    }
    if (state == BCJ2_JOB_STATE_CANCELLED) {
        out_say("job %s is CANCELLED now: its program or somebody else did that", t->id);
        return EXIT_FAILED;
    }
    int result = complete_job(cli, t->job);
    if (refused) {
        out_say("the program of --notify failed; it is not run again, since the job is completed");
        result = result == EXIT_DONE ? EXIT_FAILED : result;
    }
    return result;
}

static int end_failed(struct cli *cli, struct transfer *t)
{
    bool refused;
    int result = explain_failure(cli, t->job);
    bcj2_status status = wait_for_program(cli, t, &refused);
    if (BCJ2_FAILED(status)) {
        result = out_failed(cli, status, "cannot wait for the program of --notify");
    }
    if (refused) {
        out_say("the program of --notify failed; it is run again while \"bcj2 run\" is running");
    }
    return result;
}

/* Waits and does what the end asks for. */
static int wait_and_complete(struct cli *cli, struct transfer *t)
{
    struct progress_bar bar;
    bcj2_job_state state;
    progress_bar_start(&bar, t->name);
    interrupt_close_on_signal(cli);
    bcj2_status status = wait_for_rest(t, &bar, &state);
    interrupt_end(cli);
    if (BCJ2_SUCCEEDED(status) && state == BCJ2_JOB_STATE_TRANSFERRED && cli->signal == 0) {
        show_done(t, &bar);
    }
    progress_bar_end(&bar);
    if (cli->signal != 0) {
        explain_interrupt(cli, t->id, t->type);
        return EXIT_FAILED;
    }
    int result;
    if (BCJ2_FAILED(status)) {
        result = out_failed(cli, status, "cannot wait for job %s", t->id);
    } else if (state == BCJ2_JOB_STATE_TRANSFERRED) {
        result = end_transferred(cli, t);
    } else if (state == BCJ2_JOB_STATE_ERROR) {
        result = end_failed(cli, t);
    } else {
        out_say("job %s is %s now: somebody else did that", t->id, explain_state(state));
        result = EXIT_FAILED;
    }
    out_json_job(cli, t->job);
    return result;
}

int transfer_run(struct cli *cli, struct transfer *t)
{
    bool detach = cli->options.detach;
    if (!detach && !interrupt_start(false)) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot wait for signals");
    }
    interrupt_hold();
    int result = cli_open(cli, detach ? BCJ2_MANAGER_CONTROL_ONLY : 0);
    if (result == EXIT_DONE) {
        result = make_job(cli, t);
    }
    if (result == EXIT_DONE && detach) {
        out_json_job(cli, t->job);
        if (!cli->options.json) {
            (void)puts(t->id);
        }
        explain_no_runner(cli);
    } else if (result == EXIT_DONE) {
        result = wait_and_complete(cli, t);
    }
    interrupt_end(cli);
    return result;
}

void transfer_end(struct transfer *t)
{
    t->job = bcj2_job_unref(t->job);
    property_free(&t->values);
}
