/* SPDX-License-Identifier: MIT */
/* Waiting for a state, and the words for where a job is and why. See job.h. */
#include "hosts.h"
#include "job.h"
#include "listener.h"
#include "detail.h"
#include "mem.h"
#include "status.h"
#include "str.h"
#include "filetime.h"
#include "url.h"

#include <stdio.h>
#include <string.h>

uint64_t bcj2__job_deadline_ms(const struct store_deadline *d)
{
    if (!d->set) {
        return UINT64_MAX;
    }
    int64_t at = bcj2__store_deadline_ms(d);
    return at < 0 ? 0 : (uint64_t)at;
}

uint64_t bcj2__job_since_ms(const struct store_deadline *d, uint64_t now_ms)
{
    int64_t at = d->set ? bcj2__store_deadline_ms(d) : INT64_MAX;
    return at > (int64_t)now_ms ? 0 : (uint64_t)((int64_t)now_ms - at);
}

struct store_deadline bcj2__job_deadline_at(uint64_t at_ms, uint64_t now_ms)
{
    struct store_deadline d = {.set = true, .now_ms = at_ms};
    uint64_t ahead_ms = at_ms > now_ms ? at_ms - now_ms : 0;
    uint64_t behind_ms = now_ms > at_ms ? now_ms - at_ms : 0;
    bcj2__os_boot_id(d.boot_id);
    d.wall = bcj2__os_wall() + ahead_ms * FILETIME_PER_MS - behind_ms * FILETIME_PER_MS;
    return d;
}

bcj2_status bcj2__job_wait(bcj2_job *job, uint32_t state_mask, int64_t timeout_ms,
                           bcj2_job_state *ret)
{
    const uint32_t all = (1u << (BCJ2_JOB_STATE_CANCELLED + 1)) - 1;
    const uint32_t final = 1u << BCJ2_JOB_STATE_ACKNOWLEDGED | 1u << BCJ2_JOB_STATE_CANCELLED;
    uint64_t deadline = timeout_ms < 0 ? UINT64_MAX : bcj2__os_now_ms() + (uint64_t)timeout_ms;
    if (state_mask == 0 || (state_mask & ~all) != 0) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "0x%x is not a mask of job states",
                            (unsigned)state_mask);
    }
    if (bcj2__listener_inside_job(&job->id)) {
        return bcj2__detail(
            BCJ2_E_INVALIDARG,
            "this is called inside a callback of the same job, which it would wait for");
    }
    for (;;) {
        bcj2_job_state state = 0;
        uint64_t seen = bcj2__core_change_count(job->core);
        bcj2_status s = bcj2__store_job_state(job->core->store, job->seq, &state);
        if (BCJ2_FAILED(s)) {
            return s;
        }
        if (ret != NULL) {
            *ret = state;
        }
        if ((state_mask & 1u << state) != 0) {
            return BCJ2_OK;
        }
        if ((final & 1u << state) != 0) {
            return bcj2__detail(BCJ2_E_INVALID_STATE, "the job is %s for good",
                                bcj2__status_state_name(state));
        }
        s = bcj2__core_wait_change(job->core, seen, deadline);
        if (s != BCJ2_OK) {
            return s;
        }
    }
}

bcj2_status bcj2__job_next_attempt(bcj2_job *job, bcj2_filetime *ret)
{
    struct store_job row = {0};
    bcj2_status s = bcj2__job_load(job, &row);
    if (BCJ2_SUCCEEDED(s)) {
        uint64_t now = bcj2__os_now_ms(), at = bcj2__job_deadline_ms(&row.next_attempt);
        bool planned = row.state == BCJ2_JOB_STATE_TRANSIENT_ERROR && at != UINT64_MAX;
        *ret = !planned ? 0 : bcj2__os_wall() + (at > now ? at - now : 0) * FILETIME_PER_MS;
    }
    bcj2__store_job_done(&row);
    return s;
}

/* What is said of an error: its own words, or those of its code. */
static const char *why(const struct store_job *row)
{
    return row->error_text != NULL ? row->error_text : bcj2__status_text(row->error_code);
}

/* What the words are made of. */
struct picture {
    struct store_job row;
    struct store_progress progress;
    struct store_file file; /* the one it is about: an upload's, a download's next one */
};

/* "downloading: 3.1 MiB of 10 MiB, file 2 of 5" */
static char *download_text(const struct picture *p)
{
    char done[32], total[32], which[64] = "";
    bcj2__str_size(p->progress.bytes_transferred, done);
    bcj2__str_size(p->progress.bytes_total, total);
    if (p->progress.files_total > 1 && p->progress.files_transferred < p->progress.files_total) {
        (void)snprintf(which, sizeof which, ", file %u of %u", (unsigned)p->file.index + 1,
                       (unsigned)p->progress.files_total);
    }
    return p->progress.bytes_total == BCJ2_SIZE_UNKNOWN
               ? bcj2__mem_printf("downloading: %s%s", done, which)
               : bcj2__mem_printf("downloading: %s of %s%s", done, total, which);
}

static char *running_text(const struct picture *p)
{
    const struct store_job *row = &p->row;
    const struct store_file *file = &p->file;
    char done[32], total[32];
    if (row->type == BCJ2_JOB_TYPE_DOWNLOAD) {
        return download_text(p);
    }
    if (row->reply_requested) {
        bcj2__str_size(row->reply_transferred, done);
        bcj2__str_size(row->reply_total, total);
        return row->reply_total == 0
                   ? bcj2__mem_strdup("fetching the reply")
                   : bcj2__mem_printf("fetching the reply: %s of %s", done, total);
    }
    if (file->bytes_total == BCJ2_SIZE_UNKNOWN) {
        return bcj2__mem_strdup("starting the upload");
    }
    bcj2__str_size(file->bytes_transferred, done);
    bcj2__str_size(file->bytes_total, total);
    return file->transferred ? bcj2__mem_strdup("uploaded, waiting for the server")
                             : bcj2__mem_printf("uploading: %s of %s", done, total);
}

static char *retry_text(const struct store_job *row)
{
    char when[48];
    uint64_t now = bcj2__os_now_ms(), at = bcj2__job_deadline_ms(&row->next_attempt);
    if (at == UINT64_MAX) {
        return bcj2__mem_printf("waiting for the network: %s", why(row));
    }
    bcj2__str_duration(at > now ? (at - now + 999) / 1000 : 0, when);
    return bcj2__mem_printf("waiting %s to retry: %s", when, why(row));
}

/* Why it does not run now, as far as this process knows: only the one that runs jobs knows of hosts. */
static char *queued_text(const struct core *c, const struct store_job *row)
{
    char when[48];
    uint64_t now = bcj2__os_now_ms();
    uint64_t until = bcj2__hosts_rests_until(c->hosts, row->host, now);
    if (row->unclean_ends > STORE_UNCLEAN_ENDS) {
        return bcj2__mem_printf(
            "waiting behind all other jobs: the last %u times it ran, the process"
            " ended without a word",
            (unsigned)row->unclean_ends);
    }
    if (until == UINT64_MAX) {
        return bcj2__mem_printf("waiting for %s, which could not be reached: another job tries it",
                                row->host);
    }
    if (until != 0) {
        bcj2__str_duration((until - now + 999) / 1000, when);
        return bcj2__mem_printf("waiting for %s, which could not be reached: for %s", row->host,
                                when);
    }
    return bcj2__mem_strdup("waiting for its turn");
}

static char *text_of(const struct core *c, const struct picture *p)
{
    const struct store_job *row = &p->row;
    switch (row->state) {
    case BCJ2_JOB_STATE_QUEUED:
        return queued_text(c, row);
    case BCJ2_JOB_STATE_CONNECTING:
        return bcj2__mem_strdup(p->file.remote_name != NULL &&
                                        bcj2__url_is_file(p->file.remote_name)
                                    ? "opening the files"
                                    : "connecting to the server");
    case BCJ2_JOB_STATE_TRANSFERRING:
        return running_text(p);
    case BCJ2_JOB_STATE_SUSPENDED:
        return bcj2__mem_strdup(p->progress.files_total == 0 ? "suspended, without a file"
                                                             : "suspended, waiting for resume");
    case BCJ2_JOB_STATE_ERROR:
        return bcj2__mem_printf("failed: %s", why(row));
    case BCJ2_JOB_STATE_TRANSIENT_ERROR:
        return retry_text(row);
    case BCJ2_JOB_STATE_TRANSFERRED:
        return bcj2__mem_strdup("transferred, waiting for complete");
    case BCJ2_JOB_STATE_ACKNOWLEDGED:
        return bcj2__mem_strdup("completed");
    default:
        return bcj2__mem_strdup("cancelled");
    }
}

/* An upload has one file; of a download the first that is not transferred counts, if there is one. */
static bcj2_status load_file(bcj2_job *job, struct picture *p)
{
    struct store *store = job->core->store;
    if (p->progress.files_total == 0) {
        return BCJ2_OK;
    }
    return p->row.type == BCJ2_JOB_TYPE_DOWNLOAD
               ? bcj2__store_next_file(store, job->seq, 0, &p->file)
               : bcj2__store_file(store, job->seq, 0, &p->file);
}

bcj2_status bcj2__job_status_text(bcj2_job *job, char **ret)
{
    struct store *store = job->core->store;
    struct picture p = {.file = {.bytes_total = BCJ2_SIZE_UNKNOWN}};
    bcj2__store_lock(store);
    bcj2_status s = bcj2__job_load(job, &p.row);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_progress(store, job->seq, &p.progress);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = load_file(job, &p);
    }
    bcj2__store_unlock(store);
    if (BCJ2_SUCCEEDED(s)) {
        char *text = text_of(job->core, &p);
        s = text == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
        *ret = text == NULL ? *ret : text;
    }
    bcj2__store_file_done(&p.file);
    bcj2__store_job_done(&p.row);
    return s;
}

bcj2_status bcj2__job_json(bcj2_job *job, char **ret)
{
    CLEANUP_FREE char *text = NULL;
    bcj2_status s = bcj2__job_status_text(job, &text);
    return BCJ2_FAILED(s) ? s : bcj2__store_job_json(job->core->store, job->seq, text, ret);
}
