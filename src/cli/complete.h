/* SPDX-License-Identifier: MIT */
/* Complete, and where what came goes then. */
#ifndef BCJ2_CLI_COMPLETE_H
#define BCJ2_CLI_COMPLETE_H

#include "cli.h"

/* Completes a TRANSFERRED job, or a download in any state. A reply that nobody named
   (paths_unnamed_reply) goes to stdout and its file is removed; with --json it stays, stdout belongs to
   the document then. EXIT_PARTIAL: a download of which not all files were there. */
int complete_job(struct cli *cli, bcj2_job *job);

#endif
