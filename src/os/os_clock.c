/* SPDX-License-Identifier: MIT */
/* Clocks and the boot id. */
#include "filetime.h"
#include "os.h"
#include "os_platform.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

uint64_t bcj2__os_now_ms(void)
{
    return bcj2__os_platform_now_ms();
}

bcj2_filetime bcj2__os_wall(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return bcj2__filetime_from_unix(t.tv_sec, t.tv_nsec);
}

void bcj2__os_boot_id(char text[OS_BOOT_ID_SIZE])
{
    if (bcj2__os_platform_boot_id(text, OS_BOOT_ID_SIZE)) {
        return;
    }
    /* The second of the boot. When somebody sets the clock, it looks like another boot: then less
       is believed of what was saved, which costs time and no data. */
    int64_t booted =
        bcj2__filetime_to_unix(bcj2__os_wall()) - (int64_t)(bcj2__os_platform_now_ms() / 1000);
    (void)snprintf(text, OS_BOOT_ID_SIZE, "booted-at-%" PRId64, booted);
}
