/* SPDX-License-Identifier: MIT */
/* The calls that change a job: each checks its arguments in the order of R-ORDER (type, values, lengths
   and syntax, state, access), then is one durable transaction. See job.h. Complete and Cancel: settle.c. */
#include "job.h"
#include "detail.h"
#include "guid.h"
#include "job_state.h"
#include "limit.h"
#include "mem.h"
#include "settle.h"
#include "status.h"
#include "str.h"
#include "timeouts.h"
#include "url.h"

#include <string.h>

/* A change under way: the transaction is open, row is the job as it is now. */
struct change {
    struct core *core;
    struct store_job row;
};

static bcj2_status change_begin(bcj2_job *job, struct change *ret)
{
    *ret = (struct change){.core = job->core};
    bcj2_status s = bcj2__store_begin(job->core->store, true);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__job_load(job, &ret->row);
    if (BCJ2_FAILED(s)) {
        bcj2__store_rollback(job->core->store);
    }
    return s;
}

/* Commits if s is a success, else rolls back; frees; tells. Gives back s or the commit's failure. */
static bcj2_status change_end(struct change *change, bcj2_status s)
{
    bcj2_status result = s;
    if (BCJ2_FAILED(s)) {
        bcj2__store_rollback(change->core->store);
    } else {
        bcj2_status committed = bcj2__store_commit(change->core->store, true);
        result = BCJ2_FAILED(committed) ? committed : s;
    }
    bcj2__store_job_done(&change->row);
    if (BCJ2_SUCCEEDED(result)) {
        bcj2__core_changed(change->core);
    }
    return result;
}

/* R-SET: no setter works on a job that has left the queue. */
static bcj2_status not_final(const struct change *change)
{
    bcj2_job_state state = change->row.state;
    if (state == BCJ2_JOB_STATE_ACKNOWLEDGED || state == BCJ2_JOB_STATE_CANCELLED) {
        return bcj2__detail(BCJ2_E_INVALID_STATE, "the job is %s: nothing can be changed any more",
                            bcj2__status_state_name(state));
    }
    return BCJ2_OK;
}

/* What every setter begins with. On failure nothing is open. */
static bcj2_status set_begin(bcj2_job *job, struct change *ret)
{
    bcj2_status s = change_begin(job, ret);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = not_final(ret);
    return BCJ2_FAILED(s) ? change_end(ret, s) : s;
}

static bcj2_status check_text(const char *text, const char *what, size_t limit)
{
    size_t units = 0;
    if (!bcj2__str_utf8(text, &units)) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "the %s is not UTF-8", what);
    }
    if (units > limit) {
        return bcj2__detail(BCJ2_E_STRING_TOO_LONG, "the %s has %zu characters, the limit is %zu",
                            what, units, limit);
    }
    return BCJ2_OK;
}

bcj2_status bcj2__job_set_display_name(bcj2_job *job, const char *name)
{
    struct change change;
    bcj2_status s = check_text(name, "display name", LIMIT_DISPLAY_NAME_UTF16);
    if (BCJ2_SUCCEEDED(s)) {
        s = set_begin(job, &change);
    }
    return BCJ2_FAILED(s)
               ? s
               : change_end(&change, bcj2__store_set_display_name(job->core->store, job->seq, name,
                                                                  bcj2__os_wall()));
}

bcj2_status bcj2__job_set_description(bcj2_job *job, const char *description)
{
    struct change change;
    bcj2_status s = check_text(description, "description", LIMIT_DESCRIPTION_UTF16);
    if (BCJ2_SUCCEEDED(s)) {
        s = set_begin(job, &change);
    }
    return BCJ2_FAILED(s)
               ? s
               : change_end(&change, bcj2__store_set_description(job->core->store, job->seq,
                                                                 description, bcj2__os_wall()));
}

bcj2_status bcj2__job_set_priority(bcj2_job *job, bcj2_job_priority priority)
{
    struct change change;
    if (priority < BCJ2_JOB_PRIORITY_FOREGROUND || priority > BCJ2_JOB_PRIORITY_LOW) {
        return bcj2__detail(BCJ2_E_NOTIMPL, "priority %d is not one of 0 to 3", (int)priority);
    }
    bcj2_status s = set_begin(job, &change);
    return BCJ2_FAILED(s)
               ? s
               : change_end(&change, bcj2__store_set_priority(job->core->store, job->seq, priority,
                                                              bcj2__os_wall()));
}

bcj2_status bcj2__job_set_retry_delay(bcj2_job *job, uint32_t seconds)
{
    struct change change;
    bcj2_status s = set_begin(job, &change);
    return BCJ2_FAILED(s) ? s
                          : change_end(&change, bcj2__store_set_retry_delay(
                                                    job->core->store, job->seq,
                                                    MAX(seconds, bcj2__timeouts.retry_delay_min_s),
                                                    bcj2__os_wall()));
}

bcj2_status bcj2__job_set_no_progress(bcj2_job *job, uint32_t seconds)
{
    struct change change;
    bcj2_status s = set_begin(job, &change);
    return BCJ2_FAILED(s)
               ? s
               : change_end(&change, bcj2__store_set_no_progress(job->core->store, job->seq,
                                                                 seconds, bcj2__os_wall()));
}

/* ---- names ---- */

static bcj2_status check_path(const char *path, const char *what)
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

/* The folder of a reply must exist and be writable: a missing one is a bad argument. */
static bcj2_status check_reply_folder(const char *path)
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

/* A name for the reply beside the uploaded file, that no file has: "/d/up.bin" gives
   "/d/up.bin.reply-1a2b3c4d". mem_free. */
static bcj2_status generate_reply_name(const char *local_name, char **ret)
{
    for (int attempt = 0; attempt < 16; attempt++) {
        bcj2_guid random = bcj2__guid_random();
        /* the whole must fit a file name: 255 bytes on the systems we know */
        const char *base = bcj2__os_base_of(local_name);
        size_t folder = (size_t)(base - local_name);
        size_t keep = MIN(strlen(base), (size_t)200);
        while (keep > 0 && ((unsigned char)base[keep] & 0xC0) == 0x80) {
            keep--; /* not in the middle of a character */
        }
        char *name = bcj2__mem_printf("%.*s%.*s.reply-%08x", (int)folder, local_name, (int)keep,
                                      base, (unsigned)random.data1);
        struct os_stat st = {0};
        if (name == NULL) {
            return bcj2__detail_no_memory();
        }
        bcj2_status s = bcj2__os_stat(name, false, &st);
        if (BCJ2_FAILED(s)) {
            bcj2__mem_free(name);
            return s;
        }
        if (!st.exists) {
            *ret = name;
            return BCJ2_OK;
        }
        bcj2__mem_free(name);
    }
    return bcj2__detail(BCJ2_E_FAIL, "no free name for the reply beside %s", local_name);
}

static bcj2_status store_generated_name(struct change *change, const char *local_name)
{
    CLEANUP_FREE char *name = NULL;
    bcj2_status s = generate_reply_name(local_name, &name);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    return bcj2__store_set_reply_name(change->core->store, change->row.seq, name, true,
                                      bcj2__os_wall());
}

/* The reply of a job without an explicit name goes into the folder of its source. */
static bcj2_status prepare_reply(struct change *change, const char *local_name)
{
    if (change->row.type != BCJ2_JOB_TYPE_UPLOAD_REPLY || change->row.reply_name != NULL) {
        return BCJ2_OK;
    }
    bcj2_status s = check_reply_folder(local_name);
    return BCJ2_FAILED(s) ? s : store_generated_name(change, local_name);
}

bcj2_status bcj2__job_add_file(bcj2_job *job, const char *url, const char *path)
{
    struct change change;
    struct url parsed;
    char problem[128];
    uint32_t count = 0;
    bcj2_status s = BCJ2_OK;
    if (!bcj2__url_parse(url, &parsed, problem)) {
        char people[256];
        bcj2__url_for_people(url, people);
        return bcj2__detail(BCJ2_E_INVALIDARG, "the URL %s is not usable: %s",
                            bcj2__str_utf8(people, NULL) ? people : "", problem);
    }
    s = check_path(path, "local file name");
    if (BCJ2_SUCCEEDED(s)) {
        s = set_begin(job, &change);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_file_count(job->core->store, job->seq, &count);
    if (BCJ2_SUCCEEDED(s) && count > 0 && change.row.type != BCJ2_JOB_TYPE_DOWNLOAD) {
        s = bcj2__detail(BCJ2_E_TOO_MANY_FILES, "an upload job holds one file and has it already");
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = prepare_reply(&change, path);
    }
    if (BCJ2_SUCCEEDED(s)) {
        CLEANUP_FREE char *remote = bcj2__mem_strdup(url), *local = bcj2__mem_strdup(path);
        struct store_file file = {.index = count,
                                  .remote_name = remote,
                                  .local_name = local,
                                  .bytes_total = BCJ2_SIZE_UNKNOWN};
        s = remote == NULL || local == NULL
                ? bcj2__detail_no_memory()
                : bcj2__store_file_insert(job->core->store, job->seq, &file, bcj2__os_wall());
    }
    return change_end(&change, s);
}

static bcj2_status reply_name_changeable(const struct change *change)
{
    bcj2_status s = not_final(change);
    if (BCJ2_SUCCEEDED(s) && (change->row.reply_requested || change->row.reply_temp != NULL ||
                              change->row.state == BCJ2_JOB_STATE_TRANSFERRED)) {
        s = bcj2__detail(BCJ2_E_INVALID_STATE, "the transfer of the reply has begun");
    }
    return s;
}

/* Back to a generated name, or to none while there is no file. */
static bcj2_status set_generated_reply_name(struct change *change)
{
    struct store_file file = {0};
    uint32_t count = 0;
    bcj2_status s = bcj2__store_file_count(change->core->store, change->row.seq, &count);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    if (count == 0) {
        return bcj2__store_set_reply_name(change->core->store, change->row.seq, NULL, false,
                                          bcj2__os_wall());
    }
    s = bcj2__store_file(change->core->store, change->row.seq, 0, &file);
    if (BCJ2_SUCCEEDED(s)) {
        s = check_reply_folder(file.local_name);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = store_generated_name(change, file.local_name);
    }
    bcj2__store_file_done(&file);
    return s;
}

bcj2_status bcj2__job_set_reply_name(bcj2_job *job, const char *path)
{
    struct change change;
    bool generate = path == NULL || path[0] == '\0';
    bcj2_status s = change_begin(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    if (change.row.type != BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        s = bcj2__detail(BCJ2_E_NOTIMPL, "only upload-reply jobs have a reply");
    }
    if (BCJ2_SUCCEEDED(s) && !generate) {
        s = check_path(path, "reply file name");
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = reply_name_changeable(&change);
    }
    if (BCJ2_SUCCEEDED(s) && generate) {
        s = set_generated_reply_name(&change);
    } else if (BCJ2_SUCCEEDED(s)) {
        s = check_reply_folder(path);
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__store_set_reply_name(job->core->store, job->seq, path, false,
                                           bcj2__os_wall());
        }
    }
    return change_end(&change, s);
}

/* ---- suspend and resume ---- */

bcj2_status bcj2__job_suspend(bcj2_job *job)
{
    struct change change;
    bcj2_status s = change_begin(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    return change_end(&change, bcj2__job_state_move(job->core, &change.row, JOB_EV_SUSPEND));
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

bcj2_status bcj2__job_resume(bcj2_job *job)
{
    struct change change;
    enum job_event event = JOB_EV_RESUME;
    bcj2_status s = change_begin(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = resume_event(&change, &event);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__job_state_move(job->core, &change.row, event);
    }
    return change_end(&change, s);
}
