/* SPDX-License-Identifier: MIT */
/* See settle.h. */
#include "settle_parts.h"
#include "detail.h"
#include "job_state.h"
#include "limit.h"
#include "mem.h"
#include "status.h"
#include "url.h"

#include <string.h>

bcj2_status bcj2__settle_farewell(struct core *c, const struct store_job *job,
                                  const char *remote_name, const struct bup_saved *bup,
                                  enum bup_packet packet)
{
    if (packet == BUP_PACKET_NONE || bup->session_id[0] == '\0') {
        return BCJ2_OK;
    }
    CLEANUP_BUF struct buf url = BUF_INIT(LIMIT_URL_BYTES + LIMIT_HOST_ID_BYTES);
    bool built = bup->host_id[0] == '\0' ? bcj2__buf_text(&url, remote_name)
                                         : bcj2__url_with_host(remote_name, bup->host_id, &url);
    CLEANUP_FREE char *session = bcj2__mem_strdup(bup->session_id);
    if (!built || session == NULL) {
        return bcj2__detail_no_memory();
    }
    uint64_t now = bcj2__os_now_ms();
    uint64_t limit_s = MIN(job->no_progress_s, LIMIT_FAREWELL_S);
    struct store_farewell farewell = {
        .job_seq = job->seq,
        .packet = packet,
        .url = url.data,
        .session_id = session,
        .retry_delay_s = job->retry_delay_s,
        .give_up = bcj2__job_deadline_at(now + limit_s * 1000, now),
    };
    return bcj2__store_farewell_insert(c->store, &farewell);
}

/* ---- Cancel ---- */

static bcj2_status cancel_rows(struct core *c, struct store_job *job)
{
    struct store_transfer transfer = {0};
    struct store_file file = {0};
    uint32_t files = 0;
    bcj2_status s = bcj2__job_state_move(c, job, JOB_EV_CANCEL);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_transfer(c->store, job->seq, &transfer);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_file_count(c->store, job->seq, &files);
    }
    /* TRANSFERRED: its Close is on its way by itself */
    bool session = transfer.exists && files > 0 && transfer.bup.phase != BUP_NONE &&
                   transfer.bup.phase != BUP_DONE;
    if (BCJ2_SUCCEEDED(s) && session) {
        s = bcj2__store_file(c->store, job->seq, 0, &file);
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__settle_farewell(c, job, file.remote_name, &transfer.bup, BUP_PACKET_CANCEL);
        }
    }
    if (BCJ2_SUCCEEDED(s) && transfer.exists) {
        s = bcj2__store_forget_transfer(c->store, job->seq);
    }
    bcj2__store_file_done(&file);
    return s;
}

/* Every temporary file of a job that has ended. */
static bcj2_status forget_temporaries(struct core *c, struct store_job *job)
{
    bcj2_status reply = bcj2__settle_forget_reply(c, job);
    bcj2_status files = bcj2__settle_forget_files(c, job->seq);
    return reply != BCJ2_OK ? reply : files;
}

static bcj2_status cancel_locked(struct core *c, int64_t seq)
{
    struct store_job job = {0};
    bcj2_status s = bcj2__store_begin(c->store, true);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_job_by_seq(c->store, seq, &job);
    if (BCJ2_SUCCEEDED(s)) {
        s = cancel_rows(c, &job);
    }
    s = bcj2__store_end(c->store, true, s);
    if (BCJ2_SUCCEEDED(s)) {
        bcj2__core_changed(c);
        s = forget_temporaries(c, &job);
    }
    bcj2__store_job_done(&job);
    return s;
}

bcj2_status bcj2__settle_cancel(struct core *c, int64_t seq)
{
    bcj2_status s = bcj2__core_settle_begin(c);
    if (BCJ2_SUCCEEDED(s)) {
        s = cancel_locked(c, seq);
        bcj2__core_settle_end(c);
    }
    return s;
}

/* ---- Complete of an upload ---- */

static bcj2_status acknowledge(struct core *c, struct store_job *job)
{
    bcj2__mem_free(job->reply_temp);
    job->reply_temp = NULL;
    bcj2_status s = bcj2__store_begin(c->store, true);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_set_reply(c->store, job, bcj2__os_wall());
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__job_state_move(c, job, JOB_EV_COMPLETE);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_forget_transfer(c->store, job->seq);
    }
    return bcj2__store_end(c->store, true, s);
}

static bcj2_status complete_upload(struct core *c, struct store_job *job)
{
    bcj2_status s =
        job->type == BCJ2_JOB_TYPE_UPLOAD_REPLY ? bcj2__settle_place_reply(c, job) : BCJ2_OK;
    if (BCJ2_SUCCEEDED(s)) {
        s = acknowledge(c, job);
    }
    if (BCJ2_SUCCEEDED(s)) {
        bcj2__core_changed(c);
    }
    return s;
}

/* ---- Complete of a download: in any state, with what there is ---- */

/* One durable transaction that moves the job as it is now. */
static bcj2_status move(struct core *c, int64_t seq, enum job_event event)
{
    struct store_job job = {0};
    bcj2_status s = bcj2__store_begin(c->store, true);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_job_by_seq(c->store, seq, &job);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__job_state_move(c, &job, event);
    }
    bcj2__store_job_done(&job);
    s = bcj2__store_end(c->store, true, s);
    if (BCJ2_SUCCEEDED(s)) {
        bcj2__core_changed(c); /* who runs it stops */
    }
    return s;
}

static bool runs_or_waits(bcj2_job_state state)
{
    return state != BCJ2_JOB_STATE_SUSPENDED && state != BCJ2_JOB_STATE_ERROR &&
           state != BCJ2_JOB_STATE_TRANSFERRED;
}

/* In the transaction. BCJ2_S_FALSE: somebody resumed the job meanwhile, and another file came in whole. */
static bcj2_status acknowledge_files(struct core *c, int64_t seq, bool *ret_partial)
{
    struct store_job job = {0};
    struct store_file left = {0};
    struct store_progress progress = {0};
    bcj2_status s = bcj2__store_next_unrenamed(c->store, seq, 0, &left);
    if (s != BCJ2_S_FALSE) {
        bcj2__store_file_done(&left);
        return BCJ2_FAILED(s) ? s : BCJ2_S_FALSE;
    }
    s = bcj2__store_job_by_seq(c->store, seq, &job);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_progress(c->store, seq, &progress);
    }
    if (BCJ2_SUCCEEDED(s)) {
        *ret_partial = progress.files_transferred < progress.files_total;
        s = bcj2__job_state_move(c, &job, JOB_EV_COMPLETE);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_forget_transfer(c->store, seq);
    }
    bcj2__store_job_done(&job);
    return BCJ2_SUCCEEDED(s) ? BCJ2_OK : s;
}

static bcj2_status end_download(struct core *c, int64_t seq, bool *ret_partial)
{
    bcj2_status s = bcj2__store_begin(c->store, true);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = acknowledge_files(c, seq, ret_partial);
    if (s != BCJ2_OK) {
        bcj2__store_rollback(c->store);
        return s;
    }
    return bcj2__store_commit(c->store, true);
}

/* Stopped, every whole file named, then the end. Again if somebody resumes it in between. */
static bcj2_status complete_download(struct core *c, struct store_job *job)
{
    bool partial = false;
    bcj2_status s = BCJ2_S_FALSE;
    while (s == BCJ2_S_FALSE) {
        bcj2_job_state state = job->state;
        s = bcj2__store_job_state(c->store, job->seq, &state);
        if (BCJ2_SUCCEEDED(s) && runs_or_waits(state)) {
            s = move(c, job->seq, JOB_EV_SUSPEND);
        }
        if (BCJ2_FAILED(s)) {
            return s;
        }
        s = bcj2__settle_place_files(c, job->seq);
        if (BCJ2_FAILED(s)) {
            char why[LIMIT_DETAIL_BYTES];
            bcj2__detail_keep(why);
            bcj2_status moved = move(c, job->seq, JOB_EV_NOT_PLACED);
            return BCJ2_FAILED(moved) ? moved : bcj2__detail(s, "%s", why);
        }
        s = end_download(c, job->seq, &partial);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    bcj2__core_changed(c);
    s = forget_temporaries(c, job);
    return s != BCJ2_OK ? s : partial ? BCJ2_S_PARTIAL_COMPLETE : BCJ2_OK;
}

/* ---- Complete ---- */

static bcj2_status complete_locked(bcj2_job *handle)
{
    struct core *c = handle->core;
    struct store_job job = {0};
    bcj2_job_state after = 0;
    bcj2_status s = bcj2__job_load(handle, &job);
    if (BCJ2_SUCCEEDED(s) &&
        BCJ2_FAILED(bcj2__jobfsm_step(job.type, job.state, JOB_EV_COMPLETE, &after))) {
        s = job.type == BCJ2_JOB_TYPE_DOWNLOAD
                ? bcj2__detail(BCJ2_E_INVALID_STATE, "the job is %s for good",
                               bcj2__status_state_name(job.state))
                : bcj2__detail(BCJ2_E_INVALID_STATE,
                               "only a TRANSFERRED job can be completed, it is %s",
                               bcj2__status_state_name(job.state));
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = job.type == BCJ2_JOB_TYPE_DOWNLOAD ? complete_download(c, &job)
                                               : complete_upload(c, &job);
    }
    bcj2__store_job_done(&job);
    return s;
}

bcj2_status bcj2__settle_complete(bcj2_job *job)
{
    bcj2_status s = bcj2__core_settle_begin(job->core);
    if (BCJ2_SUCCEEDED(s)) {
        s = complete_locked(job);
        bcj2__core_settle_end(job->core);
    }
    return s;
}

/* ---- leftovers ---- */

void bcj2__settle_leftovers(struct core *c)
{
    int64_t seq = 0;
    bcj2_status s = BCJ2_OK;
    while ((s = bcj2__store_next_leftover(c->store, seq, &seq)) == BCJ2_OK) {
        struct store_job job = {0};
        if (BCJ2_SUCCEEDED(bcj2__store_job_by_seq(c->store, seq, &job))) {
            (void)forget_temporaries(c, &job);
        }
        bcj2__store_job_done(&job);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__log(&c->log, LOG_WARNING, "leftovers of ended jobs: %s", bcj2__detail_get());
    }
}
