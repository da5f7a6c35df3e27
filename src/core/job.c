/* SPDX-License-Identifier: MIT */
/* See job.h: handles, creation and reading. Setters are in job_set.c. */
#include "job.h"
#include "detail.h"
#include "guid.h"
#include "job_check.h"
#include "limit.h"
#include "mem.h"
#include "settle.h"
#include "status.h"
#include "url.h"

#include <string.h>

bcj2_status bcj2__job_handle(struct core *c, int64_t seq, const bcj2_guid *id, bcj2_job **ret)
{
    bcj2_job *job = bcj2__mem_calloc(1, sizeof *job);
    if (job == NULL) {
        return bcj2__detail_no_memory();
    }
    atomic_init(&job->refs, 1);
    job->core = bcj2__core_ref(c);
    job->seq = seq;
    job->id = *id;
    *ret = job;
    return BCJ2_OK;
}

void *bcj2__job_unref(bcj2_job *job)
{
    if (job != NULL && atomic_fetch_sub_explicit(&job->refs, 1, memory_order_acq_rel) == 1) {
        (void)bcj2__core_unref(job->core);
        bcj2__mem_free(job);
    }
    return NULL;
}

void *bcj2__job_file_unref(bcj2_file *file)
{
    if (file != NULL && atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) == 1) {
        (void)bcj2__core_unref(file->core);
        bcj2__mem_free(file->remote_name);
        bcj2__mem_free(file->local_name);
        bcj2__mem_free(file);
    }
    return NULL;
}

void *bcj2__job_error_unref(bcj2_error *error)
{
    if (error != NULL && atomic_fetch_sub_explicit(&error->refs, 1, memory_order_acq_rel) == 1) {
        (void)bcj2__core_unref(error->core);
        bcj2__mem_free(error->text);
        bcj2__mem_free(error);
    }
    return NULL;
}

static bcj2_status check_quota(struct core *c)
{
    uint64_t all = 0, mine = 0;
    bcj2_status s = BCJ2_OK;
    if (c->max_jobs_per_user != 0) {
        s = bcj2__store_job_count(c->store, c->uid, &mine);
    }
    if (BCJ2_SUCCEEDED(s) && c->max_jobs != 0) {
        s = bcj2__store_job_count(c->store, UINT32_MAX, &all);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    if (c->max_jobs_per_user != 0 && mine >= c->max_jobs_per_user) {
        return bcj2__detail(BCJ2_E_TOO_MANY_JOBS_PER_USER, "user %u has %u jobs, the limit",
                            (unsigned)c->uid, (unsigned)c->max_jobs_per_user);
    }
    if (c->max_jobs != 0 && all >= c->max_jobs) {
        return bcj2__detail(BCJ2_E_TOO_MANY_JOBS_PER_MACHINE, "the queue holds %u jobs, the limit",
                            (unsigned)c->max_jobs);
    }
    return BCJ2_OK;
}

static bcj2_status insert(struct core *c, struct store_job *row)
{
    bcj2_status s = bcj2__store_begin(c->store, true);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = check_quota(c);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_job_insert(c->store, row);
    }
    return bcj2__store_end(c->store, true, s);
}

bcj2_status bcj2__job_create(struct core *c, const char *display_name, bcj2_job_type type,
                             bcj2_guid *ret_id, bcj2_job **ret)
{
    if (type < BCJ2_JOB_TYPE_DOWNLOAD || type > BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        return bcj2__detail(BCJ2_E_NOTIMPL, "job type %d is not one of 0 to 2", (int)type);
    }
    /* too long is an invalid argument here, unlike in the setter (job-semantics 2.1) */
    bcj2_status s =
        bcj2__check_text(display_name, "display name", LIMIT_DISPLAY_NAME_UTF16, BCJ2_E_INVALIDARG);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    bcj2_filetime now = bcj2__os_wall();
    char empty[] = "";
    CLEANUP_FREE char *name = bcj2__mem_strdup(display_name);
    if (name == NULL) {
        return bcj2__detail_no_memory();
    }
    struct store_job row = {
        .id = bcj2__guid_random(),
        .owner_uid = c->uid,
        .type = type,
        .state = BCJ2_JOB_STATE_SUSPENDED,
        .priority = BCJ2_JOB_PRIORITY_NORMAL,
        .display_name = name,
        .description = empty,
        .notify_flags = 3,
        .retry_delay_s = LIMIT_RETRY_DELAY_DEFAULT_S,
        .no_progress_s = LIMIT_NO_PROGRESS_DEFAULT_S,
        .max_download_s = LIMIT_MAX_DOWNLOAD_DEFAULT_S,
        .creation_time = now,
        .modification_time = now,
    };
    /* the handle first: after the commit nothing may fail any more */
    bcj2_job *job = NULL;
    s = bcj2__job_handle(c, 0, &row.id, &job);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = insert(c, &row);
    if (BCJ2_FAILED(s)) {
        (void)bcj2__job_unref(job);
        return s;
    }
    job->seq = row.seq;
    *ret_id = row.id;
    *ret = job;
    bcj2__core_changed_idly(c);
    return BCJ2_OK;
}

static bool is_final(bcj2_job_state state)
{
    return state == BCJ2_JOB_STATE_ACKNOWLEDGED || state == BCJ2_JOB_STATE_CANCELLED;
}

bcj2_status bcj2__job_find(struct core *c, const bcj2_guid *id, bcj2_job **ret)
{
    struct store_job row = {0};
    bcj2_status s = bcj2__store_job_by_id(c->store, id, &row);
    char text[BCJ2_GUID_TEXT_SIZE];
    bcj2__guid_format(id, text);
    if (s == BCJ2_E_NOT_FOUND || (BCJ2_SUCCEEDED(s) && is_final(row.state))) {
        s = bcj2__detail(BCJ2_E_NOT_FOUND, "job %s is not in the queue", text);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__job_handle(c, row.seq, &row.id, ret);
    }
    bcj2__store_job_done(&row);
    return s;
}

static bcj2_status purged(bcj2_status s)
{
    return s == BCJ2_E_NOT_FOUND ? bcj2__detail(s, "the job ended and its row was purged") : s;
}

bcj2_status bcj2__job_load_row(struct core *c, int64_t seq, struct store_job *ret)
{
    return purged(bcj2__store_job_by_seq(c->store, seq, ret));
}

bcj2_status bcj2__job_load(bcj2_job *job, struct store_job *ret)
{
    return bcj2__job_load_row(job->core, job->seq, ret);
}

bcj2_status bcj2__job_load_file(const bcj2_file *file, struct store_file *ret)
{
    return purged(bcj2__store_file(file->core->store, file->seq, file->index, ret));
}

bcj2_status bcj2__job_file(struct core *c, int64_t seq, uint32_t index, bcj2_file **ret)
{
    struct store_file row = {0};
    bcj2_status s = bcj2__store_file(c->store, seq, index, &row);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    bcj2_file *file = bcj2__mem_calloc(1, sizeof *file);
    if (file == NULL) {
        bcj2__store_file_done(&row);
        return bcj2__detail_no_memory();
    }
    atomic_init(&file->refs, 1);
    file->core = bcj2__core_ref(c);
    file->seq = seq;
    file->index = index;
    file->remote_name = TAKE(row.remote_name);
    file->local_name = TAKE(row.local_name);
    bcj2__store_file_done(&row);
    *ret = file;
    return BCJ2_OK;
}

/* The protocol is that of the file's URL. */
static bcj2_status look_at_protocol(bcj2_error *error)
{
    struct store_file file = {0};
    bcj2_status s = bcj2__store_file(error->core->store, error->seq, error->file_index, &file);
    if (BCJ2_SUCCEEDED(s)) {
        error->is_file_protocol = bcj2__url_is_file(file.remote_name);
    }
    bcj2__store_file_done(&file);
    return s == BCJ2_E_NOT_FOUND ? BCJ2_OK : s;
}

bcj2_status bcj2__job_error(bcj2_job *job, bcj2_error **ret)
{
    struct store_job row = {0};
    bcj2_status s = bcj2__job_load(job, &row);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    if (row.state != BCJ2_JOB_STATE_ERROR && row.state != BCJ2_JOB_STATE_TRANSIENT_ERROR) {
        s = bcj2__detail(
            BCJ2_E_ERROR_INFORMATION_UNAVAILABLE,
            "there is an error object in ERROR and TRANSIENT_ERROR only, the job is %s",
            bcj2__status_state_name(row.state));
        bcj2__store_job_done(&row);
        return s;
    }
    bcj2_error *error = bcj2__mem_calloc(1, sizeof *error);
    if (error == NULL) {
        bcj2__store_job_done(&row);
        return bcj2__detail_no_memory();
    }
    atomic_init(&error->refs, 1);
    error->core = bcj2__core_ref(job->core);
    error->seq = job->seq;
    error->context = row.error_context;
    error->code = row.error_code;
    error->http_status = row.error_http_status;
    error->has_file = row.error_has_file;
    error->file_index = row.error_file;
    error->has_protocol = row.error_has_protocol;
    error->text = TAKE(row.error_text);
    bcj2__store_job_done(&row);
    s = error->has_protocol ? look_at_protocol(error) : BCJ2_OK;
    if (BCJ2_FAILED(s)) {
        (void)bcj2__job_error_unref(error);
        return s;
    }
    *ret = error;
    return BCJ2_OK;
}

bcj2_status bcj2__job_progress(bcj2_job *job, bcj2_job_progress *ret)
{
    struct store *store = job->core->store;
    struct store_progress p = {0};
    bcj2_job_state state = 0;
    bcj2__store_lock(store);
    bcj2_status s = purged(bcj2__store_job_state(store, job->seq, &state));
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_progress(store, job->seq, &p);
    }
    bcj2__store_unlock(store);
    if (BCJ2_SUCCEEDED(s)) {
        ret->bytes_total = p.bytes_total;
        ret->bytes_transferred = p.bytes_transferred;
        ret->files_total = p.files_total;
        ret->files_transferred = p.files_transferred;
    }
    return s;
}

static bcj2_status reply_only(const struct store_job *row)
{
    return row->type == BCJ2_JOB_TYPE_UPLOAD_REPLY
               ? BCJ2_OK
               : bcj2__detail(BCJ2_E_NOTIMPL, "only upload-reply jobs have a reply");
}

bcj2_status bcj2__job_reply_progress(bcj2_job *job, bcj2_reply_progress *ret)
{
    struct store_job row = {0};
    bcj2_status s = bcj2__job_load(job, &row);
    if (BCJ2_SUCCEEDED(s)) {
        s = reply_only(&row);
    }
    if (BCJ2_SUCCEEDED(s)) {
        ret->bytes_total = row.reply_requested ? row.reply_total : BCJ2_SIZE_UNKNOWN;
        ret->bytes_transferred = row.reply_requested ? row.reply_transferred : 0;
    }
    bcj2__store_job_done(&row);
    return s;
}

static bcj2_status read_reply(const struct store_job *row, uint8_t **ret_buffer,
                              uint64_t *ret_length)
{
    bool done = row->state == BCJ2_JOB_STATE_ACKNOWLEDGED;
    const char *path = done || row->reply_temp == NULL ? row->reply_name : row->reply_temp;
    if (row->reply_total == 0) {
        return BCJ2_OK;
    }
    if (row->reply_total > LIMIT_REPLY_IN_MEMORY) {
        *ret_length = row->reply_total;
        return bcj2__detail(BCJ2_E_TOO_LARGE,
                            "the reply has %llu bytes, at most %u are given in memory",
                            (unsigned long long)row->reply_total, LIMIT_REPLY_IN_MEMORY);
    }
    int fd = -1;
    size_t length = 0;
    bcj2_status s = bcj2__os_open_read(path, &fd);
    if (s == BCJ2_E_WIN32_FILE_NOT_FOUND && row->completing && path != row->reply_name) {
        s = bcj2__os_open_read(row->reply_name, &fd); /* a Complete was killed after its rename */
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    uint8_t *buffer = bcj2__mem_alloc((size_t)row->reply_total);
    s = buffer == NULL ? bcj2__detail_no_memory()
                       : bcj2__os_pread(fd, buffer, (size_t)row->reply_total, 0, &length);
    (void)bcj2__os_close(fd);
    if (BCJ2_SUCCEEDED(s) && length != row->reply_total) {
        s = bcj2__detail(BCJ2_E_FAIL, "%s has %zu bytes, the reply had %llu", path, length,
                         (unsigned long long)row->reply_total);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__mem_free(buffer);
        return s;
    }
    *ret_buffer = buffer;
    *ret_length = row->reply_total;
    return BCJ2_OK;
}

bcj2_status bcj2__job_reply_data(bcj2_job *job, uint8_t **ret_buffer, uint64_t *ret_length)
{
    struct store_job row = {0};
    *ret_buffer = NULL;
    *ret_length = 0;
    /* a Complete that runs now would take the file away between the look and the open */
    bcj2_status s = bcj2__core_settle_begin(job->core);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__job_load(job, &row);
    if (BCJ2_SUCCEEDED(s)) {
        s = reply_only(&row);
    }
    if (BCJ2_SUCCEEDED(s) && row.state != BCJ2_JOB_STATE_TRANSFERRED &&
        row.state != BCJ2_JOB_STATE_ACKNOWLEDGED) {
        s = bcj2__detail(BCJ2_E_INVALID_STATE,
                         "the reply is there from TRANSFERRED on, the job is %s",
                         bcj2__status_state_name(row.state));
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = read_reply(&row, ret_buffer, ret_length);
    }
    bcj2__core_settle_end(job->core);
    bcj2__store_job_done(&row);
    return s;
}
