/* SPDX-License-Identifier: MIT */
/* Handing an upload to the server's application and taking its reply (wire-protocol 3.4). */
#ifndef BCJ2_SERVER_APPLICATION_H
#define BCJ2_SERVER_APPLICATION_H

#include <stdbool.h>
#include <stdint.h>
#include <bcj2/types.h>

struct server;
struct session;

struct application {
    struct server *server;
    const struct session *session;
    int upload;  /* the request file, for reading */
    int replies; /* the folder for the reply: SESSION_REPLY_FILE is made there */

    /* what came of it */
    uint32_t status; /* 2xx: success */
    bcj2_status code;
    uint32_t context;
    bool copy;        /* the file is to go to its destination, too */
    char *static_url; /* the reply is elsewhere; NULL */
};

/* Failure: status, its HTTP code unless another is given, context 7. */
void application_failed(struct application *a, uint32_t status);
void application_timed_out(struct application *a);

void application_exec(struct application *a); /* --app-exec */
void application_url(struct application *a);  /* --app-url, by value or by reference */

/* Called before the server stops: ends those that run; their uploads are notified again later. */
void application_exec_stop(struct server *server);

#endif
