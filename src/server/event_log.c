/* SPDX-License-Identifier: MIT */
/* See event_log.h. */
#include "event_log.h"
#include "limit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

bool event_log_open(struct event_log *log, const char *path)
{
    log->fd = STDOUT_FILENO;
    if (path != NULL) {
        log->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    }
    return log->fd >= 0;
}

void event_log_close(struct event_log *log)
{
    if (log->fd > STDERR_FILENO) {
        (void)close(log->fd);
    }
    log->fd = -1;
}

void event(const struct event_log *log, const char *format, ...)
{
    char line[LIMIT_LOG_LINE_BYTES];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (length < 0) {
        return;
    }
    size_t end = MIN((size_t)length, sizeof line - 2);
    line[end] = '\n';
    ssize_t written = 0;
    do {
        written = write(log->fd, line, end + 1);
    } while (written < 0 && errno == EINTR);
}
