/* SPDX-License-Identifier: MIT */
/* proto/get against a modelled server in seeded walks. The server is honest about a resource that changes,
   but has or has not HEAD, ranges, validators and patience; or it lies. The process is killed anywhere, also
   between the cut of the file and the storing of what the step saves. What must hold: no request is
   outside of what was told, bytes are only written where they belong, a run ends, and a whole file is of
   one version, the right parts in the right order. A failing walk prints its seed. */
#include "../support/suite.h"
#include "../support/head.h"
#include "get.h"
#include "macro.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WALKS   2000u
#define PIECES  512u
#define RUNS    40u /* of one walk */
#define IDLE    64u /* requests of one run that brought no byte */
#define LARGEST 400000u
#define HEAD    1000u
#define RANGE   "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64
#define LENGTH  "Content-Length: %" PRIu64

/* Consecutive bytes of the local file that came from one version of the resource. */
struct piece {
    uint64_t at, length, version, remote;
};

struct walk {
    uint64_t random;
    /* the server */
    bool lies, no_head, no_ranges, no_etag, no_time, no_length, old_times, restless;
    uint64_t version, size;
    /* the answer under way */
    bool head_only;
    uint64_t body_first, body_length; /* in the resource */
    /* the client */
    struct get m;
    struct get_plan plan;
    struct get_range ranges[4];
    struct get_saved stored;
    struct piece file[PIECES];
    size_t pieces;
    uint64_t received; /* in this run */
    uint64_t idle;     /* requests in a row and run without a byte */
};

static uint64_t pick(struct walk *w, uint64_t below)
{
    w->random ^= w->random << 13; /* xorshift64 */
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random % below;
}

static bool one_in(struct walk *w, uint64_t n)
{
    return pick(w, n) == 0;
}

/* ---- the file ---- */

static uint64_t file_size(const struct walk *w)
{
    if (w->pieces == 0) {
        return 0;
    }
    return w->file[w->pieces - 1].at + w->file[w->pieces - 1].length;
}

static void cut(struct walk *w, uint64_t size)
{
    while (w->pieces > 0 && file_size(w) > size) {
        struct piece *last = &w->file[w->pieces - 1];
        if (last->at >= size) {
            w->pieces--;
        } else {
            last->length = size - last->at;
        }
    }
}

static void put(struct walk *w, uint64_t remote, uint64_t length)
{
    ck_assert_uint_lt(w->pieces, PIECES);
    if (length > 0) {
        w->file[w->pieces] = (struct piece){file_size(w), length, w->version, remote};
        w->pieces++;
    }
}

/* Where a byte of the file lies in a resource of that size. */
static uint64_t remote_place(const struct walk *w, uint64_t size, uint64_t at)
{
    for (uint32_t i = 0; i < w->plan.range_count; i++) {
        const struct get_range *r = &w->ranges[i];
        uint64_t length = r->length == GET_TO_END ? size - r->offset : r->length;
        if (at < length) {
            return r->offset + at;
        }
        at -= length;
    }
    return w->plan.range_count == 0 ? at : UINT64_MAX;
}

static uint64_t wanted_size(const struct walk *w, uint64_t size)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < w->plan.range_count; i++) {
        const struct get_range *r = &w->ranges[i];
        total += r->length == GET_TO_END ? size - r->offset : r->length;
    }
    return w->plan.range_count == 0 ? size : total;
}

/* Of a whole file: everything in it is of one version, and where it belongs. */
static void check_whole(const struct walk *w)
{
    uint64_t size = w->m.saved.remote_total;
    ck_assert_uint_eq(file_size(w), w->m.saved.total);
    ck_assert_uint_eq(w->m.saved.total, wanted_size(w, size));
    for (size_t i = 0; i < w->pieces; i++) {
        const struct piece *p = &w->file[i];
        ck_assert_uint_eq(p->version, w->file[0].version);
        ck_assert_uint_eq(p->remote, remote_place(w, size, p->at));
        ck_assert_uint_eq(p->remote + p->length - 1, remote_place(w, size, p->at + p->length - 1));
    }
}

/* ---- the server ---- */

static void change(struct walk *w)
{
    w->version++;
    bool shows = !(w->no_etag && w->no_time);
    uint64_t before = w->size;
    if (!shows || one_in(w, 2)) {
        w->size = pick(w, LARGEST);
        w->size += w->size == before ? 1 : 0;
    }
}

/* Adds a line to a head. */
PRINTF_LIKE(2, 3) static void say(char text[HEAD], const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    text[length] = '\n';
    ck_assert_int_lt(vsnprintf(text + length + 1, HEAD - length - 1, format, arguments),
                     (int)(HEAD - length - 1));
    va_end(arguments);
}

static void tell_version(const struct walk *w, char text[HEAD])
{
    if (!w->no_etag) {
        say(text, "ETag: \"%" PRIu64 "\"", w->version);
    }
    if (!w->no_time) {
        say(text, "Last-Modified: Tue, %s Jan 2026 10:%02d:%02d GMT", w->old_times ? "20" : "27",
            (int)(w->version / 60), (int)(w->version % 60));
        say(text, "Date: Tue, 27 Jan 2026 10:01:00 GMT");
    }
}

static bool condition_fails(const struct walk *w, const struct get_request *r)
{
    char now[HEAD] = "";
    if (r->if_unmodified_since == NULL) {
        return false;
    }
    tell_version(w, now);
    return strstr(now, r->if_unmodified_since) == NULL;
}

static bool condition_voids_range(const struct walk *w, const struct get_request *r)
{
    char now[HEAD] = "";
    if (r->if_range == NULL) {
        return false;
    }
    tell_version(w, now);
    return strstr(now, r->if_range) == NULL;
}

/* An honest answer; sets what its body is. */
static void answer(struct walk *w, const struct get_request *r, char text[HEAD])
{
    w->head_only = r->head;
    w->body_first = w->body_length = 0;
    if (r->head && w->no_head) {
        (void)snprintf(text, HEAD, "HTTP/1.1 405 No");
        return;
    }
    if (condition_fails(w, r)) {
        (void)snprintf(text, HEAD, "HTTP/1.1 412 Changed");
        return;
    }
    bool part = r->range && !w->no_ranges && !condition_voids_range(w, r);
    if (part && r->first >= w->size) {
        (void)snprintf(text, HEAD, "HTTP/1.1 416 None");
        say(text, "Content-Range: bytes */%" PRIu64, w->size);
        return;
    }
    if (part) {
        uint64_t last = MIN(r->last, w->size - 1);
        if (one_in(w, 10)) {
            last = r->first + pick(w, last - r->first + 1);
        }
        w->body_first = r->first;
        w->body_length = last - r->first + 1;
        (void)snprintf(text, HEAD, "HTTP/1.1 206 Part");
        say(text, RANGE, r->first, last, w->size);
    } else {
        w->body_length = w->size;
        (void)snprintf(text, HEAD, "HTTP/1.1 200 OK");
    }
    if (!w->no_length) {
        say(text, LENGTH, w->body_length);
    }
    tell_version(w, text);
}

/* Anything. */
static void lie(struct walk *w, const struct get_request *r, char text[HEAD])
{
    static const unsigned statuses[] = {200, 200, 206, 206, 206, 204, 301, 304,
                                        403, 404, 405, 412, 416, 416, 500, 503};
    (void)snprintf(text, HEAD, "HTTP/1.1 %u X", statuses[pick(w, ARRAY_LEN(statuses))]);
    uint64_t first = one_in(w, 3) ? pick(w, LARGEST) : r->first;
    uint64_t last = one_in(w, 3) ? first + pick(w, LARGEST) : MIN(r->last, w->size);
    w->head_only = r->head;
    w->body_first = first;
    w->body_length = pick(w, LARGEST);
    if (!one_in(w, 4)) {
        say(text, RANGE, first, last, one_in(w, 2) ? w->size : last + 1 + pick(w, 9));
    }
    if (!one_in(w, 4)) {
        say(text, LENGTH, one_in(w, 2) && last >= first ? last - first + 1 : w->size);
    }
    if (one_in(w, 9)) {
        say(text, LENGTH, pick(w, LARGEST)); /* a second one */
    }
    if (!one_in(w, 3)) {
        say(text, "ETag: \"%d\"", (int)pick(w, 2));
    }
    if (!one_in(w, 3)) {
        say(text, "Last-Modified: Tue, 20 Jan 2026 10:00:0%d GMT", (int)pick(w, 2));
        say(text, "Date: Tue, 27 Jan 2026 10:01:00 GMT");
    }
}

/* ---- the client ---- */

static void check_request(const struct walk *w, const struct get_request *r)
{
    const struct get_saved *s = &w->m.saved;
    ck_assert(!r->head || (!r->range && !w->plan.reply && !w->plan.once));
    ck_assert(!r->range || !w->plan.once);
    ck_assert(r->if_range == NULL || (r->range && s->offset > 0));
    ck_assert(r->if_unmodified_since == NULL || (r->range && s->offset > 0));
    if (!r->range || w->m.asked == GET_ASKED_PROBE) {
        ck_assert(!r->range || (r->first == 0 && r->last == 0));
        return;
    }
    ck_assert_uint_le(r->first, r->last);
    if (w->plan.reply) {
        ck_assert_uint_eq(r->first, s->offset);
        ck_assert_uint_eq(r->last, GET_TO_END);
        return;
    }
    ck_assert_uint_lt(r->last, s->remote_total);
    ck_assert(w->plan.foreground || r->last - r->first < LIMIT_FRAGMENT_MAX);
    ck_assert_uint_eq(r->first, remote_place(w, s->remote_total, s->offset));
    ck_assert_uint_eq(r->last, remote_place(w, s->remote_total, s->offset + (r->last - r->first)));
}

static bool killed(struct walk *w)
{
    return !w->restless && one_in(w, 60);
}

/* Carries a step out as the core does. False: killed on the way. */
static bool carry_out(struct walk *w, const struct get_step *step)
{
    const struct get_saved *s = &w->m.saved;
    ck_assert(!s->total_known || s->offset <= s->total);
    ck_assert_uint_le(s->synced, s->offset);
    if (step->cut) {
        ck_assert_uint_eq(step->offset, step->want == GET_WANT_IGNORE ? 0 : s->offset);
        cut(w, step->offset);
    }
    if (killed(w)) {
        return false;
    }
    if (step->save || step->restarted) {
        w->stored = *s;
    }
    return !killed(w);
}

/* The body as it comes, or a part of it. */
static struct get_event flow(struct walk *w, uint64_t offset)
{
    struct get_event event = {.type = GET_EV_BODY_END, .failure = NET_OK};
    uint64_t length = w->body_length;
    if (one_in(w, 5)) {
        event.type = GET_EV_NO_ANSWER;
        event.failure = one_in(w, 2) ? NET_CONNECTION_BROKE : NET_TIMEOUT;
        length = length == 0 ? 0 : pick(w, length);
    }
    ck_assert_uint_eq(file_size(w), offset);
    put(w, w->body_first, length);
    if (!w->lies) {
        ck_assert(w->m.plan.reply || w->m.plan.once ||
                  (w->body_first == remote_place(w, w->size, offset) && w->body_length > 0) ||
                  w->body_length == 0);
    }
    w->received += length;
    w->idle = length > 0 ? 0 : w->idle;
    event.written = offset + length;
    event.elapsed_ms = pick(w, 20000);
    event.immediate_retries_allowed = true;
    if (w->m.body_length_known && event.written > w->m.body_end) {
        ck_assert(w->lies);
        cut(w, w->m.body_end); /* the core and libcurl see to that */
    }
    return event;
}

static struct get_step show_head(struct walk *w, const struct get_request *r)
{
    char text[HEAD] = "";
    struct hdrs head;
    w->lies ? lie(w, r, text) : answer(w, r, text);
    head_from(&head, text);
    const struct get_event event = {.type = GET_EV_HEAD, .head = &head};
    struct get_step step = bcj2__get_step(&w->m, &event);
    bcj2__hdrs_done(&head);
    return step;
}

static struct get_step ask(struct walk *w, const struct get_request *r)
{
    check_request(w, r);
    w->idle++;
    ck_assert_uint_le(w->idle, IDLE);
    if (one_in(w, 12)) {
        const struct get_event none = {.type = GET_EV_NO_ANSWER,
                                       .failure =
                                           one_in(w, 4) ? NET_CANNOT_CONNECT : NET_CONNECTION_BROKE,
                                       .written = w->m.saved.offset,
                                       .immediate_retries_allowed = true};
        return bcj2__get_step(&w->m, &none);
    }
    return show_head(w, r);
}

/* One run of the process; true: the file is whole. */
static bool run(struct walk *w)
{
    struct get_saved saved = w->stored;
    uint64_t believed = saved.begun ? file_size(w) : 0;
    saved.offset = saved.total_known ? MIN(believed, saved.total) : believed;
    saved.synced = MIN(saved.synced, saved.offset);
    bcj2__get_init(&w->m, &w->plan, &saved);
    w->received = w->idle = 0;
    struct get_event event = {.type = GET_EV_START};
    struct get_step step = bcj2__get_step(&w->m, &event);
    while (carry_out(w, &step)) {
        /* five new beginnings, and each time no more than is there (or is said to be there) */
        ck_assert_uint_le(w->received, UINT64_C(6) * 3 * LARGEST);
        switch (step.want) {
        case GET_WANT_REQUEST:
            if (w->restless || one_in(w, 15)) {
                change(w);
            }
            step = ask(w, &step.request);
            break;
        case GET_WANT_BODY:
            ck_assert(!w->head_only);
            ck_assert_uint_eq(step.offset, w->m.saved.offset);
            event = flow(w, step.offset);
            step = bcj2__get_step(&w->m, &event);
            break;
        case GET_WANT_IGNORE:
            event = (struct get_event){.type = one_in(w, 3) ? GET_EV_NO_ANSWER : GET_EV_BODY_END,
                                       .failure = NET_CONNECTION_BROKE,
                                       .written = w->m.saved.offset};
            step = bcj2__get_step(&w->m, &event);
            break;
        case GET_WANT_DONE:
            return true;
        case GET_WANT_FAIL:
            return false;
        }
    }
    return false;
}

static void make_plan(struct walk *w)
{
    w->plan = (struct get_plan){.fragment = LIMIT_DOWNLOAD_FRAGMENT_MIN};
    switch (pick(w, 6)) {
    case 0:
        w->plan.reply = true;
        break;
    case 1:
        w->plan.once = true;
        break;
    case 2:
        w->plan.foreground = true;
        break;
    case 3:
        w->ranges[0] = (struct get_range){pick(w, 50000), pick(w, 90000)};
        w->ranges[1] = (struct get_range){200000, one_in(w, 2) ? GET_TO_END : pick(w, 100000)};
        w->ranges[2] = (struct get_range){150000 + pick(w, 10), 10 + pick(w, 10000)};
        w->plan.range_count = 1 + (uint32_t)pick(w, 3);
        w->plan.ranges = w->ranges;
        w->plan.foreground = one_in(w, 2);
        break;
    default:
        break;
    }
}

static bool walk(uint64_t seed)
{
    static struct walk w;
    w = (struct walk){.random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1};
    for (int i = 0; i < 8; i++) {
        (void)pick(&w, 2);
    }
    w.size = one_in(&w, 10) ? pick(&w, 3) : pick(&w, LARGEST);
    w.lies = one_in(&w, 3);
    w.no_head = one_in(&w, 4);
    w.no_ranges = one_in(&w, 4);
    w.no_etag = one_in(&w, 2);
    w.no_time = one_in(&w, 2);
    w.old_times = one_in(&w, 2);
    w.restless = one_in(&w, 10);
    make_plan(&w);
    w.no_length = (w.plan.reply || w.plan.once) && one_in(&w, 2);
    for (uint32_t i = 0; i < RUNS; i++) {
        if (run(&w)) {
            if (!w.lies) {
                check_whole(&w);
            }
            return !w.lies;
        }
    }
    return false;
}

static uint64_t walking; /* 0: not */

static void tell_seed(void)
{
    if (walking != 0) {
        (void)fprintf(stderr,
                      "walk failed; again: BCJ2_TEST_SEED=%" PRIu64
                      " meson test -C build get_walk\n",
                      walking);
    }
}

START_TEST(walks)
{
    const char *only = getenv("BCJ2_TEST_SEED");
    uint64_t first = only != NULL ? strtoull(only, NULL, 10) : 1, whole = 0;
    uint64_t last = only != NULL ? first : WALKS;
    ck_assert_int_eq(atexit(tell_seed), 0);
    for (walking = first; walking <= last; walking++) {
        whole += walk(walking) ? 1 : 0;
    }
    walking = 0;
    ck_assert_msg(only != NULL || whole > WALKS / 3, "only %" PRIu64 " files became whole", whole);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "walk", 60);
    tcase_add_test(tc, walks);
}

SUITE_MAIN("get_walk", add_cases)
