/* SPDX-License-Identifier: MIT */
/* A process of the test of many events, killed at any moment.
       events_worker QUEUE FIRST LAST LOG
   sets callbacks for the jobs whose names are numbers from FIRST to LAST - 1, says "r" on its standard output,
   and ends with its standard input. Each event is a line "number kind pid" in LOG, written at once, and a
   byte on the standard output. Jobs with odd numbers are completed in the callback. FIRST = LAST: it only
   moves bytes. Whoever has callbacks moves none. */
#include <bcj2/bcj2.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct one {
    unsigned long number;
};

static int log_fd;

static void note(const struct one *one, int kind)
{
    char line[64];
    int n = snprintf(line, sizeof line, "%lu %d %ld\n", one->number, kind, (long)getpid());
    if (write(log_fd, line, (size_t)n) != n || write(STDOUT_FILENO, "e", 1) != 1) {
        _exit(EXIT_FAILURE);
    }
}

static bcj2_status transferred(bcj2_job *job, void *user)
{
    const struct one *one = user;
    note(one, BCJ2_NOTIFY_JOB_TRANSFERRED);
    if (one->number % 2 == 1 && bcj2_complete(job) != BCJ2_OK) {
        (void)fprintf(stderr, "events_worker: %s\n", bcj2_last_detail());
        return BCJ2_E_FAIL;
    }
    return BCJ2_OK;
}

static bcj2_status failed(bcj2_job *job, bcj2_error *error, void *user)
{
    (void)job;
    (void)error;
    note(user, BCJ2_NOTIFY_JOB_ERROR);
    return BCJ2_OK;
}

static int complain(const char *what)
{
    (void)fprintf(stderr, "events_worker: %s: %s\n", what, bcj2_last_detail());
    return EXIT_FAILURE;
}

/* False: it could not be set, and not because the job is over. */
static bool listen_to(bcj2_job *job, unsigned long first, unsigned long last)
{
    bcj2_notify_callbacks callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
    char *name = NULL;
    if (bcj2_get_display_name(job, &name) != BCJ2_OK) {
        return false;
    }
    unsigned long number = strtoul(name, NULL, 10);
    bcj2_free(name);
    if (number < first || number >= last) {
        return true;
    }
    struct one *one = malloc(sizeof *one);
    if (one == NULL) {
        return false;
    }
    one->number = number;
    callbacks.job_transferred = transferred;
    callbacks.job_error = failed;
    callbacks.destroy = free;
    callbacks.user = one;
    bcj2_status s = bcj2_set_notify_callbacks(job, &callbacks);
    if (s != BCJ2_OK) {
        free(one);
    }
    return s == BCJ2_OK || s == BCJ2_E_INVALID_STATE;
}

int main(int argc, char **argv)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager *manager = NULL;
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job = NULL;
    char byte = 0;
    log_fd = argc == 5 ? open(argv[4], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (log_fd < 0) {
        return EXIT_FAILURE;
    }
    unsigned long first = strtoul(argv[2], NULL, 10), last = strtoul(argv[3], NULL, 10);
    options.flags = first < last ? BCJ2_MANAGER_CONTROL_ONLY : 0;
    if (bcj2_manager_open(argv[1], &options, &manager) != BCJ2_OK ||
        bcj2_manager_enum_jobs(manager, 0, &jobs) != BCJ2_OK) {
        return complain("opening");
    }
    while (first < last && bcj2_job_enum_next(jobs, &job) == BCJ2_OK) {
        if (!listen_to(job, first, last)) {
            return complain("setting callbacks");
        }
        bcj2_job_unref(job);
    }
    bcj2_job_enum_unref(jobs);
    if (write(STDOUT_FILENO, "r", 1) != 1) {
        return EXIT_FAILURE;
    }
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    bcj2_manager_close(manager);
    return EXIT_SUCCESS;
}
