/* SPDX-License-Identifier: MIT */
/* See servers.h. */
#include "servers.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS   24
#define TEXTS     8
#define TEXT_SIZE 4400
#define PATIENCE  4000 /* looks, 5 ms apart */

struct test_server {
    char folder[256];
    char root[300], log[300];
    char *argv[OPTIONS];
    pid_t pid;
    unsigned port;
};

/* The texts that were handed out last. */
static char *next_text(void)
{
    static char texts[TEXTS][TEXT_SIZE];
    static unsigned next;
    return texts[next++ % TEXTS];
}

/* ---- the process ---- */

static void run_child(const struct test_server *s, int out)
{
    (void)dup2(out, STDOUT_FILENO);
    execv(s->argv[0], s->argv);
    (void)fprintf(stderr, "%s: %s\n", s->argv[0], strerror(errno));
    _exit(127);
}

/* Starts it and reads the line that says where it listens. */
static void launch(struct test_server *s)
{
    int ends[2];
    char line[256] = "";
    ck_assert_int_eq(pipe(ends), 0);
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    s->pid = fork();
    ck_assert_int_ge(s->pid, 0);
    if (s->pid == 0) {
        run_child(s, ends[1]);
    }
    (void)close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    ck_assert_ptr_nonnull(out);
    ck_assert_msg(fgets(line, sizeof line, out) != NULL, "the server says nothing");
    ck_assert_int_eq(sscanf(line, "listening on http://127.0.0.1:%u/", &s->port), 1);
    (void)fclose(out);
}

static void add_option(struct test_server *s, size_t *count, const char *text)
{
    ck_assert_uint_lt(*count, (size_t)OPTIONS - 1);
    s->argv[*count] = strdup(text);
    ck_assert_ptr_nonnull(s->argv[*count]);
    ++*count;
}

static struct test_server *prepare(const char *const options[])
{
    const char *temporary = getenv("TMPDIR"), *program = getenv("BCJ2_SERVER");
    struct test_server *s = calloc(1, sizeof *s);
    size_t count = 0;
    ck_assert_ptr_nonnull(s);
    ck_assert_msg(program != NULL, "BCJ2_SERVER must name the program");
    (void)snprintf(s->folder, sizeof s->folder, "%s/bcj2-server.XXXXXX",
                   temporary == NULL ? "/tmp" : temporary);
    ck_assert_ptr_nonnull(mkdtemp(s->folder));
    (void)snprintf(s->root, sizeof s->root, "%s/root", s->folder);
    (void)snprintf(s->log, sizeof s->log, "%s/log", s->folder);
    ck_assert_int_eq(mkdir(s->root, 0700), 0);
    ck_assert_int_eq(mkdir(server_path(s, "root/in"), 0700), 0);
    const char *const always[] = {program,       "--root", s->root, "--listen",
                                  "127.0.0.1:0", "--log",  s->log};
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        add_option(s, &count, always[i]);
    }
    for (size_t i = 0; options != NULL && options[i] != NULL; i++) {
        bool inside = strncmp(options[i], "FOLDER/", 7) == 0;
        add_option(s, &count, inside ? server_path(s, options[i] + 7) : options[i]);
    }
    return s;
}

struct test_server *server_start(const char *const options[])
{
    struct test_server *s = prepare(options);
    launch(s);
    return s;
}

struct test_server *server_start_config(const char *json, const char *const options[])
{
    struct test_server *s = prepare(options);
    size_t count = 0;
    while (s->argv[count] != NULL) {
        count++;
    }
    server_write(s, "config.json", json, strlen(json), 0600);
    add_option(s, &count, "--config");
    add_option(s, &count, server_path(s, "config.json"));
    launch(s);
    return s;
}

/* Returns the wait status. */
static int end_with(struct test_server *s, int signal_number)
{
    int status = 0;
    pid_t pid = s->pid;
    s->pid = 0;
    ck_assert_int_eq(kill(pid, signal_number), 0);
    while (waitpid(pid, &status, 0) < 0) {
        ck_assert_int_eq(errno, EINTR);
    }
    return status;
}

static void end_kindly(struct test_server *s)
{
    if (s->pid != 0) {
        int status = end_with(s, SIGTERM);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "the server ended with wait status 0x%x", (unsigned)status);
    }
}

void server_kill(struct test_server *s)
{
    (void)end_with(s, SIGKILL);
}

void server_restart(struct test_server *s)
{
    unsigned port = s->port;
    end_kindly(s);
    launch(s);
    ck_assert_uint_eq(s->port, port);
}

static void remove_folder(const char *folder)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", folder, (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

void server_stop(struct test_server *s)
{
    if (s == NULL) {
        return;
    }
    end_kindly(s);
    remove_folder(s->folder);
    for (size_t i = 0; i < OPTIONS; i++) {
        free(s->argv[i]);
    }
    free(s);
}

pid_t server_pid(const struct test_server *s)
{
    return s->pid;
}

uint16_t server_port(const struct test_server *s)
{
    return (uint16_t)s->port;
}

const char *server_url(const struct test_server *s, const char *path)
{
    char *text = next_text();
    (void)snprintf(text, TEXT_SIZE, "http://127.0.0.1:%u%s", s->port, path);
    return text;
}

/* ---- its folder ---- */

const char *server_root(const struct test_server *s)
{
    return s->root;
}

const char *server_path(const struct test_server *s, const char *relative)
{
    char *text = next_text();
    (void)snprintf(text, TEXT_SIZE, "%s/%s", s->folder, relative);
    return text;
}

void server_write(const struct test_server *s, const char *relative, const void *data,
                  size_t length, mode_t mode)
{
    int fd = open(server_path(s, relative), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, length), (ssize_t)length);
    ck_assert_int_eq(close(fd), 0);
}

static char *read_whole(const char *path, size_t *ret_length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0) {
        return NULL;
    }
    ck_assert_int_eq(fstat(fd, &st), 0);
    char *data = malloc((size_t)st.st_size + 1);
    ck_assert_ptr_nonnull(data);
    ssize_t n = st.st_size == 0 ? 0 : read(fd, data, (size_t)st.st_size);
    ck_assert_int_ge(n, 0);
    data[n] = '\0';
    (void)close(fd);
    if (ret_length != NULL) {
        *ret_length = (size_t)n;
    }
    return data;
}

char *server_read(const struct test_server *s, const char *relative, size_t *ret_length)
{
    return read_whole(server_path(s, relative), ret_length);
}

bool server_exists(const struct test_server *s, const char *relative)
{
    struct stat st;
    return lstat(server_path(s, relative), &st) == 0;
}

/* ---- its log ---- */

const char *server_log_path(const struct test_server *s)
{
    return s->log;
}

char *server_log(const struct test_server *s)
{
    char *text = read_whole(s->log, NULL);
    ck_assert_ptr_nonnull(text);
    return text;
}

size_t server_logged(const struct test_server *s, const char *text)
{
    char *log = server_log(s);
    size_t times = 0;
    for (const char *p = log; (p = strstr(p, text)) != NULL; p += strlen(text)) {
        times++;
    }
    free(log);
    return times;
}

void server_wait_logged(const struct test_server *s, const char *text, size_t times)
{
    const struct timespec a_little = {.tv_nsec = 5000000};
    for (int look = 0; server_logged(s, text) < times; look++) {
        ck_assert_msg(look < PATIENCE, "\"%s\" is not %zu times in the log", text, times);
        (void)nanosleep(&a_little, NULL);
    }
}

struct server_sums server_sums(const struct test_server *s)
{
    struct server_sums sums = {0};
    char *log = server_log(s), *rest = NULL;
    for (char *line = strtok_r(log, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        uint64_t fresh = 0, duplicate = 0;
        if (sscanf(line, "fragment %*s %*s new %" SCNu64 " duplicate %" SCNu64, &fresh,
                   &duplicate) == 2) {
            sums.fragments++;
            sums.broken += strstr(line, "status broken") != NULL;
            sums.fresh += fresh;
            sums.duplicate += duplicate;
        }
    }
    free(log);
    return sums;
}
