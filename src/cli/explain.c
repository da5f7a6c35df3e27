/* SPDX-License-Identifier: MIT */
/* See explain.h. */
#include "explain.h"
#include "find.h"
#include "out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *explain_state(bcj2_job_state state)
{
    static const char *const names[] = {
        "QUEUED",          "CONNECTING",  "TRANSFERRING", "SUSPENDED", "ERROR",
        "TRANSIENT_ERROR", "TRANSFERRED", "ACKNOWLEDGED", "CANCELLED",
    };
    return state >= 0 && state <= BCJ2_JOB_STATE_CANCELLED ? names[state] : "?";
}

const char *explain_type(bcj2_job_type type)
{
    static const char *const names[] = {"download", "upload", "upload-reply"};
    return type >= 0 && type <= BCJ2_JOB_TYPE_UPLOAD_REPLY ? names[type] : "?";
}

void explain_error(bcj2_job *job, char text[3072])
{
    bcj2_error *error = NULL;
    bcj2_error_context context = 0;
    bcj2_status code = 0;
    uint32_t http = 0;
    char *description = NULL;
    text[0] = '\0';
    if (BCJ2_FAILED(bcj2_get_error(job, &error))) {
        return;
    }
    if (BCJ2_SUCCEEDED(bcj2_error_get(error, &context, &code)) &&
        BCJ2_SUCCEEDED(bcj2_error_get_http_status(error, &http)) &&
        BCJ2_SUCCEEDED(bcj2_error_get_description(error, &description))) {
        char http_text[32] = "";
        if (http != 0) {
            (void)snprintf(http_text, sizeof http_text, ", HTTP status %" PRIu32, http);
        }
        (void)snprintf(text, 3072, "%s [%s, 0x%08" PRIx32 "%s]", description,
                       bcj2_status_name(code), (uint32_t)code, http_text);
    }
    bcj2_free(description);
    (void)bcj2_error_unref(error);
}

/* Only what a shell takes as it is. */
static bool is_plain(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789/._-+=:,@%")] == '\0';
}

/* In quotes, each quote inside as '\'' . What has no room is left out. */
static void add_quoted(char *to, size_t size, const char *text)
{
    static const char quote[] = "'\\''";
    size_t length = strlen(to);
    if (length + 1 < size) {
        to[length++] = '\'';
    }
    for (; *text != '\0' && length + sizeof quote < size; text++) {
        if (*text == '\'') {
            memcpy(to + length, quote, sizeof quote - 1);
            length += sizeof quote - 1;
        } else {
            to[length++] = *text;
        }
    }
    if (length + 1 < size) {
        to[length++] = '\'';
    }
    to[length] = '\0';
}

void explain_program(const struct cli *cli, char text[4608])
{
    const char *queue = cli->options.queue;
    (void)snprintf(text, 4608, queue == NULL ? "bcj2%s" : "bcj2 --queue %s",
                   queue != NULL && is_plain(queue) ? queue : "");
    if (queue != NULL && !is_plain(queue)) {
        add_quoted(text, 4608, queue);
    }
}

int explain_failure(struct cli *cli, bcj2_job *job)
{
    char text[3072], id[BCJ2_GUID_TEXT_SIZE], program[4608];
    explain_error(job, text);
    find_format_job(job, id);
    explain_program(cli, program);
    out_say("job %s failed: %s", id, text);
    out_say("it stays in the queue. To try again: %s resume %s; to drop it: %s cancel %s", program,
            id, program, id);
    return EXIT_FAILED;
}

void explain_no_runner(struct cli *cli)
{
    char program[4608];
    if (cli_runner(cli) == 0) {
        explain_program(cli, program);
        out_say("no program moves the jobs of this queue now; to begin: %s run", program);
    }
}

void explain_interrupt(struct cli *cli, const char *id, bcj2_job_type type)
{
    char program[4608];
    const char *reply = type == BCJ2_JOB_TYPE_UPLOAD_REPLY ? " for the reply" : "";
    explain_program(cli, program);
    (void)out_bad(cli, "interrupted; job %s stays in the queue", id);
    int64_t runner = cli_open(cli, BCJ2_MANAGER_CONTROL_ONLY) == EXIT_DONE ? cli_runner(cli) : 0;
    if (runner != 0) {
        out_say("process %" PRId64 " moves it on; then: %s complete %s%s", runner, program, id,
                reply);
    } else {
        out_say("to go on: %s run --until-idle, then %s complete %s%s", program, program, id,
                reply);
    }
    out_say("to drop it: %s cancel %s", program, id);
}
