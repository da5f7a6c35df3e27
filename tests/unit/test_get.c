/* SPDX-License-Identifier: MIT */
/* proto/get: the rules of wire-protocol 2.9 and, as far as a reply meets them, 4.2-4.4 and 4.7, as
   short scripts named by their rule. */
#include "../support/suite.h"
#include "../support/head.h"
#include "get.h"
#include "macro.h"

#include <inttypes.h>
#include <stdio.h>

#define ETAG "ETag: \"e\""
#define LM   "Last-Modified: Tue, 03 Feb 2026 10:00:00 GMT"
#define LM2  "Last-Modified: Tue, 03 Feb 2026 10:00:01 GMT"
#define DATE "Date: Tue, 03 Feb 2026 10:01:00 GMT"

/* ---- the player ---- */

/* A script is lines "input -> wish". Inputs: start, restart, a head ("206/ Name: value", "/ " begins
   a line), "body N" (N more bytes, complete), "cut N" (N more, then the connection breaks) or the
   name of a failure. Wishes: "GET" ("GET 5-" with a range, then If-Range or If-Unmodified-Since, then
   "alternative"), "body OFFSET", "ignore", "done", "fail transient|fatal CODE CONTEXT"; "restarted"
   behind it if progress falls back. */
struct player {
    struct get m;
    bool alternative, no_retries;
    const char *rule;
};

static void describe(const struct get_step *step, char text[1300])
{
    const struct get_request *r = &step->request;
    const char *restarted = step->restarted ? " restarted" : "";
    int n = 0;
    switch (step->want) {
    case GET_WANT_REQUEST:
        n = snprintf(text, 1300, "GET");
        if (r->range) {
            n += snprintf(text + n, (size_t)(1300 - n), " %" PRIu64 "-", r->first);
        }
        (void)snprintf(text + n, (size_t)(1300 - n), "%s%s%s%s%s",
                       r->if_range != NULL ? " If-Range " : "",
                       r->if_range != NULL ? r->if_range : "",
                       r->if_unmodified_since != NULL ? " If-Unmodified-Since " : "",
                       r->if_unmodified_since != NULL ? r->if_unmodified_since : "",
                       r->alternative ? " alternative" : "");
        break;
    case GET_WANT_BODY:
        ck_assert(step->connected && step->save);
        (void)snprintf(text, 1300, "body %" PRIu64 "%s", step->offset, restarted);
        break;
    case GET_WANT_IGNORE:
        (void)snprintf(text, 1300, "ignore%s", restarted);
        break;
    case GET_WANT_DONE:
        ck_assert(step->save);
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

static struct get_step head_event(struct player *p, const char *input)
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

static struct get_step input_step(struct player *p, const char *input)
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
        {"disk full", NET_LOCAL_WRITE, BCJ2_E_DISK_FULL},
    };
    unsigned long long n = 0;
    struct get_event event = {.type = GET_EV_NO_ANSWER,
                              .failure = NET_CONNECTION_BROKE,
                              .written = p->m.saved.offset,
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

static void play(struct player *p, const char *script)
{
    while (*script != '\0') {
        char line[700], got[1300];
        size_t length = strcspn(script, "\n");
        ck_assert_uint_lt(length, sizeof line);
        memcpy(line, script, length);
        line[length] = '\0';
        script += length + (script[length] == '\n' ? 1 : 0);
        char *arrow = strstr(line, " -> ");
        if (strcmp(line, "restart") == 0) {
            struct get_saved saved = p->m.saved;
            bcj2__get_init(&p->m, p->alternative, &saved);
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

/* ---- rules ---- */

#define IUS      " If-Unmodified-Since Tue, 03 Feb 2026 10:00:00 GMT"
#define TEN      "start -> GET\n200/ Content-Length: 10/ "
#define CUT_AT_4 " -> body 0\ncut 4 -> "

static const struct {
    const char *rule;
    bool alternative;
    const char *script;
} rules[] = {
    {"2.9 one plain GET", false,
     "start -> GET\n200/ Content-Length: 10 -> body 0\nbody 10 -> done"},
    {"2.9 an empty reply", false, "start -> GET\n200/ Content-Length: 0 -> body 0\nbody 0 -> done"},
    {"2.9 204 is an empty reply", false, "start -> GET\n204 -> body 0\nbody 0 -> done"},
    {"2.9 no length: ended by the connection or chunks", false,
     "start -> GET\n200 -> body 0\nbody 12345 -> done"},
    {"2.9 chunked, and a length that does not count", false,
     "start -> GET\n200/ Transfer-Encoding: chunked/ Content-Length: 3 -> body 0\nbody 5 -> done"},
    {"2.9 whole at the start: no request", false,
     "start -> GET\n200/ Content-Length: 10 -> body 0\nbody 10 -> done\nrestart\nstart -> done"},
    {"2.9 whole, but the connection broke", false,
     "start -> GET\n200/ Content-Length: 10 -> body 0\ncut 10 -> done"},
    {"2.9 the other host on 404, once", true,
     "start -> GET\n404 -> ignore\nbody 0 -> GET alternative\n404 -> fail fatal 0x80190194 5\n"
     "start -> GET"},
    {"2.9 the other host's reply", true,
     "start -> GET\n404 -> ignore\nbroke -> GET alternative\n200/ Content-Length: 1 -> body 0\n"
     "body 1 -> done"},
    {"2.9 the other host without a connection", true,
     "start -> GET\nno connection -> GET alternative\n200 -> body 0\nbody 1 -> done"},
    {"2.9 the other host without a name", true, "start -> GET\nno name -> GET alternative"},
    {"2.9 no connection, and the other host has nothing: the first one may come back", true,
     "start -> GET\nno connection -> GET alternative\n404 -> fail transient 0x80072EFD 5"},
    {"2.9 there is no other host", false, "start -> GET\n404 -> fail fatal 0x80190194 5"},
    {"2.9 no connection at all", false,
     "start -> GET\nno connection -> fail transient 0x80072EFD 5"},
    {"2.9 other errors do not change the host", true,
     "start -> GET\n403 -> fail fatal 0x80190193 5\nstart -> GET\n"
     "timeout -> fail transient 0x80072EE2 5"},
    {"2.7 the context is REMOTE_FILE", false,
     "start -> GET\n503/ BITS-Error-Context: 0x7 -> fail transient 0x801901F7 5"},
    {"5.1 401 and 407", false,
     "start -> GET\n401 -> fail fatal 0x80190191 5\nstart -> GET\n407 -> fail fatal 0x80190197 5"},
    {"4.2 short body: the bytes stay", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n"
                       "206/ Content-Range: bytes 4-9/10/ Content-Length: 6/ " ETAG
                       " -> body 4\nbody 6 -> done"},
    {"4.2 said to be complete, but short", false,
     TEN ETAG " -> body 0\nbody 4 -> GET 4- If-Range \"e\""},
    {"4.2 a shorter part than asked", false,
     TEN ETAG CUT_AT_4
     "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-5/10/ " ETAG
     " -> body 4\nbody 2 -> GET 6- If-Range \"e\"\n206/ Content-Range: bytes 6-9/10/ " ETAG
     " -> body 6\nbody 4 -> done"},
    {"4.2 206 without Content-Range", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ " ETAG " -> fail fatal 0x80200013 5"},
    {"4.2 another range", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 3-9/10/ " ETAG
                       " -> fail fatal 0x80200013 5"},
    {"4.2 a length that is not the range's", false,
     TEN ETAG CUT_AT_4
     "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/10/ Content-Length: 7/ " ETAG
     " -> fail fatal 0x80200013 5"},
    {"4.2 an endless range", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n"
                       "206/ Content-Range: bytes 4-18446744073709551615/*/ " ETAG
                       " -> fail fatal 0x80200013 5"},
    {"4.2 a part where the whole was asked", false,
     "start -> GET\n206/ Content-Range: bytes 0-9/10 -> fail transient 0x8020001B 5"},
    {"4.2 encoded", false,
     "start -> GET\n200/ Content-Encoding: gzip -> fail fatal 0x8020001B 5\nstart -> GET\n"
     "200/ Content-Encoding: Identity -> body 0"},
    {"4.2 a part, encoded", false,
     TEN ETAG CUT_AT_4
     "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/10/ Content-Encoding: br/ " ETAG
     " -> fail fatal 0x8020001B 5"},
    {"4.2 total not said", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/*/ " ETAG
                       " -> body 4\nbody 6 -> done"},
    {"a broken length: three are transient, the fourth is fatal", false,
     "start -> GET\n200/ Content-Length: x -> fail transient 0x8020001B 5\nrestart\nstart -> GET\n"
     "200/ Content-Length: 1/ Content-Length: 2 -> fail transient 0x8020001B 5\nrestart\n"
     "start -> GET\n203 -> fail transient 0x8020001B 5\nrestart\nstart -> GET\n"
     "202 -> fail fatal 0x8020001B 5"},
    {"4.3 200 for 206, unchanged: no ranges any more", false,
     TEN ETAG CUT_AT_4
     "GET 4- If-Range \"e\"\n200/ Content-Length: 10/ " ETAG
     " -> body 0 restarted\ncut 5 -> GET\nrestart\nstart -> GET\n200/ Content-Length: 10/ " ETAG
     " -> body 0 restarted\nbody 10 -> done"},
    {"4.3 200 for 206, changed: ranges again", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n200/ Content-Length: 12/ ETag: \"f\" -> "
                       "body 0 restarted\ncut 5 -> GET 5- If-Range \"f\""},
    {"4.4 another total", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-10/11/ " ETAG
                       " -> ignore restarted\nbody 0 -> GET"},
    {"4.4 beyond the total", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-10/*/ " ETAG
                       " -> ignore restarted\nbroke -> GET"},
    {"4.4 another entity tag", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/10/ ETag: \"f\" -> "
                       "ignore restarted"},
    {"4.4 another Last-Modified", false,
     TEN LM CUT_AT_4 "GET 4-\n206/ Content-Range: bytes 4-9/10/ " LM2 " -> ignore restarted"},
    {"4.4 Last-Modified gone", false,
     TEN LM CUT_AT_4 "GET 4-\n206/ Content-Range: bytes 4-9/10 -> ignore restarted"},
    {"4.4 Last-Modified gone, but the entity tag is there", false,
     TEN LM "/ " ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/10/ " ETAG
            " -> body 4"},
    {"4.4 only the size guards", false,
     "start -> GET\n200/ Content-Length: 10 -> body 0\ncut 4 -> GET 4-\n"
     "206/ Content-Range: bytes 4-9/10 -> body 4\nbody 6 -> done"},
    {"4.4 nothing guards: from 0", false,
     "start -> GET\n200 -> body 0\ncut 4 -> GET\n200 -> body 0 restarted\nbody 9 -> done"},
    {"4.4 a weak entity tag is none", false,
     TEN "ETag: W/\"e\"" CUT_AT_4
         "GET 4-\n206/ Content-Range: bytes 4-9/10/ ETag: W/\"e\" -> body 4"},
    {"4.4 If-Unmodified-Since for a Last-Modified 60 s old", false,
     TEN LM "/ " DATE CUT_AT_4 "GET 4-" IUS},
    {"4.4 no condition for a younger one", false, TEN LM2 "/ " DATE CUT_AT_4 "GET 4-"},
    {"4.4 the strong tag goes first", false,
     TEN LM "/ " ETAG "/ " DATE CUT_AT_4 "GET 4- If-Range \"e\""},
    {"4.4 412: from 0", false,
     TEN LM "/ " DATE CUT_AT_4 "GET 4-" IUS "\n412 -> ignore restarted\n"
            "body 0 -> GET\n200/ Content-Length: 3/ " LM2 " -> body 0\n"
            "body 3 -> done"},
    {"4.4 412 twice to the same Last-Modified: no more conditions", false,
     TEN LM
     "/ " DATE CUT_AT_4 "GET 4-" IUS "\n412 -> ignore restarted\nbody 0 -> GET\n"
     "200/ Content-Length: 10/ " LM "/ " DATE CUT_AT_4 "GET 4-" IUS
     "\n412 -> ignore restarted\nbody 0 -> GET\n200/ Content-Length: 10/ " LM "/ " DATE
     " -> body 0\nno retries\ncut 4 -> fail transient 0x80072EFE 5\nrestart\nstart -> GET 4-\n"
     "206/ Content-Range: bytes 4-9/10/ " LM " -> body 4\nbody 6 -> done"},
    {"4.4 412 to one that had changed counts anew", false,
     TEN LM
     "/ " DATE CUT_AT_4 "GET 4-" IUS "\n412 -> ignore restarted\nbody 0 -> GET\n"
     "200/ Content-Length: 10/ Last-Modified: Tue, 03 Feb 2026 09:00:00 GMT/ " DATE CUT_AT_4
     "GET 4- If-Unmodified-Since Tue, 03 Feb 2026 09:00:00 GMT\n412 -> ignore restarted\n"
     "body 0 -> GET\n200/ Content-Length: 10/ Last-Modified: Tue, 03 Feb 2026 09:00:00 GMT/ " DATE
     " -> body 0\nno retries\ncut 4 -> fail transient 0x80072EFE 5\nstart -> "
     "GET 4- If-Unmodified-Since Tue, 03 Feb 2026 09:00:00 GMT"},
    {"412 that nobody asked for", false, "start -> GET\n412 -> fail fatal 0x8019019C 5"},
    {"4.4 416, and we have it all", false,
     "start -> GET\n200/ " ETAG " -> body 0\ncut 10 -> GET 10- If-Range \"e\"\n"
     "416/ Content-Range: bytes */10 -> ignore\nbody 0 -> done"},
    {"4.4 416, and there is less", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n416/ Content-Range: bytes */3 -> ignore restarted\n"
                       "body 0 -> GET"},
    {"4.4 416 that says nothing", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n416 -> ignore restarted\nbody 0 -> GET"},
    {"4.4 416 to a plain GET", false, "start -> GET\n416 -> fail fatal 0x801901A0 5"},
    {"two immediate retries", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\nbroke -> GET 4- If-Range \"e\"\n"
                       "broke -> fail transient 0x80072EFE 5\nstart -> GET 4- If-Range \"e\""},
    {"5 K end an interruption", false,
     "start -> GET\n200/ Content-Length: 99999/ " ETAG " -> body 0\n"
     "cut 5120 -> GET 5120- If-Range \"e\"\nbroke -> GET 5120- If-Range \"e\"\n"
     "206/ Content-Range: bytes 5120-99998/99999/ " ETAG " -> body 5120\n"
     "cut 5119 -> fail transient 0x80072EFE 5\nstart -> GET 10239- If-Range \"e\"\n"
     "206/ Content-Range: bytes 10239-99998/99999/ " ETAG " -> body 10239\n"
     "cut 1 -> GET 10240- If-Range \"e\"\nbroke -> GET 10240- If-Range \"e\"\n"
     "206/ Content-Range: bytes 10240-99998/99999/ " ETAG " -> body 10240\n"
     "cut 5120 -> GET 15360- If-Range \"e\""},
    {"no immediate retry", false, "no retries\nstart -> GET\nbroke -> fail transient 0x80072EFE 5"},
    {"4.7 a refused redirect", false, "start -> GET\nredirect refused -> fail fatal 0x8020001B 5"},
    {"5.3 TLS", false, "start -> GET\nbad certificate -> fail fatal 0x80072F8F 5"},
    {"5.3 disk full: Resume goes on from what is there", false,
     TEN ETAG
     " -> body 0\ncut 4 -> GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/10/ " ETAG
     " -> body 4\ndisk full -> fail fatal 0x80070070 4\nrestart\nstart -> GET 4- If-Range \"e\""},
    {"an event out of turn", false, "200 -> fail fatal 0x8000FFFF 2"},
};

START_TEST(rule)
{
    struct get_saved nothing = {0};
    struct player p = {.alternative = rules[_i].alternative, .rule = rules[_i].rule};
    bcj2__get_init(&p.m, p.alternative, &nothing);
    play(&p, rules[_i].script);
}
END_TEST

START_TEST(too_many_changes_4_4)
{
    struct get_saved nothing = {0};
    struct player p = {.rule = "more than 5 restarts"};
    bcj2__get_init(&p.m, false, &nothing);
    play(&p, "no retries\nstart -> GET");
    for (int i = 0; i < 5; i++) {
        play(&p,
             "200/ Content-Length: 10/ " ETAG " -> body 0\ncut 4 -> fail transient 0x80072EFE 5\n"
             "restart\nstart -> GET 4- If-Range \"e\"\n"
             "206/ Content-Range: bytes 4-9/10/ ETag: \"f\" -> ignore restarted\n"
             "body 0 -> GET");
    }
    play(&p, "200/ Content-Length: 10/ " ETAG " -> body 0\ncut 4 -> fail transient 0x80072EFE 5\n"
             "restart\nstart -> GET 4- If-Range \"e\"\n"
             "206/ Content-Range: bytes 4-9/10/ ETag: \"f\" -> "
             "fail transient 0x80200073 5 restarted\nrestart\nstart -> GET");
}
END_TEST

START_TEST(offset_that_cannot_be)
{
    struct player p = {.rule = "more bytes than there are"};
    struct get_saved saved = {.begun = true, .total_known = true, .total = 5, .offset = 6};
    bcj2__get_init(&p.m, false, &saved);
    play(&p, "start -> GET");
}
END_TEST

START_TEST(validators_too_long_are_none)
{
    char head[LIMIT_VALIDATOR_BYTES + 100], tag[LIMIT_VALIDATOR_BYTES];
    struct get_saved nothing = {0};
    struct player p = {.rule = "long validators"};
    memset(tag, 'x', sizeof tag - 1);
    tag[sizeof tag - 1] = '\0';
    bcj2__get_init(&p.m, false, &nothing);
    play(&p, "start -> GET");
    /* 511 characters and two quotes: one more than fits */
    (void)snprintf(head, sizeof head, "200/ Content-Length: 10/ ETag: \"%s\" -> body 0", tag);
    play(&p, head);
    play(&p, "cut 4 -> GET 4-");
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "get", 10);
    tcase_add_loop_test(tc, rule, 0, ARRAY_LEN(rules));
    tcase_add_test(tc, too_many_changes_4_4);
    tcase_add_test(tc, offset_that_cannot_be);
    tcase_add_test(tc, validators_too_long_are_none);
}

SUITE_MAIN("get", add_cases)
