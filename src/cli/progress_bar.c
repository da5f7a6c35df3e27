/* SPDX-License-Identifier: MIT */
/* See progress_bar.h. */
#include "progress_bar.h"
#include "out.h"
#include "since.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINE_BYTES       1024
#define COLUMNS_UNKNOWN  80
#define BAR_LEAST        11 /* brackets and a space are in it */
#define BAR_MOST         40
#define NAME_MOST        24
#define MARK_EVERY_MS    500u
#define RATE_BELIEVED_MS 1000u /* a shorter measurement says nothing */

static int columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return COLUMNS_UNKNOWN;
}

static const char *phase_text(const struct progress_bar *bar)
{
    switch (bar->phase) {
    case PROGRESS_UPLOAD:
        return "uploading";
    case PROGRESS_SERVER:
        return "server application is working";
    case PROGRESS_REPLY:
        return "receiving the reply";
    case PROGRESS_WAIT:
    case PROGRESS_RETRY:
    case PROGRESS_DOWNLOAD:
        return bar->note;
    case PROGRESS_DONE:
        return "done";
    case PROGRESS_NONE:
        break;
    }
    return "";
}

static bool counts_bytes(const struct progress_bar *bar)
{
    return bar->phase == PROGRESS_UPLOAD || bar->phase == PROGRESS_REPLY ||
           bar->phase == PROGRESS_DOWNLOAD || bar->phase == PROGRESS_DONE;
}

/* At most 100, as the bar has room for no more: a server may send more than it said. */
static unsigned percent(uint64_t done, uint64_t total)
{
    return done >= total ? 100 : (unsigned)((double)done * 100 / (double)total);
}

void progress_bar_start(struct progress_bar *bar, const char *name)
{
    memset(bar, 0, sizeof *bar);
    bar->terminal = isatty(STDERR_FILENO) == 1;
    bar->name = name;
}

/* Bytes come in steps (a piece is acknowledged, a buffer is full), so that only the mean of some
   seconds is a rate. */
static void measure(struct progress_bar *bar, uint64_t done)
{
    uint64_t now = since_now_ms();
    if (bar->mark_count > 0 && done < bar->marks[bar->mark_count - 1].done) {
        bar->mark_count = 0; /* the server took the position back */
    }
    if (bar->mark_count == PROGRESS_MARKS &&
        now - bar->marks[PROGRESS_MARKS - 1].ms >= MARK_EVERY_MS) {
        memmove(bar->marks, bar->marks + 1, sizeof bar->marks - sizeof bar->marks[0]);
        bar->mark_count--;
    }
    if (bar->mark_count == 0 || (bar->mark_count < PROGRESS_MARKS &&
                                 now - bar->marks[bar->mark_count - 1].ms >= MARK_EVERY_MS)) {
        bar->marks[bar->mark_count].ms = now;
        bar->marks[bar->mark_count].done = done;
        bar->mark_count++;
    }
    uint64_t passed = now - bar->marks[0].ms;
    bar->rate =
        passed < RATE_BELIEVED_MS ? 0 : (double)(done - bar->marks[0].done) * 1000 / (double)passed;
}

/* Adds to the text what the format says; what has no room is left out. */
OUT_PRINTF(2, 3)
static void add(char text[LINE_BYTES], const char *format, ...)
{
    size_t length = strlen(text);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + length, LINE_BYTES - length, format, args);
    va_end(args);
}

/* " 52%, 12.5 MiB of 24.0 MiB, 6.0 MiB/s, 0:02 left, uploading"; without the sizes if they are not
   wanted. */
static void describe(const struct progress_bar *bar, uint64_t done, uint64_t total, bool sizes,
                     char text[LINE_BYTES])
{
    char a[32], b[32];
    bool known = total != BCJ2_SIZE_UNKNOWN;
    text[0] = '\0';
    if (counts_bytes(bar)) {
        out_size(done, a);
        out_size(total, b);
        if (known) {
            add(text, "%3u%%, ", percent(done, total));
        }
        if (sizes || !known) {
            add(text, known ? "%s of %s, " : "%s, %s", a, known ? b : "");
        }
        if (bar->rate > 0 && bar->phase != PROGRESS_DONE) {
            out_size((uint64_t)bar->rate, a);
            add(text, "%s/s, ", a);
            if (known && total > done && bar->rate >= 1) {
                out_duration((uint64_t)((double)(total - done) / bar->rate + 0.5), b);
                add(text, "%s left, ", b);
            }
        }
    }
    add(text, "%s", phase_text(bar));
}

/* "[#####.....] " in so many columns, with the brackets and the space. */
static void draw_boxes(char boxes[BAR_MOST + 4], int columns_left, uint64_t done, uint64_t total)
{
    int size = columns_left - 3 < BAR_MOST ? columns_left - 3 : BAR_MOST;
    int full = (int)((unsigned)size * percent(done, total) / 100);
    boxes[0] = '[';
    memset(boxes + 1, '#', (size_t)full);
    memset(boxes + 1 + full, '.', (size_t)(size - full));
    memcpy(boxes + 1 + size, "] ", 3);
}

static void draw(struct progress_bar *bar, bool changed, uint64_t done, uint64_t total)
{
    char line[LINE_BYTES * 2], name[256], text[LINE_BYTES], boxes[BAR_MOST + 4] = "";
    (void)snprintf(name, sizeof name, "%s", bar->name);
    text_cut(name, NAME_MOST);
    bool boxed = counts_bytes(bar) && total != BCJ2_SIZE_UNKNOWN;
    int room = columns() - 1 - text_width(name) - 2;
    describe(bar, done, total, true, text);
    if (boxed && room - text_width(text) < BAR_LEAST) {
        describe(bar, done, total, false, text);
    }
    if (boxed && room - text_width(text) >= BAR_LEAST) {
        draw_boxes(boxes, room - text_width(text), done, total);
    }
    if (changed && bar->phase == PROGRESS_RETRY && room < text_width(text)) {
        /* once in full, above the line that stays: why it waits is what one wants to know */
        (void)fputs("\r\033[K", stderr);
        out_say("%s: %s", bar->name, text);
    }
    (void)snprintf(line, sizeof line, "%s  %s%s", name, boxes, text);
    out_clean(line);
    text_cut(line, columns() - 1);
    (void)fprintf(stderr, "\r%s\033[K", line);
    (void)fflush(stderr);
    bar->drawn = true;
}

static void plain(struct progress_bar *bar, bool changed, uint64_t done, uint64_t total)
{
    uint64_t tenth = counts_bytes(bar) && total != BCJ2_SIZE_UNKNOWN && total > 0
                         ? percent(done, total) / 10u
                         : 0;
    if (changed || tenth > bar->tenth) {
        char text[LINE_BYTES];
        describe(bar, done, total, true, text);
        out_say("%s: %s", bar->name, text);
    }
    bar->tenth = tenth;
}

void progress_bar_show(struct progress_bar *bar, enum progress_phase phase, uint64_t done,
                       uint64_t total, const char *note)
{
    bool phase_changed = phase != bar->phase, note_changed = false;
    if (note != NULL) {
        note_changed = strcmp(note, bar->note) != 0;
        (void)snprintf(bar->note, sizeof bar->note, "%s", note);
    }
    if (phase_changed) {
        bar->phase = phase;
        bar->mark_count = 0;
    }
    measure(bar, done);
    if (bar->terminal) {
        draw(bar, phase_changed, done, total);
    } else {
        plain(bar, phase_changed || note_changed, done, total);
    }
}

void progress_bar_end(struct progress_bar *bar)
{
    if (bar->drawn) {
        (void)fputc('\n', stderr);
        bar->drawn = false;
    }
}
