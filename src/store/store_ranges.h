/* SPDX-License-Identifier: MIT */
/* The ranges of a file as the text of their column: a JSON list of [offset, length], 64-bit numbers
   as decimal strings. */
#ifndef BCJ2_STORE_RANGES_H
#define BCJ2_STORE_RANGES_H

#include "store_db.h"

/* mem_free. Without ranges NULL. BCJ2_E_OUTOFMEMORY. */
bcj2_status bcj2__store_ranges_format(const struct store_file *file, char **ret);
/* Fills ranges and range_count; text NULL: none. BCJ2_E_DATABASE_CORRUPT; BCJ2_E_OUTOFMEMORY. */
bcj2_status bcj2__store_ranges_parse(const struct store *s, const char *text,
                                     struct store_file *file);

#endif
