/* SPDX-License-Identifier: MIT */
/* See settle.h. */
#include "settle.h"
#include "detail.h"
#include "guid.h"
#include "job_state.h"
#include "limit.h"
#include "mem.h"
#include "status.h"
#include "url.h"

#include <string.h>

char *bcj2__settle_temp_name(const struct store_job *job)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    bcj2__guid_format(&job->id, id);
    const char *base = bcj2__os_base_of(job->reply_name);
    return bcj2__mem_printf("%.*s.bcj2-%.36s.tmp", (int)(base - job->reply_name), job->reply_name,
                            id + 1);
}

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

/* The file first, then the note that it is gone. */
static bcj2_status forget_temp(struct core *c, struct store_job *job)
{
    if (job->reply_temp == NULL) {
        return BCJ2_OK;
    }
    bcj2_status s = bcj2__os_unlink(job->reply_temp);
    if (BCJ2_FAILED(s)) {
        bcj2__log(&c->log, LOG_WARNING, "job %lld: temporary file stays: %s", (long long)job->seq,
                  bcj2__detail_get());
        return BCJ2_S_UNABLE_TO_DELETE_FILES;
    }
    bcj2__mem_free(job->reply_temp);
    job->reply_temp = NULL;
    s = bcj2__store_begin(c->store, false);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_set_reply(c->store, job, job->modification_time);
        if (BCJ2_SUCCEEDED(s)) {
            (void)bcj2__store_commit(c->store, false);
        } else {
            bcj2__store_rollback(c->store);
        }
    }
    return BCJ2_OK; /* at worst an unlink of nothing is tried again at the next opening */
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
    if (BCJ2_FAILED(s)) {
        bcj2__store_rollback(c->store);
    } else {
        s = bcj2__store_commit(c->store, true);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = forget_temp(c, &job);
        bcj2__core_changed(c);
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

/* ---- Complete ---- */

/* One committed, durable change of the reply and completing groups. */
static bcj2_status store_groups(struct core *c, const struct store_job *job)
{
    bcj2_filetime now = bcj2__os_wall();
    bcj2_status s = bcj2__store_begin(c->store, true);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_set_reply(c->store, job, now);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_set_completing(c->store, job, now);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__store_rollback(c->store);
        return s;
    }
    return bcj2__store_commit(c->store, true);
}

/* No reply came: an empty file takes its place, by the same steps as a real one. */
static bcj2_status make_empty_reply(struct core *c, struct store_job *job)
{
    int fd = -1;
    if (job->reply_temp == NULL) {
        job->reply_temp = bcj2__settle_temp_name(job);
        if (job->reply_temp == NULL) {
            return bcj2__detail_no_memory();
        }
        bcj2_status s = store_groups(c, job);
        if (BCJ2_FAILED(s)) {
            return s;
        }
    }
    bcj2_status s = bcj2__os_create(job->reply_temp, &fd);
    if (s == BCJ2_E_SHARING_VIOLATION) {
        return BCJ2_OK; /* made before a kill; it is looked at when it is opened again */
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_sync(fd);
        (void)bcj2__os_close(fd);
    }
    return s;
}

/* Has the rename of an earlier try been done already? */
static bcj2_status renamed_before(const struct store_job *job, bool *ret)
{
    struct os_stat st = {0};
    *ret = false;
    if (!job->completing) {
        return BCJ2_OK;
    }
    bcj2_status s = bcj2__os_stat(job->reply_name, false, &st);
    *ret = BCJ2_SUCCEEDED(s) && st.exists && st.device == job->completing_device &&
           st.inode == job->completing_inode;
    return s;
}

/* Mode, then the note which file is about to move, then the move, then the folder. */
static bcj2_status rename_reply(struct core *c, struct store_job *job)
{
    int fd = -1;
    struct os_stat st = {0};
    bool done = false;
    bcj2_status s = renamed_before(job, &done);
    if (BCJ2_FAILED(s) || done) {
        return BCJ2_FAILED(s) ? s : bcj2__os_sync_folder_of(job->reply_name);
    }
    s = bcj2__os_reopen(job->reply_temp, &fd, &st);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    if (st.size != job->reply_total) {
        (void)bcj2__os_close(fd);
        return bcj2__detail(BCJ2_E_FAIL, "%s has %llu bytes, the reply had %llu", job->reply_temp,
                            (unsigned long long)st.size, (unsigned long long)job->reply_total);
    }
    s = bcj2__os_chmod_by_umask(fd);
    (void)bcj2__os_close(fd);
    if (BCJ2_SUCCEEDED(s)) {
        job->completing = true;
        job->completing_device = st.device;
        job->completing_inode = st.inode;
        s = store_groups(c, job);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_rename(job->reply_temp, job->reply_name);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_sync_folder_of(job->reply_name);
    }
    return s;
}

static bcj2_status put_reply_in_place(struct core *c, struct store_job *job)
{
    bool done = false;
    bcj2_status s = renamed_before(job, &done);
    if (BCJ2_SUCCEEDED(s) && !done && job->reply_total == 0) {
        s = make_empty_reply(c, job);
    }
    return BCJ2_SUCCEEDED(s) ? rename_reply(c, job) : s;
}

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
    if (BCJ2_FAILED(s)) {
        bcj2__store_rollback(c->store);
        return s;
    }
    return bcj2__store_commit(c->store, true);
}

static bcj2_status complete_locked(bcj2_job *handle)
{
    struct core *c = handle->core;
    struct store_job job = {0};
    bcj2_job_state after = 0;
    bcj2_status s = bcj2__job_load(handle, &job);
    if (BCJ2_SUCCEEDED(s) &&
        BCJ2_FAILED(bcj2__jobfsm_step(job.type, job.state, JOB_EV_COMPLETE, &after))) {
        s = bcj2__detail(BCJ2_E_INVALID_STATE, "only a TRANSFERRED job can be completed, it is %s",
                         bcj2__status_state_name(job.state));
    }
    if (BCJ2_SUCCEEDED(s) && job.type == BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        s = put_reply_in_place(c, &job);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = acknowledge(c, &job);
    }
    bcj2__store_job_done(&job);
    if (BCJ2_SUCCEEDED(s)) {
        bcj2__core_changed(c);
    }
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
    int64_t *seqs = NULL;
    uint32_t count = 0;
    if (BCJ2_FAILED(bcj2__store_jobs_in(c->store, 1u << BCJ2_JOB_STATE_CANCELLED, &seqs, &count))) {
        bcj2__log(&c->log, LOG_WARNING, "leftovers of cancelled jobs: %s", bcj2__detail_get());
    }
    for (uint32_t i = 0; i < count; i++) {
        struct store_job job = {0};
        if (BCJ2_SUCCEEDED(bcj2__store_job_by_seq(c->store, seqs[i], &job))) {
            (void)forget_temp(c, &job);
        }
        bcj2__store_job_done(&job);
    }
    bcj2__mem_free(seqs);
}
