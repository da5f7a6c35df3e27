/* SPDX-License-Identifier: MIT */
/* store: what becomes of it when processes are killed, disks are full or broken, memory is short,
   and several processes and threads write at once. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "store_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include "macro.h"
#include "store_db.h"
#include "store_vfs.h"
#include "timeouts.h"

static void join(pid_t child)
{
    int result;
    ck_assert_int_eq(waitpid(child, &result, 0), child);
    ck_assert_int_eq(result, 0);
}

/* ---- another process ---- */

/* Looks at the database from outside: in this process no descriptor of it may be closed, and a
   child that was forked while it was open must not touch it. So it is forked before. */
static pid_t observer;
static int to_observer[2], from_observer[2];

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        number = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return number;
}

static void observe(void)
{
    char byte;
    while (read(to_observer[0], &byte, 1) == 1) {
        sqlite3 *db = NULL;
        (void)sqlite3_open(in_scratch("queue.db"), &db);
        bool good =
            number_of(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1 &&
            number_of(db, "SELECT count(*) FROM pragma_foreign_key_check") == 0;
        int64_t jobs = good ? number_of(db, "SELECT count(*) FROM jobs") : -1;
        (void)sqlite3_close(db);
        if (write(from_observer[1], &jobs, sizeof jobs) != sizeof jobs) {
            _exit(1);
        }
    }
    _exit(0);
}

static struct timeouts usual_timeouts;

static void start(void)
{
    usual_timeouts = bcj2__timeouts;
    scratch_make();
    ck_assert_int_eq(pipe(to_observer), 0);
    ck_assert_int_eq(pipe(from_observer), 0);
    observer = fork();
    ck_assert_int_ge(observer, 0);
    if (observer == 0) {
        close(to_observer[1]);
        observe();
    }
    close(to_observer[0]);
}

static void stop(void)
{
    close(to_observer[1]);
    close(from_observer[0]);
    close(from_observer[1]);
    join(observer);
    scratch_remove();
    bcj2__timeouts = usual_timeouts;
}

/* The database is sound and holds so many jobs. */
static void check_from_outside(uint64_t jobs)
{
    int64_t seen = -1;
    ck_assert_int_eq(write(to_observer[1], "?", 1), 1);
    ck_assert_int_eq(read(from_observer[0], &seen, sizeof seen), sizeof seen);
    ck_assert_int_eq(seen, (int64_t)jobs);
}

static uint64_t job_count(void)
{
    uint64_t count = 0;
    assert_status(bcj2__store_job_count(store, UINT32_MAX, &count), BCJ2_OK);
    return count;
}

/* ---- killed processes ---- */

/* One transaction: a job with its two files and its transfer. False: a call failed. */
static bool write_one(struct store *s, bool durable)
{
    static struct store_transfer t = {.bup = {.session_id = "{session}"}};
    static char text[] = "http://host/app";
    struct store_job job = plain_job(BCJ2_JOB_STATE_QUEUED);
    struct store_file file = {.remote_name = text, .local_name = text};
    bool good = bcj2__store_begin(s, durable) == BCJ2_OK;
    good = good && bcj2__store_job_insert(s, &job) == BCJ2_OK;
    good = good && bcj2__store_file_insert(s, job.seq, &file, NOW) == BCJ2_OK;
    file.index = 1;
    good = good && bcj2__store_file_insert(s, job.seq, &file, NOW) == BCJ2_OK;
    good = good && bcj2__store_set_transfer(s, job.seq, &t) == BCJ2_OK;
    return good && bcj2__store_commit(s, durable) == BCJ2_OK;
}

/* Writes until it is killed; a byte to the pipe for each transaction that was committed. */
static void write_for_ever(int to_parent)
{
    struct store *s;
    if (bcj2__store_open(scratch, NULL, &s) != BCJ2_OK) {
        _exit(1);
    }
    for (unsigned i = 0; write_one(s, i % 4 == 0); i++) {
        if (write(to_parent, "c", 1) != 1) {
            _exit(2);
        }
    }
    _exit(3);
}

START_TEST(what_was_committed_outlives_kill_9)
{
    uint64_t committed = 0;
    for (int round = 0; round < 12; round++) {
        int ends[2];
        char bytes[1];
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            close(ends[0]);
            write_for_ever(ends[1]);
        }
        close(ends[1]);
        for (int i = 0; i < 3 + round * 2; i++) {
            ck_assert_int_eq(read(ends[0], bytes, 1), 1);
            committed++;
        }
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        while (read(ends[0], bytes, 1) == 1) { /* told before it died */
            committed++;
        }
        close(ends[0]);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);

        assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
        uint64_t jobs = job_count();
        ck_assert_uint_ge(jobs, committed);
        ck_assert_uint_le(jobs, committed + 1); /* the one it was killed in */
        committed = jobs;
        static struct store_transfer t;
        for (int64_t seq = 1; seq <= (int64_t)jobs; seq++) { /* whole or not at all */
            uint32_t files = 0;
            assert_status(bcj2__store_file_count(store, seq, &files), BCJ2_OK);
            ck_assert_uint_eq(files, 2);
            assert_status(bcj2__store_transfer(store, seq, &t), BCJ2_OK);
            ck_assert(t.exists);
        }
        ck_assert_uint_eq(change_number(), jobs);
        check_from_outside(jobs);
        store = bcj2__store_close(store);
    }
}
END_TEST

START_TEST(a_writer_killed_in_a_transaction_leaves_nothing)
{
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct store *s;
        struct store_job job = plain_job(BCJ2_JOB_STATE_QUEUED);
        if (bcj2__store_open(scratch, NULL, &s) != BCJ2_OK ||
            bcj2__store_begin(s, true) != BCJ2_OK || bcj2__store_job_insert(s, &job) != BCJ2_OK ||
            write(ends[1], "i", 1) != 1) {
            _exit(1);
        }
        for (;;) {
            (void)pause();
        }
    }
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    close(ends[0]);
    close(ends[1]);
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK); /* its locks are free */
    ck_assert_uint_eq(job_count(), 0);
    add_job(BCJ2_JOB_STATE_SUSPENDED);
    check_from_outside(1);
    store = bcj2__store_close(store);
}
END_TEST

START_TEST(a_forked_child_leaves_the_store_alone)
{
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    add_job(BCJ2_JOB_STATE_SUSPENDED);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct store *s;
        bcj2__store_close(store);
        _exit(bcj2__store_open(scratch, NULL, &s) == BCJ2_E_CLOSED && s == NULL ? 0 : 1);
    }
    join(child);
    add_job(BCJ2_JOB_STATE_SUSPENDED);
    check_from_outside(2);
    store = bcj2__store_close(store);

    child = fork(); /* nothing is open now */
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
        add_job(BCJ2_JOB_STATE_SUSPENDED);
        bcj2__store_close(store);
        _exit(0);
    }
    join(child);
    check_from_outside(3);
}
END_TEST

/* ---- several writers ---- */

START_TEST(processes_write_at_once)
{
    bcj2__timeouts.writer_lock_ms = 0; /* whoever met SQLite's own lock would fail */
    pid_t children[4];
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            struct store *s;
            bool good = bcj2__store_open(scratch, NULL, &s) == BCJ2_OK;
            for (int n = 0; n < 50 && good; n++) {
                good = write_one(s, n % 10 == 0);
            }
            if (!good) {
                (void)fprintf(stderr, "%s\n", bcj2__detail_get());
            }
            bcj2__store_close(s);
            _exit(good ? 0 : 1);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        join(children[i]);
    }
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    ck_assert_uint_eq(job_count(), 200);
    ck_assert_uint_eq(change_number(), 200);
    check_from_outside(200);
    store = bcj2__store_close(store);
}
END_TEST

static void write_many(void *ret_good)
{
    bool *good = ret_good;
    *good = true;
    for (int n = 0; n < 40 && *good; n++) {
        *good = write_one(store, false);
    }
}

static void read_many(void *ret_good)
{
    bool *good = ret_good;
    *good = true;
    for (int n = 0; n < 200 && *good; n++) {
        uint64_t count;
        bcj2__store_lock(store);
        *good = bcj2__store_job_count(store, UINT32_MAX, &count) == BCJ2_OK;
        for (int64_t seq = 1; seq <= (int64_t)count && seq < 5 && *good; seq++) {
            uint32_t files = 0;
            *good = bcj2__store_file_count(store, seq, &files) == BCJ2_OK && files == 2;
        }
        bcj2__store_unlock(store);
    }
}

START_TEST(threads_share_a_store)
{
    struct os_thread *threads[4];
    bool good[4];
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_status(bcj2__os_thread_start("test", i < 2 ? write_many : read_many, &good[i],
                                            &threads[i]),
                      BCJ2_OK);
    }
    for (size_t i = 0; i < 4; i++) {
        bcj2__os_thread_join(threads[i]);
        ck_assert(good[i]);
    }
    ck_assert_uint_eq(job_count(), 80);
    store = bcj2__store_close(store);
}
END_TEST

START_TEST(who_ignores_the_writer_lock_is_waited_for_a_while)
{
    bcj2__timeouts.writer_lock_ms = 30;
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(in_scratch("queue.db"), &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_status(bcj2__store_begin(store, true), BCJ2_E_SHARING_VIOLATION);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), scratch));
    ck_assert_int_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    begin();
    commit();
    sqlite3_close(db);
    store = bcj2__store_close(store);
}
END_TEST

/* ---- the disk ---- */

static unsigned syncs_of(bool begun, bool committed, bool write)
{
    struct store_job job = plain_job(BCJ2_JOB_STATE_SUSPENDED);
    assert_status(bcj2__store_begin(store, begun), BCJ2_OK);
    if (write) {
        assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    }
    log_syncs = 0;
    assert_status(bcj2__store_commit(store, committed), BCJ2_OK);
    return log_syncs;
}

START_TEST(durable_transactions_are_synced_and_soft_ones_are_not)
{
    watch_log_syncs();
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    (void)syncs_of(true, true, true); /* a new log syncs its header as well */
    ck_assert_uint_eq(syncs_of(true, true, true), 1);
    ck_assert_uint_eq(syncs_of(true, false, true), 1);
    ck_assert_uint_eq(syncs_of(false, false, true), 0);
    ck_assert_uint_eq(syncs_of(false, true, true), 1);
    ck_assert_uint_eq(syncs_of(false, false, true), 0);
    /* nothing to write, but what it rests on must be on the disk */
    ck_assert_uint_eq(syncs_of(true, true, false), 1);
    ck_assert_uint_eq(syncs_of(false, true, false), 1);
    ck_assert_uint_eq(syncs_of(false, false, false), 0);
    store = bcj2__store_close(store);
}
END_TEST

START_TEST(a_durable_transaction_that_cannot_be_synced_never_was)
{
    watch_log_syncs();
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    add_job(BCJ2_JOB_STATE_SUSPENDED);
    struct store_job job = plain_job(BCJ2_JOB_STATE_SUSPENDED);
    bool begun_durable = _i == 0;
    assert_status(bcj2__store_begin(store, begun_durable), BCJ2_OK);
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    log_sync_fails = true;
    assert_status(bcj2__store_commit(store, true), BCJ2_E_IO_DEVICE);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), scratch));
    ck_assert_uint_eq(job_count(), begun_durable ? 1 : 2); /* as store.h says */
    log_sync_fails = false;
    assert_status(bcj2__store_begin(store, true), BCJ2_OK);
    assert_status(bcj2__store_commit(store, true), BCJ2_OK);
    check_from_outside(begun_durable ? 1 : 2);
    store = bcj2__store_close(store);
}
END_TEST

START_TEST(an_end_whose_commit_fails_fails)
{
    watch_log_syncs();
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    add_job(BCJ2_JOB_STATE_SUSPENDED);
    struct store_job job = plain_job(BCJ2_JOB_STATE_SUSPENDED);
    assert_status(bcj2__store_begin(store, true), BCJ2_OK);
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    log_sync_fails = true;
    assert_status(bcj2__store_end(store, true, BCJ2_S_FALSE), BCJ2_E_IO_DEVICE);
    ck_assert_uint_eq(job_count(), 1);
    log_sync_fails = false;
    store = bcj2__store_close(store);
}
END_TEST

START_TEST(a_full_disk_changes_nothing)
{
    limit_writes();
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    add_job(BCJ2_JOB_STATE_SUSPENDED);
    uint64_t change = change_number();
    for (unsigned long n = 0; n < 3; n++) {
        static char big[100000];
        memset(big, 'b', sizeof big - 1);
        struct store_job job = plain_job(BCJ2_JOB_STATE_SUSPENDED);
        job.description = big;
        assert_status(bcj2__store_begin(store, n != 1), BCJ2_OK);
        assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
        writes_left = n;
        assert_status(bcj2__store_commit(store, true), BCJ2_E_DISK_FULL);
        ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), scratch));
        ck_assert_uint_eq(job_count(), 1);
        ck_assert_uint_eq(change_number(), change);
        writes_left = (unsigned long)-1;
    }
    add_job(BCJ2_JOB_STATE_SUSPENDED);
    check_from_outside(2);
    store = bcj2__store_close(store);
}
END_TEST

START_TEST(no_queue_is_made_on_a_full_disk)
{
    limit_writes();
    for (unsigned long n = 0; n < 6; n++) {
        writes_left = n;
        struct os_stat st;
        assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_E_DISK_FULL);
        ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), scratch));
        ck_assert_ptr_null(store);
        assert_status(bcj2__os_stat(in_scratch("queue.db"), false, &st), BCJ2_OK);
        ck_assert(!st.exists);
        assert_status(bcj2__os_stat(in_scratch("queue.db.new"), false, &st), BCJ2_OK);
        ck_assert(!st.exists);
    }
    writes_left = (unsigned long)-1;
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    store = bcj2__store_close(store);
}
END_TEST

/* ---- memory ---- */

/* Everything that allocates, once; the first status that is not good. */
static bcj2_status use_all(void)
{
    struct store_job job = plain_job(BCJ2_JOB_STATE_SUSPENDED), got = {0};
    static char text[] = "http://host/app";
    static struct store_transfer t;
    struct store_file file = {.remote_name = text, .local_name = text}, got_file = {0};
    struct store_farewell farewell = {.url = text, .session_id = text}, got_farewell = {0};
    int64_t *seqs = NULL, *all = NULL;
    uint32_t count;
    char *json = NULL;
    job.error_text = job.reply_name = job.reply_temp = text;
    bcj2_status status = bcj2__store_begin(store, false);
    if (status != BCJ2_OK) {
        return status;
    }
    const bcj2_status written[] = {
        bcj2__store_job_insert(store, &job),
        bcj2__store_file_insert(store, job.seq, &file, NOW),
        bcj2__store_set_transfer(store, job.seq, &t),
        bcj2__store_farewell_insert(store, &farewell),
    };
    const bcj2_status read[] = {
        bcj2__store_job_by_seq(store, job.seq, &got),
        bcj2__store_file(store, job.seq, 0, &got_file),
        bcj2__store_next_farewell(store, 0, &got_farewell),
        bcj2__store_job_seqs(store, UINT32_MAX, &all, &count),
        bcj2__store_jobs_in(store, 1u << job.state, &seqs, &count),
        bcj2__store_job_json(store, job.seq, "caf\xe9", &json),
    };
    bcj2__store_rollback(store);
    bcj2__store_job_done(&got);
    bcj2__store_file_done(&got_file);
    bcj2__store_farewell_done(&got_farewell);
    bcj2__mem_free(all);
    bcj2__mem_free(seqs);
    bcj2__mem_free(json);
    for (size_t i = 0; i < ARRAY_LEN(written) && status == BCJ2_OK; i++) {
        status = written[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(read) && status == BCJ2_OK; i++) {
        status = read[i];
    }
    return status;
}

START_TEST(without_memory_calls_fail_and_nothing_leaks)
{
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
    uint64_t n = 1;
    for (;; n++) {
        bcj2__mem_fail_at(n);
        bcj2_status status = use_all();
        bool failed = bcj2__mem_fail_left() == 0;
        bcj2__mem_fail_at(0);
        assert_status(status, failed ? BCJ2_E_OUTOFMEMORY : BCJ2_OK);
        if (!failed) {
            break;
        }
        ck_assert_str_eq(bcj2__detail_get(), "not enough memory");
    }
    ck_assert_uint_gt(n, 15);
    ck_assert_uint_eq(job_count(), 0);
    store = bcj2__store_close(store);
}
END_TEST

START_TEST(without_memory_nothing_is_opened)
{
    uint64_t n = 1;
    for (;; n++) {
        bcj2__mem_fail_at(n);
        bcj2_status status = bcj2__store_open(scratch, NULL, &store);
        bool failed = bcj2__mem_fail_left() == 0;
        bcj2__mem_fail_at(0);
        assert_status(status, failed ? BCJ2_E_OUTOFMEMORY : BCJ2_OK);
        ck_assert_int_eq(store == NULL, failed);
        store = bcj2__store_close(store);
        if (!failed) {
            break;
        }
    }
    ck_assert_uint_gt(n, 5);
}
END_TEST

static void add_cases(Suite *suite)
{
    const TTest *const tests[] = {
        what_was_committed_outlives_kill_9,
        a_writer_killed_in_a_transaction_leaves_nothing,
        a_forked_child_leaves_the_store_alone,
        processes_write_at_once,
        threads_share_a_store,
        who_ignores_the_writer_lock_is_waited_for_a_while,
        durable_transactions_are_synced_and_soft_ones_are_not,
        a_full_disk_changes_nothing,
        no_queue_is_made_on_a_full_disk,
        without_memory_calls_fail_and_nothing_leaks,
        without_memory_nothing_is_opened,
    };
    TCase *tc = suite_case(suite, "faults", 30);
    tcase_add_checked_fixture(tc, start, stop);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        tcase_add_test(tc, tests[i]);
    }
    tcase_add_loop_test(tc, a_durable_transaction_that_cannot_be_synced_never_was, 0, 2);
    tcase_add_test(tc, an_end_whose_commit_fails_fails);
}

SUITE_MAIN("store_faults", add_cases)
