/* SPDX-License-Identifier: MIT */
/* The description in a job's error object: what was being done with which file and which URL, what came
   of it, in numbers. URLs without their query. */
#ifndef BCJ2_CORE_FAILURE_TEXT_H
#define BCJ2_CORE_FAILURE_TEXT_H

#include "classify.h"

/* reply_temp NULL: the upload failed, else the reply. detail (may be NULL): the system's words.
   mem_free; NULL: no memory. */
char *bcj2__failure_text(const struct failure *f, const char *url, const char *local_name,
                         const char *reply_temp, const char *detail);

#endif
