/* SPDX-License-Identifier: MIT */
/* The copy of a file on this machine (a mounted share, mostly) in pieces that a disk thread does: what
   would hang with a mount hangs there. Not here: what is done next and what is stored (drive_copy.c). */
#ifndef BCJ2_CORE_COPY_H
#define BCJ2_CORE_COPY_H

#include "os.h"

enum copy_side { COPY_NOBODY, COPY_SOURCE, COPY_SINK };

/* One piece of work at a time. What stands here belongs to the disk thread while it is under way. */
struct copy {
    char *source, *sink,
        *target; /* paths; target: what the sink is renamed to in the end, NULL: not */
    int source_fd, sink_fd;
    uint8_t *buffer;
    uint64_t offset; /* of the next byte; copied ones are behind us */
    uint64_t size;   /* of the source as it was when it began */
    /* an earlier run was about to rename, or did: the file that was to be it */
    bool placing;
    uint64_t placing_device, placing_inode;
    /* results */
    bool placed;                         /* OPEN: the target is that file; nothing was opened */
    struct os_stat source_now, sink_now; /* as they were after the last piece of work */
    enum copy_side failed;               /* whose failure it was */
    bool ended_early;                    /* the source has fewer bytes than it had */
};

bool bcj2__copy_init(struct copy *c); /* after source and sink; false: no memory */
void bcj2__copy_done(struct copy *c); /* closes and frees all of it */

/* Pieces of work, each of a struct copy. */
/* Opens the source, then makes the sink or opens what was made before; locks it. */
bcj2_status bcj2__copy_open(void *copy);
/* Cuts the sink at offset and reserves space for the rest. */
bcj2_status bcj2__copy_prepare(void *copy);
/* Copies from offset on, for some time or to the end. */
bcj2_status bcj2__copy_piece(void *copy);
bcj2_status bcj2__copy_sync(void *copy);
/* Syncs the sink and its folder. With a target: gives it the source's time and the process's mode first. */
bcj2_status bcj2__copy_finish(void *copy);
/* Renames the sink to the target and syncs the folder. */
bcj2_status bcj2__copy_place(void *copy);

#endif
