/* SPDX-License-Identifier: MIT */
/* See listener.h: the lock file by which others see whether a listener lives. */
#include "listener.h"

#include <inttypes.h>
#include "detail.h"
#include "mem.h"

static char *path_of(const struct core *c, uint64_t number)
{
    return bcj2__mem_printf("%s/listener-%016" PRIx64 ".lock", c->directory, number);
}

/* A shared lock, so that two who ask do not take each other for it. */
static bcj2_status ask(const char *path, bool *ret_lives)
{
    struct os_stat file = {0};
    int fd = -1;
    bcj2_status s = bcj2__os_stat(path, false, &file);
    if (BCJ2_FAILED(s) || !file.exists) {
        *ret_lives = false;
        return s;
    }
    s = bcj2__os_lock_open_own(path, &fd);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_lock(fd, OS_LOCK_SHARED, false);
        bcj2__os_close_own(fd);
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
