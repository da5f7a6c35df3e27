/* SPDX-License-Identifier: MIT */
/* The example programs against bcj2-server: that they do what they are there to show. */
#include "../support/suite.h"
#include "cli_run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SLOW_BYTES (3u * 1024 * 1024)
#define SLOW_RATE  "1048576"

START_TEST(upload_reply)
{
    const char *program = getenv("BCJ2_EXAMPLE_UPLOAD_REPLY");
    const char *file = cli_make_file("file", 300000);
    const char *argv[] = {program,          cli_path("queue"), file,
                          cli_url("count"), cli_path("reply"), NULL};
    ck_assert_ptr_nonnull(program);
    struct ended ended = cli_run_program(argv, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "uploading");
    ck_assert_str_eq(cli_read(cli_path("reply"), NULL), "300000\n");
    argv[3] = cli_url("forbidden");
    ended = cli_run_program(argv, NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "BG_E_HTTP_ERROR_403");
    argv[2] = "relative";
    ended = cli_run_program(argv, NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "E_INVALIDARG");
    assert_contains(ended.err, "absolute path");
}
END_TEST

START_TEST(resume_after_restart)
{
    const char *program = getenv("BCJ2_EXAMPLE_RESUME");
    const char *file = cli_make_file("file", SLOW_BYTES);
    const char *argv[] = {program, cli_path("queue"), cli_path("id"),
                          file,    cli_url("file"),   cli_path("reply"),
                          NULL};
    struct running run;
    ck_assert_ptr_nonnull(program);
    cli_restart_server("--limit-rate", SLOW_RATE);
    cli_start_program(&run, false, argv);
    cli_expect(&run, "new job");
    struct ended ended = cli_end(&run, SIGKILL);
    assert_ended(ended, 128 + SIGKILL);
    ck_assert(cli_exists(cli_path("id")));
    ck_assert(!cli_exists(cli_path("reply")));
    ended = cli_run_program(argv, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "going on");
    ck_assert(cli_same(cli_path("reply"), file));
    ck_assert(!cli_exists(cli_path("id")));
}
END_TEST

START_TEST(download)
{
    const char *program = getenv("BCJ2_EXAMPLE_DOWNLOAD");
    const char *one = cli_make_file("root/one", SLOW_BYTES);
    const char *two = cli_make_file("root/two", 1000);
    const char *argv[] = {program,         cli_path("queue"), "both",          cli_url("one"),
                          cli_path("one"), cli_url("two"),    cli_path("two"), NULL};
    struct running run;
    ck_assert_ptr_nonnull(program);
    struct ended ended = cli_run_program(argv, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "2 of 2 files, 3146728 bytes");
    ck_assert(cli_same(cli_path("one"), one));
    ck_assert(cli_same(cli_path("two"), two));
    argv[2] = "again"; /* killed while it waits for a server that is not there */
    argv[3] = "http://127.0.0.1:1/one";
    cli_start_program(&run, false, argv);
    cli_expect(&run, "0 of 2 files");
    assert_ended(cli_end(&run, SIGKILL), 128 + SIGKILL);
    ended = cli_run("list", NULL);
    char *id = strchr(ended.out, '\n') + 1;
    id[36] = '\0';
    assert_ended(cli_run("set", id, "url", "1=/nowhere/one", NULL), 0);
    assert_ended(cli_run("resume", id, NULL), 0);
    ended = cli_run_program(argv, NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "going on");
    assert_contains(ended.err, "failed: ");
    argv[4] = "relative";
    ended = cli_run_program(argv, NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "absolute path");
    ck_assert_str_eq(cli_run("list", NULL).out, "");
}
END_TEST

/* As if it had been killed before it started the job. */
START_TEST(download_not_started)
{
    const char *two = cli_make_file("root/two", 1000);
    const char *argv[] = {getenv("BCJ2_EXAMPLE_DOWNLOAD"),
                          cli_path("queue"),
                          "late",
                          cli_url("two"),
                          cli_path("two"),
                          NULL};
    struct ended ended = cli_run("download", "--detach", "--name", "late", argv[3], argv[4], NULL);
    assert_ended(ended, 0);
    ended.out[36] = '\0';
    assert_ended(cli_run("suspend", ended.out, NULL), 0);
    ended = cli_run_program(argv, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "going on");
    ck_assert(cli_same(cli_path("two"), two));
}
END_TEST

START_TEST(notify_callback)
{
    const char *program = getenv("BCJ2_EXAMPLE_CALLBACK");
    const char *one = cli_make_file("root/one", SLOW_BYTES);
    const char *argv[] = {program, cli_path("queue"), cli_url("one"), cli_path("one"), NULL};
    ck_assert_ptr_nonnull(program);
    struct ended ended = cli_run_program(argv, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, " bytes\n");
    assert_contains(ended.err, "/one is here\n");
    ck_assert(cli_same(cli_path("one"), one));
    argv[2] = cli_url("nowhere");
    ended = cli_run_program(argv, NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "failed: ");
    assert_contains(ended.err, "404");
    argv[3] = "relative";
    ended = cli_run_program(argv, NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "absolute path");
    ck_assert_str_eq(cli_run("list", NULL).out, "");
}
END_TEST

/* Made by one process, moved by another, completed by a third. */
START_TEST(notify_cmdline)
{
    const char *program = getenv("BCJ2_EXAMPLE_CMDLINE");
    const char *file = cli_make_file("file", 300000);
    const char *argv[] = {program,          cli_path("queue"), file,
                          cli_url("count"), cli_path("reply"), NULL};
    ck_assert_ptr_nonnull(program);
    assert_ended(cli_run_program(argv, NULL), 0);
    ck_assert(!cli_exists(cli_path("reply")));
    assert_ended(cli_run("run", "--until-idle", NULL), 0);
    ck_assert_str_eq(cli_read(cli_path("reply"), NULL), "300000\n");
    argv[3] = cli_url("forbidden");
    assert_ended(cli_run_program(argv, NULL), 0);
    struct ended ended = cli_run("run", "--until-idle", NULL);
    assert_contains(ended.err, "403");
    ck_assert_str_eq(cli_run("list", NULL).out, ""); /* it was cancelled */
    argv[2] = "relative";
    ended = cli_run_program(argv, NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "absolute path");
    ck_assert_str_eq(cli_run("list", NULL).out, "");
}
END_TEST

START_TEST(event_loop)
{
    const char *program = getenv("BCJ2_EXAMPLE_LOOP");
    const char *one = cli_make_file("root/one", SLOW_BYTES);
    const char *two = cli_make_file("root/two", 1000);
    const char *argv[] = {program,
                          cli_path("queue"),
                          cli_url("one"),
                          cli_path("one"),
                          cli_url("two"),
                          cli_path("two"),
                          NULL,
                          NULL,
                          NULL};
    ck_assert_ptr_nonnull(program);
    assert_ended(cli_run_program(argv, NULL), 0);
    ck_assert(cli_same(cli_path("one"), one));
    ck_assert(cli_same(cli_path("two"), two));
    argv[2] = cli_url("nowhere");
    argv[6] = cli_url("two");
    argv[7] = "relative";
    struct ended ended = cli_run_program(argv, NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "failed: ");
    assert_contains(ended.err, "404");
    assert_contains(ended.err, "absolute path");
    ck_assert_str_eq(cli_run("list", NULL).out, "");
}
END_TEST

/* It is told of the end of its callbacks, though not of the job's. */
START_TEST(event_loop_whose_job_is_cancelled)
{
    struct running loop, watch;
    (void)cli_make_file("root/one", SLOW_BYTES);
    cli_restart_server("--limit-rate", "1000");
    const char *argv[] = {getenv("BCJ2_EXAMPLE_LOOP"), cli_path("queue"), cli_url("one"),
                          cli_path("one"), NULL};
    ck_assert_ptr_nonnull(argv[0]);
    cli_start_program(&loop, false, argv);
    cli_start_stdout(&watch, false, "watch", NULL);
    cli_expect(&watch, "TRANSFERRING");
    (void)cli_end(&watch, SIGTERM);
    const char *line = strchr(cli_run("list", NULL).out, '\n');
    char id[64] = "";
    ck_assert_ptr_nonnull(line);
    (void)snprintf(id, sizeof id, "%.36s", line + 1);
    assert_ended(cli_run("cancel", id, NULL), 0);
    assert_ended(cli_end(&loop, 0), 1);
    ck_assert(!cli_exists(cli_path("one")));
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "examples", 60);
    tcase_add_checked_fixture(tc, cli_setup, cli_teardown);
    tcase_add_test(tc, upload_reply);
    tcase_add_test(tc, resume_after_restart);
    tcase_add_test(tc, download);
    tcase_add_test(tc, notify_callback);
    tcase_add_test(tc, notify_cmdline);
    tcase_add_test(tc, event_loop);
    tcase_add_test(tc, event_loop_whose_job_is_cancelled);
    tcase_add_test(tc, download_not_started);
}

SUITE_MAIN("examples", add_cases)
