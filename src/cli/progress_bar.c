/* SPDX-License-Identifier: MIT */
/* See progress_bar.h. */
#include "progress_bar.h"
#include "out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES       1024
#define COLUMNS_UNKNOWN  80
#define BAR_LEAST        8
#define BAR_MOST         40
#define NAME_MOST        24
#define RATE_EVERY_MS    200.0
#define RATE_SMOOTH_MS   3000.0 /* older than this counts little */
#define RATE_BELIEVED_MS 600    /* a shorter measurement is not shown */

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return COLUMNS_UNKNOWN;
}

/* How many columns UTF-8 text takes, near enough: one for each character. */
static int width(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

/* Cuts text after so many characters. */
static void cut(char *text, int most)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text & 0xC0) != 0x80 && most-- <= 0) {
            *text = '\0';
            return;
        }
    }
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
           bar->phase == PROGRESS_DONE;
}

static unsigned percent(uint64_t done, uint64_t total)
{
    return total == 0 ? 100 : (unsigned)((double)done * 100 / (double)total);
}

void progress_bar_start(struct progress_bar *bar, const char *name)
{
    memset(bar, 0, sizeof *bar);
    bar->terminal = isatty(STDERR_FILENO) == 1;
    bar->name = name;
}

static void measure(struct progress_bar *bar, uint64_t done)
{
    uint64_t now = now_ms();
    double passed = (double)(now - bar->last_ms);
    if (passed < RATE_EVERY_MS) {
        return;
    }
    /* a resynchronisation with the server can take the position back */
    double moved = done > bar->last_done ? (double)(done - bar->last_done) : 0;
    double rate = moved * 1000 / passed;
    double weight = passed / (passed + RATE_SMOOTH_MS);
    bar->rate = bar->rate < 0 ? rate : bar->rate + weight * (rate - bar->rate);
    bar->last_done = done;
    bar->last_ms = now;
}

/* " 52%, 12.5 MiB of 24.0 MiB, 6.0 MiB/s, 0:02 left, uploading" */
static void numbers(const struct progress_bar *bar, uint64_t done, uint64_t total, char *text)
{
    char a[32], b[32];
    size_t length = 0;
    text[0] = '\0';
    if (counts_bytes(bar)) {
        out_size(done, a);
        if (total == BCJ2_SIZE_UNKNOWN) {
            length = (size_t)snprintf(text, LINE_BYTES, "%s, ", a);
        } else {
            out_size(total, b);
            length =
                (size_t)snprintf(text, LINE_BYTES, "%3u%%, %s of %s, ", percent(done, total), a, b);
        }
        if (bar->rate > 0 && now_ms() - bar->phase_ms >= RATE_BELIEVED_MS) {
            out_size((uint64_t)bar->rate, a);
            length += (size_t)snprintf(text + length, LINE_BYTES - length, "%s/s, ", a);
            if (total != BCJ2_SIZE_UNKNOWN && total > done && bar->rate >= 1) {
                out_duration((uint64_t)((double)(total - done) / bar->rate + 0.5), b);
                length += (size_t)snprintf(text + length, LINE_BYTES - length, "%s left, ", b);
            }
        }
    }
    (void)snprintf(text + length, LINE_BYTES - length, "%s", phase_text(bar));
}

static void draw(struct progress_bar *bar, bool changed, uint64_t done, uint64_t total)
{
    char line[LINE_BYTES * 2], name[256], text[LINE_BYTES], boxes[BAR_MOST + 4] = "";
    (void)snprintf(name, sizeof name, "%s", bar->name);
    cut(name, NAME_MOST);
    numbers(bar, done, total, text);
    int room = columns() - 1;
    int left = room - width(name) - width(text) - 6;
    if (changed && left < 0 && bar->phase == PROGRESS_RETRY) {
        /* once in full, above the line that stays: why it waits is what one wants to know */
        (void)fputs("\r\033[K", stderr);
        out_say("%s: %s", bar->name, text);
    }
    if (counts_bytes(bar) && total != BCJ2_SIZE_UNKNOWN && left >= BAR_LEAST) {
        int size = left < BAR_MOST ? left : BAR_MOST;
        int full = (int)((unsigned)size * percent(done, total) / 100);
        boxes[0] = '[';
        memset(boxes + 1, '#', (size_t)full);
        memset(boxes + 1 + full, '.', (size_t)(size - full));
        memcpy(boxes + 1 + size, "] ", 3);
    }
    (void)snprintf(line, sizeof line, "%s  %s%s", name, boxes, text);
    out_clean(line);
    cut(line, room);
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
        numbers(bar, done, total, text);
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
        bar->rate = -1;
        bar->last_ms = bar->phase_ms = now_ms();
        bar->last_done = done;
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
