/* SPDX-License-Identifier: MIT */
/* <bcj2/file.h>: files, their enumerator, the error object. */
#include "api.h"
#include "mem.h"
#include "status.h"

#define FILE_PROGRESS_SIZE_0_1 sizeof(bcj2_file_progress)

bcj2_file *bcj2_file_ref(bcj2_file *file)
{
    if (file != NULL) {
        atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
    }
    return file;
}

bcj2_file *bcj2_file_unref(bcj2_file *file)
{
    return bcj2__job_file_unref(file);
}

/* Live, for it can be changed; once the row is gone, as it was when the handle was made. */
static bcj2_status remote_name(const bcj2_file *file, char **ret)
{
    struct store_file row = {0};
    bcj2_status s = bcj2__store_file(file->core->store, file->seq, file->index, &row);
    if (s == BCJ2_E_NOT_FOUND) {
        return bcj2__api_copy_text(file->remote_name, ret);
    }
    if (BCJ2_SUCCEEDED(s)) {
        *ret = TAKE(row.remote_name);
    }
    bcj2__store_file_done(&row);
    return s;
}

bcj2_status bcj2_file_get_remote_name(bcj2_file *file, char **ret_url)
{
    REQUIRE(file);
    REQUIRE_OUT(ret_url);
    FORWARD(file, remote_name(file, ret_url));
}

bcj2_status bcj2_file_set_remote_name(bcj2_file *file, const char *url)
{
    REQUIRE(file);
    REQUIRE(url);
    FORWARD(file, bcj2__job_file_set_remote_name(file, url));
}

bcj2_status bcj2_file_get_local_name(bcj2_file *file, char **ret_path)
{
    REQUIRE(file);
    REQUIRE_OUT(ret_path);
    FORWARD(file, bcj2__api_copy_text(file->local_name, ret_path));
}

static bcj2_status file_progress(const bcj2_file *file, bcj2_file_progress *ret)
{
    struct store_file row = {0};
    bcj2_status s = bcj2__job_load_file(file, &row);
    if (BCJ2_SUCCEEDED(s)) {
        const bcj2_file_progress progress = {
            .struct_size = (uint32_t)sizeof progress,
            .bytes_total = row.bytes_total,
            .bytes_transferred = row.bytes_transferred,
            .completed = row.completed,
        };
        bcj2__api_copy_out(ret, &progress, sizeof progress);
    }
    bcj2__store_file_done(&row);
    return s;
}

bcj2_status bcj2_file_get_progress(bcj2_file *file, bcj2_file_progress *ret_progress)
{
    REQUIRE(file);
    REQUIRE(ret_progress);
    REQUIRE_SIZE(ret_progress, FILE_PROGRESS_SIZE_0_1);
    FORWARD(file, file_progress(file, ret_progress));
}

static bcj2_status ranges(const bcj2_file *file, bcj2_file_range **ret, uint32_t *ret_count)
{
    struct store_file row = {0};
    bcj2_status s = bcj2__job_load_file(file, &row);
    if (BCJ2_SUCCEEDED(s) && row.range_count == 0) {
        s = BCJ2_S_FALSE;
    } else if (BCJ2_SUCCEEDED(s)) {
        bcj2_file_range *copy = bcj2__mem_alloc(row.range_count * sizeof *copy);
        s = copy == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
        for (uint32_t i = 0; copy != NULL && i < row.range_count; i++) {
            copy[i] = (bcj2_file_range){row.ranges[i].offset, row.ranges[i].length};
        }
        *ret = copy;
        *ret_count = copy == NULL ? 0 : row.range_count;
    }
    bcj2__store_file_done(&row);
    return s;
}

bcj2_status bcj2_file_get_ranges(bcj2_file *file, bcj2_file_range **ret_ranges, uint32_t *ret_count)
{
    REQUIRE(file);
    REQUIRE_OUT(ret_ranges);
    REQUIRE(ret_count);
    *ret_count = 0;
    FORWARD(file, ranges(file, ret_ranges, ret_count));
}

/* A text of the row that may not be there. */
static bcj2_status optional_text(const bcj2_file *file, char **(*of)(struct store_file *row),
                                 char **ret)
{
    struct store_file row = {0};
    bcj2_status s = bcj2__job_load_file(file, &row);
    if (BCJ2_SUCCEEDED(s)) {
        *ret = TAKE(*of(&row));
        s = *ret == NULL ? BCJ2_S_FALSE : BCJ2_OK;
    }
    bcj2__store_file_done(&row);
    return s;
}

static char **temporary_name(struct store_file *row)
{
    return &row->temp_name;
}

static char **response_headers(struct store_file *row)
{
    return &row->response_headers;
}

bcj2_status bcj2_file_get_temporary_name(bcj2_file *file, char **ret_path)
{
    REQUIRE(file);
    REQUIRE_OUT(ret_path);
    FORWARD(file, optional_text(file, temporary_name, ret_path));
}

bcj2_status bcj2_file_get_response_headers(bcj2_file *file, char **ret_headers)
{
    REQUIRE(file);
    REQUIRE_OUT(ret_headers);
    FORWARD(file, optional_text(file, response_headers, ret_headers));
}

/* ---- the enumerator: files are only ever added, so a count is the snapshot ---- */

struct bcj2_file_enum {
    struct core *core;
    int64_t seq;
    uint32_t count, position;
};

static bcj2_status enum_files(bcj2_job *job, bcj2_file_enum **ret)
{
    uint32_t count = 0;
    struct store_job row = {0};
    bcj2_status s = bcj2__job_load(job, &row);
    bcj2__store_job_done(&row);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_file_count(job->core->store, job->seq, &count);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    bcj2_file_enum *files = bcj2__mem_calloc(1, sizeof *files);
    if (files == NULL) {
        return bcj2__detail_no_memory();
    }
    *files = (bcj2_file_enum){.core = bcj2__core_ref(job->core), .seq = job->seq, .count = count};
    *ret = files;
    return BCJ2_OK;
}

bcj2_status bcj2_enum_files(bcj2_job *job, bcj2_file_enum **ret_files)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_files);
    FORWARD(job, enum_files(job, ret_files));
}

static bcj2_status enum_next(bcj2_file_enum *files, bcj2_file **ret)
{
    if (files->position >= files->count) {
        *ret = NULL;
        return BCJ2_S_FALSE;
    }
    bcj2_status s = bcj2__job_file(files->core, files->seq, files->position, ret);
    if (BCJ2_SUCCEEDED(s)) {
        files->position++;
    }
    return s;
}

bcj2_status bcj2_file_enum_next(bcj2_file_enum *files, bcj2_file **ret_file)
{
    REQUIRE(files);
    REQUIRE_OUT(ret_file);
    FORWARD(files, enum_next(files, ret_file));
}

bcj2_status bcj2_file_enum_reset(bcj2_file_enum *files)
{
    REQUIRE(files);
    FORWARD(files, (files->position = 0, BCJ2_OK));
}

static bcj2_status skip(bcj2_file_enum *files, uint32_t n)
{
    bool enough = n <= files->count - files->position;
    files->position = enough ? files->position + n : files->count;
    return enough ? BCJ2_OK : BCJ2_S_FALSE;
}

bcj2_status bcj2_file_enum_skip(bcj2_file_enum *files, uint32_t n)
{
    REQUIRE(files);
    FORWARD(files, skip(files, n));
}

static bcj2_status clone(const bcj2_file_enum *files, bcj2_file_enum **ret)
{
    bcj2_file_enum *copy = bcj2__mem_calloc(1, sizeof *copy);
    if (copy == NULL) {
        return bcj2__detail_no_memory();
    }
    *copy = *files;
    (void)bcj2__core_ref(copy->core);
    *ret = copy;
    return BCJ2_OK;
}

bcj2_status bcj2_file_enum_clone(bcj2_file_enum *files, bcj2_file_enum **ret_files)
{
    REQUIRE(files);
    REQUIRE_OUT(ret_files);
    FORWARD(files, clone(files, ret_files));
}

bcj2_status bcj2_file_enum_count(bcj2_file_enum *files, uint32_t *ret_count)
{
    REQUIRE(files);
    REQUIRE(ret_count);
    FORWARD(files, (*ret_count = files->count, BCJ2_OK));
}

bcj2_file_enum *bcj2_file_enum_unref(bcj2_file_enum *files)
{
    if (files != NULL) {
        (void)bcj2__core_unref(files->core);
        bcj2__mem_free(files);
    }
    return NULL;
}

/* ---- the error object ---- */

bcj2_error *bcj2_error_ref(bcj2_error *error)
{
    if (error != NULL) {
        atomic_fetch_add_explicit(&error->refs, 1, memory_order_relaxed);
    }
    return error;
}

bcj2_error *bcj2_error_unref(bcj2_error *error)
{
    return bcj2__job_error_unref(error);
}

bcj2_status bcj2_error_get(bcj2_error *error, bcj2_error_context *ret_context,
                           bcj2_status *ret_code)
{
    REQUIRE(error);
    REQUIRE(ret_context);
    REQUIRE(ret_code);
    FORWARD(error, (*ret_context = error->context, *ret_code = error->code, BCJ2_OK));
}

bcj2_status bcj2_error_get_file(bcj2_error *error, bcj2_file **ret_file)
{
    REQUIRE(error);
    REQUIRE_OUT(ret_file);
    if (!error->has_file) {
        FORWARD(error, bcj2__detail(BCJ2_E_FILE_NOT_AVAILABLE, "the error is not about a file"));
    }
    FORWARD(error, bcj2__job_file(error->core, error->seq, error->file_index, ret_file));
}

bcj2_status bcj2_error_get_description(bcj2_error *error, char **ret_text)
{
    REQUIRE(error);
    REQUIRE_OUT(ret_text);
    FORWARD(error,
            bcj2__api_copy_text(error->text != NULL ? error->text : bcj2__status_text(error->code),
                                ret_text));
}

bcj2_status bcj2_error_get_context_description(bcj2_error *error, char **ret_text)
{
    REQUIRE(error);
    REQUIRE_OUT(ret_text);
    FORWARD(error, bcj2__api_copy_text(bcj2__status_context_text(error->context), ret_text));
}

bcj2_status bcj2_error_get_protocol(bcj2_error *error, char **ret_protocol)
{
    REQUIRE(error);
    REQUIRE_OUT(ret_protocol);
    if (!error->has_protocol) {
        FORWARD(error,
                bcj2__detail(BCJ2_E_PROTOCOL_NOT_AVAILABLE, "the error is not about a transfer"));
    }
    FORWARD(error, bcj2__api_copy_text(error->is_file_protocol ? "file" : "http", ret_protocol));
}

bcj2_status bcj2_error_get_http_status(bcj2_error *error, uint32_t *ret_status)
{
    REQUIRE(error);
    REQUIRE(ret_status);
    FORWARD(error, (*ret_status = error->http_status, BCJ2_OK));
}
