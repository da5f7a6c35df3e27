/* SPDX-License-Identifier: MIT */
/* See engine_priv.h: the engine's sleep between two turns. Until when, and on what: the transfers, the
   link's descriptors, callbacks, programs, the network, the queue's folder, the timer (engine_timer.c).
   What is then done with it is the turn's. */
#include "engine_priv.h"
#include "detail.h"
#include "drive.h"
#include "limit.h"
#include "listener.h"
#include "mem.h"
#include "notify_command.h"

/* watched beside the link's: the network, the folder, the timer, programs */
#define OWN_FDS  (3 + LIMIT_NOTIFY_COMMANDS)
#define BLIND_MS 200 /* between two tries to sleep on all that may happen */

/* When the runner has something to do by time; 0: now. */
static uint64_t runner_deadline(const struct engine *e)
{
    uint64_t at = MIN(MIN(e->retry_ms, e->slice_ms), MIN(e->house_ms, e->bye_ms));
    at = MIN(at, MIN(e->network_ms, e->hosts_ms));
    at = MIN(at, MIN(e->command_ms, e->listener_ms));
    if (e->store_ms != UINT64_MAX) {
        /* nothing is done before, whatever is due; what the disk thread still has, it wakes us for */
        return e->drive_count == 0 ? e->store_ms : UINT64_MAX;
    }
    for (uint32_t i = 0; i < e->drive_count; i++) {
        at = MIN(at, bcj2__drive_deadline(e, e->drives[i]));
    }
    return e->schedule ? 0 : at;
}

/* When to wake up without being woken; 0: now, UINT64_MAX: never. */
static uint64_t deadline(const struct engine *e)
{
    uint64_t at = MIN(bcj2__link_deadline(e->core->link), e->ring ? e->ring_ms : UINT64_MAX);
    if (e->again || atomic_load(&e->woken)) {
        return 0;
    }
    if (!e->gone) {
        at = MIN(at, bcj2__listener_deadline(e->core));
    }
    if (atomic_load(&e->stopping)) {
        /* past it only the disk thread is waited for, and it wakes us */
        at = e->now_ms < e->stop_by_ms ? e->stop_by_ms : e->now_ms + 100;
    } else if (e->runner) {
        at = MIN(at, runner_deadline(e));
    }
    return at;
}

bcj2_status bcj2__engine_sleep(struct engine *e)
{
    struct link_fd of_link[LIMIT_LINK_FDS];
    size_t count = bcj2__link_fds(e->core->link, of_link, LIMIT_LINK_FDS);
    count = MIN(count, (size_t)LIMIT_LINK_FDS);
    e->heard = true;
    if (count + OWN_FDS > e->fd_room) {
        struct net_fd *room = bcj2__mem_realloc(e->fds, (count + OWN_FDS) * sizeof *room);
        if (room == NULL) {
            return bcj2__detail_no_memory();
        }
        e->fds = room;
        e->fd_room = count + OWN_FDS;
    }
    for (size_t i = 0; i < count; i++) {
        e->fds[i] = (struct net_fd){.fd = of_link[i].fd,
                                    .read = of_link[i].read,
                                    .write = of_link[i].write};
    }
    if (e->netwatch_fd >= 0) {
        e->fds[count++] = (struct net_fd){.fd = e->netwatch_fd, .read = true};
    }
    if (e->watch != NULL) {
        e->fds[count++] = (struct net_fd){.fd = bcj2__os_watch_fd(e->watch), .read = true};
    }
    count += bcj2__commands_fds(e, e->fds + count);
    uint64_t due = deadline(e), now = bcj2__os_now_ms();
    if (due > now && bcj2__engine_timer(e, due)) {
        e->fds[count++] = (struct net_fd){.fd = e->timer_fd, .read = true};
    }
    bcj2_status s = bcj2__net_watch(e->net, e->fds, count);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__net_poll(e->net, due == UINT64_MAX ? UINT64_MAX : due > now ? due - now : 0);
    }
    e->heard = BCJ2_FAILED(s) || bcj2__net_watched(e->net);
    return s;
}

/* Everything that runs is dropped; what can be done by time is. */
void bcj2__engine_sleep_blindly(struct engine *e)
{
    struct core *c = e->core;
    e->now_ms = bcj2__os_now_ms();
    bcj2__engine_drop_everything(e);
    bcj2__os_mutex_lock(c->lock);
    (void)bcj2__os_cond_wait_until(c->changed, c->lock, e->now_ms + BLIND_MS);
    bcj2__os_mutex_unlock(c->lock);
}
