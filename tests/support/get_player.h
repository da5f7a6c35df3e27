/* SPDX-License-Identifier: MIT */
/* Scripts for the download machine: what it sees and what it must wish for. Used by test_get.c and
   test_get_file.c. */
#ifndef BCJ2_TESTS_GET_PLAYER_H
#define BCJ2_TESTS_GET_PLAYER_H

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "get.h"
#include "head.h"
#include "macro.h"

#define ETAG "ETag: \"e\""
#define LM   "Last-Modified: Tue, 03 Feb 2026 10:00:00 GMT"
#define LM2  "Last-Modified: Tue, 03 Feb 2026 10:00:01 GMT"
#define DATE "Date: Tue, 03 Feb 2026 10:01:00 GMT"

/* A script is lines "input -> wish". Inputs: start, a head ("206/ Name: value", "/ " begins a line),
   "body N" (N more bytes, complete), "cut N" (N more, then the connection breaks) or the name of a
   failure. Wishes: "HEAD", "GET" ("GET 5-9" or "GET 5-" with a range, then If-Range or
   If-Unmodified-Since, then "alternative"), "body OFFSET", "ignore", "done", "fail transient|fatal CODE
   CONTEXT"; "restarted" behind it if progress falls back. Alone in a line: "restart" (a new process
   with what was saved), "no retries", "took N" (ms, from now on, for each body). */
struct player {
    struct get m;
    struct get_plan plan;
    bool no_retries;
    uint64_t elapsed;
    const char *rule;
};

static inline void describe(const struct get_step *step, char text[1300])
{
    const struct get_request *r = &step->request;
    const char *restarted = step->restarted ? " restarted" : "";
    int n = 0;
    switch (step->want) {
    case GET_WANT_REQUEST:
        n = snprintf(text, 1300, "%s", r->head ? "HEAD" : "GET");
        if (r->range) {
            n += snprintf(text + n, (size_t)(1300 - n), " %" PRIu64 "-", r->first);
        }
        if (r->range && r->last != GET_TO_END) {
            n += snprintf(text + n, (size_t)(1300 - n), "%" PRIu64, r->last);
        }
        (void)snprintf(text + n, (size_t)(1300 - n), "%s%s%s%s%s%s",
                       r->if_range != NULL ? " If-Range " : "",
                       r->if_range != NULL ? r->if_range : "",
                       r->if_unmodified_since != NULL ? " If-Unmodified-Since " : "",
                       r->if_unmodified_since != NULL ? r->if_unmodified_since : "",
                       r->alternative ? " alternative" : "", restarted);
        break;
    case GET_WANT_BODY:
        ck_assert(step->connected && step->save && step->cut);
        (void)snprintf(text, 1300, "body %" PRIu64 "%s", step->offset, restarted);
        break;
    case GET_WANT_IGNORE:
        (void)snprintf(text, 1300, "ignore%s", restarted);
        break;
    case GET_WANT_DONE:
        ck_assert(step->save && step->cut);
        (void)snprintf(text, 1300, "done");
        break;
    case GET_WANT_FAIL:
        ck_assert_ptr_nonnull(step->failure.what);
        (void)snprintf(text, 1300, "fail %s 0x%08X %d%s",
                       step->failure.transient ? "transient" : "fatal",
                       (unsigned)step->failure.code, (int)step->failure.context, restarted);
        break;
    }
}

static inline struct get_step head_event(struct player *p, const char *input)
{
    char lines[600], text[700];
    size_t length = 0;
    struct hdrs head;
    for (const char *c = input; *c != '\0'; c++) {
        bool line = c[0] == '/' && c[1] == ' ';
        lines[length++] = line ? '\n' : *c;
        c += line ? 1 : 0;
    }
    lines[length] = '\0';
    (void)snprintf(text, sizeof text, "HTTP/1.1 %.3s X%s", lines, lines + 3);
    head_from(&head, text);
    struct get_event event = {.type = GET_EV_HEAD, .head = &head};
    struct get_step step = bcj2__get_step(&p->m, &event);
    bcj2__hdrs_done(&head);
    return step;
}

static inline struct get_step input_step(struct player *p, const char *input)
{
    static const struct {
        const char *name;
        enum net_failure failure;
        bcj2_status local;
    } ends[] = {
        {"broke", NET_CONNECTION_BROKE, 0},
        {"timeout", NET_TIMEOUT, 0},
        {"no connection", NET_CANNOT_CONNECT, 0},
        {"no name", NET_NAME_NOT_RESOLVED, 0},
        {"bad certificate", NET_TLS_CERTIFICATE, 0},
        {"redirect refused", NET_REDIRECT_REFUSED, 0},
        {"no network", NET_NO_NETWORK, 0},
        {"disk full", NET_LOCAL_WRITE, BCJ2_E_DISK_FULL},
    };
    unsigned long long n = 0;
    struct get_event event = {.type = GET_EV_NO_ANSWER,
                              .failure = NET_CONNECTION_BROKE,
                              .written = p->m.saved.offset,
                              .elapsed_ms = p->elapsed,
                              .immediate_retries_allowed = !p->no_retries};
    if (strcmp(input, "start") == 0) {
        event.type = GET_EV_START;
        return bcj2__get_step(&p->m, &event);
    }
    if (sscanf(input, "body %llu", &n) == 1) {
        event.type = GET_EV_BODY_END;
        event.failure = NET_OK;
        event.written += n;
        return bcj2__get_step(&p->m, &event);
    }
    if (sscanf(input, "cut %llu", &n) == 1) {
        event.written += n;
        return bcj2__get_step(&p->m, &event);
    }
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (strcmp(input, ends[i].name) == 0) {
            event.failure = ends[i].failure;
            event.local_status = ends[i].local;
            return bcj2__get_step(&p->m, &event);
        }
    }
    return head_event(p, input);
}

static inline void play(struct player *p, const char *script)
{
    while (*script != '\0') {
        char line[700], got[1300];
        unsigned long long took = 0;
        size_t length = strcspn(script, "\n");
        ck_assert_uint_lt(length, sizeof line);
        memcpy(line, script, length);
        line[length] = '\0';
        script += length + (script[length] == '\n' ? 1 : 0);
        char *arrow = strstr(line, " -> ");
        if (strcmp(line, "restart") == 0) {
            struct get_saved saved = p->m.saved;
            bcj2__get_init(&p->m, &p->plan, &saved);
            continue;
        }
        if (sscanf(line, "took %llu", &took) == 1) {
            p->elapsed = took;
            continue;
        }
        if (strcmp(line, "no retries") == 0) {
            p->no_retries = true;
            continue;
        }
        ck_assert_ptr_nonnull(arrow);
        *arrow = '\0';
        struct get_step step = input_step(p, line);
        describe(&step, got);
        ck_assert_msg(strcmp(got, arrow + 4) == 0, "%s: \"%s\" gives \"%s\", not \"%s\"", p->rule,
                      line, got, arrow + 4);
        ck_assert(!p->m.saved.total_known || p->m.saved.offset <= p->m.saved.total);
    }
}

static inline void player_init(struct player *p, const char *rule, const struct get_plan *plan,
                               const struct get_saved *saved)
{
    const struct get_saved nothing = {0};
    *p = (struct player){.rule = rule, .plan = *plan};
    bcj2__get_init(&p->m, plan, saved == NULL ? &nothing : saved);
}

#endif
