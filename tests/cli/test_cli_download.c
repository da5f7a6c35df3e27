/* SPDX-License-Identifier: MIT */
/* bcj2 download and set, and what the other commands make of downloads, against the built bcj2-server. What
   the options do at a server: test_cli_options.c; what is refused: test_cli_usage.c. */
#include "../support/suite.h"
#include "cli_run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOW_BYTES (3u * 1024 * 1024)
#define SLOW_RATE  "1048576"

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(cli_path(name), "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* The id that --detach printed. */
static char *id_of(struct ended ended)
{
    assert_ended(ended, 0);
    ck_assert_uint_eq(ended.out_length, 37);
    ended.out[36] = '\0';
    return ended.out;
}

static void assert_queue_empty(void)
{
    struct ended ended = cli_run("list", NULL);
    assert_ended(ended, 0);
    ck_assert_str_eq(ended.out, "");
}

/* bcj2 with its standard input from a file. */
static struct ended run_from(const char *input, const char *arguments)
{
    char command[PATH_SIZE * 2];
    (void)snprintf(command, sizeof command, "exec \"$BCJ2_PROGRAM\" --queue '%s' %s < '%s'",
                   cli_path("queue"), arguments, cli_path(input));
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    return cli_run_program(argv, NULL);
}

static const size_t sizes[] = {0, 1, 300000};

START_TEST(one_file)
{
    const char *served = cli_make_file("root/a", sizes[_i]);
    struct ended ended = cli_run("download", cli_url("a"), "got", NULL);
    assert_ended(ended, 0);
    ck_assert_str_eq(ended.out, "");
    assert_contains(ended.err, "got: 100%");
    assert_contains(ended.err, cli_path("got"));
    ck_assert(cli_same(cli_path("got"), served));
    assert_queue_empty();
    /* what is there is replaced */
    ended = cli_run("download", cli_url("application"), cli_path("got"), NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "HTTP status 404");
    ck_assert(cli_same(cli_path("got"), served));
}
END_TEST

START_TEST(parts_of_a_file)
{
    const char *all = cli_read(cli_make_file("root/a", 1000), NULL);
    struct ended ended = cli_run("download", "--range", "990-,0-9", cli_url("a"), "got", NULL);
    size_t length;
    assert_ended(ended, 0);
    const char *got = cli_read(cli_path("got"), &length);
    ck_assert_uint_eq(length, 20);
    ck_assert_mem_eq(got, all + 990, 10);
    ck_assert_mem_eq(got + 10, all, 10);
}
END_TEST

/* As many as a file may have stand there whole, and can be given again as they are shown. */
START_TEST(many_parts)
{
    enum { PARTS = 5000 };
    static char ranges[PARTS * 24];
    size_t length = 0, at = 0;
    for (int i = 0; i < PARTS; i++) {
        length += (size_t)snprintf(ranges + length, sizeof ranges - length, "%s%d-%d",
                                   i == 0 ? "" : ",", i * 1000, i * 1000 + 9);
    }
    char *id = id_of(
        cli_run("download", "--detach", "--range", ranges, "http://127.0.0.1:1/a", "got", NULL));
    struct ended ended = cli_run("show", id, NULL);
    assert_ended(ended, 0);
    static const char title[] = "  ranges     ";
    for (char *line = ended.out; (line = strstr(line, title)) != NULL;) {
        line += sizeof title - 1;
        size_t shown = strcspn(line, "\n");
        ck_assert_msg(strncmp(line, ranges + at, shown) == 0, "not as given: %.40s", line);
        at += shown;
        ck_assert(ranges[at] == ',' || ranges[at] == '\0');
        at += ranges[at] == ',';
    }
    ck_assert_uint_eq(at, length);
}
END_TEST

/* ---- lists ---- */

START_TEST(a_list)
{
    char text[PATH_SIZE * 2];
    bool from_stdin = _i == 1;
    (void)cli_make_file("root/a", 1000);
    (void)cli_make_file("root/b", 70000);
    (void)cli_make_file("root/c", 0);
    (void)snprintf(text, sizeof text,
                   "# three files\n%s\tgot a\n\n  %s  %s\r\n%s /%s/./got-c" /* no end of line */,
                   cli_url("a"), cli_url("b"), cli_path("got-b"), cli_url("c"), cli_folder);
    write_text("list", text);
    struct ended ended = from_stdin ? run_from("list", "download --list -")
                                    : cli_run("download", "--list", "list", NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "all 3 files are there");
    ck_assert(cli_same(cli_path("got a"), cli_path("root/a")));
    ck_assert(cli_same(cli_path("got-b"), cli_path("root/b")));
    ck_assert(cli_same(cli_path("got-c"), cli_path("root/c")));
    assert_queue_empty();
}
END_TEST

static const struct {
    const char *text, *said;
    bool made; /* the library said it: a job was made, and dropped */
} bad_lists[] = {
    {"", "the list is empty", false},
    {"# nothing\n\n", "the list is empty", false},
    {"http://h/a a\nhttp://h/b\n", "line 2 of the list: a URL", false},
    {"http://h/a a\nhttp://h/b \t \n", "line 2 of the list: a URL", false},
    {"\n\na http://h/a\n", "line 3 of the list does not begin with a URL", false},
    {"ftp://h/a?hidden a\n", "line 1 of the list does not begin with a URL", false},
    {"http://h/a a\n# x\nhttp://h/b b\nhttp://h/c a\n",
     "line 4 of the list has the same file as line 1", false},
    {"http://h/a a\nhttp://h/b root/../a\n", "line 2 of the list has the same file as line 1",
     false},
    {"http://h/a a\nhttp://h/b root/a\nhttp://h/c root//./a\r\n",
     "line 3 of the list has the same file as line 2", false},
    {"http://h/a a\nhttp://h/b /nowhere/b\n", "that is line 2 of the list", false},
    {"http://h/a a\nhttp://h/b root\n", "that is line 2 of the list", false},
    {"http:///a?hidden a\n", "that is line 1 of the list", true},
    {"http://h/a a\nfile://localhost/a b\nfile://elsewhere/c c\n", "that is line 3 of the list",
     true},
    {"http://h/a a\nhttp://h/b b\n\nhttp://u:hidden@h/c?hidden c\nhttp://h/d d\n",
     "that is line 4 of the list", true},
    {"http://h/a a\nhttp://h/b b\nhttp://h/c c\nhttp://h/d d\nhttp://h:99999/e e\n",
     "that is line 5 of the list", true},
};

START_TEST(a_bad_line_is_told)
{
    write_text("list", bad_lists[_i].text);
    struct ended ended = cli_run("download", "--detach", "--list", "list", NULL);
    assert_ended(ended, 2);
    ck_assert_str_eq(ended.out, "");
    assert_contains(ended.err, bad_lists[_i].said);
    assert_lacks(ended.err, "hidden");
    ck_assert(cli_exists(cli_path("queue")) == bad_lists[_i].made);
    assert_queue_empty();
}
END_TEST

/* ---- the other commands ---- */

START_TEST(detach_run_complete)
{
    const char *served = cli_make_file("root/a", 70000);
    struct ended ended = cli_run("download", "--detach", cli_url("a?token=shown"), "got", NULL);
    char *id = id_of(ended);
    ended = cli_run("list", NULL);
    assert_contains(ended.out, "download");
    assert_contains(ended.out, "QUEUED");
    ended = cli_run("run", "--until-idle", NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "TRANSFERRED");
    assert_lacks(ended.err, "token");
    ck_assert(!cli_exists(cli_path("got")));
    ended = cli_run("show", "-v", id, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.out, cli_path("got"));
    assert_contains(ended.out, cli_url("a?token=shown"));
    assert_contains(ended.out, "70000 of 70000 bytes");
    assert_contains(ended.out, "  temporary  ");
    assert_contains(ended.out, "answer     HTTP/1.1 ");
    ended = cli_run("complete", id, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, cli_path("got"));
    ck_assert(cli_same(cli_path("got"), served));
    assert_queue_empty();
}
END_TEST

/* What is whole is kept; it is said, and seen by the exit status. */
START_TEST(complete_without_some)
{
    char text[1024];
    const char *served = cli_make_file("root/a", 1000);
    (void)snprintf(text, sizeof text, "%s a\n%s b\n", cli_url("a"), cli_url("missing"));
    write_text("list", text);
    char *id = id_of(cli_run("download", "--list", "list", "--detach", NULL));
    struct ended ended = cli_run("run", "--until-idle", NULL);
    assert_ended(ended, 1);
    ended = cli_run("show", id, NULL);
    assert_contains(ended.out, "ERROR");
    assert_contains(ended.out, "HTTP status 404");
    assert_contains(ended.out, cli_url("missing"));
    ended = cli_run("complete", id, NULL);
    assert_ended(ended, 3);
    assert_contains(ended.err, "1 of 2 files are there");
    assert_contains(ended.err, "BG_S_PARTIAL_COMPLETE");
    ck_assert(cli_same(cli_path("a"), served));
    ck_assert(!cli_exists(cli_path("b")));
    assert_queue_empty();
}
END_TEST

START_TEST(suspend_and_cancel_leave_nothing)
{
    (void)cli_make_file("root/a", 1000);
    char *id = id_of(cli_run("download", cli_url("a"), "sub", "--detach", NULL));
    struct ended ended = cli_run("suspend", id, NULL);
    assert_contains(ended.err, "SUSPENDED");
    ended = cli_run("resume", id, NULL);
    assert_contains(ended.err, "QUEUED");
    assert_ended(cli_run("run", "--until-idle", NULL), 0);
    ended = cli_run("show", id, NULL);
    const char *at = strstr(ended.out, "  temporary  ");
    ck_assert_ptr_nonnull(at);
    at += strspn(at + 11, " ") + 11;
    char temporary[PATH_SIZE] = "";
    memcpy(temporary, at, strcspn(at, "\n"));
    ck_assert(cli_exists(temporary));
    assert_ended(cli_run("cancel", id, NULL), 0);
    ck_assert(!cli_exists(temporary));
    ck_assert(!cli_exists(cli_path("sub")));
    assert_queue_empty();
}
END_TEST

START_TEST(interrupted)
{
    const char *served = cli_make_file("root/a", SLOW_BYTES);
    struct running run;
    cli_restart_server("--limit-rate", SLOW_RATE);
    cli_start(&run, false, "download", cli_url("a"), "got", NULL);
    cli_expect(&run, "%,");
    struct ended ended = cli_end(&run, SIGINT);
    assert_ended(ended, 128 + SIGINT);
    assert_contains(ended.err, "stays in the queue");
    ck_assert(!cli_exists(cli_path("got")));
    cli_restart_server(NULL, NULL);
    ended = cli_run("list", NULL);
    char *id = strchr(ended.out, '\n') + 1;
    id[36] = '\0';
    assert_ended(cli_run("set", id, "url", cli_url("a"), NULL), 0); /* the port is another one */
    assert_ended(cli_run("resume", id, NULL), 0);
    assert_ended(cli_run("run", "--until-idle", NULL), 0);
    assert_ended(cli_run("complete", id, NULL), 0);
    ck_assert(cli_same(cli_path("got"), served));
}
END_TEST

/* A file of this machine in the place of the URL. */
START_TEST(files_of_this_machine)
{
    char url[PATH_SIZE + 8];
    const char *file = cli_make_file("file", 300000);
    (void)snprintf(url, sizeof url, "file://%s", file);
    struct ended ended = cli_run("download", _i == 0 ? url : file, "got", NULL);
    assert_ended(ended, 0);
    ck_assert(cli_same(cli_path("got"), file));
    (void)snprintf(url, sizeof url, "file://%s", cli_path("sent"));
    ended = cli_run("upload", file, _i == 0 ? url : cli_path("sent"), NULL);
    assert_ended(ended, 0);
    ck_assert(cli_same(cli_path("sent"), file));
    ended = cli_run("upload-reply", file, url, NULL);
    assert_ended(ended, 2);
    assert_queue_empty();
}
END_TEST

START_TEST(documents)
{
    (void)cli_make_file("root/a", 1000);
    struct ended ended = cli_run("--json", "download", cli_url("a?hidden"), "got", NULL);
    assert_ended(ended, 0);
    assert_contains(ended.out, "\"DOWNLOAD\"");
    assert_contains(ended.out, "\"ACKNOWLEDGED\"");
    assert_lacks(ended.out, "hidden");
    char *id = id_of(cli_run("download", "--detach", cli_url("a"), "got", "--range", "5-9",
                             "--header", "X-Secret: hidden", NULL));
    ended = cli_run("--json", "set", id, "max-time", "77", NULL);
    assert_ended(ended, 0);
    assert_contains(ended.out, "\"maximum_download_time_s\":\t77");
    ended = cli_run("--json", "show", "--headers", "-v", id, NULL);
    assert_contains(ended.out, "\"custom_headers\":\ttrue");
    assert_contains(ended.out, "\"initial_offset\":\t\"5\"");
    assert_lacks(ended.out, "hidden");
    ended = cli_run("--json", "complete", id, NULL);
    assert_ended(ended, 3);
    assert_contains(ended.out, "\"jobs\"");
}
END_TEST

/* ---- set ---- */

static const struct {
    const char *name, *value, *shown;
} settings[] = {
    {"name", "my name", "name         my name\n"},
    {"description", "more words", "description  more words\n"},
    {"priority", "high", "priority     high\n"},
    {"retry-delay", "7", "retry-delay  7 s (0:07)\n"},
    {"no-progress-timeout", "3600", "no-progress  3600 s (1:00:00)\n"},
    {"max-time", "90", "max-time     90 s (1:30)\n"},
    {"header", "X-One: 1", "headers      set; --headers shows them\n"},
    {"cacert", "application", "cacert       "},
    {"cert", "application", "cert         "},
    {"pin", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "pin          sha256//AAAA"},
    {"pin", "application", "/application\n"},
    {"tls-min", "1.2", "tls-min      1.2\n"},
    {"tls-max", "1.3", "tls-max      1.3\n"},
    {"redirects", "report", "redirects    report\n"},
    {"redirects", "refuse", "redirects    refuse\n"},
    {"https-to-http", "yes", "flags        https-to-http\n"},
    {"crl-check", "yes", "flags        crl-check\n"},
    {"ignore-cert-name", "yes", "flags        ignore-cert-name\n"},
    {"ignore-unknown-ca", "yes", "flags        ignore-unknown-ca\n"},
    {"url", "http://127.0.0.1:1/b", "  new url    http://127.0.0.1:1/b, from the next"},
    {"url", "1=http://127.0.0.1:1/b", "  new url    http://127.0.0.1:1/b, from the next"},
    {"prefix", "http://127.0.0.1:1/a http://127.0.0.1:2/c", "url          http://127.0.0.1:2/c\n"},
};

START_TEST(each_property_is_set)
{
    char *id = id_of(cli_run("download", "--detach", "http://127.0.0.1:1/a", "got", NULL));
    struct ended ended = cli_run("show", id, NULL);
    assert_lacks(ended.out, settings[_i].shown);
    ended = cli_run("set", id, settings[_i].name, settings[_i].value, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, " is set");
    ended = cli_run("show", id, NULL);
    assert_contains(ended.out, settings[_i].shown);
}
END_TEST

static const struct {
    const char *name, *value, *said;
    int status;
} refused_settings[] = {
    {"ignore-cert-date", "yes", "dates and usage", 1},
    {"ignore-cert-usage", "yes", "dates and usage", 1},
    {"method", "POST", "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME", 1},
    {"url", "http:///x?hidden", "it has no host", 2},
    {"url", "2=http://h/x?hidden", "the job has no file number 2, it has 1", 2},
    {"url", "0=http://h/x?hidden", "the job has no file number 0, it has 1", 2},
    {"prefix", "http://127.0.0.1:1/", "prefix needs \"OLD NEW\"", 2},
    {"prefix", "http://other/?hidden http://h/?hidden", "no URL of the job begins", 2},
    {"reply-file", "reply", "E_NOTIMPL", 1},
    {"key", "application", "E_INVALIDARG", 2},
    {"cacert", "nowhere", "cannot set cacert", 1},
    {"tls-max", "1.0", "at most", 2},
};

START_TEST(what_cannot_be_set)
{
    char *id = id_of(cli_run("download", "--detach", "http://127.0.0.1:1/a", "got", NULL));
    assert_ended(cli_run("set", id, "tls-min", "1.2", NULL), 0);
    char *before = cli_run("show", id, NULL).out;
    struct ended ended =
        cli_run("set", id, refused_settings[_i].name, refused_settings[_i].value, NULL);
    assert_ended(ended, refused_settings[_i].status);
    assert_contains(ended.err, refused_settings[_i].said);
    assert_lacks(ended.err, "hidden");
    ck_assert_str_eq(cli_run("show", id, NULL).out, before);
}
END_TEST

/* What cannot be read is found before anything is set. */
static const struct {
    const char *name, *value;
} not_read[] = {
    {"header", "hidden"},
    {"header", "@application"},
    {"header", "@"},
    {"header", "@nowhere"},
    {"prefix", "http://127.0.0.1:1/"},
    {"prefix", "http://127.0.0.1:1/  "},
    {"priority", "urgent"},
    {"max-time", "soon"},
    {"headers-from", "nowhere"},
};

START_TEST(nothing_is_set)
{
    char *id = id_of(cli_run("download", "--detach", "http://127.0.0.1:1/a", "got", NULL));
    char *before = cli_run("show", id, NULL).out;
    struct ended ended =
        cli_run("set", id, "name", "other", not_read[_i].name, not_read[_i].value, NULL);
    assert_ended(ended, 2);
    assert_lacks(ended.err, "hidden");
    assert_lacks(ended.err, "is set");
    ck_assert_str_eq(cli_run("show", id, NULL).out, before);
}
END_TEST

/* What the job took before it refused one is told, and nothing else. */
START_TEST(some_are_set)
{
    char *id = id_of(cli_run("download", "--detach", "http://127.0.0.1:1/a", "got", NULL));
    struct ended ended = cli_run("set", id, "header", "X-One: 1", "tls-min", "1.2", "tls-max",
                                 "1.3", "name", "other", "cert", "nowhere", NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "cannot set the client certificate");
    assert_contains(ended.err, ": name is set\n");
    assert_contains(ended.err, ": tls-min is set\n");
    assert_contains(ended.err, ": tls-max is set\n");
    assert_lacks(ended.err, ": header is set");
    assert_lacks(ended.err, ": cert is set");
    ended = cli_run("show", id, NULL);
    assert_contains(ended.out, "name         other\n");
    assert_contains(ended.out, "tls-min      1.2\n");
    assert_lacks(ended.out, "headers ");
}
END_TEST

START_TEST(owner_and_reply_file)
{
    (void)cli_make_file("file", 10);
    char *id = id_of(cli_run("upload-reply", "file", "http://127.0.0.1:1/a", "--detach", NULL));
    struct ended ended = cli_run("set", id, "reply-file", "elsewhere", NULL);
    assert_ended(ended, 0);
    ended = cli_run("show", id, NULL);
    assert_contains(ended.out, cli_path("elsewhere"));
    ended = cli_run("set", id, "owner", "me", NULL);
    ck_assert_int_eq(ended.status, geteuid() == 0 ? 0 : 1);
}
END_TEST

START_TEST(headers_one_by_one_and_all)
{
    write_text("lines", "X-Two: 2\r\n\nx-one: 11\n");
    write_text("all", "X-Four: 4\nX-Four: 44\n");
    char *id = id_of(cli_run("download", "--detach", "http://127.0.0.1:1/a", "got", "--header",
                             "X-One: 1", "--header", "X-Three: 3", NULL));
    assert_ended(cli_run("set", id, "header", "@lines", "header", "X-Three:", NULL), 0);
    struct ended ended = cli_run("show", id, "--headers", NULL);
    assert_contains(ended.out, "header       X-Two: 2\nheader       x-one: 11\n");
    assert_lacks(ended.out, "X-One");
    assert_lacks(ended.out, "X-Three");
    char command[128];
    (void)snprintf(command, sizeof command, "set %s headers-from -", id);
    assert_ended(run_from("all", command), 0);
    ended = cli_run("show", id, "--headers", NULL);
    assert_contains(ended.out, "header       X-Four: 4\nheader       X-Four: 44\n");
    assert_lacks(ended.out, "X-Two");
    (void)snprintf(command, sizeof command, "set %s headers-from - key-password-file -", id);
    ended = run_from("all", command);
    assert_ended(ended, 2);
    assert_contains(ended.err, "one thing only");
    assert_ended(cli_run("set", id, "headers-write-only", "yes", NULL), 0);
    ended = cli_run("show", id, "--headers", NULL);
    assert_contains(ended.out, "headers      set, write-only\n");
    assert_lacks(ended.out, "X-Four");
    ended = cli_run("set", id, "header", "X-Five: 5", NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "headers-from");
    assert_ended(cli_run("set", id, "headers-from", "", NULL), 0);
    ended = cli_run("show", id, NULL);
    assert_contains(ended.out, "headers      none; write-only\n");
}
END_TEST

/* An empty value takes away what a file or a pin set. */
START_TEST(taken_away)
{
    char *id = id_of(cli_run("download", "--detach", "http://127.0.0.1:1/a", "got", NULL));
    char *before = cli_run("show", id, NULL).out;
    before[strcspn(before, "\n")] = '\0';
    assert_ended(cli_run("set", id, "cacert", "application", "cert", "application", "key",
                         "application", "pin", "application", NULL),
                 0);
    struct ended ended = cli_run("show", id, NULL);
    assert_contains(ended.out, "\nkey          ");
    assert_ended(cli_run("set", id, "cacert", "", "cert", "", "pin", "", NULL), 0);
    ended = cli_run("show", id, NULL);
    assert_lacks(ended.out, "application");
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "download", 60);
    tcase_add_checked_fixture(tc, cli_setup, cli_teardown);
    tcase_add_loop_test(tc, one_file, 0, sizeof sizes / sizeof sizes[0]);
    tcase_add_test(tc, parts_of_a_file);
    tcase_add_test(tc, many_parts);
    tcase_add_loop_test(tc, a_list, 0, 2);
    tcase_add_test(tc, detach_run_complete);
    tcase_add_test(tc, complete_without_some);
    tcase_add_test(tc, suspend_and_cancel_leave_nothing);
    tcase_add_test(tc, interrupted);
    tcase_add_loop_test(tc, files_of_this_machine, 0, 2);
    tcase_add_test(tc, documents);
    tc = suite_case(suite, "set", 60);
    tcase_add_checked_fixture(tc, cli_setup_folder, cli_teardown);
    tcase_add_loop_test(tc, a_bad_line_is_told, 0, sizeof bad_lists / sizeof bad_lists[0]);
    tcase_add_loop_test(tc, each_property_is_set, 0, sizeof settings / sizeof settings[0]);
    tcase_add_loop_test(tc, what_cannot_be_set, 0,
                        sizeof refused_settings / sizeof refused_settings[0]);
    tcase_add_loop_test(tc, nothing_is_set, 0, sizeof not_read / sizeof not_read[0]);
    tcase_add_test(tc, some_are_set);
    tcase_add_test(tc, owner_and_reply_file);
    tcase_add_test(tc, headers_one_by_one_and_all);
    tcase_add_test(tc, taken_away);
}

SUITE_MAIN("cli_download", add_cases)
