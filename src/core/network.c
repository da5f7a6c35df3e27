/* SPDX-License-Identifier: MIT */
/* See network.h. */
#include "network.h"
#include "detail.h"
#include "hosts.h"
#include "job_state.h"
#include "url.h"

/* Where the network cannot be watched it is looked at so often, while somebody waits for it. */
#define LOOK_EVERY_MS UINT64_C(60000)
#define JOBS_A_TURN   64u

/* ---- the watch ---- */

/* Begins it, if it has not begun; false: it cannot be had. Before the network is looked at, so that nothing
   happens in between unseen. */
static bool watch(struct engine *e)
{
    if (e->netwatch_fd >= 0) {
        return true;
    }
    if (BCJ2_FAILED(bcj2__os_netwatch_open(&e->netwatch_fd))) {
        bcj2__log(&e->core->log, LOG_WARNING, "%s", bcj2__detail_get());
        return false;
    }
    e->network = bcj2__os_network();
    return true;
}

void bcj2__network_stop(struct engine *e)
{
    bcj2__os_close_own(e->netwatch_fd);
    e->netwatch_fd = -1;
    e->network_ms = UINT64_MAX;
    e->sweeping = SWEEP_NONE;
}

/* ---- its return ---- */

static void sweep(struct engine *e, enum engine_sweep who)
{
    bool all = who == SWEEP_ALL || e->sweeping == SWEEP_ALL;
    e->sweeping = all ? SWEEP_ALL : who;
    e->swept_seq = 0;
    e->schedule = true;
}

static void look(struct engine *e)
{
    uint64_t before = e->network;
    e->network = bcj2__os_network();
    if (e->network == 0 || e->network == before) {
        return;
    }
    bcj2__log(&e->core->log, LOG_INFO, "there is a network: waiting jobs are tried again");
    bcj2__hosts_forget(e->core->hosts);
    sweep(e, SWEEP_ALL);
}

/* ---- whose fault ---- */

enum net_failure bcj2__network_blame(struct engine *e, const struct net_event *event)
{
    switch (event->failure) {
    case NET_NAME_NOT_RESOLVED:
    case NET_CANNOT_CONNECT:
    case NET_PROXY_NOT_RESOLVED:
    case NET_PROXY_CANNOT_CONNECT:
    case NET_NO_NETWORK:
        break;
    default:
        return event->failure;
    }
    if (!bcj2__url_is_loopback(event->url) && watch(e)) {
        look(e); /* what came since may be told of later, and is no news then */
        if (e->network == 0) {
            return NET_NO_NETWORK;
        }
    }
    /* no way to this address, but there is a network: another one will not come by itself */
    return event->failure == NET_NO_NETWORK ? NET_CANNOT_CONNECT : event->failure;
}

/* ---- what comes by itself ---- */

void bcj2__network_step(struct engine *e)
{
    bool changed = false;
    if (e->netwatch_fd >= 0 && BCJ2_FAILED(bcj2__os_netwatch_read(e->netwatch_fd, &changed))) {
        bcj2__log(&e->core->log, LOG_WARNING, "%s", bcj2__detail_get());
        bcj2__network_stop(e);
        changed = e->schedule = true; /* begins it again, if it is still needed */
    }
    if (e->network_ms <= e->now_ms) {
        e->network_ms = UINT64_MAX;
        changed = e->schedule = true;
    }
    if (changed) {
        look(e);
    }
}

/* One that waited: queued, whatever time it lost; what fails once more after its time is over ends then. */
static bool queue_again(struct engine *e, int64_t seq)
{
    struct store_job job = {0};
    bcj2_status s = bcj2__store_job_by_seq(e->core->store, seq, &job);
    if (BCJ2_SUCCEEDED(s) && job.state == BCJ2_JOB_STATE_TRANSIENT_ERROR) {
        s = bcj2__job_state_move(e->core, &job, JOB_EV_RETRY);
    }
    bcj2__store_job_done(&job);
    return bcj2__engine_check_job(e, seq, s);
}

static void go_on_sweeping(struct engine *e)
{
    for (uint32_t n = 0; n < JOBS_A_TURN && e->sweeping != SWEEP_NONE; n++) {
        bcj2_status s = bcj2__store_next_transient(e->core->store, e->sweeping == SWEEP_OFFLINE,
                                                   e->swept_seq, &e->swept_seq);
        if (!bcj2__engine_check(e, s)) {
            return;
        }
        if (s == BCJ2_S_FALSE) {
            e->sweeping = SWEEP_NONE;
        } else if (!bcj2__engine_transaction(e) || !queue_again(e, e->swept_seq)) {
            return;
        }
    }
    if (e->sweeping != SWEEP_NONE) {
        e->again = e->schedule = true;
    }
}

void bcj2__network_jobs(struct engine *e)
{
    int64_t seq = 0;
    go_on_sweeping(e);
    bcj2_status s = bcj2__store_next_transient(e->core->store, false, 0, &seq);
    if (!bcj2__engine_check(e, s)) {
        return;
    }
    if (s == BCJ2_S_FALSE) {
        bcj2__network_stop(e);
        return;
    }
    if (e->netwatch_fd >= 0 || e->network_ms != UINT64_MAX) {
        return;
    }
    if (!watch(e)) { /* it is tried again when it is looked */
        e->network_ms = e->now_ms + LOOK_EVERY_MS;
        e->network = bcj2__os_network();
    }
    if (e->network != 0) {
        /* it may have come while nobody watched */
        sweep(e, SWEEP_OFFLINE);
        go_on_sweeping(e);
    }
}
