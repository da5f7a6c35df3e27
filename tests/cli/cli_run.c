/* SPDX-License-Identifier: MIT */
/* See cli_run.h. */
#include "cli_run.h"
#include "../support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_ARGUMENTS 32
#define MOST_KEPT      1024

char cli_folder[PATH_SIZE];
char cli_base[256];
static pid_t server_pid;
static int run_count;
static void *kept[MOST_KEPT];
static size_t kept_count;

/* What the server does with an upload is in its name. */
static const char application[] = "#!/bin/sh\n"
                                  "case ${BITS_ORIGINAL_REQUEST_URL##*/} in\n"
                                  "forbidden*) cat >/dev/null; exit 77 ;;\n"
                                  "later*) cat >/dev/null; exit 75 ;;\n"
                                  "silent*) cat >/dev/null ;;\n"
                                  "count*) wc -c | tr -d ' ' ;;\n"
                                  "*) exec cat ;;\n"
                                  "esac\n";

/* ---- files ---- */

/* Remembers memory until the end of the test. */
static void *keep(void *memory)
{
    ck_assert_ptr_nonnull(memory);
    ck_assert_uint_lt(kept_count, MOST_KEPT);
    kept[kept_count++] = memory;
    return memory;
}

static char *joined(const char *a, const char *b, const char *c)
{
    size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
    char *text = keep(malloc(size));
    (void)snprintf(text, size, "%s%s%s", a, b, c);
    return text;
}

const char *cli_path(const char *name)
{
    return joined(cli_folder, "/", name);
}

const char *cli_url(const char *name)
{
    return joined(cli_base, "", name);
}

static void write_file(const char *path, const void *data, size_t length, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, length), (ssize_t)length);
    ck_assert_int_eq(close(fd), 0);
}

const char *cli_make_file(const char *name, size_t bytes)
{
    unsigned char *data = malloc(bytes + 1);
    unsigned state = 12345;
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < bytes; i++) {
        state = state * 1103515245u + 12345u;
        data[i] = (unsigned char)(state >> 16);
    }
    const char *path = cli_path(name);
    write_file(path, data, bytes, 0600);
    free(data);
    return path;
}

char *cli_read(const char *path, size_t *ret_length)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s: %s", path, strerror(errno));
    char *data = keep(malloc((size_t)st.st_size + 1));
    ck_assert_int_eq(read(fd, data, (size_t)st.st_size), (ssize_t)st.st_size);
    data[st.st_size] = '\0';
    (void)close(fd);
    if (ret_length != NULL) {
        *ret_length = (size_t)st.st_size;
    }
    return data;
}

bool cli_same(const char *path, const char *other)
{
    size_t a_length, b_length;
    char *a = cli_read(path, &a_length), *b = cli_read(other, &b_length);
    return a_length == b_length && memcmp(a, b, a_length) == 0;
}

bool cli_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* ---- programs ---- */

static const char *program(const char *variable)
{
    const char *path = getenv(variable);
    ck_assert_msg(path != NULL, "%s must name the program", variable);
    return path;
}

static void exec_child(const char *const *argv, int out, int err)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0 || chdir(cli_folder) != 0) {
        _exit(126);
    }
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static int status_of(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int open_output(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    return fd;
}

/* "NAME-N" in the folder, N counting the programs that were run. */
static const char *numbered(const char *name)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%s-%d", name, run_count);
    return cli_path(text);
}

struct ended cli_run_program(const char *const *argv, const char *stdout_path)
{
    struct ended ended = {0};
    run_count++;
    const char *out_path = numbered("out"), *err_path = numbered("err");
    int out = open_output(stdout_path != NULL ? stdout_path : out_path);
    int err = open_output(err_path);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        exec_child(argv, out, err);
    }
    (void)close(out);
    (void)close(err);
    ended.status = status_of(pid);
    ended.err = cli_read(err_path, NULL);
    ended.out = stdout_path != NULL ? NULL : cli_read(out_path, &ended.out_length);
    return ended;
}

/* bcj2 --queue QUEUE first … */
static void gather(const char **argv, const char *first, va_list args)
{
    size_t count = 0;
    argv[count++] = program("BCJ2_PROGRAM");
    argv[count++] = "--queue";
    argv[count++] = cli_path("queue");
    for (const char *word = first; word != NULL; word = va_arg(args, const char *)) {
        ck_assert_uint_lt(count + 1, MOST_ARGUMENTS);
        argv[count++] = word;
    }
    argv[count] = NULL;
}

struct ended cli_run(const char *first, ...)
{
    const char *argv[MOST_ARGUMENTS];
    va_list args;
    va_start(args, first);
    gather(argv, first, args);
    va_end(args);
    return cli_run_program(argv, NULL);
}

static int open_terminal(int *ret_slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    *ret_slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(*ret_slave, 0);
    return master;
}

static void start(struct running *run, bool terminal, bool watch_stdout, const char *const *argv)
{
    int ends[2];
    memset(run, 0, sizeof *run);
    run_count++;
    run->out_path = numbered("out");
    if (terminal) {
        ends[0] = open_terminal(&ends[1]);
    } else {
        ck_assert_int_eq(pipe(ends), 0);
    }
    int out = open_output(run->out_path);
    run->pid = fork();
    ck_assert_int_ge(run->pid, 0);
    if (run->pid == 0) {
        (void)close(ends[0]);
        exec_child(argv, watch_stdout ? ends[1] : out, watch_stdout ? out : ends[1]);
    }
    (void)close(out);
    (void)close(ends[1]);
    run->err = ends[0];
}

void cli_start_program(struct running *run, bool terminal, const char *const *argv)
{
    start(run, terminal, false, argv);
}

void cli_start(struct running *run, bool terminal, const char *first, ...)
{
    const char *argv[MOST_ARGUMENTS];
    va_list args;
    va_start(args, first);
    gather(argv, first, args);
    va_end(args);
    cli_start_program(run, terminal, argv);
}

void cli_start_stdout(struct running *run, bool terminal, const char *first, ...)
{
    const char *argv[MOST_ARGUMENTS];
    va_list args;
    va_start(args, first);
    gather(argv, first, args);
    va_end(args);
    start(run, terminal, true, argv);
}

void cli_forget(struct running *run)
{
    run->seen_length = 0;
    run->seen[0] = '\0';
}

/* false: the end. */
static bool read_more(struct running *run)
{
    size_t room = sizeof run->seen - 1 - run->seen_length;
    ck_assert_msg(room > 0, "it says too much: %s", run->seen);
    ssize_t n = read(run->err, run->seen + run->seen_length, room);
    if (n <= 0) { /* of a terminal nobody holds any more: EIO */
        return n < 0 && errno == EINTR;
    }
    run->seen_length += (size_t)n;
    run->seen[run->seen_length] = '\0';
    return true;
}

void cli_expect(struct running *run, const char *text)
{
    while (strstr(run->seen, text) == NULL) {
        ck_assert_msg(read_more(run), "it ended without \"%s\", saying: %s", text, run->seen);
    }
}

const char *cli_expect_both(struct running *run, const char *text, const char *behind)
{
    const char *at;
    cli_expect(run, text);
    while ((at = strstr(run->seen, text)) == NULL || strstr(at, behind) == NULL) {
        ck_assert_msg(read_more(run), "it ended without \"%s\", saying: %s", behind, run->seen);
    }
    return at;
}

struct ended cli_end(struct running *run, int signal_number)
{
    struct ended ended = {0};
    if (signal_number != 0) {
        ck_assert_int_eq(kill(run->pid, signal_number), 0);
    }
    while (read_more(run)) {
    }
    (void)close(run->err);
    ended.status = status_of(run->pid);
    ended.err = run->seen;
    ended.out = cli_read(run->out_path, &ended.out_length);
    return ended;
}

/* ---- the server and the folder ---- */

static void start_server(const char *option, const char *value)
{
    const char *argv[] = {program("BCJ2_SERVER"),
                          "--root",
                          cli_path("root"),
                          "--listen",
                          "127.0.0.1:0",
                          "--log",
                          cli_path("server.log"),
                          "--app-exec",
                          cli_path("application"),
                          option,
                          value,
                          NULL};
    char line[256] = "";
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    server_pid = fork();
    ck_assert_int_ge(server_pid, 0);
    if (server_pid == 0) {
        (void)close(ends[0]);
        exec_child(argv, ends[1], STDERR_FILENO);
    }
    (void)close(ends[1]);
    FILE *stream = fdopen(ends[0], "r");
    ck_assert_ptr_nonnull(stream);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, stream));
    ck_assert_int_eq(sscanf(line, "listening on %255s", cli_base), 1);
    (void)fclose(stream);
}

void cli_stop_server(void)
{
    if (server_pid > 0) {
        pid_t pid = server_pid;
        server_pid = 0;
        (void)kill(pid, SIGTERM);
        ck_assert_msg(status_of(pid) == 0, "the server did not end well");
    }
}

void cli_restart_server(const char *option, const char *value)
{
    cli_stop_server();
    start_server(option, value);
}

void cli_setup_folder(void)
{
    const char *temporary = getenv("TMPDIR");
    (void)snprintf(cli_folder, sizeof cli_folder, "%.4000s/bcj2-cli.XXXXXX",
                   temporary != NULL ? temporary : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(cli_folder));
    ck_assert_int_eq(mkdir(cli_path("root"), 0700), 0);
    write_file(cli_path("application"), application, sizeof application - 1, 0700);
}

void cli_setup(void)
{
    cli_setup_folder();
    start_server(NULL, NULL);
}

void cli_teardown(void)
{
    cli_stop_server();
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", cli_folder, (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(status_of(pid), 0);
    while (kept_count > 0) {
        free(kept[--kept_count]);
    }
}
