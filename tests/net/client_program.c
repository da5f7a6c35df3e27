/* SPDX-License-Identifier: MIT */
/* The client that the kill tests kill: one short life of a program that uses the library. Each call that
   returned BCJ2_OK and promises something is said on standard output, one line each, at once.

       finish QUEUE ID                  opens, waits for TRANSFERRED, completes; "completed"
       complete QUEUE ID                opens, "ready", completes; "completed"
       submit QUEUE SOURCE URL REPLY    creates ("{id}"), names the reply ("reply"), adds ("added"),
                                        resumes ("resumed"); "ready" before the first */
#include "timeouts.h"

#include <bcj2/bcj2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 120000

static void say(const char *word)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s\n", word);
    if (write(STDOUT_FILENO, line, (size_t)length) != length) {
        _exit(2);
    }
}

static void print_log(void *user, int32_t level, const char *line)
{
    (void)user;
    (void)fprintf(stderr, "%ld <%d> %s\n", (long)getpid(), (int)level, line);
}

static int gave_up(const char *doing)
{
    (void)fprintf(stderr, "client %ld: %s: %s\n", (long)getpid(), doing, bcj2_last_detail());
    return EXIT_FAILURE;
}

static int complete(bcj2_job *job)
{
    if (bcj2_complete(job) != BCJ2_OK) {
        return gave_up("complete");
    }
    say("completed");
    return EXIT_SUCCESS;
}

static int finish(bcj2_job *job)
{
    bcj2_job_state state = 0;
    const uint32_t ends = 1u << BCJ2_JOB_STATE_TRANSFERRED | 1u << BCJ2_JOB_STATE_ERROR;
    if (bcj2_wait(job, ends, PATIENCE_MS, &state) != BCJ2_OK) {
        return gave_up("wait");
    }
    if (state == BCJ2_JOB_STATE_TRANSFERRED) {
        return complete(job);
    }
    char *text = NULL;
    (void)bcj2_get_status_text(job, &text);
    (void)fprintf(stderr, "client %ld: %s\n", (long)getpid(), text == NULL ? "ERROR" : text);
    bcj2_free(text);
    return EXIT_FAILURE;
}

static int with_job(bcj2_manager *manager, const char *id_text, const char *verb)
{
    bcj2_guid id;
    bcj2_job *job = NULL;
    if (BCJ2_FAILED(bcj2_guid_parse(id_text, &id)) ||
        BCJ2_FAILED(bcj2_manager_get_job(manager, &id, &job))) {
        return gave_up("get_job");
    }
    int result = EXIT_SUCCESS;
    if (strcmp(verb, "complete") == 0) {
        say("ready");
        result = complete(job);
    } else {
        result = finish(job);
    }
    (void)bcj2_job_unref(job);
    return result;
}

static int submit(bcj2_manager *manager, char **words)
{
    bcj2_guid id;
    char text[BCJ2_GUID_TEXT_SIZE];
    bcj2_job *job = NULL;
    say("ready");
    if (BCJ2_FAILED(bcj2_manager_create_job(manager, "t", BCJ2_JOB_TYPE_UPLOAD_REPLY, &id, &job))) {
        return gave_up("create_job");
    }
    bcj2_guid_format(&id, text);
    say(text);
    if (BCJ2_FAILED(bcj2_set_reply_file_name(job, words[2]))) {
        return gave_up("set_reply_file_name");
    }
    say("reply");
    if (BCJ2_FAILED(bcj2_add_file(job, words[1], words[0]))) {
        return gave_up("add_file");
    }
    say("added");
    if (BCJ2_FAILED(bcj2_resume(job))) {
        return gave_up("resume");
    }
    say("resumed");
    (void)bcj2_job_unref(job);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    bcj2_manager *manager = NULL;
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    if (argc != 4 && argc != 6) {
        return 2;
    }
    bcj2__timeouts.retry_delay_min_s = 0;
    options.log = getenv("BCJ2_TEST_LOG") == NULL ? NULL : print_log;
    if (BCJ2_FAILED(bcj2_manager_open(argv[2], &options, &manager))) {
        return gave_up("open");
    }
    int result = argc == 6 ? submit(manager, argv + 3) : with_job(manager, argv[3], argv[1]);
    (void)bcj2_manager_close(manager);
    return result;
}
