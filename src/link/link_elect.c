/* SPDX-License-Identifier: MIT */
/* The election: try the lock, else connect, else wait; for a link that may not run: connect, else watch. */
#include "detail.h"
#include "link_parts.h"
#include "mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_WAIT_MS 50
/* A connection that lived less says that the runner does not want us, not that it died. */
#define SHORT_LIFE_MS 10
/* After a failure that waiting will hardly cure (the folder is gone, no descriptors are left). */
#define LONGEST_WAIT_FAILED_MS 5000

static void wait_longer(struct link *l, uint32_t longest_ms)
{
    l->wait_ms = l->wait_ms == 0 ? 1 : MIN(l->wait_ms * 2, longest_ms);
    l->try_ms = bcj2__os_now_ms() + l->wait_ms;
}

/* ---- the lock ---- */

/* Somebody may have removed the file, or the folder, while we had it open. */
static bcj2_status try_lock_at(struct link *l, const char *path, bool *ret)
{
    *ret = false;
    for (int i = 0; i < 2; i++) {
        bcj2_status s = l->lock_fd >= 0 ? BCJ2_OK : bcj2__os_lock_open_own(path, &l->lock_fd);
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__os_lock(l->lock_fd, OS_LOCK_EXCLUSIVE, false);
        }
        if (s == BCJ2_E_LOCK_VIOLATION) {
            return BCJ2_OK;
        }
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__os_has_name(l->lock_fd, path, ret);
        }
        if (BCJ2_FAILED(s) || *ret) {
            return s;
        }
        bcj2__os_close_own(l->lock_fd);
        l->lock_fd = -1;
    }
    return BCJ2_OK; /* somebody removes it again and again */
}

/* For people who look: the process that holds it. Nothing is decided by it. */
void bcj2__link_write_pid(struct link *l)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64 "\n", bcj2__os_pid());
    bcj2_status s = bcj2__os_truncate(l->lock_fd, 0);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_pwrite(l->lock_fd, text, strlen(text), 0);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__log(&l->log, LOG_INFO, "the runner's process id cannot be written (%s)",
                  bcj2__detail_get());
    }
}

static void drop_lock(struct link *l)
{
    if (l->lock_fd >= 0) {
        bcj2__os_unlock(l->lock_fd);
        bcj2__os_close_own(l->lock_fd);
        l->lock_fd = -1;
    }
}

static bcj2_status try_lock(struct link *l, bool *ret)
{
    CLEANUP_FREE char *path = bcj2__mem_printf("%s/" LINK_LOCK, l->directory);
    bcj2_status s = path == NULL ? bcj2__detail_no_memory() : try_lock_at(l, path, ret);
    if (BCJ2_FAILED(s)) {
        /* it may be held, but we do not know */
        drop_lock(l);
        bcj2_status folder = bcj2__os_check_folder(l->directory);
        if (BCJ2_FAILED(folder)) {
            return folder; /* says more than that a file in it is missing */
        }
    }
    return s;
}

/* ---- the runner ---- */

static bcj2_status become_runner(struct link *l)
{
    bcj2_status s =
        bcj2__os_local_listen(l->directory, LINK_SOCKET, LIMIT_LINK_PEERS, &l->listener);
    if (BCJ2_FAILED(s)) {
        drop_lock(l); /* somebody else may have more luck */
        return s;
    }
    bcj2__link_note_socket(l);
    bcj2__link_write_pid(l);
    l->mend_ms = UINT64_MAX;
    l->role = LINK_RUNNER;
    l->tell_role = true;
    l->try_ms = UINT64_MAX;
    l->wait_ms = 0;
    bcj2__log(&l->log, LOG_DEBUG, "this process runs the queue %s", l->directory);
    return BCJ2_OK;
}

/* The socket's name is ours as long as the lock beside it is. */
static void remove_name(struct link *l)
{
    CLEANUP_FREE char *lock = bcj2__mem_printf("%s/" LINK_LOCK, l->directory);
    CLEANUP_FREE char *path = bcj2__mem_printf("%s/" LINK_SOCKET, l->directory);
    bool ours = false;
    if (lock != NULL && path != NULL &&
        BCJ2_SUCCEEDED(bcj2__os_has_name(l->lock_fd, lock, &ours)) && ours) {
        (void)bcj2__os_unlink(path);
    } /* else it stays, stale: the next runner replaces it */
}

void bcj2__link_resign(struct link *l)
{
    if (l->listener >= 0) {
        remove_name(l);
    }
    drop_lock(l); /* before anybody hears a hang-up and tries it */
    bcj2__os_close_own(l->listener);
    l->listener = -1;
}

/* ---- a client ---- */

static bcj2_status connect_to_runner(struct link *l)
{
    int fd = -1;
    struct os_local_peer who;
    l->refuser = 0;
    bcj2_status s = bcj2__os_local_connect(l->directory, LINK_SOCKET, &fd);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_local_peer(fd, &who);
    }
    if (BCJ2_SUCCEEDED(s) && who.uid != bcj2__os_uid()) {
        s = bcj2__detail(BCJ2_E_ACCESSDENIED,
                         "the queue %s is run by process %" PRId64 " of user %u, this is user %u",
                         l->directory, who.pid, (unsigned)who.uid, (unsigned)bcj2__os_uid());
    }
    if (BCJ2_FAILED(s)) {
        bcj2__os_close_own(fd);
        return s;
    }
    l->runner = bcj2__link_peer_create(0, fd, who.pid);
    if (l->runner == NULL) {
        return bcj2__detail_no_memory();
    }
    l->try_ms = UINT64_MAX; /* it answers, or hangs up */
    if (l->has_rung) {      /* an earlier runner may have died without telling anybody */
        bcj2__link_peer_tell(l, l->runner, l->rung);
    }
    return BCJ2_OK;
}

void bcj2__link_answered(struct link *l)
{
    if (l->role == LINK_ALONE) {
        l->role = LINK_CLIENT;
        l->tell_role = true;
        l->watch = bcj2__os_watch_close(l->watch);
    }
}

void bcj2__link_lose_runner(struct link *l)
{
    bool was_client = l->role == LINK_CLIENT;
    uint64_t lived_ms = bcj2__os_now_ms() - l->runner->since_ms;
    l->refuser = was_client ? 0 : l->runner->pid;
    l->runner = bcj2__link_peer_destroy(l->runner);
    l->role = LINK_ALONE;
    if (was_client) {
        l->tell_alone = true;
        l->tell_role = false;
        l->bell_due = l->has_rung;
    }
    if (was_client && lived_ms >= SHORT_LIFE_MS) {
        l->wait_ms = 0;
        l->try_ms = 0;
    } else { /* refused, or soon thrown out: not at once again; and until then we hear of nothing */
        wait_longer(l, LONGEST_WAIT_MS);
        bcj2__link_note_change(l, 0);
    }
}

/* The runner may have hung up before it read our last word: then nobody would hear of that change. */
void bcj2__link_last_word(struct link *l)
{
    if (!l->has_rung || l->role == LINK_RUNNER) {
        return;
    }
    if (l->runner != NULL) {
        bcj2__link_peer_flush(l, l->runner);
        bcj2__link_peer_receive(l, l->runner); /* sees the hang-up */
    }
    if (l->runner != NULL && l->runner->fd >= 0) {
        return;
    }
    l->runner = bcj2__link_peer_destroy(l->runner);
    l->role = LINK_ALONE;
    if (BCJ2_FAILED(connect_to_runner(l))) { /* which tells a new one */
        bcj2__link_ring(l, l->rung);
    }
}

/* ---- one who may not run, and has no runner ---- */

/* BCJ2_S_FALSE: it cannot be watched; the watches of a user have a limit. */
static bcj2_status begin_to_watch(struct link *l)
{
    bcj2_status s = bcj2__os_watch_open(l->directory, LINK_BELL, LINK_SOCKET, &l->watch);
    bcj2__link_note_change(l, 0); /* while nobody watched, the bell may have been touched */
    if (BCJ2_SUCCEEDED(s)) {
        return BCJ2_OK;
    }
    if (!l->blind) {
        bcj2__log(&l->log, LOG_WARNING, "changes in the queue %s are looked for by time: %s",
                  l->directory, bcj2__detail_get());
    }
    l->blind = true;
    s = bcj2__os_check_folder(l->directory);
    return BCJ2_FAILED(s) ? s : BCJ2_S_FALSE;
}

void bcj2__link_watched(struct link *l)
{
    unsigned what = 0;
    bcj2_status s = bcj2__os_watch_read(l->watch, &what);
    if ((what & OS_WATCH_TOUCHED) != 0) {
        bcj2__link_note_change(l, 0);
    }
    if (BCJ2_FAILED(s) || (what & OS_WATCH_GONE) != 0) {
        l->watch = bcj2__os_watch_close(l->watch);
        l->try_ms = 0;
    }
    if ((what & OS_WATCH_APPEARED) != 0) {
        l->try_ms = 0;
    }
}

/* One that refuses is stale, as a rule. But macOS refuses also when too many wait for the runner, so it is
   asked a few times more. */
static bool is_there_a_socket(const struct link *l)
{
    struct os_stat st = {0};
    CLEANUP_FREE char *path = bcj2__mem_printf("%s/" LINK_SOCKET, l->directory);
    return path != NULL && BCJ2_SUCCEEDED(bcj2__os_stat(path, false, &st)) && st.exists;
}

/* Connects, or sees to it that we shall hear when that makes sense. BCJ2_S_FALSE: ask again by time. */
static bcj2_status connect_or_watch(struct link *l)
{
    bcj2_status s = connect_to_runner(l);
    if (s == BCJ2_E_WIN32_FILE_NOT_FOUND && l->watch == NULL) {
        s = begin_to_watch(l);
        if (s == BCJ2_OK) {
            l->blind = false;
            s = connect_to_runner(l); /* one may have come just before */
        }
    }
    if (s == BCJ2_E_WIN32_FILE_NOT_FOUND && l->watch != NULL) {
        if (l->wait_ms < LONGEST_WAIT_MS && is_there_a_socket(l)) {
            return BCJ2_S_FALSE;
        }
        l->try_ms = UINT64_MAX;
        l->wait_ms = 0;
        bcj2__link_note_change(l, 0); /* a runner may have come, changed something and gone again */
        if (l->bell_due) {
            bcj2__link_ring(l, l->rung);
        }
        return BCJ2_OK;
    }
    return s;
}

/* ---- */

/* We hold the lock. If somebody removed its file, so does the runner, of the old one: it still answers. */
static bcj2_status become_runner_or_client(struct link *l)
{
    bcj2_status s = connect_to_runner(l);
    if (s == BCJ2_OK || s == BCJ2_E_LOCK_VIOLATION) { /* LOCK_VIOLATION: it is busy */
        drop_lock(l);
        return s == BCJ2_OK ? s : BCJ2_S_FALSE;
    }
    return become_runner(l);
}

static bcj2_status try_everything(struct link *l)
{
    bool got = false;
    bcj2_status s = BCJ2_OK;
    if (l->control_only) {
        s = connect_or_watch(l);
    } else {
        s = try_lock(l, &got);
        if (BCJ2_SUCCEEDED(s) && got) {
            return become_runner_or_client(l);
        }
        if (BCJ2_SUCCEEDED(s)) {
            s = connect_to_runner(l);
        }
        if (s == BCJ2_E_WIN32_FILE_NOT_FOUND && l->lock_fd >= 0) {
            s = BCJ2_S_FALSE; /* it dies, or has just been born */
        }
    }
    if (s == BCJ2_E_LOCK_VIOLATION) { /* the runner is busy */
        l->blind = false;
        s = BCJ2_S_FALSE;
    }
    return s;
}

bcj2_status bcj2__link_elect(struct link *l)
{
    bcj2_status s = try_everything(l);
    if (s == BCJ2_S_FALSE) {
        wait_longer(l, l->blind ? LONGEST_WAIT_FAILED_MS : LONGEST_WAIT_MS);
        s = BCJ2_OK;
    } else if (BCJ2_FAILED(s)) {
        wait_longer(l, LONGEST_WAIT_FAILED_MS);
        if (s != l->trouble) {
            bcj2__log(&l->log, LOG_WARNING, "no runner of the queue %s can be found or made: %s",
                      l->directory, bcj2__detail_get());
        }
    }
    l->trouble = s;
    return s;
}
