/* SPDX-License-Identifier: MIT */
/* Who runs next (job-semantics 7.7): all foreground jobs up to the slots, and of the background
   jobs as many as there are slots, the higher level first; a running lower level yields to a
   waiting higher one, and a job whose time slice is over to a waiting one of its level. Pure: the
   queue hands in the running jobs and says at which levels jobs wait. */
#ifndef BCJ2_PROTO_SCHED_H
#define BCJ2_PROTO_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <bcj2/types.h>

struct sched_running {
    bcj2_job_priority priority;
    uint64_t started_ms;
    bool stopping; /* told to stop, has not yet */
};

struct sched_slots {
    uint32_t foreground, background;
    uint64_t now_ms;   /* the clock of started_ms */
    uint64_t slice_ms; /* a background job yields after so long to one of its level; 0: never */
};

enum sched_move { SCHED_NOTHING, SCHED_START, SCHED_STOP };

struct sched_verdict {
    enum sched_move move;
    bcj2_job_priority priority; /* START: the first waiting job of this level */
    size_t index;               /* STOP: this one of the running */
    uint64_t slice_end_ms;      /* NOTHING: ask again then, a slice ends; UINT64_MAX: no need to */
};

/* The next single move; the caller carries it out and asks again until SCHED_NOTHING. waiting[p]
   says whether a job of priority p waits. */
struct sched_verdict bcj2__sched_next(const struct sched_slots *slots,
                                      const struct sched_running *running, size_t running_count,
                                      const bool waiting[4]);

#endif
