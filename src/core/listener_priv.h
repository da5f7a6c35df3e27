/* SPDX-License-Identifier: MIT */
/* What the files of the listener share: listener.c (who has callbacks), listener_look.c (what is there to
   tell), listener_call.c (telling it), listener_inside.c (who is told on this thread), listener_lock.c (the
   lock file). See listener.h. */
#ifndef BCJ2_CORE_LISTENER_PRIV_H
#define BCJ2_CORE_LISTENER_PRIV_H

#include "limit.h"
#include "listener.h"
#include "store_event.h"

/* What a program set for a job; counted under the listener's lock: by its hearer and by the call that
   runs. */
struct callbacks {
    bcj2_notify_callbacks is;
    bcj2_guid job;
    uint32_t refs;
    struct callbacks *next; /* released */
};

enum hearer_call { HEARER_IDLE, HEARER_QUEUED, HEARER_RUNNING };

/* How far a job was told of; what is compared with its row. */
struct hearer_view {
    int64_t seq;
    uint64_t version;  /* of what was set: other callbacks are another version */
    uint64_t listener; /* our number */
    bcj2_job_state state;
    bcj2_filetime modification;
    bool modified; /* job_modification was called, the last time at */
    uint64_t modified_ms;
};

/* A job that this manager has callbacks for. */
struct hearer {
    struct hearer_view view;
    bcj2_guid id;
    struct callbacks *callbacks; /* NULL: none any more, and it goes when its call has ended */
    enum hearer_call call;       /* one at a time */
    bool again;                  /* it was changed while its call ran */
    int64_t told;              /* the event that was told, but the end of it not stored; 0: none */
    enum notify_result answer; /* to that */
    struct hearer *next;       /* queued */
    uint64_t due_ms;           /* to be looked at then; UINT64_MAX: when it is changed */
    size_t due_at;             /* its place among those that are due by time */
};

struct listener {
    struct core *core;
    struct os_mutex *setting; /* one call at a time changes a row's listener and then the table */
    bool by_dispatch;
    int fd; /* by_dispatch: a timer that is due while there is something to call; else -1 */
    int lock_fd;
    /* the engine thread's */
    bool watching;    /* the two below are so new that nothing is missed */
    uint64_t heard;   /* the core's change count at the last look */
    uint64_t looked;  /* the store's change number at the last look */
    uint64_t rest_ms; /* the store failed, or there is no thread: nothing before then */
    bool retry;       /* there is something to do then */
    /* guarded by lock */
    struct os_mutex *lock;
    struct os_cond *changed;
    uint64_t number;         /* 0: nothing was ever set */
    uint64_t versions;       /* so many were given */
    struct hearer **hearers; /* by seq */
    struct hearer **due;     /* those that have a time, a heap; the same room */
    size_t count, due_count, room;
    struct hearer *spare; /* for the next one that is set */
    struct hearer *first, *last;
    struct callbacks *released; /* to be destroyed by who runs callbacks */
    size_t work;                /* of these two together */
    bool signalled;             /* fd is readable */
    uint32_t running;           /* calls, destroying ones too */
    uint32_t idle, thread_count;
    struct os_thread *threads[LIMIT_NOTIFY_THREADS];
    bool stopping;
};

/* ---- listener.c; with the lock held ---- */

struct hearer *bcj2__listener_find(const struct listener *l, int64_t seq);
/* To be looked at then; UINT64_MAX: not by time. */
void bcj2__listener_due(struct listener *l, struct hearer *h, uint64_t due_ms);
/* Gives back its callbacks, whose reference passes to the caller, and frees it, unless its call runs. */
struct callbacks *bcj2__listener_take_out(struct listener *l, struct hearer *h);
/* To be destroyed by who runs callbacks. */
void bcj2__listener_release(struct listener *l, struct callbacks *callbacks);

/* ---- listener_look.c ---- */

enum heard_what { HEARD_NOTHING, HEARD_GONE, HEARD_EVENT, HEARD_MODIFICATION };

struct heard {
    enum heard_what what;
    struct store_event event; /* HEARD_EVENT */
    uint64_t due_ms;          /* HEARD_NOTHING: when again, if nothing changes before */
    bcj2_job_state state;     /* as they are now */
    bcj2_filetime modification;
    bool passed_over; /* the modification is none to tell of */
};

/* What is there to tell of a job, as the store has it now. */
bcj2_status bcj2__listener_decide(struct core *c, const struct hearer_view *view, uint64_t now_ms,
                                  struct heard *ret);
/* What was decided, if it is still about the same callbacks; with the lock held. False: it is not. */
bool bcj2__listener_note(struct hearer *h, const struct hearer_view *view,
                         const struct heard *heard);

/* ---- listener_call.c ---- */

/* With the lock held: there is something in the queue. False: no thread can be had for it. */
bool bcj2__listener_signal(struct listener *l);
void bcj2__listener_enqueue(struct listener *l, struct hearer *h);
/* Gives up a reference; the last one destroys, without the lock meanwhile. */
void bcj2__listener_drop(struct listener *l, struct callbacks *callbacks);

/* ---- listener_inside.c ---- */

/* One on the stack around each run of a program's code; a callback may dispatch another manager's. */
struct listener_frame {
    const struct core *core;
    const bcj2_guid *job;
    uint32_t fork_generation; /* a child that is forked inside is not inside: nobody waits for it */
    struct listener_frame *outer;
};

void bcj2__listener_enter(struct listener_frame *f, const struct core *c, const bcj2_guid *job);
void bcj2__listener_exit(const struct listener_frame *f);
bool bcj2__listener_inside_any(void);

/* ---- listener_lock.c ---- */

/* A number of its own and the lock that goes with it, once. With setting held. */
bcj2_status bcj2__listener_be_somebody(struct listener *l);
void bcj2__listener_be_nobody(struct listener *l);

#endif
