/* SPDX-License-Identifier: MIT */
/* Processes that share a queue: who is the runner, and the messages between the runner and the others.

   flock on runner.lock elects the runner; it listens on a UNIX socket in the queue directory
   (runner.sock, bound under a temporary name and renamed), every other process holds a connection. When
   the connection hangs up, or none can be made: try the lock, else connect, else wait 1, 2, 4 … 50 ms,
   until one succeeds. A link that may not run (control only) never tries the lock; while no runner
   answers it watches the folder (the file "bell", the socket's name) instead, and asks nobody again by
   time.

   A link belongs to one thread, which polls its descriptors and calls bcj2__link_step(); nothing here
   blocks. Peers are believed only if their credentials name our own user. Messages are small frames; a
   peer that sends rubbish, or does not read what it is sent, is thrown out, and comes back if it means
   well. Who finds no place at the runner (its peers may have half of its descriptors, LIMIT_LINK_PEERS at
   most) asks again by time, and that counts as news on both sides. Nothing is ever lost with a
   connection: messages only say "look into the store".

   Not here: what is done about a change (core), what is in the store. */
#ifndef BCJ2_LINK_H
#define BCJ2_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <bcj2/types.h>
#include "log.h"

struct link;

enum link_role {
    LINK_ALONE,  /* neither: an election is under way, or a control-only process has no runner */
    LINK_RUNNER, /* we hold runner.lock and listen */
    LINK_CLIENT, /* connected to the runner */
};

enum link_event_type {
    LINK_EV_RUNNER, /* we are the runner now: take over what the store says is running */
    LINK_EV_CLIENT, /* connected to a (new) runner: look at the store, something may have changed */
    LINK_EV_ALONE, /* the runner is gone, or we are it no more (bcj2__link_look): look at the store; what
                       follows comes by itself */
    LINK_EV_CHANGED, /* the store was changed; .change: the newest number heard of; 0: none */
    LINK_EV_MESSAGE, /* a message for whoever registered: .peer, .kind, .id, .data */
    LINK_EV_GONE,    /* runner: the peer .peer is gone (its registrations are void) */
};

/* What may be said besides the doorbell: a listener's registration, the delivery of an event to it and its
   acknowledgement; id names the delivery, data is at most LIMIT_LINK_DATA_BYTES. This version sends none of
   them: events are rows, and whoever hears the doorbell finds there what is his (core/notify_store.h). */
enum link_kind {
    LINK_KIND_HELLO = 0,   /* used by the link itself: the runner's first word to a client */
    LINK_KIND_CHANGED = 1, /* used by the link itself */
    LINK_KIND_REGISTER,
    LINK_KIND_UNREGISTER,
    LINK_KIND_DELIVER,
    LINK_KIND_ACKNOWLEDGE,
    LINK_KIND_COUNT
};

struct link_event {
    enum link_event_type type;
    uint64_t change;
    uint64_t peer; /* runner: which connection; client: 0 */
    enum link_kind kind;
    uint64_t id;
    const void *data; /* valid until the next call of a link function */
    size_t length;
};

struct link_fd {
    int fd;
    bool read, write; /* what to poll for */
};

/* Opens the link and makes the first step of the election at once, so that a process alone is the runner
   when it returns. directory: the queue's real path, ours. */
bcj2_status bcj2__link_open(const char *directory, bool control_only, const struct log *log,
                            struct link **ret);
/* Gives the lock and the socket's name back: another process becomes the runner. NULL is fine; returns
   NULL. In a forked child nothing is given back. */
void *bcj2__link_close(struct link *l);

/* The queue is gone from its directory: gives up lock, name and connections for good, and takes part in no
   election any more. The name and the lock of another queue that is there now are left alone. */
void bcj2__link_abandon(struct link *l);

/* Something in the folder was removed or renamed: were it the runner's names? Then it makes them again, a
   moment later, or finds that another one has them both: LINK_EV_ALONE, and an election. */
void bcj2__link_look(struct link *l);

enum link_role bcj2__link_role(const struct link *l);
int64_t
bcj2__link_runner_pid(const struct link *l); /* ours, or the runner's (by its credentials); 0 */

/* What to poll; at most max are written, the count of all is returned. */
size_t bcj2__link_fds(const struct link *l, struct link_fd *fds, size_t max);
/* When to step without a descriptor being ready (bcj2__os_now_ms); UINT64_MAX: not by time. */
uint64_t bcj2__link_deadline(const struct link *l);
/* Accepts, reads, writes, elects: all that can be done without waiting. A failure is one of the election
   (the folder is gone, no descriptor is left …); the link goes on trying, at last every 5 seconds.
   BCJ2_E_CLOSED: in a forked child. */
bcj2_status bcj2__link_step(struct link *l);
/* After each step, until it says false: who does not fetch messages gets no more of them. */
bool bcj2__link_next(struct link *l, struct link_event *ret);

/* Tells the others that the store's change number is now this: a client tells the runner, the runner all
   clients (but those who told it), an alone one touches the bell (and hears it, if it watches).
   Coalesced: only the newest number is ever waiting to be sent to a peer, and a peer that was told of a
   number is not told of an earlier one. A number rung once is told again to each later runner. */
void bcj2__link_ring(struct link *l, uint64_t change);
/* To the runner (peer 0) or, as the runner, to one peer. BCJ2_E_NOT_FOUND: it is gone; BCJ2_E_TOO_LARGE. */
bcj2_status bcj2__link_send(struct link *l, uint64_t peer, enum link_kind kind, uint64_t id,
                            const void *data, size_t length);

#endif
