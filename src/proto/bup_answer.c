/* SPDX-License-Identifier: MIT */
/* The upload client: what an answer means (wire-protocol 2.3, 2.6, 2.8, 2.10, 2.11). Rules of 2.6
   are looked at from top to bottom; what no rule names is classified by its code or status. */
#include "bup_parts.h"
#include "guid.h"
#include "macro.h"
#include "retry.h"

#include <string.h>

#define RESYNCS_WITHOUT_GAIN 5u

static bool is_success(const struct hdrs *head)
{
    return head->status == 200 || head->status == 201;
}

static struct bup_step broken_protocol(struct bup *m, const struct bup_event *event,
                                       bcj2_status code, bool transient, const char *what)
{
    struct failure failure =
        bcj2__classify_local(code, BCJ2_ERROR_CONTEXT_REMOTE_FILE, transient, what);
    failure.http_status = event->head->status;
    return bcj2__bup_fail(m, failure, event->now_ms);
}

/* An answer that breaks the protocol is thrown away: a few may be an accident on the way. A good
   answer to a Ping does not end their row, for each run begins with one. */
static struct bup_step bad_answer(struct bup *m, const struct bup_event *event, const char *what)
{
    bool forgiven = ++m->saved.bad_answers <= RETRY_BAD_ANSWERS;
    if (!forgiven) {
        m->saved.bad_answers = 0; /* for a Resume */
    }
    return broken_protocol(m, event, BCJ2_E_INVALID_SERVER_RESPONSE, forgiven, what);
}

/* An answer that is an error of the job, by its code or status. */
static struct bup_step refused(struct bup *m, const struct bup_event *event)
{
    struct failure failure = bcj2__classify_answer(event->head, bcj2__bup_doing(m->awaited));
    if (m->awaited == BUP_PACKET_CREATE && event->head->status == 409 &&
        failure.code != BCJ2_E_HTTP_ERROR_409) {
        failure.transient = false; /* the destination exists, and it will tomorrow (D8) */
    }
    return bcj2__bup_fail(m, failure, event->now_ms);
}

/* 401 and 407: there are no credentials to answer with, whatever code came along. */
static struct bup_step credentials_missing(struct bup *m, const struct bup_event *event)
{
    struct failure failure = bcj2__classify_answer(event->head, bcj2__bup_doing(m->awaited));
    failure.code = event->head->status == 401 ? BCJ2_E_HTTP_ERROR_401 : BCJ2_E_HTTP_ERROR_407;
    failure.transient = false;
    return bcj2__bup_fail(m, failure, event->now_ms);
}

static struct bup_step accepted(struct bup_step step)
{
    step.connected = true;
    return step;
}

/* ---- Create-Session ---- */

static bool protocol_known(const char *text)
{
    bcj2_guid ours, theirs;
    return bcj2__guid_parse(BUP_PROTOCOL_ID, &ours) && bcj2__guid_parse(text, &theirs) &&
           bcj2__guid_equal(&ours, &theirs);
}

static struct bup_step session_opened(struct bup *m, const struct bup_event *event,
                                      const struct bup_ack *ack)
{
    struct bup_saved *s = &m->saved;
    s->phase = BUP_SENDING;
    s->source = event->source;
    memcpy(s->session_id, ack->session_id, sizeof s->session_id);
    s->host_id[0] = '\0';
    if (ack->host_id != NULL) {
        memcpy(s->host_id, ack->host_id, strlen(ack->host_id) + 1); /* valid: it fits */
    }
    s->fallback_s = ack->fallback_s;
    s->fallback_used_ms = 0;
    s->acked = 0;
    s->reply_url[0] = s->reply_host[0] = '\0';
    s->close_tried = false;
    s->bad_answers = 0;
    m->best = 0;
    m->resyncs = m->immediate_retries = 0;
    m->reply_asked_again = false;
    m->probe = false;
    bcj2__bup_size_session(m);
    struct bup_step step = s->host_id[0] != '\0'
                               ? bcj2__bup_enter(m, event->now_ms, BUP_SAVE_DURABLE)
                               : bcj2__bup_proceed(m, event->now_ms, BUP_SAVE_DURABLE);
    m->probe = false; /* nothing was interrupted: this Ping only greets the other host */
    if (ack->host_id_bad) {
        step.note = "the server named a host that is not one; ignored";
    }
    return accepted(step);
}

static struct bup_step on_create(struct bup *m, const struct bup_event *event,
                                 const struct bup_ack *ack)
{
    bool typed = bcj2__hdrs_get(event->head, "BITS-Packet-Type") != NULL ||
                 bcj2__hdrs_get(event->head, "BITS-Package-Type") != NULL;
    if (!is_success(event->head)) {
        return refused(m, event);
    }
    if (!typed && !ack->has_session_id && !ack->session_id_bad) {
        return broken_protocol(m, event, BCJ2_E_INVALID_SERVER_RESPONSE, false,
                               "the URL is not served by a BITS server");
    }
    if (!ack->is_ack) {
        return bad_answer(m, event, "the answer is not an Ack");
    }
    if (ack->has_protocol && !protocol_known(ack->protocol)) {
        return broken_protocol(m, event, BCJ2_E_CLIENT_SERVER_PROTOCOL_MISMATCH, false,
                               "the server chose an unknown upload protocol");
    }
    if (!ack->has_protocol || !ack->has_session_id || !ack->encoding_ok) {
        return bad_answer(m, event,
                          !ack->has_protocol     ? "the server chose no upload protocol"
                          : !ack->has_session_id ? "the server gave no session id"
                                                 : "the server takes no unencoded data");
    }
    return session_opened(m, event, ack);
}

/* ---- Ping ---- */

static struct bup_step on_ping(struct bup *m, const struct bup_event *event,
                               const struct bup_ack *ack)
{
    if (!is_success(event->head)) {
        /* no server says this to a Ping; one that does has lost the session all the same */
        if (ack->has_error && ack->error == BCJ2_E_SESSION_NOT_FOUND &&
            m->saved.phase == BUP_SENDING) {
            return accepted(bcj2__bup_session_lost(m, event, "the server lost the session"));
        }
        return refused(m, event);
    }
    if (!ack->is_ack) {
        return bad_answer(m, event, "the answer is not an Ack");
    }
    m->pinged = true;
    return accepted(bcj2__bup_proceed(m, event->now_ms, BUP_SAVE_NOT));
}

/* ---- Fragment ---- */

/* The server has every byte. again: whether the answer is not the one to the last byte itself. */
static struct bup_step uploaded(struct bup *m, const struct bup_event *event,
                                const struct bup_ack *ack, bool again)
{
    struct bup_saved *s = &m->saved;
    if (m->type != BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        s->phase = BUP_CLOSING;
        return bcj2__bup_proceed(m, event->now_ms, BUP_SAVE_DURABLE);
    }
    if (ack->reply_url != NULL) {
        size_t length = strlen(ack->reply_url);
        if (length > LIMIT_REPLY_URL_BYTES) {
            return broken_protocol(m, event, BCJ2_E_INVALID_SERVER_RESPONSE, false,
                                   "the URL of the reply is too long");
        }
        memcpy(s->reply_url, ack->reply_url, length + 1);
        memcpy(s->reply_host, s->host_id, sizeof s->reply_host);
        s->phase = BUP_REPLY;
        return bcj2__bup_proceed(m, event->now_ms, BUP_SAVE_DURABLE);
    }
    if (again && !m->reply_asked_again) {
        m->reply_asked_again = true;
        return bcj2__bup_proceed(m, event->now_ms, BUP_SAVE_SOFT);
    }
    return bcj2__bup_done(m, BUP_PACKET_CLOSE, "the server has no reply");
}

/* The offset of a 200 or 416 wins, whatever it is (2.3). */
static struct bup_step offset_told(struct bup *m, const struct bup_event *event,
                                   const struct bup_ack *ack, uint64_t offset, bool in_sync)
{
    struct bup_saved *s = &m->saved;
    uint64_t size = s->source.size;
    bool was_probe = m->probe;
    if (size == 0 && offset == 1) {
        offset = 0; /* last + 1, as some servers count (2.8) */
    }
    if (offset > size) {
        return broken_protocol(m, event, BCJ2_E_INVALID_SERVER_RESPONSE, false,
                               "the server has more bytes than the file");
    }
    bool gain = offset > m->best;
    bool stray = !in_sync || offset != m->first + m->length;
    m->resyncs = gain ? 0 : m->resyncs + (stray ? 1 : 0);
    m->best = MAX(m->best, offset);
    s->acked = offset;
    s->bad_answers = 0;
    m->probe = false;
    if (!was_probe || offset > m->first + m->length) {
        m->immediate_retries = 0; /* a probe that gets through does not end an interruption */
    }
    bcj2__bup_size_acked(m, event->elapsed_ms);
    bcj2__bup_host_is_back(m);
    struct bup_step step;
    m->reply_asked_again = m->reply_asked_again && offset == size;
    if (offset == size) {
        bool last_byte_asked = in_sync && m->first + m->length == size;
        step = uploaded(m, event, ack, !last_byte_asked);
    } else if (m->resyncs >= RESYNCS_WITHOUT_GAIN) {
        return broken_protocol(m, event, BCJ2_E_INVALID_SERVER_RESPONSE, true,
                               "the server keeps asking for bytes that it has had");
    } else {
        step = bcj2__bup_proceed(m, event->now_ms, BUP_SAVE_SOFT);
    }
    step.progress = gain;
    return step.want == BUP_WANT_FAIL ? step : accepted(step);
}

static struct bup_step out_of_sync(struct bup *m, const struct bup_event *event,
                                   const struct bup_ack *ack)
{
    if (ack->has_offset) {
        return offset_told(m, event, ack, ack->offset, false);
    }
    if (m->saved.new_session_tried) {
        return broken_protocol(m, event, BCJ2_E_INVALID_SERVER_RESPONSE, false,
                               "the server does not say where it wants to go on");
    }
    m->saved.new_session_tried = true;
    return accepted(bcj2__bup_session_lost(m, event,
                                           "the server does not say where it wants to go on; "
                                           "starting anew"));
}

static struct bup_step too_big(struct bup *m, const struct bup_event *event)
{
    if (bcj2__bup_size_refused(m)) {
        return accepted(bcj2__bup_proceed(m, event->now_ms, BUP_SAVE_SOFT));
    }
    struct failure failure = bcj2__classify_answer(event->head, bcj2__bup_doing(m->awaited));
    failure.code = BCJ2_E_HTTP_ERROR_413;
    failure.transient = false;
    return bcj2__bup_fail(m, failure, event->now_ms);
}

static struct bup_step on_fragment(struct bup *m, const struct bup_event *event,
                                   const struct bup_ack *ack)
{
    uint32_t status = event->head->status;
    if (ack->has_error && ack->error == BCJ2_E_SESSION_NOT_FOUND) {
        return accepted(bcj2__bup_session_lost(m, event, "the server lost the session"));
    }
    if (is_success(event->head)) {
        if (!ack->is_ack || ack->offset_bad) {
            return bad_answer(m, event,
                              ack->is_ack ? "the offset in the answer is not a number"
                                          : "the answer is not an Ack");
        }
        return offset_told(m, event, ack, ack->has_offset ? ack->offset : m->first + m->length,
                           true);
    }
    if (status == 416) {
        return ack->offset_bad ? bad_answer(m, event, "the offset in the answer is not a number")
                               : out_of_sync(m, event, ack);
    }
    return status == 413 ? too_big(m, event) : refused(m, event);
}

/* ---- Close and Cancel ---- */

enum bup_farewell bcj2__bup_farewell_answer(enum bup_packet packet, const struct hdrs *head)
{
    struct bup_ack ack;
    if (head == NULL || head->status == 0 || head->overflow) {
        return BUP_FAREWELL_REPEAT;
    }
    bcj2__bup_msg_read_ack(head, &ack);
    if (ack.has_error && ack.error == BCJ2_E_SESSION_NOT_FOUND) {
        return BUP_FAREWELL_DONE;
    }
    if (head->status / 100 == 2) { /* a 2xx of somebody else's is no answer */
        return ack.is_ack && !ack.conflicting ? BUP_FAREWELL_DONE : BUP_FAREWELL_REPEAT;
    }
    if (head->status >= 500 && bcj2__classify_answer(head, NULL).transient) {
        return BUP_FAREWELL_REPEAT;
    }
    bool unheard = head->status == 401 || head->status == 407;
    bool odd = packet == BUP_PACKET_CLOSE && head->status != 413;
    return unheard || odd ? BUP_FAREWELL_DONE_WITH_WARNING : BUP_FAREWELL_DONE;
}

/* A plain upload at its end: the answer to Close or to the Ping before it. No error of Close is one
   of the job (2.10). */
static struct bup_step on_closing(struct bup *m, const struct bup_event *event,
                                  const struct bup_ack *ack)
{
    enum bup_farewell verdict = bcj2__bup_farewell_answer(BUP_PACKET_CLOSE, event->head);
    bool success = event->head->status / 100 == 2;
    bool stranger = m->awaited == BUP_PACKET_CLOSE && ack->has_session_id &&
                    strcmp(ack->session_id, m->saved.session_id) != 0;
    if (verdict == BUP_FAREWELL_REPEAT || (success && stranger)) {
        struct failure failure = bcj2__classify_answer(event->head, bcj2__bup_doing(m->awaited));
        if (success || event->head->status == 0 || event->head->overflow) {
            failure.code = BCJ2_E_INVALID_SERVER_RESPONSE;
        }
        failure.transient = true;
        return bcj2__bup_close_failed(m, failure, event->now_ms);
    }
    if (m->awaited == BUP_PACKET_PING && success) {
        m->pinged = true;
        return accepted(bcj2__bup_proceed(m, event->now_ms, BUP_SAVE_NOT));
    }
    bool warn = verdict == BUP_FAREWELL_DONE_WITH_WARNING;
    /* refused before Close was said at all: the server may still hear it */
    bool unsaid = m->awaited == BUP_PACKET_PING && warn;
    struct bup_step step =
        bcj2__bup_done(m, unsaid ? BUP_PACKET_CLOSE : BUP_PACKET_NONE,
                       warn ? "the server refused to close the session; going on" : NULL);
    return accepted(step);
}

/* ---- all ---- */

struct bup_step bcj2__bup_answer(struct bup *m, const struct bup_event *event)
{
    const struct hdrs *head = event->head;
    bool before_reply = m->saved.phase == BUP_SENDING;
    struct bup_ack ack;
    bcj2__bup_msg_read_ack(head, &ack);
    if (m->saved.phase == BUP_CLOSING) {
        return on_closing(m, event, &ack);
    }
    if (before_reply && !bcj2__bup_same_source(&m->saved.source, &event->source)) {
        return bcj2__bup_source_changed(m, event->now_ms);
    }
    if (head->status == 0 || head->overflow) {
        return bad_answer(m, event, "the head of the answer is broken or too long");
    }
    if (head->http_major < 1 || (head->http_major == 1 && head->http_minor == 0)) {
        return broken_protocol(m, event, BCJ2_E_INSUFFICIENT_HTTP_SUPPORT, false,
                               "the server does not speak HTTP/1.1");
    }
    if (head->status == 401 || head->status == 407) {
        return credentials_missing(m, event);
    }
    if (ack.conflicting || ack.session_id_bad) {
        return bad_answer(m, event,
                          ack.conflicting ? "fields of the answer contradict each other"
                                          : "the session id in the answer is not one");
    }
    if (m->awaited == BUP_PACKET_FRAGMENT && ack.has_session_id &&
        strcmp(ack.session_id, m->saved.session_id) != 0) {
        return bad_answer(m, event, "the answer is for another session");
    }
    if (head->status / 100 == 2 && !is_success(head)) {
        return bad_answer(m, event, "the answer is a success of another kind");
    }
    if (head->status == 416 && m->awaited != BUP_PACKET_FRAGMENT) {
        return bad_answer(m, event, "nothing of a file was sent, and a range was refused");
    }
    switch (m->awaited) {
    case BUP_PACKET_CREATE:
        return on_create(m, event, &ack);
    case BUP_PACKET_FRAGMENT:
        return on_fragment(m, event, &ack);
    default:
        return on_ping(m, event, &ack);
    }
}
