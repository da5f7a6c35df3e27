/* SPDX-License-Identifier: MIT */
/* One connection: bytes in, bytes out, and when it is thrown out. */
#include "detail.h"
#include "link_parts.h"
#include "mem.h"
#include "timeouts.h"

#include <inttypes.h>
#include <string.h>

#define READS_A_STEP 16 /* so that one who talks all the time does not keep the others waiting */

struct link_peer *bcj2__link_peer_create(uint64_t id, int fd, int64_t pid)
{
    struct link_peer *p = bcj2__mem_calloc(1, sizeof *p);
    if (p == NULL) {
        bcj2__os_close_own(fd);
        return NULL;
    }
    p->id = id;
    p->fd = fd;
    p->pid = pid;
    p->since_ms = bcj2__os_now_ms();
    p->out = BUF_INIT(LIMIT_LINK_OUTPUT_BYTES);
    p->stalled_ms = UINT64_MAX;
    return p;
}

void *bcj2__link_peer_destroy(struct link_peer *p)
{
    if (p != NULL) {
        bcj2__link_peer_hang_up(p);
        bcj2__mem_free(p);
    }
    return NULL;
}

void bcj2__link_peer_hang_up(struct link_peer *p)
{
    bcj2__os_close_own(p->fd);
    p->fd = -1;
    bcj2__buf_done(&p->out);
    p->sent = 0;
    p->change_waits = false;
    p->stalled_ms = UINT64_MAX;
}

static void throw_out(struct link *l, struct link_peer *p, const char *why)
{
    bcj2__log(&l->log, LOG_WARNING, "process %" PRId64 " at the queue %s %s: disconnected", p->pid,
              l->directory, why);
    bcj2__link_peer_hang_up(p);
}

/* ---- in ---- */

static void act(struct link *l, struct link_peer *p, const struct link_frame *f)
{
    if (f->kind == LINK_KIND_HELLO) {
        if (p == l->runner) {
            bcj2__link_answered(l);
        }
    } else if (f->kind == LINK_KIND_CHANGED) {
        bcj2__link_note_change(l, f->id);
        if (l->role == LINK_RUNNER) {
            bcj2__link_tell_peers(l, p, f->id);
        }
    } else if (f->kind < LINK_KIND_COUNT) {
        p->message = *f;
        p->has_message = true;
    } /* else: of a newer library, which does without an answer */
}

void bcj2__link_peer_go_on(struct link *l, struct link_peer *p)
{
    while (!p->has_message && !p->rubbish) {
        struct link_frame f;
        enum link_reading r = bcj2__link_reader_next(&p->reader, &f);
        if (r == LINK_READING_MORE) {
            return;
        }
        if (r == LINK_READING_FRAME) {
            act(l, p, &f);
        } else {
            p->rubbish = true;
            throw_out(l, p, "sent what is no message");
        }
    }
}

void bcj2__link_peer_receive(struct link *l, struct link_peer *p)
{
    for (int i = 0; i < READS_A_STEP && p->fd >= 0 && !p->has_message; i++) {
        uint8_t *to;
        size_t space = bcj2__link_reader_space(&p->reader, &to), length = 0;
        bcj2_status s = bcj2__os_local_receive(p->fd, to, space, &length);
        if (s == BCJ2_S_FALSE) {
            return;
        }
        if (BCJ2_FAILED(s)) {
            bcj2__link_peer_hang_up(p);
            return;
        }
        bcj2__link_reader_put(&p->reader, length);
        bcj2__link_peer_go_on(l, p);
    }
}

/* ---- out ---- */

bool bcj2__link_peer_has_output(const struct link_peer *p)
{
    return p->sent < p->out.length || p->change_waits;
}

/* False: no memory, or it would be too much. */
static bool append(struct link_peer *p, enum link_kind kind, uint64_t id, const void *data,
                   size_t length)
{
    uint8_t header[LINK_FRAME_HEADER_BYTES];
    if (p->sent > 0) {
        memmove(p->out.data, p->out.data + p->sent, p->out.length - p->sent);
        p->out.length -= p->sent;
        p->sent = 0;
    }
    size_t before = p->out.length;
    bcj2__link_frame_header(header, (uint16_t)kind, id, length);
    if (bcj2__buf_append(&p->out, header, sizeof header) &&
        bcj2__buf_append(&p->out, data, length)) {
        return true;
    }
    p->out.length = before; /* no half frame */
    return false;
}

/* Puts the newest change number behind what was sent. False: there is none, or the peer is gone. */
static bool next_change(struct link *l, struct link_peer *p)
{
    if (!p->change_waits) {
        return false;
    }
    p->change_waits = false;
    if (!append(p, LINK_KIND_CHANGED, p->change, NULL, 0)) {
        throw_out(l, p, "cannot be told of a change (no memory)");
        return false;
    }
    return true;
}

void bcj2__link_peer_flush(struct link *l, struct link_peer *p)
{
    while (p->fd >= 0) {
        if (p->sent == p->out.length) {
            p->sent = 0;
            bcj2__buf_clear(&p->out);
            if (!next_change(l, p)) {
                return;
            }
        }
        size_t sent = 0;
        bcj2_status s =
            bcj2__os_local_send(p->fd, p->out.data + p->sent, p->out.length - p->sent, &sent);
        if (BCJ2_FAILED(s)) {
            bcj2__link_peer_hang_up(p);
            return;
        }
        if (s == BCJ2_S_FALSE) {
            if (p->stalled_ms == UINT64_MAX) {
                p->stalled_ms = bcj2__os_now_ms() + bcj2__timeouts.link_stall_ms;
            } else if (p->id != 0 && bcj2__os_now_ms() >= p->stalled_ms) {
                throw_out(l, p, "does not read what it is sent");
            }
            return;
        }
        p->sent += sent;
        p->stalled_ms = UINT64_MAX;
    }
}

void bcj2__link_peer_tell(struct link *l, struct link_peer *p, uint64_t change)
{
    if (p->fd < 0 || (p->was_told && !bcj2__link_later(change, p->told))) {
        return;
    }
    p->was_told = true;
    p->told = p->change = change;
    p->change_waits = true;
    bcj2__link_peer_flush(l, p);
}

bcj2_status bcj2__link_peer_send(struct link *l, struct link_peer *p, enum link_kind kind,
                                 uint64_t id, const void *data, size_t length)
{
    if (!append(p, kind, id, data, length)) {
        bool no_memory = p->out.no_memory;
        p->out.failed = p->out.no_memory = false;
        if (no_memory) {
            return bcj2__detail_no_memory();
        }
        throw_out(l, p, "has too much to read");
    }
    bcj2__link_peer_flush(l, p);
    return p->fd >= 0 ? BCJ2_OK
                      : bcj2__detail(BCJ2_E_NOT_FOUND, "process %" PRId64 " hung up", p->pid);
}
