/* SPDX-License-Identifier: MIT */
/* See engine.h: the turns, and the thread that takes them. What the other processes say is in
   engine_others.c, the sleep between two turns in engine_sleep.c. */
#include "engine_priv.h"
#include "detail.h"
#include "drive.h"
#include "job_state.h"
#include "listener.h"
#include "mem.h"
#include "network.h"
#include "notify_command.h"
#include "notify_listeners.h"
#include "timeouts.h"

void bcj2__engine_wake(struct engine *e)
{
    atomic_store(&e->woken, true);
    bcj2__net_wake(e->net);
}

void bcj2__engine_ring(struct engine *e)
{
    atomic_store(&e->told, true);
    bcj2__net_wake(e->net);
}

void bcj2__engine_poke(struct engine *e)
{
    bcj2__net_wake(e->net);
}

bool bcj2__engine_check(struct engine *e, bcj2_status s)
{
    if (BCJ2_FAILED(s) && !e->failed) {
        bcj2__log(&e->core->log, LOG_ERROR, "the queue cannot be written: %s", bcj2__detail_get());
        e->failed = true;
    }
    return BCJ2_SUCCEEDED(s);
}

bool bcj2__engine_check_job(struct engine *e, int64_t seq, bcj2_status s)
{
    if (s != BCJ2_E_DATABASE_CORRUPT && s != BCJ2_E_NOT_FOUND) {
        return bcj2__engine_check(e, s);
    }
    if (bcj2__engine_transaction(e)) {
        (void)bcj2__engine_check(e, bcj2__job_state_poison(e->core, seq, s));
        e->durable = true;
    }
    return false;
}

bool bcj2__engine_transaction(struct engine *e)
{
    if (e->failed) {
        return false;
    }
    if (!e->transaction) {
        e->transaction = bcj2__engine_check(e, bcj2__store_begin(e->core->store, false));
    }
    return e->transaction;
}

static struct drive *find_drive(struct engine *e, uint64_t token)
{
    for (uint32_t i = 0; i < e->drive_count; i++) {
        if (e->drives[i]->token == token) {
            return e->drives[i];
        }
    }
    return NULL;
}

static void take_events(struct engine *e)
{
    struct net_event event;
    struct disk_op op;
    while (bcj2__net_next(e->net, &event)) {
        struct drive *d = find_drive(e, event.token);
        if (d != NULL) {
            bcj2__drive_net_event(e, d, &event);
        } else {
            (void)bcj2__farewell_event(e, &event);
        }
    }
    while (bcj2__disk_next(e->disk, &op) ||
           (e->copies != NULL && bcj2__disk_next(e->copies, &op))) {
        struct drive *d = find_drive(e, op.token);
        if (d != NULL) {
            bcj2__drive_disk_event(e, d, &op);
        }
    }
}

/* Frees the drives that have ended, but for those whose descriptors the disk thread still uses. */
static void sweep(struct engine *e)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < e->drive_count; i++) {
        struct drive *d = e->drives[i];
        if (d->ended && d->disk_ops == 0) {
            bcj2__drive_free(e, d);
            e->schedule = true;
            e->again = true;
        } else {
            e->drives[kept++] = d;
        }
    }
    e->drive_count = kept;
}

/* The store failed: nobody knows what is stored of this turn, so all that runs is dropped and begins
   again from the rows, once the store works. */
void bcj2__engine_drop_everything(struct engine *e)
{
    for (uint32_t i = 0; i < e->drive_count; i++) {
        bcj2__net_abort(e->net, e->drives[i]->token);
        e->drives[i]->ended = true;
        e->drives[i]->act = DRIVE_ACT_NONE;
    }
    bcj2__farewell_drop_all(e);
    bcj2__commands_undo(e);
    e->store_ms = e->now_ms + bcj2__timeouts.store_rest_ms;
}

void bcj2__engine_rest(struct engine *e)
{
    e->runner = false;
    bcj2__engine_drop_everything(e);
    bcj2__network_stop(e); /* nobody would read what is told */
    e->watch = bcj2__os_watch_close(e->watch);
}

static void end_transaction(struct engine *e)
{
    if (e->transaction && e->failed) {
        bcj2__store_rollback(e->core->store);
    } else if (e->transaction) {
        (void)bcj2__engine_check(e, bcj2__store_commit(e->core->store, e->durable));
    }
    bool committed = e->transaction && !e->failed;
    e->transaction = e->durable = false;
    if (e->failed) {
        bcj2__engine_drop_everything(e);
    }
    e->failed = false;
    if (committed) {
        bcj2__core_tell(e->core);
        e->ring = true;
    }
}

/* A commit whose sync failed may have stayed: nothing may be done that rests on it before it is on the
   disk. A durable commit syncs what is there, also if it writes nothing itself. */
static bcj2_status sync_store(struct engine *e)
{
    bcj2_status s = bcj2__store_begin(e->core->store, false);
    return BCJ2_SUCCEEDED(s) ? bcj2__store_commit(e->core->store, true) : s;
}

/* After a failure of the store: what the rows say runs, and does not, is queued again. */
static void recover(struct engine *e)
{
    if (e->store_ms > e->now_ms || e->drive_count > 0) {
        return;
    }
    if (BCJ2_SUCCEEDED(sync_store(e)) &&
        BCJ2_SUCCEEDED(bcj2__job_state_restart(e->core, e->taken_over))) {
        e->store_ms = UINT64_MAX;
        e->taken_over = false;
        e->schedule = e->look_byes = e->look_commands = true;
        /* this, and what was written although its sync failed */
        bcj2__core_tell(e->core);
        e->ring = e->ring_newest = true;
    } else {
        e->store_ms = e->now_ms + bcj2__timeouts.store_rest_ms;
    }
}

static void begin_stopping(struct engine *e)
{
    if (e->stop_by_ms == UINT64_MAX) {
        e->stop_by_ms = e->now_ms + bcj2__timeouts.close_farewell_ms;
        e->look_byes = true;
    }
    for (uint32_t i = 0; i < e->drive_count; i++) {
        bcj2__drive_yield(e, e->drives[i]);
    }
}

/* ---- a turn ---- */

static void work(struct engine *e, bool woken, bool stopping)
{
    bool working = e->runner && e->store_ms == UINT64_MAX;
    if (working && !stopping && e->house_ms <= e->now_ms) {
        bcj2__queue_house(e);
    }
    for (uint32_t i = 0; woken && i < e->drive_count; i++) {
        bcj2__drive_reconcile(e, e->drives[i]);
    }
    take_events(e);
    bcj2__commands_hear(e);
    for (uint32_t i = 0; i < e->drive_count; i++) {
        bcj2__drive_turn(e, e->drives[i]);
    }
    if (stopping) {
        begin_stopping(e);
    } else if (working && (woken || e->schedule ||
                           MIN(MIN(e->retry_ms, e->slice_ms), e->hosts_ms) <= e->now_ms)) {
        e->schedule = false;
        bcj2__queue_schedule(e);
    }
    if (working && (woken || e->look_byes || e->bye_ms <= e->now_ms)) {
        bcj2__farewell_look(e);
    }
    if (working) {
        bcj2__listeners_look(e);
    }
    /* last: what happened in this turn may be what is to be told */
    if (working && !stopping &&
        (woken || e->look_commands || e->transaction || e->command_ms <= e->now_ms)) {
        bcj2__commands_look(e);
    }
    end_transaction(e);
}

static void turn(struct engine *e)
{
    bool stopping = atomic_load(&e->stopping), woken = atomic_exchange(&e->woken, false);
    e->now_ms = bcj2__os_now_ms();
    e->again = false;
    e->ring = atomic_exchange(&e->told, false) || e->ring || woken;
    woken = bcj2__engine_listen(e, woken) || woken;
    if (e->runner && e->store_ms != UINT64_MAX) {
        recover(e);
    }
    if (e->runner) {
        bcj2__network_step(e);
    }
    work(e, woken, stopping);
    if (bcj2__engine_gone(e, false)) {
        e->ring = false; /* there is nobody left to be told */
    } else {
        bcj2__listener_look(e->core, e->now_ms);
        bcj2__engine_ring_others(e);
    }
}

static void act(struct engine *e)
{
    for (uint32_t i = 0; i < e->drive_count; i++) {
        bcj2__drive_act(e, e->drives[i]);
    }
    bcj2__farewell_act(e);
    bcj2__commands_act(e);
    sweep(e);
}

static bool finished(const struct engine *e)
{
    return atomic_load(&e->stopping) && e->stop_by_ms != UINT64_MAX && e->drive_count == 0 &&
           ((e->bye_count == 0 && e->command_count == 0) || e->now_ms >= e->stop_by_ms);
}

static void run(void *argument)
{
    struct engine *e = argument;
    bcj2_status trouble = BCJ2_OK; /* of the last sleep */
    do {
        turn(e);
        act(e);
        bcj2_status s = finished(e) ? BCJ2_OK : bcj2__engine_sleep(e);
        if (BCJ2_FAILED(s)) {
            if (s != trouble) {
                bcj2__log(&e->core->log, LOG_ERROR, "transfers rest: %s", bcj2__detail_get());
            }
            bcj2__engine_sleep_blindly(e);
        }
        trouble = s;
    } while (!finished(e));
    bcj2__farewell_drop_all(e);
    bcj2__commands_leave_all(e);
}

static void wake_from_disk(void *user)
{
    struct engine *e = user;
    bcj2__net_wake(e->net);
}

bcj2_status bcj2__engine_copies(struct engine *e)
{
    return e->copies != NULL ? BCJ2_OK : bcj2__disk_start(wake_from_disk, e, &e->copies);
}

bcj2_status bcj2__engine_start(struct core *c, struct engine **ret)
{
    struct engine *e = bcj2__mem_calloc(1, sizeof *e);
    if (e == NULL) {
        return bcj2__detail_no_memory();
    }
    e->core = c;
    e->runner = bcj2__link_role(c->link) == LINK_RUNNER;
    e->next_token = 1;
    e->schedule = e->look_byes = e->look_commands = e->adopt = e->heard = true;
    e->retry_ms = e->bye_ms = e->store_ms = e->slice_ms = e->stop_by_ms = UINT64_MAX;
    e->network_ms = e->hosts_ms = e->timer_ms = e->command_ms = UINT64_MAX;
    e->netwatch_fd = e->timer_fd = -1;
    e->house_ms = e->listener_ms = 0;
    e->drive_room = c->foreground_slots + c->background_slots;
    e->drives = bcj2__mem_calloc(e->drive_room, sizeof(struct drive *));
    e->busy = bcj2__mem_calloc(e->drive_room, sizeof *e->busy);
    bcj2_status s = e->drives == NULL || e->busy == NULL ? bcj2__detail_no_memory()
                                                         : bcj2__net_create(&c->log, &e->net);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__disk_start(wake_from_disk, e, &e->disk);
    }
    if (e->runner) {
        bcj2__engine_watch(e);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_thread_start("bcj2-engine", run, e, &e->thread);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__engine_stop(e);
        return s;
    }
    *ret = e;
    return BCJ2_OK;
}

void bcj2__engine_stop(struct engine *e)
{
    if (e == NULL) {
        return;
    }
    if (e->thread != NULL) {
        atomic_store(&e->stopping, true);
        bcj2__engine_wake(e);
        (void)bcj2__os_thread_join(e->thread);
    }
    bcj2__network_stop(e);
    bcj2__engine_timer_stop(e);
    e->disk = bcj2__disk_stop(e->disk);
    e->copies = bcj2__disk_stop(e->copies);
    e->net = bcj2__net_destroy(e->net);
    e->watch = bcj2__os_watch_close(e->watch);
    bcj2__mem_free(e->drives);
    bcj2__mem_free(e->busy);
    bcj2__mem_free(e->fds);
    bcj2__mem_free(e);
}
