/* SPDX-License-Identifier: MIT */
/* See engine_priv.h: the engine and the other processes of the queue. What the link tells of them, how
   this process becomes the runner and stops being it, and how they are told of changes. The election itself
   is the link's; a queue that is gone is engine_gone.c's. */
#include "engine_priv.h"
#include "detail.h"
#include "listener.h"
#include "notify_files.h"
#include "notify_listeners.h"
#include "settle.h"
#include "timeouts.h"

/* The last runner is gone, or there was none: what it left is ours now. */
static void become_runner(struct engine *e)
{
    if (e->runner) { /* since the queue was opened, which saw to all this */
        return;
    }
    bcj2__log(&e->core->log, LOG_INFO, "this process moves the bytes now");
    e->runner = e->taken_over = e->adopt = true;
    bcj2__listeners_suspect(e);
    bcj2__engine_watch(e);
    e->store_ms = 0; /* recover() queues again what the rows say is running */
    bcj2__settle_leftovers(e->core);
    bcj2__listener_bury_all(e->core);
    bcj2__notify_files_sweep(e->core);
}

/* Somebody removed the runner's names, and another process has them now. */
static void step_down(struct engine *e)
{
    bcj2__engine_rest(e);
}

/* A turn that something else began costs the link nothing: it has descriptors, and says when it has to be
   asked by time. */
bool bcj2__engine_listen(struct engine *e, bool woken)
{
    struct link *link = e->core->link;
    struct link_event event;
    bool heard = false;
    bool listen = e->heard || woken || !e->runner || bcj2__link_deadline(link) <= e->now_ms;
    if (bcj2__engine_gone(e, false) || !listen) {
        return false;
    }
    bcj2_status s = bcj2__link_step(link);
    bool more = bcj2__link_next(link, &event);
    /* before anything is believed: the election may have been that of another queue at this place */
    if (bcj2__engine_gone(e, BCJ2_FAILED(s) || more)) {
        return false;
    }
    if (BCJ2_FAILED(s)) {
        bcj2__log(&e->core->log, LOG_WARNING, "other processes: %s", bcj2__detail_get());
    }
    bool other = bcj2__core_note_runner(e->core); /* before anything is done as such */
    for (; more; more = bcj2__link_next(link, &event)) {
        if (event.type == LINK_EV_ALONE && e->runner) {
            step_down(e);
        }
        if (event.type == LINK_EV_RUNNER) {
            become_runner(e);
        }
        /* changes that were made in between were heard by nobody, and one that is gone may have been
           killed between its commit and its word about it */
        if (event.type == LINK_EV_RUNNER || event.type == LINK_EV_CLIENT ||
            event.type == LINK_EV_GONE) {
            e->ring = e->ring_newest = true;
        }
        if (event.type == LINK_EV_GONE) {
            bcj2__listeners_suspect(e);
        }
        heard = heard || event.type != LINK_EV_MESSAGE;
    }
    if (heard || other) {
        bcj2__core_tell(e->core);
    }
    return heard;
}

void bcj2__engine_ring_others(struct engine *e)
{
    uint64_t change = 0;
    if (!e->ring) {
        return;
    }
    /* our own number is known without the store, which a call may be holding for the length of a sync */
    change = bcj2__store_committed(e->core->store);
    if ((change != 0 && !e->ring_newest) ||
        BCJ2_SUCCEEDED(bcj2__store_change(e->core->store, &change))) {
        bcj2__link_ring(e->core->link, change);
        e->ring = e->ring_newest = false;
    } else {
        bcj2__log(&e->core->log, LOG_WARNING, "other processes are told later of a change: %s",
                  bcj2__detail_get());
        e->ring_ms = e->now_ms + bcj2__timeouts.store_rest_ms;
    }
}
