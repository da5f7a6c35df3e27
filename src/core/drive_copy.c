/* SPDX-License-Identifier: MIT */
/* See drive.h: a file that is on this machine, copied by a disk thread piece by piece (copy.h). A download
   copies into the file's temporary file. An upload copies into one beside its target, and gives it the
   target's name when it is whole: the row notes which file is about to be renamed before it is.

   The source is what it was when the copy began as long as its size and its time of change are. */
#include "drive.h"
#include "detail.h"
#include "mem.h"
#include "settle.h"
#include "url.h"

#include <stdio.h>
#include <string.h>

#define RESTARTS 5u /* then the source changes too often */

static bool down(const struct drive *d)
{
    return d->type == BCJ2_JOB_TYPE_DOWNLOAD;
}

static void next(struct drive *d, bcj2_status (*work)(void *copy))
{
    d->copy_work = work;
    d->act = DRIVE_ACT_COPY;
}

/* ---- failures ---- */

/* The far side may be a share whose server is away for a while. */
static bool passes(bcj2_status s, bool far)
{
    return s == BCJ2_E_SHARING_VIOLATION || s == BCJ2_E_LOCK_VIOLATION || s == BCJ2_E_OUTOFMEMORY ||
           (far && (s == BCJ2_E_IO_DEVICE || s == BCJ2_E_TIMEOUT || s == BCJ2_E_FAIL));
}

static void fail(struct engine *e, struct drive *d, bcj2_status s, enum copy_side side,
                 bool transient, const char *what, const char *detail)
{
    bool far = (side == COPY_SOURCE) == down(d);
    const struct failure f = bcj2__classify_local(
        s, far ? BCJ2_ERROR_CONTEXT_REMOTE_FILE : BCJ2_ERROR_CONTEXT_LOCAL_FILE, transient, what);
    if (bcj2__drive_ours(e, d)) {
        bcj2__drive_fail(e, d, &f, BUP_PACKET_NONE, detail);
    }
}

static void work_failed(struct engine *e, struct drive *d, const struct disk_op *op)
{
    bool far = (d->copy->failed == COPY_SOURCE) == down(d);
    if (op->call == bcj2__copy_piece) {
        d->get.saved.offset = d->copy->offset;
    }
    if (op->call == bcj2__copy_sync || op->call == bcj2__copy_finish) {
        /* the kernel may forget what it could not write: as after a reboot, only what was synced before
           counts */
        d->get_boot_id[0] = '\0';
    }
    fail(e, d, op->status, d->copy->failed, passes(op->status, far), "copying the file",
         op->detail);
}

/* ---- the source ---- */

static void identity(const struct os_stat *st, char text[64])
{
    (void)snprintf(text, 64, "%llu bytes of %lld.%09d", (unsigned long long)st->size,
                   (long long)st->mtime_s, (int)st->mtime_ns);
}

static bool same_source(const struct drive *d)
{
    char now[64];
    identity(&d->copy->source_now, now);
    return d->copy->source_now.exists && strcmp(d->get.saved.etag, now) == 0;
}

/* An upload of a file that changes has failed; a download's file begins again, not for ever. */
static void source_changed(struct engine *e, struct drive *d)
{
    uint32_t restarts = d->get.saved.restarts + 1;
    d->get.saved = (struct get_saved){.restarts = restarts};
    d->sync_asked = 0;
    if (!down(d)) {
        d->get.saved.restarts = 0;
        fail(e, d, BCJ2_E_LOCAL_FILE_CHANGED, COPY_SOURCE, false, NULL, NULL);
    } else if (restarts > RESTARTS) {
        d->get.saved.restarts = 0;
        fail(e, d, BCJ2_E_REMOTE_FILE_CHANGED, COPY_SOURCE, true,
             "the file changed again and again while it was copied", NULL);
    } else if (bcj2__drive_ours(e, d) && bcj2__drive_get_save(e, d)) {
        bcj2__log(&e->core->log, LOG_INFO, "job %lld: the file to copy changed; from the start",
                  (long long)d->seq);
        next(d, bcj2__copy_open);
    }
}

/* ---- steps ---- */

static void go_on(struct engine *e, struct drive *d)
{
    if (d->get.saved.offset == d->get.saved.total) {
        next(d, bcj2__copy_finish);
    } else if (bcj2__drive_sync_due(e, d, d->get.saved.offset)) {
        d->sync_asked = d->get.saved.offset;
        d->sync_ms = e->now_ms;
        next(d, bcj2__copy_sync);
    } else {
        next(d, bcj2__copy_piece);
    }
}

/* The upload has its name: what is left is to say so. */
static void placed(struct engine *e, struct drive *d)
{
    struct store_file file = {.index = 0};
    if (!bcj2__drive_ours(e, d) ||
        !bcj2__engine_check(e, bcj2__store_file(e->core->store, d->seq, 0, &file))) {
        return;
    }
    file.transferred = file.renamed = true;
    file.completing = false;
    file.bytes_total = file.bytes_transferred = d->get.saved.total;
    bcj2__mem_free(file.temp_name);
    file.temp_name = NULL;
    bool ok = bcj2__engine_check(e, bcj2__store_update_file(e->core->store, d->seq, &file,
                                                            bcj2__os_wall()));
    bcj2__store_file_done(&file);
    if (ok) {
        bcj2__drive_done(e, d, BUP_PACKET_NONE);
    }
}

static void opened(struct engine *e, struct drive *d)
{
    struct copy *c = d->copy;
    struct get_saved *saved = &d->get.saved;
    char boot_id[OS_BOOT_ID_SIZE];
    if (c->placed) {
        placed(e, d);
        return;
    }
    if (saved->begun && !same_source(d)) {
        source_changed(e, d);
        return;
    }
    bcj2__os_boot_id(boot_id);
    saved->offset =
        bcj2__drive_get_believed(saved, c->sink_now.size, strcmp(boot_id, d->get_boot_id) == 0);
    memcpy(d->get_boot_id, boot_id, sizeof d->get_boot_id);
    saved->begun = saved->total_known = true;
    saved->total = saved->remote_total = c->source_now.size;
    saved->synced = MIN(saved->synced, saved->offset);
    identity(&c->source_now, saved->etag);
    c->offset = saved->offset;
    c->size = saved->total;
    d->sync_asked = saved->synced;
    d->sync_ms = e->now_ms;
    next(d, bcj2__copy_prepare);
}

/* Cut before the row says how much is there, so that nothing else is believed after a kill. */
static void prepared(struct engine *e, struct drive *d)
{
    if (bcj2__drive_ours(e, d) && bcj2__drive_connected(e, d) && bcj2__drive_get_save(e, d)) {
        go_on(e, d);
    }
}

static void piece_done(struct engine *e, struct drive *d)
{
    if (d->copy->ended_early || !same_source(d)) {
        source_changed(e, d);
        return;
    }
    bool progressed = d->copy->offset > d->get.saved.offset;
    d->get.saved.offset = d->copy->offset;
    bool save = e->now_ms - d->saved_ms >= DRIVE_SAVE_EVERY_MS;
    if ((progressed && d->series && (!bcj2__drive_ours(e, d) || !bcj2__drive_progressed(e, d))) ||
        (save && (!bcj2__drive_ours(e, d) || !bcj2__drive_get_save(e, d)))) {
        return;
    }
    go_on(e, d);
}

static void synced(struct engine *e, struct drive *d)
{
    d->get.saved.synced = d->get.saved.offset;
    if (bcj2__drive_ours(e, d) && bcj2__drive_get_save(e, d)) {
        go_on(e, d);
    }
}

/* The row says which file is about to take the target's name. */
static void place(struct engine *e, struct drive *d)
{
    struct store_file file = {.index = 0};
    if (!bcj2__drive_ours(e, d) || !bcj2__drive_get_save(e, d) ||
        !bcj2__engine_check(e, bcj2__store_file(e->core->store, d->seq, 0, &file))) {
        return;
    }
    file.completing = true;
    file.completing_device = d->copy->sink_now.device;
    file.completing_inode = d->copy->sink_now.inode;
    if (bcj2__engine_check(e, bcj2__store_update_file(e->core->store, d->seq, &file,
                                                      bcj2__os_wall()))) {
        e->durable = true;
        next(d, bcj2__copy_place);
    }
    bcj2__store_file_done(&file);
}

static void finished(struct engine *e, struct drive *d)
{
    if (!same_source(d)) {
        source_changed(e, d);
        return;
    }
    d->get.saved.synced = d->get.saved.offset;
    if (down(d)) {
        bcj2__drive_file_stored(e, d);
    } else {
        place(e, d);
    }
}

void bcj2__drive_copy_event(struct engine *e, struct drive *d, const struct disk_op *op)
{
    if (BCJ2_FAILED(op->status)) {
        work_failed(e, d, op);
    } else if (op->call == bcj2__copy_open) {
        opened(e, d);
    } else if (op->call == bcj2__copy_prepare) {
        prepared(e, d);
    } else if (op->call == bcj2__copy_piece) {
        piece_done(e, d);
    } else if (op->call == bcj2__copy_sync) {
        synced(e, d);
    } else if (op->call == bcj2__copy_finish) {
        finished(e, d);
    } else {
        placed(e, d);
    }
}

void bcj2__drive_copy_act(struct engine *e, struct drive *d)
{
    const struct disk_op op = {
        .token = d->token, .work = DISK_CALL, .call = d->copy_work, .argument = d->copy};
    if (BCJ2_FAILED(bcj2__engine_copies(e)) || BCJ2_FAILED(bcj2__disk_submit(e->copies, &op))) {
        e->again = true; /* no memory: again next turn */
        return;
    }
    d->act = DRIVE_ACT_NONE;
    d->disk_ops++;
}

/* ---- the beginning ---- */

static bool new_copy(struct drive *d)
{
    if (d->copy == NULL) {
        d->copy = bcj2__mem_calloc(1, sizeof *d->copy);
    } else {
        bcj2__copy_done(d->copy);
    }
    return d->copy != NULL;
}

void bcj2__drive_copy_begin(struct engine *e, struct drive *d)
{
    CLEANUP_BUF struct buf path = BUF_INIT(LIMIT_PATH_BYTES);
    char problem[128];
    d->work = DRIVE_COPY;
    bool good = bcj2__url_file_path(d->remote_name, &path, problem);
    if (!good && !path.no_memory) {
        fail(e, d, BCJ2_E_INVALIDARG, down(d) ? COPY_SOURCE : COPY_SINK, false, NULL, problem);
        return;
    }
    if (!good || !new_copy(d)) {
        (void)bcj2__engine_check(e, bcj2__detail_no_memory());
        return;
    }
    d->copy->sink = bcj2__mem_strdup(d->temp);
    if (down(d)) {
        d->copy->source = bcj2__buf_take(&path);
    } else {
        d->copy->source = bcj2__mem_strdup(d->local_name);
        d->copy->target = bcj2__buf_take(&path);
    }
    if (bcj2__copy_init(d->copy) && (down(d) || d->copy->target != NULL)) {
        next(d, bcj2__copy_open);
    } else {
        (void)bcj2__engine_check(e, bcj2__detail_no_memory());
    }
}

/* The row names the temporary file beside the target before it is made. */
static bool announce(struct engine *e, struct drive *d, struct store_file *file)
{
    CLEANUP_BUF struct buf path = BUF_INIT(LIMIT_PATH_BYTES);
    char problem[128];
    if (file->temp_name == NULL && bcj2__url_file_path(d->remote_name, &path, problem)) {
        d->get.saved = (struct get_saved){.begun = false};
        file->temp_name = bcj2__settle_file_temp_name(&d->id, bcj2__buf_cstr(&path), 0);
        if (file->temp_name == NULL) {
            return bcj2__engine_check(e, bcj2__detail_no_memory());
        }
        e->durable = true;
        if (!bcj2__engine_check(e, bcj2__store_update_file(e->core->store, d->seq, file,
                                                           bcj2__os_wall()))) {
            return false;
        }
    }
    bcj2__mem_free(d->temp);
    d->temp = TAKE(file->temp_name);
    return true;
}

void bcj2__drive_copy_upload(struct engine *e, struct drive *d)
{
    struct store_file file = {.index = 0};
    d->work = DRIVE_COPY;
    if (!bcj2__engine_check(e, bcj2__store_file(e->core->store, d->seq, 0, &file))) {
        return;
    }
    bool ok = announce(e, d, &file);
    if (ok) {
        bcj2__drive_copy_begin(e, d);
    }
    if (ok && d->copy != NULL) {
        d->copy->placing = file.completing;
        d->copy->placing_device = file.completing_device;
        d->copy->placing_inode = file.completing_inode;
    }
    bcj2__store_file_done(&file);
}
