/* SPDX-License-Identifier: MIT */
/* The HTTP options of a job in the form in which a request carries them: custom headers, TLS. Its secrets are
   in memory as long as one of these is. Not here: how they are set, sealed and opened (job_http.h). */
#ifndef BCJ2_CORE_HTTP_OPTIONS_H
#define BCJ2_CORE_HTTP_OPTIONS_H

#include "job_http.h"
#include "net.h"

struct http_options {
    struct store_http row;
    char *lines; /* the custom headers as net_request.private_lines; NULL: none */
    size_t lines_size;
    char *key_password;
    bool any_tls; /* tls says something */
};

/* Those of a job; none if there is no such job (any more). On failure *ret is empty; see
   bcj2__job_http_open(). */
bcj2_status bcj2__http_options_load(struct core *c, int64_t job_seq, struct http_options *ret);
void bcj2__http_options_done(struct http_options *o); /* wipes and frees; empty afterwards */
/* Is there something that only the job's own server may see? */
bool bcj2__http_options_private(const struct http_options *o);
/* own: the request goes to the job's own server; else it has none of what is private. *tls is what
   request->tls points to. */
void bcj2__http_options_fill(const struct http_options *o, bool own, struct net_request *request,
                             struct net_tls *tls);

#endif
