/* SPDX-License-Identifier: MIT */
/* See connection.h. */
#include "connection.h"
#include "mem.h"
#include "server.h"

#include <sys/socket.h>

struct head_limit {
    struct timer_entry entry;
    int fd;
};

int connection_socket(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : (int)info->connect_fd;
}

static struct head_limit *limit_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/* libmicrohttpd finds it closed. */
static void time_is_over(void *argument)
{
    const struct head_limit *limit = argument;
    (void)shutdown(limit->fd, SHUT_RDWR);
}

static void arm(struct server *server, struct head_limit *limit)
{
    timer_set(&server->timer, &limit->entry,
              bcj2__os_now_ms() + (uint64_t)server->config.idle_timeout_s * 1000);
}

void connection_notify(void *argument, struct MHD_Connection *connection, void **context,
                       enum MHD_ConnectionNotificationCode code)
{
    struct server *server = argument;
    struct head_limit *limit = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        limit = bcj2__mem_calloc(1, sizeof *limit);
        if (limit != NULL) {
            limit->fd = connection_socket(connection);
            limit->entry = (struct timer_entry){.fire = time_is_over, .argument = limit};
            arm(server, limit);
        }
        *context = limit;
    } else if (limit != NULL) {
        timer_cancel(&server->timer, &limit->entry);
        bcj2__mem_free(limit);
        *context = NULL;
    }
}

void connection_head_came(struct server *server, struct MHD_Connection *connection)
{
    struct head_limit *limit = limit_of(connection);
    if (limit != NULL) {
        timer_cancel(&server->timer, &limit->entry);
    }
}

void connection_head_awaited(struct server *server, struct MHD_Connection *connection)
{
    struct head_limit *limit = limit_of(connection);
    if (limit != NULL) {
        arm(server, limit);
    }
}
