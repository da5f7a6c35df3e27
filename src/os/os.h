/* SPDX-License-Identifier: MIT */
/* Everything the library asks of the operating system. Only this floor includes POSIX headers, and
   only here do Linux and macOS differ. Functions that can fail return a bcj2_status and set the
   detail (what, which path, errno in words). All descriptors are close-on-exec; EINTR is handled
   here.

   Every system call goes through a table (os_syscall.h), so that tests can replace one by name. */
#ifndef BCJ2_OS_H
#define BCJ2_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <bcj2/types.h>

/* ---- status ---- */

/* The HRESULT of an errno value: ENOENT 0x80070002, EACCES/EPERM/EROFS/ELOOP 0x80070005,
   ENOSPC/EDQUOT 0x80070070, ENOTDIR 0x80070003, EIO 0x8007045D, ENAMETOOLONG 0x800700CE, ENOMEM, …
   else E_FAIL. */
bcj2_status bcj2__os_status(int errno_value);

/* ---- clocks ---- */

uint64_t bcj2__os_now_ms(void);    /* goes on in sleep, one origin per boot: for all waiting */
bcj2_filetime bcj2__os_wall(void); /* for stamps that people see */
#define OS_BOOT_ID_SIZE 40
void bcj2__os_boot_id(char text[OS_BOOT_ID_SIZE]); /* changes with each boot; never empty */

/* ---- process ---- */

uint32_t bcj2__os_uid(void);
int64_t bcj2__os_pid(void);
/* Grows by one in each forked child; a handle remembers the value it was made under. */
uint32_t bcj2__os_fork_generation(void);
/* Closed in a forked child (a lock it would keep alive). BCJ2_E_OUTOFMEMORY beyond the limit. Call
   ..._no_more() before closing the descriptor. */
#define OS_CLOSE_IN_CHILD_MAX 64 /* per process */
bcj2_status bcj2__os_close_in_child(int fd);
void bcj2__os_close_in_child_no_more(int fd);
const char *bcj2__os_env(const char *name); /* NULL if unset or "" */
char *bcj2__os_home(void);                  /* $HOME, else the password database; NULL; mem_free */
/* The queue directory of this user when none is named; NULL: no home, or no memory. mem_free. */
char *bcj2__os_default_queue(void);

/* ---- threads ---- */

struct os_mutex;
struct os_cond;
struct os_thread;
struct os_mutex *bcj2__os_mutex_create(void);     /* recursive; NULL: no memory */
void *bcj2__os_mutex_destroy(struct os_mutex *m); /* NULL is fine; returns NULL */
void bcj2__os_mutex_lock(struct os_mutex *m);
void bcj2__os_mutex_unlock(struct os_mutex *m);
struct os_cond *bcj2__os_cond_create(void);
void *bcj2__os_cond_destroy(struct os_cond *c);
void bcj2__os_cond_wait(struct os_cond *c, struct os_mutex *m); /* m locked once */
/* Until bcj2__os_now_ms() reaches deadline_ms; false: time is over. True: look whether what you wait
   for has come, and wait again. Sleep of the machine counts once the thread wakes; no system lets a
   condition run on that clock, so a thread that was asleep with it may wake late, by at most what
   it had left. */
bool bcj2__os_cond_wait_until(struct os_cond *c, struct os_mutex *m, uint64_t deadline_ms);
void bcj2__os_cond_broadcast(struct os_cond *c);
/* A thread with all signals blocked. name: at most 15 bytes. */
bcj2_status bcj2__os_thread_start(const char *name, void (*run)(void *), void *argument,
                                  struct os_thread **ret);
void *bcj2__os_thread_join(struct os_thread *t); /* NULL is fine; frees; returns NULL */
bool bcj2__os_thread_is_current(const struct os_thread *t);

/* ---- files ---- */

struct os_stat {
    bool exists, is_regular, is_directory, is_symlink;
    uint64_t size;
    int64_t mtime_s;
    int32_t mtime_ns;
    uint64_t device, inode;
    uint32_t uid, mode; /* permission bits */
    uint32_t links;
};

/* follow: of what a symbolic link points to. A missing file is BCJ2_OK with exists false. */
bcj2_status bcj2__os_stat(const char *path, bool follow, struct os_stat *ret);
bcj2_status bcj2__os_fstat(int fd, const char *path, struct os_stat *ret);

/* The file to upload: opened non-blocking (a FIFO would hang us), then looked at. A directory, FIFO
   or device is BCJ2_E_ACCESSDENIED. Symbolic links are followed: the user named it. */
bcj2_status bcj2__os_open_source(const char *path, int *ret_fd, struct os_stat *ret_stat);

/* A new file, 0600, O_EXCL and O_NOFOLLOW; an existing one (or a link) is BCJ2_E_SHARING_VIOLATION.
 */
bcj2_status bcj2__os_create(const char *path, int *ret_fd);
/* One of ours again, for reading and writing: O_NOFOLLOW, then checked to be a regular file of this
   user with one link; else BCJ2_E_ACCESSDENIED. */
bcj2_status bcj2__os_reopen(const char *path, int *ret_fd, struct os_stat *ret_stat);
/* Whatever it is, for reading; follows links. */
bcj2_status bcj2__os_open_read(const char *path, int *ret_fd);

/* Reads up to size bytes at offset; *ret_read < size only at the end of the file. */
bcj2_status bcj2__os_pread(int fd, void *data, size_t size, uint64_t offset, size_t *ret_read);
bcj2_status bcj2__os_pwrite(int fd, const void *data, size_t size, uint64_t offset);
bcj2_status bcj2__os_truncate(int fd, uint64_t size);
/* Reserves space without changing the size, where the system can; BCJ2_E_DISK_FULL if there is
   none; BCJ2_OK where it cannot be done. */
bcj2_status bcj2__os_preallocate(int fd, uint64_t size);
bcj2_status bcj2__os_sync(int fd);                     /* data and size to the disk itself */
bcj2_status bcj2__os_sync_folder_of(const char *path); /* the folder that holds path */
bcj2_status bcj2__os_rename(const char *from,
                            const char *to); /* replaces; a directory: ACCESSDENIED */
bcj2_status bcj2__os_link(const char *from, const char *to); /* existing: SHARING_VIOLATION */
bcj2_status bcj2__os_unlink(const char *path);               /* a missing file is BCJ2_OK */
bcj2_status bcj2__os_chmod_by_umask(int fd);                 /* 0666 less the process's umask */
void *bcj2__os_close(int fd);                                /* -1 is fine; returns NULL */

/* ---- folders ---- */

bcj2_status bcj2__os_mkdirs(const char *path); /* 0700, parents too; existing is BCJ2_OK */
/* May files be made in it? BCJ2_OK; BCJ2_E_PATH_NOT_FOUND (missing, or not a folder);
   BCJ2_E_ACCESSDENIED. */
bcj2_status bcj2__os_check_folder(const char *folder);
/* The folder part of an absolute path ("/" at least); mem_free. NULL: no memory. */
char *bcj2__os_folder_of(const char *path);
const char *bcj2__os_base_of(const char *path);
/* An absolute path of an existing folder, links resolved; mem_free. */
bcj2_status bcj2__os_real_path(const char *path, char **ret);
/* "nfs", "smb", "9p", … if the folder is on a file system whose locks cannot be trusted; else NULL.
 */
const char *bcj2__os_network_file_system(const char *folder);

/* ---- sockets ---- */

/* socket(), close-on-exec; -1 and errno on failure. For libcurl, which does the rest itself. */
int bcj2__os_socket(int family, int type, int protocol);

/* ---- locks ---- */

/* Opens (making it 0600, O_NOFOLLOW) the lock file. */
bcj2_status bcj2__os_lock_open(const char *path, int *ret_fd);
enum os_lock { OS_LOCK_SHARED, OS_LOCK_EXCLUSIVE };
/* wait false and taken: BCJ2_E_LOCK_VIOLATION. */
bcj2_status bcj2__os_lock(int fd, enum os_lock kind, bool wait);
void bcj2__os_unlock(int fd);

#endif
