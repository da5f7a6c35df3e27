/* SPDX-License-Identifier: MIT */
/* Complete and Cancel: what they do to files, in the caller's thread, one at a time per manager (the
   settle lock). Each step is stored before it is done, so that a kill between any two leaves something
   that the next call, or the next process, finishes. */
#ifndef BCJ2_CORE_SETTLE_H
#define BCJ2_CORE_SETTLE_H

#include "job.h"

bcj2_status bcj2__settle_complete(bcj2_job *job);
bcj2_status bcj2__settle_cancel(struct core *c, int64_t seq);

/* The temporary file of a job's reply: beside the reply's name, hidden, from the job's id. mem_free. */
char *bcj2__settle_temp_name(const struct store_job *job);

/* The temporary file of a download's file, likewise beside its local name
   (or, of an upload to this machine, its target). mem_free. */
char *bcj2__settle_file_temp_name(const bcj2_guid *job, const char *beside, uint32_t index);

/* At opening: temporary files of jobs that ended just before a kill. Failures are logged. */
void bcj2__settle_leftovers(struct core *c);

/* A goodbye row for a job that leaves its session behind; nothing if it has none. Inside a transaction. */
bcj2_status bcj2__settle_farewell(struct core *c, const struct store_job *job,
                                  const char *remote_name, const struct bup_saved *bup,
                                  enum bup_packet packet);

#endif
