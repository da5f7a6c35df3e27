/* SPDX-License-Identifier: MIT */
/* One HTTP request from its request line to its end, and what libmicrohttpd asks about it. Its
   handler is called for the head, for pieces of the body, and once more when the body is whole:
   only then may an answer be queued, if the connection is to live on. */
#ifndef BCJ2_SERVER_REQUEST_H
#define BCJ2_SERVER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <microhttpd.h>
#include "buf.h"
#include "bup_srv.h"
#include "hdrs.h"
#include "timer.h"

struct server;
struct session;

enum request_stage {
    REQUEST_NEW,     /* the head is not looked at yet */
    REQUEST_BODY,    /* the body goes to the session */
    REQUEST_DRAIN,   /* the body is read over, .answer waits */
    REQUEST_FINISH,  /* the upload is complete, somebody has to finish it */
    REQUEST_WAITING, /* for the application; suspended */
    REQUEST_READY,   /* .answer can be sent */
    REQUEST_CREATE,
    REQUEST_GET,
    REQUEST_REFUSED, /* not a packet: .plain_status */
    REQUEST_BROKEN,  /* its connection must end without an answer */
    REQUEST_SENT,
};

struct request {
    struct server *server;
    struct MHD_Connection *connection;
    char *target;           /* as it came */
    const char *raw_target; /* where it stood in libmicrohttpd's buffer */
    enum request_stage stage;
    struct hdrs head;
    size_t head_bytes;
    bool head_damaged, framing_doubtful;
    struct buf path; /* decoded; empty if it cannot be */
    bool is_head;    /* HEAD */
    unsigned plain_status;
    bool lingers; /* answered before its body was read */

    /* uploads */
    struct bup_srv_request bits;
    struct bup_srv_plan plan;
    struct bup_srv_answer answer;
    struct session *session; /* held */
    int fd;                  /* of the request file, while the body comes; -1 */
    uint64_t seen, stored;   /* bytes of the body; of those new ones */
    bool logged;
    struct request *next_waiter;

    /* --limit-rate */
    struct timer_entry pause;
    uint64_t pace_due_ms;
};

/* Queues an answer without a body. close: and ends the connection after it. */
enum MHD_Result request_answer_plain(struct request *r, unsigned status, bool close);
/* Queues r->answer as an Ack. */
enum MHD_Result request_answer_ack(struct request *r, bool close);

/* Suspends the connection; false: not now, the server stops. It must be resumed once. */
bool request_suspend(struct request *r);
void request_resume(struct request *r);
/* --limit-rate: how many of these bytes may pass now (at least 1). */
size_t request_allowance(const struct request *r, size_t bytes);
/* These have passed. */
void request_passed(struct request *r, size_t bytes);
/* Suspends the connection until the next may pass. Who sends a body must not hand over bytes in the same
   breath: libmicrohttpd would go on with them, and may end a connection that is still to be resumed. */
void request_pace(struct request *r);

/* ---- head.c ---- */

/* The header list of the request, with what libmicrohttpd let through. */
void request_read_head(struct request *r, const char *method, const char *version);

/* ---- upload.c: BITS_POST ---- */

enum MHD_Result upload_begin(struct request *r);
/* A piece of the body (upload_body.c); *size becomes what was left of it. */
enum MHD_Result upload_body(struct request *r, const char *data, size_t *size);
enum MHD_Result upload_end(struct request *r);
/* The request is over, however. */
void upload_done(struct request *r);

/* ---- download.c: GET and HEAD ---- */

enum MHD_Result download(struct request *r);

#endif
