/* SPDX-License-Identifier: MIT */
/* Watching the network by a routing socket, which hears of all changes of links, addresses and routes.
   See os.h. */
#include "os_platform.h"

#include <errno.h>
#include <fcntl.h>
#include <net/route.h>
#include <unistd.h>

int bcj2__os_platform_netwatch(void)
{
    int fd = socket(PF_ROUTE, SOCK_RAW, AF_UNSPEC);
    if (fd >= 0 && (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}
