/* SPDX-License-Identifier: MIT */
/* A connection made with one set of TLS options serves no request with another: counted at a server that
   keeps connections open and tells each connection's number. Not here: what the options do
   (test_net_tls_options.c). */
#include "macro.h"
#include "net_client.h"
#include "tls_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#if MHD_VERSION >= 0x00097002
typedef enum MHD_Result answered;
#else
typedef int answered;
#endif

static atomic_uint connections;
static char *pem_key, *pem_certificate;

static void count_connection(void *user, struct MHD_Connection *connection, void **socket_context,
                             enum MHD_ConnectionNotificationCode what)
{
    (void)user;
    (void)connection;
    (void)socket_context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        atomic_fetch_add(&connections, 1);
    }
}

static answered answer(void *user, struct MHD_Connection *connection, const char *path,
                       const char *method, const char *version, const char *data, size_t *size,
                       void **request)
{
    (void)user;
    (void)path;
    (void)method;
    (void)version;
    (void)data;
    (void)size;
    if (*request == NULL) { /* an answer before the whole request is there closes the connection */
        *request = &connections;
        return MHD_YES;
    }
    struct MHD_Response *r =
        MHD_create_response_from_buffer(2, (void *)"ok", MHD_RESPMEM_PERSISTENT);
    answered result = MHD_queue_response(connection, 200, r);
    MHD_destroy_response(r);
    return result;
}

static char *text_of(const char *name)
{
    static char texts[2][8192];
    static size_t next;
    char *text = texts[next++ % 2];
    FILE *f = fopen(name, "r");
    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, sizeof texts[0] - 1, f)] = '\0';
    (void)fclose(f);
    return text;
}

static struct MHD_Daemon *serve(uint16_t *ret_port)
{
    const struct sockaddr_in loopback = {.sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    pem_key = text_of("a.key");
    pem_certificate = text_of("a.pem");
    struct MHD_Daemon *d =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, answer, NULL,
                         MHD_OPTION_HTTPS_MEM_KEY, pem_key, MHD_OPTION_HTTPS_MEM_CERT,
                         pem_certificate, MHD_OPTION_NOTIFY_CONNECTION, count_connection, NULL,
                         MHD_OPTION_SOCK_ADDR, &loopback, MHD_OPTION_CONNECTION_TIMEOUT, 60u,
                         MHD_OPTION_END);
    ck_assert_msg(d != NULL, "libmicrohttpd without TLS?");
    *ret_port = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port;
    return d;
}

/* Each differs from all others in one thing. */
static const struct net_tls sets[] = {
    {.ca_file = "a.pem"},
    {.ca_file = "copy.pem"},
    {.ca_file = "a.pem", .pinned_key = "a.pub"},
    {.ca_file = "a.pem", .min = BCJ2_TLS_VERSION_1_3},
    {.ca_file = "a.pem", .max = BCJ2_TLS_VERSION_1_2},
    {.ca_file = "a.pem", .security_flags = BCJ2_SSL_IGNORE_CERT_CN_INVALID},
    {.ca_file = "a.pem", .security_flags = BCJ2_SSL_IGNORE_UNKNOWN_CA},
    {.ca_file = "a.pem", .certificate = "b.pem", .key = "b.key"},
    {.ca_file = "a.pem", .certificate = "both.pem"},
};

START_TEST(options_are_not_mixed)
{
    uint16_t port = 0;
    char url[64];
    tls_certificate("a", "127.0.0.1");
    tls_certificate("b", "127.0.0.1");
    TLS_RUN("sh", "-c", "cp a.pem copy.pem; cat b.pem b.key > both.pem");
    TLS_RUN("openssl", "pkey", "-in", "a.key", "-pubout", "-out", "a.pub");
    struct MHD_Daemon *d = serve(&port);
    struct net *n = net_client_create();
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", port);
    for (uint64_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
            struct net_request r = net_client_get(i, url, -1);
            r.tls = &sets[i];
            struct net_event e = net_client_run(n, &r);
            ck_assert_msg(e.failure == NET_OK, "set %zu: %s", i, e.detail);
            ck_assert_msg(e.reused == (round > 0), "set %zu in round %u", i, (unsigned)round);
        }
        ck_assert_uint_eq(atomic_load(&connections), ARRAY_LEN(sets));
    }
    /* and what would not have been let in is not, by a connection that is there */
    const struct net_tls wrong[] = {
        {.ca_file = "b.pem"},
        {0},
        {.ca_file = "a.pem", .pinned_key = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        {.ca_file = "a.pem", .security_flags = BCJ2_SSL_ENABLE_CRL_CHECK},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct net_request r = net_client_get(i, url, -1);
        r.tls = &wrong[i];
        ck_assert_int_ne(net_client_run(n, &r).failure, NET_OK);
    }
    bcj2__net_destroy(n);
    MHD_stop_daemon(d);
}
END_TEST

/* Nor does a key or a password that is wrong get the use of a connection made with the right one. */
START_TEST(wrong_key_is_not_let_in)
{
    uint16_t port = 0;
    char url[64];
    tls_certificate("a", "127.0.0.1");
    tls_certificate("b", "127.0.0.1");
    TLS_RUN("openssl", "pkey", "-in", "b.key", "-aes256", "-passout", "pass:right", "-out",
            "locked.key");
    struct MHD_Daemon *d = serve(&port);
    struct net *n = net_client_create();
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", port);
    const struct net_tls right = {
        .ca_file = "a.pem", .certificate = "b.pem", .key = "locked.key", .key_password = "right"};
    struct net_tls wrong = right;
    struct net_request r = net_client_get(1, url, -1);
    for (int i = 0; i < 2; i++) {
        r.tls = &right;
        struct net_event e = net_client_run(n, &r);
        ck_assert_msg(e.failure == NET_OK, "%s", e.detail);
        ck_assert_int_eq(e.reused, i > 0);
    }
    r.tls = &wrong;
    wrong.key_password = "wrong";
    ck_assert_int_eq(net_client_run(n, &r).failure, NET_TLS_CLIENT_KEY);
    wrong.key_password = NULL;
    ck_assert_int_eq(net_client_run(n, &r).failure, NET_TLS_CLIENT_KEY);
    wrong = right;
    wrong.key = "a.key";
    ck_assert_int_eq(net_client_run(n, &r).failure, NET_TLS_CLIENT_KEY);
    /* however many were tried */
    for (int i = 0; i < 40; i++) {
        char password[16];
        (void)snprintf(password, sizeof password, "wrong %d", i);
        wrong = right;
        wrong.key_password = password;
        ck_assert_int_eq(net_client_run(n, &r).failure, NET_TLS_CLIENT_KEY);
    }
    r.tls = &right;
    struct net_event e = net_client_run(n, &r);
    ck_assert(e.failure == NET_OK && e.reused);
    bcj2__net_destroy(n);
    MHD_stop_daemon(d);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "tls reuse", 30);
    tcase_add_checked_fixture(tc, tls_enter, tls_leave);
    tcase_add_test(tc, options_are_not_mixed);
    tcase_add_test(tc, wrong_key_is_not_let_in);
}

SUITE_MAIN("net_tls_reuse", add_cases)
