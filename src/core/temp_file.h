/* SPDX-License-Identifier: MIT */
/* A temporary file while it is written, by a download or a copy. Who writes it holds a shared lock on it: a
   Complete that finds that does not move the file. Not here: its name (settle.h), what is believed of it
   (drive_get.c), and Complete's side of the lock (settle_files.c). */
#ifndef BCJ2_CORE_TEMP_FILE_H
#define BCJ2_CORE_TEMP_FILE_H

#include "os.h"

/* Ours from before, or a new one; whatever else has the name is not touched. Locked; closed in a forked
   child. On failure *ret_fd is -1. */
bcj2_status bcj2__temp_file_open(const char *path, int *ret_fd);
void bcj2__temp_file_unlock(int fd); /* nothing more will be written to it; -1 is fine */
/* Lets go of it and makes *fd -1; -1 is fine. */
void bcj2__temp_file_close(int *fd);

#endif
