/* SPDX-License-Identifier: MIT */
/* The transfer engine: HTTP requests over one libcurl multi handle. One thread owns an engine and
   calls everything but bcj2__net_wake(); nothing is decided inside a libcurl callback, what
   happened comes out of bcj2__net_next() after the transfer work is done. Files are read and
   written by offset, straight from and to their descriptors.

   Not here: what to send, what an answer means (proto, core), which transfer runs (core/queue). */
#ifndef BCJ2_NET_H
#define BCJ2_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <bcj2/types.h>
#include "hdrs.h"
#include "log.h"

struct net;

/* What becomes of 301, 302, 303, 307 and 308 with a Location; never followed with a body. At most
   LIMIT_REDIRECTS hops, to http(s) URLs without a user name. */
enum net_redirects {
    NET_REDIRECTS_NONE,             /* it is the answer */
    NET_REDIRECTS_FOLLOW,           /* never from https to http */
    NET_REDIRECTS_FOLLOW_DOWNGRADE, /* that too */
};

/* How a job wants TLS; NULL and 0 are the defaults: the system's CAs (or $CURL_CA_BUNDLE /
   $SSL_CERT_FILE, as libcurl's own tools do), TLS 1.2 at least. Connections are not shared between
   transfers whose options differ. Of security_flags count:
   BCJ2_SSL_ENABLE_CRL_CHECK: the server must staple a good OCSP answer;
   BCJ2_SSL_IGNORE_CERT_CN_INVALID: the name is not looked at;
   BCJ2_SSL_IGNORE_UNKNOWN_CA: nothing but the name and the pinned key is (libcurl has no finer one). */
struct net_tls {
    const char *ca_file;      /* PEM; trusted instead of the system's */
    const char *certificate;  /* PEM; shown to the request's own origin only */
    const char *key;          /* NULL: in the certificate's file */
    const char *key_password; /* NULL: none */
    const char *pinned_key;   /* "sha256//BASE64", more behind ';', or a PEM/DER file */
    bcj2_tls_version min, max;
    uint32_t security_flags;
};

struct net_request {
    uint64_t token;     /* the caller's name for the transfer; unique among running ones */
    const char *method; /* any token; "HEAD": no body comes */
    const char *url;    /* without fragment */
    const char *lines;  /* "Name: value" NUL … NUL: more header lines; NULL: none */
    /* of the same form, for the request's own origin (scheme, host, port) only: the first redirect to
       another drops them for good */
    const char *private_lines;
    const struct net_tls *tls; /* NULL: defaults; copied */
    bool http2;                /* may be used, if the server offers it over TLS */
    bool has_body;             /* Content-Length is always sent, 0 too */
    int body_fd;               /* borrowed until the transfer's DONE */
    uint64_t body_offset, body_length;
    /* the file as it must still be when the last byte of the body is read: if it is not, that byte
       does not go out (NET_LOCAL_SHORT) */
    bool body_guarded;
    uint64_t body_file_size;
    int64_t body_mtime_s;
    int32_t body_mtime_ns;
    enum net_redirects redirects;
    bool pause_at_body; /* report the head before the first body byte and wait for
                           bcj2__net_continue() */
    int sink_fd;        /* where the body goes; borrowed; -1: drained up to 64 KiB, then cut */
    uint32_t response_timeout_ms;
};

enum net_event_type {
    NET_EV_HEAD, /* pause_at_body: the head of a final answer is there, the body waits (or is empty)
                  */
    NET_EV_DONE, /* the transfer is over, with or without an answer; the token is free */
};

struct net_event {
    enum net_event_type type;
    uint64_t token;
    const struct hdrs
        *head; /* valid until the next call of an engine function; status 0: none came */
    enum net_failure failure; /* DONE: NET_OK if the answer is complete */
    bcj2_status local_status; /* DONE with NET_LOCAL_* or NET_TLS_FILE */
    uint64_t elapsed_ms;      /* from the start to now */
    uint64_t sent;            /* bytes of the body handed to the socket */
    uint64_t written;         /* bytes written to the sink */
    uint64_t sink_offset;     /* where the next byte would go */
    bool reused;              /* on an old connection */
    bool connected;     /* a connection had been made (to the last hop, as reused is about it) */
    const char *detail; /* libcurl's words, "" if none; without secrets */
    const char *effective_url; /* after redirects; NULL if the same */
    const char *url;           /* of the last hop */
};

struct net_progress {
    uint64_t sent, written;
    bool sending; /* the body is not completely sent yet */
};

bcj2_status bcj2__net_create(const struct log *log, struct net **ret);
void *bcj2__net_destroy(struct net *n); /* aborts what runs; NULL is fine; returns NULL */

/* Starts a transfer; everything in request is copied but the descriptors. */
bcj2_status bcj2__net_start(struct net *n, const struct net_request *request);
/* After NET_EV_HEAD: the body flows into the sink from this offset on; ignore: it is drained
 * instead. */
bcj2_status bcj2__net_continue(struct net *n, uint64_t token, uint64_t sink_offset, bool ignore);
/* Between the two: nothing is written from sink_end on; with the first byte that would be, the answer is
   over, and complete. (A length in the head libcurl minds itself; not that of a part sent in chunks.)
   Unknown tokens are fine. */
void bcj2__net_bound(struct net *n, uint64_t token, uint64_t sink_end);
/* Ends a transfer now: no event comes for it any more. Its connection is closed if it was in the
   middle of something. Unknown tokens are fine. */
void bcj2__net_abort(struct net *n, uint64_t token);
bool bcj2__net_progress(const struct net *n, uint64_t token, struct net_progress *ret);
uint32_t bcj2__net_running(const struct net *n);

/* Descriptors of others that end bcj2__net_poll() when they are ready; copied, and kept until the next
   call of this function. BCJ2_OK; BCJ2_E_OUTOFMEMORY (the old ones stay). */
struct net_fd {
    int fd;
    bool read, write;
};
bcj2_status bcj2__net_watch(struct net *n, const struct net_fd *fds, size_t count);

/* Moves bytes, then sleeps until something can be moved, bcj2__net_wake() is called, or timeout_ms
   is over (UINT64_MAX: for ever). Returns at once if events wait. Time-outs of transfers are kept
   here. */
bcj2_status bcj2__net_poll(struct net *n, uint64_t timeout_ms);
/* Whether one of the descriptors of bcj2__net_watch() was ready in the last bcj2__net_poll(); true too
   where that failed. */
bool bcj2__net_watched(const struct net *n);
/* The next event; false: none. */
bool bcj2__net_next(struct net *n, struct net_event *ret);
/* Any thread: makes bcj2__net_poll() return, now or the next time. */
void bcj2__net_wake(struct net *n);

#endif
