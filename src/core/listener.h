/* SPDX-License-Identifier: MIT */
/* The listener of a manager: the callbacks that this process set for jobs, and telling them what happened.
   What is owed to whom stands in the store (notify_store.h); a job's row names the listener that set its
   callbacks last. The engine's thread looks at what was changed and says whose turn it is
   (listener_look.c), threads of the listener or the program's own make the calls (listener_call.c).

   A listener has a number and a lock file of that name, which it holds as long as its process lives: who
   wants to know asks the kernel, nobody has to say that he is still there (listener_lock.c).

   Locks: setting > store's lock; the listener's own lock is held while no other is taken and nobody's code
   is run. Not here: command lines (notify_command.h). */
#ifndef BCJ2_CORE_LISTENER_H
#define BCJ2_CORE_LISTENER_H

#include <bcj2/notify.h>
#include "job.h"

struct listener;

/* by_dispatch: callbacks are only called in bcj2__listener_dispatch(). */
bcj2_status bcj2__listener_create(struct core *c, bool by_dispatch, struct listener **ret);
/* No callback begins any more; returns when the last one has ended. NULL is fine. */
void bcj2__listener_stop(struct listener *l);
/* After it, when no call can set callbacks any more: what is still owed is for others to tell. */
void bcj2__listener_leave(struct listener *l);
/* Destroys what was set; on the caller's thread. NULL is fine; returns NULL. */
void *bcj2__listener_destroy(struct listener *l);

/* callbacks: all members, copied; NULL: none any more. */
bcj2_status bcj2__listener_set(bcj2_job *job, const bcj2_notify_callbacks *callbacks);
/* BCJ2_S_FALSE: none, or not any more. */
bcj2_status bcj2__listener_get(bcj2_job *job, bcj2_notify_callbacks *ret);

/* Engine thread: whom is there something to tell, after what changed or by time? */
void bcj2__listener_look(struct core *c, uint64_t now_ms);
uint64_t bcj2__listener_deadline(struct core *c); /* of the next look; UINT64_MAX: none by time */

bcj2_status bcj2__listener_dispatch(struct core *c);
int bcj2__listener_fd(struct core *c); /* -1: not by dispatch */

/* Does this thread run a callback of this manager, or of this job? */
bool bcj2__listener_inside(const struct core *c);
bool bcj2__listener_inside_job(const bcj2_guid *id);

/* Has that listener's process ended, or closed its manager? Where it cannot be found out it lives: nothing
   is taken from the living. Any process, any number. */
bool bcj2__listener_lives(struct core *c, uint64_t number);
/* Removes the file of one that does not live; of all of them, also those that no job names any more. */
void bcj2__listener_bury(struct core *c, uint64_t number);
void bcj2__listener_bury_all(struct core *c);

#endif
