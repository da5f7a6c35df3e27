/* SPDX-License-Identifier: MIT */
/* The properties of a job that a person can set: "bcj2 set ID NAME VALUE", and most of them as options of
   the commands that make a job. They are read first, all of them, so that a value that cannot be used is
   found before anything is changed; then they are applied. Which values the job takes the library says. */
#ifndef BCJ2_CLI_PROPERTY_H
#define BCJ2_CLI_PROPERTY_H

#include "cli.h"
#include "input.h"

#include <stdio.h>

/* In the order in which they are applied. */
enum property_id {
    PROPERTY_NAME,
    PROPERTY_DESCRIPTION,
    PROPERTY_PRIORITY,
    PROPERTY_RETRY_DELAY,
    PROPERTY_NO_PROGRESS,
    PROPERTY_MAX_TIME,
    PROPERTY_HEADERS_FROM,
    PROPERTY_HEADER,
    PROPERTY_HEADERS_WRITE_ONLY,
    PROPERTY_CACERT,
    PROPERTY_CERT,
    PROPERTY_KEY,
    PROPERTY_KEY_PASSWORD_FILE,
    PROPERTY_PIN,
    PROPERTY_METHOD, /* behind the priority, which it freezes */
    PROPERTY_TLS_MIN,
    PROPERTY_TLS_MAX,
    PROPERTY_REDIRECTS,
    PROPERTY_HTTPS_TO_HTTP,
    PROPERTY_CRL_CHECK,
    PROPERTY_IGNORE_NAME,
    PROPERTY_IGNORE_DATE,
    PROPERTY_IGNORE_CA,
    PROPERTY_IGNORE_USAGE,
    PROPERTY_REPLY_FILE,
    PROPERTY_URL,
    PROPERTY_PREFIX,
    PROPERTY_OWNER,
    PROPERTY_NOTIFY_FLAGS,
    PROPERTY_NOTIFY,
    PROPERTIES,
};

struct property;

struct property_value {
    const struct property *property;
    const char *text;     /* as it was typed */
    char *path;           /* absolute, also a program's; NULL: none, or it is no path */
    struct input content; /* of the file that was named */
    uint32_t number;
    bool set; /* on the job, by property_apply() */
};

struct property_values {
    struct property_value *list;
    size_t count;
};

/* NULL: there is none. */
const struct property *property_named(const char *name);
/* The one that --TEXT, of so many bytes, sets. */
const struct property *property_of_option(const char *text, size_t length);
const char *property_option(const struct property *property);
/* For the help: the options, or all names with what they take. */
void property_print_options(FILE *to);
void property_print_all(FILE *to);
const char *property_priority_name(bcj2_job_priority priority);
const char *property_redirects_name(uint32_t security_flags);
const char *property_tls_name(bcj2_tls_version version);

/* Reads all values: numbers, words, files. Otherwise it is said what is wrong, and EXIT_BAD comes back. To
   be given to property_free(). */
int property_read(struct cli *cli, const struct given *given, size_t count,
                  struct property_values *ret);
bool property_has(const struct property_values *values, enum property_id id);
void property_free(struct property_values *values);
enum property_id property_id(const struct property *property);
const char *property_name(const struct property *property);

/* property_apply.c: sets them on the job, and marks those that are set; ends at the first one that the job
   refuses, which is said. */
int property_apply(struct cli *cli, bcj2_job *job, struct property_values *values);

#endif
