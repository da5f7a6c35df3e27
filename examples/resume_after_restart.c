/* SPDX-License-Identifier: MIT */
/* An upload that survives this program: run it, kill it, run it again with the same arguments, and
   it goes on where it stood. The job's id, kept in the file IDFILE, is all that it must remember.

     cc resume_after_restart.c $(pkg-config --cflags --libs bcj2) -o resume_after_restart
     ./resume_after_restart QUEUE IDFILE /absolute/FILE URL /absolute/REPLY */
#include <bcj2/bcj2.h>

#include <stdbool.h>
#include <stdio.h>

struct arguments {
    const char *queue, *id_file, *file, *url, *reply;
};

static bool read_id(const char *path, bcj2_guid *ret_id)
{
    char text[BCJ2_GUID_TEXT_SIZE] = "";
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    bool read = fgets(text, sizeof text, file) != NULL;
    (void)fclose(file);
    return read && BCJ2_SUCCEEDED(bcj2_guid_parse(text, ret_id));
}

/* Under another name first: a half-written id would be no id. */
static bool write_id(const char *path, const bcj2_guid *id)
{
    char text[BCJ2_GUID_TEXT_SIZE], temporary[4096];
    int length = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return false;
    }
    FILE *file = fopen(temporary, "w");
    if (file == NULL) {
        return false;
    }
    bcj2_guid_format(id, text);
    bool written = fputs(text, file) != EOF;
    return fclose(file) == 0 && written && rename(temporary, path) == 0;
}

/* A new job, not yet running. If we are killed before its id is written, an idle job stays in the
   queue (see bcj2_manager_enum_jobs()), and nothing was sent. */
static bcj2_status make_job(bcj2_manager *manager, const struct arguments *a, bcj2_job **ret_job)
{
    bcj2_guid id;
    bcj2_status status = bcj2_manager_create_job(manager, "resume_after_restart",
                                                 BCJ2_JOB_TYPE_UPLOAD_REPLY, &id, ret_job);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_set_reply_file_name(*ret_job, a->reply);
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_add_file(*ret_job, a->url, a->file);
    }
    if (BCJ2_SUCCEEDED(status) && !write_id(a->id_file, &id)) {
        perror(a->id_file);
        status = BCJ2_E_FAIL;
    }
    if (BCJ2_SUCCEEDED(status)) {
        (void)fprintf(stderr, "made a new job\n");
    }
    return status;
}

/* The job of an earlier run, or a new one. *ret_job NULL: the earlier run was killed after Complete,
   all is done. */
static bcj2_status find_or_make_job(bcj2_manager *manager, const struct arguments *a,
                                    bcj2_job **ret_job)
{
    bcj2_guid id;
    if (!read_id(a->id_file, &id)) {
        return make_job(manager, a, ret_job);
    }
    bcj2_status status = bcj2_manager_get_job(manager, &id, ret_job);
    if (status == BCJ2_E_NOT_FOUND) {
        FILE *reply = fopen(a->reply, "r");
        if (reply == NULL) {
            return make_job(manager, a, ret_job); /* somebody cancelled it */
        }
        (void)fclose(reply);
        return BCJ2_OK;
    }
    if (BCJ2_SUCCEEDED(status)) {
        (void)fprintf(stderr, "going on with the job of an earlier run\n");
    }
    return status;
}

/* Bytes moved from the moment the queue was opened; this only waits and takes the reply. */
static bcj2_status finish(bcj2_job *job)
{
    bcj2_job_state state = BCJ2_JOB_STATE_SUSPENDED;
    bcj2_status status = bcj2_get_state(job, &state);
    if (BCJ2_SUCCEEDED(status) &&
        (state == BCJ2_JOB_STATE_SUSPENDED || state == BCJ2_JOB_STATE_ERROR)) {
        status = bcj2_resume(job); /* new, or failed in an earlier run: try again */
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_wait(job, 1u << BCJ2_JOB_STATE_TRANSFERRED | 1u << BCJ2_JOB_STATE_ERROR, -1,
                           &state);
    }
    if (BCJ2_SUCCEEDED(status) && state == BCJ2_JOB_STATE_ERROR) {
        bcj2_error *error = NULL;
        bcj2_error_context context;
        char *text = NULL;
        status = bcj2_get_error(job, &error);
        if (BCJ2_SUCCEEDED(status) && BCJ2_SUCCEEDED(bcj2_error_get_description(error, &text))) {
            (void)fprintf(stderr, "the job failed: %s\n", text);
            (void)bcj2_error_get(error, &context, &status);
        }
        bcj2_free(text);
        (void)bcj2_error_unref(error);
        return status;
    }
    return BCJ2_SUCCEEDED(status) ? bcj2_complete(job) : status;
}

int main(int argc, char **argv)
{
    bcj2_manager *manager = NULL;
    bcj2_job *job = NULL;
    if (argc != 6) {
        (void)fprintf(stderr, "usage: resume_after_restart QUEUE IDFILE FILE URL REPLY\n");
        return 2;
    }
    struct arguments a = {argv[1], argv[2], argv[3], argv[4], argv[5]};
    bcj2_status status = bcj2_manager_open(a.queue, NULL, &manager);
    if (BCJ2_SUCCEEDED(status)) {
        status = find_or_make_job(manager, &a, &job);
    }
    if (BCJ2_SUCCEEDED(status) && job != NULL) {
        status = finish(job);
    }
    if (BCJ2_SUCCEEDED(status)) {
        (void)remove(a.id_file);
    } else {
        (void)fprintf(stderr, "%s: %s %s\n", bcj2_status_name(status), bcj2_status_text(status),
                      bcj2_last_detail());
    }
    (void)bcj2_job_unref(job);
    (void)bcj2_manager_close(manager);
    return BCJ2_SUCCEEDED(status) ? 0 : 1;
}
