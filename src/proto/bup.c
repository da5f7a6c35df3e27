/* SPDX-License-Identifier: MIT */
/* The upload client: what is sent next, what is saved before, and how a run ends. See bup.h; what
   an answer means is in bup_answer.c. */
#include "bup_parts.h"
#include "macro.h"
#include "retry.h"

#include <string.h>

/* A server that knows no session twice is not asked for ever: the rest waits for a retry. */
#define SESSIONS_LOST_IN_A_RUN 5u

static const char *const doing[] = {
    [BUP_PACKET_NONE] = "uploading",
    [BUP_PACKET_PING] = "contacting the server",
    [BUP_PACKET_CREATE] = "opening the upload session",
    [BUP_PACKET_FRAGMENT] = "sending the file",
    [BUP_PACKET_CLOSE] = "closing the upload session",
    [BUP_PACKET_CANCEL] = "cancelling the upload session",
    [BUP_PACKET_ACK] = "uploading",
};
_Static_assert(ARRAY_LEN(doing) == BUP_PACKET_COUNT, "words for each packet");

const char *bcj2__bup_doing(enum bup_packet packet)
{
    return doing[packet];
}

bool bcj2__bup_same_source(const struct bup_source *a, const struct bup_source *b)
{
    return a->size == b->size && a->mtime_s == b->mtime_s && a->mtime_ns == b->mtime_ns;
}

void bcj2__bup_init(struct bup *m, bcj2_job_type type, bcj2_job_priority priority,
                    const struct bup_saved *saved)
{
    *m = (struct bup){.saved = *saved, .type = type, .priority = priority};
    bcj2__bup_size_check(m);
    m->best = saved->acked;
    if (saved->phase >= BUP_PHASE_COUNT || saved->session_id[0] == '\0') {
        m->saved.phase = saved->phase == BUP_DONE ? BUP_DONE : BUP_NONE;
    }
}

/* ---- the fallback clock (2.5) ---- */

static bool host_may_fall_back(const struct bup *m)
{
    return m->saved.host_id[0] != '\0' && m->saved.fallback_s != BUP_NEVER;
}

static uint64_t clock_ms(const struct bup *m, uint64_t now_ms)
{
    uint64_t used = m->saved.fallback_used_ms;
    uint64_t runs = 0;
    if (m->fallback_runs && now_ms > m->fallback_start_ms) {
        runs = now_ms - m->fallback_start_ms;
    }
    return used > UINT64_MAX - runs ? UINT64_MAX : used + runs;
}

/* Saves what the clock has run. One that was started is never 0 there. */
static void stop_clock(struct bup *m, uint64_t now_ms)
{
    if (m->fallback_runs) {
        m->saved.fallback_used_ms = MAX(clock_ms(m, now_ms), 1);
        m->fallback_runs = false;
    }
}

static void start_clock(struct bup *m, uint64_t now_ms)
{
    if (host_may_fall_back(m) && !m->fallback_runs) {
        m->fallback_runs = true;
        m->fallback_start_ms = now_ms;
    }
}

void bcj2__bup_host_is_back(struct bup *m)
{
    m->fallback_runs = false;
    m->saved.fallback_used_ms = 0;
}

/* Forgets the host if it has stayed away for too long. */
static bool fall_back(struct bup *m, uint64_t now_ms)
{
    bool started = m->fallback_runs || m->saved.fallback_used_ms > 0;
    if (!host_may_fall_back(m) || !started ||
        clock_ms(m, now_ms) < (uint64_t)m->saved.fallback_s * 1000) {
        return false;
    }
    m->saved.host_id[0] = '\0';
    bcj2__bup_host_is_back(m);
    return true;
}

/* ---- steps ---- */

static struct bup_step send_packet(struct bup *m, enum bup_packet packet, uint64_t now_ms,
                                   enum bup_save save)
{
    struct bup_step step = {.want = BUP_WANT_SEND, .save = save};
    if (fall_back(m, now_ms)) {
        step.note = "the host that the server named stayed away; back to the first one";
        step.save = MAX(step.save, BUP_SAVE_SOFT);
    }
    m->awaited = packet;
    step.request.packet = packet;
    if (packet != BUP_PACKET_CREATE) {
        step.host_id = m->saved.host_id[0] == '\0' ? NULL : m->saved.host_id;
    }
    if (packet == BUP_PACKET_FRAGMENT) {
        bcj2__bup_size_next(m, &m->first, &m->length);
        step.request.first = m->first;
        step.request.length = m->length;
        step.request.total = m->saved.source.size;
        step.last = m->first + m->length == m->saved.source.size;
        if (m->saved.source.size > 0 && m->saved.acked == m->saved.source.size) {
            m->reply_asked_again = true;
        }
    }
    if (packet == BUP_PACKET_FRAGMENT || packet == BUP_PACKET_CLOSE) {
        step.request.session_id = m->saved.session_id;
    }
    return step;
}

struct bup_step bcj2__bup_enter(struct bup *m, uint64_t now_ms, enum bup_save save)
{
    /* after a gap nothing is known of the connection, and the first body is a small one */
    m->pinged = false;
    m->probe = true;
    return send_packet(m, m->saved.phase == BUP_NONE ? BUP_PACKET_CREATE : BUP_PACKET_PING, now_ms,
                       save);
}

struct bup_step bcj2__bup_proceed(struct bup *m, uint64_t now_ms, enum bup_save save)
{
    switch (m->saved.phase) {
    case BUP_SENDING:
        return send_packet(m, BUP_PACKET_FRAGMENT, now_ms, save);
    case BUP_REPLY:
        m->awaited = BUP_PACKET_NONE;
        return (struct bup_step){.want = BUP_WANT_FETCH, .save = save};
    case BUP_CLOSING:
        return send_packet(m, BUP_PACKET_CLOSE, now_ms, save);
    default:
        return bcj2__bup_enter(m, now_ms, save);
    }
}

struct bup_step bcj2__bup_done(struct bup *m, enum bup_packet farewell, const char *note)
{
    m->awaited = BUP_PACKET_NONE;
    m->saved.phase = BUP_DONE;
    return (struct bup_step){
        .want = BUP_WANT_DONE, .save = BUP_SAVE_DURABLE, .farewell = farewell, .note = note};
}

struct bup_step bcj2__bup_fail(struct bup *m, struct failure failure, uint64_t now_ms)
{
    if (failure.transient && failure.context == BCJ2_ERROR_CONTEXT_REMOTE_FILE) {
        start_clock(m, now_ms);
    }
    stop_clock(m, now_ms);
    m->awaited = BUP_PACKET_NONE;
    return (struct bup_step){.want = BUP_WANT_FAIL, .save = BUP_SAVE_SOFT, .failure = failure};
}

/* Back to before the session. Its id and host stay for a farewell; phase NONE ignores them. */
static void forget_session(struct bup *m)
{
    m->saved.phase = BUP_NONE;
    m->saved.acked = 0;
    m->saved.reply_url[0] = m->saved.reply_host[0] = '\0';
    m->best = 0;
    m->resyncs = 0;
    m->reply_asked_again = false;
    bcj2__bup_host_is_back(m);
}

struct bup_step bcj2__bup_source_changed(struct bup *m, uint64_t now_ms)
{
    bool had_session = m->saved.phase != BUP_NONE;
    struct failure failure =
        bcj2__classify_local(BCJ2_E_LOCAL_FILE_CHANGED, BCJ2_ERROR_CONTEXT_LOCAL_FILE, false,
                             "the file changed while it was uploaded");
    forget_session(m); /* a Resume uploads the file as it is then */
    struct bup_step step = bcj2__bup_fail(m, failure, now_ms);
    step.save = BUP_SAVE_DURABLE;
    step.session_lost = had_session;
    step.farewell = had_session ? BUP_PACKET_CANCEL : BUP_PACKET_NONE;
    return step;
}

struct bup_step bcj2__bup_session_lost(struct bup *m, const struct bup_event *event,
                                       const char *note)
{
    struct bup_step step;
    forget_session(m);
    m->saved.session_id[0] = m->saved.host_id[0] = '\0';
    if (++m->sessions_lost > SESSIONS_LOST_IN_A_RUN) {
        struct failure failure =
            bcj2__classify_local(BCJ2_E_SESSION_NOT_FOUND, BCJ2_ERROR_CONTEXT_REMOTE_FILE, true,
                                 "the server forgot session after session");
        failure.http_status = event->head->status;
        step = bcj2__bup_fail(m, failure, event->now_ms);
        step.save = BUP_SAVE_DURABLE;
    } else {
        step = send_packet(m, BUP_PACKET_CREATE, event->now_ms, BUP_SAVE_DURABLE);
    }
    step.session_lost = true;
    step.note = note;
    return step;
}

struct bup_step bcj2__bup_close_failed(struct bup *m, struct failure failure, uint64_t now_ms)
{
    if (m->saved.close_tried || !failure.transient) {
        return bcj2__bup_done(m, BUP_PACKET_CLOSE,
                              "the server could not be told that the upload is over; going on");
    }
    m->saved.close_tried = true;
    struct bup_step step = bcj2__bup_fail(m, failure, now_ms);
    step.save = BUP_SAVE_DURABLE;
    return step;
}

/* ---- events ---- */

static struct bup_step unexpected(struct bup *m, uint64_t now_ms)
{
    return bcj2__bup_fail(m,
                          bcj2__classify_local(BCJ2_E_UNEXPECTED,
                                               BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER, false,
                                               "the upload got an event out of turn"),
                          now_ms);
}

static struct bup_step start(struct bup *m, const struct bup_event *event)
{
    struct bup_saved *s = &m->saved;
    m->best = s->acked;
    m->resyncs = m->immediate_retries = m->sessions_lost = 0;
    m->reply_asked_again = false;
    if (s->phase == BUP_DONE) {
        bool owed = s->close_tried || m->type == BCJ2_JOB_TYPE_UPLOAD_REPLY;
        return bcj2__bup_done(m, owed ? BUP_PACKET_CLOSE : BUP_PACKET_NONE, NULL);
    }
    if (s->phase == BUP_NONE) {
        s->session_id[0] = s->host_id[0] = '\0';
    }
    if (s->phase == BUP_SENDING && !bcj2__bup_same_source(&s->source, &event->source)) {
        return bcj2__bup_source_changed(m, event->now_ms);
    }
    if (s->fallback_used_ms > 0) { /* the clock ran when the last run ended, and it still does */
        s->fallback_used_ms = MAX(s->fallback_used_ms, event->failing_ms);
        start_clock(m, event->now_ms);
    }
    return bcj2__bup_enter(m, event->now_ms, BUP_SAVE_NOT);
}

static struct bup_step no_answer(struct bup *m, const struct bup_event *event)
{
    struct failure failure =
        bcj2__classify_net(event->failure, event->local_status, bcj2__bup_doing(m->awaited));
    if (event->failure == NET_LOCAL_SHORT) {
        return bcj2__bup_source_changed(m, event->now_ms);
    }
    if (m->awaited == BUP_PACKET_FRAGMENT) {
        bcj2__bup_size_interrupted(m);
    }
    if (event->failure == NET_CONNECTION_BROKE && event->immediate_retries_allowed &&
        m->immediate_retries < RETRY_AT_ONCE) {
        m->immediate_retries++;
        start_clock(m, event->now_ms);
        return bcj2__bup_enter(m, event->now_ms, BUP_SAVE_SOFT);
    }
    if (m->saved.phase == BUP_CLOSING) {
        return bcj2__bup_close_failed(m, failure, event->now_ms);
    }
    return bcj2__bup_fail(m, failure, event->now_ms);
}

struct bup_step bcj2__bup_step(struct bup *m, const struct bup_event *event)
{
    bool awaits = m->awaited != BUP_PACKET_NONE;
    switch (event->type) {
    case BUP_EV_START:
        return start(m, event);
    case BUP_EV_ANSWER:
        return awaits && event->head != NULL ? bcj2__bup_answer(m, event)
                                             : unexpected(m, event->now_ms);
    case BUP_EV_NO_ANSWER:
        return awaits ? no_answer(m, event) : unexpected(m, event->now_ms);
    case BUP_EV_REPLY_STORED:
        return m->saved.phase == BUP_REPLY && !awaits ? bcj2__bup_done(m, BUP_PACKET_CLOSE, NULL)
                                                      : unexpected(m, event->now_ms);
    }
    return unexpected(m, event->now_ms);
}

void bcj2__bup_interrupted(struct bup *m, uint64_t now_ms)
{
    stop_clock(m, now_ms);
    if (m->awaited == BUP_PACKET_FRAGMENT) {
        bcj2__bup_size_interrupted(m);
    }
    m->awaited = BUP_PACKET_NONE;
}
