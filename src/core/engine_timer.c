/* SPDX-License-Identifier: MIT */
/* A poll's time-out stands still while the machine sleeps, so what falls due meanwhile would come late by
   what was left of it. This timer goes on, and ends the poll when the machine wakes. Where there is none
   the time-out alone has to do. Engine thread only. */
#include "engine_priv.h"
#include "detail.h"

void bcj2__engine_timer_stop(struct engine *e)
{
    bcj2__os_close_own(e->timer_fd);
    e->timer_fd = -1;
    e->timer_ms = UINT64_MAX;
}

static void do_without(struct engine *e)
{
    bcj2__log(&e->core->log, LOG_DEBUG, "what falls due in sleep may come late: %s",
              bcj2__detail_get());
    bcj2__engine_timer_stop(e);
    e->no_timer = true;
}

bool bcj2__engine_timer(struct engine *e, uint64_t due_ms)
{
    if (due_ms != e->timer_ms && !e->no_timer) {
        if ((e->timer_fd < 0 && BCJ2_FAILED(bcj2__os_timer_open(&e->timer_fd))) ||
            BCJ2_FAILED(bcj2__os_timer_set(e->timer_fd, due_ms))) {
            do_without(e);
        } else {
            e->timer_ms = due_ms;
        }
    }
    return e->timer_ms != UINT64_MAX;
}
