/* SPDX-License-Identifier: MIT */
/* The files that an event has in the queue directory while a program is told of it: its lock, and what the
   program is to read, which has a name for a moment only. Not here: the lock itself (notify_command.c). */
#ifndef BCJ2_CORE_NOTIFY_FILES_H
#define BCJ2_CORE_NOTIFY_FILES_H

#include "core.h"

/* NULL: no memory. what: "lock" or "input". mem_free. */
char *bcj2__notify_files_path(const struct core *c, int64_t event_seq, const char *what);
/* Both, of an event that nobody is told of any more. */
void bcj2__notify_files_remove(const struct core *c, int64_t event_seq);
/* Those of all events that are over or forgotten: left by who was killed. For who becomes the runner. */
void bcj2__notify_files_sweep(struct core *c);

#endif
