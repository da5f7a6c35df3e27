/* SPDX-License-Identifier: MIT */
/* The head of an HTTP answer (or request, at the server) as a bounded set of fields, and what can
   go wrong instead of an answer: the neutral words that net, proto and core share. */
#ifndef BCJ2_BASE_HDRS_H
#define BCJ2_BASE_HDRS_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"

/* Why no complete answer came. */
enum net_failure {
    NET_OK = 0,
    NET_NAME_NOT_RESOLVED,
    NET_CANNOT_CONNECT,   /* refused, unreachable, or no connection within the time */
    NET_CONNECTION_BROKE, /* an established connection ended before the answer was complete */
    NET_TIMEOUT,          /* stalled, or no answer within the time */
    NET_BAD_HTTP,         /* what came is not HTTP, or its head is over the limits */
    NET_TLS_CERTIFICATE,  /* authority, name, date */
    NET_TLS_REVOKED,
    NET_TLS_REVOCATION_UNKNOWN,
    NET_TLS_PIN,           /* the server's key is not the pinned one */
    NET_TLS_CLIENT_WANTED, /* the server wants a client certificate, or another one */
    NET_TLS_CLIENT_KEY,    /* ours cannot be used: not a certificate, wrong key or password */
    NET_TLS_FILE,          /* a file that TLS needs could not be read; see the result's status */
    NET_TLS_HANDSHAKE,     /* TLS failed for another reason */
    NET_PROXY_NOT_RESOLVED,
    NET_PROXY_CANNOT_CONNECT,
    NET_NO_NETWORK,
    NET_REDIRECT_REFUSED, /* too many, from https to http, or to what is no plain http(s) URL */
    NET_LOCAL_READ,       /* the file to send could not be read; see the result's status */
    NET_LOCAL_WRITE,      /* the file to write could not be written; see the result's status */
    NET_LOCAL_SHORT,      /* the file to send ended before the range did, or changed */
    NET_ABORTED,          /* we stopped it */
    NET_NO_MEMORY,
    NET_OTHER,
    NET_FAILURE_COUNT
};

/* "host not found", "connection refused", …; never NULL. */
const char *bcj2__net_failure_text(enum net_failure failure);

struct hdrs {
    uint32_t status; /* 100 to 999; 0 = none yet */
    uint8_t http_major, http_minor;
    uint32_t count;
    bool overflow;   /* a field did not fit: the head must not be trusted */
    struct buf text; /* name NUL value NUL, one field after the other */
};

void bcj2__hdrs_init(struct hdrs *h); /* empty, with the limits of limit.h */
void bcj2__hdrs_done(struct hdrs *h);
void bcj2__hdrs_clear(struct hdrs *h); /* for the next head (1xx, redirects) */
/* Adds a field; value is trimmed. A NUL, CR or LF in it, or one more than the limits, sets
 * overflow. */
bool bcj2__hdrs_add(struct hdrs *h, const char *name, size_t name_length, const char *value,
                    size_t value_length);
/* One line of a head as it came, with or without its line end: a status line starts a new head. */
bool bcj2__hdrs_line(struct hdrs *h, const char *line, size_t length);
/* The first field of that name (case ignored), or NULL. */
const char *bcj2__hdrs_get(const struct hdrs *h, const char *name);
uint32_t bcj2__hdrs_count(const struct hdrs *h, const char *name);
/* False if the field is there twice with different values. */
bool bcj2__hdrs_unanimous(const struct hdrs *h, const char *name);

#endif
