/* SPDX-License-Identifier: MIT */
/* Jobs by what a person types: a beginning of the id that only one job has. */
#ifndef BCJ2_CLI_FIND_H
#define BCJ2_CLI_FIND_H

#include "cli.h"

/* The id as it is shown: without braces. */
void find_format(const bcj2_guid *id, char text[BCJ2_GUID_TEXT_SIZE]);
/* The same for a job; "?" if it cannot be had any more. */
void find_format_job(bcj2_job *job, char text[BCJ2_GUID_TEXT_SIZE]);
/* The job that the prefix means; the caller unrefs it. Otherwise it is said what is wrong, and an
   exit status comes back that is not EXIT_DONE. */
int find_job(struct cli *cli, const char *prefix, bcj2_job **ret_job);
/* All that the command's arguments mean, or none: *ret_jobs holds options.count jobs, to be given
   to find_free(). A job that is named twice is refused. */
int find_arguments(struct cli *cli, bcj2_job ***ret_jobs);
void find_free(bcj2_job **jobs, int count);

#endif
