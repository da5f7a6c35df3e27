/* SPDX-License-Identifier: MIT */
/* See os_fault.h. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "os_fault.h"

#include "macro.h"
#include "os_calls.h"
#include "os_platform.h"
#include "os_syscall.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct {
    _Atomic(const char *) name; /* NULL: none */
    atomic_int errno_value;
    atomic_uint kth, uses;
    atomic_bool fired;
} plan;

static struct os_calls real;

static bool fails(const char *name)
{
    const char *planned = atomic_load(&plan.name);
    if (planned == NULL || strcmp(planned, name) != 0 ||
        atomic_fetch_add(&plan.uses, 1) + 1 != atomic_load(&plan.kth) ||
        atomic_load(&plan.errno_value) == OS_FAULT_COUNTS_ONLY) {
        return false;
    }
    atomic_store(&plan.fired, true);
    errno = atomic_load(&plan.errno_value);
    return true;
}

#define FAKE(name, type, failure, parameters, arguments)       \
    static type fake_##name parameters                         \
    {                                                          \
        return fails(#name) ? (failure) : real.name arguments; \
    }

FAKE(open, int, -1, (const char *path, int flags, mode_t mode), (path, flags, mode))
FAKE(pread, ssize_t, -1, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
FAKE(pwrite, ssize_t, -1, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
FAKE(ftruncate, int, -1, (int fd, off_t size), (fd, size))
FAKE(fallocate, int, -1, (int fd, off_t size), (fd, size))
FAKE(fsync, int, -1, (int fd), (fd))
FAKE(fdatasync, int, -1, (int fd), (fd))
FAKE(fchmod, int, -1, (int fd, mode_t mode), (fd, mode))
FAKE(futimens, int, -1, (int fd, const struct timespec times[2]), (fd, times))
FAKE(stat, int, -1, (const char *path, struct stat *ret), (path, ret))
FAKE(lstat, int, -1, (const char *path, struct stat *ret), (path, ret))
FAKE(fstat, int, -1, (int fd, struct stat *ret), (fd, ret))
FAKE(faccessat, int, -1, (int folder, const char *path, int mode, int flags),
     (folder, path, mode, flags))
FAKE(rename, int, -1, (const char *from, const char *to), (from, to))
FAKE(link, int, -1, (const char *from, const char *to), (from, to))
FAKE(unlink, int, -1, (const char *path), (path))
FAKE(mkdir, int, -1, (const char *path, mode_t mode), (path, mode))
FAKE(realpath, char *, NULL, (const char *path, char *ret), (path, ret))
FAKE(statfs, int, -1, (const char *path, struct statfs *ret), (path, ret))
FAKE(flock, int, -1, (int fd, int operation), (fd, operation))
FAKE(watch, int, -1, (void), ())
FAKE(netwatch, int, -1, (void), ())
FAKE(getifaddrs, int, -1, (struct ifaddrs * *ret), (ret))
FAKE(freeifaddrs, int, -1, (struct ifaddrs * list), (list))
FAKE(chmod, int, -1, (const char *path, mode_t mode), (path, mode))
FAKE(bind, int, -1, (int fd, const struct sockaddr *name, socklen_t size), (fd, name, size))
FAKE(listen, int, -1, (int fd, int backlog), (fd, backlog))
FAKE(connect, int, -1, (int fd, const struct sockaddr *name, socklen_t size), (fd, name, size))
FAKE(accept, int, -1, (int fd, struct sockaddr *ret, socklen_t *ret_size), (fd, ret, ret_size))
FAKE(send, ssize_t, -1, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags))
FAKE(recv, ssize_t, -1, (int fd, void *data, size_t size, int flags), (fd, data, size, flags))
FAKE(timer, int, -1, (void), ())
FAKE(timer_set, int, -1, (int fd, uint64_t due_ms), (fd, due_ms))
FAKE(now_ms, uint64_t, 0, (void), ())
FAKE(wall, int, -1, (struct timespec * ret), (ret))
FAKE(boot_id, bool, false, (char *text, size_t size), (text, size))
FAKE(socketpair, int, -1, (int ends[2]), (ends))
FAKE(fork, pid_t, -1, (void), ())
FAKE(child_watch, int, -1, (pid_t pid), (pid))
FAKE(wait_child, int, -1, (int watch, pid_t pid, siginfo_t *ret, int options),
     (watch, pid, ret, options))
FAKE(dup2, int, -1, (int from, int to), (from, to))
FAKE(setpgid, int, -1, (pid_t pid, pid_t group), (pid, group))
FAKE(chdir, int, -1, (const char *path), (path))
FAKE(close_from, int, -1, (int lowest), (lowest))
FAKE(execve, int, -1, (const char *path, char *const *arguments, char *const *environment),
     (path, arguments, environment))
FAKE(pthread_create, int, errno,
     (pthread_t * ret, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
     (ret, attributes, run, argument))

/* A close that fails has closed all the same. */
static int fake_close(int fd)
{
    int result = real.close(fd);
    return fails("close") ? -1 : result;
}

/* A row for each call: one without a row does not compile. */
static const struct os_calls fakes = {
#define ROW(name, type, arguments) .name = fake_##name,
    OS_CALLS(ROW)
#undef ROW
};

const struct os_fault_call os_fault_calls[] = {
    {"open", EMFILE},      {"close", EIO},      {"pread", EIO},
    {"pwrite", ENOSPC},    {"ftruncate", EIO},  {"fsync", EIO},
    {"fallocate", ENOSPC}, {"fdatasync", EIO},  {"fchmod", EIO},
    {"stat", EIO},         {"lstat", EIO},      {"fstat", EIO},
    {"faccessat", EIO},    {"rename", ENOSPC},  {"link", ENOSPC},
    {"unlink", EIO},       {"mkdir", ENOSPC},   {"realpath", EIO},
    {"statfs", EIO},       {"flock", EIO},      {"pthread_create", EAGAIN},
    {"watch", EMFILE},     {"chmod", EIO},      {"bind", ENOSPC},
    {"listen", EMFILE},    {"connect", EACCES}, {"accept", EMFILE},
    {"send", EIO},         {"recv", EIO},       {"timer", EMFILE},
    {"timer_set", EINVAL},
};
const size_t os_fault_call_count = ARRAY_LEN(os_fault_calls);
/* futimens: for downloads, in unit/test_os_syscall.c. netwatch, getifaddrs, freeifaddrs: in
   unit/test_os_netwatch.c. socketpair to execve: in unit/test_os_spawn_faults.c. The
   clocks, which cannot fail, and the boot's name: api/test_clocks.c. */
#define CALLS_TESTED_ELSEWHERE 16
_Static_assert(sizeof(struct os_calls) ==
                   (ARRAY_LEN(os_fault_calls) + CALLS_TESTED_ELSEWHERE) * sizeof(os_function),
               "each call is swept here or tested there");

void os_fault_install(void)
{
    real = bcj2__os_calls;
    bcj2__os_calls = fakes;
}

void os_fault_plan(const struct os_fault_call *call, int errno_value, unsigned kth)
{
    atomic_store(&plan.name, NULL);
    atomic_store(&plan.errno_value, errno_value);
    atomic_store(&plan.kth, kth);
    atomic_store(&plan.uses, 0);
    atomic_store(&plan.fired, false);
    atomic_store(&plan.name, call->name);
}

bool os_fault_clear(void)
{
    atomic_store(&plan.name, NULL);
    return atomic_load(&plan.fired);
}

unsigned os_fault_uses(void)
{
    return atomic_load(&plan.uses);
}
