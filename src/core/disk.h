/* SPDX-License-Identifier: MIT */
/* The disk threads: what waits for a disk (sync, preallocate) is done there, so that it never stalls
   transfers. The engine hands in work and takes results, from one thread; everything else about files is
   done where it is needed. Work that was handed in is always done, its result always comes back; pieces of
   work are done in any order. */
#ifndef BCJ2_CORE_DISK_H
#define BCJ2_CORE_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <bcj2/status.h>

struct disk;

enum disk_work {
    DISK_SYNC,        /* the file's data */
    DISK_SYNC_ALL,    /* the file's data and the folder that holds its name */
    DISK_PREALLOCATE, /* size bytes */
    DISK_CALL,        /* a function of the caller's */
};

struct disk_op {
    uint64_t token; /* the caller's */
    enum disk_work work;
    int fd;           /* borrowed until the result was taken */
    const char *path; /* likewise; DISK_SYNC_ALL */
    uint64_t size;    /* PREALLOCATE; for SYNC the offset it stands for, given back */
    bcj2_status (*call)(void *argument); /* CALL */
    void *argument;                      /* likewise; the function's until the result was taken */
    bcj2_status status;
    char detail[256]; /* of a failure */
};

/* wake is called on a disk thread after results came in. */
bcj2_status bcj2__disk_start(void (*wake)(void *user), void *user, struct disk **ret);
/* Ends what is queued first; NULL is fine; returns NULL. */
void *bcj2__disk_stop(struct disk *d);
bcj2_status bcj2__disk_submit(struct disk *d, const struct disk_op *op);
bool bcj2__disk_next(struct disk *d, struct disk_op *ret);

#endif
