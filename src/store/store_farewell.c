/* SPDX-License-Identifier: MIT */
/* Close and Cancel packets that outlive their jobs. They change no job, but the number of changes: who
   waits for the last of them to be tried hears of it. */
#include "store.h"

#include "detail.h"
#include "mem.h"
#include "store_sql.h"

void bcj2__store_farewell_done(struct store_farewell *farewell)
{
    bcj2__mem_free(farewell->url);
    bcj2__mem_free_secret(farewell->session_id);
    *farewell = (struct store_farewell){0};
}

bcj2_status bcj2__store_next_farewell(struct store *s, int64_t after_seq,
                                      struct store_farewell *ret)
{
    *ret = (struct store_farewell){0};
    bcj2__store_enter(s);
    struct sql q =
        bcj2__sql(s, "SELECT seq, job_seq, packet, url, session_id, retry_delay_s, attempts,"
                     " next_attempt_boot, next_attempt_ms, next_attempt_wall,"
                     " give_up_boot, give_up_ms, give_up_wall"
                     " FROM farewells WHERE seq > ? ORDER BY seq LIMIT 1");
    bcj2__sql_bind_i64(&q, after_seq);
    if (bcj2__sql_row(&q)) {
        ret->seq = bcj2__sql_i64(&q);
        ret->job_seq = bcj2__sql_i64(&q);
        ret->packet = (enum bup_packet)bcj2__sql_i64(&q);
        ret->url = bcj2__sql_text(&q);
        ret->session_id = bcj2__sql_text(&q);
        ret->retry_delay_s = bcj2__sql_u32(&q);
        ret->attempts = bcj2__sql_u32(&q);
        ret->next_attempt = bcj2__sql_deadline(&q);
        ret->give_up = bcj2__sql_deadline(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    if (status != BCJ2_OK) {
        bcj2__store_farewell_done(ret);
    }
    return status;
}

bcj2_status bcj2__store_farewells_untried(struct store *s, uint64_t *ret)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT count(*) FROM farewells WHERE attempts = 0");
    if (bcj2__sql_row(&q)) {
        *ret = bcj2__sql_u64(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status;
}

static bcj2_status run_writing(struct sql *q)
{
    bcj2_status status = bcj2__sql_run(q);
    if (status == BCJ2_OK) {
        q->store->changed = true;
    }
    return status;
}

static void bind_farewell(struct sql *q, const struct store_farewell *f)
{
    bcj2__sql_bind_i64(q, f->job_seq);
    bcj2__sql_bind_i64(q, f->packet);
    bcj2__sql_bind_text(q, f->url);
    bcj2__sql_bind_text(q, f->session_id);
    bcj2__sql_bind_i64(q, f->retry_delay_s);
    bcj2__sql_bind_i64(q, f->attempts);
    bcj2__sql_bind_deadline(q, &f->next_attempt);
    bcj2__sql_bind_deadline(q, &f->give_up);
}

static bcj2_status no_such_farewell(void)
{
    return bcj2__detail(BCJ2_E_NOT_FOUND, "the farewell is not in the queue (any more)");
}

bcj2_status bcj2__store_farewell_insert(struct store *s, const struct store_farewell *f)
{
    bcj2__store_enter(s);
    struct sql q =
        bcj2__sql_writing(s,
                          "INSERT INTO farewells (job_seq, packet, url, session_id, retry_delay_s,"
                          " attempts, next_attempt_boot, next_attempt_ms, next_attempt_wall,"
                          " give_up_boot, give_up_ms, give_up_wall)"
                          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bind_farewell(&q, f);
    bcj2_status status = run_writing(&q);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_farewell_update(struct store *s, const struct store_farewell *f)
{
    bcj2__store_enter(s);
    struct sql q =
        bcj2__sql_writing(s,
                          "UPDATE farewells SET job_seq = ?, packet = ?, url = ?, session_id = ?,"
                          " retry_delay_s = ?, attempts = ?, next_attempt_boot = ?,"
                          " next_attempt_ms = ?, next_attempt_wall = ?, give_up_boot = ?,"
                          " give_up_ms = ?, give_up_wall = ? WHERE seq = ?");
    bind_farewell(&q, f);
    bcj2__sql_bind_i64(&q, f->seq);
    bcj2_status status = run_writing(&q);
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? no_such_farewell() : status;
}

bcj2_status bcj2__store_farewell_delete(struct store *s, int64_t seq)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql_writing(s, "DELETE FROM farewells WHERE seq = ?");
    bcj2__sql_bind_i64(&q, seq);
    bcj2_status status = run_writing(&q);
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? no_such_farewell() : status;
}
