/* SPDX-License-Identifier: MIT */
/* Questions about many jobs: lists, counts, who is first; and forgetting the final ones. Each but
   the lists of all jobs is answered by an index. Not here: what is due by time (store_due.c). */
#include "store.h"

#include "mem.h"
#include "store_sql.h"
#include "detail.h"

#define STATE_COUNT 9
#define NINE_STATES "state IN (?, ?, ?, ?, ?, ?, ?, ?, ?)"

/* ---- lists ---- */

/* Room for one more of `size` bytes in *items. */
static bool make_room(void **items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    uint32_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = wanted <= *capacity ? NULL : bcj2__mem_realloc(*items, (size_t)wanted * size);
    if (grown == NULL) {
        return false;
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

/* All rows of a query for seqs; ends it. */
static bcj2_status all_seqs(struct sql *q, int64_t **ret_seqs, uint32_t *ret_count)
{
    void *seqs = NULL;
    uint32_t count = 0, capacity = 0;
    while (bcj2__sql_row(q)) {
        if (!make_room(&seqs, count, &capacity, sizeof(int64_t))) {
            q->status = bcj2__detail_no_memory();
            break;
        }
        ((int64_t *)seqs)[count++] = bcj2__sql_i64(q);
    }
    bcj2_status status = bcj2__sql_end(q);
    bool good = status == BCJ2_S_FALSE;
    if (!good) {
        bcj2__mem_free(seqs);
    }
    *ret_seqs = good ? seqs : NULL;
    *ret_count = good ? count : 0;
    return good ? BCJ2_OK : status;
}

/* The index has all that is asked for: of 100,000 jobs not one row is read. */
bcj2_status bcj2__store_job_seqs(struct store *s, uint32_t owner_uid, int64_t **ret_seqs,
                                 uint32_t *ret_count)
{
    bcj2__store_enter(s);
    struct sql q;
    if (owner_uid == UINT32_MAX) {
        q = bcj2__sql(s, "SELECT seq FROM jobs INDEXED BY jobs_owner WHERE state < 7 ORDER BY seq");
    } else {
        q = bcj2__sql(s, "SELECT seq FROM jobs INDEXED BY jobs_owner"
                         " WHERE owner_uid = ? AND state < 7 ORDER BY seq");
        bcj2__sql_bind_i64(&q, owner_uid);
    }
    bcj2_status status = all_seqs(&q, ret_seqs, ret_count);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_changed_since(struct store *s, uint64_t change, int64_t **ret_seqs,
                                      uint32_t *ret_count)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT seq FROM jobs INDEXED BY jobs_change"
                                " WHERE change_seq > ? ORDER BY change_seq, seq");
    bcj2__sql_bind_u64(&q, MIN(change, (uint64_t)INT64_MAX));
    bcj2_status status = all_seqs(&q, ret_seqs, ret_count);
    bcj2__store_leave(s);
    return status;
}

/* Parameters that no state has stay NULL. */
static void bind_states(struct sql *q, uint32_t state_mask)
{
    for (int state = 0; state < STATE_COUNT; state++) {
        if ((state_mask >> state & 1) != 0) {
            bcj2__sql_bind_i64(q, state);
        }
    }
}

bcj2_status bcj2__store_jobs_in(struct store *s, uint32_t state_mask, int64_t **ret_seqs,
                                uint32_t *ret_count)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT seq FROM jobs INDEXED BY jobs_state WHERE " NINE_STATES
                                " ORDER BY seq");
    bind_states(&q, state_mask);
    bcj2_status status = all_seqs(&q, ret_seqs, ret_count);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_next_leftover(struct store *s, int64_t after_seq, int64_t *ret_seq)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT seq FROM jobs INDEXED BY jobs_temporary"
                                " WHERE reply_temp IS NOT NULL AND state IN (7, 8) AND seq > ?"
                                " UNION SELECT seq FROM files INDEXED BY files_temporary"
                                " JOIN jobs ON seq = job_seq WHERE temp_name IS NOT NULL"
                                " AND state IN (7, 8) AND job_seq > ? ORDER BY 1 LIMIT 1");
    bcj2__sql_bind_i64(&q, after_seq);
    bcj2__sql_bind_i64(&q, after_seq);
    if (bcj2__sql_row(&q)) {
        *ret_seq = bcj2__sql_i64(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status;
}

/* ---- counts ---- */

static bcj2_status one_number(struct sql *q, uint64_t *ret)
{
    if (bcj2__sql_row(q)) {
        *ret = bcj2__sql_u64(q);
    }
    return bcj2__sql_end(q);
}

bcj2_status bcj2__store_job_count(struct store *s, uint32_t owner_uid, uint64_t *ret)
{
    bcj2__store_enter(s);
    struct sql q;
    if (owner_uid == UINT32_MAX) {
        q = bcj2__sql(s, "SELECT count(*) FROM jobs INDEXED BY jobs_owner WHERE state < 7");
    } else {
        q = bcj2__sql(s, "SELECT count(*) FROM jobs WHERE owner_uid = ? AND state < 7");
        bcj2__sql_bind_i64(&q, owner_uid);
    }
    bcj2_status status = one_number(&q, ret);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_count_states(struct store *s, uint32_t state_mask, uint64_t *ret)
{
    bcj2__store_enter(s);
    struct sql q =
        bcj2__sql(s, "SELECT count(*) FROM jobs INDEXED BY jobs_state WHERE " NINE_STATES);
    bind_states(&q, state_mask);
    bcj2_status status = one_number(&q, ret);
    bcj2__store_leave(s);
    return status;
}

/* ---- who is first ---- */

#define WAITING "state = 0 AND unclean_ends <= 3"

/* So many are looked at in their order before hosts are: mostly one of the first will do. */
#define FIRST_LOOK 32u

/* BCJ2_S_FALSE: there is none. *ret_more: all that were looked at are avoided, and there are more. */
static bcj2_status first_in_order(struct store *s, bcj2_job_priority priority, store_avoids avoids,
                                  void *user, int64_t *ret_seq, bool *ret_more)
{
    uint32_t looked = 0;
    bool found = false;
    struct sql q = bcj2__sql(s, "SELECT seq, host FROM jobs INDEXED BY jobs_queued WHERE " WAITING
                                " AND priority = ? ORDER BY queued_order");
    bcj2__sql_bind_i64(&q, priority);
    while (!found && looked < FIRST_LOOK && bcj2__sql_row(&q)) {
        *ret_seq = bcj2__sql_i64(&q);
        CLEANUP_FREE char *host = bcj2__sql_text(&q);
        found = avoids == NULL || (host != NULL && !avoids(user, *ret_seq, host));
        looked++;
    }
    bcj2_status status = bcj2__sql_end(&q);
    *ret_more = status == BCJ2_OK && !found;
    return status;
}

/* Goes from host to host, each by one step in the index, and takes the first job among the heads of those
   that are not avoided. */
static bcj2_status first_of_hosts(struct store *s, bcj2_job_priority priority, store_avoids avoids,
                                  void *user, int64_t *ret_seq)
{
    uint64_t best = UINT64_MAX;
    struct sql q = bcj2__sql(
        s, "WITH RECURSIVE hosts (host) AS ("
           "SELECT (SELECT host FROM jobs INDEXED BY jobs_queued_host WHERE " WAITING
           " AND priority = ?1 ORDER BY host LIMIT 1)"
           " UNION ALL SELECT (SELECT host FROM jobs INDEXED BY jobs_queued_host WHERE " WAITING
           " AND priority = ?1 AND host > hosts.host ORDER BY host LIMIT 1)"
           " FROM hosts WHERE hosts.host IS NOT NULL)"
           " SELECT seq, host, queued_order FROM jobs WHERE seq IN ("
           "SELECT (SELECT seq FROM jobs INDEXED BY jobs_queued_host WHERE " WAITING
           " AND priority = ?1 AND host = hosts.host ORDER BY queued_order LIMIT 1)"
           " FROM hosts WHERE hosts.host IS NOT NULL)");
    bcj2__sql_bind_i64(&q, priority);
    while (bcj2__sql_row(&q)) {
        int64_t seq = bcj2__sql_i64(&q);
        CLEANUP_FREE char *host = bcj2__sql_text(&q);
        uint64_t order = bcj2__sql_u64(&q);
        if (host != NULL && order < best && !avoids(user, seq, host)) {
            best = order;
            *ret_seq = seq;
        }
    }
    bcj2_status status = bcj2__sql_end(&q);
    return status == BCJ2_S_FALSE && best != UINT64_MAX ? BCJ2_OK : status;
}

bcj2_status bcj2__store_first_queued(struct store *s, bcj2_job_priority priority,
                                     store_avoids avoids, void *user, int64_t *ret_seq)
{
    bool more = false;
    bcj2__store_enter(s);
    bcj2_status status = first_in_order(s, priority, avoids, user, ret_seq, &more);
    if (more) {
        status = first_of_hosts(s, priority, avoids, user, ret_seq);
    }
    bcj2__store_leave(s);
    return status;
}

/* The one number of a query; BCJ2_S_FALSE: no row. */
static bcj2_status one_seq(struct store *s, struct sql *q, int64_t *ret_seq)
{
    if (bcj2__sql_row(q)) {
        *ret_seq = bcj2__sql_i64(q);
    }
    bcj2_status status = bcj2__sql_end(q);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_first_suspect(struct store *s, int64_t *ret_seq)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT seq FROM jobs INDEXED BY jobs_suspect WHERE state = 0"
                                " AND unclean_ends > 3 ORDER BY queued_order LIMIT 1");
    return one_seq(s, &q, ret_seq);
}

bcj2_status bcj2__store_next_transient(struct store *s, bool offline, int64_t after_seq,
                                       int64_t *ret_seq)
{
    bcj2__store_enter(s);
    struct sql q;
    if (offline) {
        q = bcj2__sql(s, "SELECT seq FROM jobs INDEXED BY jobs_offline WHERE state = 5"
                         " AND next_attempt_boot IS NULL AND seq > ? ORDER BY seq LIMIT 1");
    } else {
        q = bcj2__sql(s, "SELECT seq FROM jobs INDEXED BY jobs_state WHERE state = 5"
                         " AND seq > ? ORDER BY seq LIMIT 1");
    }
    bcj2__sql_bind_i64(&q, after_seq);
    return one_seq(s, &q, ret_seq);
}

/* ---- forgetting ---- */

bcj2_status bcj2__store_purge(struct store *s, bcj2_filetime before, uint32_t *ret_count)
{
    *ret_count = 0;
    bcj2__store_enter(s);
    struct sql q = bcj2__sql_writing(
        s, "DELETE FROM jobs WHERE seq IN (SELECT seq FROM jobs INDEXED BY jobs_ended"
           " WHERE state IN (7, 8) AND reply_temp IS NULL"
           " AND modification_time < ? AND NOT EXISTS (SELECT 1 FROM"
           " files WHERE job_seq = jobs.seq AND temp_name IS NOT NULL)"
           " AND NOT EXISTS (SELECT 1 FROM farewells"
           " WHERE job_seq = jobs.seq) ORDER BY modification_time LIMIT ?)");
    bcj2__sql_bind_u64(&q, before);
    bcj2__sql_bind_i64(&q, STORE_PURGE_MOST);
    bcj2_status status = bcj2__sql_run(&q);
    if (status == BCJ2_OK) {
        *ret_count = (uint32_t)sqlite3_changes(s->db);
        s->changed = true; /* their handles answer otherwise from now on */
    }
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}
