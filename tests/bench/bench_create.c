/* SPDX-License-Identifier: MIT */
/* Jobs created a second against inserts of a similar row with SQLite alone, each synced, in the same
   folder: what a call that is durable when it returns costs beyond what it must. */
#include "bench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct create {
    bcj2_manager *manager;
    sqlite3 *db;
    int count;
};

static void execute(sqlite3 *db, const char *sql)
{
    bench_check(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
}

/* Numbers and texts as in a job's row, and as many indexes as it has to keep. */
static sqlite3 *open_raw(const char *path)
{
    sqlite3 *db = NULL;
    bench_check(sqlite3_open(path, &db) == SQLITE_OK, path);
    execute(db, "PRAGMA journal_mode = WAL");
    execute(db, "PRAGMA synchronous = FULL");
    execute(db, "CREATE TABLE jobs (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE,"
                " state INTEGER, name TEXT, changed INTEGER, modified INTEGER, owner INTEGER,"
                " a INTEGER, b INTEGER, c INTEGER, d INTEGER, e INTEGER, f INTEGER, g INTEGER)");
    execute(db, "CREATE INDEX jobs_changed ON jobs (changed)");
    execute(db, "CREATE INDEX jobs_state ON jobs (state)");
    execute(db, "CREATE INDEX jobs_modified ON jobs (modified)");
    execute(db, "CREATE INDEX jobs_owner ON jobs (owner)");
    return db;
}

static double bare(void *user, int round)
{
    struct create *c = user;
    sqlite3_stmt *insert = NULL;
    bench_check(sqlite3_prepare_v2(c->db,
                                   "INSERT INTO jobs (id, state, name, changed, modified, owner,"
                                   " a, b, c, d, e, f, g)"
                                   " VALUES (?, 3, 'bench', ?, ?, 0, 1, 2, 3, 4, 5, 6, 7)",
                                   -1, &insert, NULL) == SQLITE_OK,
                "insert");
    double start = bench_seconds();
    for (int i = 0; i < c->count; i++) {
        char id[40];
        (void)snprintf(id, sizeof id, "{%08x-0000-4000-8000-%012x}", (unsigned)(i * 2654435761u),
                       (unsigned)round);
        (void)sqlite3_bind_text(insert, 1, id, -1, SQLITE_TRANSIENT);
        (void)sqlite3_bind_int64(insert, 2, i);
        (void)sqlite3_bind_int64(insert, 3, INT64_C(133000000000000000) + i);
        bench_check(sqlite3_step(insert) == SQLITE_DONE, "insert");
        (void)sqlite3_reset(insert);
    }
    double end = bench_seconds();
    (void)sqlite3_finalize(insert);
    return end - start;
}

static double ours(void *user, int round)
{
    struct create *c = user;
    double start = bench_seconds();
    for (int i = 0; i < c->count; i++) {
        bcj2_guid id;
        bcj2_job *job = NULL;
        bench_must(bcj2_manager_create_job(c->manager, "bench", BCJ2_JOB_TYPE_UPLOAD, &id, &job),
                   "create");
        (void)bcj2_job_unref(job);
    }
    return bench_seconds() - start;
}

int main(int argc, char **argv)
{
    char folder[FOLDER_PATH_SIZE], queue[FOLDER_PATH_SIZE], raw[FOLDER_PATH_SIZE], title[128];
    struct create c = {.count = argc > 1 ? atoi(argv[1]) : 500};
    folder_make(folder);
    folder_in(queue, folder, "queue");
    folder_in(raw, folder, "raw.db");
    (void)snprintf(title, sizeof title, "%d jobs created, against synced inserts with SQLite alone",
                   c.count);
    bench_title(title, folder);
    c.db = open_raw(raw);
    bench_must(bcj2_manager_open(queue, NULL, &c.manager), "open");
    bench_pairs("jobs", c.count, bare, ours, &c);
    (void)bcj2_manager_close(c.manager);
    (void)sqlite3_close(c.db);
    folder_remove(folder);
    return EXIT_SUCCESS;
}
