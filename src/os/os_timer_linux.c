/* SPDX-License-Identifier: MIT */
/* The timer by a timerfd on the clock that os_linux.c tells the time by. See os_timer.c. It needs no
   right to wake the machine up, and does not: what came due is told when the machine wakes. */
#include "os_platform.h"

#include <sys/timerfd.h>
#include <time.h>

int bcj2__os_platform_timer(void)
{
    return timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
}

/* Setting it also forgets that it was due, so nobody has to read it. */
int bcj2__os_platform_timer_set(int fd, uint64_t due_ms)
{
    struct itimerspec due = {0}; /* all zero: never */
    if (due_ms != UINT64_MAX) {
        due.it_value.tv_sec = (time_t)(due_ms / 1000);
        due.it_value.tv_nsec = due_ms == 0 ? 1 : (long)(due_ms % 1000) * 1000000;
    }
    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &due, NULL);
}
