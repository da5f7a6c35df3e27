/* SPDX-License-Identifier: MIT */
/* See listener_priv.h: the number of a listener and the lock file by which others see whether it lives.
   The lock goes with the process, whatever way it ends; the file is removed by the listener when its
   manager is closed, else by who finds it dead. It is only removed under a shared lock, so that a listener
   which has just made its file and not locked it yet sees that it lost it. */
#include "listener_priv.h"
#include "detail.h"
#include "guid.h"
#include "mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_FORMAT "listener-%016" PRIx64 ".lock"

static char *path_of(const struct core *c, uint64_t number)
{
    return bcj2__mem_printf("%s/" NAME_FORMAT, c->directory, number);
}

static uint64_t random_number(void)
{
    uint64_t number = 0;
    while (number == 0) {
        bcj2_guid guid = bcj2__guid_random();
        uint32_t low = 0;
        memcpy(&low, guid.data4 + 4, sizeof low); /* these bits of it are all random */
        number = ((uint64_t)guid.data1 << 32 | low) & (uint64_t)INT64_MAX;
    }
    return number;
}

/* A new file and its lock; *ret_fd is -1 if somebody took it for a dead one's and removed it. */
static bcj2_status make_lock(const char *path, int *ret_fd)
{
    bool named = false;
    bcj2_status s = bcj2__os_lock_open_own(path, ret_fd);
    if (BCJ2_FAILED(s)) {
        *ret_fd = -1;
        return s;
    }
    s = bcj2__os_lock(*ret_fd, OS_LOCK_EXCLUSIVE, true);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_has_name(*ret_fd, path, &named);
    }
    if (BCJ2_FAILED(s)) {
        (void)bcj2__os_unlink(path);
    }
    if (!named) {
        (void)bcj2__os_close_own(*ret_fd);
        *ret_fd = -1;
    }
    return s;
}

bcj2_status bcj2__listener_be_somebody(struct listener *l)
{
    while (l->lock_fd < 0) {
        uint64_t number = random_number();
        CLEANUP_FREE char *path = path_of(l->core, number);
        bcj2_status s = path == NULL ? bcj2__detail_no_memory() : make_lock(path, &l->lock_fd);
        if (BCJ2_SUCCEEDED(s)) { /* what stands in a queue that is gone is nobody's affair */
            s = bcj2__store_present(l->core->store);
        }
        if (BCJ2_FAILED(s)) {
            (void)bcj2__os_close_own(l->lock_fd);
            l->lock_fd = -1;
            return s;
        }
        bcj2__os_mutex_lock(l->lock);
        l->number = number;
        bcj2__os_mutex_unlock(l->lock);
    }
    return BCJ2_OK;
}

void bcj2__listener_be_nobody(struct listener *l)
{
    if (l->lock_fd < 0) {
        return;
    }
    CLEANUP_FREE char *path = path_of(l->core, l->number);
    if (path == NULL || BCJ2_FAILED(bcj2__os_unlink(path))) {
        bcj2__log(&l->core->log, LOG_WARNING, "a lock file stays behind: %s", bcj2__detail_get());
    }
    (void)bcj2__os_close_own(l->lock_fd);
    l->lock_fd = -1;
}

/* A shared lock, so that two who ask do not take each other for it. */
static bcj2_status ask(const char *path, bool bury, bool *ret_lives)
{
    struct os_stat stat = {0};
    int fd = -1;
    *ret_lives = false;
    bcj2_status s = bcj2__os_stat(path, false, &stat);
    if (BCJ2_FAILED(s) || !stat.exists) {
        return s;
    }
    s = bcj2__os_lock_open_own(path, &fd);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__os_lock(fd, OS_LOCK_SHARED, false);
    *ret_lives = s == BCJ2_E_LOCK_VIOLATION;
    if (BCJ2_SUCCEEDED(s) && bury) {
        s = bcj2__os_unlink(path);
    }
    (void)bcj2__os_close_own(fd);
    return *ret_lives ? BCJ2_OK : s;
}

bool bcj2__listener_lives(struct core *c, uint64_t number)
{
    bool lives = false;
    CLEANUP_FREE char *path = path_of(c, number);
    bcj2_status s = path == NULL ? bcj2__detail_no_memory() : ask(path, false, &lives);
    if (BCJ2_FAILED(s)) {
        bcj2__log(&c->log, LOG_WARNING, "whether a program that has callbacks still runs: %s",
                  bcj2__detail_get());
    }
    return lives || BCJ2_FAILED(s);
}

static void bury(struct core *c, const char *path)
{
    bool lives = false;
    bcj2_status s = path == NULL ? bcj2__detail_no_memory() : ask(path, true, &lives);
    if (BCJ2_FAILED(s)) {
        bcj2__log(&c->log, LOG_WARNING, "a lock file stays behind: %s", bcj2__detail_get());
    }
}

void bcj2__listener_bury(struct core *c, uint64_t number)
{
    CLEANUP_FREE char *path = path_of(c, number);
    bury(c, path);
}

static void bury_named(void *core, const char *name)
{
    struct core *c = core;
    uint64_t number = 0;
    char again[64];
    if (sscanf(name, "listener-%16" SCNx64, &number) != 1) {
        return;
    }
    (void)snprintf(again, sizeof again, NAME_FORMAT, number);
    if (strcmp(again, name) == 0) {
        bcj2__listener_bury(c, number);
    }
}

void bcj2__listener_bury_all(struct core *c)
{
    if (BCJ2_FAILED(bcj2__os_each_name(c->directory, bury_named, c))) {
        bcj2__log(&c->log, LOG_WARNING, "lock files may stay behind: %s", bcj2__detail_get());
    }
}
