/* SPDX-License-Identifier: MIT */
/* Threads for what may take long (disk syncs, applications), so that no connection waits for
   another. A thread is made when work comes and none is free, up to a cap; beyond it work queues. */
#ifndef BCJ2_SERVER_WORKERS_H
#define BCJ2_SERVER_WORKERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include "limit.h"

struct work;
struct workers {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* signalled: one job wakes one thread */
    struct work *first, *last;
    struct os_thread *threads[LIMIT_SERVER_WORKERS];
    size_t count, idle, queued;
    bool stopping;
};

bool workers_start(struct workers *w);
void workers_stop(struct workers *w); /* what is queued is done first */
/* False: no memory, or no thread at all. */
bool workers_do(struct workers *w, void (*run)(void *argument), void *argument);

#endif
