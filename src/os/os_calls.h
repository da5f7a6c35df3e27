/* SPDX-License-Identifier: MIT */
/* The calls behind os_syscall.h with their types, for the files of this floor: they write
   bcj2__os_calls.open(…) where others write open(…). Not here: calls that cannot fail in a way a
   test would want (getpid, mutexes). */
#ifndef BCJ2_OS_CALLS_H
#define BCJ2_OS_CALLS_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* Each with the arguments of the C library's, but open (never variadic, whose calling convention
   may differ) and fallocate (always the whole file, the size kept). On macOS fdatasync is
   F_FULLFSYNC and fallocate is F_PREALLOCATE. What accept returns is close-on-exec and non-blocking.
   watch is inotify_init1 or kqueue, netwatch a subscribed netlink or routing socket; freeifaddrs has a
   result so that it fits in, always 0. timer is timerfd_create or kqueue, timer_set (UINT64_MAX: never)
   timerfd_settime or kevent, on the clock of now_ms. child_watch is pidfd_open or a kqueue, wait_child
   waitid, socketpair a blocking pair of streams, close_from closes every descriptor from that number on;
   dup2 to execve are made in a forked child. The clocks and the boot's name are here for tests that go through
   months in a moment: now_ms goes on in sleep, wall is the calendar. */
#define OS_CALLS(X)                                                           \
    X(open, int, (const char *path, int flags, mode_t mode))                  \
    X(close, int, (int fd))                                                   \
    X(pread, ssize_t, (int fd, void *data, size_t size, off_t offset))        \
    X(pwrite, ssize_t, (int fd, const void *data, size_t size, off_t offset)) \
    X(ftruncate, int, (int fd, off_t size))                                   \
    X(fallocate, int, (int fd, off_t size))                                   \
    X(fsync, int, (int fd))                                                   \
    X(fdatasync, int, (int fd))                                               \
    X(fchmod, int, (int fd, mode_t mode))                                     \
    X(futimens, int, (int fd, const struct timespec times[2]))                \
    X(stat, int, (const char *path, struct stat *ret))                        \
    X(lstat, int, (const char *path, struct stat *ret))                       \
    X(fstat, int, (int fd, struct stat *ret))                                 \
    X(faccessat, int, (int folder_fd, const char *path, int mode, int flags)) \
    X(rename, int, (const char *from, const char *to))                        \
    X(link, int, (const char *from, const char *to))                          \
    X(unlink, int, (const char *path))                                        \
    X(mkdir, int, (const char *path, mode_t mode))                            \
    X(realpath, char *, (const char *path, char *ret))                        \
    X(statfs, int, (const char *path, struct statfs *ret))                    \
    X(flock, int, (int fd, int operation))                                    \
    X(watch, int, (void))                                                     \
    X(netwatch, int, (void))                                                  \
    X(getifaddrs, int, (struct ifaddrs * *ret))                               \
    X(freeifaddrs, int, (struct ifaddrs * list))                              \
    X(chmod, int, (const char *path, mode_t mode))                            \
    X(bind, int, (int fd, const struct sockaddr *name, socklen_t size))       \
    X(listen, int, (int fd, int backlog))                                     \
    X(connect, int, (int fd, const struct sockaddr *name, socklen_t size))    \
    X(accept, int, (int fd, struct sockaddr *ret, socklen_t *ret_size))       \
    X(send, ssize_t, (int fd, const void *data, size_t size, int flags))      \
    X(recv, ssize_t, (int fd, void *data, size_t size, int flags))            \
    X(timer, int, (void))                                                     \
    X(timer_set, int, (int fd, uint64_t due_ms))                              \
    X(now_ms, uint64_t, (void))                                               \
    X(wall, int, (struct timespec * ret))                                     \
    X(boot_id, bool, (char *text, size_t size))                               \
    X(socketpair, int, (int ends[2]))                                         \
    X(fork, pid_t, (void))                                                    \
    X(child_watch, int, (pid_t pid))                                          \
    X(wait_child, int, (int watch, pid_t pid, siginfo_t *ret, int options))   \
    X(dup2, int, (int from, int to))                                          \
    X(setpgid, int, (pid_t pid, pid_t group))                                 \
    X(chdir, int, (const char *path))                                         \
    X(close_from, int, (int lowest))                                          \
    X(execve, int, (const char *path, char *const *args, char *const *env))   \
    X(pthread_create, int,                                                    \
      (pthread_t * ret, const pthread_attr_t *attributes, void *(*run)(void *), void *argument))

struct ifaddrs;
struct statfs;

struct os_calls {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration cannot have them */
#define MEMBER(name, type, arguments) type(*name) arguments;
    OS_CALLS(MEMBER)
#undef MEMBER
};

extern struct os_calls bcj2__os_calls;

/* Repeats a call that a signal interrupted; result < 0 means failure. */
#define REPEAT_INTERRUPTED(result, call) \
    do {                                 \
        (result) = (call);               \
    } while ((result) < 0 && errno == EINTR)

#endif
