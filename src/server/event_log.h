/* SPDX-License-Identifier: MIT */
/* The server's log: one line an event, written with one write(2) at once, so that what was logged
   survives a kill. The form of the lines is fixed (tests and operators read them):

       fragment {id} 0-4095/8192 new 4096 duplicate 0 next 4096 status 200
       create|close|cancel|expire {id}
       notify {id} status 200
       error WORDS

   A fragment whose connection broke has "status broken". Session ids stand in it: whoever may read
   the log may read the sessions' folders. */
#ifndef BCJ2_SERVER_EVENT_LOG_H
#define BCJ2_SERVER_EVENT_LOG_H

#include <stdbool.h>
#include "macro.h"

struct event_log {
    int fd;
};

/* path NULL: standard output. False (errno): the file cannot be opened for appending. */
bool event_log_open(struct event_log *log, const char *path);
void event_log_close(struct event_log *log);
void event(const struct event_log *log, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
