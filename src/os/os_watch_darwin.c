/* SPDX-License-Identifier: MIT */
/* Watching a folder by kqueue. See os.h. A folder's event does not say which name it is about, so each
   change of names counts as the name's appearance; the bell is a file of its own. */
#include "detail.h"
#include "mem.h"
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_fork.h"
#include "os_platform.h"

#include <fcntl.h>
#include <sys/event.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct os_watch {
    int queue, folder, bell;
    uint32_t fork_generation;
};

int bcj2__os_platform_watch(void)
{
    return kqueue();
}

/* A descriptor for events only, which does not keep a volume from being unmounted. */
static bcj2_status open_for_events(const char *path, int flags, int *ret_fd)
{
    REPEAT_INTERRUPTED(*ret_fd, bcj2__os_calls.open(path, O_EVTONLY | O_CLOEXEC | flags, 0));
    *ret_fd = bcj2__os_above_standard(*ret_fd);
    return *ret_fd < 0 ? bcj2__os_fail(errno, "watching %s", path) : bcj2__os_fork_own(ret_fd);
}

static bcj2_status open_queue(int *ret_fd)
{
    *ret_fd = bcj2__os_above_standard(bcj2__os_calls.watch());
    if (*ret_fd < 0) {
        return bcj2__os_fail(errno, "making a watch");
    }
    if (fcntl(*ret_fd, F_SETFD, FD_CLOEXEC) != 0) {
        bcj2_status status = bcj2__os_fail(errno, "making a watch");
        bcj2__os_close(*ret_fd);
        *ret_fd = -1;
        return status;
    }
    /* Not owned: a forked child does not get it. */
    return BCJ2_OK;
}

static bcj2_status begin(struct os_watch *w, const char *folder, const char *bell)
{
    bcj2_status status = bcj2__os_fork_hold();
    if (status != BCJ2_OK) {
        return status;
    }
    status = open_queue(&w->queue);
    if (status == BCJ2_OK) {
        status = open_for_events(folder, O_DIRECTORY, &w->folder);
    }
    if (status == BCJ2_OK && bell != NULL) {
        status = open_for_events(bell, O_NOFOLLOW, &w->bell);
    }
    bcj2__os_fork_release();
    if (status != BCJ2_OK) {
        return status;
    }
    struct kevent wanted[2];
    EV_SET(&wanted[0], (uintptr_t)w->folder, EVFILT_VNODE, EV_ADD | EV_CLEAR,
           NOTE_WRITE | NOTE_DELETE | NOTE_RENAME | NOTE_REVOKE, 0, NULL);
    EV_SET(&wanted[1], (uintptr_t)w->bell, EVFILT_VNODE, EV_ADD | EV_CLEAR,
           NOTE_ATTRIB | NOTE_WRITE | NOTE_DELETE | NOTE_RENAME, 0, NULL);
    int result;
    REPEAT_INTERRUPTED(result, kevent(w->queue, wanted, bell == NULL ? 1 : 2, NULL, 0, NULL));
    return result == 0 ? BCJ2_OK : bcj2__os_fail(errno, "watching %s", folder);
}

bcj2_status bcj2__os_watch_open(const char *folder, const char *bell, const char *name,
                                struct os_watch **ret)
{
    *ret = NULL;
    CLEANUP_FREE char *path = bell == NULL ? NULL : bcj2__mem_printf("%s/%s", folder, bell);
    struct os_watch *w = bcj2__mem_calloc(1, sizeof *w);
    if (w == NULL || (path == NULL && bell != NULL)) {
        bcj2__mem_free(w);
        return bcj2__detail_no_memory();
    }
    w->queue = w->folder = w->bell = -1;
    w->fork_generation = bcj2__os_fork_generation();
    /* a file that is not there cannot be watched */
    bcj2_status status = path == NULL ? BCJ2_OK : bcj2__os_touch(path);
    if (status == BCJ2_OK) {
        status = begin(w, folder, path);
    }
    if (status != BCJ2_OK) {
        (void)bcj2__os_watch_close(w);
        return status;
    }
    *ret = w;
    return BCJ2_OK;
}

int bcj2__os_watch_fd(const struct os_watch *w)
{
    return w->queue;
}

static unsigned meaning(const struct os_watch *w, const struct kevent *e)
{
    if (e->ident == (uintptr_t)w->bell) {
        /* Removed: another will not be seen. Who watches begins anew when he is told it is over. */
        return (e->fflags & (NOTE_DELETE | NOTE_RENAME)) != 0 ? OS_WATCH_TOUCHED | OS_WATCH_GONE
                                                              : OS_WATCH_TOUCHED;
    }
    return (e->fflags & (NOTE_DELETE | NOTE_RENAME | NOTE_REVOKE)) != 0 ? OS_WATCH_GONE
                                                                        : OS_WATCH_APPEARED;
}

bcj2_status bcj2__os_watch_read(struct os_watch *w, unsigned *ret)
{
    struct kevent events[4];
    static const struct timespec at_once = {0};
    *ret = 0;
    for (;;) {
        int n;
        REPEAT_INTERRUPTED(n, kevent(w->queue, NULL, 0, events, 4, &at_once));
        if (n <= 0) {
            return n == 0 ? BCJ2_OK : bcj2__os_fail(errno, "reading the watch");
        }
        for (int i = 0; i < n; i++) {
            *ret |= meaning(w, &events[i]);
        }
    }
}

void *bcj2__os_watch_close(struct os_watch *w)
{
    if (w != NULL) {
        if (w->fork_generation == bcj2__os_fork_generation()) {
            bcj2__os_close(w->queue);
            bcj2__os_close_own(w->folder);
            bcj2__os_close_own(w->bell);
        }
        bcj2__mem_free(w);
    }
    return NULL;
}
