/* SPDX-License-Identifier: MIT */
/* bcj2_manager_wait: the number of changes grows with every change that a user can see, whichever process
   makes it, and never goes back. */
#include "../support/queue.h"

#include "macro.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000

/* ---- every call that changes something ---- */

static bcj2_job *job;

static bcj2_status create(void)
{
    bcj2_guid id;
    bcj2_status s =
        bcj2_manager_create_job(queue_manager, "x", BCJ2_JOB_TYPE_UPLOAD_REPLY, &id, &job);
    return s;
}

static bcj2_status set_reply(void)
{
    return bcj2_set_reply_file_name(job, queue_path("out/reply"));
}

static bcj2_status add(void)
{
    return bcj2_add_file(job, "http://127.0.0.1:1/", queue_path("up.bin"));
}

static bcj2_status set_name(void)
{
    return bcj2_set_display_name(job, "another");
}

static bcj2_status set_description(void)
{
    return bcj2_set_description(job, "words");
}

static bcj2_status set_priority(void)
{
    return bcj2_set_priority(job, BCJ2_JOB_PRIORITY_LOW);
}

static bcj2_status set_delay(void)
{
    return bcj2_set_minimum_retry_delay(job, 60);
}

static bcj2_status set_timeout(void)
{
    return bcj2_set_no_progress_timeout(job, 3600);
}

static bcj2_status resume(void)
{
    return bcj2_resume(job);
}

static bcj2_status suspend(void)
{
    return bcj2_suspend(job);
}

static bcj2_status cancel(void)
{
    return bcj2_cancel(job);
}

static bcj2_status (*const calls[])(void) = {
    create,    set_reply,   add,    set_name, set_description, set_priority,
    set_delay, set_timeout, resume, suspend,  cancel,
};

static void wait_for_more(bcj2_manager *manager, uint64_t *change)
{
    uint64_t before = *change;
    do { /* it also tells of a new runner, with the same number */
        assert_status(bcj2_manager_wait(manager, change, PATIENCE_MS), BCJ2_OK);
        ck_assert_uint_ge(*change, before);
    } while (*change == before);
}

static void nothing_more(bcj2_manager *manager, uint64_t *change)
{
    uint64_t before = *change;
    assert_status(bcj2_manager_wait(manager, change, 0), BCJ2_S_FALSE);
    ck_assert_uint_eq(*change, before);
}

static bcj2_manager *open_control(void)
{
    bcj2_manager_options o = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager *manager = NULL;
    o.flags = BCJ2_MANAGER_CONTROL_ONLY;
    assert_status(bcj2_manager_open(queue_path("queue"), &o, &manager), BCJ2_OK);
    return manager;
}

/* What changed since then is the one job, and nothing since now. */
static void only_the_job_changed(bcj2_manager *manager, uint64_t before, uint64_t now)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *changed = NULL;
    bcj2_guid want, got;
    uint32_t count = 0;
    assert_status(bcj2_manager_enum_changed(manager, before, &jobs), BCJ2_OK);
    assert_status(bcj2_job_enum_count(jobs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 1);
    assert_status(bcj2_job_enum_next(jobs, &changed), BCJ2_OK);
    assert_status(bcj2_get_id(job, &want), BCJ2_OK);
    assert_status(bcj2_get_id(changed, &got), BCJ2_OK);
    ck_assert_mem_eq(&got, &want, sizeof got);
    (void)bcj2_job_unref(changed);
    (void)bcj2_job_enum_unref(jobs);
    assert_status(bcj2_manager_enum_changed(manager, now, &jobs), BCJ2_OK);
    assert_status(bcj2_job_enum_next(jobs, &changed), BCJ2_S_FALSE);
    (void)bcj2_job_enum_unref(jobs);
    assert_status(bcj2_manager_enum_changed(manager, UINT64_MAX, &jobs), BCJ2_OK);
    assert_status(bcj2_job_enum_next(jobs, &changed), BCJ2_S_FALSE);
    (void)bcj2_job_enum_unref(jobs);
}

/* Nobody runs: each number is that of a call. */
START_TEST(each_call_is_a_change)
{
    queue_manager = open_control();
    bcj2_manager *watcher = open_control();
    uint64_t here = 0, there = 0;
    (void)bcj2_manager_wait(watcher, &there, 0);
    here = there;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        uint64_t before = there;
        assert_status(calls[i](), BCJ2_OK);
        wait_for_more(watcher, &there);
        only_the_job_changed(watcher, before, there); /* also when it was cancelled */
        wait_for_more(queue_manager, &here);
        ck_assert_uint_eq(here, there);
        nothing_more(watcher, &there);
    }
    bcj2_job_unref(job);
    (void)bcj2_manager_close(watcher);
}
END_TEST

/* What the runner does to a job is a change as well. */
START_TEST(what_the_runner_does_is_a_change)
{
    queue_open();
    bcj2_manager *watcher = open_control();
    uint64_t change = 0;
    bcj2_job_state state = BCJ2_JOB_STATE_QUEUED;
    job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, NULL);
    bcj2_guid id;
    bcj2_job *seen = NULL;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    assert_status(bcj2_manager_get_job(watcher, &id, &seen), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    while (state != BCJ2_JOB_STATE_TRANSIENT_ERROR) { /* nobody listens there */
        wait_for_more(watcher, &change);
        assert_status(bcj2_get_state(seen, &state), BCJ2_OK);
    }
    bcj2_job_unref(seen);
    bcj2_job_unref(job);
    (void)bcj2_manager_close(watcher);
}
END_TEST

/* ---- from many processes ---- */

#define PROCESSES 3
#define CHANGES   40 /* by each */

static struct queue_signal go;

static void change_things(void *control_only)
{
    bcj2_job *mine;
    char text[16];
    queue_signal_await(&go);
    if (*(int *)control_only != 0) {
        queue_manager = open_control();
    } else {
        queue_open();
    }
    mine = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    for (int i = 1; i < CHANGES; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        assert_status(bcj2_set_description(mine, text), BCJ2_OK);
    }
    bcj2_job_unref(mine);
    queue_close();
}

static void change_for_ever(void *unused)
{
    queue_open();
    bcj2_job *mine = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    for (;;) {
        assert_status(bcj2_set_description(mine, "again"), BCJ2_OK);
    }
}

START_TEST(the_number_of_many_processes_only_grows)
{
    int children[PROCESSES], kinds[PROCESSES] = {0, 0, 1};
    uint64_t change = 0, start;
    queue_signal_make(&go);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = queue_fork(change_things, &kinds[i]);
    }
    bcj2_manager *watcher = open_control();
    (void)bcj2_manager_wait(watcher, &change, 0);
    start = change;
    for (int i = 0; i < PROCESSES; i++) {
        queue_signal_give(&go);
    }
    while (change < start + PROCESSES * CHANGES) {
        wait_for_more(watcher, &change);
    }
    ck_assert_uint_eq(change, start + PROCESSES * CHANGES);
    for (int i = 0; i < PROCESSES; i++) {
        queue_join(children[i]);
    }
    nothing_more(watcher, &change);
    (void)bcj2_manager_close(watcher);
}
END_TEST

/* Seen, and then killed: what was seen stays. */
START_TEST(a_killed_process_takes_no_number_back)
{
    int child = queue_fork(change_for_ever, NULL);
    bcj2_manager *watcher = open_control();
    uint64_t change = 0, later = 0;
    for (int i = 0; i < 20; i++) {
        wait_for_more(watcher, &change);
    }
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    while (bcj2_manager_wait(watcher, &change, 0) == BCJ2_OK) {
    }
    watcher = bcj2_manager_close(watcher);
    queue_open();
    assert_status(bcj2_manager_wait(queue_manager, &later, 0), BCJ2_OK);
    ck_assert_uint_eq(later, change);
    bcj2_job_unref(queue_job(BCJ2_JOB_TYPE_UPLOAD));
    wait_for_more(queue_manager, &later);
    ck_assert_uint_eq(later, change + 1);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "changes", 30);
    tcase_add_checked_fixture(tc, queue_prepare, queue_stop);
    tcase_add_test(tc, each_call_is_a_change);
    tcase_add_test(tc, what_the_runner_does_is_a_change);
    tcase_add_test(tc, the_number_of_many_processes_only_grows);
    tcase_add_test(tc, a_killed_process_takes_no_number_back);
}

SUITE_MAIN("api_change", add_cases)
