/* SPDX-License-Identifier: MIT */
/* See job_process.h. */
/* ru_maxrss is no part of POSIX */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE
#else
#define _DEFAULT_SOURCE
#endif
#include "job_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(bcj2_status status, const char *what)
{
    if (BCJ2_FAILED(status)) {
        (void)fprintf(stderr, "%s: %s: %s\n", what, bcj2_status_name(status), bcj2_last_detail());
        _exit(EXIT_FAILURE);
    }
}

static void wait_transferred(bcj2_job *job)
{
    const uint32_t ends = 1u << BCJ2_JOB_STATE_TRANSFERRED | 1u << BCJ2_JOB_STATE_ERROR |
                          1u << BCJ2_JOB_STATE_TRANSIENT_ERROR;
    bcj2_job_state state = 0;
    must(bcj2_wait(job, ends, -1, &state), "wait");
    if (state != BCJ2_JOB_STATE_TRANSFERRED) {
        char *text = NULL;
        (void)bcj2_get_status_text(job, &text);
        (void)fprintf(stderr, "the job: %s\n", text);
        _exit(EXIT_FAILURE);
    }
}

static void run(const char *queue, bcj2_job_type type, const char *source, const char *url,
                const char *reply)
{
    bcj2_guid id;
    bcj2_manager *manager = NULL;
    bcj2_job *job = NULL;
    must(bcj2_manager_open(queue, NULL, &manager), "open");
    must(bcj2_manager_create_job(manager, "job", type, &id, &job), "create");
    if (type == BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        must(bcj2_set_reply_file_name(job, reply), "reply name");
    }
    must(bcj2_add_file(job, url, source), "add file");
    must(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), "priority");
    must(bcj2_resume(job), "resume");
    wait_transferred(job);
    must(bcj2_complete(job), "complete");
    (void)bcj2_job_unref(job);
    (void)bcj2_manager_close(manager);
}

static uint64_t peak_kib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss / 1024;
#else
    return (uint64_t)usage.ru_maxrss;
#endif
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "%s: the job's process failed\n", what);
    exit(EXIT_FAILURE);
}

uint64_t job_process_peak(const char *queue, bcj2_job_type type, const char *source,
                          const char *url, const char *reply)
{
    uint64_t peak = 0;
    int result[2], status = 0;
    if (pipe(result) != 0) {
        fail("pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        run(queue, type, source, url, reply);
        peak = peak_kib();
        _exit(write(result[1], &peak, sizeof peak) == sizeof peak ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    (void)close(result[1]);
    if (pid < 0 || read(result[0], &peak, sizeof peak) != sizeof peak ||
        waitpid(pid, &status, 0) != pid || status != 0) {
        fail(url);
    }
    (void)close(result[0]);
    return peak;
}
