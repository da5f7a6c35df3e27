/* SPDX-License-Identifier: MIT */
/* The heart of a manager: one open queue, shared by every handle that was made from it, and the rules
   for calling it. core/job.h has what is done to jobs, core/engine.h the thread that moves bytes.

   Lock order: settle lock > store's lock > core's lock. The core's lock is never held while another is
   taken or while anything is waited for but the condition that goes with it. */
#ifndef BCJ2_CORE_H
#define BCJ2_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <bcj2/manager.h>
#include "link.h"
#include "log.h"
#include "os.h"
#include "store.h"

struct engine;
struct hosts;
struct listener;

struct core {
    atomic_uint refs;
    uint32_t fork_generation; /* of the process that opened it */
    char *directory;          /* real path */
    struct store *store;
    struct hosts *hosts;
    struct listener *listener; /* callbacks of this process */
    struct link *link;         /* the engine thread's, but at opening and closing */
    atomic_llong
        runner; /* the runner's process id, as the engine last saw it; negative: it is us */
    atomic_llong runner_told; /* the one that a call last told of: get_info, or a wait that ended */
    atomic_bool gone;         /* the queue's folder or database; what is left is to be closed */
    int settle_fd;            /* settle.lock: the same as settle, between processes */
    uint32_t uid;
    bool control_only;
    uint32_t background_slots, foreground_slots;
    uint32_t max_jobs, max_jobs_per_user, max_files_per_job, max_ranges_per_file;
    uint32_t inactivity_s;
    struct log log;
    struct os_mutex *settle; /* one Complete or Cancel at a time moves files */
    /* guarded by lock */
    struct os_mutex *lock;
    struct os_cond *changed; /* a change was committed, or the core closes, or the last call left */
    uint64_t change_count;
    uint32_t calls; /* API calls under way */
    bool closing;
    bool waits_end;   /* it is about to close: calls that wait return, others still work */
    bool interrupted; /* one call of bcj2__core_was_interrupted() is to say so */
    struct engine *engine;
};

/* Opens the queue; the caller holds the one reference. */
bcj2_status bcj2__core_open(const char *directory, const bcj2_manager_options *options,
                            struct core **ret);
/* Ends everything that runs, callbacks first, and closes the queue; drops the reference. Handles that are left keep the
   empty core. */
void bcj2__core_close(struct core *c);
struct core *bcj2__core_ref(struct core *c);
void *bcj2__core_unref(struct core *c); /* returns NULL */

/* Around every API call on a handle: BCJ2_E_CLOSED if the core is closed or this is a forked child. */
bcj2_status bcj2__core_enter(struct core *c);
void bcj2__core_leave(struct core *c);

/* After a commit that changed a job: wakes waiters here and the engine. */
void bcj2__core_changed(struct core *c);
/* The same for a job that was SUSPENDED and still is: nothing can run or stop because of it. */
void bcj2__core_changed_idly(struct core *c);
/* Nothing was changed: the engine is to look whom there is something to tell. */
void bcj2__core_poke(struct core *c);
/* The same as bcj2__core_changed() without the engine, for the engine. */
void bcj2__core_tell(struct core *c);
/* The queue was removed, moved or replaced (bcj2__store_vanished): logs it, the first time, and wakes
   everybody. */
void bcj2__core_gone(struct core *c);
/* Waits until something changes after the count the caller saw, the core closes (BCJ2_E_CLOSED), the
   queue is gone (BCJ2_E_PATH_NOT_FOUND) or deadline_ms comes (BCJ2_S_FALSE; UINT64_MAX: never). */
bcj2_status bcj2__core_wait_change(struct core *c, uint64_t seen, uint64_t deadline_ms);
uint64_t bcj2__core_change_count(struct core *c);
/* Wakes waiters; one of them is told that it was for this. */
void bcj2__core_interrupt(struct core *c);
bool bcj2__core_was_interrupted(struct core *c);
/* Notes who the link says moves the bytes; whoever has the link. True: it is another process (or none, or
   one again) now. */
bool bcj2__core_note_runner(struct core *c);

/* Around what Complete and Cancel do to files: one at a time among all threads of all processes. */
bcj2_status bcj2__core_settle_begin(struct core *c);
void bcj2__core_settle_end(struct core *c);

bcj2_status bcj2__core_info(struct core *c, bcj2_manager_info *ret);

#endif
