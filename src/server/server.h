/* SPDX-License-Identifier: MIT */
/* The one server of the process: what all its parts share. */
#ifndef BCJ2_SERVER_SERVER_H
#define BCJ2_SERVER_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include "config.h"
#include "event_log.h"
#include "linger.h"
#include "os.h"
#include "sessions.h"
#include "timer.h"
#include "tree.h"
#include "workers.h"

struct MHD_Daemon;

struct server {
    struct config config;
    struct tree tree;
    struct event_log log;
    struct timer timer;
    struct workers workers;
    struct lingering linger;
    struct sessions sessions;
    struct MHD_Daemon *daemon;
    char boot_id[OS_BOOT_ID_SIZE];
    char own_url[128]; /* where it listens: "http://ADDR:PORT/" */
    /* A suspended connection must be resumed before the daemon stops. */
    pthread_mutex_t pause_lock;
    pthread_cond_t pause_ended;
    uint32_t paused;
    bool stopping; /* no connection is suspended any more, no application started */
};

bool server_is_stopping(struct server *server);

#endif
