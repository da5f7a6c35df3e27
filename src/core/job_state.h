/* SPDX-License-Identifier: MIT */
/* The one place that moves a job from state to state: asks proto/jobfsm, writes compare-and-set, keeps
   what belongs to a state (next attempt, error, retry series) in step. Inside a transaction of the
   caller, but for bcj2__job_state_restart(). */
#ifndef BCJ2_CORE_JOB_STATE_H
#define BCJ2_CORE_JOB_STATE_H

#include "core.h"
#include "jobfsm.h"

/* job is the row as it was read in this transaction; its state (and what goes with it) is updated.
   BCJ2_OK: allowed (also if nothing changed); BCJ2_E_INVALID_STATE, BCJ2_E_EMPTY: not allowed, detail
   set; or a status of the store. */
bcj2_status bcj2__job_state_move(struct core *c, struct store_job *job, enum job_event event);

/* The same for the engine, which knows only what it believes: BCJ2_S_FALSE if somebody else moved the
   job. *believed is updated. For events that carry nothing but the state. */
bcj2_status bcj2__job_state_move_believed(struct core *c, int64_t seq, bcj2_job_type type,
                                          bcj2_job_state *believed, enum job_event event);

/* After opening: what another process left running is QUEUED again, in the old order. unclean: it did not
   end in order, and these jobs may have been why. */
bcj2_status bcj2__job_state_restart(struct core *c, bool unclean);

/* A job whose rows cannot be read (status, and the detail that is set): to ERROR with it, so that the
   others go on. */
bcj2_status bcj2__job_state_poison(struct core *c, int64_t seq, bcj2_status status);

#endif
