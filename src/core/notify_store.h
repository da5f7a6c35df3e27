/* SPDX-License-Identifier: MIT */
/* Events from their beginning to their end, as rows: they begin in the transaction of the change that
   causes them, and whose turn it is to be told follows from proto/notify.h. All of this is called inside a
   transaction.

   A job's event is taken by whoever the row says, and by nobody else: NOTIFY_CALLBACK by the process whose
   listener number the job has (listener.h), NOTIFY_COMMAND by the one that moves the bytes
   (notify_command.h). Both learn of it as of any other change. */
#ifndef BCJ2_CORE_NOTIFY_STORE_H
#define BCJ2_CORE_NOTIFY_STORE_H

#include "core.h"
#include "store_event.h"

/* The job went from a state to another. */
bcj2_status bcj2__notify_entered(struct core *c, int64_t seq, bcj2_job_state from,
                                 bcj2_job_state to);
/* A file of it was transferred; noted only if somebody wants to know. */
bcj2_status bcj2__notify_file(struct core *c, int64_t seq, uint32_t index);
/* Its flags, callbacks or command line are others than before. */
bcj2_status bcj2__notify_channels_changed(struct core *c, int64_t seq);
/* `turn` has had an event. BCJ2_S_FALSE: it is not owed (to it) any more, nothing was written. */
bcj2_status bcj2__notify_had(struct core *c, int64_t event_seq, enum notify_turn turn,
                             enum notify_result result, uint64_t now_ms);

#endif
