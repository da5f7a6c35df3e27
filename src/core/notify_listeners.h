/* SPDX-License-Identifier: MIT */
/* Callbacks of processes that are gone: whoever moves the bytes takes them from their jobs, so that what is
   owed goes to the command line. A process may end between the change and our word of it, and its lock a
   moment after its connection; so each reason to look leads to several looks. Engine thread only. Not here:
   whether one lives (listener.h). */
#ifndef BCJ2_CORE_NOTIFY_LISTENERS_H
#define BCJ2_CORE_NOTIFY_LISTENERS_H

#include "engine_priv.h"

/* There is a reason to look: another process is gone, or this one moves the bytes now. */
void bcj2__listeners_suspect(struct engine *e);
/* In a turn of the runner's: looks if it is time. */
void bcj2__listeners_look(struct engine *e);

#endif
