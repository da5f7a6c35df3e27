/* SPDX-License-Identifier: MIT */
/* How often the threads of other processes were woken: their context switches, from /proc. Not here: what
   a process that is awake costs (tests/bench). */
#ifndef BCJ2_TESTS_WAKEUPS_H
#define BCJ2_TESTS_WAKEUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct wakeups {
    uint64_t switches, threads;
};

/* False: not on this system, or not in this build; says why on standard output. */
bool wakeups_are_counted(void);
/* Of all these processes together. */
struct wakeups wakeups_of(const pid_t pids[], size_t count);
/* Waits until they have come to rest: what was told to others before one's own turn ended is done, and all
   else that began. Fails the test if they do not within 20 s. */
struct wakeups wakeups_settled(const pid_t pids[], size_t count);
void wakeups_pass(long milliseconds);

#endif
