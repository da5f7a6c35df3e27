/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: the store itself, and the writers' bookkeeping. Not here:
   statements, parameters and columns (store_sql.h), the tables (store_schema.h). */
#ifndef BCJ2_STORE_DB_H
#define BCJ2_STORE_DB_H

#include <sqlite3.h>
#include <stdatomic.h>
#include "os.h"
#include "store.h"

#define STORE_DATABASE        "queue.db"
#define STORE_DATABASE_NEW    "queue.db.new" /* while it is being made */
#define STORE_WRITER_LOCK     "writer.lock"
#define STORE_OPEN_LOCK       "open.lock"

#define STORE_STATEMENT_SLOTS 256 /* a power of two, well above the number of statements */

struct store_statement {
    const char *sql; /* compared by address: each call site has its own constant */
    sqlite3_stmt *prepared;
};

/* Where one of the database's files lay when it was opened. */
struct store_place {
    char *path;
    bool known;
    uint64_t device, inode;
};
#define STORE_PLACES 3

struct store {
    char *directory;
    char *path; /* of the database */
    struct log log;
    struct os_mutex *lock;
    int open_lock, writer_lock; /* descriptors */
    bool alone;                 /* while opening: nobody else has the queue open */
    char boot_id[OS_BOOT_ID_SIZE];
    uint32_t generation; /* bcj2__os_fork_generation() at opening */
    struct store_place places[STORE_PLACES];
    atomic_bool vanished; /* one of them is not there any more; for good */
    sqlite3 *db;
    bool full_sync; /* what PRAGMA synchronous says: FULL or NORMAL */
    struct store_statement statements[STORE_STATEMENT_SLOTS];

    uint32_t readers; /* depth of bcj2__store_lock */
    bool snapshot;    /* its read transaction is open */

    /* the write transaction */
    bool writing;
    bool changed;        /* a job was changed: counters go back to their row at commit */
    bool counters_known; /* the two below were read */
    int changes_before;  /* sqlite3_total_changes at its start */
    uint64_t change;     /* the number of this transaction, if it changes something */
    uint64_t order;      /* the last queued_order given out */

    atomic_uint_least64_t
        committed; /* the last number that a transaction of this store committed */
};

/* Every public function is between these two. */
void bcj2__store_enter(struct store *s);
void bcj2__store_leave(struct store *s);

/* BCJ2_E_UNEXPECTED outside a write transaction. Otherwise s->change and s->order are known. */
bcj2_status bcj2__store_need_transaction(struct store *s);

/* The status of an SQLite result code, with a detail that names the directory; what: the thing that
   was being done, "opening", "writing", … */
bcj2_status bcj2__store_failed(struct store *s, sqlite3 *db, int rc, const char *what);
/* Runs SQL without a result, not cached. */
bcj2_status bcj2__store_exec(struct store *s, sqlite3 *db, const char *sql, const char *what);

/* BCJ2_OK; BCJ2_E_NOT_SUPPORTED if the schema is newer and does not suit this library any more. */
bcj2_status bcj2__store_check_version(struct store *s, int64_t version);

/* Notes where the database's files lie, for bcj2__store_present(); with writer.lock held. */
bcj2_status bcj2__store_note_places(struct store *s);
void bcj2__store_forget_places(struct store *s);

/* The path of a file in the queue directory; mem_free. */
bcj2_status bcj2__store_path_in(const struct store *s, const char *name, char **ret);

/* With writer.lock held, so that only one process makes a database at a time: makes it if there is
   none, and removes what a killed process left of one. */
bcj2_status bcj2__store_ensure_database(struct store *s);

#endif
