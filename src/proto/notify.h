/* SPDX-License-Identifier: MIT */
/* Who is told of an event of a job, and what follows from how it went (job-semantics 5.1, 5.2). Pure: what
   a turn means in threads and processes, and when a time has come, is core's affair. */
#ifndef BCJ2_PROTO_NOTIFY_H
#define BCJ2_PROTO_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* What a job has to tell it, as it is now. Kinds of events are their BCJ2_NOTIFY_… flags. */
struct notify_channels {
    uint32_t flags;     /* the job's notify flags */
    uint32_t callbacks; /* the kinds that a registered, living program has callbacks for */
    bool command;       /* a command line is set */
};

/* Whose turn it is to take an event that is owed. The numbers are stored. */
enum notify_turn {
    NOTIFY_NOBODY = 0, /* it waits until somebody can be told */
    NOTIFY_CALLBACK = 1,
    NOTIFY_COMMAND = 2,
};

enum notify_result {
    NOTIFY_TAKEN,   /* the callback returned success, the program ended with 0 */
    NOTIFY_REFUSED, /* it returned something else, or could not be called or started */
    NOTIFY_LOST, /* the program with the callback is gone, or the flags or the channels were changed */
};

struct notify_step {
    bool delivered;
    enum notify_turn turn; /* if it is not delivered: who is next */
    bool wait;             /* not before the job's minimum retry delay is over */
};

/* May an event of this kind be told at all now? */
bool bcj2__notify_wanted(const struct notify_channels *c, uint32_t kind);
/* Of an event that just happened. */
enum notify_turn bcj2__notify_first(const struct notify_channels *c, uint32_t kind);
/* `turn` has had it. */
struct notify_step bcj2__notify_next(const struct notify_channels *c, uint32_t kind,
                                     enum notify_turn turn, enum notify_result result);
/* What a callback's status means: all but BCJ2_OK refuse JobTransferred and JobError, only failures
   refuse FileTransferred (R75). */
enum notify_result bcj2__notify_returned(uint32_t kind, int32_t status);

#endif
