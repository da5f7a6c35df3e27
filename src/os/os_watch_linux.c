/* SPDX-License-Identifier: MIT */
/* Watching a folder by inotify. See os.h. SQLite writes its files in the same folder all the time, so the
   watch is for changes of names and attributes only: those wake nobody in vain. */
#include "detail.h"
#include "mem.h"
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_fork.h"
#include "os_platform.h"

#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define NAMES                                                                               \
    (IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | \
     IN_DONT_FOLLOW)
#define NAMES_AND_BELL (NAMES | IN_CREATE | IN_ATTRIB)

struct os_watch {
    int fd;
    uint32_t fork_generation;
    char *bell, *name;
};

int bcj2__os_platform_watch(void)
{
    return inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

static bcj2_status begin(struct os_watch *w, const char *folder)
{
    bcj2_status status = bcj2__os_fork_hold();
    if (status != BCJ2_OK) {
        return status;
    }
    w->fd = bcj2__os_above_standard(bcj2__os_calls.watch());
    status = w->fd < 0 ? bcj2__os_fail(errno, "watching %s", folder) : bcj2__os_fork_own(&w->fd);
    bcj2__os_fork_release();
    if (status == BCJ2_OK &&
        inotify_add_watch(w->fd, folder, w->bell == NULL ? NAMES : NAMES_AND_BELL) < 0) {
        status = bcj2__os_fail(errno, "watching %s", folder);
    }
    return status;
}

bcj2_status bcj2__os_watch_open(const char *folder, const char *bell, const char *name,
                                struct os_watch **ret)
{
    *ret = NULL;
    struct os_watch *w = bcj2__mem_calloc(1, sizeof *w);
    if (w == NULL) {
        return bcj2__detail_no_memory();
    }
    w->fd = -1;
    w->fork_generation = bcj2__os_fork_generation();
    w->bell = bcj2__mem_strdup(bell);
    w->name = bcj2__mem_strdup(name);
    bool no_memory = (w->bell == NULL) != (bell == NULL) || (w->name == NULL) != (name == NULL);
    bcj2_status status = no_memory ? bcj2__detail_no_memory() : begin(w, folder);
    if (status != BCJ2_OK) {
        (void)bcj2__os_watch_close(w);
        return status;
    }
    *ret = w;
    return BCJ2_OK;
}

int bcj2__os_watch_fd(const struct os_watch *w)
{
    return w->fd;
}

static unsigned meaning(const struct os_watch *w, const struct inotify_event *e)
{
    if ((e->mask & IN_Q_OVERFLOW) != 0) {
        return OS_WATCH_TOUCHED | OS_WATCH_APPEARED;
    }
    if ((e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0) {
        return OS_WATCH_GONE;
    }
    if (e->len == 0) {
        return 0;
    }
    if (w->bell == NULL) {
        return OS_WATCH_APPEARED;
    }
    if ((e->mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
        return 0; /* it only wakes */
    }
    return strcmp(e->name, w->bell) == 0   ? OS_WATCH_TOUCHED
           : strcmp(e->name, w->name) == 0 ? OS_WATCH_APPEARED
                                           : 0;
}

bcj2_status bcj2__os_watch_read(struct os_watch *w, unsigned *ret)
{
    _Alignas(struct inotify_event) char events[4096];
    ssize_t n;
    *ret = 0;
    for (;;) {
        REPEAT_INTERRUPTED(n, read(w->fd, events, sizeof events));
        if (n <= 0) {
            return n == 0 || errno == EAGAIN ? BCJ2_OK : bcj2__os_fail(errno, "reading the watch");
        }
        for (char *at = events; at < events + n;) {
            const struct inotify_event *e = (const void *)at;
            *ret |= meaning(w, e);
            at += sizeof *e + e->len;
        }
    }
}

void *bcj2__os_watch_close(struct os_watch *w)
{
    if (w != NULL) {
        if (w->fork_generation == bcj2__os_fork_generation()) {
            bcj2__os_close_own(w->fd);
        }
        bcj2__mem_free(w->bell);
        bcj2__mem_free(w->name);
        bcj2__mem_free(w);
    }
    return NULL;
}
