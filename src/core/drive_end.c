/* SPDX-License-Identifier: MIT */
/* See drive.h: how a run ends. Done: TRANSFERRED, with what is left to say as a goodbye row. Failed:
   ERROR or TRANSIENT_ERROR with the error object. Stopped: somebody else moved the job, or it yields. */
#include "drive.h"
#include "detail.h"
#include "failure_text.h"
#include "job.h"
#include "job_state.h"
#include "mem.h"
#include "notify_store.h"
#include "retry.h"
#include "settle.h"
#include "status.h"

/* Nothing is done for it any more; the request is aborted after the commit. */
static void end(struct drive *d)
{
    d->ended = true;
    d->flowing = false;
    d->act = DRIVE_ACT_NONE;
}

/* ---- done ---- */

static bcj2_status write_done(struct engine *e, struct drive *d, struct store_job *job,
                              enum bup_packet farewell)
{
    bcj2_filetime now = bcj2__os_wall();
    if (d->type == BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        job->reply_requested = true;
        job->reply_total = d->work == DRIVE_GET ? d->get.saved.offset : 0;
        job->reply_transferred = job->reply_total;
        bcj2_status s = bcj2__store_set_reply(e->core->store, job, now);
        if (BCJ2_SUCCEEDED(s) && d->work == DRIVE_GET) {
            s = bcj2__notify_file(e->core, job->seq, 0);
        }
        if (BCJ2_FAILED(s)) {
            return s;
        }
    }
    bcj2_status s = bcj2__job_state_move(e->core, job, JOB_EV_DONE);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__settle_farewell(e->core, job, d->remote_name, &d->bup.saved, farewell);
    }
    return s;
}

void bcj2__drive_done(struct engine *e, struct drive *d, enum bup_packet farewell)
{
    struct store_job job = {0};
    /* the rows of a download's files say all already */
    bool saved =
        d->type == BCJ2_JOB_TYPE_DOWNLOAD || d->work == DRIVE_COPY || bcj2__drive_save(e, d);
    bool ok = saved && bcj2__drive_connected(e, d) &&
              bcj2__engine_check(e, bcj2__store_job_by_seq(e->core->store, d->seq, &job)) &&
              bcj2__engine_check(e, write_done(e, d, &job, farewell));
    bcj2__store_job_done(&job);
    if (ok) {
        e->durable = true;
        e->look_byes = e->look_byes || farewell != BUP_PACKET_NONE;
        e->again = e->again || farewell != BUP_PACKET_NONE;
        end(d);
    }
}

/* ---- failed ---- */

static void fill_error(const struct drive *d, struct store_job *job, const struct failure *f,
                       const char *detail)
{
    bool file = f->context == BCJ2_ERROR_CONTEXT_LOCAL_FILE ||
                f->context == BCJ2_ERROR_CONTEXT_REMOTE_FILE ||
                f->context == BCJ2_ERROR_CONTEXT_REMOTE_APPLICATION;
    job->error_context = f->context;
    job->error_code = f->code;
    job->error_http_status = f->http_status;
    job->error_has_file = file;
    job->error_file = d->file_index;
    job->error_has_protocol = f->context == BCJ2_ERROR_CONTEXT_GENERAL_TRANSPORT ||
                              (file && f->context != BCJ2_ERROR_CONTEXT_LOCAL_FILE);
    bcj2__mem_free(job->error_text);
    enum failure_doing doing = d->type == BCJ2_JOB_TYPE_DOWNLOAD ? FAILURE_DOWNLOADING
                               : d->work == DRIVE_GET            ? FAILURE_FETCHING_REPLY
                                                                 : FAILURE_UPLOADING;
    job->error_text = bcj2__failure_text(f, doing, d->remote_name, d->local_name, detail);
}

/* Where the job goes, and when it is tried again. The series may have begun before this boot, where our
   clock has no numbers: the rule is asked with times counted from its first error. */
static enum job_event plan(const struct engine *e, bcj2_job_state believed, struct store_job *job,
                           const struct failure *f)
{
    const struct retry r = {
        .delay_s = job->retry_delay_s,
        .no_progress_s = job->no_progress_s,
        .series = job->series_start.set,
        .series_start_ms = 0,
        .transferring = believed == BCJ2_JOB_STATE_TRANSFERRING,
    };
    uint64_t since = bcj2__job_since_ms(&job->series_start, e->now_ms);
    struct retry_verdict v = bcj2__retry_after_failure(&r, f, since);
    job->error_count += v.counted ? 1 : 0;
    job->next_attempt = (struct store_deadline){0};
    if (v.give_up) {
        job->series_start = (struct store_deadline){0};
        return JOB_EV_FATAL;
    }
    if (!job->series_start.set) {
        job->series_start = bcj2__job_deadline_at(e->now_ms, e->now_ms);
    }
    if (v.next_ms != UINT64_MAX) { /* else it waits for the network (network.h) */
        job->next_attempt =
            bcj2__job_deadline_at(e->now_ms + (MIN(v.next_ms, v.give_up_ms) - since), e->now_ms);
    }
    return JOB_EV_TRANSIENT;
}

static bcj2_status write_failure(struct engine *e, struct drive *d, struct store_job *job,
                                 enum job_event event, const struct failure *f,
                                 enum bup_packet farewell, const char *detail)
{
    bcj2_filetime now = bcj2__os_wall();
    fill_error(d, job, f, detail);
    bcj2_status s = bcj2__job_state_move(e->core, job, event);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_set_error(e->core->store, job, now);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_set_retry(e->core->store, job, now);
    }
    if (BCJ2_SUCCEEDED(s) && farewell != BUP_PACKET_NONE) {
        s = bcj2__settle_farewell(e->core, job, d->remote_name, &d->bup.saved, farewell);
        d->bup.saved = (struct bup_saved){0}; /* a Resume begins a new session */
        d->bytes_total = BCJ2_SIZE_UNKNOWN;
        e->look_byes = true;
    }
    e->durable = e->durable || event == JOB_EV_FATAL || farewell != BUP_PACKET_NONE;
    return s;
}

void bcj2__drive_fail(struct engine *e, struct drive *d, const struct failure *f,
                      enum bup_packet farewell, const char *detail)
{
    struct store_job job = {0};
    bcj2__bup_interrupted(&d->bup, e->now_ms);
    if (!bcj2__engine_check(e, bcj2__store_job_by_seq(e->core->store, d->seq, &job))) {
        return;
    }
    enum job_event event = plan(e, d->believed, &job, f);
    if (event == JOB_EV_FATAL && d->bup.saved.phase == BUP_CLOSING) {
        /* the server has the file: no error of Close is one of the job (wire-protocol 2.10) */
        bcj2__store_job_done(&job);
        d->bup.saved.phase = BUP_DONE;
        bcj2__drive_done(e, d, BUP_PACKET_CLOSE);
        return;
    }
    bool ok = bcj2__engine_check(e, write_failure(e, d, &job, event, f, farewell, detail)) &&
              bcj2__drive_save(e, d);
    if (ok) {
        bcj2__log(&e->core->log, LOG_INFO, "job %lld: %s: %s", (long long)d->seq,
                  bcj2__status_state_name(job.state),
                  job.error_text != NULL ? job.error_text : bcj2__status_text(f->code));
        end(d);
    }
    bcj2__store_job_done(&job);
}

void bcj2__drive_fail_locally(struct engine *e, struct drive *d, bcj2_status status,
                              const char *what, const char *detail)
{
    /* another program holds the file (job-semantics R63), or the memory: that passes */
    bool passes = status == BCJ2_E_SHARING_VIOLATION || status == BCJ2_E_LOCK_VIOLATION ||
                  status == BCJ2_E_OUTOFMEMORY;
    const struct failure f =
        bcj2__classify_local(status, BCJ2_ERROR_CONTEXT_LOCAL_FILE, passes, what);
    bcj2__drive_fail(e, d, &f, BUP_PACKET_NONE, detail);
}

/* ---- stopped ---- */

/* The progress of this run, for the next one. */
static void keep_progress(struct engine *e, struct drive *d)
{
    struct net_progress p = {0};
    bcj2__bup_interrupted(&d->bup, e->now_ms);
    if (d->flowing && bcj2__net_progress(e->net, d->token, &p)) {
        d->get.saved.offset = d->flow_offset + p.written;
    }
    (void)bcj2__drive_save(e, d);
}

void bcj2__drive_look(struct engine *e, struct drive *d)
{
    struct store_job job = {0};
    if (bcj2__engine_check(e, bcj2__store_job_by_seq(e->core->store, d->seq, &job))) {
        d->priority = job.priority;
        d->max_download_s = job.max_download_s;
        if (job.download_ms != d->spent_saved_ms) {
            d->spent_ms = d->spent_saved_ms = job.download_ms;
            d->counted_ms = e->now_ms;
        }
    }
    bcj2__store_job_done(&job);
}

void bcj2__drive_reconcile(struct engine *e, struct drive *d)
{
    bcj2_job_state state = BCJ2_JOB_STATE_CANCELLED;
    if (d->ended) {
        return;
    }
    bcj2_status s = bcj2__store_job_state(e->core->store, d->seq, &state);
    if (s != BCJ2_E_NOT_FOUND && !bcj2__engine_check(e, s)) {
        return;
    }
    if (state == d->believed) {
        bcj2__drive_look(e, d);
        return;
    }
    if (state == BCJ2_JOB_STATE_CANCELLED || state == BCJ2_JOB_STATE_ACKNOWLEDGED) {
        d->discard = true;
    } else if (bcj2__engine_transaction(e)) {
        /* the transaction may have waited for a Cancel: look again */
        if (BCJ2_SUCCEEDED(bcj2__store_job_state(e->core->store, d->seq, &state)) &&
            state != BCJ2_JOB_STATE_CANCELLED) {
            d->spent_anew = state != BCJ2_JOB_STATE_SUSPENDED;
            keep_progress(e, d);
        }
    }
    end(d);
}

void bcj2__drive_yield(struct engine *e, struct drive *d)
{
    if (d->ended || !bcj2__drive_ours(e, d)) {
        return;
    }
    keep_progress(e, d);
    if (bcj2__engine_check(e, bcj2__job_state_move_believed(e->core, d->seq, d->type, &d->believed,
                                                            JOB_EV_YIELD)) &&
        /* a suspect that gave way without progress has proved nothing */
        (d->unclean_ends <= STORE_UNCLEAN_ENDS ||
         bcj2__engine_check(e, bcj2__store_set_unclean_ends(e->core->store, d->seq, d->unclean_ends,
                                                            bcj2__os_wall())))) {
        end(d);
    }
}
