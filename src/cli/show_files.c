/* SPDX-License-Identifier: MIT */
/* See show_files.h. */
#include "show_files.h"
#include "out.h"
#include "ranges.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RANGES_A_LINE 16u

void show_files_bytes(const char *name, uint64_t done, uint64_t total)
{
    char a[32], b[32];
    out_size(done, a);
    if (total == BCJ2_SIZE_UNKNOWN) {
        out_field(name, "%s (%" PRIu64 " bytes), size not known yet", a, done);
        return;
    }
    out_size(total, b);
    out_field(name, "%s of %s (%" PRIu64 " of %" PRIu64 " bytes)", a, b, done, total);
}

void show_files_lines(const char *name, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\r\n");
        if (length > 0) {
            out_field(name, "%.*s", (int)length, text);
        }
        text += length + strspn(text + length, "\r\n");
    }
}

/* The temporary file, while there is one. */
static void show_temporary(bcj2_file *file)
{
    char *name = NULL;
    if (bcj2_file_get_temporary_name(file, &name) == BCJ2_OK) {
        out_field("  temporary", "%s", name);
    }
    bcj2_free(name);
}

static void show_ranges(bcj2_file *file)
{
    char text[RANGES_A_LINE * (2 * 20 + 2)]; /* two numbers of 64 bits, a dash and a comma */
    bcj2_file_range *ranges = NULL;
    uint32_t count = 0;
    if (bcj2_file_get_ranges(file, &ranges, &count) == BCJ2_OK) {
        for (uint32_t i = 0; i < count; i += RANGES_A_LINE) {
            uint32_t left = count - i;
            ranges_format(ranges + i, left < RANGES_A_LINE ? left : RANGES_A_LINE, text,
                          sizeof text);
            out_field("  ranges", "%s", text);
        }
    }
    bcj2_free(ranges);
}

static void show_progress(bcj2_file *file)
{
    bcj2_file_progress p = BCJ2_FILE_PROGRESS_INIT;
    if (BCJ2_SUCCEEDED(bcj2_file_get_progress(file, &p))) {
        show_files_bytes("  progress", p.bytes_transferred, p.bytes_total);
    }
}

static void show_answer(bcj2_file *file)
{
    char *head = NULL;
    if (bcj2_file_get_response_headers(file, &head) == BCJ2_OK) {
        show_files_lines("  answer", head);
    }
    bcj2_free(head);
}

/* The URL that waits for the next Resume; only the snapshot tells it, without its query. */
static void show_pending(const cJSON *item)
{
    const cJSON *url = cJSON_GetObjectItemCaseSensitive(item, "new_remote_name");
    if (cJSON_IsString(url)) {
        out_field("  new url", "%s, from the next \"bcj2 resume\" on", url->valuestring);
    }
}

static void show_file(struct cli *cli, bcj2_file *file, bool one_of_many, const cJSON *item)
{
    char *path = NULL, *url = NULL;
    if (BCJ2_SUCCEEDED(bcj2_file_get_local_name(file, &path)) &&
        BCJ2_SUCCEEDED(bcj2_file_get_remote_name(file, &url))) {
        out_field("file", "%s", path);
        out_field(one_of_many ? "  url" : "url", "%s", url);
    }
    bcj2_free(path);
    bcj2_free(url);
    show_pending(item);
    show_ranges(file);
    if (one_of_many) {
        show_progress(file);
    }
    show_temporary(file);
    if (cli->options.verbose) {
        show_answer(file);
    }
}

void show_files(struct cli *cli, bcj2_job *job)
{
    bcj2_file_enum *files = NULL;
    bcj2_file *file;
    uint32_t count = 0;
    if (BCJ2_FAILED(bcj2_enum_files(job, &files))) {
        return;
    }
    (void)bcj2_file_enum_count(files, &count);
    cJSON *document = out_json_snapshot(job);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(document, "files");
    const cJSON *item = list == NULL ? NULL : list->child;
    if (count > 1) {
        out_field("files", "%" PRIu32, count);
    }
    while (bcj2_file_enum_next(files, &file) == BCJ2_OK) {
        show_file(cli, file, count > 1, item);
        item = item == NULL ? NULL : item->next;
        (void)bcj2_file_unref(file);
    }
    cJSON_Delete(document);
    (void)bcj2_file_enum_unref(files);
}
