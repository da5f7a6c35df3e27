/* SPDX-License-Identifier: MIT */
/* What the options of bcj2 do, as an nginx sees it: headers, methods, ranges, priorities, limits of time,
   redirects, and everything about TLS. Not here: what they refuse (test_cli_usage.c). */
#include "../net/tls_server.h"
#include "../support/nginx.h"
#include "../support/suite.h"
#include "cli_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nginx *nginx;
static char ca[FOLDER_PATH_SIZE], client[FOLDER_PATH_SIZE], key[FOLDER_PATH_SIZE];
static char locked[FOLDER_PATH_SIZE], password[FOLDER_PATH_SIZE], wrong[FOLDER_PATH_SIZE];

static void setup(void)
{
    cli_setup_folder();
    nginx = nginx_new();
    folder_file(nginx_path(nginx, "www/a"), 300000);
}

static void teardown(void)
{
    nginx_stop(nginx);
    cli_teardown();
}

static void assert_got(void)
{
    ck_assert(cli_same(cli_path("got"), nginx_path(nginx, "www/a")));
}

/* Whole in one request for who waits; of a background job in fragments. */
START_TEST(headers_ranges_and_priorities)
{
    nginx_run(nginx, "server { listen 127.0.0.1:PORT1; root FOLDER/www; }");
    char url[256];
    (void)snprintf(url, sizeof url, "%s", nginx_url(nginx, 1, "/a"));
    assert_ended(cli_run("download", url, "got", "--header", "X-Secret: one", NULL), 0);
    assert_got();
    nginx_wait_logged(nginx, "GET /a 200 300000", 1);
    ck_assert_uint_eq(nginx_logged(nginx, "x=one"),
                      nginx_logged(nginx, "GET /a") + nginx_logged(nginx, "HEAD /a"));
    assert_ended(cli_run("download", url, "got", "--priority", "low", NULL), 0);
    assert_got();
    nginx_wait_logged(nginx, "GET /a 206 262144", 1);
    assert_ended(cli_run("download", url, "got", "--range=7-10", NULL), 0);
    nginx_wait_logged(nginx, "range=bytes=7-10 ", 1);
    FILE *f = fopen(cli_path("lines"), "w");
    ck_assert_ptr_nonnull(f);
    (void)fputs("X-Secret: two\n", f);
    (void)fclose(f);
    struct ended ended = cli_run("download", url, "got", "--header", "@lines", NULL);
    assert_ended(ended, 0);
    assert_lacks(ended.err, "two");
    nginx_wait_logged(nginx, "x=two", 2);
    ck_assert_uint_eq(nginx_logged(nginx, "x=one"), 2);
}
END_TEST

START_TEST(methods)
{
    nginx_run(nginx, "server { listen 127.0.0.1:PORT1; location /made { return 200 \"done\"; } }");
    struct ended ended =
        cli_run("download", nginx_url(nginx, 1, "/made"), "got", "--method", "POST", NULL);
    assert_ended(ended, 0);
    ck_assert_str_eq(cli_read(cli_path("got"), NULL), "done");
    nginx_wait_logged(nginx, "POST /made 200", 1);
    ck_assert_uint_eq(nginx_logged(nginx, " /made "), 1);
}
END_TEST

/* 503 may pass; but not within this time, or if the next try came too late. */
static const struct {
    const char *option, *value, *other, *other_value;
} final_at_once[] = {
    {"--no-progress", "0", "--retry-delay", "5"},
    {"--no-progress", "600", "--retry-delay", "601"},
};

START_TEST(retries)
{
    nginx_run(nginx, "server { listen 127.0.0.1:PORT1; return 503; }");
    struct ended ended = cli_run("download", nginx_url(nginx, 1, "/a"), "got",
                                 final_at_once[_i].option, final_at_once[_i].value,
                                 final_at_once[_i].other, final_at_once[_i].other_value, NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "503");
}
END_TEST

START_TEST(most_time)
{
    nginx_run(nginx, "server { listen 127.0.0.1:PORT1; root FOLDER/www; limit_rate 20000; }");
    struct ended ended =
        cli_run("download", nginx_url(nginx, 1, "/a"), "got", "--max-time", "1", NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "BG_E_MAXDOWNLOAD_TIMEOUT");
}
END_TEST

START_TEST(redirects)
{
    char moved[256];
    nginx_run(nginx, "server { listen 127.0.0.1:PORT1; root FOLDER/www;"
                     " location /old { return 301 /a; } }");
    (void)snprintf(moved, sizeof moved, "%s", nginx_url(nginx, 1, "/old"));
    struct ended ended = cli_run("download", moved, "got", "--redirects", "refuse", NULL);
    assert_ended(ended, 1);
    assert_contains(ended.err, "301");
    ck_assert_uint_eq(nginx_logged(nginx, "/a"), 0);
    assert_ended(cli_run("download", moved, "got", "--redirects", "follow", NULL), 0);
    assert_got();
}
END_TEST

/* ---- TLS ---- */

#define TLS_SERVER                                                                 \
    "server { listen 127.0.0.1:PORT1 ssl; root FOLDER/www; ssl_protocols TLSv1.3;" \
    " ssl_certificate %s; ssl_certificate_key %s; ssl_client_certificate %s;"      \
    " ssl_verify_client %s; }"

static void setup_tls(void)
{
    setup();
    tls_enter();
    tls_certificate("ca", "127.0.0.1");
    tls_certificate("client", "127.0.0.1");
    TLS_RUN("openssl", "pkcs8", "-topk8", "-in", "client.key", "-out", "locked.key", "-passout",
            "pass:hidden word");
    TLS_RUN("openssl", "pkey", "-in", "ca.key", "-pubout", "-out", "ca.pub");
    TLS_RUN("openssl", "pkey", "-in", "client.key", "-pubout", "-out", "client.pub");
    tls_write("password", "hidden word\n");
    tls_write("wrong", "hidden words\n");
    tls_path(ca, "ca.pem");
    tls_path(client, "client.pem");
    tls_path(key, "client.key");
    tls_path(locked, "locked.key");
    tls_path(password, "password");
    tls_path(wrong, "wrong");
}

static void teardown_tls(void)
{
    tls_leave();
    teardown();
}

static void serve_tls(const char *verify)
{
    char config[4096], ca_key[FOLDER_PATH_SIZE];
    tls_path(ca_key, "ca.key");
    (void)snprintf(config, sizeof config, TLS_SERVER, ca, ca_key, client, verify);
    nginx_run(nginx, config);
}

static const struct {
    const char *options[6];
    const char *host;
    int status;
} trust[] = {
    {{"--retry-delay", "5"}, "127.0.0.1", 1}, /* nobody knows who signed it */
    {{"--cacert", "ca.pem"}, "127.0.0.1", 0},
    {{"--cacert", "client.pem"}, "127.0.0.1", 1},
    {{"--ignore-unknown-ca", "yes"}, "127.0.0.1", 0},
    {{"--ignore-unknown-ca", "no"}, "127.0.0.1", 1},
    {{"--cacert", "ca.pem"}, "localhost", 1}, /* the certificate names the address */
    {{"--cacert", "ca.pem", "--ignore-cert-name", "yes"}, "localhost", 0},
    {{"--cacert", "ca.pem", "--pin", "ca.pub"}, "127.0.0.1", 0},
    {{"--cacert", "ca.pem", "--pin", "client.pub"}, "127.0.0.1", 1},
    {{"--cacert", "ca.pem", "--tls-min", "1.3"}, "127.0.0.1", 0},
    {{"--cacert", "ca.pem", "--tls-max", "1.2", "--no-progress", "0"}, "127.0.0.1", 1},
    {{"--cacert", "ca.pem", "--crl-check", "yes"}, "127.0.0.1", 1}, /* no list says so */
};

START_TEST(whom_to_trust)
{
    char paths[6][FOLDER_PATH_SIZE];
    const char *words[6] = {0};
    serve_tls("off");
    for (int i = 0; i < 6 && trust[_i].options[i] != NULL; i++) {
        words[i] = trust[_i].options[i];
        const char *end = strrchr(words[i], '.');
        if (end != NULL && (strcmp(end, ".pem") == 0 || strcmp(end, ".pub") == 0)) {
            tls_path(paths[i], words[i]);
            words[i] = paths[i];
        }
    }
    struct ended ended =
        cli_run("download", nginx_url_with("https", trust[_i].host, nginx, 1, "/a"), "got",
                words[0], words[1], words[2], words[3], words[4], words[5], NULL);
    assert_ended(ended, trust[_i].status);
    if (trust[_i].status == 0) {
        assert_got();
    }
    ck_assert_uint_eq(nginx_logged(nginx, "GET /a 200") > 0, trust[_i].status == 0);
}
END_TEST

START_TEST(who_we_are)
{
    serve_tls("on");
    char url[256];
    (void)snprintf(url, sizeof url, "%s", nginx_url_with("https", "127.0.0.1", nginx, 1, "/a"));
    struct ended ended = cli_run("download", url, "got", "--cacert", ca, NULL);
    assert_ended(ended, 1);
    ended = cli_run("download", url, "got", "--cacert", ca, "--cert", client, "--key", key, NULL);
    assert_ended(ended, 0);
    assert_got();
    nginx_wait_logged(nginx, "cert=CN=bcj2 test", 2);
    ended = cli_run("download", url, "got", "--cacert", ca, "--cert", client, "--key", locked,
                    "--key-password-file", wrong, NULL);
    assert_ended(ended, 1);
    assert_lacks(ended.err, "hidden");
    ended = cli_run("download", "--detach", url, "again", "--cacert", ca, "--cert", client, "--key",
                    locked, "--key-password-file", password, NULL);
    assert_ended(ended, 0);
    ended.out[36] = '\0';
    struct ended shown = cli_run("show", ended.out, NULL);
    assert_contains(shown.out, "key password set\n");
    assert_contains(shown.out, locked);
    assert_lacks(shown.out, "hidden");
    assert_lacks(cli_run("--json", "show", ended.out, NULL).out, "hidden");
    /* the wrong password's job is in ERROR and rests */
    assert_ended(cli_run("run", "--until-idle", NULL), 0);
    assert_ended(cli_run("complete", ended.out, NULL), 0);
    ck_assert(cli_same(cli_path("again"), nginx_path(nginx, "www/a")));
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "http", 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, headers_ranges_and_priorities);
    tcase_add_test(tc, methods);
    tcase_add_loop_test(tc, retries, 0, sizeof final_at_once / sizeof final_at_once[0]);
    tcase_add_test(tc, most_time);
    tcase_add_test(tc, redirects);
    tc = suite_case(suite, "tls", 60);
    tcase_add_checked_fixture(tc, setup_tls, teardown_tls);
    tcase_add_loop_test(tc, whom_to_trust, 0, sizeof trust / sizeof trust[0]);
    tcase_add_test(tc, who_we_are);
}

SUITE_MAIN("cli_options", add_cases)
