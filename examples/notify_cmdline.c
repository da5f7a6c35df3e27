/* SPDX-License-Identifier: MIT */
/* Leaves an upload with a reply to whoever runs the queue ("bcj2 run", or another program), and is started
   again by the library when it ended, be it days later and after a reboot:

     cc notify_cmdline.c $(pkg-config --cflags --libs bcj2) -o notify_cmdline
     $PWD/notify_cmdline QUEUE /absolute/FILE URL /absolute/REPLY     makes the job and ends
     $PWD/notify_cmdline {JOB-ID}                                     so it is started then */
#include <bcj2/bcj2.h>

#include <stdio.h>
#include <stdlib.h> /* getenv */
#include <string.h>

/* Started by the library: its working directory is "/", its output goes nowhere, and the queue, the event and
   the job are in the environment (the job's snapshot is on standard input, too). Only when it ends with
   status 0 the event is over; else it is started again after the job's retry delay. */
static int told(const char *id_text, const char *event)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager *manager = NULL;
    bcj2_job *job = NULL;
    bcj2_guid id;
    options.flags = BCJ2_MANAGER_CONTROL_ONLY;
    bcj2_status status = bcj2_guid_parse(id_text, &id);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_manager_open(getenv("BCJ2_QUEUE"), &options, &manager);
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_manager_get_job(manager, &id, &job);
    }
    if (BCJ2_SUCCEEDED(status) && strcmp(event, "transferred") == 0) {
        status = bcj2_complete(job); /* now the reply has its name */
    } else if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_cancel(job); /* a real program would tell somebody why it failed */
    }
    (void)bcj2_job_unref(job);
    (void)bcj2_manager_close(manager);
    /* told at least once, so perhaps twice: a job that is gone was seen to the first time */
    return BCJ2_SUCCEEDED(status) || status == BCJ2_E_NOT_FOUND ? 0 : 1;
}

/* The command line of this very program: its path in quotes, as it may have blanks, and the job's id. */
static bcj2_status set_command(bcj2_job *job, const bcj2_guid *id, const char *program)
{
    char text[BCJ2_GUID_TEXT_SIZE], parameters[4096];
    bcj2_guid_format(id, text);
    int length = snprintf(parameters, sizeof parameters, "\"%s\" %s", program, text);
    if (length < 0 || (size_t)length >= sizeof parameters) {
        return BCJ2_E_STRING_TOO_LONG;
    }
    return bcj2_set_notify_cmdline(job, program, parameters);
}

/* argv: QUEUE FILE URL REPLY */
static bcj2_status make(bcj2_manager *manager, char **argv, const char *program, bcj2_job **ret_job)
{
    bcj2_guid id;
    bcj2_status status = bcj2_manager_create_job(manager, "notify_cmdline",
                                                 BCJ2_JOB_TYPE_UPLOAD_REPLY, &id, ret_job);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_set_reply_file_name(*ret_job, argv[3]);
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_add_file(*ret_job, argv[2], argv[1]);
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = set_command(*ret_job, &id, program);
    }
    return BCJ2_SUCCEEDED(status) ? bcj2_resume(*ret_job) : status;
}

int main(int argc, char **argv)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager *manager = NULL;
    bcj2_job *job = NULL;
    const char *event = getenv("BCJ2_EVENT");
    if (argc == 2 && event != NULL) {
        return told(argv[1], event);
    }
    /* it is started in another folder, and not searched for: the path must be whole */
    if (argc != 5 || argv[0][0] != '/') {
        (void)fprintf(stderr, "usage: $PWD/notify_cmdline QUEUE FILE URL REPLY\n");
        return 2;
    }
    options.flags = BCJ2_MANAGER_CONTROL_ONLY; /* it ends at once: others move the bytes */
    bcj2_status status = bcj2_manager_open(argv[1], &options, &manager);
    if (BCJ2_SUCCEEDED(status)) {
        status = make(manager, argv + 1, argv[0], &job);
    }
    if (BCJ2_FAILED(status)) {
        (void)fprintf(stderr, "%s %s\n", bcj2_status_text(status), bcj2_last_detail());
        if (job != NULL) {
            (void)bcj2_cancel(job);
        }
    }
    (void)bcj2_job_unref(job);
    (void)bcj2_manager_close(manager);
    return BCJ2_SUCCEEDED(status) ? 0 : 1;
}
