/* SPDX-License-Identifier: MIT */
/* The link as core sees it: opening, closing, stepping, and what happened. See link.h. */
#include "link.h"
#include "detail.h"
#include "link_parts.h"
#include "mem.h"

static bool in_child(const struct link *l)
{
    return l->fork_generation != bcj2__os_fork_generation();
}

static bool is_over(const struct link *l)
{
    return l->abandoned || in_child(l);
}

/* ---- opening and closing ---- */

static bcj2_status fill(struct link *l, const char *directory, bool control_only,
                        const struct log *log)
{
    l->fork_generation = bcj2__os_fork_generation();
    l->control_only = control_only;
    l->role = LINK_ALONE;
    l->lock_fd = l->listener = -1;
    l->mend_ms = UINT64_MAX;
    if (log != NULL) {
        l->log = *log;
    }
    l->directory = bcj2__mem_strdup(directory);
    l->polls = bcj2__mem_alloc(sizeof *l->polls);
    return l->directory == NULL || l->polls == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
}

bcj2_status bcj2__link_open(const char *directory, bool control_only, const struct log *log,
                            struct link **ret)
{
    *ret = NULL;
    struct link *l = bcj2__mem_calloc(1, sizeof *l);
    if (l == NULL) {
        return bcj2__detail_no_memory();
    }
    bcj2_status s = fill(l, directory, control_only, log);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__link_step(l);
    }
    if (BCJ2_FAILED(s)) {
        (void)bcj2__link_close(l);
        return s;
    }
    l->tell_changed = false; /* nobody has looked at the store yet */
    *ret = l;
    return BCJ2_OK;
}

void *bcj2__link_close(struct link *l)
{
    if (l == NULL) {
        return NULL;
    }
    if (!in_child(l)) { /* there the descriptors are closed, and their numbers may be others' */
        if (!l->abandoned) {
            bcj2__link_last_word(l);
        }
        bcj2__link_resign(l);
        bcj2__link_forget_peers(l);
        (void)bcj2__link_peer_destroy(l->runner);
    } else {
        for (size_t i = 0; i < l->peer_count; i++) {
            l->peers[i]->fd = -1;
        }
        bcj2__link_forget_peers(l);
        if (l->runner != NULL) {
            l->runner->fd = -1;
            (void)bcj2__link_peer_destroy(l->runner);
        }
    }
    (void)bcj2__os_watch_close(l->watch);
    bcj2__mem_free(l->peers);
    bcj2__mem_free(l->polls);
    bcj2__mem_free(l->directory);
    bcj2__mem_free(l);
    return NULL;
}

void bcj2__link_abandon(struct link *l)
{
    if (is_over(l)) {
        return;
    }
    bcj2__link_resign(l);
    bcj2__link_forget_peers(l);
    l->runner = bcj2__link_peer_destroy(l->runner);
    l->watch = bcj2__os_watch_close(l->watch);
    l->role = LINK_ALONE;
    l->abandoned = true;
}

enum link_role bcj2__link_role(const struct link *l)
{
    return l->role;
}

int64_t bcj2__link_runner_pid(const struct link *l)
{
    return l->role == LINK_RUNNER ? bcj2__os_pid()
           : l->runner != NULL    ? l->runner->pid
                                  : l->refuser;
}

/* ---- waiting ---- */

/* The connection number i of those there are; NULL: i is behind the last. */
static struct link_peer *connection(const struct link *l, size_t i)
{
    if (l->role == LINK_RUNNER) {
        return i < l->peer_count ? l->peers[i] : NULL;
    }
    return i == 0 ? l->runner : NULL;
}

size_t bcj2__link_fds(const struct link *l, struct link_fd *fds, size_t max)
{
    size_t n = 0;
    int one = l->listener >= 0 && l->accept_ms == 0 ? l->listener
              : l->watch != NULL                    ? bcj2__os_watch_fd(l->watch)
                                                    : -1;
    if (is_over(l)) {
        return 0;
    }
    if (one >= 0) {
        if (n < max) {
            fds[n] = (struct link_fd){.fd = one, .read = true};
        }
        n++;
    }
    struct link_peer *p;
    for (size_t i = 0; (p = connection(l, i)) != NULL; i++) {
        bool read = !p->has_message, write = bcj2__link_peer_has_output(p);
        if (p->fd >= 0 && (read || write)) {
            if (n < max) {
                fds[n] = (struct link_fd){.fd = p->fd, .read = read, .write = write};
            }
            n++;
        }
    }
    return n;
}

uint64_t bcj2__link_deadline(const struct link *l)
{
    if (is_over(l)) {
        return UINT64_MAX;
    }
    if (l->tell_alone || l->tell_role || l->tell_changed) {
        return 0;
    }
    uint64_t earliest = l->accept_ms != 0 ? l->accept_ms : UINT64_MAX;
    if (l->role == LINK_RUNNER) {
        earliest = MIN(earliest, l->mend_ms);
    }
    if (l->role == LINK_ALONE && l->runner == NULL) {
        earliest = MIN(earliest, l->try_ms);
    }
    struct link_peer *p;
    for (size_t i = 0; (p = connection(l, i)) != NULL; i++) {
        if (p->has_message || p->fd < 0) {
            return 0; /* to be fetched, or to be let go of */
        }
        if (l->role == LINK_RUNNER) { /* a client waits for a stopped runner as long as it takes */
            earliest = MIN(earliest, p->stalled_ms);
        }
    }
    return earliest;
}

/* ---- stepping ---- */

/* Serves the connections that are ready, peers[0] … in the order of l->polls. */
static void serve(struct link *l, const struct os_poll *ready)
{
    struct link_peer *p;
    uint64_t now = bcj2__os_now_ms();
    for (size_t i = 0; (p = connection(l, i)) != NULL; i++) { /* none comes in or goes meanwhile */
        if (ready[i].read) {
            bcj2__link_peer_receive(l, p);
        }
        if (ready[i].write || now >= p->stalled_ms) {
            bcj2__link_peer_flush(l, p);
        }
    }
}

static bcj2_status poll_and_serve(struct link *l)
{
    size_t n = 0;
    struct link_peer *p;
    for (; (p = connection(l, n)) != NULL; n++) {
        l->polls[n] = (struct os_poll){
            .fd = p->fd,
            .read = p->fd >= 0 && !p->has_message,
            .write = p->fd >= 0 && bcj2__link_peer_has_output(p),
        };
    }
    bcj2_status s = n == 0 ? BCJ2_OK : bcj2__os_poll_now(l->polls, n);
    if (BCJ2_SUCCEEDED(s)) {
        serve(l, l->polls);
    }
    return s;
}

bcj2_status bcj2__link_step(struct link *l)
{
    if (in_child(l)) {
        return bcj2__detail(BCJ2_E_CLOSED,
                            "this process is a fork of the one that opened the queue");
    }
    if (l->abandoned) {
        return BCJ2_OK;
    }
    bcj2_status s = poll_and_serve(l);
    if (l->listener >= 0 && (l->accept_ms == 0 || bcj2__os_now_ms() >= l->accept_ms)) {
        bcj2__link_accept(l);
    }
    if (l->role == LINK_RUNNER && bcj2__os_now_ms() >= l->mend_ms) {
        bcj2__link_mend(l, true);
    }
    if (l->watch != NULL) {
        bcj2__link_watched(l);
    }
    if (l->runner != NULL && l->runner->fd < 0) {
        bcj2__link_lose_runner(l);
    }
    if (BCJ2_SUCCEEDED(s) && l->role == LINK_ALONE && l->runner == NULL &&
        bcj2__os_now_ms() >= l->try_ms) {
        s = bcj2__link_elect(l);
    }
    return s;
}

/* ---- what happened ---- */

void bcj2__link_note_change(struct link *l, uint64_t change)
{
    if (!l->tell_changed || (change != 0 && bcj2__link_later(change, l->changed))) {
        l->changed = change;
    }
    l->tell_changed = true;
}

static bool next_of_the_link(struct link *l, struct link_event *ret)
{
    if (l->tell_alone) {
        l->tell_alone = false;
        ret->type = LINK_EV_ALONE;
        return true;
    }
    if (l->tell_role) {
        l->tell_role = false;
        ret->type = l->role == LINK_RUNNER ? LINK_EV_RUNNER : LINK_EV_CLIENT;
        return true;
    }
    if (l->tell_changed) {
        l->tell_changed = false;
        ret->type = LINK_EV_CHANGED;
        ret->change = l->changed;
        return true;
    }
    return false;
}

static bool next_message(struct link *l, struct link_peer *p, struct link_event *ret)
{
    if (!p->has_message) {
        return false;
    }
    p->has_message = false;
    *ret = (struct link_event){
        .type = LINK_EV_MESSAGE,
        .peer = p->id,
        .kind = (enum link_kind)p->message.kind,
        .id = p->message.id,
        .data = p->message.data,
        .length = p->message.length,
    };
    bcj2__link_peer_go_on(l, p); /* to the next one; this one's data stays where it is */
    return true;
}

/* Of one peer: a message, or that it is gone and has nothing more to say. */
static bool next_of_peer(struct link *l, size_t i, struct link_event *ret)
{
    struct link_peer *p = l->peers[i];
    if (next_message(l, p, ret)) {
        return true;
    }
    if (p->fd >= 0) {
        return false;
    }
    ret->type = LINK_EV_GONE;
    ret->peer = p->id;
    (void)bcj2__link_peer_destroy(p);
    l->peers[i] = l->peers[--l->peer_count];
    return true;
}

bool bcj2__link_next(struct link *l, struct link_event *ret)
{
    *ret = (struct link_event){0};
    if (is_over(l)) {
        return false;
    }
    if (next_of_the_link(l, ret) || (l->runner != NULL && next_message(l, l->runner, ret))) {
        return true;
    }
    for (size_t i = 0; i < l->peer_count; i++) {
        size_t turn = (l->turn + i) % l->peer_count;
        if (next_of_peer(l, turn, ret)) {
            l->turn = turn + 1;
            return true;
        }
    }
    return false;
}

/* ---- telling others ---- */

static void touch_bell(struct link *l)
{
    CLEANUP_FREE char *path = bcj2__mem_printf("%s/" LINK_BELL, l->directory);
    bcj2_status s = path == NULL ? bcj2__detail_no_memory() : bcj2__os_touch(path);
    l->bell_due = BCJ2_FAILED(s);
    if (BCJ2_FAILED(s)) {
        bcj2__log(&l->log, LOG_WARNING, "a change cannot be made known: %s", bcj2__detail_get());
    }
}

void bcj2__link_ring(struct link *l, uint64_t change)
{
    if (is_over(l)) {
        return;
    }
    if (!l->has_rung || bcj2__link_later(change, l->rung)) {
        l->rung = change;
    }
    l->has_rung = true;
    if (l->role == LINK_RUNNER) {
        bcj2__link_tell_peers(l, NULL, change);
        return;
    }
    if (l->runner != NULL) {
        bcj2__link_peer_tell(l, l->runner, change);
    }
    if (l->role == LINK_ALONE) {
        touch_bell(l);
    }
}

bcj2_status bcj2__link_send(struct link *l, uint64_t peer, enum link_kind kind, uint64_t id,
                            const void *data, size_t length)
{
    if (length > LIMIT_LINK_DATA_BYTES) {
        return bcj2__detail(BCJ2_E_TOO_LARGE, "a message of %zu bytes, at most %d can be sent",
                            length, LIMIT_LINK_DATA_BYTES);
    }
    if (kind <= LINK_KIND_CHANGED || kind >= LINK_KIND_COUNT) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "no message has the kind %d", (int)kind);
    }
    struct link_peer *p = NULL;
    if (!in_child(l)) {
        for (size_t i = 0; (p = connection(l, i)) != NULL && p->id != peer; i++) {
        }
    }
    if (p == NULL || p->fd < 0) {
        return bcj2__detail(BCJ2_E_NOT_FOUND, "the process that was to be told is gone");
    }
    return bcj2__link_peer_send(l, p, kind, id, data, length);
}
