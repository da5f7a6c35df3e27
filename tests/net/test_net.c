/* SPDX-License-Identifier: MIT */
/* The transfer engine against scripted servers: the exact requests, answers of every form, pausing
   at the body, redirects. Not here: failures, time-outs, aborts (test_net_failures.c), TLS
   (test_net_tls.c). */
#include "net_client.h"
#include "limits.h"
#include "os.h"

#include <bcj2/version.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OK_EMPTY "HTTP/1.1 200 OK\r\nBITS-Packet-Type: Ack\r\nContent-Length: 0\r\n\r\n"
#define SERVE(...)                                             \
    static const struct http_step steps_[] = {__VA_ARGS__};    \
    const struct http_step *const lists_[] = {steps_};         \
    struct http_script *server = http_script_start(lists_, 1); \
    struct net *n = net_client_create()

static void leave(struct net *n, struct http_script *server)
{
    ck_assert_uint_eq(bcj2__net_running(n), 0);
    bcj2__net_destroy(n);
    http_script_stop(server);
}

/* ---- requests ---- */

static void expect_request(struct http_script *server, const char *fields, const char *body,
                           size_t body_length)
{
    char expected[2048];
    int head = snprintf(expected, sizeof expected,
                        "BITS_POST /up/f.bin?q=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                        "User-Agent: libbcj2/" BCJ2_VERSION "\r\nAccept: */*\r\n%s\r\n",
                        http_script_port(server), fields);
    size_t length = 0;
    char *got = http_script_received(server, 0, &length);
    ck_assert_uint_eq(length, (size_t)head + body_length);
    ck_assert_msg(memcmp(got, expected, (size_t)head) == 0, "got: %s", got);
    ck_assert(body_length == 0 || memcmp(got + head, body, body_length) == 0);
    free(got);
}

START_TEST(exact_fragment)
{
    SERVE(ASK, SAY(OK_EMPTY), HOLD);
    int fd = net_client_file(1000);
    struct net_request r = net_client_post(7, http_script_url(server, "/up/f.bin?q=1#no"), fd, 300);
    r.body_offset = 500;
    r.lines = "BITS-Packet-Type: Fragment\0Content-Range: bytes 500-799/1000\0X-Empty:\0";
    struct net_event e = net_client_run(n, &r);
    ck_assert_int_eq(e.failure, NET_OK);
    ck_assert_uint_eq(e.head->status, 200);
    ck_assert_str_eq(bcj2__hdrs_get(e.head, "bits-packet-type"), "Ack");
    ck_assert_uint_eq(e.sent, 300);
    ck_assert(e.connected && !e.reused);
    ck_assert_ptr_null(e.effective_url);
    ck_assert_str_eq(e.detail, "");
    char body[300];
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] = (char)net_client_byte(500 + i);
    }
    expect_request(server,
                   "BITS-Packet-Type: Fragment\r\nContent-Range: bytes 500-799/1000\r\n"
                   "X-Empty:\r\nContent-Length: 300\r\n",
                   body, sizeof body);
    (void)close(fd);
    leave(n, server);
}
END_TEST

START_TEST(zero_length)
{
    SERVE(ASK, SAY(OK_EMPTY), HOLD);
    struct net_request r = net_client_post(1, http_script_url(server, "/up/f.bin?q=1"), -1, 0);
    r.lines = "BITS-Packet-Type: Create-Session\0";
    struct net_event e = net_client_run(n, &r);
    ck_assert_int_eq(e.failure, NET_OK);
    expect_request(server, "BITS-Packet-Type: Create-Session\r\nContent-Length: 0\r\n", "", 0);
    leave(n, server);
}
END_TEST

START_TEST(exact_get)
{
    SERVE(ASK, SAY("HTTP/1.1 204 No Content\r\n\r\n"), HOLD);
    struct net_request r = net_client_get(1, http_script_url(server, "/r"), -1);
    r.lines = "Range: bytes=5-\0";
    ck_assert_int_eq(net_client_run(n, &r).failure, NET_OK);
    char expected[512], *got = http_script_received(server, 0, NULL);
    (void)snprintf(expected, sizeof expected,
                   "GET /r HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: libbcj2/" BCJ2_VERSION
                   "\r\nAccept: */*\r\nRange: bytes=5-\r\nAccept-Encoding: identity\r\n\r\n",
                   http_script_port(server));
    ck_assert_str_eq(got, expected);
    free(got);
    leave(n, server);
}
END_TEST

START_TEST(one_connection)
{
    SERVE(ASK, SAY(OK_EMPTY), AGAIN);
    int fd = net_client_file(2000000);
    for (uint64_t i = 0; i < 20; i++) {
        struct net_request r =
            i % 2 == 0 ? net_client_post(i, http_script_url(server, "/u"), fd, i * 100000)
                       : net_client_get(i, http_script_url(server, "/g"), -1);
        struct net_event e = net_client_run(n, &r);
        ck_assert_int_eq(e.failure, NET_OK);
        ck_assert_int_eq(e.reused, i > 0);
        ck_assert_uint_eq(e.sent, i % 2 == 0 ? i * 100000 : 0);
    }
    ck_assert_uint_eq(http_script_connections(server), 1);
    (void)close(fd);
    leave(n, server);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "requests", 30);
    tcase_add_test(tc, exact_fragment);
    tcase_add_test(tc, zero_length);
    tcase_add_test(tc, exact_get);
    tcase_add_test(tc, one_connection);
}

SUITE_MAIN("net", add_cases)
