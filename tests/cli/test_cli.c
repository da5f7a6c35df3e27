/* SPDX-License-Identifier: MIT */
/* The built bcj2 against the built bcj2-server: every command, what it says, its exit status, and
   what is left behind. The usage of the command line is in test_cli_usage.c, the JSON documents in
   test_cli_json.c. */
#include "../support/suite.h"
#include "cli_run.h"

#include <netinet/in.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOW_BYTES (3u * 1024 * 1024)
#define SLOW_RATE  "1048576"

/* The id that --detach printed. */
static char *detach(const char *file, const char *url)
{
    struct ended ended = cli_run("upload-reply", file, url, "--detach", NULL);
    assert_ended(ended, 0);
    ck_assert_uint_eq(ended.out_length, 37);
    ended.out[36] = '\0';
    return ended.out;
}

/* The id of the only job of the queue. */
static char *only_job(void)
{
    struct ended ended = cli_run("list", NULL);
    assert_ended(ended, 0);
    char *line = strchr(ended.out, '\n');
    ck_assert_msg(line != NULL && strlen(line) > 37, "no job: %s", ended.err);
    ck_assert_ptr_null(strchr(strchr(line + 1, '\n') + 1, '\n'));
    line[37] = '\0';
    return line + 1;
}

static void assert_queue_empty(void)
{
    struct ended ended = cli_run("list", NULL);
    assert_ended(ended, 0);
    ck_assert_str_eq(ended.out, "");
    assert_contains(ended.err, "is empty");
}

static const size_t sizes[] = {0, 1, 5120, 1048577};

START_TEST(reply_to_stdout_and_to_a_file)
{
    const char *file = cli_make_file("file", sizes[_i]);
    struct ended ended = cli_run("upload-reply", file, cli_url("file"), NULL);
    size_t length;
    char *data = cli_read(file, &length);
    assert_ended(ended, 0);
    ck_assert_uint_eq(ended.out_length, length);
    ck_assert_mem_eq(ended.out, data, length);
    assert_queue_empty();
    /* relative names are taken from the working directory */
    ended = cli_run("upload-reply", "file", "-o", "reply", cli_url("again"), NULL);
    assert_ended(ended, 0);
    ck_assert_uint_eq(ended.out_length, 0);
    assert_contains(ended.err, cli_path("reply"));
    ck_assert(cli_same(cli_path("reply"), file));
    assert_queue_empty();
}
END_TEST

START_TEST(plain_upload)
{
    struct ended ended =
        cli_run("--", "upload", cli_make_file("file", 300000), cli_url("silent"), NULL);
    assert_ended(ended, 0);
    ck_assert_uint_eq(ended.out_length, 0);
    assert_contains(ended.err, "file: 100%");
    assert_queue_empty();
}
END_TEST

START_TEST(an_empty_reply)
{
    struct ended ended =
        cli_run("upload-reply", cli_make_file("file", 10), cli_url("silent"), NULL);
    assert_ended(ended, 0);
    ck_assert_uint_eq(ended.out_length, 0);
    assert_queue_empty();
}
END_TEST

START_TEST(detach_run_complete)
{
    const char *file = cli_make_file("file", 70000);
    char *id = detach(file, cli_url("file"));
    struct ended ended = cli_run("list", NULL);
    assert_contains(ended.out, id);
    assert_contains(ended.out, "QUEUED");
    ended = cli_run("complete", id, NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "BG_E_INVALID_STATE");
    ended = cli_run("run", "--until-idle", NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "TRANSFERRED");
    ended = cli_run("complete", id, NULL);
    assert_ended(ended, 0);
    ck_assert_uint_eq(ended.out_length, 70000);
    ck_assert_mem_eq(ended.out, cli_read(file, NULL), 70000);
    assert_queue_empty();
}
END_TEST

START_TEST(show_tells_all)
{
    const char *file = cli_make_file("file", 10);
    char *id = detach(file, cli_url("file?token=secret"));
    struct ended ended = cli_run("show", id, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.out, id);
    assert_contains(ended.out, file);
    assert_contains(ended.out,
                    cli_url("file?token=secret")); /* the user's own, shown to the user */
    assert_contains(ended.out, "upload-reply");
    assert_contains(ended.out, "normal");
    assert_contains(ended.out, "QUEUED");
    ck_assert_str_eq(ended.err, "");
    assert_ended(cli_run("cancel", id, NULL), 0);
}
END_TEST

static const char *const queue_names[] = {"plain-queue", "a queue", "it's a queue", "'; touch x; '",
                                          "\"$HOME\"`ls`\\"};

/* A shell takes it for the words that were typed. */
START_TEST(advice_can_be_typed)
{
    static const char title[] = "to begin: ";
    char script[1024];
    struct ended ended = cli_run("--queue", queue_names[_i], "upload", "application", "http://h/f",
                                 "--detach", NULL);
    assert_ended(ended, 0);
    const char *advice = strstr(ended.err, title);
    ck_assert_msg(advice != NULL, "%s", ended.err);
    advice += sizeof title - 1;
    (void)snprintf(script, sizeof script, "set -- %.*s; printf '%%s|' \"$@\"",
                   (int)strcspn(advice, "\n"), advice);
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    ended = cli_run_program(argv, NULL);
    assert_ended(ended, 0);
    (void)snprintf(script, sizeof script, "bcj2|--queue|%s|run|", queue_names[_i]);
    ck_assert_str_eq(ended.out, script);
    ck_assert(!cli_exists(cli_path("x")));
}
END_TEST

START_TEST(suspend_resume_cancel)
{
    const char *file = cli_make_file("file", 10);
    char *one = detach(file, cli_url("one")), *two = detach(file, cli_url("two"));
    struct ended ended = cli_run("suspend", one, two, NULL);
    assert_ended(ended, 0);
    ended = cli_run("run", "--until-idle", NULL);
    assert_ended(ended, 0);
    ck_assert_str_eq(ended.err, "");
    ended = cli_run("resume", two, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "QUEUED");
    ended = cli_run("show", one, NULL);
    assert_contains(ended.out, "SUSPENDED");
    ended = cli_run("cancel", two, one, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "CANCELLED");
    assert_queue_empty();
}
END_TEST

START_TEST(prefixes)
{
    const char *file = cli_make_file("file", 10);
    char ids[17][40], prefix[40], braced[42];
    int a = 0, b = 0;
    for (int i = 0; i < 17; i++) { /* two of seventeen begin with the same of sixteen digits */
        memcpy(ids[i], detach(file, cli_url("file")), 37);
    }
    for (int i = 1; a == b; i++) {
        for (int k = 0; k < i && a == b; k++) {
            a = ids[i][0] == ids[k][0] ? i : 0;
            b = ids[i][0] == ids[k][0] ? k : 0;
        }
    }
    (void)snprintf(prefix, sizeof prefix, "%.1s", ids[a]);
    struct ended ended = cli_run("show", prefix, NULL);
    assert_ended(ended, 2);
    assert_contains(ended.err, ids[a]);
    assert_contains(ended.err, ids[b]);
    ended = cli_run("cancel", ids[a], prefix, NULL); /* one wrong id: nothing is changed */
    assert_ended(ended, 2);
    (void)snprintf(prefix, sizeof prefix, "%.18s", ids[a]);
    ended = cli_run("show", prefix, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.out, ids[a]);
    (void)snprintf(braced, sizeof braced, "{%s}", ids[b]);
    for (char *c = braced; *c != '\0'; c++) {
        *c = *c >= 'a' && *c <= 'f' ? (char)(*c - 'a' + 'A') : *c;
    }
    assert_ended(cli_run("show", braced, NULL), 0);
    ended = cli_run("suspend", ids[a], braced, ids[a], NULL);
    assert_ended(ended, 2);
    assert_contains(ended.err, "the same job");
    ended = cli_run("show", ids[a], NULL);
    assert_contains(ended.out, "QUEUED");
}
END_TEST

/* The only job, as if another user of the same folder had made it: only root could make one here. */
static void give_to_another_user(void)
{
    sqlite3 *db = NULL;
    char sql[128];
    (void)snprintf(sql, sizeof sql, "UPDATE jobs SET owner_uid = %u", (unsigned)geteuid() + 1);
    ck_assert_int_eq(sqlite3_open(cli_path("queue/queue.db"), &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_changes(db), 1);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* Who may look into the queue sees all that is in it, as in "bcj2 watch". */
START_TEST(jobs_of_other_users)
{
    char owner[32], prefix[9];
    char *id = detach(cli_make_file("file", 10), cli_url("file"));
    give_to_another_user();
    ck_assert_str_eq(only_job(), id);
    (void)snprintf(prefix, sizeof prefix, "%.8s", id);
    (void)snprintf(owner, sizeof owner, "S-1-22-1-%u", (unsigned)geteuid() + 1);
    struct ended ended = cli_run("--json", "list", NULL);
    assert_ended(ended, 0);
    assert_contains(ended.out, owner);
    ended = cli_run("show", prefix, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.out, id);
    assert_ended(cli_run("set", prefix, "description", "seen by others", NULL), 0);
    ended = cli_run("show", prefix, NULL);
    assert_contains(ended.out, "seen by others");
    ended = cli_run("suspend", prefix, NULL);
    assert_ended(ended, 0);
    assert_contains(ended.err, "SUSPENDED");
    assert_ended(cli_run("cancel", prefix, NULL), 0);
    assert_queue_empty();
}
END_TEST

START_TEST(application_forbids)
{
    struct ended ended =
        cli_run("upload-reply", cli_make_file("file", 10), cli_url("forbidden?token=secret"), NULL);
    assert_ended(ended, 1);
    char *id = only_job();
    char advice[128];
    assert_contains(ended.err, "HTTP status 403");
    assert_lacks(ended.err, "secret");
    (void)snprintf(advice, sizeof advice, " resume %s", id);
    assert_contains(ended.err, advice);
    (void)snprintf(advice, sizeof advice, " cancel %s", id);
    assert_contains(ended.err, advice);
    ck_assert_uint_eq(ended.out_length, 0);
    ended = cli_run("show", id, NULL);
    assert_contains(ended.out, "ERROR");
    assert_contains(ended.out, "HTTP status 403");
    ended = cli_run("resume", id, NULL);
    assert_ended(ended, 0);
    ended = cli_run("run", "--until-idle", NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "HTTP status 403");
    assert_ended(cli_run("cancel", id, NULL), 0);
}
END_TEST

/* A port of this machine where nobody listens. */
static const char *closed_url(void)
{
    static char url[64];
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    (void)close(fd);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/file", ntohs(address.sin_port));
    return url;
}

START_TEST(unreachable_server)
{
    struct running run;
    cli_start(&run, false, "upload-reply", cli_make_file("file", 10), closed_url(), NULL);
    cli_expect(&run, "to retry");
    struct ended ended = cli_end(&run, SIGTERM);
    assert_ended(ended, 128 + SIGTERM);
    assert_contains(ended.err, "stays in the queue");
    char *id = only_job();
    assert_contains(ended.err, id);
    ended = cli_run("show", id, NULL);
    assert_contains(ended.out, "TRANSIENT_ERROR");
    assert_contains(ended.out, "next try");
}
END_TEST

START_TEST(interrupted_and_continued)
{
    const char *file = cli_make_file("file", SLOW_BYTES);
    struct running run;
    cli_restart_server("--limit-rate", SLOW_RATE);
    cli_start(&run, false, "upload-reply", file, cli_url("file"), NULL);
    cli_expect(&run, "uploading");
    struct ended ended = cli_end(&run, SIGINT);
    assert_ended(ended, 128 + SIGINT);
    ck_assert_uint_eq(ended.out_length, 0);
    char *id = only_job();
    char advice[128];
    (void)snprintf(advice, sizeof advice, "complete %s", id);
    assert_contains(ended.err, "run --until-idle");
    assert_contains(ended.err, advice);
    cli_restart_server(NULL, NULL);
    ended = cli_run("run", "--until-idle", NULL);
    assert_ended(ended, 0);
    ended = cli_run("complete", id, NULL);
    assert_ended(ended, 0);
    ck_assert_uint_eq(ended.out_length, SLOW_BYTES);
    ck_assert_mem_eq(ended.out, cli_read(file, NULL), SLOW_BYTES);
}
END_TEST

START_TEST(cancel_tells_the_server)
{
    const char *file = cli_make_file("file", SLOW_BYTES);
    struct running run;
    cli_restart_server("--limit-rate", SLOW_RATE);
    cli_start(&run, false, "upload-reply", file, cli_url("file"), NULL);
    cli_expect(&run, "uploading");
    assert_ended(cli_end(&run, SIGINT), 128 + SIGINT);
    char *id = only_job();
    /* while another job waits nothing is moved, and nobody is told: the next run does both */
    char *other = detach(file, cli_url("other"));
    assert_ended(cli_run("cancel", id, NULL), 0);
    assert_lacks(cli_read(cli_path("server.log"), NULL), "cancel {");
    assert_ended(cli_run("cancel", other, NULL), 0);
    assert_contains(cli_read(cli_path("server.log"), NULL), "cancel {");
    assert_queue_empty();
}
END_TEST

START_TEST(progress_bar_on_a_terminal)
{
    const char *file = cli_make_file("file", SLOW_BYTES);
    struct running run;
    cli_restart_server("--limit-rate", SLOW_RATE);
    /* in the background the first pieces are small: there is something to see early */
    cli_start(&run, true, "upload-reply", file, cli_url("silent"), "--priority", "normal", NULL);
    cli_expect(&run, "[#");
    cli_expect(&run, "/s, ");
    cli_expect(&run, " left, uploading");
    struct ended ended = cli_end(&run, 0);
    assert_ended(ended, 0);
    assert_contains(ended.err, "\r");
    assert_contains(ended.err, "100%, 3.0 MiB of 3.0 MiB, done");
    /* at most five pictures a second, of three seconds */
    size_t pictures = 0;
    for (const char *c = ended.err; *c != '\0'; c++) {
        pictures += *c == '\r' && c[1] != '\n';
    }
    ck_assert_uint_ge(pictures, 4);
    ck_assert_uint_le(pictures, 60);
}
END_TEST

START_TEST(reply_is_kept_if_stdout_is_full)
{
    if (!cli_exists("/dev/full")) {
        return;
    }
    const char *file = cli_make_file("file", 1000);
    char kept[PATH_SIZE];
    const char *argv[] = {
        getenv("BCJ2_PROGRAM"), "--queue", cli_path("queue"), "upload-reply", file,
        cli_url("file"),        NULL};
    struct ended ended = cli_run_program(argv, "/dev/full");
    assert_ended(ended, 1);
    char *at = strstr(ended.err, "it is kept in ");
    ck_assert_msg(at != NULL, "%s", ended.err);
    ck_assert_int_eq(sscanf(at, "it is kept in %4095[^:\n]", kept), 1);
    ck_assert(cli_same(kept, file));
    assert_queue_empty();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "cli", 60);
    tcase_add_checked_fixture(tc, cli_setup, cli_teardown);
    tcase_add_loop_test(tc, reply_to_stdout_and_to_a_file, 0, sizeof sizes / sizeof sizes[0]);
    tcase_add_test(tc, plain_upload);
    tcase_add_test(tc, an_empty_reply);
    tcase_add_test(tc, detach_run_complete);
    tcase_add_test(tc, show_tells_all);
    tcase_add_loop_test(tc, advice_can_be_typed, 0, sizeof queue_names / sizeof queue_names[0]);
    tcase_add_test(tc, suspend_resume_cancel);
    tcase_add_test(tc, prefixes);
    tcase_add_test(tc, jobs_of_other_users);
    tcase_add_test(tc, application_forbids);
    tcase_add_test(tc, unreachable_server);
    tcase_add_test(tc, interrupted_and_continued);
    tcase_add_test(tc, cancel_tells_the_server);
    tcase_add_test(tc, progress_bar_on_a_terminal);
    tcase_add_test(tc, reply_is_kept_if_stdout_is_full);
}

SUITE_MAIN("cli", add_cases)
