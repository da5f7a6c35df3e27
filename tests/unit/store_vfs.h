/* SPDX-License-Identifier: MIT */
/* Between the store and the disk: counts the syncs of the write-ahead log and lets them fail (they
   are not in SQLite's table of system calls), and makes the writes of SQLite fail as on a full
   disk. Install before the store is opened. */
#ifndef BCJ2_TESTS_STORE_VFS_H
#define BCJ2_TESTS_STORE_VFS_H

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* ---- syncs ---- */

static unsigned log_syncs;
static bool log_sync_fails;

static sqlite3_vfs *real_vfs;
static sqlite3_io_methods log_methods;
static int (*real_log_sync)(sqlite3_file *file, int flags);

static int count_log_sync(sqlite3_file *file, int flags)
{
    log_syncs++;
    return log_sync_fails ? SQLITE_IOERR_FSYNC : real_log_sync(file, flags);
}

static int open_and_watch(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                          int *ret_flags)
{
    int rc = real_vfs->xOpen(vfs, name, file, flags, ret_flags);
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
        log_methods = *file->pMethods;
        real_log_sync = log_methods.xSync;
        log_methods.xSync = count_log_sync;
        file->pMethods = &log_methods;
    }
    return rc;
}

static inline void watch_log_syncs(void)
{
    static sqlite3_vfs vfs;
    if (real_vfs != NULL) { /* by an earlier test in this process */
        return;
    }
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "watched";
    vfs.xOpen = open_and_watch;
    (void)sqlite3_vfs_register(&vfs, 1);
}

/* ---- a full disk ---- */

static unsigned long writes_left = (unsigned long)-1; /* so many more calls work */
static bool the_last_write_kills;                     /* instead: the next one is a SIGKILL */

static bool disk_is_full(void)
{
    if (writes_left == 0) {
        if (the_last_write_kills) {
            (void)raise(SIGKILL);
        }
        errno = ENOSPC;
        return true;
    }
    writes_left--;
    return false;
}

typedef ssize_t write_function(int fd, const void *data, size_t size);
typedef ssize_t pwrite_function(int fd, const void *data, size_t size, off_t offset);
static write_function *real_write;
static pwrite_function *real_pwrite, *real_pwrite64;

static ssize_t limited_write(int fd, const void *data, size_t size)
{
    return disk_is_full() ? -1 : real_write(fd, data, size);
}

static ssize_t limited_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return disk_is_full() ? -1 : real_pwrite(fd, data, size, offset);
}

static ssize_t limited_pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return disk_is_full() ? -1 : real_pwrite64(fd, data, size, offset);
}

static sqlite3_syscall_ptr replace(sqlite3_vfs *vfs, const char *name, sqlite3_syscall_ptr with)
{
    sqlite3_syscall_ptr real = vfs->xGetSystemCall(vfs, name);
    if (real != NULL) {
        (void)vfs->xSetSystemCall(vfs, name, with);
    }
    return real;
}

static inline void limit_writes(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
    if (real_write != NULL) {
        return;
    }
    real_write = (write_function *)replace(vfs, "write", (sqlite3_syscall_ptr)limited_write);
    real_pwrite = (pwrite_function *)replace(vfs, "pwrite", (sqlite3_syscall_ptr)limited_pwrite);
    real_pwrite64 =
        (pwrite_function *)replace(vfs, "pwrite64", (sqlite3_syscall_ptr)limited_pwrite64);
}

#endif
