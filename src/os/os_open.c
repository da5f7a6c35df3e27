/* SPDX-License-Identifier: MIT */
/* Looking at files and opening them: whose file it is and of what kind decides, and nothing that is
   opened can block. Not here: reading, writing and moving (os_file.c). */
#include "detail.h"
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_fork.h"
#include "os_platform.h"

#include <fcntl.h>
#include <unistd.h>

static struct os_stat stat_of(const struct stat *s)
{
    return (struct os_stat){
        .exists = true,
        .is_regular = S_ISREG(s->st_mode),
        .is_directory = S_ISDIR(s->st_mode),
        .is_symlink = S_ISLNK(s->st_mode),
        .size = (uint64_t)s->st_size,
        .mtime_s = (int64_t)s->st_mtime,
        .mtime_ns = bcj2__os_platform_mtime_ns(s),
        .device = (uint64_t)s->st_dev,
        .inode = (uint64_t)s->st_ino,
        .uid = (uint32_t)s->st_uid,
        .mode = (uint32_t)(s->st_mode & 07777),
        .links = (uint32_t)s->st_nlink,
    };
}

bcj2_status bcj2__os_stat(const char *path, bool follow, struct os_stat *ret)
{
    *ret = (struct os_stat){.exists = false};
    struct stat s;
    int result;
    REPEAT_INTERRUPTED(result,
                       follow ? bcj2__os_calls.stat(path, &s) : bcj2__os_calls.lstat(path, &s));
    if (result == 0) {
        *ret = stat_of(&s);
        return BCJ2_OK;
    }
    return errno == ENOENT || errno == ENOTDIR ? BCJ2_OK
                                               : bcj2__os_fail(errno, "looking at %s", path);
}

bcj2_status bcj2__os_fstat(int fd, const char *path, struct os_stat *ret)
{
    *ret = (struct os_stat){.exists = false};
    struct stat s;
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.fstat(fd, &s));
    if (result != 0) {
        return bcj2__os_fail(errno, "looking at %s", path);
    }
    *ret = stat_of(&s);
    return BCJ2_OK;
}

int bcj2__os_above_standard(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = errno;
    bcj2__os_close(fd);
    errno = error;
    return higher;
}

/* open() with what all our descriptors have; -1 and errno. */
static int open_quietly(const char *path, int flags)
{
    int fd;
    REPEAT_INTERRUPTED(fd,
                       bcj2__os_calls.open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600));
    return bcj2__os_above_standard(fd);
}

static bcj2_status not_regular(const char *path, const struct os_stat *s)
{
    return bcj2__detail(BCJ2_E_ACCESSDENIED, "%s is %s, not a regular file", path,
                        s->is_directory ? "a directory"
                        : s->is_symlink ? "a symbolic link"
                                        : "a device, FIFO or socket");
}

/* open() with O_NOFOLLOW failed. The error of a link, socket or device says little; what it is says
   more. */
static bcj2_status not_opened(const char *path, int errno_value)
{
    struct os_stat s;
    if (bcj2__os_stat(path, false, &s) == BCJ2_OK && s.exists && !s.is_regular) {
        return not_regular(path, &s);
    }
    return bcj2__os_fail(errno_value, "opening %s", path);
}

bcj2_status bcj2__os_open_source(const char *path, int *ret_fd, struct os_stat *ret_stat)
{
    *ret_fd = -1;
    /* Looked at before as well: merely opening a device can do something. */
    bcj2_status status = bcj2__os_stat(path, true, ret_stat);
    if (status != BCJ2_OK) {
        return status;
    }
    if (ret_stat->exists && !ret_stat->is_regular) {
        return not_regular(path, ret_stat);
    }
    int fd = open_quietly(path, O_RDONLY);
    if (fd < 0) {
        return bcj2__os_fail(errno, "opening %s", path);
    }
    status = bcj2__os_fstat(fd, path, ret_stat);
    if (status == BCJ2_OK && !ret_stat->is_regular) {
        status = not_regular(path, ret_stat);
    }
    if (status != BCJ2_OK) {
        bcj2__os_close(fd);
        return status;
    }
    *ret_fd = fd;
    return BCJ2_OK;
}

bcj2_status bcj2__os_create(const char *path, int *ret_fd)
{
    *ret_fd = open_quietly(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
    return *ret_fd >= 0 ? BCJ2_OK : bcj2__os_fail(errno, "creating %s", path);
}

/* Is it what bcj2__os_create() made? The mode is not asked: it changes on Complete, and a crash can
   come between that and the rename. */
static bcj2_status check_ours(const char *path, const struct os_stat *s)
{
    if (!s->is_regular) {
        return not_regular(path, s);
    }
    if (s->uid != bcj2__os_uid()) {
        return bcj2__detail(BCJ2_E_ACCESSDENIED, "%s belongs to user %u, not to user %u", path,
                            s->uid, bcj2__os_uid());
    }
    if (s->links != 1) {
        return bcj2__detail(BCJ2_E_ACCESSDENIED, "%s has %u hard links instead of one", path,
                            s->links);
    }
    return BCJ2_OK;
}

bcj2_status bcj2__os_reopen(const char *path, int *ret_fd, struct os_stat *ret_stat)
{
    *ret_fd = -1;
    *ret_stat = (struct os_stat){.exists = false};
    int fd = open_quietly(path, O_RDWR | O_NOFOLLOW);
    if (fd < 0) {
        return not_opened(path, errno);
    }
    bcj2_status status = bcj2__os_fstat(fd, path, ret_stat);
    if (status == BCJ2_OK) {
        status = check_ours(path, ret_stat);
    }
    if (status != BCJ2_OK) {
        bcj2__os_close(fd);
        return status;
    }
    *ret_fd = fd;
    return BCJ2_OK;
}

bcj2_status bcj2__os_open_read(const char *path, int *ret_fd)
{
    *ret_fd = open_quietly(path, O_RDONLY);
    return *ret_fd >= 0 ? BCJ2_OK : bcj2__os_fail(errno, "opening %s", path);
}

bcj2_status bcj2__os_lock_open(const char *path, int *ret_fd)
{
    *ret_fd = -1;
    int fd = open_quietly(path, O_RDWR | O_CREAT | O_NOFOLLOW);
    if (fd < 0) {
        return not_opened(path, errno);
    }
    struct os_stat s;
    bcj2_status status = bcj2__os_fstat(fd, path, &s);
    if (status == BCJ2_OK && !s.is_regular) {
        status = not_regular(path, &s);
    }
    if (status != BCJ2_OK) {
        bcj2__os_close(fd);
        return status;
    }
    *ret_fd = fd;
    return BCJ2_OK;
}

bcj2_status bcj2__os_lock_open_own(const char *path, int *ret_fd)
{
    bcj2_status status = bcj2__os_fork_hold();
    if (status != BCJ2_OK) {
        *ret_fd = -1;
        return status;
    }
    status = bcj2__os_lock_open(path, ret_fd);
    if (status == BCJ2_OK) {
        status = bcj2__os_fork_own(ret_fd);
    }
    bcj2__os_fork_release();
    return status;
}

bcj2_status bcj2__os_touch(const char *path)
{
    int fd = open_quietly(path, O_WRONLY | O_CREAT | O_NOFOLLOW);
    if (fd < 0) {
        return not_opened(path, errno);
    }
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.futimens(fd, NULL));
    bcj2_status status = result == 0 ? BCJ2_OK : bcj2__os_fail(errno, "touching %s", path);
    bcj2__os_close(fd);
    return status;
}

void *bcj2__os_close(int fd)
{
    /* After EINTR the descriptor is gone on Linux and macOS; closing again could hit another. */
    if (fd >= 0) {
        (void)bcj2__os_calls.close(fd);
    }
    return NULL;
}
