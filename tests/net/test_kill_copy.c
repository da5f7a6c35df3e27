/* SPDX-License-Identifier: MIT */
/* kill -9 while files of this machine are copied, down and up, and while a download of many files is
   completed. Whatever the moment: the job ends as it should, what was copied stays, nothing is left over.
   Kills of downloads over HTTP are in test_kill_download.c.

   BCJ2_TEST_LONG=1: 100 of each; BCJ2_TEST_SEED=N: this one only. */
#include "../support/rig.h"
#include "../support/trials.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BYTES 96000000u
#define FILES 70u /* Complete names them in batches of 32 */

static uint64_t undisturbed_us;

static bcj2_job *new_job(bcj2_job_type type)
{
    bcj2_job *job = NULL;
    bcj2_guid id;
    assert_status(bcj2_manager_create_job(rig.manager, "copy", type, &id, &job), BCJ2_OK);
    assert_status(bcj2_set_minimum_retry_delay(job, 0), BCJ2_OK);
    return job;
}

/* ---- one large file ---- */

static bcj2_job_type way;

static bcj2_guid queued_copy(void)
{
    bool down = way == BCJ2_JOB_TYPE_DOWNLOAD;
    rig_prepare();
    rig_close();
    rig_make("source", BYTES);
    rig.manager = client_open_to_look(rig_path("queue"));
    bcj2_job *job = new_job(way);
    assert_status(bcj2_add_file(job, rig_path(down ? "source" : "out/a"),
                                rig_path(down ? "out/a" : "source")),
                  BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    bcj2_guid id = client_id(job);
    rig_unref(job);
    rig_close();
    return id;
}

/* How much is in the temporary file; UINT64_MAX: the job is over, or its file has its name. */
static uint64_t copied(const bcj2_guid *id)
{
    char name[96], text[BCJ2_GUID_TEXT_SIZE];
    uint64_t size = UINT64_MAX;
    bcj2_job *job = NULL;
    bcj2_guid_format(id, text);
    (void)snprintf(name, sizeof name, "out/.bcj2-%.36s-0.tmp", text + 1);
    rig.manager = client_open_to_look(rig_path("queue"));
    bcj2_status s = bcj2_manager_get_job(rig.manager, id, &job);
    if (s == BCJ2_OK) {
        ck_assert_int_ne(client_state(job), BCJ2_JOB_STATE_ERROR);
        size = client_exists(rig_path(name)) ? client_size(rig_path(name)) : 0;
        if (client_exists(rig_path("out/a"))) {
            client_assert_same(rig_path("source"), rig_path("out/a"));
            size = UINT64_MAX;
        }
        rig_unref(job);
    } else {
        assert_status(s, BCJ2_E_NOT_FOUND);
    }
    rig_close();
    return size;
}

static void assert_copied(void)
{
    client_assert_same(rig_path("source"), rig_path("out/a"));
    rig_assert_no_temporary_here();
    rig_stop();
}

static void kill_copy(uint32_t seed)
{
    uint32_t random = trial_random(seed);
    bcj2_guid id = queued_copy();
    uint64_t had = 0;
    for (uint32_t left = 1 + client_random(&random) % 3; left > 0 && had != UINT64_MAX; left--) {
        pid_t pid = client_start_finish(rig_path("queue"), &id);
        (void)client_kill_after(pid, 1 + client_random(&random) % (uint32_t)undisturbed_us);
        uint64_t has = copied(&id);
        ck_assert_msg(has >= had, "the copy fell back from %llu to %llu bytes",
                      (unsigned long long)had, (unsigned long long)has);
        had = has;
    }
    rig.manager = client_open_to_look(rig_path("queue"));
    bcj2_job *job = NULL;
    bool left = bcj2_manager_get_job(rig.manager, &id, &job) == BCJ2_OK;
    rig_unref(job);
    rig_close();
    if (left) {
        client_wait_exit(client_start_finish(rig_path("queue"), &id));
    }
    assert_copied();
}

static void measure_copy(void)
{
    bcj2_guid id = queued_copy();
    uint64_t before = client_now_us();
    client_wait_exit(client_start_finish(rig_path("queue"), &id));
    undisturbed_us = client_now_us() - before;
    assert_copied();
}

START_TEST(copy_killed)
{
    way = _i == 0 ? BCJ2_JOB_TYPE_DOWNLOAD : BCJ2_JOB_TYPE_UPLOAD;
    undisturbed_us = trial_measure(measure_copy, &undisturbed_us);
    trials("kill_copy", _i == 0 ? "copy_killed down" : "copy_killed up", kill_copy, 4, 100);
}
END_TEST

/* ---- Complete ---- */

static const char *numbered(const char *format, uint32_t i)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%s%u", format, (unsigned)i);
    return rig_path(name);
}

static bcj2_guid transferred(char id_text[BCJ2_GUID_TEXT_SIZE])
{
    rig_prepare();
    bcj2_job *job = new_job(BCJ2_JOB_TYPE_DOWNLOAD);
    for (uint32_t i = 0; i < FILES; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "from%u", (unsigned)i);
        rig_make(name, i * 100);
        assert_status(bcj2_add_file(job, numbered("from", i), numbered("out/to", i)), BCJ2_OK);
    }
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait(job, STATE(TRANSFERRED));
    bcj2_guid id = client_id(job);
    bcj2_guid_format(&id, id_text);
    rig_unref(job);
    rig_close();
    return id;
}

/* Runs the program's Complete from its "ready" on; 0: to its end. */
static uint64_t complete(const char *id_text, uint32_t kill_us)
{
    const char *const words[] = {"complete", rig_path("queue"), id_text, NULL};
    char line[128];
    int out = -1;
    pid_t pid = client_start(words, &out);
    ck_assert(client_line(out, line));
    ck_assert_str_eq(line, "ready");
    uint64_t before = client_now_us();
    if (kill_us == 0) {
        client_wait_exit(pid);
    } else {
        (void)client_kill_after(pid, kill_us);
    }
    (void)close(out);
    return client_now_us() - before;
}

/* Whatever has its name has it whole, and the first ones have theirs first. */
static uint32_t named(void)
{
    uint32_t count = 0;
    while (count < FILES && client_exists(numbered("out/to", count))) {
        client_assert_same(numbered("from", count), numbered("out/to", count));
        count++;
    }
    for (uint32_t i = count; i < FILES; i++) {
        ck_assert(!client_exists(numbered("out/to", i)));
    }
    return count;
}

static void kill_complete(uint32_t seed)
{
    char id_text[BCJ2_GUID_TEXT_SIZE];
    uint32_t random = trial_random(seed), had = 0;
    bcj2_guid id = transferred(id_text);
    bcj2_job *job = NULL;
    bcj2_status s = BCJ2_OK;
    for (int round = 0; round < 3 && s == BCJ2_OK; round++) {
        (void)complete(id_text, 1 + client_random(&random) % (uint32_t)undisturbed_us);
        uint32_t have = named();
        ck_assert_uint_ge(have, had);
        had = have;
        rig.manager = client_open_to_look(rig_path("queue"));
        s = bcj2_manager_get_job(rig.manager, &id, &job);
        ck_assert(s == BCJ2_OK || have == FILES);
        if (s == BCJ2_OK) {
            ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRED);
            rig_unref(job);
        }
        rig_close();
    }
    rig_open();
    if (bcj2_manager_get_job(rig.manager, &id, &job) == BCJ2_OK) {
        if (seed % 2 == 0) {
            assert_status(bcj2_complete(job), BCJ2_OK);
        } else {
            assert_status(bcj2_cancel(job), BCJ2_OK);
            ck_assert_uint_eq(named(), had);
        }
        rig_unref(job);
    }
    ck_assert(seed % 2 != 0 || named() == FILES);
    rig_assert_no_temporary_here();
    rig_stop();
}

static void measure_complete(void)
{
    char id_text[BCJ2_GUID_TEXT_SIZE];
    (void)transferred(id_text);
    undisturbed_us = complete(id_text, 0);
    ck_assert_uint_eq(named(), FILES);
    rig_stop();
}

START_TEST(complete_killed)
{
    undisturbed_us = trial_measure(measure_complete, &undisturbed_us);
    trials("kill_copy", "complete_killed", kill_complete, 8, 100);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "kill copies", 1700);
    tcase_add_loop_test(tc, copy_killed, 0, 2);
    tcase_add_test(tc, complete_killed);
}

SUITE_MAIN("kill copies", add_cases)
