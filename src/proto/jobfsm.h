/* SPDX-License-Identifier: MIT */
/* The nine public states of a job and what may happen in them (job-semantics 1.1, 3.2). A pure
   table: who asks must store the answer. Not here: what is done on entering a state
   (core/job_state). */
#ifndef BCJ2_PROTO_JOBFSM_H
#define BCJ2_PROTO_JOBFSM_H

#include <bcj2/types.h>

enum job_event {
    JOB_EV_SUSPEND,      /* the caller */
    JOB_EV_RESUME,       /* the caller; the job has something left to transfer */
    JOB_EV_RESUME_EMPTY, /* the caller; the job has nothing to transfer */
    JOB_EV_CANCEL,       /* the caller, or the inactivity time-out */
    JOB_EV_COMPLETE,     /* the caller; files are in place */
    JOB_EV_NOT_PLACED,   /* a Complete of a download that could not give every file its name */
    JOB_EV_START,        /* the scheduler gives it its turn */
    JOB_EV_CONNECTED,    /* an answer was accepted */
    JOB_EV_YIELD,        /* end of a slice, pre-emption, the manager closes */
    JOB_EV_TRANSIENT,    /* failed, will be tried again */
    JOB_EV_FATAL,        /* failed */
    JOB_EV_RETRY,        /* the retry delay is over, or the network is back */
    JOB_EV_GIVE_UP,      /* no progress for too long */
    JOB_EV_DONE,         /* everything is transferred */
    JOB_EV_RESTART,      /* a manager found the job as another left it */
    JOB_EVENT_COUNT
};

/* The state after the event: BCJ2_OK and *ret_state (may equal state: allowed, nothing to do),
   BCJ2_E_INVALID_STATE, or BCJ2_E_EMPTY (JOB_EV_RESUME_EMPTY). COMPLETE is for upload types:
   TRANSFERRED only. The engine's own events (START and below) in a state where they make no sense
   are BCJ2_E_INVALID_STATE: somebody else moved the job. */
bcj2_status bcj2__jobfsm_step(bcj2_job_type type, bcj2_job_state state, enum job_event event,
                              bcj2_job_state *ret_state);

const char *bcj2__jobfsm_event_name(enum job_event event);

#endif
