/* SPDX-License-Identifier: MIT */
/* bcj2 download: a job of a URL and a FILE, or of the many of a list. Not here: moving it (transfer.h). */
#include "cli.h"
#include "file_list.h"
#include "out.h"
#include "paths.h"
#include "ranges.h"
#include "transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct download {
    const char *url;
    char *file; /* absolute */
    bcj2_file_range *ranges;
    uint32_t range_count; /* 0: the whole file */
    struct file_list list;
};

/* The path made absolute, and looked at early: a job that cannot work is not made. */
static int prepare_one(struct cli *cli, struct download *d)
{
    const char *file = cli->options.arguments[1];
    d->url = cli->options.arguments[0];
    d->file = paths_absolute(file);
    if (d->file == NULL) {
        return out_bad(cli, "cannot use %s: %s", file, strerror(errno));
    }
    int result = paths_check_output(cli, d->file);
    if (result == EXIT_DONE && cli->options.range != NULL) {
        result = ranges_read(cli, cli->options.range, &d->ranges, &d->range_count);
    }
    return result;
}

static int prepare(struct cli *cli, struct download *d)
{
    if (cli->options.list == NULL) {
        return cli->options.count == 2
                   ? prepare_one(cli, d)
                   : out_bad(cli, "download needs URL FILE, or --list with the name of a list");
    }
    if (cli->options.count > 0) {
        return out_bad(cli, "download takes URL FILE or --list, not both");
    }
    if (cli->options.range != NULL) {
        return out_bad(cli, "--range does not go with --list");
    }
    return file_list_read(cli, cli->options.list, &d->list);
}

/* The call said no to all of them together. Which one was it? The job is lost anyway: it takes the good ones
   half by half. */
static void say_line(struct transfer *t, const struct file_list *list)
{
    size_t from = 0, count = list->count;
    while (count > 1) {
        size_t half = count / 2;
        if (BCJ2_SUCCEEDED(bcj2_add_file_set(t->job, (uint32_t)half, list->files + from))) {
            from += half;
            count -= half;
        } else {
            count = half;
        }
    }
    out_say("that is line %zu of the list", list->lines[from]);
}

static int fill(struct cli *cli, struct transfer *t)
{
    const struct download *d = t->user;
    const char *what = "cannot download that URL into that file";
    bcj2_status status;
    if (d->list.count > 0) {
        status = bcj2_add_file_set(t->job, (uint32_t)d->list.count, d->list.files);
        what = "cannot download what is in the list";
    } else if (d->range_count > 0) {
        status = bcj2_add_file_with_ranges(t->job, d->url, d->file, d->range_count, d->ranges);
    } else {
        status = bcj2_add_file(t->job, d->url, d->file);
    }
    if (BCJ2_SUCCEEDED(status)) {
        return EXIT_DONE;
    }
    int result = out_failed(cli, status, "%s", what);
    if (d->list.count > 0) {
        say_line(t, &d->list);
    }
    return result;
}

int cmd_download(struct cli *cli)
{
    struct download d = {0};
    struct transfer t = {.type = BCJ2_JOB_TYPE_DOWNLOAD, .fill = fill, .user = &d};
    int result = transfer_prepare(cli, &t);
    if (result == EXIT_DONE) {
        result = prepare(cli, &d);
    }
    if (result == EXIT_DONE) {
        const char *first = d.list.count > 0 ? d.list.files[0].local_name : d.file;
        t.name = strrchr(first, '/') + 1;
        result = transfer_run(cli, &t);
    }
    transfer_end(&t);
    file_list_free(&d.list);
    free(d.ranges);
    free(d.file);
    return result;
}
