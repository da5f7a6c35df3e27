/* SPDX-License-Identifier: MIT */
/* The BITS upload protocol, client side, as a pure machine (wire-protocol section 2). It takes what
   was seen and says what to do next; it makes no request, reads no clock and no file, allocates
   nothing.

       NONE --Create--> SENDING --last byte acknowledged--> REPLY --stored--> CLOSING --> DONE
         ^                 |  \--(plain upload, or no reply URL)-----------------^
         '--session lost---'

   (CREATED and SENDING of the spec are one phase: acked says which.) Every entry from outside (a
   start, a resume, an immediate retry) goes through Ping once there is a session.

   An upload-reply job is DONE when its reply is stored: Close is a farewell then, made by the
   caller (bcj2__bup_farewell_answer). A plain upload is DONE at the final answer to Close.

   In three files: bup.c (what is sent next), bup_answer.c (what an answer means), bup_size.c (how
   much is sent at once).

   Not here: when to retry a failed job (retry.h), the reply's download (get.h), header text
   (bup_msg.h). */
#ifndef BCJ2_PROTO_BUP_H
#define BCJ2_PROTO_BUP_H

#include <stdbool.h>
#include <stdint.h>
#include <bcj2/types.h>
#include "bup_msg.h"
#include "classify.h"
#include "limit.h"

enum bup_phase { BUP_NONE, BUP_SENDING, BUP_REPLY, BUP_CLOSING, BUP_DONE, BUP_PHASE_COUNT };

/* The file to send, as it is now. A change of it ends the upload. */
struct bup_source {
    uint64_t size;
    int64_t mtime_s;
    int32_t mtime_ns;
};

/* What is stored of an upload; the store has a column for each field. */
struct bup_saved {
    enum bup_phase phase;
    struct bup_source source; /* at session start */
    char session_id[LIMIT_SESSION_ID_BYTES + 1];
    char host_id[LIMIT_HOST_ID_BYTES + 1];     /* "": the origin */
    uint32_t fallback_s;                       /* BUP_NEVER: no fallback */
    uint64_t fallback_used_ms;                 /* time the fallback clock has run already */
    uint64_t acked;                            /* the next byte the server wants */
    uint32_t fragment;                         /* the size for the next fragment */
    uint32_t ceiling;                          /* LIMIT_FRAGMENT_MAX, or less after a 413 */
    char reply_url[LIMIT_REPLY_URL_BYTES + 1]; /* as the server sent it; "" = none */
    char reply_host[LIMIT_HOST_ID_BYTES + 1];  /* the host-id that took the last byte; "" */
    bool close_tried;       /* plain upload: one Close has failed for now already */
    bool new_session_tried; /* a 416 without an offset has made us start anew once */
    uint32_t bad_answers;   /* that break the protocol, in a row, over all runs */
};

struct bup {
    struct bup_saved saved;
    bcj2_job_type type;
    bcj2_job_priority priority;
    /* of this run only */
    enum bup_packet awaited;    /* what was sent last */
    uint64_t first, length;     /* of the fragment sent last */
    bool pinged;                /* the session was resumed through Ping in this run */
    bool probe;                 /* the next fragment is a probe */
    bool reply_asked_again;     /* 2.3 rule 4: the last byte was sent again for its reply URL */
    uint64_t best;              /* the highest offset seen, for the resync rule */
    uint32_t resyncs;           /* without a higher one */
    uint32_t immediate_retries; /* of this interruption */
    uint32_t sessions_lost;
    bool fallback_runs;
    uint64_t fallback_start_ms;
};

enum bup_event_type {
    BUP_EV_START,        /* run: the first time, or after an interruption */
    BUP_EV_ANSWER,       /* a complete answer to the request that was sent */
    BUP_EV_NO_ANSWER,    /* the request failed without one */
    BUP_EV_REPLY_STORED, /* the reply is on disk and synced */
};

struct bup_event {
    enum bup_event_type type;
    uint64_t now_ms;
    struct bup_source source; /* as it is now; looked at in START and ANSWER before BUP_REPLY */
    const struct hdrs *head;  /* ANSWER */
    uint64_t elapsed_ms;      /* ANSWER: from the start of the request to the answer */
    enum net_failure failure; /* NO_ANSWER */
    bcj2_status local_status; /* NO_ANSWER with NET_LOCAL_* */
    bool immediate_retries_allowed; /* NO_ANSWER: false if the job's no-progress time-out is 0 */
    uint64_t
        failing_ms; /* START: how long the job's series of transient errors has lasted; 0: there
                            is none. The fallback clock goes on between runs by it */
};

enum bup_want {
    BUP_WANT_SEND,  /* send .request */
    BUP_WANT_FETCH, /* download the reply: saved.reply_url, resolved by the caller */
    BUP_WANT_DONE,  /* the job is transferred; .farewell */
    BUP_WANT_FAIL,  /* the job fails with .failure; .farewell */
};

/* How the saved part must be stored before the wish is carried out. */
enum bup_save { BUP_SAVE_NOT, BUP_SAVE_SOFT, BUP_SAVE_DURABLE };

struct bup_step {
    enum bup_want want;
    enum bup_save save;
    struct bup_out request; /* SEND; session_id points into the machine; content_name is NULL */
    bool last;              /* SEND: carries the last byte, the answer may take minutes */
    const char *host_id;    /* SEND: replaces the URL's host; NULL: the origin. Into the machine */
    struct failure failure; /* FAIL */
    /* DONE, FAIL: NONE, CLOSE or CANCEL has still to be said, to saved.session_id at saved.host_id
       (they stay for that after the upload itself has forgotten its session) */
    enum bup_packet farewell;
    bool connected;    /* an answer was accepted: the job is TRANSFERRING */
    bool progress;     /* new bytes were acknowledged: the retry series ends */
    bool session_lost; /* progress falls back to 0 */
    const char *note;  /* static text for the log, or NULL */
};

/* A machine from what was stored; a fresh upload has saved.phase BUP_NONE and zeroes elsewhere. */
void bcj2__bup_init(struct bup *m, bcj2_job_type type, bcj2_job_priority priority,
                    const struct bup_saved *saved);

struct bup_step bcj2__bup_step(struct bup *m, const struct bup_event *event);

/* Call when a run ends (suspend, pre-emption, failure): adds the run time of the fallback clock to
   the saved part and halves the fragment size if a fragment was under way. */
void bcj2__bup_interrupted(struct bup *m, uint64_t now_ms);

/* What follows from the answer to a Close or Cancel that outlives its job. head NULL: none came. */
enum bup_farewell { BUP_FAREWELL_DONE, BUP_FAREWELL_DONE_WITH_WARNING, BUP_FAREWELL_REPEAT };
enum bup_farewell bcj2__bup_farewell_answer(enum bup_packet packet, const struct hdrs *head);

#endif
