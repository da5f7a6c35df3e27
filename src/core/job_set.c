/* SPDX-License-Identifier: MIT */
/* The calls that change a property or the state of a job: each checks its arguments in the order of
   R-ORDER (type, values, lengths and syntax, state, access), then is one durable transaction. See
   job.h. Files: job_files.c; the reply's name: job_reply.c; HTTP options: job_http.c; Complete and
   Cancel: settle.c. */
#include "job_change.h"
#include "detail.h"
#include "job_check.h"
#include "job_state.h"
#include "limit.h"
#include "macro.h"
#include "notify_store.h"
#include "store_event.h"
#include "timeouts.h"

bcj2_status bcj2__job_set_display_name(bcj2_job *job, const char *name)
{
    struct change change;
    bcj2_status s =
        bcj2__check_text(name, "display name", LIMIT_DISPLAY_NAME_UTF16, BCJ2_E_STRING_TOO_LONG);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__change_begin_set(job, &change);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_set_display_name(job->core->store, job->seq, name, bcj2__os_wall());
    return bcj2__change_end(&change, s);
}

bcj2_status bcj2__job_set_description(bcj2_job *job, const char *description)
{
    struct change change;
    bcj2_status s = bcj2__check_text(description, "description", LIMIT_DESCRIPTION_UTF16,
                                     BCJ2_E_STRING_TOO_LONG);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__change_begin_set(job, &change);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_set_description(job->core->store, job->seq, description, bcj2__os_wall());
    return bcj2__change_end(&change, s);
}

/* A custom method fixes the priority: what cannot be resumed must not be interrupted for others. */
static bcj2_status priority_changeable(const struct change *change, bcj2_job_priority priority)
{
    struct store_http http = {0};
    if (priority == BCJ2_JOB_PRIORITY_FOREGROUND) {
        return BCJ2_OK;
    }
    bcj2_status s = bcj2__store_http(change->core->store, change->row.seq, &http);
    if (BCJ2_SUCCEEDED(s) && http.method != NULL) {
        s = bcj2__detail(BCJ2_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD,
                         "a job with the method %s stays a foreground job", http.method);
    }
    bcj2__store_http_done(&http);
    return s;
}

bcj2_status bcj2__job_set_priority(bcj2_job *job, bcj2_job_priority priority)
{
    struct change change;
    if (priority < BCJ2_JOB_PRIORITY_FOREGROUND || priority > BCJ2_JOB_PRIORITY_LOW) {
        return bcj2__detail(BCJ2_E_NOTIMPL, "priority %d is not one of 0 to 3", (int)priority);
    }
    bcj2_status s = bcj2__change_begin_set(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = priority_changeable(&change, priority);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_set_priority(job->core->store, job->seq, priority, bcj2__os_wall());
    }
    return bcj2__change_end(&change, s);
}

/* The three numbers of seconds. */
static bcj2_status set_seconds(bcj2_job *job,
                               bcj2_status (*set)(struct store *, int64_t, uint32_t, bcj2_filetime),
                               uint32_t seconds)
{
    struct change change;
    bcj2_status s = bcj2__change_begin_set(job, &change);
    return BCJ2_FAILED(s) ? s
                          : bcj2__change_end(&change, set(job->core->store, job->seq, seconds,
                                                          bcj2__os_wall()));
}

bcj2_status bcj2__job_set_retry_delay(bcj2_job *job, uint32_t seconds)
{
    return set_seconds(job, bcj2__store_set_retry_delay,
                       MAX(seconds, bcj2__timeouts.retry_delay_min_s));
}

bcj2_status bcj2__job_set_no_progress(bcj2_job *job, uint32_t seconds)
{
    return set_seconds(job, bcj2__store_set_no_progress, seconds);
}

bcj2_status bcj2__job_set_max_download(bcj2_job *job, uint32_t seconds)
{
    return set_seconds(job, bcj2__store_set_max_download, seconds);
}

/* Secrets of the old owner are not the new one's to use. */
static bcj2_status drop_secrets(struct change *change, bcj2_filetime now)
{
    struct store_http http = {0};
    bcj2_status s = bcj2__store_http(change->core->store, change->row.seq, &http);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    struct store_http kept = http;
    kept.client_certificate = kept.client_key = NULL;
    kept.headers = kept.key_password = NULL;
    s = bcj2__store_set_http(change->core->store, change->row.seq, &kept, now);
    bcj2__store_http_done(&http);
    return s;
}

bcj2_status bcj2__job_take_ownership(bcj2_job *job)
{
    struct change change;
    bcj2_filetime now = bcj2__os_wall();
    bcj2_status s = bcj2__change_begin_set(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    if (job->core->uid != 0) {
        s = bcj2__detail(BCJ2_E_ACCESSDENIED, "only root can take a job over, this is user %u",
                         (unsigned)job->core->uid);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_set_owner(job->core->store, job->seq, job->core->uid, now);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = drop_secrets(&change, now);
    }
    if (BCJ2_SUCCEEDED(s)) { /* nor is a program to run as somebody else (1.2.25) */
        s = bcj2__store_set_notify_command(job->core->store, job->seq, NULL, NULL, now);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__notify_channels_changed(job->core, job->seq);
    }
    return bcj2__change_end(&change, s);
}

/* ---- suspend and resume ---- */

bcj2_status bcj2__job_suspend(bcj2_job *job)
{
    struct change change;
    bcj2_status s = bcj2__change_begin(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    return bcj2__change_end(&change, bcj2__job_state_move(job->core, &change.row, JOB_EV_SUSPEND));
}

/* Is there something that a Resume could transfer? In TRANSFERRED only files that were added since. */
static bcj2_status resume_event(const struct change *change, enum job_event *ret)
{
    struct store *store = change->core->store;
    bool transferred = change->row.state == BCJ2_JOB_STATE_TRANSFERRED;
    struct store_file file = {0};
    uint32_t count = 0;
    bcj2_status s = bcj2__store_file_count(store, change->row.seq, &count);
    if (BCJ2_SUCCEEDED(s) && transferred) {
        s = bcj2__store_next_file(store, change->row.seq, 0, &file);
        bcj2__store_file_done(&file);
    }
    *ret = count == 0 || s == BCJ2_S_FALSE ? JOB_EV_RESUME_EMPTY : JOB_EV_RESUME;
    return BCJ2_FAILED(s) ? s : BCJ2_OK;
}

/* Who resumes a job that failed wants it tried now, not when its server has rested (core/hosts). */
static bcj2_status try_at_once(const struct change *change, bcj2_job_state before)
{
    bool failed = before == BCJ2_JOB_STATE_ERROR || before == BCJ2_JOB_STATE_TRANSIENT_ERROR;
    return failed ? bcj2__store_forget_host(change->core->store, change->row.seq, bcj2__os_wall())
                  : BCJ2_OK;
}

bcj2_status bcj2__job_resume(bcj2_job *job)
{
    struct change change;
    enum job_event event = JOB_EV_RESUME;
    bcj2_status s = bcj2__change_begin(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    const bcj2_job_state before = change.row.state;
    s = resume_event(&change, &event);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__job_state_move(job->core, &change.row, event);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_apply_remote_names(job->core->store, job->seq, bcj2__os_wall());
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_set_resumed(job->core->store, job->seq, bcj2__os_wall());
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = try_at_once(&change, before);
    }
    return bcj2__change_end(&change, s);
}
