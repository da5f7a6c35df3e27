/* SPDX-License-Identifier: MIT */
/* See schedule.h. */
#include "schedule.h"

#define FOREGROUND   BCJ2_JOB_PRIORITY_FOREGROUND
#define LOWEST       BCJ2_JOB_PRIORITY_LOW
#define NOBODY       SIZE_MAX
#define NONE_WAITING ((bcj2_job_priority)(LOWEST + 1))

/* The running jobs of one pool: the foreground ones, or all others. */
struct pool {
    uint32_t running; /* they hold a slot, those that stop too */
    uint32_t staying; /* of those, not told to stop */
    size_t victim;    /* who would have to go: the lowest level, there the one with most turn */
};

static struct pool count(const struct sched_running *running, size_t n, bool foreground)
{
    struct pool p = {.victim = NOBODY};
    for (size_t i = 0; i < n; i++) {
        if ((running[i].priority == FOREGROUND) != foreground) {
            continue;
        }
        p.running++;
        if (running[i].stopping) {
            continue;
        }
        p.staying++;
        const struct sched_running *v = p.victim == NOBODY ? NULL : &running[p.victim];
        if (v == NULL || running[i].priority > v->priority ||
            (running[i].priority == v->priority && running[i].started_ms < v->started_ms)) {
            p.victim = i;
        }
    }
    return p;
}

static struct sched_verdict start(bcj2_job_priority priority)
{
    return (struct sched_verdict){.move = SCHED_START,
                                  .priority = priority,
                                  .slice_end_ms = UINT64_MAX};
}

static struct sched_verdict stop(size_t index)
{
    return (struct sched_verdict){.move = SCHED_STOP, .index = index, .slice_end_ms = UINT64_MAX};
}

static struct sched_verdict background(const struct sched_slots *slots,
                                       const struct sched_running *running, const struct pool *p,
                                       bcj2_job_priority best)
{
    struct sched_verdict nothing = {.move = SCHED_NOTHING, .slice_end_ms = UINT64_MAX};
    if (p->staying > slots->background) {
        return stop(p->victim);
    }
    if (best == NONE_WAITING || slots->background == 0) {
        return nothing;
    }
    if (p->running < slots->background) {
        return start(best);
    }
    if (p->staying < slots->background) {
        return nothing; /* a slot becomes free by itself */
    }
    const struct sched_running *victim = &running[p->victim];
    if (best < victim->priority) {
        return stop(p->victim);
    }
    if (best == victim->priority && slots->slice_ms != 0) {
        uint64_t end = victim->started_ms > UINT64_MAX - slots->slice_ms
                           ? UINT64_MAX
                           : victim->started_ms + slots->slice_ms;
        if (slots->now_ms >= end) {
            return stop(p->victim);
        }
        nothing.slice_end_ms = end;
    }
    return nothing;
}

struct sched_verdict bcj2__sched_next(const struct sched_slots *slots,
                                      const struct sched_running *running, size_t running_count,
                                      const bool waiting[4])
{
    struct pool front = count(running, running_count, true);
    struct pool back = count(running, running_count, false);
    bcj2_job_priority best = BCJ2_JOB_PRIORITY_HIGH;
    if (waiting[FOREGROUND] && front.running < slots->foreground) {
        return start(FOREGROUND);
    }
    if (front.staying > slots->foreground) {
        return stop(front.victim);
    }
    while (best <= LOWEST && !waiting[best]) {
        best++;
    }
    return background(slots, running, &back, best);
}
