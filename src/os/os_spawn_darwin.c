/* SPDX-License-Identifier: MIT */
/* What starting a program needs of macOS: see os_platform.h. */
#include "os_platform.h"

#include <crt_externs.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/event.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* A library has no `environ` of its own here. */
char **bcj2__os_platform_environment(void)
{
    return *_NSGetEnviron();
}

int bcj2__os_platform_socketpair(int ends[2])
{
    int yes = 1;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) != 0 ||
            setsockopt(ends[i], SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes) != 0) {
            int error = errno;
            (void)close(ends[0]);
            (void)close(ends[1]);
            errno = error;
            return -1;
        }
    }
    return 0;
}

int bcj2__os_platform_child_watch(pid_t pid)
{
    struct kevent wanted;
    int fd = kqueue();
    if (fd < 0) {
        return -1;
    }
    EV_SET(&wanted, (uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || kevent(fd, &wanted, 1, NULL, 0, NULL) != 0) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int bcj2__os_platform_wait_child(int watch, pid_t pid, siginfo_t *ret, int options)
{
    (void)watch;
    return waitid(P_PID, (id_t)pid, ret, options);
}

int bcj2__os_platform_close_from(int lowest)
{
    (void)lowest;
    errno = ENOSYS;
    return -1;
}

void bcj2__os_platform_close_each(int lowest)
{
    int end = getdtablesize();
    for (int number = lowest; number < end; number++) {
        (void)close(number);
    }
}
