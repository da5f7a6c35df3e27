/* SPDX-License-Identifier: MIT */
/* The download of one resource as a pure machine (wire-protocol 2.9, 4.2-4.4): which request
   continues it, whether the answer may be written to the file and where, whether it is whole. Today
   it fetches the reply of an upload-reply job: no HEAD, one plain GET, a continued one with Range
   and a condition.

   In two files: get.c (what is asked next), get_answer.c (what a head means).

   The caller shows it the head before the first body byte is written (BCJ2 pauses the transfer),
   stores the saved part, and only then lets the body flow. */
#ifndef BCJ2_PROTO_GET_H
#define BCJ2_PROTO_GET_H

#include <stdbool.h>
#include <stdint.h>
#include <bcj2/types.h>
#include "classify.h"
#include "hdrs.h"
#include "limit.h"

/* What is stored of a download; the store has a column for each field. */
struct get_saved {
    bool begun; /* an answer was accepted: the validators below are those of the bytes we have */
    bool total_known;
    uint64_t total;                                /* if total_known */
    uint64_t offset;                               /* bytes written, in order from 0 */
    uint64_t synced;                               /* of those, synced to disk */
    char etag[LIMIT_VALIDATOR_BYTES + 1];          /* strong, else "" */
    char last_modified[LIMIT_VALIDATOR_BYTES + 1]; /* exact text, else "" */
    bool last_modified_strong;                     /* at least 60 s older than the answer's Date */
    uint32_t restarts;                             /* since the last whole attempt */
    uint32_t preconditions_failed;                 /* 412 to an unchanged Last-Modified, in a row */
    bool plain_only;      /* a 200 came where 206 was asked: no more ranges */
    bool origin_tried;    /* in this run, the reply's host was exchanged for the origin */
    uint32_t bad_answers; /* that break the protocol, in a row, over all runs */
};

struct get {
    struct get_saved saved;
    bool has_alternative; /* there is another host to try on 404 or no connection */
    /* of this run only */
    bool awaiting, asked_range;
    uint64_t asked_first;
    bool accepted; /* the present answer's body is being written */
    bool body_length_known;
    uint64_t body_end; /* offset after the body, if its length is known */
    bool asked_condition;
    uint32_t immediate_retries;
    enum net_failure first_host_failure; /* why the alternative is asked; NET_OK: for a 404 */
};

enum get_event_type {
    GET_EV_START,     /* run; saved.offset is what can be believed of the file */
    GET_EV_HEAD,      /* an answer's head, before its body */
    GET_EV_BODY_END,  /* the body of the accepted (or an ignored) answer is complete; .written */
    GET_EV_NO_ANSWER, /* it broke: before the head, or in the body; .written */
};

struct get_event {
    enum get_event_type type;
    uint64_t now_ms;
    const struct hdrs *head;
    uint64_t written; /* the file's offset now: bytes of it that are good */
    enum net_failure failure;
    bcj2_status local_status;
    bool immediate_retries_allowed;
};

enum get_want {
    GET_WANT_REQUEST, /* send .request */
    GET_WANT_BODY,    /* let the body flow, written from .offset on (cut the file there first) */
    GET_WANT_IGNORE,  /* throw this answer's body away; the next event is BODY_END or NO_ANSWER */
    GET_WANT_DONE,    /* whole: sync it */
    GET_WANT_FAIL,
};

struct get_request {
    bool range;
    uint64_t first;                  /* "bytes=first-" */
    const char *if_range;            /* into the machine, or NULL */
    const char *if_unmodified_since; /* into the machine, or NULL */
    bool alternative;                /* use the other host's URL */
};

struct get_step {
    enum get_want want;
    bool save; /* store the saved part (soft) before the wish is carried out */
    struct get_request request;
    uint64_t offset; /* BODY */
    struct failure failure;
    bool connected;   /* an answer was accepted */
    bool restarted;   /* the file starts from 0 again */
    const char *note; /* static text for the log, or NULL */
};

void bcj2__get_init(struct get *m, bool has_alternative, const struct get_saved *saved);
struct get_step bcj2__get_step(struct get *m, const struct get_event *event);

#endif
