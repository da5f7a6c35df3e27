/* SPDX-License-Identifier: MIT */
/* The BITS upload protocol, server side, as a pure machine (wire-protocol 3.2, 3.3): is a request
   well formed, what does a packet do to its session, what is the answer. It opens no file, looks up
   no session and runs no application: the server does that and reports.

       RECEIVING --last byte stored--> (complete) --> FINISHING --ok, or a final no--> WAIT_CLOSE
                                           ^------- failed for now --'

   Close and Cancel end a session in every state; both are the server's to carry out.

   Not here: names of packets (bup_msg.h), ranges of GET (range.h). */
#ifndef BCJ2_PROTO_BUP_SRV_H
#define BCJ2_PROTO_BUP_SRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <bcj2/types.h>
#include "bup_msg.h"
#include "hdrs.h"
#include "limit.h"

/* What is allowed at the URL, and the switches that make the server answer as others do. */
struct bup_srv_rules {
    bool uploads_enabled;
    bool strict416;    /* an overlap or a duplicate is 416, too */
    bool conflict_409; /* an existing destination is 409, not 403 */
    bool upload_limited;
    uint64_t upload_max;      /* bytes of one upload, if upload_limited */
    uint64_t fragment_max;    /* bytes of one fragment */
    const char *host_id;      /* NULL: none */
    uint32_t host_fallback_s; /* only with host_id */
};

/* What the URL's path names. */
enum bup_srv_place {
    BUP_SRV_PLACE_FILE,      /* a file may be (made) there */
    BUP_SRV_PLACE_DIRECTORY, /* there is a directory, or the path ends in '/' */
    BUP_SRV_PLACE_FORBIDDEN, /* outside the root, through a link, in BITS-Sessions, not decodable */
};

struct bup_srv_head {
    const struct hdrs *fields; /* with the request's HTTP version */
    size_t bytes;              /* of the whole head */
    bool damaged;              /* it has bytes that a head must not have */
    enum bup_srv_place place;
};

/* A request that passed rows 1 to 10 of 3.2. */
struct bup_srv_request {
    enum bup_packet packet;
    uint64_t length; /* Content-Length */
    bcj2_guid session;
    bool session_is_guid;                        /* no session of ours has another id */
    char session_id[LIMIT_SESSION_ID_BYTES + 1]; /* as it came, to be echoed; "" = none */
    const char *range; /* FRAGMENT: Content-Range, into the head; NULL if it is missing */
};

struct bup_srv_answer {
    uint32_t status;
    bool has_code;
    bcj2_status code;
    uint32_t context; /* 5 the server, 7 its application */
    bool has_offset;
    uint64_t offset;                             /* BITS-Received-Content-Range */
    bool created;                                /* a new session: protocol and host-id are added */
    char session_id[LIMIT_SESSION_ID_BYTES + 1]; /* "" = none */
    char reply_url[LIMIT_SERVER_REPLY_URL_BYTES + 1]; /* "" = none */
};

/* Rows 1 to 10 of 3.2, in their order. True: *ret is the request. False: *ret_answer refuses it. */
bool bcj2__bup_srv_read(const struct bup_srv_rules *rules, const struct bup_srv_head *head,
                        struct bup_srv_request *ret, struct bup_srv_answer *ret_answer);

/* Answers that need no session machine. */
struct bup_srv_answer bcj2__bup_srv_ok(const struct bup_srv_request *request); /* 200 */
struct bup_srv_answer bcj2__bup_srv_error(const struct bup_srv_request *request, uint32_t status,
                                          bcj2_status code);
/* Row 11: 500, BG_E_SESSION_NOT_FOUND. */
struct bup_srv_answer bcj2__bup_srv_no_session(const struct bup_srv_request *request);
/* The destination exists and must not be overwritten. */
struct bup_srv_answer bcj2__bup_srv_exists(const struct bup_srv_rules *rules,
                                           const struct bup_srv_request *request);

/* Does the client's list (Create-Session) contain the protocol? */
bool bcj2__bup_srv_protocol_offered(const struct hdrs *fields);

enum bup_srv_phase { BUP_SRV_RECEIVING, BUP_SRV_FINISHING, BUP_SRV_WAIT_CLOSE };

/* One session, as the machine sees it; plain data, all zero when new. */
struct bup_srv_session {
    enum bup_srv_phase phase;
    uint64_t next; /* the next byte wanted: bytes 0 to next - 1 are stored */
    bool total_known;
    uint64_t total;
    bool complete; /* all bytes are stored */
    struct {       /* WAIT_CLOSE: the answer that is repeated */
        uint32_t status;
        bool has_code;
        bcj2_status code;
        uint32_t context;
        const char *reply_url; /* the caller's memory; NULL: no reply */
    } cached;
};

enum bup_srv_move {
    BUP_SRV_REFUSE, /* read over the body, if it is small, and send .answer */
    BUP_SRV_STORE,  /* of the body skip the first bytes, append the others at session.next */
    BUP_SRV_FINISH, /* read over the body, then ask bcj2__bup_srv_finish() */
};

struct bup_srv_plan {
    enum bup_srv_move move;
    uint64_t first, last, total; /* as far as they could be read; for the log */
    uint64_t skip, append;       /* STORE */
    struct bup_srv_answer answer;
};

/* A Fragment's head came. Changes total if it is the first one that is accepted. */
struct bup_srv_plan bcj2__bup_srv_fragment(const struct bup_srv_rules *rules,
                                           struct bup_srv_session *session,
                                           const struct bup_srv_request *request);

/* These bytes were appended. */
void bcj2__bup_srv_stored(struct bup_srv_session *session, uint64_t bytes);

/* The body of a STOREd fragment is whole: true: 200 with the offset; false: the upload is complete,
   ask bcj2__bup_srv_finish(). */
bool bcj2__bup_srv_body_end(const struct bup_srv_session *session,
                            const struct bup_srv_request *request,
                            struct bup_srv_answer *ret_answer);

enum bup_srv_finish {
    BUP_SRV_FINISH_CACHED, /* *ret_answer is it */
    BUP_SRV_FINISH_RUN,    /* move the file, or ask the application; then _finished() */
    BUP_SRV_FINISH_SHARE,  /* that is under way: take its answer */
};
enum bup_srv_finish bcj2__bup_srv_finish(struct bup_srv_session *session,
                                         const struct bup_srv_request *request,
                                         struct bup_srv_answer *ret_answer);

/* How finishing ended. */
struct bup_srv_outcome {
    uint32_t status; /* 2xx: success */
    bcj2_status code;
    uint32_t context;
    bool asked_application; /* its 403 is final */
    const char *reply_url;  /* NULL: no reply. Must live as long as the session */
};
void bcj2__bup_srv_finished(struct bup_srv_session *session, const struct bup_srv_outcome *outcome);
/* The answer to one who waited for it: what was cached, or the failure. */
struct bup_srv_answer bcj2__bup_srv_outcome_answer(const struct bup_srv_session *session,
                                                   const struct bup_srv_request *request,
                                                   const struct bup_srv_outcome *outcome);

/* The Ack's header lines, in the order of 1.1, each "Name: value" with NUL after it, the last
   followed by one more NUL. Date and Content-Length are the transport's. */
bool bcj2__bup_srv_build(const struct bup_srv_rules *rules, const struct bup_srv_answer *answer,
                         struct buf *ret_lines);

#endif
