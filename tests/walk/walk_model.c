/* SPDX-License-Identifier: MIT */
/* See walk_model.h. */
#include "walk_model.h"

#include "../support/fake_clock.h"

#include "filetime.h"
#include "macro.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SLACK_MS   1500 /* between two looks at a clock, and for a busy machine */
#define PATIENCE   400  /* looks of 50 ms */
#define BIT(state) (1u << BCJ2_JOB_STATE_##state)
#define RUNNING    (BIT(QUEUED) | BIT(CONNECTING) | BIT(TRANSFERRING))

#define GIVING                                                                    \
    (1u << SITE_OK | 1u << SITE_CUT | 1u << SITE_STALLED | 1u << SITE_NO_RANGES | \
     1u << SITE_NO_LENGTH)

#define HTTP(status) ((bcj2_status)(0x80190000u + (status)))
#define BROKEN       ((bcj2_status)0x80072EFEu)
#define TIMED_OUT    ((bcj2_status)0x80072EE2u)

/* Where a server's mood can lead a job (job-semantics 7.1, wire-protocol 4 and 5). */
static const struct outcome {
    enum site_mood mood;
    bcj2_job_state state;
    bcj2_status code;
    bool after_jump; /* only if time went by */
} outcomes[] = {
    {SITE_OK, BCJ2_JOB_STATE_TRANSFERRED, BCJ2_OK, false},
    {SITE_MISSING, BCJ2_JOB_STATE_ERROR, HTTP(404), false},
    {SITE_BUSY, BCJ2_JOB_STATE_TRANSIENT_ERROR, HTTP(503), false},
    {SITE_BUSY_LONG, BCJ2_JOB_STATE_TRANSIENT_ERROR, HTTP(503), false},
    {SITE_RESET, BCJ2_JOB_STATE_TRANSIENT_ERROR, BROKEN, false},
    {SITE_CUT, BCJ2_JOB_STATE_TRANSIENT_ERROR, BROKEN, false},
    {SITE_CUT, BCJ2_JOB_STATE_TRANSFERRED, BCJ2_OK, false},     /* by and by */
    {SITE_STALLED, BCJ2_JOB_STATE_TRANSFERRED, BCJ2_OK, false}, /* when it goes on */
    {SITE_NO_RANGES, BCJ2_JOB_STATE_TRANSFERRED, BCJ2_OK, false},
    {SITE_NO_RANGES, BCJ2_JOB_STATE_ERROR, BCJ2_E_INSUFFICIENT_RANGE_SUPPORT, false},
    {SITE_NO_LENGTH, BCJ2_JOB_STATE_ERROR, BCJ2_E_MISSING_FILE_SIZE, false},
    {SITE_NO_LENGTH, BCJ2_JOB_STATE_TRANSFERRED, BCJ2_OK, false}, /* it was known */
    /* whatever the server does */
    {SITE_MOODS, BCJ2_JOB_STATE_TRANSIENT_ERROR, TIMED_OUT, true},
    {SITE_MOODS, BCJ2_JOB_STATE_ERROR, BCJ2_E_MAXDOWNLOAD_TIMEOUT, true},
};

void model_fail(const struct model_job *m, const char *file, int line, const char *format, ...)
{
    char text[512], id[BCJ2_GUID_TEXT_SIZE], *says = NULL;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    bcj2_guid_format(&m->id, id);
    (void)bcj2_get_status_text(m->job, &says);
    (void)fprintf(
        stderr,
        "%s:%d: job %s, type %d, phase %d, state %d, moods 0x%x, delay %u, no progress %u, "
        "%u files: %s; the job: %s\n",
        file, line, id, (int)m->type, (int)m->phase, (int)m->state, (unsigned)m->moods,
        (unsigned)m->delay_s, (unsigned)m->no_progress_s, (unsigned)m->file_count, text,
        says != NULL ? says : bcj2_last_detail());
    _Exit(EXIT_FAILURE);
}

/* ---- what is known ---- */

void model_init(struct model_job *m, bcj2_job *job, const bcj2_guid *id, bcj2_job_type type)
{
    *m = (struct model_job){.job = job, .id = *id, .type = type};
    m->state = BCJ2_JOB_STATE_SUSPENDED;
    m->delay_s = 600; /* the defaults (job-semantics 7.6) */
    m->no_progress_s = 1209600;
    m->max_download_s = 7776000;
    m->priority = BCJ2_JOB_PRIORITY_NORMAL;
}

/* What is in force is what was set last. */
static void properties_are_known(struct model_job *m)
{
    m->delay = (struct model_span){m->delay_s, m->delay_s};
    m->no_progress = (struct model_span){m->no_progress_s, m->no_progress_s};
}

static void becomes_active(struct model_job *m, int64_t since_ms)
{
    m->phase = MODEL_ACTIVE;
    m->seen_active_ms = since_ms;
    m->jumped = false;
}

void model_resumed(struct model_job *m, int64_t since_ms)
{
    bool ran = m->phase == MODEL_ACTIVE;
    uint32_t moods = ran ? m->moods : 0;
    bool jumped = ran && m->jumped;
    if (!ran) {
        becomes_active(m, since_ms);
        properties_are_known(m);
        m->series = false;
    }
    m->jumped = jumped;
    m->moods = moods | 1u << m->mood;
}

void model_rests(struct model_job *m, bcj2_job_state state)
{
    m->phase = MODEL_RESTS;
    m->state = state;
    m->series = m->series && state == BCJ2_JOB_STATE_ERROR;
}

void model_final(struct model_job *m, bcj2_job_state state)
{
    m->phase = MODEL_FINAL;
    m->state = state;
}

void model_set_mood(struct model_job *m, enum site_mood mood)
{
    bool acts = m->phase == MODEL_ACTIVE ||
                (m->phase == MODEL_WAITING && fake_clock_now_ms() >= m->due_ms - SLACK_MS);
    m->moods = (acts ? m->moods : 0) | 1u << mood;
    m->mood = mood;
}

void model_properties_changed(struct model_job *m)
{
    m->delay.low = MIN(m->delay.low, m->delay_s);
    m->delay.high = MAX(m->delay.high, m->delay_s);
    m->no_progress.low = MIN(m->no_progress.low, m->no_progress_s);
    m->no_progress.high = MAX(m->no_progress.high, m->no_progress_s);
}

/* ---- what may be ---- */

/* May the series be over at this moment? */
static bool may_give_up(const struct model_job *m, int64_t now_ms)
{
    /* its first error may have come unseen, just before the clock jumped */
    int64_t began_ms = m->series ? m->began.low : m->jumped ? m->seen_active_ms : now_ms;
    return m->no_progress.low == 0 || m->delay.high > m->no_progress.low ||
           now_ms - began_ms + SLACK_MS >= m->no_progress.low * 1000;
}

static bool may_retry(const struct model_job *m)
{
    return m->no_progress.high > 0 && m->delay.low <= m->no_progress.high;
}

static bool fits(const struct model_job *m, const struct outcome *o, bcj2_job_state state,
                 bcj2_status code)
{
    bool in_force = o->mood == SITE_MOODS || (m->moods & 1u << o->mood) != 0;
    if (!in_force || (o->after_jump && !m->jumped) || o->code != code) {
        return false;
    }
    if (o->state != BCJ2_JOB_STATE_TRANSIENT_ERROR) {
        return o->state == state;
    }
    return state == BCJ2_JOB_STATE_TRANSIENT_ERROR
               ? may_retry(m)
               : state == BCJ2_JOB_STATE_ERROR && may_give_up(m, fake_clock_now_ms());
}

static bool may_be(const struct model_job *m, bcj2_job_state state, bcj2_status code)
{
    const struct outcome changes = {SITE_MOODS, BCJ2_JOB_STATE_TRANSIENT_ERROR,
                                    BCJ2_E_REMOTE_FILE_CHANGED, false};
    /* all of it may have been transferred before it was stopped, and only the note of it is left */
    bool may = m->had_server && state == BCJ2_JOB_STATE_TRANSFERRED;
    may = may || (m->changed && fits(m, &changes, state, code));
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        may = may || fits(m, &outcomes[i], state, code);
    }
    return may;
}

bool model_may_end_in(const struct model_job *m, bcj2_job_state state)
{
    bool may = m->had_server && state == BCJ2_JOB_STATE_TRANSFERRED;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        may = may || fits(m, &outcomes[i], state, outcomes[i].code);
    }
    return may;
}

/* ---- what is ---- */

struct seen {
    bcj2_job_state state;
    bcj2_status code; /* ERROR, TRANSIENT_ERROR */
    bcj2_error_context context;
    int64_t at_ms; /* TRANSIENT_ERROR: the next attempt */
};

/* On the walk's clock. */
static int64_t next_attempt_ms(const struct model_job *m)
{
    bcj2_filetime at = 0;
    MODEL_CHECK(m, bcj2_get_next_attempt(m->job, &at) == BCJ2_OK, "get_next_attempt");
    int64_t wall_ms = fake_clock_wall_ms();
    bcj2_filetime wall = bcj2__filetime_from_unix(wall_ms / 1000, (wall_ms % 1000) * 1000000);
    int64_t ahead = (int64_t)at - (int64_t)wall;
    return at == 0 ? 0 : fake_clock_now_ms() + ahead / (int64_t)FILETIME_PER_MS;
}

/* State, error and next attempt of one moment. */
static struct seen see(const struct model_job *m)
{
    for (;;) {
        struct seen seen = {.state = -1};
        bcj2_job_state again = -1;
        bcj2_error *error = NULL;
        MODEL_CHECK(m, bcj2_get_state(m->job, &seen.state) == BCJ2_OK, "get_state");
        bcj2_status s = bcj2_get_error(m->job, &error);
        if (s == BCJ2_OK) {
            (void)bcj2_error_get(error, &seen.context, &seen.code);
        }
        bcj2_error_unref(error);
        seen.at_ms = seen.state == BCJ2_JOB_STATE_TRANSIENT_ERROR ? next_attempt_ms(m) : 0;
        (void)bcj2_get_state(m->job, &again);
        bool failed =
            seen.state == BCJ2_JOB_STATE_ERROR || seen.state == BCJ2_JOB_STATE_TRANSIENT_ERROR;
        if (again == seen.state &&
            (seen.state != BCJ2_JOB_STATE_TRANSIENT_ERROR || seen.at_ms != 0)) {
            MODEL_CHECK(m,
                        s == (failed ? BCJ2_OK : BCJ2_E_ERROR_INFORMATION_UNAVAILABLE) || !failed,
                        "get_error in state %d: 0x%08x", (int)seen.state, (unsigned)s);
            return seen;
        }
    }
}

static void check_context(const struct model_job *m, const struct seen *seen)
{
    bcj2_error_context expected = seen->code == BCJ2_E_MAXDOWNLOAD_TIMEOUT
                                      ? BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER
                                      : BCJ2_ERROR_CONTEXT_REMOTE_FILE;
    MODEL_CHECK(m, seen->context == expected, "0x%08x in context %d", (unsigned)seen->code,
                (int)seen->context);
}

/* The delay that an error of now is followed by, at least and at most. */
static struct model_span delay_ms(const struct model_job *m, bcj2_status code)
{
    struct model_span d = {m->delay.low * 1000, m->delay.high * 1000};
    int64_t asked_ms = (int64_t)SITE_RETRY_AFTER_S * 1000;
    if (code == HTTP(503) && (m->moods & 1u << SITE_BUSY_LONG) != 0) {
        d.high = MAX(d.high, asked_ms);
        d.low = (m->moods & 1u << SITE_BUSY) == 0 ? MAX(d.low, asked_ms) : d.low;
    }
    return d;
}

static void begins_to_wait(struct model_job *m, const struct seen *seen)
{
    int64_t now_ms = fake_clock_now_ms();
    struct model_span delay = delay_ms(m, seen->code);
    check_context(m, seen);
    if (!m->series) {
        m->series = true;
        m->began = (struct model_span){m->seen_active_ms, now_ms};
    }
    if ((m->moods & GIVING) != 0) { /* a byte in between has begun a new one */
        m->began.high = now_ms;
    }
    int64_t low = MIN(m->seen_active_ms + delay.low, m->began.low + m->no_progress.low * 1000);
    int64_t high = MIN(now_ms + delay.high, m->began.high + m->no_progress.high * 1000);
    MODEL_CHECK(m, seen->at_ms >= low - SLACK_MS && seen->at_ms <= high + SLACK_MS,
                "tried again in %lld ms, not in %lld to %lld", (long long)(seen->at_ms - now_ms),
                (long long)(low - now_ms), (long long)(high - now_ms));
    m->phase = MODEL_WAITING;
    properties_are_known(m);
    m->code = seen->code;
    m->due_ms = seen->at_ms;
    m->moods = 1u << m->mood;
}

static void observe_active(struct model_job *m, const struct seen *seen)
{
    m->had_server = m->had_server || (m->moods & GIVING) != 0;
    if ((RUNNING & 1u << seen->state) != 0) {
        /* after a jump the runner may still be in a turn that began before it */
        m->seen_active_ms = m->jumped ? m->seen_active_ms : fake_clock_now_ms() - SLACK_MS;
        return;
    }
    MODEL_CHECK(m, may_be(m, seen->state, seen->code), "it is %d with 0x%08x", (int)seen->state,
                (unsigned)seen->code);
    if (seen->state == BCJ2_JOB_STATE_TRANSIENT_ERROR) {
        begins_to_wait(m, seen);
        return;
    }
    if (seen->state == BCJ2_JOB_STATE_ERROR) {
        check_context(m, seen);
    }
    m->code = seen->code;
    model_rests(m, seen->state);
}

/* Until the attempt is due it waits; then it is given up, or tried. */
static void observe_waiting(struct model_job *m, const struct seen *seen)
{
    int64_t now_ms = fake_clock_now_ms();
    bool waits = seen->state == BCJ2_JOB_STATE_TRANSIENT_ERROR;
    int64_t moved_ms = waits ? llabs(seen->at_ms - m->due_ms) : 0;
    if (waits && (moved_ms <= SLACK_MS || seen->at_ms <= now_ms + 1)) {
        MODEL_CHECK(m, seen->code == m->code, "another error, 0x%08x, without an attempt",
                    (unsigned)seen->code);
        return;
    }
    MODEL_CHECK(m, now_ms >= m->due_ms - SLACK_MS, "it is %d, %lld ms before its next attempt",
                (int)seen->state, (long long)(m->due_ms - now_ms));
    if (seen->state == BCJ2_JOB_STATE_ERROR && seen->code == m->code &&
        now_ms - m->began.low + SLACK_MS >= m->no_progress.low * 1000) {
        model_rests(m, seen->state);
        return;
    }
    /* an upload that has only its Close to say may try once more (wire-protocol 2.10) */
    bool closes = m->type != BCJ2_JOB_TYPE_DOWNLOAD && m->had_server;
    MODEL_CHECK(m, closes || m->due_ms - m->began.high + SLACK_MS < m->no_progress.high * 1000,
                "it is %d, though its time without progress was over", (int)seen->state);
    int64_t due_ms = m->due_ms;
    becomes_active(m, due_ms);
    m->jumped = true;
    observe_active(m, seen);
}

void model_observe(struct model_job *m)
{
    struct seen seen = see(m);
    uint32_t errors = 0;
    MODEL_CHECK(m, bcj2_get_error_count(m->job, &errors) == BCJ2_OK && errors >= m->errors,
                "%u errors after %u", (unsigned)errors, (unsigned)m->errors);
    m->errors = errors;
    if (m->phase == MODEL_ACTIVE) {
        observe_active(m, &seen);
    } else if (m->phase == MODEL_WAITING) {
        observe_waiting(m, &seen);
    } else {
        MODEL_CHECK(m, seen.state == m->state, "it is %d", (int)seen.state);
        MODEL_CHECK(m, seen.state != BCJ2_JOB_STATE_ERROR || seen.code == m->code,
                    "its error is 0x%08x, was 0x%08x", (unsigned)seen.code, (unsigned)m->code);
    }
    m->state = seen.state;
}

/* Nothing happens to it by itself any more, before time goes by. */
static bool is_settled(const struct model_job *m)
{
    switch (m->phase) {
    case MODEL_ACTIVE:
        return m->mood == SITE_SILENT || m->mood == SITE_STALLED;
    case MODEL_WAITING:
        return fake_clock_now_ms() < m->due_ms + SLACK_MS;
    default:
        return true;
    }
}

void model_settle(struct model_job *m)
{
    for (int i = 0; i < PATIENCE && !is_settled(m); i++) {
        uint32_t others = ((1u << (BCJ2_JOB_STATE_CANCELLED + 1)) - 1) & ~(1u << m->state);
        (void)bcj2_wait(m->job, others, 50, NULL);
        model_observe(m);
    }
    MODEL_CHECK(m, is_settled(m), "it does not come to rest");
}
