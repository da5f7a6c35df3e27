/* SPDX-License-Identifier: MIT */
/* What the commands that make a job have in common: the job with its properties, and unless it is left in
   the queue moving it, showing how far it is, and completing it. */
#ifndef BCJ2_CLI_TRANSFER_H
#define BCJ2_CLI_TRANSFER_H

#include "cli.h"
#include "property.h"

struct transfer {
    bcj2_job_type type;
    const char *name;              /* of the job, if the options give none */
    struct property_values values; /* read by transfer_prepare() */
    /* Puts the files into the new job; says what is wrong. */
    int (*fill)(struct cli *cli, struct transfer *t);
    void *user; /* of fill */
    bcj2_job *job;
    char id[BCJ2_GUID_TEXT_SIZE];
};

/* Reads the options that are properties of the job. */
int transfer_prepare(struct cli *cli, struct transfer *t);
/* All the rest; the queue is opened here. */
int transfer_run(struct cli *cli, struct transfer *t);
/* In any case. */
void transfer_end(struct transfer *t);

#endif
