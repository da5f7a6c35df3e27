/* SPDX-License-Identifier: MIT */
/* What is due by time: which job's retry is next, which job was left alone longest, which program is to be
   told next. Times of other boots are compared by the calendar, those of this boot by its clock; so each boot is asked by itself, each by
   one step in an index. */
#include "store_event.h"

#include <string.h>
#include "filetime.h"
#include "store_sql.h"

/* ---- over boots ---- */

int64_t bcj2__store_deadline_ms(const struct store_deadline *d)
{
    char boot_id[OS_BOOT_ID_SIZE];
    bcj2__os_boot_id(boot_id);
    if (strcmp(boot_id, d->boot_id) == 0) {
        return (int64_t)d->now_ms;
    }
    int64_t away = (int64_t)(d->wall - bcj2__os_wall()) / (int64_t)FILETIME_PER_MS;
    return (int64_t)bcj2__os_now_ms() + away;
}

/* One that is due first among those of the next boot after `boot`; BCJ2_S_FALSE: there is no such boot. */
typedef bcj2_status first_of_next_boot(struct store *s, const char *boot, int64_t *ret_seq,
                                       struct store_deadline *ret);

/* Boots are few, rows may be many: the first of each boot, then the first of those. */
static bcj2_status first_of_all(struct store *s, first_of_next_boot *next, int64_t *ret_seq,
                                struct store_deadline *ret)
{
    struct store_deadline d = {0};
    int64_t seq = 0;
    bool found = false;
    char boot[OS_BOOT_ID_SIZE] = "";
    bcj2_status status = BCJ2_OK;
    bcj2__store_lock(s);
    while ((status = next(s, boot, &seq, &d)) == BCJ2_OK) {
        memcpy(boot, d.boot_id, sizeof boot);
        if (!found || bcj2__store_deadline_ms(&d) < bcj2__store_deadline_ms(ret)) {
            found = true;
            *ret_seq = seq;
            *ret = d;
        }
    }
    bcj2__store_unlock(s);
    return status == BCJ2_S_FALSE && found ? BCJ2_OK : status;
}

/* As a moment of this boot, to be waited for. */
static void bring_here(struct store_deadline *d)
{
    int64_t ms = bcj2__store_deadline_ms(d);
    bcj2__os_boot_id(d->boot_id);
    d->now_ms = ms < 0 ? 0 : (uint64_t)ms;
}

/* seq and deadline, the only row of a query. */
static bcj2_status one_due(struct sql *q, int64_t *ret_seq, struct store_deadline *ret)
{
    if (bcj2__sql_row(q)) {
        *ret_seq = bcj2__sql_i64(q);
        *ret = bcj2__sql_deadline(q);
    }
    return bcj2__sql_end(q);
}

/* ---- the next retry ---- */

/* The next boot after `boot` that a deadline belongs to. */
static bcj2_status next_boot(struct store *s, const char *boot, char ret[OS_BOOT_ID_SIZE])
{
    struct sql q =
        bcj2__sql(s,
                  "SELECT next_attempt_boot FROM jobs INDEXED BY jobs_retry"
                  " WHERE state = 5 AND next_attempt_boot > ?"
                  " AND length(next_attempt_boot) < 40" /* a damaged one must not stop the others */
                  " ORDER BY next_attempt_boot LIMIT 1");
    bcj2__sql_bind_text(&q, boot);
    if (bcj2__sql_row(&q)) {
        bcj2__sql_text_into(&q, ret, OS_BOOT_ID_SIZE);
    }
    return bcj2__sql_end(&q);
}

static bcj2_status retry_of_next_boot(struct store *s, const char *after, int64_t *ret_seq,
                                      struct store_deadline *ret)
{
    struct sql q;
    char here[OS_BOOT_ID_SIZE], boot[OS_BOOT_ID_SIZE];
    bcj2__os_boot_id(here);
    bcj2_status status = next_boot(s, after, boot);
    if (status != BCJ2_OK) {
        return status;
    }
    if (strcmp(boot, here) == 0) {
        q = bcj2__sql(s, "SELECT seq, next_attempt_boot, next_attempt_ms, next_attempt_wall"
                         " FROM jobs INDEXED BY jobs_retry"
                         " WHERE state = 5 AND next_attempt_boot = ?"
                         " ORDER BY next_attempt_ms LIMIT 1");
    } else {
        q = bcj2__sql(s, "SELECT seq, next_attempt_boot, next_attempt_ms, next_attempt_wall"
                         " FROM jobs INDEXED BY jobs_retry_wall"
                         " WHERE state = 5 AND next_attempt_boot = ?"
                         " ORDER BY next_attempt_wall LIMIT 1");
    }
    bcj2__sql_bind_text(&q, boot);
    return one_due(&q, ret_seq, ret);
}

bcj2_status bcj2__store_next_retry(struct store *s, int64_t *ret_seq, struct store_deadline *ret)
{
    bcj2_status status = first_of_all(s, retry_of_next_boot, ret_seq, ret);
    if (status == BCJ2_OK) {
        bring_here(ret);
    }
    return status;
}

/* ---- the job nobody touched ---- */

static bcj2_status oldest_of_next_boot(struct store *s, const char *boot, int64_t *ret_seq,
                                       struct store_deadline *ret)
{
    struct sql q = bcj2__sql(s, "SELECT seq, touched_boot, touched_ms, modification_time FROM jobs"
                                " INDEXED BY jobs_touched WHERE state < 7 AND touched_boot > ?"
                                " AND length(touched_boot) < 40" /* as in next_boot() */
                                " ORDER BY touched_boot, touched_ms LIMIT 1");
    bcj2__sql_bind_text(&q, boot);
    return one_due(&q, ret_seq, ret);
}

bcj2_status bcj2__store_oldest_touched(struct store *s, int64_t *ret_seq,
                                       struct store_deadline *ret)
{
    return first_of_all(s, oldest_of_next_boot, ret_seq, ret);
}

/* ---- the next command ---- */

#define OWED_COMMAND "result = 0 AND turn = 2 AND running = 0"

static bcj2_status command_of_next_boot(struct store *s, const char *boot, int64_t *ret_seq,
                                        struct store_deadline *ret)
{
    struct sql q = bcj2__sql(s, "SELECT seq, next_boot, next_ms, next_wall FROM events"
                                " INDEXED BY events_command WHERE " OWED_COMMAND
                                " AND next_boot > ? AND length(next_boot) < 40" /* as above */
                                " ORDER BY next_boot, next_ms LIMIT 1");
    bcj2__sql_bind_text(&q, boot);
    return one_due(&q, ret_seq, ret);
}

/* One that has no time to wait for. */
static bcj2_status command_at_once(struct store *s, int64_t *ret_seq, struct store_deadline *ret)
{
    struct sql q = bcj2__sql(s, "SELECT seq, next_boot, next_ms, next_wall FROM events"
                                " INDEXED BY events_command WHERE " OWED_COMMAND
                                " AND next_boot IS NULL ORDER BY next_ms LIMIT 1");
    return one_due(&q, ret_seq, ret);
}

bcj2_status bcj2__store_next_command(struct store *s, struct store_event *ret)
{
    int64_t seq = 0;
    struct store_deadline next = {0};
    *ret = (struct store_event){0};
    bcj2__store_lock(s);
    bcj2_status status = command_at_once(s, &seq, &next);
    if (status == BCJ2_S_FALSE) {
        status = first_of_all(s, command_of_next_boot, &seq, &next);
    }
    if (status == BCJ2_OK) {
        status = bcj2__store_event(s, seq, ret);
    }
    bcj2__store_unlock(s);
    if (status == BCJ2_OK && ret->next.set) {
        bring_here(&ret->next);
    }
    return status;
}
