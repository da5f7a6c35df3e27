/* SPDX-License-Identifier: MIT */
/* errno values as statuses, and the words of a failed call. */
#include "detail.h"
#include "limit.h"
#include "os.h"
#include "os_fail.h"
#include "os_platform.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* A table, not a switch: some of the names are the same number on some systems. */
static const struct {
    int errno_value;
    bcj2_status status;
} table[] = {
    {ENOENT, BCJ2_E_WIN32_FILE_NOT_FOUND},
    {ENOTDIR, BCJ2_E_PATH_NOT_FOUND},
    {EACCES, BCJ2_E_ACCESSDENIED},
    {EPERM, BCJ2_E_ACCESSDENIED},
    {EROFS, BCJ2_E_ACCESSDENIED},
    {ELOOP, BCJ2_E_ACCESSDENIED},
    {EISDIR, BCJ2_E_ACCESSDENIED},
    {EEXIST, BCJ2_E_SHARING_VIOLATION},
    {EBUSY, BCJ2_E_SHARING_VIOLATION},
    {ETXTBSY, BCJ2_E_SHARING_VIOLATION},
    {EWOULDBLOCK, BCJ2_E_LOCK_VIOLATION},
    {ENOSPC, BCJ2_E_DISK_FULL},
    {EDQUOT, BCJ2_E_DISK_FULL},
    {EIO, BCJ2_E_IO_DEVICE},
    {ENAMETOOLONG, BCJ2_E_FILENAME_EXCED_RANGE},
    {ENOMEM, BCJ2_E_OUTOFMEMORY},
    {EINVAL, BCJ2_E_INVALIDARG},
    {ENOTSUP, BCJ2_E_NOT_SUPPORTED},
    {EOPNOTSUPP, BCJ2_E_NOT_SUPPORTED},
    {ENOSYS, BCJ2_E_NOT_SUPPORTED},
    {ETIMEDOUT, BCJ2_E_TIMEOUT},
};

bcj2_status bcj2__os_status(int errno_value)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].errno_value == errno_value) {
            return table[i].status;
        }
    }
    return BCJ2_E_FAIL;
}

bool bcj2__os_unsupported(int errno_value)
{
    return errno_value == EOPNOTSUPP || errno_value == ENOTSUP || errno_value == ENOSYS ||
           errno_value == EINVAL || errno_value == ENOTTY;
}

#define WORDS_BYTES 128 /* kept free behind a long path */

static bcj2_status fail(bcj2_status status, int errno_value, const char *what, va_list args)
    __attribute__((format(printf, 3, 0)));
static bcj2_status fail(bcj2_status status, int errno_value, const char *what, va_list args)
{
    char text[LIMIT_DETAIL_BYTES - WORDS_BYTES];
    char words[WORDS_BYTES - 2];
    (void)vsnprintf(text, sizeof text, what, args);
    bcj2__os_platform_words(errno_value, words, sizeof words);
    return bcj2__detail(status, "%s: %s", text, words);
}

bcj2_status bcj2__os_fail(int errno_value, const char *what, ...)
{
    va_list args;
    va_start(args, what);
    bcj2_status status = fail(bcj2__os_status(errno_value), errno_value, what, args);
    va_end(args);
    return status;
}

bcj2_status bcj2__os_fail_as(bcj2_status status, int errno_value, const char *what, ...)
{
    va_list args;
    va_start(args, what);
    (void)fail(status, errno_value, what, args);
    va_end(args);
    return status;
}

bcj2_status bcj2__os_fail_fd(int errno_value, const char *what, int fd)
{
    char path[LIMIT_DETAIL_BYTES];
    if (!bcj2__os_platform_path_of(fd, path, sizeof path)) {
        return bcj2__os_fail(errno_value, "%s descriptor %d", what, fd);
    }
    return bcj2__os_fail(errno_value, "%s %s", what, path);
}
