/* SPDX-License-Identifier: MIT */
/* See drive.h: the life of a running job and its upload. */
#include "drive.h"
#include "detail.h"
#include "job.h"
#include "job_state.h"
#include "mem.h"
#include "settle.h"
#include "timeouts.h"
#include "url.h"

#include <stdio.h>
#include <string.h>

/* The file as it is now, for the machine. One that is gone, or has given its name to another, has
   changed: its size is that of no file. */
static struct bup_source source_now(const struct drive *d)
{
    struct os_stat st = {0};
    if (BCJ2_FAILED(bcj2__os_stat(d->local_name, true, &st)) || !st.exists ||
        st.device != d->source_device || st.inode != d->source_inode) {
        return (struct bup_source){.size = UINT64_MAX};
    }
    return (struct bup_source){.size = st.size, .mtime_s = st.mtime_s, .mtime_ns = st.mtime_ns};
}

bool bcj2__drive_ours(struct engine *e, struct drive *d)
{
    bcj2_job_state state = 0;
    if (!bcj2__engine_transaction(e)) {
        return false;
    }
    bcj2_status s = bcj2__store_job_state(e->core->store, d->seq, &state);
    if (s == BCJ2_E_NOT_FOUND || (BCJ2_SUCCEEDED(s) && state != d->believed)) {
        bcj2__drive_reconcile(e, d);
        return false;
    }
    return bcj2__engine_check(e, s);
}

bool bcj2__drive_save(struct engine *e, struct drive *d)
{
    struct store_transfer row = {.exists = true, .bup = d->bup.saved, .get = d->get.saved};
    /* a session is about the file as it was when it began */
    uint64_t total = d->bup.saved.phase == BUP_NONE ? d->bytes_total : d->bup.saved.source.size;
    struct store_file file = {
        .index = 0,
        .bytes_total = total,
        .bytes_transferred = MIN(d->bup.saved.acked + d->in_flight, total),
        .transferred = d->bup.saved.phase >= BUP_REPLY,
    };
    memcpy(row.get_boot_id, d->get_boot_id, sizeof row.get_boot_id);
    return bcj2__engine_transaction(e) &&
           bcj2__engine_check(e, bcj2__store_set_transfer(e->core->store, d->seq, &row)) &&
           bcj2__engine_check(e, bcj2__store_set_file_progress(e->core->store, d->seq, &file,
                                                               bcj2__os_wall()));
}

bool bcj2__drive_connected(struct engine *e, struct drive *d)
{
    if (d->believed == BCJ2_JOB_STATE_TRANSFERRING) {
        return true;
    }
    return bcj2__engine_check(e, bcj2__job_state_move_believed(e->core, d->seq, d->type,
                                                               &d->believed, JOB_EV_CONNECTED));
}

bool bcj2__drive_progressed(struct engine *e, struct drive *d)
{
    struct store_job job = {0};
    if (!d->series) {
        return true;
    }
    d->series = false;
    bool ok = bcj2__engine_check(e, bcj2__store_job_by_seq(e->core->store, d->seq, &job));
    job.series_start = (struct store_deadline){0};
    ok = ok && bcj2__engine_check(e, bcj2__store_set_retry(e->core->store, &job, bcj2__os_wall()));
    bcj2__store_job_done(&job);
    return ok;
}

/* Writes what a step of the upload machine says; the wish itself waits for the commit. */
static void apply(struct engine *e, struct drive *d)
{
    struct bup_step *step = &d->step;
    if (step->note != NULL) {
        bcj2__log(&e->core->log, LOG_INFO, "job %lld: %s", (long long)d->seq, step->note);
    }
    if ((step->connected && !bcj2__drive_connected(e, d)) ||
        (step->progress && !bcj2__drive_progressed(e, d)) ||
        (step->save != BUP_SAVE_NOT && !bcj2__drive_save(e, d))) {
        return;
    }
    e->durable = e->durable || step->save == BUP_SAVE_DURABLE;
    switch (step->want) {
    case BUP_WANT_SEND:
        d->act = DRIVE_ACT_SEND;
        break;
    case BUP_WANT_FETCH:
        bcj2__drive_fetch(e, d);
        break;
    case BUP_WANT_DONE:
        bcj2__drive_done(e, d, step->farewell);
        break;
    case BUP_WANT_FAIL:
        bcj2__drive_fail(e, d, &step->failure, step->farewell, NULL);
        break;
    }
}

void bcj2__drive_bup(struct engine *e, struct drive *d, const struct bup_event *event)
{
    if (d->ended || !bcj2__drive_ours(e, d)) {
        return;
    }
    d->asking = false;
    d->in_flight = 0;
    d->step = bcj2__bup_step(&d->bup, event);
    apply(e, d);
}

/* ---- start ---- */

static bcj2_status load(struct engine *e, struct drive *d, struct store_job *job,
                        struct store_file *file)
{
    struct store_transfer transfer = {0};
    bcj2_status s = bcj2__store_job_by_seq(e->core->store, d->seq, job);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_file(e->core->store, d->seq, 0, file);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_transfer(e->core->store, d->seq, &transfer);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    d->type = job->type;
    d->priority = job->priority;
    d->believed = job->state;
    d->retries_allowed = job->no_progress_s != 0;
    d->series = job->series_start.set;
    d->failing_ms = bcj2__job_since_ms(&job->series_start, e->now_ms);
    d->remote_name = TAKE(file->remote_name);
    d->local_name = TAKE(file->local_name);
    d->reply_temp = TAKE(job->reply_temp);
    bcj2__bup_msg_content_name(d->local_name, d->content_name);
    bcj2__bup_init(&d->bup, d->type, d->priority, &transfer.bup);
    d->get.saved = transfer.get;
    memcpy(d->get_boot_id, transfer.get_boot_id, sizeof d->get_boot_id);
    return BCJ2_OK;
}

static struct drive *new_drive(struct engine *e, int64_t seq)
{
    struct drive *d = bcj2__mem_calloc(1, sizeof *d);
    if (d != NULL) {
        d->token = e->next_token++;
        d->seq = seq;
        d->source_fd = d->sink_fd = -1;
        d->started_ms = e->now_ms;
        d->bytes_total = BCJ2_SIZE_UNKNOWN;
        e->drives[e->drive_count++] = d;
    }
    return d;
}

/* A source that the server has whole is not needed any more: its user may have removed it. */
static bcj2_status open_source(struct drive *d, struct bup_source *ret)
{
    struct os_stat st = {0};
    if (d->bup.saved.phase >= BUP_REPLY) {
        *ret = d->bup.saved.source;
        d->bytes_total = ret->size;
        return BCJ2_OK;
    }
    bcj2_status s = bcj2__os_open_source(d->local_name, &d->source_fd, &st);
    d->source_device = st.device;
    d->source_inode = st.inode;
    d->bytes_total = BCJ2_SUCCEEDED(s) ? st.size : BCJ2_SIZE_UNKNOWN;
    *ret = (struct bup_source){.size = st.size, .mtime_s = st.mtime_s, .mtime_ns = st.mtime_ns};
    return s;
}

static void no_source(struct engine *e, struct drive *d, bcj2_status s)
{
    const struct failure f =
        bcj2__classify_local(s, BCJ2_ERROR_CONTEXT_LOCAL_FILE, false, "opening the file to upload");
    bcj2__drive_fail(e, d, &f, BUP_PACKET_NONE, bcj2__detail_get());
}

static void open_and_begin(struct engine *e, struct drive *d)
{
    struct bup_event event = {.type = BUP_EV_START,
                              .now_ms = e->now_ms,
                              .failing_ms = d->failing_ms};
    bcj2_status s = open_source(d, &event.source);
    if (BCJ2_FAILED(s)) {
        no_source(e, d, s);
        return;
    }
    bcj2__drive_bup(e, d, &event);
}

/* The file as it is at an answer. No byte was sent before there is a session: what has the name then is
   the file to upload, whatever was opened before. False: there is none; the job has failed. */
static bool source_at_answer(struct engine *e, struct drive *d, struct bup_source *ret)
{
    *ret = source_now(d);
    if (d->bup.saved.phase != BUP_NONE) {
        return true;
    }
    d->bytes_total = ret->size;
    if (ret->size != UINT64_MAX) {
        return true;
    }
    (void)bcj2__os_close(d->source_fd);
    d->source_fd = -1;
    bcj2_status s = open_source(d, ret);
    if (BCJ2_FAILED(s) && bcj2__drive_ours(e, d)) {
        no_source(e, d, s);
    }
    return BCJ2_SUCCEEDED(s);
}

/* Who is first was read before the transaction: somebody may have suspended it, say, since. */
static bool still_queued(struct engine *e, int64_t seq)
{
    bcj2_job_state state = BCJ2_JOB_STATE_QUEUED;
    bcj2_status s = bcj2__store_job_state(e->core->store, seq, &state);
    return s != BCJ2_E_NOT_FOUND && bcj2__engine_check(e, s) && state == BCJ2_JOB_STATE_QUEUED;
}

/* It may have been suspended and resumed since we last looked, and we have not heard of it yet: then its
   last run does not know that it is over. Two runs of a job would both believe that it is theirs. */
static void end_last_run(struct engine *e, int64_t seq)
{
    for (uint32_t i = 0; i < e->drive_count; i++) {
        if (e->drives[i]->seq == seq) {
            bcj2__drive_reconcile(e, e->drives[i]);
        }
    }
}

void bcj2__drive_start(struct engine *e, int64_t seq)
{
    struct store_job job = {0};
    struct store_file file = {0};
    struct drive *d = NULL;
    if (!bcj2__engine_transaction(e) || !still_queued(e, seq)) {
        return;
    }
    end_last_run(e, seq);
    d = new_drive(e, seq);
    bcj2_status s = d == NULL ? bcj2__detail_no_memory() : load(e, d, &job, &file);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__job_state_move_believed(e->core, seq, d->type, &d->believed, JOB_EV_START);
    }
    bcj2__store_job_done(&job);
    bcj2__store_file_done(&file);
    if (bcj2__engine_check(e, s)) {
        open_and_begin(e, d);
    }
}

/* ---- what happens to its request ---- */

static void no_answer(struct engine *e, struct drive *d, enum net_failure failure,
                      bcj2_status local_status)
{
    const struct bup_event event = {
        .type = BUP_EV_NO_ANSWER,
        .now_ms = e->now_ms,
        .failure = failure,
        .local_status = local_status,
        .immediate_retries_allowed = d->retries_allowed,
    };
    bcj2__drive_bup(e, d, &event);
}

void bcj2__drive_net_event(struct engine *e, struct drive *d, const struct net_event *event)
{
    if (d->ended) {
        return;
    }
    if (d->fetching) {
        bcj2__drive_get_event(e, d, event);
        return;
    }
    if (event->type != NET_EV_DONE) {
        return;
    }
    if (event->failure != NET_OK) {
        if (event->detail[0] != '\0') {
            bcj2__log(&e->core->log, LOG_INFO, "job %lld: %s: %s", (long long)d->seq,
                      bcj2__net_failure_text(event->failure), event->detail);
        }
        no_answer(e, d, event->failure, event->local_status);
        return;
    }
    struct bup_event answer = {
        .type = BUP_EV_ANSWER,
        .now_ms = e->now_ms,
        .head = event->head,
        .elapsed_ms = event->elapsed_ms,
    };
    if (source_at_answer(e, d, &answer.source)) {
        bcj2__drive_bup(e, d, &answer);
    }
}

/* Bytes of the present fragment that have left us but are not stored as progress yet. */
static bool unsaved_upload(const struct engine *e, const struct drive *d, uint64_t *ret_sent)
{
    struct net_progress p = {0};
    if (!d->asking || !bcj2__net_progress(e->net, d->token, &p)) {
        return false;
    }
    *ret_sent = p.sent;
    return p.sent != d->in_flight;
}

/* The server's word comes with the answer; until then people see what left us: on a slow line, and while
   the application works on the last fragment. */
static void upload_progress(struct engine *e, struct drive *d)
{
    uint64_t sent = 0;
    if (unsaved_upload(e, d, &sent) && e->now_ms - d->asked_ms >= DRIVE_SAVE_EVERY_MS &&
        bcj2__drive_ours(e, d)) {
        d->in_flight = sent;
        d->asked_ms = e->now_ms;
        (void)bcj2__drive_save(e, d);
    }
}

uint64_t bcj2__drive_deadline(const struct engine *e, const struct drive *d)
{
    uint64_t sent = 0;
    if (d->ended) {
        return UINT64_MAX;
    }
    if (d->fetching) {
        return bcj2__drive_reply_deadline(e, d);
    }
    return unsaved_upload(e, d, &sent) ? d->asked_ms + DRIVE_SAVE_EVERY_MS : UINT64_MAX;
}

void bcj2__drive_turn(struct engine *e, struct drive *d)
{
    if (d->ended) {
        return;
    }
    if (d->not_started) {
        d->not_started = false;
        if (d->fetching) {
            bcj2__drive_get_failed_to_start(e, d);
        } else {
            no_answer(e, d, NET_NO_MEMORY, BCJ2_E_OUTOFMEMORY);
        }
    } else if (d->opened) {
        d->opened = false;
        bcj2__drive_reply_opened(e, d);
    } else if (d->flowing) {
        bcj2__drive_reply_progress(e, d);
    } else if (d->asking) {
        upload_progress(e, d);
    }
}

/* ---- after the commit ---- */

static bcj2_status send(struct engine *e, struct drive *d)
{
    CLEANUP_BUF struct buf lines = BUF_INIT(LIMIT_HEAD_BYTES);
    CLEANUP_BUF struct buf url = BUF_INIT(LIMIT_URL_BYTES + LIMIT_HOST_ID_BYTES);
    struct bup_out out = d->step.request;
    out.content_name = d->content_name;
    bool built = bcj2__bup_msg_build(&out, &lines) &&
                 (d->step.host_id == NULL
                      ? bcj2__buf_append(&url, d->remote_name, strcspn(d->remote_name, "#"))
                      : bcj2__url_with_host(d->remote_name, d->step.host_id, &url));
    if (!built) {
        return bcj2__detail_no_memory();
    }
    const struct net_request request = {
        .token = d->token,
        .method = BUP_METHOD,
        .url = bcj2__buf_cstr(&url),
        .lines = bcj2__buf_cstr(&lines),
        .has_body = true,
        .body_fd = d->source_fd,
        .body_offset = out.first,
        .body_length = out.packet == BUP_PACKET_FRAGMENT ? out.length : 0,
        .body_guarded = out.packet == BUP_PACKET_FRAGMENT,
        .body_file_size = d->bup.saved.source.size,
        .body_mtime_s = d->bup.saved.source.mtime_s,
        .body_mtime_ns = d->bup.saved.source.mtime_ns,
        .sink_fd = -1,
        .response_timeout_ms =
            d->step.last ? bcj2__timeouts.last_response_ms : bcj2__timeouts.response_ms,
    };
    return bcj2__net_start(e->net, &request);
}

void bcj2__drive_act(struct engine *e, struct drive *d)
{
    if (d->ended) {
        d->act = DRIVE_ACT_NONE;
        bcj2__net_abort(e->net, d->token);
        return;
    }
    if (d->act == DRIVE_ACT_SEND) {
        d->act = DRIVE_ACT_NONE;
        d->asking = BCJ2_SUCCEEDED(send(e, d));
        d->asked_ms = e->now_ms;
        if (!d->asking) {
            d->not_started = e->again = true;
        }
        return;
    }
    bcj2__drive_reply_act(e, d);
}

void bcj2__drive_free(struct engine *e, struct drive *d)
{
    bcj2__net_abort(e->net, d->token);
    (void)bcj2__os_close(d->source_fd);
    (void)bcj2__os_close(d->sink_fd);
    bcj2__mem_free(d->remote_name);
    bcj2__mem_free(d->local_name);
    bcj2__mem_free(d->reply_temp);
    bcj2__mem_free(d->reply_url);
    bcj2__mem_free(d->reply_other_url);
    bcj2__mem_wipe(d, sizeof *d); /* session ids are capabilities */
    bcj2__mem_free(d);
}
