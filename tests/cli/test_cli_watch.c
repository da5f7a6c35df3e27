/* SPDX-License-Identifier: MIT */
/* bcj2 watch: lines, objects, the table on a terminal, that it shows what other processes do, and that
   it does nothing while they do nothing. */
#include "../support/sanitizer.h"
#include "../support/suite.h"
#include "cli_run.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <cjson/cJSON.h>

#define ENTER "\033[?1049h"
#define LEAVE "\033[?1049l"
#define HOME  "\033[H" /* the beginning of a picture */
#define CLEAR "\033[K" /* the rest of a line */
#define END   "\033[J" /* of a picture */

static char *detach(const char *file, const char *url)
{
    struct ended ended = cli_run("upload-reply", file, url, "--detach", NULL);
    assert_ended(ended, 0);
    ended.out[36] = '\0';
    return ended.out;
}

static void assert_quiet_end(struct running *run)
{
    struct ended ended = cli_end(run, SIGTERM);
    assert_ended(ended, 0);
    ck_assert_str_eq(ended.out, ""); /* which is its stderr here */
}

static size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part)) {
        count++;
    }
    return count;
}

START_TEST(a_line_for_each_change)
{
    struct running watch;
    char begin[64];
    char *id = detach(cli_make_file("first", 70000), cli_url("first"));
    cli_start_stdout(&watch, false, "watch", NULL);
    (void)snprintf(begin, sizeof begin, "%.8s  QUEUED ", id);
    cli_expect(&watch, begin);
    assert_ended(cli_run("run", "--until-idle", NULL), 0);
    (void)snprintf(begin, sizeof begin, "%.8s  TRANSFERRED ", id);
    cli_expect(&watch, begin);
    cli_expect(&watch, "100%  68.4 KiB of 68.4 KiB");
    assert_ended(cli_run("complete", id, NULL), 0);
    (void)snprintf(begin, sizeof begin, "%.8s  ACKNOWLEDGED ", id);
    cli_expect(&watch, begin);
    char *other = detach(cli_path("first"), cli_url("other"));
    (void)snprintf(begin, sizeof begin, "%.8s  QUEUED ", other);
    cli_expect(&watch, begin);
    assert_ended(cli_run("cancel", other, NULL), 0);
    cli_expect(&watch, "CANCELLED");
    /* no terminal: nothing that steers one */
    assert_lacks(watch.seen, "\033");
    assert_quiet_end(&watch);
}
END_TEST

START_TEST(an_object_for_each_change)
{
    struct running watch;
    char last[24] = "";
    cli_start_stdout(&watch, false, "--json", "watch", NULL);
    char *id = detach(cli_make_file("file", 5000), cli_url("file?token=secret"));
    cli_expect(&watch, "\"QUEUED\"");
    assert_ended(cli_run("run", "--until-idle", NULL), 0);
    assert_ended(cli_run("complete", id, NULL), 0);
    cli_expect(&watch, "\"ACKNOWLEDGED\"");
    assert_quiet_end(&watch);
    assert_lacks(watch.seen, "secret");
    char *rest = watch.seen;
    for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        cJSON *job = cJSON_ParseWithOpts(line, NULL, 1);
        ck_assert_msg(cJSON_IsObject(job), "no object: %s", line);
        const char *now = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job, "state"));
        ck_assert_ptr_nonnull(now);
        ck_assert_str_eq(
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job, "display_name")), "file");
        (void)snprintf(last, sizeof last, "%s", now);
        cJSON_Delete(job);
    }
    ck_assert_str_eq(last, "ACKNOWLEDGED");
}
END_TEST

static void resize(struct running *watch, unsigned short lines, unsigned short columns)
{
    struct winsize size = {.ws_row = lines, .ws_col = columns};
    ck_assert_int_eq(ioctl(watch->err, TIOCSWINSZ, &size), 0);
    ck_assert_int_eq(kill(watch->pid, SIGWINCH), 0);
}

/* Every line of the picture has at most so many bytes, and there are at most so many lines. */
static void assert_picture(const char *picture, size_t lines, size_t columns)
{
    size_t count = 1, length = 0;
    for (const char *c = picture; strncmp(c, END, 3) != 0; c++) {
        ck_assert_msg(*c != '\0', "no whole picture: %s", picture);
        if (strncmp(c, "\033[", 2) == 0) {
            c += 2; /* \033[H, \033[K */
        } else if (*c == '\n') {
            count++;
            length = 0;
        } else if (*c != '\r') {
            ck_assert_msg(++length <= columns, "a line is too long: %s", picture);
        }
    }
    ck_assert_uint_le(count, lines);
}

START_TEST(table)
{
    struct running watch;
    char id[32];
    cli_start_stdout(&watch, true, "watch", NULL);
    cli_expect(&watch, ENTER);
    cli_expect(&watch, "0 jobs, 0 to move; no program moves them");
    for (int i = 0; i < 6; i++) {
        (void)snprintf(id, sizeof id, "file-%d", i);
        char *new_id = detach(cli_make_file(id, 10), cli_url(id));
        (void)snprintf(id, sizeof id, "%.8s  QUEUED", new_id);
        cli_expect(&watch, id);
    }
    assert_picture(cli_expect_both(&watch, "6 jobs, 6 to move", END), 24, 79);
    cli_forget(&watch);
    resize(&watch, 6, 40);
    /* the title is cut; what was on its way is the old picture */
    assert_picture(cli_expect_both(&watch, "6 jobs, 6 to move; no program moves the\033", END), 6,
                   39);
    assert_contains(watch.seen, "and 3 more" CLEAR END);
    cli_forget(&watch);
    resize(&watch, 24, 160);
    cli_expect(&watch, "TYPE ");
    cli_expect(&watch, "upload-reply");
    cli_expect(&watch, "waiting for its turn");
    assert_ended(cli_run("run", "--until-idle", NULL), 0);
    cli_expect(&watch, "[##########]");
    cli_expect(&watch, "6 jobs, 0 to move; no program"); /* the runner has gone, too */
    struct ended ended = cli_end(&watch, SIGINT);
    assert_ended(ended, 0);
    ck_assert_ptr_nonnull(strstr(ended.err, LEAVE));
    ck_assert_str_eq(ended.err + strlen(ended.err) - strlen(LEAVE), LEAVE);
    ck_assert_uint_eq(occurrences(ended.err, "\033[?25h"), 1);
}
END_TEST

/* Where there is no line for it, nothing is written over the title. */
START_TEST(tiny_terminals)
{
    struct running watch;
    char title[64], job[32];
    (void)snprintf(job, sizeof job, "%.8s  QUEUED",
                   detach(cli_make_file("file", 10), cli_url("x")));
    cli_start_stdout(&watch, true, "watch", NULL);
    cli_expect(&watch, job);
    for (int lines = 3; lines >= 1; lines--) {
        int columns = 40 - lines; /* tells this picture from those before */
        cli_forget(&watch);
        resize(&watch, lines, columns);
        (void)snprintf(title, sizeof title, "%.*s" CLEAR, columns - 1,
                       "1 job, 1 to move; no program moves them: bcj2 run");
        const char *picture = cli_expect_both(&watch, title, END);
        assert_picture(picture, (size_t)lines, (size_t)columns - 1);
        ck_assert_int_eq(strstr(picture, job) != NULL, lines == 3);
    }
    ck_assert_int_eq(cli_end(&watch, SIGTERM).status, 0);
}
END_TEST

/* A name cannot steer the terminal, and is cut where a character ends. */
START_TEST(names_are_harmless_and_cut_well)
{
    static const char wide[] = "\xe6\xbc\xa2\xe5\xad\x97"; /* two characters, four columns */
    char name[128] = "a\033[31m\007";
    struct running watch;
    for (int i = 0; i < 12; i++) {
        strcat(name, wide);
    }
    detach(cli_make_file(name, 10), cli_url("x"));
    cli_start_stdout(&watch, true, "watch", NULL);
    cli_expect(&watch, "a?[31m?\xe6\xbc\xa2");
    cli_expect(&watch, END);
    assert_lacks(watch.seen, "\033[31m");
    assert_lacks(watch.seen, "\007");
    cli_forget(&watch);
    resize(&watch, 24, 52); /* the name has 52 - 1 - 33 columns: 7, and 5 wide characters */
    cli_expect_both(&watch, "bcj2 run; " CLEAR, END);
    const char *at = strstr(strstr(watch.seen, "bcj2 run; " CLEAR), "a?[31m?");
    ck_assert_ptr_nonnull(at);
    at += 7;
    size_t characters = 0;
    for (; strncmp(at, "\xe6\xbc\xa2", 3) == 0 || strncmp(at, "\xe5\xad\x97", 3) == 0; at += 3) {
        characters++;
    }
    ck_assert_uint_eq(characters, 5);
    ck_assert_msg(strncmp(at, CLEAR, 3) == 0 || *at == ' ', "a broken character: %s", at);
    ck_assert_int_eq(cli_end(&watch, SIGTERM).status, 0);
}
END_TEST

START_TEST(stopped_and_continued)
{
    struct running watch;
    int status;
    cli_start_stdout(&watch, true, "watch", NULL);
    cli_expect(&watch, "0 jobs");
    ck_assert_int_eq(kill(watch.pid, SIGTSTP), 0);
    ck_assert_int_eq(waitpid(watch.pid, &status, WUNTRACED), watch.pid);
    ck_assert(WIFSTOPPED(status));
    cli_expect(&watch, LEAVE);
    cli_forget(&watch);
    ck_assert_int_eq(kill(watch.pid, SIGCONT), 0);
    cli_expect(&watch, ENTER);
    cli_expect(&watch, "0 jobs");
    ck_assert_int_eq(cli_end(&watch, SIGTERM).status, 0);
}
END_TEST

START_TEST(a_reader_that_goes_away)
{
    struct running watch;
    int status;
    cli_start_stdout(&watch, false, "watch", NULL);
    detach(cli_make_file("file", 10), cli_url("one"));
    cli_expect(&watch, "QUEUED");
    ck_assert_int_eq(close(watch.err), 0);
    detach(cli_path("file"), cli_url("two"));
    ck_assert_int_eq(waitpid(watch.pid, &status, 0), watch.pid);
    ck_assert_int_eq(WEXITSTATUS(status), 1);
    assert_contains(cli_read(watch.out_path, NULL), "cannot write");
}
END_TEST

/* How often all threads of the process went to sleep. */
static unsigned long sleeps(pid_t pid)
{
    char path[64], line[256];
    unsigned long sum = 0, one;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    ck_assert_ptr_nonnull(tasks);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        (void)snprintf(path, sizeof path, "/proc/%d/task/%.20s/status", (int)pid, task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        while (file != NULL && fgets(line, sizeof line, file) != NULL) {
            sum += sscanf(line, "voluntary_ctxt_switches: %lu", &one) == 1 ? one : 0;
        }
        if (file != NULL) {
            (void)fclose(file);
        }
    }
    (void)closedir(tasks);
    return sum;
}

/* With a job that counts down to its next attempt. */
START_TEST(nothing_while_nothing_changes)
{
    const struct timespec settled = {.tv_nsec = 300 * 1000000L}, measured = {.tv_sec = 2};
    struct running watch, run;
    if (SANITIZER[0] != '\0' || !cli_exists("/proc/self/task")) {
        (void)printf("not checked: a sanitizer may have a thread of its own that wakes up\n");
        return;
    }
    detach(cli_make_file("file", 10), "http://127.0.0.1:1/x");
    cli_start(&run, false, "run", NULL);
    cli_expect(&run, "TRANSIENT_ERROR");
    cli_start_stdout(&watch, _i == 1, "watch", NULL);
    cli_expect(&watch, "next try at ");
    unsigned long woken = 1;
    for (int i = 0; i < 3 && woken > 0; i++) { /* on a busy machine the first may come too early */
        (void)nanosleep(&settled, NULL);
        unsigned long before = sleeps(watch.pid) + sleeps(run.pid);
        (void)nanosleep(&measured, NULL);
        woken = sleeps(watch.pid) + sleeps(run.pid) - before;
    }
    ck_assert_uint_eq(woken, 0);
    struct ended ended = cli_end(&watch, SIGTERM);
    assert_ended(ended, 0);
    if (_i == 0) {
        ck_assert_uint_eq(occurrences(ended.err, "next try at "), 1);
    }
    assert_ended(cli_end(&run, SIGTERM), 0);
}
END_TEST

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* At most ten pictures a second while jobs are made (five changes each) and moved. */
START_TEST(bursts_are_drawn_together)
{
    enum { JOBS = 20 };
    struct running watch, run;
    double began = now_s();
    const char *file = cli_make_file("file", 70000);
    cli_start_stdout(&watch, true, "watch", NULL);
    cli_expect(&watch, "0 jobs");
    cli_start(&run, false, "run", NULL);
    cli_expect(&run, "nothing to do");
    for (int i = 0; i < JOBS; i++) {
        detach(file, cli_url("file"));
    }
    cli_expect(&watch, "20 jobs, 0 to move");
    assert_ended(cli_end(&run, SIGTERM), 0);
    ck_assert_int_eq(cli_end(&watch, SIGTERM).status, 0);
    size_t pictures = occurrences(watch.seen, HOME);
    ck_assert_uint_ge(pictures, 3);
    ck_assert_uint_le(pictures, (size_t)((now_s() - began) * 10) + 2);
}
END_TEST

START_TEST(rates)
{
    struct running watch, run;
    cli_restart_server("--limit-rate", "1048576");
    char *id = detach(cli_make_file("file", 3u * 1024 * 1024), cli_url("silent"));
    cli_start_stdout(&watch, true, "watch", NULL);
    cli_expect(&watch, "QUEUED");
    resize(&watch, 24, 100);
    cli_start(&run, false, "run", NULL);
    cli_expect(&watch, "iB/s");
    /* it stands still: what was said of its pace is taken back */
    assert_ended(cli_run("suspend", id, NULL), 0);
    const char *at = cli_expect_both(&watch, "SUSPENDED", END);
    assert_lacks(at, "iB/s");
    ck_assert_int_eq(cli_end(&watch, SIGTERM).status, 0);
    assert_ended(cli_end(&run, SIGTERM), 0);
}
END_TEST

static void set_up(void)
{
    cli_setup();
    ck_assert_int_eq(setenv("TERM", "xterm", 1), 0);
}

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "cli_watch", 60);
    tcase_add_checked_fixture(tc, set_up, cli_teardown);
    tcase_add_test(tc, a_line_for_each_change);
    tcase_add_test(tc, an_object_for_each_change);
    tcase_add_test(tc, table);
    tcase_add_test(tc, tiny_terminals);
    tcase_add_test(tc, names_are_harmless_and_cut_well);
    tcase_add_test(tc, stopped_and_continued);
    tcase_add_test(tc, a_reader_that_goes_away);
    tcase_add_loop_test(tc, nothing_while_nothing_changes, 0, 2);
    tcase_add_test(tc, bursts_are_drawn_together);
    tcase_add_test(tc, rates);
}

SUITE_MAIN("cli_watch", add_cases)
