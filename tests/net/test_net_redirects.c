/* SPDX-License-Identifier: MIT */
/* Redirects hop by hop, and methods: what the next request says, whom it is for, and where it ends; 1xx
   heads before an answer. Not here: redirects that meet TLS (test_net_tls_options.c). */
#include "net_client.h"
#include "limit.h"
#include "macro.h"
#include "os.h"
#include "timeouts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OK_HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static size_t count_of(const char *text, const char *words)
{
    size_t count = 0;
    for (const char *p = text; (p = strstr(p, words)) != NULL; p++) {
        count++;
    }
    return count;
}

/* ---- how far ---- */

static const struct {
    size_t hops;
    enum net_failure failure;
} chains[] = {{1, NET_OK},
              {LIMIT_REDIRECTS, NET_OK},
              {LIMIT_REDIRECTS + 1, NET_REDIRECT_REFUSED},
              {1000, NET_REDIRECT_REFUSED}};

START_TEST(chain)
{
    struct http_step steps[2 * (LIMIT_REDIRECTS + 2) + 1] = {{.what = HTTP_END}};
    size_t count = 0;
    for (size_t i = 0; i < LIMIT_REDIRECTS + 2; i++) {
        steps[count++] = (struct http_step)ASK;
        steps[count++] = (struct http_step){
            .what = HTTP_SAY,
            .text = i < chains[_i].hops
                        ? "HTTP/1.1 302 Found\r\nLocation: next\r\nContent-Length: 4\r\n\r\ngone"
                        : OK_HI,
            .count = 1};
    }
    const struct http_step *lists[] = {steps};
    struct http_script *server = http_script_start(lists, 1);
    struct net *n = net_client_create();
    int sink = net_client_file(0);
    struct net_request r = net_client_get(1, http_script_url(server, "/a/b"), sink);
    struct net_event e = net_client_run(n, &r);
    ck_assert_msg(e.failure == chains[_i].failure, "%s", e.detail);
    ck_assert_uint_eq(e.head->status, e.failure == NET_OK ? 200 : 302);
    ck_assert_uint_eq(e.written, e.failure == NET_OK ? 2 : 0);
    ck_assert_str_eq(e.effective_url, http_script_url(server, "/a/next"));
    ck_assert_uint_eq(http_script_connections(server), 1);
    char *got = http_script_received(server, 0, NULL);
    ck_assert_uint_eq(count_of(got, "GET "), MIN(chains[_i].hops, (size_t)LIMIT_REDIRECTS) + 1);
    free(got);
    (void)close(sink);
    bcj2__net_destroy(n);
    http_script_stop(server);
}
END_TEST

/* ---- which, and as what ---- */

static const struct {
    int status;
    const char *method, *next; /* NULL: it is the answer */
} methods[] = {
    {301, "GET", "GET"},      {302, "GET", "GET"},
    {303, "GET", "GET"},      {307, "GET", "GET"},
    {308, "GET", "GET"},      {301, "HEAD", "HEAD"},
    {303, "HEAD", "HEAD"},    {307, "HEAD", "HEAD"},
    {301, "POST", "GET"},     {302, "POST", "GET"},
    {303, "POST", "GET"},     {307, "POST", "POST"},
    {308, "POST", "POST"},    {301, "PROPFIND", "PROPFIND"},
    {303, "PROPFIND", "GET"}, {308, "PROPFIND", "PROPFIND"},
    {300, "GET", NULL},       {304, "GET", NULL},
    {305, "GET", NULL},       {306, "GET", NULL},
    {399, "GET", NULL},       {201, "GET", NULL},
};

START_TEST(method)
{
    char redirect[128], expected[64];
    (void)snprintf(redirect, sizeof redirect,
                   "HTTP/1.1 %d X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
                   methods[_i].status);
    bool head = strcmp(methods[_i].method, "HEAD") == 0;
    const struct http_step steps[] = {
        ASK,  SAY(redirect),
        ASK,  SAY(head ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" : OK_HI),
        HOLD, END};
    const struct http_step *const lists[] = {steps};
    struct http_script *server = http_script_start(lists, 1);
    struct net *n = net_client_create();
    struct net_request r = net_client_get(1, http_script_url(server, "/a"), -1);
    r.method = methods[_i].method;
    struct net_event e = net_client_run(n, &r);
    ck_assert_msg(e.failure == NET_OK, "%s", e.detail);
    char *got = http_script_received(server, 0, NULL);
    (void)snprintf(expected, sizeof expected, "%s /a HTTP/1.1\r\n", methods[_i].method);
    ck_assert_msg(strncmp(got, expected, strlen(expected)) == 0, "%s", got);
    if (methods[_i].next == NULL) {
        ck_assert_uint_eq(e.head->status, (uint32_t)methods[_i].status);
        ck_assert_ptr_null(e.effective_url);
        ck_assert_uint_eq(count_of(got, "HTTP/1.1\r\n"), 1);
    } else {
        ck_assert_uint_eq(e.head->status, 200);
        (void)snprintf(expected, sizeof expected, "\r\n\r\n%s /b HTTP/1.1\r\n", methods[_i].next);
        ck_assert_msg(strstr(got, expected) != NULL, "%s", got);
    }
    free(got);
    bcj2__net_destroy(n);
    http_script_stop(server);
}
END_TEST

/* A HEAD has no body, whatever its head says; the connection is good for the next request. */
START_TEST(head_has_no_body)
{
    static const struct http_step steps[] = {
        ASK,  SAY("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nETag: \"x\"\r\n\r\n"),
        ASK,  SAY(OK_HI),
        HOLD, END};
    const struct http_step *const lists[] = {steps};
    struct http_script *server = http_script_start(lists, 1);
    struct net *n = net_client_create();
    int sink = net_client_file(0);
    struct net_request r = net_client_get(1, http_script_url(server, "/a"), sink);
    r.method = "HEAD";
    assert_status(bcj2__net_start(n, &r), BCJ2_OK);
    struct net_event e = net_client_event(n);
    ck_assert_int_eq(e.type, NET_EV_HEAD);
    ck_assert_str_eq(bcj2__hdrs_get(e.head, "Content-Length"), "1000000");
    assert_status(bcj2__net_continue(n, 1, 0, false), BCJ2_OK);
    e = net_client_event(n);
    ck_assert_int_eq(e.failure, NET_OK);
    ck_assert_uint_eq(e.written, 0);
    r.method = "GET";
    e = net_client_run(n, &r);
    ck_assert_int_eq(e.failure, NET_OK);
    ck_assert(e.reused);
    ck_assert_uint_eq(e.written, 2);
    (void)close(sink);
    bcj2__net_destroy(n);
    http_script_stop(server);
}
END_TEST

/* ---- whom for ---- */

#define PRIVATE "Authorization: Bearer s3cret\0X-Key: k3y\0X-Nothing:\0"

static void expect_private(struct http_script *server, size_t connection, size_t requests,
                           size_t privately)
{
    char *got = http_script_received(server, connection, NULL);
    ck_assert_uint_eq(count_of(got, "GET "), requests);
    ck_assert_uint_eq(count_of(got, "\r\nRange: bytes=5-\r\n"), requests);
    ck_assert_uint_eq(count_of(got, "\r\nAuthorization: Bearer s3cret\r\n"), privately);
    ck_assert_uint_eq(count_of(got, "\r\nX-Key: k3y\r\n"), privately);
    ck_assert_uint_eq(count_of(got, "\r\nX-Nothing:\r\n"), privately);
    free(got);
}

/* First a hop at home, with them; then abroad, without; then home again: still without. */
START_TEST(private_lines)
{
    static char away[128], back[128];
    const struct http_step home_steps[] = {
        ASK,  SAY("HTTP/1.1 302 X\r\nLocation: /2\r\nContent-Length: 0\r\n\r\n"),
        ASK,  SAY(away),
        ASK,  SAY(OK_HI),
        ASK,  SAY(OK_HI),
        HOLD, END};
    const struct http_step abroad_steps[] = {ASK, SAY(back), HOLD, END};
    const struct http_step *const home_lists[] = {home_steps};
    const struct http_step *const abroad_lists[] = {abroad_steps};
    struct http_script *home = http_script_start(home_lists, 1);
    struct http_script *abroad = http_script_start(abroad_lists, 1);
    (void)snprintf(away, sizeof away,
                   "HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:%u/3\r\nContent-Length: 0\r\n\r\n",
                   http_script_port(abroad));
    (void)snprintf(back, sizeof back,
                   "HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:%u/4\r\nContent-Length: 0\r\n\r\n",
                   http_script_port(home));
    struct net *n = net_client_create();
    struct net_request r = net_client_get(1, http_script_url(home, "/1"), -1);
    r.lines = "Range: bytes=5-\0";
    r.private_lines = PRIVATE;
    struct net_event e = net_client_run(n, &r);
    ck_assert_msg(e.failure == NET_OK, "%s", e.detail);
    ck_assert_str_eq(e.effective_url, http_script_url(home, "/4"));
    expect_private(home, 0, 3, 2);
    expect_private(abroad, 0, 1, 0);
    /* the next request at home has them again */
    r = net_client_get(2, http_script_url(home, "/5"), -1);
    r.lines = "Range: bytes=5-\0";
    r.private_lines = PRIVATE;
    ck_assert_int_eq(net_client_run(n, &r).failure, NET_OK);
    expect_private(home, 0, 4, 3);
    bcj2__net_destroy(n);
    http_script_stop(home);
    http_script_stop(abroad);
}
END_TEST

/* The same machine by another name, or another port of it, is another origin. */
START_TEST(same_machine_is_not_the_same_origin)
{
    static char away[128];
    const struct http_step steps[] = {ASK, SAY(away), END};
    const struct http_step then[] = {ASK, SAY(OK_HI), END};
    const struct http_step *const lists[] = {steps, then};
    struct http_script *server = http_script_start(lists, 2);
    (void)snprintf(away, sizeof away,
                   "HTTP/1.1 302 X\r\nLocation: http://127.1:%u/\r\nContent-Length: 0\r\n"
                   "Connection: close\r\n\r\n",
                   http_script_port(server));
    struct net *n = net_client_create();
    struct net_request r = net_client_get(1, http_script_url(server, "/"), -1);
    r.lines = "Range: bytes=5-\0";
    r.private_lines = PRIVATE;
    struct net_event e = net_client_run(n, &r);
    ck_assert_msg(e.failure == NET_OK, "%s", e.detail);
    expect_private(server, 0, 1, 1);
    expect_private(server, 1, 1, 0);
    bcj2__net_destroy(n);
    http_script_stop(server);
}
END_TEST

/* What is told of a hop is of that hop: nothing of the redirect is left in it. */
START_TEST(a_hop_speaks_for_itself)
{
    static const struct http_step steps[] = {
        ASK, SAY("HTTP/1.1 302 X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"), ASK,
        SAY("HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), END};
    static const struct http_step other[] = {ASK, SAY(OK_HI), END};
    static const struct http_step closing[] = {
        ASK,
        SAY("HTTP/1.1 302 X\r\nLocation: /b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        END};
    const struct http_step *const lists[] = {_i == 0 ? steps : closing, other};
    struct http_script *server = http_script_start(lists, 2);
    struct net *n = net_client_create();
    struct net_request r = net_client_get(1, http_script_url(server, "/a"), -1);
    struct net_event e = net_client_run(n, &r);
    ck_assert(!e.reused);
    if (_i == 0) { /* nobody is there */
        ck_assert_int_eq(e.failure, NET_CANNOT_CONNECT);
        ck_assert(!e.connected);
        ck_assert_uint_eq(e.head->status, 0);
    } else { /* a new connection to the same server */
        ck_assert_int_eq(e.failure, NET_OK);
        ck_assert_uint_eq(http_script_connections(server), 2);
    }
    bcj2__net_destroy(n);
    http_script_stop(server);
}
END_TEST

/* ---- 1xx ---- */

#define LONG_FIELD                                                                                \
    "X: "                                                                                         \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890" \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890" \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890" \
    "\r\n"

static const struct {
    const char *head;
    uint64_t count;
    enum net_failure failure;
} interims[] = {
    {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", LIMIT_INTERIM_HEADS, NET_OK},
    {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", LIMIT_INTERIM_HEADS + 1, NET_BAD_HTTP},
    {"HTTP/1.1 102 Processing\r\n\r\n", 1000000, NET_BAD_HTTP},
    {"HTTP/1.1 103 Early Hints\r\n" LONG_FIELD LONG_FIELD LONG_FIELD LONG_FIELD "\r\n", 50, NET_OK},
    {"HTTP/1.1 103 Early Hints\r\n" LONG_FIELD LONG_FIELD LONG_FIELD LONG_FIELD "\r\n", 60,
     NET_BAD_HTTP},
};

START_TEST(interim_flood)
{
    const struct http_step steps[] = {ASK, SAY_N(interims[_i].head, interims[_i].count), SAY(OK_HI),
                                      AGAIN};
    const struct http_step *const lists[] = {steps};
    struct http_script *server = http_script_start(lists, 1);
    struct net *n = net_client_create();
    /* each request of a connection has the whole allowance */
    for (uint64_t t = 0; t < 2; t++) {
        struct net_request r = net_client_get(t, http_script_url(server, "/"), -1);
        struct net_event e = net_client_run(n, &r);
        ck_assert_msg(e.failure == interims[_i].failure, "%s", e.detail);
    }
    bcj2__net_destroy(n);
    http_script_stop(server);
}
END_TEST

/* They do not win time, neither before an answer nor for one whose head never ends. */
static const char *const slow[] = {
    "HTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: 7\r\nH: 8\r\nI: 9\r\n",
};

START_TEST(slow_heads)
{
    const struct http_step steps[] = {ASK, DRIBBLE(slow[_i], 40), HOLD, END};
    const struct http_step *const lists[] = {steps};
    struct http_script *server = http_script_start(lists, 1);
    struct net *n = net_client_create();
    bcj2__timeouts.receive_stall_ms = 300;
    struct net_request r = net_client_get(1, http_script_url(server, "/"), -1);
    r.response_timeout_ms = 300;
    struct net_event e = net_client_run(n, &r);
    ck_assert_int_eq(e.failure, NET_TIMEOUT);
    ck_assert_uint_ge(e.elapsed_ms, 300);
    ck_assert_uint_lt(e.elapsed_ms,
                      700); /* with the clock started again by each it would be more */
    bcj2__net_destroy(n);
    http_script_stop(server);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "redirects", 30);
    tcase_add_loop_test(tc, chain, 0, ARRAY_LEN(chains));
    tcase_add_loop_test(tc, method, 0, ARRAY_LEN(methods));
    tcase_add_test(tc, head_has_no_body);
    tcase_add_test(tc, private_lines);
    tcase_add_test(tc, same_machine_is_not_the_same_origin);
    tcase_add_loop_test(tc, a_hop_speaks_for_itself, 0, 2);
    tc = suite_case(suite, "1xx", 30);
    tcase_add_loop_test(tc, interim_flood, 0, ARRAY_LEN(interims));
    tcase_add_loop_test(tc, slow_heads, 0, ARRAY_LEN(slow));
}

SUITE_MAIN("net_redirects", add_cases)
