/* SPDX-License-Identifier: MIT */
/* See drive.h: the reply of an upload-reply job. The order that keeps a kill harmless: the temporary
   file's name is stored before the file is made; old bytes are cut off before the validators of new ones
   are stored; validators are stored before the first byte that goes with them is written. */
#include "drive.h"
#include "detail.h"
#include "mem.h"
#include "status.h"
#include "timeouts.h"

#include <stdio.h>
#include <string.h>

#define PREALLOCATE_FROM (1024u * 1024) /* bytes still to come */

/* After bcj2__drive_ours(). */
static void fail_locally(struct engine *e, struct drive *d, bcj2_status status, const char *what,
                         const char *detail)
{
    const struct failure f =
        bcj2__classify_local(status, BCJ2_ERROR_CONTEXT_LOCAL_FILE, false, what);
    bcj2__drive_fail(e, d, &f, BUP_PACKET_NONE, detail);
}

/* ---- the file ---- */

/* Ours from before, or a new one. Whatever else has the name is not touched. */
static bcj2_status open_temp(struct drive *d)
{
    struct os_stat st = {0};
    bcj2_status s = bcj2__os_create(d->reply_temp, &d->sink_fd);
    return s == BCJ2_E_SHARING_VIOLATION ? bcj2__os_reopen(d->reply_temp, &d->sink_fd, &st) : s;
}

/* Bytes of the file that belong to the answer whose validators are stored. In this boot that is what the
   file has: bytes come in order and the kernel keeps what was written. */
static uint64_t believed_offset(const struct get_saved *saved, const struct os_stat *st,
                                bool same_boot)
{
    if (!saved->begun) {
        return 0;
    }
    uint64_t offset = same_boot ? st->size : MIN(st->size, saved->synced);
    return saved->total_known ? MIN(offset, saved->total) : offset;
}

static void step_get(struct engine *e, struct drive *d, const struct get_event *event);

void bcj2__drive_reply_opened(struct engine *e, struct drive *d)
{
    struct os_stat st = {0};
    struct get_saved saved = d->get.saved;
    char boot_id[OS_BOOT_ID_SIZE];
    if (!bcj2__drive_ours(e, d)) {
        return;
    }
    if (BCJ2_FAILED(d->open_status)) {
        fail_locally(e, d, d->open_status, "opening the reply's temporary file", d->open_detail);
        return;
    }
    bcj2__os_boot_id(boot_id);
    bool same_boot = strcmp(boot_id, d->get_boot_id) == 0;
    bcj2_status s = bcj2__os_fstat(d->sink_fd, d->reply_temp, &st);
    saved.offset = believed_offset(&saved, &st, same_boot);
    saved.synced = MIN(saved.synced, saved.offset);
    if (BCJ2_SUCCEEDED(s) && !same_boot && st.size > saved.offset) {
        /* gone before the row says that its bytes are of this boot */
        s = bcj2__os_truncate(d->sink_fd, saved.offset);
    }
    if (BCJ2_FAILED(s)) {
        fail_locally(e, d, s, "looking at the reply's temporary file", bcj2__detail_get());
        return;
    }
    memcpy(d->get_boot_id, boot_id, sizeof d->get_boot_id);
    bcj2__get_init(&d->get, d->reply_other_url != NULL, &saved);
    d->saved_offset = saved.offset;
    d->sync_asked = saved.synced;
    d->sync_ms = e->now_ms;
    const struct get_event event = {.type = GET_EV_START, .now_ms = e->now_ms};
    step_get(e, d, &event);
}

/* ---- the machine ---- */

/* Stores the download's facts and the reply's progress, as the getters show it. */
static bool save_reply(struct engine *e, struct drive *d)
{
    struct store_job job = {0};
    if (!bcj2__drive_save(e, d) ||
        !bcj2__engine_check(e, bcj2__store_job_by_seq(e->core->store, d->seq, &job))) {
        bcj2__store_job_done(&job);
        return false;
    }
    const struct get_saved *saved = &d->get.saved;
    job.reply_requested = true;
    job.reply_total = saved->total_known ? saved->total : 0;
    job.reply_transferred = saved->offset;
    bool ok = bcj2__engine_check(e, bcj2__store_set_reply(e->core->store, &job, bcj2__os_wall()));
    bcj2__store_job_done(&job);
    d->saved_offset = saved->offset;
    d->saved_ms = e->now_ms;
    return ok;
}

/* What the file has behind the beginning of an accepted body, or behind the whole reply, belongs to
   nothing. */
static bool cut_file(struct engine *e, struct drive *d, uint64_t size)
{
    struct os_stat st = {0};
    bcj2_status s = bcj2__os_fstat(d->sink_fd, d->reply_temp, &st);
    if (BCJ2_SUCCEEDED(s) && st.size > size) {
        s = bcj2__os_truncate(d->sink_fd, size);
    }
    if (BCJ2_FAILED(s)) {
        fail_locally(e, d, s, "cutting the reply's temporary file", bcj2__detail_get());
        return false;
    }
    return true;
}

static void apply_get(struct engine *e, struct drive *d)
{
    struct get_step *step = &d->get_step;
    if (step->note != NULL) {
        bcj2__log(&e->core->log, LOG_INFO, "job %lld: reply: %s", (long long)d->seq, step->note);
    }
    if (step->restarted) {
        d->sync_asked = 0; /* a sync that is under way is about the old bytes */
    }
    if ((step->connected && !bcj2__drive_connected(e, d)) ||
        (step->want == GET_WANT_BODY && !cut_file(e, d, step->offset)) ||
        (step->want == GET_WANT_DONE && !cut_file(e, d, d->get.saved.offset)) ||
        ((step->save || step->restarted) && !save_reply(e, d))) {
        return;
    }
    switch (step->want) {
    case GET_WANT_REQUEST:
        d->act = DRIVE_ACT_GET;
        break;
    case GET_WANT_BODY:
        d->act = DRIVE_ACT_BODY;
        break;
    case GET_WANT_IGNORE:
        d->act = DRIVE_ACT_IGNORE;
        break;
    case GET_WANT_DONE:
        d->act = DRIVE_ACT_SYNC;
        break;
    case GET_WANT_FAIL:
        bcj2__drive_fail(e, d, &step->failure, BUP_PACKET_NONE,
                         step->failure.context == BCJ2_ERROR_CONTEXT_LOCAL_FILE
                             ? bcj2__status_text(step->failure.code)
                             : NULL);
        break;
    }
}

static void step_get(struct engine *e, struct drive *d, const struct get_event *event)
{
    if (d->ended || !bcj2__drive_ours(e, d)) {
        return;
    }
    d->get_step = bcj2__get_step(&d->get, event);
    apply_get(e, d);
}

void bcj2__drive_get_event(struct engine *e, struct drive *d, const struct net_event *event)
{
    struct get_event step = {
        .now_ms = e->now_ms,
        .head = event->head,
        .written = d->flowing ? event->sink_offset : d->get.saved.offset,
        .failure = event->failure,
        .local_status = event->local_status,
        .immediate_retries_allowed = d->retries_allowed,
    };
    if (event->type == NET_EV_HEAD) {
        step.type = GET_EV_HEAD;
    } else {
        step.type = event->failure == NET_OK ? GET_EV_BODY_END : GET_EV_NO_ANSWER;
        bool progressed = d->flowing && event->sink_offset > d->flow_offset;
        d->flowing = false;
        if (progressed && (!bcj2__drive_ours(e, d) || !bcj2__drive_progressed(e, d))) {
            return;
        }
    }
    step_get(e, d, &step);
}

void bcj2__drive_get_failed_to_start(struct engine *e, struct drive *d)
{
    const struct get_event event = {
        .type = GET_EV_NO_ANSWER,
        .now_ms = e->now_ms,
        .written = d->get.saved.offset,
        .failure = NET_NO_MEMORY,
        .local_status = BCJ2_E_OUTOFMEMORY,
    };
    step_get(e, d, &event);
}

/* ---- while it flows ---- */

static bool flow_offset_now(const struct engine *e, const struct drive *d, uint64_t *ret)
{
    struct net_progress p = {0};
    if (!d->flowing || !bcj2__net_progress(e->net, d->token, &p)) {
        return false;
    }
    *ret = d->flow_offset + p.written;
    return true;
}

static bool sync_due(const struct engine *e, const struct drive *d, uint64_t offset)
{
    return d->disk_ops == 0 && offset > d->sync_asked &&
           (offset - d->sync_asked >= LIMIT_SYNC_EVERY_BYTES ||
            e->now_ms - d->sync_ms >= LIMIT_SYNC_EVERY_MS);
}

static bool submit(struct engine *e, struct drive *d, enum disk_work work, uint64_t size)
{
    const struct disk_op op = {
        .token = d->token, .work = work, .fd = d->sink_fd, .path = d->reply_temp, .size = size};
    if (BCJ2_FAILED(bcj2__disk_submit(e->disk, &op))) {
        return false;
    }
    d->disk_ops++;
    return true;
}

/* More came than the head announced, which libcurl cannot see if the body comes in chunks: it ends here,
   or it would fill the disk. */
static void end_overlong_body(struct engine *e, struct drive *d, uint64_t offset)
{
    const struct net_event end = {
        .type = NET_EV_DONE, .token = d->token, .failure = NET_OK, .sink_offset = offset};
    bcj2__net_abort(e->net, d->token);
    bcj2__drive_get_event(e, d, &end);
}

void bcj2__drive_reply_progress(struct engine *e, struct drive *d)
{
    uint64_t offset = 0;
    if (!flow_offset_now(e, d, &offset)) {
        return;
    }
    if (d->get.body_length_known && offset > d->get.body_end) {
        end_overlong_body(e, d, offset);
        return;
    }
    if (sync_due(e, d, offset) && submit(e, d, DISK_SYNC, offset)) {
        d->sync_asked = offset;
        d->sync_ms = e->now_ms;
    }
    if (offset == d->saved_offset || e->now_ms - d->saved_ms < DRIVE_SAVE_EVERY_MS) {
        return;
    }
    if (bcj2__drive_ours(e, d) && bcj2__drive_progressed(e, d)) {
        d->get.saved.offset = offset;
        (void)save_reply(e, d);
    }
}

uint64_t bcj2__drive_reply_deadline(const struct engine *e, const struct drive *d)
{
    uint64_t offset = 0;
    if (!flow_offset_now(e, d, &offset) || offset == d->saved_offset) {
        return UINT64_MAX;
    }
    return d->saved_ms + DRIVE_SAVE_EVERY_MS;
}

/* ---- the disk thread's answers ---- */

static void body_may_flow(struct engine *e, struct drive *d)
{
    bcj2_status s = bcj2__net_continue(e->net, d->token, d->get_step.offset, false);
    d->flowing = BCJ2_SUCCEEDED(s);
    d->flow_offset = d->get_step.offset;
}

void bcj2__drive_disk_event(struct engine *e, struct drive *d, const struct disk_op *op)
{
    d->disk_ops--;
    if (d->ended) {
        return;
    }
    if (BCJ2_FAILED(op->status)) {
        bcj2__net_abort(e->net, d->token);
        if (op->work != DISK_PREALLOCATE) {
            /* the kernel may forget what it could not write: as after a reboot, only what was synced
               before counts */
            d->get_boot_id[0] = '\0';
        }
        if (bcj2__drive_ours(e, d)) {
            fail_locally(e, d, op->status, "writing the reply's temporary file", op->detail);
        }
    } else if (op->work == DISK_PREALLOCATE) {
        body_may_flow(e, d);
    } else if (op->work == DISK_SYNC_ALL) {
        d->get.saved.synced = d->get.saved.offset;
        const struct bup_event stored = {.type = BUP_EV_REPLY_STORED, .now_ms = e->now_ms};
        bcj2__drive_bup(e, d, &stored);
    } else if (op->size == d->sync_asked) { /* else of bytes that were thrown away since */
        d->get.saved.synced = MAX(d->get.saved.synced, op->size);
        d->get.saved.offset = MAX(d->get.saved.offset, op->size);
        if (bcj2__drive_ours(e, d)) {
            (void)save_reply(e, d);
        }
    }
}

/* ---- after the commit ---- */

static bcj2_status send_get(struct engine *e, struct drive *d)
{
    const struct get_request *r = &d->get_step.request;
    CLEANUP_BUF struct buf lines = BUF_INIT(LIMIT_HEAD_BYTES);
    if (r->range) {
        (void)bcj2__buf_printf(&lines, "Range: bytes=%llu-", (unsigned long long)r->first);
        (void)bcj2__buf_append(&lines, "", 1);
    }
    if (r->if_range != NULL) {
        (void)bcj2__buf_printf(&lines, "If-Range: %s", r->if_range);
        (void)bcj2__buf_append(&lines, "", 1);
    }
    if (r->if_unmodified_since != NULL) {
        (void)bcj2__buf_printf(&lines, "If-Unmodified-Since: %s", r->if_unmodified_since);
        (void)bcj2__buf_append(&lines, "", 1);
    }
    (void)bcj2__buf_append(&lines, "", 1);
    if (!bcj2__buf_ok(&lines)) {
        return bcj2__detail_no_memory();
    }
    const struct net_request request = {
        .token = d->token,
        .method = "GET",
        .url = r->alternative && d->reply_other_url != NULL ? d->reply_other_url : d->reply_url,
        .lines = lines.data,
        .body_fd = -1,
        .redirects = NET_REDIRECTS_FOLLOW,
        .http2 = true,
        .pause_at_body = true,
        .sink_fd = d->sink_fd,
        .response_timeout_ms = bcj2__timeouts.response_ms,
    };
    bcj2__net_abort(e->net, d->token); /* of an answer that was not wanted to its end */
    return bcj2__net_start(e->net, &request);
}

static void act_body(struct engine *e, struct drive *d)
{
    const struct get_saved *saved = &d->get.saved;
    d->saved_ms = e->now_ms;
    if (saved->total_known && saved->total > d->get_step.offset &&
        saved->total - d->get_step.offset >= PREALLOCATE_FROM &&
        submit(e, d, DISK_PREALLOCATE, saved->total)) {
        return; /* the body waits for the space */
    }
    body_may_flow(e, d);
}

void bcj2__drive_reply_act(struct engine *e, struct drive *d)
{
    enum drive_act act = d->act;
    d->act = DRIVE_ACT_NONE;
    switch (act) {
    case DRIVE_ACT_OPEN_REPLY:
        d->open_status = open_temp(d);
        if (BCJ2_FAILED(d->open_status)) {
            (void)snprintf(d->open_detail, sizeof d->open_detail, "%s", bcj2__detail_get());
        }
        d->opened = e->again = true;
        break;
    case DRIVE_ACT_GET:
        if (BCJ2_FAILED(send_get(e, d))) {
            d->not_started = e->again = true;
        }
        break;
    case DRIVE_ACT_BODY:
        act_body(e, d);
        break;
    case DRIVE_ACT_IGNORE:
        (void)bcj2__net_continue(e->net, d->token, 0, true);
        break;
    case DRIVE_ACT_SYNC:
        if (!submit(e, d, DISK_SYNC_ALL, d->get.saved.offset)) {
            d->act = DRIVE_ACT_SYNC; /* no memory: again next turn */
            e->again = true;
        }
        break;
    case DRIVE_ACT_NONE:
    case DRIVE_ACT_SEND:
        break;
    }
}
