/* SPDX-License-Identifier: MIT */
/* Downloads over TLS and through redirects, from nginx: who is trusted, who we say we are, and what of a
   job's secrets reaches which server. The engine's own tests of the same are test_net_tls*.c and
   test_net_redirects.c. */
#include "../support/fault_proxy.h"
#include "../support/nginx.h"
#include "download_rig.h"
#include "tls_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES  400000u
#define SECRET "X-Secret: abc\r\nAuthorization: Bearer xyz\r\n"

/* PORT1: plain, redirects to all others. PORT2: TLS. PORT3: another origin, plain. PORT4: TLS with client
   certificates. */
static const char config[] =
    "ssl_certificate CERTS/server.pem; ssl_certificate_key CERTS/server.key;\n"
    "server { listen 127.0.0.1:PORT1; root FOLDER/www;\n"
    "  location /slow { return 302 http://127.0.0.1:PORT3/slow; }\n"
    "  location /away { return 302 http://127.0.0.1:PORT3/a; }\n"
    "  location /name { return 307 http://localhost:PORT1/a; }\n"
    "  location /chain { return 301 /chain2; }\n"
    "  location /chain2 { return 308 /away; }\n"
    "  location /round { return 302 /round; }\n"
    "  location /safe { return 302 https://127.0.0.1:PORT2/a; }\n"
    "  location /post { return 200 posted; } }\n"
    "server { listen 127.0.0.1:PORT2 ssl http2; root FOLDER/www;\n"
    "  location /unsafe { return 302 http://127.0.0.1:PORT3/a; } }\n"
    "server { listen 127.0.0.1:PORT3; root FOLDER/www;\n"
    "  location /slow { limit_rate 1k; alias FOLDER/www/a; } }\n"
    "server { listen 127.0.0.1:PORT4 ssl; root FOLDER/www; ssl_protocols TLSv1.2;\n"
    "  ssl_client_certificate CERTS/ca.pem; ssl_verify_client on; }\n";

static struct nginx *nginx;

static const char *certificate(const char *name)
{
    static char paths[4][FOLDER_PATH_SIZE];
    static unsigned next;
    char *path = paths[next++ % 4];
    tls_path(path, name);
    return path;
}

static void begin(void)
{
    char folder[FOLDER_PATH_SIZE], text[8192] = "";
    tls_enter();
    tls_path(folder, "");
    tls_certificate("ca", "127.0.0.1");
    tls_signed("server", "127.0.0.1", "ca", "1");
    rig_prepare();
    nginx = nginx_new();
    client_make_file(nginx_path(nginx, "www/a"), BYTES, 3);
    for (const char *at = config; *at != '\0';) {
        const char *mark = strstr(at, "CERTS/");
        size_t length = mark == NULL ? strlen(at) : (size_t)(mark - at), had = strlen(text);
        (void)snprintf(text + had, sizeof text - had, "%.*s%s", (int)length, at,
                       mark == NULL ? "" : folder);
        at += length + (mark == NULL ? 0 : strlen("CERTS/"));
    }
    nginx_run(nginx, text);
}

static void finish(bcj2_job *job)
{
    bcj2_job_state state = client_state(job);
    if (state != BCJ2_JOB_STATE_ACKNOWLEDGED) {
        assert_status(bcj2_cancel(job), BCJ2_OK);
    }
    rig_unref(job);
    rig_assert_no_temporary_here();
    rig_close();
    nginx_stop(nginx);
    folder_remove(rig.folder);
    tls_leave();
}

static bcj2_job *job_of(const char *scheme, unsigned port, const char *path)
{
    bcj2_job *job = download_foreground_job();
    download_add(job, nginx_url_with(scheme, "127.0.0.1", nginx, port, path), "a");
    return job;
}

static void expect_file(bcj2_job *job)
{
    download_finish(job);
    client_assert_same(nginx_path(nginx, "www/a"), download_path("a"));
}

static void expect_error(bcj2_job *job, bcj2_status code)
{
    assert_status(bcj2_set_no_progress_timeout(job, 0), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE, code);
}

static void trust_ca(bcj2_job *job)
{
    assert_status(bcj2_set_ca_file(job, certificate("ca.pem")), BCJ2_OK);
}

static void assert_remote_name(bcj2_job *job, const char *url)
{
    char *name = NULL;
    bcj2_file *file = download_file(job, 0);
    assert_status(bcj2_file_get_remote_name(file, &name), BCJ2_OK);
    ck_assert_str_eq(name, url);
    bcj2_free(name);
    (void)bcj2_file_unref(file);
}

/* ---- TLS ---- */

START_TEST(unknown_authority)
{
    begin();
    bcj2_job *job = job_of("https", 2, "/a");
    expect_error(job, BCJ2_E_WINHTTP_SECURE_FAILURE);
    trust_ca(job); /* a job in ERROR can be told better */
    expect_file(job);
    nginx_wait_logged(nginx, "proto=HTTP/2.0", 2);
    finish(job);
}
END_TEST

START_TEST(client_certificate)
{
    begin();
    tls_signed("client", "127.0.0.1", "ca", "2");
    bcj2_job *job = job_of("https", 4, "/a");
    trust_ca(job);
    expect_error(job, BCJ2_E_HTTP_ERROR(400)); /* how nginx says that it wants one */
    assert_status(bcj2_set_client_certificate(job, certificate("client.pem"),
                                              certificate("client.key"), NULL),
                  BCJ2_OK);
    expect_file(job);
    nginx_wait_logged(nginx, "cert=CN=bcj2 signed ", 2);
    finish(job);
}
END_TEST

START_TEST(client_key_with_a_password)
{
    begin();
    tls_signed("client", "127.0.0.1", "ca", "2");
    TLS_RUN("openssl", "ec", "-in", "client.key", "-aes256", "-passout", "pass:secret", "-out",
            "locked.key");
    bcj2_job *job = job_of("https", 4, "/a");
    trust_ca(job);
    assert_status(bcj2_set_client_certificate(job, certificate("client.pem"),
                                              certificate("locked.key"), "wrong"),
                  BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait(job, STATE(ERROR));
    assert_status(bcj2_set_client_certificate(job, certificate("client.pem"),
                                              certificate("locked.key"), "secret"),
                  BCJ2_OK);
    expect_file(job);
    finish(job);
}
END_TEST

START_TEST(pinned_key)
{
    begin();
    tls_certificate("other", "127.0.0.1");
    TLS_RUN("openssl", "ec", "-in", "other.key", "-pubout", "-out", "other.pub");
    TLS_RUN("openssl", "ec", "-in", "server.key", "-pubout", "-out", "server.pub");
    bcj2_job *job = job_of("https", 2, "/a");
    trust_ca(job);
    assert_status(bcj2_set_pinned_public_key(job, certificate("other.pub")), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait(job, STATE(ERROR));
    ck_assert_uint_eq(nginx_logged(nginx, " /a "), 0);
    assert_status(bcj2_set_pinned_public_key(job, certificate("server.pub")), BCJ2_OK);
    expect_file(job);
    finish(job);
}
END_TEST

START_TEST(newer_tls_than_there_is)
{
    begin();
    tls_signed("client", "127.0.0.1", "ca", "2");
    bcj2_job *job = job_of("https", 4, "/a");
    trust_ca(job);
    assert_status(bcj2_set_client_certificate(job, certificate("client.pem"),
                                              certificate("client.key"), NULL),
                  BCJ2_OK);
    assert_status(bcj2_set_tls_versions(job, BCJ2_TLS_VERSION_1_3, BCJ2_TLS_VERSION_DEFAULT),
                  BCJ2_OK);
    expect_error(job, BCJ2_E_WINHTTP_SECURE_CHANNEL_ERROR);
    assert_status(bcj2_set_tls_versions(job, BCJ2_TLS_VERSION_DEFAULT, BCJ2_TLS_VERSION_DEFAULT),
                  BCJ2_OK);
    expect_file(job);
    finish(job);
}
END_TEST

/* ---- redirects ---- */

START_TEST(secrets_stay_at_home)
{
    char elsewhere[32], home[32];
    begin();
    bcj2_job *job = job_of("http", 1, "/away");
    assert_status(bcj2_set_custom_headers(job, SECRET), BCJ2_OK);
    expect_file(job);
    (void)snprintf(home, sizeof home, "port=%u", (unsigned)nginx_port(nginx, 1));
    (void)snprintf(elsewhere, sizeof elsewhere, "port=%u", (unsigned)nginx_port(nginx, 3));
    nginx_wait_logged(nginx, elsewhere, 2);
    ck_assert_uint_eq(nginx_logged(nginx, "/away 302"), 2); /* HEAD and GET begin there again */
    ck_assert_uint_eq(nginx_logged(nginx, "x=abc auth=Bearer xyz"), 2);
    ck_assert_uint_eq(nginx_logged(nginx, "x=- auth=- "), 1 + 2); /* nginx_run()'s own, and there */
    assert_remote_name(job, nginx_url(nginx, 1, "/away"));
    finish(job);
}
END_TEST

/* The same machine under another name is another origin. */
START_TEST(secrets_do_not_follow_a_name)
{
    begin();
    bcj2_job *job = job_of("http", 1, "/name");
    assert_status(bcj2_set_custom_headers(job, SECRET), BCJ2_OK);
    expect_file(job);
    nginx_wait_logged(nginx, " /a ", 2);
    ck_assert_uint_eq(nginx_logged(nginx, "/name 307"), 2);
    ck_assert_uint_eq(nginx_logged(nginx, "x=abc"), 2);
    finish(job);
}
END_TEST

START_TEST(chain_within_and_away)
{
    begin();
    bcj2_job *job = job_of("http", 1, "/chain");
    assert_status(bcj2_set_custom_headers(job, SECRET), BCJ2_OK);
    expect_file(job);
    nginx_wait_logged(nginx, " /a ", 2);
    ck_assert_uint_eq(nginx_logged(nginx, "x=abc"), 3 * 2);
    finish(job);
}
END_TEST

START_TEST(round_in_circles)
{
    begin();
    bcj2_job *job = job_of("http", 1, "/round");
    expect_error(job, BCJ2_E_HTTP_ERROR(302));
    nginx_wait_logged(nginx, "HEAD /round", 11);
    ck_assert_uint_eq(nginx_logged(nginx, "/round"), 11);
    finish(job);
}
END_TEST

START_TEST(not_allowed)
{
    begin();
    bcj2_job *job = job_of("http", 1, "/away");
    assert_status(bcj2_set_security_flags(job, BCJ2_HTTP_REDIRECT_POLICY_DISALLOW), BCJ2_OK);
    expect_error(job, BCJ2_E_HTTP_ERROR(302));
    ck_assert_uint_eq(nginx_logged(nginx, " /a "), 0);
    assert_remote_name(job, nginx_url(nginx, 3, "/a")); /* a Resume agrees to it */
    expect_file(job);
    finish(job);
}
END_TEST

START_TEST(reported)
{
    begin();
    bcj2_job *job = job_of("http", 1, "/chain");
    assert_status(bcj2_set_security_flags(job, BCJ2_HTTP_REDIRECT_POLICY_ALLOW_REPORT), BCJ2_OK);
    expect_file(job);
    assert_remote_name(job, nginx_url(nginx, 3, "/a"));
    finish(job);
}
END_TEST

START_TEST(from_plain_to_tls)
{
    begin();
    bcj2_job *job = job_of("http", 1, "/safe");
    trust_ca(job);
    expect_file(job);
    finish(job);
}
END_TEST

START_TEST(from_tls_to_plain)
{
    begin();
    bcj2_job *job = job_of("https", 2, "/unsafe");
    trust_ca(job);
    expect_error(job, BCJ2_E_HTTP_ERROR(302));
    ck_assert_uint_eq(nginx_logged(nginx, " /a "), 0);
    assert_status(bcj2_set_security_flags(job, BCJ2_HTTP_REDIRECT_POLICY_ALLOW_HTTPS_TO_HTTP),
                  BCJ2_OK);
    expect_file(job);
    finish(job);
}
END_TEST

/* A server that was dead and now only sends people elsewhere lives: its jobs do not go on one by one. */
START_TEST(who_redirects_has_answered)
{
    char url[64];
    begin();
    struct fault_proxy *proxy = fault_proxy_start(nginx_port(nginx, 1));
    fault_proxy_refuse(proxy);
    bcj2_job *slow = download_foreground_job(), *job = download_foreground_job();
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/slow", fault_proxy_port(proxy));
    download_add(slow, url, "slow");
    assert_status(bcj2_resume(slow), BCJ2_OK);
    client_wait(slow, STATE(TRANSIENT_ERROR));
    fault_proxy_release(proxy);
    download_wait_bytes(slow, 0, 1);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/away", fault_proxy_port(proxy));
    download_add(job, url, "a");
    expect_file(job);
    ck_assert_int_eq(client_state(slow), BCJ2_JOB_STATE_TRANSFERRING);
    assert_status(bcj2_cancel(slow), BCJ2_OK);
    rig_unref(slow);
    finish(job);
    fault_proxy_stop(proxy);
}
END_TEST

/* ---- methods ---- */

START_TEST(own_method)
{
    begin();
    bcj2_job *job = download_job();
    assert_status(bcj2_set_http_method(job, "POST"), BCJ2_OK);
    download_add(job, nginx_url(nginx, 1, "/post"), "a");
    download_finish(job);
    download_assert_text("a", "posted");
    nginx_wait_logged(nginx, "POST /post 200 6 ", 1);
    ck_assert_uint_eq(nginx_logged(nginx, "/post"), 1);
    finish(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "TLS", 60);
    tcase_add_test(tc, unknown_authority);
    tcase_add_test(tc, client_certificate);
    tcase_add_test(tc, client_key_with_a_password);
    tcase_add_test(tc, pinned_key);
    tcase_add_test(tc, newer_tls_than_there_is);
    tc = suite_case(suite, "redirects", 60);
    tcase_add_test(tc, secrets_stay_at_home);
    tcase_add_test(tc, secrets_do_not_follow_a_name);
    tcase_add_test(tc, chain_within_and_away);
    tcase_add_test(tc, round_in_circles);
    tcase_add_test(tc, not_allowed);
    tcase_add_test(tc, reported);
    tcase_add_test(tc, from_plain_to_tls);
    tcase_add_test(tc, from_tls_to_plain);
    tcase_add_test(tc, who_redirects_has_answered);
    tc = suite_case(suite, "methods", 60);
    tcase_add_test(tc, own_method);
}

SUITE_MAIN("downloads from other origins", add_cases)
