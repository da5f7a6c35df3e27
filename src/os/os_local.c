/* SPDX-License-Identifier: MIT */
/* Stream sockets between processes of one machine. See os.h. Not here: how a long path becomes an address
   (os_local_path.c), who the other end is (os_linux.c, os_darwin.c). */
#include "detail.h"
#include "mem.h"
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_fork.h"
#include "os_local_path.h"
#include "os_platform.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* the sockets themselves were told */
#endif

/* Above standard output, as all our descriptors are: see os_open.c. */
static bcj2_status own_socket(int *ret_fd)
{
    bcj2_status status = bcj2__os_fork_hold();
    if (status != BCJ2_OK) {
        return status;
    }
    *ret_fd = bcj2__os_above_standard(bcj2__os_platform_local_socket());
    status = *ret_fd < 0 ? bcj2__os_fail(errno, "making a socket") : bcj2__os_fork_own(ret_fd);
    bcj2__os_fork_release();
    return status;
}

/* ---- listening ---- */

/* path: of the new name. */
static bcj2_status listen_at(int fd, const struct os_local_path *address, const char *path,
                             int backlog)
{
    bcj2_status status = bcj2__os_unlink(path); /* of one who died here */
    if (status != BCJ2_OK) {
        return status;
    }
    if (bcj2__os_calls.bind(fd, (const struct sockaddr *)&address->address,
                            sizeof address->address) != 0) {
        return bcj2__os_fail(errno, "making the socket %s", path);
    }
    int result; /* nobody can connect before listen() */
    REPEAT_INTERRUPTED(result, bcj2__os_calls.chmod(path, 0600));
    if (result != 0 || bcj2__os_calls.listen(fd, backlog) != 0) {
        return bcj2__os_fail(errno, "listening at %s", path);
    }
    return BCJ2_OK;
}

bcj2_status bcj2__os_local_listen(const char *folder, const char *name, int backlog, int *ret_fd)
{
    *ret_fd = -1;
    CLEANUP_FREE char *path = bcj2__mem_printf("%s/%s", folder, name);
    CLEANUP_FREE char *fresh = bcj2__mem_printf("%s/%s.new", folder, name);
    if (path == NULL || fresh == NULL) {
        return bcj2__detail_no_memory();
    }
    struct os_local_path address;
    bcj2_status status = bcj2__os_local_path(&address, folder, bcj2__os_base_of(fresh));
    if (status != BCJ2_OK) {
        return status;
    }
    int fd = -1;
    status = own_socket(&fd);
    if (status == BCJ2_OK) {
        status = listen_at(fd, &address, fresh, backlog);
    }
    bcj2__os_local_path_done(&address);
    if (status == BCJ2_OK) {
        status = bcj2__os_rename(fresh, path);
    }
    if (status != BCJ2_OK) {
        bcj2__os_close_own(fd);
        return status;
    }
    *ret_fd = fd;
    return BCJ2_OK;
}

/* ---- connecting ---- */

static bcj2_status not_connected(int error, const char *folder, const char *name)
{
    if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR) {
        return bcj2__os_fail_as(BCJ2_E_WIN32_FILE_NOT_FOUND, error, "connecting to %s/%s", folder,
                                name);
    }
    return bcj2__os_fail(error, "connecting to %s/%s", folder, name);
}

bcj2_status bcj2__os_local_connect(const char *folder, const char *name, int *ret_fd)
{
    *ret_fd = -1;
    struct os_local_path address;
    bcj2_status status = bcj2__os_local_path(&address, folder, name);
    if (status != BCJ2_OK) {
        return status;
    }
    int fd = -1;
    status = own_socket(&fd);
    if (status == BCJ2_OK) {
        int result;
        REPEAT_INTERRUPTED(result,
                           bcj2__os_calls.connect(fd, (const struct sockaddr *)&address.address,
                                                  sizeof address.address));
        status = result == 0 ? BCJ2_OK : not_connected(errno, folder, name);
    }
    bcj2__os_local_path_done(&address);
    if (status != BCJ2_OK) {
        bcj2__os_close_own(fd);
        return status;
    }
    *ret_fd = fd;
    return BCJ2_OK;
}

bcj2_status bcj2__os_local_accept(int listener, int *ret_fd)
{
    *ret_fd = -1;
    bcj2_status status = bcj2__os_fork_hold();
    if (status != BCJ2_OK) {
        return status;
    }
    int fd;
    do { /* ECONNABORTED: one who hung up before his turn */
        fd = bcj2__os_calls.accept(listener, NULL, NULL);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    fd = bcj2__os_above_standard(fd);
    if (fd >= 0) {
        status = bcj2__os_fork_own(&fd);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        status = BCJ2_S_FALSE;
    } else {
        status = bcj2__os_fail(errno, "accepting a connection");
    }
    bcj2__os_fork_release();
    *ret_fd = fd;
    return status;
}

bcj2_status bcj2__os_local_peer(int fd, struct os_local_peer *ret)
{
    *ret = (struct os_local_peer){0};
    return bcj2__os_platform_local_peer(fd, ret) == 0
               ? BCJ2_OK
               : bcj2__os_fail(errno, "asking who is connected");
}

/* ---- bytes ---- */

static bcj2_status not_moved(int error, const char *what)
{
    if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS) {
        return BCJ2_S_FALSE;
    }
    if (error == EPIPE || error == ECONNRESET || error == ENOTCONN) {
        return bcj2__os_fail_as(BCJ2_E_NOT_FOUND, error, "%s", what);
    }
    return bcj2__os_fail(error, "%s", what);
}

bcj2_status bcj2__os_local_send(int fd, const void *data, size_t size, size_t *ret_sent)
{
    ssize_t n;
    REPEAT_INTERRUPTED(n, bcj2__os_calls.send(fd, data, size, MSG_NOSIGNAL));
    *ret_sent = n < 0 ? 0 : (size_t)n;
    return n >= 0 ? BCJ2_OK : not_moved(errno, "sending to a process");
}

bcj2_status bcj2__os_local_receive(int fd, void *data, size_t size, size_t *ret_received)
{
    ssize_t n;
    REPEAT_INTERRUPTED(n, bcj2__os_calls.recv(fd, data, size, 0));
    *ret_received = n < 0 ? 0 : (size_t)n;
    if (n < 0) {
        return not_moved(errno, "hearing from a process");
    }
    return n > 0 || size == 0 ? BCJ2_OK : bcj2__detail(BCJ2_E_NOT_FOUND, "a process hung up");
}

#define POLLED_AT_ONCE 64

static bcj2_status poll_some(struct os_poll *fds, size_t count)
{
    struct pollfd list[POLLED_AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct pollfd){
            .fd = fds[i].fd,
            .events = (short)((fds[i].read ? POLLIN : 0) | (fds[i].write ? POLLOUT : 0)),
        };
    }
    int result;
    REPEAT_INTERRUPTED(result, poll(list, (nfds_t)count, 0));
    if (result < 0) {
        return bcj2__os_fail(errno, "polling %zu descriptors", count);
    }
    for (size_t i = 0; i < count; i++) {
        bool broken = (list[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        fds[i].read = broken || (list[i].revents & POLLIN) != 0;
        fds[i].write = broken || (list[i].revents & POLLOUT) != 0;
    }
    return BCJ2_OK;
}

bcj2_status bcj2__os_poll_now(struct os_poll *fds, size_t count)
{
    bcj2_status status = BCJ2_OK;
    for (size_t at = 0; at < count && status == BCJ2_OK; at += POLLED_AT_ONCE) {
        status = poll_some(fds + at, MIN(count - at, (size_t)POLLED_AT_ONCE));
    }
    return status;
}
