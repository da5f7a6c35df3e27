/* SPDX-License-Identifier: MIT */
/* Reading the command line. Options may stand anywhere; "--" ends them. Not here: what the commands
   are (cli_main.c) and what they do with the arguments. */
#ifndef BCJ2_CLI_OPTIONS_H
#define BCJ2_CLI_OPTIONS_H

#include <stdbool.h>
#include <bcj2/types.h>

struct cli;

/* Which options a command takes; those without a bit here go with every command. */
#define TAKES_OUTPUT     1u
#define TAKES_DETACH     2u
#define TAKES_PRIORITY   4u
#define TAKES_UNTIL_IDLE 8u

struct command {
    const char *name, *arguments, *summary, *help;
    int least, most; /* arguments; most < 0: any number */
    unsigned takes;
    int (*run)(struct cli *cli);
};

struct options {
    const struct command *command; /* NULL: none was given */
    bool json, help, version, detach, until_idle;
    const char *queue, *output; /* NULL: not given */
    bool priority_given;
    bcj2_job_priority priority;
    char **arguments; /* of the command; count of them */
    int count;
    char problem[512]; /* what is wrong, if options_parse() says false */
};

/* Reads argv (and reorders it: arguments points into it). commands ends with a NULL name. */
bool options_parse(struct options *options, int argc, char **argv, const struct command *commands);
/* NULL: there is no such command. */
const struct command *options_command(const struct command *commands, const char *name);
/* "foreground", "high", "normal" or "low". */
const char *options_priority_name(bcj2_job_priority priority);

#endif
