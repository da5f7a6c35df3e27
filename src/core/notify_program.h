/* SPDX-License-Identifier: MIT */
/* One program that is told of an event of a job: its start, which has a thread of its own, since it takes
   as long as the program's file takes to be read, and its end. One caller's thread at a time. Not here:
   when it is started and what follows from its end (notify_command.h). */
#ifndef BCJ2_CORE_NOTIFY_PROGRAM_H
#define BCJ2_CORE_NOTIFY_PROGRAM_H

#include "os.h"
#include "store.h"

struct notify_program;

struct notify_program_what {
    const struct store_job *job;
    uint32_t kind;            /* BCJ2_NOTIFY_JOB_TRANSFERRED or _JOB_ERROR */
    const char *directory;    /* the queue's */
    const char *input;        /* its standard input */
    const char *input_path;   /* a name for it that nothing else has, for a moment */
    int lock;                 /* an own descriptor, which stays open in the program; taken */
    void (*wake)(void *user); /* on another thread: ask bcj2__notify_program_look() */
    void *user;
};
/* Begins to start it. A failure: nothing of it ran; lock is closed in any case. */
bcj2_status bcj2__notify_program_start(const struct notify_program_what *what,
                                       struct notify_program **ret);

enum notify_program_state {
    NOTIFY_PROGRAM_LIVES,       /* it is being started, or runs */
    NOTIFY_PROGRAM_ENDED,       /* *ret_ended says how */
    NOTIFY_PROGRAM_NOT_STARTED, /* the detail is set */
};
enum notify_program_state bcj2__notify_program_look(struct notify_program *p,
                                                    struct os_ended *ret_ended);
/* Readable when it has ended; -1: there will be a wake. */
int bcj2__notify_program_fd(const struct notify_program *p);
/* Lets go of it; what is being started or runs goes on, and no wake comes any more. Returns NULL. */
void *bcj2__notify_program_leave(struct notify_program *p);

#endif
