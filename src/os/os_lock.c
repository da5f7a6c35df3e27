/* SPDX-License-Identifier: MIT */
/* Locks on whole files that die with the process. Not here: opening lock files (os_open.c), forked
   children that would keep a lock (os_fork.c). */
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_platform.h"

#include <sys/file.h>

bcj2_status bcj2__os_lock(int fd, enum os_lock kind, bool wait)
{
    int operation = (kind == OS_LOCK_SHARED ? LOCK_SH : LOCK_EX) | (wait ? 0 : LOCK_NB);
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.flock(fd, operation));
    if (result == 0) {
        return BCJ2_OK;
    }
    return bcj2__os_fail_fd(errno, "locking", fd);
}

bcj2_status bcj2__os_lock_user_file(int fd, enum os_lock kind)
{
    bcj2_status status = bcj2__os_lock(fd, kind, false);
    return status == BCJ2_E_NOT_SUPPORTED ? BCJ2_OK : status;
}

void bcj2__os_unlock(int fd)
{
    int result = -1;
    /* a lock that stayed would stop all other processes; no system says why it should */
    for (int tries = 0; tries < 3 && result != 0; tries++) {
        REPEAT_INTERRUPTED(result, bcj2__os_calls.flock(fd, LOCK_UN));
    }
}

bcj2_status bcj2__os_has_name(int fd, const char *path, bool *ret)
{
    struct os_stat by_name = {0}, open = {0};
    bcj2_status status = bcj2__os_stat(path, false, &by_name);
    if (status == BCJ2_OK) {
        status = bcj2__os_fstat(fd, path, &open);
    }
    *ret = status == BCJ2_OK && by_name.exists && by_name.inode == open.inode &&
           by_name.device == open.device;
    return status;
}
