/* SPDX-License-Identifier: MIT */
/* See job_state.h. */
#include "job_state.h"
#include "detail.h"
#include "guid.h"
#include "mem.h"
#include "limit.h"
#include "notify_store.h"
#include "status.h"

#define STATE(name) (1u << BCJ2_JOB_STATE_##name)

static bcj2_status not_allowed(bcj2_status status, enum job_event event, bcj2_job_state state)
{
    if (status == BCJ2_E_EMPTY) {
        return bcj2__detail(status, "the job (%s) has nothing to transfer",
                            bcj2__status_state_name(state));
    }
    return bcj2__detail(status, "%s is not possible in state %s", bcj2__jobfsm_event_name(event),
                        bcj2__status_state_name(state));
}

/* One compare-and-set. BCJ2_S_FALSE: the job is not in state `from`. */
static bcj2_status write_state(struct core *c, int64_t seq, bcj2_job_state from, bcj2_job_state to,
                               enum job_event event)
{
    if (from == to) {
        return BCJ2_OK;
    }
    bcj2_status s = bcj2__store_set_state(c->store, seq, from, to, bcj2__os_wall());
    if (s == BCJ2_OK) {
        bcj2__log(&c->log, LOG_DEBUG, "job %lld: %s -> %s (%s)", (long long)seq,
                  bcj2__status_state_name(from), bcj2__status_state_name(to),
                  bcj2__jobfsm_event_name(event));
    }
    return s;
}

/* What a state does not have is removed when it is entered. */
static bcj2_status entered(struct core *c, struct store_job *job, bcj2_job_state from,
                           enum job_event event)
{
    bcj2_filetime now = bcj2__os_wall();
    bool errors =
        job->state == BCJ2_JOB_STATE_ERROR || job->state == BCJ2_JOB_STATE_TRANSIENT_ERROR;
    bool had = from == BCJ2_JOB_STATE_ERROR || from == BCJ2_JOB_STATE_TRANSIENT_ERROR;
    if (had && !errors) {
        bcj2__mem_free(job->error_text);
        job->error_text = NULL;
        job->error_context = BCJ2_ERROR_CONTEXT_NONE;
        job->error_code = BCJ2_OK;
        job->error_http_status = 0;
        job->error_has_file = job->error_has_protocol = false;
        job->error_file = 0;
        bcj2_status s = bcj2__store_set_error(c->store, job, now);
        if (BCJ2_FAILED(s)) {
            return s;
        }
    }
    /* a planned attempt belongs to TRANSIENT_ERROR; a person's Resume or Suspend ends the series, a
       timed retry goes on with it */
    bool ends_series = event == JOB_EV_RESUME || event == JOB_EV_SUSPEND || event == JOB_EV_DONE;
    bool attempt = job->next_attempt.set && job->state != BCJ2_JOB_STATE_TRANSIENT_ERROR;
    if (attempt || (ends_series && job->series_start.set)) {
        job->next_attempt = (struct store_deadline){0};
        if (ends_series) {
            job->series_start = (struct store_deadline){0};
        }
        bcj2_status s = bcj2__store_set_retry(c->store, job, now);
        if (BCJ2_FAILED(s)) {
            return s;
        }
    }
    return from == job->state ? BCJ2_OK : bcj2__notify_entered(c, job->seq, from, job->state);
}

bcj2_status bcj2__job_state_move(struct core *c, struct store_job *job, enum job_event event)
{
    bcj2_job_state from = job->state, to = from;
    bcj2_status s = bcj2__jobfsm_step(job->type, from, event, &to);
    if (BCJ2_FAILED(s)) {
        return not_allowed(s, event, from);
    }
    s = write_state(c, job->seq, from, to, event);
    if (s == BCJ2_S_FALSE) {
        return bcj2__detail(BCJ2_E_UNEXPECTED, "the job changed inside a transaction");
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    job->state = to;
    return entered(c, job, from, event);
}

bcj2_status bcj2__job_state_move_believed(struct core *c, int64_t seq, bcj2_job_type type,
                                          bcj2_job_state *believed, enum job_event event)
{
    bcj2_job_state to = *believed;
    bcj2_status s = bcj2__jobfsm_step(type, *believed, event, &to);
    if (BCJ2_FAILED(s)) {
        return not_allowed(s, event, *believed);
    }
    s = write_state(c, seq, *believed, to, event);
    if (s == BCJ2_OK) {
        *believed = to;
    }
    return s;
}

bcj2_status bcj2__job_state_poison(struct core *c, int64_t seq, bcj2_status status)
{
    char why[LIMIT_DETAIL_BYTES];
    bcj2__detail_keep(why);
    bcj2__log(&c->log, LOG_ERROR, "job %lld cannot be read: %s", (long long)seq, why);
    bcj2_status s = bcj2__store_poison(c->store, seq, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                                       status, why, bcj2__os_wall());
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__notify_entered(c, seq, BCJ2_JOB_STATE_ERROR, BCJ2_JOB_STATE_ERROR);
    }
    struct store_transfer transfer = {0};
    if (BCJ2_SUCCEEDED(s) &&
        bcj2__store_transfer(c->store, seq, &transfer) == BCJ2_E_DATABASE_CORRUPT) {
        s = bcj2__store_forget_transfer(c->store, seq); /* or nobody could cancel the job */
    }
    bcj2__mem_wipe(&transfer, sizeof transfer);
    return s == BCJ2_E_NOT_FOUND ? BCJ2_OK : s;
}

static bcj2_status requeue(struct core *c, const int64_t *seqs, uint32_t count, bool unclean)
{
    for (uint32_t i = 0; i < count; i++) {
        struct store_job job = {0};
        bcj2_status s = bcj2__store_job_by_seq(c->store, seqs[i], &job);
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__job_state_move(c, &job, JOB_EV_RESTART);
        }
        if (BCJ2_SUCCEEDED(s) && unclean) {
            s = bcj2__store_set_unclean_ends(c->store, seqs[i], job.unclean_ends + 1,
                                             bcj2__os_wall());
        } else if (s == BCJ2_E_DATABASE_CORRUPT) {
            s = bcj2__job_state_poison(c, seqs[i], s);
        }
        bcj2__store_job_done(&job);
        if (BCJ2_FAILED(s)) {
            return s;
        }
    }
    return BCJ2_OK;
}

bcj2_status bcj2__job_state_restart(struct core *c, bool unclean)
{
    int64_t *seqs = NULL;
    uint32_t count = 0;
    bcj2_status s =
        bcj2__store_jobs_in(c->store, STATE(CONNECTING) | STATE(TRANSFERRING), &seqs, &count);
    if (BCJ2_FAILED(s) || count == 0) {
        bcj2__mem_free(seqs);
        return s;
    }
    s = bcj2__store_begin(c->store, false);
    if (BCJ2_SUCCEEDED(s)) {
        s = requeue(c, seqs, count, unclean);
        s = bcj2__store_end(c->store, false, s);
    }
    bcj2__mem_free(seqs);
    return s;
}
