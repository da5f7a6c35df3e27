/* SPDX-License-Identifier: MIT */
/* The listening socket and libmicrohttpd. */
#ifndef BCJ2_SERVER_HTTP_H
#define BCJ2_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct server;

/* Listens; with port 0 on the port of the last run, if it is free. *ret_url: "http://127.0.0.1:80/".
   False: *ret_problem says why. */
bool http_start(struct server *server, char url[128], char problem[256]);
/* Resumes what is suspended, stops the daemon. */
void http_stop(struct server *server);

#endif
