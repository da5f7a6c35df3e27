/* SPDX-License-Identifier: MIT */
/* Custom headers as the library takes them: lines "Name: value", each with CR LF behind it. Not here: which
   names and characters it takes (it says so itself). Nothing here puts a value into a message. */
#ifndef BCJ2_CLI_HEADER_LINES_H
#define BCJ2_CLI_HEADER_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum header_lines_result {
    HEADER_LINES_OK,
    HEADER_LINES_NO_HEADER, /* no "Name:", or a control character in it */
    HEADER_LINES_NO_MEMORY,
};

/* Puts "Name: value" in the place of the lines of that name, or behind the others; "Name:" takes them
   out. *text is malloc'ed, NULL if there is no line; the one before is wiped and freed. */
enum header_lines_result header_lines_put(char **text, const char *line, size_t length);
/* The same for each line of many; empty ones are nothing. *ret_number: of the line that was wrong. */
enum header_lines_result header_lines_put_all(char **text, const char *lines, size_t *ret_number);
/* How many lines there are. */
size_t header_lines_count(const char *text);

#endif
