/* SPDX-License-Identifier: MIT */
/* The command line of bcj2: what it refuses and in which words, and its help. Nothing of this needs
   a server, and nothing of it leaves a job behind. */
#include "../support/suite.h"
#include "cli_run.h"

#include <string.h>

#define MOST 8

static const struct {
    const char *arguments[MOST];
    const char *said;
    int status; /* 0: 2, as is usual */
} refused[] = {
    {{NULL}, "there is no command"},
    {{"fly"}, "there is no command \"fly\""},
    {{"--fly"}, "there is no option --fly"},
    {{"-x"}, "there is no option -x"},
    {{"list", "--jsonx"}, "there is no option --jsonx"},
    {{"list", "--json=yes"}, "--json takes no value"},
    {{"list", "--queue"}, "--queue needs a value"},
    {{"list", "--queue="}, "--queue needs a value"},
    {{"list", "more"}, "list takes no argument \"more\""},
    {{"list", "--detach"}, "--detach does not go with list"},
    {{"upload", "f", "u", "-o", "r"}, "--output does not go with upload"},
    {{"list", "--headers"}, "--headers does not go with list"},
    {{"list", "-v"}, "--verbose does not go with list"},
    {{"list", "--until-idle"}, "--until-idle does not go with list"},
    {{"watch", "more"}, "watch takes no argument \"more\""},
    {{"upload", "f"}, "upload needs FILE URL"},
    {{"upload", "f", "u", "x"}, "upload takes no argument \"x\""},
    {{"upload", "f", "u", "--priority", "urgent"}, "not \"urgent\""},
    {{"list", "--priority", "low"}, "--priority does not go with list"},
    {{"upload", "f", "u", "--range", "0-"}, "--range does not go with upload"},
    {{"upload", "f", "u", "--header"}, "--header needs a value"},
    {{"upload", "f", "u", "--max-time", "1", "--max-time=2"}, "--max-time can be given once"},
    {{"download"}, "download needs URL FILE, or --list"},
    {{"download", "http://h/f"}, "download needs URL FILE, or --list"},
    {{"download", "http://h/f", "f", "x"}, "download takes no argument \"x\""},
    {{"download", "http://h/f", "f", "--list", "x"}, "URL FILE or --list, not both"},
    {{"download", "--list", "x", "--range", "0-"}, "--range does not go with --list"},
    {{"download", "--list", "nowhere"}, "cannot read nowhere: No such file"},
    {{"download", "--list", "root"}, "cannot read root: Is a directory"},
    {{"download", "http://h/f", "root"}, "it is a folder"},
    {{"download", "http://h/f", "/nowhere/f"}, "cannot write into the folder /nowhere"},
    {{"download", "http://h/f", ""}, "cannot use "},
    {{"download", "ftp://h/f", "f"}, "E_INVALIDARG"},
    {{"download", "application", "f"}, "E_INVALIDARG"},
    {{"download", "http://h/f", "f", "--range", "5"}, "--range must be like 0-99,500-"},
    {{"download", "http://h/f", "f", "--range", "-5"}, "--range must be like"},
    {{"download", "http://h/f", "f", "--range", "9-5"}, "--range must be like"},
    {{"download", "http://h/f", "f", "--range", "0-5,"}, "--range must be like"},
    {{"download", "http://h/f", "f", "--range", "0-5 "}, "--range must be like"},
    {{"download", "http://h/f", "f", "--range", "18446744073709551616-"}, "--range must be like"},
    {{"download", "http://h/f", "f", "--range", "0-18446744073709551615"}, "--range must be like"},
    {{"download", "http://h/f", "f", "--range", "18446744073709551615-"}, "BG_E_INVALID_RANGE", 1},
    {{"download", "http://h/f", "f", "--range", "0-9,5-20"}, "BG_E_OVERLAPPING_RANGES", 1},
    {{"download", "http://h/f", "f", "--max-time", "-1"}, "a number of seconds, 0 to 4294967295"},
    {{"download", "http://h/f", "f", "--max-time", "4294967296"}, "not \"4294967296\""},
    {{"download", "http://h/f", "f", "--retry-delay", "5s"}, "retry-delay must be a number"},
    {{"download", "http://h/f", "f", "--redirects", "no"}, "follow, report or refuse, not \"no\""},
    {{"download", "http://h/f", "f", "--header", "hidden"}, "a header is one line"},
    {{"download", "http://h/f", "f", "--header", "a: hidden\r\nb: c"}, "a header is one line"},
    {{"download", "http://h/f", "f", "--header", "Host: hidden"}, "Host is the library's"},
    {{"download", "http://h/f", "f", "--header", "@application"}, "line 1 of application is not a"},
    {{"download", "http://h/f", "f", "--header", "@nowhere"}, "cannot read nowhere"},
    {{"download", "http://h/f", "f", "--pin", "sha256//x"}, "44 characters"},
    {{"download", "http://h/f", "f", "--method", "HEAD"}, "HEAD brings no file"},
    {{"download", "http://h/f", "f", "--notify"}, "--notify needs a value"},
    {{"download", "http://h/f", "f", "--notify", ""}, "--notify needs a value"},
    {{"download", "http://h/f", "f", "--notify", "true"}, "such as ./true or /usr/bin/true"},
    {{"download", "http://h/f", "f", "--notify", " /bin/sh"}, "that begins with a program"},
    {{"download", "http://h/f", "f", "--notify", "\"\" x"}, "that begins with a program"},
    {{"download", "http://h/f", "f", "--notify", "/nowhere/x y"}, "/nowhere/x: No such file"},
    {{"download", "http://h/f", "f", "--notify", "./root x"},
     "/root: it is a folder, not a program"},
    {{"download", "http://h/f", "f", "--notify", "/dev/null"}, "a pipe or a device, not a program"},
    {{"download", "http://h/f", "f", "--notify", "./application/"}, "Not a directory"},
    {{"download", "http://h/f", "f", "--notify", "./text x"}, "/text: Permission denied"},
    {{"upload", "application", "http://h/f", "--notify", "\"./application x\""},
     "application x: No"},
    {{"upload", "application", "http://h/f", "--notify", "./application \xff"}, "E_INVALIDARG"},
    {{"upload", "application", "http://h/f", "--notify-flags", "some"}, "not \"some\""},
    {{"upload", "application", "http://h/f", "--notify-flags", "error,"}, "with commas between"},
    {{"upload", "application", "http://h/f", "--notify-flags", "errors"}, "with commas between"},
    {{"upload", "application", "http://h/f", "--notify-flags", "0x"}, "with commas between"},
    {{"upload", "application", "http://h/f", "--notify-flags", "1f"}, "with commas between"},
    {{"upload", "application", "http://h/f", "--notify-flags", "4294967297"},
     "with commas between"},
    {{"upload", "application", "http://h/f", "--notify-flags", "0x40"}, "E_NOTIMPL", 1},
    {{"events", "more"}, "events takes no argument \"more\""},
    {{"events", "--notify", "/bin/sh"}, "--notify does not go with events"},
    {{"list", "--follow"}, "--follow does not go with list"},
    {{"events", "--follow=yes"}, "--follow takes no value"},
    {{"set", "1a2b", "notify", "sh"}, "such as ./sh or /usr/bin/sh"},
    {{"upload", "application", "http://h/f?hidden", "--key", "application"}, "E_INVALIDARG"},
    {{"set", "1a2b"}, "set needs ID NAME VALUE"},
    {{"set", "1a2b", "color", "red"}, "there is no property \"color\""},
    {{"set", "1a2b", "name", "x", "method"}, "method needs a value"},
    {{"set", "1a2b", "priority", "urgent"}, "foreground, high, normal or low, not \"urgent\""},
    {{"set", "1a2b", "crl-check", "maybe"}, "no or yes, not \"maybe\""},
    {{"set", "1a2b", "name", "x"}, "no job in the queue begins with \"1a2b\""},
    {{"show"}, "show needs ID"},
    {{"cancel"}, "cancel needs ID..."},
    {{"show", "xyz"}, "\"xyz\" is not the beginning of a job's id"},
    {{"show", ""}, "\"\" is not the beginning of a job's id"},
    {{"show", "0123456789abcdef0123456789abcdef012345678"}, "is not the beginning"},
    {{"show", "1a2b"}, "no job in the queue begins with \"1a2b\""},
    {{"upload", "/nowhere/file", "http://h/f"}, "cannot read /nowhere/file: No such file"},
    {{"upload", "", "http://h/f"}, "cannot read "},
    {{"upload", "/", "http://h/f"}, "it is a folder"},
    {{"upload", "/dev/null", "http://h/f"}, "a pipe or a device"},
    {{"upload", "application", "ftp://h/f"}, "E_INVALIDARG"},
    {{"upload", "application", "http:///f"}, "E_INVALIDARG"},
    {{"upload", "application", "http://h/a b"}, "E_INVALIDARG"},
    {{"upload-reply", "application", "http://h/f", "-o", "/nowhere/r"}, "/nowhere"},
    {{"upload-reply", "application", "http://h/f", "-o", "root"}, "it is a folder"},
    {{"upload-reply", "application", "http://h/f", "-o", "./application"}, "would replace"},
    {{"upload-reply", "application", "http://h/f", "-o", "root/../application"}, "would replace"},
    {{"--json", "upload-reply", "application", "http://h/f"}, "needs -o"},
};

START_TEST(refusals)
{
    (void)cli_make_file("text", 10);
    const char *const *a = refused[_i].arguments;
    struct ended ended = cli_run(a[0], a[0] ? a[1] : NULL, a[2], a[3], a[4], a[5], a[6], NULL);
    assert_ended(ended, refused[_i].status == 0 ? 2 : refused[_i].status);
    assert_contains(ended.err, refused[_i].said);
    assert_lacks(ended.err, "hidden");
    ck_assert_ptr_eq(strstr(ended.err, "bcj2: "), ended.err);
    ck_assert(a[0] != NULL && strcmp(a[0], "--json") == 0 ? ended.out[0] == '{'
                                                          : ended.out[0] == '\0');
    ended = cli_run("list", NULL);
    assert_ended(ended, 0);
    ck_assert_str_eq(ended.out, "");
}
END_TEST

static const char *const commands[] = {"upload-reply", "upload", "list",     "show", "suspend",
                                       "resume",       "cancel", "complete", "run",  "watch",
                                       "download",     "set",    "events"};

START_TEST(help_of_each_command)
{
    char usage[64] = "usage: bcj2 [--queue DIR] [--json] ";
    struct ended ended = cli_run(commands[_i], "--help", NULL);
    assert_ended(ended, 0);
    strcat(usage, commands[_i]);
    assert_contains(ended.out, usage);
    for (const char *line = ended.out; *line != '\0'; line += strcspn(line, "\n") + 1) {
        ck_assert_msg(strcspn(line, "\n") <= 96, "a line is too long: %s", line);
    }
    ck_assert_str_eq(ended.err, "");
    ended = cli_run("-h", NULL);
    assert_ended(ended, 0);
    assert_contains(ended.out, commands[_i]);
}
END_TEST

START_TEST(version)
{
    struct ended ended = cli_run("--version", NULL);
    assert_ended(ended, 0);
    ck_assert_str_eq(ended.out, "bcj2 " BCJ2_TEST_VERSION " (libbcj2 " BCJ2_TEST_VERSION ")\n");
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "usage", 30);
    tcase_add_checked_fixture(tc, cli_setup_folder, cli_teardown);
    tcase_add_loop_test(tc, refusals, 0, sizeof refused / sizeof refused[0]);
    tcase_add_loop_test(tc, help_of_each_command, 0, sizeof commands / sizeof commands[0]);
    tcase_add_test(tc, version);
}

SUITE_MAIN("cli_usage", add_cases)
