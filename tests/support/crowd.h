/* SPDX-License-Identifier: MIT */
/* A queue with a great many jobs, made in one transaction of the store: through the API each would be
   synced. For the tests and benchmarks of large queues. */
#ifndef BCJ2_TESTS_CROWD_H
#define BCJ2_TESTS_CROWD_H

#include <stdint.h>
#include <bcj2/bcj2.h>

struct crowd {
    uint32_t count;
    bcj2_job_type type;
    bcj2_job_state state;
    bcj2_job_priority priority;
    const char *url, *local_name; /* of each job's one file */
    bcj2_filetime modified;       /* 0: now */
};

/* Adds the jobs to the queue in that directory, which must exist. Any failure ends the process with a
   message. Jobs in TRANSIENT_ERROR are due in an hour; those that are TRANSFERRED have temporary names. */
void crowd_add(const char *directory, const struct crowd *crowd);

#endif
