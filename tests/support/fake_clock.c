/* SPDX-License-Identifier: MIT */
/* See fake_clock.h. */
#include "fake_clock.h"

#include "os_calls.h"
#include "os_syscall.h"

#include <stdio.h>

static struct fake_clock *faked;
static uint64_t (*real_now_ms)(void);
static int (*real_wall)(struct timespec *ret);
static char boot[40];

static uint64_t now_ms(void)
{
    return (uint64_t)((int64_t)real_now_ms() + atomic_load(&faked->boot_ms));
}

static int wall(struct timespec *ret)
{
    struct timespec t = {0};
    (void)real_wall(&t);
    int64_t ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + atomic_load(&faked->wall_ms);
    ret->tv_sec = (time_t)(ms / 1000);
    ret->tv_nsec = (long)(ms % 1000) * 1000000;
    return 0;
}

static bool boot_id(char *text, size_t size)
{
    return snprintf(text, size, "%s", boot) < (int)size;
}

void fake_clock_install(struct fake_clock *clock)
{
    faked = clock;
    real_now_ms = bcj2__os_calls.now_ms;
    real_wall = bcj2__os_calls.wall;
    (void)bcj2__os_syscall_set("now_ms", (os_function)now_ms);
    (void)bcj2__os_syscall_set("wall", (os_function)wall);
}

void fake_clock_boot(const char *id)
{
    (void)snprintf(boot, sizeof boot, "%s", id);
    (void)bcj2__os_syscall_set("boot_id", (os_function)boot_id);
}

void fake_clock_pass(int64_t seconds)
{
    atomic_fetch_add(&faked->wall_ms, seconds * 1000);
    atomic_fetch_add(&faked->boot_ms, seconds * 1000);
}

void fake_clock_set_wall(int64_t seconds)
{
    atomic_fetch_add(&faked->wall_ms, seconds * 1000);
}

int64_t fake_clock_now_ms(void)
{
    return (int64_t)now_ms();
}

int64_t fake_clock_wall_ms(void)
{
    struct timespec t = {0};
    (void)wall(&t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
