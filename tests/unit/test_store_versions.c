/* SPDX-License-Identifier: MIT */
/* store: queues of other versions. What the first version left is brought up to date, whole or not at
   all; versions that are open at the same time get on, or one is turned away. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "store_fixture.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include "macro.h"
#include "../support/queue_v1.h"
#include "store_schema.h"
#include "store_vfs.h"

#define BOOT_V1 "0b0e0000-0000-4000-8000-0000000000b1"

/* ---- helpers ---- */

/* In a process of its own, since this one may have the queue open: true if it says true. */
static bool elsewhere(bool (*run)(void))
{
    int result = 0;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        _exit(run() ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &result, 0), child);
    return WIFEXITED(result) && WEXITSTATUS(result) == 0;
}

/* Of a database that nobody has open; -1: none. */
static int64_t number_of(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    ck_assert_int_eq(sqlite3_open(in_scratch("queue.db"), &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        number = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    return number;
}

static bool is_sound(void)
{
    return number_of("SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1;
}

static bool opens(void)
{
    struct store *s = NULL;
    bcj2_status status = bcj2__store_open(scratch, NULL, &s);
    (void)bcj2__store_close(s);
    return status == BCJ2_OK;
}

/* ---- what the first version left ---- */

static void check_session(int64_t seq, enum bup_phase phase, uint64_t acked)
{
    static struct store_transfer t;
    assert_status(bcj2__store_transfer(store, seq, &t), BCJ2_OK);
    ck_assert(t.exists);
    ck_assert_int_eq(t.bup.phase, phase);
    ck_assert_uint_eq(t.bup.source.size, UINT64_C(0x100000000) + (uint64_t)seq);
    ck_assert_int_eq(t.bup.source.mtime_s, 1600000000 + seq);
    ck_assert_int_eq(t.bup.source.mtime_ns, 123456789);
    ck_assert_str_eq(t.bup.session_id, "{11111111-2222-3333-4444-555555555555}");
    ck_assert_str_eq(t.bup.host_id, "worker-7.example");
    ck_assert_uint_eq(t.bup.fallback_s, 42);
    ck_assert_uint_eq(t.bup.fallback_used_ms, 4242);
    ck_assert_uint_eq(t.bup.acked, acked);
    ck_assert_uint_eq(t.bup.fragment, 12345);
    ck_assert_uint_eq(t.bup.ceiling, 1000000);
    ck_assert_int_eq(t.bup.close_tried, seq == 11);
    ck_assert(t.bup.new_session_tried);
    ck_assert_uint_eq(t.bup.bad_answers, 2);
    ck_assert_str_eq(t.bup.reply_url, seq == 7 ? "/replies/7?ticket=xyz" : "");
    ck_assert_str_eq(t.bup.reply_host, seq == 7 ? "worker-8.example" : "");
    ck_assert_int_eq(t.get.begun, seq == 7);
    if (seq == 7) {
        ck_assert(t.get.total_known && t.get.last_modified_strong && t.get.plain_only &&
                  t.get.origin_tried);
        ck_assert_uint_eq(t.get.total, 4321);
        ck_assert_uint_eq(t.get.offset, 1234);
        ck_assert_uint_eq(t.get.synced, 1000);
        ck_assert_uint_eq(t.get.restarts, 1);
        ck_assert_uint_eq(t.get.preconditions_failed, 2);
        ck_assert_uint_eq(t.get.bad_answers, 3);
        ck_assert_str_eq(t.get.etag, "\"v7\"");
        ck_assert_str_eq(t.get.last_modified, "Sun, 24 Sep 2023 10:00:00 GMT");
        ck_assert_str_eq(t.get_boot_id, BOOT_V1);
    }
}

static void check_farewell(int64_t seq, enum bup_packet packet, uint32_t attempts)
{
    struct store_farewell f;
    assert_status(bcj2__store_next_farewell(store, seq - 1, &f), BCJ2_OK);
    ck_assert_int_eq(f.seq, seq);
    ck_assert_int_eq(f.packet, packet);
    ck_assert_str_eq(f.url, "http://worker-7.example/app?key=9");
    ck_assert_str_eq(f.session_id, "{99999999-8888-7777-6666-555555555555}");
    ck_assert_uint_eq(f.retry_delay_s, 61);
    ck_assert_uint_eq(f.attempts, attempts);
    ck_assert(f.next_attempt.set && f.give_up.set);
    ck_assert_str_eq(f.give_up.boot_id, BOOT_V1);
    ck_assert_uint_eq(f.next_attempt.now_ms, 1700000);
    ck_assert_uint_eq(f.give_up.now_ms, 9000000);
    bcj2__store_farewell_done(&f);
}

/* What no getter shows; the rest is looked at in tests/api. */
static void check_inside(bool killed)
{
    struct store_job job;
    uint64_t jobs = 0;
    assert_status(bcj2__store_job_count(store, UINT32_MAX, &jobs), BCJ2_OK);
    ck_assert_uint_eq(jobs, killed ? 10 : 9);
    check_session(3, BUP_SENDING, 5000);
    check_session(7, BUP_REPLY, UINT64_C(0x100000007));
    check_session(11, BUP_CLOSING, UINT64_C(0x10000000b));
    check_farewell(1, BUP_PACKET_CANCEL, 3);
    check_farewell(2, BUP_PACKET_CLOSE, 0);
    assert_status(bcj2__store_job_by_seq(store, 6, &job), BCJ2_OK);
    ck_assert(job.completing && job.reply_generated && job.reply_requested);
    ck_assert_uint_eq(job.completing_device, UINT64_C(0xfffffffffffffff1));
    ck_assert_uint_eq(job.completing_inode, 77);
    ck_assert_str_eq(job.reply_temp, "/nonexistent/bcj2/.bcj2-6.tmp");
    bcj2__store_job_done(&job);
    assert_status(bcj2__store_job_by_seq(store, 4, &job), BCJ2_OK);
    ck_assert(job.next_attempt.set && job.series_start.set);
    ck_assert_str_eq(job.next_attempt.boot_id, BOOT_V1);
    ck_assert_uint_eq(job.next_attempt.now_ms, 1600000);
    ck_assert_uint_eq(job.series_start.now_ms, 1000004);
    ck_assert(job.resumed); /* it has failed, so it ran */
    ck_assert_uint_eq(job.max_download_s, 7776000);
    ck_assert_uint_eq(job.download_ms, 0);
    bcj2__store_job_done(&job);
    assert_status(bcj2__store_job_by_seq(store, 1, &job), BCJ2_OK);
    ck_assert_int_eq(job.state, BCJ2_JOB_STATE_SUSPENDED);
    ck_assert_int_eq(job.resumed, job.queued_order != 0);
    bcj2__store_job_done(&job);
    /* its temporary file has still to be deleted; the other final one is forgotten */
    assert_status(bcj2__store_job_by_seq(store, 9, &job), BCJ2_OK);
    ck_assert_int_eq(job.state, BCJ2_JOB_STATE_CANCELLED);
    bcj2__store_job_done(&job);
    assert_status(bcj2__store_job_by_seq(store, 10, &job), BCJ2_E_NOT_FOUND);
}

START_TEST(the_first_versions_queue_is_taken_over)
{
    bool killed = _i != 0;
    queue_v1_copy(scratch, killed);
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    check_inside(killed);
    int64_t seq = add_job(BCJ2_JOB_STATE_QUEUED);
    ck_assert_int_eq(seq, killed ? 13 : 12); /* numbers are not given twice */
    store = bcj2__store_close(store);
    ck_assert_int_eq(number_of("PRAGMA user_version"), STORE_VERSION);
    ck_assert_int_eq(number_of("SELECT needs_version FROM queue"), STORE_NEEDS_VERSION);
    /* what waits for its application was told to nobody */
    int64_t waiting = number_of("SELECT count(*) FROM jobs WHERE state IN (4, 6)");
    ck_assert_int_ge(waiting, 2);
    ck_assert_int_eq(number_of("SELECT count(*) FROM events JOIN jobs ON jobs.seq = job_seq"
                               " WHERE result = 0 AND turn = 0 AND time = modification_time"
                               " AND kind = CASE state WHEN 4 THEN 2 WHEN 6 THEN 1 END"),
                     waiting);
    ck_assert_int_eq(number_of("SELECT count(*) FROM events"), waiting);
    ck_assert(is_sound());
}
END_TEST

/* An old version has the queue open: it holds open.lock shared. */
static bool hold_open_lock(int *ret_fd)
{
    return bcj2__os_lock_open(in_scratch("open.lock"), ret_fd) == BCJ2_OK &&
           bcj2__os_lock(*ret_fd, OS_LOCK_SHARED, true) == BCJ2_OK;
}

START_TEST(a_queue_that_an_older_version_has_open_is_left_to_it)
{
    int fd = -1;
    queue_v1_copy(scratch, true);
    ck_assert(hold_open_lock(&fd));
    for (int i = 0; i < 2; i++) {
        assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_E_SHARING_VIOLATION);
        ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "in use by an older version"));
        ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), scratch));
        ck_assert_int_eq(number_of("PRAGMA user_version"), 1);
    }
    bcj2__os_close(fd);
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    check_inside(true);
    store = bcj2__store_close(store);
}
END_TEST

START_TEST(one_of_many_brings_it_up_to_date)
{
    pid_t children[6];
    queue_v1_copy(scratch, true);
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            _exit(opens() ? 0 : 1);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        int result;
        ck_assert_int_eq(waitpid(children[i], &result, 0), children[i]);
        ck_assert_int_eq(result, 0);
    }
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    check_inside(true);
    store = bcj2__store_close(store);
}
END_TEST

/* ---- killed, or without room, in the middle ---- */

/* A process that opens the queue and can write so many times: then the disk is full, or it is killed. 0:
   it came through. */
static int open_with(unsigned long writes, bool kill_it)
{
    int result = 0;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct store *s = NULL;
        limit_writes();
        writes_left = writes;
        the_last_write_kills = kill_it;
        bcj2_status status = bcj2__store_open(scratch, NULL, &s);
        _exit(status == BCJ2_OK ? 0 : status == BCJ2_E_DISK_FULL ? 1 : 2);
    }
    ck_assert_int_eq(waitpid(child, &result, 0), child);
    ck_assert(WIFSIGNALED(result) ? kill_it : WEXITSTATUS(result) <= 1);
    return result;
}

/* Every write of the way fails in turn. */
START_TEST(a_migration_happens_whole_or_not_at_all)
{
    bool kill_it = _i != 0, killed = false;
    unsigned long n = 0;
    int versions[STORE_VERSION + 1] = {0};
    for (int result = -1; result != 0; n++, killed = !killed) {
        ck_assert_uint_lt(n, 500);
        queue_v1_copy(scratch, killed);
        result = open_with(n, kill_it);
        int64_t version = number_of("PRAGMA user_version");
        ck_assert(version == 1 || version == STORE_VERSION);
        versions[version]++;
        ck_assert_int_eq(number_of("SELECT needs_version FROM queue"),
                         version == 1 ? -1 : STORE_NEEDS_VERSION);
        ck_assert(is_sound());
        assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
        check_inside(killed);
        store = bcj2__store_close(store);
    }
    ck_assert_int_gt(versions[1], 3);
    ck_assert_int_gt(versions[STORE_VERSION], 0);
}
END_TEST

/* ---- versions to come ---- */

static struct store_step future[STORE_VERSION + 1];

static bool migrate_elsewhere(const char *sql, bool incompatible)
{
    struct store s = {.directory = scratch};
    sqlite3 *db = NULL;
    for (size_t i = 0; i < STORE_VERSION; i++) {
        future[i] = bcj2__store_steps[i];
    }
    future[STORE_VERSION] = (struct store_step){sql, incompatible};
    s.alone = incompatible; /* as if open.lock meant nothing to it */
    bool good = sqlite3_open(in_scratch("queue.db"), &db) == SQLITE_OK &&
                sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
                bcj2__store_migrate(&s, db, future, STORE_VERSION + 1, STORE_VERSION) == BCJ2_OK &&
                sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    return sqlite3_close(db) == SQLITE_OK && good;
}

static bool add_columns(void)
{
    return migrate_elsewhere("ALTER TABLE jobs ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey';"
                             "ALTER TABLE transfers ADD COLUMN speed INTEGER NOT NULL DEFAULT 7;"
                             "UPDATE jobs SET colour = 'red'; UPDATE transfers SET speed = 9;",
                             false);
}

static bool break_with_the_past(void)
{
    return migrate_elsewhere("ALTER TABLE jobs RENAME COLUMN priority TO urgency;", true);
}

START_TEST(a_newer_version_adds_while_we_go_on)
{
    static struct store_transfer t;
    struct store_job job;
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    int64_t seq = add_job(BCJ2_JOB_STATE_QUEUED);
    begin();
    assert_status(bcj2__store_set_transfer(store, seq, &t), BCJ2_OK);
    commit();
    ck_assert(elsewhere(add_columns));
    for (int i = 0; i < 2; i++) {
        t.bup.acked = 1000 + (uint64_t)i;
        begin();
        assert_status(bcj2__store_set_transfer(store, seq, &t), BCJ2_OK);
        assert_status(bcj2__store_set_priority(store, seq, BCJ2_JOB_PRIORITY_HIGH, NOW), BCJ2_OK);
        commit();
        (void)add_job(BCJ2_JOB_STATE_SUSPENDED);
        assert_status(bcj2__store_job_by_seq(store, seq, &job), BCJ2_OK);
        ck_assert_int_eq(job.priority, BCJ2_JOB_PRIORITY_HIGH);
        bcj2__store_job_done(&job);
        reopen(); /* and so does one that comes later */
    }
    store = bcj2__store_close(store);
    ck_assert_int_eq(number_of("PRAGMA user_version"), STORE_VERSION + 1);
    ck_assert_int_eq(number_of("SELECT needs_version FROM queue"), STORE_NEEDS_VERSION);
    ck_assert_int_eq(number_of("SELECT speed FROM transfers WHERE up_acked = 1001"), 9);
    ck_assert_int_eq(number_of("SELECT colour = 'red' FROM jobs WHERE seq = 1"), 1);
    ck_assert_int_eq(number_of("SELECT colour = 'grey' FROM jobs WHERE seq = 2"), 1);
}
END_TEST

START_TEST(a_newer_version_that_breaks_with_us_is_not_touched)
{
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    (void)add_job(BCJ2_JOB_STATE_QUEUED);
    ck_assert(elsewhere(break_with_the_past));
    assert_status(bcj2__store_begin(store, true), BCJ2_E_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), scratch));
    store = bcj2__store_close(store);
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_E_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "newer version"));
    ck_assert_int_eq(number_of("SELECT urgency FROM jobs"), BCJ2_JOB_PRIORITY_NORMAL);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "the first version", 60);
    tcase_add_checked_fixture(tc, scratch_make, scratch_remove);
    tcase_add_loop_test(tc, the_first_versions_queue_is_taken_over, 0, 2);
    tcase_add_test(tc, a_queue_that_an_older_version_has_open_is_left_to_it);
    tcase_add_test(tc, one_of_many_brings_it_up_to_date);
    tcase_add_loop_test(tc, a_migration_happens_whole_or_not_at_all, 0, 2);
    tc = suite_case(suite, "versions to come", 20);
    tcase_add_checked_fixture(tc, scratch_make, scratch_remove);
    tcase_add_test(tc, a_newer_version_adds_while_we_go_on);
    tcase_add_test(tc, a_newer_version_that_breaks_with_us_is_not_touched);
}

SUITE_MAIN("store_versions", add_cases)
