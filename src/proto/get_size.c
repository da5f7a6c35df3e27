/* SPDX-License-Identifier: MIT */
/* A ranged download: HEAD, and the one byte that is asked instead where the server has no HEAD
   (wire-protocol 4.1, 4.2); the same again when a 416 makes the size doubtful (4.4). See get.h. */
#include "get_parts.h"
#include "range.h"

struct get_step bcj2__get_ask_size(struct get *m)
{
    struct get_step step = {.want = GET_WANT_REQUEST};
    m->awaiting = true;
    m->accepted = m->asked_range = m->asked_condition = false;
    m->asked = m->no_head ? GET_ASKED_PROBE : GET_ASKED_HEAD;
    m->asked_first = m->remote_first = m->remote_last = 0;
    step.request.head = !m->no_head;
    step.request.range = m->no_head;
    return step;
}

/* The size did not change, but the server has not got what is inside of it. */
static struct get_step unsatisfiable(struct get *m)
{
    return m->plan.range_count > 0
               ? bcj2__get_fail_with(m, BCJ2_E_INVALID_RANGE, false,
                                     "the server does not have a range that was asked for")
               : bcj2__get_fail_with(m, BCJ2_E_INSUFFICIENT_RANGE_SUPPORT, false,
                                     "the server does not have a part of the file");
}

/* The first answer about a resource (4.4), or what a 416 made us ask for. */
static struct get_step learned(struct get *m, const struct hdrs *head, uint64_t size)
{
    struct get_saved *s = &m->saved;
    bool again = m->doubted;
    m->doubted = false;
    if (again && !bcj2__get_changed(m, head, true, size)) {
        return unsatisfiable(m);
    }
    if (again && bcj2__get_too_many_restarts(m)) {
        bcj2__get_forget_bytes(s);
        struct get_step step = bcj2__get_fail_with(m, BCJ2_E_REMOTE_FILE_CHANGED, true,
                                                   bcj2__get_words(m)->changes_often);
        step.restarted = true;
        return step;
    }
    bcj2__get_forget_bytes(s);
    if (!bcj2__get_part_total(&m->plan, size, &s->total)) {
        struct get_step step = bcj2__get_fail_with(m, BCJ2_E_INVALID_RANGE, false,
                                                   "a range is not inside the file on the server");
        step.restarted = again;
        return step;
    }
    bcj2__get_take_validators(s, head);
    s->begun = s->total_known = true;
    s->remote_total = size;
    struct get_step step = bcj2__get_ignore(m);
    step.connected = step.cut = true;
    step.restarted = again;
    step.note = again ? bcj2__get_words(m)->changed : NULL;
    return step;
}

static struct get_step no_size(struct get *m)
{
    return bcj2__get_fail_with(m, BCJ2_E_MISSING_FILE_SIZE, false,
                               "the server does not tell the size of the file");
}

static struct get_step on_length(struct get *m, const struct hdrs *head)
{
    bool known = false;
    uint64_t size = 0;
    if (!bcj2__get_body_length(head, &known, &size)) {
        return bcj2__get_bad_answer(m, GET_BAD_LENGTH);
    }
    return known ? learned(m, head, size) : no_size(m);
}

static struct get_step on_first_byte(struct get *m, const struct hdrs *head)
{
    const char *text = bcj2__hdrs_get(head, "Content-Range");
    struct content_range range = {0};
    if (text == NULL || !bcj2__hdrs_unanimous(head, "Content-Range") ||
        !bcj2__range_parse_content(text, &range) || range.unsatisfied || range.first != 0 ||
        range.last != 0) {
        return bcj2__get_fail_with(m, BCJ2_E_INSUFFICIENT_RANGE_SUPPORT, false, GET_OTHER_RANGE);
    }
    return range.total_known ? learned(m, head, range.total) : no_size(m);
}

/* 416: an empty resource has no first byte. */
static struct get_step on_no_first_byte(struct get *m, const struct hdrs *head)
{
    const char *text = bcj2__hdrs_get(head, "Content-Range");
    struct content_range range = {0};
    if (text != NULL && bcj2__range_parse_content(text, &range) && range.unsatisfied &&
        range.total == 0) {
        return learned(m, head, 0);
    }
    return unsatisfiable(m);
}

static bool head_refused(uint32_t status)
{
    return status == 405 || status == 501 || status == 400 || status == 403;
}

bool bcj2__get_on_size(struct get *m, const struct hdrs *head, struct get_step *ret)
{
    bool probe = m->asked == GET_ASKED_PROBE;
    if (head->status == 200 && probe && !m->doubted && m->plan.range_count == 0) {
        return false; /* the whole: as good as anything that would be asked next */
    }
    if (head->status == 200) {
        *ret = on_length(m, head);
    } else if (head->status == 206 && probe) {
        *ret = on_first_byte(m, head);
    } else if (head->status == 416 && probe) {
        *ret = on_no_first_byte(m, head);
    } else if (head_refused(head->status) && !probe) {
        m->no_head = true;
        *ret = bcj2__get_ignore(m);
        ret->note = "the server has no HEAD; asking for the first byte";
    } else if (head->status / 100 == 2) {
        *ret = bcj2__get_bad_answer(m, GET_OTHER_SUCCESS);
    } else {
        *ret = bcj2__get_refused(m, head);
    }
    return true;
}
