/* SPDX-License-Identifier: MIT */
/* See retry.h. */
#include "retry.h"
#include "macro.h"

static uint64_t after(uint64_t start_ms, uint64_t seconds)
{
    uint64_t ms = seconds * 1000; /* seconds are 32 bits wide */
    return start_ms > UINT64_MAX - ms ? UINT64_MAX : start_ms + ms;
}

struct retry_verdict bcj2__retry_after_failure(const struct retry *r, const struct failure *f,
                                               uint64_t now_ms)
{
    struct retry_verdict v = {
        .series = true,
        .series_start_ms = r->series ? r->series_start_ms : now_ms,
        .next_ms = UINT64_MAX,
        .counted = !f->tied_to_network && (r->transferring || r->series),
    };
    v.give_up_ms = after(v.series_start_ms, r->no_progress_s);
    /* a delay longer than the time-out leaves no moment for a try; without a network it is not the
       delay that is waited for (7.2) */
    bool no_time = r->delay_s > r->no_progress_s && !f->tied_to_network;
    v.give_up = !f->transient || r->no_progress_s == 0 || no_time || v.give_up_ms <= now_ms;
    if (v.give_up) {
        v.series = false;
        v.series_start_ms = 0;
        v.give_up_ms = UINT64_MAX;
    } else if (!f->tied_to_network) {
        v.next_ms = after(now_ms, MAX(r->delay_s, f->retry_after_s));
    }
    return v;
}
