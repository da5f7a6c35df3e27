/* SPDX-License-Identifier: MIT */
/* Is there a network, and being told when that may have changed. See os.h. The socket says only that
   something happened; what is there now is asked from the list of addresses. Not here: how the socket is
   made (os_netwatch_linux.c, os_netwatch_darwin.c). */
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_fork.h"
#include "os_platform.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* An IPv6 address that reaches no further than its link is there without any network: with a cable to
   nothing, or a bridge nobody is on. */
static bool reaches_out(const struct ifaddrs *a)
{
    if (a->ifa_addr == NULL || (a->ifa_flags & IFF_LOOPBACK) != 0 || (a->ifa_flags & IFF_UP) == 0 ||
        (a->ifa_flags & IFF_RUNNING) == 0) {
        return false;
    }
    if (a->ifa_addr->sa_family == AF_INET) {
        return true;
    }
    return a->ifa_addr->sa_family == AF_INET6 &&
           !IN6_IS_ADDR_LINKLOCAL(
               &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr);
}

/* FNV-1a of an address, never 0. */
static uint64_t number_of(const struct sockaddr *address)
{
    bool v4 = address->sa_family == AF_INET;
    const void *at =
        v4 ? (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr
           : &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    const unsigned char *bytes = at;
    uint64_t number = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < (v4 ? sizeof(struct in_addr) : sizeof(struct in6_addr)); i++) {
        number = (number ^ bytes[i]) * UINT64_C(0x100000001B3);
    }
    return number | 1;
}

uint64_t bcj2__os_network(void)
{
    struct ifaddrs *list = NULL;
    if (bcj2__os_calls.getifaddrs(&list) != 0) {
        return 1; /* unknown: trying will tell */
    }
    uint64_t sum = 0; /* whatever their order */
    bool up = false;
    for (const struct ifaddrs *a = list; a != NULL; a = a->ifa_next) {
        if (reaches_out(a)) {
            sum += number_of(a->ifa_addr);
            up = true;
        }
    }
    (void)bcj2__os_calls.freeifaddrs(list);
    return up && sum == 0 ? 1 : sum;
}

bool bcj2__os_network_is_up(void)
{
    return bcj2__os_network() != 0;
}

bcj2_status bcj2__os_netwatch_open(int *ret_fd)
{
    *ret_fd = -1;
    bcj2_status status = bcj2__os_fork_hold();
    if (status != BCJ2_OK) {
        return status;
    }
    *ret_fd = bcj2__os_above_standard(bcj2__os_calls.netwatch());
    status = *ret_fd < 0 ? bcj2__os_fail(errno, "watching the network") : bcj2__os_fork_own(ret_fd);
    bcj2__os_fork_release();
    return status;
}

bcj2_status bcj2__os_netwatch_read(int fd, bool *ret_changed)
{
    char message[8192];
    ssize_t n;
    *ret_changed = false;
    for (;;) {
        REPEAT_INTERRUPTED(n, bcj2__os_calls.recv(fd, message, sizeof message, 0));
        if (n > 0 || (n < 0 && errno == ENOBUFS)) { /* ENOBUFS: more than the socket could hold */
            *ret_changed = true;
            continue;
        }
        return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)
                   ? BCJ2_OK
                   : bcj2__os_fail(n < 0 ? errno : EPIPE, "reading the watch on the network");
    }
}
