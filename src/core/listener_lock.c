/* SPDX-License-Identifier: MIT */
/* See listener_priv.h: the number of a listener and the lock file by which others see whether it lives.
   The lock goes with the process, whatever way it ends; the file is removed by the listener when its
   manager is closed, else by who finds it dead. */
#include "listener_priv.h"
#include "detail.h"
#include "guid.h"
#include "mem.h"

#include <inttypes.h>
#include <string.h>

static char *path_of(const struct core *c, uint64_t number)
{
    return bcj2__mem_printf("%s/listener-%016" PRIx64 ".lock", c->directory, number);
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

bcj2_status bcj2__listener_be_somebody(struct listener *l)
{
    if (l->lock_fd >= 0) {
        return BCJ2_OK;
    }
    uint64_t number = random_number();
    CLEANUP_FREE char *path = path_of(l->core, number);
    if (path == NULL) {
        return bcj2__detail_no_memory();
    }
    bcj2_status s = bcj2__os_lock_open_own(path, &l->lock_fd);
    if (BCJ2_FAILED(s)) {
        l->lock_fd = -1;
        return s;
    }
    s = bcj2__os_lock(l->lock_fd, OS_LOCK_EXCLUSIVE, true);
    if (BCJ2_FAILED(s)) {
        (void)bcj2__os_close_own(l->lock_fd);
        l->lock_fd = -1;
        (void)bcj2__os_unlink(path);
        return s;
    }
    bcj2__os_mutex_lock(l->lock);
    l->number = number;
    bcj2__os_mutex_unlock(l->lock);
    return BCJ2_OK;
}

void bcj2__listener_be_nobody(struct listener *l)
{
    if (l->lock_fd >= 0) {
        bcj2__listener_bury(l->core, l->number);
        (void)bcj2__os_close_own(l->lock_fd);
        l->lock_fd = -1;
    }
}

/* A shared lock, so that two who ask do not take each other for it. */
static bcj2_status ask(const char *path, bool *ret_lives)
{
    struct os_stat stat = {0};
    int fd = -1;
    *ret_lives = false;
    bcj2_status s = bcj2__os_stat(path, false, &stat);
    if (BCJ2_FAILED(s) || !stat.exists) {
        return s;
    }
    s = bcj2__os_lock_open_own(path,
                               &fd); /* who makes it anew removes it: nobody's number comes again */
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_lock(fd, OS_LOCK_SHARED, false);
        (void)bcj2__os_close_own(fd);
    }
    *ret_lives = s == BCJ2_E_LOCK_VIOLATION;
    return *ret_lives ? BCJ2_OK : s;
}

bool bcj2__listener_lives(struct core *c, uint64_t number)
{
    bool lives = false;
    CLEANUP_FREE char *path = path_of(c, number);
    bcj2_status s = path == NULL ? bcj2__detail_no_memory() : ask(path, &lives);
    if (BCJ2_FAILED(s)) {
        bcj2__log(&c->log, LOG_WARNING, "whether a program that has callbacks still runs: %s",
                  bcj2__detail_get());
    }
    return lives || BCJ2_FAILED(s);
}

void bcj2__listener_bury(struct core *c, uint64_t number)
{
    CLEANUP_FREE char *path = path_of(c, number);
    bcj2_status s = path == NULL ? bcj2__detail_no_memory() : bcj2__os_unlink(path);
    if (BCJ2_FAILED(s)) {
        bcj2__log(&c->log, LOG_WARNING, "a file stays behind: %s", bcj2__detail_get());
    }
}
