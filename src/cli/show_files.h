/* SPDX-License-Identifier: MIT */
/* The files of a job for bcj2 show. */
#ifndef BCJ2_CLI_SHOW_FILES_H
#define BCJ2_CLI_SHOW_FILES_H

#include "cli.h"

/* All of them; with --verbose the heads of the server's last answers, too. */
void show_files(struct cli *cli, bcj2_job *job);
/* "1.0 MiB of 24.0 MiB (1048576 of 25165824 bytes)" */
void show_files_bytes(const char *name, uint64_t done, uint64_t total);
/* Each line of a text with that name before it. */
void show_files_lines(const char *name, const char *text);

#endif
