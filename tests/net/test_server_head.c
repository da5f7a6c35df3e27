/* SPDX-License-Identifier: MIT */
/* bcj2-server and what must not get in: the validation order of wire-protocol 3.2 byte for byte,
   heads that libmicrohttpd lets through, paths out of the root. */
#include "../support/suite.h"
#include "bits_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define E_ARG    0x80070057u
#define E_DENIED 0x80070005u
#define PROTOCOL "BITS-Supported-Protocols: {7df0354d-249b-430f-820d-3d2a9bef4931}\r\n"
#define GUID     "{0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9}"

static struct test_server *server;

static void setup(void)
{
    server = server_start(NULL);
    ck_assert_int_eq(mkdir(server_path(server, "root/in/folder"), 0700), 0);
    ck_assert_int_eq(mkdir(server_path(server, "outside"), 0700), 0);
    server_write(server, "outside/secret", "secret", 6, 0600);
    server_write(server, "root/in/there", "old", 3, 0600);
    ck_assert_int_eq(symlink("../../outside", server_path(server, "root/in/link")), 0);
    ck_assert_int_eq(symlink("../../outside/secret", server_path(server, "root/in/linked")), 0);
    ck_assert_int_eq(mkfifo(server_path(server, "root/in/fifo"), 0600), 0);
}

static void teardown(void)
{
    server_stop(server);
}

/* BITS_POST of a packet with these header lines. */
#define POST(path, lines) "BITS_POST " path " HTTP/1.1\r\nHost: h\r\n" lines "\r\n"
#define PING              "BITS-Packet-Type: Ping\r\nContent-Length: 0\r\n"
#define CREATE            "BITS-Packet-Type: Create-Session\r\nContent-Length: 0\r\n" PROTOCOL
#define FRAGMENT_TO(path, more)                                      \
    POST(path, "BITS-Packet-Type: Fragment\r\nContent-Length: 5\r\n" \
               "Content-Range: bytes 0-4/9\r\n" more)                \
    "12345"

static const struct {
    const char *bytes;
    unsigned status;
    uint32_t code; /* 0: none is sent */
} rows[] = {
    /* 1 */
    {"BITS_POST /in/a HTTP/1.0\r\n" PING "\r\n", 505, 0},
    /* 4 */
    {POST("/in/a", PING "X: a\001b\r\n"), 400, E_ARG},
    {POST("/in/a", PING "X: a\x7f"
                        "b\r\n"),
     400, E_ARG},
    {POST("/in/a", PING "X: a\rb\r\n"), 400, E_ARG},
    {POST("/in/a", PING "X\001: b\r\n"), 400, E_ARG},
    {POST("/in/a", PING "X: folded\r\n value\r\n"), 400, E_ARG},
    {"BITS_POST /in/a HTTP/1.1\nHost: h\n" PING "\n", 400, E_ARG},
    {"BITS_POST  /in/a HTTP/1.1\r\nHost: h\r\n" PING "\r\n", 400, E_ARG},
    {"BITS_POST /in/a  HTTP/1.1\r\nHost: h\r\n" PING "\r\n", 400, E_ARG},
    {"BITS_POST /in/a b HTTP/1.1\r\nHost: h\r\n" PING "\r\n", 400, E_ARG},
    /* 5 */
    {POST("/in/a", "Content-Length: 0\r\n"), 400, E_ARG},
    {POST("/in/a", "BITS-Packet-Type: Pong\r\nContent-Length: 0\r\n"), 400, E_ARG},
    {POST("/in/a", "BITS-Package-Type: Ping\r\nContent-Length: 0\r\n"), 400, E_ARG},
    /* 6 */
    {POST("/in/a", "BITS-Packet-Type: Ping\r\n"), 411, E_ARG},
    {POST("/in/a", "BITS-Packet-Type: Ping\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n", 411,
     E_ARG},
    {POST("/in/a", PING "Transfer-Encoding: chunked\r\n") "0\r\n\r\n", 411, E_ARG},
    {POST("/in/a", PING "Transfer-Encoding: identity\r\n"), 411, E_ARG},
    {POST("/in/a", PING "Content-Length: 5\r\n") "12345", 400, E_ARG},
    {POST("/in/a", PING "Content-Length: 0\r\n"), 400, E_ARG},
    /* 7 */
    {POST("/in/a", "BITS-Packet-Type: Ping\r\nContent-Length: 5\r\n") "12345", 400, E_ARG},
    /* 8 */
    {POST("/in/../a", PING), 403, E_DENIED},
    {POST("/in/%2e%2e/a", PING), 403, E_DENIED},
    {POST("/in/%2E./a", PING), 403, E_DENIED},
    {POST("/in/./a", PING), 403, E_DENIED},
    {POST("/in/a%00", PING), 403, E_DENIED},
    {POST("/in/a%0a", PING), 403, E_DENIED},
    {POST("/in/a%2fb", PING), 403, E_DENIED},
    {POST("/in/a%5cb", PING), 403, E_DENIED},
    {POST("/in\\a", PING), 403, E_DENIED},
    {POST("/in//a", PING), 403, E_DENIED},
    {POST("/in/a%4", PING), 403, E_DENIED},
    {POST("/in/a%ff", PING), 403, E_DENIED},
    {POST("/in/a\001b", PING), 403, E_DENIED},
    {POST("/in/a#b", PING), 403, E_DENIED},
    {POST("in/a", PING), 403, E_DENIED},
    {POST("*", PING), 403, E_DENIED},
    {POST("/in/BITS-Sessions/a", PING), 403, E_DENIED},
    {POST("/in/bits-sessions/Requests/a", CREATE), 403, E_DENIED},
    {POST("/in/BITS%2dSessions/a", CREATE), 403, E_DENIED},
    {POST("/in/BITS-Sessions", CREATE), 403, E_DENIED},
    {POST("/in/link/a", CREATE), 403, E_DENIED},
    {POST("/in/linked", CREATE), 403, E_DENIED},
    {POST("/in/fifo", CREATE), 403, E_DENIED},
    {POST("/in/there/a", CREATE), 403, E_DENIED}, /* the "folder" is a file */
    /* 9 */
    {POST("/in/folder", CREATE), 400, E_ARG},
    {POST("/in/folder/", CREATE), 400, E_ARG},
    {POST("/", CREATE), 400, E_ARG},
    {FRAGMENT_TO("/in/folder", "BITS-Session-Id: " GUID "\r\n"), 400, E_ARG},
    {POST("/in/folder", PING), 200, 0},
    /* 10 */
    {FRAGMENT_TO("/in/a", ""), 400, E_ARG},
    {FRAGMENT_TO("/in/a", "BITS-Session-Id: a b\r\n"), 400, E_ARG},
    {POST("/in/a", "BITS-Packet-Type: Close-Session\r\nContent-Length: 0\r\n"), 400, E_ARG},
    /* 11 */
    {FRAGMENT_TO("/in/a", "BITS-Session-Id: " GUID "\r\n"), 500, 0x8020001F},
    {FRAGMENT_TO("/in/a", "BITS-Session-Id: 12345\r\n"), 500, 0x8020001F},
    {POST("/in/a", "BITS-Packet-Type: Cancel-Session\r\nContent-Length: 0\r\n"
                   "BITS-Session-Id: " GUID "\r\n"),
     500, 0x8020001F},
    /* Create-Session */
    {POST("/in/a", "BITS-Packet-Type: Create-Session\r\nContent-Length: 0\r\n"), 400, E_ARG},
    {POST("/in/missing/a", CREATE), 404, 0x80070003},
    {POST("/in/there", CREATE), 403, E_DENIED},
    {POST("/in/a", CREATE), 200, 0},
    {POST("http://elsewhere/in/a%20b?q=%00", CREATE), 200, 0},
    /* forms */
    {"POST /in/a HTTP/1.1\r\nHost: h\r\nX-Http-Method-Override: BITS_POST\r\n" PING "\r\n", 200, 0},
    {"bits_post /in/a HTTP/1.1\r\nHost: h\r\n" PING "\r\n", 405, 0},
    {"POST /in/a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 405, 0},
    {"PUT /in/a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 405, 0},
    {"DELETE /in/there HTTP/1.1\r\nHost: h\r\n\r\n", 405, 0},
};

START_TEST(validation_rows)
{
    struct raw_answer a = raw_ask(server_port(server), rows[_i].bytes, strlen(rows[_i].bytes));
    ck_assert_msg(a.status == rows[_i].status, "%s\n-> %s", rows[_i].bytes, a.head);
    ck_assert_uint_eq(a.body_length, 0);
    const char *code = raw_field(&a, "BITS-Error-Code");
    ck_assert_uint_eq(code == NULL ? 0 : strtoul(code, NULL, 16), rows[_i].code);
    ck_assert_int_eq(raw_field(&a, "BITS-Error-Context") != NULL, rows[_i].code != 0);
    raw_free(&a);
    ck_assert(!server_exists(server, "outside/a"));
    ck_assert(!server_exists(server, "a"));
}
END_TEST

#define BYTES(text)              \
    {                            \
        (text), sizeof(text) - 1 \
    }
static const struct {
    const char *bytes;
    size_t length;
} with_nul[] = {
    BYTES("BITS_POST /in/a HTTP/1.1\r\nHost: h\r\n" PING "X: a\0b\r\n\r\n"),
    BYTES("BITS_POST /in/a HTTP/1.1\r\nHost: h\r\n" PING "X\0Y: b\r\n\r\n"),
    BYTES("BITS_POST /in/a\0b HTTP/1.1\r\nHost: h\r\n" PING "\r\n"),
    BYTES("BITS_POST /in/a HTTP/1.1\r\nHost: h\0\r\n" PING "\r\n"),
    BYTES("BITS_POST /in/a HTTP/1.1\r\nHost: h\r\nBITS-Packet-Type: Ping\r\n"
          "Content-Length: 0\0 5\r\n\r\n12345"),
    BYTES("GET /in/there HTTP/1.1\r\nHost: h\0\r\n\r\n"),
    BYTES("GET /in/there\0x HTTP/1.1\r\nHost: h\r\n\r\n"),
};

START_TEST(nul_in_the_head)
{
    struct raw_answer a = raw_ask(server_port(server), with_nul[_i].bytes, with_nul[_i].length);
    ck_assert_msg(a.status == 400 || a.status == 0, "%s", a.head);
    raw_free(&a);
}
END_TEST

/* After a head whose framing is doubtful nothing more is read from the connection. */
START_TEST(no_request_is_smuggled)
{
    static const char *const first[] = {
        POST("/in/a", PING "Content-Length: 5\r\n"),
        POST("/in/a", PING "Transfer-Encoding: chunked\r\n"),
        "GET /in/there HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n",
        "GET /in/there HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        struct raw_answer a;
        int fd = raw_open(server_port(server));
        raw_text(fd, first[i]);
        (void)raw_try_send(fd, POST("/in/a", PING), strlen(POST("/in/a", PING)));
        raw_read(fd, true, &a);
        ck_assert_msg(a.status >= 400, "%s", a.head);
        ck_assert_str_eq(raw_field(&a, "Connection"), "close");
        ck_assert(raw_closed(fd));
        raw_free(&a);
        raw_close(fd);
    }
}
END_TEST

START_TEST(long_heads)
{
    static char text[200000];
    static const struct {
        size_t value, fields;
        unsigned status;
    } heads[] = {{4096, 1, 200}, {4097, 1, 400}, {4000, 15, 200}, {4000, 17, 431}};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        int n = snprintf(text, sizeof text, "BITS_POST /in/a HTTP/1.1\r\nHost: h\r\n" PING);
        for (size_t k = 0; k < heads[i].fields; k++) {
            n += snprintf(text + n, sizeof text - (size_t)n, "X-%zu: ", k);
            memset(text + n, 'v', heads[i].value);
            n += (int)heads[i].value;
            n += snprintf(text + n, sizeof text - (size_t)n, "\r\n");
        }
        n += snprintf(text + n, sizeof text - (size_t)n, "\r\n");
        struct raw_answer a = raw_ask(server_port(server), text, (size_t)n);
        ck_assert_msg(a.status == heads[i].status, "%zu: %s", i, a.head);
        raw_free(&a);
    }
}
END_TEST

/* A good request behind a refused small body is answered on the same connection. */
START_TEST(small_refused_body_is_read_over)
{
    struct bits b = bits_open(server, "/in/a");
    (void)snprintf(b.session, sizeof b.session, "%s", GUID);
    char *data = bits_pattern(1048576);
    ck_assert_uint_eq(bits_fragment(&b, 0, data, 1048576, 5000000), 500);
    ck_assert_uint_eq(bits_offset(&b), 0);
    ck_assert_uint_eq(bits_packet(&b, "Ping", ""), 200);
    ck_assert_ptr_null(raw_field(&b.answer, "Connection"));
    free(data);
    bits_close(&b);
}
END_TEST

/* A larger one is not waited for; the answer arrives all the same, even at a client that sends all of
   its body before it looks. */
START_TEST(large_refused_body_closes)
{
    struct bits b = bits_open(server, "/in/a");
    (void)snprintf(b.session, sizeof b.session, "%s", GUID);
    char *data = bits_pattern(8388608);
    for (int i = 0; i < 5; i++) {
        bits_fragment_head(&b, "bytes 0-8388607/99999999", 8388608);
        ck_assert(raw_try_send(b.fd, data, 8388608));
        bits_read(&b);
        ck_assert_uint_eq(b.answer.status, 500);
        ck_assert_str_eq(raw_field(&b.answer, "Connection"), "close");
        bits_reconnect(&b);
    }
    free(data);
    bits_close(&b);
}
END_TEST

START_TEST(uploads_off)
{
    struct test_server *off = server_start_config("{\"BITSUploadEnabled\": 0}", NULL);
    struct bits b = bits_open(off, "/in/a");
    ck_assert_uint_eq(bits_packet(&b, "Ping", ""), 501);
    ck_assert_uint_eq(bits_error(&b), E_DENIED);
    ck_assert_uint_eq(bits_context(&b), 5);
    bits_close(&b);
    server_stop(off);
}
END_TEST

static const char *const no_files[] = {
    "/in/../in/there",
    "/in/%2e%2e/in/there",
    "/in/link/secret",
    "/in/linked",
    "/in/folder",
    "/in/folder/",
    "/",
    "/in/fifo",
    "/in/missing",
    "/BITS-Sessions/port",
    "/in/there/",
    "/in/there%00",
    "/in/BITS-Sessions/",
    "//in/there",
    "/in/there/x",
    "/bits-sessions/port",
    "/in/%2fthere",
    "/in\\there",
};

START_TEST(no_file_there)
{
    struct bits b = bits_open(server, "");
    unsigned status = bits_get(&b, no_files[_i], "");
    ck_assert_msg(status == 404 || status == 400, "%s: %u", no_files[_i], status);
    ck_assert_uint_eq(b.answer.body_length, 0);
    bits_close(&b);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "rows", 60);
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, validation_rows, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_loop_test(tc, nul_in_the_head, 0, (int)(sizeof with_nul / sizeof with_nul[0]));
    tcase_add_test(tc, no_request_is_smuggled);
    tcase_add_test(tc, long_heads);
    tcase_add_test(tc, small_refused_body_is_read_over);
    tcase_add_test(tc, large_refused_body_closes);
    tcase_add_loop_test(tc, no_file_there, 0, (int)(sizeof no_files / sizeof no_files[0]));
    tc = suite_case(suite, "off", 60);
    tcase_add_test(tc, uploads_off);
}

SUITE_MAIN("server_head", add_cases)
