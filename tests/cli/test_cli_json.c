/* SPDX-License-Identifier: MIT */
/* bcj2 --json: one document on stdout whatever happens, that cJSON reads, with the numbers of 64
   bits as strings and nothing secret in it. */
#include "../support/suite.h"
#include "cli_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>

static cJSON *documents[16];
static size_t document_count;

static void free_documents(void)
{
    while (document_count > 0) {
        cJSON_Delete(documents[--document_count]);
    }
}

/* The only document of the output; freed by free_documents(). Anything else there fails the test. */
static cJSON *parse(const struct ended *ended)
{
    const char *end = NULL;
    cJSON *document = cJSON_ParseWithOpts(ended->out, &end, 1);
    ck_assert_msg(document != NULL && cJSON_IsObject(document), "no document: %s", ended->out);
    ck_assert_uint_lt(document_count, sizeof documents / sizeof documents[0]);
    documents[document_count++] = document;
    return document;
}

static const cJSON *item(const cJSON *object, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(found != NULL, "there is no \"%s\"", name);
    return found;
}

static const char *text(const cJSON *object, const char *name)
{
    const cJSON *found = item(object, name);
    ck_assert_msg(cJSON_IsString(found), "\"%s\" is no string", name);
    return found->valuestring;
}

static void assert_job(const cJSON *job, const char *state, const char *bytes)
{
    const cJSON *progress = item(job, "progress");
    ck_assert_str_eq(text(job, "state"), state);
    ck_assert_uint_eq(strlen(text(job, "id")), 38);
    ck_assert_str_eq(text(progress, "bytes_transferred"), bytes);
    ck_assert_str_ne(text(item(item(job, "times"), "creation"), "filetime"), "0");
    ck_assert(cJSON_IsNumber(item(progress, "files_total")));
}

static void assert_no_jobs(void)
{
    struct ended ended = cli_run("list", "--json", NULL);
    assert_ended(ended, 0);
    cJSON *document = parse(&ended);
    ck_assert(cJSON_IsArray(item(document, "jobs")));
    ck_assert_int_eq(cJSON_GetArraySize(item(document, "jobs")), 0);
}

START_TEST(uploads)
{
    const char *file = cli_make_file("file", 70000);
    struct ended ended = cli_run("--json", "upload-reply", file, cli_url("file?token=secret"), "-o",
                                 cli_path("reply"), NULL);
    assert_ended(ended, 0);
    assert_lacks(ended.out, "secret");
    cJSON *job = parse(&ended);
    assert_job(job, "ACKNOWLEDGED", "70000");
    ck_assert_str_eq(text(job, "type"), "UPLOAD_REPLY");
    ck_assert_str_eq(text(item(job, "reply"), "bytes_total"), "70000");
    ck_assert_str_eq(text(item(job, "reply"), "file_name"), cli_path("reply"));
    ck_assert(cJSON_IsNull(item(job, "error")));
    ck_assert(cli_same(file, cli_path("reply")));
    ended = cli_run("--json", "upload", file, cli_url("silent"), NULL);
    assert_ended(ended, 0);
    assert_job(parse(&ended), "ACKNOWLEDGED", "70000");
    assert_no_jobs();
}
END_TEST

START_TEST(a_failed_job)
{
    struct ended ended =
        cli_run("--json", "upload", cli_make_file("file", 10), cli_url("forbidden"), NULL);
    assert_ended(ended, 1);
    cJSON *job = parse(&ended);
    ck_assert_str_eq(text(job, "state"), "ERROR");
    const cJSON *error = item(job, "error");
    ck_assert_str_eq(text(error, "code"), "0x80190193");
    ck_assert_int_eq((int)cJSON_GetNumberValue(item(error, "http_status")), 403);
    ended = cli_run("--json", "list", NULL);
    cJSON *list = parse(&ended);
    ck_assert_int_eq(cJSON_GetArraySize(item(list, "jobs")), 1);
    ck_assert(cJSON_Compare(cJSON_GetArrayItem(item(list, "jobs"), 0), job, 1));
    ended = cli_run("--json", "cancel", text(job, "id"), NULL);
    assert_ended(ended, 0);
    const cJSON *jobs = item(parse(&ended), "jobs");
    ck_assert_str_eq(text(cJSON_GetArrayItem(jobs, 0), "state"), "CANCELLED");
    assert_no_jobs();
}
END_TEST

START_TEST(each_command_on_a_job)
{
    const char *file = cli_make_file("file", 5000);
    struct ended ended = cli_run("--json", "upload-reply", file, cli_url("file"), "--detach", NULL);
    assert_ended(ended, 0);
    cJSON *job = parse(&ended);
    assert_job(job, "QUEUED", "0");
    const char *id = text(job, "id");
    ended = cli_run("--json", "suspend", id, NULL);
    assert_job(cJSON_GetArrayItem(item(parse(&ended), "jobs"), 0), "SUSPENDED", "0");
    ended = cli_run("--json", "show", id, NULL);
    assert_job(parse(&ended), "SUSPENDED", "0");
    ended = cli_run("--json", "resume", id, NULL);
    assert_job(cJSON_GetArrayItem(item(parse(&ended), "jobs"), 0), "QUEUED", "0");
    ended = cli_run("--json", "complete", id, NULL);
    assert_ended(ended, 1);
    cJSON *document = parse(&ended);
    assert_job(cJSON_GetArrayItem(item(document, "jobs"), 0), "QUEUED", "0");
    const cJSON *error = cJSON_GetArrayItem(item(document, "errors"), 0);
    ck_assert_str_eq(text(error, "code_name"), "BG_E_INVALID_STATE");
    ended = cli_run("--json", "run", "--until-idle", NULL);
    assert_ended(ended, 0);
    assert_job(cJSON_GetArrayItem(item(parse(&ended), "jobs"), 0), "TRANSFERRED", "5000");
    ended = cli_run("--json", "complete", id, NULL);
    assert_ended(ended, 0);
    job = cJSON_GetArrayItem(item(parse(&ended), "jobs"), 0);
    assert_job(job, "ACKNOWLEDGED", "5000");
    /* the reply that nobody named stays where the document says */
    ck_assert(cli_same(text(item(job, "reply"), "file_name"), file));
    assert_no_jobs();
}
END_TEST

START_TEST(a_refused_call)
{
    struct ended ended = cli_run("--json", "show", "1a2b", NULL);
    assert_ended(ended, 2);
    assert_contains(text(item(parse(&ended), "error"), "text"), "1a2b");
    ended = cli_run("--json", "upload", "application", "ftp://h/f", NULL);
    assert_ended(ended, 2);
    const cJSON *error = item(parse(&ended), "error");
    ck_assert_str_eq(text(error, "code"), "0x80070057");
    ck_assert_str_ne(text(error, "detail"), "");
    ended = cli_run("--json", "list", "more", NULL);
    assert_ended(ended, 2);
    assert_contains(text(item(parse(&ended), "error"), "text"), "more");
    assert_no_jobs();
}
END_TEST

/* cJSON would read them, other parsers do not: they end as question marks. */
static const struct {
    const char *typed, *told;
} not_utf8[] = {
    {"a\xff"
     "b",
     "a?b"},
    {"\xc3", "?"},
    {"\xc0\xaf", "??"},
    {"\xed\xa0\x80", "???"},
    {"\xf4\x90\x80\x80", "????"},
    {"\xe2\x82", "??"},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
};

START_TEST(arguments_of_any_bytes)
{
    char told[64];
    struct ended ended = cli_run("--json", "show", not_utf8[_i].typed, NULL);
    (void)snprintf(told, sizeof told, "\"%s\" is not", not_utf8[_i].told);
    assert_ended(ended, 2);
    assert_contains(text(item(parse(&ended), "error"), "text"), told);
}
END_TEST

START_TEST(wherever_json_is_said)
{
    struct ended ended = cli_run("fly", "--json", NULL);
    assert_ended(ended, 2);
    assert_contains(text(item(parse(&ended), "error"), "text"), "fly");
    ended = cli_run("list", "--fly", "--json", NULL);
    assert_ended(ended, 2);
    assert_contains(text(item(parse(&ended), "error"), "text"), "--fly");
    ended = cli_run("fly", "--", "--json", NULL);
    assert_ended(ended, 2);
    ck_assert_str_eq(ended.out, "");
}
END_TEST

/* More than a buffer of the C library: it is written, and lost, before the end. */
START_TEST(a_long_document_and_a_full_disk)
{
    const char *argv[] = {
        getenv("BCJ2_PROGRAM"), "--queue", cli_path("queue"), "--json", "list", NULL};
    const char *help[] = {argv[0], "--json", "set", "--help", NULL};
    if (!cli_exists("/dev/full")) {
        return;
    }
    for (int i = 0; i < 8; i++) {
        assert_ended(cli_run("upload", "application", "http://h/f", "--detach", NULL), 0);
    }
    struct ended ended = cli_run_program(argv, "/dev/full");
    assert_ended(ended, 1);
    assert_contains(ended.err, "cannot write to standard output");
    ended = cli_run_program(help, "/dev/full");
    assert_ended(ended, 1);
    assert_contains(ended.err, "cannot write to standard output");
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "json", 30);
    tcase_add_checked_fixture(tc, cli_setup, cli_teardown);
    tcase_add_checked_fixture(tc, NULL, free_documents);
    tcase_add_test(tc, uploads);
    tcase_add_test(tc, a_failed_job);
    tcase_add_test(tc, each_command_on_a_job);
    tcase_add_test(tc, a_refused_call);
    tcase_add_loop_test(tc, arguments_of_any_bytes, 0, sizeof not_utf8 / sizeof not_utf8[0]);
    tcase_add_test(tc, wherever_json_is_said);
    tcase_add_test(tc, a_long_document_and_a_full_disk);
}

SUITE_MAIN("cli_json", add_cases)
