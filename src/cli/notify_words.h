/* SPDX-License-Identifier: MIT */
/* Notifications in words: what a person types about them, and what "bcj2 show" says. Not here: the events
   of a queue (cmd_events.c), waiting for a program (transfer.c). */
#ifndef BCJ2_CLI_NOTIFY_WORDS_H
#define BCJ2_CLI_NOTIFY_WORDS_H

#include "cli.h"

/* "transferred,error", "none", or the number that the library has for them. Otherwise it is said what is
   wrong, and EXIT_BAD comes back. */
int notify_words_flags(struct cli *cli, const char *text, uint32_t *ret_flags);
/* The program of a command line: its first word, made absolute by the working directory, since the program
   is started in another one. It must be there and executable: a job whose program cannot be started says so
   only in a log. *ret_program: malloc'ed. Otherwise as above. */
int notify_words_command(struct cli *cli, const char *text, char **ret_program);
/* The lines of "bcj2 show"; notify: that object of the job's snapshot, NULL is fine. */
void notify_words_show(const cJSON *notify);

#endif
