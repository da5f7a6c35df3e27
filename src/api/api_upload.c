/* SPDX-License-Identifier: MIT */
/* bcj2_upload_reply: the whole in one call, made of the other calls. It holds no lock and no entry of its
   own while it waits, so a close of the manager ends it. */
#include "api.h"

#include <stdio.h>

#define STATE(name) (1u << BCJ2_JOB_STATE_##name)
#define ENDED \
    (STATE(ERROR) | STATE(TRANSFERRED) | STATE(ACKNOWLEDGED) | STATE(CANCELLED) | STATE(SUSPENDED))
#define TELL_EVERY_MS 1000

struct progress {
    bcj2_progress_callback callback;
    void *user;
    int32_t phase;
    uint64_t done, total;
    bool told;
    uint64_t told_ms;
};

static bcj2_status prepare(bcj2_job *job, const char *local_name, const char *remote_url,
                           const char *reply_name)
{
    /* the name first: then the folder of the source need not be writable */
    bcj2_status s = BCJ2_OK;
    if (reply_name != NULL) {
        s = bcj2_set_reply_file_name(job, reply_name);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2_add_file(job, remote_url, local_name);
    }
    return BCJ2_SUCCEEDED(s) ? bcj2_resume(job) : s;
}

/* Where the job is, in the callback's terms. */
static bcj2_status look(bcj2_job *job, int32_t *phase, uint64_t *done, uint64_t *total)
{
    bcj2_job_progress upload = BCJ2_JOB_PROGRESS_INIT;
    bcj2_reply_progress reply = BCJ2_REPLY_PROGRESS_INIT;
    bcj2_status s = bcj2_get_reply_progress(job, &reply);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2_get_progress(job, &upload);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    bool in_reply = reply.bytes_total != BCJ2_SIZE_UNKNOWN;
    bool all_sent =
        upload.bytes_total != BCJ2_SIZE_UNKNOWN && upload.bytes_transferred == upload.bytes_total;
    *phase = in_reply ? BCJ2_PHASE_REPLY : all_sent ? BCJ2_PHASE_SERVER : BCJ2_PHASE_UPLOAD;
    *done = in_reply ? reply.bytes_transferred : upload.bytes_transferred;
    *total = in_reply ? reply.bytes_total : upload.bytes_total;
    return BCJ2_OK;
}

/* Tells if something changed or a second went by. BCJ2_E_ABORT: the callback says stop. */
static bcj2_status tell(bcj2_job *job, struct progress *p)
{
    int32_t phase = 0;
    uint64_t done = 0, total = 0;
    if (p->callback == NULL) {
        return BCJ2_OK;
    }
    bcj2_status s = look(job, &phase, &done, &total);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    uint64_t now = bcj2__os_now_ms();
    bool same = p->told && phase == p->phase && done == p->done && total == p->total;
    if (same && now - p->told_ms < TELL_EVERY_MS) {
        return BCJ2_OK;
    }
    p->phase = phase;
    p->done = done;
    p->total = total;
    p->told = true;
    p->told_ms = now;
    return p->callback(p->user, phase, done, total) == 0
               ? BCJ2_OK
               : bcj2__detail(BCJ2_E_ABORT, "the progress callback said stop; the job goes on");
}

/* Waits for a change of the job's state or, with a callback, of anything. */
static bcj2_status wait_a_while(bcj2_job *job, const struct progress *p, bcj2_job_state *ret_state)
{
    if (p->callback == NULL) {
        return bcj2_wait(job, ENDED, -1, ret_state);
    }
    uint64_t seen = bcj2__core_change_count(job->core);
    bcj2_status s = bcj2_get_state(job, ret_state);
    if (BCJ2_FAILED(s) || (ENDED & 1u << *ret_state) != 0) {
        return s;
    }
    s = bcj2__core_enter(job->core);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__core_wait_change(job->core, seen, bcj2__os_now_ms() + TELL_EVERY_MS);
        bcj2__core_leave(job->core);
    }
    return BCJ2_FAILED(s) ? s : BCJ2_S_FALSE;
}

static bcj2_status job_error_code(bcj2_job *job)
{
    bcj2_error *error = NULL;
    bcj2_error_context context = 0;
    bcj2_status code = BCJ2_E_FAIL;
    bcj2_status s = bcj2_get_error(job, &error);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2_error_get(error, &context, &code);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__detail(code, "%s", error->text != NULL ? error->text : "the job failed");
    }
    (void)bcj2_error_unref(error);
    return s;
}

static bcj2_status wait_for_end(bcj2_job *job, struct progress *p)
{
    for (;;) {
        bcj2_job_state state = 0;
        bcj2_status s = tell(job, p);
        if (BCJ2_SUCCEEDED(s)) {
            s = wait_a_while(job, p, &state);
        }
        if (BCJ2_FAILED(s)) {
            return s;
        }
        if (s == BCJ2_S_FALSE) {
            continue;
        }
        switch (state) {
        case BCJ2_JOB_STATE_TRANSFERRED:
            s = tell(job, p);
            return BCJ2_FAILED(s) ? s : bcj2_complete(job);
        case BCJ2_JOB_STATE_ERROR:
            return job_error_code(job);
        case BCJ2_JOB_STATE_ACKNOWLEDGED:
            return BCJ2_OK; /* somebody completed it for us */
        default:
            return bcj2__detail(BCJ2_E_INVALID_STATE,
                                state == BCJ2_JOB_STATE_SUSPENDED
                                    ? "the job was suspended while this call waited"
                                    : "the job was cancelled while this call waited");
        }
    }
}

bcj2_status bcj2_upload_reply(bcj2_manager *manager, const char *local_name, const char *remote_url,
                              const char *reply_name, bcj2_progress_callback progress, void *user,
                              bcj2_job **ret_job)
{
    REQUIRE(manager);
    REQUIRE(local_name);
    REQUIRE(remote_url);
    if (ret_job != NULL) {
        *ret_job = NULL;
    }
    bcj2_guid id;
    bcj2_job *job = NULL;
    /* the handle's core, because the manager may be closed while this call waits */
    bcj2_status s =
        bcj2_manager_create_job(manager, "upload-reply", BCJ2_JOB_TYPE_UPLOAD_REPLY, &id, &job);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    struct progress p = {.callback = progress, .user = user};
    s = prepare(job, local_name, remote_url, reply_name);
    if (BCJ2_FAILED(s)) {
        char why[512];
        (void)snprintf(why, sizeof why, "%s", bcj2_last_detail());
        (void)bcj2_cancel(job);
        (void)bcj2__detail(s, "%s", why);
    } else {
        s = wait_for_end(job, &p);
    }
    if (ret_job != NULL) {
        *ret_job = job;
    } else {
        (void)bcj2_job_unref(job);
    }
    return s;
}
