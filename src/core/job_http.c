/* SPDX-License-Identifier: MIT */
/* The HTTP options of a job: rules, sealing, opening. See job.h and job_http.h. Not here: which values
   are good (job_check_http.c), what is done with them (net). */
#include "job_http.h"
#include "detail.h"
#include "job_change.h"
#include "job_check.h"
#include "limit.h"
#include "mem.h"
#include "secrets.h"

#include <string.h>

#define PURPOSE_HEADERS  "custom headers"
#define PURPOSE_PASSWORD "key password"

static struct secrets_use use_of(const struct core *c, const bcj2_guid *id, const char *purpose)
{
    return (struct secrets_use){.directory = c->directory, .job = *id, .purpose = purpose};
}

/* ---- the frame of the setters ---- */

struct http_change {
    struct change change;
    struct store_http http;
};

/* After bcj2__change_begin() and what comes before the state: on failure it has ended. */
static bcj2_status load(struct http_change *h, bcj2_status s)
{
    h->http = (struct store_http){0};
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__change_not_final(&h->change);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_http(h->change.core->store, h->change.row.seq, &h->http);
    }
    return BCJ2_FAILED(s) ? bcj2__change_end(&h->change, s) : s;
}

static bcj2_status begin(bcj2_job *job, struct http_change *h)
{
    bcj2_status s = bcj2__change_begin(job, &h->change);
    return BCJ2_FAILED(s) ? s : load(h, s);
}

static bcj2_status end(struct http_change *h, bcj2_status s)
{
    if (BCJ2_SUCCEEDED(s)) {
        bcj2_status stored = bcj2__store_set_http(h->change.core->store, h->change.row.seq,
                                                  &h->http, bcj2__os_wall());
        s = BCJ2_FAILED(stored) ? stored : s;
    }
    bcj2__store_http_done(&h->http);
    return bcj2__change_end(&h->change, s);
}

/* *field becomes a copy of text; NULL: none. */
static bcj2_status set_text(char **field, const char *text)
{
    char *copy = bcj2__mem_strdup(text);
    if (copy == NULL && text != NULL) {
        return bcj2__detail_no_memory();
    }
    bcj2__mem_free(*field);
    *field = copy;
    return BCJ2_OK;
}

static bcj2_status set_secret(const struct http_change *h, const char *purpose, const char *text,
                              uint8_t **field, size_t *field_size)
{
    uint8_t *sealed = NULL;
    size_t size = 0;
    if (text != NULL) {
        const struct secrets_use use = use_of(h->change.core, &h->change.row.id, purpose);
        bcj2_status s = bcj2__secrets_seal(&use, text, &sealed, &size);
        if (BCJ2_FAILED(s)) {
            return s;
        }
    }
    bcj2__mem_free(*field);
    *field = sealed;
    *field_size = size;
    return BCJ2_OK;
}

/* ---- custom headers ---- */

bcj2_status bcj2__job_set_headers(bcj2_job *job, const char *headers)
{
    struct http_change h;
    bcj2_status s = headers == NULL ? BCJ2_OK : bcj2__check_headers(headers);
    if (BCJ2_SUCCEEDED(s)) {
        s = begin(job, &h);
    }
    return BCJ2_FAILED(s) ? s
                          : end(&h, set_secret(&h, PURPOSE_HEADERS, headers, &h.http.headers,
                                               &h.http.headers_size));
}

bcj2_status bcj2__job_set_headers_write_only(bcj2_job *job)
{
    struct http_change h;
    bcj2_status s = begin(job, &h);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    h.http.headers_write_only = true;
    return end(&h, BCJ2_OK);
}

bcj2_status bcj2__job_headers(bcj2_job *job, char **ret)
{
    struct store_http http = {0};
    bcj2_status s = bcj2__job_http(job, &http);
    if (BCJ2_SUCCEEDED(s) && http.headers_write_only) {
        s = bcj2__detail(BCJ2_E_ACCESSDENIED, "the custom headers were made write-only");
    } else if (BCJ2_SUCCEEDED(s) && http.headers == NULL) {
        s = BCJ2_S_FALSE;
    } else if (BCJ2_SUCCEEDED(s)) {
        const struct secrets_use use = use_of(job->core, &job->id, PURPOSE_HEADERS);
        s = bcj2__secrets_open(&use, http.headers, http.headers_size, ret);
    }
    bcj2__store_http_done(&http);
    return s;
}

/* ---- TLS ---- */

static bcj2_status check_file(const char *path, const char *what)
{
    return path == NULL ? BCJ2_OK : bcj2__check_path(path, what);
}

static bcj2_status check_certificate(const char *certificate, const char *key, const char *password)
{
    if (certificate == NULL) {
        return key == NULL && password == NULL
                   ? BCJ2_OK
                   : bcj2__detail(BCJ2_E_INVALIDARG, "a key without a certificate");
    }
    bcj2_status s = check_file(certificate, "client certificate's file name");
    if (BCJ2_SUCCEEDED(s)) {
        s = check_file(key, "key's file name");
    }
    return BCJ2_FAILED(s) || password == NULL
               ? s
               : bcj2__check_text(password, "key's password", LIMIT_PASSWORD_UTF16,
                                  BCJ2_E_PASSWORD_TOO_LARGE);
}

static bcj2_status set_certificate(struct http_change *h, const char *certificate, const char *key,
                                   const char *password)
{
    bool had = h->http.client_certificate != NULL;
    bcj2_status s = certificate == NULL ? BCJ2_OK : bcj2__check_readable(certificate);
    if (BCJ2_SUCCEEDED(s) && key != NULL) {
        s = bcj2__check_readable(key);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = set_secret(h, PURPOSE_PASSWORD, password, &h->http.key_password,
                       &h->http.key_password_size);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = set_text(&h->http.client_certificate, certificate);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = set_text(&h->http.client_key, key);
    }
    return BCJ2_SUCCEEDED(s) && certificate == NULL && !had ? BCJ2_S_FALSE : s;
}

bcj2_status bcj2__job_set_client_certificate(bcj2_job *job, const char *certificate,
                                             const char *key, const char *password)
{
    struct http_change h;
    bcj2_status s = check_certificate(certificate, key, password);
    if (BCJ2_SUCCEEDED(s)) {
        s = begin(job, &h);
    }
    return BCJ2_FAILED(s) ? s : end(&h, set_certificate(&h, certificate, key, password));
}

bcj2_status bcj2__job_set_ca_file(bcj2_job *job, const char *path)
{
    struct http_change h;
    bcj2_status s = check_file(path, "CA file's name");
    if (BCJ2_SUCCEEDED(s)) {
        s = begin(job, &h);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = path == NULL ? BCJ2_OK : bcj2__check_readable(path);
    return end(&h, BCJ2_FAILED(s) ? s : set_text(&h.http.ca_file, path));
}

bcj2_status bcj2__job_set_pinned_key(bcj2_job *job, const char *pinned)
{
    struct http_change h;
    bool is_path = false;
    bcj2_status s = pinned == NULL ? BCJ2_OK : bcj2__check_pinned_key(pinned, &is_path);
    if (BCJ2_SUCCEEDED(s)) {
        s = begin(job, &h);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = is_path ? bcj2__check_readable(pinned) : BCJ2_OK;
    return end(&h, BCJ2_FAILED(s) ? s : set_text(&h.http.pinned_key, pinned));
}

bcj2_status bcj2__job_set_security_flags(bcj2_job *job, uint32_t flags)
{
    struct http_change h;
    bcj2_status s = bcj2__check_security_flags(flags);
    if (BCJ2_SUCCEEDED(s)) {
        s = begin(job, &h);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    h.http.security_flags = flags;
    return end(&h, BCJ2_OK);
}

bcj2_status bcj2__job_set_tls_versions(bcj2_job *job, bcj2_tls_version min, bcj2_tls_version max)
{
    struct http_change h;
    bcj2_status s = bcj2__check_tls_versions(min, max);
    if (BCJ2_SUCCEEDED(s)) {
        s = begin(job, &h);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    h.http.tls_min = min;
    h.http.tls_max = max;
    return end(&h, BCJ2_OK);
}

/* ---- the method ---- */

static const char *default_method(bcj2_job_type type)
{
    return type == BCJ2_JOB_TYPE_DOWNLOAD ? "GET" : "BITS_POST";
}

static bcj2_status no_ranges(const struct http_change *h)
{
    struct store *store = h->change.core->store;
    uint32_t count = 0;
    bcj2_status s = bcj2__store_file_count(store, h->change.row.seq, &count);
    for (uint32_t i = 0; i < count && BCJ2_SUCCEEDED(s); i++) {
        struct store_file file = {0};
        s = bcj2__store_file(store, h->change.row.seq, i, &file);
        if (BCJ2_SUCCEEDED(s) && file.range_count > 0) {
            s = bcj2__detail(BCJ2_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD,
                             "file %u of the job has ranges", (unsigned)i);
        }
        bcj2__store_file_done(&file);
    }
    return s;
}

static bcj2_status set_method(struct http_change *h, const char *method)
{
    const struct store_job *row = &h->change.row;
    bool custom = strcmp(method, default_method(row->type)) != 0;
    if (row->resumed) {
        return bcj2__detail(BCJ2_E_READ_ONLY_PROPERTY_AFTER_RESUME,
                            "the method must be set before the job is resumed");
    }
    bcj2_status s = custom ? no_ranges(h) : BCJ2_OK;
    if (BCJ2_SUCCEEDED(s)) {
        s = set_text(&h->http.method, custom ? method : NULL);
    }
    if (BCJ2_SUCCEEDED(s) && custom) {
        s = bcj2__store_set_priority(h->change.core->store, row->seq, BCJ2_JOB_PRIORITY_FOREGROUND,
                                     bcj2__os_wall());
    }
    return s;
}

bcj2_status bcj2__job_set_method(bcj2_job *job, const char *method)
{
    struct http_change h;
    bcj2_status s = bcj2__change_begin(job, &h.change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    bcj2_job_type type = h.change.row.type;
    if (type != BCJ2_JOB_TYPE_DOWNLOAD && strcmp(method, default_method(type)) != 0) {
        s = bcj2__detail(BCJ2_E_NOTIMPL, "only download jobs have another method than %s",
                         default_method(type));
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__check_method(method);
    }
    s = load(&h, s);
    return BCJ2_FAILED(s) ? s : end(&h, set_method(&h, method));
}

/* ---- reading ---- */

bcj2_status bcj2__job_http(bcj2_job *job, struct store_http *ret)
{
    struct store_job row = {0};
    bcj2_status s = bcj2__job_load(job, &row);
    bcj2__store_job_done(&row);
    return BCJ2_FAILED(s) ? s : bcj2__store_http(job->core->store, job->seq, ret);
}

bcj2_status bcj2__job_method(bcj2_job *job, char **ret)
{
    struct store_http http = {0};
    struct store_job row = {0};
    bcj2_status s = bcj2__job_load(job, &row);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_http(job->core->store, job->seq, &http);
    }
    if (BCJ2_SUCCEEDED(s)) {
        char *method =
            bcj2__mem_strdup(http.method != NULL ? http.method : default_method(row.type));
        s = method == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
        *ret = method == NULL ? *ret : method;
    }
    bcj2__store_http_done(&http);
    bcj2__store_job_done(&row);
    return s;
}

/* ---- for transfers ---- */

/* Each line ended by CR LF, the last one too; wipes and frees what it was given. */
static bcj2_status to_lines(char *headers, char **ret)
{
    size_t length = strlen(headers), lines = 1;
    for (const char *p = headers; *p != '\0'; p++) {
        lines += *p == '\n';
    }
    char *text = bcj2__mem_alloc(length + 2 * lines + 1), *to = text;
    for (const char *p = headers; text != NULL && *p != '\0';) {
        size_t line = strcspn(p, "\n");
        size_t bare = line > 0 && p[line - 1] == '\r' ? line - 1 : line;
        memcpy(to, p, bare);
        memcpy(to + bare, "\r\n", 2);
        to += bare + 2;
        p += line + (p[line] == '\n');
    }
    bcj2__mem_free_secret(headers);
    if (text == NULL) {
        return bcj2__detail_no_memory();
    }
    *to = '\0';
    *ret = text;
    return BCJ2_OK;
}

/* Trouble with the key's file is the job's, whatever the system calls it; a store that fails, or want of
   memory, is everybody's. */
static bcj2_status open_sealed(const struct secrets_use *use, const uint8_t *sealed, size_t size,
                               char **ret)
{
    bcj2_status s = bcj2__secrets_open(use, sealed, size, ret);
    if (BCJ2_SUCCEEDED(s) || s == BCJ2_E_OUTOFMEMORY || s == BCJ2_E_ACCESSDENIED ||
        s == BCJ2_E_DECRYPTION_FAILED) {
        return s;
    }
    return bcj2__detail(BCJ2_E_FAIL, "%s", bcj2__detail_get());
}

bcj2_status bcj2__job_http_open(struct core *c, int64_t seq, struct store_http *ret_http,
                                char **ret_headers, char **ret_key_password)
{
    struct store_job row = {0};
    char *headers = NULL;
    *ret_http = (struct store_http){0};
    *ret_headers = *ret_key_password = NULL;
    bcj2_status s = bcj2__store_job_by_seq(c->store, seq, &row);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_http(c->store, seq, ret_http);
    }
    if (BCJ2_SUCCEEDED(s) && ret_http->headers != NULL) {
        const struct secrets_use use = use_of(c, &row.id, PURPOSE_HEADERS);
        s = open_sealed(&use, ret_http->headers, ret_http->headers_size, &headers);
        s = BCJ2_FAILED(s) ? s : to_lines(headers, ret_headers);
    }
    if (BCJ2_SUCCEEDED(s) && ret_http->key_password != NULL) {
        const struct secrets_use use = use_of(c, &row.id, PURPOSE_PASSWORD);
        s = open_sealed(&use, ret_http->key_password, ret_http->key_password_size,
                        ret_key_password);
    }
    bcj2__store_job_done(&row);
    if (BCJ2_FAILED(s)) {
        bcj2__mem_free_secret(*ret_headers);
        *ret_headers = NULL;
        bcj2__store_http_done(ret_http);
    }
    return s;
}
