/* SPDX-License-Identifier: MIT */
/* The frame of every call that changes a job: one durable transaction with the job's row as it is now.
   Not here: what is changed (job_set.c, job_files.c, job_reply.c, job_http.c). */
#ifndef BCJ2_CORE_JOB_CHANGE_H
#define BCJ2_CORE_JOB_CHANGE_H

#include "job.h"

/* A change under way: the transaction is open, row is the job as it is now. */
struct change {
    struct core *core;
    struct store_job row;
    bcj2_job_state from; /* its state when the call began */
};

/* Opens it. On failure nothing is open. */
bcj2_status bcj2__change_begin(bcj2_job *job, struct change *ret);
/* The same for a file's job. */
bcj2_status bcj2__change_begin_file(const bcj2_file *file, struct change *ret);
/* R-SET: BCJ2_E_INVALID_STATE for a job that has left the queue. */
bcj2_status bcj2__change_not_final(const struct change *change);
/* Both, for calls whose type and arguments are checked already. */
bcj2_status bcj2__change_begin_set(bcj2_job *job, struct change *ret);
/* Commits if s is a success, else rolls back; frees; tells. Gives back s or the commit's failure. */
bcj2_status bcj2__change_end(struct change *change, bcj2_status s);

#endif
