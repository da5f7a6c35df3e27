/* SPDX-License-Identifier: MIT */
/* The table of system calls. A call is found by the offset of its member, so a pointer put in keeps
   its place whatever the order of the list. */
#include "os_syscall.h"
#include "macro.h"
#include "os_calls.h"
#include "os_platform.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int open_with_mode(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

static int wall(struct timespec *ret)
{
    return clock_gettime(CLOCK_REALTIME, ret);
}

static int free_addresses(struct ifaddrs *list)
{
    freeifaddrs(list);
    return 0;
}

#define REAL_CALLS                                                                                \
    {                                                                                             \
        .open = open_with_mode, .close = close, .pread = pread, .pwrite = pwrite,                 \
        .ftruncate = ftruncate, .fallocate = bcj2__os_platform_fallocate, .fsync = fsync,         \
        .fdatasync = bcj2__os_platform_fdatasync, .fchmod = fchmod, .futimens = futimens,         \
        .stat = stat, .lstat = lstat, .fstat = fstat, .faccessat = faccessat, .rename = rename,   \
        .link = link, .unlink = unlink, .mkdir = mkdir, .realpath = realpath, .statfs = statfs,   \
        .flock = flock, .watch = bcj2__os_platform_watch, .netwatch = bcj2__os_platform_netwatch, \
        .getifaddrs = getifaddrs, .freeifaddrs = free_addresses, .chmod = chmod, .bind = bind,    \
        .listen = listen, .connect = connect, .accept = bcj2__os_platform_accept, .send = send,   \
        .recv = recv, .timer = bcj2__os_platform_timer, .timer_set = bcj2__os_platform_timer_set, \
        .now_ms = bcj2__os_platform_now_ms, .wall = wall, .boot_id = bcj2__os_platform_boot_id,   \
        .socketpair = bcj2__os_platform_socketpair, .fork = fork,                                 \
        .child_watch = bcj2__os_platform_child_watch, .wait_child = bcj2__os_platform_wait_child, \
        .dup2 = dup2, .setpgid = setpgid, .chdir = chdir,                                         \
        .close_from = bcj2__os_platform_close_from, .execve = execve,                             \
        .pthread_create = pthread_create,                                                         \
    }

static const struct os_calls real_calls = REAL_CALLS;
struct os_calls bcj2__os_calls = REAL_CALLS;

static const struct {
    const char *name;
    size_t offset;
} names[] = {
#define NAME(name, type, arguments) {#name, offsetof(struct os_calls, name)},
    OS_CALLS(NAME)
#undef NAME
};
_Static_assert(sizeof(struct os_calls) == ARRAY_LEN(names) * sizeof(os_function),
               "the table holds function pointers only, each with a name");

/* The index of a name; ARRAY_LEN(names) if there is none. */
static size_t find(const char *name)
{
    size_t i = 0;
    while (i < ARRAY_LEN(names) && strcmp(names[i].name, name) != 0) {
        i++;
    }
    return i;
}

static os_function member_get(const struct os_calls *calls, size_t i)
{
    os_function function;
    memcpy(&function, (const char *)calls + names[i].offset, sizeof function);
    return function;
}

os_function bcj2__os_syscall_get(const char *name)
{
    size_t i = find(name);
    return i < ARRAY_LEN(names) ? member_get(&bcj2__os_calls, i) : NULL;
}

os_function bcj2__os_syscall_set(const char *name, os_function function)
{
    size_t i = find(name);
    if (i == ARRAY_LEN(names)) {
        return NULL;
    }
    os_function before = member_get(&bcj2__os_calls, i);
    if (function == NULL) {
        function = member_get(&real_calls, i);
    }
    memcpy((char *)&bcj2__os_calls + names[i].offset, &function, sizeof function);
    return before;
}

const char *bcj2__os_syscall_next(const char *name)
{
    size_t i = name == NULL ? 0 : find(name) + 1;
    return i < ARRAY_LEN(names) ? names[i].name : NULL;
}

void bcj2__os_syscall_reset(void)
{
    bcj2__os_calls = real_calls;
}
