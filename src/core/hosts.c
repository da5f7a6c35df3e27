/* SPDX-License-Identifier: MIT */
/* See hosts.h. A list, for those that are dead at a time are few; if they are too many, the one whose rest
   is over first is forgotten. */
#include "hosts.h"
#include "limit.h"
#include "macro.h"
#include "mem.h"
#include "os.h"
#include "timeouts.h"

#include <string.h>

struct rest {
    char *host;
    uint64_t until_ms, length_ms;
    uint64_t token; /* of the job that tries; 0: none does */
};

struct hosts {
    struct os_mutex *lock;
    struct rest rests[LIMIT_RESTING_HOSTS];
    uint32_t count;
};

struct hosts *bcj2__hosts_create(void)
{
    struct hosts *h = bcj2__mem_calloc(1, sizeof *h);
    if (h != NULL) {
        h->lock = bcj2__os_mutex_create();
        if (h->lock == NULL) {
            bcj2__mem_free(h);
            return NULL;
        }
    }
    return h;
}

static void remove_at(struct hosts *h, uint32_t i)
{
    bcj2__mem_free(h->rests[i].host);
    h->rests[i] = h->rests[--h->count];
}

void *bcj2__hosts_destroy(struct hosts *h)
{
    if (h != NULL) {
        while (h->count > 0) {
            remove_at(h, 0);
        }
        bcj2__os_mutex_destroy(h->lock);
        bcj2__mem_free(h);
    }
    return NULL;
}

/* Its place; count: it has none. */
static uint32_t find(const struct hosts *h, const char *host)
{
    uint32_t i = 0;
    while (i < h->count && strcmp(h->rests[i].host, host) != 0) {
        i++;
    }
    return i;
}

/* A place for a new one; false: no memory. */
static bool add(struct hosts *h, const char *host)
{
    if (h->count == LIMIT_RESTING_HOSTS) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < h->count; i++) {
            first = h->rests[i].until_ms < h->rests[first].until_ms ? i : first;
        }
        remove_at(h, first);
    }
    char *copy = bcj2__mem_strdup(host);
    if (copy == NULL) {
        return false; /* then it does not rest: slower, not wrong */
    }
    h->rests[h->count++] = (struct rest){.host = copy};
    return true;
}

void bcj2__hosts_failed(struct hosts *h, const char *host, uint64_t now_ms, uint64_t at_most_ms)
{
    if (host[0] == '\0') {
        return;
    }
    bcj2__os_mutex_lock(h->lock);
    uint32_t i = find(h, host);
    if (i < h->count || add(h, host)) {
        struct rest *r = &h->rests[i < h->count ? i : h->count - 1];
        if (r->until_ms <= now_ms) { /* of several that failed together the first counts */
            r->length_ms = r->length_ms == 0 ? bcj2__timeouts.host_rest_ms
                                             : MIN(r->length_ms * 2, (uint64_t)LIMIT_HOST_REST_MS);
            r->until_ms = now_ms + MIN(r->length_ms, at_most_ms);
        }
        r->token = 0;
    }
    bcj2__os_mutex_unlock(h->lock);
}

bool bcj2__hosts_answered(struct hosts *h, const char *host)
{
    bcj2__os_mutex_lock(h->lock);
    uint32_t i = find(h, host);
    bool rested = i < h->count;
    if (rested) {
        remove_at(h, i);
    }
    bcj2__os_mutex_unlock(h->lock);
    return rested;
}

void bcj2__hosts_forget(struct hosts *h)
{
    bcj2__os_mutex_lock(h->lock);
    while (h->count > 0) {
        remove_at(h, 0);
    }
    bcj2__os_mutex_unlock(h->lock);
}

uint64_t bcj2__hosts_rests_until(struct hosts *h, const char *host, uint64_t now_ms)
{
    uint64_t until = 0;
    bcj2__os_mutex_lock(h->lock);
    uint32_t i = find(h, host);
    if (i < h->count) {
        const struct rest *r = &h->rests[i];
        until = r->token != 0 ? UINT64_MAX : r->until_ms > now_ms ? r->until_ms : 0;
    }
    bcj2__os_mutex_unlock(h->lock);
    return until;
}

void bcj2__hosts_begin(struct hosts *h, const char *host, uint64_t token)
{
    bcj2__os_mutex_lock(h->lock);
    uint32_t i = find(h, host);
    if (i < h->count) {
        h->rests[i].token = token;
    }
    bcj2__os_mutex_unlock(h->lock);
}

void bcj2__hosts_end(struct hosts *h, uint64_t token)
{
    bcj2__os_mutex_lock(h->lock);
    for (uint32_t i = 0; i < h->count; i++) {
        if (h->rests[i].token == token) {
            h->rests[i].token = 0;
        }
    }
    bcj2__os_mutex_unlock(h->lock);
}
