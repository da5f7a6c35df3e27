/* SPDX-License-Identifier: MIT */
/* Programs that are told of events (job-semantics 5.2 and 5.4): when one is started and with what, what
   follows from its end, that there is never a second one at a time for one event, and that nothing of it is
   left. Not here: processes that are killed (tests/fault/test_kill_command.c), callbacks by themselves
   (test_notify_callbacks.c). */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "../support/fake_clock.h"
#include "../support/told.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cjson/cJSON.h>

#define ENDED (STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR))

static struct fake_clock fake;

static void start(void)
{
    fake_clock_install(&fake);
    queue_prepare();
    told_open();
}

/* Nothing of any program is left to be waited for; nothing is waited for here, it would be stolen. */
static void assert_no_child(void)
{
    siginfo_t info;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        (void)poll(NULL, 0, 1); /* it has ended, and is being reaped by a thread of its own */
    }
    ck_assert_int_eq(errno, ECHILD);
}

static void stop(void)
{
    if (queue_manager != NULL) {
        queue_close();
    }
    assert_no_child();
    ck_assert(!told_overlapped());
    queue_stop();
}

static void assert_file(const char *name, const char *expected)
{
    size_t size = 0;
    char *text = queue_read_file(queue_path(name), &size);
    ck_assert_str_eq(text, expected);
    free(text);
}

static uint64_t commands(void)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    return info.commands;
}

/* The engine has looked at the clock, and at what is due, since this began. */
static void look(void)
{
    bcj2_job *probe = told_job(false);
    assert_status(bcj2_set_priority(probe, BCJ2_JOB_PRIORITY_FOREGROUND), BCJ2_OK);
    assert_status(bcj2_resume(probe), BCJ2_OK);
    queue_wait(probe, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_complete(probe), BCJ2_OK);
    bcj2_job_unref(probe);
}

static void pass(int64_t seconds)
{
    fake_clock_pass(seconds);
    look();
}

static bcj2_job *over_restart(bcj2_job *job)
{
    bcj2_guid id;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    bcj2_job_unref(job);
    queue_close();
    told_open();
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_OK);
    return job;
}

/* ---- when it is started ---- */

START_TEST(status_0_is_delivered_and_ends_it)
{
    bcj2_job *job = told_resumed(_i == 1, ":", 600);
    bcj2_event event = told_await(job, BCJ2_EVENT_DELIVERED, 1);
    ck_assert_uint_eq(event.attempts, 1);
    ck_assert_uint_eq(event.kind, _i == 1 ? BCJ2_NOTIFY_JOB_ERROR : BCJ2_NOTIFY_JOB_TRANSFERRED);
    pass(2000);
    ck_assert_uint_eq(told_runs(), 1);
    ck_assert_uint_eq(commands(), 0);
    bcj2_job_unref(job);
}
END_TEST

/* A61 for command lines: the flags decide, also later. */
START_TEST(flags_hold_it_back)
{
    static const bcj2_notify_flags held[] = {
        0,
        BCJ2_NOTIFY_DISABLE,
        BCJ2_NOTIFY_DISABLE | BCJ2_NOTIFY_JOB_TRANSFERRED,
        BCJ2_NOTIFY_JOB_ERROR,
        BCJ2_NOTIFY_JOB_MODIFICATION | BCJ2_NOTIFY_FILE_TRANSFERRED,
    };
    told_make(":");
    bcj2_job *job = told_job(false);
    told_set(job);
    assert_status(bcj2_set_notify_flags(job, held[_i]), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    look();
    ck_assert_uint_eq(told_runs(), 0);
    assert_status(bcj2_set_notify_flags(job, BCJ2_NOTIFY_JOB_TRANSFERRED), BCJ2_OK);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
}
END_TEST

/* A63 */
START_TEST(one_that_is_set_after_the_event_is_started)
{
    told_make(":");
    bcj2_job *job = told_job(false);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    look();
    ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_OWED);
    told_set(job);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(one_that_is_removed_while_it_is_due_is_not_started_again)
{
    bcj2_job *job = told_resumed(true, "leave 1", 600);
    told_await_log("ended with status 1");
    assert_status(bcj2_set_notify_cmdline(job, NULL, NULL), BCJ2_OK);
    pass(2000);
    ck_assert_uint_eq(told_runs(), 1);
    ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_OWED);
    ck_assert_uint_eq(commands(), 0);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(one_that_is_removed_while_it_runs_is_not_started_again)
{
    bcj2_job *job = told_resumed(true, "pass; leave 1", 600);
    told_await_start();
    assert_status(bcj2_set_notify_cmdline(job, NULL, NULL), BCJ2_OK);
    told_release(1);
    told_await_log("ended with status 1");
    pass(2000);
    ck_assert_uint_eq(told_runs(), 1);
    ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_OWED);
    bcj2_job_unref(job);
}
END_TEST

/* The same where who started it is gone before it ends: the next process does not know how it ended, but
   that it is not wanted any more. */
START_TEST(one_that_is_not_wanted_any_more_is_not_started_by_the_next_process)
{
    bcj2_job *job = told_resumed(true, "pass; leave 1", 600);
    bcj2_guid id;
    told_await_start();
    assert_status(_i == 0 ? bcj2_set_notify_cmdline(job, NULL, NULL)
                          : bcj2_set_notify_flags(job, BCJ2_NOTIFY_DISABLE),
                  BCJ2_OK);
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    bcj2_job_unref(job);
    queue_close();
    told_release(2);
    assert_no_child();
    told_open();
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_OK);
    look();
    bcj2_event event = told_event(job, 0);
    ck_assert_int_eq(event.result, BCJ2_EVENT_OWED);
    ck_assert_uint_eq(event.attempts, 1);
    ck_assert_uint_eq(commands(), 0);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
}
END_TEST

/* ---- after the callback ---- */

struct ear {
    bcj2_status answer;
    atomic_uint calls;
};

static bcj2_status hear(bcj2_job *job, void *user)
{
    struct ear *ear = user;
    (void)job;
    atomic_fetch_add(&ear->calls, 1);
    return ear->answer;
}

static bcj2_status hear_error(bcj2_job *job, bcj2_error *error, void *user)
{
    (void)error;
    return hear(job, user);
}

static void set_ear(bcj2_job *job, struct ear *ear, bool for_errors)
{
    bcj2_notify_callbacks callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
    callbacks.job_transferred = hear;
    callbacks.job_error = for_errors ? hear_error : NULL;
    callbacks.user = ear;
    assert_status(bcj2_set_notify_callbacks(job, &callbacks), BCJ2_OK);
}

/* A60 */
START_TEST(a_callback_that_takes_it_leaves_nothing_for_the_program)
{
    struct ear ear = {.answer = BCJ2_OK};
    told_make(":");
    bcj2_job *job = told_job(_i == 1);
    told_set(job);
    set_ear(job, &ear, true);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert_uint_eq(told_await(job, BCJ2_EVENT_DELIVERED, 0).attempts, 0);
    pass(2000);
    ck_assert_uint_eq(atomic_load(&ear.calls), 1);
    ck_assert_uint_eq(told_runs(), 0);
    bcj2_job_unref(job);
}
END_TEST

/* A59; all but BCJ2_OK refuses. */
START_TEST(after_a_callback_that_refuses_it_is_started_once)
{
    static const bcj2_status answers[] = {BCJ2_E_FAIL, BCJ2_S_FALSE};
    struct ear ear = {.answer = answers[_i]};
    told_make(":");
    bcj2_job *job = told_job(true);
    told_set(job);
    set_ear(job, &ear, true);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert_uint_eq(told_await(job, BCJ2_EVENT_DELIVERED, 2).attempts, 2);
    pass(2000);
    ck_assert_uint_eq(atomic_load(&ear.calls), 1);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(after_both_failed_all_is_repeated_after_the_delay)
{
    struct ear ear = {.answer = BCJ2_E_FAIL};
    told_make("leave 1");
    bcj2_job *job = told_job(true);
    told_set(job);
    set_ear(job, &ear, true);
    assert_status(bcj2_resume(job), BCJ2_OK);
    told_await_log("status 1");
    pass(590);
    ck_assert_uint_eq(atomic_load(&ear.calls), 1);
    ck_assert_uint_eq(told_runs(), 1);
    pass(20);
    told_await_log("status 1");
    ck_assert_uint_eq(atomic_load(&ear.calls), 2);
    ck_assert_uint_eq(told_runs(), 2);
    ck_assert_uint_eq(told_event(job, 0).attempts, 4);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(what_has_no_callback_of_its_kind_is_the_programs)
{
    struct ear ear = {.answer = BCJ2_OK};
    told_make(":");
    bcj2_job *job = told_job(true);
    told_set(job);
    set_ear(job, &ear, false);
    assert_status(bcj2_resume(job), BCJ2_OK);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    ck_assert_uint_eq(atomic_load(&ear.calls), 0);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_job_unref(job);
}
END_TEST

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

/* ---- its end ---- */

/* A64 */
START_TEST(another_status_repeats_it_after_the_delay)
{
    static const struct {
        const char *body, *log;
    } rows[] = {{"leave 1", "status 1"},
                {"leave 3", "status 3"},
                {"rmdir \"$mine\"; kill -TERM $$", "signal 15"},
                {"rmdir \"$mine\"; kill -KILL $$", "signal 9"}};
    bcj2_job *job = told_resumed(true, rows[_i].body, 600);
    told_await_log(rows[_i].log);
    for (uint64_t n = 1; n < 4; n++) {
        pass(590);
        ck_assert_uint_eq(told_runs(), n);
        fake_clock_pass(20);
        look();
        told_await_log(rows[_i].log);
        ck_assert_uint_eq(told_runs(), n + 1);
        ck_assert_int_eq(told_await(job, BCJ2_EVENT_OWED, n + 1).attempts, (int)n + 1);
    }
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_ERROR);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(the_delay_goes_by_while_nobody_has_the_queue)
{
    bcj2_job *job = told_resumed(true, "[ $(wc -l < runs) -gt 1 ] && leave 0; leave 1", 600);
    told_await_log("status 1");
    fake_clock_pass(590);
    job = over_restart(job);
    look();
    ck_assert_uint_eq(told_runs(), 1);
    fake_clock_pass(20);
    job = over_restart(job);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 2);
    ck_assert_uint_eq(told_runs(), 2);
    bcj2_job_unref(job);
}
END_TEST

/* What nobody was told of is owed to the next process. */
START_TEST(an_event_outlives_its_process)
{
    told_make(":");
    bcj2_job *job = told_job(false);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    job = over_restart(job);
    told_set(job);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    bcj2_job_unref(job);
}
END_TEST

static void completed(bcj2_job *job)
{
    assert_status(bcj2_complete(job), BCJ2_OK);
}

static void cancelled(bcj2_job *job)
{
    assert_status(bcj2_cancel(job), BCJ2_OK);
}

static void (*const meanwhile[])(bcj2_job *job) = {completed, cancelled};

START_TEST(a_job_that_is_over_meanwhile_is_done_whatever_the_status)
{
    bcj2_job *job = told_resumed(false, "pass; leave 3", 600);
    bcj2_event event = told_event(job, 0);
    told_await_start();
    meanwhile[_i](job);
    told_release(1);
    told_await_log("nobody waits for that any more");
    pass(2000);
    ck_assert_uint_eq(told_runs(), 1);
    bcj2_event after = BCJ2_EVENT_INIT;
    assert_status(bcj2_manager_get_event(queue_manager, event.number - 1, &after), BCJ2_OK);
    ck_assert_int_eq(after.result, BCJ2_EVENT_DROPPED);
    ck_assert_uint_eq(after.number, event.number);
    bcj2_job_unref(job);
}
END_TEST

/* Each new ERROR is a new event, and the old one's program counts for nothing. */
START_TEST(a_job_that_is_resumed_meanwhile_is_told_of_its_next_end)
{
    bcj2_job *job = told_resumed(true, "pass; rmdir \"$mine\"; exit 3", 600);
    told_await_start();
    bcj2_event first = told_event(job, 0);
    told_make("mine=second; mkdir second; leave 0");
    assert_status(bcj2_resume(job), BCJ2_OK);
    bcj2_event second = told_event(job, first.number);
    uint64_t change = 0;
    while (second.result != BCJ2_EVENT_DELIVERED) {
        assert_status(bcj2_manager_wait(queue_manager, &change, 20000), BCJ2_OK);
        second = told_event(job, first.number);
    }
    ck_assert_uint_eq(second.attempts, 1);
    ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_DROPPED);
    told_release(1);
    told_await_log("nobody waits for that any more");
    pass(2000);
    ck_assert_uint_eq(told_runs(), 2);
    (void)unlink(queue_path("overlaps")); /* two events' */
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_job_that_is_resumed_before_the_repetition_is_told_anew)
{
    bcj2_job *job = told_resumed(true, "leave 1", 600);
    told_await_log("status 1");
    assert_status(bcj2_resume(job), BCJ2_OK);
    told_await_log("status 1");
    ck_assert_int_eq(told_event(job, 0).result, BCJ2_EVENT_DROPPED);
    ck_assert_uint_eq(told_runs(), 2);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(one_that_runs_for_ever_is_waited_for)
{
    bcj2_job *job = told_resumed(true, "pass", 600);
    told_await_start();
    pass(100000);
    ck_assert_uint_eq(told_runs(), 1);
    ck_assert_uint_eq(commands(), 1);
    told_release(1);
    (void)told_await(job, BCJ2_EVENT_DELIVERED, 1);
    ck_assert_uint_eq(told_runs(), 1);
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

static TCase *a_case(Suite *suite, const char *name)
{
    TCase *tc = suite_case(suite, name, 60);
    tcase_add_checked_fixture(tc, start, stop);
    return tc;
}

static void add_cases(Suite *suite)
{
    TCase *tc = a_case(suite, "when it is started");
    tcase_add_loop_test(tc, status_0_is_delivered_and_ends_it, 0, 2);
    tcase_add_loop_test(tc, flags_hold_it_back, 0, 5);
    tcase_add_test(tc, one_that_is_set_after_the_event_is_started);
    tcase_add_test(tc, one_that_is_removed_while_it_is_due_is_not_started_again);
    tcase_add_test(tc, one_that_is_removed_while_it_runs_is_not_started_again);
    tcase_add_loop_test(tc, one_that_is_not_wanted_any_more_is_not_started_by_the_next_process, 0,
                        2);

    tc = a_case(suite, "after the callback");
    tcase_add_loop_test(tc, a_callback_that_takes_it_leaves_nothing_for_the_program, 0, 2);
    tcase_add_loop_test(tc, after_a_callback_that_refuses_it_is_started_once, 0, 2);
    tcase_add_test(tc, after_both_failed_all_is_repeated_after_the_delay);
    tcase_add_test(tc, what_has_no_callback_of_its_kind_is_the_programs);

    tc = a_case(suite, "with what");
    tcase_add_test(tc, standard_input_is_the_job);
    tcase_add_loop_test(tc, more_than_a_pipe_holds_is_read_or_not, 0, 2);
    tcase_add_loop_test(tc, its_environment_says_what_happened, 0, 2);
    tcase_add_loop_test(tc, parameters_are_split_and_nothing_is_expanded, 0, 7);
    tcase_add_loop_test(tc, a_strange_first_token_is_no_argument, 0, 4);
    tcase_add_test(tc, argv_0_is_the_first_token);
    tcase_add_loop_test(tc, without_parameters_the_program_is_started_alone, 0, 2);
    tcase_add_test(tc, parameters_of_the_greatest_length);

    tc = a_case(suite, "its end");
    tcase_add_loop_test(tc, another_status_repeats_it_after_the_delay, 0, 4);
    tcase_add_test(tc, the_delay_goes_by_while_nobody_has_the_queue);
    tcase_add_test(tc, an_event_outlives_its_process);
    tcase_add_loop_test(tc, a_job_that_is_over_meanwhile_is_done_whatever_the_status, 0, 2);
    tcase_add_test(tc, a_job_that_is_resumed_meanwhile_is_told_of_its_next_end);
    tcase_add_test(tc, a_job_that_is_resumed_before_the_repetition_is_told_anew);
    tcase_add_test(tc, one_that_runs_for_ever_is_waited_for);

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

SUITE_MAIN("notify_command", add_cases)
