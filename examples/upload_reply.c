/* SPDX-License-Identifier: MIT */
/* Uploads a file and fetches what the server made of it, in one call.

     cc upload_reply.c $(pkg-config --cflags --libs bcj2) -o upload_reply
     ./upload_reply QUEUE /absolute/FILE URL /absolute/REPLY */
#include <bcj2/bcj2.h>

#include <inttypes.h>
#include <stdio.h>

/* Called by bcj2_upload_reply() on this thread, at each change and each second. */
static int32_t show(void *user, int32_t phase, uint64_t done, uint64_t total)
{
    static const char *const phases[] = {"uploading", "the server works", "fetching the reply"};
    (void)user;
    if (total == BCJ2_SIZE_UNKNOWN) {
        (void)fprintf(stderr, "%s\n", phases[phase]);
    } else {
        (void)fprintf(stderr, "%s: %" PRIu64 " of %" PRIu64 " bytes\n", phases[phase], done, total);
    }
    return 0; /* anything else: leave the job in the queue and return */
}

static void explain(bcj2_status status, bcj2_job *job)
{
    bcj2_job_state state = BCJ2_JOB_STATE_CANCELLED;
    bcj2_error *error = NULL;
    char *text = NULL;
    /* a job that failed has an error object; a call that failed has a detail */
    if (job != NULL && BCJ2_SUCCEEDED(bcj2_get_state(job, &state)) &&
        state == BCJ2_JOB_STATE_ERROR && BCJ2_SUCCEEDED(bcj2_get_error(job, &error))) {
        (void)bcj2_error_get_description(error, &text);
    }
    (void)fprintf(stderr, "%s: %s %s\n", bcj2_status_name(status), bcj2_status_text(status),
                  text != NULL ? text : bcj2_last_detail());
    bcj2_free(text);
    (void)bcj2_error_unref(error);
}

int main(int argc, char **argv)
{
    bcj2_manager *manager = NULL;
    bcj2_job *job = NULL;
    if (argc != 5) {
        (void)fprintf(stderr, "usage: upload_reply QUEUE FILE URL REPLY\n");
        return 2;
    }
    bcj2_status status = bcj2_manager_open(argv[1], NULL, &manager);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_upload_reply(manager, argv[2], argv[3], argv[4], show, NULL, &job);
    }
    if (BCJ2_FAILED(status)) {
        explain(status, job);
    }
    (void)bcj2_job_unref(job);
    (void)bcj2_manager_close(manager);
    return BCJ2_SUCCEEDED(status) ? 0 : 1;
}
