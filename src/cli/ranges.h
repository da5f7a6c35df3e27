/* SPDX-License-Identifier: MIT */
/* --range: "A-B,C-" as in HTTP, ends included. */
#ifndef BCJ2_CLI_RANGES_H
#define BCJ2_CLI_RANGES_H

#include "cli.h"

/* Reads them into an array to be freed. Otherwise it is said what is wrong, and an exit status comes back
   that is not EXIT_DONE. Whether they overlap the library says. */
int ranges_read(struct cli *cli, const char *text, bcj2_file_range **ret_ranges,
                uint32_t *ret_count);
/* "0-99,500-" as it can be read again; cut if there is no room. */
void ranges_format(const bcj2_file_range *ranges, uint32_t count, char *text, size_t size);

#endif
