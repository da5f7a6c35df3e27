/* SPDX-License-Identifier: MIT */
/* One job from beginning to end in a process of its own, and what that process took of memory. */
#ifndef BCJ2_TESTS_JOB_PROCESS_H
#define BCJ2_TESTS_JOB_PROCESS_H

#include <stdint.h>
#include <bcj2/bcj2.h>

/* Opens the queue, uploads source to url as a foreground job of that type, completes it, closes the
   queue. reply: where an upload-reply job's reply goes. Gives back the most memory that the process had
   resident, in KiB; any failure ends the calling process with a message. */
uint64_t job_process_peak(const char *queue, bcj2_job_type type, const char *source,
                          const char *url, const char *reply);

#endif
