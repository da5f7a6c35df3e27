/* SPDX-License-Identifier: MIT */
/* The HTTP options of a job, in a table of their own: most jobs have none. Secrets come and go
   sealed. Not here: which values are good (core/job_http.c), the seal (secrets). */
#include "store.h"

#include "mem.h"
#include "store_sql.h"

#define HTTP_COLUMNS                                                                         \
    "method, security_flags, ca_file, client_certificate, client_key, pinned_key, tls_min, " \
    "tls_max, headers, headers_write_only, key_password"

void bcj2__store_http_done(struct store_http *http)
{
    bcj2__mem_free(http->method);
    bcj2__mem_free(http->ca_file);
    bcj2__mem_free(http->client_certificate);
    bcj2__mem_free(http->client_key);
    bcj2__mem_free(http->pinned_key);
    bcj2__mem_free(http->headers);
    bcj2__mem_free(http->key_password);
    *http = (struct store_http){0};
}

bcj2_status bcj2__store_http(struct store *s, int64_t seq, struct store_http *ret)
{
    *ret = (struct store_http){0};
    bcj2__store_enter(s);
    struct sql q = bcj2__sql(s, "SELECT " HTTP_COLUMNS " FROM job_http WHERE job_seq = ?");
    bcj2__sql_bind_i64(&q, seq);
    if (bcj2__sql_row(&q)) {
        ret->method = bcj2__sql_text(&q);
        ret->security_flags = bcj2__sql_u32(&q);
        ret->ca_file = bcj2__sql_text(&q);
        ret->client_certificate = bcj2__sql_text(&q);
        ret->client_key = bcj2__sql_text(&q);
        ret->pinned_key = bcj2__sql_text(&q);
        ret->tls_min = (int32_t)bcj2__sql_i64(&q);
        ret->tls_max = (int32_t)bcj2__sql_i64(&q);
        ret->headers = bcj2__sql_blob(&q, &ret->headers_size);
        ret->headers_write_only = bcj2__sql_bool(&q);
        ret->key_password = bcj2__sql_blob(&q, &ret->key_password_size);
    }
    bcj2_status status = bcj2__sql_end(&q);
    bcj2__store_leave(s);
    if (BCJ2_FAILED(status)) {
        bcj2__store_http_done(ret);
    }
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}

static bool says_nothing(const struct store_http *h)
{
    return h->method == NULL && h->security_flags == 0 && h->ca_file == NULL &&
           h->client_certificate == NULL && h->client_key == NULL && h->pinned_key == NULL &&
           h->tls_min == 0 && h->tls_max == 0 && h->headers == NULL && !h->headers_write_only &&
           h->key_password == NULL;
}

static bcj2_status delete_row(struct store *s, int64_t seq)
{
    struct sql q = bcj2__sql(s, "DELETE FROM job_http WHERE job_seq = ?");
    bcj2__sql_bind_i64(&q, seq);
    bcj2_status status = bcj2__sql_run(&q);
    return status == BCJ2_S_FALSE ? BCJ2_OK : status;
}

static void bind_http(struct sql *q, const struct store_http *h, int64_t seq)
{
    bcj2__sql_bind_text(q, h->method);
    bcj2__sql_bind_i64(q, h->security_flags);
    bcj2__sql_bind_text(q, h->ca_file);
    bcj2__sql_bind_text(q, h->client_certificate);
    bcj2__sql_bind_text(q, h->client_key);
    bcj2__sql_bind_text(q, h->pinned_key);
    bcj2__sql_bind_i64(q, h->tls_min);
    bcj2__sql_bind_i64(q, h->tls_max);
    bcj2__sql_bind_blob(q, h->headers, h->headers_size);
    bcj2__sql_bind_i64(q, h->headers_write_only);
    bcj2__sql_bind_blob(q, h->key_password, h->key_password_size);
    bcj2__sql_bind_i64(q, seq);
}

/* Not REPLACE: the row may have columns of a newer version, which must stay as they are. */
static bcj2_status write_row(struct store *s, int64_t seq, const struct store_http *h)
{
    struct sql q = bcj2__sql(s, "UPDATE job_http SET (" HTTP_COLUMNS
                                ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE job_seq = ?");
    bind_http(&q, h, seq);
    bcj2_status status = bcj2__sql_run(&q);
    if (status == BCJ2_S_FALSE) {
        q = bcj2__sql(s, "INSERT INTO job_http (" HTTP_COLUMNS ", job_seq)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        bind_http(&q, h, seq);
        status = bcj2__sql_run(&q);
    }
    return status;
}

bcj2_status bcj2__store_set_http(struct store *s, int64_t seq, const struct store_http *http,
                                 bcj2_filetime now)
{
    bcj2__store_enter(s);
    bcj2_status status = bcj2__store_touch_job(s, seq, now);
    if (status == BCJ2_OK) {
        status = says_nothing(http) ? delete_row(s, seq) : write_row(s, seq, http);
    }
    bcj2__store_leave(s);
    return status;
}
