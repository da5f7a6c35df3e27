/* SPDX-License-Identifier: MIT */
/* See temp_file.h. */
#include "temp_file.h"

bcj2_status bcj2__temp_file_open(const char *path, int *ret_fd)
{
    struct os_stat st = {0};
    int fd = -1;
    *ret_fd = -1;
    bcj2_status s = bcj2__os_create(path, &fd);
    if (s == BCJ2_E_SHARING_VIOLATION) {
        s = bcj2__os_reopen(path, &fd, &st);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__os_close_in_child(fd); /* with the lock, which a copy would keep */
    if (BCJ2_FAILED(s)) {
        (void)bcj2__os_close(fd);
        return s;
    }
    s = bcj2__os_lock_user_file(fd, OS_LOCK_SHARED);
    if (BCJ2_FAILED(s)) {
        bcj2__temp_file_close(&fd);
        return s;
    }
    *ret_fd = fd;
    return BCJ2_OK;
}

void bcj2__temp_file_unlock(int fd)
{
    if (fd >= 0) {
        bcj2__os_unlock(fd);
    }
}

void bcj2__temp_file_close(int *fd)
{
    if (*fd >= 0) {
        bcj2__os_unlock(*fd);
        bcj2__os_close_in_child_no_more(*fd);
        (void)bcj2__os_close(*fd);
        *fd = -1;
    }
}
