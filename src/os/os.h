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

/* An own descriptor that becomes readable at a time of bcj2__os_now_ms(), also one that comes while the
   machine sleeps, as it then wakes. No time is set at first. A poll's time-out stops in sleep instead. */
bcj2_status bcj2__os_timer_open(int *ret_fd);
/* Instead of the time set before; it is no longer readable. A time that has passed is due at once;
   UINT64_MAX: never. */
bcj2_status bcj2__os_timer_set(int fd, uint64_t due_ms);

/* ---- process ---- */

uint32_t bcj2__os_uid(void);
int64_t bcj2__os_pid(void);
uint64_t bcj2__os_descriptor_limit(void); /* so many may be open here at a time, now */
/* Grows by one in each forked child; a handle remembers the value it was made under. */
uint32_t bcj2__os_fork_generation(void);
/* Closed in a forked child (a lock it would keep alive). Call ..._no_more() before closing the
   descriptor. A fork by another thread between two of these calls can still slip through; for what
   must not be kept there are own descriptors: listed from the moment they exist until they are closed. */
bcj2_status bcj2__os_close_in_child(int fd);
void bcj2__os_close_in_child_no_more(int fd);
/* Closes an own descriptor. -1, and in a forked child one of its parent's, is fine; returns NULL. */
void *bcj2__os_close_own(int fd);
const char *bcj2__os_env(const char *name); /* NULL if unset or "" */
char *bcj2__os_home(void);                  /* $HOME, else the password database; NULL; mem_free */
/* The queue directory of this user when none is named; NULL: no home, or no memory. mem_free. */
char *bcj2__os_default_queue(void);

/* ---- starting a program ---- */

#define OS_SPAWN_LOCK_FD 3 /* the number under which a program has the lock */
struct os_spawn {
    const char *program; /* an absolute path: nothing is searched for, no shell is asked */
    const char *const
        *arguments; /* NULL behind the last; the first is what it takes for its name */
    const char *const *variables; /* "NAME=value", NULL behind the last: added to this process's
                                     environment, in the place of those of the same names */
    int input;                    /* its standard input, from where it stands; -1: /dev/null */
    int lock; /* stays open in it, and in what it starts in its turn; -1: none. A flock on it is held until
                  the last of them is gone, but bcj2__os_unlock() lets go for all: close it instead */
};
struct os_child;
/* Runs it in a process group of its own, in the folder "/", no signal blocked or ignored, its output and
   errors on /dev/null, no other descriptor open. BCJ2_OK: it was exec'd; it may have ended since. A
   failure: nothing of it ran, the detail says why. Neither arguments nor variables are in any text.
   Not under a lock, for the program's fork handlers are called, nor where others wait: it takes as long
   as the program's file takes to be read, which is for ever on a mount that hangs. */
bcj2_status bcj2__os_spawn(const struct os_spawn *what, struct os_child **ret);
int64_t bcj2__os_child_pid(const struct os_child *c);
/* An own descriptor of c's that is readable once it has ended, whatever it did with its own ones, and not
   before; nothing is to be read from it. */
int bcj2__os_child_fd(const struct os_child *c);
enum os_ended_how {
    OS_ENDED_EXIT,   /* value: its exit status */
    OS_ENDED_SIGNAL, /* value: the signal */
    OS_ENDED_STOLEN, /* it has ended; how was told to somebody else in this process who waited for any
                        child, or to nobody as SIGCHLD is ignored */
};
struct os_ended {
    enum os_ended_how how;
    int value;
};
/* How it ended, each time the same; afterwards it is no zombie. BCJ2_S_FALSE: it has not. One thread at a
   time. */
bcj2_status bcj2__os_child_reap(struct os_child *c, struct os_ended *ret);
/* NULL is fine; returns NULL. Does not wait for one that runs: it goes on, and is reaped when it ends by a
   thread that does nothing else. */
void *bcj2__os_child_close(struct os_child *c);

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
/* One that nobody joins, and that may outlive whoever started it. */
bcj2_status bcj2__os_thread_start_alone(const char *name, void (*run)(void *), void *argument);
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
/* Both of a file of our own, and no failure where the file system has no such thing. */
bcj2_status bcj2__os_chmod_by_umask(int fd); /* 0666 less the process's umask */
/* The time of the last change; what the file system cannot hold, it rounds. */
bcj2_status bcj2__os_set_mtime(int fd, int64_t mtime_s, int32_t mtime_ns);
void *bcj2__os_close(int fd); /* -1 is fine; returns NULL */

/* ---- folders ---- */

bcj2_status bcj2__os_mkdirs(const char *path); /* 0700, parents too; existing is BCJ2_OK */
/* May files be made in it? BCJ2_OK; BCJ2_E_PATH_NOT_FOUND (missing, or not a folder);
   BCJ2_E_ACCESSDENIED. */
bcj2_status bcj2__os_check_folder(const char *folder);
/* Calls for each name in a folder, but "." and "..", in no order; what is made or removed meanwhile may be
   told or not. The function may remove names. */
bcj2_status bcj2__os_each_name(const char *folder, void (*each)(void *user, const char *name),
                               void *user);
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

/* ---- the network ---- */

/* Has any interface but the loopback one an address that reaches further than its link? True also where
   the system does not tell. */
bool bcj2__os_network_is_up(void);
/* 0: it is not; else a number of the addresses there are, so that another network is another number. */
uint64_t bcj2__os_network(void);
/* An own descriptor that is readable when interfaces or addresses come or go. */
bcj2_status bcj2__os_netwatch_open(int *ret_fd);
/* Empties it. *ret_changed: something happened since the last call; ask bcj2__os_network(). */
bcj2_status bcj2__os_netwatch_read(int fd, bool *ret_changed);

/* ---- stream sockets with a name in a folder, between processes of one machine ---- */

/* All are own descriptors, non-blocking; nothing here raises SIGPIPE. folder may be of any length. */

/* Listens under the name with ".new" behind it, 0600, then renames, so that who finds the name finds a
   listener; one that was there is replaced. Only for who holds the lock that makes it the only one. */
bcj2_status bcj2__os_local_listen(const char *folder, const char *name, int backlog, int *ret_fd);
/* BCJ2_E_WIN32_FILE_NOT_FOUND: nobody listens there; BCJ2_E_LOCK_VIOLATION: somebody does, but too
   many wait for him. */
bcj2_status bcj2__os_local_connect(const char *folder, const char *name, int *ret_fd);
/* BCJ2_S_FALSE: nobody waits. */
bcj2_status bcj2__os_local_accept(int listener, int *ret_fd);
struct os_local_peer {
    uint32_t uid;
    int64_t pid; /* 0: unknown */
};
/* Who connected, or who listens, as the kernel has it. */
bcj2_status bcj2__os_local_peer(int fd, struct os_local_peer *ret);
/* BCJ2_S_FALSE: nothing can be sent, or is there, now. BCJ2_E_NOT_FOUND: the other end hung up. */
bcj2_status bcj2__os_local_send(int fd, const void *data, size_t size, size_t *ret_sent);
bcj2_status bcj2__os_local_receive(int fd, void *data, size_t size, size_t *ret_received);

struct os_poll {
    int fd;
    bool read, write; /* in: what is asked; out: what can be done (an error or a hang-up is both) */
};
/* Which of them are ready, without waiting. */
bcj2_status bcj2__os_poll_now(struct os_poll *fds, size_t count);

/* ---- being told of what happens in a folder ---- */

struct os_watch;
#define OS_WATCH_TOUCHED  1u /* the file `bell` was touched */
#define OS_WATCH_APPEARED 2u /* something was given the name `name` */
#define OS_WATCH_GONE     4u /* the folder was removed or moved; nothing more will be told */
/* Sees what happens from now on. Without bell and name (NULL) any name in the folder that appears, goes
   or is given to another file is OS_WATCH_APPEARED. */
bcj2_status bcj2__os_watch_open(const char *folder, const char *bell, const char *name,
                                struct os_watch **ret);
int bcj2__os_watch_fd(const struct os_watch *w); /* readable: call ..._read() */
/* What happened since the last call, OS_WATCH_… or 0; may say more than did happen, never less. */
bcj2_status bcj2__os_watch_read(struct os_watch *w, unsigned *ret);
void *bcj2__os_watch_close(struct os_watch *w); /* NULL is fine; returns NULL; fine in a child */
/* Gives the file the time of now, for those who watch; made (0600) if missing. */
bcj2_status bcj2__os_touch(const char *path);

/* ---- locks ---- */

/* Opens (making it 0600, O_NOFOLLOW) the lock file. */
bcj2_status bcj2__os_lock_open(const char *path, int *ret_fd);
bcj2_status bcj2__os_lock_open_own(const char *path, int *ret_fd); /* bcj2__os_close_own() */
enum os_lock { OS_LOCK_SHARED, OS_LOCK_EXCLUSIVE };
/* wait false and taken: BCJ2_E_LOCK_VIOLATION. */
bcj2_status bcj2__os_lock(int fd, enum os_lock kind, bool wait);
/* Of a file where users keep theirs; does not wait, and is no failure on a mount without locks. */
bcj2_status bcj2__os_lock_user_file(int fd, enum os_lock kind);
void bcj2__os_unlock(int fd);
/* Does the open file still have this name? A lock on one that was removed says nothing to who comes later. */
bcj2_status bcj2__os_has_name(int fd, const char *path, bool *ret);

#endif
