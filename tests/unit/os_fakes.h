/* SPDX-License-Identifier: MIT */
/* A fake for each system call of the os floor, which fails as planned or does the real thing, and
   the fixture of the tests that use them. */
#ifndef BCJ2_TESTS_OS_FAKES_H
#define BCJ2_TESTS_OS_FAKES_H

#include "os_calls.h"
#include "os_platform.h"
#include "os_scratch.h"
#include "os_syscall.h"

static struct {
    int errno_value, times; /* the next `times` calls fail with it, the later ones are real */
    int calls;
    size_t most; /* pread, pwrite: so many bytes at once; 0: no limit */
} plan;

static bool fails_now(void)
{
    plan.calls++;
    if (plan.times > 0) {
        plan.times--;
        errno = plan.errno_value;
        return true;
    }
    return false;
}

static struct os_calls real_calls;

#define FAKE(name, type, failure, parameters, arguments)            \
    static type fake_##name parameters                              \
    {                                                               \
        return fails_now() ? (failure) : real_calls.name arguments; \
    }

FAKE(open, int, -1, (const char *path, int flags, mode_t mode), (path, flags, mode))
FAKE(close, int, -1, (int fd), (fd))
FAKE(pread, ssize_t, -1, (int fd, void *data, size_t size, off_t offset),
     (fd, data, plan.most != 0 ? MIN(size, plan.most) : size, offset))
FAKE(pwrite, ssize_t, -1, (int fd, const void *data, size_t size, off_t offset),
     (fd, data, plan.most != 0 ? MIN(size, plan.most) : size, offset))
FAKE(ftruncate, int, -1, (int fd, off_t size), (fd, size))
FAKE(fallocate, int, -1, (int fd, off_t size), (fd, size))
FAKE(fsync, int, -1, (int fd), (fd))
FAKE(fdatasync, int, -1, (int fd), (fd))
FAKE(fchmod, int, -1, (int fd, mode_t mode), (fd, mode))
FAKE(futimens, int, -1, (int fd, const struct timespec times[2]), (fd, times))
FAKE(stat, int, -1, (const char *path, struct stat *ret), (path, ret))
FAKE(lstat, int, -1, (const char *path, struct stat *ret), (path, ret))
FAKE(fstat, int, -1, (int fd, struct stat *ret), (fd, ret))
FAKE(faccessat, int, -1, (int folder_fd, const char *path, int mode, int flags),
     (folder_fd, path, mode, flags))
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

/* A row for each call: one without a row does not compile. */
static const struct os_calls fake_calls = {
#define ROW(name, type, arguments) .name = fake_##name,
    OS_CALLS(ROW)
#undef ROW
};

static os_function fake(const char *name)
{
    os_function function = NULL;
#define FIND(member, type, arguments)              \
    if (strcmp(name, #member) == 0) {              \
        function = (os_function)fake_calls.member; \
    }
    OS_CALLS(FIND)
#undef FIND
    ck_assert_msg(function != NULL, "no fake %s", name);
    return function;
}

static inline void plan_failure(const char *name, int errno_value, int times)
{
    plan.errno_value = errno_value;
    plan.times = times;
    plan.calls = 0;
    plan.most = 0;
    ck_assert(bcj2__os_syscall_set(name, fake(name)) != NULL);
}

static int fd; /* of the file "f", "0123456789" */

static void begin(void)
{
    scratch_make();
    real_calls = bcj2__os_calls;
    fd = scratch_file("f", "0123456789");
}

static void end(void)
{
    bcj2__os_syscall_reset();
    bcj2__os_close(fd);
    scratch_remove();
}

#endif
