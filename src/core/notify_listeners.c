/* SPDX-License-Identifier: MIT */
/* See notify_listeners.h. */
#include "notify_listeners.h"

#include "detail.h"
#include "listener.h"
#include "notify_store.h"

#define JOBS_PER_TURN 64u

/* From one look to the next, after there was a reason; a process that has no connection yet has made one by
   the last of them. */
static const uint32_t pauses_ms[] = {50, 1000, 5000};

void bcj2__listeners_suspect(struct engine *e)
{
    e->listener_looks = 0;
    e->listener_ms = e->now_ms;
}

/* All of its jobs, some a turn. True: there are no more. Whose they are is asked inside the transaction: until it
   begins, another process may set callbacks of its own. */
static bool forget(struct engine *e, uint64_t listener, uint32_t *count)
{
    int64_t seq = 0;
    bcj2_status s = BCJ2_OK;
    if (!bcj2__engine_transaction(e)) {
        return false;
    }
    while (*count < JOBS_PER_TURN &&
           (s = bcj2__store_next_listened(e->core->store, listener, 0, &seq)) == BCJ2_OK) {
        s = bcj2__store_drop_listener(e->core->store, seq);
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__notify_channels_changed(e->core, seq);
        }
        if (!bcj2__engine_check_job(e, seq, s)) {
            return false;
        }
        ++*count;
    }
    return bcj2__engine_check(e, s) && s == BCJ2_S_FALSE;
}

void bcj2__listeners_look(struct engine *e)
{
    uint64_t listener = 0;
    uint32_t count = 0;
    bool living = false;
    bcj2_status s;
    if (e->listener_ms > e->now_ms) {
        return;
    }
    e->listener_ms = UINT64_MAX;
    while ((s = bcj2__store_next_listener(e->core->store, listener, &listener)) == BCJ2_OK) {
        if (bcj2__listener_lives(e->core, listener)) {
            living = true;
        } else if (forget(e, listener, &count)) {
            bcj2__listener_bury(e->core, listener);
        } else {
            e->listener_ms = e->now_ms; /* the others in the next turn */
            e->again = !e->failed;
            return;
        }
    }
    if (!bcj2__engine_check(e, s)) {
        e->listener_ms = e->now_ms; /* when the store works again */
    } else if (living && e->listener_looks < ARRAY_LEN(pauses_ms)) {
        e->listener_ms = e->now_ms + pauses_ms[e->listener_looks++];
    }
}
