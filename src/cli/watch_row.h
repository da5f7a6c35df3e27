/* SPDX-License-Identifier: MIT */
/* What bcj2 watch says about a job: its values, and the line made of them. */
#ifndef BCJ2_CLI_WATCH_ROW_H
#define BCJ2_CLI_WATCH_ROW_H

#include "roster.h"

#define WATCH_LINE_BYTES 8192

struct watch_row {
    char id[9]; /* the beginning that most queues need no more of */
    bcj2_job_state state;
    bcj2_job_type type;
    bool counted; /* done and total say something; total may be BCJ2_SIZE_UNKNOWN */
    uint64_t done, total;
    double rate; /* bytes a second; 0: not known, or nothing moves */
    uint32_t errors;
    char name[1600], why[3200]; /* clean */
};

/* The job as it is now; measures its rate. */
void watch_row_fill(struct watch_row *row, struct roster_job *job);
/* The same for two rows that a person would not tell apart: the time of the next attempt and the rate
   are not in it, of the progress only the whole per cent. */
uint64_t watch_row_digest(const struct watch_row *row);
/* columns 0: as long as it gets, without a bar. */
void watch_row_format(const struct watch_row *row, int columns, char line[WATCH_LINE_BYTES]);
void watch_row_head(int columns, char line[WATCH_LINE_BYTES]);
/* 64 bits that differ for different texts (FNV-1a); begin with 0. */
uint64_t watch_digest(uint64_t digest, const void *data, size_t length);

#endif
