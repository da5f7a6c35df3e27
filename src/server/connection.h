/* SPDX-License-Identifier: MIT */
/* A connection between requests: a head must be whole within the idle time, however steadily its
   bytes trickle in. (Within a body libmicrohttpd's own time-out counts from the last byte.) */
#ifndef BCJ2_SERVER_CONNECTION_H
#define BCJ2_SERVER_CONNECTION_H

#include <microhttpd.h>

struct server;

/* For MHD_OPTION_NOTIFY_CONNECTION, with the server as its argument. */
void connection_notify(void *argument, struct MHD_Connection *connection, void **context,
                       enum MHD_ConnectionNotificationCode code);
void connection_head_came(struct server *server, struct MHD_Connection *connection);
void connection_head_awaited(struct server *server, struct MHD_Connection *connection);
int connection_socket(struct MHD_Connection *connection); /* -1: it has none */

#endif
