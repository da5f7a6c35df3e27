/* SPDX-License-Identifier: MIT */
/* A program that is told of events, as a test wants it: a script in the test's folder (queue.h), what it
   left there, and its steps in time with the test's. Jobs are copies within that folder, which need no
   server. Not here: processes of the library (queue.h, many.h). */
#ifndef BCJ2_TESTS_TOLD_H
#define BCJ2_TESTS_TOLD_H

#include "queue.h"

#include <stdint.h>

/* Makes the script "told" and what it needs. It begins in the test's folder, notes in "runs" that it was
   started and in "overlaps" if another one runs; then comes the body, a line at least. In it can stand:
       pass    tells told_await_start(), waits for told_release()
       leave N ends with that status */
void told_make(const char *body);
/* The script's path and, as parameters, its name in two words. */
void told_set(bcj2_job *job);
/* A copy that succeeds, or one that fails; not resumed. */
bcj2_job *told_job(bool fails);
/* The same with a script, told, and resumed; its retry delay is delay_s. */
bcj2_job *told_resumed(bool fails, const char *body, uint32_t delay_s);

void told_await_start(void);
void told_release(unsigned times);
size_t told_runs(void);     /* lines in "runs" */
bool told_overlapped(void); /* two ran at once */

/* The job's first event with a number above `after`, but for those of files; waited for. */
bcj2_event told_event(bcj2_job *job, uint64_t after);
/* Until the first event of the job has that result, and so many attempts at least. */
bcj2_event told_await(bcj2_job *job, int32_t result, uint64_t attempts);

/* Opens the queue with a log that told_await_log() waits for. */
void told_open(void);
/* Until a line with that part came; those up to it are forgotten. */
void told_await_log(const char *part);

#endif
