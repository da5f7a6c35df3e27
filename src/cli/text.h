/* SPDX-License-Identifier: MIT */
/* UTF-8 text in the columns of a terminal. Not here: control characters (out_clean()). */
#ifndef BCJ2_CLI_TEXT_H
#define BCJ2_CLI_TEXT_H

#include <stddef.h>

/* How many columns text takes: two for a wide character, none for one that joins the one before. Bytes
   that are not UTF-8 count as one each. */
int text_width(const char *text);
/* Cuts text to so many columns, never inside a character. */
void text_cut(char *text, int columns);
/* Adds text to the string in to, cut to so many columns and filled up with spaces to them; what has no
   room in size bytes is left out. */
void text_add(char *to, size_t size, const char *text, int columns);
/* Replaces, in place, each byte that is not part of UTF-8 by a question mark. Returns text. */
char *text_make_utf8(char *text);

#endif
