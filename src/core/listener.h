/* SPDX-License-Identifier: MIT */
/* Listeners: processes that have callbacks for jobs. Each has a number, and as long as it lives it holds
   the lock on a file of that name in the queue's directory: who wants to know asks the kernel, nobody has
   to say that he is still there. */
#ifndef BCJ2_CORE_LISTENER_H
#define BCJ2_CORE_LISTENER_H

#include "core.h"

/* Has that listener's process ended, or closed its manager? Where it cannot be found out it lives: nothing
   is taken from the living. Any process, any number. */
bool bcj2__listener_lives(struct core *c, uint64_t number);
/* Removes the file of one that does not live. */
void bcj2__listener_bury(struct core *c, uint64_t number);

#endif
