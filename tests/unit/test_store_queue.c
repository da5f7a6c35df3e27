/* SPDX-License-Identifier: MIT */
/* store: transactions, questions about many jobs, indexes. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "store_fixture.h"

#include <sqlite3.h>
#include "filetime.h"
#include "macro.h"
#include "store_db.h"

/* ---- the number of the last change ---- */

static bcj2_status set_error(int64_t seq)
{
    struct store_job job = {.seq = seq, .error_count = 1};
    return bcj2__store_set_error(store, &job, NOW);
}

static bcj2_status set_retry(int64_t seq)
{
    struct store_job job = {.seq = seq};
    return bcj2__store_set_retry(store, &job, NOW);
}

static bcj2_status set_reply(int64_t seq)
{
    struct store_job job = {.seq = seq};
    return bcj2__store_set_reply(store, &job, NOW);
}

static bcj2_status set_completing(int64_t seq)
{
    struct store_job job = {.seq = seq, .completing = true};
    return bcj2__store_set_completing(store, &job, NOW);
}

static bcj2_status insert_job(int64_t seq)
{
    struct store_job job = plain_job(BCJ2_JOB_STATE_SUSPENDED);
    return bcj2__store_job_insert(store, &job);
}

static bcj2_status insert_file(int64_t seq)
{
    static char text[] = "x";
    struct store_file file = {.index = 1, .remote_name = text, .local_name = text};
    return bcj2__store_file_insert(store, seq, &file, NOW);
}

static bcj2_status set_progress(int64_t seq)
{
    struct store_file file = {.bytes_transferred = 7};
    return bcj2__store_set_file_progress(store, seq, &file, NOW);
}

static bcj2_status set_transfer(int64_t seq)
{
    static struct store_transfer t;
    return bcj2__store_set_transfer(store, seq, &t);
}

static bcj2_status forget_transfer(int64_t seq)
{
    return bcj2__store_forget_transfer(store, seq);
}

static bcj2_status set_name(int64_t seq)
{
    return bcj2__store_set_display_name(store, seq, "x", NOW);
}

static bcj2_status set_description(int64_t seq)
{
    return bcj2__store_set_description(store, seq, "x", NOW);
}

static bcj2_status set_priority(int64_t seq)
{
    return bcj2__store_set_priority(store, seq, BCJ2_JOB_PRIORITY_LOW, NOW);
}

static bcj2_status set_delay(int64_t seq)
{
    return bcj2__store_set_retry_delay(store, seq, 5, NOW);
}

static bcj2_status set_no_progress(int64_t seq)
{
    return bcj2__store_set_no_progress(store, seq, 5, NOW);
}

static bcj2_status set_reply_name(int64_t seq)
{
    return bcj2__store_set_reply_name(store, seq, "/x", false, NOW);
}

static bcj2_status cancel(int64_t seq)
{
    return bcj2__store_set_state(store, seq, BCJ2_JOB_STATE_SUSPENDED, BCJ2_JOB_STATE_CANCELLED,
                                 NOW);
}

static bcj2_status purge_it(int64_t seq)
{
    uint32_t count = 0;
    return bcj2__store_purge(store, NOW + 1, &count);
}

/* In this order; the last ones need what is before them. */
static bcj2_status (*const changes[])(int64_t) = {
    insert_job,      insert_file,    set_name,     set_description, set_priority, set_delay,
    set_no_progress, set_reply_name, set_error,    set_retry,       set_reply,    set_completing,
    set_progress,    set_transfer,   set_transfer, forget_transfer, cancel,       purge_it,
};

START_TEST(each_change_has_a_number_of_its_own)
{
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    uint64_t change = change_number();
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        begin();
        assert_status(changes[i](seq), BCJ2_OK);
        bcj2__store_rollback(store);
        ck_assert_uint_eq(change_number(), change);
        begin();
        assert_status(changes[i](seq), BCJ2_OK);
        commit();
        ck_assert_msg(change_number() == ++change, "change %zu", i);
        ck_assert_uint_eq(bcj2__store_committed(store), change);
        begin();
        commit();
        ck_assert_uint_eq(change_number(), change);
        ck_assert_uint_eq(bcj2__store_committed(store), change);
        if (i % 5 == 0) {
            reopen();
            ck_assert_uint_eq(bcj2__store_committed(store), 0);
            ck_assert_uint_eq(change_number(), change);
        }
    }
    begin();
    assert_status(purge_it(seq), BCJ2_OK); /* there is nothing left to forget */
    commit();
    ck_assert_uint_eq(change_number(), change);
}
END_TEST

/* ---- transactions ---- */

START_TEST(state_is_compared_and_set)
{
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    struct store_job job;
    bcj2_job_state state;
    uint64_t change = change_number();
    begin();
    assert_status(bcj2__store_set_state(store, seq, BCJ2_JOB_STATE_QUEUED,
                                        BCJ2_JOB_STATE_CONNECTING, NOW + 1),
                  BCJ2_S_FALSE);
    commit();
    ck_assert_uint_eq(change_number(), change);
    assert_status(bcj2__store_job_state(store, seq, &state), BCJ2_OK);
    ck_assert_int_eq(state, BCJ2_JOB_STATE_SUSPENDED);

    begin();
    assert_status(bcj2__store_set_state(store, seq, BCJ2_JOB_STATE_SUSPENDED, BCJ2_JOB_STATE_QUEUED,
                                        NOW + 1),
                  BCJ2_OK);
    commit();
    ck_assert_uint_eq(change_number(), change + 1);
    assert_status(bcj2__store_job_by_seq(store, seq, &job), BCJ2_OK);
    ck_assert_int_eq(job.state, BCJ2_JOB_STATE_QUEUED);
    ck_assert_uint_eq(job.modification_time, NOW + 1);
    ck_assert_uint_eq(job.queued_order, 1);
    ck_assert_uint_eq(job.completion_time, 0);
    bcj2__store_job_done(&job);

    begin();
    assert_status(bcj2__store_set_state(store, seq, BCJ2_JOB_STATE_QUEUED,
                                        BCJ2_JOB_STATE_TRANSFERRED, NOW + 2),
                  BCJ2_OK);
    assert_status(bcj2__store_set_state(store, seq, BCJ2_JOB_STATE_TRANSFERRED,
                                        BCJ2_JOB_STATE_ACKNOWLEDGED, NOW + 3),
                  BCJ2_OK);
    commit();
    assert_status(bcj2__store_job_by_seq(store, seq, &job), BCJ2_OK);
    ck_assert_int_eq(job.state, BCJ2_JOB_STATE_ACKNOWLEDGED);
    ck_assert_uint_eq(job.completion_time, NOW + 2);
    ck_assert_uint_eq(job.modification_time, NOW + 3);
    ck_assert_uint_eq(job.queued_order, 1);
    bcj2__store_job_done(&job);
}
END_TEST

START_TEST(rollback_leaves_nothing)
{
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED), last;
    uint64_t change = change_number();
    struct store_job job = plain_job(BCJ2_JOB_STATE_QUEUED), got;
    static char url[] = "http://host/app", session[] = "{1}";
    struct store_farewell farewell = {.packet = BUP_PACKET_CLOSE,
                                      .url = url,
                                      .session_id = session};
    begin();
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    assert_status(bcj2__store_set_display_name(store, seq, "other", NOW), BCJ2_OK);
    assert_status(bcj2__store_set_state(store, seq, BCJ2_JOB_STATE_SUSPENDED, BCJ2_JOB_STATE_QUEUED,
                                        NOW),
                  BCJ2_OK);
    assert_status(bcj2__store_farewell_insert(store, &farewell), BCJ2_OK);
    bcj2__store_rollback(store);
    bcj2__store_rollback(store); /* does no harm */
    ck_assert_uint_eq(change_number(), change);
    assert_status(bcj2__store_job_by_id(store, &job.id, &got), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_next_farewell(store, 0, &farewell), BCJ2_S_FALSE);
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_NORMAL, NULL, NULL, &last),
                  BCJ2_S_FALSE);
    assert_status(bcj2__store_job_by_seq(store, seq, &got), BCJ2_OK);
    ck_assert_str_eq(got.display_name, "report");
    bcj2__store_job_done(&got);
    /* counters are read again: the next job in the queue is the first of all */
    begin();
    assert_status(bcj2__store_set_state(store, seq, BCJ2_JOB_STATE_SUSPENDED, BCJ2_JOB_STATE_QUEUED,
                                        NOW),
                  BCJ2_OK);
    commit();
    ck_assert_uint_eq(change_number(), change + 1);
    assert_status(bcj2__store_job_by_seq(store, seq, &got), BCJ2_OK);
    ck_assert_uint_eq(got.queued_order, 1);
    bcj2__store_job_done(&got);
}
END_TEST

/* Committed after every success, rolled back after a failure, and the failure's words stay. */
START_TEST(an_end_commits_successes_only)
{
    const bcj2_status ended[] = {BCJ2_OK, BCJ2_S_FALSE, BCJ2_E_INVALIDARG};
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    bcj2_status status = ended[_i % 3];
    uint64_t change = change_number();
    struct store_job got;
    assert_status(bcj2__store_begin(store, _i < 3), BCJ2_OK);
    assert_status(bcj2__store_set_display_name(store, seq, "other", NOW), BCJ2_OK);
    (void)bcj2__detail(status, "what went wrong");
    assert_status(bcj2__store_end(store, _i < 3, status), status);
    ck_assert_str_eq(bcj2__detail_get(), "what went wrong");
    ck_assert_uint_eq(change_number(), BCJ2_FAILED(status) ? change : change + 1);
    assert_status(bcj2__store_job_by_seq(store, seq, &got), BCJ2_OK);
    ck_assert_str_eq(got.display_name, BCJ2_FAILED(status) ? "report" : "other");
    bcj2__store_job_done(&got);
    begin(); /* it is over in either case */
    assert_status(bcj2__store_end(store, true, BCJ2_OK), BCJ2_OK);
    assert_status(bcj2__store_end(store, true, BCJ2_OK), BCJ2_E_UNEXPECTED);
}
END_TEST

START_TEST(writing_needs_a_transaction_and_they_do_not_nest)
{
    struct store_job job = plain_job(BCJ2_JOB_STATE_SUSPENDED);
    struct store_file file = {0};
    static struct store_transfer t;
    uint32_t count;
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_set_state(store, 1, 0, 1, NOW), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_set_description(store, 1, "", NOW), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_file_insert(store, 1, &file, NOW), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_set_transfer(store, 1, &t), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_farewell_delete(store, 1), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_purge(store, NOW, &count), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_commit(store, true), BCJ2_E_UNEXPECTED);
    begin();
    assert_status(bcj2__store_begin(store, true), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK); /* the first one goes on */
    commit();
}
END_TEST

START_TEST(a_transaction_between_locked_reads_is_seen)
{
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    bcj2_job_state state;
    bcj2__store_lock(store);
    bcj2__store_lock(store);
    assert_status(bcj2__store_job_state(store, seq, &state), BCJ2_OK);
    bcj2__store_unlock(store);
    begin();
    assert_status(bcj2__store_set_state(store, seq, BCJ2_JOB_STATE_SUSPENDED, BCJ2_JOB_STATE_QUEUED,
                                        NOW),
                  BCJ2_OK);
    commit();
    assert_status(bcj2__store_job_state(store, seq, &state), BCJ2_OK);
    ck_assert_int_eq(state, BCJ2_JOB_STATE_QUEUED);
    bcj2__store_unlock(store);
}
END_TEST

START_TEST(locked_reads_are_one_snapshot)
{
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    struct store *other, *first = store;
    bcj2_job_state state;
    assert_status(bcj2__store_open(scratch, NULL, &other), BCJ2_OK);
    bcj2__store_lock(first);
    assert_status(bcj2__store_job_state(first, seq, &state), BCJ2_OK);
    store = other;
    begin();
    assert_status(bcj2__store_set_state(other, seq, BCJ2_JOB_STATE_SUSPENDED, BCJ2_JOB_STATE_QUEUED,
                                        NOW),
                  BCJ2_OK);
    commit();
    store = first;
    assert_status(bcj2__store_job_state(first, seq, &state), BCJ2_OK);
    ck_assert_int_eq(state, BCJ2_JOB_STATE_SUSPENDED);
    bcj2__store_unlock(first);
    assert_status(bcj2__store_job_state(first, seq, &state), BCJ2_OK);
    ck_assert_int_eq(state, BCJ2_JOB_STATE_QUEUED);
    bcj2__store_close(other);
}
END_TEST

/* ---- questions about many jobs ---- */

START_TEST(lists_and_counts_leave_final_jobs_out)
{
    int64_t want[7];
    begin();
    for (int state = 0; state < 9; state++) {
        struct store_job job = plain_job(state);
        job.owner_uid = state % 2 == 0 ? 1000 : 1001;
        assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
        if (state < 7) {
            want[state] = job.seq;
        }
    }
    commit();
    int64_t *seqs;
    uint32_t count;
    assert_status(bcj2__store_job_seqs(store, UINT32_MAX, &seqs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 7);
    ck_assert_mem_eq(seqs, want, sizeof want);
    bcj2__mem_free(seqs);
    assert_status(bcj2__store_job_seqs(store, 1001, &seqs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(seqs[2], want[5]);
    bcj2__mem_free(seqs);
    assert_status(bcj2__store_job_seqs(store, 7, &seqs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 0);
    bcj2__mem_free(seqs);

    uint64_t n;
    assert_status(bcj2__store_job_count(store, UINT32_MAX, &n), BCJ2_OK);
    ck_assert_uint_eq(n, 7);
    assert_status(bcj2__store_job_count(store, 1000, &n), BCJ2_OK);
    ck_assert_uint_eq(n, 4);
    assert_status(bcj2__store_count_states(store, 1u << 1 | 1u << 7 | 1u << 8, &n), BCJ2_OK);
    ck_assert_uint_eq(n, 3);
    assert_status(bcj2__store_count_states(store, 0, &n), BCJ2_OK);
    ck_assert_uint_eq(n, 0);
    assert_status(bcj2__store_jobs_in(store, 1u << 6 | 1u << 0 | 1u << 8, &seqs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 3);
    ck_assert(seqs[0] == 1 && seqs[1] == 7 && seqs[2] == 9);
    bcj2__mem_free(seqs);
}
END_TEST

START_TEST(waiting_jobs_come_first_in_first_out)
{
    int64_t seqs[40], got;
    for (int i = 0; i < 40; i++) {
        seqs[i] = add_job(BCJ2_JOB_STATE_SUSPENDED);
    }
    begin();
    for (int i = 39; i >= 0; i--) { /* queued in the opposite order */
        assert_status(bcj2__store_set_state(store, seqs[i], BCJ2_JOB_STATE_SUSPENDED,
                                            BCJ2_JOB_STATE_QUEUED, NOW),
                      BCJ2_OK);
    }
    assert_status(bcj2__store_set_priority(store, seqs[5], BCJ2_JOB_PRIORITY_HIGH, NOW), BCJ2_OK);
    commit();
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_NORMAL, NULL, NULL, &got),
                  BCJ2_OK);
    ck_assert_int_eq(got, seqs[39]);
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_HIGH, NULL, NULL, &got),
                  BCJ2_OK);
    ck_assert_int_eq(got, seqs[5]);
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_LOW, NULL, NULL, &got),
                  BCJ2_S_FALSE);
    reopen(); /* the counter goes on */
    begin();
    assert_status(bcj2__store_set_state(store, seqs[39], BCJ2_JOB_STATE_QUEUED,
                                        BCJ2_JOB_STATE_CONNECTING, NOW),
                  BCJ2_OK);
    assert_status(bcj2__store_set_state(store, seqs[39], BCJ2_JOB_STATE_CONNECTING,
                                        BCJ2_JOB_STATE_QUEUED, NOW),
                  BCJ2_OK);
    commit();
    struct store_job job;
    assert_status(bcj2__store_job_by_seq(store, seqs[39], &job), BCJ2_OK);
    ck_assert_uint_eq(job.queued_order, 41);
    bcj2__store_job_done(&job);
}
END_TEST

/* A waiting job whose deadline is ms from now, of this boot or of another. */
static int64_t add_retry(bool this_boot, int64_t ms)
{
    struct store_job job = plain_job(BCJ2_JOB_STATE_TRANSIENT_ERROR);
    job.next_attempt.set = true;
    bcj2__os_boot_id(job.next_attempt.boot_id);
    job.next_attempt.now_ms = (uint64_t)((int64_t)bcj2__os_now_ms() + ms);
    job.next_attempt.wall = bcj2__os_wall() + (uint64_t)(ms * (int64_t)FILETIME_PER_MS);
    if (this_boot) {
        job.next_attempt.wall -= 500000000000000u; /* must not matter */
    } else {
        job.next_attempt.boot_id[0] ^= 1;
        job.next_attempt.now_ms = 1; /* likewise */
    }
    begin();
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    commit();
    return job.seq;
}

START_TEST(the_next_retry_is_found_across_boots)
{
    static const struct {
        bool this_boot;
        int64_t ms;
    } jobs[] = {
        {true, 900000}, {false, 700000}, {true, 500000}, {false, 300000}, {false, -3000000000}};
    int64_t seq;
    struct store_deadline d;
    add_job(BCJ2_JOB_STATE_TRANSIENT_ERROR); /* waits for the network: no deadline */
    assert_status(bcj2__store_next_retry(store, &seq, &d), BCJ2_S_FALSE);
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) { /* each comes before the ones so far */
        int64_t added = add_retry(jobs[i].this_boot, jobs[i].ms);
        assert_status(bcj2__store_next_retry(store, &seq, &d), BCJ2_OK);
        ck_assert_int_eq(seq, added);
        char boot[OS_BOOT_ID_SIZE];
        bcj2__os_boot_id(boot);
        ck_assert(d.set);
        ck_assert_str_eq(d.boot_id, boot);
        int64_t away = (int64_t)d.now_ms - (int64_t)bcj2__os_now_ms();
        if (jobs[i].ms < 0) {
            ck_assert_uint_eq(d.now_ms, 0); /* overdue since before this boot */
        } else {
            ck_assert_int_ge(away, jobs[i].ms - 10000);
            ck_assert_int_le(away, jobs[i].ms + 10000);
        }
    }
    begin();
    assert_status(bcj2__store_set_state(store, seq, BCJ2_JOB_STATE_TRANSIENT_ERROR,
                                        BCJ2_JOB_STATE_QUEUED, NOW),
                  BCJ2_OK);
    commit();
    int64_t next;
    assert_status(bcj2__store_next_retry(store, &next, &d), BCJ2_OK);
    ck_assert_int_eq(next, seq - 1);
}
END_TEST

/* So many milliseconds ago, in that boot and by its calendar. */
static void set_touched(int64_t seq, const char *boot, int64_t ago_ms, int64_t ago_wall_ms)
{
    char sql[256];
    (void)snprintf(
        sql, sizeof sql,
        "UPDATE jobs SET touched_boot = '%s', touched_ms = %lld, modification_time = %lld"
        " WHERE seq = %lld",
        boot, (long long)((int64_t)bcj2__os_now_ms() - ago_ms),
        (long long)((int64_t)bcj2__os_wall() - ago_wall_ms * (int64_t)FILETIME_PER_MS),
        (long long)seq);
    begin();
    ck_assert_int_eq(sqlite3_exec(store->db, sql, NULL, NULL, NULL), SQLITE_OK);
    commit();
}

START_TEST(the_job_left_alone_longest_is_found)
{
    const int64_t day = 86400000;
    struct store_deadline d;
    char here[OS_BOOT_ID_SIZE];
    int64_t seq;
    bcj2__os_boot_id(here);
    assert_status(bcj2__store_oldest_touched(store, &seq, &d), BCJ2_S_FALSE);
    int64_t a = add_job(BCJ2_JOB_STATE_SUSPENDED), b = add_job(BCJ2_JOB_STATE_TRANSFERRED);
    int64_t c = add_job(BCJ2_JOB_STATE_ERROR), e = add_job(BCJ2_JOB_STATE_QUEUED);
    set_touched(a, here, 3 * day, 9000 * day); /* the calendar was moved since */
    set_touched(b, here, 5 * day, 0);
    set_touched(c, "another boot", 0, 4 * day); /* which knows the calendar only */
    set_touched(e, "-", 0, 2 * day);
    const int64_t order[] = {b, c, a, e};
    const int64_t days[] = {5, 4, 3, 2};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_status(bcj2__store_oldest_touched(store, &seq, &d), BCJ2_OK);
        ck_assert_int_eq(seq, order[i]);
        int64_t ago = (int64_t)bcj2__os_now_ms() - bcj2__store_deadline_ms(&d);
        ck_assert_int_ge(ago, days[i] * day);
        ck_assert_int_lt(ago, days[i] * day + 60000);
        begin(); /* is the one touched last now */
        assert_status(bcj2__store_set_priority(store, seq, BCJ2_JOB_PRIORITY_LOW, NOW), BCJ2_OK);
        commit();
    }
    assert_status(bcj2__store_oldest_touched(store, &seq, &d), BCJ2_OK);
    ck_assert_str_eq(d.boot_id, here);
}
END_TEST

START_TEST(final_jobs_are_forgotten)
{
    int64_t kept = add_job(BCJ2_JOB_STATE_TRANSFERRED), done = add_job(BCJ2_JOB_STATE_ACKNOWLEDGED);
    int64_t cancelled = add_job(BCJ2_JOB_STATE_CANCELLED);
    static struct store_transfer t;
    uint32_t count, files;
    begin();
    assert_status(bcj2__store_set_transfer(store, done, &t), BCJ2_OK);
    assert_status(bcj2__store_set_display_name(store, cancelled, "newer", NOW + 10), BCJ2_OK);
    assert_status(bcj2__store_purge(store, NOW + 10, &count), BCJ2_OK);
    commit();
    ck_assert_uint_eq(count, 1);
    bcj2_job_state state;
    assert_status(bcj2__store_job_state(store, done, &state), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_job_state(store, cancelled, &state), BCJ2_OK);
    assert_status(bcj2__store_file_count(store, done, &files), BCJ2_OK);
    ck_assert_uint_eq(files, 0);
    assert_status(bcj2__store_transfer(store, done, &t), BCJ2_OK);
    ck_assert(!t.exists);

    struct store *other; /* somebody else has it open: the rows stay */
    assert_status(bcj2__store_open(scratch, NULL, &other), BCJ2_OK);
    assert_status(bcj2__store_job_state(store, cancelled, &state), BCJ2_OK);
    bcj2__store_close(other);
    reopen();
    assert_status(bcj2__store_job_state(store, cancelled, &state), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_job_state(store, kept, &state), BCJ2_OK);
    ck_assert_int_gt(add_job(BCJ2_JOB_STATE_SUSPENDED), cancelled); /* never reused */
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "transactions", 20);
    tcase_add_checked_fixture(tc, store_start, store_stop);
    tcase_add_test(tc, each_change_has_a_number_of_its_own);
    tcase_add_test(tc, state_is_compared_and_set);
    tcase_add_test(tc, rollback_leaves_nothing);
    tcase_add_loop_test(tc, an_end_commits_successes_only, 0, 6);
    tcase_add_test(tc, writing_needs_a_transaction_and_they_do_not_nest);
    tcase_add_test(tc, a_transaction_between_locked_reads_is_seen);
    tcase_add_test(tc, locked_reads_are_one_snapshot);
    tc = suite_case(suite, "questions", 20);
    tcase_add_checked_fixture(tc, store_start, store_stop);
    tcase_add_test(tc, lists_and_counts_leave_final_jobs_out);
    tcase_add_test(tc, waiting_jobs_come_first_in_first_out);
    tcase_add_test(tc, the_next_retry_is_found_across_boots);
    tcase_add_test(tc, the_job_left_alone_longest_is_found);
    tcase_add_test(tc, final_jobs_are_forgotten);
}

SUITE_MAIN("store_queue", add_cases)
