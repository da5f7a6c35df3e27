/* SPDX-License-Identifier: MIT */
/* What Linux and macOS do differently: os_linux.c and os_darwin.c each have all of it, the rest of
   the floor is the same for both. Calls return as the system's do: -1 and errno. */
#ifndef BCJ2_OS_PLATFORM_H
#define BCJ2_OS_PLATFORM_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include "macro.h" /* before sys/param.h, which leaves an existing MIN alone */
#ifdef __APPLE__
#include <sys/mount.h>
#include <sys/param.h>
#else
#include <sys/vfs.h>
#endif

struct os_local_peer;
struct stat;

uint64_t bcj2__os_platform_now_ms(void);
/* False: the system does not tell; text is then untouched. */
bool bcj2__os_platform_boot_id(char *text, size_t size);
int bcj2__os_platform_fallocate(int fd, off_t size); /* the file's size stays */
int bcj2__os_platform_fdatasync(int fd);
/* Of a folder's entries. */
int bcj2__os_platform_sync_folder(int fd);
int32_t bcj2__os_platform_mtime_ns(const struct stat *s);
/* The process's file mode creation mask without touching it; false: there is no such way. */
bool bcj2__os_platform_umask(mode_t *ret);
/* The path a descriptor was opened with, for error texts; false: unknown. */
bool bcj2__os_platform_path_of(int fd, char *text, size_t size);
/* The name of a network file system; NULL: not one. */
const char *bcj2__os_platform_network_name(const struct statfs *s);
/* errno in words, in any thread. */
void bcj2__os_platform_words(int errno_value, char *text, size_t size);

/* (os_open.c) A program may have closed its standard input or output. What it prints later must not go
   into a file of ours, so these numbers are left to it. -1, errno kept, is passed on. */
int bcj2__os_above_standard(int fd);

/* A new stream socket between processes, and one from a listener: close-on-exec, non-blocking, and
   writing to a closed one raises no signal if MSG_NOSIGNAL is given where it exists. */
int bcj2__os_platform_watch(void);    /* a new queue of watches */
int bcj2__os_platform_netwatch(void); /* subscribed; close-on-exec, non-blocking */
int bcj2__os_platform_timer(void);    /* not set; close-on-exec, non-blocking */
int bcj2__os_platform_timer_set(int fd, uint64_t due_ms); /* by ..._now_ms(); UINT64_MAX: never */
int bcj2__os_platform_local_socket(void);
int bcj2__os_platform_accept(int listener, struct sockaddr *ret, socklen_t *ret_size);
int bcj2__os_platform_local_peer(int fd, struct os_local_peer *ret);

/* A blocking pair of streams: as above. */
int bcj2__os_platform_socketpair(int ends[2]);

char **bcj2__os_platform_environment(void); /* as the process has it now; NULL: none */
/* A descriptor that a poll finds readable when this child has ended, close-on-exec. ENOSYS or EPERM: there
   is no such thing here. */
int bcj2__os_platform_child_watch(pid_t pid);
/* waitid() of what the watch watches, which no other process can be taken for; -1: of pid. */
int bcj2__os_platform_wait_child(int watch, pid_t pid, siginfo_t *ret, int options);
/* Both close every descriptor from that number on, and may be called between fork and exec. The first in
   one call; ENOSYS or EPERM: there is none. */
int bcj2__os_platform_close_from(int lowest);
void bcj2__os_platform_close_each(int lowest);

void bcj2__os_platform_name_this_thread(const char *name);
int bcj2__os_platform_cond_init(pthread_cond_t *c); /* 0 or an errno value */
/* Waits for a broadcast, milliseconds at most, on a clock that nobody sets. */
void bcj2__os_platform_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t milliseconds);

#endif
