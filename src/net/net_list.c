/* SPDX-License-Identifier: MIT */
/* Where a transfer's memory is: among the running, in the queue of events, kept for the next one.
   Not here: what it does there (net_engine.c). */
#include "net_internal.h"
#include "mem.h"

#include <string.h>

/* ---- running, and events ---- */

struct xfer *bcj2__net_find(const struct net *n, uint64_t token)
{
    for (struct xfer *x = n->running; x != NULL; x = x->next) {
        if (x->token == token) {
            return x;
        }
    }
    return NULL;
}

void bcj2__net_link(struct net *n, struct xfer *x)
{
    x->previous = NULL;
    x->next = n->running;
    if (n->running != NULL) {
        n->running->previous = x;
    }
    n->running = x;
    n->running_count++;
}

void bcj2__net_unlink(struct net *n, struct xfer *x)
{
    if (x->previous != NULL) {
        x->previous->next = x->next;
    } else {
        n->running = x->next;
    }
    if (x->next != NULL) {
        x->next->previous = x->previous;
    }
    n->running_count--;
}

void bcj2__net_due(struct xfer *x, enum xfer_due due)
{
    struct net *n = x->net;
    x->due = due;
    x->next_event = NULL;
    if (n->last_event != NULL) {
        n->last_event->next_event = x;
    } else {
        n->first_event = x;
    }
    n->last_event = x;
}

void bcj2__net_forget_event(struct net *n, struct xfer *x)
{
    struct xfer *before = NULL, *e = n->first_event;
    while (e != NULL && e != x) {
        before = e;
        e = e->next_event;
    }
    if (e == NULL) {
        return;
    }
    if (before != NULL) {
        before->next_event = x->next_event;
    } else {
        n->first_event = x->next_event;
    }
    if (n->last_event == x) {
        n->last_event = before;
    }
}

/* ---- made, kept, freed ---- */

/* They may hold tokens. */
void bcj2__net_wipe_lines(struct curl_slist *lines)
{
    for (struct curl_slist *line = lines; line != NULL; line = line->next) {
        bcj2__mem_wipe(line->data, strlen(line->data));
    }
    curl_slist_free_all(lines);
}

void bcj2__net_free(struct xfer *x)
{
    curl_easy_cleanup(x->easy);
    bcj2__net_wipe_lines(x->lines);
    bcj2__mem_free_secret(x->url);
    bcj2__hdrs_done(&x->head);
    bcj2__mem_free(x);
}

/* x is in no list and out of the multi handle. */
void bcj2__net_keep(struct net *n, struct xfer *x)
{
    if (n->kept_count >= NET_KEPT_TRANSFERS) {
        bcj2__net_free(x);
        return;
    }
    curl_easy_reset(x->easy);
    bcj2__net_wipe_lines(x->lines);
    x->lines = x->last_public = NULL;
    bcj2__mem_free_secret(x->url);
    x->url = NULL;
    bcj2__hdrs_clear(&x->head);
    x->next = n->kept;
    n->kept = x;
    n->kept_count++;
}

void bcj2__net_free_spent(struct net *n)
{
    if (n->spent != NULL) {
        bcj2__net_keep(n, TAKE(n->spent));
    }
}

struct xfer *bcj2__net_take(struct net *n)
{
    struct xfer *x = n->kept;
    if (x != NULL) {
        n->kept = x->next;
        n->kept_count--;
        return x;
    }
    x = bcj2__mem_calloc(1, sizeof *x);
    if (x == NULL) {
        return NULL;
    }
    bcj2__hdrs_init(&x->head);
    x->easy = curl_easy_init();
    if (x->easy == NULL) {
        bcj2__mem_free(x);
        return NULL;
    }
    return x;
}
