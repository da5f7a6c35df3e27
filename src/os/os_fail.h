/* SPDX-License-Identifier: MIT */
/* How the files of this floor report a failed call. */
#ifndef BCJ2_OS_FAIL_H
#define BCJ2_OS_FAIL_H

#include <stdbool.h>
#include <bcj2/status.h>
#include "macro.h"

/* Sets the detail "what: errno in words" and returns bcj2__os_status(errno_value). */
bcj2_status bcj2__os_fail(int errno_value, const char *what, ...) PRINTF_LIKE(2, 3);
/* The same with a status of the caller's choice. */
bcj2_status bcj2__os_fail_as(bcj2_status status, int errno_value, const char *what, ...)
    PRINTF_LIKE(3, 4);
/* For a descriptor: "what PATH: errno in words", or the number where the path is unknown. */
bcj2_status bcj2__os_fail_fd(int errno_value, const char *what, int fd);
/* Does it say that the file system, or the kind of file, has no such operation? */
bool bcj2__os_unsupported(int errno_value);

#endif
