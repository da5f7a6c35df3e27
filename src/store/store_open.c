/* SPDX-License-Identifier: MIT */
/* Opening and closing a queue directory: what is refused, and the locks. Not here: making a new
   database (store_make.c). */
#include "store_db.h"

#include <stdatomic.h>
#include "detail.h"
#include "mem.h"
#include "store_schema.h"
#include "store_sql.h"
#include "timeouts.h"

/* ---- the directory ---- */

static bcj2_status check_directory(const char *directory)
{
    struct os_stat st;
    bcj2_status status = bcj2__os_stat(directory, true, &st);
    if (status != BCJ2_OK) {
        return status;
    }
    if (!st.exists || !st.is_directory) {
        return bcj2__detail(BCJ2_E_PATH_NOT_FOUND, "%s is not a folder", directory);
    }
    if (st.uid != bcj2__os_uid()) {
        return bcj2__detail(BCJ2_E_ACCESSDENIED,
                            "the queue in %s belongs to user %u, this process runs as user %u",
                            directory, (unsigned)st.uid, (unsigned)bcj2__os_uid());
    }
    const char *network = bcj2__os_network_file_system(directory);
    if (network != NULL) {
        return bcj2__detail(BCJ2_E_NOT_SUPPORTED,
                            "the queue cannot be in %s: file locks on %s are not reliable",
                            directory, network);
    }
    return bcj2__os_check_folder(directory);
}

/* ---- the locks ---- */

static bcj2_status open_lock_file(const struct store *s, const char *name, int *ret)
{
    CLEANUP_FREE char *path = NULL;
    bcj2_status status = bcj2__store_path_in(s, name, &path);
    if (status == BCJ2_OK) {
        status = bcj2__os_lock_open(path, ret);
    }
    if (status == BCJ2_OK) {
        status = bcj2__os_close_in_child(*ret);
        if (status != BCJ2_OK) {
            bcj2__os_close(*ret);
            *ret = -1;
        }
    }
    return status;
}

static void close_lock_file(int fd)
{
    if (fd >= 0) {
        bcj2__os_close_in_child_no_more(fd);
        bcj2__os_close(fd);
    }
}

/* The exclusive lock if nobody has the queue open, else the shared one. */
static bcj2_status lock_open_lock(struct store *s)
{
    bcj2_status status = bcj2__os_lock(s->open_lock, OS_LOCK_EXCLUSIVE, false);
    s->alone = status == BCJ2_OK;
    return status == BCJ2_E_LOCK_VIOLATION ? bcj2__os_lock(s->open_lock, OS_LOCK_SHARED, true)
                                           : status;
}

/* ---- opening it ---- */

static bcj2_status read_number(struct store *s, const char *sql, int64_t *ret)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(statement);
    }
    bcj2_status status = BCJ2_OK;
    if (rc == SQLITE_ROW) {
        *ret = sqlite3_column_int64(statement, 0);
    } else {
        status = bcj2__store_failed(s, s->db, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc, "opening");
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* Is it a database of ours, and one this library knows? Only reads. */
static bcj2_status examine(struct store *s, int64_t *ret_version)
{
    int64_t application = 0, tables = 0;
    bcj2_status status = read_number(s, "PRAGMA application_id", &application);
    if (status == BCJ2_OK && application != STORE_APPLICATION_ID) {
        status =
            bcj2__detail(BCJ2_E_DATABASE_CORRUPT, "%s is not a database of this library", s->path);
    }
    if (status == BCJ2_OK) {
        status = read_number(s, "PRAGMA user_version", ret_version);
    }
    if (status == BCJ2_OK) {
        status = bcj2__store_check_version(s, *ret_version);
    }
    if (status == BCJ2_OK) { /* reads the whole schema: its damage is seen here */
        status = read_number(s, "SELECT count(*) FROM sqlite_schema", &tables);
    }
    if (status == BCJ2_OK && sqlite3_db_readonly(s->db, "main") != 0) {
        status = bcj2__detail(BCJ2_E_ACCESSDENIED, "%s cannot be written", s->path);
    }
    return status;
}

/* With writer.lock held and in a transaction, which it ends: one process does it. All or nothing; killed in
   the middle, the next one to open finds the old schema. */
static bcj2_status migrate(struct store *s, int64_t version)
{
    bcj2_status status =
        bcj2__store_migrate(s, s->db, bcj2__store_steps, STORE_VERSION, (size_t)version);
    if (status == BCJ2_OK) {
        status = bcj2__store_exec(s, s->db, "COMMIT", "changing the schema of");
    }
    if (status == BCJ2_OK) {
        bcj2__log(&s->log, LOG_INFO, "the queue in %s was brought from schema %lld to %d",
                  s->directory, (long long)version, STORE_VERSION);
    } else if (!sqlite3_get_autocommit(s->db)) {
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

static bcj2_status set_up(struct store *s)
{
    int ignored = 0;
    (void)sqlite3_busy_timeout(s->db, (int)bcj2__timeouts.writer_lock_ms);
    (void)sqlite3_extended_result_codes(s->db, 1);
    /* a stranger's database must stay as it is, also when it is closed again */
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &ignored);
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, &ignored);
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &ignored);
    int64_t version = 0;
    bcj2_status status = examine(s, &version);
    if (status != BCJ2_OK) {
        return status;
    }
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, &ignored);
    status = bcj2__store_exec(
        s, s->db,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;"
        "PRAGMA checkpoint_fullfsync = ON; PRAGMA journal_size_limit = 4194304;"
        "PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON;"
        "PRAGMA temp_store = MEMORY;",
        "opening");
    s->full_sync = true;
    /* Files that SQLite could not open for writing it opens for reading, and never again otherwise: who
       has such a connection must not keep it. The log's are seen by the first that wants to write. */
    if (status == BCJ2_OK) {
        status = bcj2__store_exec(s, s->db, "BEGIN IMMEDIATE", "opening");
    }
    if (status != BCJ2_OK || version >= STORE_VERSION) {
        return status == BCJ2_OK ? bcj2__store_exec(s, s->db, "ROLLBACK", "opening") : status;
    }
    return migrate(s, version);
}

static bcj2_status open_database(struct store *s)
{
    bcj2_status status = bcj2__store_ensure_database(s);
    if (status != BCJ2_OK) {
        return status;
    }
    int rc = sqlite3_open_v2(s->path, &s->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW,
                             NULL);
    status = rc == SQLITE_OK ? set_up(s) : bcj2__store_failed(s, s->db, rc, "opening");
    return status == BCJ2_OK ? bcj2__store_note_places(s) : status;
}

/* ---- forks ---- */

/* How many stores are open (lower half) and in which fork generation (upper half). SQLite keeps one
   picture per process of the locks it holds. A forked child inherits the picture and not the locks:
   a store it opened would go unnoticed by its parent, which deletes the log when it closes. */
static _Atomic uint64_t open_stores;

static bool enter_open_stores(uint32_t generation)
{
    uint64_t now = atomic_load(&open_stores);
    do {
        if ((uint32_t)now != 0 && now >> 32 != generation) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&open_stores, &now,
                                           (uint64_t)generation << 32 | ((uint32_t)now + 1)));
    return true;
}

static void leave_open_stores(void)
{
    atomic_fetch_sub(&open_stores, 1);
}

/* ---- the store ---- */

static bcj2_status purge(struct store *s)
{
    uint32_t count = 0;
    bcj2_status status = bcj2__store_begin(s, false);
    if (status == BCJ2_OK) {
        status = bcj2__store_purge(s, INT64_MAX, &count);
        status = bcj2__store_end(s, false, status);
    }
    if (status == BCJ2_OK && count > 0) {
        bcj2__log(&s->log, LOG_DEBUG, "%u completed and cancelled jobs were forgotten",
                  (unsigned)count);
    }
    return status;
}

static bcj2_status check_version_again(struct store *s)
{
    int64_t version = 0;
    bcj2_status status = read_number(s, "PRAGMA user_version", &version);
    return status == BCJ2_OK ? bcj2__store_check_version(s, version) : status;
}

static bcj2_status open_in(struct store *s)
{
    bcj2_status status = bcj2__store_path_in(s, STORE_DATABASE, &s->path);
    if (status == BCJ2_OK) {
        s->lock = bcj2__os_mutex_create();
        status = s->lock == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
    }
    if (status == BCJ2_OK) {
        status = open_lock_file(s, STORE_OPEN_LOCK, &s->open_lock);
    }
    if (status == BCJ2_OK) {
        status = open_lock_file(s, STORE_WRITER_LOCK, &s->writer_lock);
    }
    if (status == BCJ2_OK) {
        status = lock_open_lock(s);
    }
    if (status == BCJ2_OK) {
        status = bcj2__os_lock(s->writer_lock, OS_LOCK_EXCLUSIVE, true);
    }
    if (status != BCJ2_OK) {
        return status;
    }
    status = open_database(s);
    bcj2__os_unlock(s->writer_lock);
    if (status == BCJ2_OK && s->alone) {
        status = purge(s);
        /* flock does not go from exclusive to shared in one step. Who gets in between purges too,
           or changes the schema. */
        s->alone = false;
        if (status == BCJ2_OK) {
            status = bcj2__os_lock(s->open_lock, OS_LOCK_SHARED, true);
        }
        if (status == BCJ2_OK) {
            status = check_version_again(s);
        }
    }
    return status;
}

bcj2_status bcj2__store_open(const char *directory, const struct log *log, struct store **ret)
{
    *ret = NULL;
    bcj2_status status = check_directory(directory);
    if (status != BCJ2_OK) {
        return status;
    }
    uint32_t generation = bcj2__os_fork_generation();
    if (!enter_open_stores(generation)) {
        return bcj2__detail(BCJ2_E_CLOSED,
                            "this process was forked while a queue was open: it cannot open %s",
                            directory);
    }
    struct store *s = bcj2__mem_calloc(1, sizeof *s);
    if (s == NULL) {
        leave_open_stores();
        return bcj2__detail_no_memory();
    }
    s->open_lock = s->writer_lock = -1;
    s->generation = generation;
    bcj2__os_boot_id(s->boot_id);
    s->log = log == NULL ? (struct log){0} : *log;
    /* absolute and without links: SQLite takes "file:…" for a URI and follows no link */
    status = bcj2__os_real_path(directory, &s->directory);
    if (status == BCJ2_OK) {
        status = open_in(s);
    }
    if (status != BCJ2_OK) {
        bcj2__store_close(s);
        return status;
    }
    *ret = s;
    return BCJ2_OK;
}

void *bcj2__store_close(struct store *s)
{
    /* A forked child leaves it alone: closing would delete the log under its parent. */
    if (s == NULL || s->generation != bcj2__os_fork_generation()) {
        return NULL;
    }
    if (s->writing) {
        bcj2__store_rollback(s);
    }
    bcj2__sql_forget(s);
    /* The last one to close locks everybody out while it folds the log into the database: under the
       writer lock nobody is just opening it. */
    if (s->db != NULL && s->writer_lock >= 0) {
        (void)bcj2__os_lock(s->writer_lock, OS_LOCK_EXCLUSIVE, true);
    }
    /* SQLite deletes the log by its name, which may be another queue's by now */
    if (s->db != NULL && bcj2__store_present(s) != BCJ2_OK) {
        int ignored = 0;
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &ignored);
    }
    (void)sqlite3_close(s->db);
    bcj2__store_forget_places(s);
    close_lock_file(s->writer_lock);
    close_lock_file(s->open_lock);
    bcj2__os_mutex_destroy(s->lock);
    bcj2__mem_free(s->path);
    bcj2__mem_free(s->directory);
    bcj2__mem_free(s);
    leave_open_stores();
    return NULL;
}
