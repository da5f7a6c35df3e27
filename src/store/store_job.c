/* SPDX-License-Identifier: MIT */
/* The row of a job: reading, inserting, and the step from state to state. Not here: its properties
   (store_set.c), questions about many jobs (store_queue.c). */
#include "store.h"

#include <string.h>
#include "detail.h"
#include "mem.h"
#include "store_sql.h"
#include "url.h"

#define DEADLINE_COLUMNS(name) name "_boot, " name "_ms, " name "_wall"

/* In the order of bind_job() and read_job(). */
/* clang-format off */
#define JOB_COLUMNS                                                                                \
    "id, owner_uid, type, state, priority, display_name, description, notify_flags, "              \
    "retry_delay_s, no_progress_s, creation_time, modification_time, completion_time, "            \
    "queued_order, error_count, error_context, error_code, error_http_status, "                    \
    "error_has_file, error_has_protocol, error_text, "                                             \
    DEADLINE_COLUMNS("next_attempt") ", " DEADLINE_COLUMNS("series_start") ", "                    \
    "reply_name, reply_generated, reply_temp, reply_requested, reply_total, reply_transferred, "   \
    "completing, completing_device, completing_inode, max_download_s, download_ms, resumed, " \
    "error_file, host, unclean_ends, notify_program, notify_parameters, listener, listener_callbacks"
/* clang-format on */

void bcj2__store_job_done(struct store_job *job)
{
    bcj2__mem_free(job->display_name);
    bcj2__mem_free(job->description);
    bcj2__mem_free(job->host);
    bcj2__mem_free(job->error_text);
    bcj2__mem_free(job->reply_name);
    bcj2__mem_free(job->reply_temp);
    bcj2__mem_free(job->notify_program);
    bcj2__mem_free(job->notify_parameters);
    *job = (struct store_job){0};
}

static void read_job(struct sql *q, struct store_job *job)
{
    job->seq = bcj2__sql_i64(q);
    job->id = bcj2__sql_guid(q);
    job->owner_uid = bcj2__sql_u32(q);
    job->type = (bcj2_job_type)bcj2__sql_i64(q);
    job->state = (bcj2_job_state)bcj2__sql_i64(q);
    job->priority = (bcj2_job_priority)bcj2__sql_i64(q);
    job->display_name = bcj2__sql_text(q);
    job->description = bcj2__sql_text(q);
    job->notify_flags = bcj2__sql_u32(q);
    job->retry_delay_s = bcj2__sql_u32(q);
    job->no_progress_s = bcj2__sql_u32(q);
    job->creation_time = bcj2__sql_u64(q);
    job->modification_time = bcj2__sql_u64(q);
    job->completion_time = bcj2__sql_u64(q);
    job->queued_order = bcj2__sql_u64(q);
    job->error_count = bcj2__sql_u32(q);
    job->error_context = (bcj2_error_context)bcj2__sql_i64(q);
    job->error_code = (bcj2_status)bcj2__sql_i64(q);
    job->error_http_status = bcj2__sql_u32(q);
    job->error_has_file = bcj2__sql_bool(q);
    job->error_has_protocol = bcj2__sql_bool(q);
    job->error_text = bcj2__sql_text(q);
    job->next_attempt = bcj2__sql_deadline(q);
    job->series_start = bcj2__sql_deadline(q);
    job->reply_name = bcj2__sql_text(q);
    job->reply_generated = bcj2__sql_bool(q);
    job->reply_temp = bcj2__sql_text(q);
    job->reply_requested = bcj2__sql_bool(q);
    job->reply_total = bcj2__sql_u64(q);
    job->reply_transferred = bcj2__sql_u64(q);
    job->completing = bcj2__sql_bool(q);
    job->completing_device = bcj2__sql_u64(q);
    job->completing_inode = bcj2__sql_u64(q);
    job->max_download_s = bcj2__sql_u32(q);
    job->download_ms = bcj2__sql_u64(q);
    job->resumed = bcj2__sql_bool(q);
    job->error_file = bcj2__sql_u32(q);
    job->host = bcj2__sql_text(q);
    job->unclean_ends = bcj2__sql_u32(q);
    job->notify_program = bcj2__sql_text(q);
    job->notify_parameters = bcj2__sql_text(q);
    job->listener = bcj2__sql_u64(q);
    job->listener_callbacks = bcj2__sql_u32(q);
}

static void bind_job(struct sql *q, const struct store_job *job)
{
    bcj2__sql_bind_guid(q, &job->id);
    bcj2__sql_bind_i64(q, job->owner_uid);
    bcj2__sql_bind_i64(q, job->type);
    bcj2__sql_bind_i64(q, job->state);
    bcj2__sql_bind_i64(q, job->priority);
    bcj2__sql_bind_text(q, job->display_name == NULL ? "" : job->display_name);
    bcj2__sql_bind_text(q, job->description == NULL ? "" : job->description);
    bcj2__sql_bind_i64(q, job->notify_flags);
    bcj2__sql_bind_i64(q, job->retry_delay_s);
    bcj2__sql_bind_i64(q, job->no_progress_s);
    bcj2__sql_bind_u64(q, job->creation_time);
    bcj2__sql_bind_u64(q, job->modification_time);
    bcj2__sql_bind_u64(q, job->completion_time);
    bcj2__sql_bind_u64(q, job->queued_order);
    bcj2__sql_bind_i64(q, job->error_count);
    bcj2__sql_bind_i64(q, job->error_context);
    bcj2__sql_bind_i64(q, job->error_code);
    bcj2__sql_bind_i64(q, job->error_http_status);
    bcj2__sql_bind_i64(q, job->error_has_file);
    bcj2__sql_bind_i64(q, job->error_has_protocol);
    bcj2__sql_bind_text(q, job->error_text);
    bcj2__sql_bind_deadline(q, &job->next_attempt);
    bcj2__sql_bind_deadline(q, &job->series_start);
    bcj2__sql_bind_text(q, job->reply_name);
    bcj2__sql_bind_i64(q, job->reply_generated);
    bcj2__sql_bind_text(q, job->reply_temp);
    bcj2__sql_bind_i64(q, job->reply_requested);
    bcj2__sql_bind_u64(q, job->reply_total);
    bcj2__sql_bind_u64(q, job->reply_transferred);
    bcj2__sql_bind_i64(q, job->completing);
    bcj2__sql_bind_u64(q, job->completing_device);
    bcj2__sql_bind_u64(q, job->completing_inode);
    bcj2__sql_bind_i64(q, job->max_download_s);
    bcj2__sql_bind_u64(q, job->download_ms);
    bcj2__sql_bind_i64(q, job->resumed);
    bcj2__sql_bind_i64(q, job->error_file);
    bcj2__sql_bind_text(q, job->host == NULL ? "" : job->host);
    bcj2__sql_bind_i64(q, job->unclean_ends);
    bcj2__sql_bind_text(q, job->notify_program);
    bcj2__sql_bind_text(q, job->notify_parameters);
    bcj2__sql_bind_u64(q, job->listener);
    bcj2__sql_bind_i64(q, job->listener_callbacks);
}

bcj2_status bcj2__store_no_such_job(void)
{
    return bcj2__detail(BCJ2_E_NOT_FOUND, "the job is not in the queue (any more)");
}

/* The only row of a query for a whole job. */
static bcj2_status one_job(struct sql *q, struct store_job *ret)
{
    *ret = (struct store_job){0};
    if (bcj2__sql_row(q)) {
        read_job(q, ret);
    }
    bcj2_status status = bcj2__sql_end(q);
    if (status != BCJ2_OK) {
        bcj2__store_job_done(ret);
    }
    return status == BCJ2_S_FALSE ? bcj2__store_no_such_job() : status;
}

bcj2_status bcj2__store_job_by_id(struct store *s, const bcj2_guid *id, struct store_job *ret)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT seq, " JOB_COLUMNS " FROM jobs WHERE id = ?");
    bcj2__sql_bind_guid(&q, id);
    bcj2_status status = one_job(&q, ret);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_job_by_seq(struct store *s, int64_t seq, struct store_job *ret)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT seq, " JOB_COLUMNS " FROM jobs WHERE seq = ?");
    bcj2__sql_bind_i64(&q, seq);
    bcj2_status status = one_job(&q, ret);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_job_state(struct store *s, int64_t seq, bcj2_job_state *ret)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT state FROM jobs WHERE seq = ?");
    bcj2__sql_bind_i64(&q, seq);
    if (bcj2__sql_row(&q)) {
        *ret = (bcj2_job_state)bcj2__sql_i64(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? bcj2__store_no_such_job() : status;
}

bcj2_status bcj2__store_job_id(struct store *s, int64_t seq, bcj2_guid *ret)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT id FROM jobs WHERE seq = ?");
    bcj2__sql_bind_i64(&q, seq);
    if (bcj2__sql_row(&q)) {
        *ret = bcj2__sql_guid(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? bcj2__store_no_such_job() : status;
}

static void bind_touched(struct sql *q)
{
    bcj2__sql_bind_text(q, q->store->boot_id);
    bcj2__sql_bind_u64(q, bcj2__os_now_ms());
}

#define TEN_PARAMETERS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

static bcj2_status insert(struct store *s, struct store_job *job)
{
    bcj2_status status = bcj2__store_need_transaction(s);
    if (status != BCJ2_OK) {
        return status;
    }
    uint64_t order = s->order;
    if (job->state == BCJ2_JOB_STATE_QUEUED) {
        job->queued_order = ++order;
    }
    struct sql q = bcj2__sql(s, "INSERT INTO jobs (" JOB_COLUMNS
                                ", touched_boot, touched_ms, change_seq) VALUES (" TEN_PARAMETERS
                                ", " TEN_PARAMETERS ", " TEN_PARAMETERS ", " TEN_PARAMETERS
                                ", ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bind_job(&q, job);
    bind_touched(&q);
    bcj2__sql_bind_u64(&q, s->change);
    status = bcj2__sql_run(&q);
    if (status == BCJ2_OK) {
        s->changed = true;
        s->order = order;
        job->seq = sqlite3_last_insert_rowid(s->db);
    }
    return status;
}

bcj2_status bcj2__store_job_insert(struct store *s, struct store_job *job)
{
    bcj2__store_enter(s);
    bcj2_status status = insert(s, job);
    bcj2__store_leave(s);
    return status;
}

/* Whom the job will talk to next: the server of the first file that is not transferred, or, of an
   upload that only has its reply to fetch, of its one file. */
static bcj2_status next_host(struct store *s, int64_t seq, char host[URL_HOST_SIZE])
{
    struct store_file file = {0};
    bcj2_status status = bcj2__store_next_file(s, seq, 0, &file);
    if (status == BCJ2_S_FALSE) {
        status = bcj2__store_file(s, seq, 0, &file);
    }
    host[0] = '\0';
    if (status == BCJ2_OK) {
        bcj2__url_host(file.remote_name, host);
    }
    bcj2__store_file_done(&file);
    return status == BCJ2_E_OUTOFMEMORY ? status : BCJ2_OK; /* a bad row is found when it is run */
}

static bool runs(bcj2_job_state state)
{
    return state == BCJ2_JOB_STATE_CONNECTING || state == BCJ2_JOB_STATE_TRANSFERRING;
}

static bcj2_status set_state(struct store *s, int64_t seq, bcj2_job_state from, bcj2_job_state to,
                             bcj2_filetime now)
{
    bool queued = to == BCJ2_JOB_STATE_QUEUED;
    char host[URL_HOST_SIZE] = "";
    bcj2_status status = queued ? next_host(s, seq, host) : BCJ2_OK;
    if (status != BCJ2_OK) {
        return status;
    }
    struct sql q =
        bcj2__store_update(s,
                           STORE_TOUCH
                           ", state = ?,"
                           " queued_order = CASE WHEN ? THEN ? ELSE queued_order END,"
                           " host = CASE WHEN ? THEN ? ELSE host END,"
                           " unclean_ends = CASE WHEN ? THEN 0 ELSE unclean_ends END,"
                           " completion_time = CASE WHEN ? THEN ? ELSE completion_time END"
                           " WHERE seq = ? AND state = ?",
                           now);
    bcj2__sql_bind_i64(&q, to);
    bcj2__sql_bind_i64(&q, queued);
    bcj2__sql_bind_u64(&q, s->order + 1);
    bcj2__sql_bind_i64(&q, queued);
    bcj2__sql_bind_text(&q, host);
    bcj2__sql_bind_i64(&q, runs(from) && !runs(to));
    bcj2__sql_bind_i64(&q, to == BCJ2_JOB_STATE_TRANSFERRED);
    bcj2__sql_bind_u64(&q, now);
    bcj2__sql_bind_i64(&q, seq);
    bcj2__sql_bind_i64(&q, from);
    status = bcj2__sql_run(&q);
    if (status == BCJ2_OK) {
        s->changed = true;
        s->order += queued;
    }
    return status;
}

bcj2_status bcj2__store_set_state(struct store *s, int64_t seq, bcj2_job_state from,
                                  bcj2_job_state to, bcj2_filetime now)
{
    bcj2__store_enter(s);
    bcj2_status status = set_state(s, seq, from, to, now);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_renew_host(struct store *s, int64_t seq)
{
    char host[URL_HOST_SIZE];
    bcj2_status status = next_host(s, seq, host);
    if (status != BCJ2_OK) {
        return status;
    }
    struct sql q = bcj2__sql(s, "UPDATE jobs SET host = ? WHERE seq = ? AND state = 0");
    bcj2__sql_bind_text(&q, host);
    bcj2__sql_bind_i64(&q, seq);
    status = bcj2__sql_run(&q);
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}

bcj2_status bcj2__store_forget_host(struct store *s, int64_t seq, bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__store_update(s, STORE_TOUCH ", host = '' WHERE seq = ?", now);
    bcj2_status status = bcj2__store_updated(&q, seq);
    bcj2__store_leave(s);
    return status;
}

/* ---- changing a row ---- */

struct sql bcj2__store_update(struct store *s, const char *text, bcj2_filetime now)
{
    struct sql q = bcj2__sql_writing(s, text);
    bcj2__sql_bind_u64(&q, now);
    bind_touched(&q);
    bcj2__sql_bind_u64(&q, s->change);
    return q;
}

bcj2_status bcj2__store_updated(struct sql *q, int64_t seq)
{
    bcj2__sql_bind_i64(q, seq);
    bcj2_status status = bcj2__sql_run(q);
    if (status == BCJ2_OK) {
        q->store->changed = true;
    }
    return status == BCJ2_S_FALSE ? bcj2__store_no_such_job() : status;
}

bcj2_status bcj2__store_job_changed(struct store *s, int64_t seq)
{
    struct sql q = bcj2__sql_writing(s, "UPDATE jobs SET change_seq = ? WHERE seq = ?");
    bcj2__sql_bind_u64(&q, s->change);
    return bcj2__store_updated(&q, seq);
}
