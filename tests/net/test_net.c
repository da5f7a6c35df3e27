/* SPDX-License-Identifier: MIT */
/* The transfer engine against scripted servers: the exact requests, answers of every form, pausing
   at the body, redirects. Not here: failures, time-outs, aborts (test_net_failures.c), TLS
   (test_net_tls.c). */
#include "net_client.h"
#include "limit.h"
#include "os.h"
#include "timeouts.h"

#include <bcj2/version.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OK_EMPTY "HTTP/1.1 200 OK\r\nBITS-Packet-Type: Ack\r\nContent-Length: 0\r\n\r\n"
#define SERVE(...)                                               \
    static const struct http_step steps_[] = {__VA_ARGS__, END}; \
    const struct http_step *const lists_[] = {steps_};           \
    struct http_script *server = http_script_start(lists_, 1);   \
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

/* ---- answers ---- */

static void expect_sink(int fd, uint64_t offset, const char *text)
{
    char got[4096] = "";
    size_t length = 0;
    assert_status(bcj2__os_pread(fd, got, sizeof got - 1, offset, &length), BCJ2_OK);
    ck_assert_str_eq(got, text);
}

/* How a body can be framed, each with trailers or other things around it. */
static const struct {
    const char *answer, *body;
    uint32_t status;
} framing[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", "hello", 200},
    {"HTTP/1.0 200 OK\r\n\r\nhello", "hello", 200},
    {"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nhello", "hello", 206},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
     "hello", 200},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\n"
     "X-T: trailing\r\nContent-Type: evil\r\n\r\n",
     "hello", 200},
    {"HTTP/1.1 100 Continue\r\nX-Old: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Old: 2\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
     "hello", 200},
    {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", "hello", 200},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200},
    {"HTTP/1.1 204 No Content\r\n\r\n", "", 204},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", 304},
    {"HTTP/1.1 300 Multiple Choices\r\nContent-Length: 5\r\n\r\nhello", "hello", 300},
    {"HTTP/1.1 302 Found\r\nLocation: \r\nContent-Length: 5\r\n\r\nhello", "hello", 302},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", "hello", 404},
};

START_TEST(body_into_sink)
{
    struct http_step steps[] = {ASK, SAY(framing[_i].answer), END};
    const struct http_step *lists[] = {steps};
    struct http_script *server = http_script_start(lists, 1);
    struct net *n = net_client_create();
    int sink = net_client_file(0);
    assert_status(bcj2__os_pwrite(sink, "0123456789", 10, 0), BCJ2_OK);
    struct net_request r = net_client_get(3, http_script_url(server, "/"), sink);
    assert_status(bcj2__net_start(n, &r), BCJ2_OK);

    struct net_event e = net_client_event(n);
    ck_assert_int_eq(e.type, NET_EV_HEAD);
    ck_assert_uint_eq(e.head->status, framing[_i].status);
    ck_assert_ptr_null(bcj2__hdrs_get(e.head, "X-Old"));
    net_client_quiet(n, 5); /* nothing more before the answer to HEAD */
    expect_sink(sink, 0, "0123456789");

    assert_status(bcj2__net_continue(n, 3, 8, false), BCJ2_OK);
    e = net_client_event(n);
    ck_assert_int_eq(e.type, NET_EV_DONE);
    ck_assert_msg(e.failure == NET_OK, "%s: %s", bcj2__net_failure_text(e.failure), e.detail);
    ck_assert_uint_eq(e.head->status, framing[_i].status);
    ck_assert_ptr_null(bcj2__hdrs_get(e.head, "X-T"));
    ck_assert_ptr_null(bcj2__hdrs_get(e.head, "Content-Type"));
    ck_assert_uint_eq(e.written, strlen(framing[_i].body));
    ck_assert_uint_eq(e.sink_offset, 8 + strlen(framing[_i].body));
    expect_sink(sink, 0, framing[_i].body[0] == '\0' ? "0123456789" : "01234567hello");
    (void)close(sink);
    leave(n, server);
}
END_TEST

/* A body that goes on behind the end that its head had announced: not a byte of that is written. */
static const struct {
    const char *answer;
    uint64_t end;
} overlong[] = {
    {"HTTP/1.1 206 P\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello....\r\n0\r\n\r\n", 13},
    {"HTTP/1.1 206 P\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n4\r\n....\r\n", 13},
    {"HTTP/1.1 206 P\r\nContent-Length: 9\r\n\r\nhello....", 13},
    {"HTTP/1.1 206 P\r\n\r\nhello....", 13},
    {"HTTP/1.1 206 P\r\nContent-Length: 5\r\n\r\nhello", 13},
    {"HTTP/1.1 206 P\r\nContent-Length: 5\r\n\r\nhello", UINT64_MAX},
};

START_TEST(body_with_an_end)
{
    struct http_step steps[] = {ASK, SAY(overlong[_i].answer), END};
    const struct http_step *lists[] = {steps};
    struct http_script *server = http_script_start(lists, 1);
    struct net *n = net_client_create();
    int sink = net_client_file(0);
    struct net_request r = net_client_get(3, http_script_url(server, "/"), sink);
    assert_status(bcj2__net_start(n, &r), BCJ2_OK);
    struct net_event e = net_client_event(n);
    ck_assert_int_eq(e.type, NET_EV_HEAD);
    bcj2__net_bound(n, 4, 0); /* nobody's */
    bcj2__net_bound(n, 3, overlong[_i].end);
    assert_status(bcj2__net_continue(n, 3, 8, false), BCJ2_OK);
    e = net_client_event(n);
    ck_assert_int_eq(e.type, NET_EV_DONE);
    ck_assert_msg(e.failure == NET_OK, "%s: %s", bcj2__net_failure_text(e.failure), e.detail);
    ck_assert_uint_eq(e.sink_offset, 13);
    ck_assert_uint_eq(e.written, 5);
    expect_sink(sink, 8, "hello"); /* and nothing behind it */
    (void)close(sink);
    leave(n, server);
}
END_TEST

/* 3 MB, through a pause; at two offsets of one file, from two transfers at the same time. */
START_TEST(large_body_at_offset)
{
    static char piece[1001];
    memset(piece, 'x', sizeof piece - 1);
    SERVE(ASK, SAY("HTTP/1.1 206 Partial Content\r\nContent-Length: 3000000\r\n\r\n"),
          SAY_N(piece, 3000), END);
    int sink = net_client_file(0);
    for (uint64_t t = 0; t < 2; t++) {
        struct net_request r = net_client_get(t, http_script_url(server, "/"), sink);
        assert_status(bcj2__net_start(n, &r), BCJ2_OK);
    }
    for (int done = 0; done < 2;) {
        struct net_event e = net_client_event(n);
        if (e.type == NET_EV_HEAD) {
            assert_status(bcj2__net_continue(n, e.token, 100 + e.token * 5000000, false), BCJ2_OK);
        } else {
            ck_assert_int_eq(e.failure, NET_OK);
            ck_assert_uint_eq(e.written, 3000000);
            ck_assert_uint_eq(e.sink_offset, 3000100 + e.token * 5000000);
            done++;
        }
    }
    struct os_stat st;
    assert_status(bcj2__os_fstat(sink, "sink", &st), BCJ2_OK);
    ck_assert_uint_eq(st.size, 8000100);
    expect_sink(sink, 8000090, "xxxxxxxxxx");
    (void)close(sink);
    leave(n, server);
}
END_TEST

/* A paused transfer keeps its place however long the caller thinks, and nothing is lost. */
START_TEST(pause_has_no_timeout)
{
    bcj2__timeouts.receive_stall_ms = 30;
    bcj2__timeouts.send_stall_ms = 30;
    SERVE(ASK, SAY("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), HOLD, SAY("defghij"), END);
    int sink = net_client_file(0);
    struct net_request r = net_client_get(1, http_script_url(server, "/"), sink);
    r.response_timeout_ms = 30;
    assert_status(bcj2__net_start(n, &r), BCJ2_OK);
    ck_assert_int_eq(net_client_event(n).type, NET_EV_HEAD);
    net_client_quiet(n, 120);
    http_script_release(server);
    assert_status(bcj2__net_continue(n, 1, 0, false), BCJ2_OK);
    ck_assert_int_eq(net_client_event(n).failure, NET_OK);
    expect_sink(sink, 0, "abcdefghij");
    (void)close(sink);
    leave(n, server);
}
END_TEST

/* A body nobody wants: 64 KiB of it are drained and the connection is used again; a longer one is
   cut off with the connection. So with and without a pause. */
static const struct {
    bool pauses;
    uint32_t length, connections;
} unwanted[] = {
    {true, 65536, 1},  {true, 65537, 2},  {true, 0xFFFFFFF, 2},
    {false, 65536, 1}, {false, 65537, 2}, {false, 0xFFFFFFF, 2},
};

START_TEST(unwanted_body)
{
    char head[100], piece[257] = "";
    memset(piece, 'x', 256);
    (void)snprintf(head, sizeof head, "HTTP/1.1 404 Not Found\r\nContent-Length: %u\r\n\r\n",
                   (unsigned)unwanted[_i].length);
    struct http_step steps[] = {ASK, SAY(head), SAY_N(piece, unwanted[_i].length / 256),
                                SAY_N("x", unwanted[_i].length % 256), AGAIN};
    const struct http_step *lists[] = {steps};
    struct http_script *server = http_script_start(lists, 1);
    struct net *n = net_client_create();
    for (uint64_t t = 0; t < 2; t++) {
        struct net_request r = net_client_get(t, http_script_url(server, "/"), -1);
        r.pause_at_body = unwanted[_i].pauses;
        struct net_event e = net_client_run(n, &r);
        ck_assert_int_eq(e.failure, NET_OK);
        ck_assert_uint_eq(e.head->status, 404);
        ck_assert_uint_eq(e.written, 0);
    }
    ck_assert_uint_eq(http_script_connections(server), unwanted[_i].connections);
    leave(n, server);
}
END_TEST

/* The server answers before it has read the body, and stops listening: the answer counts. */
static const char *const early[] = {
    "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig",
    "HTTP/1.1 416 Range\r\nBITS-Received-Content-Range: 5\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
};

START_TEST(early_answer)
{
    /* The client reads the answer (HOLD ends with the test) or sees the connection closed. */
    struct http_step keeps[] = {ASK_HEAD, ASK_BYTES(1000), SAY(early[_i]), HOLD, END};
    struct http_step closes[] = {ASK_HEAD, SAY(early[_i]), ASK_BYTES(3000000), RESET};
    const struct http_step *lists[] = {keeps, closes};
    bool keep = early[_i][9] != '2'; /* after a 200 libcurl goes on sending */
    struct http_script *server = http_script_start(lists + !keep, 2 - !keep);
    struct net *n = net_client_create();
    int fd = net_client_file(30000000);
    for (uint64_t t = 0; t < (keep ? 2 : 1); t++) {
        struct net_request r = net_client_post(t, http_script_url(server, "/"), fd, 30000000);
        r.redirects = NET_REDIRECTS_FOLLOW; /* never for a request with a body */
        struct net_event e = net_client_run(n, &r);
        ck_assert_msg(e.failure == NET_OK, "%s: %s", bcj2__net_failure_text(e.failure), e.detail);
        ck_assert_uint_eq(e.head->status, (uint32_t)atoi(early[_i] + 9));
        ck_assert_uint_lt(e.sent, 30000000);
        ck_assert(!e.reused);
    }
    ck_assert_uint_eq(http_script_connections(server), keep ? 2 : 1);
    (void)close(fd);
    leave(n, server);
}
END_TEST

/* ---- redirects ---- */

#define TO(url) "HTTP/1.1 302 Found\r\nLocation: " url "\r\nContent-Length: 4\r\n\r\ngone"

START_TEST(redirects_followed)
{
    SERVE(ASK, SAY(TO("/b")), ASK, SAY(TO("c/d?e=f")), ASK,
          SAY("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), HOLD);
    int sink = net_client_file(0);
    struct net_request r = net_client_get(1, http_script_url(server, "/a"), sink);
    struct net_event e = net_client_run(n, &r);
    ck_assert_int_eq(e.failure, NET_OK);
    ck_assert_uint_eq(e.head->status, 200);
    ck_assert_ptr_null(bcj2__hdrs_get(e.head, "Location"));
    ck_assert_str_eq(e.effective_url, http_script_url(server, "/c/d?e=f"));
    ck_assert_uint_eq(e.written, 2);
    expect_sink(sink, 0, "hi");
    (void)close(sink);
    leave(n, server);
}
END_TEST

START_TEST(redirects_not_asked_for)
{
    SERVE(ASK, SAY(TO("/b")), HOLD);
    struct net_request r = net_client_get(1, http_script_url(server, "/a"), -1);
    r.redirects = NET_REDIRECTS_NONE;
    struct net_event e = net_client_run(n, &r);
    ck_assert_int_eq(e.failure, NET_OK);
    ck_assert_uint_eq(e.head->status, 302);
    ck_assert_str_eq(bcj2__hdrs_get(e.head, "Location"), "/b");
    leave(n, server);
}
END_TEST

/* Ten are followed, the eleventh is not; nor is one to somewhere else than HTTP, or with a user
   name, or with an endless body. */
static const struct {
    const char *answer;
    uint64_t repeat; /* of the body's last line */
    size_t requests;
    enum net_failure failure;
} refused_redirects[] = {
    {TO("/again"), 0, 11, NET_REDIRECT_REFUSED},
    {TO("file:///etc/passwd"), 0, 1, NET_REDIRECT_REFUSED},
    {TO("ftp://127.0.0.1/x"), 0, 1, NET_REDIRECT_REFUSED},
    {TO("http://user:secret@127.0.0.1/x"), 0, 1, NET_REDIRECT_REFUSED},
    {"HTTP/1.1 302 Found\r\nLocation: /x\r\nTransfer-Encoding: chunked\r\n\r\n", 100000, 1,
     NET_BAD_HTTP},
};

START_TEST(redirects_refused)
{
    struct http_step steps[] = {ASK, SAY(refused_redirects[_i].answer),
                                SAY_N("8\r\nxxxxxxxx\r\n", refused_redirects[_i].repeat), AGAIN};
    const struct http_step *lists[] = {steps};
    struct http_script *server = http_script_start(lists, 1);
    struct net *n = net_client_create();
    struct net_request r = net_client_get(1, http_script_url(server, "/a"), -1);
    struct net_event e = net_client_run(n, &r);
    ck_assert_msg(e.failure == refused_redirects[_i].failure, "%s: %s",
                  bcj2__net_failure_text(e.failure), e.detail);
    ck_assert_ptr_null(strstr(e.detail, "secret"));
    char *got = http_script_received(server, 0, NULL);
    size_t requests = 0;
    for (const char *p = got; (p = strstr(p, "GET ")) != NULL; p++) {
        requests++;
    }
    ck_assert_uint_eq(requests, refused_redirects[_i].requests);
    free(got);
    leave(n, server);
}
END_TEST

/* The head of a redirect is not the head of an answer that never came. */
START_TEST(redirect_to_nowhere)
{
    SERVE(ASK, SAY(TO("http://127.0.0.1:1/")), HOLD);
    struct net_request r = net_client_get(1, http_script_url(server, "/a"), -1);
    struct net_event e = net_client_run(n, &r);
    ck_assert_int_eq(e.failure, NET_CANNOT_CONNECT);
    ck_assert_uint_eq(e.head->status, 0);
    leave(n, server);
}
END_TEST

/* ---- many ---- */

START_TEST(hundred_at_once)
{
    SERVE(ASK, SAY(OK_EMPTY), AGAIN);
    int fd = net_client_file(100000);
    for (int round = 0; round < 2; round++) {
        for (uint64_t t = 0; t < 100; t++) {
            struct net_request r = net_client_post(t, http_script_url(server, "/"), fd, t * 1000);
            assert_status(bcj2__net_start(n, &r), BCJ2_OK);
        }
        ck_assert_uint_eq(bcj2__net_running(n), 100);
        bool seen[100] = {false};
        for (int i = 0; i < 100; i++) {
            struct net_event e = net_client_event(n);
            ck_assert_int_eq(e.failure, NET_OK);
            ck_assert_uint_eq(e.sent, e.token * 1000);
            ck_assert_int_eq(e.reused, round > 0);
            ck_assert(!seen[e.token]);
            seen[e.token] = true;
        }
    }
    ck_assert_uint_eq(http_script_connections(server), 100);
    (void)close(fd);
    leave(n, server);
}
END_TEST

START_TEST(progress_shows_both_ways)
{
    SERVE(ASK_HEAD, ASK_BYTES(100), HOLD, ASK_BYTES(29999900), SAY(OK_EMPTY), HOLD);
    int fd = net_client_file(30000000);
    struct net_progress p;
    ck_assert(!bcj2__net_progress(n, 1, &p));
    struct net_request r = net_client_post(1, http_script_url(server, "/"), fd, 30000000);
    assert_status(bcj2__net_start(n, &r), BCJ2_OK);
    ck_assert(bcj2__net_progress(n, 1, &p) && p.sending && p.sent == 0);
    do {
        assert_status(bcj2__net_poll(n, 1000), BCJ2_OK);
        ck_assert(bcj2__net_progress(n, 1, &p) && p.sending);
    } while (p.sent < 100000);
    http_script_release(server);
    ck_assert_uint_eq(net_client_event(n).sent, 30000000);
    ck_assert(!bcj2__net_progress(n, 1, &p));
    (void)close(fd);
    leave(n, server);
}
END_TEST

START_TEST(wrong_use)
{
    SERVE(ASK, HOLD);
    struct net_event event;
    ck_assert(!bcj2__net_next(n, &event));
    bcj2__net_abort(n, 5);
    assert_status(bcj2__net_continue(n, 5, 0, false), BCJ2_E_INVALIDARG);
    struct net_request r = net_client_get(5, http_script_url(server, "/"), -1);
    assert_status(bcj2__net_start(n, &r), BCJ2_OK);
    assert_status(bcj2__net_start(n, &r), BCJ2_E_INVALIDARG);
    assert_status(bcj2__net_continue(n, 5, 0, false), BCJ2_E_INVALIDARG);
    bcj2__net_abort(n, 5);
    ck_assert(!bcj2__net_next(n, &event));
    ck_assert_ptr_null(bcj2__net_destroy(NULL));
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
    tc = suite_case(suite, "answers", 30);
    tcase_add_loop_test(tc, body_into_sink, 0, ARRAY_LEN(framing));
    tcase_add_loop_test(tc, body_with_an_end, 0, ARRAY_LEN(overlong));
    tcase_add_test(tc, large_body_at_offset);
    tcase_add_test(tc, pause_has_no_timeout);
    tcase_add_loop_test(tc, unwanted_body, 0, ARRAY_LEN(unwanted));
    tcase_add_loop_test(tc, early_answer, 0, ARRAY_LEN(early));
    tc = suite_case(suite, "redirects", 30);
    tcase_add_test(tc, redirects_followed);
    tcase_add_test(tc, redirects_not_asked_for);
    tcase_add_loop_test(tc, redirects_refused, 0, ARRAY_LEN(refused_redirects));
    tcase_add_test(tc, redirect_to_nowhere);
    tc = suite_case(suite, "many", 30);
    tcase_add_test(tc, hundred_at_once);
    tcase_add_test(tc, progress_shows_both_ways);
    tcase_add_test(tc, wrong_use);
}

SUITE_MAIN("net", add_cases)
