/* SPDX-License-Identifier: MIT */
/* The tables and how older ones become today's: numbered steps, step n leads from version n to
   n + 1. A new database goes through all of them, so there is one description of the schema. */
#ifndef BCJ2_STORE_SCHEMA_H
#define BCJ2_STORE_SCHEMA_H

#include <stddef.h>
#include "store_db.h"

#define STORE_APPLICATION_ID 0x62636A32 /* "bcj2" */

/* A queue says two things of its schema: its version (user_version), and the oldest version whose
   libraries may use it (queue.needs_version). A step that only adds is made while older libraries
   have the queue open, and they go on; only an incompatible one turns them away. */
struct store_step {
    const char *sql;
    bool incompatible; /* older libraries cannot use the result: nobody else may have it open */
};

#define STORE_VERSION       5 /* what this library writes */
#define STORE_NEEDS_VERSION 5 /* the last incompatible step: no older library can use the result */
extern const struct store_step bcj2__store_steps[STORE_VERSION];

/* Inside a write transaction of db: runs the steps from `version` on and sets both numbers; there is
   a table "queue" with needs_version after the first incompatible one. BCJ2_E_SHARING_VIOLATION: one
   of them is incompatible and somebody else has the queue open. */
bcj2_status bcj2__store_migrate(struct store *s, sqlite3 *db, const struct store_step *steps,
                                size_t count, size_t version);

#endif
