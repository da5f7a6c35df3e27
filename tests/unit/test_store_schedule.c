/* SPDX-License-Identifier: MIT */
/* store: who may run next when some may not: round hosts that are avoided, suspects, who waits after an
   error, and rows that are given up. The plain order is in test_store_queue.c. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "store_fixture.h"

#include <sqlite3.h>
#include "mem.h"
#include "store_db.h"

/* ---- round hosts that are avoided ---- */

/* A QUEUED job for a URL. */
static int64_t add_for(const char *url, bcj2_job_priority priority)
{
    static char path[] = "/home/me/report.txt";
    struct store_job job = plain_job(BCJ2_JOB_STATE_SUSPENDED);
    struct store_file file = {.local_name = path, .bytes_total = 1000};
    job.priority = priority;
    file.remote_name = bcj2__mem_strdup(url);
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    assert_status(bcj2__store_file_insert(store, job.seq, &file, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_state(store, job.seq, BCJ2_JOB_STATE_SUSPENDED,
                                        BCJ2_JOB_STATE_QUEUED, NOW),
                  BCJ2_OK);
    bcj2__mem_free(file.remote_name);
    return job.seq;
}

static unsigned asked;

static bool dead_one(void *user, int64_t seq, const char *host)
{
    (void)seq;
    asked++;
    return strcmp(host, user) == 0;
}

static bool all_dead(void *user, int64_t seq, const char *host)
{
    (void)seq;
    (void)user;
    (void)host;
    asked++;
    return true;
}

/* Steps of SQLite's machine since the last call, of all statements. */
static int64_t steps(void)
{
    int64_t sum = 0;
    for (size_t i = 0; i < STORE_STATEMENT_SLOTS; i++) {
        if (store->statements[i].prepared != NULL) {
            sum += sqlite3_stmt_status(store->statements[i].prepared, SQLITE_STMTSTATUS_VM_STEP, 1);
        }
    }
    return sum;
}

START_TEST(a_dead_host_is_passed_by_in_the_index)
{
    static char dead[] = "dead:80";
    int64_t last = 0, late = 0, got = 0;
    begin();
    (void)add_for("http://before/x", BCJ2_JOB_PRIORITY_LOW); /* another level */
    for (int i = 0; i < 2000; i++) {
        last = add_for("http://DEAD/x", BCJ2_JOB_PRIORITY_NORMAL);
    }
    late = add_for("https://zz/late", BCJ2_JOB_PRIORITY_NORMAL);
    (void)add_for("http://aa/later", BCJ2_JOB_PRIORITY_NORMAL);
    commit();
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_NORMAL, NULL, NULL, &got),
                  BCJ2_OK);
    ck_assert_int_eq(got, last - 1999);
    (void)steps();
    /* by order of queueing, not by name; each host asked about once, after a few in their order */
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_NORMAL, dead_one, dead, &got),
                  BCJ2_OK);
    ck_assert_int_eq(got, late);
    ck_assert_uint_lt(asked, 50);
    ck_assert_int_lt(steps(), 2000); /* 2,000 jobs, several steps each, if they were scanned */
    asked = 0;
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_NORMAL, all_dead, NULL, &got),
                  BCJ2_S_FALSE);
    ck_assert_uint_lt(asked, 50);
    ck_assert_int_lt(steps(), 2000);
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_HIGH, all_dead, NULL, &got),
                  BCJ2_S_FALSE);
    /* one of the first is not avoided: no need to go round */
    asked = 0;
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_LOW, dead_one, dead, &got),
                  BCJ2_OK);
    ck_assert_int_eq(got, 1);
    ck_assert_uint_eq(asked, 1);
}
END_TEST

static void assert_host(int64_t seq, const char *host)
{
    struct store_job job;
    assert_status(bcj2__store_job_by_seq(store, seq, &job), BCJ2_OK);
    ck_assert_str_eq(job.host, host);
    bcj2__store_job_done(&job);
}

START_TEST(a_new_URL_is_a_new_host)
{
    static char dead[] = "dead:80";
    int64_t seq = 0, got = 0;
    begin();
    seq = add_for("http://DEAD/x", BCJ2_JOB_PRIORITY_NORMAL);
    assert_host(seq, dead);
    /* as Resume of a job that waits does it */
    assert_status(bcj2__store_set_pending_remote_name(store, seq, 0, "http://alive/x", NOW),
                  BCJ2_OK);
    assert_host(seq, dead);
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_NORMAL, dead_one, dead, &got),
                  BCJ2_S_FALSE);
    assert_status(bcj2__store_apply_remote_names(store, seq, NOW), BCJ2_OK);
    assert_host(seq, "alive:80");
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_NORMAL, dead_one, dead, &got),
                  BCJ2_OK);
    ck_assert_int_eq(got, seq);
    /* as another prefix */
    assert_status(bcj2__store_set_remote_name(store, seq, 0, "https://other/x", NOW), BCJ2_OK);
    assert_host(seq, "other:443");
    commit();
}
END_TEST

START_TEST(suspects_come_by_themselves)
{
    int64_t seqs[3], got = 0;
    begin();
    for (int i = 0; i < 3; i++) {
        seqs[i] = add_for("http://h/", i == 0 ? BCJ2_JOB_PRIORITY_HIGH : BCJ2_JOB_PRIORITY_NORMAL);
    }
    assert_status(bcj2__store_first_suspect(store, &got), BCJ2_S_FALSE);
    assert_status(bcj2__store_set_unclean_ends(store, seqs[1], STORE_UNCLEAN_ENDS, NOW), BCJ2_OK);
    assert_status(bcj2__store_first_suspect(store, &got), BCJ2_S_FALSE);
    assert_status(bcj2__store_set_unclean_ends(store, seqs[1], STORE_UNCLEAN_ENDS + 1, NOW),
                  BCJ2_OK);
    assert_status(bcj2__store_set_unclean_ends(store, seqs[0], 99, NOW), BCJ2_OK);
    assert_status(bcj2__store_first_suspect(store, &got), BCJ2_OK);
    ck_assert_int_eq(got, seqs[0]);
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_NORMAL, NULL, NULL, &got),
                  BCJ2_OK);
    ck_assert_int_eq(got, seqs[2]);
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_HIGH, NULL, NULL, &got),
                  BCJ2_S_FALSE);
    /* an end in order forgives; running on does not */
    assert_status(bcj2__store_set_state(store, seqs[0], 0, 1, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_state(store, seqs[0], 1, 2, NOW), BCJ2_OK);
    struct store_job job;
    assert_status(bcj2__store_job_by_seq(store, seqs[0], &job), BCJ2_OK);
    ck_assert_uint_eq(job.unclean_ends, 99);
    bcj2__store_job_done(&job);
    assert_status(bcj2__store_set_state(store, seqs[0], 2, 0, NOW), BCJ2_OK);
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_HIGH, NULL, NULL, &got),
                  BCJ2_OK);
    commit();
}
END_TEST

START_TEST(who_waits_after_an_error)
{
    int64_t timed, offline, got = 0;
    add_job(BCJ2_JOB_STATE_QUEUED);
    assert_status(bcj2__store_next_transient(store, false, 0, &got), BCJ2_S_FALSE);
    struct store_job job = plain_job(BCJ2_JOB_STATE_TRANSIENT_ERROR);
    job.next_attempt.set = true;
    begin();
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    commit();
    timed = job.seq;
    offline = add_job(BCJ2_JOB_STATE_TRANSIENT_ERROR);
    assert_status(bcj2__store_next_transient(store, false, 0, &got), BCJ2_OK);
    ck_assert_int_eq(got, timed);
    assert_status(bcj2__store_next_transient(store, false, timed, &got), BCJ2_OK);
    ck_assert_int_eq(got, offline);
    assert_status(bcj2__store_next_transient(store, true, 0, &got), BCJ2_OK);
    ck_assert_int_eq(got, offline);
    assert_status(bcj2__store_next_transient(store, true, offline, &got), BCJ2_S_FALSE);
}
END_TEST

START_TEST(a_poisoned_row)
{
    int64_t seq = add_job(BCJ2_JOB_STATE_TRANSFERRING), final = add_job(BCJ2_JOB_STATE_CANCELLED);
    struct store_job job;
    begin();
    assert_status(bcj2__store_set_unclean_ends(store, seq, 9, NOW), BCJ2_OK);
    assert_status(bcj2__store_poison(store, seq, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                                     BCJ2_E_DATABASE_CORRUPT, "why", NOW + 1),
                  BCJ2_OK);
    assert_status(bcj2__store_poison(store, final, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                                     BCJ2_E_DATABASE_CORRUPT, "why", NOW + 1),
                  BCJ2_E_NOT_FOUND);
    commit();
    assert_status(bcj2__store_job_by_seq(store, seq, &job), BCJ2_OK);
    ck_assert_int_eq(job.state, BCJ2_JOB_STATE_ERROR);
    assert_status(job.error_code, BCJ2_E_DATABASE_CORRUPT);
    ck_assert_int_eq(job.error_context, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER);
    ck_assert_str_eq(job.error_text, "why");
    ck_assert_uint_eq(job.unclean_ends, 0);
    ck_assert_uint_eq(job.modification_time, NOW + 1);
    bcj2__store_job_done(&job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "who is next", 20);
    tcase_add_checked_fixture(tc, store_start, store_stop);
    tcase_add_test(tc, a_dead_host_is_passed_by_in_the_index);
    tcase_add_test(tc, a_new_URL_is_a_new_host);
    tcase_add_test(tc, suspects_come_by_themselves);
    tcase_add_test(tc, who_waits_after_an_error);
    tcase_add_test(tc, a_poisoned_row);
}

SUITE_MAIN("store_schedule", add_cases)
