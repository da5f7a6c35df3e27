/* SPDX-License-Identifier: MIT */
/* See bup_srv.h. The sections follow a request's way: session, fragment, finish. Reading a head and
   building an Ack are in bup_srv_msg.c. */
#include "bup_srv.h"
#include "range.h"
#include "str.h"

#include <string.h>

#define CONTEXT_SERVER 5

struct bup_srv_answer bcj2__bup_srv_ok(const struct bup_srv_request *request)
{
    struct bup_srv_answer a = {.status = 200};
    (void)bcj2__str_copy(a.session_id, sizeof a.session_id, request->session_id,
                         strlen(request->session_id));
    return a;
}

struct bup_srv_answer bcj2__bup_srv_error(const struct bup_srv_request *request, uint32_t status,
                                          bcj2_status code)
{
    struct bup_srv_answer a = bcj2__bup_srv_ok(request);
    a.status = status;
    a.has_code = true;
    a.code = code;
    a.context = CONTEXT_SERVER;
    return a;
}

struct bup_srv_answer bcj2__bup_srv_no_session(const struct bup_srv_request *request)
{
    struct bup_srv_answer a = bcj2__bup_srv_error(request, 500, BCJ2_E_SESSION_NOT_FOUND);
    a.has_offset = request->packet == BUP_PACKET_FRAGMENT; /* 0: there is nothing */
    return a;
}

struct bup_srv_answer bcj2__bup_srv_exists(const struct bup_srv_rules *rules,
                                           const struct bup_srv_request *request)
{
    return bcj2__bup_srv_error(request, rules->conflict_409 ? 409 : 403, BCJ2_E_ACCESSDENIED);
}

/* ---- a fragment ---- */

/* The forms in which clients may say "a file of no bytes", behind "bytes ". */
static bool is_empty_upload(const char *range)
{
    static const char *const forms[] = {"0-0/0", "*/0", "0--1/0", "0-18446744073709551615/0"};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (strcmp(range, forms[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* "bytes first-last/total" of a fragment with length bytes. */
static bool read_range(const char *text, uint64_t length, struct bup_srv_plan *plan)
{
    static const char unit[] = "bytes ";
    size_t unit_length = sizeof unit - 1;
    if (text == NULL || strlen(text) < unit_length || !bcj2__str_same_n(text, unit, unit_length)) {
        return false;
    }
    if (is_empty_upload(text + unit_length)) {
        return length == 0;
    }
    struct content_range r;
    if (!bcj2__range_parse_content(text, &r) || r.unsatisfied || !r.total_known) {
        return false;
    }
    plan->first = r.first;
    plan->last = r.last;
    plan->total = r.total;
    return length > 0 && r.last - r.first == length - 1;
}

/* An error that leaves the session as it was; every Ack to a Fragment tells the offset. */
static void refuse(struct bup_srv_plan *plan, const struct bup_srv_session *session,
                   const struct bup_srv_request *request, uint32_t status, bcj2_status code)
{
    plan->move = BUP_SRV_REFUSE;
    plan->answer = bcj2__bup_srv_error(request, status, code);
    plan->answer.has_offset = true;
    plan->answer.offset = session->next;
}

/* The part of 3.3's table that compares the range with what is stored. */
static void place_fragment(const struct bup_srv_rules *rules, struct bup_srv_session *session,
                           const struct bup_srv_request *request, struct bup_srv_plan *plan)
{
    uint64_t end = plan->first + request->length;
    bool starts_behind = plan->first < session->next;
    if (plan->first > session->next || (rules->strict416 && starts_behind)) {
        refuse(plan, session, request, 416, BCJ2_OK);
        return;
    }
    if (end < session->next || (starts_behind && end == session->next)) {
        plan->move = BUP_SRV_REFUSE; /* a duplicate: nothing to store, and nothing wrong */
        plan->answer = bcj2__bup_srv_ok(request);
        plan->answer.has_offset = true;
        plan->answer.offset = session->next;
        return;
    }
    plan->move = BUP_SRV_STORE;
    plan->skip = session->next - plan->first;
    plan->append = request->length - plan->skip;
    session->total_known = true;
    session->total = plan->total;
}

struct bup_srv_plan bcj2__bup_srv_fragment(const struct bup_srv_rules *rules,
                                           struct bup_srv_session *session,
                                           const struct bup_srv_request *request)
{
    struct bup_srv_plan plan = {.move = BUP_SRV_REFUSE};
    bool readable = read_range(request->range, request->length, &plan);
    if (!readable || (session->total_known && plan.total != session->total) ||
        plan.total < session->next) {
        refuse(&plan, session, request, 400, BCJ2_E_INVALIDARG);
    } else if (rules->upload_limited && plan.total > rules->upload_max) {
        refuse(&plan, session, request, 500, BCJ2_E_TOO_LARGE);
    } else if (request->length > rules->fragment_max) {
        refuse(&plan, session, request, 413, BCJ2_E_HTTP_ERROR_413);
    } else if (plan.total == session->next) {
        /* all is there; that this is all may be news, if the server was killed in the last
           fragment */
        session->total_known = session->complete = true;
        session->total = plan.total;
        plan.move = BUP_SRV_FINISH;
    } else {
        place_fragment(rules, session, request, &plan);
    }
    return plan;
}

void bcj2__bup_srv_stored(struct bup_srv_session *session, uint64_t bytes)
{
    session->next += bytes;
    session->complete = session->total_known && session->next == session->total;
}

bool bcj2__bup_srv_body_end(const struct bup_srv_session *session,
                            const struct bup_srv_request *request,
                            struct bup_srv_answer *ret_answer)
{
    *ret_answer = bcj2__bup_srv_ok(request);
    ret_answer->has_offset = true;
    ret_answer->offset = session->next;
    return !session->complete;
}

/* ---- the end of an upload ---- */

static struct bup_srv_answer cached_answer(const struct bup_srv_session *session,
                                           const struct bup_srv_request *request)
{
    struct bup_srv_answer a = bcj2__bup_srv_ok(request);
    a.status = session->cached.status;
    a.has_code = session->cached.has_code;
    a.code = session->cached.code;
    a.context = session->cached.context;
    a.has_offset = true;
    a.offset = session->total;
    if (session->cached.reply_url != NULL) {
        (void)bcj2__str_copy(a.reply_url, sizeof a.reply_url, session->cached.reply_url,
                             strlen(session->cached.reply_url));
    }
    return a;
}

enum bup_srv_finish bcj2__bup_srv_finish(struct bup_srv_session *session,
                                         const struct bup_srv_request *request,
                                         struct bup_srv_answer *ret_answer)
{
    if (session->phase == BUP_SRV_WAIT_CLOSE) {
        *ret_answer = cached_answer(session, request);
        return BUP_SRV_FINISH_CACHED;
    }
    if (session->phase == BUP_SRV_FINISHING) {
        return BUP_SRV_FINISH_SHARE;
    }
    session->phase = BUP_SRV_FINISHING;
    return BUP_SRV_FINISH_RUN;
}

static bool is_success(const struct bup_srv_outcome *outcome)
{
    return outcome->status >= 200 && outcome->status < 300;
}

void bcj2__bup_srv_finished(struct bup_srv_session *session, const struct bup_srv_outcome *outcome)
{
    bool final = is_success(outcome) || (outcome->asked_application && outcome->status == 403);
    session->phase = final ? BUP_SRV_WAIT_CLOSE : BUP_SRV_RECEIVING;
    if (!final) {
        return;
    }
    memset(&session->cached, 0, sizeof session->cached);
    session->cached.status = is_success(outcome) ? 200 : outcome->status;
    if (!is_success(outcome)) {
        session->cached.has_code = true;
        session->cached.code = outcome->code;
        session->cached.context = outcome->context;
    } else {
        session->cached.reply_url = outcome->reply_url;
    }
}

struct bup_srv_answer bcj2__bup_srv_outcome_answer(const struct bup_srv_session *session,
                                                   const struct bup_srv_request *request,
                                                   const struct bup_srv_outcome *outcome)
{
    if (session->phase == BUP_SRV_WAIT_CLOSE) {
        return cached_answer(session, request);
    }
    struct bup_srv_answer a = bcj2__bup_srv_error(request, outcome->status, outcome->code);
    a.context = outcome->context;
    a.has_offset = true;
    a.offset = session->total;
    return a;
}
