/* SPDX-License-Identifier: MIT */
/* Downloads a file and is told by callbacks how it goes, on threads of the library. Callbacks are not stored:
   a program that was killed sets them again, for the job that it finds in the queue (see download.c), and is
   then told what it missed.

     cc notify_callback.c $(pkg-config --cflags --libs bcj2) -o notify_callback
     ./notify_callback QUEUE URL /absolute/FILE */
#include <bcj2/bcj2.h>

#include <inttypes.h>
#include <stdio.h>

#define BIT(state) (1u << (state))

/* At most twice a second; what it returns is not looked at. */
static bcj2_status on_modification(bcj2_job *job, void *user)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    (void)user;
    if (BCJ2_SUCCEEDED(bcj2_get_progress(job, &p))) {
        (void)fprintf(stderr, "%" PRIu64 " bytes\n", p.bytes_transferred);
    }
    return BCJ2_OK;
}

static bcj2_status on_file(bcj2_job *job, bcj2_file *file, void *user)
{
    char *url = NULL;
    (void)job;
    (void)user;
    bcj2_status status = bcj2_file_get_remote_name(file, &url);
    if (BCJ2_SUCCEEDED(status)) {
        (void)fprintf(stderr, "all of %s is here\n", url);
    }
    bcj2_free(url);
    return status; /* a failure: called again later */
}

/* All is here: the file gets its name. Every call is allowed in a callback, but bcj2_wait() for this job and
   bcj2_manager_close(). Whatever is not BCJ2_OK lets the library call again later. */
static bcj2_status on_transferred(bcj2_job *job, void *user)
{
    bcj2_status status = bcj2_complete(job);
    *(bcj2_status *)user = status;
    return status;
}

static bcj2_status on_error(bcj2_job *job, bcj2_error *error, void *user)
{
    bcj2_error_context context;
    char *text = NULL;
    (void)bcj2_error_get(error, &context, user);
    if (BCJ2_SUCCEEDED(bcj2_error_get_description(error, &text))) {
        (void)fprintf(stderr, "failed: %s\n", text);
    }
    bcj2_free(text);
    return bcj2_cancel(job);
}

static bcj2_status make(bcj2_manager *manager, char **argv, bcj2_status *outcome,
                        bcj2_job **ret_job)
{
    bcj2_guid id;
    bcj2_notify_callbacks callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
    callbacks.job_transferred = on_transferred;
    callbacks.job_error = on_error;
    callbacks.job_modification = on_modification;
    callbacks.file_transferred = on_file;
    callbacks.user = outcome;
    bcj2_status status =
        bcj2_manager_create_job(manager, "notify_callback", BCJ2_JOB_TYPE_DOWNLOAD, &id, ret_job);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_add_file(*ret_job, argv[2], argv[3]);
    }
    if (BCJ2_SUCCEEDED(status)) { /* in a new job only the first two of them are set */
        status =
            bcj2_set_notify_flags(*ret_job, BCJ2_NOTIFY_JOB_TRANSFERRED | BCJ2_NOTIFY_JOB_ERROR |
                                                BCJ2_NOTIFY_JOB_MODIFICATION |
                                                BCJ2_NOTIFY_FILE_TRANSFERRED);
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_set_notify_callbacks(*ret_job, &callbacks);
    }
    return BCJ2_SUCCEEDED(status) ? bcj2_resume(*ret_job) : status;
}

int main(int argc, char **argv)
{
    bcj2_manager *manager = NULL;
    bcj2_job *job = NULL;
    bcj2_status outcome = BCJ2_E_FAIL; /* written by a callback, read when none runs any more */
    if (argc != 4) {
        (void)fprintf(stderr, "usage: notify_callback QUEUE URL FILE\n");
        return 2;
    }
    bcj2_status status = bcj2_manager_open(argv[1], NULL, &manager);
    if (BCJ2_SUCCEEDED(status)) {
        status = make(manager, argv, &outcome, &job);
    }
    if (BCJ2_SUCCEEDED(status)) { /* a program with something better to do would do it here */
        status = bcj2_wait(job, BIT(BCJ2_JOB_STATE_ACKNOWLEDGED) | BIT(BCJ2_JOB_STATE_CANCELLED),
                           -1, NULL);
    } else if (job != NULL) {
        (void)fprintf(stderr, "%s\n", bcj2_last_detail());
        (void)bcj2_cancel(job);
    }
    (void)bcj2_job_unref(job);
    (void)bcj2_manager_close(manager); /* waits for callbacks that run */
    if (BCJ2_SUCCEEDED(status)) {
        status = outcome;
    }
    if (BCJ2_FAILED(status)) {
        (void)fprintf(stderr, "%s\n", bcj2_status_text(status));
    }
    return BCJ2_SUCCEEDED(status) ? 0 : 1;
}
