/* SPDX-License-Identifier: MIT */
/* store: events of jobs, and who is told of them. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "store_fixture.h"

#include <bcj2/notify.h>
#include "macro.h"
#include "store_db.h"
#include "store_event.h"

#define DONE   ((uint32_t)BCJ2_NOTIFY_JOB_TRANSFERRED)
#define FAILED ((uint32_t)BCJ2_NOTIFY_JOB_ERROR)
#define FILE_  ((uint32_t)BCJ2_NOTIFY_FILE_TRANSFERRED)

static int64_t add_event(int64_t job, uint32_t kind, enum notify_turn turn)
{
    struct store_event event = {.job_seq = job, .kind = kind, .time = NOW, .turn = turn};
    begin();
    assert_status(bcj2__store_event_insert(store, &event), BCJ2_OK);
    commit();
    return event.seq;
}

static struct store_event event_of(int64_t seq)
{
    struct store_event event;
    assert_status(bcj2__store_event(store, seq, &event), BCJ2_OK);
    return event;
}

static void update(const struct store_event *event, bcj2_status expected)
{
    begin();
    assert_status(bcj2__store_event_update(store, event), expected);
    commit();
}

static struct store_deadline at(const char *boot, uint64_t ms, bcj2_filetime wall)
{
    struct store_deadline d = {.set = true, .now_ms = ms, .wall = wall};
    if (boot == NULL) {
        bcj2__os_boot_id(d.boot_id);
    } else {
        (void)snprintf(d.boot_id, sizeof d.boot_id, "%s", boot);
    }
    return d;
}

START_TEST(an_event_is_kept_as_it_is)
{
    int64_t job = add_job(BCJ2_JOB_STATE_TRANSFERRED);
    struct store_event want = {.job_seq = job,
                               .kind = FILE_,
                               .file_index = UINT32_MAX,
                               .time = NOW + 7,
                               .turn = NOTIFY_COMMAND,
                               .running = true,
                               .attempts = UINT32_MAX,
                               .next = at("other-boot", UINT32_MAX, NOW + 9)};
    begin();
    assert_status(bcj2__store_event_insert(store, &want), BCJ2_OK);
    commit();
    reopen();
    struct store_event got = event_of(want.seq);
    ck_assert_int_eq(got.job_seq, job);
    ck_assert_uint_eq(got.kind, FILE_);
    ck_assert_uint_eq(got.file_index, UINT32_MAX);
    ck_assert_uint_eq(got.time, NOW + 7);
    ck_assert_int_eq(got.result, BCJ2_EVENT_OWED);
    ck_assert_int_eq(got.turn, NOTIFY_COMMAND);
    ck_assert(got.running);
    ck_assert_uint_eq(got.attempts, UINT32_MAX);
    ck_assert_str_eq(got.next.boot_id, "other-boot");
    ck_assert_uint_eq(got.next.now_ms, UINT32_MAX);
    assert_status(bcj2__store_event(store, want.seq + 1, &got), BCJ2_S_FALSE);
}
END_TEST

/* Whoever looks for changed jobs finds each step of an event; the job is not older or newer for it. */
START_TEST(an_event_changes_its_job_but_not_its_time)
{
    int64_t job = add_job(BCJ2_JOB_STATE_TRANSFERRED), other = add_job(BCJ2_JOB_STATE_SUSPENDED);
    uint64_t change = change_number();
    int64_t *seqs = NULL, seq = add_event(job, DONE, NOTIFY_NOBODY);
    uint32_t count = 0;
    struct store_event event = event_of(seq);
    for (int step = 0; step < 3; step++) {
        assert_status(bcj2__store_changed_since(store, change, &seqs, &count), BCJ2_OK);
        ck_assert_uint_eq(count, 1);
        ck_assert_int_eq(seqs[0], job);
        bcj2__mem_free(seqs);
        change = change_number();
        begin();
        assert_status(step == 0 ? bcj2__store_event_update(store, &event)
                                : bcj2__store_events_drop(store, job, DONE),
                      BCJ2_OK);
        commit();
        ck_assert_uint_eq(change_number(), step < 2 ? change + 1 : change);
        seqs = NULL;
        if (step == 1) {
            break;
        }
    }
    begin(); /* nothing is left to be dropped: no change */
    change = change_number();
    assert_status(bcj2__store_events_drop(store, job, DONE), BCJ2_OK);
    assert_status(bcj2__store_events_drop(store, other, DONE), BCJ2_OK);
    commit();
    ck_assert_uint_eq(change_number(), change);
    struct store_job row;
    assert_status(bcj2__store_job_by_seq(store, job, &row), BCJ2_OK);
    ck_assert_uint_eq(row.modification_time, NOW);
    bcj2__store_job_done(&row);
}
END_TEST

START_TEST(the_first_owed_one_of_some_kinds)
{
    int64_t job = add_job(BCJ2_JOB_STATE_TRANSFERRED), other = add_job(BCJ2_JOB_STATE_ERROR);
    struct store_event got;
    assert_status(bcj2__store_first_owed(store, job, ~0u, &got), BCJ2_S_FALSE);
    int64_t file = add_event(job, FILE_, NOTIFY_CALLBACK);
    int64_t file_2 = add_event(job, FILE_, NOTIFY_CALLBACK);
    int64_t done = add_event(job, DONE, NOTIFY_CALLBACK);
    (void)add_event(other, FAILED, NOTIFY_CALLBACK);
    assert_status(bcj2__store_first_owed(store, job, DONE | FILE_, &got), BCJ2_OK);
    ck_assert_int_eq(got.seq, file);
    assert_status(bcj2__store_first_owed(store, job, DONE | FAILED, &got), BCJ2_OK);
    ck_assert_int_eq(got.seq, done);
    assert_status(bcj2__store_first_owed(store, job, FAILED, &got), BCJ2_S_FALSE);
    struct store_event over = event_of(file);
    over.result = BCJ2_EVENT_DELIVERED;
    update(&over, BCJ2_OK);
    update(&over, BCJ2_S_FALSE); /* what is over stays as it is */
    assert_status(bcj2__store_first_owed(store, job, ~0u, &got), BCJ2_OK);
    ck_assert_int_eq(got.seq, file_2);
    begin();
    assert_status(bcj2__store_events_drop(store, job, FILE_), BCJ2_OK);
    commit();
    ck_assert_int_eq(event_of(file).result, BCJ2_EVENT_DELIVERED);
    ck_assert_int_eq(event_of(file_2).result, BCJ2_EVENT_DROPPED);
    assert_status(bcj2__store_first_owed(store, job, ~0u, &got), BCJ2_OK);
    ck_assert_int_eq(got.seq, done);
    assert_status(bcj2__store_next_event(store, file_2, &got), BCJ2_OK);
    ck_assert_int_eq(got.seq, done);
}
END_TEST

static int count_step(void *steps)
{
    ++*(unsigned *)steps;
    return 0;
}

/* A job of many files, none of which anybody was told of. */
START_TEST(a_jobs_own_event_is_found_behind_those_of_its_files)
{
    enum { FILES = 1000, FEW = 500 };
    int64_t job = add_job(BCJ2_JOB_STATE_ERROR), seq = 0;
    unsigned steps = 0;
    struct store_event got;
    begin();
    for (uint32_t i = 0; i <= FILES; i++) {
        struct store_event event = {
            .job_seq = job, .kind = i < FILES ? FILE_ : FAILED, .file_index = i, .time = NOW};
        assert_status(bcj2__store_event_insert(store, &event), BCJ2_OK);
        seq = event.seq;
    }
    commit();
    sqlite3_progress_handler(store->db, 1, count_step, &steps);
    assert_status(bcj2__store_first_owed(store, job, DONE | FAILED, &got), BCJ2_OK);
    ck_assert_int_eq(got.seq, seq);
    ck_assert_uint_gt(steps, 0);
    ck_assert_uint_lt(steps, FEW);
    begin();
    steps = 0;
    assert_status(bcj2__store_events_drop(store, job, DONE | FAILED), BCJ2_OK);
    ck_assert_uint_lt(steps, FEW);
    commit();
    sqlite3_progress_handler(store->db, 0, NULL, NULL);
    assert_status(bcj2__store_first_owed(store, job, DONE | FAILED, &got), BCJ2_S_FALSE);
    assert_status(bcj2__store_first_owed(store, job, ~0u, &got), BCJ2_OK);
    ck_assert_int_eq(got.file_index, 0);
}
END_TEST

/* Those that are due now, then by time, over boots; none that runs, is over or is not the command's. */
START_TEST(the_next_command)
{
    int64_t job = add_job(BCJ2_JOB_STATE_TRANSFERRED);
    uint64_t now_ms = bcj2__os_now_ms(), untried = 0;
    bcj2_filetime wall = bcj2__os_wall();
    int64_t second = 10000000;
    struct store_event got;
    assert_status(bcj2__store_next_command(store, &got), BCJ2_S_FALSE);
    (void)add_event(job, DONE, NOTIFY_NOBODY);
    (void)add_event(job, DONE, NOTIFY_CALLBACK);
    assert_status(bcj2__store_next_command(store, &got), BCJ2_S_FALSE);
    const struct {
        bool set;
        struct store_deadline next;
    } rows[] = {
        {false, {0}},
        {true, at("a-boot-before", 5, wall - (bcj2_filetime)(100 * second))},
        {true, at(NULL, now_ms + 50000, wall + (bcj2_filetime)(50 * second))},
        {true, at("b-boot-before", 1, wall + (bcj2_filetime)(70 * second))},
        {true, at(NULL, now_ms + 90000, wall + (bcj2_filetime)(90 * second))},
    };
    int64_t seqs[ARRAY_LEN(rows)];
    for (size_t i = ARRAY_LEN(rows); i-- > 0;) { /* the order of adding says nothing */
        seqs[i] = add_event(job, DONE, NOTIFY_COMMAND);
        struct store_event event = event_of(seqs[i]);
        event.next = rows[i].next;
        update(&event, BCJ2_OK);
    }
    assert_status(bcj2__store_commands_untried(store, &untried), BCJ2_OK);
    ck_assert_uint_eq(untried, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_status(bcj2__store_next_command(store, &got), BCJ2_OK);
        ck_assert_msg(got.seq == seqs[i], "%zu: %lld", i, (long long)got.seq);
        ck_assert_int_eq(got.next.set, rows[i].set);
        if (rows[i].set) { /* on this boot's clock */
            int64_t ahead = (int64_t)(rows[i].next.wall - wall) / 10000;
            ck_assert_int_ge((int64_t)got.next.now_ms, (int64_t)now_ms + ahead - 5000);
            ck_assert_int_le((int64_t)got.next.now_ms, (int64_t)now_ms + MAX(ahead, 0) + 5000);
        }
        got = event_of(seqs[i]);
        got.running = i % 2 == 0;
        got.attempts = 1;
        got.result = i % 2 == 0 ? BCJ2_EVENT_OWED : BCJ2_EVENT_DELIVERED;
        update(&got, BCJ2_OK);
    }
    assert_status(bcj2__store_next_command(store, &got), BCJ2_S_FALSE);
    assert_status(bcj2__store_commands_untried(store, &untried), BCJ2_OK);
    ck_assert_uint_eq(untried, 3); /* they run */
    int64_t after = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_status(bcj2__store_next_running(store, after, &got), BCJ2_OK);
        ck_assert_int_gt(got.seq, after);
        ck_assert(got.running);
        after = got.seq;
    }
    assert_status(bcj2__store_next_running(store, after, &got), BCJ2_S_FALSE);
    begin(); /* what is dropped runs for nobody */
    assert_status(bcj2__store_events_drop(store, job, DONE), BCJ2_OK);
    commit();
    assert_status(bcj2__store_next_running(store, 0, &got), BCJ2_S_FALSE);
}
END_TEST

START_TEST(listeners_and_their_jobs)
{
    int64_t a = add_job(BCJ2_JOB_STATE_SUSPENDED), b = add_job(BCJ2_JOB_STATE_ERROR);
    int64_t c = add_job(BCJ2_JOB_STATE_QUEUED), seq = 0;
    uint64_t listener = 0;
    struct store_notify n;
    assert_status(bcj2__store_next_listener(store, 0, &listener), BCJ2_S_FALSE);
    begin();
    assert_status(bcj2__store_set_listener(store, a, 7, 3, NOW + 1), BCJ2_OK);
    assert_status(bcj2__store_set_listener(store, b, 5, 1, NOW + 1), BCJ2_OK);
    assert_status(bcj2__store_set_listener(store, c, 7, 9, NOW + 1), BCJ2_OK);
    assert_status(bcj2__store_set_listener(store, 999, 7, 9, NOW + 1), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_set_notify_flags(store, c, 0x1b, NOW + 1), BCJ2_OK);
    assert_status(bcj2__store_set_notify_command(store, c, "", NULL, NOW + 1), BCJ2_OK);
    commit();
    assert_status(bcj2__store_next_listener(store, 0, &listener), BCJ2_OK);
    ck_assert_uint_eq(listener, 5);
    assert_status(bcj2__store_next_listener(store, 5, &listener), BCJ2_OK);
    ck_assert_uint_eq(listener, 7);
    assert_status(bcj2__store_next_listener(store, 7, &listener), BCJ2_S_FALSE);
    assert_status(bcj2__store_next_listened(store, 7, 0, &seq), BCJ2_OK);
    ck_assert_int_eq(seq, a);
    assert_status(bcj2__store_next_listened(store, 7, a, &seq), BCJ2_OK);
    ck_assert_int_eq(seq, c);
    assert_status(bcj2__store_next_listened(store, 7, c, &seq), BCJ2_S_FALSE);
    assert_status(bcj2__store_notify(store, c, &n), BCJ2_OK);
    ck_assert_uint_eq(n.listener, 7);
    ck_assert_uint_eq(n.channels.flags, 0x1b);
    ck_assert_uint_eq(n.channels.callbacks, 9);
    ck_assert(n.channels.command); /* "" is a command, too: one that cannot be started */
    ck_assert_uint_eq(n.retry_delay_s, 600);
    ck_assert_int_eq(n.state, BCJ2_JOB_STATE_QUEUED);
    ck_assert_uint_eq(n.modification_time, NOW + 1);
    uint64_t change = change_number();
    begin(); /* one that is gone: everybody hears of it, the job is none the newer for it */
    assert_status(bcj2__store_drop_listener(store, c), BCJ2_OK);
    assert_status(bcj2__store_drop_listener(store, 999), BCJ2_E_NOT_FOUND);
    commit();
    ck_assert_uint_eq(change_number(), change + 1);
    assert_status(bcj2__store_notify(store, c, &n), BCJ2_OK);
    ck_assert_uint_eq(n.listener, 0);
    ck_assert_uint_eq(n.channels.callbacks, 0);
    ck_assert_uint_eq(n.modification_time, NOW + 1);
    begin(); /* a job that is over has no listener */
    assert_status(bcj2__store_set_state(store, b, BCJ2_JOB_STATE_ERROR, BCJ2_JOB_STATE_CANCELLED,
                                        NOW),
                  BCJ2_OK);
    commit();
    assert_status(bcj2__store_drop_listener(store, c), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_next_listener(store, 0, &listener), BCJ2_OK);
    ck_assert_uint_eq(listener, 7);
    assert_status(bcj2__store_notify(store, 999, &n), BCJ2_E_NOT_FOUND);
}
END_TEST

static int64_t seqs[STORE_PURGE_MOST];

START_TEST(what_is_over_is_forgotten)
{
    int64_t job = add_job(BCJ2_JOB_STATE_ERROR), kept = add_event(job, FAILED, NOTIFY_NOBODY);
    uint32_t count = 7;
    struct store_event got;
    for (unsigned i = 0; i < STORE_PURGE_MOST + 3; i++) {
        struct store_event e = {.job_seq = job,
                                .kind = FILE_,
                                .file_index = i,
                                .time = NOW + i,
                                .result = 1 + (int32_t)(i % 2)};
        begin();
        assert_status(bcj2__store_event_insert(store, &e), BCJ2_OK);
        commit();
    }
    assert_status(bcj2__store_next_over(store, NOW), BCJ2_S_FALSE);
    assert_status(bcj2__store_next_over(store, NOW + 1), BCJ2_OK);
    begin();
    assert_status(bcj2__store_events_purge(store, NOW + 1, seqs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(seqs[0], kept + 1);
    assert_status(bcj2__store_events_purge(store, UINT32_MAX + NOW, seqs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, STORE_PURGE_MOST);
    assert_status(bcj2__store_events_purge(store, UINT32_MAX + NOW, seqs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 2);
    assert_status(bcj2__store_events_purge(store, UINT32_MAX + NOW, seqs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 0);
    commit();
    assert_status(bcj2__store_next_event(store, 0, &got), BCJ2_OK);
    ck_assert_int_eq(got.seq, kept);
    assert_status(bcj2__store_next_event(store, kept, &got), BCJ2_S_FALSE);
    begin(); /* a job takes its events with it */
    assert_status(bcj2__store_set_state(store, job, BCJ2_JOB_STATE_ERROR, BCJ2_JOB_STATE_CANCELLED,
                                        NOW),
                  BCJ2_OK);
    assert_status(bcj2__store_purge(store, NOW + 1, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 1);
    commit();
    assert_status(bcj2__store_next_event(store, 0, &got), BCJ2_S_FALSE);
}
END_TEST

START_TEST(writing_an_event_needs_a_transaction)
{
    struct store_event event = {.job_seq = add_job(BCJ2_JOB_STATE_ERROR), .kind = FAILED};
    uint32_t count = 0;
    assert_status(bcj2__store_event_insert(store, &event), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_event_update(store, &event), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_events_drop(store, event.job_seq, ~0u), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_events_purge(store, NOW, seqs, &count), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_set_notify_flags(store, event.job_seq, 0, NOW), BCJ2_E_UNEXPECTED);
    assert_status(bcj2__store_set_listener(store, event.job_seq, 1, 0, NOW), BCJ2_E_UNEXPECTED);
    event.job_seq = 999; /* no such job */
    begin();
    ck_assert(BCJ2_FAILED(bcj2__store_event_insert(store, &event)));
    bcj2__store_rollback(store);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "events", 30);
    tcase_add_checked_fixture(tc, store_start, store_stop);
    tcase_add_test(tc, an_event_is_kept_as_it_is);
    tcase_add_test(tc, an_event_changes_its_job_but_not_its_time);
    tcase_add_test(tc, the_first_owed_one_of_some_kinds);
    tcase_add_test(tc, a_jobs_own_event_is_found_behind_those_of_its_files);
    tcase_add_test(tc, the_next_command);
    tcase_add_test(tc, listeners_and_their_jobs);
    tcase_add_test(tc, what_is_over_is_forgotten);
    tcase_add_test(tc, writing_an_event_needs_a_transaction);
}

SUITE_MAIN("store_event", add_cases)
