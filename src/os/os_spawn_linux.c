/* SPDX-License-Identifier: MIT */
/* What starting a program needs of Linux: see os_platform.h. The calls by number are younger than the
   oldest C library that this builds with; a kernel without them says ENOSYS, an old sandbox EPERM. */
#include "os_platform.h"
#include "os_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define BY_PIDFD ((idtype_t)3) /* P_PIDFD, since Linux 5.4 */

/* The kernel's struct linux_dirent64, which no header has. */
struct folder_entry {
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

char **bcj2__os_platform_environment(void)
{
    return environ;
}

int bcj2__os_platform_socketpair(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

int bcj2__os_platform_child_watch(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int bcj2__os_platform_wait_child(int watch, pid_t pid, siginfo_t *ret, int options)
{
    if (watch >= 0) {
        int result = waitid(BY_PIDFD, (id_t)watch, ret, options);
        if (result == 0 || errno != EINVAL) {
            return result;
        }
    }
    return waitid(P_PID, (id_t)pid, ret, options);
}

/* The number a name in /proc/self/fd stands for; -1: none. */
static int number_of(const char *name)
{
    int number = 0;
    for (const char *at = name; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || number > (INT_MAX - 9) / 10) {
            return -1;
        }
        number = number * 10 + (*at - '0');
    }
    return number;
}

/* By the system call itself: opendir() allocates. False: there is no /proc. */
static bool close_listed(int lowest)
{
    _Alignas(struct folder_entry) char entries[4096];
    int folder = bcj2__os_calls.open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (folder < 0) {
        return false;
    }
    long n;
    while ((n = syscall(SYS_getdents64, folder, entries, sizeof entries)) > 0) {
        for (long at = 0; at < n;) {
            const struct folder_entry *e = (const void *)(entries + at);
            int number = number_of(e->name);
            if (number >= lowest && number != folder) {
                (void)close(number);
            }
            at += e->size;
        }
    }
    (void)close(folder);
    return n == 0;
}

int bcj2__os_platform_close_from(int lowest)
{
    return (int)syscall(SYS_close_range, (unsigned)lowest, UINT_MAX, 0);
}

void bcj2__os_platform_close_each(int lowest)
{
    struct rlimit limit;
    if (close_listed(lowest) || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    int end = limit.rlim_cur > INT_MAX ? INT_MAX : (int)limit.rlim_cur;
    for (int number = lowest; number < end; number++) {
        (void)close(number);
    }
}
