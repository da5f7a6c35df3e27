/* SPDX-License-Identifier: MIT */
/* The end of an upload (wire-protocol 3.3, 3.4): the file goes to the disk, to its destination or
   to the application; the answer goes to all requests that wait for it. Runs in a worker. */
#ifndef BCJ2_SERVER_FINISH_H
#define BCJ2_SERVER_FINISH_H

#include <stdbool.h>

struct server;
struct session;

/* With the session's lock held and its phase FINISHING. False: it could not be started. */
bool finish_start(struct server *server, struct session *session);

#endif
