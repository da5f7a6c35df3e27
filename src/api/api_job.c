/* SPDX-License-Identifier: MIT */
/* <bcj2/job.h>, but the HTTP options (api_http.c) and bcj2_upload_reply (api_upload.c). */
#include "api.h"
#include "mem.h"
#include "settle.h"

#include <inttypes.h>

#define JOB_PROGRESS_SIZE_0_1   sizeof(bcj2_job_progress)
#define REPLY_PROGRESS_SIZE_0_1 sizeof(bcj2_reply_progress)
#define JOB_TIMES_SIZE_0_1      sizeof(bcj2_job_times)

bcj2_job *bcj2_job_ref(bcj2_job *job)
{
    if (job != NULL) {
        atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed);
    }
    return job;
}

bcj2_job *bcj2_job_unref(bcj2_job *job)
{
    return bcj2__job_unref(job);
}

/* ---- changes ---- */

static bcj2_status add_one(bcj2_job *job, const char *remote_url, const char *local_name)
{
    const bcj2_file_info file = {remote_url, local_name};
    return bcj2__job_add_files(job, 1, &file);
}

static bcj2_status add_ranges(bcj2_job *job, const char *remote_url, const char *local_name,
                              uint32_t count, const bcj2_file_range *ranges)
{
    const bcj2_file_info file = {remote_url, local_name};
    return bcj2__job_add_ranges(job, &file, count, ranges);
}

bcj2_status bcj2_add_file(bcj2_job *job, const char *remote_url, const char *local_name)
{
    REQUIRE(job);
    REQUIRE(remote_url);
    REQUIRE(local_name);
    FORWARD(job, add_one(job, remote_url, local_name));
}

bcj2_status bcj2_add_file_set(bcj2_job *job, uint32_t count, const bcj2_file_info *files)
{
    REQUIRE(job);
    REQUIRE(files);
    for (uint32_t i = 0; i < count; i++) {
        REQUIRE(files[i].remote_name);
        REQUIRE(files[i].local_name);
    }
    FORWARD(job, bcj2__job_add_files(job, count, files));
}

bcj2_status bcj2_add_file_with_ranges(bcj2_job *job, const char *remote_url, const char *local_name,
                                      uint32_t count, const bcj2_file_range *ranges)
{
    REQUIRE(job);
    REQUIRE(remote_url);
    REQUIRE(local_name);
    REQUIRE(ranges);
    FORWARD(job, add_ranges(job, remote_url, local_name, count, ranges));
}

bcj2_status bcj2_replace_remote_prefix(bcj2_job *job, const char *old_prefix,
                                       const char *new_prefix)
{
    REQUIRE(job);
    REQUIRE(old_prefix);
    REQUIRE(new_prefix);
    FORWARD(job, bcj2__job_replace_prefix(job, old_prefix, new_prefix));
}

bcj2_status bcj2_suspend(bcj2_job *job)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_suspend(job));
}

bcj2_status bcj2_resume(bcj2_job *job)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_resume(job));
}

bcj2_status bcj2_cancel(bcj2_job *job)
{
    REQUIRE(job);
    FORWARD(job, bcj2__settle_cancel(core_, job->seq));
}

bcj2_status bcj2_complete(bcj2_job *job)
{
    REQUIRE(job);
    FORWARD(job, bcj2__settle_complete(job));
}

bcj2_status bcj2_set_display_name(bcj2_job *job, const char *name)
{
    REQUIRE(job);
    REQUIRE(name);
    FORWARD(job, bcj2__job_set_display_name(job, name));
}

bcj2_status bcj2_set_description(bcj2_job *job, const char *description)
{
    REQUIRE(job);
    REQUIRE(description);
    FORWARD(job, bcj2__job_set_description(job, description));
}

bcj2_status bcj2_set_priority(bcj2_job *job, bcj2_job_priority priority)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_priority(job, priority));
}

bcj2_status bcj2_set_minimum_retry_delay(bcj2_job *job, uint32_t seconds)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_retry_delay(job, seconds));
}

bcj2_status bcj2_set_no_progress_timeout(bcj2_job *job, uint32_t seconds)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_no_progress(job, seconds));
}

bcj2_status bcj2_set_maximum_download_time(bcj2_job *job, uint32_t seconds)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_max_download(job, seconds));
}

bcj2_status bcj2_take_ownership(bcj2_job *job)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_take_ownership(job));
}

bcj2_status bcj2_set_reply_file_name(bcj2_job *job, const char *local_name)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_reply_name(job, local_name));
}

/* ---- getters that are one column ---- */

/* Reads the row and gives one part of it back through a function; the row is freed here. */
static bcj2_status with_row(bcj2_job *job, bcj2_status (*give)(struct store_job *row, void *ret),
                            void *ret)
{
    struct store_job row = {0};
    bcj2_status s = bcj2__job_load(job, &row);
    if (BCJ2_SUCCEEDED(s)) {
        s = give(&row, ret);
    }
    bcj2__store_job_done(&row);
    return s;
}

#define GIVE(name, type, expression)                                 \
    static bcj2_status give_##name(struct store_job *row, void *ret) \
    {                                                                \
        *(type *)ret = (expression);                                 \
        return BCJ2_OK;                                              \
    }

GIVE(type, bcj2_job_type, row->type)
GIVE(priority, bcj2_job_priority, row->priority)
GIVE(retry_delay, uint32_t, row->retry_delay_s)
GIVE(no_progress, uint32_t, row->no_progress_s)
GIVE(max_download, uint32_t, row->max_download_s)
GIVE(error_count, uint32_t, row->error_count)
GIVE(display_name, char *, TAKE(row->display_name))
GIVE(description, char *, TAKE(row->description))

static bcj2_status give_times(struct store_job *row, void *ret)
{
    const bcj2_job_times times = {
        .struct_size = (uint32_t)sizeof times,
        .creation_time = row->creation_time,
        .modification_time = row->modification_time,
        .transfer_completion_time = row->completion_time,
    };
    bcj2__api_copy_out(ret, &times, sizeof times);
    return BCJ2_OK;
}

static bcj2_status give_owner(struct store_job *row, void *ret)
{
    char **to = ret;
    char *owner = bcj2__mem_printf("S-1-22-1-%" PRIu32, row->owner_uid);
    if (owner == NULL) {
        return bcj2__detail_no_memory();
    }
    *to = owner;
    return BCJ2_OK;
}

static bcj2_status give_reply_name(struct store_job *row, void *ret)
{
    char **to = ret;
    if (row->type != BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        return bcj2__detail(BCJ2_E_NOTIMPL, "only upload-reply jobs have a reply");
    }
    *to = TAKE(row->reply_name);
    return BCJ2_OK;
}

bcj2_status bcj2_get_id(bcj2_job *job, bcj2_guid *ret_id)
{
    REQUIRE(job);
    REQUIRE(ret_id);
    FORWARD(job, (*ret_id = job->id, BCJ2_OK));
}

bcj2_status bcj2_get_type(bcj2_job *job, bcj2_job_type *ret_type)
{
    REQUIRE(job);
    REQUIRE(ret_type);
    FORWARD(job, with_row(job, give_type, ret_type));
}

static bcj2_status get_state(bcj2_job *job, bcj2_job_state *ret)
{
    bcj2_status s = bcj2__store_job_state(job->core->store, job->seq, ret);
    return s == BCJ2_E_NOT_FOUND ? bcj2__detail(s, "the job ended and its row was purged") : s;
}

bcj2_status bcj2_get_state(bcj2_job *job, bcj2_job_state *ret_state)
{
    REQUIRE(job);
    REQUIRE(ret_state);
    FORWARD(job, get_state(job, ret_state));
}

bcj2_status bcj2_get_times(bcj2_job *job, bcj2_job_times *ret_times)
{
    REQUIRE(job);
    REQUIRE(ret_times);
    REQUIRE_SIZE(ret_times, JOB_TIMES_SIZE_0_1);
    FORWARD(job, with_row(job, give_times, ret_times));
}

bcj2_status bcj2_get_owner(bcj2_job *job, char **ret_owner)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_owner);
    FORWARD(job, with_row(job, give_owner, ret_owner));
}

bcj2_status bcj2_get_display_name(bcj2_job *job, char **ret_name)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_name);
    FORWARD(job, with_row(job, give_display_name, ret_name));
}

bcj2_status bcj2_get_description(bcj2_job *job, char **ret_description)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_description);
    FORWARD(job, with_row(job, give_description, ret_description));
}

bcj2_status bcj2_get_priority(bcj2_job *job, bcj2_job_priority *ret_priority)
{
    REQUIRE(job);
    REQUIRE(ret_priority);
    FORWARD(job, with_row(job, give_priority, ret_priority));
}

bcj2_status bcj2_get_minimum_retry_delay(bcj2_job *job, uint32_t *ret_seconds)
{
    REQUIRE(job);
    REQUIRE(ret_seconds);
    FORWARD(job, with_row(job, give_retry_delay, ret_seconds));
}

bcj2_status bcj2_get_no_progress_timeout(bcj2_job *job, uint32_t *ret_seconds)
{
    REQUIRE(job);
    REQUIRE(ret_seconds);
    FORWARD(job, with_row(job, give_no_progress, ret_seconds));
}

bcj2_status bcj2_get_maximum_download_time(bcj2_job *job, uint32_t *ret_seconds)
{
    REQUIRE(job);
    REQUIRE(ret_seconds);
    FORWARD(job, with_row(job, give_max_download, ret_seconds));
}

bcj2_status bcj2_get_error_count(bcj2_job *job, uint32_t *ret_count)
{
    REQUIRE(job);
    REQUIRE(ret_count);
    FORWARD(job, with_row(job, give_error_count, ret_count));
}

bcj2_status bcj2_get_reply_file_name(bcj2_job *job, char **ret_local_name)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_local_name);
    FORWARD(job, with_row(job, give_reply_name, ret_local_name));
}

/* ---- getters that are more than a column ---- */

static bcj2_status get_progress(bcj2_job *job, bcj2_job_progress *ret)
{
    bcj2_job_progress progress = BCJ2_JOB_PROGRESS_INIT;
    bcj2_status s = bcj2__job_progress(job, &progress);
    if (BCJ2_SUCCEEDED(s)) {
        bcj2__api_copy_out(ret, &progress, sizeof progress);
    }
    return s;
}

bcj2_status bcj2_get_progress(bcj2_job *job, bcj2_job_progress *ret_progress)
{
    REQUIRE(job);
    REQUIRE(ret_progress);
    REQUIRE_SIZE(ret_progress, JOB_PROGRESS_SIZE_0_1);
    FORWARD(job, get_progress(job, ret_progress));
}

static bcj2_status get_reply_progress(bcj2_job *job, bcj2_reply_progress *ret)
{
    bcj2_reply_progress progress = BCJ2_REPLY_PROGRESS_INIT;
    bcj2_status s = bcj2__job_reply_progress(job, &progress);
    if (BCJ2_SUCCEEDED(s)) {
        bcj2__api_copy_out(ret, &progress, sizeof progress);
    }
    return s;
}

bcj2_status bcj2_get_reply_progress(bcj2_job *job, bcj2_reply_progress *ret_progress)
{
    REQUIRE(job);
    REQUIRE(ret_progress);
    REQUIRE_SIZE(ret_progress, REPLY_PROGRESS_SIZE_0_1);
    FORWARD(job, get_reply_progress(job, ret_progress));
}

bcj2_status bcj2_get_error(bcj2_job *job, bcj2_error **ret_error)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_error);
    FORWARD(job, bcj2__job_error(job, ret_error));
}

bcj2_status bcj2_get_reply_data(bcj2_job *job, uint8_t **ret_buffer, uint64_t *ret_length)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_buffer);
    REQUIRE(ret_length);
    *ret_length = 0;
    FORWARD(job, bcj2__job_reply_data(job, ret_buffer, ret_length));
}

bcj2_status bcj2_wait(bcj2_job *job, uint32_t state_mask, int64_t timeout_ms,
                      bcj2_job_state *ret_state)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_wait(job, state_mask, timeout_ms, ret_state));
}

bcj2_status bcj2_get_status_text(bcj2_job *job, char **ret_text)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_text);
    FORWARD(job, bcj2__job_status_text(job, ret_text));
}

bcj2_status bcj2_get_json(bcj2_job *job, char **ret_text)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_text);
    FORWARD(job, bcj2__job_json(job, ret_text));
}

bcj2_status bcj2_get_next_attempt(bcj2_job *job, bcj2_filetime *ret_time)
{
    REQUIRE(job);
    REQUIRE(ret_time);
    FORWARD(job, bcj2__job_next_attempt(job, ret_time));
}
