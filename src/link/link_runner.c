/* SPDX-License-Identifier: MIT */
/* The runner's side: who is let in, and telling all of them. */
#include "detail.h"
#include "link_parts.h"
#include "mem.h"

#include <inttypes.h>

#define ACCEPTS_A_STEP 64
#define ACCEPT_REST_MS \
    200 /* no descriptor or memory left: the listener would be readable all the time */

/* Room for one more, and for what else is polled (bcj2__link_step). */
static bool make_room(struct link *l)
{
    if (l->peer_count < l->peer_capacity) {
        return true;
    }
    size_t larger = l->peer_capacity == 0 ? 8 : l->peer_capacity * 2;
    struct link_peer **peers = bcj2__mem_realloc(l->peers, larger * sizeof(struct link_peer *));
    if (peers == NULL) {
        return false;
    }
    l->peers = peers;
    struct os_poll *polls = bcj2__mem_realloc(l->polls, (larger + 1) * sizeof *polls);
    if (polls == NULL) {
        return false;
    }
    l->polls = polls;
    l->peer_capacity = larger;
    return true;
}

/* Peers get no more than half of the descriptors, and none of the last quarter, which the program may
   have to itself: the rest is for the files and connections of jobs. The system gives out the lowest
   number that is free. */
static bool is_room(const struct link *l, int fd)
{
    uint64_t limit = bcj2__os_descriptor_limit();
    return l->peer_count < MIN((uint64_t)LIMIT_LINK_PEERS, limit / 2) &&
           (uint64_t)fd < limit - limit / 4;
}

/* False: it may not come in. The reason is logged. */
static bool is_welcome(struct link *l, int fd, struct os_local_peer *ret)
{
    if (BCJ2_FAILED(bcj2__os_local_peer(fd, ret))) {
        return false; /* hung up already */
    }
    if (ret->uid != bcj2__os_uid()) {
        bcj2__log(&l->log, LOG_WARNING,
                  "process %" PRId64
                  " of user %u wants to talk to the runner of the queue %s, which is "
                  "user %u's: refused",
                  ret->pid, (unsigned)ret->uid, l->directory, (unsigned)bcj2__os_uid());
        return false;
    }
    if (!is_room(l, fd)) {
        if (!l->full_was_logged) {
            bcj2__log(&l->log, LOG_WARNING,
                      "%zu processes are connected at the queue %s: no more are let in",
                      l->peer_count, l->directory);
        }
        l->full_was_logged = true;
        bcj2__link_note_change(l, 0); /* it may have changed something, and cannot say so */
        return false;
    }
    l->full_was_logged = false;
    return true;
}

/* Takes the descriptor. */
static void let_in(struct link *l, int fd)
{
    struct os_local_peer who;
    if (!is_welcome(l, fd, &who)) {
        bcj2__os_close_own(fd);
        return;
    }
    struct link_peer *p = bcj2__link_peer_create(l->last_peer_id + 1, fd, who.pid);
    /* one that said its last word and hung up at once is let in all the same, to be reported gone */
    if (p == NULL || !make_room(l) ||
        (BCJ2_FAILED(bcj2__link_peer_send(l, p, LINK_KIND_HELLO, 0, NULL, 0)) && p->fd >= 0)) {
        (void)bcj2__link_peer_destroy(p); /* it will come again */
        return;
    }
    l->last_peer_id++;
    l->peers[l->peer_count++] = p;
}

void bcj2__link_accept(struct link *l)
{
    l->accept_ms = 0;
    for (int i = 0; i < ACCEPTS_A_STEP; i++) {
        int fd = -1;
        bcj2_status s = bcj2__os_local_accept(l->listener, &fd);
        if (s == BCJ2_S_FALSE) {
            return;
        }
        if (BCJ2_FAILED(s)) {
            if (!l->deaf_was_logged) {
                bcj2__log(&l->log, LOG_WARNING,
                          "the queue %s: a connection cannot be accepted (%s)", l->directory,
                          bcj2__detail_get());
            }
            l->deaf_was_logged = true;
            l->accept_ms = bcj2__os_now_ms() + ACCEPT_REST_MS;
            bcj2__link_note_change(l, 0); /* nor can be heard what it has to say */
            return;
        }
        l->deaf_was_logged = false;
        let_in(l, fd);
    }
}

void bcj2__link_tell_peers(struct link *l, const struct link_peer *but, uint64_t change)
{
    for (size_t i = 0; i < l->peer_count; i++) {
        if (l->peers[i] != but) {
            bcj2__link_peer_tell(l, l->peers[i], change);
        }
    }
}

void bcj2__link_forget_peers(struct link *l)
{
    for (size_t i = 0; i < l->peer_count; i++) {
        (void)bcj2__link_peer_destroy(l->peers[i]);
    }
    l->peer_count = 0;
}
