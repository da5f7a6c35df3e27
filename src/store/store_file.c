/* SPDX-License-Identifier: MIT */
/* The files of a job. */
#include "store.h"

#include "detail.h"
#include "mem.h"
#include "store_sql.h"

void bcj2__store_file_done(struct store_file *file)
{
    bcj2__mem_free(file->remote_name);
    bcj2__mem_free(file->local_name);
    *file = (struct store_file){0};
}

static bcj2_status no_such_file(uint32_t index)
{
    return bcj2__detail(BCJ2_E_NOT_FOUND, "file %u of the job is not in the queue (any more)",
                        (unsigned)index);
}

bcj2_status bcj2__store_file_count(struct store *s, int64_t seq, uint32_t *ret)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT count(*) FROM files WHERE job_seq = ?");
    bcj2__sql_bind_i64(&q, seq);
    if (bcj2__sql_row(&q)) {
        *ret = bcj2__sql_u32(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_file(struct store *s, int64_t seq, uint32_t index, struct store_file *ret)
{
    *ret = (struct store_file){0};
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT file_index, remote_name, local_name, bytes_total,"
                                " bytes_transferred, transferred"
                                " FROM files WHERE job_seq = ? AND file_index = ?");
    bcj2__sql_bind_i64(&q, seq);
    bcj2__sql_bind_i64(&q, index);
    if (bcj2__sql_row(&q)) {
        ret->index = bcj2__sql_u32(&q);
        ret->remote_name = bcj2__sql_text(&q);
        ret->local_name = bcj2__sql_text(&q);
        ret->bytes_total = bcj2__sql_u64(&q);
        ret->bytes_transferred = bcj2__sql_u64(&q);
        ret->transferred = bcj2__sql_bool(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    if (status != BCJ2_OK) {
        bcj2__store_file_done(ret);
    }
    return status == BCJ2_S_FALSE ? no_such_file(index) : status;
}

/* The job of a file changes with it. */
static bcj2_status touch_job(struct store *s, int64_t seq, bcj2_filetime now)
{
    struct sql q =
        bcj2__store_update(s, "UPDATE jobs SET modification_time = ?, change_seq = ? WHERE seq = ?",
                           now);
    return bcj2__store_updated(&q, seq);
}

bcj2_status bcj2__store_file_insert(struct store *s, int64_t seq, const struct store_file *file,
                                    bcj2_filetime now)
{
    bcj2__store_enter(s);
    bcj2_status status = touch_job(s, seq, now);
    if (status == BCJ2_OK) {
        struct sql q = bcj2__sql(s, "INSERT INTO files (job_seq, file_index, remote_name,"
                                    " local_name, bytes_total, bytes_transferred, transferred)"
                                    " VALUES (?, ?, ?, ?, ?, ?, ?)");
        bcj2__sql_bind_i64(&q, seq);
        bcj2__sql_bind_i64(&q, file->index);
        bcj2__sql_bind_text(&q, file->remote_name);
        bcj2__sql_bind_text(&q, file->local_name);
        bcj2__sql_bind_u64(&q, file->bytes_total);
        bcj2__sql_bind_u64(&q, file->bytes_transferred);
        bcj2__sql_bind_i64(&q, file->transferred);
        status = bcj2__sql_run(&q);
    }
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_set_file_progress(struct store *s, int64_t seq,
                                          const struct store_file *file, bcj2_filetime now)
{
    bcj2__store_enter(s);
    bcj2_status status = touch_job(s, seq, now);
    if (status == BCJ2_OK) {
        struct sql q = bcj2__sql(s, "UPDATE files SET bytes_total = ?, bytes_transferred = ?,"
                                    " transferred = ? WHERE job_seq = ? AND file_index = ?");
        bcj2__sql_bind_u64(&q, file->bytes_total);
        bcj2__sql_bind_u64(&q, file->bytes_transferred);
        bcj2__sql_bind_i64(&q, file->transferred);
        bcj2__sql_bind_i64(&q, seq);
        bcj2__sql_bind_i64(&q, file->index);
        status = bcj2__sql_run(&q);
    }
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? no_such_file(file->index) : status;
}
