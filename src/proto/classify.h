/* SPDX-License-Identifier: MIT */
/* From what was seen to what the job says: the code, the context and the class of an HTTP status, a
   BITS error code or a broken transfer. The one home of wire-protocol section 5. */
#ifndef BCJ2_PROTO_CLASSIFY_H
#define BCJ2_PROTO_CLASSIFY_H

#include <stdbool.h>
#include <bcj2/types.h>
#include "hdrs.h"

/* A failure of a job as the machines report it. */
struct failure {
    bcj2_status code;
    bcj2_error_context context;
    uint32_t http_status; /* 0 = none came */
    enum net_failure net; /* NET_OK unless the transfer itself failed */
    bool transient;
    bool tied_to_network;   /* no network: wait for it, not for the retry delay */
    uint32_t retry_after_s; /* the server's wish; 0 = none */
    const char *what;       /* static text: what was being done or what was wrong with the answer */
};

/* Is this status, as the answer to a request that should have succeeded, transient? */
bool bcj2__classify_http_transient(uint32_t http_status);

/* The failure for an HTTP answer. BITS-Error-Code, BITS-Error-Context and Retry-After are looked
 * at. */
struct failure bcj2__classify_answer(const struct hdrs *head, const char *what);

/* The failure for a transfer without a complete answer. local_status is the status of the failed
   file operation for NET_LOCAL_*, else ignored. */
struct failure bcj2__classify_net(enum net_failure net, bcj2_status local_status, const char *what);

/* A failure of our own making. */
struct failure bcj2__classify_local(bcj2_status code, bcj2_error_context context, bool transient,
                                    const char *what);

/* Retry-After in seconds (a number; a date is measured against the answer's Date); 0 = none. */
uint32_t bcj2__classify_retry_after(const struct hdrs *head);

#endif
