/* SPDX-License-Identifier: MIT */
/* When a failed job is tried again, and when it is not any more (job-semantics 7.2, 7.3, 7.5).
   Pure: times are milliseconds of a clock that goes on in sleep and has one origin per boot; the
   caller translates over a boot. */
#ifndef BCJ2_PROTO_RETRY_H
#define BCJ2_PROTO_RETRY_H

#include <stdbool.h>
#include <stdint.h>
#include "classify.h"

/* What both transfer machines forgive without a retry delay, or before they call it fatal. */
#define RETRY_AT_ONCE     2u /* connections that broke, for each interruption */
#define RETRY_BAD_ANSWERS 3u /* answers that break the protocol, in a row */

struct retry {
    uint32_t delay_s;         /* the job's minimum retry delay */
    uint32_t no_progress_s;   /* the job's no-progress time-out */
    bool series;              /* a series of transient errors runs */
    uint64_t series_start_ms; /* its first error */
    bool transferring;        /* the job was TRANSFERRING when it failed, not CONNECTING */
};

struct retry_verdict {
    bool give_up; /* go to ERROR */
    bool counted; /* the job's error count goes up by one (7.5) */
    bool series;  /* to be saved: the series after this error; none after give_up, for Resume
                     starts a new one */
    uint64_t series_start_ms;
    uint64_t next_ms;    /* the next attempt; UINT64_MAX: not by time (no network) */
    uint64_t give_up_ms; /* the no-progress time-out ends then; UINT64_MAX: not by time */
};

struct retry_verdict bcj2__retry_after_failure(const struct retry *r, const struct failure *f,
                                               uint64_t now_ms);

#endif
