/* SPDX-License-Identifier: MIT */
/* The built bcj2-server as a child process, on a free port of its own. Not here: the server of
   the tests (support/servers.h), which needs Check and a folder of its own. */
#ifndef BCJ2_BENCH_SERVER_PROCESS_H
#define BCJ2_BENCH_SERVER_PROCESS_H

#include <sys/types.h>

struct server_process {
    pid_t pid;
    char url[64]; /* "http://127.0.0.1:PORT/" */
};

/* Starts $BCJ2_SERVER for the folder root. application: a program for --app-exec, or NULL: none;
   configuration: the JSON text of its properties, or NULL. Its log goes to root's sibling "ROOT.log".
   Returns when it listens; any failure ends the process with a message. */
struct server_process server_process_start(const char *root, const char *application,
                                           const char *configuration);
void server_process_stop(struct server_process *server); /* waits for its end */

#endif
