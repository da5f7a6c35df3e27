/* SPDX-License-Identifier: MIT */
/* A Windows command line as separate arguments, and back. The parameters of a notify command line are
   such a line; where there is no CreateProcess somebody must split it, and it is split as the program
   itself would have done on Windows: by the rules of Microsoft's C run-time since 2008, as documented
   under "Parsing C command-line arguments" (job-semantics R58):

   - Blanks are the space and the tab, nothing else: the end of a line is an ordinary character. Blanks
     outside quoted parts end an argument. A quoted part may begin and end anywhere in one. A quote that
     is not closed is closed by the end of the text.
   - The first argument is the program's name. It may have quoted parts, whose quotes are dropped; a
     backslash means nothing special in it. So no line gives a name with a quote in it. It begins where
     the line begins: with blanks there the name is empty (documented for CommandLineToArgvW, and what
     follows from the run-time's rule).
   - In the others 2n backslashes and a quote are n backslashes, and the quote begins or ends a quoted
     part; 2n+1 backslashes and a quote are n backslashes and a quote that is a character. Other
     backslashes are themselves. In a quoted part two quotes are a quote that is a character, and the
     part goes on.

   CommandLineToArgvW reads two things in another way: a name that begins with a quote ends at the next
   one, any other at the first blank with the quotes kept; and after two quotes in a quoted part the
   part is over. What bcj2__argv_quote writes means the same to both.

   Not here: the search path, variables and wildcards (nothing of them is expanded), starting the
   program. */
#ifndef BCJ2_PROTO_ARGV_H
#define BCJ2_PROTO_ARGV_H

#include <bcj2/status.h>
#include <stdbool.h>
#include <stddef.h>
#include "buf.h"
#include "limit.h"

/* What is enough for the parameters of any job. */
#define ARGV_BYTES    (LIMIT_NOTIFY_PARAMETERS_BYTES + 1)
#define ARGV_POINTERS (LIMIT_NOTIFY_ARGUMENTS + 1)

/* Splits text. The arguments are written to out, one behind the other, each with its NUL; argv gets
   pointers to them, in their order, and a NULL behind the last. False: out_size bytes or argv_max
   pointers (the NULL is one of them) are too few; then neither array means anything.

   strlen(text) + 1 bytes and strlen(text) / 2 + 2 pointers are always enough. An argument is never
   longer than what it was written as; the NUL of each but the last has the place of the blank behind
   it, and that of the last the place of the text's. Each argument but the first needs a blank and a
   character of its own.

   An empty text has no arguments (*ret_argc is 0), as if no parameters were given: Windows puts the
   program's path there. Whoever starts the program does so too, for argv[0] must not be missing.

   text and out must not overlap. */
bool bcj2__argv_split(const char *text, char *out, size_t out_size, const char **argv,
                      size_t argv_max, size_t *ret_argc);

/* Appends an argument to a command line, after a blank, so that splitting the line gives it back; the
   first of an empty line is the program's name.

   BCJ2_OK; BCJ2_E_INVALIDARG (a program's name with a quote in it: no line can give that; the line is
   as it was); BCJ2_E_STRING_TOO_LONG (over the buffer's maximum); BCJ2_E_OUTOFMEMORY. After the last
   two the line is not whole; the buffer says so too (bcj2__buf_ok). */
bcj2_status bcj2__argv_quote(struct buf *line, const char *argument);

#endif
