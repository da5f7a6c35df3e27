/* SPDX-License-Identifier: MIT */
/* Who runs, and what happens by time: retries that are due, jobs nobody touched for months, rows of jobs
   that ended a day ago. All of it asks the store's indexes; waiting jobs are never listed. */
#include "detail.h"
#include "drive.h"
#include "engine_priv.h"
#include "filetime.h"
#include "hosts.h"
#include "job.h"
#include "job_state.h"
#include "limit.h"
#include "mem.h"
#include "network.h"
#include "notify_files.h"
#include "notify_listeners.h"
#include "schedule.h"
#include "settle.h"
#include "store_event.h"

#define RETRIES_PER_TURN 64u
#define EXPIRED_PER_TURN 16u
#define KEEP_FINAL_S     UINT64_C(86400)
#define PURGE_EVERY_MS   UINT64_C(3600000)
#define LOOK_EVERY_MS    UINT64_C(86400000)
#define FINAL_STATES     (1u << BCJ2_JOB_STATE_ACKNOWLEDGED | 1u << BCJ2_JOB_STATE_CANCELLED)

/* ---- by time ---- */

/* One that cannot be cancelled because its rows cannot be read must not keep the others from it: it is an
   ERROR, and touched, now. */
static bcj2_status expire_one(struct core *c, int64_t seq)
{
    bcj2_status s = bcj2__settle_cancel(c, seq);
    if (s != BCJ2_E_DATABASE_CORRUPT) {
        return s;
    }
    char why[LIMIT_DETAIL_BYTES];
    bcj2__detail_keep(why);
    bcj2_status begun = bcj2__store_begin(c->store, true);
    if (BCJ2_FAILED(begun)) {
        return begun;
    }
    s = bcj2__store_end(c->store, true, bcj2__job_state_poison(c, seq, bcj2__detail(s, "%s", why)));
    if (BCJ2_SUCCEEDED(s)) { /* somebody may have to be told of that */
        bcj2__core_changed(c);
    }
    return s;
}

/* Cancels what was not touched for the inactivity time, some at a time. Gives back when the next one is
   due. */
static bcj2_status expire(struct engine *e, uint64_t *ret_next_ms)
{
    struct core *c = e->core;
    for (uint32_t n = 0; n < EXPIRED_PER_TURN; n++) {
        int64_t seq = 0;
        struct store_deadline touched = {0};
        bcj2_status s = bcj2__store_oldest_touched(c->store, &seq, &touched);
        *ret_next_ms = UINT64_MAX;
        if (s != BCJ2_OK) {
            return s;
        }
        uint64_t idle_ms = bcj2__job_since_ms(&touched, e->now_ms);
        uint64_t allowed_ms = (uint64_t)c->inactivity_s * 1000;
        if (idle_ms < allowed_ms) {
            *ret_next_ms = e->now_ms + allowed_ms - idle_ms;
            return BCJ2_OK;
        }
        bcj2__log(&c->log, LOG_WARNING, "job %lld was not touched for %u s: cancelled",
                  (long long)seq, (unsigned)c->inactivity_s);
        s = expire_one(c, seq);
        if (BCJ2_FAILED(s)) {
            return s;
        }
    }
    *ret_next_ms = e->now_ms; /* transfers come between */
    return BCJ2_OK;
}

static bcj2_filetime a_day_ago(void)
{
    return bcj2__os_wall() - KEEP_FINAL_S * FILETIME_PER_S;
}

/* Forgets jobs that ended a day ago, some at a time: when there is more to forget, and when some that
   ended will be due. */
static bcj2_status purge(struct engine *e, uint64_t *ret_next_ms)
{
    struct store *store = e->core->store;
    int64_t seqs[STORE_PURGE_MOST];
    uint32_t gone = 0, events = 0;
    uint64_t ended = 0;
    *ret_next_ms = UINT64_MAX;
    bcj2_status s = bcj2__store_count_states(store, FINAL_STATES, &ended);
    if (BCJ2_SUCCEEDED(s) && ended == 0) {
        s = bcj2__store_next_over(store, a_day_ago());
        ended = s == BCJ2_OK;
    }
    if (BCJ2_FAILED(s) || ended == 0) {
        return BCJ2_FAILED(s) ? s : BCJ2_OK;
    }
    s = bcj2__store_begin(store, false);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    /* asked here: a calendar that was set back while others wrote must not forget what ended just now */
    bcj2_filetime before = a_day_ago();
    /* first, for with a job all of its events go */
    s = bcj2__store_events_purge(store, before, seqs, &events);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_purge(store, before, &gone);
    }
    s = bcj2__store_end(store, false, s);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    for (uint32_t i = 0; i < events; i++) {
        bcj2__notify_files_remove(e->core, seqs[i]);
    }
    if (gone > 0) {
        bcj2__core_tell(e->core);
        e->ring = true;
    }
    *ret_next_ms = MAX(gone, events) == STORE_PURGE_MOST ? e->now_ms : e->now_ms + PURGE_EVERY_MS;
    return s;
}

void bcj2__queue_house(struct engine *e)
{
    uint64_t expire_ms = UINT64_MAX, purge_ms = UINT64_MAX;
    bcj2_status s = expire(e, &expire_ms);
    if (BCJ2_SUCCEEDED(s)) {
        s = purge(e, &purge_ms);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__log(&e->core->log, LOG_ERROR, "housekeeping: %s", bcj2__detail_get());
        e->house_ms = e->now_ms + 60000;
        return;
    }
    /* what ends or is touched meanwhile is seen the next time; what is made meanwhile expires after it */
    uint64_t look_ms = e->now_ms + MIN(LOOK_EVERY_MS, (uint64_t)e->core->inactivity_s * 1000);
    e->house_ms = MIN(MIN(expire_ms, purge_ms), look_ms);
    bcj2__listeners_suspect(e);
}

/* Has the no-progress time-out ended? Not for a job that has only its Close to say: that gets its one more
   try, and is TRANSFERRED then (wire-protocol 2.10). */
static bcj2_status is_over(struct engine *e, const struct store_job *job, bool *ret)
{
    struct store_transfer transfer = {0};
    *ret = job->series_start.set &&
           bcj2__job_since_ms(&job->series_start, e->now_ms) >= (uint64_t)job->no_progress_s * 1000;
    if (!*ret) {
        return BCJ2_OK;
    }
    bcj2_status s = bcj2__store_transfer(e->core->store, job->seq, &transfer);
    *ret = transfer.bup.phase != BUP_CLOSING;
    return s;
}

/* A job whose next attempt is due: again, or for the last time. */
static bool retry_one(struct engine *e, int64_t seq)
{
    bool over = false;
    struct store_job job = {0};
    if (!bcj2__engine_transaction(e) ||
        !bcj2__engine_check_job(e, seq, bcj2__store_job_by_seq(e->core->store, seq, &job))) {
        return !e->failed;
    }
    if (job.state != BCJ2_JOB_STATE_TRANSIENT_ERROR) { /* moved since it was looked at */
        bcj2__store_job_done(&job);
        return true;
    }
    bool ok = bcj2__engine_check_job(e, seq, is_over(e, &job, &over)) &&
              bcj2__engine_check(e, bcj2__job_state_move(e->core, &job,
                                                         over ? JOB_EV_GIVE_UP : JOB_EV_RETRY));
    e->durable = e->durable || over;
    bcj2__store_job_done(&job);
    return ok || !e->failed;
}

static void retries(struct engine *e)
{
    for (uint32_t n = 0; n < RETRIES_PER_TURN; n++) {
        int64_t seq = 0;
        struct store_deadline deadline = {0};
        bcj2_status s = bcj2__store_next_retry(e->core->store, &seq, &deadline);
        e->retry_ms = UINT64_MAX;
        if (!bcj2__engine_check(e, s) || s == BCJ2_S_FALSE) {
            return;
        }
        e->retry_ms = bcj2__job_deadline_ms(&deadline);
        if (e->retry_ms > e->now_ms || !retry_one(e, seq)) {
            return;
        }
    }
    e->again = e->schedule = true;
}

/* ---- who runs ---- */

static uint32_t running(struct engine *e, struct sched_running *list, struct drive **drives)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->drive_count; i++) {
        const struct drive *d = e->drives[i];
        if (!d->ended) {
            list[count] =
                (struct sched_running){.priority = d->priority, .started_ms = d->started_ms};
            drives[count++] = e->drives[i];
        }
    }
    return count;
}

/* A suspect runs when nobody else waits or runs, and by itself: then its end ends nothing else. True:
   one gave way, and is still being cleared away. */
static bool suspect_gives_way(struct engine *e, const bool waiting[4])
{
    if (!waiting[0] && !waiting[1] && !waiting[2] && !waiting[3]) {
        return false;
    }
    bool gave = false;
    for (uint32_t i = 0; i < e->drive_count; i++) {
        if (e->drives[i]->unclean_ends > STORE_UNCLEAN_ENDS) {
            bcj2__drive_yield(e, e->drives[i]);
            gave = true;
        }
    }
    return gave;
}

static void start_suspect(struct engine *e)
{
    int64_t seq = 0;
    if (!e->failed && e->drive_count == 0) {
        bcj2_status s = bcj2__store_first_suspect(e->core->store, &seq);
        if (bcj2__engine_check(e, s) && s == BCJ2_OK) {
            bcj2__drive_start(e, seq);
        }
    }
}

/* Jobs whose last run still has a disk thread at work: a second writer of one file must not come. */
static size_t look_busy(const struct engine *e, int64_t *seqs)
{
    size_t count = 0;
    for (uint32_t i = 0; i < e->drive_count; i++) {
        if (e->drives[i]->ended) {
            seqs[count++] = e->drives[i]->seq;
        }
    }
    return count;
}

/* Not now: one whose last run is not over, and one whose server could not be reached; notes when to look
   again. */
static bool avoids(void *user, int64_t seq, const char *host)
{
    struct engine *e = user;
    for (size_t i = 0; i < e->busy_count; i++) {
        if (e->busy[i] == seq) {
            return true;
        }
    }
    uint64_t until = bcj2__hosts_rests_until(e->core->hosts, host, e->now_ms);
    if (until != 0) {
        e->hosts_ms = MIN(e->hosts_ms, until);
    }
    return until != 0;
}

/* Which levels have somebody waiting, and who is first there. */
static bool look_waiting(struct engine *e, bool waiting[4], int64_t first[4])
{
    e->busy_count = look_busy(e, e->busy);
    e->hosts_ms = UINT64_MAX;
    for (bcj2_job_priority p = 0; p < 4; p++) {
        bcj2_status s = bcj2__store_first_queued(e->core->store, p, avoids, e, &first[p]);
        if (!bcj2__engine_check(e, s)) {
            return false;
        }
        waiting[p] = s == BCJ2_OK;
    }
    return true;
}

void bcj2__queue_schedule(struct engine *e)
{
    const struct sched_slots slots = {
        .foreground = e->core->foreground_slots,
        .background = e->core->background_slots,
        .now_ms = e->now_ms,
        .slice_ms = LIMIT_SLICE_MS,
    };
    struct sched_running *list = bcj2__mem_calloc(e->drive_room, sizeof *list);
    struct drive **drives = bcj2__mem_calloc(e->drive_room, sizeof(struct drive *));
    bool waiting[4] = {false};
    int64_t first[4] = {0};
    if (list == NULL || drives == NULL) {
        (void)bcj2__engine_check(e, bcj2__detail_no_memory());
    } else {
        retries(e);
        bcj2__network_jobs(e);
    }
    while (list != NULL && drives != NULL && !e->failed && look_waiting(e, waiting, first)) {
        if (suspect_gives_way(e, waiting)) {
            break;
        }
        uint32_t count = running(e, list, drives);
        struct sched_verdict v = bcj2__sched_next(&slots, list, count, waiting);
        e->slice_ms = v.move == SCHED_NOTHING ? v.slice_end_ms : UINT64_MAX;
        if (v.move == SCHED_STOP) {
            bcj2__drive_yield(e, drives[v.index]);
        } else if (v.move == SCHED_START && e->drive_count < e->drive_room) {
            bcj2__drive_start(e, first[v.priority]);
        } else {
            /* nothing, or the places of ended drives are not free yet: sweep() asks again */
            break;
        }
    }
    bcj2__mem_free(list);
    bcj2__mem_free(drives);
    start_suspect(e);
}
