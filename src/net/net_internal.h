/* SPDX-License-Identifier: MIT */
/* What the files of the transfer engine share: the engine, one transfer, and who does what.

   net_engine.c   the multi handle: starting, ending, events, teardown
   net_poll.c     its turns: moving, time-outs, waiting
   net_list.c     where transfers are kept: running, with an event, for later
   net_xfer.c     one transfer: libcurl's callbacks, and how it ends
   net_setup.c    the options of an easy handle
   net_tls.c      those that are about TLS
   net_redirect.c the next hop
   net_failure.c  libcurl's codes in our words

   Not here: anything another floor may use (net.h). */
#ifndef BCJ2_NET_INTERNAL_H
#define BCJ2_NET_INTERNAL_H

#include <curl/curl.h>
#include "net.h"

/* Idle connections that are kept: those of all foreground slots, to the origin and to a host-id. */
#define NET_KEPT_CONNECTIONS 128
/* Finished transfers kept with their easy handles for the next ones. */
#define NET_KEPT_TRANSFERS 64
/* What libcurl takes from a large body at once: one turn of the engine sends up to that much. Half of
   it costs a tenth more processor time, twice of it saves nothing. */
#define NET_SEND_BUFFER (1024L * 1024)
/* What it reads at once of a body that is kept. */
#define NET_RECEIVE_BUFFER (256L * 1024)

/* Where a transfer stands; decides which time-out counts. */
enum xfer_phase {
    XFER_CONNECTING, /* name, connection, TLS: libcurl's own connect time-out counts */
    XFER_SENDING,    /* the body is being sent: send stall */
    XFER_WAITING,    /* all sent, no final status line yet: response time-out */
    XFER_RECEIVING,  /* the status line is there: receive stall */
    XFER_PAUSED,     /* waiting for bcj2__net_continue(): none */
    XFER_OVER,       /* out of the multi handle; an event is due, or the HEAD's answer is awaited */
};

enum xfer_due { XFER_NOTHING_DUE, XFER_HEAD_DUE, XFER_DONE_DUE };

struct xfer {
    struct net *net;
    struct xfer *next, *previous; /* among the running, or among the kept (next only) */
    struct xfer *next_event;
    CURL *easy;
    struct curl_slist *lines;       /* all header lines; the private ones last */
    struct curl_slist *last_public; /* of them; NULL: the private ones were dropped, or none */
    char *url;                      /* of this hop */
    uint32_t hops;                  /* redirects that were followed */

    uint64_t token;
    bool has_body;
    enum net_redirects redirects;
    bool is_head, is_post;
    int body_fd;
    uint64_t body_offset, body_length, body_taken; /* taken: given to libcurl */
    bool body_guarded;
    uint64_t body_file_size;
    int64_t body_mtime_s;
    int32_t body_mtime_ns;
    uint64_t response_timeout_ms;

    enum xfer_phase phase;
    enum xfer_due due;
    uint64_t started_ms;
    uint64_t moved_ms;      /* when the socket last took or gave bytes, or the phase began */
    uint64_t head_ms;       /* when the head was complete */
    uint64_t sent;          /* bytes of the body the socket took */
    uint64_t seen_received; /* bytes of a body libcurl saw coming, also of a redirect's */
    uint64_t received;      /* bytes of the answer's body that reached us, written or not */
    bool connected, reused;
    long connections_made;

    uint32_t interim_heads, interim_bytes; /* 1xx since the request went out */
    struct hdrs head;
    bool head_complete; /* of a final answer: what comes now is body or trailers */
    bool asks_at_body;  /* pause_at_body, and the caller was not asked yet */
    bool awaits_answer; /* NET_EV_HEAD was made, bcj2__net_continue() has not come */
    int sink_fd;        /* -1: drained */
    uint64_t sink_offset, sink_end, written;
    bool cut; /* the body was too long to be drained, or for the sink: we closed the connection */

    enum net_failure failure;  /* set by whoever saw it first; NET_OK: ask libcurl's code */
    char why[CURL_ERROR_SIZE]; /* that failure in words; "": none */
    bcj2_status local_status;
    char detail[CURL_ERROR_SIZE]; /* libcurl writes its words here */
};

struct net_identity;

struct net {
    const struct log *log;
    CURLM *multi;
    char *ca_file;                   /* NULL: libcurl's own choice */
    struct net_identity *identities; /* client certificates with their keys, as they were used */
    struct xfer *running;
    uint32_t running_count;
    struct xfer *first_event, *last_event;
    struct xfer *spent; /* its DONE was handed out: free at the next call */
    struct xfer *kept;
    uint32_t kept_count;
    struct curl_waitfd *watched; /* of others, for the poll */
    size_t watched_count, watched_room;
    bool poll_failed; /* the last one: nobody knows who is ready */
    bool moved;       /* something was started or continued since the last perform */
};

/* ---- net_engine.c ---- */

/* Out of the multi handle, with libcurl's result; the next event follows from what was seen. */
void bcj2__net_finish(struct xfer *x, CURLcode result);

/* ---- net_setup.c ---- */

/* The first failure of a series sticks. */
#define SET(result, easy, option, value)                            \
    do {                                                            \
        if ((result) == CURLE_OK) {                                 \
            (result) = curl_easy_setopt((easy), (option), (value)); \
        }                                                           \
    } while (0)

/* All options of x->easy for the request; x is filled already. */
bcj2_status bcj2__net_setup(struct xfer *x, const struct net_request *request);

/* ---- net_tls.c ---- */

/* A file that cannot be read, or a check this libcurl cannot do, fails x; NULL: defaults. */
CURLcode bcj2__net_set_tls(struct xfer *x, const struct net_tls *tls);
/* No client certificate from now on. */
CURLcode bcj2__net_drop_certificate(struct xfer *x);
void bcj2__net_free_identities(struct net *n);

/* ---- net_redirect.c ---- */

/* Is the head that is there one that is followed: not the answer? */
bool bcj2__net_is_redirect(const struct xfer *x);
/* x, out of the multi handle, becomes the request to where its head points. False: it is refused, and
   x fails. */
bool bcj2__net_redirect(struct xfer *x);

/* ---- net_xfer.c ---- */

/* Ours is the verdict; libcurl only hears that a callback failed, and its words say just that. */
void bcj2__net_fail(struct xfer *x, enum net_failure failure, const char *why);

size_t bcj2__net_on_read(char *to, size_t size, size_t count, void *user);
int bcj2__net_on_seek(void *user, curl_off_t offset, int origin);
size_t bcj2__net_on_header(char *line, size_t size, size_t count, void *user);
size_t bcj2__net_on_write(char *data, size_t size, size_t count, void *user);
int bcj2__net_on_progress(void *user, curl_off_t to_receive, curl_off_t received,
                          curl_off_t to_send, curl_off_t sent);
int bcj2__net_on_request(void *user, char *remote_ip, char *local_ip, int remote_port,
                         int local_port);
/* When the transfer is too late; UINT64_MAX: no time-out counts now. */
uint64_t bcj2__net_deadline(const struct xfer *x);
/* The transfer has left the multi handle with libcurl's result: makes the verdict. */
void bcj2__net_conclude(struct xfer *x, CURLcode result);

/* ---- net_list.c ---- */

struct xfer *bcj2__net_find(const struct net *n, uint64_t token); /* running; NULL: none */
void bcj2__net_link(struct net *n, struct xfer *x);               /* among the running */
void bcj2__net_unlink(struct net *n, struct xfer *x);
void bcj2__net_due(struct xfer *x, enum xfer_due due);      /* puts x at the end of the events */
void bcj2__net_forget_event(struct net *n, struct xfer *x); /* x may have none */
struct xfer *bcj2__net_take(struct net *n);                 /* a kept or new one; NULL: no memory */
/* Keeps or frees x, which is in no list and out of the multi handle. */
void bcj2__net_keep(struct net *n, struct xfer *x);
void bcj2__net_free(struct xfer *x);
void bcj2__net_wipe_lines(struct curl_slist *lines); /* and frees them */
void bcj2__net_free_spent(struct net *n);            /* the one whose DONE was handed out, if any */

/* ---- net_failure.c ---- */

/* What is known of a transfer that libcurl ended with an error. */
struct net_fault {
    CURLcode code;
    bool connected;     /* a request could be sent */
    bool head_begun;    /* a status line came, but the head is not complete */
    bool to_proxy;      /* the connection that was tried was the proxy's */
    int os_error;       /* errno of the connection, 0 = unknown */
    const char *detail; /* libcurl's words, may be "" */
};
enum net_failure bcj2__net_failure_of(const struct net_fault *fault);
bcj2_status bcj2__net_status_of(CURLcode code); /* of curl_easy_setopt and the like */
bcj2_status bcj2__net_multi_status(CURLMcode code, const char *what); /* BCJ2_OK for CURLM_OK */
/* libcurl's words fit for people: no query, no control characters. */
void bcj2__net_clean_detail(char *detail);

#endif
