/* SPDX-License-Identifier: MIT */
/* The engine over TLS: what is trusted by default, what is not, and that no redirect leads from https to
   http. Not here: what a request may say about TLS (test_net_tls_options.c). */
#include "macro.h"
#include "net_client.h"
#include "tls_server.h"

#include <stdio.h>
#include <string.h>

static uint16_t tls_port;
static char url[128];

/* expired.pem: a.pem, whose last day was yesterday. */
static void expire_certificate(void)
{
    TLS_RUN("openssl", "x509", "-in", "a.pem", "-signkey", "a.key", "-days", "-1", "-out",
            "expired.pem");
}

/* GET /path from the TLS server, into a sink. */
static struct net_event get(struct net *n, const char *path)
{
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/%s", tls_port, path);
    struct net_request r = net_client_get(1, url, -1);
    return net_client_run(n, &r);
}

static void expect(const struct net_event *e, enum net_failure failure, uint32_t status)
{
    ck_assert_msg(e->failure == failure, "%s (%s), expected %s", bcj2__net_failure_text(e->failure),
                  e->detail, bcj2__net_failure_text(failure));
    ck_assert_uint_eq(e->head->status, status);
}

/* ---- trust ---- */

static const struct {
    const char *address; /* of the certificate; the server is at 127.0.0.1 */
    const char *certificate;
    const char *variable, *ca_file;
    const char *verify; /* s_server asks for a client's certificate, or insists on it */
    enum net_failure failure;
} trust[] = {
    {"127.0.0.1", "a.pem", "CURL_CA_BUNDLE", "a.pem", NULL, NET_OK},
    {"127.0.0.1", "a.pem", "SSL_CERT_FILE", "a.pem", NULL, NET_OK},
    {"127.0.0.1", "a.pem", "CURL_CA_BUNDLE", "a.pem", "-verify", NET_OK},
    {"127.0.0.1", "a.pem", "CURL_CA_BUNDLE", "a.pem", "-Verify", NET_TLS_CLIENT_WANTED},
    {"127.0.0.1", "a.pem", NULL, NULL, NULL, NET_TLS_CERTIFICATE},
    {"127.0.0.1", "a.pem", "CURL_CA_BUNDLE", "missing.pem", NULL, NET_TLS_CERTIFICATE},
    {"127.0.0.2", "a.pem", "CURL_CA_BUNDLE", "a.pem", NULL, NET_TLS_CERTIFICATE},
    {"127.0.0.1", "expired.pem", "CURL_CA_BUNDLE", "expired.pem", NULL, NET_TLS_CERTIFICATE},
};

START_TEST(trusted)
{
    tls_certificate("a", trust[_i].address);
    expire_certificate();
    const char *const more[] = {trust[_i].verify, "1", NULL};
    tls_port = tls_serve(trust[_i].certificate, "a.key", trust[_i].verify == NULL ? NULL : more);
    if (trust[_i].variable != NULL) {
        char path[FOLDER_PATH_SIZE];
        tls_path(path, trust[_i].ca_file);
        (void)setenv(trust[_i].variable, path, 1);
    }
    struct net *n = net_client_create();
    struct net_event e = get(n, "hello");
    expect(&e, trust[_i].failure, trust[_i].failure == NET_OK ? 200 : 0);
    bcj2__net_destroy(n);
}
END_TEST

/* ---- redirects ---- */

/* The plain server sends to the other one, which sends back: that is where it ends. Nothing is
   asked of the plain server after a hop was https. */
START_TEST(no_way_back_to_http)
{
    static char to_https[256];
    const struct http_step steps[] = {{.what = HTTP_ASK}, SAY(to_https), HOLD, END};
    const struct http_step *const lists[] = {steps};
    tls_certificate("a", "127.0.0.1");
    (void)setenv("CURL_CA_BUNDLE", "a.pem", 1);
    struct http_script *plain = http_script_start(lists, 1);
    char text[256];
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/x\r\n"
                   "Content-Length: 0\r\nConnection: close\r\n\r\n",
                   http_script_port(plain));
    tls_write("back", text);
    tls_port = tls_serve("a.pem", "a.key", NULL);
    struct net *n = net_client_create();

    struct net_event e = get(n, "back");
    expect(&e, NET_REDIRECT_REFUSED, 302);
    ck_assert_uint_eq(http_script_connections(plain), 0);

    /* http to https is fine */
    (void)snprintf(to_https, sizeof to_https,
                   "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:%u/%s\r\n"
                   "Content-Length: 0\r\nConnection: close\r\n\r\n",
                   tls_port, _i == 0 ? "hello" : "back");
    struct net_request r = net_client_get(2, http_script_url(plain, "/start"), -1);
    e = net_client_run(n, &r);
    if (_i == 0) {
        expect(&e, NET_OK, 200);
    } else {
        expect(&e, NET_REDIRECT_REFUSED, 302);
    }
    for (size_t i = 0; i < http_script_connections(plain); i++) {
        char *got = http_script_received(plain, i, NULL);
        ck_assert_ptr_null(strstr(got, "GET /x"));
        free(got);
    }
    bcj2__net_destroy(n);
    http_script_stop(plain);
}
END_TEST

/* ---- servers that do not speak it ---- */

static const struct http_step says_http[] = {ASK_BYTES(5), SAY("HTTP/1.1 400 No\r\n\r\n"), HOLD,
                                             END};
static const struct http_step closes[] = {ASK_BYTES(100), END};
static const struct http_step resets[] = {ASK_BYTES(100), RESET};

static const struct {
    const struct http_step *steps;
    enum net_failure failure;
} strangers[] = {
    {says_http, NET_TLS_HANDSHAKE}, /* "wrong version number" */
    {closes, NET_CONNECTION_BROKE},
    {resets, NET_CONNECTION_BROKE},
};

START_TEST(stranger)
{
    const struct http_step *const lists[] = {strangers[_i].steps};
    struct http_script *server = http_script_start(lists, 1);
    struct net *n = net_client_create();
    tls_port = http_script_port(server);
    struct net_event e = get(n, "hello");
    expect(&e, strangers[_i].failure, 0);
    ck_assert(!e.connected);
    bcj2__net_destroy(n);
    http_script_stop(server);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "tls", 30);
    tcase_add_checked_fixture(tc, tls_enter, tls_leave);
    tcase_add_loop_test(tc, trusted, 0, ARRAY_LEN(trust));
    tcase_add_loop_test(tc, no_way_back_to_http, 0, 2);
    tcase_add_loop_test(tc, stranger, 0, ARRAY_LEN(strangers));
}

SUITE_MAIN("net_tls", add_cases)
