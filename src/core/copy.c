/* SPDX-License-Identifier: MIT */
/* See copy.h. */
#include "copy.h"
#include "detail.h"
#include "mem.h"
#include "temp_file.h"

#define BUFFER_BYTES ((size_t)256 * 1024)
#define PIECE_BYTES  ((uint64_t)8 * 1024 * 1024) /* at most, */
#define PIECE_MS     200u                        /* and for about so long */

bool bcj2__copy_init(struct copy *c)
{
    c->source_fd = c->sink_fd = -1;
    c->buffer = bcj2__mem_alloc(BUFFER_BYTES);
    return c->source != NULL && c->sink != NULL && c->buffer != NULL;
}

static void close_both(struct copy *c)
{
    (void)bcj2__os_close(c->source_fd);
    c->source_fd = -1;
    bcj2__temp_file_close(&c->sink_fd);
}

void bcj2__copy_done(struct copy *c)
{
    close_both(c);
    bcj2__mem_free(c->source);
    bcj2__mem_free(c->sink);
    bcj2__mem_free(c->target);
    bcj2__mem_free(c->buffer);
    *c = (struct copy){.source_fd = -1, .sink_fd = -1};
}

static bcj2_status of(struct copy *c, enum copy_side side, bcj2_status s)
{
    c->failed = BCJ2_FAILED(s) ? side : COPY_NOBODY;
    return s;
}

/* Who replaced, changed or removed the source did it under its name. */
static bcj2_status look_at_source(struct copy *c)
{
    return of(c, COPY_SOURCE, bcj2__os_stat(c->source, true, &c->source_now));
}

static bcj2_status open_sink(struct copy *c)
{
    bcj2_status s = bcj2__temp_file_open(c->sink, &c->sink_fd);
    return BCJ2_SUCCEEDED(s) ? bcj2__os_fstat(c->sink_fd, c->sink, &c->sink_now) : s;
}

static bcj2_status look_at_target(struct copy *c)
{
    struct os_stat st = {.exists = false};
    c->placed = false;
    if (!c->placing) {
        return BCJ2_OK;
    }
    bcj2_status s = bcj2__os_stat(c->target, false, &st);
    c->placed = BCJ2_SUCCEEDED(s) && st.exists && st.device == c->placing_device &&
                st.inode == c->placing_inode;
    /* that run may have been killed before it synced the name */
    return c->placed ? bcj2__os_sync_folder_of(c->target) : s;
}

bcj2_status bcj2__copy_open(void *copy)
{
    struct copy *c = copy;
    close_both(c);
    bcj2_status s = of(c, COPY_SINK, look_at_target(c));
    if (BCJ2_FAILED(s) || c->placed) {
        return s;
    }
    s = of(c, COPY_SOURCE, bcj2__os_open_source(c->source, &c->source_fd, &c->source_now));
    return BCJ2_SUCCEEDED(s) ? of(c, COPY_SINK, open_sink(c)) : s;
}

bcj2_status bcj2__copy_prepare(void *copy)
{
    struct copy *c = copy;
    bcj2_status s = BCJ2_OK;
    if (c->sink_now.size > c->offset) {
        s = bcj2__os_truncate(c->sink_fd, c->offset);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_preallocate(c->sink_fd, c->size);
    }
    return of(c, COPY_SINK, s);
}

bcj2_status bcj2__copy_piece(void *copy)
{
    struct copy *c = copy;
    uint64_t end = MIN(c->size, c->offset + PIECE_BYTES);
    uint64_t until_ms = bcj2__os_now_ms() + PIECE_MS;
    c->ended_early = false;
    do {
        size_t wanted = (size_t)MIN(end - c->offset, (uint64_t)BUFFER_BYTES), got = 0;
        bcj2_status s =
            of(c, COPY_SOURCE, bcj2__os_pread(c->source_fd, c->buffer, wanted, c->offset, &got));
        if (BCJ2_SUCCEEDED(s)) {
            s = of(c, COPY_SINK, bcj2__os_pwrite(c->sink_fd, c->buffer, got, c->offset));
        }
        if (BCJ2_FAILED(s)) {
            return s;
        }
        c->offset += got;
        c->ended_early = got < wanted;
    } while (c->offset < end && !c->ended_early && bcj2__os_now_ms() < until_ms);
    return look_at_source(c);
}

bcj2_status bcj2__copy_sync(void *copy)
{
    struct copy *c = copy;
    return of(c, COPY_SINK, bcj2__os_sync(c->sink_fd));
}

bcj2_status bcj2__copy_finish(void *copy)
{
    struct copy *c = copy;
    if (c->target != NULL) { /* where a share has no modes or times it is not to fail for that */
        (void)bcj2__os_chmod_by_umask(c->sink_fd);
        (void)bcj2__os_set_mtime(c->sink_fd, c->source_now.mtime_s, c->source_now.mtime_ns);
    }
    bcj2_status s = bcj2__os_sync(c->sink_fd);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_sync_folder_of(c->sink);
    }
    s = of(c, COPY_SINK, s);
    return BCJ2_SUCCEEDED(s) ? look_at_source(c) : s;
}

bcj2_status bcj2__copy_place(void *copy)
{
    struct copy *c = copy;
    bcj2_status s = bcj2__os_rename(c->sink, c->target);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_sync_folder_of(c->target);
    }
    return of(c, COPY_SINK, s);
}
