/* SPDX-License-Identifier: MIT */
/* See job_check.h: texts, names, ranges, and files. The HTTP options are in job_check_http.c. */
#include "job_check.h"
#include "detail.h"
#include "limit.h"
#include "mem.h"
#include "os.h"
#include "str.h"
#include "url.h"

#include <stdlib.h>
#include <string.h>

bcj2_status bcj2__check_text(const char *text, const char *what, size_t limit, bcj2_status too_long)
{
    size_t units = 0;
    if (!bcj2__str_utf8(text, &units)) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "the %s is not UTF-8", what);
    }
    if (units > limit) {
        return bcj2__detail(too_long, "the %s has %zu characters, the limit is %zu", what, units,
                            limit);
    }
    return BCJ2_OK;
}

bcj2_status bcj2__check_path(const char *path, const char *what)
{
    size_t length = strlen(path);
    if (length == 0 || path[0] != '/') {
        return bcj2__detail(BCJ2_E_INVALIDARG, "the %s must be an absolute path", what);
    }
    if (length > LIMIT_PATH_BYTES) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "the %s has %zu bytes, the limit is %d", what,
                            length, LIMIT_PATH_BYTES);
    }
    if (!bcj2__str_utf8(path, NULL)) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "the %s is not UTF-8", what);
    }
    const char *base = bcj2__os_base_of(path);
    if (base[0] == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "the %s names a folder, not a file", what);
    }
    return BCJ2_OK;
}

/* ---- URLs ---- */

static bcj2_status bad_url(const char *url, const char *problem)
{
    char people[256];
    bcj2__url_for_people(url, people);
    return bcj2__detail(BCJ2_E_INVALIDARG, "the URL %s is not usable: %s",
                        bcj2__str_utf8(people, NULL) ? people : "", problem);
}

static bcj2_status check_file_url(bcj2_job_type type, const char *url)
{
    CLEANUP_BUF struct buf path = BUF_INIT(LIMIT_PATH_BYTES);
    char problem[128];
    if (type == BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        return bad_url(url, "the scheme must be http or https for an upload-reply job");
    }
    if (!bcj2__url_file_path(url, &path, problem)) {
        return path.no_memory ? bcj2__detail_no_memory() : bad_url(url, problem);
    }
    return bcj2__check_path(bcj2__buf_cstr(&path), "remote file name");
}

bcj2_status bcj2__check_remote(bcj2_job_type type, const char *url)
{
    struct url parsed;
    char problem[128];
    if (bcj2__url_is_file(url)) {
        return check_file_url(type, url);
    }
    return bcj2__url_parse(url, &parsed, problem) ? BCJ2_OK : bad_url(url, problem);
}

/* ---- ranges ---- */

static int by_offset(const void *a, const void *b)
{
    uint64_t x = ((const bcj2_file_range *)a)->initial_offset;
    uint64_t y = ((const bcj2_file_range *)b)->initial_offset;
    return x < y ? -1 : x > y;
}

static bcj2_status bad_range(uint32_t i, const bcj2_file_range *r, const char *why)
{
    return bcj2__detail(BCJ2_E_INVALID_RANGE, "range %u (offset %llu, length %llu) %s", (unsigned)i,
                        (unsigned long long)r->initial_offset, (unsigned long long)r->length, why);
}

bcj2_status bcj2__check_ranges(uint32_t count, const bcj2_file_range *ranges)
{
    if (count == 0) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "no range was given");
    }
    if (count > LIMIT_RANGES_PER_FILE) {
        return bcj2__detail(BCJ2_E_TOO_MANY_RANGES_IN_FILE, "%u ranges, the limit is %d",
                            (unsigned)count, LIMIT_RANGES_PER_FILE);
    }
    for (uint32_t i = 0; i < count; i++) {
        const bcj2_file_range *r = &ranges[i];
        if (r->initial_offset == BCJ2_LENGTH_TO_EOF) {
            return bad_range(i, r, "begins at no offset");
        }
        if (r->length == 0) {
            return bad_range(i, r, "is empty");
        }
        if (r->length != BCJ2_LENGTH_TO_EOF && r->length > UINT64_MAX - r->initial_offset) {
            return bad_range(i, r, "ends beyond every file");
        }
    }
    bcj2_file_range *sorted = bcj2__mem_alloc(count * sizeof *sorted);
    if (sorted == NULL) {
        return bcj2__detail_no_memory();
    }
    memcpy(sorted, ranges, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_offset);
    bcj2_status s = BCJ2_OK;
    for (uint32_t i = 1; i < count && s == BCJ2_OK; i++) {
        /* two that begin at one offset differ in length at most: none is empty, so they overlap */
        if (sorted[i - 1].length > sorted[i].initial_offset - sorted[i - 1].initial_offset) {
            s = bcj2__detail(BCJ2_E_OVERLAPPING_RANGES,
                             "the range at %llu overlaps the one at %llu",
                             (unsigned long long)sorted[i].initial_offset,
                             (unsigned long long)sorted[i - 1].initial_offset);
        }
    }
    bcj2__mem_free(sorted);
    return s;
}

/* ---- the file system ---- */

bcj2_status bcj2__check_folder_of(const char *path)
{
    CLEANUP_FREE char *folder = bcj2__os_folder_of(path);
    if (folder == NULL) {
        return bcj2__detail_no_memory();
    }
    bcj2_status s = bcj2__os_check_folder(folder);
    if (s == BCJ2_E_PATH_NOT_FOUND) {
        s = bcj2__detail(BCJ2_E_INVALIDARG, "the folder %s does not exist", folder);
    }
    return s;
}

bcj2_status bcj2__check_destination(const char *path)
{
    struct os_stat st;
    bcj2_status s = bcj2__check_folder_of(path);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_stat(path, false, &st);
    }
    if (BCJ2_SUCCEEDED(s) && st.is_directory) {
        s = bcj2__detail(BCJ2_E_INVALIDARG, "%s is a folder: a download cannot replace it", path);
    }
    return s;
}

bcj2_status bcj2__check_not_same(const char *url, const char *path)
{
    CLEANUP_BUF struct buf remote = BUF_INIT(LIMIT_PATH_BYTES);
    struct os_stat there, here;
    char problem[128];
    if (!bcj2__url_is_file(url)) {
        return BCJ2_OK;
    }
    if (!bcj2__url_file_path(url, &remote, problem)) {
        return remote.no_memory ? bcj2__detail_no_memory() : bad_url(url, problem);
    }
    bcj2_status s = bcj2__os_stat(bcj2__buf_cstr(&remote), true, &there);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_stat(path, true, &here);
    }
    if (BCJ2_FAILED(s)) {
        return BCJ2_OK; /* it cannot be seen now; the transfer looks again */
    }
    bool same =
        strcmp(bcj2__buf_cstr(&remote), path) == 0 ||
        (there.exists && here.exists && there.device == here.device && there.inode == here.inode);
    return same ? bcj2__detail(BCJ2_E_INVALIDARG, "%s is its own source and destination", path)
                : BCJ2_OK;
}

bcj2_status bcj2__check_readable(const char *path)
{
    int fd = -1;
    struct os_stat st;
    bcj2_status s = bcj2__os_open_source(path, &fd, &st);
    (void)bcj2__os_close(fd);
    return s;
}
