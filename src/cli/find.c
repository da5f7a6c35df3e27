/* SPDX-License-Identifier: MIT */
/* See find.h. */
#include "find.h"
#include "out.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_CANDIDATES 8

void find_format(const bcj2_guid *id, char text[BCJ2_GUID_TEXT_SIZE])
{
    char braced[BCJ2_GUID_TEXT_SIZE];
    bcj2_guid_format(id, braced);
    memcpy(text, braced + 1, BCJ2_GUID_TEXT_SIZE - 3);
    text[BCJ2_GUID_TEXT_SIZE - 3] = '\0';
}

void find_format_job(bcj2_job *job, char text[BCJ2_GUID_TEXT_SIZE])
{
    bcj2_guid id;
    if (BCJ2_FAILED(bcj2_get_id(job, &id))) {
        memcpy(text, "?", 2);
        return;
    }
    find_format(&id, text);
}

/* Makes "{1A2B…" and "1a2b…" the same: lower case, no braces. false: no beginning of an id. */
static bool normalise(const char *prefix, char text[BCJ2_GUID_TEXT_SIZE])
{
    size_t length = 0;
    if (*prefix == '{') {
        prefix++;
    }
    for (; *prefix != '\0' && !(*prefix == '}' && prefix[1] == '\0'); prefix++) {
        unsigned char c = (unsigned char)*prefix;
        if (length + 1 >= BCJ2_GUID_TEXT_SIZE || (isxdigit(c) == 0 && c != '-')) {
            return false;
        }
        text[length++] = (char)tolower(c);
    }
    text[length] = '\0';
    return length > 0;
}

/* Several jobs begin so: names some of them. */
static int ambiguous(struct cli *cli, const char *prefix, bcj2_job_enum *jobs)
{
    char list[(SHOWN_CANDIDATES + 1) * (BCJ2_GUID_TEXT_SIZE + 1)] = "";
    char id[BCJ2_GUID_TEXT_SIZE];
    bcj2_job *job;
    size_t length = 0;
    int shown = 0;
    (void)bcj2_job_enum_reset(jobs);
    while (shown <= SHOWN_CANDIDATES && bcj2_job_enum_next(jobs, &job) == BCJ2_OK) {
        find_format_job(job, id);
        (void)bcj2_job_unref(job);
        if (strncmp(id, prefix, strlen(prefix)) == 0) {
            const char *text = shown++ < SHOWN_CANDIDATES ? id : "and more";
            length += (size_t)snprintf(list + length, sizeof list - length, " %s", text);
        }
    }
    return out_bad(cli, "\"%s\" could be more than one job:%s", prefix, list);
}

int find_job(struct cli *cli, const char *prefix, bcj2_job **ret_job)
{
    char text[BCJ2_GUID_TEXT_SIZE], id[BCJ2_GUID_TEXT_SIZE];
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job, *found = NULL;
    int matches = 0;
    if (!normalise(prefix, text)) {
        return out_bad(cli, "\"%.80s\" is not the beginning of a job's id", prefix);
    }
    bcj2_status status = bcj2_manager_enum_jobs(cli->manager, BCJ2_JOB_ENUM_ALL_USERS, &jobs);
    if (BCJ2_FAILED(status)) {
        return out_failed(cli, status, "cannot list the jobs");
    }
    while (matches < 2 && bcj2_job_enum_next(jobs, &job) == BCJ2_OK) {
        find_format_job(job, id);
        if (strncmp(id, text, strlen(text)) == 0 && matches++ == 0) {
            found = job;
        } else {
            (void)bcj2_job_unref(job);
        }
    }
    int result = EXIT_DONE;
    if (matches == 1) {
        *ret_job = found;
    } else {
        result = matches == 0 ? out_bad(cli, "no job in the queue begins with \"%s\"", text)
                              : ambiguous(cli, text, jobs);
        (void)bcj2_job_unref(found);
    }
    (void)bcj2_job_enum_unref(jobs);
    return result;
}

static bool same_job(bcj2_job *a, bcj2_job *b)
{
    char one[BCJ2_GUID_TEXT_SIZE], other[BCJ2_GUID_TEXT_SIZE];
    find_format_job(a, one);
    find_format_job(b, other);
    return strcmp(one, other) == 0;
}

int find_arguments(struct cli *cli, bcj2_job ***ret_jobs)
{
    int count = cli->options.count;
    bcj2_job **jobs = calloc((size_t)count, sizeof(bcj2_job *));
    if (jobs == NULL) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot look the jobs up");
    }
    for (int i = 0; i < count; i++) {
        int result = find_job(cli, cli->options.arguments[i], &jobs[i]);
        for (int k = 0; result == EXIT_DONE && k < i; k++) {
            if (same_job(jobs[k], jobs[i])) {
                result = out_bad(cli, "\"%.80s\" and \"%.80s\" are the same job",
                                 cli->options.arguments[k], cli->options.arguments[i]);
            }
        }
        if (result != EXIT_DONE) {
            find_free(jobs, count);
            return result;
        }
    }
    *ret_jobs = jobs;
    return EXIT_DONE;
}

void find_free(bcj2_job **jobs, int count)
{
    for (int i = 0; i < count; i++) {
        (void)bcj2_job_unref(jobs[i]);
    }
    free(jobs);
}
