/* SPDX-License-Identifier: MIT */
/* See listener_priv.h: calling back. Up to four threads, or the program's own in bcj2_manager_dispatch(), take
   the jobs that there is something to tell of one after the other, ask the store again what it is, run the
   program's code without any lock and store how it ended. */
#include "listener_priv.h"
#include "detail.h"
#include "guid.h"
#include "mem.h"
#include "notify_store.h"
#include "timeouts.h"

/* ---- the queue ---- */

static void set_fd(struct listener *l)
{
    bool signal = l->work > 0 && !l->stopping;
    if (l->fd < 0 || signal == l->signalled) {
        return;
    }
    if (BCJ2_SUCCEEDED(bcj2__os_timer_set(l->fd, signal ? 0 : UINT64_MAX))) {
        l->signalled = signal;
    }
}

static void serve(void *argument);

bool bcj2__listener_signal(struct listener *l)
{
    bcj2_status s = BCJ2_OK;
    if (l->by_dispatch) {
        set_fd(l);
        return l->stopping || l->signalled == (l->work > 0);
    }
    while (l->work > l->idle && l->thread_count < LIMIT_NOTIFY_THREADS && !l->stopping &&
           BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_thread_start("bcj2-callback", serve, l, &l->threads[l->thread_count]);
        if (BCJ2_SUCCEEDED(s)) {
            l->thread_count++;
            l->idle++; /* until it looks for work itself */
        }
    }
    bcj2__os_cond_broadcast(l->changed);
    return BCJ2_SUCCEEDED(s) || l->thread_count > 0;
}

void bcj2__listener_enqueue(struct listener *l, struct hearer *h)
{
    bcj2__listener_due(l, h, UINT64_MAX);
    h->call = HEARER_QUEUED;
    h->next = NULL;
    if (l->last != NULL) {
        l->last->next = h;
    } else {
        l->first = h;
    }
    l->last = h;
    l->work++;
}

void bcj2__listener_release(struct listener *l, struct callbacks *callbacks)
{
    callbacks->next = l->released;
    l->released = callbacks;
    l->work++;
}

/* ---- destroying ---- */

void bcj2__listener_drop(struct listener *l, struct callbacks *callbacks)
{
    struct listener_frame f;
    bcj2__os_cond_broadcast(l->changed); /* who waits until its call has ended */
    if (callbacks == NULL || --callbacks->refs > 0) {
        return;
    }
    bcj2__os_mutex_unlock(l->lock);
    if (callbacks->is.destroy != NULL) {
        bcj2__listener_enter(&f, l->core, &callbacks->job);
        callbacks->is.destroy(callbacks->is.user);
        bcj2__listener_exit(&f);
    }
    bcj2__mem_free(callbacks);
    bcj2__os_mutex_lock(l->lock);
}

/* ---- one call ---- */

struct call {
    struct listener *l;
    struct hearer *hearer; /* not to be touched without the lock */
    struct callbacks *callbacks;
    struct hearer_view view;
    bcj2_guid id;
    int64_t told; /* of the hearer */
    enum notify_result answer;
    bool called; /* the program's code was run */
};

static bcj2_status call_file(struct call *call, const bcj2_notify_callbacks *is, bcj2_job *job,
                             uint32_t index, bcj2_status *ret_status)
{
    bcj2_file *file = NULL;
    bcj2_status s = bcj2__job_file(call->l->core, call->view.seq, index, &file);
    if (BCJ2_SUCCEEDED(s)) {
        *ret_status = is->file_transferred(job, file, is->user);
        call->called = true;
        (void)bcj2__job_file_unref(file);
    }
    return s;
}

static bcj2_status call_error(struct call *call, const bcj2_notify_callbacks *is, bcj2_job *job,
                              bcj2_status *ret_status)
{
    bcj2_error *error = NULL;
    bcj2_status s = bcj2__job_error(job, &error);
    if (BCJ2_SUCCEEDED(s)) {
        *ret_status = is->job_error(job, error, is->user);
        call->called = true;
        (void)bcj2__job_error_unref(error);
    }
    return s;
}

/* kind: what it is called for. BCJ2_S_FALSE: it is not, for there is no such callback. */
static bcj2_status run(struct call *call, bcj2_job *job, uint32_t kind, uint32_t file_index,
                       bcj2_status *ret_status)
{
    const bcj2_notify_callbacks *is = &call->callbacks->is;
    bcj2_status s = BCJ2_S_FALSE;
    if (kind == BCJ2_NOTIFY_JOB_TRANSFERRED && is->job_transferred != NULL) {
        *ret_status = is->job_transferred(job, is->user);
        call->called = true;
        s = BCJ2_OK;
    } else if (kind == BCJ2_NOTIFY_JOB_MODIFICATION && is->job_modification != NULL) {
        *ret_status = is->job_modification(job, is->user);
        call->called = true;
        s = BCJ2_OK;
    } else if (kind == BCJ2_NOTIFY_JOB_ERROR && is->job_error != NULL) {
        s = call_error(call, is, job, ret_status);
    } else if (kind == BCJ2_NOTIFY_FILE_TRANSFERRED && is->file_transferred != NULL) {
        s = call_file(call, is, job, file_index, ret_status);
    }
    return s;
}

static bcj2_status call_back(struct call *call, uint32_t kind, uint32_t file_index,
                             bcj2_status *ret_status)
{
    struct listener_frame f;
    bcj2_job *job = NULL;
    bcj2_status s = bcj2__job_handle(call->l->core, call->view.seq, &call->id, &job);
    if (BCJ2_SUCCEEDED(s)) {
        bcj2__listener_enter(&f, call->l->core, &call->id);
        s = run(call, job, kind, file_index, ret_status);
        bcj2__listener_exit(&f);
        (void)bcj2__job_unref(job);
    }
    return s;
}

/* Were others set while it ran? */
static bool was_replaced(const struct call *call)
{
    bcj2__os_mutex_lock(call->l->lock);
    const struct hearer *h = call->hearer;
    bool replaced = h->callbacks == NULL || h->view.version != call->view.version;
    bcj2__os_mutex_unlock(call->l->lock);
    return replaced;
}

static bcj2_status store_result(const struct call *call, const struct store_event *event,
                                enum notify_result result)
{
    struct core *c = call->l->core;
    struct store_notify n;
    bcj2_status s = bcj2__store_begin(c->store, true);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_notify(c->store, call->view.seq, &n);
    if (BCJ2_SUCCEEDED(s)) {
        bool replaced = n.listener != call->view.listener || was_replaced(call);
        result = replaced && result == NOTIFY_REFUSED ? NOTIFY_LOST : result;
        s = bcj2__notify_had(c, event->seq, NOTIFY_CALLBACK, result, bcj2__os_now_ms());
    }
    s = bcj2__store_end(c->store, true, s == BCJ2_E_NOT_FOUND ? BCJ2_S_FALSE : s);
    if (s == BCJ2_OK) {
        bcj2__core_changed(c);
    }
    return s;
}

/* What a callback said that was replaced meanwhile counts only if it took the event. Nobody sets others
   between the question and the answer's being stored: what they are owed would be taken from them. */
static bcj2_status note_result(const struct call *call, const struct store_event *event,
                               enum notify_result result)
{
    bcj2__os_mutex_lock(call->l->setting);
    bcj2_status s = store_result(call, event, result);
    bcj2__os_mutex_unlock(call->l->setting);
    return s;
}

/* BCJ2_S_FALSE: it could not be called. */
static bcj2_status ask(struct call *call, const struct store_event *event,
                       enum notify_result *ret_result)
{
    bcj2_status answer = BCJ2_OK;
    char text[BCJ2_GUID_TEXT_SIZE];
    bcj2_status s = call_back(call, event->kind, event->file_index, &answer);
    if (s == BCJ2_E_ERROR_INFORMATION_UNAVAILABLE || s == BCJ2_E_NOT_FOUND) {
        return BCJ2_S_FALSE; /* it was resumed, or ended, this moment: the event is no more */
    }
    *ret_result = bcj2__notify_returned(event->kind, answer);
    if (s == BCJ2_OK && *ret_result == NOTIFY_REFUSED) {
        bcj2__guid_format(&call->id, text);
        bcj2__log(&call->l->core->log, LOG_INFO, "a callback for job %s refused an event: 0x%08x",
                  text, (unsigned)answer);
    }
    return s;
}

/* An answer that cannot be stored is kept: the program is not to be asked again for a full disk's sake. */
static void keep(const struct call *call, int64_t told, enum notify_result answer)
{
    bcj2__os_mutex_lock(call->l->lock);
    struct hearer *h = call->hearer;
    if (h->view.version == call->view.version) {
        h->told = told;
        h->answer = answer;
    }
    bcj2__os_mutex_unlock(call->l->lock);
}

static bcj2_status tell_event(struct call *call, const struct store_event *event)
{
    enum notify_result result = call->answer;
    bcj2_status s = event->seq == call->told ? BCJ2_OK : ask(call, event, &result);
    if (s == BCJ2_OK) {
        s = note_result(call, event, result);
        keep(call, BCJ2_FAILED(s) ? event->seq : 0, result);
    }
    return s;
}

/* When the job is to be looked at again, unless it changes before. */
static uint64_t perform(struct call *call)
{
    struct listener *l = call->l;
    struct heard heard;
    bcj2_status ignored = BCJ2_OK;
    uint64_t now_ms = bcj2__os_now_ms();
    bcj2_status s = bcj2__listener_decide(l->core, &call->view, now_ms, &heard);
    if (BCJ2_SUCCEEDED(s)) {
        bcj2__os_mutex_lock(l->lock);
        struct hearer *h = call->hearer;
        bool same = bcj2__listener_note(h, &call->view, &heard);
        if (same && heard.what == HEARD_MODIFICATION) {
            h->view.modification = heard.modification;
            h->view.modified = true;
            h->view.modified_ms = now_ms;
        }
        bcj2__os_mutex_unlock(l->lock);
        if (!same || heard.what == HEARD_GONE) { /* to let go is the look's */
            heard = (struct heard){.what = HEARD_NOTHING};
        }
    } else {
        heard = (struct heard){.what = HEARD_NOTHING};
    }
    if (heard.what == HEARD_EVENT) {
        s = tell_event(call, &heard.event);
    } else if (heard.what == HEARD_MODIFICATION) {
        s = call_back(call, BCJ2_NOTIFY_JOB_MODIFICATION, 0, &ignored);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__log(&l->core->log, LOG_WARNING, "a callback is called later: %s", bcj2__detail_get());
        return now_ms + bcj2__timeouts.store_rest_ms;
    }
    /* after a call there may be more to tell; when nothing could be called, that comes with a change */
    bool told = call->called || (heard.what == HEARD_EVENT && heard.event.seq == call->told);
    return told ? 0 : heard.what == HEARD_NOTHING ? heard.due_ms : UINT64_MAX;
}

static struct call begin(struct listener *l)
{
    struct hearer *h = l->first;
    l->first = h->next;
    l->last = l->first == NULL ? NULL : l->last;
    l->work--;
    h->call = HEARER_RUNNING;
    h->again = false;
    l->running++;
    if (h->callbacks != NULL) {
        h->callbacks->refs++;
    }
    return (struct call){.l = l,
                         .hearer = h,
                         .callbacks = h->callbacks,
                         .view = h->view,
                         .id = h->id,
                         .told = h->told,
                         .answer = h->answer};
}

static void end(struct call *call, uint64_t due_ms)
{
    struct listener *l = call->l;
    struct hearer *h = call->hearer;
    h->call = HEARER_IDLE;
    if (h->callbacks == NULL) {
        (void)bcj2__listener_take_out(l, h);
    } else {
        bcj2__listener_due(l, h, h->again ? 0 : due_ms);
    }
    bcj2__listener_drop(l, call->callbacks);
    bcj2__os_mutex_unlock(l->lock);
    bcj2__core_poke(l->core);
    bcj2__os_mutex_lock(l->lock);
    l->running--;
    bcj2__os_cond_broadcast(l->changed);
}

/* With the lock held, but not all the time; there is work. True: the program's code was run. */
static bool run_one(struct listener *l)
{
    if (l->released != NULL) {
        struct callbacks *callbacks = l->released;
        l->released = callbacks->next;
        l->work--;
        l->running++;
        set_fd(l);
        bcj2__listener_drop(l, callbacks);
        l->running--;
        bcj2__os_cond_broadcast(l->changed);
        return true;
    }
    struct call call = begin(l);
    set_fd(l);
    bcj2__os_mutex_unlock(l->lock);
    uint64_t due_ms = call.callbacks != NULL ? perform(&call) : UINT64_MAX;
    bcj2__os_mutex_lock(l->lock);
    end(&call, due_ms);
    return call.called;
}

/* ---- the threads ---- */

static void serve(void *argument)
{
    struct listener *l = argument;
    bcj2__os_mutex_lock(l->lock);
    while (!l->stopping) {
        if (l->work == 0) {
            bcj2__os_cond_wait(l->changed, l->lock);
            continue;
        }
        l->idle--;
        (void)run_one(l);
        l->idle++;
    }
    l->idle--;
    bcj2__os_mutex_unlock(l->lock);
}

bcj2_status bcj2__listener_dispatch(struct core *c)
{
    struct listener *l = c->listener;
    bool called = false;
    if (!l->by_dispatch) {
        return bcj2__detail(BCJ2_E_INVALIDARG,
                            "the manager was opened without BCJ2_MANAGER_DISPATCH: callbacks are "
                            "called on threads of their own");
    }
    if (bcj2__listener_inside(c)) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "this is called inside a callback");
    }
    bcj2__os_mutex_lock(l->lock);
    for (size_t left = l->work; left > 0 && l->work > 0 && !l->stopping; left--) {
        called = run_one(l) || called;
    }
    bcj2__os_mutex_unlock(l->lock);
    return called ? BCJ2_OK : BCJ2_S_FALSE;
}

int bcj2__listener_fd(struct core *c)
{
    return c->listener->fd;
}

void bcj2__listener_stop(struct listener *l)
{
    if (l == NULL) {
        return;
    }
    bcj2__os_mutex_lock(l->lock);
    l->stopping = true;
    set_fd(l);
    bcj2__os_cond_broadcast(l->changed);
    while (l->running > 0) {
        bcj2__os_cond_wait(l->changed, l->lock);
    }
    uint32_t threads = l->thread_count; /* no more are started */
    bcj2__os_mutex_unlock(l->lock);
    for (uint32_t i = 0; i < threads; i++) {
        (void)bcj2__os_thread_join(l->threads[i]);
    }
}
