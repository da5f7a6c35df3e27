/* SPDX-License-Identifier: MIT */
/* The engine: the one thread of a manager that moves bytes. It runs in turns: what happened (transfers,
   disk, calls of others) goes through the machines into one transaction; when that is committed, what
   the machines asked for is done; then it sleeps until something happens. Persist, act, tell.

   Waiting jobs are rows, not memory: the engine holds the running ones only (drive.h). */
#ifndef BCJ2_CORE_ENGINE_H
#define BCJ2_CORE_ENGINE_H

#include "core.h"

bcj2_status bcj2__engine_start(struct core *c, struct engine **ret);
/* Running jobs go back to QUEUED, due goodbyes are given a moment. Waits; NULL is fine. */
void bcj2__engine_stop(struct engine *e);
/* Any thread: something was changed in the store. */
void bcj2__engine_wake(struct engine *e);
/* Any thread: the same, but for what is not transferred and does not wait for it either: the other
   processes are told, nobody is scheduled. */
void bcj2__engine_ring(struct engine *e);
/* Any thread: nothing was changed, but the listener may have something to look at. */
void bcj2__engine_poke(struct engine *e);

#endif
