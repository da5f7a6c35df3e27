/* SPDX-License-Identifier: MIT */
/* Reading the command line. Options may stand anywhere; "--" ends them. Not here: what the commands
   are (cli_main.c) and what they do with the arguments. */
#ifndef BCJ2_CLI_OPTIONS_H
#define BCJ2_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct cli;

/* Which options a command takes; those without a bit here go with every command. */
#define TAKES_OUTPUT       1u
#define TAKES_DETACH       2u
#define TAKES_PROPERTIES   4u /* those of property.h */
#define TAKES_UNTIL_IDLE   8u
#define TAKES_LIST         16u
#define TAKES_RANGE        32u
#define TAKES_SHOW         64u /* --verbose, --headers */
#define TAKES_FOLLOW       128u

#define OPTIONS_MOST_GIVEN 64

struct command {
    const char *name, *arguments, *summary, *help;
    int least, most; /* arguments; most < 0: any number */
    unsigned takes;
    int (*run)(struct cli *cli);
};

struct property;

/* A property of the job as it was typed. */
struct given {
    const struct property *property;
    const char *text;
};

struct options {
    const struct command *command; /* NULL: none was given */
    bool json, help, version, detach, until_idle, verbose, headers, follow;
    const char *queue, *output, *list, *range; /* NULL: not given */
    struct given given[OPTIONS_MOST_GIVEN];
    size_t given_count;
    char **arguments; /* of the command; count of them */
    int count;
    char problem[512]; /* what is wrong, if options_parse() says false */
};

/* Reads argv (and reorders it: arguments points into it). commands ends with a NULL name. */
bool options_parse(struct options *options, int argc, char **argv, const struct command *commands);
/* NULL: there is no such command. */
const struct command *options_command(const struct command *commands, const char *name);

#endif
