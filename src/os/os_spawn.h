/* SPDX-License-Identifier: MIT */
/* Starting a program, between its three files: os_spawn.c prepares and forks, os_exec.c is what the forked
   child does, os_child.c watches and reaps. */
#ifndef BCJ2_OS_SPAWN_H
#define BCJ2_OS_SPAWN_H

#include <sys/types.h>
#include <bcj2/status.h>

/* ---- the forked child ---- */

/* Everything that the child needs, made before the fork: it may not allocate. */
struct os_exec {
    const char *program;
    char *const *arguments, *const *environment;
    int input, output, lock; /* lock: -1: none */
    int starter;             /* a stream to who forked */
};

enum os_exec_step {
    OS_EXEC_DESCRIPTORS,
    OS_EXEC_GROUP,
    OS_EXEC_FOLDER,
    OS_EXEC_PROGRAM,
};

/* What it writes to the starter if it fails. */
struct os_exec_failure {
    enum os_exec_step step;
    int errno_value;
};

/* Prepares itself, waits for a byte from the starter, so that nothing runs that is not watched, then becomes
   the program: the stream hangs up. Called with all signals blocked. */
_Noreturn void bcj2__os_exec(struct os_exec *e);

/* ---- the process ---- */

struct os_child;
struct os_child *bcj2__os_child_new(void); /* NULL: no memory */
/* It is that process, not yet reaped by anybody. */
bcj2_status bcj2__os_child_begin(struct os_child *c, pid_t pid);
/* Of one that ends at once by itself, or never began: waits for it, then frees. */
void bcj2__os_child_drop(struct os_child *c);
/* Reaps what ended of those that no thread could be had for. */
void bcj2__os_child_sweep(void);

/* A pair of streams as own descriptors. */
bcj2_status bcj2__os_pair_own(int ends[2], const char *what_for);

#endif
