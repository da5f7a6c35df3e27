/* SPDX-License-Identifier: MIT */
/* See complete.h. */
#include "complete.h"
#include "explain.h"
#include "find.h"
#include "out.h"
#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define COPY_BYTES 65536

static bool write_all(const char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = write(STDOUT_FILENO, data, length);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            data += n;
            length -= (size_t)n;
        }
    }
    return true;
}

/* The file to stdout, byte by byte as it is; then it is removed. If stdout does not take it, it is
   kept: it is the only copy. */
static int to_stdout(struct cli *cli, const char *path)
{
    char *buffer = malloc(COPY_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = -1;
    bool written = true;
    while (buffer != NULL && fd >= 0 && written) {
        n = read(fd, buffer, COPY_BYTES);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            break;
        }
        written = n < 0 || write_all(buffer, (size_t)n);
    }
    int result = EXIT_DONE;
    if (n != 0 || !written) {
        result = out_failed_errno(cli, "cannot %s the reply; it is kept in %s",
                                  written ? "read" : "write", path);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(buffer);
    if (result == EXIT_DONE && unlink(path) != 0) {
        result = out_failed_errno(cli, "cannot remove %s", path);
    }
    return result;
}

/* The reply's place, NULL: none; *ret_unnamed: it is the file that stands for "to stdout". */
static char *place(const struct cli *cli, bcj2_job *job, bool *ret_unnamed)
{
    char *name = NULL;
    *ret_unnamed = false;
    if (BCJ2_FAILED(bcj2_get_reply_file_name(job, &name)) || name == NULL) {
        return NULL;
    }
    *ret_unnamed = paths_is_unnamed_reply(cli, job, name);
    return name;
}

/* "the file is in …"; of more than one how many there are. */
static void say_files(bcj2_job *job)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    char *name = NULL;
    if (BCJ2_FAILED(bcj2_get_progress(job, &p)) || BCJ2_FAILED(bcj2_enum_files(job, &files))) {
        return;
    }
    if (p.files_total > 1) {
        out_say("all %" PRIu32 " files are there", p.files_total);
    } else if (bcj2_file_enum_next(files, &file) == BCJ2_OK &&
               BCJ2_SUCCEEDED(bcj2_file_get_local_name(file, &name))) {
        out_say("the file is in %s", name);
    }
    bcj2_free(name);
    (void)bcj2_file_unref(file);
    (void)bcj2_file_enum_unref(files);
}

/* What a success says of itself. */
static int say_success(bcj2_job *job, const char *id, bcj2_status status)
{
    bcj2_job_type type = BCJ2_JOB_TYPE_UPLOAD;
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    (void)bcj2_get_type(job, &type);
    if (status == BCJ2_S_PARTIAL_COMPLETE) {
        (void)bcj2_get_progress(job, &p);
        out_say("job %s: %" PRIu32 " of %" PRIu32 " files are there, the rest was dropped [%s]", id,
                p.files_transferred, p.files_total, bcj2_status_name(status));
        return EXIT_PARTIAL;
    }
    if (status == BCJ2_S_UNABLE_TO_DELETE_FILES) {
        out_say("job %s: %s", id, bcj2_status_text(status));
    }
    if (type == BCJ2_JOB_TYPE_DOWNLOAD) {
        say_files(job);
    }
    return EXIT_DONE;
}

int complete_job(struct cli *cli, bcj2_job *job)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    bool unnamed;
    find_format_job(job, id);
    char *name = place(cli, job, &unnamed);
    bcj2_status status = bcj2_complete(job);
    int result = EXIT_DONE;
    if (BCJ2_FAILED(status)) {
        bcj2_job_state state = BCJ2_JOB_STATE_QUEUED;
        result = out_failed(cli, status, "cannot complete job %s", id);
        if (BCJ2_SUCCEEDED(bcj2_get_state(job, &state)) && state != BCJ2_JOB_STATE_ACKNOWLEDGED &&
            state != BCJ2_JOB_STATE_CANCELLED) {
            out_say("it is in state %s and stays in the queue", explain_state(state));
        }
    } else {
        result = say_success(job, id, status);
        if (unnamed && !cli->options.json) {
            result = to_stdout(cli, name);
        } else if (name != NULL) {
            out_say("the reply is in %s", name);
        }
    }
    bcj2_free(name);
    return result;
}
