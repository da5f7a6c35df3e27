/* SPDX-License-Identifier: MIT */
/* What the upload and download machines save, a column for each field. */
#include "store.h"

#include <string.h>
#include "detail.h"
#include "store_sql.h"

/* In the order of the functions below. */
#define UPLOAD_COLUMNS                                                                             \
    "up_phase, up_source_size, up_source_mtime_s, up_source_mtime_ns, up_session_id, up_host_id, " \
    "up_fallback_s, up_fallback_used_ms, up_acked, up_fragment, up_ceiling, up_reply_url, "        \
    "up_reply_host, up_close_tried, up_new_session_tried, up_bad_answers"
#define DOWNLOAD_COLUMNS                                                                    \
    "get_begun, get_total_known, get_total, get_offset, get_synced, get_etag, "             \
    "get_last_modified, get_last_modified_strong, get_restarts, get_preconditions_failed, " \
    "get_plain_only, get_origin_tried, get_bad_answers, get_boot_id, get_file, get_remote_total"

static void bind_upload(struct sql *q, const struct bup_saved *b)
{
    bcj2__sql_bind_i64(q, b->phase);
    bcj2__sql_bind_u64(q, b->source.size);
    bcj2__sql_bind_i64(q, b->source.mtime_s);
    bcj2__sql_bind_i64(q, b->source.mtime_ns);
    bcj2__sql_bind_text(q, b->session_id);
    bcj2__sql_bind_text(q, b->host_id);
    bcj2__sql_bind_i64(q, b->fallback_s);
    bcj2__sql_bind_u64(q, b->fallback_used_ms);
    bcj2__sql_bind_u64(q, b->acked);
    bcj2__sql_bind_i64(q, b->fragment);
    bcj2__sql_bind_i64(q, b->ceiling);
    bcj2__sql_bind_text(q, b->reply_url);
    bcj2__sql_bind_text(q, b->reply_host);
    bcj2__sql_bind_i64(q, b->close_tried);
    bcj2__sql_bind_i64(q, b->new_session_tried);
    bcj2__sql_bind_i64(q, b->bad_answers);
}

static void read_upload(struct sql *q, struct bup_saved *b)
{
    int64_t phase = bcj2__sql_i64(q);
    if (phase < 0 || phase >= BUP_PHASE_COUNT) {
        q->status = bcj2__detail(BCJ2_E_DATABASE_CORRUPT,
                                 "the queue in %s holds a damaged up_phase", q->store->directory);
        return;
    }
    b->phase = (enum bup_phase)phase;
    b->source.size = bcj2__sql_u64(q);
    b->source.mtime_s = bcj2__sql_i64(q);
    b->source.mtime_ns = (int32_t)bcj2__sql_i64(q);
    bcj2__sql_text_into(q, b->session_id, sizeof b->session_id);
    bcj2__sql_text_into(q, b->host_id, sizeof b->host_id);
    b->fallback_s = bcj2__sql_u32(q);
    b->fallback_used_ms = bcj2__sql_u64(q);
    b->acked = bcj2__sql_u64(q);
    b->fragment = bcj2__sql_u32(q);
    b->ceiling = bcj2__sql_u32(q);
    bcj2__sql_text_into(q, b->reply_url, sizeof b->reply_url);
    bcj2__sql_text_into(q, b->reply_host, sizeof b->reply_host);
    b->close_tried = bcj2__sql_bool(q);
    b->new_session_tried = bcj2__sql_bool(q);
    b->bad_answers = bcj2__sql_u32(q);
}

static void bind_download(struct sql *q, const struct store_transfer *t)
{
    const struct get_saved *g = &t->get;
    bcj2__sql_bind_i64(q, g->begun);
    bcj2__sql_bind_i64(q, g->total_known);
    bcj2__sql_bind_u64(q, g->total);
    bcj2__sql_bind_u64(q, g->offset);
    bcj2__sql_bind_u64(q, g->synced);
    bcj2__sql_bind_text(q, g->etag);
    bcj2__sql_bind_text(q, g->last_modified);
    bcj2__sql_bind_i64(q, g->last_modified_strong);
    bcj2__sql_bind_i64(q, g->restarts);
    bcj2__sql_bind_i64(q, g->preconditions_failed);
    bcj2__sql_bind_i64(q, g->plain_only);
    bcj2__sql_bind_i64(q, g->origin_tried);
    bcj2__sql_bind_i64(q, g->bad_answers);
    bcj2__sql_bind_text(q, t->get_boot_id);
    bcj2__sql_bind_i64(q, t->get_file);
    bcj2__sql_bind_u64(q, g->remote_total);
}

static void read_download(struct sql *q, struct store_transfer *t)
{
    struct get_saved *g = &t->get;
    g->begun = bcj2__sql_bool(q);
    g->total_known = bcj2__sql_bool(q);
    g->total = bcj2__sql_u64(q);
    g->offset = bcj2__sql_u64(q);
    g->synced = bcj2__sql_u64(q);
    bcj2__sql_text_into(q, g->etag, sizeof g->etag);
    bcj2__sql_text_into(q, g->last_modified, sizeof g->last_modified);
    g->last_modified_strong = bcj2__sql_bool(q);
    g->restarts = bcj2__sql_u32(q);
    g->preconditions_failed = bcj2__sql_u32(q);
    g->plain_only = bcj2__sql_bool(q);
    g->origin_tried = bcj2__sql_bool(q);
    g->bad_answers = bcj2__sql_u32(q);
    bcj2__sql_text_into(q, t->get_boot_id, sizeof t->get_boot_id);
    t->get_file = bcj2__sql_u32(q);
    g->remote_total = bcj2__sql_u64(q);
}

bcj2_status bcj2__store_transfer(struct store *s, int64_t seq, struct store_transfer *ret)
{
    *ret = (struct store_transfer){0};
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT " UPLOAD_COLUMNS ", " DOWNLOAD_COLUMNS
                                " FROM transfers WHERE job_seq = ?");
    bcj2__sql_bind_i64(&q, seq);
    if (bcj2__sql_row(&q)) {
        ret->exists = true;
        read_upload(&q, &ret->bup);
        if (q.status == BCJ2_OK) {
            read_download(&q, ret);
        }
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    if (status != BCJ2_OK) {
        *ret = (struct store_transfer){0};
    }
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}

/* one for each column above */
#define SAVED_PARAMETERS                                                                   \
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, " \
    "?, ?, ?, ?"

bcj2_status bcj2__store_set_transfer(struct store *s, int64_t seq, const struct store_transfer *t)
{
    bcj2__store_enter(s);
    bcj2_status status = bcj2__store_job_changed(s, seq);
    if (status == BCJ2_OK) {
        /* not REPLACE: the row may have columns of a newer version, which must stay as they are */
        struct sql q = bcj2__sql(s, "UPDATE transfers SET (" UPLOAD_COLUMNS ", " DOWNLOAD_COLUMNS
                                    ") = (" SAVED_PARAMETERS ") WHERE job_seq = ?");
        bind_upload(&q, &t->bup);
        bind_download(&q, t);
        bcj2__sql_bind_i64(&q, seq);
        status = bcj2__sql_run(&q);
    }
    if (status == BCJ2_S_FALSE) {
        struct sql q = bcj2__sql(s, "INSERT INTO transfers (" UPLOAD_COLUMNS ", " DOWNLOAD_COLUMNS
                                    ", job_seq) VALUES (" SAVED_PARAMETERS ", ?)");
        bind_upload(&q, &t->bup);
        bind_download(&q, t);
        bcj2__sql_bind_i64(&q, seq);
        status = bcj2__sql_run(&q);
    }
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_forget_transfer(struct store *s, int64_t seq)
{
    bcj2__store_enter(s);
    bcj2_status status = bcj2__store_job_changed(s, seq);
    if (status == BCJ2_OK) {
        struct sql q = bcj2__sql(s, "DELETE FROM transfers WHERE job_seq = ?");
        bcj2__sql_bind_i64(&q, seq);
        status = bcj2__sql_run(&q);
    }
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}
