/* SPDX-License-Identifier: MIT */
/* See property.h: setting them on a job. What one call of the library sets together (certificate and key,
   both versions of TLS, the flags, all headers) is gathered first and set at the end; what was not given
   stays as the job has it. */
#include "find.h"
#include "header_lines.h"
#include "out.h"
#include "property.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct change {
    struct cli *cli;
    bcj2_job *job;
    char *headers; /* wiped */
    bool headers_known;
    const char *certificate, *key, *password;
    bool certificate_given;
    bcj2_tls_version tls_min, tls_max;
    bool tls_given;
    uint32_t flags;
    bool flags_given;
};

/* ---- headers ---- */

static int know_headers(struct change *c)
{
    char *text = NULL;
    if (c->headers_known) {
        return EXIT_DONE;
    }
    bcj2_status status = bcj2_get_custom_headers(c->job, &text);
    if (BCJ2_FAILED(status)) {
        int result = out_failed(c->cli, status, "cannot change one header");
        if (status == BCJ2_E_ACCESSDENIED) {
            out_say("\"headers-from\" sets all of them anew");
        }
        return result;
    }
    c->headers = text == NULL ? NULL : strdup(text);
    bool copied = text == NULL || c->headers != NULL;
    input_clear(text);
    bcj2_free(text);
    c->headers_known = copied;
    return copied ? EXIT_DONE : out_failed(c->cli, BCJ2_E_OUTOFMEMORY, "cannot change one header");
}

static int put_headers(struct change *c, const struct property_value *v)
{
    size_t number = 0;
    int known = know_headers(c);
    if (known != EXIT_DONE) {
        return known;
    }
    enum header_lines_result result =
        v->content.text != NULL ? header_lines_put_all(&c->headers, v->content.text, &number)
                                : header_lines_put(&c->headers, v->text, strlen(v->text));
    return result == HEADER_LINES_OK
               ? EXIT_DONE /* that they are headers was seen when they were read */
               : out_failed(c->cli, BCJ2_E_OUTOFMEMORY, "cannot set the headers");
}

static int set_all_headers(struct change *c, const struct property_value *v)
{
    const char *text = v->content.text == NULL ? "" : v->content.text;
    input_wipe(c->headers);
    c->headers = text[0] == '\0' ? NULL : strdup(text);
    c->headers_known = true;
    return text[0] == '\0' || c->headers != NULL
               ? EXIT_DONE
               : out_failed(c->cli, BCJ2_E_OUTOFMEMORY, "cannot set the headers");
}

/* ---- what is gathered ---- */

static int put_flag(struct change *c, uint32_t mask, uint32_t value)
{
    if (!c->flags_given) {
        bcj2_status status = bcj2_get_security_flags(c->job, &c->flags);
        if (BCJ2_FAILED(status)) {
            return out_failed(c->cli, status, "cannot look at the job's flags");
        }
        c->flags_given = true;
    }
    c->flags = (c->flags & ~mask) | value;
    return EXIT_DONE;
}

static int put_tls(struct change *c, enum property_id id, uint32_t version)
{
    if (!c->tls_given) {
        bcj2_status status = bcj2_get_tls_versions(c->job, &c->tls_min, &c->tls_max);
        if (BCJ2_FAILED(status)) {
            return out_failed(c->cli, status, "cannot look at the job's TLS versions");
        }
        c->tls_given = true;
    }
    if (id == PROPERTY_TLS_MIN) {
        c->tls_min = (bcj2_tls_version)version;
    } else {
        c->tls_max = (bcj2_tls_version)version;
    }
    return EXIT_DONE;
}

/* ---- URLs ---- */

/* "[N=]URL" */
static int set_url(struct change *c, const char *text)
{
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    uint32_t count = 0, wanted = 1;
    size_t digits = strspn(text, "0123456789");
    bool numbered = digits > 0 && digits < 10 && text[digits] == '=';
    bcj2_status status = bcj2_enum_files(c->job, &files);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_file_enum_count(files, &count);
    }
    if (BCJ2_FAILED(status)) {
        return out_failed(c->cli, status, "cannot look at the job's files");
    }
    if (numbered) {
        wanted = 0;
        for (size_t i = 0; i < digits; i++) {
            wanted = wanted * 10 + (uint32_t)(text[i] - '0');
        }
        text += digits + 1;
    }
    int result = EXIT_DONE;
    if (wanted < 1 || wanted > count) {
        result = out_bad(c->cli, "the job has no file number %" PRIu32 ", it has %" PRIu32, wanted,
                         count);
    } else if (!numbered && count > 1) {
        result = out_bad(c->cli, "the job has %" PRIu32 " files: say which, as 1=URL", count);
    } else {
        (void)bcj2_file_enum_skip(files, wanted - 1);
        status = bcj2_file_enum_next(files, &file);
        if (status == BCJ2_OK) {
            status = bcj2_file_set_remote_name(file, text);
        }
        if (BCJ2_FAILED(status)) {
            result = out_failed(c->cli, status, "cannot set url");
        } else {
            out_say("the URL counts from the next \"bcj2 resume\" on");
        }
        (void)bcj2_file_unref(file);
    }
    (void)bcj2_file_enum_unref(files);
    return result;
}

/* "OLD NEW" */
static int set_prefix(struct change *c, const char *text)
{
    size_t length = strcspn(text, " \t");
    const char *new_prefix = text + length + strspn(text + length, " \t");
    char *old_prefix = strndup(text, length);
    if (old_prefix == NULL) {
        return out_failed(c->cli, BCJ2_E_OUTOFMEMORY, "cannot set prefix");
    }
    int result = EXIT_DONE;
    bcj2_status status = bcj2_replace_remote_prefix(c->job, old_prefix, new_prefix);
    if (BCJ2_FAILED(status)) {
        result = out_failed(c->cli, status, "cannot set prefix");
    } else if (status == BCJ2_S_FALSE) {
        result = out_bad(c->cli, "no URL of the job begins with that prefix");
    }
    free(old_prefix);
    return result;
}

/* ---- each ---- */

/* Those that one call sets by itself. */
static bcj2_status call(bcj2_job *job, enum property_id id, const struct property_value *v)
{
    switch (id) {
    case PROPERTY_NAME:
        return bcj2_set_display_name(job, v->text);
    case PROPERTY_DESCRIPTION:
        return bcj2_set_description(job, v->text);
    case PROPERTY_PRIORITY:
        return bcj2_set_priority(job, (bcj2_job_priority)v->number);
    case PROPERTY_RETRY_DELAY:
        return bcj2_set_minimum_retry_delay(job, v->number);
    case PROPERTY_NO_PROGRESS:
        return bcj2_set_no_progress_timeout(job, v->number);
    case PROPERTY_MAX_TIME:
        return bcj2_set_maximum_download_time(job, v->number);
    case PROPERTY_CACERT:
        return bcj2_set_ca_file(job, v->path);
    case PROPERTY_PIN:
        return bcj2_set_pinned_public_key(job, v->path != NULL      ? v->path
                                               : v->text[0] == '\0' ? NULL
                                                                    : v->text);
    case PROPERTY_METHOD:
        return bcj2_set_http_method(job, v->text);
    case PROPERTY_REPLY_FILE:
        return bcj2_set_reply_file_name(job, v->path);
    case PROPERTY_OWNER:
        return bcj2_take_ownership(job);
    case PROPERTY_NOTIFY_FLAGS:
        return bcj2_set_notify_flags(job, v->number);
    case PROPERTY_NOTIFY: /* the whole text is what the program is started with */
        return bcj2_set_notify_cmdline(job, v->path, v->path == NULL ? NULL : v->text);
    default:
        return BCJ2_E_NOTIMPL;
    }
}

static uint32_t flag_of(enum property_id id)
{
    switch (id) {
    case PROPERTY_REDIRECTS:
        return BCJ2_HTTP_REDIRECT_POLICY_MASK;
    case PROPERTY_HTTPS_TO_HTTP:
        return BCJ2_HTTP_REDIRECT_POLICY_ALLOW_HTTPS_TO_HTTP;
    case PROPERTY_CRL_CHECK:
        return BCJ2_SSL_ENABLE_CRL_CHECK;
    case PROPERTY_IGNORE_NAME:
        return BCJ2_SSL_IGNORE_CERT_CN_INVALID;
    case PROPERTY_IGNORE_DATE:
        return BCJ2_SSL_IGNORE_CERT_DATE_INVALID;
    case PROPERTY_IGNORE_CA:
        return BCJ2_SSL_IGNORE_UNKNOWN_CA;
    case PROPERTY_IGNORE_USAGE:
        return BCJ2_SSL_IGNORE_CERT_WRONG_USAGE;
    default:
        return 0;
    }
}

static int set_now(struct change *c, struct property_value *v)
{
    enum property_id id = property_id(v->property);
    int result = EXIT_DONE;
    if (id == PROPERTY_URL) {
        result = set_url(c, v->text);
    } else if (id == PROPERTY_PREFIX) {
        result = set_prefix(c, v->text);
    } else {
        bcj2_status status = call(c->job, id, v);
        if (BCJ2_FAILED(status)) {
            result = out_failed(c->cli, status, "cannot set %s", property_name(v->property));
        }
    }
    v->set = result == EXIT_DONE;
    return result;
}

/* Sets it, or gathers it for the end. */
static int apply_one(struct change *c, struct property_value *v)
{
    enum property_id id = property_id(v->property);
    uint32_t flag = flag_of(id);
    if (flag != 0) {
        return put_flag(c, flag, id == PROPERTY_REDIRECTS ? v->number : v->number * flag);
    }
    switch (id) {
    case PROPERTY_HEADER:
        return put_headers(c, v);
    case PROPERTY_HEADERS_FROM:
        return set_all_headers(c, v);
    case PROPERTY_HEADERS_WRITE_ONLY: /* behind the headers */
        return EXIT_DONE;
    case PROPERTY_CERT:
        c->certificate = v->path;
        c->certificate_given = true;
        return EXIT_DONE;
    case PROPERTY_KEY:
        c->key = v->path;
        return EXIT_DONE;
    case PROPERTY_KEY_PASSWORD_FILE:
        c->password = v->content.text;
        return EXIT_DONE;
    case PROPERTY_TLS_MIN:
    case PROPERTY_TLS_MAX:
        return put_tls(c, id, v->number);
    default:
        return set_now(c, v);
    }
}

/* ---- the end ---- */

/* A certificate without a key: both are in one file. A key or a password alone goes with the certificate
   that the job has. */
static bcj2_status set_certificate(struct change *c, const struct property_values *values)
{
    char *certificate = NULL, *key = NULL;
    bool key_given = property_has(values, PROPERTY_KEY);
    if (c->certificate_given) {
        return bcj2_set_client_certificate(c->job, c->certificate, c->key, c->password);
    }
    bcj2_status status = bcj2_get_client_certificate(c->job, &certificate, &key);
    if (BCJ2_SUCCEEDED(status)) {
        status =
            bcj2_set_client_certificate(c->job, certificate, key_given ? c->key : key, c->password);
    }
    bcj2_free(certificate);
    bcj2_free(key);
    return status;
}

static bcj2_status set_flags(struct change *c, const struct property_values *values)
{
    (void)values;
    return bcj2_set_security_flags(c->job, c->flags);
}

static bcj2_status set_tls(struct change *c, const struct property_values *values)
{
    (void)values;
    return bcj2_set_tls_versions(c->job, c->tls_min, c->tls_max);
}

static bcj2_status set_headers(struct change *c, const struct property_values *values)
{
    (void)values;
    return bcj2_set_custom_headers(c->job, c->headers);
}

static bcj2_status make_write_only(struct change *c, const struct property_values *values)
{
    (void)values;
    return bcj2_make_custom_headers_write_only(c->job);
}

/* What was gathered of the properties from the first to the last. */
static const struct step {
    const char *what;
    enum property_id first, last;
    bcj2_status (*set)(struct change *c, const struct property_values *values);
} steps[] = {
    {"the flags of TLS and redirects", PROPERTY_REDIRECTS, PROPERTY_IGNORE_USAGE, set_flags},
    {"the TLS versions", PROPERTY_TLS_MIN, PROPERTY_TLS_MAX, set_tls},
    {"the client certificate", PROPERTY_CERT, PROPERTY_KEY_PASSWORD_FILE, set_certificate},
    {"the headers", PROPERTY_HEADERS_FROM, PROPERTY_HEADER, set_headers},
    {"the headers write-only", PROPERTY_HEADERS_WRITE_ONLY, PROPERTY_HEADERS_WRITE_ONLY,
     make_write_only},
};

static int finish_step(struct change *c, struct property_values *values, const struct step *step)
{
    bool called = false;
    for (size_t i = 0; i < values->count; i++) {
        enum property_id id = property_id(values->list[i].property);
        if (id < step->first || id > step->last) {
            continue;
        }
        bcj2_status status = called ? BCJ2_OK : step->set(c, values);
        if (BCJ2_FAILED(status)) {
            return out_failed(c->cli, status, "cannot set %s", step->what);
        }
        called = true;
        values->list[i].set = true;
    }
    return EXIT_DONE;
}

int property_apply(struct cli *cli, bcj2_job *job, struct property_values *values)
{
    struct change change = {.cli = cli, .job = job};
    int result = EXIT_DONE;
    for (int id = 0; id < PROPERTIES; id++) {
        for (size_t i = 0; i < values->count && result == EXIT_DONE; i++) {
            if ((int)property_id(values->list[i].property) == id) {
                result = apply_one(&change, &values->list[i]);
            }
        }
    }
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && result == EXIT_DONE; i++) {
        result = finish_step(&change, values, &steps[i]);
    }
    input_wipe(change.headers);
    return result;
}
