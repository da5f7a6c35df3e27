/* SPDX-License-Identifier: MIT */
/* proto/bup: the table 2.6 of the wire protocol cell by cell, and a random walk that looks for what
   must never happen. Rules one by one are in test_bup.c. */
#include "../support/suite.h"
#include "../support/bup_player.h"

/* ---- table 2.6 ---- */

/* The columns: a Ping before a Fragment, Create, Fragment, a plain upload's Close; then what a Close
   and a Cancel that outlive their job do: 'D' done, 'W' done with a warning, 'R' repeated. */
static const struct {
    const char *head, *ping, *create, *fragment, *close, *farewells;
} cells[] = {
    /* 2 */
    {"401", "fail fatal 0x80190191 5", "fail fatal 0x80190191 5", "fail fatal 0x80190191 5", "done",
     "WW"},
    {"407/ BITS-Error-Code: 0x80070005", "fail fatal 0x80190197 5", "fail fatal 0x80190197 5",
     "fail fatal 0x80190197 5", "done", "WW"},
    /* 3 */
    {"500/ " SNF, "Create-Session", "fail fatal 0x8020001F 5", "Create-Session", "done", "DD"},
    {"404/ " SNF, "Create-Session", "fail fatal 0x8020001F 5", "Create-Session", "done", "DD"},
    /* 4 */
    {"200/ BITS-Packet-Type: Ack/ " SNF, "Fragment 0-5119", "fail transient 0x8020001B 5",
     "Fragment 262144-299999", "done", "DD"},
    {"201/ BITS-Packet-Type: Ack", "Fragment 0-5119", "fail transient 0x8020001B 5",
     "Fragment 262144-299999", "done", "DD"},
    {"200", "fail transient 0x8020001B 5", "fail fatal 0x8020001B 5", "fail transient 0x8020001B 5",
     "fail transient 0x8020001B 5", "RR"},
    /* 5 */
    {"416/ BITS-Packet-Type: Ack/ BITS-Received-Content-Range: 9", "fail transient 0x8020001B 5",
     "fail transient 0x8020001B 5", "Fragment 9-262152", "done", "WD"},
    /* 6 */
    {"413", "fail fatal 0x8019019D 5", "fail fatal 0x8019019D 5", "Fragment 0-131071", "done",
     "DD"},
    {"413/ BITS-Error-Code: 0x80200020", "fail fatal 0x80200020 5", "fail fatal 0x80200020 5",
     "Fragment 0-131071", "done", "DD"},
    /* 7 */
    {"500/ BITS-Error-Code: 0x80200020", "fail fatal 0x80200020 5", "fail fatal 0x80200020 5",
     "fail fatal 0x80200020 5", "done", "WD"},
    /* 8 */
    {"400/ BITS-Error-Code: 0x80070057", "fail fatal 0x80070057 5", "fail fatal 0x80070057 5",
     "fail fatal 0x80070057 5", "done", "WD"},
    {"500/ BITS-Error-Code: 0x80070057", "fail fatal 0x80070057 5", "fail fatal 0x80070057 5",
     "fail fatal 0x80070057 5", "done", "WD"},
    /* 9 */
    {"302", "fail fatal 0x8019012E 5", "fail fatal 0x8019012E 5", "fail fatal 0x8019012E 5", "done",
     "WD"},
    {"403", "fail fatal 0x80190193 5", "fail fatal 0x80190193 5", "fail fatal 0x80190193 5", "done",
     "WD"},
    {"404", "fail fatal 0x80190194 5", "fail fatal 0x80190194 5", "fail fatal 0x80190194 5", "done",
     "WD"},
    {"501", "fail fatal 0x801901F5 5", "fail fatal 0x801901F5 5", "fail fatal 0x801901F5 5", "done",
     "WD"},
    /* 10; Close and Cancel are repeated after 5xx only (2.10, 2.11) */
    {"503", "fail transient 0x801901F7 5", "fail transient 0x801901F7 5",
     "fail transient 0x801901F7 5", "fail transient 0x801901F7 5", "RR"},
    {"500/ BITS-Error-Code: 0x80070070", "fail transient 0x80070070 5",
     "fail transient 0x80070070 5", "fail transient 0x80070070 5", "fail transient 0x80070070 5",
     "RR"},
    {"408", "fail transient 0x80190198 5", "fail transient 0x80190198 5",
     "fail transient 0x80190198 5", "done", "WD"},
    {"409", "fail transient 0x80190199 5", "fail transient 0x80190199 5",
     "fail transient 0x80190199 5", "done", "WD"},
    /* D8 */
    {"409/ BITS-Error-Code: 0x80070050", "fail transient 0x80070050 5", "fail fatal 0x80070050 5",
     "fail transient 0x80070050 5", "done", "WD"},
};

static void check_cell(const char *prelude, uint64_t size, const char *head, const char *want)
{
    struct player p;
    player_begin(&p, prelude, UPLOAD, size);
    play(&p, prelude);
    struct bup_step step = input_step(&p, head);
    check_wish(&p, head, &step, want);
}

START_TEST(cell_2_6)
{
    struct hdrs head;
    char text[600], lines[512];
    const char *h = cells[_i].head;
    check_cell(OPEN "restart\nstart -> Ping", 300000, h, cells[_i].ping);
    check_cell("start -> Create-Session", 300000, h, cells[_i].create);
    check_cell(OPEN, 300000, h, cells[_i].fragment);
    check_cell("start -> Create-Session\ncreated -> Fragment 0-6\nok 7 -> Close-Session", 7, h,
               cells[_i].close);
    unfold(h, lines);
    (void)snprintf(text, sizeof text, "HTTP/1.1 %.3s X%s", lines, lines + 3);
    head_from(&head, text);
    static const char letters[] = {
        [BUP_FAREWELL_DONE] = 'D',
        [BUP_FAREWELL_DONE_WITH_WARNING] = 'W',
        [BUP_FAREWELL_REPEAT] = 'R',
    };
    ck_assert_int_eq(letters[bcj2__bup_farewell_answer(BUP_PACKET_CLOSE, &head)],
                     cells[_i].farewells[0]);
    ck_assert_int_eq(letters[bcj2__bup_farewell_answer(BUP_PACKET_CANCEL, &head)],
                     cells[_i].farewells[1]);
    bcj2__hdrs_done(&head);
}
END_TEST

START_TEST(no_answer_2_6)
{
    check_cell(OPEN "restart\nstart -> Ping", 300000, "broke", "Ping");
    check_cell("start -> Create-Session", 300000, "broke", "Create-Session");
    check_cell(OPEN, 300000, "broke", "Ping");
    ck_assert_int_eq(bcj2__bup_farewell_answer(BUP_PACKET_CLOSE, NULL), BUP_FAREWELL_REPEAT);
    ck_assert_int_eq(bcj2__bup_farewell_answer(BUP_PACKET_CANCEL, NULL), BUP_FAREWELL_REPEAT);
}
END_TEST

/* ---- random walk ---- */

static uint64_t seed;

static uint32_t roll(uint32_t sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % sides;
}

/* An answer that may be right, wrong or absurd: each field is there or not. */
static void random_head(const struct bup *m, char text[600])
{
    static const char *const statuses[] = {"200", "200", "200", "200", "201", "416", "413", "500",
                                           "503", "403", "409", "401", "302", "204", "100"};
    uint64_t size = m->saved.source.size;
    const uint64_t offsets[] = {
        m->first + m->length, m->first + m->length, size, 0, m->first, size / 2, size + 1, 1};
    int n = snprintf(text, 600, "HTTP/1.%c %s X", roll(40) == 0 ? '0' : '1',
                     statuses[roll(ARRAY_LEN(statuses))]);
    const char *const fields[] = {
        roll(12) != 0 ? "\nBITS-Packet-Type: Ack" : "",
        roll(3) == 0 ? "\nBITS-Session-Id: s1" : "",
        roll(3) == 0 ? "\n" PROTOCOL : "",
        roll(30) == 0 ? "\nBITS-Session-Id: other" : "",
        roll(8) == 0 ? "\nBITS-Host-Id: h\nBITS-Host-Id-Fallback-Timeout: 1" : "",
        roll(6) == 0 ? "\nBITS-Reply-URL: r" : "",
        roll(12) == 0 ? "\n" SNF : "",
        roll(20) == 0 ? "\nBITS-Error-Context: 0x7" : "",
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        n += snprintf(text + n, (size_t)(600 - n), "%s", fields[i]);
    }
    if (roll(6) != 0) {
        (void)snprintf(text + n, (size_t)(600 - n), "\nBITS-Received-Content-Range: %" PRIu64,
                       offsets[roll(ARRAY_LEN(offsets))]);
    }
}

static struct bup_event random_event(struct player *p, const struct bup_step *last,
                                     struct hdrs *head)
{
    struct bup_event event = {.type = BUP_EV_START, .source = p->source, .failing_ms = roll(3000)};
    char text[600];
    p->now += roll(2000);
    event.now_ms = p->now;
    event.immediate_retries_allowed = roll(4) != 0;
    event.elapsed_ms = roll(12000);
    if (last->want == BUP_WANT_FETCH) {
        event.type = roll(2) == 0 ? BUP_EV_REPLY_STORED : BUP_EV_START;
    } else if (last->want == BUP_WANT_SEND && roll(10) == 0) {
        event.type = BUP_EV_NO_ANSWER;
        event.failure = roll(3) != 0 ? NET_CONNECTION_BROKE : roll(NET_FAILURE_COUNT);
    } else if (last->want == BUP_WANT_SEND && roll(30) != 0) {
        event.type = BUP_EV_ANSWER;
        random_head(&p->m, text);
        bcj2__hdrs_done(head);
        head_from(head, text);
        event.head = head;
    }
    return event;
}

static void check_invariants(const struct bup *m, const struct bup_step *step, bool was_done)
{
    const struct bup_saved *s = &m->saved;
    ck_assert_uint_ge(s->fragment, LIMIT_FRAGMENT_MIN);
    ck_assert_uint_le(s->fragment, s->ceiling);
    ck_assert_uint_le(s->ceiling, LIMIT_FRAGMENT_MAX);
    ck_assert(s->phase == BUP_NONE || s->acked <= s->source.size);
    ck_assert(!was_done || step->want == BUP_WANT_DONE);
    ck_assert_int_eq(step->want == BUP_WANT_DONE, s->phase == BUP_DONE);
    switch (step->want) {
    case BUP_WANT_SEND:
        ck_assert_int_eq(step->request.packet, m->awaited);
        ck_assert(step->request.packet == BUP_PACKET_CREATE || s->phase != BUP_NONE);
        if (step->request.packet == BUP_PACKET_FRAGMENT) {
            ck_assert_uint_eq(step->request.total, s->source.size);
            ck_assert_uint_le(step->request.length, LIMIT_FRAGMENT_MAX);
            ck_assert_uint_le(step->request.first, s->source.size);
            ck_assert_uint_le(step->request.length, s->source.size - step->request.first);
            ck_assert(step->request.length > 0 || s->source.size == 0);
        }
        break;
    case BUP_WANT_FETCH:
        ck_assert_int_eq(m->type, REPLY);
        ck_assert_str_ne(s->reply_url, "");
        break;
    case BUP_WANT_DONE:
        ck_assert_int_eq(step->save, BUP_SAVE_DURABLE);
        break;
    case BUP_WANT_FAIL:
        ck_assert_int_lt(step->failure.code, 0);
        ck_assert_ptr_nonnull(step->failure.what);
        ck_assert_int_eq(m->awaited, BUP_PACKET_NONE);
        break;
    }
}

START_TEST(random_walk)
{
    static const uint64_t sizes[] = {0, 1, 5120, 5121, 300000, 1ull << 33, UINT64_MAX};
    seed = 0x9E3779B97F4A7C15u * (uint64_t)(_i + 1);
    struct hdrs head;
    uint32_t finished = 0;
    bcj2__hdrs_init(&head);
    for (int walk = 0; walk < 60; walk++) {
        struct player p;
        player_begin(&p, "walk", roll(2) == 0 ? UPLOAD : REPLY, sizes[roll(ARRAY_LEN(sizes))]);
        struct bup_step step = {.want = BUP_WANT_FAIL};
        for (int i = 0; i < 200; i++) {
            if (roll(50) == 0) {
                play(&p, "interrupt\nrestart");
                step.want = BUP_WANT_FAIL;
            }
            if (roll(200) == 0) {
                p.source.mtime_ns++;
            }
            bool was_done = p.m.saved.phase == BUP_DONE;
            struct bup_event event = random_event(&p, &step, &head);
            step = bcj2__bup_step(&p.m, &event);
            check_invariants(&p.m, &step, was_done);
        }
        finished += p.m.saved.phase == BUP_DONE ? 1 : 0;
    }
    bcj2__hdrs_done(&head);
    ck_assert_uint_gt(finished, 0); /* the walk gets through to the end as well */
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "bup table", 30);
    tcase_add_loop_test(tc, cell_2_6, 0, ARRAY_LEN(cells));
    tcase_add_test(tc, no_answer_2_6);
    tcase_add_loop_test(tc, random_walk, 0, 4);
}

SUITE_MAIN("bup_table", add_cases)
