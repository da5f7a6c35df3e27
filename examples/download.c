/* SPDX-License-Identifier: MIT */
/* Downloads files as one job, and goes on with it when it is run again after it was killed: the job is
   found by its name.

     cc download.c $(pkg-config --cflags --libs bcj2) -o download
     ./download QUEUE NAME URL /absolute/FILE [URL /absolute/FILE]... */
#include <bcj2/bcj2.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(state) (1u << (state))

/* The job of that name that is in the queue; NULL: there is none. */
static bcj2_job *find(bcj2_manager *manager, const char *name)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job = NULL, *found = NULL;
    if (BCJ2_FAILED(bcj2_manager_enum_jobs(manager, 0, &jobs))) {
        return NULL;
    }
    while (found == NULL && bcj2_job_enum_next(jobs, &job) == BCJ2_OK) {
        char *text = NULL;
        if (BCJ2_SUCCEEDED(bcj2_get_display_name(job, &text)) && strcmp(text, name) == 0) {
            found = bcj2_job_ref(job);
        }
        bcj2_free(text);
        (void)bcj2_job_unref(job);
    }
    (void)bcj2_job_enum_unref(jobs);
    return found;
}

/* A new job with all files, or none. words: URL, file, URL, file … */
static bcj2_status make(bcj2_manager *manager, const char *name, int words, char **word,
                        bcj2_job **ret_job)
{
    bcj2_guid id;
    uint32_t count = (uint32_t)words / 2;
    bcj2_file_info *files = calloc(count, sizeof *files);
    if (files == NULL) {
        return BCJ2_E_OUTOFMEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        files[i].remote_name = word[2 * i];
        files[i].local_name = word[2 * i + 1];
    }
    bcj2_status status =
        bcj2_manager_create_job(manager, name, BCJ2_JOB_TYPE_DOWNLOAD, &id, ret_job);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_add_file_set(*ret_job, count, files);
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_resume(*ret_job);
    }
    free(files);
    return status;
}

/* A job of an earlier run that was killed before it had started it has no files, or all: they are added
   in one call. *job becomes NULL if there are none: it is made anew then. */
static bcj2_status go_on(bcj2_job **job)
{
    bcj2_job_state state = BCJ2_JOB_STATE_QUEUED;
    bcj2_status status = bcj2_get_state(*job, &state);
    if (BCJ2_FAILED(status) || state != BCJ2_JOB_STATE_SUSPENDED) {
        return status;
    }
    status = bcj2_resume(*job);
    if (status == BCJ2_E_EMPTY) {
        status = bcj2_cancel(*job);
        *job = bcj2_job_unref(*job);
    }
    return status;
}

/* Waits for the end, and tells each second how far it is. */
static bcj2_status wait(bcj2_job *job, bcj2_job_state *ret_state)
{
    bcj2_status status = BCJ2_S_FALSE;
    while (status == BCJ2_S_FALSE) {
        bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
        status = bcj2_wait(job, BIT(BCJ2_JOB_STATE_TRANSFERRED) | BIT(BCJ2_JOB_STATE_ERROR), 1000,
                           ret_state);
        if (BCJ2_SUCCEEDED(bcj2_get_progress(job, &p))) {
            (void)fprintf(stderr, "%" PRIu32 " of %" PRIu32 " files, %" PRIu64 " bytes\n",
                          p.files_transferred, p.files_total, p.bytes_transferred);
        }
    }
    return status;
}

/* The job is in ERROR: says why, and drops it. */
static void give_up(bcj2_job *job)
{
    bcj2_error *error = NULL;
    char *text = NULL;
    if (BCJ2_SUCCEEDED(bcj2_get_error(job, &error)) &&
        BCJ2_SUCCEEDED(bcj2_error_get_description(error, &text))) {
        (void)fprintf(stderr, "failed: %s\n", text);
    }
    bcj2_free(text);
    (void)bcj2_error_unref(error);
    (void)bcj2_cancel(job);
}

int main(int argc, char **argv)
{
    bcj2_manager *manager = NULL;
    bcj2_job *job = NULL;
    bcj2_job_state state = BCJ2_JOB_STATE_CANCELLED;
    if (argc < 5 || argc % 2 == 0) {
        (void)fprintf(stderr, "usage: download QUEUE NAME URL FILE [URL FILE]...\n");
        return 2;
    }
    bcj2_status status = bcj2_manager_open(argv[1], NULL, &manager);
    if (BCJ2_SUCCEEDED(status) && (job = find(manager, argv[2])) != NULL) {
        (void)fprintf(stderr, "going on\n");
        status = go_on(&job);
    }
    if (BCJ2_SUCCEEDED(status) && job == NULL) {
        status = make(manager, argv[2], argc - 3, argv + 3, &job);
        if (BCJ2_FAILED(status) && job != NULL) {
            (void)fprintf(stderr, "%s\n", bcj2_last_detail());
            (void)bcj2_cancel(job); /* it could not even be started */
        }
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = wait(job, &state);
    }
    if (BCJ2_SUCCEEDED(status) && state == BCJ2_JOB_STATE_TRANSFERRED) {
        status = bcj2_complete(job); /* now the files have their names */
    } else if (BCJ2_SUCCEEDED(status)) {
        give_up(job);
        status = BCJ2_E_FAIL;
    }
    if (BCJ2_FAILED(status)) {
        (void)fprintf(stderr, "%s\n", bcj2_status_text(status));
    }
    (void)bcj2_job_unref(job);
    (void)bcj2_manager_close(manager);
    return BCJ2_SUCCEEDED(status) ? 0 : 1;
}
