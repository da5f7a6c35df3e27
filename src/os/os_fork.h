/* SPDX-License-Identifier: MIT */
/* How the files of this floor make descriptors that no forked child keeps: hold, make, own, release. */
#ifndef BCJ2_OS_FORK_H
#define BCJ2_OS_FORK_H

#include <sys/types.h>
#include <bcj2/status.h>

/* Between the two no fork() of this process happens. Not nested. */
bcj2_status bcj2__os_fork_hold(void);
void bcj2__os_fork_release(void);
/* While held: *fd is to be closed in a child. On failure (no memory) it is closed and -1. */
bcj2_status bcj2__os_fork_own(int *fd);

/* fork() for a child that does nothing but bcj2__os_exec(): it keeps what is listed, since one of it may be
   what it is to hand on, and closes it all on its way. */
pid_t bcj2__os_fork_to_exec(void);

#endif
