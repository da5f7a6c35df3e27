/* SPDX-License-Identifier: MIT */
/* The programs that are told of events themselves (job-semantics 5.4): what they are started with, those that
   are none or do odd things, that there is never a second one at a time for one event, and that nothing of
   them is left. When they are started: test_notify_command.c. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "command_rig.h"

#include <cjson/cJSON.h>

/* ---- with what ---- */

/* Takes the owed event out of a job's snapshot. */
static cJSON *take_event(cJSON *job)
{
    cJSON *notify = cJSON_GetObjectItemCaseSensitive(job, "notify");
    return cJSON_DetachItemFromObjectCaseSensitive(notify, "event");
}

/* As it is told afterwards, but that its event was still owed then. */
static void assert_input(const char *json)
{
    size_t size = 0;
    char *text = queue_read_file(queue_path("input"), &size);
    cJSON *given = cJSON_ParseWithOpts(text, NULL, 1), *now = cJSON_Parse(json);
    cJSON *event = take_event(given), *none = take_event(now);
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(event, "running")));
    ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(event, "name")->valuestring, "error");
    ck_assert(cJSON_IsNull(none));
    ck_assert_msg(cJSON_Compare(given, now, 1) != 0, "%.3000s", text);
    cJSON_Delete(event);
    cJSON_Delete(none);
    cJSON_Delete(given);
    cJSON_Delete(now);
    free(text);
}

START_TEST(standard_input_is_the_job)
{
    told_make("cat > input");
    bcj2_job *job = told_job(true);
    char long_text[1025];
    memset(long_text, 'd', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_status(bcj2_set_description(job, long_text), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_ERROR);
    told_set(job);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    char *json = queue_json(job);
    assert_input(json);
    bcj2_free(json);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(more_than_a_pipe_holds_is_read_or_not)
{
    static char names[1000][128];
    static bcj2_file_info files[1000];
    told_make(_i == 0 ? "cat > input" : "exec <&-");
    bcj2_job *job = told_job(true);
    const char *source = queue_path("up.bin"), *folder = queue_path("out");
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(names[i], sizeof names[i], "%s/another-%d", folder, i);
        files[i] = (bcj2_file_info){source, names[i]};
    }
    assert_status(bcj2_add_file_set(job, 1000, files), BCJ2_OK);
    told_set(job);
    assert_status(bcj2_resume(job), BCJ2_OK);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    if (_i == 0) {
        size_t size = 0;
        char *text = queue_read_file(queue_path("input"), &size);
        ck_assert_uint_gt(size, 65536);
        ck_assert_ptr_nonnull(strstr(text, "another-999"));
        free(text);
    }
    bcj2_job_unref(job);
}
END_TEST

START_TEST(its_environment_says_what_happened)
{
    static const char body[] =
        "printf '%s\\n' \"$BCJ2_JOB_ID\" \"$BCJ2_EVENT\" \"$BCJ2_QUEUE\" \"$HOME\" > said";
    char expected[8192], id_text[BCJ2_GUID_TEXT_SIZE];
    bcj2_guid id;
    char *directory = NULL;
    ck_assert_int_eq(setenv("BCJ2_EVENT", "of somebody else", 1), 0);
    ck_assert_int_eq(setenv("HOME", "/a home", 1), 0);
    bcj2_job *job = told_resumed(_i == 1, body, 600);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    assert_status(bcj2_manager_get_directory(queue_manager, &directory), BCJ2_OK);
    bcj2_guid_format(&id, id_text);
    (void)snprintf(expected, sizeof expected, "%s\n%s\n%s\n/a home\n", id_text,
                   _i == 1 ? "error" : "transferred", directory);
    assert_file("said", expected);
    bcj2_free(directory);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(parameters_are_split_and_nothing_is_expanded)
{
    static const struct {
        const char *rest, *said;
    } rows[] = {
        {" a b", "2|a|b"},
        {"", "0"},
        {" \"a b\" \"\"", "2|a b|"},
        {" $HOME * %PATH% `id` ; rm", "6|$HOME|*|%PATH%|`id`|;|rm"},
        {" c:\\d\\ \"e\\\\\" \"f\\\"g\"", "3|c:\\d\\|e\\|f\"g"},
        {" \"not closed", "1|not closed"},
        {" a\nb", "1|a\nb"},
    };
    char parameters[256];
    told_make("printf '%s' $# > said; for a in \"$@\"; do printf '|%s' \"$a\" >> said; done");
    bcj2_job *job = told_job(false);
    (void)snprintf(parameters, sizeof parameters, "\"any name\"%s", rows[_i].rest);
    assert_status(bcj2_set_notify_cmdline(job, queue_path("told"), parameters), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    assert_file("said", rows[_i].said);
    bcj2_job_unref(job);
}
END_TEST

/* Whatever it is, it is taken for the name: nothing, or all that follows a quote. */
START_TEST(a_strange_first_token_is_no_argument)
{
    static const struct {
        const char *parameters, *said;
    } rows[] = {
        {"\"\" a", "1|a"},
        {" a b", "2|a|b"},
        {"\"not closed a b", "0"},
        {"p\nq a\\\\\\", "1|a\\\\\\"},
    };
    told_make("printf '%s' $# > said; for a in \"$@\"; do printf '|%s' \"$a\" >> said; done");
    bcj2_job *job = told_job(false);
    assert_status(bcj2_set_notify_cmdline(job, queue_path("told"), rows[_i].parameters), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    assert_file("said", rows[_i].said);
    bcj2_job_unref(job);
}
END_TEST

/* The first token, or without parameters the program; a shell that is told nothing reads its commands from
   standard input, where there is JSON. */
START_TEST(argv_0_is_the_first_token)
{
    char parameters[512];
    told_make(":");
    (void)snprintf(parameters, sizeof parameters,
                   "\"a name of its own\" -c \"printf %%s \\\"$0\\\" > '%s'\"", queue_path("said"));
    bcj2_job *job = told_job(false);
    assert_status(bcj2_set_notify_cmdline(job, "/bin/sh", parameters), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    assert_file("said", "a name of its own");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(without_parameters_the_program_is_started_alone)
{
    told_make("printf '%s' $# > said");
    bcj2_job *job = told_job(false);
    assert_status(bcj2_set_notify_cmdline(job, queue_path("told"), _i == 0 ? NULL : ""), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    assert_file("said", "0");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(parameters_of_the_greatest_length)
{
    char parameters[4001];
    told_make("printf '%s' $# > said");
    memset(parameters, ' ', sizeof parameters - 1);
    for (size_t i = 0; i < 4000; i += 2) {
        parameters[i] = 'x';
    }
    parameters[4000] = '\0';
    bcj2_job *job = told_job(false);
    assert_status(bcj2_set_notify_cmdline(job, queue_path("told"), parameters), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    assert_file("said", "1999");
    bcj2_job_unref(job);
}
END_TEST

/* ---- programs that are none ---- */

static void assert_error_is_kept(bcj2_job *job)
{
    bcj2_error *error = NULL;
    bcj2_error_context context = 0;
    bcj2_status code = 0;
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_ERROR);
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get(error, &context, &code), BCJ2_OK);
    ck_assert_int_eq(context, BCJ2_ERROR_CONTEXT_REMOTE_FILE);
    bcj2_error_unref(error);
}

START_TEST(one_that_cannot_be_started_is_tried_again)
{
    static const char *const names[] = {"none", "out", "plain", "no-script", "relative", ""};
    static const char no_script[] = "echo x > never\n";
    told_make(":");
    queue_write_file("plain", "x", 1);
    queue_write_file("no-script", no_script, sizeof no_script - 1);
    ck_assert_int_eq(chmod(queue_path("plain"), 0600), 0);
    ck_assert_int_eq(chmod(queue_path("no-script"), 0700), 0);
    bcj2_job *job = told_job(true);
    assert_status(bcj2_set_notify_cmdline(job, _i < 4 ? queue_path(names[_i]) : names[_i], NULL),
                  BCJ2_OK);
    assert_status(bcj2_set_minimum_retry_delay(job, 600), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    told_await_log("starting ");
    ck_assert_int_eq(told_await(job, BCJ2_EVENT_OWED, 1).attempts, 1);
    assert_error_is_kept(job);
    pass(610);
    told_await_log("starting ");
    ck_assert_int_eq(told_await(job, BCJ2_EVENT_OWED, 2).attempts, 2);
    assert_error_is_kept(job);
    told_set(job);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 3);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(what_it_does_to_its_descriptors_is_its_own_affair)
{
    bcj2_job *job = told_resumed(true, "exec 0<&- 1>&- 2>&- 3>&-\npass; leave 1", 600);
    told_await_start();
    pass(2000);
    ck_assert_uint_eq(told_runs(), 1); /* it runs, lock or no lock */
    told_release(1);
    told_await_log("status 1");
    bcj2_job_unref(job);
}
END_TEST

/* The daemon that one left behind has the event's lock: there is no second one beside it. */
START_TEST(a_daemon_that_is_left_behind_holds_up_the_repetition)
{
    bcj2_job *job =
        told_resumed(true, "[ $(wc -l < runs) -gt 1 ] && leave 0\n(read line < gate) &\nleave 1",
                     600);
    told_await_log("status 1");
    pass(610);
    told_await_log("still runs");
    ck_assert_uint_eq(told_runs(), 1);
    told_release(1);
    do { /* the daemon may take a moment to end */
        fake_clock_pass(610);
        look();
    } while (told_event(job, 0).result != BCJ2_EVENT_DELIVERED);
    ck_assert_uint_eq(told_runs(), 2);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_daemon_that_is_left_behind_holds_up_nothing_that_was_told)
{
    bcj2_job *job = told_resumed(true, "(read line < gate) &", 600);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    assert_status(bcj2_resume(job), BCJ2_OK);
    bcj2_event second = told_event(job, told_event(job, 0).number);
    told_await_log("was told");
    told_await_log("was told");
    second = told_event(job, second.number - 1);
    ck_assert_int_eq(second.result, BCJ2_EVENT_DELIVERED);
    told_release(2);
    bcj2_job_unref(job);
}
END_TEST

/* ---- many ---- */

START_TEST(sixteen_run_at_a_time)
{
    enum { JOBS = 17 };
    bcj2_job *jobs[JOBS];
    uint64_t attempts = 0;
    told_make("pass");
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = told_job(true);
        told_set(jobs[i]);
        assert_status(bcj2_resume(jobs[i]), BCJ2_OK);
    }
    for (int i = 0; i < JOBS; i++) {
        queue_wait(jobs[i], ENDED, BCJ2_JOB_STATE_ERROR);
    }
    for (int i = 0; i < JOBS - 1; i++) {
        told_await_start();
    }
    look();
    for (int i = 0; i < JOBS; i++) {
        attempts += told_event(jobs[i], 0).attempts;
    }
    ck_assert_uint_eq(attempts, JOBS - 1);
    ck_assert_uint_eq(commands(), JOBS);
    told_release(1);
    told_await_start(); /* the last one, in the place of the first that ended */
    told_release(JOBS - 1);
    for (int i = 0; i < JOBS; i++) {
        (void)told_await(jobs[i], BCJ2_EVENT_DELIVERED, 1);
        bcj2_job_unref(jobs[i]);
    }
    ck_assert_uint_eq(told_runs(), JOBS);
}
END_TEST

/* ---- this process ---- */

START_TEST(a_stolen_status_is_success)
{
    ck_assert(signal(SIGCHLD, SIG_IGN) == SIG_DFL);
    bcj2_job *job = told_resumed(true, "leave 3", 600);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    told_await_log("taken for success");
    bcj2_job_unref(job);
}
END_TEST

START_TEST(no_signal_comes_of_its_end_being_waited_for)
{
    bcj2_job *job = told_resumed(true, ":", 600);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    assert_no_child();
    bcj2_job_unref(job);
}
END_TEST

START_TEST(closing_waits_for_its_end)
{
    bcj2_job *job = told_resumed(true, "pass", 600);
    told_await_start();
    told_release(1);
    bcj2_guid id;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    job = over_restart(job);
    ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_DELIVERED);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
}
END_TEST

/* Its lock tells the next process; what became of it nobody can know. */
START_TEST(closing_leaves_alone_what_does_not_end)
{
    bcj2_job *job = told_resumed(true, "[ $(wc -l < runs) -gt 1 ] && leave 0\npass; leave 1", 600);
    told_await_start();
    job = over_restart(job);
    told_await_log("still runs");
    ck_assert_uint_eq(told_runs(), 1);
    pass(610);
    told_await_log("still runs");
    ck_assert_uint_eq(told_runs(), 1);
    told_release(1);
    assert_no_child();
    pass(610);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 2);
    ck_assert_uint_eq(told_runs(), 2);
    bcj2_job_unref(job);
}
END_TEST

/* ---- nothing stays ---- */

START_TEST(no_file_of_it_is_left)
{
    char name[64];
    bcj2_job *job = told_resumed(true, "[ $(wc -l < runs) -gt 1 ] && leave 0; leave 1", 600);
    told_await_log("status 1");
    fake_clock_pass(610);
    look();
    bcj2_event event = told_await(job, BCJ2_EVENT_DELIVERED, 2);
    queue_close();
    (void)snprintf(name, sizeof name, "queue/notify-%u.lock", (unsigned)event.number);
    ck_assert_int_eq(access(queue_path(name), F_OK), -1);
    (void)snprintf(name, sizeof name, "queue/notify-%u.input", (unsigned)event.number);
    ck_assert_int_eq(access(queue_path(name), F_OK), -1);
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = a_case(suite, "with what");
    tcase_add_test(tc, standard_input_is_the_job);
    tcase_add_loop_test(tc, more_than_a_pipe_holds_is_read_or_not, 0, 2);
    tcase_add_loop_test(tc, its_environment_says_what_happened, 0, 2);
    tcase_add_loop_test(tc, parameters_are_split_and_nothing_is_expanded, 0, 7);
    tcase_add_loop_test(tc, a_strange_first_token_is_no_argument, 0, 4);
    tcase_add_test(tc, argv_0_is_the_first_token);
    tcase_add_loop_test(tc, without_parameters_the_program_is_started_alone, 0, 2);
    tcase_add_test(tc, parameters_of_the_greatest_length);

    tc = a_case(suite, "bad programs");
    tcase_add_loop_test(tc, one_that_cannot_be_started_is_tried_again, 0, 6);
    tcase_add_test(tc, what_it_does_to_its_descriptors_is_its_own_affair);
    tcase_add_test(tc, a_daemon_that_is_left_behind_holds_up_the_repetition);
    tcase_add_test(tc, a_daemon_that_is_left_behind_holds_up_nothing_that_was_told);

    tc = a_case(suite, "many");
    tcase_add_test(tc, sixteen_run_at_a_time);

    tc = a_case(suite, "this process");
    tcase_add_test(tc, a_stolen_status_is_success);
    tcase_add_test(tc, no_signal_comes_of_its_end_being_waited_for);
    tcase_add_test(tc, closing_waits_for_its_end);
    tcase_add_test(tc, closing_leaves_alone_what_does_not_end);
    tcase_add_test(tc, no_file_of_it_is_left);
}

SUITE_MAIN("notify_program", add_cases)
