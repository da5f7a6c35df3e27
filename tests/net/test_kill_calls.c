/* SPDX-License-Identifier: MIT */
/* kill -9 inside single calls: around Complete, and around create, name, add and resume. What a call
   returned OK for is there afterwards; what had not returned is there whole or not at all, and the job
   can be finished or cancelled. Kills while bytes move are in test_kill.c.

   BCJ2_TEST_LONG=1: 100 of each; BCJ2_TEST_SEED=N: this one only. */
#include "../support/rig.h"
#include "../support/trials.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANSWER 100000u
#define LINES  8

static uint64_t undisturbed_us; /* from the first word of the program to its last */

/* What a client said before it ended or was killed. */
struct said {
    char lines[LINES][128];
    unsigned count;
};

static bool has_said(const struct said *said, const char *word)
{
    for (unsigned i = 0; i < said->count; i++) {
        if (strcmp(said->lines[i], word) == 0) {
            return true;
        }
    }
    return false;
}

/* Returns when the last line came. */
static uint64_t hear_rest(int out, struct said *said)
{
    uint64_t last_us = client_now_us();
    while (said->count < LINES && client_line(out, said->lines[said->count])) {
        said->count++;
        last_us = client_now_us();
    }
    (void)close(out);
    return last_us;
}

/* Runs the program up to a moment after its "ready"; UINT32_MAX: to its end. */
static struct said run(const char *const words[], uint32_t kill_us)
{
    struct said said = {.count = 0};
    char line[128];
    int out = -1;
    pid_t pid = client_start(words, &out);
    ck_assert(client_line(out, line));
    ck_assert_str_eq(line, "ready");
    if (kill_us == UINT32_MAX) {
        uint64_t before = client_now_us();
        undisturbed_us = hear_rest(out, &said) - before;
        client_wait_exit(pid);
    } else {
        (void)client_kill_after(pid, kill_us);
        (void)hear_rest(out, &said);
    }
    return said;
}

/* ---- Complete ---- */

/* A TRANSFERRED job; an older file has the name of its reply. */
static bcj2_guid transferred(char id_text[BCJ2_GUID_TEXT_SIZE])
{
    rig_start(NULL, RIG_APPLICATION);
    rig_make("answer", ANSWER);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    bcj2_guid id = client_id(job);
    rig_transferred(job);
    rig_unref(job);
    rig_close();
    rig_make("old", 5000);
    rig_make("out/reply", 1);
    ck_assert_int_eq(unlink(rig_path("out/reply")), 0);
    ck_assert_int_eq(link(rig_path("old"), rig_path("out/reply")), 0);
    bcj2_guid_format(&id, id_text);
    return id;
}

/* The job is not completed yet: its reply can be had, then it can be completed. */
static void complete_now(bcj2_job *job)
{
    uint8_t *data = NULL;
    uint64_t length = 0;
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_get_reply_data(job, &data, &length), BCJ2_OK);
    ck_assert_uint_eq(length, ANSWER);
    bcj2_free(data);
    /* the old file or the new one, nothing between */
    uint64_t size = client_size(rig_path("out/reply"));
    client_assert_same(rig_path("out/reply"), rig_path(size == ANSWER ? "answer" : "old"));
    assert_status(bcj2_complete(job), BCJ2_OK);
    rig_unref(job);
}

static void kill_in_complete(uint32_t seed)
{
    char id_text[BCJ2_GUID_TEXT_SIZE];
    uint32_t random = trial_random(seed);
    bcj2_job *job = NULL;
    bcj2_guid id = transferred(id_text);
    const char *const words[] = {"complete", rig_path("queue"), id_text, NULL};
    struct said said = run(words, client_random(&random) % (uint32_t)undisturbed_us);
    rig_open();
    bcj2_status s = bcj2_manager_get_job(rig.manager, &id, &job);
    if (s == BCJ2_OK) {
        ck_assert(!has_said(&said, "completed"));
        complete_now(job);
    } else {
        assert_status(s, BCJ2_E_NOT_FOUND);
    }
    client_assert_same(rig_path("answer"), rig_path("out/reply"));
    client_assert_same(rig_path("old"), rig_path("old"));
    ck_assert_uint_eq(client_size(rig_path("old")), 5000);
    ck_assert_uint_eq(rig_runs(), 1);
    rig_assert_clean();
    rig_stop();
}

static void measure_complete(void)
{
    char id_text[BCJ2_GUID_TEXT_SIZE];
    (void)transferred(id_text);
    const char *const words[] = {"complete", rig_path("queue"), id_text, NULL};
    struct said said = run(words, UINT32_MAX);
    ck_assert(has_said(&said, "completed"));
    client_assert_same(rig_path("answer"), rig_path("out/reply"));
    rig_stop();
}

START_TEST(in_complete)
{
    undisturbed_us = trial_measure(measure_complete, &undisturbed_us);
    trials("kill_calls", "in_complete", kill_in_complete, 8, 100);
}
END_TEST

/* ---- create, name, add, resume ---- */

static struct said submit(uint32_t kill_us)
{
    const char *const words[] = {"submit",  rig_path("queue"),     rig_path("source"),
                                 rig_url(), rig_path("out/reply"), NULL};
    return run(words, kill_us);
}

static void measure_submit(void)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_close();
    struct said said = submit(UINT32_MAX);
    ck_assert(said.count == 4 && has_said(&said, "resumed"));
    rig_stop();
}

/* The one job of the queue; NULL: none. */
static bcj2_job *only_job(void)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job = NULL;
    uint32_t count = 0;
    assert_status(bcj2_manager_enum_jobs(rig.manager, 0, &jobs), BCJ2_OK);
    assert_status(bcj2_job_enum_count(jobs, &count), BCJ2_OK);
    ck_assert_uint_le(count, 1);
    assert_status(bcj2_job_enum_next(jobs, &job), count == 1 ? BCJ2_OK : BCJ2_S_FALSE);
    (void)bcj2_job_enum_unref(jobs);
    return job;
}

static void assert_file(bcj2_job *job, bool promised)
{
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    char *path = NULL;
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    bcj2_status s = bcj2_file_enum_next(files, &file);
    ck_assert(s == BCJ2_OK || (s == BCJ2_S_FALSE && !promised));
    if (s == BCJ2_OK) {
        assert_status(bcj2_file_get_local_name(file, &path), BCJ2_OK);
        ck_assert_str_eq(path, rig_path("source"));
        bcj2_free(path);
        (void)bcj2_file_unref(file);
    }
    (void)bcj2_file_enum_unref(files);
}

static void assert_promised(bcj2_job *job, const struct said *said)
{
    char id_text[BCJ2_GUID_TEXT_SIZE], *reply = NULL;
    const bcj2_guid id = client_id(job);
    bcj2_guid_format(&id, id_text);
    ck_assert(said->count == 0 || strcmp(said->lines[0], id_text) == 0);
    assert_status(bcj2_get_reply_file_name(job, &reply), BCJ2_OK);
    ck_assert(reply != NULL ? strcmp(reply, rig_path("out/reply")) == 0 : !has_said(said, "reply"));
    bcj2_free(reply);
    assert_file(job, has_said(said, "added"));
    ck_assert(client_state(job) != BCJ2_JOB_STATE_SUSPENDED || !has_said(said, "resumed"));
}

static void kill_in_submit(uint32_t seed)
{
    uint32_t random = trial_random(seed);
    rig_start(NULL, RIG_APPLICATION);
    rig_close();
    struct said said = submit(client_random(&random) % (uint32_t)undisturbed_us);
    rig.manager = client_open_to_look(rig_path("queue"));
    bcj2_job *job = only_job();
    bool resumed = false;
    bcj2_guid id = {0};
    ck_assert(job != NULL || said.count == 0);
    if (job != NULL) {
        assert_promised(job, &said);
        id = client_id(job);
        resumed = client_state(job) != BCJ2_JOB_STATE_SUSPENDED;
        if (!resumed) {
            assert_status(bcj2_cancel(job), BCJ2_OK);
        }
        rig_unref(job);
    }
    rig_close();
    if (resumed) {
        client_wait_exit(client_start_finish(rig_path("queue"), &id));
        client_assert_same(rig_path("answer"), rig_path("out/reply"));
    }
    rig_assert_no_temporary_here();
    rig_stop();
}

START_TEST(in_submit)
{
    undisturbed_us = trial_measure(measure_submit, &undisturbed_us);
    trials("kill_calls", "in_submit", kill_in_submit, 8, 100);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "kill in calls", 900);
    tcase_add_test(tc, in_complete);
    tcase_add_test(tc, in_submit);
}

SUITE_MAIN("kill in calls", add_cases)
