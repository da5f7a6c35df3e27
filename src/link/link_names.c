/* SPDX-License-Identifier: MIT */
/* The runner's two names. Somebody may remove runner.lock or runner.sock, which look like leftovers; who
   comes later then finds no runner, or takes itself for it. The runner makes them anew. If another one has
   got both meanwhile, that is the runner now. Not here: who sees that a name is gone (core watches the
   folder). */
#include "detail.h"
#include "link_parts.h"
#include "mem.h"

/* A folder that is being removed is gone until then: what is made in it would keep it there. */
#define MEND_MS 100
/* After a try that failed. */
#define MEND_AGAIN_MS 5000

enum name { NAME_OURS, NAME_MISSING, NAME_OF_ANOTHER };

void bcj2__link_note_socket(struct link *l)
{
    CLEANUP_FREE char *path = bcj2__mem_printf("%s/" LINK_SOCKET, l->directory);
    struct os_stat st = {0};
    l->socket_known = path != NULL && BCJ2_SUCCEEDED(bcj2__os_stat(path, false, &st)) && st.exists;
    l->socket_device = st.device;
    l->socket_inode = st.inode; /* nobody else is given it while we listen */
}

static enum name look_at_socket(const struct link *l)
{
    CLEANUP_FREE char *path = bcj2__mem_printf("%s/" LINK_SOCKET, l->directory);
    struct os_stat st = {0};
    if (!l->socket_known || path == NULL || BCJ2_FAILED(bcj2__os_stat(path, false, &st))) {
        return NAME_OURS; /* nobody can say */
    }
    return !st.exists                                                     ? NAME_MISSING
           : st.device == l->socket_device && st.inode == l->socket_inode ? NAME_OURS
                                                                          : NAME_OF_ANOTHER;
}

/* Locks the file that has the name now, in place of the one that had it. */
static enum name lock_again(struct link *l, const char *path)
{
    int fd = -1;
    bool named = false;
    bcj2_status s = bcj2__os_lock_open_own(path, &fd);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_lock(fd, OS_LOCK_EXCLUSIVE, false);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_has_name(fd, path, &named);
    }
    if (BCJ2_FAILED(s) || !named) {
        bcj2__os_close_own(fd);
        return s == BCJ2_E_LOCK_VIOLATION ? NAME_OF_ANOTHER : NAME_MISSING;
    }
    bcj2__os_close_own(l->lock_fd);
    l->lock_fd = fd;
    bcj2__link_write_pid(l);
    return NAME_OURS;
}

static enum name look_at_lock(struct link *l, bool mend)
{
    CLEANUP_FREE char *path = bcj2__mem_printf("%s/" LINK_LOCK, l->directory);
    struct os_stat st = {0};
    bool ours = false;
    if (path == NULL || BCJ2_FAILED(bcj2__os_has_name(l->lock_fd, path, &ours)) || ours ||
        BCJ2_FAILED(bcj2__os_stat(path, false, &st))) {
        return NAME_OURS;
    }
    return st.exists || mend ? lock_again(l, path) : NAME_MISSING;
}

static bool listen_again(struct link *l)
{
    int fd = -1;
    if (BCJ2_FAILED(bcj2__os_local_listen(l->directory, LINK_SOCKET, LIMIT_LINK_PEERS, &fd))) {
        return false;
    }
    bcj2__os_close_own(l->listener); /* who waited there comes again */
    l->listener = fd;
    l->accept_ms = 0;
    bcj2__link_note_socket(l);
    return true;
}

static void step_down(struct link *l)
{
    bcj2__log(&l->log, LOG_WARNING,
              "%s/" LINK_LOCK " and " LINK_SOCKET " were removed: another process runs the queue",
              l->directory);
    bcj2__link_resign(l); /* the names are another's */
    bcj2__link_forget_peers(l);
    l->role = LINK_ALONE;
    l->tell_alone = true;
    l->tell_role = false;
    l->wait_ms = 0;
    l->try_ms = 0;
}

void bcj2__link_mend(struct link *l, bool now)
{
    enum name lock = look_at_lock(l, now), name = look_at_socket(l);
    l->mend_ms = UINT64_MAX;
    if (lock == NAME_OF_ANOTHER && name != NAME_OURS) {
        step_down(l);
        return;
    }
    if (lock == NAME_OURS && name != NAME_OURS && now && listen_again(l)) {
        name = NAME_OURS;
        bcj2__log(&l->log, LOG_INFO, "%s/" LINK_SOCKET " was removed, and is made again",
                  l->directory);
    }
    if (lock != NAME_OURS || name != NAME_OURS) {
        /* one who has the lock, and finds us at the socket, gives it back */
        l->mend_ms = bcj2__os_now_ms() + (now ? MEND_AGAIN_MS : MEND_MS);
    }
}

void bcj2__link_look(struct link *l)
{
    if (l->role == LINK_RUNNER && l->fork_generation == bcj2__os_fork_generation()) {
        bcj2__link_mend(l, false);
    }
}
