/* SPDX-License-Identifier: MIT */
/* Fuzz target: command lines. The input up to its first NUL is a line to split: the result must be that of a
   reader who goes by one character at a time, fit where argv.h says that it fits and nowhere below, and come
   back when it is quoted and split again. The whole input is a list of arguments, each ended by a NUL, to
   quote and split. */
#include "argv.h"
#include "macro.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                              \
    do {                                                             \
        if (!(condition)) {                                          \
            (void)fprintf(stderr, "%d: %s\n", __LINE__, #condition); \
            abort();                                                 \
        }                                                            \
    } while (0)

/* Arguments one behind the other, each with its NUL. */
struct list {
    size_t argc, used;
    char *bytes;
};

static void *must_malloc(size_t size)
{
    void *memory = malloc(MAX(size, 1u));
    MUST(memory != NULL);
    return memory;
}

/* The rules in the plainest way: a character at a time, with the state that it leaves behind. Backslashes
   are written when they are seen, and taken back when a quote shows what they meant. */
static void plain_split(const char *text, struct list *ret)
{
    bool quoted = false, within = false; /* a quoted part; an argument */
    size_t slashes = 0;
    ret->argc = ret->used = 0;
    for (const char *p = text; *p != '\0'; p++) {
        bool blank = !quoted && (*p == ' ' || *p == '\t');
        bool program = ret->argc == (within ? 1u : 0u);
        if (!within && (!blank || program)) {
            within = true;
            ret->argc++;
        }
        if (blank) {
            if (within) {
                ret->bytes[ret->used++] = '\0';
            }
            within = false;
            slashes = 0;
        } else if (*p != '"') {
            ret->bytes[ret->used++] = *p;
            slashes = *p == '\\' ? slashes + 1 : 0;
        } else if (program) {
            quoted = !quoted;
        } else {
            ret->used -= slashes - slashes / 2;
            if (slashes % 2 != 0) {
                ret->bytes[ret->used++] = '"';
            } else if (quoted && p[1] == '"') {
                ret->bytes[ret->used++] = '"';
                p++;
            } else {
                quoted = !quoted;
            }
            slashes = 0;
        }
    }
    if (within) {
        ret->bytes[ret->used++] = '\0';
    }
}

/* Splits into arrays of exactly these sizes. True, and the same as expected, or false. */
static bool split_in(const char *text, size_t out_size, size_t argv_max,
                     const struct list *expected)
{
    char *out = must_malloc(out_size);
    const char **argv = must_malloc(argv_max * sizeof *argv);
    size_t argc = SIZE_MAX;
    bool good = bcj2__argv_split(text, out, out_size, argv, argv_max, &argc);
    MUST(argc == (good ? expected->argc : 0));
    if (good) {
        const char *p = expected->bytes;
        for (size_t i = 0; i < argc; i++) {
            MUST(argv[i] == out + (p - expected->bytes) && strcmp(argv[i], p) == 0);
            p += strlen(p) + 1;
        }
        MUST(p == expected->bytes + expected->used && argv[argc] == NULL);
    }
    free(argv);
    free(out);
    return good;
}

/* A list with a program's name that can be one is the same after quoting and splitting. */
static void quote_and_split(const struct list *list)
{
    CLEANUP_BUF struct buf line = BUF_INIT(2 * list->used + 3 * list->argc);
    const char *p = list->bytes;
    for (size_t i = 0; i < list->argc; i++) {
        bcj2_status status = bcj2__argv_quote(&line, p);
        if (i == 0 && strchr(p, '"') != NULL) {
            MUST(status == BCJ2_E_INVALIDARG && line.length == 0);
            return;
        }
        MUST(status == BCJ2_OK);
        p += strlen(p) + 1;
    }
    MUST(split_in(bcj2__buf_cstr(&line), line.length + 1, line.length / 2 + 2, list));
}

static void try_line(const char *text)
{
    struct list expected = {.bytes = must_malloc(strlen(text) + 1)};
    plain_split(text, &expected);
    MUST(expected.used <= strlen(text) + 1 && expected.argc < strlen(text) / 2 + 2);
    MUST(split_in(text, strlen(text) + 1, strlen(text) / 2 + 2, &expected));
    MUST(split_in(text, expected.used, expected.argc + 1, &expected));
    MUST(expected.used == 0 || !split_in(text, expected.used - 1, expected.argc + 1, &expected));
    MUST(!split_in(text, expected.used, expected.argc, &expected));
    MUST(expected.argc == 0 || strchr(expected.bytes, '"') == NULL);
    quote_and_split(&expected);
    free(expected.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct list list = {.used = size + 1, .bytes = must_malloc(size + 1)};
    if (size > 0) {
        memcpy(list.bytes, data, size);
    }
    list.bytes[size] = '\0';
    for (size_t i = 0; i <= size; i++) {
        list.argc += list.bytes[i] == '\0' ? 1 : 0;
    }
    quote_and_split(&list);
    char *line = must_malloc(strlen(list.bytes) + 1);
    memcpy(line, list.bytes, strlen(list.bytes) + 1);
    try_line(line);
    free(line);
    free(list.bytes);
    return 0;
}
