/* SPDX-License-Identifier: MIT */
/* What the server was told: command line and configuration file (wire-protocol 3.1, and the
   switches of 3.3 and 4.6 by which tests make it answer as other servers do). */
#ifndef BCJ2_SERVER_CONFIG_H
#define BCJ2_SERVER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include "bup_srv.h"

enum notification { NOTIFY_NONE = 0, NOTIFY_BY_REFERENCE = 1, NOTIFY_BY_VALUE = 2 };

struct config {
    /* command line */
    char *root;
    char *host; /* of --listen, without the brackets of an IPv6 address */
    char *port;
    char *app_exec;      /* NULL: none */
    char *log_path;      /* NULL: standard output */
    uint64_t limit_rate; /* bytes per second and connection; 0: no limit */
    /* command line or file */
    enum notification notification;
    char *notification_url;
    /* file */
    struct bup_srv_rules rules;
    char *host_id; /* rules.host_id */
    bool overwrite;
    uint64_t session_timeout_ms;
    uint64_t cleanup_every_ms; /* 0: a session goes when its time is over */
    uint32_t sessions_max;
    bool iis_style_reply_url;
    bool no_ranges, no_length; /* of GET */
    uint32_t application_timeout_ms;
    uint32_t idle_timeout_s; /* of a connection */
};

/* Reads the command line. 0: go on; else the exit status + 1 (help, version, mistake: said). */
int config_read(struct config *config, int argc, char **argv);
void config_done(struct config *config);

/* The keys of the configuration file; problem names what is wrong. */
bool config_read_json(struct config *config, const char *text, char problem[256]);

#endif
