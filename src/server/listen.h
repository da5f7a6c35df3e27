/* SPDX-License-Identifier: MIT */
/* The listening socket, and the port that is kept over restarts. */
#ifndef BCJ2_SERVER_LISTEN_H
#define BCJ2_SERVER_LISTEN_H

struct server;

/* -1: problem says why. */
int listen_open(const struct server *server, char url[128], char problem[256]);

#endif
