/* SPDX-License-Identifier: MIT */
/* What a request may say about TLS, each option right and wrong; and what becomes of it at a redirect.
   Not here: the defaults (test_net_tls.c), whether connections are shared (test_net_tls_reuse.c). */
#include "macro.h"
#include "net_client.h"
#include "tls_server.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char url[128];

static struct net_event get(struct net *n, uint16_t port, const char *path,
                            const struct net_tls *tls)
{
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/%s", port, path);
    struct net_request r = net_client_get(1, url, -1);
    r.tls = tls;
    return net_client_run(n, &r);
}

static void expect(const struct net_event *e, enum net_failure failure)
{
    ck_assert_msg(e->failure == failure, "%s (%s), expected %s", bcj2__net_failure_text(e->failure),
                  e->detail, bcj2__net_failure_text(failure));
    ck_assert_uint_eq(e->head->status, failure == NET_OK ? 200 : 0);
    ck_assert(failure == NET_OK || e->detail[0] != '\0');
}

/* ---- whom we trust ---- */

#define CRL     BCJ2_SSL_ENABLE_CRL_CHECK
#define NO_NAME BCJ2_SSL_IGNORE_CERT_CN_INVALID
#define NO_CA   BCJ2_SSL_IGNORE_UNKNOWN_CA

static const struct {
    const char *address, *certificate; /* of the server, which is at 127.0.0.1 */
    const char *environment;           /* $CURL_CA_BUNDLE */
    const char *ca_file, *pin;         /* "PIN", "WRONG PIN": the one of a.key, of b.key */
    uint32_t flags;
    enum net_failure failure;
    bcj2_status local_status;
} trust[] = {
    {"127.0.0.1", "a.pem", NULL, "a.pem", NULL, 0, NET_OK, BCJ2_OK},
    {"127.0.0.1", "a.pem", NULL, "b.pem", NULL, 0, NET_TLS_CERTIFICATE, BCJ2_OK},
    {"127.0.0.1", "a.pem", "a.pem", "b.pem", NULL, 0, NET_TLS_CERTIFICATE, BCJ2_OK},
    {"127.0.0.1", "a.pem", NULL, "hello", NULL, 0, NET_TLS_CERTIFICATE, BCJ2_OK},
    {"127.0.0.1", "a.pem", NULL, "gone.pem", NULL, 0, NET_TLS_FILE, BCJ2_E_WIN32_FILE_NOT_FOUND},
    {"127.0.0.1", "a.pem", NULL, "folder", NULL, 0, NET_TLS_FILE, BCJ2_E_ACCESSDENIED},
    {"127.0.0.1", "a.pem", NULL, "fifo", NULL, 0, NET_TLS_FILE, BCJ2_E_ACCESSDENIED},
    {"127.0.0.1", "a.pem", NULL, "closed.pem", NULL, 0, NET_TLS_FILE, BCJ2_E_ACCESSDENIED},
    {"127.0.0.1", "a.pem", "a.pem", NULL, "PIN", 0, NET_OK, BCJ2_OK},
    {"127.0.0.1", "a.pem", "a.pem", NULL, "WRONG PIN;PIN", 0, NET_OK, BCJ2_OK},
    {"127.0.0.1", "a.pem", "a.pem", NULL, "WRONG PIN", 0, NET_TLS_PIN, BCJ2_OK},
    {"127.0.0.1", "a.pem", "a.pem", NULL, "a.pub", 0, NET_OK, BCJ2_OK},
    {"127.0.0.1", "a.pem", "a.pem", NULL, "b.pub", 0, NET_TLS_PIN, BCJ2_OK},
    {"127.0.0.1", "a.pem", "a.pem", NULL, "hello", 0, NET_TLS_PIN, BCJ2_OK},
    {"127.0.0.1", "a.pem", "a.pem", NULL, "gone.pub", 0, NET_TLS_FILE, BCJ2_E_WIN32_FILE_NOT_FOUND},
    /* a pin alone is not trust */
    {"127.0.0.1", "a.pem", NULL, NULL, "PIN", 0, NET_TLS_CERTIFICATE, BCJ2_OK},
    /* unless one says so; a wrong one is none even then */
    {"127.0.0.1", "a.pem", NULL, NULL, "PIN", NO_CA, NET_OK, BCJ2_OK},
    {"127.0.0.1", "a.pem", NULL, NULL, "WRONG PIN", NO_CA | NO_NAME, NET_TLS_PIN, BCJ2_OK},
    {"127.0.0.2", "a.pem", "a.pem", NULL, NULL, 0, NET_TLS_CERTIFICATE, BCJ2_OK},
    {"127.0.0.2", "a.pem", "a.pem", NULL, NULL, NO_NAME, NET_OK, BCJ2_OK},
    {"127.0.0.2", "a.pem", NULL, NULL, NULL, NO_NAME, NET_TLS_CERTIFICATE, BCJ2_OK},
    {"127.0.0.1", "a.pem", NULL, NULL, NULL, NO_CA, NET_OK, BCJ2_OK},
    {"127.0.0.2", "a.pem", NULL, NULL, NULL, NO_CA, NET_TLS_CERTIFICATE, BCJ2_OK},
    {"127.0.0.2", "a.pem", NULL, NULL, NULL, NO_CA | NO_NAME, NET_OK, BCJ2_OK},
    /* what is documented: dates go with the authority */
    {"127.0.0.1", "expired.pem", "expired.pem", NULL, NULL, NO_NAME, NET_TLS_CERTIFICATE, BCJ2_OK},
    {"127.0.0.1", "expired.pem", NULL, NULL, NULL, NO_CA, NET_OK, BCJ2_OK},
    {"127.0.0.1", "a.pem", "a.pem", NULL, NULL, CRL, NET_TLS_REVOCATION_UNKNOWN, BCJ2_OK},
    {"127.0.0.1", "a.pem", NULL, NULL, NULL, CRL | NO_CA, NET_TLS_REVOCATION_UNKNOWN, BCJ2_OK},
};

/* "sha256//…" of a public key in a file. */
static void pin_of(const char *pem, char pin[64])
{
    TLS_RUN("openssl", "pkey", "-pubin", "-in", pem, "-outform", "DER", "-out", "pub.der");
    TLS_RUN("openssl", "dgst", "-sha256", "-binary", "-out", "pub.sha", "pub.der");
    TLS_RUN("openssl", "base64", "-A", "-in", "pub.sha", "-out", "pub.txt");
    FILE *f = fopen("pub.txt", "r");
    char text[50] = "";
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    (void)fclose(f);
    (void)snprintf(pin, 64, "sha256//%s", text);
}

static void make_trust(const char *address)
{
    tls_certificate("a", address);
    tls_certificate("b", "127.0.0.1");
    TLS_RUN("openssl", "x509", "-in", "a.pem", "-signkey", "a.key", "-days", "-1", "-out",
            "expired.pem");
    TLS_RUN("openssl", "pkey", "-in", "a.key", "-pubout", "-out", "a.pub");
    TLS_RUN("openssl", "pkey", "-in", "b.key", "-pubout", "-out", "b.pub");
    ck_assert_int_eq(mkdir("folder", 0700), 0);
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    tls_write("closed.pem", "x");
    ck_assert_int_eq(chmod("closed.pem", 0), 0);
}

START_TEST(trusted)
{
    char pin[64], wrong[64], text[256], path[FOLDER_PATH_SIZE], ca[FOLDER_PATH_SIZE];
    make_trust(trust[_i].address);
    if (trust[_i].ca_file != NULL && strcmp(trust[_i].ca_file, "closed.pem") == 0 &&
        access("closed.pem", R_OK) == 0) {
        return; /* root reads everything */
    }
    uint16_t port = tls_serve(trust[_i].certificate, "a.key", NULL);
    if (trust[_i].environment != NULL) {
        tls_path(path, trust[_i].environment);
        (void)setenv("CURL_CA_BUNDLE", path, 1);
    }
    struct net_tls tls = {.security_flags = trust[_i].flags};
    if (trust[_i].ca_file != NULL) {
        tls_path(ca, trust[_i].ca_file);
        tls.ca_file = ca;
    }
    tls.pinned_key = trust[_i].pin;
    if (trust[_i].pin != NULL && strstr(trust[_i].pin, "PIN") != NULL) {
        pin_of("a.pub", pin);
        pin_of("b.pub", wrong);
        bool first_wrong = strncmp(trust[_i].pin, "WRONG", 5) == 0;
        bool second = strchr(trust[_i].pin, ';') != NULL;
        (void)snprintf(text, sizeof text, "%s%s%s", first_wrong ? wrong : pin, second ? ";" : "",
                       second ? pin : "");
        tls.pinned_key = text;
    }
    struct net *n = net_client_create();
    struct net_event e = get(n, port, "hello", &tls);
    expect(&e, trust[_i].failure);
    ck_assert_int_eq(e.local_status, trust[_i].local_status);
    if (trust[_i].failure == NET_TLS_FILE) {
        ck_assert_ptr_nonnull(
            strstr(e.detail, trust[_i].ca_file != NULL ? trust[_i].ca_file : trust[_i].pin));
        ck_assert(!e.connected);
    }
    bcj2__net_destroy(n);
}
END_TEST

/* ---- who we are ---- */

static const struct {
    const char *certificate, *key, *password;
    enum net_failure failure;
    bcj2_status local_status;
} clients[] = {
    {NULL, NULL, NULL, NET_TLS_CLIENT_WANTED, BCJ2_OK},
    {"me.pem", "me.key", NULL, NET_OK, BCJ2_OK},
    {"both.pem", NULL, NULL, NET_OK, BCJ2_OK},
    {"me.pem", "locked.key", "open sesame", NET_OK, BCJ2_OK},
    {"locked.pem", NULL, "open sesame", NET_OK, BCJ2_OK},
    {"me.pem", "me.key", "needless", NET_OK, BCJ2_OK},
    {"me.pem", "locked.key", "wrong", NET_TLS_CLIENT_KEY, BCJ2_OK},
    {"locked.pem", NULL, "wrong", NET_TLS_CLIENT_KEY, BCJ2_OK},
    {"me.pem", "locked.key", NULL, NET_TLS_CLIENT_KEY, BCJ2_OK}, /* and nobody is asked */
    {"me.pem", "a.key", NULL, NET_TLS_CLIENT_KEY, BCJ2_OK},      /* of another */
    {"me.pem", NULL, NULL, NET_TLS_CLIENT_KEY, BCJ2_OK},         /* without */
    {"hello", "me.key", NULL, NET_TLS_CLIENT_KEY, BCJ2_OK},
    {"gone.pem", "me.key", NULL, NET_TLS_FILE, BCJ2_E_WIN32_FILE_NOT_FOUND},
    {"me.pem", "gone.key", NULL, NET_TLS_FILE, BCJ2_E_WIN32_FILE_NOT_FOUND},
    {"b.pem", "b.key", NULL, NET_TLS_CLIENT_WANTED, BCJ2_OK}, /* not whom the server trusts */
};

static void join(const char *to, const char *first, const char *second)
{
    char command[256];
    (void)snprintf(command, sizeof command, "cat %s %s > %s", first, second, to);
    TLS_RUN("sh", "-c", command);
}

static void make_clients(void)
{
    tls_certificate("a", "127.0.0.1");
    tls_certificate("b", "127.0.0.1");
    tls_certificate("ca", "127.0.0.9");
    tls_signed("me", "127.0.0.8", "ca", "7");
    TLS_RUN("openssl", "pkey", "-in", "me.key", "-aes256", "-passout", "pass:open sesame", "-out",
            "locked.key");
    join("both.pem", "me.pem", "me.key");
    join("locked.pem", "me.pem", "locked.key");
}

static const char *const insists[] = {"-Verify", "2",      "-verify_return_error",
                                      "-CAfile", "ca.pem", NULL};

START_TEST(known)
{
    make_clients();
    uint16_t port = tls_serve("a.pem", "a.key", insists);
    struct net *n = net_client_create();
    const struct net_tls tls = {.ca_file = "a.pem",
                                .certificate = clients[_i].certificate,
                                .key = clients[_i].key,
                                .key_password = clients[_i].password};
    struct net_event e = get(n, port, "hello", &tls);
    expect(&e, clients[_i].failure);
    ck_assert_int_eq(e.local_status, clients[_i].local_status);
    bcj2__net_destroy(n);
}
END_TEST

/* Home wants the certificate and sends abroad; abroad wants one too, and gets none. Or it wants none
   and sends back home, where there is none left to show. */
START_TEST(certificate_stays_at_home)
{
    char text[256];
    make_clients();
    const struct net_tls tls = {.ca_file = "a.pem", .certificate = "both.pem"};
    uint16_t home = tls_serve("a.pem", "a.key", insists);
    uint16_t abroad = tls_serve("a.pem", "a.key", _i == 0 ? insists : NULL);
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:%u/%s\r\n"
                   "Content-Length: 0\r\nConnection: close\r\n\r\n",
                   abroad, _i == 2 ? "back" : "hello");
    tls_write("away", text);
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:%u/hello\r\n"
                   "Content-Length: 0\r\nConnection: close\r\n\r\n",
                   home);
    tls_write("back", text);
    tls_write("near", "HTTP/1.1 302 Found\r\nLocation: hello\r\nContent-Length: 0\r\n"
                      "Connection: close\r\n\r\n");
    struct net *n = net_client_create();
    struct net_event e = get(n, home, "away", &tls);
    expect(&e, _i == 1 ? NET_OK : NET_TLS_CLIENT_WANTED);
    /* a redirect within home keeps it, and so does the next request */
    e = get(n, home, "near", &tls);
    expect(&e, NET_OK);
    bcj2__net_destroy(n);
}
END_TEST

/* ---- versions ---- */

static const struct {
    bcj2_tls_version min, max;
    const char *server; /* NULL: any version */
    enum net_failure failure;
} versions[] = {
    {0, 0, NULL, NET_OK},
    {0, 0, "-tls1_2", NET_OK},
    {0, 0, "-tls1_3", NET_OK},
    {BCJ2_TLS_VERSION_1_3, 0, NULL, NET_OK},
    {BCJ2_TLS_VERSION_1_3, 0, "-tls1_2", NET_TLS_HANDSHAKE},
    {0, BCJ2_TLS_VERSION_1_2, NULL, NET_OK},
    {0, BCJ2_TLS_VERSION_1_2, "-tls1_3", NET_TLS_HANDSHAKE},
    {BCJ2_TLS_VERSION_1_0, BCJ2_TLS_VERSION_1_2, "-tls1_2", NET_OK},
    {BCJ2_TLS_VERSION_1_1, BCJ2_TLS_VERSION_1_1, "-tls1_2", NET_TLS_HANDSHAKE},
    {0, BCJ2_TLS_VERSION_1_1, "-tls1_2", NET_TLS_HANDSHAKE},
    {BCJ2_TLS_VERSION_1_2, BCJ2_TLS_VERSION_1_3, "-tls1_3", NET_OK},
};

START_TEST(version)
{
    tls_certificate("a", "127.0.0.1");
    const char *const more[] = {versions[_i].server, NULL};
    uint16_t port = tls_serve("a.pem", "a.key", more);
    struct net *n = net_client_create();
    const struct net_tls tls = {.ca_file = "a.pem",
                                .min = versions[_i].min,
                                .max = versions[_i].max};
    struct net_event e = get(n, port, "hello", &tls);
    expect(&e, versions[_i].failure);
    bcj2__net_destroy(n);
}
END_TEST

/* ---- revocation ---- */

static const struct {
    const char *status; /* the server certificate's line of the authority's list; NULL: no staple */
    const char *signer; /* of the answer */
    enum net_failure failure;
} staples[] = {
    {NULL, NULL, NET_TLS_REVOCATION_UNKNOWN},
    {"V\t401231235959Z\t\t05\tunknown\t/CN=bcj2 signed\n", "ca", NET_OK},
    {"R\t401231235959Z\t250101000000Z\t05\tunknown\t/CN=bcj2 signed\n", "ca", NET_TLS_REVOKED},
    {"V\t401231235959Z\t\t06\tunknown\t/CN=bcj2 signed\n", "ca", NET_TLS_REVOCATION_UNKNOWN},
    {"V\t401231235959Z\t\t05\tunknown\t/CN=bcj2 signed\n", "b", NET_TLS_REVOCATION_UNKNOWN},
};

START_TEST(revoked)
{
    char signer[16], signer_key[16];
    tls_certificate("ca", "127.0.0.9");
    tls_certificate("b", "127.0.0.9");
    tls_signed("server", "127.0.0.1", "ca", "5");
    const char *const more[] = {"-status_file", "staple.der", "-CAfile", "ca.pem", NULL};
    if (staples[_i].status != NULL) {
        (void)snprintf(signer, sizeof signer, "%s.pem", staples[_i].signer);
        (void)snprintf(signer_key, sizeof signer_key, "%s.key", staples[_i].signer);
        tls_write("index.txt", staples[_i].status);
        TLS_RUN("openssl", "ocsp", "-issuer", "ca.pem", "-cert", "server.pem", "-no_nonce",
                "-reqout", "request.der");
        TLS_RUN("openssl", "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", signer,
                "-rkey", signer_key, "-reqin", "request.der", "-respout", "staple.der", "-ndays",
                "1");
    }
    uint16_t port = tls_serve("server.pem", "server.key", staples[_i].status == NULL ? NULL : more);
    struct net *n = net_client_create();
    struct net_tls tls = {.ca_file = "ca.pem", .security_flags = CRL};
    struct net_event e = get(n, port, "hello", &tls);
    expect(&e, staples[_i].failure);
    bcj2__net_destroy(n); /* s_server has one connection at a time */
    /* who does not ask is not told */
    n = net_client_create();
    tls.security_flags = 0;
    e = get(n, port, "hello", &tls);
    expect(&e, NET_OK);
    bcj2__net_destroy(n);
}
END_TEST

/* ---- from https to http ---- */

START_TEST(downgrade_allowed)
{
    static const struct http_step steps[] = {ASK, SAY(TLS_OK_HELLO), HOLD, END};
    const struct http_step *const lists[] = {steps};
    char text[256];
    struct http_script *plain = http_script_start(lists, 1);
    tls_certificate("a", "127.0.0.1");
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/x\r\n"
                   "Content-Length: 0\r\nConnection: close\r\n\r\n",
                   http_script_port(plain));
    tls_write("down", text);
    uint16_t port = tls_serve("a.pem", "a.key", NULL);
    struct net *n = net_client_create();
    const struct net_tls tls = {.ca_file = "a.pem"};
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/down", port);
    struct net_request r = net_client_get(1, url, -1);
    r.tls = &tls;
    r.redirects = _i == 0 ? NET_REDIRECTS_FOLLOW : NET_REDIRECTS_FOLLOW_DOWNGRADE;
    r.private_lines = "Authorization: Bearer s3cret\0";
    struct net_event e = net_client_run(n, &r);
    if (_i == 0) {
        ck_assert_int_eq(e.failure, NET_REDIRECT_REFUSED);
        ck_assert_uint_eq(e.head->status, 302);
        ck_assert_uint_eq(http_script_connections(plain), 0);
    } else {
        expect(&e, NET_OK);
        char *got = http_script_received(plain, 0, NULL);
        ck_assert_ptr_nonnull(strstr(got, "GET /x"));
        ck_assert_ptr_null(strstr(got, "s3cret"));
        free(got);
    }
    bcj2__net_destroy(n);
    http_script_stop(plain);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "tls options", 30);
    tcase_add_checked_fixture(tc, tls_enter, tls_leave);
    tcase_add_loop_test(tc, trusted, 0, ARRAY_LEN(trust));
    tcase_add_loop_test(tc, known, 0, ARRAY_LEN(clients));
    tcase_add_loop_test(tc, certificate_stays_at_home, 0, 3);
    tcase_add_loop_test(tc, version, 0, ARRAY_LEN(versions));
    tcase_add_loop_test(tc, revoked, 0, ARRAY_LEN(staples));
    tcase_add_loop_test(tc, downgrade_allowed, 0, 2);
}

SUITE_MAIN("net_tls_options", add_cases)
