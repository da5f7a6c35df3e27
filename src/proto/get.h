/* SPDX-License-Identifier: MIT */
/* The download of one resource as a pure machine (wire-protocol 2.9, 4.1-4.5, 4.7): which request
   continues it, whether the answer may be written to the file and where, whether it is whole. It
   fetches a file of a download job (HEAD, then fragments, or the rest at once; a list of ranges one
   after the other) or the reply of an upload-reply job (no HEAD, one plain GET; a continued one with
   an open range). Either goes on under a condition, and begins again when the resource changed.

   In four files: get.c (what is asked next and how a body ends), get_answer.c (what a head means),
   get_size.c (the answers that tell only the size), get_part.c (which bytes are asked).

   The caller shows it the head before the first body byte is written (BCJ2 pauses the transfer),
   cuts the file where the step says so, stores the saved part, and only then lets the body flow. */
#ifndef BCJ2_PROTO_GET_H
#define BCJ2_PROTO_GET_H

#include <stdbool.h>
#include <stdint.h>
#include <bcj2/types.h>
#include "classify.h"
#include "hdrs.h"
#include "limit.h"

/* A part of the resource that is wanted. */
struct get_range {
    uint64_t offset, length; /* GET_TO_END: to the end, wherever that is */
};
#define GET_TO_END UINT64_MAX

/* What is to be fetched, and how; the same for all runs of one file but foreground and fragment. */
struct get_plan {
    bool reply;      /* of an upload-reply job: its size need not be known before, or at all */
    bool foreground; /* the rest in one request; else fragments */
    bool once;       /* a method of the application's own: one request, and an interruption is the
                        end; from 0 at the next start */
    bool has_alternative; /* reply: there is another host to try on 404 or no connection */
    uint32_t fragment;    /* bytes, as another file of the job found them right (get.fragment); 0:
                             none did yet */
    const struct get_range *ranges; /* borrowed; the file is these, one after the other */
    uint32_t range_count;           /* 0: the whole resource */
};

/* What is stored of a download; the store has a column for each field. Offsets and total are those
   of the local file. */
struct get_saved {
    bool begun; /* an answer was accepted: the validators below are those of the bytes we have */
    bool total_known;
    uint64_t total;                                /* if total_known */
    uint64_t remote_total;                         /* if total_known: of the resource, from which
                                                      ranges may be cut */
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

enum get_asked {
    GET_ASKED_BYTES,
    GET_ASKED_HEAD,
    GET_ASKED_PROBE, /* the first byte, for the size, from a server that has no HEAD */
};

struct get {
    struct get_saved saved;
    struct get_plan plan;
    /* of this run only */
    bool awaiting, asked_range;
    enum get_asked asked;
    uint64_t asked_first;               /* offset in the file */
    uint64_t remote_first, remote_last; /* of the resource, if asked_range; GET_TO_END: open */
    bool no_head;                       /* the server refused HEAD */
    bool doubted;                       /* 416 to what must be there: has the size changed? */
    uint32_t fragment;                  /* bytes of the next one */
    bool accepted;                      /* the present answer's body is being written */
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
    uint64_t written;    /* the file's offset now: bytes of it that are good */
    uint64_t elapsed_ms; /* BODY_END: since the request was sent */
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
    bool head; /* HEAD, not GET (or the job's own method) */
    bool range;
    uint64_t first, last;            /* "bytes=first-last", GET_TO_END: "bytes=first-" */
    const char *if_range;            /* into the machine, or NULL */
    const char *if_unmodified_since; /* into the machine, or NULL */
    bool alternative;                /* use the other host's URL */
};

struct get_step {
    enum get_want want;
    bool save; /* store the saved part (soft) before the wish is carried out */
    struct get_request request;
    /* cut the file at offset before the saved part is stored: what it has behind belongs to nothing */
    bool cut;
    uint64_t offset; /* in the file, where ranges lie one after the other */
    struct failure failure;
    bool connected;   /* an answer was accepted */
    bool restarted;   /* progress falls back: the file starts from 0 again */
    const char *note; /* static text for the log, or NULL */
};

/* plan and saved are copied, the ranges are not. */
void bcj2__get_init(struct get *m, const struct get_plan *plan, const struct get_saved *saved);
struct get_step bcj2__get_step(struct get *m, const struct get_event *event);

#endif
