/* SPDX-License-Identifier: MIT */
/* See timer.h. */
#include "timer.h"
#include "os.h"

static void unlink_entry(struct timer *t, struct timer_entry *entry)
{
    *(entry->earlier == NULL ? &t->first : &entry->earlier->later) = entry->later;
    *(entry->later == NULL ? &t->last : &entry->later->earlier) = entry->earlier;
    entry->earlier = entry->later = NULL;
    entry->armed = false;
}

/* Most entries are due after those that are there: looked for from the end. */
static void link_entry(struct timer *t, struct timer_entry *entry)
{
    struct timer_entry *before = t->last;
    while (before != NULL && before->due_ms > entry->due_ms) {
        before = before->earlier;
    }
    entry->earlier = before;
    entry->later = before == NULL ? t->first : before->later;
    *(entry->earlier == NULL ? &t->first : &entry->earlier->later) = entry;
    *(entry->later == NULL ? &t->last : &entry->later->earlier) = entry;
    entry->armed = true;
}

static void fire_first(struct timer *t)
{
    struct timer_entry *entry = t->first;
    unlink_entry(t, entry);
    entry->fire(entry->argument); /* the entry may be gone after this */
}

static void run(void *argument)
{
    struct timer *t = argument;
    bcj2__os_mutex_lock(t->lock);
    while (!t->stopping) {
        t->sleeps_until_ms = t->first == NULL ? UINT64_MAX : t->first->due_ms;
        if (t->first == NULL) {
            bcj2__os_cond_wait(t->changed, t->lock);
        } else if (t->first->due_ms > bcj2__os_now_ms()) {
            (void)bcj2__os_cond_wait_until(t->changed, t->lock, t->first->due_ms);
        } else {
            fire_first(t);
        }
    }
    while (t->first != NULL) {
        fire_first(t);
    }
    bcj2__os_mutex_unlock(t->lock);
}

bool timer_start(struct timer *t)
{
    *t = (struct timer){.lock = bcj2__os_mutex_create(), .changed = bcj2__os_cond_create()};
    return t->lock != NULL && t->changed != NULL &&
           BCJ2_SUCCEEDED(bcj2__os_thread_start("timer", run, t, &t->thread));
}

void timer_stop(struct timer *t)
{
    if (t->thread == NULL) {
        return;
    }
    bcj2__os_mutex_lock(t->lock);
    t->stopping = true;
    bcj2__os_cond_broadcast(t->changed);
    bcj2__os_mutex_unlock(t->lock);
    t->thread = bcj2__os_thread_join(t->thread);
}

void timer_set(struct timer *t, struct timer_entry *entry, uint64_t due_ms)
{
    bcj2__os_mutex_lock(t->lock);
    if (entry->armed) {
        unlink_entry(t, entry);
    }
    entry->due_ms = due_ms;
    if (t->stopping) {
        entry->fire(entry->argument);
    } else {
        link_entry(t, entry);
        if (due_ms < t->sleeps_until_ms) {
            t->sleeps_until_ms = due_ms;
            bcj2__os_cond_broadcast(t->changed);
        }
    }
    bcj2__os_mutex_unlock(t->lock);
}

void timer_cancel(struct timer *t, struct timer_entry *entry)
{
    bcj2__os_mutex_lock(t->lock);
    if (entry->armed) {
        unlink_entry(t, entry);
    }
    bcj2__os_mutex_unlock(t->lock);
}
