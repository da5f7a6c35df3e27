/* SPDX-License-Identifier: MIT */
/* Connections that end while the client still sends. Closing one with unread bytes makes the system
   reset it, and the answer may be lost; so after the answer we read on for a while. One thread, made
   with the first of them. */
#ifndef BCJ2_SERVER_LINGER_H
#define BCJ2_SERVER_LINGER_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINGER_AT_ONCE 64 /* more: the oldest is closed */

struct lingering {
    pthread_mutex_t lock;
    struct os_thread *thread;
    int wake[2]; /* a pipe */
    bool stopping;
    size_t count;
    struct pollfd sockets[LINGER_AT_ONCE];
    uint64_t until_ms[LINGER_AT_ONCE];
};

bool linger_start(struct lingering *l);
void linger_stop(struct lingering *l);
/* Takes over a socket whose answer is written: ends our direction and reads the other one. */
void linger_add(struct lingering *l, int fd);

#endif
