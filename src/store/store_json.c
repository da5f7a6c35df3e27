/* SPDX-License-Identifier: MIT */
/* A job as one JSON object, for people, scripts and the notify command. 64-bit numbers are strings
   (many readers keep numbers as doubles), unknown ones null; times are {"filetime", "utc"} or null.
   No secrets: no session, and URLs without their query. */
#include "store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <bcj2/notify.h>
#include <cjson/cJSON.h>
#include "detail.h"
#include "filetime.h"
#include "guid.h"
#include "mem.h"
#include "status.h"
#include "store_event.h"
#include "store_sql.h"
#include "str.h"

/* Objects under construction. A failure (no memory) sticks. */
struct writer {
    cJSON *object;
    bool *failed;
};

static void note(struct writer *w, const cJSON *item)
{
    if (item == NULL) {
        *w->failed = true;
    }
}

static struct writer sub_object(struct writer *w, const char *name)
{
    struct writer sub = {cJSON_AddObjectToObject(w->object, name), w->failed};
    note(w, sub.object);
    return sub;
}

static void add_null(struct writer *w, const char *name)
{
    note(w, cJSON_AddNullToObject(w->object, name));
}

static void add_bool(struct writer *w, const char *name, bool value)
{
    note(w, cJSON_AddBoolToObject(w->object, name, value));
}

static void add_number(struct writer *w, const char *name, int64_t value) /* at most 2^53 */
{
    note(w, cJSON_AddNumberToObject(w->object, name, (double)value));
}

/* JSON is UTF-8; in a text that is not, what is not ASCII becomes '?'. */
static void add_text(struct writer *w, const char *name, const char *text)
{
    if (text == NULL || bcj2__str_utf8(text, NULL)) {
        note(w, text == NULL ? cJSON_AddNullToObject(w->object, name)
                             : cJSON_AddStringToObject(w->object, name, text));
        return;
    }
    CLEANUP_FREE char *copy = bcj2__mem_strdup(text);
    for (char *p = copy; p != NULL && *p != '\0'; p++) {
        if ((unsigned char)*p >= 0x80) {
            *p = '?';
        }
    }
    note(w, copy == NULL ? NULL : cJSON_AddStringToObject(w->object, name, copy));
}

static void add_u64(struct writer *w, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    add_text(w, name, text);
}

static void add_size(struct writer *w, const char *name, uint64_t value)
{
    if (value == BCJ2_SIZE_UNKNOWN) {
        add_null(w, name);
    } else {
        add_u64(w, name, value);
    }
}

/* ---- times ---- */

static void add_time(struct writer *w, const char *name, bcj2_filetime time)
{
    if (time == 0) {
        add_null(w, name);
        return;
    }
    struct writer sub = sub_object(w, name);
    char text[FILETIME_UTC_SIZE];
    bcj2__filetime_format_utc(time, text);
    add_u64(&sub, "filetime", time);
    add_text(&sub, "utc", text);
}

/* ---- groups ---- */

/* A value with a name, as "name" and "name_number". */
static void add_named(struct writer *w, const char *name, const char *number_name,
                      const char *const *names, size_t count, int32_t value)
{
    add_text(w, name, value >= 0 && (size_t)value < count ? names[value] : "?");
    add_number(w, number_name, value);
}

static void add_identity(struct writer *w, const struct store_job *job)
{
    static const char *const types[] = {"DOWNLOAD", "UPLOAD", "UPLOAD_REPLY"};
    static const char *const priorities[] = {"FOREGROUND", "HIGH", "NORMAL", "LOW"};
    char id[BCJ2_GUID_TEXT_SIZE], owner[32];
    bcj2__guid_format(&job->id, id);
    (void)snprintf(owner, sizeof owner, "S-1-22-1-%" PRIu32, job->owner_uid);
    add_text(w, "id", id);
    add_text(w, "display_name", job->display_name);
    add_text(w, "description", job->description);
    add_named(w, "type", "type_number", types, ARRAY_LEN(types), job->type);
    add_text(w, "state", bcj2__status_state_name(job->state));
    add_number(w, "state_number", job->state);
    add_named(w, "priority", "priority_number", priorities, ARRAY_LEN(priorities), job->priority);
    add_text(w, "owner", owner);
    add_number(w, "owner_uid", job->owner_uid);
}

static void add_times(struct writer *w, const struct store_job *job)
{
    struct writer times = sub_object(w, "times");
    add_time(&times, "creation", job->creation_time);
    add_time(&times, "modification", job->modification_time);
    add_time(&times, "transfer_completion", job->completion_time);
}

static void add_reply(struct writer *w, const struct store_job *job, const struct store_transfer *t)
{
    if (job->type != BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        add_null(w, "reply");
        return;
    }
    struct writer reply = sub_object(w, "reply");
    add_text(&reply, "file_name", job->reply_name);
    add_size(&reply, "bytes_total", job->reply_requested ? job->reply_total : BCJ2_SIZE_UNKNOWN);
    add_u64(&reply, "bytes_transferred", job->reply_requested ? job->reply_transferred : 0);
}

static void add_transfer_times(struct writer *w, const struct store_job *job)
{
    add_number(w, "maximum_download_time_s", job->max_download_s);
    add_number(w, "download_time_s", (int64_t)(job->download_ms / 1000));
}

/* What is sealed is only said to be there. */
static void add_http(struct writer *w, const struct store_job *job, const struct store_http *h)
{
    struct writer http = sub_object(w, "http");
    const char *usual = job->type == BCJ2_JOB_TYPE_DOWNLOAD ? "GET" : "BITS_POST";
    add_text(&http, "method", h->method == NULL ? usual : h->method);
    add_number(&http, "security_flags", h->security_flags);
    add_text(&http, "ca_file", h->ca_file);
    add_text(&http, "client_certificate", h->client_certificate);
    add_text(&http, "client_key", h->client_key);
    add_bool(&http, "client_key_password", h->key_password != NULL);
    add_text(&http, "pinned_public_key", h->pinned_key);
    add_number(&http, "tls_min", h->tls_min);
    add_number(&http, "tls_max", h->tls_max);
    add_bool(&http, "custom_headers", h->headers != NULL);
    add_bool(&http, "custom_headers_write_only", h->headers_write_only);
}

static void add_retry(struct writer *w, const struct store_job *job)
{
    bool planned = job->state == BCJ2_JOB_STATE_TRANSIENT_ERROR && job->next_attempt.set;
    struct writer retry = sub_object(w, "retry");
    add_number(&retry, "minimum_delay_s", job->retry_delay_s);
    add_number(&retry, "no_progress_timeout_s", job->no_progress_s);
    add_number(&retry, "error_count", job->error_count);
    add_time(&retry, "next_attempt", planned ? job->next_attempt.wall : 0);
}

/* The event of the job that somebody is still to be told of; null: none. */
static void add_event(struct writer *w, const struct store_event *e)
{
    static const char *const turns[] = {"nobody", "callback", "command"};
    char number[24];
    if (e->seq == 0) {
        add_null(w, "event");
        return;
    }
    struct writer event = sub_object(w, "event");
    (void)snprintf(number, sizeof number, "%" PRId64, e->seq);
    add_text(&event, "number", number);
    add_text(&event, "name", e->kind == BCJ2_NOTIFY_JOB_ERROR ? "error" : "transferred");
    add_time(&event, "time", e->time);
    add_text(&event, "turn", (size_t)e->turn < ARRAY_LEN(turns) ? turns[e->turn] : "?");
    add_bool(&event, "running", e->running);
    add_number(&event, "attempts", e->attempts);
    add_time(&event, "next_attempt", e->next.set ? e->next.wall : 0);
}

static void add_notify(struct writer *w, const struct store_job *job, const struct store_event *e)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } flags[] = {
        {BCJ2_NOTIFY_JOB_TRANSFERRED, "JOB_TRANSFERRED"},
        {BCJ2_NOTIFY_JOB_ERROR, "JOB_ERROR"},
        {BCJ2_NOTIFY_DISABLE, "DISABLE"},
        {BCJ2_NOTIFY_JOB_MODIFICATION, "JOB_MODIFICATION"},
        {BCJ2_NOTIFY_FILE_TRANSFERRED, "FILE_TRANSFERRED"},
        {BCJ2_NOTIFY_FILE_RANGES_TRANSFERRED, "FILE_RANGES_TRANSFERRED"},
    };
    struct writer notify = sub_object(w, "notify");
    cJSON *names = cJSON_AddArrayToObject(notify.object, "flags");
    note(&notify, names);
    for (size_t i = 0; i < ARRAY_LEN(flags) && !*w->failed; i++) {
        if ((job->notify_flags & flags[i].flag) != 0 &&
            !cJSON_AddItemToArray(names, cJSON_CreateString(flags[i].name))) {
            *w->failed = true;
        }
    }
    add_number(&notify, "flags_number", job->notify_flags);
    add_text(&notify, "program", job->notify_program);
    add_text(&notify, "parameters", job->notify_parameters);
    add_event(&notify, e);
}

static void add_error(struct writer *w, const struct store_job *job)
{
    if (job->state != BCJ2_JOB_STATE_ERROR && job->state != BCJ2_JOB_STATE_TRANSIENT_ERROR) {
        add_null(w, "error");
        return;
    }
    char code[16];
    (void)snprintf(code, sizeof code, "0x%08" PRIX32, (uint32_t)job->error_code);
    struct writer error = sub_object(w, "error");
    add_number(&error, "context", job->error_context);
    add_text(&error, "context_text", bcj2__status_context_text(job->error_context));
    add_text(&error, "code", code);
    add_text(&error, "code_name", bcj2__status_name(job->error_code));
    if (job->error_http_status == 0) {
        add_null(&error, "http_status");
    } else {
        add_number(&error, "http_status", job->error_http_status);
    }
    if (job->error_has_file) {
        add_number(&error, "file_index", job->error_file);
    } else {
        add_null(&error, "file_index");
    }
    add_text(&error, "text", job->error_text);
}

/* ---- files ---- */

/* Without query and fragment, which may be secrets; the name of a local file has neither. */
static void add_url(struct writer *w, const char *name, const char *url)
{
    if (url == NULL || url[0] == '/') {
        add_text(w, name, url);
        return;
    }
    CLEANUP_FREE char *bare = bcj2__mem_strndup(url, strcspn(url, "?#"));
    if (bare == NULL) {
        *w->failed = true;
    } else {
        add_text(w, name, bare);
    }
}

static void add_ranges(struct writer *w, const struct store_file *file)
{
    if (file->range_count == 0) {
        add_null(w, "ranges");
        return;
    }
    struct writer ranges = {cJSON_AddArrayToObject(w->object, "ranges"), w->failed};
    note(&ranges, ranges.object);
    for (uint32_t i = 0; i < file->range_count && !*w->failed; i++) {
        struct writer range = {cJSON_CreateObject(), w->failed};
        if (range.object == NULL || !cJSON_AddItemToArray(ranges.object, range.object)) {
            *w->failed = true;
            return;
        }
        add_u64(&range, "initial_offset", file->ranges[i].offset);
        add_size(&range, "length", file->ranges[i].length);
    }
}

static void add_file(cJSON *files, struct writer *w, const struct store_file *file)
{
    struct writer item = {cJSON_CreateObject(), w->failed};
    note(w, item.object);
    if (item.object == NULL || !cJSON_AddItemToArray(files, item.object)) {
        *w->failed = true;
        return;
    }
    add_number(&item, "index", file->index);
    add_url(&item, "remote_name", file->remote_name);
    add_url(&item, "new_remote_name", file->pending_remote_name);
    add_text(&item, "local_name", file->local_name);
    add_size(&item, "bytes_total", file->bytes_total);
    add_u64(&item, "bytes_transferred", file->bytes_transferred);
    add_bool(&item, "completed", file->completed);
    add_text(&item, "temporary_name", file->temp_name);
    add_ranges(&item, file);
}

static bcj2_status add_files(struct store *s, int64_t seq, struct writer *w)
{
    cJSON *files = cJSON_AddArrayToObject(w->object, "files");
    note(w, files);
    struct store_progress p;
    bcj2_status status = bcj2__store_progress(s, seq, &p);
    for (uint32_t i = 0; i < p.files_total && status == BCJ2_OK && !*w->failed; i++) {
        struct store_file file;
        status = bcj2__store_file(s, seq, i, &file);
        if (status == BCJ2_OK) {
            add_file(files, w, &file);
            bcj2__store_file_done(&file);
        }
    }
    struct writer progress = sub_object(w, "progress");
    add_size(&progress, "bytes_total", p.bytes_total);
    add_u64(&progress, "bytes_transferred", p.bytes_transferred);
    add_number(&progress, "files_total", p.files_total);
    add_number(&progress, "files_transferred", p.files_transferred);
    return status;
}

/* ---- the whole ---- */

static bcj2_status print(const cJSON *object, char **ret)
{
    char *text = cJSON_Print(object);
    *ret = bcj2__mem_strdup(text); /* the caller frees it with our function, not with cJSON's */
    cJSON_free(text);
    return *ret == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
}

static bcj2_status build(struct store *s, const struct store_job *job, const char *status_text,
                         struct writer *w)
{
    struct store_transfer *t = bcj2__mem_alloc(sizeof *t); /* 20 KiB: not on the stack */
    if (t == NULL || w->object == NULL) {
        bcj2__mem_free(t);
        return bcj2__detail_no_memory();
    }
    struct store_http http = {0};
    struct store_event event = {0};
    bcj2_status status = bcj2__store_transfer(s, job->seq, t);
    if (status == BCJ2_OK) {
        status = bcj2__store_http(s, job->seq, &http);
    }
    if (status == BCJ2_OK) {
        status =
            bcj2__store_first_owed(s, job->seq, BCJ2_NOTIFY_JOB_TRANSFERRED | BCJ2_NOTIFY_JOB_ERROR,
                                   &event);
        status = BCJ2_FAILED(status) ? status : BCJ2_OK; /* none is owed */
    }
    if (status == BCJ2_OK) {
        add_identity(w, job);
        add_text(w, "status_text", status_text);
        add_times(w, job);
        status = add_files(s, job->seq, w);
        add_reply(w, job, t);
        add_retry(w, job);
        add_transfer_times(w, job);
        add_http(w, job, &http);
        add_notify(w, job, &event);
        add_error(w, job);
    }
    bcj2__store_http_done(&http);
    bcj2__mem_wipe(t, sizeof *t); /* its session is a capability */
    bcj2__mem_free(t);
    return status == BCJ2_OK && *w->failed ? bcj2__detail_no_memory() : status;
}

bcj2_status bcj2__store_job_json(struct store *s, int64_t seq, const char *status_text, char **ret)
{
    *ret = NULL;
    bool failed = false;
    struct store_job job;
    bcj2__store_lock(s); /* one snapshot of job, files and transfer */
    bcj2_status status = bcj2__store_job_by_seq(s, seq, &job);
    if (status == BCJ2_OK) {
        struct writer w = {cJSON_CreateObject(), &failed};
        status = build(s, &job, status_text, &w);
        if (status == BCJ2_OK) {
            status = print(w.object, ret);
        }
        cJSON_Delete(w.object);
        bcj2__store_job_done(&job);
    }
    bcj2__store_unlock(s);
    return status;
}
