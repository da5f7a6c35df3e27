/* SPDX-License-Identifier: MIT */
/* Goodbyes: Close-Session and Cancel-Session that outlive their job (wire-protocol 2.10, 2.11). Rows of
   the store; at most a handful under way at a time; repeated after the job's retry delay, given up after
   24 hours or the no-progress time-out. They never keep a job visible and never fail it. */
#include "detail.h"
#include "engine_priv.h"
#include "http_options.h"
#include "job.h"
#include "mem.h"
#include "timeouts.h"
#include "url.h"

#define AT_A_TIME 64u

struct bye {
    struct bye *next;
    uint64_t token;
    bool started, over; /* over: to be removed in act */
    bool not_started;   /* the last act could not: said in the next turn */
    struct store_farewell row;
};

static void free_bye(struct bye *b)
{
    bcj2__store_farewell_done(&b->row);
    bcj2__mem_free(b);
}

static bool under_way(const struct engine *e, int64_t seq)
{
    for (const struct bye *b = e->byes; b != NULL; b = b->next) {
        if (b->row.seq == seq && !b->over) {
            return true;
        }
    }
    return false;
}

/* Takes what *row holds. */
static bool add(struct engine *e, struct store_farewell *row)
{
    struct bye *b = bcj2__mem_calloc(1, sizeof *b);
    if (b == NULL) {
        (void)bcj2__engine_check(e, bcj2__detail_no_memory());
        return false;
    }
    b->token = e->next_token++;
    b->row = *row;
    *row = (struct store_farewell){0};
    b->next = e->byes;
    e->byes = b;
    e->bye_count++;
    return true;
}

static void note(const struct engine *e, int32_t level, const struct bye *b, const char *what)
{
    char people[256];
    bcj2__url_for_people(b->row.url, people);
    bcj2__log(&e->core->log, level, "%s to %s: %s", bcj2__bup_msg_packet_name(b->row.packet),
              people, what);
}

/* Another try later, or never again. */
static bcj2_status repeat(struct engine *e, struct bye *b)
{
    if (bcj2__job_deadline_ms(&b->row.give_up) <= e->now_ms) {
        note(e, LOG_WARNING, b, "given up, the server's own time-out will end the session");
        return bcj2__store_farewell_delete(e->core->store, b->row.seq);
    }
    b->row.attempts++;
    b->row.next_attempt =
        bcj2__job_deadline_at(e->now_ms + (uint64_t)b->row.retry_delay_s * 1000, e->now_ms);
    note(e, LOG_INFO, b, "will be repeated");
    return bcj2__store_farewell_update(e->core->store, &b->row);
}

/* Those that could not be sent at all, as if the server had not answered. */
static bcj2_status repeat_not_started(struct engine *e)
{
    bcj2_status s = BCJ2_OK;
    for (struct bye *b = e->byes; b != NULL && BCJ2_SUCCEEDED(s); b = b->next) {
        if (b->not_started && !b->over) {
            b->over = true;
            s = bcj2__engine_transaction(e) ? repeat(e, b) : BCJ2_E_FAIL;
        }
    }
    return s;
}

void bcj2__farewell_look(struct engine *e)
{
    struct store_farewell row = {0};
    int64_t after = 0;
    bcj2_status s = BCJ2_OK;
    e->look_byes = false;
    e->bye_ms = UINT64_MAX;
    if (!bcj2__engine_check(e, repeat_not_started(e))) {
        return;
    }
    while (e->bye_count < AT_A_TIME) {
        s = bcj2__store_next_farewell(e->core->store, after, &row);
        if (!bcj2__engine_check(e, s) || s == BCJ2_S_FALSE) {
            break;
        }
        after = row.seq;
        uint64_t due = row.next_attempt.set ? bcj2__job_deadline_ms(&row.next_attempt) : e->now_ms;
        if (!under_way(e, row.seq)) {
            if (due > e->now_ms) {
                e->bye_ms = MIN(e->bye_ms, due);
            } else if (!add(e, &row)) {
                break;
            }
        }
        bcj2__store_farewell_done(&row);
    }
    bcj2__store_farewell_done(&row);
}

bool bcj2__farewell_event(struct engine *e, const struct net_event *event)
{
    struct bye *b = e->byes;
    while (b != NULL && b->token != event->token) {
        b = b->next;
    }
    if (b == NULL || event->type != NET_EV_DONE) {
        return b != NULL;
    }
    b->over = true;
    e->look_byes = true;
    enum bup_farewell result =
        bcj2__bup_farewell_answer(b->row.packet, event->failure == NET_OK ? event->head : NULL);
    if (result == BUP_FAREWELL_DONE_WITH_WARNING) {
        note(e, LOG_WARNING, b, "refused by the server");
    }
    if (bcj2__engine_transaction(e)) {
        (void)bcj2__engine_check(e, result == BUP_FAREWELL_REPEAT
                                        ? repeat(e, b)
                                        : bcj2__store_farewell_delete(e->core->store, b->row.seq));
    }
    return true;
}

static bcj2_status start(struct engine *e, struct bye *b)
{
    CLEANUP_BUF struct buf lines = BUF_INIT(LIMIT_HEAD_BYTES);
    const struct bup_out out = {.packet = b->row.packet, .session_id = b->row.session_id};
    if (!bcj2__bup_msg_build(&out, &lines)) {
        return bcj2__detail_no_memory();
    }
    struct http_options options;
    struct net_tls tls;
    bcj2_status s = bcj2__http_options_load(e->core, b->row.job_seq, &options);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    struct net_request request = {
        .token = b->token,
        .method = BUP_METHOD,
        .url = b->row.url,
        .lines = bcj2__buf_cstr(&lines),
        .has_body = true,
        .body_fd = -1,
        .sink_fd = -1,
        .response_timeout_ms = bcj2__timeouts.response_ms,
    };
    bcj2__http_options_fill(&options, true, &request, &tls);
    s = bcj2__net_start(e->net, &request);
    bcj2__http_options_done(&options);
    return s;
}

void bcj2__farewell_act(struct engine *e)
{
    struct bye **link = &e->byes;
    while (*link != NULL) {
        struct bye *b = *link;
        if (!b->started && !b->over) {
            b->started = true;
            if (BCJ2_FAILED(start(e, b))) {
                note(e, LOG_WARNING, b, bcj2__detail_get());
                b->not_started = e->look_byes = e->again = true;
            }
        }
        if (b->over) {
            *link = b->next;
            free_bye(b);
            e->bye_count--;
        } else {
            link = &b->next;
        }
    }
}

void bcj2__farewell_drop_all(struct engine *e)
{
    while (e->byes != NULL) {
        struct bye *b = e->byes;
        e->byes = b->next;
        bcj2__net_abort(e->net, b->token);
        free_bye(b);
    }
    e->bye_count = 0;
}
