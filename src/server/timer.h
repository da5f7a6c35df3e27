/* SPDX-License-Identifier: MIT */
/* One thread that calls functions when their time comes; it sleeps while nothing is due. Entries
   belong to the caller and are kept in the order of their time. */
#ifndef BCJ2_SERVER_TIMER_H
#define BCJ2_SERVER_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer_entry {
    struct timer_entry *earlier, *later;
    bool armed;
    uint64_t due_ms;
    void (*fire)(void *argument); /* short; called under the timer's lock, so it may not call us */
    void *argument;
};

struct timer {
    struct os_mutex *lock;
    struct os_cond *changed;
    struct os_thread *thread;
    struct timer_entry *first, *last;
    uint64_t sleeps_until_ms; /* no need to wake it for what is due later */
    bool stopping;
};

bool timer_start(struct timer *t);
void timer_stop(struct timer *t); /* entries that are left fire at once */
/* Arms entry (again, if it was) for due_ms. After timer_stop it fires at once. */
void timer_set(struct timer *t, struct timer_entry *entry, uint64_t due_ms);
/* On return the entry does not fire any more. */
void timer_cancel(struct timer *t, struct timer_entry *entry);

#endif
