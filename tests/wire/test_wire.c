/* SPDX-License-Identifier: MIT */
/* Plays the traces of this folder (README.md has their format) through the client's machines: bup,
   bup_msg and get, joined as the engine joins them. Not here: rules one by one (unit/test_bup.c,
   unit/test_get.c). */
#include "../support/suite.h"
#include "bup.h"
#include "get.h"
#include "macro.h"
#include "str.h"
#include "url.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const traces[] = {
    "2.3-source-changed.txt",      "6.1-upload-reply.txt",          "6.2-resumed-at-once.txt",
    "6.2-resumed-strict.txt",      "6.2-resumed-after-restart.txt", "6.2-host-stays-away.txt",
    "6.3-application-refuses.txt", "6.3-application-busy.txt",
};

enum situation { IDLE, SENT, FETCHING, BODY, FAILED, DONE, FAREWELL_SENT, FAREWELL_OVER };

struct player {
    const char *trace;
    int line;
    char url[256], file[64];
    struct bup_source source;
    uint64_t now, elapsed, series_start;
    bool retries, series;
    struct bup bup;
    struct get get;
    struct bup_saved stored; /* what a restart finds */
    struct get_saved stored_get;
    enum situation situation;
    struct failure failure;
    enum bup_packet farewell;
    enum bup_farewell verdict;
    struct buf request; /* "METHOD target\n" and "Name: value\n" … */
};

#define expect(p, condition) \
    ck_assert_msg((condition), "%s:%d: %s", (p)->trace, (p)->line, #condition)

/* ---- what the client says ---- */

/* The request line, and Host. */
static void begin_request(struct player *p, const char *method, const char *url)
{
    struct url u;
    char problem[128];
    expect(p, bcj2__url_parse(url, &u, problem));
    bcj2__buf_clear(&p->request);
    bcj2__buf_printf(&p->request, "%s %.*s%.*s\n", method, (int)u.path_length, u.path,
                     (int)u.query_length, u.query);
    bcj2__buf_printf(&p->request, "Host: %.*s\n", (int)u.host_length, u.host);
}

static void bits_request(struct player *p, const struct bup_out *packet, const char *host_id)
{
    struct buf url = BUF_INIT(1024), lines = BUF_INIT(4096);
    char name[LIMIT_CONTENT_NAME_BYTES + 1];
    struct bup_out out = *packet;
    bcj2__bup_msg_content_name(p->file, name);
    out.content_name = name;
    if (host_id == NULL) {
        bcj2__buf_text(&url, p->url);
    } else {
        expect(p, bcj2__url_with_host(p->url, host_id, &url));
    }
    expect(p, bcj2__bup_msg_build(&out, &lines));
    begin_request(p, BUP_METHOD, bcj2__buf_cstr(&url));
    for (const char *line = lines.data; *line != '\0'; line += strlen(line) + 1) {
        bcj2__buf_printf(&p->request, "%s\n", line);
    }
    bcj2__buf_printf(&p->request, "Content-Length: %" PRIu64 "\n", out.length);
    bcj2__buf_done(&url);
    bcj2__buf_done(&lines);
}

static void get_request(struct player *p, const struct get_request *request)
{
    struct buf base = BUF_INIT(1024), url = BUF_INIT(1024);
    if (p->bup.saved.reply_host[0] == '\0' || request->alternative) {
        bcj2__buf_text(&base, p->url);
    } else {
        expect(p, bcj2__url_with_host(p->url, p->bup.saved.reply_host, &base));
    }
    expect(p, bcj2__url_resolve(bcj2__buf_cstr(&base), p->bup.saved.reply_url, &url));
    begin_request(p, "GET", bcj2__buf_cstr(&url));
    if (request->range) {
        bcj2__buf_printf(&p->request, "Range: bytes=%" PRIu64 "-\n", request->first);
    }
    if (request->if_range != NULL) {
        bcj2__buf_printf(&p->request, "If-Range: %s\n", request->if_range);
    }
    if (request->if_unmodified_since != NULL) {
        bcj2__buf_printf(&p->request, "If-Unmodified-Since: %s\n", request->if_unmodified_since);
    }
    bcj2__buf_done(&base);
    bcj2__buf_done(&url);
}

/* ---- the engine's part ---- */

static void run_ended(struct player *p, const struct failure *failure)
{
    bcj2__bup_interrupted(&p->bup, p->now);
    p->stored = p->bup.saved;
    p->failure = *failure;
    p->situation = FAILED;
    if (!p->series) {
        p->series = true;
        p->series_start = p->now;
    }
}

static void bup_event(struct player *p, struct bup_event event);

static void get_event(struct player *p, struct get_event event)
{
    event.now_ms = p->now;
    event.immediate_retries_allowed = p->retries;
    struct get_step step = bcj2__get_step(&p->get, &event);
    if (step.save) {
        p->stored_get = p->get.saved;
    }
    switch (step.want) {
    case GET_WANT_REQUEST:
        get_request(p, &step.request);
        p->situation = FETCHING;
        break;
    case GET_WANT_BODY:
    case GET_WANT_IGNORE:
        p->situation = BODY;
        break;
    case GET_WANT_DONE:
        bup_event(p, (struct bup_event){.type = BUP_EV_REPLY_STORED});
        break;
    case GET_WANT_FAIL:
        run_ended(p, &step.failure);
        break;
    }
}

static void bup_event(struct player *p, struct bup_event event)
{
    event.now_ms = p->now;
    event.source = p->source;
    event.elapsed_ms = p->elapsed;
    event.immediate_retries_allowed = p->retries;
    event.failing_ms = p->series ? p->now - p->series_start : 0;
    struct bup_step step = bcj2__bup_step(&p->bup, &event);
    p->farewell = step.farewell;
    if (step.progress) {
        p->series = false;
    }
    if (step.save != BUP_SAVE_NOT) {
        p->stored = p->bup.saved;
    }
    switch (step.want) {
    case BUP_WANT_SEND:
        bits_request(p, &step.request, step.host_id);
        p->situation = SENT;
        break;
    case BUP_WANT_FETCH: {
        const struct get_plan plan = {.reply = true,
                                      .has_alternative = p->stored.reply_host[0] != '\0'};
        bcj2__get_init(&p->get, &plan, &p->stored_get);
        get_event(p, (struct get_event){.type = GET_EV_START});
        break;
    }
    case BUP_WANT_DONE:
        p->situation = DONE;
        break;
    case BUP_WANT_FAIL:
        run_ended(p, &step.failure);
        break;
    }
}

/* Close or Cancel outside the machine, from what it saved. */
static void say_farewell(struct player *p, enum bup_packet packet)
{
    struct bup_out out = {.packet = packet, .session_id = p->stored.session_id};
    bits_request(p, &out, p->stored.host_id[0] == '\0' ? NULL : p->stored.host_id);
    p->situation = FAREWELL_SENT;
}

static void answered(struct player *p, const struct hdrs *head)
{
    p->now += p->elapsed;
    switch (p->situation) {
    case SENT:
        bup_event(p, (struct bup_event){.type = BUP_EV_ANSWER, .head = head});
        break;
    case FETCHING:
        get_event(p, (struct get_event){.type = GET_EV_HEAD, .head = head});
        break;
    default:
        expect(p, p->situation == FAREWELL_SENT);
        p->verdict = bcj2__bup_farewell_answer(p->farewell, head);
        p->situation = FAREWELL_OVER;
    }
}

static void not_answered(struct player *p, enum net_failure failure)
{
    if (p->situation == SENT) {
        bup_event(p, (struct bup_event){.type = BUP_EV_NO_ANSWER, .failure = failure});
    } else {
        expect(p, p->situation == FETCHING || p->situation == BODY);
        get_event(p, (struct get_event){.type = GET_EV_NO_ANSWER,
                                        .failure = failure,
                                        .written = p->get.saved.offset});
    }
}

static void body(struct player *p, uint64_t bytes, bool cut)
{
    expect(p, p->situation == BODY);
    get_event(p, (struct get_event){.type = cut ? GET_EV_NO_ANSWER : GET_EV_BODY_END,
                                    .failure = cut ? NET_CONNECTION_BROKE : NET_OK,
                                    .written = p->get.saved.offset + bytes});
}

static void restart(struct player *p)
{
    bcj2_job_type type = p->bup.type;
    p->stored_get.origin_tried = false;
    bcj2__bup_init(&p->bup, type, BCJ2_JOB_PRIORITY_NORMAL, &p->stored);
    p->situation = IDLE;
}

/* ---- reading a trace ---- */

/* The lines that belong to the message: they begin with a blank. Moves *text behind them. */
static void take_fields(struct player *p, const char **text, struct buf *fields)
{
    while (**text == ' ') {
        size_t length = strcspn(*text, "\n"), trimmed = 0;
        const char *line = bcj2__str_trim(*text, length, &trimmed);
        bcj2__buf_append(fields, line, trimmed);
        bcj2__buf_text(fields, "\n");
        *text += length + ((*text)[length] == '\n' ? 1 : 0);
        p->line++;
    }
}

static bool has_line(const char *lines, const char *line, size_t length)
{
    while (*lines != '\0') {
        size_t n = strcspn(lines, "\n");
        if (n == length && memcmp(lines, line, n) == 0) {
            return true;
        }
        lines += n + 1;
    }
    return false;
}

/* Every line of a is one of b. */
static void check_lines(struct player *p, const char *a, const char *b, const char *problem)
{
    while (*a != '\0') {
        size_t n = strcspn(a, "\n");
        bool optional = bcj2__str_starts(a, "Content-Name:");
        ck_assert_msg(optional || has_line(b, a, n), "%s:%d: %s: %.*s", p->trace, p->line, problem,
                      (int)n, a);
        a += n + 1;
    }
}

static void client_says(struct player *p, const char *line, const char **text)
{
    struct buf want = BUF_INIT(8192);
    bcj2__buf_printf(&want, "%s\n", line);
    take_fields(p, text, &want);
    expect(p, p->situation == SENT || p->situation == FETCHING || p->situation == FAREWELL_SENT);
    check_lines(p, bcj2__buf_cstr(&want), bcj2__buf_cstr(&p->request), "not said");
    check_lines(p, bcj2__buf_cstr(&p->request), bcj2__buf_cstr(&want), "said besides");
    bcj2__buf_done(&want);
}

static void server_says(struct player *p, const char *line, const char **text)
{
    unsigned long long bytes = 0;
    if (strcmp(line, "breaks") == 0) {
        not_answered(p, NET_CONNECTION_BROKE);
    } else if (strcmp(line, "unreachable") == 0) {
        not_answered(p, NET_CANNOT_CONNECT);
    } else if (strcmp(line, "silent") == 0) {
        not_answered(p, NET_TIMEOUT);
    } else if (sscanf(line, "body %llu", &bytes) == 1) {
        body(p, bytes, strstr(line, " cut") != NULL);
    } else {
        struct hdrs head;
        struct buf fields = BUF_INIT(8192);
        bcj2__hdrs_init(&head);
        expect(p, bcj2__hdrs_line(&head, line, strlen(line)));
        take_fields(p, text, &fields);
        for (const char *f = bcj2__buf_cstr(&fields); *f != '\0'; f += strcspn(f, "\n") + 1) {
            expect(p, bcj2__hdrs_line(&head, f, strcspn(f, "\n")));
        }
        answered(p, &head);
        bcj2__hdrs_done(&head);
        bcj2__buf_done(&fields);
    }
}

static void check_failure(struct player *p, const char *line)
{
    char kind[16];
    unsigned code = 0;
    int context = 0;
    expect(p, p->situation == FAILED);
    expect(p, sscanf(line, "%15s %x %d", kind, &code, &context) == 3);
    ck_assert_msg((uint32_t)p->failure.code == code, "%s:%d: 0x%08x", p->trace, p->line,
                  (unsigned)p->failure.code);
    expect(p, p->failure.context == context);
    expect(p, p->failure.transient == (strcmp(kind, "transient") == 0));
}

static void set_job(struct player *p, const char *line)
{
    char type[16];
    expect(p, sscanf(line, "%15s %255s", type, p->url) == 2);
    bcj2__bup_init(&p->bup,
                   strcmp(type, "upload") == 0 ? BCJ2_JOB_TYPE_UPLOAD : BCJ2_JOB_TYPE_UPLOAD_REPLY,
                   BCJ2_JOB_PRIORITY_NORMAL, &p->stored);
}

/* One line, without its end; text is what follows it. */
static void play_line(struct player *p, const char *line, const char **text)
{
    const char *space = strchr(line, ' ');
    const char *rest = space == NULL ? "" : space + 1;
    size_t n = space == NULL ? strlen(line) : (size_t)(space - line);
    unsigned long long number = strtoull(rest, NULL, 10);
#define IS(word) (n == strlen(word) && memcmp(line, word, n) == 0)
    if (n == 0 || line[0] == '#') {
        return;
    } else if (IS("C>")) {
        client_says(p, rest, text);
    } else if (IS("S>")) {
        server_says(p, rest, text);
    } else if (IS("job")) {
        set_job(p, rest);
    } else if (IS("file")) {
        expect(p, sscanf(rest, "%63s %llu", p->file, &number) == 2);
        p->source = (struct bup_source){.size = number, .mtime_s = 1770000000};
    } else if (IS("fragment")) {
        p->bup.saved.fragment = (uint32_t)number;
    } else if (IS("elapsed")) {
        p->elapsed = number;
    } else if (IS("wait")) {
        p->now += number;
    } else if (IS("retries")) {
        p->retries = strcmp(rest, "no") != 0;
    } else if (IS("start")) {
        bup_event(p, (struct bup_event){.type = BUP_EV_START});
    } else if (IS("restart")) {
        restart(p);
    } else if (IS("touch")) {
        p->source.mtime_ns++;
    } else if (IS("acked")) {
        expect(p, p->stored.acked == number);
    } else if (IS("fails")) {
        check_failure(p, rest);
    } else if (IS("done")) {
        expect(p, p->situation == DONE && p->farewell == BUP_PACKET_NONE);
    } else if (IS("farewell")) {
        expect(p, p->situation == DONE || p->situation == FAILED);
        expect(p, p->farewell != BUP_PACKET_NONE);
        say_farewell(p, p->farewell);
    } else if (IS("cancel")) {
        p->farewell = BUP_PACKET_CANCEL;
        say_farewell(p, p->farewell);
    } else if (IS("over")) {
        expect(p, p->situation == FAREWELL_OVER && p->verdict == BUP_FAREWELL_DONE);
    } else {
        ck_abort_msg("%s:%d: unknown line: %s", p->trace, p->line, line);
    }
#undef IS
}

static void read_trace(const char *name, struct buf *text)
{
    char path[1024], chunk[4096];
    (void)snprintf(path, sizeof path, "%s/%s", BCJ2_TRACES, name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s", path);
    size_t n = 0;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        ck_assert(bcj2__buf_append(text, chunk, n));
    }
    (void)fclose(f);
}

START_TEST(trace)
{
    struct player p = {
        .trace = traces[_i], .retries = true, .now = 1000, .request = BUF_INIT(8192)};
    struct buf text = BUF_INIT(65536);
    read_trace(p.trace, &text);
    const char *at = bcj2__buf_cstr(&text);
    while (*at != '\0') {
        char line[1024];
        size_t length = strcspn(at, "\n");
        ck_assert_uint_lt(length, sizeof line);
        memcpy(line, at, length);
        line[length] = '\0';
        at += length + (at[length] == '\n' ? 1 : 0);
        p.line++;
        play_line(&p, line, &at);
    }
    ck_assert_int_gt(p.line, 20);
    bcj2__buf_done(&text);
    bcj2__buf_done(&p.request);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "traces", 10);
    tcase_add_loop_test(tc, trace, 0, ARRAY_LEN(traces));
}

SUITE_MAIN("wire", add_cases)
