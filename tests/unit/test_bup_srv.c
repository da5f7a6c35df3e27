/* SPDX-License-Identifier: MIT */
/* proto/bup_srv: every row of the validation order (wire-protocol 3.2) and of the fragment table
   (3.3), finishing with its cache, and the Ack's lines in order. */
#include "../support/suite.h"
#include "bup_srv.h"

#include <stdio.h>
#include <string.h>

#define GUID     "{0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9}"
#define ROOM     (70000)
#define E_ARG    BCJ2_E_INVALIDARG
#define E_DENIED BCJ2_E_ACCESSDENIED

static const struct bup_srv_rules plain = {.uploads_enabled = true,
                                           .fragment_max = LIMIT_SERVER_FRAGMENT_BYTES};

/* A head from lines "Name: value\n…"; "HTTP/1.0" first for that version. */
static void make_head(struct hdrs *h, const char *lines)
{
    bcj2__hdrs_init(h);
    h->http_major = h->http_minor = 1;
    if (strncmp(lines, "HTTP/1.0\n", 9) == 0) {
        h->http_minor = 0;
        lines += 9;
    }
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        (void)bcj2__hdrs_line(h, lines, length);
        lines += length + (lines[length] == '\n');
    }
}

#define PING     "BITS-Packet-Type: Ping\nContent-Length: 0\n"
#define CREATE   "BITS-Packet-Type: Create-Session\nContent-Length: 0\n"
#define CLOSE    "BITS-Packet-Type: Close-Session\nContent-Length: 0\n"
#define CANCEL   "BITS-Packet-Type: Cancel-Session\nContent-Length: 0\n"
#define FRAGMENT "BITS-Packet-Type: Fragment\nContent-Length: 5\nContent-Range: bytes 0-4/9\n"
#define SESSION  "BITS-Session-Id: " GUID "\n"

static const struct {
    const char *lines;
    enum bup_srv_place place;
    uint32_t status; /* 0: accepted */
    bcj2_status code;
    enum bup_packet packet;
} rows[] = {
    /* 1 */
    {"HTTP/1.0\n" PING, BUP_SRV_PLACE_FILE, 505, BCJ2_OK, 0},
    /* 4 */
    {"BITS-Packet-Type: Ping\nContent-Length: 0\nX: a\001b\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    /* 5 */
    {"Content-Length: 0\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {"BITS-Packet-Type: Pong\nContent-Length: 0\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {"BITS-Packet-Type: Ack\nContent-Length: 0\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {"BITS-Packet-Type: \nContent-Length: 0\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {"BITS-Package-Type: Ping\nContent-Length: 0\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {PING "BITS-Packet-Type: Ping\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    /* 6 */
    {"BITS-Packet-Type: Ping\n", BUP_SRV_PLACE_FILE, 411, E_ARG, 0},
    {PING "Transfer-Encoding: chunked\n", BUP_SRV_PLACE_FILE, 411, E_ARG, 0},
    {"BITS-Packet-Type: Ping\nTransfer-Encoding: chunked\n", BUP_SRV_PLACE_FILE, 411, E_ARG, 0},
    {PING "Content-Length: 0\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {"BITS-Packet-Type: Ping\nContent-Length: +0\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {"BITS-Packet-Type: Ping\nContent-Length: 0x0\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {"BITS-Packet-Type: Ping\nContent-Length: 18446744073709551616\n", BUP_SRV_PLACE_FILE, 400,
     E_ARG, 0},
    /* 7 */
    {"BITS-Packet-Type: Ping\nContent-Length: 1\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {"BITS-Packet-Type: Create-Session\nContent-Length: 1\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {"BITS-Packet-Type: Close-Session\nContent-Length: 1\n" SESSION, BUP_SRV_PLACE_FILE, 400, E_ARG,
     0},
    /* 8 goes before 9 and 10 */
    {PING, BUP_SRV_PLACE_FORBIDDEN, 403, E_DENIED, 0},
    {CREATE, BUP_SRV_PLACE_FORBIDDEN, 403, E_DENIED, 0},
    {FRAGMENT, BUP_SRV_PLACE_FORBIDDEN, 403, E_DENIED, 0},
    /* 9 */
    {CREATE, BUP_SRV_PLACE_DIRECTORY, 400, E_ARG, 0},
    {FRAGMENT SESSION, BUP_SRV_PLACE_DIRECTORY, 400, E_ARG, 0},
    {PING, BUP_SRV_PLACE_DIRECTORY, 0, 0, BUP_PACKET_PING},
    /* 10 */
    {FRAGMENT, BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {CLOSE, BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {CANCEL "BITS-Session-Id: \n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {CANCEL "BITS-Session-Id: a b\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {CLOSE SESSION SESSION, BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    {FRAGMENT SESSION "Content-Encoding: gzip\n", BUP_SRV_PLACE_FILE, 400, E_ARG, 0},
    /* accepted */
    {PING, BUP_SRV_PLACE_FILE, 0, 0, BUP_PACKET_PING},
    {"bits-packet-type: PING\nCONTENT-LENGTH: 0\n", BUP_SRV_PLACE_FILE, 0, 0, BUP_PACKET_PING},
    {CREATE, BUP_SRV_PLACE_FILE, 0, 0, BUP_PACKET_CREATE},
    {FRAGMENT SESSION "Content-Encoding: identity\n", BUP_SRV_PLACE_FILE, 0, 0,
     BUP_PACKET_FRAGMENT},
    {CLOSE SESSION, BUP_SRV_PLACE_FILE, 0, 0, BUP_PACKET_CLOSE},
    {CANCEL SESSION, BUP_SRV_PLACE_FILE, 0, 0, BUP_PACKET_CANCEL},
};

START_TEST(validation_table)
{
    struct hdrs h;
    make_head(&h, rows[_i].lines);
    struct bup_srv_head head = {.fields = &h, .bytes = 100, .place = rows[_i].place};
    struct bup_srv_request request;
    struct bup_srv_answer a = {0};
    bool ok = bcj2__bup_srv_read(&plain, &head, &request, &a);
    ck_assert_int_eq(ok, rows[_i].status == 0);
    if (ok) {
        ck_assert_int_eq(request.packet, rows[_i].packet);
    } else {
        ck_assert_uint_eq(a.status, rows[_i].status);
        ck_assert_int_eq(a.has_code, rows[_i].code != BCJ2_OK);
        assert_status(a.code, rows[_i].code);
        ck_assert_uint_eq(a.context, 5);
        ck_assert(!a.created);
    }
    bcj2__hdrs_done(&h);
}
END_TEST

START_TEST(validation_limits)
{
    static char lines[ROOM];
    struct hdrs h;
    struct bup_srv_request request;
    struct bup_srv_answer a;
    for (int extra = 0; extra <= 1; extra++) { /* 4: a value of 4 K is fine, one more is not */
        int n = snprintf(lines, sizeof lines, "%sX: ", PING);
        memset(lines + n, 'v', LIMIT_HEADER_VALUE_BYTES + extra);
        lines[n + LIMIT_HEADER_VALUE_BYTES + extra] = '\0';
        make_head(&h, lines);
        struct bup_srv_head head = {.fields = &h, .bytes = 5000};
        ck_assert_int_eq(bcj2__bup_srv_read(&plain, &head, &request, &a), extra == 0);
        if (extra != 0) {
            ck_assert_uint_eq(a.status, 400);
        }
        bcj2__hdrs_done(&h);
    }
    make_head(&h, PING);
    struct bup_srv_head head = {.fields = &h, .bytes = LIMIT_HEAD_BYTES + 1};
    ck_assert(!bcj2__bup_srv_read(&plain, &head, &request, &a));
    ck_assert_uint_eq(a.status, 431);
    head = (struct bup_srv_head){.fields = &h, .bytes = 100, .damaged = true};
    ck_assert(!bcj2__bup_srv_read(&plain, &head, &request, &a));
    ck_assert_uint_eq(a.status, 400);
    head.damaged = false; /* 2 */
    struct bup_srv_rules off = plain;
    off.uploads_enabled = false;
    ck_assert(!bcj2__bup_srv_read(&off, &head, &request, &a));
    ck_assert_uint_eq(a.status, 501);
    assert_status(a.code, E_DENIED);
    bcj2__hdrs_done(&h);
}
END_TEST

static const struct {
    const char *list;
    bool offered;
} protocols[] = {
    {BUP_PROTOCOL_ID, true},
    {"{7DF0354D-249B-430F-820D-3D2A9BEF4931}", true},
    {"{00000000-0000-0000-0000-000000000000} " BUP_PROTOCOL_ID, true},
    {"{00000000-0000-0000-0000-000000000000}," BUP_PROTOCOL_ID, true},
    {" , ,," BUP_PROTOCOL_ID ",", true},
    {"{00000000-0000-0000-0000-000000000000}", false},
    {BUP_PROTOCOL_ID "x", false},
    {"7df0354d-249b-430f-820d-3d2a9bef4931", false},
    {"", false},
};

START_TEST(protocol_table)
{
    char lines[400];
    struct hdrs h;
    (void)snprintf(lines, sizeof lines, "BITS-Supported-Protocols: %s\n", protocols[_i].list);
    make_head(&h, lines);
    ck_assert_int_eq(bcj2__bup_srv_protocol_offered(&h), protocols[_i].offered);
    bcj2__hdrs_done(&h);
}
END_TEST

START_TEST(protocol_among_hundred_or_missing)
{
    static char lines[ROOM];
    struct hdrs h;
    int n = snprintf(lines, sizeof lines, "BITS-Supported-Protocols:");
    for (int i = 0; i < 99; i++) {
        n += snprintf(lines + n, sizeof lines - (size_t)n,
                      " {000000%02d-0000-0000-0000-000000000000}", i);
    }
    (void)snprintf(lines + n, sizeof lines - (size_t)n, " %s\n", BUP_PROTOCOL_ID);
    make_head(&h, lines);
    ck_assert(bcj2__bup_srv_protocol_offered(&h));
    bcj2__hdrs_done(&h);
    make_head(&h, "X: y\n");
    ck_assert(!bcj2__bup_srv_protocol_offered(&h));
    bcj2__hdrs_done(&h);
}
END_TEST

/* A session that has `next` of 100 bytes (total 0: unknown yet) meets one fragment. */
static const struct {
    const char *range;
    uint64_t length, next, total;
    bool strict;
    enum bup_srv_move move;
    uint64_t skip, append;
    uint32_t status; /* REFUSE */
    bcj2_status code;
} fragments[] = {
    /* syntax */
    {NULL, 5, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes 0-4", 5, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes=0-4/9", 5, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"items 0-4/9", 5, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes */9", 5, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes 0-4/*", 5, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes 4-0/9", 5, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes 0-4/4", 5, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes 0-4/9", 4, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes 0-4/9", 6, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes -1-4/9", 5, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes 0-18446744073709551615/18446744073709551616", 0, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400,
     E_ARG},
    {"bytes 0-18446744073709551614/18446744073709551615", 0, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400,
     E_ARG},
    {"bytes 10-19/99", 10, 10, 100, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG}, /* other total */
    {"bytes 0-4/5", 5, 10, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},       /* less than stored */
    /* limits; see also fragment_limits */
    {"bytes 10-16777226/90000000", 16777217, 10, 0, false, BUP_SRV_REFUSE, 0, 0, 413,
     BCJ2_E_HTTP_ERROR_413},
    /* gap */
    {"bytes 11-20/100", 10, 10, 100, false, BUP_SRV_REFUSE, 0, 0, 416, BCJ2_OK},
    {"bytes 1-10/100", 10, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 416, BCJ2_OK},
    /* append */
    {"bytes 0-9/100", 10, 0, 0, false, BUP_SRV_STORE, 0, 10, 0, 0},
    {"BYTES 10-99/100", 90, 10, 100, false, BUP_SRV_STORE, 0, 90, 0, 0},
    {"bytes 10-19/100", 10, 10, 100, true, BUP_SRV_STORE, 0, 10, 0, 0},
    {"bytes 10-10/100", 1, 10, 100, false, BUP_SRV_STORE, 0, 1, 0, 0},
    /* overlap */
    {"bytes 0-19/100", 20, 10, 100, false, BUP_SRV_STORE, 10, 10, 0, 0},
    {"bytes 9-10/100", 2, 10, 100, false, BUP_SRV_STORE, 1, 1, 0, 0},
    {"bytes 0-99/100", 100, 99, 100, false, BUP_SRV_STORE, 99, 1, 0, 0},
    {"bytes 0-19/100", 20, 10, 100, true, BUP_SRV_REFUSE, 0, 0, 416, BCJ2_OK},
    /* duplicate */
    {"bytes 0-9/100", 10, 10, 100, false, BUP_SRV_REFUSE, 0, 0, 200, BCJ2_OK},
    {"bytes 2-4/100", 3, 10, 100, false, BUP_SRV_REFUSE, 0, 0, 200, BCJ2_OK},
    {"bytes 0-9/100", 10, 10, 100, true, BUP_SRV_REFUSE, 0, 0, 416, BCJ2_OK},
    /* complete: nothing is stored, strict or not */
    {"bytes 90-99/100", 10, 100, 100, false, BUP_SRV_FINISH, 0, 0, 0, 0},
    {"bytes 99-99/100", 1, 100, 100, true, BUP_SRV_FINISH, 0, 0, 0, 0},
    {"bytes 0-4/100", 5, 100, 0, false, BUP_SRV_FINISH, 0, 0, 0, 0}, /* total was not known */
    {"bytes 0-4/100", 5, 100, 0, true, BUP_SRV_FINISH, 0, 0, 0, 0},
    {"bytes 90-99/101", 10, 100, 100, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    /* all bytes are there, and the fragment that tells so is a duplicate */
    {"bytes 0-99/100", 100, 100, 0, false, BUP_SRV_FINISH, 0, 0, 0, 0},
    {"bytes 0-9/100", 10, 100, 0, false, BUP_SRV_FINISH, 0, 0, 0, 0},
    {"bytes 0-99/100", 100, 100, 0, true, BUP_SRV_FINISH, 0, 0, 0, 0},
    {"bytes 0-9/101", 10, 100, 0, false, BUP_SRV_REFUSE, 0, 0, 200, BCJ2_OK},
    /* no bytes at all */
    {"bytes 0-0/0", 0, 0, 0, false, BUP_SRV_FINISH, 0, 0, 0, 0},
    {"bytes */0", 0, 0, 0, false, BUP_SRV_FINISH, 0, 0, 0, 0},
    {"bytes 0--1/0", 0, 0, 0, true, BUP_SRV_FINISH, 0, 0, 0, 0},
    {"bytes 0-18446744073709551615/0", 0, 0, 0, false, BUP_SRV_FINISH, 0, 0, 0, 0},
    {"bytes 0-0/0", 1, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes 1-0/0", 0, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes 0-0/1", 0, 0, 0, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
    {"bytes 0-0/0", 0, 10, 100, false, BUP_SRV_REFUSE, 0, 0, 400, E_ARG},
};

static struct bup_srv_request fragment_request(const char *range, uint64_t length)
{
    return (struct bup_srv_request){.packet = BUP_PACKET_FRAGMENT,
                                    .length = length,
                                    .session_id = GUID,
                                    .session_is_guid = true,
                                    .range = range};
}

START_TEST(fragment_table)
{
    struct bup_srv_rules rules = plain;
    rules.strict416 = fragments[_i].strict;
    struct bup_srv_session s = {.next = fragments[_i].next,
                                .total = fragments[_i].total,
                                .total_known = fragments[_i].total != 0};
    s.complete = s.total_known && s.next == s.total;
    struct bup_srv_session before = s;
    struct bup_srv_request r = fragment_request(fragments[_i].range, fragments[_i].length);
    struct bup_srv_plan p = bcj2__bup_srv_fragment(&rules, &s, &r);
    ck_assert_int_eq(p.move, fragments[_i].move);
    ck_assert_uint_eq(s.next, before.next);
    if (p.move == BUP_SRV_REFUSE) {
        ck_assert_uint_eq(p.answer.status, fragments[_i].status);
        assert_status(p.answer.code, fragments[_i].code);
        ck_assert_int_eq(p.answer.has_code, fragments[_i].status != 200);
        ck_assert(p.answer.has_offset);
        ck_assert_uint_eq(p.answer.offset, fragments[_i].next);
        ck_assert_str_eq(p.answer.session_id, GUID);
        ck_assert_int_eq(s.total_known, before.total_known); /* nothing was learnt from it */
    } else if (p.move == BUP_SRV_FINISH) {
        ck_assert(s.complete && s.total_known);
        ck_assert_uint_eq(s.total, s.next);
    } else {
        ck_assert_uint_eq(p.skip, fragments[_i].skip);
        ck_assert_uint_eq(p.append, fragments[_i].append);
        bcj2__bup_srv_stored(&s, p.append);
        struct bup_srv_answer a;
        bool more = bcj2__bup_srv_body_end(&s, &r, &a);
        ck_assert_int_eq(more, s.next != s.total);
        ck_assert_int_eq(s.complete, s.next == s.total);
        if (more) {
            ck_assert_uint_eq(a.status, 200);
            ck_assert_uint_eq(a.offset, fragments[_i].next + fragments[_i].append);
        }
    }
}
END_TEST

START_TEST(fragment_limits)
{
    struct bup_srv_rules rules = plain;
    rules.upload_limited = true;
    rules.upload_max = 100;
    struct bup_srv_session s = {.next = 0};
    struct bup_srv_request r = fragment_request("bytes 0-9/101", 10);
    struct bup_srv_plan p = bcj2__bup_srv_fragment(&rules, &s, &r);
    ck_assert_uint_eq(p.answer.status, 500);
    assert_status(p.answer.code, BCJ2_E_TOO_LARGE);
    r = fragment_request("bytes 0-9/100", 10);
    ck_assert_int_eq(bcj2__bup_srv_fragment(&rules, &s, &r).move, BUP_SRV_STORE);
    rules.fragment_max = 10;
    ck_assert_int_eq(bcj2__bup_srv_fragment(&rules, &s, &r).move, BUP_SRV_STORE);
    rules.fragment_max = 9;
    ck_assert_uint_eq(bcj2__bup_srv_fragment(&rules, &s, &r).answer.status, 413);
}
END_TEST

/* A part of a body that came before the connection broke counts. */
START_TEST(broken_body_is_kept)
{
    struct bup_srv_session s = {.next = 0};
    struct bup_srv_request r = fragment_request("bytes 0-99/100", 100);
    ck_assert_int_eq(bcj2__bup_srv_fragment(&plain, &s, &r).move, BUP_SRV_STORE);
    bcj2__bup_srv_stored(&s, 37);
    r = fragment_request("bytes 0-99/100", 100);
    struct bup_srv_plan p = bcj2__bup_srv_fragment(&plain, &s, &r);
    ck_assert_int_eq(p.move, BUP_SRV_STORE);
    ck_assert_uint_eq(p.skip, 37);
    ck_assert_uint_eq(p.append, 63);
}
END_TEST

static struct bup_srv_session complete_session(void)
{
    struct bup_srv_session s = {.next = 7, .total = 7, .total_known = true};
    bcj2__bup_srv_stored(&s, 0);
    return s;
}

static const struct {
    struct bup_srv_outcome outcome;
    bool final;
    uint32_t status, context;
    bcj2_status code;
} outcomes[] = {
    {{200, 0, 0, false, NULL}, true, 200, 0, 0},
    {{204, 0, 0, true, "/r"}, true, 200, 0, 0},
    {{403, BCJ2_E_HTTP_ERROR_403, 7, true, NULL}, true, 403, 7, BCJ2_E_HTTP_ERROR_403},
    {{403, BCJ2_E_ACCESSDENIED, 5, false, NULL}, false, 403, 5, BCJ2_E_ACCESSDENIED},
    {{503, BCJ2_E_HTTP_ERROR_503, 7, true, NULL}, false, 503, 7, BCJ2_E_HTTP_ERROR_503},
    {{500, BCJ2_E_HTTP_ERROR_500, 7, true, NULL}, false, 500, 7, BCJ2_E_HTTP_ERROR_500},
    {{408, BCJ2_E_TIMEOUT, 7, true, NULL}, false, 408, 7, BCJ2_E_TIMEOUT},
    {{300, BCJ2_E_HTTP_ERROR_300, 7, true, NULL}, false, 300, 7, BCJ2_E_HTTP_ERROR_300},
};

START_TEST(finish_table)
{
    struct bup_srv_session s = complete_session();
    struct bup_srv_request r = fragment_request("bytes 6-6/7", 1);
    struct bup_srv_answer a = {0};
    ck_assert_int_eq(bcj2__bup_srv_finish(&s, &r, &a), BUP_SRV_FINISH_RUN);
    ck_assert_int_eq(bcj2__bup_srv_finish(&s, &r, &a), BUP_SRV_FINISH_SHARE);
    bcj2__bup_srv_finished(&s, &outcomes[_i].outcome);
    a = bcj2__bup_srv_outcome_answer(&s, &r, &outcomes[_i].outcome);
    ck_assert_uint_eq(a.status, outcomes[_i].status);
    ck_assert_uint_eq(a.offset, 7);
    ck_assert(a.has_offset);
    ck_assert_int_eq(a.has_code, outcomes[_i].status != 200);
    if (a.has_code) {
        assert_status(a.code, outcomes[_i].code);
        ck_assert_uint_eq(a.context, outcomes[_i].context);
    }
    const char *url = outcomes[_i].outcome.reply_url;
    ck_assert_str_eq(a.reply_url, url == NULL ? "" : url);
    struct bup_srv_answer again = {0};
    enum bup_srv_finish next = bcj2__bup_srv_finish(&s, &r, &again);
    if (outcomes[_i].final) {
        ck_assert_int_eq(next, BUP_SRV_FINISH_CACHED);
        ck_assert_int_eq(memcmp(&a, &again, sizeof a), 0);
    } else {
        ck_assert_int_eq(next, BUP_SRV_FINISH_RUN);
    }
}
END_TEST

static void lines_of(const struct bup_srv_rules *rules, const struct bup_srv_answer *a, char *text,
                     size_t size)
{
    struct buf b = BUF_INIT(LIMIT_HEAD_BYTES);
    ck_assert(bcj2__bup_srv_build(rules, a, &b));
    size_t n = 0;
    for (const char *p = b.data; *p != '\0'; p += strlen(p) + 1) {
        n += (size_t)snprintf(text + n, size - n, "%s\n", p);
    }
    bcj2__buf_done(&b);
}

START_TEST(ack_lines)
{
    char text[1000];
    struct bup_srv_request r = fragment_request(NULL, 0);
    struct bup_srv_rules rules = plain;
    rules.host_id = "node3.example.test";
    rules.host_fallback_s = 3600;
    struct bup_srv_answer a = bcj2__bup_srv_ok(&r);
    a.created = true;
    lines_of(&rules, &a, text, sizeof text);
    ck_assert_str_eq(text, "Pragma: no-cache\nBITS-Packet-Type: Ack\nBITS-Protocol: "
                           "{7df0354d-249b-430f-820d-3d2a9bef4931}\nBITS-Session-Id: " GUID
                           "\nBITS-Host-Id: node3.example.test\n"
                           "BITS-Host-Id-Fallback-Timeout: 3600\nAccept-Encoding: identity\n");
    a = bcj2__bup_srv_error(&r, 403, BCJ2_E_HTTP_ERROR_403);
    a.context = 7;
    a.has_offset = true;
    a.offset = 7;
    lines_of(&rules, &a, text, sizeof text);
    ck_assert_str_eq(text, "Pragma: no-cache\nBITS-Packet-Type: Ack\nBITS-Session-Id: " GUID
                           "\nBITS-Received-Content-Range: 7\nBITS-Error-Code: 0x80190193\n"
                           "BITS-Error: 0x80190193\nBITS-Error-Context: 0x7\n");
    a = bcj2__bup_srv_no_session(&r);
    lines_of(&plain, &a, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "BITS-Received-Content-Range: 0\n"));
    ck_assert_ptr_nonnull(strstr(text, "BITS-Error-Code: 0x8020001f\n"));
    a = bcj2__bup_srv_exists(&plain, &r);
    ck_assert_uint_eq(a.status, 403);
    rules.conflict_409 = true;
    ck_assert_uint_eq(bcj2__bup_srv_exists(&rules, &r).status, 409);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "read", 10);
    tcase_add_loop_test(tc, validation_table, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(tc, validation_limits);
    tcase_add_loop_test(tc, protocol_table, 0, (int)(sizeof protocols / sizeof protocols[0]));
    tcase_add_test(tc, protocol_among_hundred_or_missing);
    tc = suite_case(suite, "session", 10);
    tcase_add_loop_test(tc, fragment_table, 0, (int)(sizeof fragments / sizeof fragments[0]));
    tcase_add_test(tc, fragment_limits);
    tcase_add_test(tc, broken_body_is_kept);
    tcase_add_loop_test(tc, finish_table, 0, (int)(sizeof outcomes / sizeof outcomes[0]));
    tcase_add_test(tc, ack_lines);
}

SUITE_MAIN("bup_srv", add_cases)
