/* SPDX-License-Identifier: MIT */
/* What the files of Complete and Cancel share: settle.c (the calls, and what a kill left), settle_reply.c
   (the reply of an upload-reply job), settle_files.c (the files of a download). With the settle lock held;
   outside a transaction. */
#ifndef BCJ2_CORE_SETTLE_PARTS_H
#define BCJ2_CORE_SETTLE_PARTS_H

#include "settle.h"

/* Renames the reply's temporary file; an empty reply is made. Repeats nothing that was done before. */
bcj2_status bcj2__settle_place_reply(struct core *c, struct store_job *job);
/* BCJ2_S_UNABLE_TO_DELETE_FILES: it is still there (logged). */
bcj2_status bcj2__settle_forget_reply(struct core *c, struct store_job *job);

/* Gives each file that is transferred its name, in their order, until one cannot have it. */
bcj2_status bcj2__settle_place_files(struct core *c, int64_t seq);
/* Removes what temporary files there are left. BCJ2_S_UNABLE_TO_DELETE_FILES: not all (logged). */
bcj2_status bcj2__settle_forget_files(struct core *c, int64_t seq);

#endif
