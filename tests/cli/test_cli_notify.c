/* SPDX-License-Identifier: MIT */
/* bcj2 about notifications: --notify, the properties "notify" and "notify-flags", bcj2 events. Not here:
   which words are refused before anything is done (test_cli_usage.c). */
#include "../support/suite.h"
#include "cli_run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cjson/cJSON.h>

#define UNITS_MOST 4000

/* An executable script in the folder; its path. */
static const char *script(const char *name, const char *lines)
{
    const char *path = cli_path(name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fprintf(file, "#!/bin/sh\n%s", lines), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, 0700), 0);
    return path;
}

/* A download of a file of this machine, left in the queue; its id. */
static char *detach(const char *option, const char *value)
{
    struct ended ended =
        cli_run("download", "--detach", cli_make_file("file", 100), "got",
                option != NULL ? option : "--name", option != NULL ? value : "n", NULL);
    assert_ended(ended, 0);
    ck_assert_uint_eq(ended.out_length, 37);
    ended.out[36] = '\0';
    return ended.out;
}

static void run_queue(void)
{
    assert_ended(cli_run("run", "--until-idle", NULL), 0);
}

/* The object "notify" of the job; its text lives as long as *ret_document. */
static const cJSON *notify_of(const char *id, cJSON **ret_document)
{
    struct ended ended = cli_run("--json", "show", id, NULL);
    assert_ended(ended, 0);
    *ret_document = cJSON_ParseWithOpts(ended.out, NULL, 1);
    const cJSON *notify = cJSON_GetObjectItemCaseSensitive(*ret_document, "notify");
    ck_assert(cJSON_IsObject(notify));
    return notify;
}

static void assert_text(const cJSON *object, const char *name, const char *expected)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    if (expected == NULL) {
        ck_assert(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(object, name)));
    } else {
        ck_assert_ptr_nonnull(text);
        ck_assert_str_eq(text, expected);
    }
}

static void assert_command(const char *id, const char *program, const char *parameters)
{
    cJSON *document;
    const cJSON *notify = notify_of(id, &document);
    assert_text(notify, "program", program);
    assert_text(notify, "parameters", parameters);
    cJSON_Delete(document);
}

/* ---- properties ---- */

/* The text stays what was typed; of the program's name the path is made. */
START_TEST(command_lines)
{
    static const struct {
        const char *typed, *program; /* NULL: in the folder */
    } lines[] = {
        {"./told", NULL},
        {"././/told", NULL},
        {"./told a  \"b c\" \\\"d", NULL},
        {"\"./told\" \"not closed", NULL},
        {"./to\"ld\" x\ny", NULL},
        {"/bin/sh -c 'exit 0'", "/bin/sh"},
        {"/bin/sh\t\xC3\xA4\\\\", "/bin/sh"},
    };
    const char *told = script("told", "exit 0\n");
    char *id = detach("--notify", lines[_i].typed);
    const char *program = lines[_i].program != NULL ? lines[_i].program : told;
    assert_command(id, program, lines[_i].typed);
    struct ended ended = cli_run("show", id, NULL);
    assert_contains(ended.out, "\nnotify       ");
    assert_contains(ended.out, program);
    assert_ended(cli_run("set", id, "notify", "", NULL), 0);
    assert_command(id, NULL, NULL);
    assert_lacks(cli_run("show", id, NULL).out, "notify");
    ended = cli_run("set", id, "notify", lines[_i].typed, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "notify is set");
    assert_command(id, program, lines[_i].typed);
}
END_TEST

/* The longest command line, and one that is too long: then there is no job. */
START_TEST(long_command_lines)
{
    char line[UNITS_MOST + 2];
    const char *program = "/bin/sh ";
    memset(line, 'x', sizeof line);
    memcpy(line, program, strlen(program));
    line[UNITS_MOST + 1] = '\0';
    struct ended ended = cli_run("download", "--detach", "/bin/sh", "got", "--notify", line, NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "cannot set notify");
    assert_contains(ended.err, "BG_E_STRING_TOO_LONG");
    ck_assert_str_eq(cli_run("list", NULL).out, "");
    line[UNITS_MOST] = '\0';
    assert_command(detach("--notify", line), "/bin/sh", line);
}
END_TEST

START_TEST(flags)
{
    static const struct {
        const char *typed, *shown; /* NULL: as in a new job */
        int number;
    } rows[] = {
        {"transferred,error", NULL, 3},
        {"3", NULL, 3},
        {"none", "notify-flags none", 0},
        {"0", "notify-flags none", 0},
        {"error", "notify-flags error", 2},
        {"0x1F", "notify-flags transferred, error, disable, modification, file-transferred", 0x1F},
        {"ranges-transferred,disable", "notify-flags disable, ranges-transferred", 0x24},
        {"error,error", "notify-flags error", 2},
    };
    cJSON *document;
    char *id = detach("--notify-flags", rows[_i].typed);
    const cJSON *notify = notify_of(id, &document);
    int expected = rows[_i].number, names = 0;
    ck_assert_int_eq(cJSON_GetObjectItemCaseSensitive(notify, "flags_number")->valueint, expected);
    for (; expected != 0; expected &= expected - 1) {
        names++;
    }
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(notify, "flags")), names);
    cJSON_Delete(document);
    struct ended ended = cli_run("show", id, NULL);
    if (rows[_i].shown == NULL) {
        assert_lacks(ended.out, "notify");
    } else {
        assert_contains(ended.out, rows[_i].shown);
    }
}
END_TEST

/* ---- events ---- */

static cJSON *parsed[64];
static size_t parsed_count;

static void free_parsed(void)
{
    while (parsed_count > 0) {
        cJSON_Delete(parsed[--parsed_count]);
    }
}

/* Each line of the text is an object; freed by free_parsed(). */
static size_t parse_lines(char *text)
{
    free_parsed();
    for (char *line; (line = strtok_r(text, "\n", &text)) != NULL;) {
        cJSON *object = cJSON_ParseWithOpts(line, NULL, 1);
        ck_assert_msg(cJSON_IsObject(object), "no object: %s", line);
        ck_assert_uint_lt(parsed_count, sizeof parsed / sizeof parsed[0]);
        parsed[parsed_count++] = object;
    }
    return parsed_count;
}

static void assert_event(size_t line, const char *number, const char *id, const char *event,
                         const char *result)
{
    char braced[64];
    (void)snprintf(braced, sizeof braced, "{%.36s}", id);
    ck_assert_uint_lt(line, parsed_count);
    assert_text(parsed[line], "number", number);
    assert_text(parsed[line], "job", braced);
    assert_text(parsed[line], "event", event);
    assert_text(parsed[line], "result", result);
}

START_TEST(events_of_a_queue)
{
    struct ended ended = cli_run("events", NULL);
    assert_ended(ended, 0);
    ck_assert_str_eq(ended.out, "");
    char *good = detach(NULL, NULL);
    char *files = detach("--notify-flags", "file-transferred");
    ended = cli_run("download", "--detach", "/nowhere/file", "lost", NULL);
    assert_ended(ended, 0);
    char *bad = ended.out;
    assert_ended(cli_run("run", "--until-idle", NULL), 1);
    ended = cli_run("events", NULL);
    assert_ended(ended, 0);
    ck_assert_uint_eq(parse_lines(ended.out), 4);
    assert_event(0, "1", good, "transferred", "owed");
    ck_assert(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(parsed[0], "file_index")));
    assert_text(parsed[0], "attempts", "0");
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(parsed[0], "time");
    ck_assert_uint_eq(strlen(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(time, "utc"))),
                      24);
    ck_assert_uint_eq(
        strlen(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(time, "filetime"))), 18);
    assert_event(1, "2", files, "file transferred", "owed");
    ck_assert_int_eq(cJSON_GetObjectItemCaseSensitive(parsed[1], "file_index")->valueint, 0);
    assert_event(2, "3", files, "transferred", "owed");
    assert_event(3, "4", bad, "error", "owed");
    /* who opens a queue that nobody has open forgets the jobs that are over, and their events */
    struct running other;
    cli_start_stdout(&other, false, "events", "--follow", NULL);
    cli_expect(&other, "\"4\"");
    assert_ended(cli_run("complete", files, NULL), 0);
    bad[36] = '\0';
    assert_ended(cli_run("cancel", bad, NULL), 0);
    ended = cli_run("--json", "events", NULL); /* the same lines */
    ck_assert_uint_eq(parse_lines(ended.out), 4);
    assert_event(0, "1", good, "transferred", "owed");
    assert_event(1, "2", files, "file transferred", "dropped");
    assert_event(2, "3", files, "transferred", "dropped");
    assert_event(3, "4", bad, "error", "dropped");
    free_parsed();
    assert_ended(cli_end(&other, SIGTERM), 0);
    ended = cli_run("events", NULL);
    ck_assert_uint_eq(parse_lines(ended.out), 1);
    assert_event(0, "1", good, "transferred", "owed");
    free_parsed();
}
END_TEST

START_TEST(events_that_come)
{
    struct running follow;
    char *first = detach(NULL, NULL), line[128];
    run_queue();
    cli_start_stdout(&follow, false, "events", "--follow", NULL);
    cli_expect(&follow, "\"1\"");
    char *second = detach(NULL, NULL);
    run_queue();
    cli_expect(&follow, "\"2\"");
    assert_ended(cli_run("set", first, "name", "x", NULL), 0); /* nothing of its event */
    assert_ended(cli_run("complete", second, NULL), 0);
    cli_expect(&follow, "dropped");
    (void)snprintf(line, sizeof line, "{%s}", detach(NULL, NULL));
    run_queue();
    cli_expect(&follow, line);
    struct ended ended = cli_end(&follow, SIGINT);
    assert_ended(ended, 0);
    ck_assert_str_eq(ended.out, ""); /* which is its stderr here */
    ck_assert_uint_eq(parse_lines(follow.seen), 4);
    assert_event(0, "1", first, "transferred", "owed");
    assert_event(1, "2", second, "transferred", "owed");
    assert_event(2, "2", second, "transferred", "dropped");
    assert_text(parsed[3], "number", "3");
    free_parsed();
}
END_TEST

START_TEST(a_reader_that_goes_away)
{
    struct running follow;
    cli_start_stdout(&follow, false, "events", "--follow", NULL);
    (void)detach(NULL, NULL);
    run_queue();
    cli_expect(&follow, "\"1\"");
    (void)close(follow.err);
    (void)detach(NULL, NULL);
    run_queue();
    int status;
    ck_assert_int_eq(waitpid(follow.pid, &status, 0), follow.pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 1);
    assert_contains(cli_read(follow.out_path, NULL), "cannot write to standard output");
}
END_TEST

START_TEST(a_full_disk)
{
    const char *argv[] = {getenv("BCJ2_PROGRAM"), "--queue", cli_path("queue"), "events", NULL};
    if (!cli_exists("/dev/full")) {
        (void)printf("not checked: there is no /dev/full\n");
        return;
    }
    (void)detach(NULL, NULL);
    run_queue();
    struct ended ended = cli_run_program(argv, "/dev/full");
    assert_ended(ended, 1);
    assert_contains(ended.err, "cannot write to standard output");
}
END_TEST

START_TEST(a_queue_that_vanishes)
{
    struct running follow;
    char other[PATH_SIZE];
    (void)detach(NULL, NULL);
    run_queue();
    cli_start_stdout(&follow, false, "events", "--follow", NULL);
    cli_expect(&follow, "\"1\"");
    (void)snprintf(other, sizeof other, "%.4000s.old", cli_path("queue"));
    ck_assert_int_eq(rename(cli_path("queue"), other), 0);
    struct ended ended = cli_end(&follow, 0);
    ck_assert_int_eq(ended.status, 1);
    assert_contains(ended.out, "cannot read the events"); /* its stderr */
}
END_TEST

/* Of an upload with a reply the one file is noted when the reply is here, before the job's own event. */
START_TEST(events_of_a_reply)
{
    const char *file = cli_make_file("file", 1000);
    struct ended ended = cli_run("upload-reply", "--detach", file, cli_url("count"),
                                 "--notify-flags", "transferred,file-transferred", NULL);
    assert_ended(ended, 0);
    ended.out[36] = '\0';
    const char *id = ended.out;
    assert_ended(cli_run("run", "--until-idle", NULL), 0);
    ended = cli_run("events", NULL);
    ck_assert_uint_eq(parse_lines(ended.out), 2);
    assert_event(0, "1", id, "file transferred", "owed");
    assert_event(1, "2", id, "transferred", "owed");
    free_parsed();
}
END_TEST

/* ---- told ---- */

/* Notes how it was started, and keeps what it was given; then what is put behind. */
#define NOTING     \
    "cat >given\n" \
    "echo \"$BCJ2_EVENT $BCJ2_JOB_ID $BCJ2_QUEUE $PWD $#\" \"$@\" >>runs\n"

static const char *noting(const char *lines)
{
    char text[PATH_SIZE * 2];
    (void)snprintf(text, sizeof text, "here=$PWD; cd '%.4000s'\n%s%s", cli_folder, NOTING, lines);
    return script("told", text);
}

/* The only line of "runs"; the job's id is left out. */
static void assert_ran_once(const char *event, const char *arguments)
{
    char expected[PATH_SIZE * 2];
    char *runs = cli_read(cli_path("runs"), NULL);
    char *id = strchr(runs, '{'), *rest = strchr(runs, '}');
    ck_assert_msg(id != NULL && rest - id == 37, "no id: %s", runs);
    *id = '\0';
    ck_assert_uint_eq(strlen(event), (size_t)(id - runs) - 1);
    ck_assert_int_eq(strncmp(runs, event, strlen(event)), 0);
    (void)snprintf(expected, sizeof expected, " %s %s %s\n", cli_path("queue"), cli_folder,
                   arguments);
    ck_assert_str_eq(rest + 1, expected);
}

static struct ended download(const char *source, const char *command)
{
    return cli_run("download", source, "got", "--notify", command, NULL);
}

START_TEST(the_program_of_who_waits)
{
    const char *file = cli_make_file("file", 1000);
    (void)noting("echo $here >from\n");
    assert_ended(download(file, "./told 'a \"b  c\""), 0);
    assert_ran_once("transferred", "2 'a b  c");
    ck_assert_str_eq(cli_read(cli_path("from"), NULL), "/\n");
    ck_assert(cli_same(file, cli_path("got")));
    cJSON *given = cJSON_ParseWithOpts(cli_read(cli_path("given"), NULL), NULL, 1);
    assert_text(given, "state", "TRANSFERRED");
    const cJSON *notify = cJSON_GetObjectItemCaseSensitive(given, "notify");
    const cJSON *event = cJSON_GetObjectItemCaseSensitive(notify, "event");
    assert_text(event, "name", "transferred");
    assert_text(event, "turn", "command");
    assert_text(notify, "parameters", "./told 'a \"b  c\"");
    cJSON_Delete(given);
    ck_assert_str_eq(cli_run("list", NULL).out, "");
}
END_TEST

START_TEST(a_program_that_refuses)
{
    const char *file = cli_make_file("file", 1000);
    (void)noting("exit 3\n");
    struct ended ended = download(file, "./told");
    assert_ended(ended, 1);
    assert_contains(ended.err, "the program of --notify failed");
    assert_ran_once("transferred", "0");
    ck_assert(cli_same(file, cli_path("got")));
    ck_assert_str_eq(cli_run("list", NULL).out, "");
}
END_TEST

START_TEST(a_job_that_fails)
{
    (void)noting("exit 0\n");
    struct ended ended = download("/nowhere/file", "./told");
    assert_ended(ended, 1);
    assert_contains(ended.err, "/nowhere/file");
    assert_ran_once("error", "0");
    ended = cli_run("events", NULL);
    ck_assert_uint_eq(parse_lines(ended.out), 1);
    assert_text(parsed[0], "event", "error");
    assert_text(parsed[0], "result", "delivered");
    assert_text(parsed[0], "attempts", "1");
    free_parsed();
    assert_contains(cli_run("list", NULL).out, "ERROR");
}
END_TEST

START_TEST(a_program_that_completes_the_job)
{
    const char *file = cli_make_file("file", 1000);
    (void)noting("exec \"$BCJ2_PROGRAM\" complete \"$BCJ2_JOB_ID\"\n");
    struct ended ended = download(file, "./told");
    assert_ended(ended, 0);
    assert_contains(ended.err, "was completed by its program");
    assert_ran_once("transferred", "0");
    ck_assert(cli_same(file, cli_path("got")));
    ck_assert_str_eq(cli_run("list", NULL).out, "");
}
END_TEST

/* Ctrl-C while it runs: the job stays, the program goes on. */
START_TEST(a_program_that_cancels_the_job)
{
    const char *file = cli_make_file("file", 1000);
    (void)noting("exec \"$BCJ2_PROGRAM\" cancel \"$BCJ2_JOB_ID\"\n");
    struct ended ended = download(file, "./told");
    assert_ended(ended, 1);
    assert_contains(ended.err, "is CANCELLED now");
    assert_lacks(ended.err, "stays in the queue");
    ck_assert(!cli_exists(cli_path("got")));
    ck_assert_str_eq(cli_run("list", NULL).out, "");
}
END_TEST

START_TEST(interrupted_while_it_runs)
{
    struct running run;
    ck_assert_int_eq(mkfifo(cli_path("gate"), 0600), 0);
    (void)noting("read line <gate\n");
    cli_start(&run, false, "download", cli_make_file("file", 1000), "got", "--notify", "./told",
              NULL);
    cli_expect(&run, "waiting for the program of --notify");
    int gate = open(cli_path("gate"), O_WRONLY); /* when it runs */
    ck_assert_int_ge(gate, 0);
    struct ended ended = cli_end(&run, SIGINT);
    assert_ended(ended, 128 + SIGINT);
    assert_contains(ended.err, "interrupted; job ");
    assert_contains(ended.err, "to go on: ");
    ck_assert(!cli_exists(cli_path("got")));
    assert_contains(cli_run("list", NULL).out, "TRANSFERRED");
    ck_assert_int_eq(write(gate, "\n", 1), 1);
    ck_assert_int_eq(close(gate), 0);
}
END_TEST

/* Set after the event, and told by who runs the queue; a follower sees both. */
START_TEST(told_later)
{
    struct running follow;
    char *id = detach(NULL, NULL);
    run_queue();
    cli_start_stdout(&follow, false, "events", "--follow", NULL);
    cli_expect(&follow, "owed");
    (void)noting("exit 0\n");
    assert_ended(cli_run("set", id, "notify", "./told", NULL), 0);
    assert_contains(cli_run("show", id, NULL).out, "transferred: by its program");
    ck_assert(!cli_exists(cli_path("runs")));
    run_queue();
    assert_ran_once("transferred", "0");
    cli_expect(&follow, "delivered");
    assert_ended(cli_end(&follow, SIGTERM), 0);
    assert_lacks(cli_run("show", id, NULL).out, "to be told");
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "properties", 60);
    tcase_add_checked_fixture(tc, cli_setup_folder, cli_teardown);
    tcase_add_loop_test(tc, command_lines, 0, 7);
    tcase_add_test(tc, long_command_lines);
    tcase_add_loop_test(tc, flags, 0, 8);
    tc = suite_case(suite, "events", 60);
    tcase_add_checked_fixture(tc, cli_setup_folder, cli_teardown);
    tcase_add_test(tc, events_of_a_queue);
    tcase_add_test(tc, events_that_come);
    tcase_add_test(tc, a_reader_that_goes_away);
    tcase_add_test(tc, a_full_disk);
    tcase_add_test(tc, a_queue_that_vanishes);
    tc = suite_case(suite, "replies", 60);
    tcase_add_checked_fixture(tc, cli_setup, cli_teardown);
    tcase_add_test(tc, events_of_a_reply);
    tc = suite_case(suite, "told", 60);
    tcase_add_checked_fixture(tc, cli_setup_folder, cli_teardown);
    tcase_add_test(tc, the_program_of_who_waits);
    tcase_add_test(tc, a_program_that_refuses);
    tcase_add_test(tc, a_job_that_fails);
    tcase_add_test(tc, a_program_that_completes_the_job);
    tcase_add_test(tc, a_program_that_cancels_the_job);
    tcase_add_test(tc, interrupted_while_it_runs);
    tcase_add_test(tc, told_later);
}

SUITE_MAIN("cli_notify", add_cases)
