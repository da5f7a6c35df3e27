/* SPDX-License-Identifier: MIT */
/* A queue with 100,000 jobs: no question that the library asks of its store looks at all of them, but for
   those that are about all of them; and what a caller does with one job does not depend on the
   others. Times are not judged: the steps of SQLite's machine are. The figures:
   tests/bench/bench_waiting.c. */
#include "../support/crowd.h"
#include "../support/folder.h"
#include "../support/sanitizer.h"
#include "../support/suite.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "detail.h"
#include "guid.h"
#include "mem.h"
#include "store_db.h"

#define NOW            ((bcj2_filetime)133500000000000000u)
#define STEPS_OF_A_ROW 3000 /* of SQLite's machine, for a question about one job or file */

static char folder[FOLDER_PATH_SIZE], queue[FOLDER_PATH_SIZE], url[64];
static uint32_t crowd_size;
static int server;

static void start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    crowd_size = SANITIZER[0] == '\0' ? 100000 : 3000;
    folder_make(folder);
    folder_in(queue, folder, "queue");
    ck_assert_int_eq(mkdir(queue, 0700), 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    /* takes connections and never answers */
    server = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(server, 16), 0);
    ck_assert_int_eq(getsockname(server, (struct sockaddr *)&address, &length), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)ntohs(address.sin_port));
}

static void stop(void)
{
    (void)close(server);
    folder_remove(folder);
}

static void add(uint32_t count, bcj2_job_type type, bcj2_job_state state, bcj2_filetime modified)
{
    char target[FOLDER_PATH_SIZE];
    folder_in(target, folder, "target");
    const struct crowd crowd = {
        .count = count,
        .type = type,
        .state = state,
        .priority = BCJ2_JOB_PRIORITY_NORMAL,
        .url = url,
        .local_name = target,
        .modified = modified,
    };
    crowd_add(queue, &crowd);
}

/* ---- the store ---- */

static struct store *store;

/* The jobs are by seq: a quarter waits, one waits for its next attempt, one is transferred, one has
   ended. Gives back one that waits. */
static int64_t fill(void)
{
    uint32_t quarter = crowd_size / 4;
    assert_status(bcj2__store_open(queue, NULL, &store), BCJ2_OK); /* else the ended ones go */
    add(quarter, BCJ2_JOB_TYPE_UPLOAD_REPLY, BCJ2_JOB_STATE_QUEUED, NOW);
    add(quarter, BCJ2_JOB_TYPE_DOWNLOAD, BCJ2_JOB_STATE_TRANSIENT_ERROR, NOW);
    add(quarter, BCJ2_JOB_TYPE_DOWNLOAD, BCJ2_JOB_STATE_TRANSFERRED, NOW);
    add(quarter, BCJ2_JOB_TYPE_UPLOAD, BCJ2_JOB_STATE_ACKNOWLEDGED, NOW);
    return quarter / 2;
}

static void ask_about_one(int64_t seq)
{
    struct store_job job;
    struct store_file file;
    struct store_progress progress;
    static struct store_transfer t;
    struct store_http http;
    bcj2_guid id;
    bcj2_job_state state;
    uint32_t count;
    char *json = NULL;
    assert_status(bcj2__store_job_id(store, seq, &id), BCJ2_OK);
    assert_status(bcj2__store_job_by_seq(store, seq, &job), BCJ2_OK);
    bcj2__store_job_done(&job);
    assert_status(bcj2__store_job_by_id(store, &id, &job), BCJ2_OK);
    bcj2__store_job_done(&job);
    assert_status(bcj2__store_job_state(store, seq, &state), BCJ2_OK);
    assert_status(bcj2__store_file_count(store, seq, &count), BCJ2_OK);
    assert_status(bcj2__store_file(store, seq, 0, &file), BCJ2_OK);
    bcj2__store_file_done(&file);
    assert_status(bcj2__store_next_file(store, seq, 0, &file), BCJ2_OK);
    bcj2__store_file_done(&file);
    assert_status(bcj2__store_next_unrenamed(store, seq, 0, &file), BCJ2_S_FALSE);
    assert_status(bcj2__store_next_temporary(store, seq, 0, &file), BCJ2_S_FALSE);
    assert_status(bcj2__store_progress(store, seq, &progress), BCJ2_OK);
    assert_status(bcj2__store_transfer(store, seq, &t), BCJ2_OK);
    assert_status(bcj2__store_http(store, seq, &http), BCJ2_OK);
    bcj2__store_http_done(&http);
    assert_status(bcj2__store_job_json(store, seq, "", &json), BCJ2_OK);
    bcj2__mem_free(json);
}

/* All of them are of one host. */
static bool avoid_all(void *user, int64_t seq, const char *host)
{
    unsigned *asked = user;
    (*asked)++;
    return true;
}

static void ask_who_is_first(void)
{
    unsigned asked = 0;
    struct store_deadline d;
    struct store_farewell farewell;
    uint64_t change;
    int64_t seq, *seqs;
    uint32_t count;
    for (bcj2_job_priority p = 0; p < 4; p++) {
        assert_status(bcj2__store_first_queued(store, p, NULL, NULL, &seq),
                      p == BCJ2_JOB_PRIORITY_NORMAL ? BCJ2_OK : BCJ2_S_FALSE);
    }
    assert_status(bcj2__store_first_queued(store, BCJ2_JOB_PRIORITY_NORMAL, avoid_all, &asked,
                                           &seq),
                  BCJ2_S_FALSE);
    ck_assert_uint_lt(asked, 100);
    assert_status(bcj2__store_first_suspect(store, &seq), BCJ2_S_FALSE);
    assert_status(bcj2__store_next_transient(store, false, 0, &seq), BCJ2_OK);
    assert_status(bcj2__store_next_transient(store, true, 0, &seq), BCJ2_S_FALSE);
    assert_status(bcj2__store_next_retry(store, &seq, &d), BCJ2_OK);
    assert_status(bcj2__store_oldest_touched(store, &seq, &d), BCJ2_OK);
    assert_status(bcj2__store_next_farewell(store, 0, &farewell), BCJ2_OK);
    bcj2__store_farewell_done(&farewell);
    assert_status(bcj2__store_change(store, &change), BCJ2_OK);
    assert_status(bcj2__store_changed_since(store, change - 1, &seqs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 2); /* the one that was changed, and the one that was added */
    bcj2__mem_free(seqs);
    /* what a runner begins with */
    assert_status(bcj2__store_jobs_in(
                      store, 1u << BCJ2_JOB_STATE_CONNECTING | 1u << BCJ2_JOB_STATE_TRANSFERRING,
                      &seqs, &count),
                  BCJ2_OK);
    ck_assert_uint_eq(count, 1);
    bcj2__mem_free(seqs);
}

static void ask_about_all(void)
{
    uint64_t number;
    int64_t seq, *seqs;
    uint32_t count;
    assert_status(bcj2__store_job_seqs(store, UINT32_MAX, &seqs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, crowd_size / 4 * 3 + 1);
    bcj2__mem_free(seqs);
    assert_status(bcj2__store_job_seqs(store, bcj2__os_uid(), &seqs, &count), BCJ2_OK);
    bcj2__mem_free(seqs);
    assert_status(bcj2__store_job_count(store, UINT32_MAX, &number), BCJ2_OK);
    ck_assert_uint_eq(number, crowd_size / 4 * 3 + 1);
    assert_status(bcj2__store_job_count(store, bcj2__os_uid(), &number), BCJ2_OK);
    assert_status(bcj2__store_count_states(store, 1u << BCJ2_JOB_STATE_QUEUED, &number), BCJ2_OK);
    assert_status(bcj2__store_next_leftover(store, 0, &seq), BCJ2_S_FALSE);
    assert_status(bcj2__store_farewells_untried(store, &number), BCJ2_OK);
}

static void change_files(int64_t seq)
{
    static char text[] = "http://host/new";
    struct store_file file;
    assert_status(bcj2__store_file(store, seq, 0, &file), BCJ2_OK);
    assert_status(bcj2__store_set_file_progress(store, seq, &file, NOW), BCJ2_OK);
    assert_status(bcj2__store_update_file(store, seq, &file, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_pending_remote_name(store, seq, 0, text, NOW), BCJ2_OK);
    assert_status(bcj2__store_apply_remote_names(store, seq, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_remote_name(store, seq, 0, text, NOW), BCJ2_OK);
    file.index = 1;
    assert_status(bcj2__store_file_insert(store, seq, &file, NOW), BCJ2_OK);
    bcj2__store_file_done(&file);
}

static void change_one(int64_t seq)
{
    static char text[] = "text";
    static struct store_transfer t;
    struct store_job job;
    struct store_http http = {.method = text};
    struct store_farewell farewell = {.job_seq = seq, .url = text, .session_id = text};
    assert_status(bcj2__store_job_by_seq(store, seq, &job), BCJ2_OK);
    assert_status(bcj2__store_set_display_name(store, seq, text, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_description(store, seq, text, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_priority(store, seq, job.priority, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_retry_delay(store, seq, 60, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_no_progress(store, seq, 60, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_max_download(store, seq, 60, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_download_ms(store, seq, 0, 60, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_owner(store, seq, job.owner_uid, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_resumed(store, seq, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_unclean_ends(store, seq, 1, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_reply_name(store, seq, text, false, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_error(store, &job, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_retry(store, &job, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_reply(store, &job, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_completing(store, &job, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_transfer(store, seq, &t), BCJ2_OK);
    assert_status(bcj2__store_set_transfer(store, seq, &t), BCJ2_OK);
    assert_status(bcj2__store_forget_transfer(store, seq), BCJ2_OK);
    assert_status(bcj2__store_set_http(store, seq, &http, NOW), BCJ2_OK);
    http.method = NULL;
    assert_status(bcj2__store_set_http(store, seq, &http, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_state(store, seq, 0, BCJ2_JOB_STATE_CONNECTING, NOW), BCJ2_OK);
    assert_status(bcj2__store_farewell_insert(store, &farewell), BCJ2_OK);
    farewell.seq = 1;
    assert_status(bcj2__store_farewell_update(store, &farewell), BCJ2_OK);
    job.id = bcj2__guid_random();
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    assert_status(bcj2__store_poison(store, job.seq, 0, BCJ2_E_DATABASE_CORRUPT, text, NOW),
                  BCJ2_OK);
    bcj2__store_job_done(&job);
}

/* About all jobs, by what they ask for. They go through one index. */
static bool is_about_all(const char *sql)
{
    static const char *const questions[] = {
        "count(*) FROM jobs INDEXED BY",
        "count(*) FROM jobs WHERE owner_uid",
        "SELECT seq FROM jobs INDEXED BY jobs_owner",
        "SELECT seq FROM jobs INDEXED BY jobs_temporary", /* the files that ended jobs left */
        "count(*) FROM farewells",
    };
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        if (strstr(sql, questions[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* What the planner makes of it: an index for all but the table with one row. The first row in the order of
   an index is no scan; nor is a list of hosts that a question makes itself. */
static void check_plan(const char *sql)
{
    char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *plan = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(store->db, explain, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        ck_assert_ptr_nonnull(step);
        bool scans = strncmp(step, "SCAN", 4) == 0 && strcmp(step, "SCAN queue") != 0 &&
                     strcmp(step, "SCAN hosts") != 0 && strcmp(step, "SCAN CONSTANT ROW") != 0 &&
                     (strstr(step, " INDEX ") == NULL || strstr(sql, "LIMIT 1") == NULL);
        bool sorts = strstr(step, "TEMP B-TREE") != NULL && strstr(sql, "state IN") == NULL;
        bool by_rows = scans && strstr(step, "INDEX") == NULL && strstr(sql, "FROM jobs") != NULL;
        ck_assert_msg(is_about_all(sql) ? !by_rows : !scans && !sorts, "%s: %s", sql, step);
    }
    (void)sqlite3_finalize(plan);
    sqlite3_free(explain);
}

/* What it did, each time it was run. */
static void check_steps(sqlite3_stmt *statement, const char *sql)
{
    int runs = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_RUN, 0);
    int steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0);
    bool batch = strncmp(sql, "DELETE FROM jobs", 16) == 0;
    int most = STEPS_OF_A_ROW * (batch ? (int)STORE_PURGE_MOST : 1);
    ck_assert_int_gt(runs, 0);
    ck_assert_msg(is_about_all(sql) || steps / runs < most, "%s: %d steps", sql, steps / runs);
}

START_TEST(no_question_scans_the_queue)
{
    uint32_t gone = 0;
    unsigned checked = 0;
    int64_t seq = fill();
    assert_status(bcj2__store_begin(store, false), BCJ2_OK);
    change_files(seq);
    change_one(seq);
    assert_status(bcj2__store_commit(store, false), BCJ2_OK);
    ask_about_one(seq);
    ask_who_is_first();
    ask_about_all();
    assert_status(bcj2__store_begin(store, false), BCJ2_OK);
    assert_status(bcj2__store_farewell_delete(store, 1), BCJ2_OK);
    assert_status(bcj2__store_purge(store, NOW + 1, &gone), BCJ2_OK);
    ck_assert_uint_eq(gone, STORE_PURGE_MOST);
    assert_status(bcj2__store_commit(store, false), BCJ2_OK);
    for (size_t i = 0; i < STORE_STATEMENT_SLOTS; i++) {
        const char *sql = store->statements[i].sql;
        if (sql != NULL && (strncmp(sql, "SELECT", 6) == 0 || strncmp(sql, "UPDATE", 6) == 0 ||
                            strncmp(sql, "DELETE", 6) == 0)) {
            check_plan(sql);
            check_steps(store->statements[i].prepared, sql);
            checked++;
        }
    }
    ck_assert_uint_ge(checked, 55);
    store = bcj2__store_close(store);
}
END_TEST

/* ---- a manager ---- */

/* Resident memory in KiB; 0 where the system does not tell it in a file. */
static long memory_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f != NULL) {
        ck_assert_int_eq(fscanf(f, "%*s %ld", &pages), 1);
        (void)fclose(f);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The n-th job of a list has that name. */
static void check_name(bcj2_job_enum *jobs, const char *name)
{
    bcj2_job *job = NULL;
    char *text = NULL;
    assert_status(bcj2_job_enum_next(jobs, &job), BCJ2_OK);
    assert_status(bcj2_get_display_name(job, &text), BCJ2_OK);
    ck_assert_str_eq(text, name);
    bcj2_free(text);
    ck_assert_ptr_null(bcj2_job_unref(job));
}

static void check_list(bcj2_manager *manager)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job = NULL;
    uint32_t count = 0;
    char last[32];
    assert_status(bcj2_manager_enum_jobs(manager, BCJ2_JOB_ENUM_ALL_USERS, &jobs), BCJ2_OK);
    assert_status(bcj2_job_enum_count(jobs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, crowd_size);
    check_name(jobs, "job 0");
    check_name(jobs, "job 0"); /* the first of those that came then */
    assert_status(bcj2_job_enum_skip(jobs, crowd_size - 3), BCJ2_OK);
    (void)snprintf(last, sizeof last, "job %u", (unsigned)crowd_size - 2);
    check_name(jobs, last);
    assert_status(bcj2_job_enum_next(jobs, &job), BCJ2_S_FALSE);
    ck_assert_ptr_null(bcj2_job_enum_unref(jobs));
}

/* Made after all the others, it overtakes them where its priority says so. */
static void check_one_more(bcj2_manager *manager)
{
    char target[FOLDER_PATH_SIZE];
    bcj2_guid id, changed_id;
    bcj2_job *job = NULL, *changed = NULL;
    bcj2_job_enum *jobs = NULL;
    bcj2_job_state state = 0;
    uint64_t change = 0;
    uint32_t count = 0;
    folder_in(target, folder, "one more");
    assert_status(bcj2_manager_wait(manager, &change, 0), BCJ2_OK);
    assert_status(bcj2_manager_create_job(manager, "one more", BCJ2_JOB_TYPE_DOWNLOAD, &id, &job),
                  BCJ2_OK);
    assert_status(bcj2_manager_enum_changed(manager, change, &jobs), BCJ2_OK);
    assert_status(bcj2_job_enum_count(jobs, &count), BCJ2_OK);
    ck_assert_uint_le(count, 2); /* it, and the one that runs */
    do {
        (void)bcj2_job_unref(changed);
        assert_status(bcj2_job_enum_next(jobs, &changed), BCJ2_OK);
        assert_status(bcj2_get_id(changed, &changed_id), BCJ2_OK);
    } while (!bcj2__guid_equal(&changed_id, &id));
    (void)bcj2_job_unref(changed);
    (void)bcj2_job_enum_unref(jobs);
    assert_status(bcj2_add_file(job, url, target), BCJ2_OK);
    assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    assert_status(bcj2_wait(job, 1u << BCJ2_JOB_STATE_CONNECTING, 20000, &state), BCJ2_OK);
    ck_assert_int_eq(state, BCJ2_JOB_STATE_CONNECTING);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    ck_assert_ptr_null(bcj2_job_unref(job));
}

START_TEST(a_great_many_jobs_wait)
{
    bcj2_manager *manager = NULL;
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    add(1, BCJ2_JOB_TYPE_DOWNLOAD, BCJ2_JOB_STATE_QUEUED, 0);
    assert_status(bcj2_manager_open(queue, NULL, &manager), BCJ2_OK); /* all is loaded now */
    ck_assert_ptr_null(bcj2_manager_close(manager));
    add(crowd_size - 1, BCJ2_JOB_TYPE_DOWNLOAD, BCJ2_JOB_STATE_QUEUED, 0);
    long before = memory_kib();
    assert_status(bcj2_manager_open(queue, NULL, &manager), BCJ2_OK);
    check_one_more(manager);
    long after = memory_kib();
    assert_status(bcj2_manager_get_info(manager, &info), BCJ2_OK);
    ck_assert_uint_eq(info.jobs, crowd_size);
    ck_assert_msg(SANITIZER[0] != '\0' || after - before < 6 * 1024, "%ld KiB more",
                  after - before);
    check_list(manager);
    ck_assert_ptr_null(bcj2_manager_close(manager));
}
END_TEST

/* ---- what ended ---- */

static uint64_t ended(struct store *s)
{
    uint64_t count = 0;
    assert_status(bcj2__store_count_states(s, 1u << BCJ2_JOB_STATE_ACKNOWLEDGED, &count), BCJ2_OK);
    return count;
}

START_TEST(ended_jobs_are_forgotten_in_the_end)
{
    const uint32_t count = 4 * STORE_PURGE_MOST + 7;
    bcj2_manager *manager = NULL;
    uint64_t change = 0;
    add(count, BCJ2_JOB_TYPE_DOWNLOAD, BCJ2_JOB_STATE_ACKNOWLEDGED, NOW);
    /* who opens the queue alone forgets some; then somebody has it open */
    assert_status(bcj2__store_open(queue, NULL, &store), BCJ2_OK);
    ck_assert_uint_eq(ended(store), count - STORE_PURGE_MOST);
    add(1, BCJ2_JOB_TYPE_DOWNLOAD, BCJ2_JOB_STATE_ACKNOWLEDGED, bcj2__os_wall());
    assert_status(bcj2_manager_open(queue, NULL, &manager), BCJ2_OK);
    while (ended(store) > 1) {
        assert_status(bcj2_manager_wait(manager, &change, 20000), BCJ2_OK);
    }
    ck_assert_ptr_null(bcj2_manager_close(manager));
    ck_assert_uint_eq(ended(store), 1); /* that of today */
    store = bcj2__store_close(store);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "crowd", 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, no_question_scans_the_queue);
    tcase_add_test(tc, a_great_many_jobs_wait);
    tcase_add_test(tc, ended_jobs_are_forgotten_in_the_end);
}

SUITE_MAIN("crowd", add_cases)
