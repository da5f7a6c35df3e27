/* SPDX-License-Identifier: MIT */
/* A folder of a test's own below $TMPDIR, and files with known content in it. Not here: the folder
   of the os floor's tests (unit/os_scratch.h), which uses that floor. */
#ifndef BCJ2_TESTS_FOLDER_H
#define BCJ2_TESTS_FOLDER_H

#include <stdint.h>

#define FOLDER_PATH_SIZE 512

/* Any failure ends the process with a message: nothing could be tested without it. */
void folder_make(char path[FOLDER_PATH_SIZE]);
/* folder/name into to. */
void folder_in(char to[FOLDER_PATH_SIZE], const char *folder, const char *name);
void folder_remove(const char *path); /* with all that is in it */
/* A new file of that size; its bytes are the same each time and do not repeat within it. */
void folder_file(const char *path, uint64_t size);

#endif
