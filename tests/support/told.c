/* SPDX-License-Identifier: MIT */
/* See told.h. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "told.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 20

/* Both ends of each are open here, so that nobody waits for the other to open it. */
static int started_fd, gate_fd;

static int make_pipe(const char *name)
{
    (void)unlink(queue_path(name));
    ck_assert_int_eq(mkfifo(queue_path(name), 0600), 0);
    int fd = open(queue_path(name), O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

void told_make(const char *body)
{
    char text[8192];
    const char *path = queue_path("told");
    if (started_fd == 0) {
        started_fd = make_pipe("started");
        gate_fd = make_pipe("gate");
    }
    int length = snprintf(text, sizeof text,
                          "#!/bin/sh\n"
                          "cd '%s' || exit 9\n"
                          "echo \"$BCJ2_JOB_ID $BCJ2_EVENT\" >> runs\n"
                          "mine=busy-$BCJ2_JOB_ID-$BCJ2_EVENT\n"
                          "mkdir \"$mine\" || echo \"$mine\" >> overlaps\n"
                          "leave() { rmdir \"$mine\"; exit $1; }\n"
                          "pass() { echo $$ > started; read line < gate; }\n"
                          "%s\nleave 0\n",
                          queue_path(""), body);
    ck_assert_int_lt(length, (int)sizeof text);
    queue_write_file("told", text, (size_t)length);
    ck_assert_int_eq(chmod(path, 0700), 0);
}

void told_set(bcj2_job *job)
{
    assert_status(bcj2_set_notify_cmdline(job, queue_path("told"), "told \"to be\""), BCJ2_OK);
}

bcj2_job *told_job(bool fails)
{
    static unsigned number;
    char name[32];
    (void)snprintf(name, sizeof name, "out/copy%u", ++number);
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    assert_status(bcj2_add_file(job, queue_path(fails ? "missing.bin" : "up.bin"),
                                queue_path(name)),
                  BCJ2_OK);
    return job;
}

bcj2_job *told_resumed(bool fails, const char *body, uint32_t delay_s)
{
    told_make(body);
    bcj2_job *job = told_job(fails);
    told_set(job);
    assert_status(bcj2_set_minimum_retry_delay(job, delay_s), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    return job;
}

void told_await_start(void)
{
    char byte = 0;
    while (byte != '\n') {
        ck_assert_int_eq(read(started_fd, &byte, 1), 1);
    }
}

void told_release(unsigned times)
{
    while (times-- > 0) {
        ck_assert_int_eq(write(gate_fd, "\n", 1), 1);
    }
}

size_t told_runs(void)
{
    size_t count = 0;
    FILE *f = fopen(queue_path("runs"), "r");
    for (int c = 0; f != NULL && (c = getc(f)) != EOF;) {
        count += c == '\n';
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return count;
}

bool told_overlapped(void)
{
    return access(queue_path("overlaps"), F_OK) == 0;
}

/* BCJ2_S_FALSE: none. */
static bcj2_status next_event(bcj2_job *job, uint64_t after, bcj2_event *ret)
{
    bcj2_guid id;
    bcj2_status s;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    *ret = (bcj2_event)BCJ2_EVENT_INIT;
    while ((s = bcj2_manager_get_event(queue_manager, after, ret)) == BCJ2_OK &&
           (memcmp(&ret->job, &id, sizeof id) != 0 || ret->kind == BCJ2_NOTIFY_FILE_TRANSFERRED)) {
        after = ret->number;
    }
    ck_assert(BCJ2_SUCCEEDED(s));
    return s;
}

static void await_change(uint64_t *change, const bcj2_event *last)
{
    bcj2_status s = bcj2_manager_wait(queue_manager, change, PATIENCE_S * 1000);
    ck_assert_msg(s == BCJ2_OK, "0x%08x; the event's result is %d after %u attempts", (unsigned)s,
                  (int)last->result, (unsigned)last->attempts);
}

static uint64_t newest_change(void)
{
    uint64_t change = 0;
    (void)bcj2_manager_wait(queue_manager, &change, 0);
    return change;
}

bcj2_event told_event(bcj2_job *job, uint64_t after)
{
    bcj2_event event;
    uint64_t change = newest_change();
    while (next_event(job, after, &event) != BCJ2_OK) {
        await_change(&change, &event);
    }
    return event;
}

bcj2_event told_await(bcj2_job *job, int32_t result, uint64_t attempts)
{
    bcj2_event event = told_event(job, 0);
    uint64_t change = newest_change();
    for (;;) {
        ck_assert_int_eq(next_event(job, event.number - 1, &event), BCJ2_OK);
        if (event.result == result && event.attempts >= attempts) {
            return event;
        }
        await_change(&change, &event);
    }
}

/* ---- the log ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t came = PTHREAD_COND_INITIALIZER;
static char lines[65536];
static size_t length;

static void on_log(void *user, int32_t level, const char *line)
{
    (void)user;
    (void)level;
    (void)pthread_mutex_lock(&lock);
    size_t size = strlen(line) + 1;
    if (length + size > sizeof lines) {
        length = 0;
    }
    if (size <= sizeof lines) {
        memcpy(lines + length, line, size);
        length += size;
    }
    (void)pthread_cond_broadcast(&came);
    (void)pthread_mutex_unlock(&lock);
}

void told_open(void)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.log = on_log;
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
}

/* Takes the lines up to one that has the part. */
static bool take(const char *part)
{
    for (size_t at = 0; at < length; at += strlen(lines + at) + 1) {
        if (strstr(lines + at, part) != NULL) {
            size_t end = at + strlen(lines + at) + 1;
            memmove(lines, lines + end, length - end);
            length -= end;
            return true;
        }
    }
    return false;
}

void told_await_log(const char *part)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    (void)pthread_mutex_lock(&lock);
    bool found = take(part);
    while (!found && pthread_cond_timedwait(&came, &lock, &until) == 0) {
        found = take(part);
    }
    (void)pthread_mutex_unlock(&lock);
    ck_assert_msg(found, "no line says \"%s\"", part);
}
