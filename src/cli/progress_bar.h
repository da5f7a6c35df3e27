/* SPDX-License-Identifier: MIT */
/* How far a job is, on stderr: one line that is redrawn on a terminal; elsewhere a line for each
   change of phase and every tenth of the way. Not here: where the numbers come from. */
#ifndef BCJ2_CLI_PROGRESS_BAR_H
#define BCJ2_CLI_PROGRESS_BAR_H

#include <stdbool.h>
#include <stdint.h>

enum progress_phase {
    PROGRESS_NONE,
    PROGRESS_WAIT,     /* nothing moves yet; note says why */
    PROGRESS_RETRY,    /* something failed and will be tried again; note says what and when */
    PROGRESS_UPLOAD,   /* done of total bytes */
    PROGRESS_SERVER,   /* the server application works */
    PROGRESS_REPLY,    /* done of total bytes */
    PROGRESS_DOWNLOAD, /* done of total bytes; note says of what */
    PROGRESS_DONE,     /* all of it */
};

#define PROGRESS_MARKS 12

struct progress_bar {
    bool terminal;
    const char *name; /* borrowed */
    enum progress_phase phase;
    char note[512];
    uint64_t tenth; /* the last one that a plain line told */
    struct {
        uint64_t ms, done;
    } marks[PROGRESS_MARKS]; /* where it was in the last seconds, oldest first */
    unsigned mark_count;
    double rate; /* bytes a second over that time; 0: not known yet */
    bool drawn;  /* a line stands on the terminal */
};

void progress_bar_start(struct progress_bar *bar, const char *name);
/* total: BCJ2_SIZE_UNKNOWN while unknown; note may be NULL. */
void progress_bar_show(struct progress_bar *bar, enum progress_phase phase, uint64_t done,
                       uint64_t total, const char *note);
/* Ends the line on the terminal, so that something else can be said. */
void progress_bar_end(struct progress_bar *bar);

#endif
