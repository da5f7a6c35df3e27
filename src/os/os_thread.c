/* SPDX-License-Identifier: MIT */
/* Mutexes, conditions and threads. */
#include "detail.h"
#include "mem.h"
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_platform.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

/* One wait at most; keeps the sum with the clock far from overflow. */
#define LONGEST_WAIT_MS (365ull * 24 * 60 * 60 * 1000)
#define NAME_BYTES      16 /* what Linux keeps, with the NUL */

struct os_mutex {
    pthread_mutex_t mutex;
};

struct os_cond {
    pthread_cond_t cond;
};

struct os_thread {
    pthread_t id;
    void (*run)(void *);
    void *argument;
    char name[NAME_BYTES];
    bool alone; /* nobody joins it: it frees this */
};

static _Thread_local const struct os_thread *this_thread;

struct os_mutex *bcj2__os_mutex_create(void)
{
    struct os_mutex *m = bcj2__mem_calloc(1, sizeof *m);
    pthread_mutexattr_t attributes;
    if (m == NULL || pthread_mutexattr_init(&attributes) != 0) {
        bcj2__mem_free(m);
        return NULL;
    }
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    int error = pthread_mutex_init(&m->mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    if (error != 0) {
        bcj2__mem_free(m);
        return NULL;
    }
    return m;
}

void *bcj2__os_mutex_destroy(struct os_mutex *m)
{
    if (m != NULL) {
        (void)pthread_mutex_destroy(&m->mutex);
        bcj2__mem_free(m);
    }
    return NULL;
}

void bcj2__os_mutex_lock(struct os_mutex *m)
{
    (void)pthread_mutex_lock(&m->mutex);
}

void bcj2__os_mutex_unlock(struct os_mutex *m)
{
    (void)pthread_mutex_unlock(&m->mutex);
}

struct os_cond *bcj2__os_cond_create(void)
{
    struct os_cond *c = bcj2__mem_calloc(1, sizeof *c);
    if (c == NULL || bcj2__os_platform_cond_init(&c->cond) != 0) {
        bcj2__mem_free(c);
        return NULL;
    }
    return c;
}

void *bcj2__os_cond_destroy(struct os_cond *c)
{
    if (c != NULL) {
        (void)pthread_cond_destroy(&c->cond);
        bcj2__mem_free(c);
    }
    return NULL;
}

void bcj2__os_cond_wait(struct os_cond *c, struct os_mutex *m)
{
    (void)pthread_cond_wait(&c->cond, &m->mutex);
}

bool bcj2__os_cond_wait_until(struct os_cond *c, struct os_mutex *m, uint64_t deadline_ms)
{
    uint64_t now = bcj2__os_now_ms();
    if (now >= deadline_ms) {
        return false;
    }
    bcj2__os_platform_cond_wait(&c->cond, &m->mutex, MIN(deadline_ms - now, LONGEST_WAIT_MS));
    return bcj2__os_now_ms() < deadline_ms;
}

void bcj2__os_cond_broadcast(struct os_cond *c)
{
    (void)pthread_cond_broadcast(&c->cond);
}

static void *thread_main(void *argument)
{
    struct os_thread *t = argument;
    this_thread = t;
    bcj2__os_platform_name_this_thread(t->name);
    t->run(t->argument);
    if (t->alone) {
        bcj2__mem_free(t);
    }
    return NULL;
}

/* All signals: the program's handlers run in the program's threads. */
static int create_without_signals(struct os_thread *t, const pthread_attr_t *attributes,
                                  pthread_t *ret_id)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = bcj2__os_calls.pthread_create(ret_id, attributes, thread_main, t);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* t may be gone before this returns. */
static int create_alone(struct os_thread *t)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error == 0) {
        pthread_t id;
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        error = create_without_signals(t, &attributes, &id);
        (void)pthread_attr_destroy(&attributes);
    }
    return error;
}

/* ret NULL: alone. */
static bcj2_status start(const char *name, void (*run)(void *), void *argument,
                         struct os_thread **ret)
{
    struct os_thread *t = bcj2__mem_calloc(1, sizeof *t);
    if (t == NULL) {
        return bcj2__detail_no_memory();
    }
    t->run = run;
    t->argument = argument;
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    t->alone = ret == NULL;
    int error = t->alone ? create_alone(t) : create_without_signals(t, NULL, &t->id);
    if (error != 0) {
        bcj2__mem_free(t);
        /* EAGAIN: the limit of threads, or no memory for a stack */
        return bcj2__os_fail_as(BCJ2_E_OUTOFMEMORY, error, "starting the thread %s", name);
    }
    if (ret != NULL) {
        *ret = t;
    }
    return BCJ2_OK;
}

bcj2_status bcj2__os_thread_start(const char *name, void (*run)(void *), void *argument,
                                  struct os_thread **ret)
{
    *ret = NULL;
    return start(name, run, argument, ret);
}

bcj2_status bcj2__os_thread_start_alone(const char *name, void (*run)(void *), void *argument)
{
    return start(name, run, argument, NULL);
}

void *bcj2__os_thread_join(struct os_thread *t)
{
    if (t != NULL) {
        (void)pthread_join(t->id, NULL);
        bcj2__mem_free(t);
    }
    return NULL;
}

bool bcj2__os_thread_is_current(const struct os_thread *t)
{
    return t != NULL && t == this_thread;
}
