/* SPDX-License-Identifier: MIT */
/* One turn of the engine: libcurl moves what can be moved, what is too late ends, then all is waited for at
   once, with the caller's own descriptors. Not here: what the end of a transfer leads to (net_engine.c). */
#include "net_internal.h"
#include "detail.h"
#include "mem.h"
#include "os.h"

#include <stdio.h>

/* libcurl counts a wait in an int of milliseconds; a poll that ends after a day is no harm. */
#define LONGEST_POLL_MS ((uint64_t)86400000)

static bcj2_status perform(struct net *n)
{
    int running = 0, left = 0;
    n->moved = false;
    bcj2_status status =
        bcj2__net_multi_status(curl_multi_perform(n->multi, &running), "transferring");
    const CURLMsg *message = NULL;
    while ((message = curl_multi_info_read(n->multi, &left)) != NULL) {
        struct xfer *x = NULL;
        CURLcode result = message->data.result;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &x) == CURLE_OK) {
            bcj2__net_finish(x, result);
        }
    }
    return status;
}

static void describe_timeout(struct xfer *x)
{
    static const char *const waited_for[] = {
        [XFER_SENDING] = "the server took no data",
        [XFER_WAITING] = "no answer came",
        [XFER_RECEIVING] = "no more of the answer came",
    };
    (void)snprintf(x->why, sizeof x->why, "%s for %llu ms", waited_for[x->phase],
                   (unsigned long long)(bcj2__os_now_ms() - x->moved_ms));
}

/* Ends what is too late; returns when the next one will be. */
static uint64_t expire(struct net *n, uint64_t now)
{
    uint64_t next = UINT64_MAX;
    for (struct xfer *x = n->running; x != NULL; x = x->next) {
        uint64_t deadline = bcj2__net_deadline(x);
        if (deadline <= now) {
            x->failure = NET_TIMEOUT;
            describe_timeout(x);
            bcj2__net_finish(x, CURLE_OPERATION_TIMEDOUT);
        } else {
            next = MIN(next, deadline);
        }
    }
    return next;
}

bcj2_status bcj2__net_watch(struct net *n, const struct net_fd *fds, size_t count)
{
    if (count > n->watched_room) {
        struct curl_waitfd *room = bcj2__mem_realloc(n->watched, count * sizeof *room);
        if (room == NULL) {
            return bcj2__detail_no_memory();
        }
        n->watched = room;
        n->watched_room = count;
    }
    for (size_t i = 0; i < count; i++) {
        n->watched[i] = (struct curl_waitfd){
            .fd = fds[i].fd,
            .events = (short)((fds[i].read ? CURL_WAIT_POLLIN : 0) |
                              (fds[i].write ? CURL_WAIT_POLLOUT : 0)),
        };
    }
    n->watched_count = count;
    return BCJ2_OK;
}

static bcj2_status net_poll(struct net *n, uint64_t timeout_ms)
{
    bcj2__net_free_spent(n);
    if (n->moved) {
        bcj2_status status = perform(n);
        if (BCJ2_FAILED(status)) {
            return status;
        }
    }
    uint64_t now = n->running == NULL ? 0 : bcj2__os_now_ms();
    uint64_t deadline = expire(n, now), wait_ms = timeout_ms;
    if (deadline != UINT64_MAX) {
        wait_ms = MIN(wait_ms, deadline - now);
    }
    if (n->first_event != NULL || n->moved) {
        wait_ms = 0;
    }
    bcj2_status status =
        bcj2__net_multi_status(curl_multi_poll(n->multi, n->watched, (unsigned)n->watched_count,
                                               (int)MIN(wait_ms, LONGEST_POLL_MS), NULL),
                               "waiting");
    if (BCJ2_SUCCEEDED(status) && n->running != NULL) {
        status = perform(n);
        (void)expire(n, bcj2__os_now_ms());
    }
    return status;
}

bcj2_status bcj2__net_poll(struct net *n, uint64_t timeout_ms)
{
    bcj2_status status = net_poll(n, timeout_ms);
    n->poll_failed = BCJ2_FAILED(status);
    return status;
}

bool bcj2__net_watched(const struct net *n)
{
    bool ready = n->poll_failed;
    for (size_t i = 0; i < n->watched_count && !ready; i++) {
        ready = n->watched[i].revents != 0;
    }
    return ready;
}

void bcj2__net_wake(struct net *n)
{
    (void)curl_multi_wakeup(n->multi);
}
