/* SPDX-License-Identifier: MIT */
/* A ranged download: what the head of an answer means (wire-protocol 2.9, 4.2-4.5). See get.h; the
   answers to HEAD are in get_size.c. */
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

bool bcj2__get_body_length(const struct hdrs *head, bool *ret_known, uint64_t *ret_length)
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

void bcj2__get_take_validators(struct get_saved *s, const struct hdrs *head)
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

bool bcj2__get_changed(const struct get *m, const struct hdrs *head, bool size_known, uint64_t size)
{
    const struct get_saved *s = &m->saved;
    const char *etag = bcj2__hdrs_get(head, "ETag");
    const char *modified = bcj2__hdrs_get(head, "Last-Modified");
    bool same_etag = etag != NULL && strcmp(etag, s->etag) == 0;
    if (s->total_known && size_known && s->remote_total != size) {
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
    return (struct get_step){
        .want = GET_WANT_BODY, .save = true, .cut = true, .offset = offset, .connected = true};
}

/* The body from 0 on, with the validators of its head. */
static struct get_step take_whole(struct get *m, const struct hdrs *head, bool known,
                                  uint64_t length)
{
    struct get_saved *s = &m->saved;
    bool had_bytes = s->begun && s->offset > 0;
    bcj2__get_take_validators(s, head);
    s->begun = true;
    s->total_known = known;
    s->total = s->remote_total = known ? length : 0;
    s->offset = s->synced = 0;
    m->body_length_known = known;
    m->body_end = length;
    m->asked_range = false; /* from here on as if it had not been */
    m->asked_first = 0;
    struct get_step step = let_flow(m, 0);
    step.restarted = had_bytes;
    return step;
}

static struct get_step changes_too_often(struct get *m)
{
    bool had_bytes = m->saved.begun && m->saved.offset > 0;
    bcj2__get_forget_bytes(&m->saved);
    struct get_step step =
        bcj2__get_fail_with(m, BCJ2_E_REMOTE_FILE_CHANGED, true, bcj2__get_words(m)->changes_often);
    step.restarted = had_bytes;
    return step;
}

/* 200 where the rest was asked: it changed, or the server has no ranges. The body is taken from 0 all
   the same, which saves a request (4.3). */
static struct get_step on_whole_for_rest(struct get *m, const struct hdrs *head, bool known,
                                         uint64_t length)
{
    bool other = bcj2__get_changed(m, head, known, length);
    bool may_again = m->plan.reply || (m->plan.foreground && length < LIMIT_WHOLE_AGAIN_BYTES);
    if (!other && !may_again) {
        return bcj2__get_fail_with(m, BCJ2_E_INSUFFICIENT_RANGE_SUPPORT, false, GET_NO_RANGES);
    }
    m->saved.plain_only = !other;
    if (bcj2__get_too_many_restarts(m)) {
        return changes_too_often(m);
    }
    struct get_step step = take_whole(m, head, known, length);
    step.note = other ? bcj2__get_words(m)->changed : bcj2__get_words(m)->whole_only;
    return step;
}

/* Is the file all of the resource, now that it has that size? Ranges by numbers may be no more. */
static bool is_file(const struct get *m, uint64_t size)
{
    uint64_t total = 0;
    return bcj2__get_part_is_all(m) && bcj2__get_part_total(&m->plan, size, &total) &&
           total == size;
}

/* 200: the whole resource. */
static struct get_step on_whole(struct get *m, const struct hdrs *head)
{
    const struct get_saved *s = &m->saved;
    bool known = false;
    uint64_t length = 0;
    if (!bcj2__get_body_length(head, &known, &length)) {
        return bcj2__get_bad_answer(m, GET_BAD_LENGTH);
    }
    if (m->plan.reply || m->plan.once) {
        return m->asked_range ? on_whole_for_rest(m, head, known, length)
                              : take_whole(m, head, known, length);
    }
    if (!known) {
        return bcj2__get_fail_with(m, BCJ2_E_MISSING_FILE_SIZE, false,
                                   "the server does not tell the size of the file");
    }
    if (!is_file(m, length)) {
        return bcj2__get_changed(m, head, known, length)
                   ? bcj2__get_restart(m, bcj2__get_words(m)->changed)
                   : bcj2__get_fail_with(m, BCJ2_E_INSUFFICIENT_RANGE_SUPPORT, false,
                                         GET_NO_RANGES);
    }
    if (s->offset > 0) {
        return on_whole_for_rest(m, head, known, length);
    }
    /* another ETag or time than HEAD told does not matter as long as there are no bytes */
    return s->total_known && s->remote_total != length
               ? bcj2__get_restart(m, bcj2__get_words(m)->changed)
               : take_whole(m, head, known, length);
}

/* The range that was asked, or its beginning (4.2). */
static bool is_asked_range(const struct get *m, const struct hdrs *head,
                           struct content_range *ret_range)
{
    const char *text = bcj2__hdrs_get(head, "Content-Range");
    bool known = false;
    uint64_t length = 0;
    return text != NULL && bcj2__hdrs_unanimous(head, "Content-Range") &&
           bcj2__range_parse_content(text, ret_range) && !ret_range->unsatisfied &&
           ret_range->first == m->remote_first && ret_range->last <= m->remote_last &&
           ret_range->last != UINT64_MAX && bcj2__get_body_length(head, &known, &length) &&
           (!known || length == ret_range->last - ret_range->first + 1);
}

static struct get_step on_part(struct get *m, const struct hdrs *head)
{
    struct get_saved *s = &m->saved;
    struct content_range range = {0};
    if (!m->asked_range) {
        return bcj2__get_bad_answer(m, "a part came where the whole was asked");
    }
    if (!is_asked_range(m, head, &range)) {
        return bcj2__get_fail_with(m, BCJ2_E_INSUFFICIENT_RANGE_SUPPORT, false, GET_OTHER_RANGE);
    }
    bool beyond = s->total_known && range.last >= s->remote_total;
    bool other_size = s->total_known && range.total_known && range.total != s->remote_total;
    bool first = s->offset == 0 && m->asked_first == 0; /* no bytes that it could contradict */
    if (beyond || other_size ||
        (!first && bcj2__get_changed(m, head, range.total_known, range.total))) {
        return bcj2__get_restart(m, bcj2__get_words(m)->changed);
    }
    if (first) {
        bcj2__get_take_validators(s, head);
    }
    if (range.total_known && !s->total_known) {
        s->total_known = true;
        s->total = s->remote_total = range.total;
    }
    m->body_length_known = true;
    m->body_end = m->asked_first + (range.last - range.first + 1);
    return let_flow(m, m->asked_first);
}

/* 416: nothing is behind the bytes we have, or they are more than there are now. A file's size is asked
   anew, and says which (4.4). */
static struct get_step on_unsatisfied(struct get *m, const struct hdrs *head)
{
    struct get_saved *s = &m->saved;
    if (!m->plan.reply) {
        m->doubted = true;
        struct get_step step = bcj2__get_ignore(m);
        step.note = bcj2__get_words(m)->no_rest;
        return step;
    }
    const char *text = bcj2__hdrs_get(head, "Content-Range");
    struct content_range range = {0};
    bool told = text != NULL && bcj2__range_parse_content(text, &range) && range.unsatisfied;
    if (told && range.total == s->offset && (!s->total_known || s->total == range.total)) {
        s->total_known = true;
        s->total = s->remote_total = range.total;
        return bcj2__get_ignore(m); /* whole: said when this answer is over */
    }
    return bcj2__get_restart(m, bcj2__get_words(m)->no_rest);
}

struct get_step bcj2__get_refused(struct get *m, const struct hdrs *head)
{
    if (head->status == 404 && bcj2__get_use_alternative(m, NET_OK)) {
        struct get_step step = bcj2__get_ignore(m);
        step.note = "the reply is not at the upload's host; trying the first one";
        return step;
    }
    struct failure failure = bcj2__classify_answer(head, bcj2__get_words(m)->doing);
    if (head->status == 404 && m->saved.origin_tried && m->first_host_failure != NET_OK) {
        /* it was worth a try; the host that should have it may come back */
        failure = bcj2__classify_net(m->first_host_failure, BCJ2_OK, bcj2__get_words(m)->doing);
    }
    failure.context = BCJ2_ERROR_CONTEXT_REMOTE_FILE;
    return bcj2__get_fail(m, failure);
}

static struct get_step on_success(struct get *m, const struct hdrs *head)
{
    bool may_be_empty = m->plan.reply || m->plan.once;
    if (head->status == 206) {
        return on_part(m, head);
    }
    return head->status == 200 || may_be_empty ? on_whole(m, head)
                                               : bcj2__get_bad_answer(m, GET_OTHER_SUCCESS);
}

struct get_step bcj2__get_on_head(struct get *m, const struct hdrs *head)
{
    struct get_step step = {0};
    bool success = head->status == 200 || head->status == 204 || head->status == 206;
    m->awaiting = false;
    if (head->overflow || head->status == 0) {
        return bcj2__get_bad_answer(m, "the head of the answer is broken or too long");
    }
    if (success && !identity_coded(head)) {
        return bcj2__get_fail_with(m, BCJ2_E_INVALID_SERVER_RESPONSE, false,
                                   bcj2__get_words(m)->encoded);
    }
    if (m->asked != GET_ASKED_BYTES && bcj2__get_on_size(m, head, &step)) {
        return step;
    }
    if (success) {
        return on_success(m, head);
    }
    if (head->status == 412 && m->asked_condition) {
        m->saved.preconditions_failed++;
        return bcj2__get_restart(m, bcj2__get_words(m)->said_changed);
    }
    if (head->status == 416 && m->asked_range) {
        return on_unsatisfied(m, head);
    }
    return head->status / 100 == 2 ? bcj2__get_bad_answer(m, GET_OTHER_SUCCESS)
                                   : bcj2__get_refused(m, head);
}
