/* SPDX-License-Identifier: MIT */
/* See store_event.h. Which command is due next: store_due.c. */
#include "store_event.h"

#include <bcj2/notify.h>
#include "macro.h"
#include "store_sql.h"

#define EVENT_COLUMNS                                                                   \
    "seq, job_seq, kind, file_index, time, result, turn, running, attempts, next_boot," \
    " next_ms, next_wall"
/* One that cannot be read keeps its own event waiting, not the others'; as in store_due.c. */
#define READABLE "(next_boot IS NULL OR length(next_boot) < 40)"

static const uint32_t all_kinds[] = {BCJ2_NOTIFY_JOB_TRANSFERRED, BCJ2_NOTIFY_JOB_ERROR,
                                     BCJ2_NOTIFY_FILE_TRANSFERRED};

/* ---- reading ---- */

bcj2_status bcj2__store_notify(struct store *s, int64_t job_seq, struct store_notify *ret)
{
    *ret = (struct store_notify){0};
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT notify_flags, listener_callbacks, notify_program NOT NULL,"
                                " listener, retry_delay_s, state, modification_time"
                                " FROM jobs WHERE seq = ?");
    bcj2__sql_bind_i64(&q, job_seq);
    if (bcj2__sql_row(&q)) {
        ret->channels.flags = bcj2__sql_u32(&q);
        ret->channels.callbacks = bcj2__sql_u32(&q);
        ret->channels.command = bcj2__sql_bool(&q);
        ret->listener = bcj2__sql_u64(&q);
        ret->retry_delay_s = bcj2__sql_u32(&q);
        ret->state = (bcj2_job_state)bcj2__sql_i64(&q);
        ret->modification_time = bcj2__sql_u64(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? bcj2__store_no_such_job() : status;
}

static void read_event(struct sql *q, struct store_event *ret)
{
    ret->seq = bcj2__sql_i64(q);
    ret->job_seq = bcj2__sql_i64(q);
    ret->kind = bcj2__sql_u32(q);
    ret->file_index = bcj2__sql_u32(q);
    ret->time = bcj2__sql_u64(q);
    ret->result = (int32_t)bcj2__sql_u32(q);
    ret->turn = (enum notify_turn)bcj2__sql_u32(q);
    ret->running = bcj2__sql_bool(q);
    ret->attempts = bcj2__sql_u32(q);
    ret->next = bcj2__sql_deadline(q);
}

/* The only row of a query. Enters no lock. */
static bcj2_status one_event(struct sql *q, struct store_event *ret)
{
    *ret = (struct store_event){0};
    if (bcj2__sql_row(q)) {
        read_event(q, ret);
    }
    return bcj2__sql_end(q);
}

/* The first row for one number. */
static bcj2_status event_by(struct store *s, const char *sql, int64_t number,
                            struct store_event *ret)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, sql);
    bcj2__sql_bind_i64(&q, number);
    bcj2_status status = one_event(&q, ret);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_event(struct store *s, int64_t seq, struct store_event *ret)
{
    return event_by(s, "SELECT " EVENT_COLUMNS " FROM events WHERE seq = ?", seq, ret);
}

bcj2_status bcj2__store_next_event(struct store *s, int64_t after_seq, struct store_event *ret)
{
    return event_by(s, "SELECT " EVENT_COLUMNS " FROM events WHERE seq > ? ORDER BY seq LIMIT 1",
                    after_seq, ret);
}

bcj2_status bcj2__store_next_running(struct store *s, int64_t after_seq, struct store_event *ret)
{
    return event_by(s,
                    "SELECT " EVENT_COLUMNS " FROM events INDEXED BY events_running"
                    " WHERE running = 1 AND seq > ? AND " READABLE " ORDER BY seq LIMIT 1",
                    after_seq, ret);
}

static bcj2_status first_of_kind(struct store *s, int64_t job_seq, uint32_t kind,
                                 struct store_event *ret)
{
    struct sql q =
        bcj2__sql(s, "SELECT " EVENT_COLUMNS " FROM events INDEXED BY events_owed"
                     " WHERE result = 0 AND job_seq = ? AND kind = ? ORDER BY seq LIMIT 1");
    bcj2__sql_bind_i64(&q, job_seq);
    bcj2__sql_bind_i64(&q, kind);
    return one_event(&q, ret);
}

/* Kind by kind: a job may owe as many events as it has files, and they are not to be passed one by one. */
bcj2_status bcj2__store_first_owed(struct store *s, int64_t job_seq, uint32_t kinds,
                                   struct store_event *ret)
{
    bool found = false;
    bcj2_status status = BCJ2_S_FALSE;
    *ret = (struct store_event){0};
    bcj2__store_lock(s);
    for (size_t i = 0; i < ARRAY_LEN(all_kinds) && BCJ2_SUCCEEDED(status); i++) {
        struct store_event event;
        if ((kinds & all_kinds[i]) == 0) {
            continue;
        }
        status = first_of_kind(s, job_seq, all_kinds[i], &event);
        if (status == BCJ2_OK && (!found || event.seq < ret->seq)) {
            found = true;
            *ret = event;
        }
    }
    bcj2__store_unlock(s);
    return BCJ2_SUCCEEDED(status) && found ? BCJ2_OK : status;
}

bcj2_status bcj2__store_next_over(struct store *s, bcj2_filetime before)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT 1 FROM events INDEXED BY events_over"
                                " WHERE result > 0 AND time < ? LIMIT 1");
    bcj2__sql_bind_u64(&q, before);
    (void)bcj2__sql_row(&q);
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_commands_untried(struct store *s, uint64_t *ret)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT count(*) FROM events INDEXED BY events_command"
                                " WHERE result = 0 AND turn = 2 AND (attempts = 0 OR running = 1)");
    if (bcj2__sql_row(&q)) {
        *ret = bcj2__sql_u64(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_next_listener(struct store *s, uint64_t after, uint64_t *ret)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT listener FROM jobs INDEXED BY jobs_listener"
                                " WHERE listener > ? AND listener > 0 AND state < 7"
                                " ORDER BY listener LIMIT 1");
    bcj2__sql_bind_u64(&q, after);
    if (bcj2__sql_row(&q)) {
        *ret = bcj2__sql_u64(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_next_listened(struct store *s, uint64_t listener, int64_t after_seq,
                                      int64_t *ret_seq)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT seq FROM jobs INDEXED BY jobs_listener WHERE listener = ?"
                                " AND listener > 0 AND state < 7 AND seq > ? ORDER BY seq LIMIT 1");
    bcj2__sql_bind_u64(&q, listener);
    bcj2__sql_bind_i64(&q, after_seq);
    if (bcj2__sql_row(&q)) {
        *ret_seq = bcj2__sql_i64(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status;
}

/* ---- writing ---- */

/* Runs it; whoever looks for changes of jobs finds this one. BCJ2_S_FALSE: no event was touched. */
static bcj2_status run_for(struct sql *q, int64_t job_seq)
{
    bcj2_status status = bcj2__sql_run(q);
    return status == BCJ2_OK ? bcj2__store_job_changed(q->store, job_seq) : status;
}

bcj2_status bcj2__store_event_insert(struct store *s, struct store_event *event)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql_writing(
        s, "INSERT INTO events (job_seq, kind, file_index, time, result, turn, running,"
           " attempts, next_boot, next_ms, next_wall) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bcj2__sql_bind_i64(&q, event->job_seq);
    bcj2__sql_bind_i64(&q, event->kind);
    bcj2__sql_bind_i64(&q, event->file_index);
    bcj2__sql_bind_u64(&q, event->time);
    bcj2__sql_bind_i64(&q, event->result);
    bcj2__sql_bind_i64(&q, event->turn);
    bcj2__sql_bind_i64(&q, event->running);
    bcj2__sql_bind_i64(&q, event->attempts);
    bcj2__sql_bind_deadline(&q, &event->next);
    bcj2_status status = run_for(&q, event->job_seq);
    if (status == BCJ2_OK) { /* the last row that was inserted: a job's change inserts none */
        event->seq = sqlite3_last_insert_rowid(s->db);
    }
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_event_update(struct store *s, const struct store_event *event)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql_writing(
        s, "UPDATE events SET result = ?, turn = ?, running = ?, attempts = ?, next_boot = ?,"
           " next_ms = ?, next_wall = ? WHERE seq = ? AND result = 0");
    bcj2__sql_bind_i64(&q, event->result);
    bcj2__sql_bind_i64(&q, event->turn);
    bcj2__sql_bind_i64(&q, event->running);
    bcj2__sql_bind_i64(&q, event->attempts);
    bcj2__sql_bind_deadline(&q, &event->next);
    bcj2__sql_bind_i64(&q, event->seq);
    bcj2_status status = run_for(&q, event->job_seq);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_events_drop(struct store *s, int64_t job_seq, uint32_t kinds)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql_writing(s, "UPDATE events INDEXED BY events_owed SET result = 2,"
                                        " turn = 0, running = 0, next_boot = NULL"
                                        " WHERE result = 0 AND job_seq = ? AND kind IN (?, ?, ?)");
    bcj2__sql_bind_i64(&q, job_seq);
    for (size_t i = 0; i < ARRAY_LEN(all_kinds); i++) {
        bcj2__sql_bind_i64(&q, kinds & all_kinds[i]); /* 0: no event is of that */
    }
    bcj2_status status = run_for(&q, job_seq);
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}

bcj2_status bcj2__store_events_purge(struct store *s, bcj2_filetime before, int64_t *ret_seqs,
                                     uint32_t *ret_count)
{
    *ret_count = 0;
    bcj2__store_enter(s);
    struct sql q = bcj2__sql_writing(s, "DELETE FROM events WHERE seq IN (SELECT seq FROM events"
                                        " INDEXED BY events_over WHERE result > 0 AND time < ?"
                                        " ORDER BY time LIMIT ?) RETURNING seq");
    bcj2__sql_bind_u64(&q, before);
    bcj2__sql_bind_i64(&q, STORE_PURGE_MOST);
    while (*ret_count < STORE_PURGE_MOST && bcj2__sql_row(&q)) {
        ret_seqs[(*ret_count)++] = bcj2__sql_i64(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}

/* ---- properties of the job ---- */

bcj2_status bcj2__store_set_notify_flags(struct store *s, int64_t seq, uint32_t flags,
                                         bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__store_update(s, STORE_TOUCH ", notify_flags = ? WHERE seq = ?", now);
    bcj2__sql_bind_i64(&q, flags);
    bcj2_status status = bcj2__store_updated(&q, seq);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_set_notify_command(struct store *s, int64_t seq, const char *program,
                                           const char *parameters, bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__store_update(
        s, STORE_TOUCH ", notify_program = ?, notify_parameters = ? WHERE seq = ?", now);
    bcj2__sql_bind_text(&q, program);
    bcj2__sql_bind_text(&q, parameters);
    bcj2_status status = bcj2__store_updated(&q, seq);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_set_listener(struct store *s, int64_t seq, uint64_t listener,
                                     uint32_t callbacks, bcj2_filetime now)
{
    bcj2__store_enter(s);
    struct sql q =
        bcj2__store_update(s, STORE_TOUCH ", listener = ?, listener_callbacks = ? WHERE seq = ?",
                           now);
    bcj2__sql_bind_u64(&q, listener);
    bcj2__sql_bind_i64(&q, callbacks);
    bcj2_status status = bcj2__store_updated(&q, seq);
    bcj2__store_leave(s);
    return status;
}

bcj2_status bcj2__store_drop_listener(struct store *s, int64_t seq)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql_writing(s, "UPDATE jobs SET listener = 0, listener_callbacks = 0,"
                                        " change_seq = ? WHERE seq = ?");
    bcj2__sql_bind_u64(&q, s->change);
    bcj2_status status = bcj2__store_updated(&q, seq);
    bcj2__store_leave(s);
    return status;
}
