/* SPDX-License-Identifier: MIT */
/* See options.h. */
#include "options.h"

#include <stdio.h>
#include <string.h>

enum option_id {
    OPTION_QUEUE,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_OUTPUT,
    OPTION_DETACH,
    OPTION_PRIORITY,
    OPTION_UNTIL_IDLE,
};

static const struct option {
    enum option_id id;
    const char *name;
    char letter; /* 0: none */
    bool has_value;
    unsigned takes; /* the bit a command must have; 0: every command */
} known[] = {
    {OPTION_QUEUE, "queue", 0, true, 0},
    {OPTION_JSON, "json", 0, false, 0},
    {OPTION_HELP, "help", 'h', false, 0},
    {OPTION_VERSION, "version", 0, false, 0},
    {OPTION_OUTPUT, "output", 'o', true, TAKES_OUTPUT},
    {OPTION_DETACH, "detach", 0, false, TAKES_DETACH},
    {OPTION_PRIORITY, "priority", 0, true, TAKES_PRIORITY},
    {OPTION_UNTIL_IDLE, "until-idle", 0, false, TAKES_UNTIL_IDLE},
};
#define KNOWN (sizeof known / sizeof known[0])

static const char *const priorities[] = {"foreground", "high", "normal", "low"};

const char *options_priority_name(bcj2_job_priority priority)
{
    return priority >= 0 && priority <= BCJ2_JOB_PRIORITY_LOW ? priorities[priority] : "?";
}

const struct command *options_command(const struct command *commands, const char *name)
{
    for (; commands->name != NULL; commands++) {
        if (strcmp(commands->name, name) == 0) {
            return commands;
        }
    }
    return NULL;
}

#define PROBLEM(options, ...) \
    ((void)snprintf((options)->problem, sizeof(options)->problem, __VA_ARGS__), false)

static bool set_priority(struct options *options, const char *value)
{
    for (size_t i = 0; i < sizeof priorities / sizeof priorities[0]; i++) {
        if (strcmp(priorities[i], value) == 0) {
            options->priority = (bcj2_job_priority)i;
            options->priority_given = true;
            return true;
        }
    }
    return PROBLEM(options, "--priority must be foreground, high, normal or low, not \"%.60s\"",
                   value);
}

static bool apply(struct options *options, const struct option *option, const char *value)
{
    if (option->has_value && value[0] == '\0') {
        return PROBLEM(options, "--%s needs a value", option->name);
    }
    switch (option->id) {
    case OPTION_QUEUE:
        options->queue = value;
        return true;
    case OPTION_JSON:
        options->json = true;
        return true;
    case OPTION_HELP:
        options->help = true;
        return true;
    case OPTION_VERSION:
        options->version = true;
        return true;
    case OPTION_OUTPUT:
        options->output = value;
        return true;
    case OPTION_DETACH:
        options->detach = true;
        return true;
    case OPTION_PRIORITY:
        return set_priority(options, value);
    case OPTION_UNTIL_IDLE:
        options->until_idle = true;
        return true;
    }
    return false;
}

/* The option that text names; *ret_value is what follows in the same word (NULL: nothing). */
static const struct option *find(const char *text, const char **ret_value)
{
    *ret_value = NULL;
    for (size_t i = 0; i < KNOWN; i++) {
        size_t length = strlen(known[i].name);
        if (text[1] != '-') {
            if (known[i].letter == text[1]) {
                *ret_value = text[2] == '\0' ? NULL : text + 2;
                return &known[i];
            }
        } else if (strncmp(text + 2, known[i].name, length) == 0 &&
                   (text[2 + length] == '\0' || text[2 + length] == '=')) {
            *ret_value = text[2 + length] == '=' ? text + 2 + length + 1 : NULL;
            return &known[i];
        }
    }
    return NULL;
}

/* Reads the option at argv[*index], and its value, which may be the next word. */
static bool read_option(struct options *options, int argc, char **argv, int *index, unsigned *taken)
{
    const char *value;
    const struct option *option = find(argv[*index], &value);
    if (option == NULL) {
        return PROBLEM(options, "there is no option %.60s", argv[*index]);
    }
    if (!option->has_value && value != NULL) {
        return PROBLEM(options, "--%s takes no value", option->name);
    }
    if (option->has_value && value == NULL) {
        if (*index + 1 >= argc) {
            return PROBLEM(options, "--%s needs a value", option->name);
        }
        value = argv[++*index];
    }
    *taken |= option->takes;
    return apply(options, option, value == NULL ? "" : value);
}

static bool check_command(struct options *options, unsigned taken)
{
    const struct command *command = options->command;
    if (options->help || options->version) {
        return true;
    }
    if (command == NULL) {
        return PROBLEM(options, "there is no command");
    }
    for (size_t i = 0; i < KNOWN; i++) {
        if ((known[i].takes & taken & ~command->takes) != 0) {
            return PROBLEM(options, "--%s does not go with %s", known[i].name, command->name);
        }
    }
    if (options->count < command->least) {
        return PROBLEM(options, "%s needs %s", command->name, command->arguments);
    }
    if (command->most >= 0 && options->count > command->most) {
        return PROBLEM(options, "%s takes no argument \"%.60s\"", command->name,
                       options->arguments[command->most]);
    }
    return true;
}

bool options_parse(struct options *options, int argc, char **argv, const struct command *commands)
{
    memset(options, 0, sizeof *options);
    options->arguments = argv + 1; /* words move down there: never past the one being read */
    bool ended = false;
    unsigned taken = 0;
    for (int i = 1; i < argc; i++) {
        if (!ended && strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (!ended && argv[i][0] == '-' && argv[i][1] != '\0') {
            if (!read_option(options, argc, argv, &i, &taken)) {
                return false;
            }
        } else if (options->command == NULL) {
            options->command = options_command(commands, argv[i]);
            if (options->command == NULL) {
                return PROBLEM(options, "there is no command \"%.60s\"", argv[i]);
            }
        } else {
            options->arguments[options->count++] = argv[i];
        }
    }
    return check_command(options, taken);
}
