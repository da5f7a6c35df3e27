/* SPDX-License-Identifier: MIT */
/* See listener.h: which jobs have callbacks of this manager, and when to look at them. A table by the
   jobs' numbers, and a heap of those that have a time; what is set, and its end. */
#include "listener_priv.h"
#include "detail.h"
#include "job_change.h"
#include "mem.h"
#include "notify_store.h"

#include <string.h>

#define NOT_DUE         SIZE_MAX /* due_at of what has no time */
#define LEAVE_AT_A_TIME 250u     /* jobs in a transaction, so that other writers get their turn */
#define FIRST_ROOM      16u

/* ---- the table ---- */

/* Where it is, or belongs. */
static size_t place_of(const struct listener *l, int64_t seq)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (l->hearers[middle]->view.seq < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct hearer *bcj2__listener_find(const struct listener *l, int64_t seq)
{
    size_t at = place_of(l, seq);
    return at < l->count && l->hearers[at]->view.seq == seq ? l->hearers[at] : NULL;
}

/* There is room for it. */
static struct hearer *insert(struct listener *l, int64_t seq, const bcj2_guid *id)
{
    size_t at = place_of(l, seq);
    struct hearer *h = TAKE(l->spare);
    *h = (struct hearer){.view.seq = seq, .id = *id, .due_ms = UINT64_MAX, .due_at = NOT_DUE};
    memmove(l->hearers + at + 1, l->hearers + at, (l->count - at) * sizeof(struct hearer *));
    l->hearers[at] = h;
    l->count++;
    return h;
}

/* Room for one more, before anything is stored: afterwards nothing may fail. */
static bcj2_status reserve(struct listener *l)
{
    bool whole = true;
    bcj2__os_mutex_lock(l->lock);
    if (l->spare == NULL) {
        l->spare = bcj2__mem_calloc(1, sizeof *l->spare);
    }
    if (l->count == l->room) {
        size_t room = l->room == 0 ? FIRST_ROOM : l->room * 2;
        struct hearer **hearers = bcj2__mem_realloc(l->hearers, room * sizeof(struct hearer *));
        l->hearers = hearers != NULL ? hearers : l->hearers;
        struct hearer **due = bcj2__mem_realloc(l->due, room * sizeof(struct hearer *));
        l->due = due != NULL ? due : l->due;
        whole = hearers != NULL && due != NULL;
        l->room = whole ? room : l->room;
    }
    whole = whole && l->spare != NULL;
    bcj2__os_mutex_unlock(l->lock);
    return whole ? BCJ2_OK : bcj2__detail_no_memory();
}

/* ---- by time: the earliest first ---- */

static void put(struct listener *l, struct hearer *h, size_t at)
{
    l->due[at] = h;
    h->due_at = at;
}

static void rise(struct listener *l, size_t at)
{
    struct hearer *h = l->due[at];
    for (size_t up; at > 0 && l->due[up = (at - 1) / 2]->due_ms > h->due_ms; at = up) {
        put(l, l->due[up], at);
    }
    put(l, h, at);
}

static void sink(struct listener *l, size_t at)
{
    struct hearer *h = l->due[at];
    for (size_t down; (down = at * 2 + 1) < l->due_count; at = down) {
        if (down + 1 < l->due_count && l->due[down + 1]->due_ms < l->due[down]->due_ms) {
            down++;
        }
        if (l->due[down]->due_ms >= h->due_ms) {
            break;
        }
        put(l, l->due[down], at);
    }
    put(l, h, at);
}

static void take_from_heap(struct listener *l, struct hearer *h)
{
    size_t at = h->due_at;
    h->due_at = NOT_DUE;
    struct hearer *last = l->due[--l->due_count];
    if (last != h) {
        put(l, last, at);
        sink(l, at);
        rise(l, last->due_at);
    }
}

void bcj2__listener_due(struct listener *l, struct hearer *h, uint64_t due_ms)
{
    if (h->call != HEARER_IDLE) { /* it is looked at anyway, or after its call */
        h->again = h->again || due_ms != UINT64_MAX;
        return;
    }
    if (h->due_at != NOT_DUE) {
        take_from_heap(l, h);
    }
    h->due_ms = due_ms;
    if (due_ms != UINT64_MAX) {
        put(l, h, l->due_count++);
        rise(l, h->due_at);
    }
}

/* ---- its callbacks ---- */

struct callbacks *bcj2__listener_take_out(struct listener *l, struct hearer *h)
{
    struct callbacks *callbacks = TAKE(h->callbacks);
    if (h->call != HEARER_IDLE) {
        return callbacks; /* who has called, or takes it from the queue, finds nothing and takes it out */
    }
    bcj2__listener_due(l, h, UINT64_MAX);
    size_t at = place_of(l, h->view.seq);
    l->count--;
    memmove(l->hearers + at, l->hearers + at + 1, (l->count - at) * sizeof(struct hearer *));
    bcj2__mem_free(h);
    return callbacks;
}

static uint32_t kinds_of(const bcj2_notify_callbacks *is)
{
    return (uint32_t)((is->job_transferred != NULL ? BCJ2_NOTIFY_JOB_TRANSFERRED : 0) |
                      (is->job_error != NULL ? BCJ2_NOTIFY_JOB_ERROR : 0) |
                      (is->job_modification != NULL ? BCJ2_NOTIFY_JOB_MODIFICATION : 0) |
                      (is->file_transferred != NULL ? BCJ2_NOTIFY_FILE_TRANSFERRED : 0));
}

/* The row says who has callbacks: who writes it last. ret: what it says then. */
static bcj2_status store(bcj2_job *job, uint64_t listener, uint32_t kinds, struct store_notify *ret)
{
    struct core *c = job->core;
    struct change change;
    bcj2_status s = bcj2__change_begin_set(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_set_listener(c->store, job->seq, listener, kinds, bcj2__os_wall());
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__notify_channels_changed(c, job->seq);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_notify(c->store, job->seq, ret);
    }
    return bcj2__change_end(&change, s);
}

/* Gives back what was set before; NULL: nothing. */
static struct callbacks *replace(struct listener *l, const bcj2_job *job, struct callbacks *fresh,
                                 const struct store_notify *stored)
{
    struct callbacks *old = NULL;
    bcj2__os_mutex_lock(l->lock);
    struct hearer *h = bcj2__listener_find(l, job->seq);
    if (fresh != NULL) {
        h = h != NULL ? h : insert(l, job->seq, &job->id);
        old = h->callbacks;
        h->callbacks = fresh;
        h->told = 0;
        h->view.version = ++l->versions;
        h->view.listener = l->number;
        h->view.state = stored->state;
        h->view.modification = stored->modification_time;
        bcj2__listener_due(l, h, 0);
    } else if (h != NULL) {
        old = bcj2__listener_take_out(l, h);
    }
    bcj2__os_mutex_unlock(l->lock);
    return old;
}

/* Waits until no call uses it any more, but not inside of one: two that replace each other's would wait
   for ever. The last one that has it destroys it. */
static void let_go(struct listener *l, struct callbacks *old)
{
    bcj2__os_mutex_lock(l->lock);
    while (old->refs > 1 && !bcj2__listener_inside_any()) {
        bcj2__os_cond_wait(l->changed, l->lock);
    }
    bcj2__listener_drop(l, old);
    bcj2__os_mutex_unlock(l->lock);
}

bcj2_status bcj2__listener_set(bcj2_job *job, const bcj2_notify_callbacks *callbacks)
{
    struct listener *l = job->core->listener;
    struct callbacks *fresh = NULL, *old = NULL;
    struct store_notify stored = {0};
    bcj2_status s = BCJ2_OK;
    if (callbacks != NULL) {
        fresh = bcj2__mem_calloc(1, sizeof *fresh);
        if (fresh == NULL) {
            return bcj2__detail_no_memory();
        }
        *fresh = (struct callbacks){.is = *callbacks, .job = job->id, .refs = 1};
    }
    bcj2__os_mutex_lock(l->setting);
    if (fresh != NULL) {
        s = bcj2__listener_be_somebody(l);
        s = BCJ2_SUCCEEDED(s) ? reserve(l) : s;
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = store(job, fresh != NULL ? l->number : 0, fresh != NULL ? kinds_of(callbacks) : 0,
                  &stored);
    }
    if (BCJ2_SUCCEEDED(s)) {
        old = replace(l, job, fresh, &stored);
    }
    bcj2__os_mutex_unlock(l->setting);
    if (BCJ2_FAILED(s)) {
        bcj2__mem_free(fresh);
        return s;
    }
    bcj2__core_poke(job->core);
    if (old != NULL) {
        let_go(l, old);
    }
    return s;
}

bcj2_status bcj2__listener_get(bcj2_job *job, bcj2_notify_callbacks *ret)
{
    struct listener *l = job->core->listener;
    struct store_notify n;
    bcj2_status s = bcj2__store_notify(job->core->store, job->seq, &n);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    bool final = n.state == BCJ2_JOB_STATE_ACKNOWLEDGED || n.state == BCJ2_JOB_STATE_CANCELLED;
    bcj2__os_mutex_lock(l->lock);
    struct hearer *h = bcj2__listener_find(l, job->seq);
    bool has = h != NULL && h->callbacks != NULL && n.listener == l->number && !final;
    if (has) {
        *ret = h->callbacks->is;
    }
    bcj2__os_mutex_unlock(l->lock);
    return has ? BCJ2_OK : BCJ2_S_FALSE;
}

/* ---- beginning and end ---- */

bcj2_status bcj2__listener_create(struct core *c, bool by_dispatch, struct listener **ret)
{
    struct listener *l = bcj2__mem_calloc(1, sizeof *l);
    if (l == NULL) {
        return bcj2__detail_no_memory();
    }
    l->core = c;
    l->by_dispatch = by_dispatch;
    l->fd = l->lock_fd = -1;
    l->setting = bcj2__os_mutex_create();
    l->lock = bcj2__os_mutex_create();
    l->changed = bcj2__os_cond_create();
    bcj2_status s = l->setting == NULL || l->lock == NULL || l->changed == NULL
                        ? bcj2__detail_no_memory()
                        : BCJ2_OK;
    if (BCJ2_SUCCEEDED(s) && by_dispatch) {
        s = bcj2__os_timer_open(&l->fd);
    }
    if (BCJ2_FAILED(s)) {
        (void)bcj2__listener_destroy(l);
        return s;
    }
    *ret = l;
    return BCJ2_OK;
}

/* Some of the jobs that are ours; BCJ2_S_FALSE: there is none any more. */
static bcj2_status leave_some(struct core *c, uint64_t number)
{
    int64_t seq = 0;
    bcj2_status s = bcj2__store_next_listened(c->store, number, 0, &seq);
    if (s != BCJ2_OK) {
        return s;
    }
    s = bcj2__store_begin(c->store, true);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    for (uint32_t n = 0; BCJ2_SUCCEEDED(s) && n < LEAVE_AT_A_TIME; n++) {
        s = bcj2__store_next_listened(c->store, number, 0, &seq);
        if (s != BCJ2_OK) {
            break;
        }
        s = bcj2__store_drop_listener(c->store, seq);
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__notify_channels_changed(c, seq);
        }
    }
    return bcj2__store_end(c->store, true, s);
}

void bcj2__listener_leave(struct listener *l)
{
    bcj2_status s = l->number == 0 ? BCJ2_S_FALSE : BCJ2_OK;
    while (s == BCJ2_OK) {
        s = leave_some(l->core, l->number);
        if (BCJ2_SUCCEEDED(s)) {
            bcj2__core_changed_idly(l->core);
        }
    }
    if (BCJ2_FAILED(s)) { /* the lock file says the same, to who looks at it */
        bcj2__log(&l->core->log, LOG_WARNING, "that callbacks are gone is told later: %s",
                  bcj2__detail_get());
    }
}

void *bcj2__listener_destroy(struct listener *l)
{
    if (l == NULL) {
        return NULL;
    }
    bool whole = l->setting != NULL && l->lock != NULL && l->changed != NULL;
    if (whole) {
        bcj2__os_mutex_lock(l->lock);
        for (size_t i = 0; i < l->count; i++) {
            bcj2__listener_drop(l, l->hearers[i]->callbacks);
            bcj2__mem_free(l->hearers[i]);
        }
        while (l->released != NULL) {
            struct callbacks *callbacks = l->released;
            l->released = callbacks->next;
            bcj2__listener_drop(l, callbacks);
        }
        bcj2__os_mutex_unlock(l->lock);
        bcj2__listener_be_nobody(l);
    }
    (void)bcj2__os_close_own(l->fd);
    bcj2__mem_free(l->hearers);
    bcj2__mem_free(l->due);
    bcj2__mem_free(l->spare);
    (void)bcj2__os_cond_destroy(l->changed);
    (void)bcj2__os_mutex_destroy(l->lock);
    (void)bcj2__os_mutex_destroy(l->setting);
    bcj2__mem_free(l);
    return NULL;
}
