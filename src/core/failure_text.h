/* SPDX-License-Identifier: MIT */
/* The description in a job's error object: what was being done with which file and which URL, what came
   of it, in numbers. URLs without their query. */
#ifndef BCJ2_CORE_FAILURE_TEXT_H
#define BCJ2_CORE_FAILURE_TEXT_H

#include "classify.h"

enum failure_doing { FAILURE_UPLOADING, FAILURE_FETCHING_REPLY, FAILURE_DOWNLOADING };

/* url NULL: it failed before its first file. detail (may be NULL): the system's words. mem_free; NULL: no
   memory. */
char *bcj2__failure_text(const struct failure *f, enum failure_doing doing, const char *url,
                         const char *local_name, const char *detail);

#endif
