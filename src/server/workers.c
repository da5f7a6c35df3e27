/* SPDX-License-Identifier: MIT */
/* See workers.h. */
#include "workers.h"
#include "mem.h"
#include "os.h"

struct work {
    struct work *next;
    void (*run)(void *argument);
    void *argument;
};

static struct work *take(struct workers *w)
{
    struct work *work = w->first;
    if (work != NULL) {
        w->first = work->next;
        w->last = w->first == NULL ? NULL : w->last;
        w->queued--;
    }
    return work;
}

static void run(void *argument)
{
    struct workers *w = argument;
    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        struct work *work = take(w);
        if (work != NULL) {
            (void)pthread_mutex_unlock(&w->lock);
            work->run(work->argument);
            bcj2__mem_free(work);
            (void)pthread_mutex_lock(&w->lock);
        } else if (w->stopping) {
            break;
        } else {
            w->idle++;
            (void)pthread_cond_wait(&w->changed, &w->lock);
            w->idle--;
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
}

bool workers_start(struct workers *w)
{
    *w = (struct workers){.count = 0};
    return pthread_mutex_init(&w->lock, NULL) == 0 && pthread_cond_init(&w->changed, NULL) == 0;
}

void workers_stop(struct workers *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->stopping = true;
    (void)pthread_cond_broadcast(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->count; i++) {
        w->threads[i] = bcj2__os_thread_join(w->threads[i]);
    }
}

bool workers_do(struct workers *w, void (*function)(void *), void *argument)
{
    struct work *work = bcj2__mem_alloc(sizeof *work);
    if (work == NULL) {
        return false;
    }
    *work = (struct work){.run = function, .argument = argument};
    (void)pthread_mutex_lock(&w->lock);
    bool none_free = w->queued >= w->idle && w->count < ARRAY_LEN(w->threads);
    if (none_free &&
        BCJ2_SUCCEEDED(bcj2__os_thread_start("worker", run, w, &w->threads[w->count]))) {
        w->count++;
    }
    bool ok = w->count > 0 && !w->stopping;
    if (ok) {
        *(w->last == NULL ? &w->first : &w->last->next) = work;
        w->last = work;
        w->queued++;
        (void)pthread_cond_signal(&w->changed);
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (!ok) {
        bcj2__mem_free(work);
    }
    return ok;
}
