/* SPDX-License-Identifier: MIT */
/* Complete, and where the reply goes then. */
#ifndef BCJ2_CLI_REPLY_H
#define BCJ2_CLI_REPLY_H

#include "cli.h"

/* Completes a TRANSFERRED job. A reply that nobody named (paths_unnamed_reply) goes to stdout and
   its file is removed; with --json it stays, stdout belongs to the document then. */
int reply_complete(struct cli *cli, bcj2_job *job);

#endif
