/* SPDX-License-Identifier: MIT */
/* Why a job is not done, and which command helps. */
#ifndef BCJ2_CLI_EXPLAIN_H
#define BCJ2_CLI_EXPLAIN_H

#include "cli.h"

/* "QUEUED" and so on. */
const char *explain_state(bcj2_job_state state);
const char *explain_type(bcj2_job_type type);
/* The job's error in one sentence, with its name and HTTP status, "" if it has none. */
void explain_error(bcj2_job *job, char text[3072]);
/* Says that the job ended in ERROR, why, and what can be done. Returns EXIT_FAILED. */
int explain_failure(struct cli *cli, bcj2_job *job);
/* Says that nobody moves the jobs of the open queue, if so. */
void explain_no_runner(struct cli *cli);
/* Says that the wait was interrupted and how to go on. */
void explain_interrupt(struct cli *cli, const char *id, bcj2_job_type type);
/* "bcj2", with --queue if it was given, fit to be typed. */
void explain_program(const struct cli *cli, char text[4608]);

#endif
