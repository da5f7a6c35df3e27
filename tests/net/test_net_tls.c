/* SPDX-License-Identifier: MIT */
/* The engine over TLS, against `openssl s_server -HTTP` (it answers GET /NAME with the bytes of the
   file NAME) with certificates made here: what is trusted, what is not, and that no redirect leads
   from https to http. */
#include "macro.h"
#include "net_client.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPENSSL_MISSING "the openssl program is needed: apt-get install openssl"
#define OK_HELLO        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static char folder[64], start_folder[4096];
static pid_t tls_server = -1;
static uint16_t tls_port;
static char url[128];

/* ---- certificates and the server ---- */

static void run(const char *const arguments[])
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDERR_FILENO);
        (void)execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) != 127, OPENSSL_MISSING);
    ck_assert_msg(WEXITSTATUS(status) == 0, "openssl failed with %d", WEXITSTATUS(status));
}

/* key.pem and a.pem, its own authority. */
static void make_certificate(const char *address)
{
    char san[64];
    (void)snprintf(san, sizeof san, "subjectAltName=IP:%s", address);
    const char *const arguments[] = {"openssl",
                                     "req",
                                     "-x509",
                                     "-newkey",
                                     "ec",
                                     "-pkeyopt",
                                     "ec_paramgen_curve:prime256v1",
                                     "-nodes",
                                     "-keyout",
                                     "key.pem",
                                     "-out",
                                     "a.pem",
                                     "-days",
                                     "2",
                                     "-subj",
                                     "/CN=bcj2 test",
                                     "-addext",
                                     san,
                                     NULL};
    run(arguments);
}

/* expired.pem: a.pem, whose last day was yesterday. */
static void expire_certificate(void)
{
    static const char *const arguments[] = {"openssl",  "x509",        "-in",   "a.pem",
                                            "-signkey", "key.pem",     "-days", "-1",
                                            "-out",     "expired.pem", NULL};
    run(arguments);
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* s_server says where it listens: "ACCEPT 127.0.0.1:PORT". */
static void start_server(const char *certificate, const char *verify)
{
    int out[2];
    ck_assert_int_eq(pipe(out), 0);
    tls_server = fork();
    ck_assert_int_ge(tls_server, 0);
    if (tls_server == 0) {
        const char *const arguments[] = {"openssl",
                                         "s_server",
                                         "-accept",
                                         "127.0.0.1:0",
                                         "-cert",
                                         certificate,
                                         "-key",
                                         "key.pem",
                                         "-HTTP",
                                         verify,
                                         verify == NULL ? NULL : "1",
                                         NULL};
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        (void)close(out[0]);
        (void)close(out[1]);
        (void)execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    (void)close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    char line[256];
    unsigned port = 0;
    while (port == 0 && fgets(line, sizeof line, lines) != NULL) {
        (void)sscanf(line, "ACCEPT 127.0.0.1:%5u", &port);
    }
    ck_assert_msg(port != 0, "openssl s_server did not start");
    tls_port = (uint16_t)port;
    /* lines stays open: the server goes on talking and must not get SIGPIPE */
}

static void leave_folder(void)
{
    if (tls_server > 0) {
        (void)kill(tls_server, SIGKILL);
        (void)waitpid(tls_server, NULL, 0);
        tls_server = -1;
    }
    static const char *const made[] = {"a.pem", "expired.pem", "key.pem", "hello", "back"};
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        (void)unlink(made[i]);
    }
    ck_assert_int_eq(chdir(start_folder), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void enter_folder(void)
{
    ck_assert_ptr_nonnull(getcwd(start_folder, sizeof start_folder));
    (void)snprintf(folder, sizeof folder, "/tmp/bcj2-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    write_file("hello", OK_HELLO);
    (void)unsetenv("CURL_CA_BUNDLE");
    (void)unsetenv("SSL_CERT_FILE");
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
    make_certificate(trust[_i].address);
    expire_certificate();
    start_server(trust[_i].certificate, trust[_i].verify);
    if (trust[_i].variable != NULL) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", folder, trust[_i].ca_file);
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
    make_certificate("127.0.0.1");
    (void)setenv("CURL_CA_BUNDLE", "a.pem", 1);
    struct http_script *plain = http_script_start(lists, 1);
    char text[256];
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/x\r\n"
                   "Content-Length: 0\r\nConnection: close\r\n\r\n",
                   http_script_port(plain));
    write_file("back", text);
    start_server("a.pem", NULL);
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
    tcase_add_checked_fixture(tc, enter_folder, leave_folder);
    tcase_add_loop_test(tc, trusted, 0, ARRAY_LEN(trust));
    tcase_add_loop_test(tc, no_way_back_to_http, 0, 2);
    tcase_add_loop_test(tc, stranger, 0, ARRAY_LEN(strangers));
}

SUITE_MAIN("net_tls", add_cases)
