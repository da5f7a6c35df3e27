/* SPDX-License-Identifier: MIT */
/* Clocks and the boot id. */
#include "filetime.h"
#include "guid.h"
#include "os.h"
#include "os_platform.h"
#include "os_syscall.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

_Static_assert(OS_BOOT_ID_SIZE >= BCJ2_GUID_TEXT_SIZE, "a GUID serves as boot id");

uint64_t bcj2__os_clock_real_now_ms(void)
{
    return bcj2__os_platform_now_ms();
}

uint64_t bcj2__os_clock_real_wall(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return bcj2__filetime_from_unix(t.tv_sec, t.tv_nsec);
}

static struct {
    uint64_t (*now_ms)(void);
    uint64_t (*wall)(void);
} clocks = {bcj2__os_clock_real_now_ms, bcj2__os_clock_real_wall};

void bcj2__os_clock_set(uint64_t (*now_ms)(void), uint64_t (*wall)(void))
{
    clocks.now_ms = now_ms != NULL ? now_ms : bcj2__os_clock_real_now_ms;
    clocks.wall = wall != NULL ? wall : bcj2__os_clock_real_wall;
}

uint64_t bcj2__os_now_ms(void)
{
    return clocks.now_ms();
}

bcj2_filetime bcj2__os_wall(void)
{
    return clocks.wall();
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char boot_id[OS_BOOT_ID_SIZE];

/* Once: it is asked for with every deadline, and a process never sees another boot. */
static void find_boot_id(void)
{
    if (!bcj2__os_platform_boot_id(boot_id, sizeof boot_id)) {
        /* One of this process. To others and to the next process it looks like another boot: then
           less is believed of what was saved, which costs time and no data. */
        bcj2_guid id = bcj2__guid_random();
        bcj2__guid_format(&id, boot_id);
    }
}

void bcj2__os_boot_id(char text[OS_BOOT_ID_SIZE])
{
    (void)pthread_once(&once, find_boot_id);
    memcpy(text, boot_id, OS_BOOT_ID_SIZE);
}
