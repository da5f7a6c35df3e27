/* SPDX-License-Identifier: MIT */
/* A timer that sleep does not stop. See os.h. Not here: how it is made and set (os_timer_linux.c,
   os_timer_darwin.c). */
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_fork.h"
#include "os_platform.h"

bcj2_status bcj2__os_timer_open(int *ret_fd)
{
    *ret_fd = -1;
    bcj2_status status = bcj2__os_fork_hold();
    if (status != BCJ2_OK) {
        return status;
    }
    *ret_fd = bcj2__os_above_standard(bcj2__os_calls.timer());
    status = *ret_fd < 0 ? bcj2__os_fail(errno, "making a timer") : bcj2__os_fork_own(ret_fd);
    bcj2__os_fork_release();
    return status;
}

bcj2_status bcj2__os_timer_set(int fd, uint64_t due_ms)
{
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.timer_set(fd, due_ms));
    return result == 0 ? BCJ2_OK : bcj2__os_fail(errno, "setting a timer");
}
