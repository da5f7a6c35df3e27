/* SPDX-License-Identifier: MIT */
/* See tls_server.h. */
#include "tls_server.h"
#include "../support/suite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPENSSL_MISSING "the openssl program is needed: apt-get install openssl"
#define SERVERS_MAX     8
#define ARGUMENTS_MAX   32

static char folder[FOLDER_PATH_SIZE], start_folder[4096];
static pid_t servers[SERVERS_MAX];
static size_t server_count;

void tls_path(char path[FOLDER_PATH_SIZE], const char *name)
{
    folder_in(path, folder, name);
}

void tls_write(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

void tls_run(const char *const arguments[])
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        (void)execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) != 127, OPENSSL_MISSING);
    ck_assert_msg(WEXITSTATUS(status) == 0, "openssl %s failed with %d", arguments[1],
                  WEXITSTATUS(status));
}

void tls_certificate(const char *name, const char *address)
{
    char san[64], key[64], certificate[64];
    (void)snprintf(san, sizeof san, "subjectAltName=IP:%s", address);
    (void)snprintf(key, sizeof key, "%s.key", name);
    (void)snprintf(certificate, sizeof certificate, "%s.pem", name);
    TLS_RUN("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=bcj2 test",
            "-addext", san);
}

void tls_signed(const char *name, const char *address, const char *authority, const char *serial)
{
    char san[64], key[64], request[64], certificate[64], ca[64], ca_key[64];
    (void)snprintf(san, sizeof san, "subjectAltName=IP:%s\n", address);
    (void)snprintf(key, sizeof key, "%s.key", name);
    (void)snprintf(request, sizeof request, "%s.csr", name);
    (void)snprintf(certificate, sizeof certificate, "%s.pem", name);
    (void)snprintf(ca, sizeof ca, "%s.pem", authority);
    (void)snprintf(ca_key, sizeof ca_key, "%s.key", authority);
    tls_write("signed.ext", san);
    TLS_RUN("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", key, "-out", request, "-subj", "/CN=bcj2 signed");
    TLS_RUN("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-set_serial",
            serial, "-days", "2", "-extfile", "signed.ext", "-out", certificate);
}

static void exec_server(int out, const char *certificate, const char *key, const char *const more[])
{
    const char *arguments[ARGUMENTS_MAX] = {"openssl",     "s_server", "-accept",
                                            "127.0.0.1:0", "-cert",    certificate,
                                            "-key",        key,        "-HTTP"};
    size_t count = 9;
    for (size_t i = 0; more != NULL && more[i] != NULL && count < ARGUMENTS_MAX - 1; i++) {
        arguments[count++] = more[i];
    }
    int null = open("/dev/null", O_RDWR);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    (void)close(out);
    (void)execvp(arguments[0], (char *const *)arguments);
    _exit(127);
}

/* s_server says where it listens: "ACCEPT 127.0.0.1:PORT". */
uint16_t tls_serve(const char *certificate, const char *key, const char *const more[])
{
    int out[2];
    ck_assert_uint_lt(server_count, SERVERS_MAX);
    ck_assert_int_eq(pipe(out), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)close(out[0]);
        exec_server(out[1], certificate, key, more);
    }
    servers[server_count++] = pid;
    (void)close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    char line[256];
    unsigned port = 0;
    while (port == 0 && fgets(line, sizeof line, lines) != NULL) {
        (void)sscanf(line, "ACCEPT 127.0.0.1:%5u", &port);
    }
    ck_assert_msg(port != 0, "openssl s_server did not start");
    return (
        uint16_t)port; /* lines stays open: the server goes on talking and must not get SIGPIPE */
}

void tls_leave(void)
{
    for (size_t i = 0; i < server_count; i++) {
        (void)kill(servers[i], SIGKILL);
        (void)waitpid(servers[i], NULL, 0);
    }
    server_count = 0;
    ck_assert_int_eq(chdir(start_folder), 0);
    folder_remove(folder);
}

void tls_enter(void)
{
    ck_assert_ptr_nonnull(getcwd(start_folder, sizeof start_folder));
    folder_make(folder);
    ck_assert_int_eq(chdir(folder), 0);
    tls_write("hello", TLS_OK_HELLO);
    (void)unsetenv("CURL_CA_BUNDLE");
    (void)unsetenv("SSL_CERT_FILE");
}
