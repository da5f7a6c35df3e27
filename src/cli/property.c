/* SPDX-License-Identifier: MIT */
/* See property.h: the table, and what values are in words. */
#include "property.h"
#include "header_lines.h"
#include "notify_words.h"
#include "out.h"
#include "paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More than the library takes of either, so that it is the one to refuse. */
#define HEADERS_BYTES  65536u
#define PASSWORD_BYTES 262144u

enum kind {
    KIND_TEXT,
    KIND_SECONDS,
    KIND_WORD,     /* one of words, in the place of the number */
    KIND_PATH,     /* "": none */
    KIND_PIN,      /* "sha256//…", or a path */
    KIND_HEADER,   /* a line, or @FILE */
    KIND_HEADERS,  /* of a file */
    KIND_PREFIX,   /* two words */
    KIND_PASSWORD, /* of a file */
    KIND_FLAGS,    /* names with commas between, or a number */
    KIND_COMMAND   /* a command line; "": none */
};

struct word {
    const char *name;
    uint32_t number;
};

static const struct word priorities[] = {
    {"foreground", 0}, {"high", 1}, {"normal", 2}, {"low", 3}, {NULL, 0}};
static const struct word switches[] = {{"no", 0}, {"yes", 1}, {NULL, 0}};
static const struct word only_yes[] = {{"yes", 1}, {NULL, 0}};
static const struct word only_me[] = {{"me", 0}, {NULL, 0}};
static const struct word versions[] = {{"default", 0}, {"1.0", 10}, {"1.1", 11},
                                       {"1.2", 12},    {"1.3", 13}, {NULL, 0}};
static const struct word policies[] = {{"follow", BCJ2_HTTP_REDIRECT_POLICY_ALLOW_SILENT},
                                       {"report", BCJ2_HTTP_REDIRECT_POLICY_ALLOW_REPORT},
                                       {"refuse", BCJ2_HTTP_REDIRECT_POLICY_DISALLOW},
                                       {NULL, 0}};

struct property {
    const char *name, *option; /* option NULL: none */
    const char *argument, *help;
    enum kind kind;
    const struct word *words;
};

#define SWITCH "yes|no"
static const struct property properties[PROPERTIES] = {
    [PROPERTY_NAME] = {"name", "name", "TEXT", "the name that people see", KIND_TEXT, NULL},
    [PROPERTY_DESCRIPTION] = {"description", "description", "TEXT", "more words about it",
                              KIND_TEXT, NULL},
    [PROPERTY_PRIORITY] = {"priority", "priority", "P", "foreground, high, normal or low",
                           KIND_WORD, priorities},
    [PROPERTY_RETRY_DELAY] = {"retry-delay", "retry-delay", "SECONDS",
                              "between an error that may pass and the next try", KIND_SECONDS,
                              NULL},
    [PROPERTY_NO_PROGRESS] = {"no-progress-timeout", "no-progress", "SECONDS",
                              "so long it is tried again without a byte", KIND_SECONDS, NULL},
    [PROPERTY_MAX_TIME] = {"max-time", "max-time", "SECONDS", "so long the transfer may take",
                           KIND_SECONDS, NULL},
    [PROPERTY_HEADERS_FROM] = {"headers-from", NULL, "FILE", "all headers from FILE; \"\": none",
                               KIND_HEADERS, NULL},
    [PROPERTY_HEADER] = {"header", "header", "LINE|@FILE",
                         "send \"Name: value\"; @FILE: the lines of FILE", KIND_HEADER, NULL},
    [PROPERTY_HEADERS_WRITE_ONLY] = {"headers-write-only", "headers-write-only", "yes",
                                     "nobody can read the headers again", KIND_WORD, only_yes},
    [PROPERTY_CACERT] = {"cacert", "cacert", "FILE", "authorities that sign servers, PEM",
                         KIND_PATH, NULL},
    [PROPERTY_CERT] = {"cert", "cert", "FILE", "our own certificate, PEM", KIND_PATH, NULL},
    [PROPERTY_KEY] = {"key", "key", "FILE", "its key, if it is not in the same file", KIND_PATH,
                      NULL},
    [PROPERTY_KEY_PASSWORD_FILE] = {"key-password-file", "key-password-file", "FILE",
                                    "with the key's password", KIND_PASSWORD, NULL},
    [PROPERTY_PIN] = {"pin", "pin", "PIN", "the server's key: sha256//BASE64, or a file", KIND_PIN,
                      NULL},
    [PROPERTY_METHOD] = {"method", "method", "METHOD", "instead of GET, for downloads", KIND_TEXT,
                         NULL},
    [PROPERTY_TLS_MIN] = {"tls-min", "tls-min", "VERSION", "default, 1.0, 1.1, 1.2 or 1.3",
                          KIND_WORD, versions},
    [PROPERTY_TLS_MAX] = {"tls-max", "tls-max", "VERSION", "likewise", KIND_WORD, versions},
    [PROPERTY_REDIRECTS] = {"redirects", "redirects", "POLICY",
                            "of downloads: follow, report or refuse", KIND_WORD, policies},
    [PROPERTY_HTTPS_TO_HTTP] = {"https-to-http", "https-to-http", SWITCH,
                                "redirects may lead to http", KIND_WORD, switches},
    [PROPERTY_CRL_CHECK] = {"crl-check", "crl-check", SWITCH,
                            "the server's certificate must not be revoked", KIND_WORD, switches},
    [PROPERTY_IGNORE_NAME] = {"ignore-cert-name", "ignore-cert-name", SWITCH,
                              "the certificate may be another host's", KIND_WORD, switches},
    [PROPERTY_IGNORE_DATE] = {"ignore-cert-date", "ignore-cert-date", SWITCH,
                              "in BITS; refused here", KIND_WORD, switches},
    [PROPERTY_IGNORE_CA] = {"ignore-unknown-ca", "ignore-unknown-ca", SWITCH,
                            "anybody may have signed it, at any time", KIND_WORD, switches},
    [PROPERTY_IGNORE_USAGE] = {"ignore-cert-usage", "ignore-cert-usage", SWITCH,
                               "in BITS; refused here", KIND_WORD, switches},
    [PROPERTY_REPLY_FILE] = {"reply-file", NULL, "FILE", "where the reply goes", KIND_PATH, NULL},
    [PROPERTY_URL] = {"url", NULL, "[N=]URL", "another URL for the download's file (number N)",
                      KIND_TEXT, NULL},
    [PROPERTY_PREFIX] = {"prefix", NULL, "\"OLD NEW\"", "another beginning for a download's URLs",
                         KIND_PREFIX, NULL},
    [PROPERTY_OWNER] = {"owner", NULL, "me", "take the job over; for root", KIND_WORD, only_me},
    [PROPERTY_NOTIFY_FLAGS] = {"notify-flags", "notify-flags", "FLAGS",
                               "what is told: transferred, error, …, or none", KIND_FLAGS, NULL},
    [PROPERTY_NOTIFY] = {"notify", "notify", "COMMAND", "run this when it is transferred or failed",
                         KIND_COMMAND, NULL},
};

enum property_id property_id(const struct property *property)
{
    return (enum property_id)(property - properties);
}

const char *property_name(const struct property *property)
{
    return property->name;
}

const char *property_option(const struct property *property)
{
    return property->option;
}

const struct property *property_named(const char *name)
{
    for (size_t i = 0; i < PROPERTIES; i++) {
        if (strcmp(properties[i].name, name) == 0) {
            return &properties[i];
        }
    }
    return NULL;
}

const struct property *property_of_option(const char *text, size_t length)
{
    for (size_t i = 0; i < PROPERTIES; i++) {
        const char *option = properties[i].option;
        if (option != NULL && strlen(option) == length && memcmp(option, text, length) == 0) {
            return &properties[i];
        }
    }
    return NULL;
}

void property_print_options(FILE *to)
{
    for (size_t i = 0; i < PROPERTIES; i++) {
        char text[64];
        if (properties[i].option != NULL) {
            (void)snprintf(text, sizeof text, "--%s %s", properties[i].option,
                           properties[i].argument);
            (void)fprintf(to, "      %-27s %s\n", text, properties[i].help);
        }
    }
}

void property_print_all(FILE *to)
{
    for (size_t i = 0; i < PROPERTIES; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s %s", properties[i].name, properties[i].argument);
        (void)fprintf(to, "  %-27s %s\n", text, properties[i].help);
    }
}

static const char *name_of(const struct word *words, uint32_t number)
{
    while (words->name != NULL && words->number != number) {
        words++;
    }
    return words->name == NULL ? "?" : words->name;
}

const char *property_priority_name(bcj2_job_priority priority)
{
    return name_of(priorities, (uint32_t)priority);
}

const char *property_redirects_name(uint32_t security_flags)
{
    return name_of(policies, security_flags & BCJ2_HTTP_REDIRECT_POLICY_MASK);
}

const char *property_tls_name(bcj2_tls_version version)
{
    return name_of(versions, (uint32_t)version);
}

/* ---- reading ---- */

static int read_seconds(struct cli *cli, struct property_value *v)
{
    uint64_t seconds = 0;
    size_t digits = strspn(v->text, "0123456789");
    for (size_t i = 0; i < digits && seconds <= UINT32_MAX; i++) {
        seconds = seconds * 10 + (uint64_t)(v->text[i] - '0');
    }
    if (digits == 0 || v->text[digits] != '\0' || seconds > UINT32_MAX) {
        return out_bad(cli, "%s must be a number of seconds, 0 to %u, not \"%.60s\"",
                       v->property->name, UINT32_MAX, v->text);
    }
    v->number = (uint32_t)seconds;
    return EXIT_DONE;
}

static int read_word(struct cli *cli, struct property_value *v)
{
    char all[128] = "";
    for (const struct word *word = v->property->words; word->name != NULL; word++) {
        if (strcmp(word->name, v->text) == 0) {
            v->number = word->number;
            return EXIT_DONE;
        }
        size_t length = strlen(all);
        const char *between = length == 0 ? "" : word[1].name == NULL ? " or " : ", ";
        (void)snprintf(all + length, sizeof all - length, "%s%s", between, word->name);
    }
    return out_bad(cli, "%s must be %s, not \"%.60s\"", v->property->name, all, v->text);
}

static int read_path(struct cli *cli, struct property_value *v)
{
    if (v->text[0] == '\0') {
        return EXIT_DONE;
    }
    v->path = paths_absolute(v->text);
    return v->path != NULL ? EXIT_DONE
                           : out_bad(cli, "cannot use %s: %s", v->text, strerror(errno));
}

/* A file with secrets in it. */
static int read_content(struct cli *cli, struct property_value *v, size_t most)
{
    return v->text[0] == '\0' ? EXIT_DONE : input_read(cli, v->text, most, &v->content);
}

/* A line, or the lines of a file: each must be a header. */
static int read_header(struct cli *cli, struct property_value *v)
{
    bool file = v->text[0] == '@';
    char *tried = NULL;
    size_t number = 0;
    int result = file ? input_read(cli, v->text + 1, HEADERS_BYTES, &v->content) : EXIT_DONE;
    if (result != EXIT_DONE) {
        return result;
    }
    enum header_lines_result lines = file ? header_lines_put_all(&tried, v->content.text, &number)
                                          : header_lines_put(&tried, v->text, strlen(v->text));
    input_wipe(tried);
    if (lines == HEADER_LINES_NO_MEMORY) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot read the headers");
    }
    if (lines == HEADER_LINES_OK) {
        return EXIT_DONE;
    }
    return file ? out_bad(cli, "line %zu of %s is not a header: \"Name: value\"", number,
                          v->text + 1)
                : out_bad(cli, "a header is one line, \"Name: value\"");
}

/* "OLD NEW" */
static int read_prefix(struct cli *cli, const struct property_value *v)
{
    const char *between = strpbrk(v->text, " \t");
    return between != NULL && between[strspn(between, " \t")] != '\0'
               ? EXIT_DONE
               : out_bad(cli, "prefix needs \"OLD NEW\", both in one argument");
}

static int read_value(struct cli *cli, struct property_value *v)
{
    switch (v->property->kind) {
    case KIND_TEXT:
        return EXIT_DONE;
    case KIND_SECONDS:
        return read_seconds(cli, v);
    case KIND_WORD:
        return read_word(cli, v);
    case KIND_PIN:
        return strncmp(v->text, "sha256//", 8) == 0 ? EXIT_DONE : read_path(cli, v);
    case KIND_PATH:
        return read_path(cli, v);
    case KIND_HEADER:
        return read_header(cli, v);
    case KIND_PREFIX:
        return read_prefix(cli, v);
    case KIND_HEADERS:
        return read_content(cli, v, HEADERS_BYTES);
    case KIND_FLAGS:
        return notify_words_flags(cli, v->text, &v->number);
    case KIND_COMMAND:
        return v->text[0] == '\0' ? EXIT_DONE : notify_words_command(cli, v->text, &v->path);
    case KIND_PASSWORD: {
        int result = read_content(cli, v, PASSWORD_BYTES);
        input_chomp(&v->content);
        return result;
    }
    }
    return EXIT_BAD;
}

int property_read(struct cli *cli, const struct given *given, size_t count,
                  struct property_values *ret)
{
    int result = EXIT_DONE;
    ret->count = 0;
    ret->list = calloc(count + 1, sizeof *ret->list);
    if (ret->list == NULL) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot read the properties");
    }
    for (size_t i = 0; i < count && result == EXIT_DONE; i++) {
        struct property_value *v = &ret->list[ret->count++];
        v->property = given[i].property;
        v->text = given[i].text;
        result = read_value(cli, v);
    }
    return result;
}

bool property_has(const struct property_values *values, enum property_id id)
{
    for (size_t i = 0; i < values->count; i++) {
        if (property_id(values->list[i].property) == id) {
            return true;
        }
    }
    return false;
}

void property_free(struct property_values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        free(values->list[i].path);
        input_free(&values->list[i].content);
    }
    free(values->list);
    values->list = NULL;
    values->count = 0;
}
