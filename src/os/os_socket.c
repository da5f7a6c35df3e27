/* SPDX-License-Identifier: MIT */
/* Sockets for the transfer engine: made here so that no child process inherits them. Everything
   else about them is libcurl's. */
#include "os.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef SOCK_CLOEXEC

int bcj2__os_socket(int family, int type, int protocol)
{
    return socket(family, type | SOCK_CLOEXEC, protocol);
}

#else /* macOS: a child forked by another thread between the two calls still gets it */

int bcj2__os_socket(int family, int type, int protocol)
{
    int fd = socket(family, type, protocol);
    if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

#endif
