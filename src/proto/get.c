/* SPDX-License-Identifier: MIT */
/* A ranged download: what is asked next and how a body ends. See get.h; what a head means is in
   get_answer.c and get_size.c, which bytes are asked in get_part.c. */
#include "get_parts.h"
#include "macro.h"
#include "retry.h"

#define RESTARTS               5u /* then the remote file changes too often */
#define PRECONDITIONS_BELIEVED 2u /* 412 to the same Last-Modified: then no more conditions */

static const struct get_words of_reply = {
    .doing = "fetching the reply",
    .changes_often = "the reply changed again and again while it was fetched",
    .encoded = "the server sent the reply encoded",
    .changed = "the reply changed on the server; from the start",
    .whole_only = "the server sends the reply whole only; from the start",
    .said_changed = "the server says that the reply changed; from the start",
    .no_rest = "the server does not have the rest of the reply; from the start",
};

static const struct get_words of_file = {
    .doing = "downloading the file",
    .changes_often = "the file changed again and again while it was downloaded",
    .encoded = "the server sent the file encoded",
    .changed = "the file changed on the server; from the start",
    .whole_only = "the server sends the file whole only; from the start",
    .said_changed = "the server says that the file changed; from the start",
    .no_rest = "the server does not have the rest of the file; looking at its size",
};

const struct get_words *bcj2__get_words(const struct get *m)
{
    return m->plan.reply ? &of_reply : &of_file;
}

void bcj2__get_init(struct get *m, const struct get_plan *plan, const struct get_saved *saved)
{
    *m = (struct get){.saved = *saved, .plan = *plan};
    bcj2__get_part_start(m);
}

/* ---- steps ---- */

struct get_step bcj2__get_fail(struct get *m, struct failure failure)
{
    m->awaiting = m->accepted = false;
    if (m->plan.once) { /* there is no going on, and nobody asked for the same again */
        failure.transient = failure.tied_to_network = false;
    }
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

bool bcj2__get_needs_size(const struct get *m)
{
    const struct get_saved *s = &m->saved;
    return !m->plan.reply && !m->plan.once && (!s->begun || !s->total_known || m->doubted);
}

/* Bytes may be added to what is there only if a change of the resource would be noticed. */
static bool can_continue(const struct get *m)
{
    const struct get_saved *s = &m->saved;
    bool guarded = s->etag[0] != '\0' || s->last_modified[0] != '\0' || s->total_known;
    return s->begun && s->offset > 0 && !s->plain_only && !m->plan.once && guarded;
}

/* Chooses the bytes of the next request. */
static void choose(struct get *m)
{
    const struct get_saved *s = &m->saved;
    bool sized = !m->plan.reply && !m->plan.once;
    m->asked_range = can_continue(m);
    m->asked_first = m->asked_range ? s->offset : 0;
    m->remote_first = m->asked_first;
    m->remote_last = GET_TO_END;
    if (sized && !s->plain_only) {
        bcj2__get_part_next(m, &m->remote_first, &m->remote_last);
        bool everything = bcj2__get_part_is_all(m) && m->remote_first == 0 &&
                          m->remote_last == s->remote_total - 1;
        m->asked_range = !everything;
    }
}

static struct get_step request(struct get *m)
{
    struct get_saved *s = &m->saved;
    struct get_step step = {.want = GET_WANT_REQUEST};
    if (bcj2__get_needs_size(m)) {
        return bcj2__get_ask_size(m);
    }
    if (!m->plan.reply && s->plain_only && s->offset > 0) {
        s->plain_only = false; /* a Resume may find a better server */
        return bcj2__get_fail_with(m, BCJ2_E_INSUFFICIENT_RANGE_SUPPORT, false,
                                   "the server sends the file whole only, and the connection does "
                                   "not last so long");
    }
    m->awaiting = true;
    m->accepted = false;
    m->asked = GET_ASKED_BYTES;
    choose(m);
    step.request.alternative = s->origin_tried;
    step.request.range = m->asked_range;
    if (m->asked_range) {
        step.request.first = m->remote_first;
        step.request.last = m->remote_last;
    }
    if (m->asked_range && s->offset > 0) {
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
    return (struct get_step){
        .want = GET_WANT_DONE, .save = true, .cut = true, .offset = m->saved.offset};
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
    s->total = s->remote_total = s->offset = s->synced = 0;
}

struct get_step bcj2__get_restart(struct get *m, const char *note)
{
    bcj2__get_forget_bytes(&m->saved);
    struct get_step step = bcj2__get_too_many_restarts(m)
                               ? bcj2__get_fail_with(m, BCJ2_E_REMOTE_FILE_CHANGED, true,
                                                     bcj2__get_words(m)->changes_often)
                               : bcj2__get_ignore(m);
    step.restarted = true;
    step.note = note;
    return step;
}

bool bcj2__get_use_alternative(struct get *m, enum net_failure why)
{
    if (!m->plan.has_alternative || m->saved.origin_tried) {
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
        !m->plan.once && m->immediate_retries < RETRY_AT_ONCE) {
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
    struct failure failure =
        bcj2__classify_net(event->failure, event->local_status, bcj2__get_words(m)->doing);
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
        bcj2__get_part_broke(m);
        return broke(m, event);
    }
    if (m->body_length_known && m->saved.offset < m->body_end) {
        bcj2__get_part_broke(m);
        struct get_event cut = *event;
        cut.failure = NET_CONNECTION_BROKE;
        return broke(m, &cut);
    }
    if (!m->body_length_known && !m->asked_range) {
        /* delimited by chunks or by the connection's end: this was all of it */
        m->saved.total_known = true;
        m->saved.total = m->saved.remote_total = m->saved.offset;
    }
    bcj2__get_part_took(m, m->saved.offset - m->asked_first, event->elapsed_ms);
    struct get_step step = go_on(m); /* behind a part that was shorter than asked */
    step.save = true;
    return step;
}

/* Can what was saved be continued as it is? */
static bool believable(const struct get *m)
{
    const struct get_saved *s = &m->saved;
    uint64_t total = 0;
    if (!s->total_known) {
        return m->plan.reply;
    }
    return s->offset <= s->total &&
           (m->plan.range_count == 0 ||
            (bcj2__get_part_total(&m->plan, s->remote_total, &total) && total == s->total));
}

static struct get_step start(struct get *m)
{
    struct get_saved *s = &m->saved;
    m->accepted = m->awaiting = m->doubted = m->no_head = false;
    m->immediate_retries = 0;
    m->first_host_failure = NET_OK;
    s->origin_tried = false;
    if (m->plan.range_count == 0) {
        s->remote_total = s->total;
    }
    bool had_bytes = s->begun && s->offset > 0;
    bool from_start = s->begun && !believable(m);
    if (from_start || (m->plan.once && !whole(s))) {
        bcj2__get_forget_bytes(s);
        struct get_step step = request(m);
        step.restarted = step.save = had_bytes;
        return step;
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
