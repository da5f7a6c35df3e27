/* SPDX-License-Identifier: MIT */
/* What is due by time: which job's retry is next, which job was left alone longest. Times of other boots
   are compared by the calendar, those of this boot by its clock; so each boot is asked by itself, each by
   one step in an index. */
#include "store.h"

#include <string.h>
#include "filetime.h"
#include "store_sql.h"

/* ---- the next retry ---- */

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

/* The next boot after `boot` that a deadline belongs to; false: none, or a failure. */
static bool next_boot(struct store *s, char boot[OS_BOOT_ID_SIZE], bcj2_status *ret_status)
{
    struct sql q =
        bcj2__sql(s,
                  "SELECT next_attempt_boot FROM jobs INDEXED BY jobs_retry"
                  " WHERE state = 5 AND next_attempt_boot > ?"
                  " AND length(next_attempt_boot) < 40" /* a damaged one must not stop the others */
                  " ORDER BY next_attempt_boot LIMIT 1");
    char last[OS_BOOT_ID_SIZE];
    memcpy(last, boot, sizeof last);
    bcj2__sql_bind_text(&q, last);
    if (bcj2__sql_row(&q)) {
        bcj2__sql_text_into(&q, boot, OS_BOOT_ID_SIZE);
    }
    *ret_status = bcj2__sql_end(&q);
    return *ret_status == BCJ2_OK;
}

/* The first deadline of one boot. */
static bcj2_status first_of_boot(struct store *s, const char *boot, bool this_boot,
                                 int64_t *ret_seq, struct store_deadline *ret)
{
    struct sql q;
    if (this_boot) {
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
    if (bcj2__sql_row(&q)) {
        *ret_seq = bcj2__sql_i64(&q);
        *ret = bcj2__sql_deadline(&q);
    }
    return bcj2__sql_end(&q);
}

/* Boots are few, jobs may be many: the first of each boot, then the first of those. */
static bcj2_status next_retry(struct store *s, int64_t *ret_seq, struct store_deadline *ret)
{
    char here[OS_BOOT_ID_SIZE], boot[OS_BOOT_ID_SIZE] = "";
    bcj2__os_boot_id(here);
    bool found = false;
    int64_t best_ms = 0;
    bcj2_status status = BCJ2_OK;
    while (next_boot(s, boot, &status)) {
        struct store_deadline d = {0};
        int64_t seq = 0;
        status = first_of_boot(s, boot, strcmp(boot, here) == 0, &seq, &d);
        if (status != BCJ2_OK) {
            return status;
        }
        int64_t ms = bcj2__store_deadline_ms(&d);
        if (!found || ms < best_ms) {
            found = true;
            best_ms = ms;
            *ret_seq = seq;
            *ret = d;
        }
    }
    if (status != BCJ2_S_FALSE || !found) {
        return status;
    }
    memcpy(ret->boot_id, here, sizeof here);
    ret->now_ms = best_ms < 0 ? 0 : (uint64_t)best_ms;
    return BCJ2_OK;
}

bcj2_status bcj2__store_next_retry(struct store *s, int64_t *ret_seq, struct store_deadline *ret)
{
    bcj2__store_lock(s);
    bcj2_status status = next_retry(s, ret_seq, ret);
    bcj2__store_unlock(s);
    return status;
}

/* ---- the job nobody touched ---- */

/* The one left alone longest of those that were last changed in the next boot after `boot`.
   BCJ2_S_FALSE: there is no such boot. */
static bcj2_status oldest_of_next_boot(struct store *s, const char *boot, int64_t *ret_seq,
                                       struct store_deadline *ret)
{
    struct sql q = bcj2__sql(s, "SELECT seq, touched_boot, touched_ms, modification_time FROM jobs"
                                " INDEXED BY jobs_touched WHERE state < 7 AND touched_boot > ?"
                                " AND length(touched_boot) < 40" /* as in next_boot() */
                                " ORDER BY touched_boot, touched_ms LIMIT 1");
    bcj2__sql_bind_text(&q, boot);
    if (bcj2__sql_row(&q)) {
        *ret_seq = bcj2__sql_i64(&q);
        *ret = bcj2__sql_deadline(&q);
    }
    return bcj2__sql_end(&q);
}

bcj2_status bcj2__store_oldest_touched(struct store *s, int64_t *ret_seq,
                                       struct store_deadline *ret)
{
    struct store_deadline d = {0};
    int64_t seq = 0;
    bool found = false;
    char boot[OS_BOOT_ID_SIZE] = "";
    bcj2_status status = BCJ2_OK;
    bcj2__store_lock(s);
    while ((status = oldest_of_next_boot(s, boot, &seq, &d)) == BCJ2_OK) {
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
