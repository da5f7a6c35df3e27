/* SPDX-License-Identifier: MIT */
/* What adding a file means for the reply. */
#ifndef BCJ2_CORE_JOB_REPLY_H
#define BCJ2_CORE_JOB_REPLY_H

#include "job_change.h"

/* The reply of a job without an explicit name goes into the folder of its source: a name is made, if
   the job has a reply and none has a name. */
bcj2_status bcj2__job_prepare_reply(struct change *change, const char *local_name);

#endif
