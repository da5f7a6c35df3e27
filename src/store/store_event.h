/* SPDX-License-Identifier: MIT */
/* The events of jobs: rows that are written with the change that causes them, and owed until they are
   delivered or dropped. A change of one counts as a change of its job, but leaves the job's modification
   time. Transactions, locks and statuses are as in store.h. Not here: who is told, and when (core/notify.h,
   proto/notify.h). */
#ifndef BCJ2_STORE_EVENT_H
#define BCJ2_STORE_EVENT_H

#include "notify.h"
#include "store.h"

struct store_event {
    int64_t seq; /* in the order they happened; never reused */
    int64_t job_seq;
    uint32_t kind;       /* its BCJ2_NOTIFY_… flag */
    uint32_t file_index; /* FILE_TRANSFERRED */
    bcj2_filetime time;
    int32_t result;        /* BCJ2_EVENT_… */
    enum notify_turn turn; /* while it is owed */
    bool
        running; /* the command: it was, or was about to be, started, and is not known to have ended */
    uint32_t attempts;          /* callbacks that refused, commands that were started */
    struct store_deadline next; /* not before; not set: now */
};

/* What decides who is told of a job's events. */
struct store_notify {
    struct notify_channels channels; /* callbacks: if listener lives */
    uint64_t listener;               /* 0: nobody has callbacks for it */
    uint32_t retry_delay_s;
    bcj2_job_state state;
    bcj2_filetime modification_time;
};

/* ---- reading ---- */

/* BCJ2_E_NOT_FOUND: there is no such job. */
bcj2_status bcj2__store_notify(struct store *s, int64_t job_seq, struct store_notify *ret);
/* BCJ2_S_FALSE: there is no such row (any more). */
bcj2_status bcj2__store_event(struct store *s, int64_t seq, struct store_event *ret);
/* By seq, after after_seq, whatever its result; BCJ2_S_FALSE: none. */
bcj2_status bcj2__store_next_event(struct store *s, int64_t after_seq, struct store_event *ret);
/* The first one of a job that is owed and of one of these kinds; BCJ2_S_FALSE: none. Uses an index. */
bcj2_status bcj2__store_first_owed(struct store *s, int64_t job_seq, uint32_t kinds,
                                   struct store_event *ret);
/* Of those that are owed to the command and do not run: the one that is due first. ret->next is given back
   as bcj2__store_next_retry() does. BCJ2_S_FALSE: none. Uses an index. */
bcj2_status bcj2__store_next_command(struct store *s, struct store_event *ret);
/* One whose command runs, by seq, after after_seq; BCJ2_S_FALSE: none. Uses an index. */
bcj2_status bcj2__store_next_running(struct store *s, int64_t after_seq, struct store_event *ret);
/* BCJ2_S_FALSE: bcj2__store_events_purge() would find nothing. */
bcj2_status bcj2__store_next_over(struct store *s, bcj2_filetime before);
/* How many are owed to the command and had no whole try yet. */
bcj2_status bcj2__store_commands_untried(struct store *s, uint64_t *ret);

/* Who has callbacks for jobs that are not final: the first one's number above `after`. BCJ2_S_FALSE:
   none. Uses an index, so does: */
bcj2_status bcj2__store_next_listener(struct store *s, uint64_t after, uint64_t *ret);
/* A job of that listener, by seq, after after_seq; BCJ2_S_FALSE: none. */
bcj2_status bcj2__store_next_listened(struct store *s, uint64_t listener, int64_t after_seq,
                                      int64_t *ret_seq);

/* ---- writing (inside a transaction only) ---- */

bcj2_status bcj2__store_event_insert(struct store *s,
                                     struct store_event *event); /* gives seq back */
/* Result, turn, running, attempts and next of one that is still owed; BCJ2_S_FALSE: it is not. */
bcj2_status bcj2__store_event_update(struct store *s, const struct store_event *event);
/* All of the job that are owed and of these kinds. */
bcj2_status bcj2__store_events_drop(struct store *s, int64_t job_seq, uint32_t kinds);
/* Forgets what is over and happened before a moment, STORE_PURGE_MOST at most; ret_seqs has room for so
   many. */
bcj2_status bcj2__store_events_purge(struct store *s, bcj2_filetime before, int64_t *ret_seqs,
                                     uint32_t *ret_count);

/* Properties of the job: these set its modification time. BCJ2_E_NOT_FOUND: there is no such job. */
bcj2_status bcj2__store_set_notify_flags(struct store *s, int64_t seq, uint32_t flags,
                                         bcj2_filetime now);
bcj2_status bcj2__store_set_notify_command(struct store *s, int64_t seq, const char *program,
                                           const char *parameters, bcj2_filetime now);
/* Nobody has callbacks for it any more, and nobody set it so: this is no news of the job, its modification
   time stays. */
bcj2_status bcj2__store_drop_listener(struct store *s, int64_t seq);
/* listener 0: none. */
bcj2_status bcj2__store_set_listener(struct store *s, int64_t seq, uint64_t listener,
                                     uint32_t callbacks, bcj2_filetime now);

#endif
