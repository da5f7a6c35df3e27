/* SPDX-License-Identifier: MIT */
/* What goes wrong with a transfer: each failure that can be made on loopback, and libcurl's codes
   in our words. Not here: time-outs and aborts (test_net_timeouts.c), TLS (test_net_tls.c). */
#include "net_client.h"
#include "limit.h"
#include "os.h"
#include "net_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static const struct http_step *lists[2];
static struct http_script *server;
static struct net *n;

static void enter(const struct http_step *first, const struct http_step *second)
{
    lists[0] = first;
    lists[1] = second;
    server = http_script_start(lists, second == NULL ? 1 : 2);
    n = net_client_create();
}

static void leave(void)
{
    ck_assert_uint_eq(bcj2__net_running(n), 0);
    n = bcj2__net_destroy(n);
    http_script_stop(server);
    server = NULL;
}

static void expect_failure(const struct net_event *e, enum net_failure failure)
{
    ck_assert_int_eq(e->type, NET_EV_DONE);
    ck_assert_msg(e->failure == failure, "%s (%s), expected %s", bcj2__net_failure_text(e->failure),
                  e->detail, bcj2__net_failure_text(failure));
    ck_assert(failure == NET_OK || e->detail[0] != '\0');
}

/* A port nobody listens on: it was ours a moment ago. */
static uint16_t closed_port(void)
{
    const struct http_step none[] = {END};
    const struct http_step *const list[] = {none};
    struct http_script *s = http_script_start(list, 1);
    uint16_t port = http_script_port(s);
    http_script_stop(s);
    return port;
}

/* ---- answers that are none ---- */

static const struct {
    const char *answer; /* then the connection is closed */
    uint64_t repeat;    /* and before that, this often a field of 100 bytes */
    enum net_failure failure;
    uint32_t status; /* of the head that is reported */
} bad_answers[] = {
    {"", 0, NET_CONNECTION_BROKE, 0},
    {"HTTP/1.1 2", 0, NET_CONNECTION_BROKE, 0},
    {"HTTP/1.1 200 OK\r\n", 0, NET_CONNECTION_BROKE, 200},
    {"HTTP/1.1 200 OK\r\nContent-Len", 0, NET_CONNECTION_BROKE, 200},
    {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123456789", 0, NET_CONNECTION_BROKE, 200},
    {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", 0, NET_CONNECTION_BROKE, 200},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", 0, NET_CONNECTION_BROKE, 200},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0, NET_CONNECTION_BROKE,
     200},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", 0, NET_BAD_HTTP, 200},
    {"HTTP/1.1 100 Continue\r\n\r\n", 0, NET_CONNECTION_BROKE, 100},
    {"SSH-2.0-OpenSSH_9.2\r\n", 0, NET_BAD_HTTP, 0},
    {"\x15\x03\x03\x02\x02\x50", 0, NET_BAD_HTTP, 0},
    {"<html>hello</html>", 0, NET_BAD_HTTP, 0},
    {"HTTP/7.7 200 OK\r\n\r\n", 0, NET_BAD_HTTP, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", 0, NET_BAD_HTTP, 200},
    {"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", 0, NET_BAD_HTTP, 200},
    {"HTTP/1.1 200 OK\r\nX: a\x01z\r\n\r\n", 0, NET_BAD_HTTP, 200},
    {"HTTP/1.1 200 OK\r\n", 257, NET_BAD_HTTP, 200},
};

START_TEST(not_an_answer)
{
    static const char field[] = "X-0123456789012345678901234567890123456789: "
                                "01234567890123456789012345678901234567890123456789\r\n";
    struct http_step steps[] = {ASK, SAY(bad_answers[_i].answer),
                                SAY_N(field, bad_answers[_i].repeat), END};
    enter(steps, NULL);
    int sink = net_client_file(0);
    struct net_request r = net_client_get(1, http_script_url(server, "/"), sink);
    struct net_event e = net_client_run(n, &r);
    expect_failure(&e, bad_answers[_i].failure);
    ck_assert(e.connected);
    ck_assert_uint_eq(e.head->status, bad_answers[_i].status);
    (void)close(sink);
    leave();
}
END_TEST

/* Too many bytes in a head, in many lines and in one. */
START_TEST(head_too_long)
{
    static char field[1000];
    (void)snprintf(field, sizeof field, "X: %0990d%s", 0, _i == 0 ? "\r\n" : "");
    struct http_step steps[] = {
        ASK, SAY("HTTP/1.1 200 OK\r\nX: "), SAY_N(field, 200), SAY("\r\n\r\n"), HOLD, END};
    enter(steps, NULL);
    struct net_request r = net_client_get(1, http_script_url(server, "/"), -1);
    struct net_event e = net_client_run(n, &r);
    expect_failure(&e, NET_BAD_HTTP);
    leave();
}
END_TEST

/* ---- no connection ---- */

START_TEST(nobody_listens)
{
    struct http_step steps[] = {END};
    enter(steps, NULL);
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/?secret=1", closed_port());
    struct net_request r = net_client_get(1, url, -1);
    struct net_event e = net_client_run(n, &r);
    expect_failure(&e, NET_CANNOT_CONNECT);
    ck_assert(!e.connected && !e.reused);
    ck_assert_uint_eq(e.head->status, 0);
    ck_assert_ptr_null(strstr(e.detail, "secret"));
    leave();
}
END_TEST

/* The name has an empty label: no resolver asks the network for it. */
START_TEST(name_not_resolved)
{
    struct http_step steps[] = {END};
    enter(steps, NULL);
    struct net_request r = net_client_get(1, "http://no..name.invalid/", -1);
    struct net_event e = net_client_run(n, &r);
    expect_failure(&e, NET_NAME_NOT_RESOLVED);
    leave();
}
END_TEST

static const struct {
    const char *proxy; /* before the number of a closed port */
    enum net_failure failure;
} proxies[] = {
    {"http://127.0.0.1:", NET_PROXY_CANNOT_CONNECT},
    {"http://no..proxy.invalid:", NET_PROXY_NOT_RESOLVED},
    {"socks5://127.0.0.1:", NET_PROXY_CANNOT_CONNECT},
};

START_TEST(proxy_fails)
{
    char proxy[128];
    (void)snprintf(proxy, sizeof proxy, "%s%u", proxies[_i].proxy, closed_port());
    (void)setenv("http_proxy", proxy, 1);
    (void)unsetenv("no_proxy");
    (void)unsetenv("NO_PROXY");
    struct http_step steps[] = {END};
    enter(steps, NULL);
    struct net_request r = net_client_get(1, http_script_url(server, "/"), -1);
    struct net_event e = net_client_run(n, &r);
    expect_failure(&e, proxies[_i].failure);
    ck_assert_uint_eq(http_script_connections(server), 0);
    leave();
}
END_TEST

/* The status that a proxy answers to CONNECT instead of opening the tunnel is the answer. The rest of
   its head is not: nobody has vouched for it. */
static const struct {
    const char *head;
    uint32_t status;
} refused_tunnels[] = {
    {"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno", 407},
    {"HTTP/1.1 416 No\r\nBITS-Packet-Type: Ack\r\nBITS-Received-Content-Range: 9\r\n"
     "Content-Length: 2\r\n\r\nno",
     416},
};

static struct net_event post_through_proxy(void)
{
    (void)setenv("https_proxy", http_script_url(server, ""), 1);
    (void)unsetenv("no_proxy");
    (void)unsetenv("NO_PROXY");
    struct net_request r = net_client_post(1, "https://127.0.0.1:1/", -1, 0);
    return net_client_run(n, &r);
}

START_TEST(proxy_refuses_tunnel)
{
    struct http_step steps[] = {ASK, SAY(refused_tunnels[_i].head), END};
    enter(steps, NULL);
    struct net_event e = post_through_proxy();
    ck_assert_int_eq(e.failure, NET_OK);
    ck_assert_uint_eq(e.head->status, refused_tunnels[_i].status);
    ck_assert_uint_eq(e.head->count, 0);
    leave();
}
END_TEST

/* A proxy that plays the server in its answer to CONNECT: what counts is that no TLS follows. */
START_TEST(proxy_pretends_to_be_the_server)
{
    struct http_step steps[] = {
        ASK,          SAY("HTTP/1.1 200 OK\r\nBITS-Packet-Type: Ack\r\n\r\n"),
        ASK_BYTES(5), SAY("HTTP/1.1 400 No\r\n\r\n"),
        HOLD,         END};
    enter(steps, NULL);
    struct net_event e = post_through_proxy();
    ck_assert_int_eq(e.failure, NET_TLS_HANDSHAKE);
    ck_assert_uint_eq(e.head->status, 0);
    leave();
}
END_TEST

/* ---- kept connections ---- */

/* The server closed a kept connection in the meantime: the next request simply goes out anew. */
START_TEST(kept_connection_closed)
{
    struct http_step closes[] = {ASK, SAY(OK_EMPTY), END},
                     serves[] = {ASK, SAY(OK_EMPTY), HOLD, END};
    enter(closes, serves);
    int fd = net_client_file(3000000);
    for (uint64_t t = 0; t < 2; t++) {
        struct net_request r = net_client_post(t, http_script_url(server, "/"), fd, 3000000);
        struct net_event e = net_client_run(n, &r);
        expect_failure(&e, NET_OK);
        ck_assert(t > 0 || http_script_wait_closed(server, 0));
    }
    (void)close(fd);
    leave();
}
END_TEST

/* It dies under the next request. Small ones may be sent again unasked; of a large one the caller
   must ask the server first how much it has. */
static const struct {
    uint64_t length;
    enum net_failure failure;
} dying[] = {{0, NET_OK}, {LIMIT_FRAGMENT_MIN, NET_OK}, {3000000, NET_CONNECTION_BROKE}};

START_TEST(kept_connection_dies)
{
    struct http_step dies[] = {ASK, SAY(OK_EMPTY), ASK_HEAD, ASK_BYTES(MIN(dying[_i].length, 1000)),
                               RESET};
    struct http_step serves[] = {ASK, SAY(OK_EMPTY), HOLD, END};
    enter(dies, serves);
    int fd = net_client_file(3000000);
    struct net_request r = net_client_post(1, http_script_url(server, "/"), -1, 0);
    struct net_event e = net_client_run(n, &r);
    expect_failure(&e, NET_OK);
    r = net_client_post(2, http_script_url(server, "/"), fd, dying[_i].length);
    e = net_client_run(n, &r);
    expect_failure(&e, dying[_i].failure);
    ck_assert(e.connected);
    ck_assert_int_eq(e.reused, dying[_i].failure != NET_OK);
    (void)close(fd);
    leave();
}
END_TEST

/* ---- local files ---- */

static const struct {
    bool posts;
    int fd; /* -1: not open, 0: ten bytes for reading, 1: only for the other direction */
    enum net_failure failure;
} local[] = {
    {true, -1, NET_LOCAL_READ},
    {true, 1, NET_LOCAL_READ},
    {true, 0, NET_LOCAL_SHORT},
    {false, 1, NET_LOCAL_WRITE},
};

START_TEST(local_file_fails)
{
    char path[] = "/tmp/bcj2-net-XXXXXX";
    int both = mkstemp(path);
    assert_status(bcj2__os_pwrite(both, "0123456789", 10, 0), BCJ2_OK);
    int other = open(path, local[_i].posts ? O_WRONLY : O_RDONLY);
    ck_assert_int_ge(other, 0);
    (void)unlink(path);
    int fd = local[_i].fd < 0 ? 9999 : local[_i].fd == 0 ? both : other;

    struct http_step steps[] = {ASK, SAY("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), HOLD,
                                END};
    enter(steps, NULL);
    const char *url = http_script_url(server, "/");
    struct net_request r =
        local[_i].posts ? net_client_post(1, url, fd, 20) : net_client_get(1, url, fd);
    struct net_event e = net_client_run(n, &r);
    expect_failure(&e, local[_i].failure);
    ck_assert_int_eq(BCJ2_FAILED(e.local_status), local[_i].failure != NET_LOCAL_SHORT);
    (void)close(both);
    (void)close(other);
    leave();
}
END_TEST

/* The head, the first of the body and what breaks it come at once: two events, in their order. */
START_TEST(broken_behind_the_head)
{
    const struct http_step steps[] = {
        ASK, SAY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n"),
        HOLD, END};
    int fd = net_client_file(1);
    enter(steps, NULL);
    struct net_request r = net_client_get(1, http_script_url(server, "/"), fd);
    assert_status(bcj2__net_start(n, &r), BCJ2_OK);
    struct net_event e = net_client_event(n);
    ck_assert_int_eq(e.type, NET_EV_HEAD);
    ck_assert_uint_eq(e.head->status, 200);
    assert_status(bcj2__net_continue(n, 1, 0, _i == 1), BCJ2_OK);
    e = net_client_event(n);
    expect_failure(&e, _i == 1 ? NET_OK : NET_BAD_HTTP);
    ck_assert(!bcj2__net_next(n, &e));
    leave();
    (void)close(fd);
}
END_TEST

/* The last byte of a file that is another by now does not go out. */
START_TEST(guarded_file)
{
    const struct http_step steps[] = {ASK, SAY(OK_EMPTY), END};
    struct os_stat st;
    int fd = net_client_file(3000);
    assert_status(bcj2__os_fstat(fd, "file", &st), BCJ2_OK);
    enter(steps, NULL);
    struct net_request r = net_client_post(1, http_script_url(server, "/"), fd, 3000);
    r.body_guarded = true;
    r.body_file_size = st.size + (_i == 1 ? 1 : 0);
    r.body_mtime_s = st.mtime_s;
    r.body_mtime_ns = st.mtime_ns + (_i == 2 ? 1 : 0);
    struct net_event e = net_client_run(n, &r);
    expect_failure(&e, _i == 0 ? NET_OK : NET_LOCAL_SHORT);
    leave();
    (void)close(fd);
}
END_TEST

/* ---- codes ---- */

static const struct {
    struct net_fault fault;
    enum net_failure failure;
} codes[] = {
    {{.code = CURLE_OK}, NET_OK},
    {{.code = CURLE_COULDNT_RESOLVE_HOST}, NET_NAME_NOT_RESOLVED},
    {{.code = CURLE_COULDNT_RESOLVE_PROXY}, NET_PROXY_NOT_RESOLVED},
    {{.code = CURLE_COULDNT_CONNECT, .os_error = ECONNREFUSED}, NET_CANNOT_CONNECT},
    {{.code = CURLE_COULDNT_CONNECT, .os_error = EHOSTUNREACH}, NET_CANNOT_CONNECT},
    {{.code = CURLE_COULDNT_CONNECT, .os_error = ENETUNREACH}, NET_NO_NETWORK},
    {{.code = CURLE_COULDNT_CONNECT, .os_error = ENETDOWN}, NET_NO_NETWORK},
    {{.code = CURLE_COULDNT_CONNECT, .to_proxy = true}, NET_PROXY_CANNOT_CONNECT},
    {{.code = CURLE_PROXY}, NET_PROXY_CANNOT_CONNECT},
    {{.code = CURLE_OPERATION_TIMEDOUT}, NET_CANNOT_CONNECT},
    {{.code = CURLE_OPERATION_TIMEDOUT, .to_proxy = true}, NET_PROXY_CANNOT_CONNECT},
    {{.code = CURLE_OPERATION_TIMEDOUT, .connected = true}, NET_TIMEOUT},
    {{.code = CURLE_GOT_NOTHING, .connected = true}, NET_CONNECTION_BROKE},
    {{.code = CURLE_SEND_ERROR, .connected = true}, NET_CONNECTION_BROKE},
    {{.code = CURLE_RECV_ERROR, .connected = true}, NET_CONNECTION_BROKE},
    {{.code = CURLE_PARTIAL_FILE, .connected = true}, NET_CONNECTION_BROKE},
    {{.code = CURLE_SEND_FAIL_REWIND, .connected = true}, NET_CONNECTION_BROKE},
    {{.code = CURLE_HTTP2_STREAM, .connected = true}, NET_CONNECTION_BROKE},
    {{.code = CURLE_HTTP2, .connected = true}, NET_BAD_HTTP},
    {{.code = CURLE_RECV_ERROR, .detail = "Problem (2) in the Chunked-Encoded data"}, NET_BAD_HTTP},
    {{.code = CURLE_WEIRD_SERVER_REPLY}, NET_BAD_HTTP},
    {{.code = CURLE_UNSUPPORTED_PROTOCOL, .connected = true}, NET_BAD_HTTP},
    {{.code = CURLE_UNSUPPORTED_PROTOCOL}, NET_OTHER},
    {{.code = CURLE_URL_MALFORMAT}, NET_OTHER},
    {{.code = CURLE_OUT_OF_MEMORY}, NET_NO_MEMORY},
    {{.code = CURLE_OUT_OF_MEMORY, .head_begun = true}, NET_BAD_HTTP},
    {{.code = CURLE_PEER_FAILED_VERIFICATION}, NET_TLS_CERTIFICATE},
    {{.code = CURLE_SSL_CACERT_BADFILE}, NET_TLS_CERTIFICATE},
    {{.code = CURLE_SSL_PINNEDPUBKEYNOTMATCH}, NET_TLS_PIN},
    {{.code = CURLE_SSL_CERTPROBLEM}, NET_TLS_CLIENT_KEY},
    {{.code = CURLE_SSL_INVALIDCERTSTATUS,
      .detail = "SSL certificate revocation reason: (UNKNOWN)"},
     NET_TLS_REVOKED},
    {{.code = CURLE_SSL_INVALIDCERTSTATUS, .detail = "No OCSP response received"},
     NET_TLS_REVOCATION_UNKNOWN},
    {{.code = CURLE_SSL_CRL_BADFILE}, NET_TLS_REVOCATION_UNKNOWN},
    {{.code = CURLE_SSL_CONNECT_ERROR, .detail = "wrong version number"}, NET_TLS_HANDSHAKE},
    {{.code = CURLE_SSL_CONNECT_ERROR, .detail = "unexpected eof"}, NET_CONNECTION_BROKE},
    {{.code = CURLE_SSL_CONNECT_ERROR, .detail = "tlsv1 alert unknown ca"}, NET_TLS_CLIENT_WANTED},
    {{.code = CURLE_SSL_CONNECT_ERROR, .detail = "sslv3 alert handshake failure"},
     NET_TLS_HANDSHAKE},
    {{.code = CURLE_SSL_CONNECT_ERROR, .detail = "tlsv1 alert protocol version"},
     NET_TLS_HANDSHAKE},
    {{.code = CURLE_RECV_ERROR,
      .connected = true,
      .detail = "OpenSSL SSL_read: tlsv13 alert certificate required"},
     NET_TLS_CLIENT_WANTED},
    {{.code = CURLE_SSL_CIPHER}, NET_TLS_HANDSHAKE},
    {{.code = CURLE_INTERFACE_FAILED}, NET_CANNOT_CONNECT},
    {{.code = CURLE_FAILED_INIT}, NET_OTHER},
};

START_TEST(code)
{
    struct net_fault fault = codes[_i].fault;
    fault.detail = fault.detail == NULL ? "" : fault.detail;
    ck_assert_int_eq(bcj2__net_failure_of(&fault), codes[_i].failure);
}
END_TEST

START_TEST(clean_detail)
{
    char text[] = "a\r\nb http://h/p?secret=1 c";
    bcj2__net_clean_detail(text);
    ck_assert_str_eq(text, "a  b http://h/p");
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "answers", 30);
    tcase_add_loop_test(tc, not_an_answer, 0, ARRAY_LEN(bad_answers));
    tcase_add_loop_test(tc, head_too_long, 0, 2);
    tc = suite_case(suite, "connections", 30);
    tcase_add_test(tc, nobody_listens);
    tcase_add_test(tc, name_not_resolved);
    tcase_add_loop_test(tc, proxy_fails, 0, ARRAY_LEN(proxies));
    tcase_add_loop_test(tc, proxy_refuses_tunnel, 0, ARRAY_LEN(refused_tunnels));
    tcase_add_test(tc, proxy_pretends_to_be_the_server);
    tcase_add_test(tc, kept_connection_closed);
    tcase_add_loop_test(tc, kept_connection_dies, 0, ARRAY_LEN(dying));
    tc = suite_case(suite, "local files", 30);
    tcase_add_loop_test(tc, local_file_fails, 0, ARRAY_LEN(local));
    tcase_add_loop_test(tc, guarded_file, 0, 3);
    tcase_add_loop_test(tc, broken_behind_the_head, 0, 2);
    tc = suite_case(suite, "codes", 30);
    tcase_add_loop_test(tc, code, 0, ARRAY_LEN(codes));
    tcase_add_test(tc, clean_detail);
}

SUITE_MAIN("net_failures", add_cases)
