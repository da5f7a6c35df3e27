/* SPDX-License-Identifier: MIT */
/* Scripts for the upload client: what it sees and what it must wish for. Used by test_bup.c and
   test_bup_table.c. */
#ifndef BCJ2_TESTS_BUP_PLAYER_H
#define BCJ2_TESTS_BUP_PLAYER_H

#include <inttypes.h>
#include <stdio.h>
#include "bup.h"
#include "head.h"
#include "macro.h"

#define UPLOAD     BCJ2_JOB_TYPE_UPLOAD
#define REPLY      BCJ2_JOB_TYPE_UPLOAD_REPLY
#define PROTOCOL   "BITS-Protocol: " BUP_PROTOCOL_ID
#define SNF        "BITS-Error-Code: 0x8020001F"
#define CREATE_ACK "200\nBITS-Packet-Type: Ack\n" PROTOCOL "\nBITS-Session-Id: s1"

/* Scripts begin with one of these: a session is open, the first fragment is under way. OPEN_H: on a
   host that the server named. */
#define OPEN   "start -> Create-Session\ncreated -> Fragment 0-262143\n"
#define OPEN_H "start -> Create-Session\ncreated @h -> Ping @h\nok -> Fragment 0-262143 @h\n"

/* A script is lines "input -> wish". A wish is a packet ("Fragment 0-6", "Ping @host"), "fetch",
   "done" (with "+Close-Session" if that is still to be said) or "fail transient|fatal CODE CONTEXT"
   (with "+Cancel-Session"). What follows " | " are flags that must be there: durable, soft, unsaved,
   connected, progress, lost, last. */
struct player {
    struct bup m;
    struct bup_source source;
    uint64_t now, elapsed, failing;
    bool no_retries;
    const char *rule;
};

static inline void describe(const struct bup_step *step, const struct bup *m, char text[200])
{
    const char *farewell = bcj2__bup_msg_packet_name(step->farewell);
    const char *plus = farewell[0] == '\0' ? "" : "+";
    const struct bup_out *r = &step->request;
    switch (step->want) {
    case BUP_WANT_SEND:
        if (r->packet == BUP_PACKET_FRAGMENT && r->length > 0) {
            (void)snprintf(text, 200, "Fragment %" PRIu64 "-%" PRIu64, r->first,
                           r->first + r->length - 1);
            ck_assert_uint_eq(r->total, m->saved.source.size);
        } else {
            (void)snprintf(text, 200, "%s%s", bcj2__bup_msg_packet_name(r->packet),
                           r->packet == BUP_PACKET_FRAGMENT ? " empty" : "");
        }
        if (step->host_id != NULL) {
            size_t n = strlen(text);
            (void)snprintf(text + n, 200 - n, " @%s", step->host_id);
        }
        break;
    case BUP_WANT_FETCH:
        (void)snprintf(text, 200, "fetch %.100s", m->saved.reply_url);
        break;
    case BUP_WANT_DONE:
        (void)snprintf(text, 200, "done%s%s", plus, farewell);
        break;
    case BUP_WANT_FAIL:
        ck_assert_ptr_nonnull(step->failure.what);
        (void)snprintf(text, 200, "fail %s 0x%08X %d%s%s",
                       step->failure.transient ? "transient" : "fatal",
                       (unsigned)step->failure.code, (int)step->failure.context, plus, farewell);
        break;
    }
}

static inline bool has_flag(const struct bup_step *step, const char *flag)
{
    static const char *const saves[] = {"unsaved", "soft", "durable"};
    return strcmp(flag, saves[step->save]) == 0 ||
           (step->connected && strcmp(flag, "connected") == 0) ||
           (step->progress && strcmp(flag, "progress") == 0) ||
           (step->session_lost && strcmp(flag, "lost") == 0) ||
           (step->last && strcmp(flag, "last") == 0);
}

static inline struct bup_step answer(struct player *p, const char *status_and_fields)
{
    char text[1024];
    struct hdrs head;
    (void)snprintf(text, sizeof text, "HTTP/1.%c %.3s X%s", status_and_fields[0] == '~' ? '0' : '1',
                   status_and_fields + (status_and_fields[0] == '~' ? 1 : 0),
                   status_and_fields + (status_and_fields[0] == '~' ? 4 : 3));
    head_from(&head, text);
    struct bup_step step = bcj2__bup_step(&p->m, &(struct bup_event){.type = BUP_EV_ANSWER,
                                                                     .now_ms = p->now,
                                                                     .source = p->source,
                                                                     .head = &head,
                                                                     .elapsed_ms = p->elapsed});
    bcj2__hdrs_done(&head);
    return step;
}

static inline struct bup_step breaks(struct player *p, enum net_failure failure, bcj2_status local)
{
    return bcj2__bup_step(&p->m, &(struct bup_event){.type = BUP_EV_NO_ANSWER,
                                                     .now_ms = p->now,
                                                     .source = p->source,
                                                     .failure = failure,
                                                     .local_status = local,
                                                     .immediate_retries_allowed = !p->no_retries});
}

/* Inputs that only change what is around the machine. */
static inline bool around(struct player *p, const char *input)
{
    unsigned long long n = 0;
    if (sscanf(input, "wait %llu", &n) == 1) {
        p->now += n;
    } else if (sscanf(input, "elapsed %llu", &n) == 1) {
        p->elapsed = n;
    } else if (sscanf(input, "failing %llu", &n) == 1) {
        p->failing = n;
    } else if (sscanf(input, "fragment %llu", &n) == 1) {
        p->m.saved.fragment = (uint32_t)n;
    } else if (strcmp(input, "touch") == 0) {
        p->source.mtime_ns++;
    } else if (strcmp(input, "grow") == 0) {
        p->source.size++;
    } else if (strcmp(input, "no retries") == 0) {
        p->no_retries = true;
    } else if (strcmp(input, "restart") == 0) {
        struct bup_saved saved = p->m.saved;
        bcj2__bup_init(&p->m, p->m.type, p->m.priority, &saved);
    } else if (strcmp(input, "interrupt") == 0) {
        bcj2__bup_interrupted(&p->m, p->now);
    } else {
        return false;
    }
    return true;
}

/* A head as scripts write it, "404/ Name: value": "/ " begins a line. */
static inline void unfold(const char *input, char text[512])
{
    size_t length = 0;
    for (const char *c = input; *c != '\0'; c++) {
        bool line = c[0] == '/' && c[1] == ' ';
        text[length++] = line ? '\n' : *c;
        c += line ? 1 : 0;
    }
    text[length] = '\0';
}

/* "ok" and "416 N" are the usual Acks. */
static inline struct bup_step input_step(struct player *p, const char *input)
{
    char text[512];
    unsigned long long n = 0;
    static const struct {
        const char *name;
        enum net_failure failure;
        bcj2_status local;
    } ends[] = {
        {"broke", NET_CONNECTION_BROKE, 0},
        {"timeout", NET_TIMEOUT, 0},
        {"no connection", NET_CANNOT_CONNECT, 0},
        {"bad certificate", NET_TLS_CERTIFICATE, 0},
        {"no network", NET_NO_NETWORK, 0},
        {"short file", NET_LOCAL_SHORT, 0},
        {"unreadable", NET_LOCAL_READ, BCJ2_E_ACCESSDENIED},
        {"locked", NET_LOCAL_READ, BCJ2_E_SHARING_VIOLATION},
    };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (strcmp(input, ends[i].name) == 0) {
            return breaks(p, ends[i].failure, ends[i].local);
        }
    }
    if (strcmp(input, "start") == 0 || strcmp(input, "stored") == 0) {
        return bcj2__bup_step(&p->m, &(struct bup_event){.type = strcmp(input, "start") == 0
                                                                     ? BUP_EV_START
                                                                     : BUP_EV_REPLY_STORED,
                                                         .now_ms = p->now,
                                                         .failing_ms = p->failing,
                                                         .source = p->source});
    }
    if (strcmp(input, "created") == 0) {
        return answer(p, CREATE_ACK);
    }
    if (strcmp(input, "created @h") == 0) {
        return answer(p, CREATE_ACK "\nBITS-Host-Id: h\nBITS-Host-Id-Fallback-Timeout: 60");
    }
    if (strcmp(input, "ok") == 0) {
        return answer(p, "200\nBITS-Packet-Type: Ack");
    }
    if (sscanf(input, "ok %llu reply %63s", &n, text + 256) == 2) {
        (void)snprintf(text, 256,
                       "200\nBITS-Packet-Type: Ack\nBITS-Received-Content-Range: %llu\n"
                       "BITS-Reply-URL: %.63s",
                       n, text + 256);
        return answer(p, text);
    }
    if (sscanf(input, "ok %llu", &n) == 1 || sscanf(input, "416 %llu", &n) == 1) {
        (void)snprintf(text, 256, "%s\nBITS-Packet-Type: Ack\nBITS-Received-Content-Range: %llu",
                       input[0] == 'o' ? "200" : "416", n);
        return answer(p, text);
    }
    unfold(input, text);
    return answer(p, text);
}

static inline void check_wish(struct player *p, const char *input, const struct bup_step *step,
                              const char *want)
{
    char got[200], flag[32];
    const char *flags = strstr(want, " | ");
    size_t length = flags == NULL ? strlen(want) : (size_t)(flags - want);
    describe(step, &p->m, got);
    ck_assert_msg(strlen(got) == length && memcmp(got, want, length) == 0,
                  "%s: \"%s\" gives \"%s\", not \"%s\"", p->rule, input, got, want);
    for (flags = flags == NULL ? "" : flags + 3; sscanf(flags, "%31s", flag) == 1;
         flags += strspn(flags, " ") + strlen(flag)) {
        ck_assert_msg(has_flag(step, flag), "%s: \"%s\" is not %s", p->rule, input, flag);
    }
}

static inline void play(struct player *p, const char *script)
{
    while (*script != '\0') {
        char line[300];
        size_t length = strcspn(script, "\n");
        ck_assert_uint_lt(length, sizeof line);
        memcpy(line, script, length);
        line[length] = '\0';
        script += length + (script[length] == '\n' ? 1 : 0);
        char *arrow = strstr(line, " -> ");
        if (arrow == NULL) {
            ck_assert_msg(around(p, line), "%s: \"%s\"", p->rule, line);
            continue;
        }
        *arrow = '\0';
        struct bup_step step = input_step(p, line);
        check_wish(p, line, &step, arrow + 4);
    }
}

static inline void player_begin(struct player *p, const char *rule, bcj2_job_type type,
                                uint64_t size)
{
    struct bup_saved nothing = {0};
    *p = (struct player){.rule = rule, .now = 1000000, .elapsed = 5000};
    p->source = (struct bup_source){.size = size, .mtime_s = 7};
    bcj2__bup_init(&p->m, type, BCJ2_JOB_PRIORITY_NORMAL, &nothing);
}

#endif
