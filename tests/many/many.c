/* SPDX-License-Identifier: MIT */
/* See many.h. */
#define _POSIX_C_SOURCE 200809L
#include "many.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS   6
#define AT_ONCE 128 /* processes that are listened to */

uint64_t many_now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- starting and ending ---- */

/* Ends that no other program inherits: a process must see its input end when this test ends. */
static void make_pipe(int ends[2])
{
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFD, FD_CLOEXEC), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETFD, FD_CLOEXEC), 0);
}

void many_launch(struct many *m, const char *queue, const char *const words[])
{
    const char *argv[WORDS + 3] = {getenv("BCJ2_TEST_MANY"), queue};
    int in[2], out[2];
    ck_assert_msg(argv[0] != NULL, "BCJ2_TEST_MANY must name the program");
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        ck_assert_uint_lt(i, WORDS);
        argv[i + 2] = words[i];
    }
    make_pipe(in);
    make_pipe(out);
    *m = (struct many){.in = in[1], .out = out[0]};
    m->pid = fork();
    ck_assert_int_ge(m->pid, 0);
    if (m->pid == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
}

void many_opened(struct many *m)
{
    ck_assert_str_eq(many_answer(m), "open");
}

void many_start(struct many *m, const char *queue, const char *const words[])
{
    many_launch(m, queue, words);
    many_opened(m);
}

static int wait_status(struct many *m)
{
    int status = 0;
    while (waitpid(m->pid, &status, 0) < 0) {
        ck_assert_int_eq(errno, EINTR);
    }
    (void)close(m->out);
    m->pid = 0;
    return status;
}

void many_stop(struct many *m)
{
    if (m->pid != 0) {
        long pid = m->pid;
        (void)close(m->in);
        int status = wait_status(m);
        ck_assert_msg(status == 0, "process %ld ended with wait status 0x%x", pid,
                      (unsigned)status);
    }
}

void many_kill(struct many *m)
{
    ck_assert_int_eq(kill(m->pid, SIGKILL), 0);
    (void)close(m->in);
    (void)wait_status(m);
}

void many_killed(struct many *m)
{
    (void)close(m->in);
    int status = wait_status(m);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ---- talking ---- */

/* Takes a whole line from what came: true if it is an answer. What it says unasked is noted. */
static bool take_line(struct many *m)
{
    static const char unasked[] = "runner ";
    m->length = 0;
    if (strncmp(m->line, unasked, sizeof unasked - 1) == 0) {
        m->runner_ns = strtoull(m->line + sizeof unasked - 1, NULL, 10);
        return false;
    }
    return true;
}

/* Reads what is there up to the next line's end. True: the line is an answer. */
static bool hear(struct many *m)
{
    char c;
    for (;;) {
        ssize_t n = read(m->out, &c, 1);
        ck_assert_msg(n == 1, "process %ld hung up", (long)m->pid);
        if (c == '\n') {
            m->line[m->length] = '\0';
            return take_line(m);
        }
        ck_assert_uint_lt(m->length, sizeof m->line - 1);
        m->line[m->length++] = c;
    }
}

const char *many_answer(struct many *m)
{
    for (;;) {
        struct pollfd p = {.fd = m->out, .events = POLLIN};
        int ready = poll(&p, 1, MANY_PATIENCE_MS);
        ck_assert_msg(ready == 1, "process %ld does not answer", (long)m->pid);
        if (hear(m)) {
            return m->line;
        }
    }
}

static void __attribute__((format(printf, 2, 0)))
order(struct many *m, const char *format, va_list arguments)
{
    char line[3 * 4096];
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    ck_assert(length > 0 && (size_t)length < sizeof line - 1);
    line[length++] = '\n';
    ck_assert_int_eq(write(m->in, line, (size_t)length), length);
}

void many_order(struct many *m, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    order(m, format, arguments);
    va_end(arguments);
}

struct many_did many_did(struct many *m)
{
    struct many_did d = {0};
    uint32_t status = 0;
    const char *line = many_answer(m);
    int n = sscanf(line, "did %" SCNx32 " %" SCNu64 " %" SCNu64 " %d", &status, &d.began_ns,
                   &d.ended_ns, &d.state);
    ck_assert_msg(n == 4, "process %ld says \"%s\"", (long)m->pid, line);
    d.status = (bcj2_status)status;
    return d;
}

struct many_did many_do(struct many *m, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    order(m, format, arguments);
    va_end(arguments);
    struct many_did d = many_did(m);
    ck_assert_msg(d.status == BCJ2_OK, "%s: %s", format, bcj2_status_name(d.status));
    return d;
}

struct many_info many_info(struct many *m)
{
    struct many_info i = {0};
    many_order(m, "info");
    const char *line = many_answer(m);
    int n = sscanf(line, "info %d %ld %u", &i.is_runner, &i.runner_pid, &i.jobs);
    ck_assert_msg(n == 3, "process %ld says \"%s\"", (long)m->pid, line);
    return i;
}

void many_await_runner_pid(struct many *m, pid_t pid)
{
    uint64_t before = many_now_ns();
    while (many_info(m).runner_pid != (long)pid) {
        ck_assert_msg(many_now_ns() - before < MANY_PATIENCE_MS * UINT64_C(1000000),
                      "process %ld does not hear of runner %ld", (long)m->pid, (long)pid);
        (void)poll(NULL, 0, 1);
    }
}

void many_create(struct many *m, const char *url, const char *source, const char *reply,
                 char ret_id[BCJ2_GUID_TEXT_SIZE])
{
    many_order(m, "create %s %s %s", url, source, reply == NULL ? "-" : reply);
    const char *line = many_answer(m);
    ck_assert_msg(strncmp(line, "job {", 5) == 0, "process %ld says \"%s\"", (long)m->pid, line);
    (void)snprintf(ret_id, BCJ2_GUID_TEXT_SIZE, "%.38s", line + 4);
}

size_t many_next_runner(struct many *list, size_t count)
{
    struct pollfd polls[AT_ONCE];
    ck_assert_uint_le(count, AT_ONCE);
    for (;;) {
        for (size_t i = 0; i < count; i++) {
            if (list[i].pid != 0 && list[i].runner_ns != 0) {
                return i;
            }
            polls[i] = (struct pollfd){.fd = list[i].pid == 0 ? -1 : list[i].out, .events = POLLIN};
        }
        ck_assert_msg(poll(polls, (nfds_t)count, MANY_PATIENCE_MS) > 0, "nobody takes over");
        for (size_t i = 0; i < count; i++) {
            if (polls[i].revents != 0) {
                ck_assert_msg(!hear(&list[i]), "process %ld says \"%s\"", (long)list[i].pid,
                              list[i].line);
            }
        }
    }
}

/* ---- figures ---- */

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y ? 1 : 0;
}

uint64_t many_print_ns(const char *what, uint64_t *ns, size_t count)
{
    qsort(ns, count, sizeof ns[0], compare);
    printf("%s: median %.2f ms, maximum %.2f ms (%zu times)\n", what, (double)ns[count / 2] / 1e6,
           (double)ns[count - 1] / 1e6, count);
    return ns[count - 1];
}
