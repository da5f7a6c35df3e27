/* SPDX-License-Identifier: MIT */
/* See drive.h: from the upload to its reply. Where the reply is, whether it may be fetched from there, and
   the row that says so before anything is done. The download itself is in drive_get.c. */
#include "drive.h"
#include "detail.h"
#include "mem.h"
#include "settle.h"
#include "str.h"
#include "url.h"

#include <string.h>

/* The reply's URL on the host that took the last byte; the same on the origin if that is another. */
static bool resolve(struct drive *d)
{
    const struct bup_saved *saved = &d->bup.saved;
    CLEANUP_BUF struct buf base = BUF_INIT(LIMIT_URL_BYTES), url = BUF_INIT(LIMIT_URL_BYTES),
                           other = BUF_INIT(LIMIT_URL_BYTES);
    bool based = saved->reply_host[0] == '\0'
                     ? bcj2__buf_text(&base, d->remote_name)
                     : bcj2__url_with_host(d->remote_name, saved->reply_host, &base);
    if (!based || !bcj2__url_resolve(bcj2__buf_cstr(&base), saved->reply_url, &url)) {
        return false;
    }
    if (saved->reply_host[0] != '\0' &&
        bcj2__url_resolve(d->remote_name, saved->reply_url, &other) &&
        strcmp(bcj2__buf_cstr(&other), bcj2__buf_cstr(&url)) != 0) {
        d->get_other_url = bcj2__buf_take(&other);
    }
    d->get_url = bcj2__buf_take(&url);
    return d->get_url != NULL;
}

/* A reply over http for a job over https would give the answer away. */
static bool downgraded(const struct drive *d)
{
    return bcj2__str_same_n(d->remote_name, "https:", 6) &&
           !bcj2__str_same_n(d->get_url, "https:", 6);
}

/* The row says that the reply is being fetched, and where its file will be, before either happens. */
static bool announce(struct engine *e, struct drive *d)
{
    struct store_job job = {0};
    bool ok = bcj2__engine_check(e, bcj2__store_job_by_seq(e->core->store, d->seq, &job));
    if (ok && job.reply_temp == NULL) {
        job.reply_temp = bcj2__settle_temp_name(&job);
        ok = job.reply_temp != NULL || bcj2__engine_check(e, bcj2__detail_no_memory());
    }
    if (ok) {
        job.reply_requested = true;
        ok = bcj2__engine_check(e, bcj2__store_set_reply(e->core->store, &job, bcj2__os_wall()));
    }
    if (ok) {
        bcj2__mem_free(d->temp);
        d->temp = TAKE(job.reply_temp);
    }
    bcj2__store_job_done(&job);
    return ok;
}

void bcj2__drive_reply_begin(struct engine *e, struct drive *d)
{
    if (d->get_url == NULL && !resolve(d)) {
        const struct failure f =
            bcj2__classify_local(BCJ2_E_INVALID_SERVER_RESPONSE, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                                 false, "the reply's URL is not usable");
        bcj2__drive_fail(e, d, &f, BUP_PACKET_NONE, NULL);
        return;
    }
    if (downgraded(d)) {
        const struct failure f =
            bcj2__classify_local(BCJ2_E_INVALID_SERVER_RESPONSE, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                                 false, "the upload was https, the reply's URL is http");
        bcj2__drive_fail(e, d, &f, BUP_PACKET_NONE, NULL);
        return;
    }
    if (announce(e, d)) {
        e->durable = true;
        d->work = DRIVE_GET;
        d->act = DRIVE_ACT_OPEN;
    }
}

bool bcj2__drive_reply_save(struct engine *e, struct drive *d)
{
    struct store_job job = {0};
    if (!bcj2__engine_check(e, bcj2__store_job_by_seq(e->core->store, d->seq, &job))) {
        bcj2__store_job_done(&job);
        return false;
    }
    const struct get_saved *saved = &d->get.saved;
    job.reply_requested = true;
    job.reply_total = saved->total_known ? saved->total : 0;
    job.reply_transferred = saved->offset;
    bool ok = bcj2__engine_check(e, bcj2__store_set_reply(e->core->store, &job, bcj2__os_wall()));
    bcj2__store_job_done(&job);
    return ok;
}

void bcj2__drive_reply_stored(struct engine *e, struct drive *d)
{
    const struct bup_event stored = {.type = BUP_EV_REPLY_STORED, .now_ms = e->now_ms};
    bcj2__drive_bup(e, d, &stored);
}
