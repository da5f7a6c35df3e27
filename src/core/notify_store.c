/* SPDX-License-Identifier: MIT */
/* See notify_store.h. */
#include "notify_store.h"

#include <bcj2/notify.h>
#include "job.h"
#include "listener.h"

#define OF_JOBS   ((uint32_t)(BCJ2_NOTIFY_JOB_TRANSFERRED | BCJ2_NOTIFY_JOB_ERROR))
#define ALL_KINDS (OF_JOBS | (uint32_t)BCJ2_NOTIFY_FILE_TRANSFERRED)

/* What the job has to tell it; callbacks of a process that is gone do not count. */
static bcj2_status channels(struct core *c, int64_t seq, struct store_notify *ret)
{
    bcj2_status s = bcj2__store_notify(c->store, seq, ret);
    if (BCJ2_SUCCEEDED(s) && ret->listener != 0 && ret->channels.callbacks != 0 &&
        !bcj2__listener_lives(c, ret->listener)) {
        ret->channels.callbacks = 0;
    }
    return s;
}

static uint32_t kind_of(bcj2_job_state state)
{
    return state == BCJ2_JOB_STATE_TRANSFERRED ? BCJ2_NOTIFY_JOB_TRANSFERRED
           : state == BCJ2_JOB_STATE_ERROR     ? BCJ2_NOTIFY_JOB_ERROR
                                               : 0;
}

static bcj2_status begin(struct core *c, const struct store_notify *n, int64_t seq, uint32_t kind,
                         uint32_t file_index)
{
    struct store_event event = {
        .job_seq = seq,
        .kind = kind,
        .file_index = file_index,
        .time = bcj2__os_wall(),
        .turn = bcj2__notify_first(&n->channels, kind),
    };
    return bcj2__store_event_insert(c->store, &event);
}

bcj2_status bcj2__notify_entered(struct core *c, int64_t seq, bcj2_job_state from,
                                 bcj2_job_state to)
{
    bool final = to == BCJ2_JOB_STATE_ACKNOWLEDGED || to == BCJ2_JOB_STATE_CANCELLED;
    uint32_t dropped = final ? ALL_KINDS : kind_of(from) != 0 ? OF_JOBS : 0;
    bcj2_status s = dropped != 0 ? bcj2__store_events_drop(c->store, seq, dropped) : BCJ2_OK;
    if (BCJ2_SUCCEEDED(s) && kind_of(to) != 0) {
        struct store_notify n;
        s = channels(c, seq, &n);
        if (BCJ2_SUCCEEDED(s)) {
            s = begin(c, &n, seq, kind_of(to), 0);
        }
    }
    return s;
}

bcj2_status bcj2__notify_file(struct core *c, int64_t seq, uint32_t index)
{
    struct store_notify n;
    bcj2_status s = channels(c, seq, &n);
    if (BCJ2_SUCCEEDED(s) && bcj2__notify_wanted(&n.channels, BCJ2_NOTIFY_FILE_TRANSFERRED)) {
        s = begin(c, &n, seq, BCJ2_NOTIFY_FILE_TRANSFERRED, index);
    }
    return s;
}

/* The first one that is owed of these kinds: whose turn it is now, and at once. */
static bcj2_status begin_again(struct core *c, const struct store_notify *n, int64_t seq,
                               uint32_t kinds)
{
    struct store_event event;
    bcj2_status s = bcj2__store_first_owed(c->store, seq, kinds, &event);
    if (s != BCJ2_OK || event.running) { /* what runs is waited for, then its result decides */
        return BCJ2_FAILED(s) ? s : BCJ2_OK;
    }
    event.turn = bcj2__notify_first(&n->channels, event.kind);
    event.next = (struct store_deadline){0};
    return bcj2__store_event_update(c->store, &event);
}

/* Of a job's files only the first one waits for a time: the others wait for it. */
bcj2_status bcj2__notify_channels_changed(struct core *c, int64_t seq)
{
    struct store_notify n;
    bcj2_status s = channels(c, seq, &n);
    if (BCJ2_SUCCEEDED(s)) {
        s = begin_again(c, &n, seq, OF_JOBS);
    }
    return BCJ2_SUCCEEDED(s) ? begin_again(c, &n, seq, BCJ2_NOTIFY_FILE_TRANSFERRED) : s;
}

/* Does what `turn` says of an event count? That it took it does, whatever was set meanwhile: a callback may
   remove itself and then take it. And of files nobody but callbacks is told, so whose turn it is says nothing:
   it stays as it was when they were noted. */
static bool counts(const struct store_event *event, enum notify_turn turn,
                   enum notify_result result)
{
    bool file = event->kind == BCJ2_NOTIFY_FILE_TRANSFERRED && turn == NOTIFY_CALLBACK;
    return event->result == BCJ2_EVENT_OWED &&
           (event->turn == turn || file || result == NOTIFY_TAKEN);
}

bcj2_status bcj2__notify_had(struct core *c, int64_t event_seq, enum notify_turn turn,
                             enum notify_result result, uint64_t now_ms)
{
    struct store_event event;
    struct store_notify n;
    bcj2_status s = bcj2__store_event(c->store, event_seq, &event);
    if (s != BCJ2_OK || !counts(&event, turn, result)) {
        return BCJ2_FAILED(s) ? s : BCJ2_S_FALSE;
    }
    s = channels(c, event.job_seq, &n);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    struct notify_step step = bcj2__notify_next(&n.channels, event.kind, turn, result);
    event.running = false;
    event.attempts += turn == NOTIFY_CALLBACK && result == NOTIFY_REFUSED ? 1 : 0;
    event.result = step.delivered ? BCJ2_EVENT_DELIVERED : BCJ2_EVENT_OWED;
    event.turn = step.turn;
    event.next = step.wait
                     ? bcj2__job_deadline_at(now_ms + (uint64_t)n.retry_delay_s * 1000, now_ms)
                     : (struct store_deadline){0};
    return bcj2__store_event_update(c->store, &event);
}
