/* SPDX-License-Identifier: MIT */
/* See watch_row.h. */
#include "watch_row.h"
#include "explain.h"
#include "find.h"
#include "out.h"
#include "since.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define BAR_BOXES       10u
#define RATE_EVERY_MS   1000u /* a shorter measurement says nothing */
#define RATE_FORGET_MS  3000u /* after so long without a byte it stands still */
#define COLUMNS_MOST    10000
#define LEAST_FOR_NAMES 12 /* columns of the last cell */

enum {
    CELL_ID,
    CELL_STATE,
    CELL_PERCENT,
    CELL_BAR,
    CELL_BYTES,
    CELL_RATE,
    CELL_TYPE,
    CELL_NAME,
    CELLS
};

/* From which width of the terminal on each is shown. */
static const struct {
    const char *title;
    int width, least_columns;
} cells[CELLS] = {
    {"ID", 8, 0},      {"STATE", 15, 0}, {"DONE", 4, 0},    {"", 12, 112},
    {"BYTES", 22, 80}, {"RATE", 12, 96}, {"TYPE", 12, 128}, {"NAME", 24, 0},
};

uint64_t watch_digest(uint64_t digest, const void *data, size_t length)
{
    const unsigned char *p = data;
    digest = digest == 0 ? UINT64_C(0xCBF29CE484222325) : digest;
    for (size_t i = 0; i < length; i++) {
        digest = (digest ^ p[i]) * UINT64_C(0x100000001B3);
    }
    return digest;
}

/* ---- the values ---- */

/* The upload while it lasts, then the reply. */
static void count(struct watch_row *row, bcj2_job *job)
{
    bcj2_job_progress sent = BCJ2_JOB_PROGRESS_INIT;
    bcj2_reply_progress reply = BCJ2_REPLY_PROGRESS_INIT;
    row->counted = BCJ2_SUCCEEDED(bcj2_get_progress(job, &sent)) &&
                   (sent.bytes_total != BCJ2_SIZE_UNKNOWN || sent.bytes_transferred > 0);
    row->done = sent.bytes_transferred;
    row->total = sent.bytes_total;
    if (row->counted && row->done == row->total && row->type == BCJ2_JOB_TYPE_UPLOAD_REPLY &&
        BCJ2_SUCCEEDED(bcj2_get_reply_progress(job, &reply)) &&
        reply.bytes_total != BCJ2_SIZE_UNKNOWN && reply.bytes_total > 0) {
        row->done = reply.bytes_transferred;
        row->total = reply.bytes_total;
    }
}

static void measure(struct watch_row *row, struct roster_job *job)
{
    uint64_t now = since_now_ms(), passed = now - job->since_ms;
    if (row->state != BCJ2_JOB_STATE_TRANSFERRING || !row->counted || row->done < job->done ||
        job->since_ms == 0) {
        job->since_ms = now;
        job->done = row->done;
        job->rate = 0;
    } else if (row->done > job->done ? passed >= RATE_EVERY_MS : passed >= RATE_FORGET_MS) {
        job->rate = (double)(row->done - job->done) * 1000 / (double)passed;
        job->since_ms = now;
        job->done = row->done;
    }
    row->rate = job->rate;
}

/* The library's words count down; these stay true without being written again. */
static void say_when(struct watch_row *row, bcj2_job *job)
{
    char when[32], error[3072];
    bcj2_filetime next = 0;
    (void)bcj2_get_next_attempt(job, &next);
    explain_error(job, error);
    out_time(next, when);
    if (next == 0) {
        (void)snprintf(row->why, sizeof row->why, "waiting for the network: %s", error);
    } else {
        (void)snprintf(row->why, sizeof row->why, "next try at %s: %s",
                       when + strlen("2026-01-31 "), error);
    }
}

static void say_why(struct watch_row *row, bcj2_job *job)
{
    char *text = NULL;
    if (row->state == BCJ2_JOB_STATE_TRANSIENT_ERROR) {
        say_when(row, job);
    } else if (BCJ2_SUCCEEDED(bcj2_get_status_text(job, &text))) {
        /* while bytes move, they are in words what the other cells say in numbers */
        char *numbers = row->state == BCJ2_JOB_STATE_TRANSFERRING ? strstr(text, ": ") : NULL;
        (void)snprintf(row->why, sizeof row->why, "%.*s",
                       (int)(numbers != NULL ? numbers - text : (ptrdiff_t)strlen(text)), text);
    }
    bcj2_free(text);
    (void)out_clean(row->why);
}

void watch_row_fill(struct watch_row *row, struct roster_job *job)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    char *name = NULL;
    memset(row, 0, sizeof *row);
    find_format(&job->id, id);
    memcpy(row->id, id, sizeof row->id - 1);
    row->state = job->state;
    (void)bcj2_get_type(job->job, &row->type);
    (void)bcj2_get_error_count(job->job, &row->errors);
    if (BCJ2_SUCCEEDED(bcj2_get_display_name(job->job, &name))) {
        (void)snprintf(row->name, sizeof row->name, "%s", name);
        (void)out_clean(row->name);
    }
    bcj2_free(name);
    count(row, job->job);
    measure(row, job);
    say_why(row, job->job);
}

/* ---- the line ---- */

/* At most 100: a server may send more than it said. */
static unsigned percent(const struct watch_row *row)
{
    return row->done >= row->total ? 100 : (unsigned)((double)row->done * 100 / (double)row->total);
}

uint64_t watch_row_digest(const struct watch_row *row)
{
    char head[128];
    bool timed = row->state == BCJ2_JOB_STATE_TRANSIENT_ERROR;
    const char *why = timed ? strstr(row->why, ": ") : row->why;
    int length = snprintf(head, sizeof head, "%d %d %u %u ", (int)row->state, (int)row->counted,
                          row->counted ? percent(row) : 0, (unsigned)row->errors);
    uint64_t digest = watch_digest(0, head, (size_t)length);
    digest = watch_digest(digest, row->name, strlen(row->name) + 1);
    return why == NULL ? digest : watch_digest(digest, why, strlen(why));
}

static void format_bytes(const struct watch_row *row, char text[80])
{
    char done[32], total[32];
    out_size(row->done, done);
    out_size(row->total, total);
    (void)snprintf(text, 80, row->total == BCJ2_SIZE_UNKNOWN ? "%s%s%s" : "%s of %s%s", done,
                   row->total == BCJ2_SIZE_UNKNOWN ? "" : total, "");
}

static void format_bar(const struct watch_row *row, char text[80])
{
    unsigned full = percent(row) * BAR_BOXES / 100;
    text[0] = '[';
    memset(text + 1, '#', full);
    memset(text + 1 + full, '.', BAR_BOXES - full);
    memcpy(text + 1 + BAR_BOXES, "]", 2);
}

/* The cells next to each other, as many as there is room for; the name and what comes after it get the
   rest. */
static void lay_out(const char *const values[CELLS], const char *after, int columns,
                    char line[WATCH_LINE_BYTES])
{
    int left = columns == 0 ? COLUMNS_MOST : columns;
    line[0] = '\0';
    for (int i = 0; i < CELL_NAME; i++) {
        bool shown = columns == 0 ? i != CELL_BAR : columns >= cells[i].least_columns;
        if (shown && left >= cells[i].width) {
            text_add(line, WATCH_LINE_BYTES, values[i], cells[i].width);
            text_add(line, WATCH_LINE_BYTES, "", left >= cells[i].width + 2 ? 2 : 0);
            left -= cells[i].width + 2;
        }
    }
    if (left >= LEAST_FOR_NAMES) {
        int width = text_width(values[CELL_NAME]);
        int most = left < 2 * cells[CELL_NAME].width ? left : cells[CELL_NAME].width;
        width = columns == 0                     ? width
                : width > cells[CELL_NAME].width ? most
                                                 : cells[CELL_NAME].width;
        width = width > left ? left : width;
        text_add(line, WATCH_LINE_BYTES, values[CELL_NAME], width);
        left -= width + 2;
        if (left > 0 && after[0] != '\0') {
            text_add(line, WATCH_LINE_BYTES, "", 2);
            int rest = text_width(after);
            text_add(line, WATCH_LINE_BYTES, after, rest > left ? left : rest);
        }
    }
    for (size_t length = strlen(line); length > 0 && line[length - 1] == ' '; length--) {
        line[length - 1] = '\0';
    }
}

void watch_row_format(const struct watch_row *row, int columns, char line[WATCH_LINE_BYTES])
{
    char share[16] = "-", bar[80] = "", bytes[80] = "", rate[80] = "", size[32];
    const char *values[CELLS] = {row->id, explain_state(row->state), share,    bar, bytes,
                                 rate,    explain_type(row->type),   row->name};
    if (row->counted) {
        format_bytes(row, bytes);
    }
    if (row->counted && row->total != BCJ2_SIZE_UNKNOWN) {
        (void)snprintf(share, sizeof share, "%3u%%", percent(row));
        format_bar(row, bar);
    }
    if (row->rate >= 1) {
        out_size((uint64_t)row->rate, size);
        (void)snprintf(rate, sizeof rate, "%s/s", size);
    }
    lay_out(values, row->why, columns, line);
}

void watch_row_head(int columns, char line[WATCH_LINE_BYTES])
{
    const char *values[CELLS];
    for (int i = 0; i < CELLS; i++) {
        values[i] = cells[i].title;
    }
    lay_out(values, "", columns, line);
}
