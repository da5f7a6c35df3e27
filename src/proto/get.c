/* SPDX-License-Identifier: MIT */
/* A ranged download: what is asked next and how a body ends. See get.h; what a head means is in
   get_answer.c. */
#include "get_parts.h"
#include "macro.h"
#include "retry.h"

#define RESTARTS               5u /* then the remote file changes too often */
#define PRECONDITIONS_BELIEVED 2u /* 412 to the same Last-Modified: then no more conditions */

void bcj2__get_init(struct get *m, bool has_alternative, const struct get_saved *saved)
{
    *m = (struct get){.saved = *saved, .has_alternative = has_alternative};
}

/* ---- steps ---- */

struct get_step bcj2__get_fail(struct get *m, struct failure failure)
{
    m->awaiting = m->accepted = false;
    return (struct get_step){.want = GET_WANT_FAIL, .save = true, .failure = failure};
}

struct get_step bcj2__get_fail_with(struct get *m, bcj2_status code, bool transient,
                                    const char *why)
{
    return bcj2__get_fail(m, bcj2__classify_local(code, BCJ2_ERROR_CONTEXT_REMOTE_FILE, transient,
                                                  why));
}

struct get_step bcj2__get_bad_answer(struct get *m, const char *why)
{
    bool forgiven = ++m->saved.bad_answers <= RETRY_BAD_ANSWERS;
    if (!forgiven) {
        m->saved.bad_answers = 0; /* for a Resume */
    }
    return bcj2__get_fail_with(m, BCJ2_E_INVALID_SERVER_RESPONSE, forgiven, why);
}

static bool whole(const struct get_saved *s)
{
    return s->begun && s->total_known && s->offset == s->total;
}

/* Bytes may be added to what is there only if a change of the resource would be noticed. */
static bool can_continue(const struct get_saved *s)
{
    bool guarded = s->etag[0] != '\0' || s->last_modified[0] != '\0' || s->total_known;
    return s->begun && s->offset > 0 && !s->plain_only && guarded;
}

static struct get_step request(struct get *m)
{
    const struct get_saved *s = &m->saved;
    struct get_step step = {.want = GET_WANT_REQUEST};
    m->awaiting = true;
    m->accepted = false;
    m->asked_range = can_continue(s);
    m->asked_first = m->asked_range ? s->offset : 0;
    step.request.alternative = s->origin_tried;
    if (m->asked_range) {
        step.request.range = true;
        step.request.first = s->offset;
        if (s->etag[0] != '\0') {
            step.request.if_range = s->etag;
        } else if (s->last_modified[0] != '\0' && s->last_modified_strong &&
                   s->preconditions_failed < PRECONDITIONS_BELIEVED) {
            step.request.if_unmodified_since = s->last_modified;
        }
    }
    m->asked_condition = step.request.if_range != NULL || step.request.if_unmodified_since != NULL;
    return step;
}

static struct get_step done(struct get *m)
{
    m->awaiting = m->accepted = false;
    m->saved.restarts = m->saved.bad_answers = 0;
    return (struct get_step){.want = GET_WANT_DONE, .save = true};
}

static struct get_step go_on(struct get *m)
{
    return whole(&m->saved) ? done(m) : request(m);
}

/* This answer is of no use; what comes next is asked when its body is gone. */
struct get_step bcj2__get_ignore(struct get *m)
{
    m->accepted = false;
    return (struct get_step){.want = GET_WANT_IGNORE, .save = true};
}

bool bcj2__get_too_many_restarts(struct get *m)
{
    if (++m->saved.restarts <= RESTARTS) {
        return false;
    }
    m->saved.restarts = 0;
    return true;
}

/* From 0 again. The old Last-Modified stays to be compared with the next one (412). */
void bcj2__get_forget_bytes(struct get_saved *s)
{
    s->begun = s->total_known = false;
    s->total = s->offset = s->synced = 0;
}

struct get_step bcj2__get_restart(struct get *m, const char *note)
{
    bcj2__get_forget_bytes(&m->saved);
    struct get_step step =
        bcj2__get_too_many_restarts(m)
            ? bcj2__get_fail_with(m, BCJ2_E_REMOTE_FILE_CHANGED, true,
                                  "the reply changed again and again while it was fetched")
            : bcj2__get_ignore(m);
    step.restarted = true;
    step.note = note;
    return step;
}

bool bcj2__get_use_alternative(struct get *m, enum net_failure why)
{
    if (!m->has_alternative || m->saved.origin_tried) {
        return false;
    }
    m->saved.origin_tried = true;
    m->first_host_failure = why;
    return true;
}

/* ---- ends ---- */

/* Takes over how far the file is good. As much as a probe carries ends an interruption. */
static void take_written(struct get *m, uint64_t written)
{
    if (written >= m->asked_first + LIMIT_FRAGMENT_MIN) {
        m->immediate_retries = 0;
    }
    m->saved.offset = m->body_length_known ? MIN(written, m->body_end) : written;
}

static struct get_step broke(struct get *m, const struct get_event *event)
{
    bool no_host = event->failure == NET_NAME_NOT_RESOLVED || event->failure == NET_CANNOT_CONNECT;
    if (whole(&m->saved)) {
        return done(m);
    }
    if (event->failure == NET_CONNECTION_BROKE && event->immediate_retries_allowed &&
        m->immediate_retries < RETRY_AT_ONCE) {
        m->immediate_retries++;
        struct get_step step = request(m);
        step.save = true;
        return step;
    }
    if (no_host && bcj2__get_use_alternative(m, event->failure)) {
        struct get_step step = request(m);
        step.save = true;
        step.note = "the upload's host cannot be reached for the reply; trying the first one";
        return step;
    }
    struct failure failure = bcj2__classify_net(event->failure, event->local_status, GET_DOING);
    if (event->failure == NET_REDIRECT_REFUSED && event->head != NULL &&
        event->head->status / 100 == 3) {
        failure.http_status = event->head->status;
        failure.code = (bcj2_status)(0x80190000u + event->head->status);
    }
    return bcj2__get_fail(m, failure);
}

static struct get_step on_end(struct get *m, const struct get_event *event)
{
    bool failed = event->type == GET_EV_NO_ANSWER;
    if (!m->awaiting && !m->accepted) {
        return go_on(m); /* the end of what was ignored, however it came */
    }
    if (m->awaiting) {
        return failed ? broke(m, event)
                      : bcj2__get_bad_answer(m, "the answer ended before it began");
    }
    m->accepted = false;
    take_written(m, event->written);
    if (failed) {
        return broke(m, event);
    }
    if (m->body_length_known && m->saved.offset < m->body_end) {
        struct get_event cut = *event;
        cut.failure = NET_CONNECTION_BROKE;
        return broke(m, &cut);
    }
    if (!m->body_length_known && !m->asked_range) {
        /* delimited by chunks or by the connection's end: this was all of it */
        m->saved.total_known = true;
        m->saved.total = m->saved.offset;
    }
    struct get_step step = go_on(m); /* behind a part that was shorter than asked */
    step.save = true;
    return step;
}

static struct get_step start(struct get *m)
{
    struct get_saved *s = &m->saved;
    m->accepted = m->awaiting = false;
    m->immediate_retries = 0;
    m->first_host_failure = NET_OK;
    s->origin_tried = false;
    if (s->begun && s->total_known && s->offset > s->total) {
        bcj2__get_forget_bytes(s); /* more than there is: not to be believed */
    }
    return go_on(m);
}

struct get_step bcj2__get_step(struct get *m, const struct get_event *event)
{
    switch (event->type) {
    case GET_EV_START:
        return start(m);
    case GET_EV_HEAD:
        if (m->awaiting && event->head != NULL) {
            return bcj2__get_on_head(m, event->head);
        }
        break;
    case GET_EV_BODY_END:
    case GET_EV_NO_ANSWER:
        return on_end(m, event);
    }
    return bcj2__get_fail(m, bcj2__classify_local(BCJ2_E_UNEXPECTED,
                                                  BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER, false,
                                                  "the download got an event out of turn"));
}
