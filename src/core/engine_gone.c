/* SPDX-License-Identifier: MIT */
/* A queue whose folder or database is removed, moved or replaced under us: the engine finds out, says so
   once, stops all that runs and lets go of the runner's lock and name, so that a new queue at the same
   place has its own election. Only the runner watches the folder; the others hear it hang up, and look.
   Where it cannot be watched, the next call or write finds out. A folder further up that is renamed is
   seen by no watch. */
#include "engine_priv.h"
#include "detail.h"
#include "notify_command.h"

void bcj2__engine_watch(struct engine *e)
{
    e->look = true; /* it may have happened before */
    if (e->watch == NULL &&
        BCJ2_FAILED(bcj2__os_watch_open(e->core->directory, NULL, NULL, &e->watch))) {
        bcj2__log(&e->core->log, LOG_DEBUG,
                  "whether %s is removed will be seen when it is used: %s", e->core->directory,
                  bcj2__detail_get());
    }
}

static bool watched(struct engine *e)
{
    unsigned what = 0;
    if (e->watch == NULL || !e->heard) {
        return false;
    }
    bcj2_status s = bcj2__os_watch_read(e->watch, &what);
    if (BCJ2_FAILED(s) || (what & OS_WATCH_GONE) != 0) {
        e->watch = bcj2__os_watch_close(e->watch); /* it would be readable all the time */
    }
    return BCJ2_FAILED(s) || what != 0;
}

static void give_up(struct engine *e)
{
    e->gone = true;
    bcj2__engine_rest(e);
    bcj2__commands_leave_all(e);
    bcj2__link_abandon(e->core->link);
    atomic_store(&e->core->runner, 0);
    bcj2__core_gone(e->core);
}

bool bcj2__engine_gone(struct engine *e, bool look)
{
    /* one that is not the runner has few turns: it looks in each */
    look = watched(e) || look || e->look || !e->runner || bcj2__store_vanished(e->core->store);
    e->look = false;
    if (!e->gone && look && BCJ2_FAILED(bcj2__store_present(e->core->store)) &&
        bcj2__store_vanished(e->core->store)) {
        give_up(e);
    } else if (look && e->runner) { /* what was removed may be its names */
        bcj2__link_look(e->core->link);
    }
    return e->gone;
}
