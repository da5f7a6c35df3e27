/* SPDX-License-Identifier: MIT */
/* bcj2-server without an application: every case of a fragment, Close and Cancel, sessions over a
   kill, two writers, limits, time-out, the rate, and the properties of a folder. */
#include "../support/suite.h"
#include "bits_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define E_ARG       0x80070057u
#define E_DENIED    0x80070005u
#define E_TOO_LARGE 0x80200020u
#define NO_SESSION  0x8020001Fu

static struct test_server *server;

static void setup(void)
{
    server = server_start(NULL);
}

static void teardown(void)
{
    server_stop(server);
}

static void expect_file(struct test_server *s, const char *relative, const char *data, size_t size)
{
    size_t length = 0;
    char *got = server_read(s, relative, &length);
    ck_assert_msg(got != NULL, "%s is missing", relative);
    ck_assert_uint_eq(length, size);
    ck_assert_int_eq(memcmp(got, data, size), 0);
    free(got);
}

/* The path of the session's unfinished file below the server's folder. */
static const char *request_file(const struct bits *b)
{
    static char path[200];
    (void)snprintf(path, sizeof path, "root/in/BITS-Sessions/Requests/%s/requestfile.bin",
                   b->session);
    return path;
}

/* Looks until that much of the upload has arrived; the case's time limit is the end of it. */
static struct stat wait_size(const struct test_server *s, const struct bits *b, off_t size)
{
    const struct timespec a_little = {.tv_nsec = 1000000};
    struct stat st = {.st_size = 0};
    while (st.st_size < size) {
        (void)nanosleep(&a_little, NULL);
        ck_assert_int_eq(stat(server_path(s, request_file(b)), &st), 0);
    }
    return st;
}

static const struct {
    size_t size, fragment;
} uploads[] = {{0, 1}, {1, 1}, {5119, 5120}, {5120, 5120}, {262145, 65536}, {3000000, 1000000}};

START_TEST(whole_upload)
{
    size_t size = uploads[_i].size, sent = 0;
    char *data = bits_pattern(size);
    struct bits b = bits_open(server, "/in/a%20b.bin?acct=9");
    ck_assert_uint_eq(bits_packet(&b, "Ping", ""), 200);
    bits_create(&b);
    ck_assert_str_eq(raw_field(&b.answer, "BITS-Protocol"),
                     "{7df0354d-249b-430f-820d-3d2a9bef4931}");
    ck_assert_str_eq(raw_field(&b.answer, "Accept-Encoding"), "identity");
    ck_assert_ptr_null(raw_field(&b.answer, "BITS-Host-Id"));
    if (size == 0) {
        bits_fragment_head(&b, "bytes 0-0/0", 0);
        bits_read(&b);
    }
    while (sent < size) {
        size_t length = size - sent < uploads[_i].fragment ? size - sent : uploads[_i].fragment;
        ck_assert(!server_exists(server, "root/in/a b.bin"));
        ck_assert_uint_eq(bits_fragment(&b, sent, data + sent, length, size), 200);
        sent += length;
        ck_assert_uint_eq(bits_offset(&b), sent);
        ck_assert_str_eq(raw_field(&b.answer, "BITS-Session-Id"), b.session);
    }
    ck_assert_uint_eq(b.answer.status, 200);
    ck_assert_ptr_null(raw_field(&b.answer, "BITS-Reply-URL"));
    expect_file(server, "root/in/a b.bin", data, size);
    ck_assert_uint_eq(bits_packet(&b, "Close-Session", ""), 200);
    ck_assert_uint_eq(bits_packet(&b, "Close-Session", ""), 500);
    ck_assert_uint_eq(bits_error(&b), NO_SESSION);
    ck_assert(!server_exists(server, request_file(&b)));
    expect_file(server, "root/in/a b.bin", data, size);
    ck_assert_int_eq(unlink(server_path(server, "root/in/a b.bin")), 0);
    free(data);
    bits_close(&b);
}
END_TEST

static const char *const empty_forms[] = {"bytes 0-0/0", "bytes */0", "bytes 0--1/0",
                                          "bytes 0-18446744073709551615/0"};

START_TEST(empty_upload_forms)
{
    struct bits b = bits_open(server, "/in/empty");
    bits_create(&b);
    bits_fragment_head(&b, empty_forms[_i], 0);
    bits_read(&b);
    ck_assert_uint_eq(b.answer.status, 200);
    ck_assert_uint_eq(bits_offset(&b), 0);
    expect_file(server, "root/in/empty", "", 0);
    bits_fragment_head(&b, empty_forms[_i], 0); /* its Ack was lost: the same again */
    bits_read(&b);
    ck_assert_uint_eq(b.answer.status, 200);
    ck_assert_int_eq(unlink(server_path(server, "root/in/empty")), 0);
    bits_close(&b);
}
END_TEST

/* One session goes through the table of 3.3; the file must come out right whatever overlaps. */
START_TEST(fragment_cases)
{
    char *data = bits_pattern(1000);
    char other[1000];
    struct server_sums before = server_sums(server);
    memset(other, '!', sizeof other);
    struct bits b = bits_open(server, "/in/cases");
    bits_create(&b);
    ck_assert_uint_eq(bits_fragment(&b, 100, data, 100, 1000), 416); /* gap */
    ck_assert_uint_eq(bits_offset(&b), 0);
    ck_assert_str_eq(raw_field(&b.answer, "BITS-Error-Code"), "0x00000000");
    ck_assert_uint_eq(bits_context(&b), 5);
    ck_assert_uint_eq(bits_fragment(&b, 0, data, 300, 1000), 200); /* append */
    ck_assert_uint_eq(bits_offset(&b), 300);
    ck_assert_uint_eq(bits_fragment(&b, 0, other, 300, 1000), 200); /* duplicate */
    ck_assert_uint_eq(bits_offset(&b), 300);
    memcpy(other + 300, data + 300, 200);
    ck_assert_uint_eq(bits_fragment(&b, 200, other + 200, 300, 1000), 200); /* overlap */
    ck_assert_uint_eq(bits_offset(&b), 500);
    ck_assert_uint_eq(bits_fragment(&b, 500, data + 500, 100, 999), 400); /* another total */
    ck_assert_uint_eq(bits_error(&b), E_ARG);
    ck_assert_uint_eq(bits_offset(&b), 500);
    ck_assert_uint_eq(bits_fragment(&b, 501, data + 501, 1, 1000), 416); /* gap of one */
    bits_fragment_head(&b, "bytes 500-599/1000", 5);                     /* length mismatch */
    raw_send(b.fd, data, 5);
    bits_read(&b);
    ck_assert_uint_eq(b.answer.status, 400);
    ck_assert_uint_eq(bits_fragment(&b, 500, data + 500, 500, 1000), 200);
    ck_assert_uint_eq(bits_offset(&b), 1000);
    expect_file(server, "root/in/cases", data, 1000);
    ck_assert_uint_eq(bits_fragment(&b, 999, data + 999, 1, 1000), 200); /* complete: cached */
    ck_assert_uint_eq(bits_offset(&b), 1000);
    ck_assert_uint_eq(bits_fragment(&b, 999, data + 999, 1, 1001), 400);
    struct server_sums after = server_sums(server);
    ck_assert_uint_eq(after.fresh - before.fresh, 1000);
    ck_assert_uint_eq(after.duplicate - before.duplicate, 300 + 100 + 1);
    free(data);
    bits_close(&b);
}
END_TEST

START_TEST(strict416)
{
    struct test_server *strict = server_start_config("{\"strict416\": true}", NULL);
    struct bits b = bits_open(strict, "/in/f");
    bits_create(&b);
    ck_assert_uint_eq(bits_fragment(&b, 0, "0123456789", 10, 20), 200);
    ck_assert_uint_eq(bits_fragment(&b, 0, "0123456789", 10, 20), 416);
    ck_assert_uint_eq(bits_offset(&b), 10);
    ck_assert_uint_eq(bits_fragment(&b, 5, "0123456789", 10, 20), 416);
    ck_assert_uint_eq(bits_fragment(&b, 10, "0123456789", 10, 20), 200);
    bits_close(&b);
    server_stop(strict);
}
END_TEST

START_TEST(session_belongs_to_its_path)
{
    struct bits b = bits_open(server, "/in/mine");
    bits_create(&b);
    b.path = "/in/yours";
    ck_assert_uint_eq(bits_fragment(&b, 0, "x", 1, 2), 500);
    ck_assert_uint_eq(bits_error(&b), NO_SESSION);
    ck_assert_uint_eq(bits_packet(&b, "Cancel-Session", ""), 500);
    b.path = "/in/mine?other=query";
    for (char *p = b.session; *p != '\0'; p++) { /* ids: case and braces do not matter */
        *p = (char)(*p >= 'a' && *p <= 'f' ? *p - 32 : *p);
    }
    memmove(b.session, b.session + 1, strlen(b.session));
    b.session[strlen(b.session) - 1] = '\0';
    ck_assert_uint_eq(bits_fragment(&b, 0, "x", 1, 2), 200);
    ck_assert_str_eq(raw_field(&b.answer, "BITS-Session-Id"), b.session);
    ck_assert_uint_eq(bits_packet(&b, "cancel-session", ""), 200);
    bits_close(&b);
}
END_TEST

START_TEST(close_and_cancel)
{
    static const char *const packets[] = {"Close-Session", "Cancel-Session"};
    for (size_t i = 0; i < 2; i++) {
        struct bits b = bits_open(server, "/in/never");
        bits_create(&b);
        ck_assert_uint_eq(bits_fragment(&b, 0, "part", 4, 100), 200);
        ck_assert(server_exists(server, request_file(&b)));
        ck_assert_uint_eq(bits_packet(&b, packets[i], ""), 200);
        ck_assert(!server_exists(server, request_file(&b)));
        ck_assert(!server_exists(server, "root/in/never"));
        ck_assert_uint_eq(bits_fragment(&b, 4, "part", 4, 100), 500);
        ck_assert_uint_eq(bits_error(&b), NO_SESSION);
        bits_create(&b); /* cancelled after the last byte: the file stays */
        ck_assert_uint_eq(bits_fragment(&b, 0, "whole", 5, 5), 200);
        ck_assert_uint_eq(bits_packet(&b, packets[i], ""), 200);
        expect_file(server, "root/in/never", "whole", 5);
        ck_assert_int_eq(unlink(server_path(server, "root/in/never")), 0);
        bits_close(&b);
    }
    struct bits b = bits_open(server, "/in/lost");
    bits_create(&b);
    ck_assert_uint_eq(bits_fragment(&b, 0, "part", 4, 100), 200);
    ck_assert_int_eq(unlink(server_path(server, request_file(&b))), 0);
    ck_assert_uint_eq(bits_packet(&b, "Close-Session", ""), 404);
    bits_close(&b);
}
END_TEST

START_TEST(two_sessions_for_one_path)
{
    struct bits first = bits_open(server, "/in/race"), second = bits_open(server, "/in/race");
    bits_create(&first);
    bits_create(&second);
    ck_assert_str_ne(first.session, second.session);
    ck_assert_uint_eq(bits_fragment(&first, 0, "first", 5, 5), 200);
    ck_assert_uint_eq(bits_fragment(&second, 0, "second", 6, 6), 403);
    ck_assert_uint_eq(bits_error(&second), E_DENIED);
    ck_assert_uint_eq(bits_offset(&second), 6);
    expect_file(server, "root/in/race", "first", 5);
    ck_assert_int_eq(unlink(server_path(server, "root/in/race")), 0); /* now there is room */
    ck_assert_uint_eq(bits_fragment(&second, 5, "d", 1, 6), 200);
    expect_file(server, "root/in/race", "second", 6);
    bits_close(&first);
    bits_close(&second);
}
END_TEST

START_TEST(overwriting)
{
    struct test_server *s =
        server_start_config("{\"BITSAllowOverwrites\": 1, \"conflict_409\": true}", NULL);
    server_write(s, "root/in/f", "old content", 11, 0600);
    struct bits b = bits_open(s, "/in/f");
    bits_create(&b);
    ck_assert_uint_eq(bits_fragment(&b, 0, "new", 3, 3), 200);
    expect_file(s, "root/in/f", "new", 3);
    b.path = "/in/d";
    bits_create(&b);
    ck_assert_int_eq(mkdir(server_path(s, "root/in/d"), 0700), 0); /* a folder is not replaced */
    ck_assert_uint_eq(bits_fragment(&b, 0, "new", 3, 3), 400);
    bits_close(&b);
    server_stop(s);
    s = server_start_config("{\"conflict_409\": true}", NULL);
    server_write(s, "root/in/f", "old content", 11, 0600);
    b = bits_open(s, "/in/f");
    b.session[0] = '\0';
    ck_assert_uint_eq(
        bits_packet(&b, "Create-Session",
                    "BITS-Supported-Protocols: {7df0354d-249b-430f-820d-3d2a9bef4931}\r\n"),
        409);
    ck_assert_uint_eq(bits_error(&b), E_DENIED);
    bits_close(&b);
    server_stop(s);
}
END_TEST

/* ---- broken connections ---- */

START_TEST(broken_body_is_kept)
{
    char *data = bits_pattern(500000);
    struct bits b = bits_open(server, "/in/broken");
    bits_create(&b);
    bits_fragment_head(&b, "bytes 0-299999/500000", 300000);
    raw_send(b.fd, data, 123456);
    bits_reconnect(&b);
    char line[200];
    (void)snprintf(line, sizeof line,
                   "fragment %s 0-299999/500000 new 123456 duplicate 0 next 123456 status broken",
                   b.session);
    server_wait_logged(server, line, 1);
    ck_assert_uint_eq(bits_fragment(&b, 0, data, 100, 500000), 200); /* the probe */
    ck_assert_uint_eq(bits_offset(&b), 123456);
    ck_assert_uint_eq(bits_fragment(&b, 123456, data + 123456, 376544, 500000), 200);
    expect_file(server, "root/in/broken", data, 500000);
    free(data);
    bits_close(&b);
}
END_TEST

/* The newer of two requests wins; the older connection ends. */
START_TEST(newer_request_wins)
{
    char *data = bits_pattern(200000);
    struct bits old = bits_open(server, "/in/two");
    bits_create(&old);
    bits_fragment_head(&old, "bytes 0-199999/200000", 200000);
    raw_send(old.fd, data, 70000);
    (void)wait_size(server, &old, 70000);
    struct bits new = bits_open(server, "/in/two");
    memcpy(new.session, old.session, sizeof new.session);
    ck_assert_uint_eq(bits_fragment(&new, 0, data, 10, 200000), 200);
    uint64_t next = bits_offset(&new);
    ck_assert_uint_eq(next, 70000);
    ck_assert(raw_closed(old.fd));
    ck_assert_uint_eq(bits_fragment(&new, next, data + next, 200000 - next, 200000), 200);
    expect_file(server, "root/in/two", data, 200000);
    free(data);
    bits_close(&old);
    bits_close(&new);
}
END_TEST

/* ---- kills ---- */

/* After a kill the session is where the file ends, even in the middle of a fragment. */
START_TEST(session_survives_kill)
{
    char *data = bits_pattern(400000);
    struct test_server *s = server_start(NULL);
    struct bits b = bits_open(s, "/in/kill");
    bits_create(&b);
    server_kill(s);
    server_restart(s);
    bits_reconnect(&b);
    ck_assert_uint_eq(bits_fragment(&b, 0, data, 100000, 400000), 200);
    bits_fragment_head(&b, "bytes 100000-399999/400000", 300000);
    raw_send(b.fd, data + 100000, 200000);
    struct stat st = wait_size(s, &b, 150000);
    server_kill(s);
    ck_assert_int_eq(stat(server_path(s, request_file(&b)), &st), 0);
    server_restart(s);
    bits_reconnect(&b);
    ck_assert_uint_eq(bits_fragment(&b, 100000, data + 100000, 10, 400000), 200);
    uint64_t next = bits_offset(&b);
    ck_assert_uint_eq(next, (uint64_t)st.st_size);
    ck_assert_uint_eq(bits_fragment(&b, next, data + next, 10, 399999), 400); /* total is known */
    ck_assert_uint_eq(bits_fragment(&b, next, data + next, 400000 - next, 400000), 200);
    expect_file(s, "root/in/kill", data, 400000);
    server_kill(s);
    server_restart(s); /* the answer is kept */
    bits_reconnect(&b);
    ck_assert_uint_eq(bits_fragment(&b, 399999, data + 399999, 1, 400000), 200);
    ck_assert_uint_eq(bits_offset(&b), 400000);
    ck_assert_uint_eq(bits_packet(&b, "Close-Session", ""), 200);
    expect_file(s, "root/in/kill", data, 400000);
    server_kill(s);
    server_restart(s);
    bits_reconnect(&b);
    ck_assert_uint_eq(bits_packet(&b, "Close-Session", ""), 500); /* it does not come back */
    free(data);
    bits_close(&b);
    server_stop(s);
}
END_TEST

static void edit_record(struct test_server *s, const struct bits *b, const char *from,
                        const char *to)
{
    char relative[200];
    (void)snprintf(relative, sizeof relative, "root/in/BITS-Sessions/Requests/%s/session.json",
                   b->session);
    size_t length = 0;
    char *text = server_read(s, relative, &length), *changed = malloc(length + 200);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(changed);
    char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "%s is not in %s", from, text);
    int n =
        snprintf(changed, length + 200, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    server_write(s, relative, changed, (size_t)n, 0600);
    free(text);
    free(changed);
}

/* After a reboot only what was synced is believed. */
START_TEST(reboot_falls_back_to_synced)
{
    char *data = bits_pattern(100000);
    struct test_server *s = server_start(NULL);
    struct bits b = bits_open(s, "/in/boot");
    bits_create(&b);
    ck_assert_uint_eq(bits_fragment(&b, 0, data, 60000, 100000), 200);
    server_kill(s);
    edit_record(s, &b, "\"synced\":\"0\"", "\"synced\":\"5000\"");
    edit_record(s, &b, "\"boot_id\":\"", "\"boot_id\":\"another-");
    server_restart(s);
    bits_reconnect(&b);
    ck_assert_uint_eq(bits_fragment(&b, 60000, data + 60000, 40000, 100000), 416);
    ck_assert_uint_eq(bits_offset(&b), 5000);
    ck_assert_uint_eq(bits_fragment(&b, 5000, data + 5000, 95000, 100000), 200);
    expect_file(s, "root/in/boot", data, 100000);
    free(data);
    bits_close(&b);
    server_stop(s);
}
END_TEST

/* The record cannot be read: the session is not found, the server works. */
START_TEST(damaged_record)
{
    static const char *const broken[] = {"", "{", "[]", "{\"version\":2}",
                                         "{\"version\":1,\"path\":\"/in/x\"}"};
    struct test_server *s = server_start(NULL);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct bits b = bits_open(s, "/in/x");
        char relative[200];
        bits_create(&b);
        (void)snprintf(relative, sizeof relative, "root/in/BITS-Sessions/Requests/%s/session.json",
                       b.session);
        server_write(s, relative, broken[i], strlen(broken[i]), 0600);
        server_restart(s);
        bits_reconnect(&b);
        ck_assert_uint_eq(bits_fragment(&b, 0, "x", 1, 2), 500);
        ck_assert_uint_eq(bits_error(&b), NO_SESSION);
        bits_create(&b);
        bits_close(&b);
    }
    server_stop(s);
}
END_TEST

/* A kill in the only fragment, when every byte is there but its total is not recorded yet. */
START_TEST(killed_before_the_total_is_known)
{
    struct test_server *s = server_start(NULL);
    struct bits b = bits_open(s, "/in/only");
    char relative[200];
    bits_create(&b);
    (void)snprintf(relative, sizeof relative, "%s", request_file(&b));
    server_kill(s);
    server_write(s, relative, "content", 7, 0600); /* what the fragment left */
    server_restart(s);
    bits_reconnect(&b);
    ck_assert_uint_eq(bits_fragment(&b, 0, "con", 3, 7), 200); /* the probe */
    ck_assert_uint_eq(bits_offset(&b), 7);
    expect_file(s, "root/in/only", "content", 7);
    bits_close(&b);
    server_stop(s);
}
END_TEST

/* What a kill leaves of sessions that were being made or deleted goes at the next start; what is not
   a session's stays. */
START_TEST(rubbish_is_cleared)
{
    static const char id[] = "{0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9}";
    static const char *const folders[] = {"Requests", "Replies"};
    static const char *const files[] = {"requestfile.bin", "responsefile.bin"};
    struct test_server *s = server_start(NULL);
    struct bits b = bits_open(s, "/in/x");
    char relative[300];
    bits_create(&b);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(relative, sizeof relative, "root/in/BITS-Sessions/%s", folders[i]);
        (void)mkdir(server_path(s, relative), 0700);
        (void)snprintf(relative, sizeof relative, "root/in/BITS-Sessions/%s/%s", folders[i], id);
        ck_assert_int_eq(mkdir(server_path(s, relative), 0700), 0);
        (void)snprintf(relative, sizeof relative, "root/in/BITS-Sessions/%s/%s/%s", folders[i], id,
                       files[i]);
        server_write(s, relative, "x", 1, 0600);
    }
    server_write(s, "root/in/BITS-Sessions/Requests/readme", "x", 1, 0600);
    server_restart(s);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(relative, sizeof relative, "root/in/BITS-Sessions/%s/%s", folders[i], id);
        ck_assert(!server_exists(s, relative));
    }
    ck_assert(server_exists(s, "root/in/BITS-Sessions/Requests/readme"));
    bits_reconnect(&b);
    ck_assert_uint_eq(bits_fragment(&b, 0, "x", 1, 1), 200);
    bits_close(&b);
    server_stop(s);
}
END_TEST

/* A kill between moving the file and recording it: the next try finds it at its destination. */
START_TEST(killed_after_moving)
{
    struct test_server *s = server_start(NULL);
    struct bits b = bits_open(s, "/in/moved");
    bits_create(&b);
    ck_assert_uint_eq(bits_fragment(&b, 0, "con", 3, 7), 200);
    ck_assert_uint_eq(bits_fragment(&b, 3, "tent", 4, 7), 200);
    server_kill(s);
    edit_record(s, &b, "\"moved\":true", "\"moved\":false");
    edit_record(s, &b, "\"done\":", "\"undone\":");
    server_restart(s);
    bits_reconnect(&b);
    ck_assert_uint_eq(bits_fragment(&b, 6, "t", 1, 7), 200);
    ck_assert_uint_eq(bits_offset(&b), 7);
    expect_file(s, "root/in/moved", "content", 7);
    bits_close(&b);
    server_stop(s);
}
END_TEST

/* ---- properties ---- */

START_TEST(size_limits)
{
    struct test_server *s =
        server_start_config("{\"BITSMaximumUploadSize\": \"1000\", \"http_413_above\": 500}", NULL);
    char *data = bits_pattern(2000);
    struct bits b = bits_open(s, "/in/big");
    bits_create(&b);
    ck_assert_uint_eq(bits_fragment(&b, 0, data, 10, 1001), 500);
    ck_assert_uint_eq(bits_error(&b), E_TOO_LARGE);
    ck_assert_uint_eq(bits_offset(&b), 0);
    ck_assert_uint_eq(bits_fragment(&b, 0, data, 501, 1000), 413);
    ck_assert_uint_eq(bits_offset(&b), 0);
    ck_assert_uint_eq(bits_fragment(&b, 0, data, 500, 1000), 200);
    ck_assert_uint_eq(bits_fragment(&b, 500, data + 500, 500, 1000), 200);
    expect_file(s, "root/in/big", data, 1000);
    free(data);
    bits_close(&b);
    server_stop(s);
}
END_TEST

START_TEST(host_id_and_session_limit)
{
    struct test_server *s = server_start_config(
        "{\"BITSHostId\": \"node3.example.test:8080\", \"BITSHostIdFallbackTimeout\": 3600,"
        " \"BITSSessionLimitEnable\": true, \"BITSNumberOfSessionsLimit\": 2}",
        NULL);
    struct bits b = bits_open(s, "/in/h");
    bits_create(&b);
    ck_assert_str_eq(raw_field(&b.answer, "BITS-Host-Id"), "node3.example.test:8080");
    ck_assert_str_eq(raw_field(&b.answer, "BITS-Host-Id-Fallback-Timeout"), "3600");
    bits_create(&b);
    char second[sizeof b.session];
    memcpy(second, b.session, sizeof second);
    b.session[0] = '\0';
    ck_assert_uint_eq(
        bits_packet(&b, "Create-Session",
                    "BITS-Supported-Protocols: {7df0354d-249b-430f-820d-3d2a9bef4931}\r\n"),
        503);
    memcpy(b.session, second, sizeof second);
    ck_assert_uint_eq(bits_packet(&b, "Cancel-Session", ""), 200);
    bits_create(&b);
    bits_close(&b);
    server_stop(s);
}
END_TEST

START_TEST(session_timeout)
{
    struct test_server *s = server_start_config("{\"session_timeout_ms\": 300}", NULL);
    struct bits b = bits_open(s, "/in/late");
    bits_create(&b);
    ck_assert_uint_eq(bits_fragment(&b, 0, "part", 4, 100), 200);
    char line[100];
    (void)snprintf(line, sizeof line, "expire %s\n", b.session);
    server_wait_logged(s, line, 1);
    ck_assert(!server_exists(s, request_file(&b)));
    ck_assert_uint_eq(bits_fragment(&b, 4, "part", 4, 100), 500);
    ck_assert_uint_eq(bits_error(&b), NO_SESSION);
    bits_create(&b); /* its time goes on over a restart */
    server_kill(s);
    server_restart(s);
    (void)snprintf(line, sizeof line, "expire %s\n", b.session);
    server_wait_logged(s, line, 1);
    bits_close(&b);
    server_stop(s);
}
END_TEST

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* 40,000 bytes at 100,000 a second take 0.4 s at least, each way; another connection does not wait
   for them. */
START_TEST(limited_rate)
{
    static const char *const options[] = {"--limit-rate", "100000", NULL};
    char *data = bits_pattern(40000);
    struct test_server *s = server_start(options);
    struct bits b = bits_open(s, "/in/slow"), other = bits_open(s, "/in/other");
    bits_create(&b);
    uint64_t start = now_ms();
    bits_fragment_head(&b, "bytes 0-39999/40000", 40000);
    raw_send(b.fd, data, 40000);
    ck_assert_uint_eq(bits_packet(&other, "Ping", ""), 200);
    struct stat st; /* the Ping was answered while the upload went on */
    ck_assert_int_eq(stat(server_path(s, request_file(&b)), &st), 0);
    ck_assert_int_lt(st.st_size, 40000);
    bits_read(&b);
    ck_assert_uint_eq(b.answer.status, 200);
    ck_assert_uint_ge(now_ms() - start, 390);
    expect_file(s, "root/in/slow", data, 40000);
    start = now_ms();
    ck_assert_uint_eq(bits_get(&b, "/in/slow", ""), 200);
    ck_assert_uint_eq(b.answer.body_length, 40000);
    ck_assert_int_eq(memcmp(b.answer.body, data, 40000), 0);
    ck_assert_uint_ge(now_ms() - start, 340); /* the last piece need not be waited for */
    free(data);
    bits_close(&b);
    bits_close(&other);
    server_stop(s);
}
END_TEST

/* A server that is stopped in the middle of things stops. */
START_TEST(stop_while_busy)
{
    static const char *const options[] = {"--limit-rate", "1000", NULL};
    struct test_server *s = server_start(options);
    struct bits b[8];
    for (size_t i = 0; i < 8; i++) {
        b[i] = bits_open(s, "/in/busy");
        bits_create(&b[i]);
        bits_fragment_head(&b[i], "bytes 0-99999/100000", 100000);
        raw_send(b[i].fd, "0123456789", 10);
        (void)wait_size(s, &b[i], 10);
    }
    server_restart(s);
    ck_assert_uint_eq(server_logged(s, "status broken"), 8);
    for (size_t i = 0; i < 8; i++) {
        bits_close(&b[i]);
    }
    server_stop(s);
}
END_TEST

/* A head that trickles in is not waited for forever, neither the first nor a later one; a slow body is
   fine as long as bytes come. */
START_TEST(slow_heads)
{
    static const char head[] = "BITS_POST /in/x HTTP/1.1\r\nHost: a-very-slow-client\r\n";
    const struct timespec a_little = {.tv_nsec = 100000000};
    struct test_server *s = server_start_config("{\"connection_idle_s\": 1}", NULL);
    struct bits b = bits_open(s, "/in/x"), later = bits_open(s, "/in/x");
    ck_assert_uint_eq(bits_packet(&later, "Ping", ""), 200);
    size_t sent = 0;
    bool open = true;
    while (open && sent < sizeof head - 1) { /* 5 s in all */
        open = raw_try_send(b.fd, head + sent, 1) && raw_try_send(later.fd, head + sent, 1);
        sent++;
        (void)nanosleep(&a_little, NULL);
    }
    ck_assert(!open);
    ck_assert(raw_closed(b.fd));
    ck_assert(raw_closed(later.fd));
    bits_reconnect(&b);
    bits_create(&b);
    bits_fragment_head(&b, "bytes 0-14/15", 15);
    for (int i = 0; i < 15; i++) {
        raw_text(b.fd, "x");
        (void)nanosleep(&a_little, NULL);
    }
    bits_read(&b);
    ck_assert_uint_eq(b.answer.status, 200);
    bits_close(&b);
    bits_close(&later);
    server_stop(s);
}
END_TEST

/* It would clear the uploads of the first one as leftovers of a kill. */
START_TEST(one_server_a_root)
{
    struct test_server *first = server_start(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl(getenv("BCJ2_SERVER"), "bcj2-server", "--root", server_root(first), "--listen",
                    "127.0.0.1:0", (char *)NULL);
        _exit(99);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 1);
    server_kill(first);
    server_restart(first); /* the lock went with the process */
    server_stop(first);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "uploads", 60);
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, whole_upload, 0, (int)(sizeof uploads / sizeof uploads[0]));
    tcase_add_loop_test(tc, empty_upload_forms, 0, 4);
    tcase_add_test(tc, fragment_cases);
    tcase_add_test(tc, session_belongs_to_its_path);
    tcase_add_test(tc, close_and_cancel);
    tcase_add_test(tc, two_sessions_for_one_path);
    tcase_add_test(tc, broken_body_is_kept);
    tcase_add_test(tc, newer_request_wins);
    tc = suite_case(suite, "kills", 60);
    tcase_add_test(tc, session_survives_kill);
    tcase_add_test(tc, reboot_falls_back_to_synced);
    tcase_add_test(tc, damaged_record);
    tcase_add_test(tc, killed_before_the_total_is_known);
    tcase_add_test(tc, rubbish_is_cleared);
    tcase_add_test(tc, killed_after_moving);
    tcase_add_test(tc, stop_while_busy);
    tcase_add_test(tc, one_server_a_root);
    tc = suite_case(suite, "properties", 60);
    tcase_add_test(tc, strict416);
    tcase_add_test(tc, overwriting);
    tcase_add_test(tc, size_limits);
    tcase_add_test(tc, host_id_and_session_limit);
    tcase_add_test(tc, session_timeout);
    tcase_add_test(tc, limited_rate);
    tcase_add_test(tc, slow_heads);
}

SUITE_MAIN("server", add_cases)
