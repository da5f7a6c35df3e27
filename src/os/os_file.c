/* SPDX-License-Identifier: MIT */
/* Reading, writing, syncing, moving and removing files. Not here: opening them (os_open.c). */
#include "detail.h"
#include "mem.h"
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_platform.h"

#include <fcntl.h>
#include <sys/stat.h>

#define LARGEST_TRANSFER ((size_t)1 << 30) /* macOS refuses what does not fit an int */

_Static_assert(sizeof(off_t) == sizeof(int64_t), "files of any size");

/* Is there an off_t for the end? */
static bool fits(uint64_t offset, size_t size)
{
    return offset <= INT64_MAX && size <= INT64_MAX - offset;
}

bcj2_status bcj2__os_pread(int fd, void *data, size_t size, uint64_t offset, size_t *ret_read)
{
    *ret_read = 0;
    if (!fits(offset, size)) {
        return bcj2__os_fail_fd(EINVAL, "reading", fd);
    }
    while (*ret_read < size) {
        ssize_t n;
        REPEAT_INTERRUPTED(n, bcj2__os_calls.pread(fd, (char *)data + *ret_read,
                                                   MIN(size - *ret_read, LARGEST_TRANSFER),
                                                   (off_t)(offset + *ret_read)));
        if (n < 0) {
            return bcj2__os_fail_fd(errno, "reading", fd);
        }
        if (n == 0) {
            break;
        }
        *ret_read += (size_t)n;
    }
    return BCJ2_OK;
}

bcj2_status bcj2__os_pwrite(int fd, const void *data, size_t size, uint64_t offset)
{
    if (!fits(offset, size)) {
        return bcj2__os_fail_fd(EINVAL, "writing", fd);
    }
    for (size_t done = 0; done < size;) {
        ssize_t n;
        REPEAT_INTERRUPTED(n, bcj2__os_calls.pwrite(fd, (const char *)data + done,
                                                    MIN(size - done, LARGEST_TRANSFER),
                                                    (off_t)(offset + done)));
        if (n <= 0) { /* 0 is not progress; it would go on for ever */
            return bcj2__os_fail_fd(n < 0 ? errno : EIO, "writing", fd);
        }
        done += (size_t)n;
    }
    return BCJ2_OK;
}

bcj2_status bcj2__os_truncate(int fd, uint64_t size)
{
    if (!fits(size, 0)) {
        return bcj2__os_fail_fd(EINVAL, "changing the size of", fd);
    }
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.ftruncate(fd, (off_t)size));
    return result == 0 ? BCJ2_OK : bcj2__os_fail_fd(errno, "changing the size of", fd);
}

bcj2_status bcj2__os_preallocate(int fd, uint64_t size)
{
    if (!fits(size, 0)) {
        return bcj2__os_fail_fd(EINVAL, "reserving space for", fd);
    }
    if (size == 0) {
        return BCJ2_OK;
    }
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.fallocate(fd, (off_t)size));
    return result == 0 || bcj2__os_unsupported(errno)
               ? BCJ2_OK
               : bcj2__os_fail_fd(errno, "reserving space for", fd);
}

bcj2_status bcj2__os_sync(int fd)
{
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.fdatasync(fd));
    if (result != 0 && bcj2__os_unsupported(errno)) {
        REPEAT_INTERRUPTED(result, bcj2__os_calls.fsync(fd));
    }
    return result == 0 ? BCJ2_OK : bcj2__os_fail_fd(errno, "syncing", fd);
}

bcj2_status bcj2__os_sync_folder_of(const char *path)
{
    CLEANUP_FREE char *folder = bcj2__os_folder_of(path);
    if (folder == NULL) {
        return bcj2__detail_no_memory();
    }
    int fd;
    bcj2_status status = bcj2__os_open_read(folder, &fd);
    if (status != BCJ2_OK) {
        return status;
    }
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_platform_sync_folder(fd));
    if (result != 0 && !bcj2__os_unsupported(errno)) {
        status = bcj2__os_fail(errno, "syncing the folder %s", folder);
    }
    bcj2__os_close(fd);
    return status;
}

bcj2_status bcj2__os_rename(const char *from, const char *to)
{
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.rename(from, to));
    if (result == 0) {
        return BCJ2_OK;
    }
    int error = errno;
    if (error == EISDIR || error == EEXIST || error == ENOTEMPTY) {
        return bcj2__os_fail_as(BCJ2_E_ACCESSDENIED, error, "renaming %s to %s", from, to);
    }
    return bcj2__os_fail(error, "renaming %s to %s", from, to);
}

bcj2_status bcj2__os_link(const char *from, const char *to)
{
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.link(from, to));
    return result == 0 ? BCJ2_OK : bcj2__os_fail(errno, "linking %s to %s", from, to);
}

bcj2_status bcj2__os_unlink(const char *path)
{
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.unlink(path));
    return result == 0 || errno == ENOENT || errno == ENOTDIR
               ? BCJ2_OK
               : bcj2__os_fail(errno, "removing %s", path);
}

static mode_t process_umask(void)
{
    mode_t mask;
    if (!bcj2__os_platform_umask(&mask)) {
        /* It can only be read by setting it; what another thread creates in between is private
           rather than open to all. */
        mask = umask(077);
        (void)umask(mask);
    }
    return mask;
}

/* The file is our own: who does not let us is a file system that has no modes or times (FAT, say). */
static bool has_none(int errno_value)
{
    return errno_value == EPERM || bcj2__os_unsupported(errno_value);
}

bcj2_status bcj2__os_chmod_by_umask(int fd)
{
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.fchmod(fd, 0666 & ~process_umask()));
    return result == 0 || has_none(errno) ? BCJ2_OK
                                          : bcj2__os_fail_fd(errno, "setting the mode of", fd);
}

bcj2_status bcj2__os_set_mtime(int fd, int64_t mtime_s, int32_t mtime_ns)
{
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = (time_t)mtime_s, .tv_nsec = mtime_ns},
    };
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.futimens(fd, times));
    return result == 0 || has_none(errno) ? BCJ2_OK
                                          : bcj2__os_fail_fd(errno, "setting the time of", fd);
}
