/* SPDX-License-Identifier: MIT */
/* The timer by a kqueue with one timer event on the clock that os_darwin.c tells the time by. See
   os_timer.c. A forked child does not get a kqueue; that it is an own descriptor all the same costs the
   child a close() of what is not open. */
#include "os_platform.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/mach_time.h>
#include <sys/event.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define THE_TIMER 1

int bcj2__os_platform_timer(void)
{
    int fd = kqueue();
    if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Rounded up, so that bcj2__os_platform_now_ms() is there when it is due; INT64_MAX is in centuries. */
static int64_t ticks_of(uint64_t ms)
{
    mach_timebase_info_data_t base;
    (void)mach_timebase_info(&base);
    if (ms > (uint64_t)INT64_MAX / 1000000) {
        return INT64_MAX;
    }
    uint64_t ns = ms * 1000000;
    uint64_t rest = ns % base.numer * base.denom + base.numer - 1;
    if (ns / base.numer > ((uint64_t)INT64_MAX - rest) / base.denom) {
        return INT64_MAX;
    }
    return (int64_t)(ns / base.numer * base.denom + rest / base.numer);
}

/* Taken out first: an event that nobody has fetched would stay. */
int bcj2__os_platform_timer_set(int fd, uint64_t due_ms)
{
    struct kevent change;
    EV_SET(&change, THE_TIMER, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
    if (kevent(fd, &change, 1, NULL, 0, NULL) != 0 && errno != ENOENT) {
        return -1;
    }
    if (due_ms == UINT64_MAX) {
        return 0;
    }
    EV_SET(&change, THE_TIMER, EVFILT_TIMER, EV_ADD | EV_ONESHOT,
           NOTE_ABSOLUTE | NOTE_MACHTIME | NOTE_MACH_CONTINUOUS_TIME, ticks_of(due_ms), NULL);
    return kevent(fd, &change, 1, NULL, 0, NULL);
}
