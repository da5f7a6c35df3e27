/* SPDX-License-Identifier: MIT */
/* Making a queue's database. It is made under another name and gets its own by a link, so that
   nobody ever sees half of one.

   Nothing but SQLite opens the database, its -wal or its -shm once it has its name: closing any
   other descriptor of them would drop the locks that SQLite holds in this process. Looking with
   lstat is allowed. */
#include "store_db.h"

#include "detail.h"
#include "mem.h"
#include "store_schema.h"

bcj2_status bcj2__store_path_in(const struct store *s, const char *name, char **ret)
{
    *ret = bcj2__mem_printf("%s/%s", s->directory, name);
    return *ret == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
}

static bcj2_status remove_unfinished(const struct store *s)
{
    static const char *const names[] = {STORE_DATABASE_NEW, STORE_DATABASE_NEW "-wal",
                                        STORE_DATABASE_NEW "-shm", STORE_DATABASE_NEW "-journal"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP_FREE char *path = NULL;
        bcj2_status status = bcj2__store_path_in(s, names[i], &path);
        if (status == BCJ2_OK) {
            status = bcj2__os_unlink(path);
        }
        if (status != BCJ2_OK) {
            return status;
        }
    }
    return BCJ2_OK;
}

static bcj2_status fill(struct store *s, sqlite3 *db)
{
    bcj2_status status = bcj2__store_exec(
        s, db,
        "PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA synchronous = FULL;"
        "PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;",
        "making");
    if (status == BCJ2_OK) {
        char sql[64];
        sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA application_id = %d", STORE_APPLICATION_ID);
        status = bcj2__store_exec(s, db, sql, "making");
    }
    if (status == BCJ2_OK) {
        status = bcj2__store_migrate(s, db, bcj2__store_steps, STORE_VERSION, 0);
    }
    if (status == BCJ2_OK) {
        status = bcj2__store_exec(s, db, "COMMIT; PRAGMA journal_mode = WAL", "making");
    }
    return status;
}

/* Makes an empty database at path: whole and synced when it returns BCJ2_OK. */
static bcj2_status make_database(struct store *s, const char *path)
{
    int fd = -1;
    bcj2_status status =
        bcj2__os_create(path, &fd); /* for its mode; SQLite comes after the close */
    if (status != BCJ2_OK) {
        return status;
    }
    bcj2__os_close(fd);
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    status = rc == SQLITE_OK ? fill(s, db) : bcj2__store_failed(s, db, rc, "making");
    rc = sqlite3_close(db);
    if (status == BCJ2_OK && rc != SQLITE_OK) {
        status = bcj2__store_failed(s, NULL, rc, "making");
    }
    return status;
}

/* SQLite would open one that can only be read, and leave files beside it that stay read-only; and root
   one of somebody else, who can change it. */
static bcj2_status check_writable(const struct store *s, const struct os_stat *st)
{
    if (st->uid != bcj2__os_uid()) {
        return bcj2__detail(BCJ2_E_ACCESSDENIED,
                            "%s belongs to user %u, this process runs as user %u", s->path,
                            (unsigned)st->uid, (unsigned)bcj2__os_uid());
    }
    const uint32_t read_write = 0600;
    return bcj2__os_uid() == 0 || (st->mode & read_write) == read_write
               ? BCJ2_OK
               : bcj2__detail(BCJ2_E_ACCESSDENIED, "%s cannot be written", s->path);
}

/* A new database beside the log of one that somebody took away would be given what that log holds. It
   may be all that is left of somebody's jobs, so it is not removed either. */
static bcj2_status check_no_log_is_left(const struct store *s)
{
    CLEANUP_FREE char *log = NULL, *index = NULL;
    struct os_stat st = {0};
    bcj2_status status = bcj2__store_path_in(s, STORE_DATABASE "-wal", &log);
    if (status == BCJ2_OK) {
        status = bcj2__store_path_in(s, STORE_DATABASE "-shm", &index);
    }
    if (status == BCJ2_OK) {
        status = bcj2__os_stat(log, false, &st);
    }
    if (status != BCJ2_OK) {
        return status;
    }
    if (st.exists && st.size > 0) {
        return bcj2__detail(BCJ2_E_DATABASE_CORRUPT,
                            "%s is missing, but its log %s is there: bring the one back, or remove "
                            "the other to begin anew",
                            s->path, log);
    }
    status = bcj2__os_unlink(log);
    return status == BCJ2_OK ? bcj2__os_unlink(index) : status;
}

bcj2_status bcj2__store_ensure_database(struct store *s)
{
    struct os_stat st;
    bcj2_status status = remove_unfinished(s);
    if (status == BCJ2_OK) {
        status = bcj2__os_stat(s->path, false, &st);
    }
    if (status != BCJ2_OK || st.exists) {
        return status == BCJ2_OK ? check_writable(s, &st) : status;
    }
    CLEANUP_FREE char *path = NULL;
    status = check_no_log_is_left(s);
    if (status == BCJ2_OK) {
        status = bcj2__store_path_in(s, STORE_DATABASE_NEW, &path);
    }
    if (status != BCJ2_OK) {
        return status;
    }
    status = make_database(s, path);
    if (status == BCJ2_OK) {
        status = bcj2__os_link(path, s->path);
    }
    if (status == BCJ2_OK) {
        status = remove_unfinished(s);
    } else {
        (void)remove_unfinished(s);
    }
    return status == BCJ2_OK ? bcj2__os_sync_folder_of(s->path) : status;
}
