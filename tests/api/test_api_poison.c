/* SPDX-License-Identifier: MIT */
/* Jobs that cannot be run must not keep the others from it: rows that are damaged, and jobs that end the
   process they run in. Not here: a database that cannot be opened at all (test_api_queue.c). */
#include "../support/bits_server.h"
#include "../support/http_script.h"
#include "../support/queue.h"
#include "../support/sanitizer.h"
#include "macro.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct bits_server *server;

static void enter(void)
{
    server = bits_server_start();
    queue_start();
}

static void leave(void)
{
    queue_stop();
    bits_server_stop(server);
}

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    char *words = NULL;
    ck_assert_int_eq(sqlite3_open(queue_path("queue/queue.db"), &db), SQLITE_OK);
    int rc = sqlite3_exec(db, sql, NULL, NULL, &words);
    ck_assert_msg(rc == SQLITE_OK, "%s: %s", sql, words);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static int64_t number_of(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    ck_assert_int_eq(sqlite3_open(queue_path("queue/queue.db"), &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(q, 0);
    (void)sqlite3_finalize(q);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    return number;
}

static void id_of(bcj2_job *job, bcj2_guid *id)
{
    assert_status(bcj2_get_id(job, id), BCJ2_OK);
    bcj2_job_unref(job);
}

static bcj2_job *job_of(const bcj2_guid *id)
{
    bcj2_job *job = NULL;
    bcj2_status status = BCJ2_E_DATABASE_CORRUPT;
    /* a row that cannot be read is put right by the engine, in its first turn */
    for (int i = 0; i < 2000 && status == BCJ2_E_DATABASE_CORRUPT; i++) {
        const struct timespec t = {0, 5000000};
        status = bcj2_manager_get_job(queue_manager, id, &job);
        if (BCJ2_FAILED(status)) {
            (void)nanosleep(&t, NULL);
        }
    }
    assert_status(status, BCJ2_OK);
    return job;
}

#define LONG_TEXT "'0123456789012345678901234567890123456789012345678901234567890'"

/* Job 1 is damaged; job 2, behind it, is well. */
static const struct {
    const char *sql;
    bool download, readable;
} damages[] = {
    {"UPDATE jobs SET state = 0; DELETE FROM files WHERE job_seq = 1", false, true},
    {"UPDATE jobs SET state = 0; UPDATE transfers SET up_phase = 99 WHERE job_seq = 1", false,
     true},
    {"UPDATE jobs SET state = 0; UPDATE transfers SET get_boot_id = " LONG_TEXT
     " WHERE job_seq = 1",
     false, true},
    {"UPDATE jobs SET state = 0; UPDATE jobs SET series_start_boot = " LONG_TEXT " WHERE seq = 1",
     false, true},
    {"UPDATE jobs SET state = 0; UPDATE files SET ranges = '[{]' WHERE job_seq = 1", true, true},
    /* it ran when its process ended */
    {"UPDATE jobs SET state = 0; UPDATE jobs SET state = 2, series_start_boot = " LONG_TEXT
     " WHERE seq = 1",
     false, true},
    {"UPDATE jobs SET state = 0; UPDATE jobs SET state = 1 WHERE seq = 1;"
     "DELETE FROM files WHERE job_seq = 1",
     false, true},
    /* its next attempt is due */
    {"UPDATE jobs SET state = 5, next_attempt_boot = 'x', next_attempt_ms = 1,"
     " next_attempt_wall = 1; UPDATE jobs SET series_start_boot = " LONG_TEXT " WHERE seq = 1",
     false, true},
    {"UPDATE jobs SET state = 5, next_attempt_boot = 'x', next_attempt_ms = 1,"
     " next_attempt_wall = 1; UPDATE jobs SET series_start_boot = 'x', series_start_wall = 1,"
     " no_progress_s = 60 WHERE seq = 1; UPDATE transfers SET up_phase = 99 WHERE job_seq = 1",
     false, true},
};

START_TEST(a_damaged_job_goes_to_error)
{
    bcj2_guid ids[2];
    bcj2_error *error = NULL;
    bcj2_error_context context = 0;
    bcj2_status code = BCJ2_OK;
    for (int i = 0; i < 2; i++) {
        bool download = damages[_i].download && i == 0;
        bcj2_job *made = queue_job(download ? BCJ2_JOB_TYPE_DOWNLOAD : BCJ2_JOB_TYPE_UPLOAD);
        assert_status(bcj2_add_file(made, bits_server_url(server, "/in"),
                                    queue_path(download ? "out/got" : "up.bin")),
                      BCJ2_OK);
        id_of(made, &ids[i]);
    }
    queue_close();
    run_sql("INSERT INTO transfers SELECT seq, 0, 0, 0, 0, '', '', 0, 0, 0, 0, 0, '', '', 0, 0, 0,"
            " 0, 0, 0, 0, 0, '', '', 0, 0, 0, 0, 0, 0, '', 0, 0 FROM jobs");
    run_sql(damages[_i].sql);
    queue_open();
    bcj2_job *bad = job_of(&ids[0]), *good = job_of(&ids[1]);
    queue_wait(good, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    queue_wait(bad, STATE_BIT(ERROR) | STATE_BIT(TRANSFERRED), BCJ2_JOB_STATE_ERROR);
    assert_status(bcj2_get_error(bad, &error), BCJ2_OK);
    assert_status(bcj2_error_get(error, &context, &code), BCJ2_OK);
    ck_assert_int_eq(context, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER);
    ck_assert(code == BCJ2_E_DATABASE_CORRUPT || code == BCJ2_E_NOT_FOUND);
    (void)bcj2_error_unref(error);
    assert_status(bcj2_cancel(bad), BCJ2_OK);
    bcj2_job_unref(bad);
    bcj2_job_unref(good);
}
END_TEST

/* A deadline nobody can read keeps its own job waiting, not the others. */
/* Job 1, left alone for years as job 2 is, cannot be read or not even be told how long. */
static const char *const old_damages[] = {
    "UPDATE jobs SET series_start_boot = " LONG_TEXT " WHERE seq = 1",
    "UPDATE jobs SET touched_boot = " LONG_TEXT " WHERE seq = 1",
};

START_TEST(a_damaged_job_keeps_no_other_from_its_end)
{
    bcj2_guid ids[2];
    bcj2_job *job = NULL;
    bcj2_status status = BCJ2_OK;
    id_of(queue_job(BCJ2_JOB_TYPE_UPLOAD), &ids[0]);
    id_of(queue_job(BCJ2_JOB_TYPE_UPLOAD), &ids[1]);
    queue_close();
    run_sql("UPDATE jobs SET touched_boot = 'x', touched_ms = seq, modification_time = seq");
    run_sql(old_damages[_i]);
    queue_open();
    for (int i = 0; i < 2000 && status != BCJ2_E_NOT_FOUND; i++) {
        const struct timespec t = {0, 5000000};
        status = bcj2_manager_get_job(queue_manager, &ids[1], &job);
        (void)bcj2_job_unref(job);
        (void)nanosleep(&t, NULL);
    }
    assert_status(status, BCJ2_E_NOT_FOUND);
    job = job_of(&ids[0]);
    ck_assert_int_eq(queue_state(job), _i == 0 ? BCJ2_JOB_STATE_ERROR : BCJ2_JOB_STATE_SUSPENDED);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    bcj2_job_unref(job);
}
END_TEST

/* Nothing else happens by then that would make the engine look for programs to start. */
START_TEST(a_damaged_job_that_cannot_end_by_time_is_told_of)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_event event = BCJ2_EVENT_INIT;
    bcj2_job *made = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    uint64_t change = 0;
    bcj2_status s;
    assert_status(bcj2_set_notify_cmdline(made, "/bin/sh", "sh -c :"), BCJ2_OK);
    bcj2_job_unref(made);
    queue_close();
    run_sql(old_damages[0]);
    options.job_inactivity_timeout = 1;
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    while ((s = bcj2_manager_get_event(queue_manager, 0, &event)) == BCJ2_S_FALSE ||
           (s == BCJ2_OK && event.result == BCJ2_EVENT_OWED && event.attempts == 0)) {
        assert_status(bcj2_manager_wait(queue_manager, &change, 20000), BCJ2_OK);
    }
    assert_status(s, BCJ2_OK);
    ck_assert_uint_eq(event.kind, BCJ2_NOTIFY_JOB_ERROR);
    ck_assert_uint_eq(event.attempts, 1); /* though after as long again it is cancelled */
}
END_TEST

START_TEST(a_damaged_deadline_is_passed_over)
{
    bcj2_guid ids[2];
    for (int i = 0; i < 2; i++) {
        bcj2_job *made = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, bits_server_url(server, "/in"));
        id_of(made, &ids[i]);
    }
    queue_close();
    run_sql("UPDATE jobs SET state = 5, next_attempt_boot = 'x', next_attempt_ms = 1,"
            " next_attempt_wall = 1; UPDATE jobs SET next_attempt_boot = " LONG_TEXT
            " WHERE seq = 1");
    queue_open();
    bcj2_job *good = job_of(&ids[1]);
    queue_wait(good, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(good);
}
END_TEST

/* So does one of an event that a program is to be told of, or was being told of. */
START_TEST(a_damaged_event_is_passed_over)
{
    static const char *const damages_of_event[] = {
        "UPDATE events SET running = 0, next_boot = " LONG_TEXT,
        "UPDATE events SET running = 1, next_boot = " LONG_TEXT,
    };
    bcj2_guid ids[2];
    for (int i = 0; i < 2; i++) {
        bcj2_job *made = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, bits_server_url(server, "/in"));
        id_of(made, &ids[i]);
    }
    queue_close();
    run_sql("UPDATE jobs SET state = 4 WHERE seq = 1; UPDATE jobs SET state = 0 WHERE seq = 2;"
            "INSERT INTO events (job_seq, kind, file_index, time, result, turn, running, attempts,"
            " next_ms, next_wall) VALUES (1, 2, 0, 1, 0, 2, 0, 0, 0, 0)");
    run_sql(damages_of_event[_i]);
    queue_open();
    bcj2_job *good = job_of(&ids[1]), *bad = job_of(&ids[0]);
    queue_wait(good, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_cancel(bad), BCJ2_OK);
    bcj2_job_unref(bad);
    bcj2_job_unref(good);
}
END_TEST

/* ---- jobs that end their process ---- */

static const struct http_step silent_steps[] = {ASK, HOLD, END};
static const struct http_step *const silent_list[] = {silent_steps};
static struct http_script *silent; /* takes requests and never answers */

static void run_and_end(void *argument)
{
    queue_open();
    queue_wait(job_of(argument), STATE_BIT(CONNECTING), BCJ2_JOB_STATE_CONNECTING);
    (void)raise(SIGKILL);
}

static bcj2_job *job_for_silent(bcj2_guid *id)
{
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, http_script_url(silent, "/in"));
    assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), BCJ2_OK);
    assert_status(bcj2_get_id(job, id), BCJ2_OK);
    return job;
}

static void crash(bcj2_guid *id, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        int ended = 0, pid = queue_fork(run_and_end, id);
        ck_assert_int_eq(waitpid(pid, &ended, 0), pid);
        ck_assert(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL);
    }
}

#define UNCLEAN "SELECT unclean_ends FROM jobs WHERE seq = 1"

START_TEST(who_ends_its_process_comes_last)
{
    bcj2_guid id;
    if (strcmp(SANITIZER, "ThreadSanitizer") == 0) {
        (void)printf("not checked: %s has no threads in a forked child\n", SANITIZER);
        return;
    }
    silent = http_script_start(silent_list, 1);
    bcj2_job *job = job_for_silent(&id);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(CONNECTING), BCJ2_JOB_STATE_CONNECTING);
    bcj2_job_unref(job);
    queue_close();
    ck_assert_int_eq(number_of(UNCLEAN), 0);
    crash(&id, 4);
    ck_assert_int_eq(number_of(UNCLEAN), 3); /* the fourth is not known yet */
    queue_open();
    ck_assert_int_eq(number_of(UNCLEAN), 4);
    job = job_of(&id);
    /* nobody else waits: then it may run, by itself */
    queue_wait(job, STATE_BIT(CONNECTING), BCJ2_JOB_STATE_CONNECTING);
    /* somebody does, of the lowest level: it gives way, and says why it waits */
    bits_server_hold(server, BITS_CREATE);
    bcj2_job *other = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, bits_server_url(server, "/in"));
    assert_status(bcj2_set_priority(other, BCJ2_JOB_PRIORITY_LOW), BCJ2_OK);
    assert_status(bcj2_resume(other), BCJ2_OK);
    ck_assert(bits_server_wait_held(server));
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_QUEUED);
    char *text = NULL;
    assert_status(bcj2_get_status_text(job, &text), BCJ2_OK);
    ck_assert_msg(strncmp(text, "waiting behind all other jobs", 29) == 0, "%s", text);
    bcj2_free(text);
    bits_server_release(server);
    queue_wait(other, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    queue_wait(job, STATE_BIT(CONNECTING), BCJ2_JOB_STATE_CONNECTING);
    ck_assert_int_eq(number_of(UNCLEAN), 4); /* giving way proves nothing */
    /* a person's word does */
    assert_status(bcj2_suspend(job), BCJ2_OK);
    ck_assert_int_eq(number_of(UNCLEAN), 0);
    bcj2_job_unref(job);
    bcj2_job_unref(other);
    http_script_stop(silent);
}
END_TEST

/* Three in a row are bad luck, and an end in order begins anew. */
START_TEST(some_unclean_ends_are_forgiven)
{
    bcj2_guid id;
    if (strcmp(SANITIZER, "ThreadSanitizer") == 0) {
        (void)printf("not checked: %s has no threads in a forked child\n", SANITIZER);
        return;
    }
    silent = http_script_start(silent_list, 1);
    bcj2_job *job = job_for_silent(&id);
    assert_status(bcj2_resume(job), BCJ2_OK);
    bcj2_job_unref(job);
    queue_close();
    crash(&id, 3);
    queue_open();
    ck_assert_int_eq(number_of(UNCLEAN), 3);
    job = job_of(&id);
    queue_wait(job, STATE_BIT(CONNECTING), BCJ2_JOB_STATE_CONNECTING);
    bcj2_job_unref(job);
    queue_close();
    ck_assert_int_eq(number_of(UNCLEAN), 0);
    http_script_stop(silent);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "damaged", 60);
    tcase_add_checked_fixture(tc, enter, leave);
    tcase_add_loop_test(tc, a_damaged_job_goes_to_error, 0, ARRAY_LEN(damages));
    tcase_add_loop_test(tc, a_damaged_job_keeps_no_other_from_its_end, 0,
                        (int)ARRAY_LEN(old_damages));
    tcase_add_test(tc, a_damaged_job_that_cannot_end_by_time_is_told_of);
    tcase_add_test(tc, a_damaged_deadline_is_passed_over);
    tcase_add_loop_test(tc, a_damaged_event_is_passed_over, 0, 2);
    tc = suite_case(suite, "unclean ends", 60);
    tcase_add_checked_fixture(tc, enter, leave);
    tcase_add_test(tc, who_ends_its_process_comes_last);
    tcase_add_test(tc, some_unclean_ends_are_forgiven);
}

SUITE_MAIN("api_poison", add_cases)
