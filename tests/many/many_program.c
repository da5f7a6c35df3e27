/* SPDX-License-Identifier: MIT */
/* One of the many processes on a queue: opens it, then does what it is told, a line each on standard input,
   and answers each with a line on standard output. Ends when its input ends, and then well.

       many_program QUEUE [control] [quick] [dies-at-send] [descriptors=N]

   Unasked it says "open" first, and "runner NS" when it has taken over (NS: nanoseconds of the monotonic
   clock, as everywhere). "did" is "did STATUS BEGAN ENDED STATE".

       info                          "info IS_RUNNER RUNNER_PID JOBS"
       create URL SOURCE REPLY|-     "job ID", not resumed
       resume|suspend|cancel|complete ID      did
       priority|retry ID NUMBER      did
       describe ID TEXT              did
       wait ID MASK MS               did, with the state that was seen last
       progress ID                   "progress UPLOADED OF_REPLY"
       look                          did; the change number is now the newest
       change MS                     did: waits for a change after the last one that look or change saw
       write ID MS FILE              did: writes all the time; how long each call took goes to FILE, in
                                     microseconds, 32 bits each; the first failure's status
       fork                          "child PID OUTCOME": a child that tries the queue (0: as it should)
                                     and stays until this program's input ends
       arm ID                        "armed": all others have been told of all that was changed so far, and
                                     the next word to any of them kills us just before it is sent
                                     (dies-at-send) */
#include "os_calls.h"
#include "timeouts.h"

#include <bcj2/bcj2.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define WORDS     5
#define ALL_TRIED 14 /* calls that a forked child tries */

static bcj2_manager *manager;
static uint64_t change_seen;
static atomic_bool armed;
static _Atomic uint64_t last_rung; /* change number of the last message that was sent */

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* In one write, so that the engine's thread can say something between two answers. */
static void say(const char *text)
{
    char line[256];
    int length = snprintf(line, sizeof line, "%s\n", text);
    if (write(STDOUT_FILENO, line, (size_t)length) != length) {
        _exit(2);
    }
}

static void say_number(const char *word, uint64_t number)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%s %" PRIu64, word, number);
    say(text);
}

static void did(bcj2_status s, uint64_t began_ns, bcj2_job_state state)
{
    char text[128];
    (void)snprintf(text, sizeof text, "did %08" PRIx32 " %" PRIu64 " %" PRIu64 " %d", (uint32_t)s,
                   began_ns, now_ns(), (int)state);
    if (BCJ2_FAILED(s)) {
        (void)fprintf(stderr, "process %ld: %s\n", (long)getpid(), bcj2_last_detail());
    }
    say(text);
}

static void on_log(void *user, int32_t level, const char *line)
{
    (void)user;
    if (strcmp(line, "this process moves the bytes now") == 0) {
        say_number("runner", now_ns());
    }
    if (getenv("BCJ2_TEST_LOG") != NULL) {
        (void)fprintf(stderr, "%ld <%d> %s\n", (long)getpid(), (int)level, line);
    }
}

static ssize_t (*real_send)(int fd, const void *data, size_t size, int flags);

/* A client sends nothing but change numbers, a message at a time (link_frame.h). */
static ssize_t die_at_send(int fd, const void *data, size_t size, int flags)
{
    uint64_t change = 0;
    if (atomic_load(&armed)) {
        (void)kill(getpid(), SIGKILL);
    }
    for (size_t i = 0; size == 20 && i < 8; i++) {
        change |= (uint64_t)((const uint8_t *)data)[12 + i] << 8 * i;
    }
    ssize_t sent = real_send(fd, data, size, flags);
    atomic_store(&last_rung, change);
    return sent;
}

static void arm(bcj2_job *job)
{
    uint64_t began = now_ns(), change = 0;
    bcj2_status s = bcj2_set_description(job, "armed");
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2_manager_wait(manager, &change, 0);
    }
    if (BCJ2_FAILED(s)) {
        did(s, began, -1);
        return;
    }
    while (atomic_load(&last_rung) != change) {
        (void)poll(NULL, 0, 1);
    }
    atomic_store(&armed, true);
    say("armed");
}

/* ---- orders about one job ---- */

static void job_order(char **words, bcj2_job *job)
{
    const char *verb = words[0];
    uint64_t began = now_ns();
    uint32_t number = words[2] == NULL ? 0 : (uint32_t)strtoul(words[2], NULL, 10);
    bcj2_job_state state = -1;
    bcj2_status s = BCJ2_E_NOTIMPL;
    if (strcmp(verb, "resume") == 0) {
        s = bcj2_resume(job);
    } else if (strcmp(verb, "suspend") == 0) {
        s = bcj2_suspend(job);
    } else if (strcmp(verb, "cancel") == 0) {
        s = bcj2_cancel(job);
    } else if (strcmp(verb, "complete") == 0) {
        s = bcj2_complete(job);
    } else if (strcmp(verb, "priority") == 0) {
        s = bcj2_set_priority(job, (bcj2_job_priority)number);
    } else if (strcmp(verb, "retry") == 0) {
        s = bcj2_set_minimum_retry_delay(job, number);
    } else if (strcmp(verb, "describe") == 0) {
        s = bcj2_set_description(job, words[2]);
    } else if (strcmp(verb, "wait") == 0) {
        s = bcj2_wait(job, number, strtol(words[3], NULL, 10), &state);
    }
    did(s, began, state);
}

static void progress(bcj2_job *job)
{
    char text[96];
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    bcj2_reply_progress r = BCJ2_REPLY_PROGRESS_INIT;
    if (BCJ2_FAILED(bcj2_get_progress(job, &p))) {
        say("failed");
        return;
    }
    (void)bcj2_get_reply_progress(job, &r); /* of a plain upload: 0 */
    (void)snprintf(text, sizeof text, "progress %" PRIu64 " %" PRIu64, p.bytes_transferred,
                   r.bytes_transferred);
    say(text);
}

static void create(char **words)
{
    bcj2_guid id;
    bcj2_job *job = NULL;
    bool replies = strcmp(words[3], "-") != 0;
    char line[BCJ2_GUID_TEXT_SIZE + 4] = "job ";
    bcj2_status s = bcj2_manager_create_job(
        manager, "many", replies ? BCJ2_JOB_TYPE_UPLOAD_REPLY : BCJ2_JOB_TYPE_UPLOAD, &id, &job);
    if (BCJ2_SUCCEEDED(s) && replies) {
        s = bcj2_set_reply_file_name(job, words[3]);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2_set_minimum_retry_delay(job, 0);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2_add_file(job, words[1], words[2]);
    }
    (void)bcj2_job_unref(job);
    if (BCJ2_FAILED(s)) {
        did(s, 0, -1);
        return;
    }
    bcj2_guid_format(&id, line + 4);
    say(line);
}

/* ---- writing all the time ---- */

static bcj2_status write_once(bcj2_job *job, uint32_t i)
{
    bcj2_guid id;
    bcj2_job *other = NULL;
    switch (i % 4) {
    case 0:
        return bcj2_set_description(job, i % 8 == 0 ? "one" : "another");
    case 1:
        return bcj2_set_priority(job, (bcj2_job_priority)(i / 4 % 4));
    case 2:
        return bcj2_set_no_progress_timeout(job, i);
    default: /* one call more, which is counted as one */
        if (i % 16 != 3) {
            return bcj2_suspend(job);
        }
        bcj2_status s = bcj2_manager_create_job(manager, "w", BCJ2_JOB_TYPE_UPLOAD, &id, &other);
        (void)bcj2_job_unref(other);
        return s;
    }
}

static void write_all_the_time(bcj2_job *job, uint64_t for_ms, const char *path)
{
    bcj2_status s = BCJ2_OK;
    FILE *f = fopen(path, "wb");
    uint64_t began = now_ns(), at = began;
    for (uint32_t i = 0; f != NULL && s == BCJ2_OK && at - began < for_ms * 1000000u; i++) {
        s = write_once(job, i);
        uint64_t after = now_ns();
        uint32_t took_us = (uint32_t)((after - at) / 1000u);
        at = after;
        if (fwrite(&took_us, sizeof took_us, 1, f) != 1) {
            _exit(2);
        }
    }
    if (f == NULL || fclose(f) != 0) {
        _exit(2);
    }
    did(s, began, -1);
}

/* ---- fork without exec ---- */

/* 0, or the number of the call that did not say BCJ2_E_CLOSED. */
static int try_as_child(bcj2_job *job)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    bcj2_guid id = {0};
    bcj2_job *other = NULL;
    bcj2_job_enum *jobs = NULL;
    bcj2_job_state state;
    uint64_t change = 0;
    char *text = NULL;
    const bcj2_status said[ALL_TRIED] = {
        bcj2_manager_get_info(manager, &info),
        bcj2_manager_wait(manager, &change, 0),
        bcj2_manager_create_job(manager, "x", BCJ2_JOB_TYPE_UPLOAD, &id, &other),
        bcj2_manager_get_job(manager, &id, &other),
        bcj2_manager_enum_jobs(manager, 0, &jobs),
        bcj2_resume(job),
        bcj2_suspend(job),
        bcj2_cancel(job),
        bcj2_complete(job),
        bcj2_set_description(job, "x"),
        bcj2_get_state(job, &state),
        bcj2_get_json(job, &text),
        bcj2_wait(job, 1u, 0, &state),
        bcj2_add_file(job, "http://127.0.0.1:1/", "/x"),
    };
    int wrong = 0;
    for (int i = 0; i < ALL_TRIED; i++) {
        wrong = wrong == 0 && said[i] != BCJ2_E_CLOSED ? i + 1 : wrong;
    }
    (void)bcj2_job_unref(job);
    (void)bcj2_manager_close(manager);
    return wrong;
}

static void fork_one(bcj2_job *job)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        char text[64];
        (void)snprintf(text, sizeof text, "child %ld %d", (long)getpid(), try_as_child(job));
        say(text);
        struct pollfd input = {.fd = STDIN_FILENO};
        (void)poll(&input, 1, -1); /* until it hangs up */
        _exit(0);
    }
    if (pid < 0 || getpid() != parent) {
        say("failed");
    }
}

/* ---- */

static void info(void)
{
    char text[96];
    bcj2_manager_info i = BCJ2_MANAGER_INFO_INIT;
    if (BCJ2_FAILED(bcj2_manager_get_info(manager, &i))) {
        say("failed");
        return;
    }
    (void)snprintf(text, sizeof text, "info %d %" PRId64 " %" PRIu64, (int)i.is_runner,
                   i.runner_pid, i.jobs);
    say(text);
}

static void look(void)
{
    uint64_t began = now_ns();
    bcj2_status s;
    do {
        s = bcj2_manager_wait(manager, &change_seen, 0);
    } while (s == BCJ2_OK);
    did(s == BCJ2_S_FALSE ? BCJ2_OK : s, began, -1);
}

static void with_job(char **words)
{
    bcj2_guid id;
    bcj2_job *job = NULL;
    bcj2_status s = bcj2_guid_parse(words[1], &id);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2_manager_get_job(manager, &id, &job);
    }
    if (BCJ2_FAILED(s)) {
        did(s, now_ns(), -1);
    } else if (strcmp(words[0], "progress") == 0) {
        progress(job);
    } else if (strcmp(words[0], "write") == 0) {
        write_all_the_time(job, strtoul(words[2], NULL, 10), words[3]);
    } else if (strcmp(words[0], "fork") == 0) {
        fork_one(job);
    } else if (strcmp(words[0], "arm") == 0) {
        arm(job);
    } else {
        job_order(words, job);
    }
    (void)bcj2_job_unref(job);
}

static void obey(char *line)
{
    char *words[WORDS + 1] = {NULL}, *rest = NULL;
    for (int i = 0; i < WORDS; i++) {
        words[i] = strtok_r(i == 0 ? line : NULL, " \n", &rest);
    }
    if (words[0] == NULL) {
        return;
    }
    if (strcmp(words[0], "info") == 0) {
        info();
    } else if (strcmp(words[0], "look") == 0) {
        look();
    } else if (strcmp(words[0], "change") == 0) {
        uint64_t began = now_ns();
        bcj2_status s = bcj2_manager_wait(manager, &change_seen, strtol(words[1], NULL, 10));
        did(s, began, -1);
    } else if (strcmp(words[0], "create") == 0) {
        create(words);
    } else {
        with_job(words);
    }
}

int main(int argc, char **argv)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.log = on_log;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "control") == 0) {
            options.flags |= BCJ2_MANAGER_CONTROL_ONLY;
        } else if (strcmp(argv[i], "quick") == 0) {
            bcj2__timeouts.link_stall_ms = 300;
            bcj2__timeouts.retry_delay_min_s = 0;
        } else if (strcmp(argv[i], "dies-at-send") == 0) {
            real_send = bcj2__os_calls.send;
            bcj2__os_calls.send = die_at_send;
        } else if (strncmp(argv[i], "descriptors=", 12) == 0) {
            struct rlimit limit = {0};
            (void)getrlimit(RLIMIT_NOFILE, &limit);
            limit.rlim_cur = (rlim_t)strtoul(argv[i] + 12, NULL, 10);
            if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
                return 2;
            }
        }
    }
    if (argc < 2 || BCJ2_FAILED(bcj2_manager_open(argv[1], &options, &manager))) {
        (void)fprintf(stderr, "process %ld: open: %s\n", (long)getpid(), bcj2_last_detail());
        return EXIT_FAILURE;
    }
    say("open");
    char line[3 * 4096];
    while (fgets(line, sizeof line, stdin) != NULL) {
        obey(line);
    }
    manager = bcj2_manager_close(manager);
    return EXIT_SUCCESS;
}
