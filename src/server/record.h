/* SPDX-License-Identifier: MIT */
/* A session's record as JSON; its fields stand in session_files.c. */
#ifndef BCJ2_SERVER_RECORD_H
#define BCJ2_SERVER_RECORD_H

#include <stdbool.h>
#include <sys/stat.h>
#include "sessions.h"

/* Its text (mem_free). NULL: no memory. */
char *record_text(const struct server *server, const struct session *session);
/* *ret_same_boot: written since the machine last started. NULL: missing, or not one of ours. */
struct session *record_read(const struct server *server, int folder, const bcj2_guid *id,
                            bool *ret_same_boot, struct stat *ret_stat);

#endif
