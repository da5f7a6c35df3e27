/* SPDX-License-Identifier: MIT */
/* See log.h. */
#include "log.h"
#include "limit.h"

#include <stdarg.h>
#include <stdio.h>

void bcj2__log(const struct log *log, int32_t level, const char *format, ...)
{
    if (log == NULL || log->callback == NULL) {
        return;
    }
    char line[LIMIT_LOG_LINE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log->callback(log->user, level, line);
}
