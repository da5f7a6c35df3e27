/* SPDX-License-Identifier: MIT */
/* See listener_priv.h: the engine's look at the jobs that were changed, or that have a time: is there
   something to tell, now or later? It costs as much as there are such jobs, however many have callbacks. */
#include "listener_priv.h"
#include "detail.h"
#include "mem.h"
#include "timeouts.h"

#define OF_JOBS ((uint32_t)(BCJ2_NOTIFY_JOB_TRANSFERRED | BCJ2_NOTIFY_JOB_ERROR))

/* ---- one job ---- */

static bool is_final(bcj2_job_state state)
{
    return state == BCJ2_JOB_STATE_ACKNOWLEDGED || state == BCJ2_JOB_STATE_CANCELLED;
}

static bool is_event(bcj2_job_state state)
{
    return state == BCJ2_JOB_STATE_TRANSFERRED || state == BCJ2_JOB_STATE_ERROR;
}

static bool can_hear(const struct store_notify *n, uint32_t kind)
{
    return bcj2__notify_wanted(&n->channels, kind) && (n->channels.callbacks & kind) != 0;
}

/* The first event that is ours to tell, due or not; BCJ2_S_FALSE: none. Files come first, so that a job's
   own event waits for them (job-semantics 5.3). */
static bcj2_status first_event(struct core *c, const struct store_notify *n, int64_t seq,
                               struct store_event *ret)
{
    bcj2_status s = BCJ2_S_FALSE;
    if (can_hear(n, BCJ2_NOTIFY_FILE_TRANSFERRED)) {
        s = bcj2__store_first_owed(c->store, seq, BCJ2_NOTIFY_FILE_TRANSFERRED, ret);
    }
    if (s == BCJ2_S_FALSE) {
        s = bcj2__store_first_owed(c->store, seq, OF_JOBS, ret);
        if (s == BCJ2_OK && (ret->turn != NOTIFY_CALLBACK || !can_hear(n, ret->kind))) {
            s = BCJ2_S_FALSE;
        }
    }
    return s;
}

/* What is not to be told now is passed over: what changes while nobody wants to know is no news later. */
static void decide_modification(const struct hearer_view *view, const struct store_notify *n,
                                uint64_t now_ms, struct heard *ret)
{
    bool entered = is_event(n->state) && n->state != view->state;
    bool wanted = can_hear(n, BCJ2_NOTIFY_JOB_MODIFICATION);
    ret->passed_over = entered || !wanted;
    if (ret->passed_over || n->modification_time == view->modification ||
        ret->what == HEARD_EVENT) {
        return;
    }
    uint64_t from_ms = view->modified ? view->modified_ms + LIMIT_NOTIFY_MODIFICATION_MS : 0;
    if (from_ms <= now_ms) {
        ret->what = HEARD_MODIFICATION;
    } else {
        ret->due_ms = MIN(ret->due_ms, from_ms);
    }
}

static bcj2_status decide(struct core *c, const struct hearer_view *view, uint64_t now_ms,
                          struct heard *ret)
{
    struct store_notify n;
    *ret = (struct heard){.what = HEARD_GONE, .due_ms = UINT64_MAX};
    bcj2_status s = bcj2__store_notify(c->store, view->seq, &n);
    if (BCJ2_FAILED(s) || n.listener != view->listener || is_final(n.state)) {
        return s == BCJ2_E_NOT_FOUND ? BCJ2_OK : s;
    }
    s = first_event(c, &n, view->seq, &ret->event);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    ret->what = HEARD_NOTHING;
    ret->state = n.state;
    ret->modification = n.modification_time;
    uint64_t event_ms = s == BCJ2_OK ? bcj2__job_deadline_ms(&ret->event.next) : UINT64_MAX;
    if (s == BCJ2_OK && (!ret->event.next.set || event_ms <= now_ms)) {
        ret->what = HEARD_EVENT;
    } else {
        ret->due_ms = event_ms;
    }
    decide_modification(view, &n, now_ms, ret);
    return BCJ2_OK;
}

bcj2_status bcj2__listener_decide(struct core *c, const struct hearer_view *view, uint64_t now_ms,
                                  struct heard *ret)
{
    bcj2__store_lock(c->store); /* the job and its events are of one moment */
    bcj2_status s = decide(c, view, now_ms, ret);
    bcj2__store_unlock(c->store);
    return s;
}

bool bcj2__listener_note(struct hearer *h, const struct hearer_view *view,
                         const struct heard *heard)
{
    if (h == NULL || h->callbacks == NULL || h->view.version != view->version) {
        return false;
    }
    if (heard->what != HEARD_GONE) {
        h->view.state = heard->state;
        h->view.modification = heard->passed_over ? heard->modification : h->view.modification;
    }
    return true;
}

/* ---- the look ---- */

/* Those that changed since the last one are to be looked at. */
static bcj2_status hear(struct listener *l)
{
    struct store *store = l->core->store;
    uint64_t count = bcj2__core_change_count(l->core), change = 0;
    int64_t *seqs = NULL;
    uint32_t found = 0;
    if (l->watching && count == l->heard) {
        return BCJ2_OK;
    }
    bcj2__store_lock(store);
    bcj2_status s = bcj2__store_change(store, &change);
    if (BCJ2_SUCCEEDED(s) &&
        l->watching) { /* else all that there are were just set: they are due */
        s = bcj2__store_changed_since(store, l->looked, &seqs, &found);
    }
    bcj2__store_unlock(store);
    if (BCJ2_FAILED(s)) {
        bcj2__mem_free(seqs);
        return s;
    }
    bcj2__os_mutex_lock(l->lock);
    for (uint32_t i = 0; i < found; i++) {
        struct hearer *h = bcj2__listener_find(l, seqs[i]);
        if (h != NULL) {
            bcj2__listener_due(l, h, 0);
        }
    }
    bcj2__os_mutex_unlock(l->lock);
    bcj2__mem_free(seqs);
    l->watching = true;
    l->heard = count;
    l->looked = change;
    return BCJ2_OK;
}

/* The next one whose time has come; it has none any more. */
static bool next_due(struct listener *l, uint64_t now_ms, struct hearer_view *ret)
{
    bool found = false;
    bcj2__os_mutex_lock(l->lock);
    if (!l->stopping && l->due_count > 0 && l->due[0]->due_ms <= now_ms) {
        struct hearer *h = l->due[0];
        bcj2__listener_due(l, h, UINT64_MAX);
        *ret = h->view;
        found = true;
    }
    bcj2__os_mutex_unlock(l->lock);
    return found;
}

static void apply(struct listener *l, const struct hearer_view *view, const struct heard *heard)
{
    bcj2__os_mutex_lock(l->lock);
    struct hearer *h = bcj2__listener_find(l, view->seq);
    if (bcj2__listener_note(h, view, heard) && h->call == HEARER_IDLE) {
        if (heard->what == HEARD_GONE) {
            bcj2__listener_release(l, bcj2__listener_take_out(l, h));
        } else if (heard->what == HEARD_NOTHING) {
            bcj2__listener_due(l, h, MIN(h->due_ms, heard->due_ms));
        } else {
            bcj2__listener_enqueue(l, h);
        }
    }
    bcj2__os_mutex_unlock(l->lock);
}

static bcj2_status look_at(struct listener *l, const struct hearer_view *view, uint64_t now_ms)
{
    struct heard heard;
    bcj2_status s = bcj2__listener_decide(l->core, view, now_ms, &heard);
    if (s == BCJ2_E_DATABASE_CORRUPT) { /* its rows: the engine sees to it, the others are told */
        return BCJ2_OK;
    }
    if (BCJ2_SUCCEEDED(s)) {
        /* one that is just set, or taken away, is in the row before it is in the table */
        bool gone = heard.what == HEARD_GONE;
        if (gone) {
            bcj2__os_mutex_lock(l->setting);
        }
        apply(l, view, &heard);
        if (gone) {
            bcj2__os_mutex_unlock(l->setting);
        }
        return s;
    }
    bcj2__os_mutex_lock(l->lock);
    struct hearer *h = bcj2__listener_find(l, view->seq);
    if (h != NULL) {
        bcj2__listener_due(l, h, 0);
    }
    bcj2__os_mutex_unlock(l->lock);
    return s;
}

void bcj2__listener_look(struct core *c, uint64_t now_ms)
{
    struct listener *l = c->listener;
    struct hearer_view view;
    bcj2__os_mutex_lock(l->lock);
    bool any = (l->count > 0 || l->work > 0) && !l->stopping;
    bcj2__os_mutex_unlock(l->lock);
    l->retry = false;
    if (!any) {
        l->watching = false;
        return;
    }
    if (l->rest_ms > now_ms) {
        l->retry = true;
        return;
    }
    bcj2_status s = hear(l);
    while (BCJ2_SUCCEEDED(s) && next_due(l, now_ms, &view)) {
        s = look_at(l, &view, now_ms);
    }
    bcj2__os_mutex_lock(l->lock);
    bool served = bcj2__listener_signal(l);
    bcj2__os_mutex_unlock(l->lock);
    if (BCJ2_FAILED(s) || !served) {
        bcj2__log(&c->log, LOG_WARNING, "callbacks are called later: %s", bcj2__detail_get());
        l->rest_ms = now_ms + bcj2__timeouts.store_rest_ms;
        l->retry = true;
    }
}

uint64_t bcj2__listener_deadline(struct core *c)
{
    struct listener *l = c->listener;
    bcj2__os_mutex_lock(l->lock);
    uint64_t at = l->due_count > 0 ? l->due[0]->due_ms : UINT64_MAX;
    bool stopping = l->stopping;
    bcj2__os_mutex_unlock(l->lock);
    return stopping ? UINT64_MAX : l->retry ? l->rest_ms : at;
}
