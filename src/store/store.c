/* SPDX-License-Identifier: MIT */
/* The store's lock, its transactions, and what SQLite's result codes mean. Not here: opening
   (store_open.c). */
#include "store_db.h"

#include "detail.h"
#include "store_schema.h"
#include "store_sql.h"

/* ---- failures ---- */

/* What the operating system said, where that is more than SQLite's word for it. */
static bcj2_status system_status(sqlite3 *db, bcj2_status otherwise)
{
    int error = db == NULL ? 0 : sqlite3_system_errno(db);
    bcj2_status status = error == 0 ? otherwise : bcj2__os_status(error);
    return status == BCJ2_E_DISK_FULL || status == BCJ2_E_ACCESSDENIED ||
                   status == BCJ2_E_OUTOFMEMORY
               ? status
               : otherwise;
}

static bcj2_status status_of(sqlite3 *db, int rc)
{
    if (rc == SQLITE_IOERR_NOMEM) {
        return BCJ2_E_OUTOFMEMORY;
    }
    switch (rc & 0xFF) {
    case SQLITE_FULL:
        return BCJ2_E_DISK_FULL;
    case SQLITE_NOMEM:
        return BCJ2_E_OUTOFMEMORY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return BCJ2_E_ACCESSDENIED;
    case SQLITE_CANTOPEN:
        return system_status(db, BCJ2_E_ACCESSDENIED);
    case SQLITE_IOERR:
        return system_status(db, BCJ2_E_IO_DEVICE);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return BCJ2_E_SHARING_VIOLATION;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
    case SQLITE_ERROR: /* our statements are right, so a table or column is missing */
        return BCJ2_E_DATABASE_CORRUPT;
    case SQLITE_TOOBIG:
        return BCJ2_E_STRING_TOO_LONG;
    default:
        return BCJ2_E_UNEXPECTED;
    }
}

bcj2_status bcj2__store_failed(struct store *s, sqlite3 *db, int rc, const char *what)
{
    /* the extended code says more, but belongs to the last call only */
    int extended = db == NULL ? rc : sqlite3_extended_errcode(db);
    int code = (extended & 0xFF) == (rc & 0xFF) ? extended : rc;
    return bcj2__detail(status_of(db, code), "%s the queue in %s: %s (SQLite %d)", what,
                        s->directory, sqlite3_errstr(code), code);
}

bcj2_status bcj2__store_exec(struct store *s, sqlite3 *db, const char *sql, const char *what)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? BCJ2_OK : bcj2__store_failed(s, db, rc, what);
}

/* ---- the lock ---- */

void bcj2__store_enter(struct store *s)
{
    bcj2__os_mutex_lock(s->lock);
}

void bcj2__store_leave(struct store *s)
{
    bcj2__os_mutex_unlock(s->lock);
}

/* A statement whose rows and changes do not matter. */
static bcj2_status simple(struct sql q)
{
    bcj2_status status = bcj2__sql_run(&q);
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}

void bcj2__store_lock(struct store *s)
{
    bcj2__store_enter(s);
    if (s->readers++ == 0 && !s->writing) {
        /* without memory for it the reads still work, only not as one snapshot */
        s->snapshot = simple(bcj2__sql(s, "BEGIN")) == BCJ2_OK;
    }
}

static void end_snapshot(struct store *s)
{
    if (s->snapshot) {
        s->snapshot = false;
        (void)simple(bcj2__sql(s, "COMMIT"));
        if (!sqlite3_get_autocommit(s->db)) { /* no memory: the short way needs none */
            (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        }
    }
}

void bcj2__store_unlock(struct store *s)
{
    if (--s->readers == 0) {
        end_snapshot(s);
    }
    bcj2__store_leave(s);
}

/* ---- transactions ---- */

bcj2_status bcj2__store_check_version(struct store *s, int64_t version)
{
    if (version <= STORE_VERSION) {
        return BCJ2_OK;
    }
    /* newer: does it say that we may use it all the same? */
    struct sql q = bcj2__sql(s, "SELECT needs_version FROM queue");
    int64_t needs = bcj2__sql_row(&q) ? bcj2__sql_i64(&q) : version;
    bcj2_status status = bcj2__sql_end(&q);
    if (status == BCJ2_E_DATABASE_CORRUPT) { /* one that has no such table can say nothing */
        status = BCJ2_OK;
    }
    if (BCJ2_FAILED(status) || needs <= STORE_VERSION) {
        return status == BCJ2_S_FALSE ? BCJ2_OK : status;
    }
    return bcj2__detail(BCJ2_E_NOT_SUPPORTED,
                        "the queue in %s was written by a newer version (schema %lld, for schema "
                        "%lld at least; this library knows %d)",
                        s->directory, (long long)version, (long long)needs, STORE_VERSION);
}

/* PRAGMA synchronous works at once, when it is prepared, and only outside a transaction. */
static bcj2_status set_sync(struct store *s, bool full)
{
    if (s->full_sync == full) {
        return BCJ2_OK;
    }
    bcj2_status status = bcj2__store_exec(
        s, s->db, full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", "changing");
    if (status == BCJ2_OK) {
        s->full_sync = full;
    }
    return status;
}

/* The write transaction is over, or never began. */
static void end_writing(struct store *s)
{
    if (!sqlite3_get_autocommit(s->db)) {
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    s->writing = false;
    bcj2__os_unlock(s->writer_lock);
    bcj2__store_leave(s);
}

static bcj2_status begin_writing(struct store *s, bool durable)
{
    bcj2_status status = bcj2__store_present(s);
    if (status == BCJ2_OK) {
        status = set_sync(s, durable);
    }
    if (status != BCJ2_OK) {
        return status;
    }
    status = simple(bcj2__sql(s, "BEGIN IMMEDIATE"));
    if (status != BCJ2_OK) {
        return status;
    }
    struct sql q = bcj2__sql(s, "PRAGMA user_version");
    int64_t version = bcj2__sql_row(&q) ? bcj2__sql_i64(&q) : 0;
    status = bcj2__sql_end(&q);
    return status == BCJ2_OK ? bcj2__store_check_version(s, version) : status;
}

bcj2_status bcj2__store_begin(struct store *s, bool durable)
{
    bcj2__store_enter(s);
    if (s->writing) {
        bcj2__store_leave(s);
        return bcj2__detail(BCJ2_E_UNEXPECTED, "transactions of the store do not nest");
    }
    end_snapshot(s);
    bcj2_status status = bcj2__os_lock(s->writer_lock, OS_LOCK_EXCLUSIVE, true);
    if (status != BCJ2_OK) {
        bcj2__store_leave(s);
        return status;
    }
    s->writing = true;
    s->changed = s->counters_known = false;
    s->changes_before = sqlite3_total_changes(s->db);
    status = begin_writing(s, durable);
    if (status != BCJ2_OK) {
        end_writing(s);
    }
    return status;
}

bcj2_status bcj2__store_need_transaction(struct store *s)
{
    if (!s->writing) {
        return bcj2__detail(BCJ2_E_UNEXPECTED, "the store is written outside a transaction");
    }
    if (s->counters_known) {
        return BCJ2_OK;
    }
    struct sql q = bcj2__sql(s, "SELECT change_seq, queued_order FROM queue");
    if (bcj2__sql_row(&q)) {
        s->change = bcj2__sql_u64(&q) + 1;
        s->order = bcj2__sql_u64(&q);
        s->counters_known = true;
    }
    bcj2_status status = bcj2__sql_end(&q);
    return status == BCJ2_S_FALSE ? bcj2__store_failed(s, NULL, SQLITE_CORRUPT, "reading") : status;
}

/* Syncs the write-ahead log, and with it all that was committed to it. */
static bcj2_status sync_log(struct store *s)
{
    sqlite3_file *file = NULL;
    int rc = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    if (rc == SQLITE_OK && file != NULL && file->pMethods != NULL) {
        rc = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
    }
    return rc == SQLITE_OK ? BCJ2_OK : bcj2__store_failed(s, NULL, rc, "syncing");
}

static bcj2_status commit(struct store *s)
{
    if (s->changed) {
        struct sql q = bcj2__sql(s, "UPDATE queue SET change_seq = ?, queued_order = ?");
        bcj2__sql_bind_u64(&q, s->change);
        bcj2__sql_bind_u64(&q, s->order);
        bcj2_status status = bcj2__sql_run(&q);
        if (status != BCJ2_OK) {
            return status;
        }
    }
    return simple(bcj2__sql(s, "COMMIT"));
}

bcj2_status bcj2__store_commit(struct store *s, bool durable)
{
    bcj2__store_enter(s);
    if (!s->writing) {
        bcj2__store_leave(s);
        return bcj2__detail(BCJ2_E_UNEXPECTED, "there is no transaction to commit");
    }
    bcj2_status status = commit(s);
    if (status == BCJ2_OK && s->changed) {
        atomic_store(&s->committed, s->change);
    }
    /* Where nothing was written, SQLite syncs nothing; yet the answer may rest on what another
       process committed and has not synced so far. */
    bool synced = s->full_sync && sqlite3_total_changes(s->db) != s->changes_before;
    if (status == BCJ2_OK && durable && !synced) {
        status = sync_log(s);
    }
    bcj2__store_leave(s);
    end_writing(s);
    return status;
}

void bcj2__store_rollback(struct store *s)
{
    bcj2__store_enter(s);
    if (s->writing) {
        bcj2__store_leave(s);
        end_writing(s);
        return;
    }
    bcj2__store_leave(s);
}

bcj2_status bcj2__store_end(struct store *s, bool durable, bcj2_status status)
{
    if (BCJ2_FAILED(status)) {
        bcj2__store_rollback(s);
        return status;
    }
    bcj2_status committed = bcj2__store_commit(s, durable);
    return BCJ2_FAILED(committed) ? committed : status;
}

uint64_t bcj2__store_committed(const struct store *s)
{
    return atomic_load(&s->committed);
}

bcj2_status bcj2__store_change(struct store *s, uint64_t *ret)
{
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT change_seq FROM queue");
    if (bcj2__sql_row(&q)) {
        *ret = bcj2__sql_u64(&q);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    return status == BCJ2_S_FALSE ? bcj2__store_failed(s, NULL, SQLITE_CORRUPT, "reading") : status;
}
