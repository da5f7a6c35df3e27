/* SPDX-License-Identifier: MIT */
/* See notify_words.h. */
#include "notify_words.h"
#include "argv.h"
#include "out.h"
#include "paths.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USUAL (BCJ2_NOTIFY_JOB_TRANSFERRED | BCJ2_NOTIFY_JOB_ERROR)

static const struct {
    const char *name;
    uint32_t flag;
} words[] = {
    {"transferred", BCJ2_NOTIFY_JOB_TRANSFERRED},
    {"error", BCJ2_NOTIFY_JOB_ERROR},
    {"disable", BCJ2_NOTIFY_DISABLE},
    {"modification", BCJ2_NOTIFY_JOB_MODIFICATION},
    {"file-transferred", BCJ2_NOTIFY_FILE_TRANSFERRED},
    {"ranges-transferred", BCJ2_NOTIFY_FILE_RANGES_TRANSFERRED},
};
#define WORDS (sizeof words / sizeof words[0])

/* ---- flags ---- */

/* "31", "0x1f" */
static bool read_number(const char *text, uint32_t *ret)
{
    uint64_t number = 0;
    uint64_t base = strncmp(text, "0x", 2) == 0 ? 16 : 10;
    text += base == 16 ? 2 : 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        int c = tolower((unsigned char)*text);
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
        number = number * base + (uint64_t)digit;
        if ((uint64_t)digit >= base || number > UINT32_MAX) {
            return false;
        }
    }
    *ret = (uint32_t)number;
    return true;
}

/* The flag of a word of so many bytes; 0: it is none. */
static uint32_t flag_of(const char *word, size_t length)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (strlen(words[i].name) == length && memcmp(words[i].name, word, length) == 0) {
            return words[i].flag;
        }
    }
    return 0;
}

int notify_words_flags(struct cli *cli, const char *text, uint32_t *ret_flags)
{
    *ret_flags = 0;
    if (strcmp(text, "none") == 0 || read_number(text, ret_flags)) {
        return EXIT_DONE;
    }
    for (const char *word = text;; word++) {
        size_t length = strcspn(word, ",");
        uint32_t flag = flag_of(word, length);
        if (flag == 0) {
            return out_bad(cli,
                           "notify-flags must be none, or some of transferred, error, disable,"
                           " modification, file-transferred, ranges-transferred with commas"
                           " between, not \"%.60s\"",
                           text);
        }
        *ret_flags |= flag;
        word += length;
        if (*word == '\0') {
            return EXIT_DONE;
        }
    }
}

/* ---- the command line ---- */

/* Its first word, by the rules by which it will be split; "": it has none. NULL: no memory. */
static char *first_word(const char *text)
{
    size_t size = strlen(text) + 1, most = strlen(text) / 2 + 2, count = 0;
    char *bytes = malloc(size);
    const char **argv = calloc(most, sizeof *argv);
    char *word = NULL;
    if (bytes != NULL && argv != NULL && bcj2__argv_split(text, bytes, size, argv, most, &count)) {
        word = strdup(count > 0 ? argv[0] : "");
    }
    free(bytes);
    free(argv);
    return word;
}

static int check_program(struct cli *cli, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return out_bad(cli, "cannot run %s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return out_bad(cli, "cannot run %s: it is %s, not a program", path,
                       S_ISDIR(st.st_mode) ? "a folder" : "a pipe or a device");
    }
    if (access(path, X_OK) != 0) {
        return out_bad(cli, "cannot run %s: %s", path, strerror(errno));
    }
    return EXIT_DONE;
}

int notify_words_command(struct cli *cli, const char *text, char **ret_program)
{
    char *word = first_word(text);
    int result = EXIT_DONE;
    *ret_program = NULL;
    if (word == NULL) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot read the command line");
    }
    if (word[0] == '\0') {
        result = out_bad(cli, "notify needs a command line that begins with a program");
    } else if (strchr(word, '/') == NULL) {
        result = out_bad(cli,
                         "notify needs the program with its folder, such as ./%.60s or"
                         " /usr/bin/%.60s: it is not searched for",
                         word, word);
    } else {
        *ret_program = paths_absolute(word);
        result = *ret_program == NULL ? out_bad(cli, "cannot run %s: %s", word, strerror(errno))
                                      : check_program(cli, *ret_program);
    }
    free(word);
    return result;
}

/* ---- showing ---- */

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static void show_flags(uint32_t flags)
{
    char text[128] = "";
    if (flags == USUAL) {
        return;
    }
    for (size_t i = 0; i < WORDS; i++) {
        size_t length = strlen(text);
        if ((flags & words[i].flag) != 0) {
            (void)snprintf(text + length, sizeof text - length, "%s%s", length > 0 ? ", " : "",
                           words[i].name);
        }
    }
    out_field("notify-flags", "%s", flags == 0 ? "none" : text);
}

/* What somebody is still to be told; what nobody can be told is not worth a line. */
static void show_event(const cJSON *event)
{
    const char *name = text_of(event, "name"), *turn = text_of(event, "turn");
    double attempts = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(event, "attempts"));
    if (name == NULL || turn == NULL || strcmp(turn, "nobody") == 0) {
        return;
    }
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(event, "running"))) {
        out_field("to be told", "%s: its program runs", name);
    } else if (attempts > 0) {
        out_field("to be told", "%s: was refused %.0f times, it is tried again", name, attempts);
    } else {
        out_field("to be told", "%s: by %s", name,
                  strcmp(turn, "command") == 0 ? "its program" : "a program's callback");
    }
}

void notify_words_show(const cJSON *notify)
{
    const cJSON *flags = cJSON_GetObjectItemCaseSensitive(notify, "flags_number");
    const char *program = text_of(notify, "program"), *parameters = text_of(notify, "parameters");
    if (cJSON_IsNumber(flags)) {
        show_flags((uint32_t)flags->valuedouble);
    }
    if (program != NULL) {
        out_field("notify", "%s", program);
        if (parameters != NULL) {
            out_field("", "%s", parameters);
        }
    }
    show_event(cJSON_GetObjectItemCaseSensitive(notify, "event"));
}
