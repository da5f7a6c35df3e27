/* SPDX-License-Identifier: MIT */
/* The library's log: lines to a callback of the program. Never a secret: URLs are written through
   bcj2__url_for_people(), which drops the query; session ids and header values are not written. */
#ifndef BCJ2_BASE_LOG_H
#define BCJ2_BASE_LOG_H

#include <stdint.h>
#include "macro.h"

#define LOG_ERROR   3
#define LOG_WARNING 4
#define LOG_INFO    6
#define LOG_DEBUG   7

struct log {
    void (*callback)(void *user, int32_t level, const char *line); /* NULL: nothing is written */
    void *user;
};

void bcj2__log(const struct log *log, int32_t level, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
