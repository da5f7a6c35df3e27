/* SPDX-License-Identifier: MIT */
/* See nginx.h. */
#include "nginx.h"
#include "folder.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORTS     4u
#define TEXTS     8u
#define TEXT_SIZE 1024u
#define PATIENCE  4000 /* looks, 5 ms apart */
#define MISSING   "nginx is needed: apt-get install nginx (or tools/install-deps.sh test)"

/* Everything that Debian's nginx would put elsewhere, where only root may write. (Without a master process
   nginx 1.22 crashes over inherited sockets.) */
static const char before[] =
    "daemon off;\n"
    "worker_processes 1;\n"
    "pid FOLDER/nginx.pid;\n"
    "error_log FOLDER/error.log info;\n"
    "events { worker_connections 256; }\n"
    "http {\n"
    "client_body_temp_path FOLDER/tmp; proxy_temp_path FOLDER/tmp; fastcgi_temp_path FOLDER/tmp;\n"
    "uwsgi_temp_path FOLDER/tmp; scgi_temp_path FOLDER/tmp;\n"
    "log_format line '$request_method $request_uri $status $body_bytes_sent port=$server_port '\n"
    "'range=$http_range if-range=$http_if_range ius=$http_if_unmodified_since '\n"
    "'ae=$http_accept_encoding ua=$http_user_agent x=$http_x_secret auth=$http_authorization '\n"
    "'cert=$ssl_client_s_dn proto=$server_protocol';\n"
    "access_log FOLDER/access.log line;\n"
    "sendfile on;\n";

struct nginx {
    char folder[FOLDER_PATH_SIZE];
    int sockets[PORTS];
    uint16_t ports[PORTS];
    pid_t pid; /* 0: it does not run */
};

/* The texts that were handed out last. */
static char *next_text(void)
{
    static char texts[TEXTS][TEXT_SIZE];
    static unsigned next;
    return texts[next++ % TEXTS];
}

/* ---- ports ---- */

/* Listening from now on, also while no nginx runs: nobody else can get the port. */
static void make_port(struct nginx *n, unsigned i)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    n->sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(n->sockets[i], 0);
    (void)fcntl(n->sockets[i], F_SETFD, FD_CLOEXEC);
    ck_assert_int_eq(bind(n->sockets[i], (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(n->sockets[i], 64), 0);
    ck_assert_int_eq(getsockname(n->sockets[i], (struct sockaddr *)&address, &length), 0);
    n->ports[i] = ntohs(address.sin_port);
}

struct nginx *nginx_new(void)
{
    struct nginx *n = calloc(1, sizeof *n);
    ck_assert_ptr_nonnull(n);
    folder_make(n->folder);
    ck_assert_int_eq(mkdir(nginx_path(n, "www"), 0700), 0);
    for (unsigned i = 0; i < PORTS; i++) {
        make_port(n, i);
    }
    return n;
}

uint16_t nginx_port(const struct nginx *n, unsigned which)
{
    ck_assert(which >= 1 && which <= PORTS);
    return n->ports[which - 1];
}

const char *nginx_url_with(const char *scheme, const char *host, const struct nginx *n,
                           unsigned which, const char *path)
{
    char *text = next_text();
    (void)snprintf(text, TEXT_SIZE, "%s://%s:%u%s", scheme, host, (unsigned)nginx_port(n, which),
                   path);
    return text;
}

const char *nginx_url(const struct nginx *n, unsigned which, const char *path)
{
    return nginx_url_with("http", "127.0.0.1", n, which, path);
}

const char *nginx_path(const struct nginx *n, const char *relative)
{
    char *text = next_text();
    (void)snprintf(text, TEXT_SIZE, "%s/%s", n->folder, relative);
    return text;
}

/* ---- the process ---- */

static void put_config(const struct nginx *n, FILE *f, const char *text)
{
    while (*text != '\0') {
        unsigned which = 0;
        if (strncmp(text, "FOLDER", 6) == 0) {
            (void)fputs(n->folder, f);
            text += 6;
        } else if (sscanf(text, "PORT%1u", &which) == 1) {
            (void)fprintf(f, "%u", (unsigned)nginx_port(n, which));
            text += 5;
        } else {
            (void)fputc(*text++, f);
        }
    }
}

static void exec_nginx(const struct nginx *n, const char *config)
{
    char inherited[PORTS * 12 + 1] = "", log[FOLDER_PATH_SIZE];
    for (unsigned i = 0; i < PORTS; i++) {
        char port[8];
        (void)snprintf(port, sizeof port, "PORT%u", i + 1);
        if (strstr(config, port) != NULL) { /* of others it would say that nobody listens there */
            (void)fcntl(n->sockets[i], F_SETFD, 0);
            size_t length = strlen(inherited);
            (void)snprintf(inherited + length, sizeof inherited - length, "%d;", n->sockets[i]);
        }
    }
    folder_in(log, n->folder, "error.log");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)dup2(null, STDIN_FILENO);
    (void)setenv("NGINX", inherited, 1); /* how an nginx hands its sockets to a newer one */
    const char *const arguments[] = {"nginx", "-p", n->folder, "-e", log, "-c", "nginx.conf", NULL};
    (void)execvp("nginx", (char *const *)arguments);
    (void)execv("/usr/sbin/nginx", (char *const *)arguments); /* not in everybody's PATH */
    _exit(127);
}

static void fail_with_log(const struct nginx *n)
{
    char line[512];
    FILE *f = fopen(nginx_path(n, "error.log"), "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        (void)fputs(line, stderr);
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    ck_abort_msg("nginx does not run");
}

/* The connection waits in the socket's queue until nginx takes it, or ends with it. */
static void await_answer(struct nginx *n)
{
    static const char ask[] = "GET /.ready HTTP/1.0\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(n->ports[0])};
    char byte = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0), status = 0;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL), (ssize_t)sizeof ask - 1);
    struct timeval second = {.tv_sec = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    ssize_t got = -1;
    for (int i = 0; i < 20 && got < 0; i++) {
        got = recv(fd, &byte, 1, 0);
        if (waitpid(n->pid, &status, WNOHANG) == n->pid) {
            n->pid = 0;
            ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status) != 127, MISSING);
            fail_with_log(n);
        }
    }
    (void)close(fd);
    ck_assert_msg(got >= 0, "nginx does not answer");
}

void nginx_run(struct nginx *n, const char *config)
{
    ck_assert_int_eq(n->pid, 0);
    FILE *f = fopen(nginx_path(n, "nginx.conf"), "w");
    ck_assert_ptr_nonnull(f);
    if (geteuid() == 0) {
        (void)fputs("user root;\n", f); /* the worker reads the test's folder too */
    }
    put_config(n, f, before);
    put_config(n, f, config);
    (void)fputs("\n}\n", f);
    ck_assert_int_eq(fclose(f), 0);
    n->pid = fork();
    ck_assert_int_ge(n->pid, 0);
    if (n->pid == 0) {
        exec_nginx(n, config);
    }
    await_answer(n);
}

void nginx_end(struct nginx *n)
{
    int status = 0;
    if (n->pid != 0) {
        ck_assert_int_eq(kill(n->pid, SIGTERM), 0);
        while (waitpid(n->pid, &status, 0) < 0) {
            ck_assert_int_eq(errno, EINTR);
        }
        n->pid = 0;
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "nginx ended with wait status 0x%x", (unsigned)status);
    }
}

void nginx_stop(struct nginx *n)
{
    if (n == NULL) {
        return;
    }
    nginx_end(n);
    for (unsigned i = 0; i < PORTS; i++) {
        (void)close(n->sockets[i]);
    }
    folder_remove(n->folder);
    free(n);
}

/* ---- the log ---- */

char *nginx_log(const struct nginx *n)
{
    FILE *f = fopen(nginx_path(n, "access.log"), "rb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    rewind(f);
    char *text = malloc((size_t)size + 1);
    ck_assert(size >= 0 && text != NULL);
    size_t got = fread(text, 1, (size_t)size, f);
    text[got] = '\0';
    (void)fclose(f);
    return text;
}

/* Calls for each complete line of the log; the sum of what comes back. */
static uint64_t over_lines(const struct nginx *n, const char *text,
                           uint64_t (*value)(const char *line, const char *text))
{
    uint64_t sum = 0;
    char *log = nginx_log(n), *line = log, *end = NULL;
    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        sum += value(line, text);
        line = end + 1;
    }
    free(log);
    return sum;
}

static uint64_t has_text(const char *line, const char *text)
{
    return strstr(line, text) != NULL ? 1 : 0;
}

static uint64_t bytes_of(const char *line, const char *start)
{
    uint64_t bytes = 0;
    if (strncmp(line, start, strlen(start)) != 0) {
        return 0;
    }
    ck_assert_int_eq(sscanf(line, "%*s %*s %*s %" SCNu64, &bytes), 1);
    return bytes;
}

size_t nginx_logged(const struct nginx *n, const char *text)
{
    return (size_t)over_lines(n, text, has_text);
}

void nginx_wait_logged(const struct nginx *n, const char *text, size_t times)
{
    for (int i = 0; i < PATIENCE && nginx_logged(n, text) < times; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    size_t logged = nginx_logged(n, text);
    ck_assert_msg(logged >= times, "\"%s\" stands %zu times in nginx's log, not %zu", text, logged,
                  times);
}

uint64_t nginx_bytes(const struct nginx *n, const char *start)
{
    return over_lines(n, start, bytes_of);
}
