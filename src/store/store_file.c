/* SPDX-License-Identifier: MIT */
/* The files of a job. Not here: the text of their ranges (store_ranges.c), what is saved of the
   transfer that is under way (store_transfer.c). */
#include "store.h"

#include "detail.h"
#include "mem.h"
#include "store_ranges.h"
#include "store_sql.h"

/* In the order of bind_progress() and read_file(). */
#define PROGRESS_COLUMNS                                                                    \
    "bytes_total, bytes_transferred, transferred, temp_name, response_headers, has_mtime, " \
    "mtime_s, mtime_ns, completing, completing_device, completing_inode, renamed"
/* Only a download (type 0) has names to give after its transfer. */
#define COMPLETED \
    "CASE (SELECT type FROM jobs WHERE seq = job_seq) WHEN 0 THEN renamed ELSE transferred END"
#define FILE_COLUMNS \
    "file_index, remote_name, local_name, ranges, pending_remote_name, " PROGRESS_COLUMNS

void bcj2__store_file_done(struct store_file *file)
{
    bcj2__mem_free(file->remote_name);
    bcj2__mem_free(file->local_name);
    bcj2__mem_free(file->ranges);
    bcj2__mem_free(file->pending_remote_name);
    bcj2__mem_free(file->temp_name);
    bcj2__mem_free(file->response_headers);
    *file = (struct store_file){0};
}

static bcj2_status no_such_file(uint32_t index)
{
    return bcj2__detail(BCJ2_E_NOT_FOUND, "file %u of the job is not in the queue (any more)",
                        (unsigned)index);
}

/* ---- reading ---- */

static void read_file(struct sql *q, struct store_file *file)
{
    file->index = bcj2__sql_u32(q);
    file->remote_name = bcj2__sql_text(q);
    file->local_name = bcj2__sql_text(q);
    CLEANUP_FREE char *ranges = bcj2__sql_text(q);
    file->pending_remote_name = bcj2__sql_text(q);
    file->bytes_total = bcj2__sql_u64(q);
    file->bytes_transferred = bcj2__sql_u64(q);
    file->transferred = bcj2__sql_bool(q);
    file->temp_name = bcj2__sql_text(q);
    file->response_headers = bcj2__sql_text(q);
    file->has_mtime = bcj2__sql_bool(q);
    file->mtime_s = bcj2__sql_i64(q);
    file->mtime_ns = (int32_t)bcj2__sql_i64(q);
    file->completing = bcj2__sql_bool(q);
    file->completing_device = bcj2__sql_u64(q);
    file->completing_inode = bcj2__sql_u64(q);
    file->renamed = bcj2__sql_bool(q);
    file->completed = bcj2__sql_bool(q);
    if (q->status == BCJ2_OK) {
        q->status = bcj2__store_ranges_parse(q->store, ranges, file);
    }
}

/* The first row of a query for files; BCJ2_S_FALSE: there is none. */
static bcj2_status first_file(struct store *s, const char *sql, int64_t seq, uint32_t index,
                              struct store_file *ret)
{
    *ret = (struct store_file){0};
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, sql);
    bcj2__sql_bind_i64(&q, seq);
    bcj2__sql_bind_i64(&q, index);
    if (bcj2__sql_row(&q)) {
        read_file(&q, ret);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    if (status != BCJ2_OK) {
        bcj2__store_file_done(ret);
    }
    return status;
}

bcj2_status bcj2__store_file(struct store *s, int64_t seq, uint32_t index, struct store_file *ret)
{
    bcj2_status status = first_file(s,
                                    "SELECT " FILE_COLUMNS ", " COMPLETED
                                    " FROM files WHERE job_seq = ? AND file_index = ?",
                                    seq, index, ret);
    return status == BCJ2_S_FALSE ? no_such_file(index) : status;
}

bcj2_status bcj2__store_next_file(struct store *s, int64_t seq, uint32_t from_index,
                                  struct store_file *ret)
{
    return first_file(s,
                      "SELECT " FILE_COLUMNS ", " COMPLETED " FROM files INDEXED BY files_left"
                      " WHERE transferred = 0 AND job_seq = ? AND file_index >= ?"
                      " ORDER BY file_index LIMIT 1",
                      seq, from_index, ret);
}

bcj2_status bcj2__store_next_unrenamed(struct store *s, int64_t seq, uint32_t from_index,
                                       struct store_file *ret)
{
    return first_file(s,
                      "SELECT " FILE_COLUMNS ", " COMPLETED " FROM files INDEXED BY files_unrenamed"
                      " WHERE transferred = 1 AND renamed = 0 AND job_seq = ?"
                      " AND file_index >= ? ORDER BY file_index LIMIT 1",
                      seq, from_index, ret);
}

bcj2_status bcj2__store_next_temporary(struct store *s, int64_t seq, uint32_t from_index,
                                       struct store_file *ret)
{
    return first_file(s,
                      "SELECT " FILE_COLUMNS ", " COMPLETED " FROM files INDEXED BY files_temporary"
                      " WHERE temp_name IS NOT NULL AND job_seq = ? AND file_index >= ?"
                      " ORDER BY file_index LIMIT 1",
                      seq, from_index, ret);
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

/* A sum of 64-bit numbers without a sign, from the sums of their halves. */
static uint64_t join(uint64_t high, uint64_t low)
{
    high += low >> 32;
    return high > UINT32_MAX ? UINT64_MAX : high << 32 | (low & UINT32_MAX);
}

/* SQLite fails a sum that leaves the signed 64 bits; a server may claim any size. So the halves are
   added each for itself, which 2^31 files cannot overflow. */
bcj2_status bcj2__store_progress(struct store *s, int64_t seq, struct store_progress *ret)
{
    *ret = (struct store_progress){0};
    bcj2__store_enter(s);
    struct sql q =
        bcj2__sql(s, "SELECT count(*), coalesce(sum(transferred), 0),"
                     " coalesce(sum(bytes_transferred >> 32 & 4294967295), 0),"
                     " coalesce(sum(bytes_transferred & 4294967295), 0),"
                     " coalesce(sum(bytes_total = -1), 0),"
                     " coalesce(sum(bytes_total >> 32 & 4294967295), 0),"
                     " coalesce(sum(bytes_total & 4294967295), 0) FROM files WHERE job_seq = ?");
    bcj2__sql_bind_i64(&q, seq);
    if (bcj2__sql_row(&q)) {
        ret->files_total = bcj2__sql_u32(&q);
        ret->files_transferred = bcj2__sql_u32(&q);
        uint64_t high = bcj2__sql_u64(&q);
        ret->bytes_transferred = join(high, bcj2__sql_u64(&q));
        bool unknown = bcj2__sql_bool(&q);
        high = bcj2__sql_u64(&q);
        uint64_t total = join(high, bcj2__sql_u64(&q));
        ret->bytes_total = unknown ? BCJ2_SIZE_UNKNOWN : total;
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status;
}

/* ---- writing ---- */

bcj2_status bcj2__store_touch_job(struct store *s, int64_t seq, bcj2_filetime now)
{
    struct sql q = bcj2__store_update(s, STORE_TOUCH " WHERE seq = ?", now);
    return bcj2__store_updated(&q, seq);
}

static void bind_progress(struct sql *q, const struct store_file *file)
{
    bcj2__sql_bind_u64(q, file->bytes_total);
    bcj2__sql_bind_u64(q, file->bytes_transferred);
    bcj2__sql_bind_i64(q, file->transferred);
    bcj2__sql_bind_text(q, file->temp_name);
    bcj2__sql_bind_text(q, file->response_headers);
    bcj2__sql_bind_i64(q, file->has_mtime);
    bcj2__sql_bind_i64(q, file->mtime_s);
    bcj2__sql_bind_i64(q, file->mtime_ns);
    bcj2__sql_bind_i64(q, file->completing);
    bcj2__sql_bind_u64(q, file->completing_device);
    bcj2__sql_bind_u64(q, file->completing_inode);
    bcj2__sql_bind_i64(q, file->renamed);
}

bcj2_status bcj2__store_file_insert(struct store *s, int64_t seq, const struct store_file *file,
                                    bcj2_filetime now)
{
    CLEANUP_FREE char *ranges = NULL;
    bcj2__store_enter(s);
    bcj2_status status = bcj2__store_touch_job(s, seq, now);
    if (status == BCJ2_OK) {
        status = bcj2__store_ranges_format(file, &ranges);
    }
    if (status == BCJ2_OK) {
        struct sql q = bcj2__sql(s, "INSERT INTO files (job_seq, " FILE_COLUMNS ") VALUES (?,"
                                    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        bcj2__sql_bind_i64(&q, seq);
        bcj2__sql_bind_i64(&q, file->index);
        bcj2__sql_bind_text(&q, file->remote_name);
        bcj2__sql_bind_text(&q, file->local_name);
        bcj2__sql_bind_text(&q, ranges);
        bcj2__sql_bind_text(&q, file->pending_remote_name);
        bind_progress(&q, file);
        status = bcj2__sql_run(&q);
    }
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_set_file_progress(struct store *s, int64_t seq,
                                          const struct store_file *file, bcj2_filetime now)
{
    bcj2__store_enter(s);
    bcj2_status status = bcj2__store_touch_job(s, seq, now);
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

bcj2_status bcj2__store_update_file(struct store *s, int64_t seq, const struct store_file *file,
                                    bcj2_filetime now)
{
    bcj2__store_enter(s);
    bcj2_status status = bcj2__store_touch_job(s, seq, now);
    if (status == BCJ2_OK) {
        struct sql q =
            bcj2__sql(s, "UPDATE files SET (" PROGRESS_COLUMNS ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                         " ?, ?) WHERE job_seq = ? AND file_index = ?");
        bind_progress(&q, file);
        bcj2__sql_bind_i64(&q, seq);
        bcj2__sql_bind_i64(&q, file->index);
        status = bcj2__sql_run(&q);
    }
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? no_such_file(file->index) : status;
}

static bcj2_status set_url(struct store *s, const char *sql, int64_t seq, uint32_t index,
                           const char *url, bcj2_filetime now)
{
    bcj2__store_enter(s);
    bcj2_status status = bcj2__store_touch_job(s, seq, now);
    if (status == BCJ2_OK) {
        struct sql q = bcj2__sql(s, sql);
        bcj2__sql_bind_text(&q, url);
        bcj2__sql_bind_i64(&q, seq);
        bcj2__sql_bind_i64(&q, index);
        status = bcj2__sql_run(&q);
    }
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? no_such_file(index) : status;
}

bcj2_status bcj2__store_set_pending_remote_name(struct store *s, int64_t seq, uint32_t index,
                                                const char *url, bcj2_filetime now)
{
    return set_url(s,
                   "UPDATE files SET pending_remote_name = ? WHERE job_seq = ? AND file_index = ?",
                   seq, index, url, now);
}

bcj2_status bcj2__store_set_remote_name(struct store *s, int64_t seq, uint32_t index,
                                        const char *url, bcj2_filetime now)
{
    bcj2__store_enter(s);
    bcj2_status status =
        set_url(s, "UPDATE files SET remote_name = ? WHERE job_seq = ? AND file_index = ?", seq,
                index, url, now);
    if (status == BCJ2_OK) {
        status = bcj2__store_renew_host(s, seq);
    }
    bcj2__store_leave(s);
    return status;
}

#define DOUBT_BYTES \
    "UPDATE transfers SET get_begun = 0 WHERE job_seq = ? AND get_last_modified = ''"

bcj2_status bcj2__store_doubt_bytes(struct store *s, int64_t seq, uint32_t index)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql_writing(s, DOUBT_BYTES " AND get_file = ?");
    bcj2__sql_bind_i64(&q, seq);
    bcj2__sql_bind_i64(&q, index);
    bcj2_status status = bcj2__sql_run(&q);
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}

static bcj2_status doubt_pending(struct store *s, int64_t seq)
{
    struct sql q =
        bcj2__sql(s, DOUBT_BYTES " AND get_file IN (SELECT file_index FROM files INDEXED BY"
                                 " files_pending WHERE pending_remote_name IS NOT NULL"
                                 " AND pending_remote_name <> remote_name AND job_seq = ?)");
    bcj2__sql_bind_i64(&q, seq);
    bcj2__sql_bind_i64(&q, seq);
    bcj2_status status = bcj2__sql_run(&q);
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}

bcj2_status bcj2__store_apply_remote_names(struct store *s, int64_t seq, bcj2_filetime now)
{
    bcj2__store_enter(s);
    bcj2_status status = bcj2__store_need_transaction(s);
    if (status == BCJ2_OK) {
        status = doubt_pending(s, seq);
    }
    if (status == BCJ2_OK) {
        struct sql q = bcj2__sql(s, "UPDATE files INDEXED BY files_pending"
                                    " SET remote_name = pending_remote_name,"
                                    " pending_remote_name = NULL"
                                    " WHERE pending_remote_name IS NOT NULL AND job_seq = ?");
        bcj2__sql_bind_i64(&q, seq);
        status = bcj2__sql_run(&q);
    }
    if (status == BCJ2_OK) {
        status = bcj2__store_touch_job(s, seq, now);
    }
    if (status == BCJ2_OK) {
        status = bcj2__store_renew_host(s, seq);
    }
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}
