/* SPDX-License-Identifier: MIT */
/* store: what is opened, made, migrated and refused. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif
#include "macro.h"
#include "os_syscall.h"
#include "store_schema.h"

/* ---- helpers ---- */

static bcj2_status try_open(const char *directory)
{
    struct store *s;
    bcj2_status status = bcj2__store_open(directory, NULL, &s);
    ck_assert_int_eq(s != NULL, status == BCJ2_OK);
    bcj2__store_close(s);
    return status;
}

/* Runs SQL on the database while no store has it open. */
static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(in_scratch("queue.db"), &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static char *content(const char *name, size_t *ret_size)
{
    struct os_stat st;
    int fd;
    assert_status(bcj2__os_open_read(in_scratch(name), &fd), BCJ2_OK);
    assert_status(bcj2__os_fstat(fd, name, &st), BCJ2_OK);
    char *data = bcj2__mem_alloc((size_t)st.size);
    assert_status(bcj2__os_pread(fd, data, (size_t)st.size, 0, ret_size), BCJ2_OK);
    bcj2__os_close(fd);
    return data;
}

static bool exists(const char *name)
{
    struct os_stat st;
    assert_status(bcj2__os_stat(in_scratch(name), false, &st), BCJ2_OK);
    return st.exists;
}

static void make_queue(void)
{
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    add_job(BCJ2_JOB_STATE_SUSPENDED);
    store = bcj2__store_close(store);
}

/* ---- making ---- */

START_TEST(files_are_for_their_owner_only)
{
    static const char *const names[] = {"queue.db", "queue.db-wal", "queue.db-shm", "writer.lock",
                                        "open.lock"};
    mode_t old = umask(_i == 0 ? 0 : 022);
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    add_job(BCJ2_JOB_STATE_SUSPENDED);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct os_stat st;
        assert_status(bcj2__os_stat(in_scratch(names[i]), false, &st), BCJ2_OK);
        ck_assert_msg(st.exists && st.mode == 0600 && st.links == 1, "%s: %o", names[i], st.mode);
    }
    store = bcj2__store_close(store);
    ck_assert(exists("queue.db") && !exists("queue.db-wal") && !exists("queue.db.new"));
    (void)umask(old);
}
END_TEST

START_TEST(what_a_killed_creator_left_is_removed)
{
    if (_i == 0) { /* killed before the link */
        bcj2__os_close(scratch_file("queue.db.new", "half of a database"));
        bcj2__os_close(scratch_file("queue.db.new-wal", "and its log"));
    } else { /* killed between link and unlink */
        make_queue();
        assert_status(bcj2__os_link(in_scratch("queue.db"), in_scratch("queue.db.new")), BCJ2_OK);
    }
    make_queue();
    ck_assert(!exists("queue.db.new") && !exists("queue.db.new-wal"));
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    uint64_t jobs;
    assert_status(bcj2__store_job_count(store, UINT32_MAX, &jobs), BCJ2_OK);
    ck_assert_uint_eq(jobs, _i == 0 ? 1 : 2);
    store = bcj2__store_close(store);
}
END_TEST

START_TEST(many_may_make_it_at_once)
{
    pid_t children[6];
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            struct store *s;
            bcj2_status status = bcj2__store_open(scratch, NULL, &s);
            bcj2__store_close(s);
            _exit(status == BCJ2_OK ? 0 : 1);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        int result;
        ck_assert_int_eq(waitpid(children[i], &result, 0), children[i]);
        ck_assert_int_eq(result, 0);
    }
    make_queue();
}
END_TEST

START_TEST(a_path_that_looks_like_a_uri_is_a_path)
{
    assert_status(bcj2__os_mkdirs(in_scratch("file:x?mode=memory")), BCJ2_OK);
    ck_assert_int_eq(chdir(scratch), 0);
    assert_status(try_open("file:x?mode=memory"), BCJ2_OK);
    ck_assert(exists("file:x?mode=memory/queue.db"));
}
END_TEST

/* ---- refusing ---- */

START_TEST(a_directory_must_be_one)
{
    bcj2__os_close(scratch_file("f", ""));
    assert_status(try_open(in_scratch("missing")), BCJ2_E_PATH_NOT_FOUND);
    assert_status(try_open(in_scratch("f")), BCJ2_E_PATH_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), scratch));
}
END_TEST

START_TEST(the_directory_of_another_user_is_refused)
{
    const char *directory = "/";
    if (bcj2__os_uid() == 0) {
        directory = scratch;
        ck_assert_int_eq(chown(scratch, 65534, 65534), 0);
    }
    assert_status(try_open(directory), BCJ2_E_ACCESSDENIED);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), directory));
    ck_assert(!exists("queue.db") && !exists("open.lock"));
}
END_TEST

/* Opens as a user whom modes bind. */
static bcj2_status open_without_privileges(const char *directory)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (bcj2__os_uid() == 0 && setuid(65534) != 0) {
            _exit(3);
        }
        struct store *s;
        bcj2_status status = bcj2__store_open(directory, NULL, &s);
        bcj2__store_close(s);
        _exit(status == BCJ2_E_ACCESSDENIED ? 1 : status == BCJ2_OK ? 0 : 2);
    }
    int result = 0;
    ck_assert_int_eq(waitpid(child, &result, 0), child);
    ck_assert(WIFEXITED(result));
    return WEXITSTATUS(result) == 0   ? BCJ2_OK
           : WEXITSTATUS(result) == 1 ? BCJ2_E_ACCESSDENIED
                                      : BCJ2_E_FAIL;
}

START_TEST(what_cannot_be_written_is_refused)
{
    static const char *const names[] = {"", "queue.db", "open.lock", "writer.lock"};
    make_queue();
    if (bcj2__os_uid() == 0) {
        ck_assert_int_eq(chown(scratch, 65534, 65534), 0);
        for (size_t i = 1; i < ARRAY_LEN(names); i++) {
            ck_assert_int_eq(chown(in_scratch(names[i]), 65534, 65534), 0);
        }
    }
    assert_status(open_without_privileges(scratch), BCJ2_OK);
    ck_assert_int_eq(chmod(in_scratch(names[_i]), _i == 0 ? 0500 : 0400), 0);
    assert_status(open_without_privileges(scratch), BCJ2_E_ACCESSDENIED);
    ck_assert_int_eq(chmod(in_scratch(names[_i]), 0700), 0);
}
END_TEST

#ifdef __linux__
static int statfs_nfs(const char *path, struct statfs *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->f_type = 0x6969;
    return 0;
}

START_TEST(network_file_systems_are_refused)
{
    ck_assert_ptr_nonnull(
        (void *)(uintptr_t)bcj2__os_syscall_set("statfs", (os_function)statfs_nfs));
    assert_status(try_open(scratch), BCJ2_E_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "nfs"));
    ck_assert(!exists("queue.db"));
    bcj2__os_syscall_reset();
}
END_TEST
#endif

static void overwrite(uint64_t offset, const char *data, size_t size)
{
    int fd;
    struct os_stat st;
    assert_status(bcj2__os_reopen(in_scratch("queue.db"), &fd, &st), BCJ2_OK);
    assert_status(bcj2__os_pwrite(fd, data, size, offset), BCJ2_OK);
    bcj2__os_close(fd);
}

static void cut(uint64_t size)
{
    int fd;
    struct os_stat st;
    assert_status(bcj2__os_reopen(in_scratch("queue.db"), &fd, &st), BCJ2_OK);
    assert_status(bcj2__os_truncate(fd, size), BCJ2_OK);
    bcj2__os_close(fd);
}

static const struct {
    const char *name;
    bcj2_status status;
} damages[] = {
    {"another program's database", BCJ2_E_DATABASE_CORRUPT},
    {"another program's database with a log", BCJ2_E_DATABASE_CORRUPT},
    {"a newer schema", BCJ2_E_NOT_SUPPORTED},
    {"rubbish in the header", BCJ2_E_DATABASE_CORRUPT},
    {"a text", BCJ2_E_DATABASE_CORRUPT},
    {"cut in the middle", BCJ2_E_DATABASE_CORRUPT},
    {"cut within the first page", BCJ2_E_DATABASE_CORRUPT},
    {"empty", BCJ2_E_DATABASE_CORRUPT},
    {"rubbish in the schema", BCJ2_E_DATABASE_CORRUPT},
    {"a missing table", BCJ2_E_DATABASE_CORRUPT},
};

static void damage(int kind)
{
    static const char rubbish[4096] = "\xff\xfe\xfd";
    switch (kind) {
    case 0:
        run_sql("PRAGMA application_id = 7");
        break;
    case 1: /* its writer was killed: what it committed is still in the log */
        if (fork() == 0) {
            static sqlite3 *db;
            bool good = sqlite3_open(in_scratch("queue.db"), &db) == SQLITE_OK &&
                        sqlite3_exec(db, "PRAGMA application_id = 7; CREATE TABLE t (x);", NULL,
                                     NULL, NULL) == SQLITE_OK;
            _exit(good ? 0 : 1);
        }
        int result;
        ck_assert_int_gt(wait(&result), 0);
        ck_assert_int_eq(result, 0);
        break;
    case 2:
        run_sql("PRAGMA user_version = 999; UPDATE queue SET needs_version = 999");
        break;
    case 3:
        overwrite(0, rubbish, 40);
        break;
    case 4:
        cut(0);
        overwrite(0, "Dear diary, this is not a database at all. ", 43);
        break;
    case 5:
        cut(3 * 4096);
        break;
    case 6:
        cut(50);
        break;
    case 7:
        cut(0);
        break;
    case 8:
        overwrite(100, rubbish, sizeof rubbish - 100);
        break;
    default:
        run_sql("DROP TABLE queue");
        break;
    }
}

START_TEST(a_damaged_or_foreign_database_is_refused_and_left_alone)
{
    static const char *const names[] = {"queue.db", "queue.db-wal"};
    char *before[2] = {NULL}, *after;
    size_t size[2], size_after;
    make_queue();
    damage(_i);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        before[i] = exists(names[i]) ? content(names[i], &size[i]) : NULL;
    }
    ck_assert_int_eq(before[1] != NULL, _i == 1);
    for (int round = 0; round < 2; round++) {
        assert_status(try_open(scratch), damages[_i].status);
        ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), scratch));
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (before[i] != NULL) {
            after = content(names[i], &size_after);
            ck_assert_uint_eq(size_after, size[i]);
            ck_assert_int_eq(memcmp(before[i], after, size_after), 0);
            bcj2__mem_free(before[i]);
            bcj2__mem_free(after);
        }
    }
    ck_assert(!exists("queue.db.new"));
}
END_TEST

START_TEST(a_database_must_be_a_file_of_its_own)
{
    if (_i == 0) {
        assert_status(bcj2__os_mkdirs(in_scratch("queue.db")), BCJ2_OK);
    } else {
        make_queue();
        assert_status(bcj2__os_rename(in_scratch("queue.db"), in_scratch("elsewhere")), BCJ2_OK);
        ck_assert_int_eq(symlink(in_scratch("elsewhere"), in_scratch("queue.db")), 0);
    }
    assert_status(try_open(scratch), BCJ2_E_ACCESSDENIED);
}
END_TEST

START_TEST(damage_further_inside_is_seen_when_it_is_read)
{
    static const char rubbish[4096] = "\xff";
    make_queue();
    size_t size;
    char *text = content("queue.db", &size);
    for (size_t at = 4096; at < size; at += 4096) { /* all but the schema */
        overwrite(at, rubbish, sizeof rubbish);
    }
    bcj2__mem_free(text);
    bcj2_status status = bcj2__store_open(scratch, NULL, &store);
    if (status == BCJ2_OK) {
        struct store_job job;
        status = bcj2__store_job_by_seq(store, 1, &job);
        store = bcj2__store_close(store);
    }
    assert_status(status, BCJ2_E_DATABASE_CORRUPT);
}
END_TEST

START_TEST(a_value_that_cannot_be_ours_is_damage)
{
    static const char *const sql[] = {
        "UPDATE transfers SET up_phase = 17",
        "UPDATE transfers SET up_session_id = printf('%0200d', 1)",
        "UPDATE transfers SET get_boot_id = printf('%0200d', 1)",
        "UPDATE jobs SET id = 'me'",
        "UPDATE jobs SET next_attempt_boot = printf('%0200d', 1)",
    };
    static struct store_transfer t;
    struct store_job job;
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    int64_t seq = add_job(BCJ2_JOB_STATE_QUEUED);
    begin();
    assert_status(bcj2__store_set_transfer(store, seq, &t), BCJ2_OK);
    commit();
    store = bcj2__store_close(store);
    run_sql(sql[_i]);
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    bcj2_status status =
        _i < 3 ? bcj2__store_transfer(store, seq, &t) : bcj2__store_job_by_seq(store, seq, &job);
    assert_status(status, BCJ2_E_DATABASE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), scratch));
    store = bcj2__store_close(store);
}
END_TEST

/* ---- versions ---- */

START_TEST(a_schema_that_becomes_newer_meanwhile_is_not_written)
{
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    run_sql("PRAGMA user_version = 7; UPDATE queue SET needs_version = 7");
    assert_status(bcj2__store_begin(store, true), BCJ2_E_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), scratch));
    bcj2_job_state state;
    assert_status(bcj2__store_job_state(store, seq, &state), BCJ2_OK);
    run_sql("PRAGMA user_version = 7; UPDATE queue SET needs_version = 1");
    begin(); /* the lock was given back */
    commit();
    store = bcj2__store_close(store);
}
END_TEST

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* Each step needs the one before it. */
static const struct store_step steps[] = {
    {"CREATE TABLE queue (needs_version); INSERT INTO queue VALUES (1);"
     "CREATE TABLE t (x); INSERT INTO t VALUES (1);",
     false},
    {"UPDATE t SET x = x * 10 + 2;", false},
    {"UPDATE t SET x = x * 10 + 3;", true},
    {"UPDATE no_such_table SET x = 4;", false},
};

START_TEST(steps_lead_from_any_version_to_the_newest)
{
    struct store s = {.directory = scratch, .alone = true};
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (size_t version = 0; version < (size_t)_i; version++) { /* as it was in older times */
        assert_status(bcj2__store_migrate(&s, db, steps, version + 1, version), BCJ2_OK);
        ck_assert_int_eq(number_of(db, "PRAGMA user_version"), (int64_t)version + 1);
    }
    assert_status(bcj2__store_migrate(&s, db, steps, 3, (size_t)_i), BCJ2_OK);
    ck_assert_int_eq(number_of(db, "SELECT x FROM t"), 123);
    ck_assert_int_eq(number_of(db, "PRAGMA user_version"), 3);
    ck_assert_int_eq(number_of(db, "SELECT needs_version FROM queue"), 3);
    sqlite3_close(db);
}
END_TEST

START_TEST(a_step_that_cannot_be_made_changes_nothing)
{
    struct store s = {.directory = scratch};
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_status(bcj2__store_migrate(&s, db, steps, 2, 0), BCJ2_OK);
    s.alone = _i != 0;
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    /* not alone: step 3 is incompatible; alone: step 4 fails */
    assert_status(bcj2__store_migrate(&s, db, steps, 4, 2),
                  _i == 0 ? BCJ2_E_SHARING_VIOLATION : BCJ2_E_DATABASE_CORRUPT);
    ck_assert_int_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(number_of(db, "SELECT x FROM t"), 12);
    ck_assert_int_eq(number_of(db, "PRAGMA user_version"), 2);
    sqlite3_close(db);
}
END_TEST

/* A database of version 0 has our mark and nothing else. */
START_TEST(an_older_queue_is_brought_up_to_date)
{
    char sql[64];
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id = %d; VACUUM;", STORE_APPLICATION_ID);
    run_sql(sql);
    make_queue();
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(in_scratch("queue.db"), &db), SQLITE_OK);
    ck_assert_int_eq(number_of(db, "PRAGMA user_version"), STORE_VERSION);
    ck_assert_int_eq(number_of(db, "SELECT count(*) FROM jobs"), 1);
    sqlite3_close(db);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "making", 20);
    tcase_add_checked_fixture(tc, scratch_make, scratch_remove);
    tcase_add_loop_test(tc, files_are_for_their_owner_only, 0, 2);
    tcase_add_loop_test(tc, what_a_killed_creator_left_is_removed, 0, 2);
    tcase_add_test(tc, many_may_make_it_at_once);
    tcase_add_test(tc, a_path_that_looks_like_a_uri_is_a_path);
    tc = suite_case(suite, "refusing", 20);
    tcase_add_checked_fixture(tc, scratch_make, scratch_remove);
    tcase_add_test(tc, a_directory_must_be_one);
    tcase_add_test(tc, the_directory_of_another_user_is_refused);
    tcase_add_loop_test(tc, what_cannot_be_written_is_refused, 0, 4);
#ifdef __linux__
    tcase_add_test(tc, network_file_systems_are_refused);
#endif
    tcase_add_loop_test(tc, a_damaged_or_foreign_database_is_refused_and_left_alone, 0,
                        ARRAY_LEN(damages));
    tcase_add_loop_test(tc, a_database_must_be_a_file_of_its_own, 0, 2);
    tcase_add_test(tc, damage_further_inside_is_seen_when_it_is_read);
    tcase_add_loop_test(tc, a_value_that_cannot_be_ours_is_damage, 0, 5);
    tc = suite_case(suite, "versions", 20);
    tcase_add_checked_fixture(tc, scratch_make, scratch_remove);
    tcase_add_test(tc, a_schema_that_becomes_newer_meanwhile_is_not_written);
    tcase_add_loop_test(tc, steps_lead_from_any_version_to_the_newest, 0, 3);
    tcase_add_loop_test(tc, a_step_that_cannot_be_made_changes_nothing, 0, 2);
    tcase_add_test(tc, an_older_queue_is_brought_up_to_date);
}

SUITE_MAIN("store_open", add_cases)
