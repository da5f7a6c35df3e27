/* SPDX-License-Identifier: MIT */
/* What stands in a file that an argument names, or comes from standard input: whole, and wiped after use,
   since it may be a secret. Not here: what it means. */
#ifndef BCJ2_CLI_INPUT_H
#define BCJ2_CLI_INPUT_H

#include "cli.h"

struct input {
    char *text; /* NUL-terminated, without a NUL inside; NULL: nothing was read */
    size_t length;
};

/* Reads all of path, "-": standard input (once in a run), at most so many bytes. Otherwise it is said what
   is wrong with it, and EXIT_BAD comes back. */
int input_read(struct cli *cli, const char *path, size_t most_bytes, struct input *ret);
/* Wipes and frees. */
void input_free(struct input *input);

/* The same for strings of malloc; NULL is fine. */
void input_wipe(char *text);
/* Wipes a string and leaves it to its owner; NULL is fine. */
void input_clear(char *text);
/* Takes the end of a line off: LF or CR LF, once. */
void input_chomp(struct input *input);

#endif
