/* SPDX-License-Identifier: MIT */
/* The programs that are started for events of jobs (job-semantics 5.4), by the process that moves the
   bytes. An event is marked as running in a durable transaction before its program is started, and what
   came of it is stored in another; what happens in between to this process is seen by the next one that
   moves the bytes, from the mark and from the lock on a file of the event's, which the program holds
   until it ends, whatever became of who started it. Engine thread only.

   Not here: the program itself (notify_program.h), what files an event has (notify_files.h), whose turn an event is (notify_store.h). */
#ifndef BCJ2_CORE_NOTIFY_COMMAND_H
#define BCJ2_CORE_NOTIFY_COMMAND_H

#include "engine_priv.h"

/* What ended is stored. Each turn. */
void bcj2__commands_hear(struct engine *e);
/* Marks what is due, as many as may run; of a process that moved the bytes before, what it left. */
void bcj2__commands_look(struct engine *e);
/* After the commit: starts what was marked, forgets what was stored. */
void bcj2__commands_act(struct engine *e);
/* The turn's transaction was lost. */
void bcj2__commands_undo(struct engine *e);
/* What tells that programs have ended; at most LIMIT_NOTIFY_COMMANDS. */
size_t bcj2__commands_fds(const struct engine *e, struct net_fd *fds);
/* What runs goes on, and is seen to by who moves the bytes next. */
void bcj2__commands_leave_all(struct engine *e);

#endif
