/* SPDX-License-Identifier: MIT */
/* Each command beside another program that moves the jobs of the queue, and what is said where none
   does. */
#include "../support/suite.h"
#include "cli_run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOW_BYTES (2u * 1024 * 1024)
#define SLOW_RATE  "1048576"

static struct running mover;

static void start_runner(void)
{
    cli_start(&mover, false, "run", NULL);
    cli_expect(&mover, "nothing to do");
}

static void stop_runner(void)
{
    assert_ended(cli_end(&mover, SIGTERM), 0);
}

/* A job left to the mover; its id. */
static char *detach(const char *file, const char *url)
{
    struct ended ended = cli_run("upload-reply", file, url, "--detach", NULL);
    assert_ended(ended, 0);
    assert_lacks(ended.err, "no program");
    ended.out[36] = '\0';
    return ended.out;
}

/* One that is under way at a quiet pace. */
static char *slow_job(void)
{
    cli_restart_server("--limit-rate", SLOW_RATE);
    start_runner();
    char *id = detach(cli_make_file("file", SLOW_BYTES), cli_url("file"));
    cli_expect(&mover, "TRANSFERRING");
    return id;
}

static void expect_of(const char *id, const char *state)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%s file: %s", id, state);
    cli_expect(&mover, text);
}

START_TEST(list_and_show)
{
    char *id = slow_job(), process[64];
    struct ended ended = cli_run("list", NULL);
    assert_ended(ended, 0);
    assert_contains(ended.out, id);
    assert_contains(ended.out, "TRANSFERRING");
    ck_assert_str_eq(ended.err, "");
    ended = cli_run("show", id, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.out, "TRANSFERRING");
    (void)snprintf(process, sizeof process, "process %d", (int)mover.pid);
    assert_contains(ended.out, process);
    /* looking has changed nothing: it is still the same one that moves it */
    assert_lacks(mover.seen, "SUSPENDED");
    stop_runner();
}
END_TEST

START_TEST(suspend_and_resume)
{
    char *id = slow_job();
    struct ended ended = cli_run("suspend", id, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "SUSPENDED");
    expect_of(id, "SUSPENDED");
    cli_restart_server(NULL, NULL);
    ended = cli_run("resume", id, NULL);
    assert_ended(ended, 0);
    assert_lacks(ended.err, "no program");
    expect_of(id, "TRANSFERRED");
    stop_runner();
}
END_TEST

START_TEST(cancel)
{
    char *id = slow_job();
    struct ended ended = cli_run("cancel", id, NULL);
    assert_ended(ended, 0);
    expect_of(id, "CANCELLED");
    /* the runner says goodbye; it is idle once that was tried */
    cli_forget(&mover);
    assert_ended(cli_run("run", "--until-idle", NULL), 0);
    assert_contains(cli_read(cli_path("server.log"), NULL), "cancel {");
    stop_runner();
}
END_TEST

/* Nobody runs the queue and another job waits: the goodbye is for the next runner, which is not idle
   before it tried; and once is enough. */
START_TEST(a_goodbye_is_left_to_the_next_runner)
{
    struct running upload;
    const char *file = cli_make_file("file", SLOW_BYTES);
    cli_restart_server("--limit-rate", SLOW_RATE);
    cli_start(&upload, false, "upload", file, cli_url("silent"), NULL);
    cli_expect(&upload, "uploading");
    assert_ended(cli_end(&upload, SIGINT), 128 + SIGINT);
    char id[37];
    ck_assert_int_eq(sscanf(strstr(upload.seen, "job ") + 4, "%36s", id), 1);
    struct ended ended = cli_run("upload", file, cli_url("silent"), "--detach", NULL);
    ended.out[36] = '\0';
    assert_ended(cli_run("cancel", id, NULL), 0);
    assert_lacks(cli_read(cli_path("server.log"), NULL), "cancel {");
    assert_ended(cli_run("suspend", ended.out, NULL), 0);
    if (_i == 0) {
        assert_ended(cli_run("run", "--until-idle", NULL), 0);
        assert_contains(cli_read(cli_path("server.log"), NULL), "cancel {");
    } else {
        cli_stop_server();
        assert_ended(cli_run("run", "--until-idle", NULL), 0);
        cli_restart_server(NULL, NULL);
    }
}
END_TEST

START_TEST(complete)
{
    const char *file = cli_make_file("file", 70000);
    start_runner();
    char *id = detach(file, cli_url("file"));
    expect_of(id, "TRANSFERRED");
    struct ended ended = cli_run("complete", id, NULL);
    assert_ended(ended, 0);
    ck_assert_uint_eq(ended.out_length, 70000);
    ck_assert_mem_eq(ended.out, cli_read(file, NULL), 70000);
    expect_of(id, "ACKNOWLEDGED");
    stop_runner();
}
END_TEST

START_TEST(uploads)
{
    const char *file = cli_make_file("file", 1000);
    start_runner();
    assert_ended(cli_run("upload", file, cli_url("silent"), NULL), 0);
    struct ended ended =
        cli_run("upload-reply", file, cli_url("file"), "-o", cli_path("reply"), NULL);
    assert_ended(ended, 0);
    ck_assert(cli_same(file, cli_path("reply")));
    stop_runner();
}
END_TEST

/* Its wait ends, the job goes on: there is somebody who moves it. */
START_TEST(an_interrupted_upload)
{
    char process[64];
    struct running upload;
    cli_restart_server("--limit-rate", SLOW_RATE);
    start_runner();
    cli_start(&upload, false, "upload", cli_make_file("file", SLOW_BYTES), cli_url("silent"), NULL);
    cli_expect(&upload, "uploading");
    struct ended ended = cli_end(&upload, SIGINT);
    assert_ended(ended, 128 + SIGINT);
    (void)snprintf(process, sizeof process, "process %d moves it on", (int)mover.pid);
    assert_contains(ended.err, process);
    cli_expect(&mover, "TRANSFERRED");
    stop_runner();
}
END_TEST

START_TEST(until_idle_while_another_one_runs)
{
    char *id = slow_job(), process[64];
    struct ended ended = cli_run("run", "--until-idle", NULL);
    assert_ended(ended, 0);
    (void)snprintf(process, sizeof process, "process %d moves", (int)mover.pid);
    assert_contains(ended.err, process);
    assert_contains(ended.err, id);
    assert_contains(ended.err, "TRANSFERRED");
    stop_runner();
}
END_TEST

START_TEST(the_next_one_takes_over)
{
    struct running next;
    char *id = slow_job(), told[128];
    cli_start(&next, false, "run", "--until-idle", NULL);
    cli_expect(&next, "this one does if it ends");
    assert_ended(cli_end(&mover, SIGKILL), 128 + SIGKILL);
    (void)snprintf(told, sizeof told, "%s file: TRANSFERRED", id);
    cli_expect(&next, told);
    assert_ended(cli_end(&next, 0), 0);
    assert_ended(cli_run("complete", id, NULL), 0);
}
END_TEST

START_TEST(nobody_runs_the_queue)
{
    const char *file = cli_make_file("file", 10);
    struct ended ended = cli_run("upload", file, cli_url("silent"), "--detach", NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "no program moves the jobs");
    char *id = ended.out;
    id[36] = '\0';
    ended = cli_run("suspend", id, NULL);
    assert_lacks(ended.err, "no program");
    ended = cli_run("resume", id, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "no program moves the jobs");
    assert_contains(ended.err, " run");
    ended = cli_run("show", id, NULL);
    assert_contains(ended.out, "no program");
    /* nothing of this has moved a byte */
    assert_contains(ended.out, "QUEUED");
    assert_lacks(cli_read(cli_path("server.log"), NULL), "create");
    assert_ended(cli_run("run", "--until-idle", NULL), 0);
    ended = cli_run("show", id, NULL);
    assert_lacks(ended.out, "no program"); /* it needs none any more */
}
END_TEST

/* Such a job is over when the program that moves it looks at the queue for the first time. */
START_TEST(a_job_that_fails_at_once_is_seen_by_run)
{
    struct ended ended = cli_run("download", "--detach", "/nowhere/file", "got", NULL);
    assert_ended(ended, 0);
    char id[64];
    (void)snprintf(id, sizeof id, "%.36s", ended.out);
    for (int i = 0; i < 30; i++) {
        ended = cli_run("run", "--until-idle", NULL);
        assert_ended(ended, 1);
        assert_contains(ended.err, id);
        assert_ended(cli_run("resume", id, NULL), 0);
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "cli_beside", 60);
    tcase_add_checked_fixture(tc, cli_setup, cli_teardown);
    tcase_add_test(tc, list_and_show);
    tcase_add_test(tc, suspend_and_resume);
    tcase_add_test(tc, cancel);
    tcase_add_loop_test(tc, a_goodbye_is_left_to_the_next_runner, 0, 2);
    tcase_add_test(tc, complete);
    tcase_add_test(tc, uploads);
    tcase_add_test(tc, an_interrupted_upload);
    tcase_add_test(tc, until_idle_while_another_one_runs);
    tcase_add_test(tc, a_job_that_fails_at_once_is_seen_by_run);
    tcase_add_test(tc, the_next_one_takes_over);
    tcase_add_test(tc, nobody_runs_the_queue);
}

SUITE_MAIN("cli_beside", add_cases)
