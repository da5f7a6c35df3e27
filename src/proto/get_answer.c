/* SPDX-License-Identifier: MIT */
/* A ranged download: what the head of an answer means (wire-protocol 2.9, 4.2-4.4). See get.h. */
#include "get_parts.h"
#include "macro.h"
#include "range.h"
#include "str.h"

#include <string.h>

#define STRONG_AFTER_S 60 /* a Last-Modified this much older than the answer is exact */

/* ---- what a head says ---- */

static bool identity_coded(const struct hdrs *head)
{
    const char *coding = bcj2__hdrs_get(head, "Content-Encoding");
    return coding == NULL || coding[0] == '\0' || bcj2__str_same(coding, "identity");
}

/* Content-Length, if the body is delimited by it. False: the field is broken. */
static bool body_length(const struct hdrs *head, bool *ret_known, uint64_t *ret_length)
{
    const char *text = bcj2__hdrs_get(head, "Content-Length");
    *ret_known = false;
    if (head->status == 204) {
        *ret_known = true;
        *ret_length = 0;
        return true;
    }
    if (text == NULL || bcj2__hdrs_get(head, "Transfer-Encoding") != NULL) {
        return true;
    }
    *ret_known = bcj2__hdrs_unanimous(head, "Content-Length") &&
                 bcj2__str_parse_u64(text, strlen(text), ret_length);
    return *ret_known;
}

static void copy_validator(char to[LIMIT_VALIDATOR_BYTES + 1], const char *text)
{
    if (text == NULL || !bcj2__str_copy(to, LIMIT_VALIDATOR_BYTES + 1, text, strlen(text))) {
        to[0] = '\0';
    }
}

static void take_validators(struct get_saved *s, const struct hdrs *head)
{
    const char *etag = bcj2__hdrs_get(head, "ETag");
    const char *modified = bcj2__hdrs_get(head, "Last-Modified");
    const char *date = bcj2__hdrs_get(head, "Date");
    int64_t then = 0, now = 0;
    if (modified == NULL || strcmp(modified, s->last_modified) != 0) {
        s->preconditions_failed = 0;
    }
    copy_validator(s->etag, etag != NULL && bcj2__range_strong_etag(etag) ? etag : NULL);
    copy_validator(s->last_modified, modified);
    s->last_modified_strong = modified != NULL && date != NULL &&
                              bcj2__range_parse_date(modified, &then) &&
                              bcj2__range_parse_date(date, &now) && now - then >= STRONG_AFTER_S;
}

/* Is it another resource than the one whose first bytes we have? (4.4) */
static bool changed(const struct get *m, const struct hdrs *head, bool total_known, uint64_t total)
{
    const struct get_saved *s = &m->saved;
    const char *etag = bcj2__hdrs_get(head, "ETag");
    const char *modified = bcj2__hdrs_get(head, "Last-Modified");
    bool same_etag = etag != NULL && strcmp(etag, s->etag) == 0;
    if (s->total_known && total_known && s->total != total) {
        return true;
    }
    if (s->etag[0] != '\0' && etag != NULL && !same_etag) {
        return true;
    }
    if (s->last_modified[0] == '\0') {
        return false;
    }
    /* an answer to If-Range may leave it out where the entity tag tells (RFC 9110, 15.3.7) */
    return modified == NULL ? !(s->etag[0] != '\0' && same_etag)
                            : strcmp(modified, s->last_modified) != 0;
}

/* ---- answers ---- */

static struct get_step let_flow(struct get *m, uint64_t offset)
{
    m->accepted = true;
    m->saved.bad_answers = 0;
    return (
        struct get_step){.want = GET_WANT_BODY, .save = true, .offset = offset, .connected = true};
}

/* 200: the whole resource. Where a range was asked, it changed, or the server has no ranges: the
   body is taken from 0 all the same, which saves a request (4.3). */
static struct get_step on_whole(struct get *m, const struct hdrs *head)
{
    struct get_saved *s = &m->saved;
    bool known = false, had_bytes = s->begun && s->offset > 0;
    uint64_t length = 0;
    const char *note = NULL;
    if (!body_length(head, &known, &length)) {
        return bcj2__get_bad_answer(m, "the length in the answer is not a number");
    }
    if (m->asked_range) {
        bool other = changed(m, head, known, length);
        s->plain_only = !other;
        note = other ? "the reply changed on the server; from the start"
                     : "the server sends the reply whole only; from the start";
        if (bcj2__get_too_many_restarts(m)) {
            bcj2__get_forget_bytes(s);
            return bcj2__get_fail_with(m, BCJ2_E_REMOTE_FILE_CHANGED, true,
                                       "the reply changed again and again while it was fetched");
        }
    }
    take_validators(s, head);
    s->begun = true;
    s->total_known = known;
    s->total = known ? length : 0;
    s->offset = s->synced = 0;
    m->body_length_known = known;
    m->body_end = length;
    m->asked_range = false; /* from here on as if it had not been */
    m->asked_first = 0;
    struct get_step step = let_flow(m, 0);
    step.restarted = had_bytes;
    step.note = note;
    return step;
}

static struct get_step on_part(struct get *m, const struct hdrs *head)
{
    struct get_saved *s = &m->saved;
    const char *text = bcj2__hdrs_get(head, "Content-Range");
    struct content_range range = {0};
    bool known = false;
    uint64_t length = 0;
    if (!m->asked_range) {
        return bcj2__get_bad_answer(m, "a part came where the whole was asked");
    }
    if (text == NULL || !bcj2__hdrs_unanimous(head, "Content-Range") ||
        !bcj2__range_parse_content(text, &range) || range.unsatisfied ||
        range.first != m->asked_first || range.last == UINT64_MAX ||
        !body_length(head, &known, &length) || (known && length != range.last - range.first + 1)) {
        return bcj2__get_fail_with(m, BCJ2_E_INSUFFICIENT_RANGE_SUPPORT, false,
                                   "the server sent another range than the one it was asked for");
    }
    bool beyond = s->total_known && range.last >= s->total;
    if (beyond || changed(m, head, range.total_known, range.total)) {
        return bcj2__get_restart(m, "the reply changed on the server; from the start");
    }
    if (range.total_known) {
        s->total_known = true;
        s->total = range.total;
    }
    m->body_length_known = true;
    m->body_end = range.last + 1;
    return let_flow(m, m->asked_first);
}

/* 416: nothing is behind the bytes we have, or they are more than there are now. */
static struct get_step on_unsatisfied(struct get *m, const struct hdrs *head)
{
    struct get_saved *s = &m->saved;
    const char *text = bcj2__hdrs_get(head, "Content-Range");
    struct content_range range = {0};
    bool told = text != NULL && bcj2__range_parse_content(text, &range) && range.unsatisfied;
    if (told && range.total == s->offset && (!s->total_known || s->total == range.total)) {
        s->total_known = true;
        s->total = range.total;
        return bcj2__get_ignore(m); /* whole: said when this answer is over */
    }
    return bcj2__get_restart(m, "the server does not have the rest of the reply; from the start");
}

static struct get_step refused(struct get *m, const struct hdrs *head)
{
    if (head->status == 404 && bcj2__get_use_alternative(m, NET_OK)) {
        struct get_step step = bcj2__get_ignore(m);
        step.note = "the reply is not at the upload's host; trying the first one";
        return step;
    }
    struct failure failure = bcj2__classify_answer(head, GET_DOING);
    if (head->status == 404 && m->saved.origin_tried && m->first_host_failure != NET_OK) {
        /* it was worth a try; the host that should have it may come back */
        failure = bcj2__classify_net(m->first_host_failure, BCJ2_OK, GET_DOING);
    }
    failure.context = BCJ2_ERROR_CONTEXT_REMOTE_FILE;
    return bcj2__get_fail(m, failure);
}

struct get_step bcj2__get_on_head(struct get *m, const struct hdrs *head)
{
    m->awaiting = false;
    if (head->overflow || head->status == 0) {
        return bcj2__get_bad_answer(m, "the head of the answer is broken or too long");
    }
    switch (head->status) {
    case 200:
    case 204:
    case 206:
        if (!identity_coded(head)) {
            return bcj2__get_fail_with(m, BCJ2_E_INVALID_SERVER_RESPONSE, false,
                                       "the server sent the reply encoded");
        }
        return head->status == 206 ? on_part(m, head) : on_whole(m, head);
    case 412:
        if (m->asked_condition) {
            m->saved.preconditions_failed++;
            return bcj2__get_restart(m, "the server says that the reply changed; from the start");
        }
        break;
    case 416:
        if (m->asked_range) {
            return on_unsatisfied(m, head);
        }
        break;
    default:
        if (head->status / 100 == 2) {
            return bcj2__get_bad_answer(m, "the answer is a success of another kind");
        }
    }
    return refused(m, head);
}
