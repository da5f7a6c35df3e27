/* SPDX-License-Identifier: MIT */
/* bcj2 upload and upload-reply: a job of FILE and URL. Not here: moving it (transfer.h). */
#include "cli.h"
#include "out.h"
#include "paths.h"
#include "transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct upload {
    const char *url;
    char *file, *output; /* absolute; output NULL: to stdout */
};

/* Both paths made absolute, and looked at early: a job that cannot work is not made. */
static int prepare_paths(struct cli *cli, struct upload *up)
{
    const char *file = cli->options.arguments[0], *output = cli->options.output;
    int result = paths_check_source(cli, file);
    if (result != EXIT_DONE) {
        return result;
    }
    up->file = paths_absolute(file);
    if (up->file == NULL) {
        return out_bad(cli, "cannot use %s: %s", file, strerror(errno));
    }
    if (output == NULL) {
        return EXIT_DONE;
    }
    up->output = paths_absolute(output);
    if (up->output == NULL) {
        return out_bad(cli, "cannot put the reply into %s: %s", output, strerror(errno));
    }
    result = paths_check_output(cli, up->output);
    if (result != EXIT_DONE) {
        return result;
    }
    if (paths_same_name(up->file, up->output)) {
        return out_bad(cli, "the reply would replace the file that is uploaded");
    }
    return EXIT_DONE;
}

static bcj2_status set_reply_name(struct cli *cli, struct transfer *t)
{
    const struct upload *up = t->user;
    if (t->type != BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        return BCJ2_OK;
    }
    char *unnamed = up->output == NULL ? paths_unnamed_reply(cli, t->job) : NULL;
    bcj2_status status =
        bcj2_set_reply_file_name(t->job, up->output != NULL ? up->output : unnamed);
    free(unnamed);
    return status;
}

static int fill(struct cli *cli, struct transfer *t)
{
    const struct upload *up = t->user;
    bcj2_status status = set_reply_name(cli, t);
    if (BCJ2_FAILED(status)) {
        return out_failed(cli, status, "cannot put the reply there");
    }
    status = bcj2_add_file(t->job, up->url, up->file);
    return BCJ2_FAILED(status) ? out_failed(cli, status, "cannot upload that file to that URL")
                               : EXIT_DONE;
}

static int upload(struct cli *cli, bcj2_job_type type)
{
    struct upload up = {.url = cli->options.arguments[1]};
    struct transfer t = {.type = type, .fill = fill, .user = &up};
    if (cli->options.json && !cli->options.detach && type == BCJ2_JOB_TYPE_UPLOAD_REPLY &&
        cli->options.output == NULL) {
        return out_bad(cli, "--json upload-reply needs -o: stdout belongs to the document");
    }
    int result = transfer_prepare(cli, &t);
    if (result == EXIT_DONE) {
        result = prepare_paths(cli, &up);
    }
    if (result == EXIT_DONE) {
        t.name = strrchr(up.file, '/') + 1;
        result = transfer_run(cli, &t);
    }
    transfer_end(&t);
    free(up.file);
    free(up.output);
    return result;
}

int cmd_upload(struct cli *cli)
{
    return upload(cli, BCJ2_JOB_TYPE_UPLOAD);
}

int cmd_upload_reply(struct cli *cli)
{
    return upload(cli, BCJ2_JOB_TYPE_UPLOAD_REPLY);
}
