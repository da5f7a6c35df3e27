/* SPDX-License-Identifier: MIT */
/* See drive.h: while the bytes of a download come. What is stored of the progress, when the file is synced,
   and what the disk threads said of it. */
#include "drive.h"
#include "detail.h"
#include "mem.h"
#include "temp_file.h"

#include <stdio.h>

#define PREALLOCATE_FROM (1024u * 1024) /* bytes still to come */

static bool flow_offset_now(const struct engine *e, const struct drive *d, uint64_t *ret)
{
    struct net_progress p = {0};
    if (!d->flowing || !bcj2__net_progress(e->net, d->token, &p)) {
        return false;
    }
    *ret = d->flow_offset + p.written;
    return true;
}

bool bcj2__drive_sync_due(const struct engine *e, const struct drive *d, uint64_t offset)
{
    return d->disk_ops == 0 && offset > d->sync_asked &&
           (offset - d->sync_asked >= LIMIT_SYNC_EVERY_BYTES ||
            e->now_ms - d->sync_ms >= LIMIT_SYNC_EVERY_MS);
}

static bool submit(struct engine *e, struct drive *d, enum disk_work work, uint64_t size)
{
    const struct disk_op op = {
        .token = d->token, .work = work, .fd = d->sink_fd, .path = d->temp, .size = size};
    if (BCJ2_FAILED(bcj2__disk_submit(e->disk, &op))) {
        return false;
    }
    d->disk_ops++;
    return true;
}

void bcj2__drive_flow_progress(struct engine *e, struct drive *d)
{
    uint64_t offset = 0;
    if (!flow_offset_now(e, d, &offset)) {
        return;
    }
    if (bcj2__drive_sync_due(e, d, offset) && submit(e, d, DISK_SYNC, offset)) {
        d->sync_asked = offset;
        d->sync_ms = e->now_ms;
    }
    if (offset == d->saved_offset || e->now_ms - d->saved_ms < DRIVE_SAVE_EVERY_MS) {
        return;
    }
    if (bcj2__drive_ours(e, d) && bcj2__drive_progressed(e, d)) {
        d->get.saved.offset = offset;
        (void)bcj2__drive_get_save(e, d);
    }
}

uint64_t bcj2__drive_flow_deadline(const struct engine *e, const struct drive *d)
{
    uint64_t offset = 0;
    if (!flow_offset_now(e, d, &offset) || offset == d->saved_offset) {
        return UINT64_MAX;
    }
    return d->saved_ms + DRIVE_SAVE_EVERY_MS;
}

/* ---- the disk thread's answers ---- */

/* What is behind the announced end is never written: after a kill it would count as the file's. */
static void body_may_flow(struct engine *e, struct drive *d)
{
    if (d->get.body_length_known) {
        bcj2__net_bound(e->net, d->token, d->get.body_end);
    }
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
    if (op->work == DISK_CALL) {
        bcj2__drive_copy_event(e, d, op);
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
            bcj2__drive_fail_locally(e, d, op->status, "writing the temporary file", op->detail);
        }
    } else if (op->work == DISK_PREALLOCATE) {
        body_may_flow(e, d);
    } else if (op->work == DISK_SYNC_ALL) {
        d->get.saved.synced = d->get.saved.offset;
        if (d->type == BCJ2_JOB_TYPE_DOWNLOAD) {
            bcj2__drive_file_stored(e, d);
        } else {
            bcj2__drive_reply_stored(e, d);
        }
    } else if (op->size == d->sync_asked) { /* else of bytes that were thrown away since */
        d->get.saved.synced = MAX(d->get.saved.synced, op->size);
        d->get.saved.offset = MAX(d->get.saved.offset, op->size);
        if (bcj2__drive_ours(e, d)) {
            (void)bcj2__drive_get_save(e, d);
        }
    }
}

/* ---- after the commit ---- */

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

void bcj2__drive_flow_act(struct engine *e, struct drive *d)
{
    enum drive_act act = d->act;
    d->act = DRIVE_ACT_NONE;
    switch (act) {
    case DRIVE_ACT_OPEN:
        bcj2__net_abort(e->net, d->token); /* of the file before */
        bcj2__temp_file_close(&d->sink_fd);
        d->open_status = bcj2__temp_file_open(d->temp, &d->sink_fd);
        if (BCJ2_FAILED(d->open_status)) {
            (void)snprintf(d->open_detail, sizeof d->open_detail, "%s", bcj2__detail_get());
        }
        d->opened = e->again = true;
        break;
    case DRIVE_ACT_GET:
        if (BCJ2_FAILED(bcj2__drive_get_send(e, d))) {
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
        if (d->disk_ops > 0) {
            d->act = DRIVE_ACT_SYNC; /* its end wakes us; after ours the descriptor may be closed */
        } else if (!submit(e, d, DISK_SYNC_ALL, d->get.saved.offset)) {
            d->act = DRIVE_ACT_SYNC; /* no memory: again next turn */
            e->again = true;
        }
        break;
    case DRIVE_ACT_NONE:
    case DRIVE_ACT_COPY:
    case DRIVE_ACT_SEND:
        break;
    }
}
