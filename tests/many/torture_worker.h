/* SPDX-License-Identifier: MIT */
/* What the parts of the program torture_worker share. */
#ifndef BCJ2_TESTS_TORTURE_WORKER_H
#define BCJ2_TESTS_TORTURE_WORKER_H

#include "torture_calls.h"

#define TORTURE_SOURCES 5u /* source-0 … */

/* Resumes and completes until the queue is empty; a job that never got a file is cancelled. */
int torture_finish(struct worker *w);
/* To standard output: "job ID STATE TYPE PRIORITY TAG DESCRIBED REPLY_NAME" for each row ("-": none),
   "farewells N", "integrity ok". Nothing but SQLite opens the database in this process. */
int torture_rows(struct worker *w);

#endif
