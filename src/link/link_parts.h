/* SPDX-License-Identifier: MIT */
/* What the files of this floor share: the link, and a connection of it. */
#ifndef BCJ2_LINK_PARTS_H
#define BCJ2_LINK_PARTS_H

#include "buf.h"
#include "limit.h"
#include "link.h"
#include "link_frame.h"
#include "os.h"

#define LINK_SOCKET "runner.sock"
#define LINK_LOCK   "runner.lock"
#define LINK_BELL   "bell"

/* A connection. What comes in is read only while no message waits to be fetched, so a peer is slowed down
   by its own socket, not by our memory. */
struct link_peer {
    uint64_t id; /* 0: the runner, seen from a client */
    int fd;      /* -1: gone */
    int64_t pid;
    uint64_t since_ms;
    struct link_reader reader;
    bool rubbish;
    bool has_message; /* message was read, and is to be fetched by bcj2__link_next() */
    struct link_frame message;

    struct buf out;
    size_t sent;         /* of out */
    uint64_t stalled_ms; /* when its patience ends; UINT64_MAX: it takes what we send */
    bool change_waits, was_told;
    uint64_t change, told; /* to be said; said, or to be said */
};

struct link {
    char *directory;
    bool control_only;
    struct log log;
    uint32_t fork_generation;
    bool abandoned;
    enum link_role role;

    int lock_fd, listener;
    bool socket_known; /* which file the listener's name is */
    uint64_t socket_device, socket_inode;
    uint64_t mend_ms; /* a name of the runner is missing: made again then; UINT64_MAX: none is */
    struct link_peer
        *runner; /* our connection to it; while role is ALONE: it has not answered yet */
    struct os_watch *watch;
    bool blind;      /* nobody runs, and the folder cannot be watched */
    int64_t refuser; /* a runner's process id: it hung up on us without a word; 0: none did */
    uint32_t wait_ms;
    uint64_t try_ms;     /* the election goes on then; UINT64_MAX: not by time */
    bcj2_status trouble; /* of the election; logged when it changes */

    struct link_peer **peers;
    size_t peer_count, peer_capacity;
    uint64_t last_peer_id;
    size_t turn;          /* whose message is fetched next */
    uint64_t accept_ms;   /* 0: at any time */
    bool full_was_logged; /* no more are let in */
    bool deaf_was_logged; /* accepting failed */
    struct os_poll *polls;

    /* what bcj2__link_next() is to say, beside what the peers have */
    bool tell_alone, tell_role, tell_changed;
    uint64_t changed;

    bool has_rung, bell_due; /* bell_due: nobody may have heard what we told the runner */
    uint64_t rung;
};

/* Is n a later change number? Numbers wrap rather than stick, so that a wrong one does not silence those
   that follow. */
static inline bool bcj2__link_later(uint64_t n, uint64_t than)
{
    return than - n >= UINT64_C(1) << 31;
}

/* ---- link_peer.c ---- */

/* Takes the descriptor, whatever comes. NULL: no memory. */
struct link_peer *bcj2__link_peer_create(uint64_t id, int fd, int64_t pid);
void *bcj2__link_peer_destroy(struct link_peer *p); /* NULL is fine */
/* Hangs up. What was read stays. */
void bcj2__link_peer_hang_up(struct link_peer *p);
/* Reads what is there and acts on it. */
void bcj2__link_peer_receive(struct link *l, struct link_peer *p);
/* Acts on what was read, up to the next message. */
void bcj2__link_peer_go_on(struct link *l, struct link_peer *p);
void bcj2__link_peer_flush(struct link *l, struct link_peer *p);
bool bcj2__link_peer_has_output(const struct link_peer *p);
void bcj2__link_peer_tell(struct link *l, struct link_peer *p, uint64_t change);
bcj2_status bcj2__link_peer_send(struct link *l, struct link_peer *p, enum link_kind kind,
                                 uint64_t id, const void *data, size_t length);

/* ---- link_runner.c: what the runner does ---- */

void bcj2__link_accept(struct link *l);
/* To all but one (may be NULL). */
void bcj2__link_tell_peers(struct link *l, const struct link_peer *but, uint64_t change);
void bcj2__link_forget_peers(struct link *l);

/* ---- link_elect.c ---- */

bcj2_status bcj2__link_elect(struct link *l);
void bcj2__link_answered(struct link *l);    /* the runner has said its first word */
void bcj2__link_lose_runner(struct link *l); /* hung up */
void bcj2__link_watched(struct link *l);     /* the watch is readable */
void bcj2__link_last_word(struct link *l); /* before closing: what was rung is heard by somebody */
void bcj2__link_resign(struct link *l);    /* the runner gives back the lock and the name */
void bcj2__link_write_pid(struct link *l); /* into the lock */

/* ---- link_names.c: the runner's lock and socket ---- */

void bcj2__link_note_socket(struct link *l); /* after listening */
/* now: what is missing is made again; else later. */
void bcj2__link_mend(struct link *l, bool now);

/* ---- link.c ---- */

void bcj2__link_note_change(struct link *l, uint64_t change);

#endif
