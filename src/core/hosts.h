/* SPDX-License-Identifier: MIT */
/* Servers that could not be reached, so that a dead one holds up nothing but its own jobs: they rest for a
   while that doubles, then one of them tries. Ended by an answer, by another network, by time. Nothing
   of it is stored: a new process finds out anew. Any thread. Not here: the network as a whole
   (network.h), which job runs instead (queue.c). */
#ifndef BCJ2_CORE_HOSTS_H
#define BCJ2_CORE_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

struct hosts;
struct hosts *bcj2__hosts_create(void);     /* NULL: no memory */
void *bcj2__hosts_destroy(struct hosts *h); /* NULL is fine; returns NULL */

/* host as bcj2__url_host() has it; "" is never at rest. */

/* A connection to it could not be made. at_most_ms: when the job that failed tries again, others may too. */
void bcj2__hosts_failed(struct hosts *h, const char *host, uint64_t now_ms, uint64_t at_most_ms);
bool bcj2__hosts_answered(struct hosts *h, const char *host); /* true: its jobs may go on */
void bcj2__hosts_forget(struct hosts *h);                     /* all of them */
/* Until when; 0: it does not rest, or its rest is over. UINT64_MAX: over too, but one job tries already. */
uint64_t bcj2__hosts_rests_until(struct hosts *h, const char *host, uint64_t now_ms);
/* A job (by its token) begins to talk to the host, and has ended: after a rest it is the only one. */
void bcj2__hosts_begin(struct hosts *h, const char *host, uint64_t token);
void bcj2__hosts_end(struct hosts *h, uint64_t token);

#endif
