/* SPDX-License-Identifier: MIT */
/* See client.h. */
#define _POSIX_C_SOURCE 200809L
#include "client.h"
#include "timeouts.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 20)

void client_be_quick(void)
{
    bcj2__timeouts.retry_delay_min_s = 0;
    bcj2__timeouts.connect_ms = 20000;
    bcj2__timeouts.send_stall_ms = 20000;
    bcj2__timeouts.response_ms = 20000;
    bcj2__timeouts.last_response_ms = 40000;
    bcj2__timeouts.receive_stall_ms = 20000;
}

uint64_t client_now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint32_t client_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

bool client_long(void)
{
    const char *value = getenv("BCJ2_TEST_LONG");
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

uint32_t client_only_seed(void)
{
    const char *value = getenv("BCJ2_TEST_SEED");
    return value == NULL ? 0 : (uint32_t)strtoul(value, NULL, 10);
}

void client_make_file(const char *path, uint64_t bytes, uint32_t seed)
{
    uint32_t *block = malloc(BLOCK);
    uint32_t state = seed * 2654435761u | 1u;
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_msg(fd >= 0 && block != NULL, "%s: %s", path, strerror(errno));
    for (uint64_t done = 0; done < bytes;) {
        size_t n = bytes - done < BLOCK ? (size_t)(bytes - done) : BLOCK;
        for (size_t i = 0; i < (n + 3) / 4; i++) {
            block[i] = client_random(&state);
        }
        ck_assert_int_eq(write(fd, block, n), (ssize_t)n);
        done += n;
    }
    free(block);
    ck_assert_int_eq(close(fd), 0);
}

uint64_t client_size(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? (uint64_t)st.st_size : UINT64_MAX;
}

bool client_exists(const char *path)
{
    return client_size(path) != UINT64_MAX;
}

void client_assert_same(const char *path, const char *other)
{
    char *a = malloc(BLOCK), *b = malloc(BLOCK);
    FILE *f = fopen(path, "rb"), *g = fopen(other, "rb");
    ck_assert_msg(f != NULL && g != NULL, "%s or %s: %s", path, other, strerror(errno));
    size_t n = 0, m = 0;
    uint64_t at = 0;
    do {
        n = fread(a, 1, BLOCK, f);
        m = fread(b, 1, BLOCK, g);
        ck_assert_msg(n == m && memcmp(a, b, n) == 0, "%s and %s differ after byte %llu", path,
                      other, (unsigned long long)at);
        at += n;
    } while (n > 0);
    (void)fclose(f);
    (void)fclose(g);
    free(a);
    free(b);
}

static void print_log(void *user, int32_t level, const char *line)
{
    (void)user;
    (void)fprintf(stderr, "%ld <%d> %s\n", (long)getpid(), (int)level, line);
}

static bcj2_manager *open_queue(const char *queue, uint32_t flags)
{
    bcj2_manager *manager = NULL;
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.flags = flags;
    if (getenv("BCJ2_TEST_LOG") != NULL) {
        options.log = print_log;
    }
    bcj2_status s = bcj2_manager_open(queue, &options, &manager);
    ck_assert_msg(BCJ2_SUCCEEDED(s), "open %s: %s", queue, bcj2_last_detail());
    return manager;
}

bcj2_manager *client_open(const char *queue)
{
    return open_queue(queue, 0);
}

bcj2_manager *client_open_to_look(const char *queue)
{
    return open_queue(queue, BCJ2_MANAGER_CONTROL_ONLY);
}

bcj2_job *client_job(bcj2_manager *manager, const char *source, const char *url, const char *reply)
{
    bcj2_guid id;
    bcj2_job *job = NULL;
    bcj2_job_type type = reply == NULL ? BCJ2_JOB_TYPE_UPLOAD : BCJ2_JOB_TYPE_UPLOAD_REPLY;
    bcj2_status s = bcj2_manager_create_job(manager, "test", type, &id, &job);
    if (BCJ2_SUCCEEDED(s) && reply != NULL) {
        s = bcj2_set_reply_file_name(job, reply);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2_set_minimum_retry_delay(job, 0);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2_add_file(job, url, source);
    }
    ck_assert_msg(BCJ2_SUCCEEDED(s), "making a job: %s: %s", bcj2_status_name(s),
                  bcj2_last_detail());
    return job;
}

void client_wait(bcj2_job *job, uint32_t state_mask)
{
    bcj2_job_state state = 0;
    char *text = NULL;
    const uint32_t ends = STATE(ERROR) | STATE(TRANSFERRED) | STATE(SUSPENDED);
    bcj2_status s = bcj2_wait(job, state_mask | ends, 60000, &state);
    if (s != BCJ2_OK || (state_mask & 1u << state) == 0) {
        (void)bcj2_get_status_text(job, &text);
        ck_abort_msg("waiting for states 0x%x: %s, state %d: %s", state_mask, bcj2_status_name(s),
                     (int)state, text == NULL ? "" : text);
    }
}

void client_wait_error(bcj2_job *job, bcj2_job_state state, bcj2_error_context context,
                       bcj2_status code)
{
    bcj2_error *error = NULL;
    bcj2_error_context got_context = 0;
    bcj2_status got_code = 0;
    char *text = NULL;
    client_wait(job, 1u << state);
    bcj2_status s = bcj2_get_error(job, &error);
    ck_assert_msg(s == BCJ2_OK, "get_error: %s", bcj2_last_detail());
    ck_assert_int_eq(bcj2_error_get(error, &got_context, &got_code), BCJ2_OK);
    ck_assert_int_eq(bcj2_error_get_description(error, &text), BCJ2_OK);
    ck_assert_msg(got_context == context && got_code == code,
                  "context %d code 0x%08x, expected %d 0x%08x: %s", (int)got_context,
                  (unsigned)got_code, (int)context, (unsigned)code, text);
    bcj2_free(text);
    (void)bcj2_error_unref(error);
}

bcj2_guid client_id(bcj2_job *job)
{
    bcj2_guid id;
    ck_assert_int_eq(bcj2_get_id(job, &id), BCJ2_OK);
    return id;
}

bcj2_job_state client_state(bcj2_job *job)
{
    bcj2_job_state state = -1;
    bcj2_status s = bcj2_get_state(job, &state);
    ck_assert_msg(s == BCJ2_OK, "get_state: %s", bcj2_last_detail());
    return state;
}

/* ---- a client that can be killed ---- */

pid_t client_start(const char *const words[], int *ret_out)
{
    const char *argv[10] = {getenv("BCJ2_TEST_CLIENT")};
    int ends[2] = {-1, open("/dev/null", O_WRONLY | O_CLOEXEC)};
    ck_assert_int_ge(ends[1], 0);
    ck_assert_msg(argv[0] != NULL, "BCJ2_TEST_CLIENT must name the program");
    for (size_t i = 0; words[i] != NULL; i++) {
        ck_assert_uint_lt(i, 8);
        argv[i + 1] = words[i];
    }
    if (ret_out != NULL) {
        (void)close(ends[1]);
        ck_assert_int_eq(pipe(ends), 0);
        (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
        *ret_out = ends[0];
    }
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    (void)close(ends[1]);
    return pid;
}

pid_t client_start_finish(const char *queue, const bcj2_guid *id)
{
    char text[BCJ2_GUID_TEXT_SIZE];
    bcj2_guid_format(id, text);
    const char *const words[] = {"finish", queue, text, NULL};
    return client_start(words, NULL);
}

bool client_line(int out, char line[128])
{
    size_t length = 0;
    char c = '\0';
    while (length < 127 && c != '\n') {
        ssize_t n = read(out, &c, 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        line[length++] = c;
    }
    bool whole = length > 0 && line[length - 1] == '\n';
    line[whole ? length - 1 : length] = '\0';
    return whole;
}

static int wait_status(pid_t pid)
{
    int status = 0;
    pid_t got = 0;
    do {
        got = waitpid(pid, &status, 0);
    } while (got < 0 && errno == EINTR);
    ck_assert_int_eq(got, pid);
    return status;
}

bool client_kill_after(pid_t pid, uint32_t microseconds)
{
    const struct timespec moment = {.tv_sec = microseconds / 1000000u,
                                    .tv_nsec = (long)(microseconds % 1000000u) * 1000};
    (void)nanosleep(&moment, NULL); /* the seeded moment; nothing waits for anything here */
    (void)kill(pid, SIGKILL);
    int status = wait_status(pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void client_wait_exit(pid_t pid)
{
    int status = wait_status(pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "the client ended with status 0x%x", (unsigned)status);
}
