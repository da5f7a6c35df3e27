/* SPDX-License-Identifier: MIT */
/* See http_options.h. */
#include "http_options.h"
#include "detail.h"
#include "mem.h"

#include <string.h>

/* "A: b CR LF C: d CR LF" as "A: b NUL C: d NUL NUL". */
static bool take_lines(struct http_options *o, const char *headers)
{
    size_t length = strlen(headers);
    o->lines = bcj2__mem_alloc(length + 2);
    if (o->lines == NULL) {
        return false;
    }
    for (const char *p = headers; *p != '\0'; p++) {
        if (*p != '\r') {
            o->lines[o->lines_size++] = *p == '\n' ? '\0' : *p;
        }
    }
    o->lines[o->lines_size++] = '\0';
    return true;
}

bcj2_status bcj2__http_options_load(struct core *c, int64_t job_seq, struct http_options *ret)
{
    char *headers = NULL;
    *ret = (struct http_options){.lines = NULL};
    bcj2_status s = bcj2__job_http_open(c, job_seq, &ret->row, &headers, &ret->key_password);
    if (s == BCJ2_E_NOT_FOUND) {
        return BCJ2_OK;
    }
    if (BCJ2_SUCCEEDED(s) && headers != NULL && !take_lines(ret, headers)) {
        s = bcj2__detail_no_memory();
    }
    bcj2__mem_free_secret(headers);
    const struct store_http *row = &ret->row;
    ret->any_tls = row->ca_file != NULL || row->client_certificate != NULL ||
                   row->pinned_key != NULL || row->tls_min != BCJ2_TLS_VERSION_DEFAULT ||
                   row->tls_max != BCJ2_TLS_VERSION_DEFAULT || row->security_flags != 0;
    if (BCJ2_FAILED(s)) {
        bcj2__http_options_done(ret);
    }
    return s;
}

void bcj2__http_options_done(struct http_options *o)
{
    if (o->lines != NULL) {
        bcj2__mem_wipe(o->lines, o->lines_size);
    }
    bcj2__mem_free(o->lines);
    bcj2__mem_free_secret(o->key_password);
    bcj2__store_http_done(&o->row);
    *o = (struct http_options){.lines = NULL};
}

bool bcj2__http_options_private(const struct http_options *o)
{
    return o->lines != NULL || o->row.client_certificate != NULL;
}

void bcj2__http_options_fill(const struct http_options *o, bool own, struct net_request *request,
                             struct net_tls *tls)
{
    *tls = (struct net_tls){
        .ca_file = o->row.ca_file,
        .certificate = own ? o->row.client_certificate : NULL,
        .key = own ? o->row.client_key : NULL,
        .key_password = own ? o->key_password : NULL,
        .pinned_key = o->row.pinned_key,
        .min = o->row.tls_min,
        .max = o->row.tls_max,
        .security_flags = o->row.security_flags,
    };
    request->tls = o->any_tls ? tls : NULL;
    request->private_lines = own ? o->lines : NULL;
}
