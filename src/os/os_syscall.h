/* SPDX-License-Identifier: MIT */
/* The table of system calls behind os.h: name -> pointer. Tests replace one to make it fail.
   SQLite's own calls are not here: it has a table of the same kind (sqlite3_vfs.xSetSystemCall),
   which the fault tests use beside this one. */
#ifndef BCJ2_OS_SYSCALL_H
#define BCJ2_OS_SYSCALL_H

typedef void (*os_function)(void);

/* Puts function in the place of the call of that name; NULL puts the real one back. Returns the one
   that was there; NULL: no such name. Not while other threads run. */
os_function bcj2__os_syscall_set(const char *name, os_function function);
os_function bcj2__os_syscall_get(const char *name);
/* The name after this one; the first for NULL; NULL after the last. */
const char *bcj2__os_syscall_next(const char *name);
void bcj2__os_syscall_reset(void);

#endif
