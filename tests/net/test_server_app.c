/* SPDX-License-Identifier: MIT */
/* bcj2-server with an application: a program, an HTTP application by value and by reference; replies,
   failures, what is cached, time limits, and that a slow one holds nobody up. */
#include "../support/http_script.h"
#include "../support/suite.h"
#include "bits_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HTTP(n) (0x80190000u + (n))

/* The program: notes each run, waits for the file "go" if there is a file "hold", copies its input
   behind the URL, and exits as the file "status" says. */
static const char script[] = "#!/bin/sh\n"
                             "cd \"$(dirname \"$0\")\" || exit 1\n"
                             "echo run >>runs\n"
                             "while [ -e hold ] && [ ! -e go ]; do sleep 0.01; done\n"
                             "printf '%s|' \"$BITS_ORIGINAL_REQUEST_URL\"\n"
                             "cat\n"
                             "exit \"$(cat status 2>/dev/null || echo 0)\"\n";

static const char *const with_script[] = {"--app-exec", "FOLDER/app.sh", NULL};

static struct test_server *start(const char *json)
{
    struct test_server *s =
        json == NULL ? server_start(with_script) : server_start_config(json, with_script);
    server_write(s, "app.sh", script, sizeof script - 1, 0700);
    return s;
}

static void set(struct test_server *s, const char *name, const char *content)
{
    server_write(s, name, content, strlen(content), 0600);
}

static size_t runs(struct test_server *s)
{
    size_t length = 0;
    free(server_read(s, "runs", &length));
    return length / strlen("run\n");
}

static void upload(struct bits *b, const char *content)
{
    size_t length = strlen(content);
    bits_create(b);
    (void)bits_fragment(b, 0, content, length, length);
}

static void expect_reply(struct bits *b, const char *reply)
{
    const char *url = raw_field(&b->answer, "BITS-Reply-URL");
    char path[400];
    ck_assert_uint_eq(b->answer.status, 200);
    ck_assert_ptr_nonnull(url);
    (void)snprintf(path, sizeof path, "%s", url);
    ck_assert_uint_eq(bits_get(b, path, ""), 200);
    ck_assert_str_eq(b->answer.body, reply);
}

START_TEST(program_replies)
{
    struct test_server *s = start(NULL);
    struct bits b = bits_open(s, "/in/order%2017.bin?acct=9");
    char expected[300], path[200];
    upload(&b, "some content");
    ck_assert_uint_eq(bits_offset(&b), 12);
    (void)snprintf(path, sizeof path, "/in/BITS-Sessions/Replies/%%7B%.36s%%7D/responsefile.bin",
                   b.session + 1);
    ck_assert_str_eq(raw_field(&b.answer, "BITS-Reply-URL"), path);
    (void)snprintf(expected, sizeof expected, "%s|some content",
                   server_url(s, "/in/order%2017.bin?acct=9"));
    expect_reply(&b, expected);
    ck_assert(!server_exists(s, "root/in/order 17.bin"));      /* the application has it */
    ck_assert_uint_eq(bits_fragment(&b, 11, "t", 1, 12), 200); /* the Ack was lost: the same */
    ck_assert_str_eq(raw_field(&b.answer, "BITS-Reply-URL"), path);
    server_kill(s);
    server_restart(s); /* and over a kill */
    bits_reconnect(&b);
    ck_assert_uint_eq(bits_fragment(&b, 11, "t", 1, 12), 200);
    expect_reply(&b, expected);
    ck_assert_uint_eq(runs(s), 1);
    ck_assert_uint_eq(bits_packet(&b, "Close-Session", ""), 200);
    ck_assert_uint_eq(bits_get(&b, path, ""), 404);
    ck_assert(!server_exists(s, "root/in/BITS-Sessions/Replies/x"));
    bits_close(&b);
    server_stop(s);
}
END_TEST

START_TEST(iis_style_url_and_no_reply)
{
    static const char *const options[] = {"--app-exec", "cat", NULL};
    struct test_server *s = server_start_config("{\"iis_style_reply_url\": true}", options);
    struct bits b = bits_open(s, "/in/x");
    char expected[200];
    upload(&b, "x");
    (void)snprintf(expected, sizeof expected, "BITS-Sessions\\Replies\\%s\\responsefile.bin",
                   b.session);
    ck_assert_str_eq(raw_field(&b.answer, "BITS-Reply-URL"), expected);
    bits_create(&b); /* no output: no reply */
    bits_fragment_head(&b, "bytes 0-0/0", 0);
    bits_read(&b);
    ck_assert_uint_eq(b.answer.status, 200);
    ck_assert_ptr_null(raw_field(&b.answer, "BITS-Reply-URL"));
    bits_close(&b);
    server_stop(s);
}
END_TEST

static const struct {
    const char *status;
    unsigned http;
    bool final;
} endings[] = {{"75", 503, false}, {"77", 403, true}, {"1", 500, false}, {"255", 500, false}};

START_TEST(program_fails)
{
    struct test_server *s = start(NULL);
    struct bits b = bits_open(s, "/in/f");
    set(s, "status", endings[_i].status);
    upload(&b, "content");
    ck_assert_uint_eq(b.answer.status, endings[_i].http);
    ck_assert_uint_eq(bits_error(&b), HTTP(endings[_i].http));
    ck_assert_uint_eq(bits_context(&b), 7);
    ck_assert_uint_eq(bits_offset(&b), 7);
    ck_assert_uint_eq(runs(s), 1);
    server_kill(s);
    server_restart(s);
    bits_reconnect(&b);
    set(s, "status", "0");
    unsigned again = bits_fragment(&b, 6, "t", 1, 7);
    ck_assert_uint_eq(again, endings[_i].final ? 403 : 200);
    ck_assert_uint_eq(runs(s), endings[_i].final ? 1 : 2);
    if (endings[_i].final) {
        ck_assert_uint_eq(bits_error(&b), HTTP(403));
        ck_assert_uint_eq(bits_context(&b), 7);
    } else {
        char expected[200];
        (void)snprintf(expected, sizeof expected, "%s|content", server_url(s, "/in/f"));
        expect_reply(&b, expected);
    }
    ck_assert_uint_eq(bits_packet(&b, "Cancel-Session", ""), 200);
    bits_close(&b);
    server_stop(s);
}
END_TEST

START_TEST(program_killed_or_missing)
{
    static const char *const options[] = {"--app-exec", "FOLDER/app.sh", NULL};
    static const char suicide[] = "#!/bin/sh\nkill -9 $$\n";
    struct test_server *s = server_start(options);
    struct bits b = bits_open(s, "/in/f");
    upload(&b, "content");
    ck_assert_uint_eq(b.answer.status, 500);
    ck_assert_uint_eq(bits_error(&b), HTTP(500));
    ck_assert_uint_eq(bits_context(&b), 7);
    server_write(s, "app.sh", suicide, sizeof suicide - 1, 0700);
    ck_assert_uint_eq(bits_fragment(&b, 6, "t", 1, 7), 500);
    bits_close(&b);
    server_stop(s);
}
END_TEST

START_TEST(program_takes_too_long)
{
    struct test_server *s = start("{\"application_timeout_ms\": 200}");
    struct bits b = bits_open(s, "/in/f");
    set(s, "hold", "");
    upload(&b, "content");
    ck_assert_uint_eq(b.answer.status, 408);
    ck_assert_uint_eq(bits_error(&b), 0x800705B4);
    ck_assert_uint_eq(bits_context(&b), 7);
    ck_assert_uint_eq(bits_offset(&b), 7);
    set(s, "go", "");
    ck_assert_uint_eq(bits_fragment(&b, 6, "t", 1, 7), 200);
    ck_assert_uint_eq(runs(s), 2);
    bits_close(&b);
    server_stop(s);
}
END_TEST

/* Requests wait for the program; others do not; all final fragments share its one run. */
START_TEST(slow_program)
{
    enum { WAITING = 5 };
    struct test_server *s = start(NULL);
    struct bits b[WAITING], other = bits_open(s, "/in/other");
    set(s, "hold", "");
    for (size_t i = 0; i < WAITING; i++) {
        b[i] = bits_open(s, "/in/slow");
    }
    bits_create(&b[0]);
    bits_fragment_head(&b[0], "bytes 0-6/7", 7);
    raw_text(b[0].fd, "content");
    struct stat st;
    while (stat(server_path(s, "runs"), &st) != 0) { /* the program runs */
        ck_assert_uint_eq(bits_packet(&other, "Ping", ""), 200);
    }
    for (size_t i = 1; i < WAITING; i++) {
        memcpy(b[i].session, b[0].session, sizeof b[i].session);
        bits_fragment_head(&b[i], "bytes 6-6/7", 1);
        raw_text(b[i].fd, "t");
    }
    for (int i = 0; i < 20; i++) {
        ck_assert_uint_eq(bits_packet(&other, "Ping", ""), 200);
    }
    bits_create(&other);
    ck_assert_uint_eq(bits_fragment(&other, 0, "part", 4, 100), 200);
    set(s, "go", "");
    char expected[200];
    (void)snprintf(expected, sizeof expected, "%s|content", server_url(s, "/in/slow"));
    for (size_t i = 0; i < WAITING; i++) {
        bits_read(&b[i]);
        ck_assert_uint_eq(bits_offset(&b[i]), 7);
        expect_reply(&b[i], expected);
        bits_close(&b[i]);
    }
    ck_assert_uint_eq(runs(s), 1);
    bits_close(&other);
    server_stop(s);
}
END_TEST

/* Cancelled while the program runs: the waiting request hears that there is no session any more, and
   nothing stays. */
START_TEST(cancelled_while_it_runs)
{
    struct test_server *s = start(NULL);
    struct bits b = bits_open(s, "/in/f"), other = bits_open(s, "/in/f");
    set(s, "hold", "");
    bits_create(&b);
    memcpy(other.session, b.session, sizeof other.session);
    bits_fragment_head(&b, "bytes 0-6/7", 7);
    raw_text(b.fd, "content");
    struct stat st;
    while (stat(server_path(s, "runs"), &st) != 0) {
        ck_assert_uint_eq(bits_packet(&other, "Ping", ""), 200);
    }
    ck_assert_uint_eq(bits_packet(&other, "Cancel-Session", ""), 200);
    set(s, "go", "");
    bits_read(&b);
    ck_assert_uint_eq(b.answer.status, 500);
    ck_assert_uint_eq(bits_error(&b), 0x8020001F);
    char relative[100];
    (void)snprintf(relative, sizeof relative, "root/in/BITS-Sessions/Replies/%s", b.session);
    ck_assert(!server_exists(s, relative));
    (void)snprintf(relative, sizeof relative, "root/in/BITS-Sessions/Requests/%s", b.session);
    ck_assert(!server_exists(s, relative));
    bits_close(&b);
    bits_close(&other);
    server_stop(s);
}
END_TEST

/* Stopped while programs run: they are ended, the server ends with status 0 (server_stop asserts it),
   and the upload is handed over again afterwards. */
START_TEST(stopped_while_it_runs)
{
    struct test_server *s = start(NULL);
    struct bits b = bits_open(s, "/in/f");
    set(s, "hold", "");
    bits_create(&b);
    bits_fragment_head(&b, "bytes 0-6/7", 7);
    raw_text(b.fd, "content");
    struct bits other = bits_open(s, "/in/f");
    struct stat st;
    while (stat(server_path(s, "runs"), &st) != 0) {
        ck_assert_uint_eq(bits_packet(&other, "Ping", ""), 200);
    }
    server_restart(s);
    set(s, "go", "");
    bits_reconnect(&b);
    ck_assert_uint_eq(bits_fragment(&b, 6, "t", 1, 7), 200);
    ck_assert_uint_eq(runs(s), 2);
    bits_close(&b);
    bits_close(&other);
    server_stop(s);
}
END_TEST

/* ---- HTTP applications ---- */

static struct test_server *start_url(struct http_script *app, const char *path)
{
    const char *const options[] = {"--app-url", http_script_url(app, path), NULL};
    return server_start(options);
}

#define APP(...)                                                 \
    static const struct http_step steps_[] = {__VA_ARGS__, END}; \
    const struct http_step *const lists_[] = {steps_};           \
    struct http_script *app = http_script_start(lists_, 1)

START_TEST(by_value)
{
    APP(ASK, SAY("HTTP/1.1 200 OK\r\nBITS-Copy-File-To-Destination: yes\r\n"
                 "Content-Length: 5\r\n\r\nreply"));
    struct test_server *s = start_url(app, "/shop/take-order?a=1");
    struct bits b = bits_open(s, "/in/order.bin?acct=9");
    upload(&b, "the order");
    ck_assert_uint_eq(bits_offset(&b), 9);
    expect_reply(&b, "reply");
    size_t length = 0;
    char *got = http_script_received(app, 0, &length), *file = NULL, url[300];
    ck_assert_int_eq(strncmp(got, "POST /shop/take-order?a=1&acct=9 HTTP/1.1\r\n", 43), 0);
    (void)snprintf(url, sizeof url, "\r\nBITS-Original-Request-URL: %s\r\n",
                   server_url(s, "/in/order.bin?acct=9"));
    ck_assert_ptr_nonnull(strstr(got, url));
    ck_assert_ptr_nonnull(strstr(got, "\r\nContent-Length: 9\r\n"));
    ck_assert_ptr_null(strstr(got, "DataFile-Name"));
    ck_assert_str_eq(got + length - 9, "the order");
    file = server_read(s, "root/in/order.bin", NULL); /* copied, as it was asked for */
    ck_assert_str_eq(file, "the order");
    ck_assert_uint_eq(bits_packet(&b, "Close-Session", ""), 200);
    ck_assert(server_exists(s, "root/in/order.bin"));
    free(file);
    free(got);
    bits_close(&b);
    server_stop(s);
    http_script_stop(app);
}
END_TEST

/* After a reboot only synced bytes of an upload are believed; but one that is finished was synced, and
   its copy, which is the same file, must not be cut off with it. */
START_TEST(copy_survives_a_reboot)
{
    APP(ASK, SAY("HTTP/1.1 200 OK\r\nBITS-Copy-File-To-Destination: yes\r\n"
                 "Content-Length: 5\r\n\r\nreply"));
    static const char key[] = "\"boot_id\":\"";
    struct test_server *s = start_url(app, "/");
    struct bits b = bits_open(s, "/in/order.bin");
    char name[200], changed[2000];
    upload(&b, "the order");
    server_kill(s);
    (void)snprintf(name, sizeof name, "root/in/BITS-Sessions/Requests/%s/session.json", b.session);
    char *record = server_read(s, name, NULL), *boot_id = strstr(record, key);
    ck_assert_ptr_nonnull(boot_id);
    boot_id += strlen(key);
    int length =
        snprintf(changed, sizeof changed, "%.*sother-%s", (int)(boot_id - record), record, boot_id);
    server_write(s, name, changed, (size_t)length, 0600);
    server_restart(s);
    char *file = server_read(s, "root/in/order.bin", NULL);
    ck_assert_str_eq(file, "the order");
    bits_reconnect(&b);
    ck_assert_uint_eq(bits_fragment(&b, 8, "r", 1, 9), 200);
    expect_reply(&b, "reply");
    ck_assert_uint_eq(bits_packet(&b, "Close-Session", ""), 200);
    ck_assert(server_exists(s, "root/in/order.bin"));
    free(file);
    free(record);
    bits_close(&b);
    server_stop(s);
    http_script_stop(app);
}
END_TEST

static const struct {
    const char *answer;
    unsigned status;
    const char *reply_url; /* NULL: none */
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, NULL},
    {"HTTP/1.1 204 No Content\r\n\r\n", 200, NULL},
    {"HTTP/1.1 200 OK\r\nbits-static-response-url:  http://else.test/r?x=1  \r\n"
     "Content-Length: 7\r\n\r\nignored",
     200, "http://else.test/r?x=1"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, NULL},
    {"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbody", 503, NULL},
    {"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", 403, NULL},
    {"HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n", 418, NULL},
    {"HTTP/1.1 302 Elsewhere\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 302, NULL},
    {"rubbish\r\n\r\n", 502, NULL},
    {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut", 502, NULL},
};

START_TEST(http_answers)
{
    const struct http_step steps[] = {ASK, SAY(answers[_i].answer), END};
    const struct http_step *const lists[] = {steps};
    struct http_script *app = http_script_start(lists, 1);
    struct test_server *s = start_url(app, "/app");
    struct bits b = bits_open(s, "/in/x");
    upload(&b, "1");
    ck_assert_uint_eq(b.answer.status, answers[_i].status);
    const char *url = raw_field(&b.answer, "BITS-Reply-URL");
    ck_assert_str_eq(url == NULL ? "" : url,
                     answers[_i].reply_url == NULL ? "" : answers[_i].reply_url);
    if (answers[_i].status != 200) {
        ck_assert_uint_eq(bits_error(&b), HTTP(answers[_i].status));
        ck_assert_uint_eq(bits_context(&b), 7);
        ck_assert_uint_eq(bits_offset(&b), 1);
    }
    (void)bits_fragment(&b, 0, "1", 1,
                        1); /* the same again: only 200 and 403 are not asked again */
    bool final = answers[_i].status == 200 || answers[_i].status == 403;
    ck_assert_uint_eq(b.answer.status, answers[_i].status);
    ck_assert_uint_eq(http_script_connections(app), final ? 1 : 2);
    bits_close(&b);
    server_stop(s);
    http_script_stop(app);
}
END_TEST

START_TEST(http_unreachable_or_silent)
{
    APP(ASK, HOLD);
    struct bits b;
    static const char *const nowhere[] = {"--app-url", "http://127.0.0.1:1/app", NULL};
    struct test_server *s = server_start(nowhere);
    b = bits_open(s, "/in/x");
    upload(&b, "1");
    ck_assert_uint_eq(b.answer.status, 502);
    ck_assert_uint_eq(bits_error(&b), HTTP(502));
    bits_close(&b);
    server_stop(s);
    const char *const options[] = {"--app-url", http_script_url(app, "/"), NULL};
    s = server_start_config("{\"application_timeout_ms\": 300}", options);
    b = bits_open(s, "/in/x");
    upload(&b, "1");
    ck_assert_uint_eq(b.answer.status, 408);
    ck_assert_uint_eq(bits_error(&b), 0x800705B4);
    ck_assert_uint_eq(bits_context(&b), 7);
    bits_close(&b);
    server_stop(s);
    http_script_stop(app);
}
END_TEST

/* By reference the application gets the names of the files; here it leaves no reply file, so the body
   is the reply. The URL is relative to the upload's. */
START_TEST(by_reference)
{
    APP(ASK, SAY("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"));
    char json[500], line[400];
    (void)snprintf(json, sizeof json,
                   "{\"BITSServerNotificationType\": 1, \"BITSServerNotificationURL\": \"%s\"}",
                   http_script_url(app, "/check"));
    struct test_server *s = server_start_config(json, NULL);
    struct bits b = bits_open(s, "/in/n.txt");
    upload(&b, "content");
    expect_reply(&b, "body");
    char *got = http_script_received(app, 0, NULL);
    ck_assert_int_eq(strncmp(got, "POST /check HTTP/1.1\r\n", 22), 0);
    ck_assert_ptr_nonnull(strstr(got, "\r\nContent-Length: 0\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "\r\nBITS-Request-DataFile-Name: /"));
    ck_assert_ptr_nonnull(strstr(got, "\r\nBITS-Response-DataFile-Name: /"));
    (void)snprintf(line, sizeof line, "/root/in/BITS-Sessions/Requests/%s/requestfile.bin\r\n",
                   b.session);
    ck_assert_ptr_nonnull(strstr(got, line));
    (void)snprintf(line, sizeof line, "/root/in/BITS-Sessions/Replies/%s/responsefile.bin\r\n",
                   b.session);
    ck_assert_ptr_nonnull(strstr(got, line));
    free(got);
    bits_close(&b);
    server_stop(s);
    http_script_stop(app);
}
END_TEST

/* A relative URL is on the server itself, which answers no POST, and not on the host that the client
   names. */
START_TEST(relative_url_stays_here)
{
    APP(ASK, SAY("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"));
    struct test_server *s = server_start_config(
        "{\"BITSServerNotificationType\": 2, \"BITSServerNotificationURL\": \"/hook\"}", NULL);
    struct bits b = bits_open(s, "/in/n.txt");
    b.host_port = http_script_port(app);
    upload(&b, "content");
    ck_assert_uint_eq(b.answer.status, 405);
    ck_assert_uint_eq(bits_context(&b), 7);
    ck_assert_uint_eq(http_script_connections(app), 0);
    bits_close(&b);
    server_stop(s);
    http_script_stop(app);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "program", 60);
    tcase_add_test(tc, program_replies);
    tcase_add_test(tc, iis_style_url_and_no_reply);
    tcase_add_loop_test(tc, program_fails, 0, 4);
    tcase_add_test(tc, program_killed_or_missing);
    tcase_add_test(tc, program_takes_too_long);
    tcase_add_test(tc, slow_program);
    tcase_add_test(tc, cancelled_while_it_runs);
    tcase_add_test(tc, stopped_while_it_runs);
    tc = suite_case(suite, "http", 60);
    tcase_add_test(tc, by_value);
    tcase_add_test(tc, copy_survives_a_reboot);
    tcase_add_loop_test(tc, http_answers, 0, (int)(sizeof answers / sizeof answers[0]));
    tcase_add_test(tc, http_unreachable_or_silent);
    tcase_add_test(tc, relative_url_stays_here);
    tcase_add_test(tc, by_reference);
}

SUITE_MAIN("server_app", add_cases)
