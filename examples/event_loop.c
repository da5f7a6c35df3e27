/* SPDX-License-Identifier: MIT */
/* A program with a loop of its own: callbacks come on its one thread, when it asks for them. Each URL is a job
   by itself; all of them move at the same time.

     cc event_loop.c $(pkg-config --cflags --libs bcj2) -o event_loop
     ./event_loop QUEUE URL /absolute/FILE [URL /absolute/FILE]... */
#include <bcj2/bcj2.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>

/* Only the loop's thread touches it: no lock is needed. */
struct loop {
    unsigned under_way; /* jobs of which we are told */
    unsigned undone;    /* URLs whose file is not there */
};

static bcj2_status on_transferred(bcj2_job *job, void *user)
{
    struct loop *loop = user;
    bcj2_status status = bcj2_complete(job);
    if (BCJ2_SUCCEEDED(status)) {
        loop->undone--;
    }
    return status; /* a failure: called again after the job's retry delay */
}

static bcj2_status on_error(bcj2_job *job, bcj2_error *error, void *user)
{
    char *text = NULL;
    bcj2_status status = bcj2_cancel(job);
    (void)user;
    if (BCJ2_SUCCEEDED(status)) {
        (void)bcj2_error_get_description(error, &text);
        (void)fprintf(stderr, "failed: %s\n", text == NULL ? "" : text);
    }
    bcj2_free(text);
    return status;
}

/* Once for each job, whoever ended it: one of the two above, or another program, of which neither is told. */
static void on_end(void *user)
{
    struct loop *loop = user;
    loop->under_way--;
}

/* The job is the queue's and the callbacks are the library's: no handle has to be kept. */
static bcj2_status add(bcj2_manager *manager, struct loop *loop, const char *url, const char *file)
{
    bcj2_guid id;
    bcj2_job *job = NULL;
    bcj2_notify_callbacks callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
    callbacks.job_transferred = on_transferred;
    callbacks.job_error = on_error;
    callbacks.destroy = on_end;
    callbacks.user = loop;
    bcj2_status status =
        bcj2_manager_create_job(manager, "event_loop", BCJ2_JOB_TYPE_DOWNLOAD, &id, &job);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND);
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_add_file(job, url, file);
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_set_notify_callbacks(job, &callbacks);
    }
    if (BCJ2_SUCCEEDED(status)) {
        loop->under_way++; /* until on_end() */
        status = bcj2_resume(job);
    }
    if (BCJ2_FAILED(status)) {
        (void)fprintf(stderr, "%s: %s %s\n", url, bcj2_status_text(status), bcj2_last_detail());
        if (job != NULL) {
            (void)bcj2_cancel(job);
        }
    }
    (void)bcj2_job_unref(job);
    return status;
}

/* The program's own descriptors would stand in the same array. */
static bcj2_status run(bcj2_manager *manager, struct loop *loop)
{
    struct pollfd fds[1] = {{.fd = bcj2_manager_get_fd(manager), .events = POLLIN}};
    bcj2_status status = BCJ2_OK;
    while (loop->under_way > 0 && BCJ2_SUCCEEDED(status)) {
        int ready = poll(fds, 1, -1);
        if (ready < 0 && errno != EINTR) {
            perror("poll");
            return BCJ2_E_FAIL;
        }
        if (ready > 0 && fds[0].revents != 0) {
            status = bcj2_manager_dispatch(manager); /* calls what is due, and returns */
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager *manager = NULL;
    struct loop loop = {0, 0};
    if (argc < 4 || argc % 2 != 0) {
        (void)fprintf(stderr, "usage: event_loop QUEUE URL FILE [URL FILE]...\n");
        return 2;
    }
    loop.undone = (unsigned)(argc - 2) / 2;
    options.flags = BCJ2_MANAGER_DISPATCH;
    bcj2_status status = bcj2_manager_open(argv[1], &options, &manager);
    for (int i = 2; BCJ2_SUCCEEDED(status) && i < argc; i += 2) {
        (void)add(manager, &loop, argv[i], argv[i + 1]);
    }
    if (BCJ2_SUCCEEDED(status)) {
        status = run(manager, &loop);
    }
    if (BCJ2_FAILED(status)) {
        (void)fprintf(stderr, "%s %s\n", bcj2_status_text(status), bcj2_last_detail());
    }
    (void)bcj2_manager_close(manager);
    return BCJ2_SUCCEEDED(status) && loop.undone == 0 ? 0 : 1;
}
