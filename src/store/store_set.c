/* SPDX-License-Identifier: MIT */
/* The properties of a job, one statement each, and the groups that change together. Not here: the
   state (store_job.c). */
#include "store.h"

#include "store_sql.h"

#define UPDATE STORE_TOUCH ", "

static bcj2_status set_text(struct store *s, const char *sql, int64_t seq, const char *v,
                            bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__store_update(s, sql, now);
    bcj2__sql_bind_text(&q, v == NULL ? "" : v);
    bcj2_status status = bcj2__store_updated(&q, seq);
    bcj2__store_leave(s);
    return status;
}

static bcj2_status set_number(struct store *s, const char *sql, int64_t seq, int64_t v,
                              bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__store_update(s, sql, now);
    bcj2__sql_bind_i64(&q, v);
    bcj2_status status = bcj2__store_updated(&q, seq);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_set_display_name(struct store *s, int64_t seq, const char *v,
                                         bcj2_filetime now)
{
    return set_text(s, UPDATE "display_name = ? WHERE seq = ?", seq, v, now);
}

bcj2_status bcj2__store_set_description(struct store *s, int64_t seq, const char *v,
                                        bcj2_filetime now)
{
    return set_text(s, UPDATE "description = ? WHERE seq = ?", seq, v, now);
}

bcj2_status bcj2__store_set_priority(struct store *s, int64_t seq, bcj2_job_priority v,
                                     bcj2_filetime now)
{
    return set_number(s, UPDATE "priority = ? WHERE seq = ?", seq, v, now);
}

bcj2_status bcj2__store_set_retry_delay(struct store *s, int64_t seq, uint32_t v, bcj2_filetime now)
{
    return set_number(s, UPDATE "retry_delay_s = ? WHERE seq = ?", seq, v, now);
}

bcj2_status bcj2__store_set_no_progress(struct store *s, int64_t seq, uint32_t v, bcj2_filetime now)
{
    return set_number(s, UPDATE "no_progress_s = ? WHERE seq = ?", seq, v, now);
}

bcj2_status bcj2__store_set_max_download(struct store *s, int64_t seq, uint32_t v,
                                         bcj2_filetime now)
{
    return set_number(s, UPDATE "max_download_s = ? WHERE seq = ?", seq, v, now);
}

bcj2_status bcj2__store_set_download_ms(struct store *s, int64_t seq, uint64_t was, uint64_t v,
                                        bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__store_update(
        s, UPDATE "download_ms = CASE download_ms WHEN ? THEN ? ELSE download_ms END WHERE seq = ?",
        now);
    bcj2__sql_bind_u64(&q, was);
    bcj2__sql_bind_u64(&q, v);
    bcj2_status status = bcj2__store_updated(&q, seq);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_set_owner(struct store *s, int64_t seq, uint32_t uid, bcj2_filetime now)
{
    return set_number(s, UPDATE "owner_uid = ? WHERE seq = ?", seq, uid, now);
}

bcj2_status bcj2__store_set_unclean_ends(struct store *s, int64_t seq, uint32_t v,
                                         bcj2_filetime now)
{
    return set_number(s, UPDATE "unclean_ends = ? WHERE seq = ?", seq, v, now);
}

bcj2_status bcj2__store_set_resumed(struct store *s, int64_t seq, bcj2_filetime now)
{
    return set_number(s, UPDATE "resumed = 1, download_ms = ? WHERE seq = ?", seq, 0, now);
}

bcj2_status bcj2__store_set_reply_name(struct store *s, int64_t seq, const char *name,
                                       bool generated, bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q =
        bcj2__store_update(s, UPDATE "reply_name = ?, reply_generated = ? WHERE seq = ?", now);
    bcj2__sql_bind_text(&q, name);
    bcj2__sql_bind_i64(&q, generated);
    bcj2_status status = bcj2__store_updated(&q, seq);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_set_error(struct store *s, const struct store_job *job, bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__store_update(
        s,
        UPDATE "error_count = ?, error_context = ?, error_code = ?, error_http_status = ?,"
               " error_has_file = ?, error_has_protocol = ?, error_file = ?, error_text = ?"
               " WHERE seq = ?",
        now);
    bcj2__sql_bind_i64(&q, job->error_count);
    bcj2__sql_bind_i64(&q, job->error_context);
    bcj2__sql_bind_i64(&q, job->error_code);
    bcj2__sql_bind_i64(&q, job->error_http_status);
    bcj2__sql_bind_i64(&q, job->error_has_file);
    bcj2__sql_bind_i64(&q, job->error_has_protocol);
    bcj2__sql_bind_i64(&q, job->error_file);
    bcj2__sql_bind_text(&q, job->error_text);
    bcj2_status status = bcj2__store_updated(&q, job->seq);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_poison(struct store *s, int64_t seq, bcj2_error_context context,
                               bcj2_status code, const char *text, bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q =
        bcj2__store_update(s,
                           UPDATE
                           "state = 4, error_context = ?, error_code = ?, error_text = ?,"
                           " error_http_status = 0, error_has_file = 0, error_has_protocol = 0,"
                           " error_file = 0, unclean_ends = 0, next_attempt_boot = NULL,"
                           " series_start_boot = NULL WHERE seq = ? AND state < 7",
                           now);
    bcj2__sql_bind_i64(&q, context);
    bcj2__sql_bind_i64(&q, code);
    bcj2__sql_bind_text(&q, text);
    bcj2_status status = bcj2__store_updated(&q, seq);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_set_retry(struct store *s, const struct store_job *job, bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__store_update(
        s,
        UPDATE "next_attempt_boot = ?, next_attempt_ms = ?, next_attempt_wall = ?,"
               " series_start_boot = ?, series_start_ms = ?, series_start_wall = ? WHERE seq = ?",
        now);
    bcj2__sql_bind_deadline(&q, &job->next_attempt);
    bcj2__sql_bind_deadline(&q, &job->series_start);
    bcj2_status status = bcj2__store_updated(&q, job->seq);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_set_reply(struct store *s, const struct store_job *job, bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__store_update(
        s,
        UPDATE "reply_name = ?, reply_generated = ?, reply_temp = ?, reply_requested = ?,"
               " reply_total = ?, reply_transferred = ? WHERE seq = ?",
        now);
    bcj2__sql_bind_text(&q, job->reply_name);
    bcj2__sql_bind_i64(&q, job->reply_generated);
    bcj2__sql_bind_text(&q, job->reply_temp);
    bcj2__sql_bind_i64(&q, job->reply_requested);
    bcj2__sql_bind_u64(&q, job->reply_total);
    bcj2__sql_bind_u64(&q, job->reply_transferred);
    bcj2_status status = bcj2__store_updated(&q, job->seq);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_set_completing(struct store *s, const struct store_job *job,
                                       bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__store_update(
        s, UPDATE "completing = ?, completing_device = ?, completing_inode = ? WHERE seq = ?", now);
    bcj2__sql_bind_i64(&q, job->completing);
    bcj2__sql_bind_u64(&q, job->completing_device);
    bcj2__sql_bind_u64(&q, job->completing_inode);
    bcj2_status status = bcj2__store_updated(&q, job->seq);
    bcj2__store_leave(s);
    return status;
}
