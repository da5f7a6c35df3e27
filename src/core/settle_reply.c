/* SPDX-License-Identifier: MIT */
/* See settle_parts.h: the reply's temporary file, given its name or removed. */
#include "settle_parts.h"
#include "detail.h"
#include "guid.h"
#include "mem.h"

char *bcj2__settle_temp_name(const struct store_job *job)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    bcj2__guid_format(&job->id, id);
    const char *base = bcj2__os_base_of(job->reply_name);
    return bcj2__mem_printf("%.*s.bcj2-%.36s.tmp", (int)(base - job->reply_name), job->reply_name,
                            id + 1);
}

/* The file first, then the note that it is gone. */
bcj2_status bcj2__settle_forget_reply(struct core *c, struct store_job *job)
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
        s = bcj2__store_set_reply(c->store, job, bcj2__os_wall());
        (void)bcj2__store_end(c->store, false, s);
    }
    return BCJ2_OK; /* at worst an unlink of nothing is tried again at the next opening */
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
    return bcj2__store_end(c->store, true, s);
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

bcj2_status bcj2__settle_place_reply(struct core *c, struct store_job *job)
{
    bool done = false;
    bcj2_status s = renamed_before(job, &done);
    if (BCJ2_SUCCEEDED(s) && !done && job->reply_total == 0) {
        s = make_empty_reply(c, job);
    }
    return BCJ2_SUCCEEDED(s) ? rename_reply(c, job) : s;
}
