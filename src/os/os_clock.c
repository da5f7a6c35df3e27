/* SPDX-License-Identifier: MIT */
/* Clocks and the boot id. */
#include "filetime.h"
#include "guid.h"
#include "os.h"
#include "os_calls.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

_Static_assert(OS_BOOT_ID_SIZE >= BCJ2_GUID_TEXT_SIZE, "a GUID serves as boot id");

uint64_t bcj2__os_now_ms(void)
{
    return bcj2__os_calls.now_ms();
}

bcj2_filetime bcj2__os_wall(void)
{
    struct timespec t = {0};
    (void)bcj2__os_calls.wall(&t);
    return bcj2__filetime_from_unix(t.tv_sec, t.tv_nsec);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char boot_id[OS_BOOT_ID_SIZE];

/* Once: it is asked for with every deadline, and a process never sees another boot. */
static void find_boot_id(void)
{
    if (!bcj2__os_calls.boot_id(boot_id, sizeof boot_id)) {
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
