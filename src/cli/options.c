/* SPDX-License-Identifier: MIT */
/* See options.h. */
#include "options.h"
#include "property.h"

#include <stdio.h>
#include <string.h>

enum option_id {
    OPTION_QUEUE,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_OUTPUT,
    OPTION_DETACH,
    OPTION_UNTIL_IDLE,
    OPTION_LIST,
    OPTION_RANGE,
    OPTION_VERBOSE,
    OPTION_HEADERS,
    OPTION_FOLLOW,
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
    {OPTION_UNTIL_IDLE, "until-idle", 0, false, TAKES_UNTIL_IDLE},
    {OPTION_LIST, "list", 0, true, TAKES_LIST},
    {OPTION_RANGE, "range", 0, true, TAKES_RANGE},
    {OPTION_VERBOSE, "verbose", 'v', false, TAKES_SHOW},
    {OPTION_HEADERS, "headers", 0, false, TAKES_SHOW},
    {OPTION_FOLLOW, "follow", 0, false, TAKES_FOLLOW},
};
#define KNOWN (sizeof known / sizeof known[0])

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

static bool apply(struct options *options, const struct option *option, const char *value)
{
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
    case OPTION_UNTIL_IDLE:
        options->until_idle = true;
        return true;
    case OPTION_LIST:
        options->list = value;
        return true;
    case OPTION_RANGE:
        options->range = value;
        return true;
    case OPTION_VERBOSE:
        options->verbose = true;
        return true;
    case OPTION_HEADERS:
        options->headers = true;
        return true;
    case OPTION_FOLLOW:
        options->follow = true;
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

/* The value of an option, which may be the next word; NULL: there is none. */
static const char *value_of(const char *joined, int argc, char **argv, int *index)
{
    if (joined == NULL && *index + 1 < argc) {
        joined = argv[++*index];
    }
    return joined == NULL || joined[0] == '\0' ? NULL : joined;
}

/* The property of the job that text names as an option; *ret_value as for find(). */
static const struct property *find_property(const char *text, const char **ret_value)
{
    if (text[1] != '-') {
        return NULL;
    }
    size_t length = strcspn(text + 2, "=");
    *ret_value = text[2 + length] == '=' ? text + 2 + length + 1 : NULL;
    return property_of_option(text + 2, length);
}

static bool read_property(struct options *options, const struct property *property,
                          const char *value)
{
    const char *name = property_option(property);
    if (value == NULL) {
        return PROBLEM(options, "--%s needs a value", name);
    }
    if (options->given_count == OPTIONS_MOST_GIVEN) {
        return PROBLEM(options, "there are too many options");
    }
    for (size_t i = 0; i < options->given_count; i++) {
        if (options->given[i].property == property && property_id(property) != PROPERTY_HEADER) {
            return PROBLEM(options, "--%s can be given once", name);
        }
    }
    options->given[options->given_count++] = (struct given){property, value};
    return true;
}

/* Reads the option at argv[*index], and its value. */
static bool read_option(struct options *options, int argc, char **argv, int *index,
                        bool given[KNOWN])
{
    const char *value;
    const struct property *property = find_property(argv[*index], &value);
    if (property != NULL) {
        return read_property(options, property, value_of(value, argc, argv, index));
    }
    const struct option *option = find(argv[*index], &value);
    if (option == NULL) {
        return PROBLEM(options, "there is no option %.60s", argv[*index]);
    }
    if (!option->has_value && value != NULL) {
        return PROBLEM(options, "--%s takes no value", option->name);
    }
    if (option->has_value) {
        value = value_of(value, argc, argv, index);
        if (value == NULL) {
            return PROBLEM(options, "--%s needs a value", option->name);
        }
    }
    given[option - known] = true;
    return apply(options, option, value);
}

static bool check_command(struct options *options, const bool given[KNOWN])
{
    const struct command *command = options->command;
    if (options->help || options->version) {
        return true;
    }
    if (command == NULL) {
        return PROBLEM(options, "there is no command");
    }
    for (size_t i = 0; i < KNOWN; i++) {
        if (given[i] && (known[i].takes & ~command->takes) != 0) {
            return PROBLEM(options, "--%s does not go with %s", known[i].name, command->name);
        }
    }
    if (options->given_count > 0 && (command->takes & TAKES_PROPERTIES) == 0) {
        return PROBLEM(options, "--%s does not go with %s",
                       property_option(options->given[0].property), command->name);
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

/* Reads the words; *ret_next is the first one that was not read. */
static bool read_words(struct options *options, int argc, char **argv,
                       const struct command *commands, bool given[KNOWN], int *ret_next)
{
    bool ended = false;
    int *i = ret_next;
    for (*i = 1; *i < argc; (*i)++) {
        char *word = argv[*i];
        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
        } else if (!ended && word[0] == '-' && word[1] != '\0') {
            if (!read_option(options, argc, argv, i, given)) {
                return false;
            }
        } else if (options->command == NULL) {
            options->command = options_command(commands, word);
            if (options->command == NULL) {
                return PROBLEM(options, "there is no command \"%.60s\"", word);
            }
        } else {
            options->arguments[options->count++] = word;
        }
    }
    return true;
}

bool options_parse(struct options *options, int argc, char **argv, const struct command *commands)
{
    bool given[KNOWN] = {false};
    int next = 1;
    memset(options, 0, sizeof *options);
    options->arguments = argv + 1; /* words move down there: never past the one being read */
    if (read_words(options, argc, argv, commands, given, &next)) {
        return check_command(options, given);
    }
    /* who wants a document gets one that tells the problem, wherever that stood */
    for (; next < argc && strcmp(argv[next], "--") != 0; next++) {
        options->json = options->json || strcmp(argv[next], "--json") == 0;
    }
    return false;
}
