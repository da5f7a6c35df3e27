/* SPDX-License-Identifier: MIT */
/* Adding files to a job, and changing where they come from. See job.h. Not here: what is transferred
   when (queue.c, drive.c). */
#include "job_change.h"
#include "detail.h"
#include "job_check.h"
#include "job_reply.h"
#include "limit.h"
#include "mem.h"
#include "str.h"
#include "url.h"

#include <string.h>

/* ---- adding ---- */

/* What a call wants to add. */
struct addition {
    uint32_t count;
    const bcj2_file_info *files;
    uint32_t range_count; /* of the only file; 0: all of it */
    const bcj2_file_range *ranges;
};

static bcj2_status check_names(bcj2_job_type type, const struct addition *a)
{
    bcj2_status s = a->count == 0 ? bcj2__detail(BCJ2_E_INVALIDARG, "no file was given") : BCJ2_OK;
    for (uint32_t i = 0; i < a->count && BCJ2_SUCCEEDED(s); i++) {
        s = bcj2__check_remote(type, a->files[i].remote_name);
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__check_path(a->files[i].local_name, "local file name");
        }
    }
    return s;
}

static bcj2_status check_count(const struct change *change, uint32_t have, uint32_t more)
{
    uint32_t limit = change->core->max_files_per_job;
    if (change->row.type != BCJ2_JOB_TYPE_DOWNLOAD) {
        if (have > 0) {
            return bcj2__detail(BCJ2_E_TOO_MANY_FILES,
                                "an upload job holds one file and has it already");
        }
        return more > 1
                   ? bcj2__detail(BCJ2_E_TOO_MANY_FILES,
                                  "an upload job holds one file, %u were given", (unsigned)more)
                   : BCJ2_OK;
    }
    if ((uint64_t)have + more > UINT32_MAX) {
        return bcj2__detail(BCJ2_E_TOO_MANY_FILES_IN_JOB, "the job has %u files", (unsigned)have);
    }
    return limit != 0 && (uint64_t)have + more > limit
               ? bcj2__detail(BCJ2_E_TOO_MANY_FILES_IN_JOB,
                              "the job has %u files, %u more are over the limit of %u",
                              (unsigned)have, (unsigned)more, (unsigned)limit)
               : BCJ2_OK;
}

/* What the file system says, and what the first file of an upload-reply job means for the reply. */
static bcj2_status check_files(struct change *change, const struct addition *a)
{
    bcj2_status s = BCJ2_OK;
    for (uint32_t i = 0; i < a->count && BCJ2_SUCCEEDED(s); i++) {
        if (change->row.type == BCJ2_JOB_TYPE_DOWNLOAD) {
            s = bcj2__check_destination(a->files[i].local_name);
        } else {
            s = bcj2__job_prepare_reply(change, a->files[i].local_name);
        }
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__check_not_same(a->files[i].remote_name, a->files[i].local_name);
        }
    }
    return s;
}

static bcj2_status insert_file(struct change *change, uint32_t index, const bcj2_file_info *info,
                               const struct addition *a)
{
    CLEANUP_FREE char *remote = bcj2__mem_strdup(info->remote_name);
    CLEANUP_FREE char *local = bcj2__mem_strdup(info->local_name);
    struct store_range *ranges =
        a->range_count == 0 ? NULL : bcj2__mem_alloc(a->range_count * sizeof *ranges);
    bcj2_status s = remote == NULL || local == NULL || (a->range_count > 0 && ranges == NULL)
                        ? bcj2__detail_no_memory()
                        : BCJ2_OK;
    for (uint32_t i = 0; i < a->range_count && BCJ2_SUCCEEDED(s); i++) {
        ranges[i] = (struct store_range){a->ranges[i].initial_offset, a->ranges[i].length};
    }
    if (BCJ2_SUCCEEDED(s)) {
        struct store_file file = {.index = index,
                                  .remote_name = remote,
                                  .local_name = local,
                                  .ranges = ranges,
                                  .range_count = a->range_count,
                                  .bytes_total = BCJ2_SIZE_UNKNOWN};
        s = bcj2__store_file_insert(change->core->store, change->row.seq, &file, bcj2__os_wall());
    }
    bcj2__mem_free(ranges);
    return s;
}

/* What is left once type and syntax are good: state, quotas, file system, and the rows. */
static bcj2_status add(struct change *change, const struct addition *a)
{
    uint32_t have = 0;
    bcj2_status s = bcj2__change_not_final(change);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_file_count(change->core->store, change->row.seq, &have);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = check_count(change, have, a->count);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = check_files(change, a);
    }
    for (uint32_t i = 0; i < a->count && BCJ2_SUCCEEDED(s); i++) {
        s = insert_file(change, have + i, &a->files[i], a);
    }
    return s;
}

bcj2_status bcj2__job_add_files(bcj2_job *job, uint32_t count, const bcj2_file_info *files)
{
    struct change change;
    const struct addition a = {.count = count, .files = files};
    bcj2_status s = bcj2__change_begin(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = check_names(change.row.type, &a);
    if (BCJ2_SUCCEEDED(s)) {
        s = add(&change, &a);
    }
    return bcj2__change_end(&change, s);
}

/* ---- ranges ---- */

static bcj2_status download_only(const struct change *change, const char *what)
{
    return change->row.type == BCJ2_JOB_TYPE_DOWNLOAD
               ? BCJ2_OK
               : bcj2__detail(BCJ2_E_NOTIMPL, "only download jobs have %s", what);
}

static bcj2_status check_range_use(const struct change *change, const struct addition *a)
{
    struct store_http http = {0};
    uint32_t limit = change->core->max_ranges_per_file;
    if (limit != 0 && a->range_count > limit) {
        return bcj2__detail(BCJ2_E_TOO_MANY_RANGES_IN_FILE, "%u ranges, the limit is %u",
                            (unsigned)a->range_count, (unsigned)limit);
    }
    bcj2_status s = bcj2__store_http(change->core->store, change->row.seq, &http);
    if (BCJ2_SUCCEEDED(s) && http.method != NULL) {
        s = bcj2__detail(BCJ2_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD,
                         "the job has the method %s: it cannot ask for ranges", http.method);
    }
    bcj2__store_http_done(&http);
    return s;
}

bcj2_status bcj2__job_add_ranges(bcj2_job *job, const bcj2_file_info *file, uint32_t count,
                                 const bcj2_file_range *ranges)
{
    struct change change;
    const struct addition a = {.count = 1, .files = file, .range_count = count, .ranges = ranges};
    bcj2_status s = bcj2__change_begin(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = download_only(&change, "ranges");
    if (BCJ2_SUCCEEDED(s)) {
        s = check_names(change.row.type, &a);
    }
    if (BCJ2_SUCCEEDED(s) && bcj2__url_is_file(file->remote_name)) {
        s = bcj2__detail(BCJ2_E_INVALIDARG, "ranges are for http and https");
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__check_ranges(count, ranges);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__change_not_final(&change);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = check_range_use(&change, &a);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = add(&change, &a);
    }
    return bcj2__change_end(&change, s);
}

/* ---- another URL ---- */

/* A file with ranges stays with HTTP; a file is never its own source. */
static bcj2_status check_new_url(const struct store_file *file, const char *url)
{
    if (file->range_count > 0 && bcj2__url_is_file(url)) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "ranges are for http and https");
    }
    return bcj2__check_not_same(url, file->local_name);
}

bcj2_status bcj2__job_file_set_remote_name(bcj2_file *file, const char *url)
{
    struct change change;
    struct store_file row = {0};
    struct store *store = file->core->store;
    bcj2_status s = bcj2__change_begin_file(file, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = download_only(&change, "files whose URL can be changed");
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__check_remote(change.row.type, url);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__change_not_final(&change);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_file(store, file->seq, file->index, &row);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = check_new_url(&row, url);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_set_pending_remote_name(store, file->seq, file->index, url,
                                                bcj2__os_wall());
    }
    bcj2__store_file_done(&row);
    return bcj2__change_end(&change, s);
}

struct prefixes {
    const char *from, *to;
    bool matched;
};

/* One name: BCJ2_S_FALSE if it does not begin with the old prefix; else *ret, mem_free. */
static bcj2_status replaced(struct prefixes *p, const struct store_file *file, const char *name,
                            char **ret)
{
    if (name == NULL || !bcj2__str_starts(name, p->from)) {
        return BCJ2_S_FALSE;
    }
    p->matched = true;
    char *url = bcj2__mem_printf("%s%s", p->to, name + strlen(p->from));
    if (url == NULL) {
        return bcj2__detail_no_memory();
    }
    bcj2_status s = bcj2__check_remote(BCJ2_JOB_TYPE_DOWNLOAD, url);
    if (BCJ2_SUCCEEDED(s)) {
        s = check_new_url(file, url);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__mem_free(url);
        return s;
    }
    *ret = url;
    return BCJ2_OK;
}

static bcj2_status replace_in_file(struct change *change, uint32_t index, struct prefixes *p)
{
    struct store *store = change->core->store;
    struct store_file file = {0};
    CLEANUP_FREE char *url = NULL;
    CLEANUP_FREE char *pending = NULL;
    bcj2_status s = bcj2__store_file(store, change->row.seq, index, &file);
    if (BCJ2_SUCCEEDED(s)) {
        s = replaced(p, &file, file.remote_name, &url);
    }
    if (s == BCJ2_OK && strcmp(url, file.remote_name) != 0) {
        s = bcj2__store_doubt_bytes(store, change->row.seq, index);
    }
    if (s == BCJ2_OK) {
        s = bcj2__store_set_remote_name(store, change->row.seq, index, url, bcj2__os_wall());
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = replaced(p, &file, file.pending_remote_name, &pending);
    }
    if (s == BCJ2_OK) {
        s = bcj2__store_set_pending_remote_name(store, change->row.seq, index, pending,
                                                bcj2__os_wall());
    }
    bcj2__store_file_done(&file);
    return s;
}

static bcj2_status check_prefix(const char *prefix, const char *what)
{
    if (prefix[0] == '\0') {
        return bcj2__detail(BCJ2_E_INVALIDARG, "the %s prefix is empty", what);
    }
    return strlen(prefix) > LIMIT_URL_BYTES
               ? bcj2__detail(BCJ2_E_INVALIDARG, "the %s prefix has %zu bytes, the limit is %d",
                              what, strlen(prefix), LIMIT_URL_BYTES)
               : BCJ2_OK;
}

bcj2_status bcj2__job_replace_prefix(bcj2_job *job, const char *from, const char *to)
{
    struct change change;
    struct prefixes p = {.from = from, .to = to};
    uint32_t count = 0;
    bcj2_status s = bcj2__change_begin(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = download_only(&change, "URLs that can be changed");
    if (BCJ2_SUCCEEDED(s)) {
        s = check_prefix(from, "old");
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = check_prefix(to, "new");
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__change_not_final(&change);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_file_count(job->core->store, job->seq, &count);
    }
    for (uint32_t i = 0; i < count && BCJ2_SUCCEEDED(s); i++) {
        s = replace_in_file(&change, i, &p);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = p.matched ? BCJ2_OK : BCJ2_S_FALSE;
    }
    return bcj2__change_end(&change, s);
}
