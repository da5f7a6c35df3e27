/* SPDX-License-Identifier: MIT */
/* See drive.h: the files of a download, strictly one after the other. A file's row says that it is
   transferred only when its temporary file is on the disk; the same transaction names the next one's
   temporary file, which is made after it. The download itself is in drive_get.c. */
#include "drive.h"
#include "detail.h"
#include "mem.h"
#include "notify_store.h"
#include "range.h"
#include "settle.h"
#include "temp_file.h"
#include "url.h"

#include <string.h>

/* Has the file a temporary file, with bytes that the transfer row knows of? Then these are gone on with. */
static bool take_up(struct drive *d, const struct store_file *file)
{
    bool known = file->index == d->file_index && file->temp_name != NULL;
    if (!known) {
        d->get.saved = (struct get_saved){.begun = false};
        d->get_boot_id[0] = '\0';
    }
    d->file_index = file->index;
    return known;
}

/* The row names the temporary file, and the transfer row is about this file, before it is made. */
static bool announce(struct engine *e, struct drive *d, struct store_file *file)
{
    struct store *store = e->core->store;
    if (file->temp_name == NULL) {
        file->temp_name = bcj2__settle_file_temp_name(&d->id, file->local_name, file->index);
        if (file->temp_name == NULL) {
            return bcj2__engine_check(e, bcj2__detail_no_memory());
        }
        file->bytes_transferred = 0;
        if (!bcj2__engine_check(e, bcj2__store_update_file(store, d->seq, file, bcj2__os_wall()))) {
            return false;
        }
    }
    e->durable = true;
    return true;
}

static bool take_names(struct engine *e, struct drive *d, struct store_file *file)
{
    bcj2__mem_free(d->remote_name);
    bcj2__mem_free(d->local_name);
    bcj2__mem_free(d->temp);
    bcj2__mem_free(d->get_url);
    bcj2__mem_free(d->reported_url);
    d->reported_url = NULL;
    d->get_url = bcj2__mem_printf("%.*s", (int)strcspn(file->remote_name, "#"), file->remote_name);
    d->remote_name = TAKE(file->remote_name);
    d->local_name = TAKE(file->local_name);
    d->temp = TAKE(file->temp_name);
    return d->get_url != NULL || bcj2__engine_check(e, bcj2__detail_no_memory());
}

static bool take_ranges(struct engine *e, struct drive *d, const struct store_file *file)
{
    bcj2__mem_free(d->ranges);
    d->ranges = NULL;
    d->range_count = 0;
    if (file->range_count == 0) {
        return true;
    }
    d->ranges = bcj2__mem_calloc(file->range_count, sizeof *d->ranges);
    if (d->ranges == NULL) {
        return bcj2__engine_check(e, bcj2__detail_no_memory());
    }
    for (; d->range_count < file->range_count; d->range_count++) {
        const struct store_range *range = &file->ranges[d->range_count];
        d->ranges[d->range_count] = (struct get_range){
            .offset = range->offset,
            .length = range->length == BCJ2_SIZE_UNKNOWN ? GET_TO_END : range->length,
        };
    }
    return true;
}

void bcj2__drive_next_file(struct engine *e, struct drive *d)
{
    struct store_file file = {.index = 0};
    bcj2_status s = bcj2__store_next_file(e->core->store, d->seq, 0, &file);
    if (!bcj2__engine_check_job(e, d->seq, s)) {
        d->ended = true;
        return;
    }
    if (s == BCJ2_S_FALSE) {
        bcj2__drive_done(e, d, BUP_PACKET_NONE);
        return;
    }
    bool known = take_up(d, &file);
    if (announce(e, d, &file) && take_names(e, d, &file) && take_ranges(e, d, &file)) {
        d->work = bcj2__url_is_file(d->remote_name) ? DRIVE_COPY : DRIVE_GET;
        if (!known && !bcj2__drive_save(e, d)) {
            d->act = DRIVE_ACT_NONE;
        } else if (d->work == DRIVE_COPY) {
            bcj2__drive_copy_begin(e, d);
        } else {
            d->act = DRIVE_ACT_OPEN;
        }
    }
    bcj2__store_file_done(&file);
}

static bool store_headers(struct engine *e, struct drive *d)
{
    struct store_file file = {.index = 0};
    if (d->response_headers == NULL) {
        return true;
    }
    bool ok = bcj2__engine_check(e, bcj2__store_file(e->core->store, d->seq, d->file_index, &file));
    if (ok) {
        bcj2__mem_free(file.response_headers);
        file.response_headers = TAKE(d->response_headers);
        ok = bcj2__engine_check(e, bcj2__store_update_file(e->core->store, d->seq, &file,
                                                           bcj2__os_wall()));
    }
    bcj2__store_file_done(&file);
    return ok;
}

static bool store_url(struct engine *e, struct drive *d, const char *url)
{
    return bcj2__engine_check(e, bcj2__store_set_remote_name(e->core->store, d->seq, d->file_index,
                                                             url, bcj2__os_wall()));
}

/* Where the file was redirected to is its name from now on. Another server's only when the file is whole:
   what is private to this one must not follow to that one. */
static bool report_url(struct engine *e, struct drive *d, bool whole)
{
    bool now = d->reported_url != NULL &&
               (whole || bcj2__url_same_origin(d->reported_url, d->remote_name));
    if (now && !store_url(e, d, d->reported_url)) {
        return false;
    }
    if (now) {
        bcj2__mem_free(d->reported_url);
        d->reported_url = NULL;
    }
    return true;
}

bool bcj2__drive_file_save(struct engine *e, struct drive *d)
{
    return store_headers(e, d) && report_url(e, d, false);
}

static void take_mtime(const struct drive *d, struct store_file *file)
{
    if (d->work == DRIVE_COPY) {
        file->has_mtime = true;
        file->mtime_s = d->copy->source_now.mtime_s;
        file->mtime_ns = d->copy->source_now.mtime_ns;
    } else {
        file->has_mtime = bcj2__range_parse_date(d->get.saved.last_modified, &file->mtime_s);
        file->mtime_ns = 0;
    }
}

void bcj2__drive_file_stored(struct engine *e, struct drive *d)
{
    struct store_file file = {.index = 0};
    if (!bcj2__drive_ours(e, d) ||
        !bcj2__engine_check(e, bcj2__store_file(e->core->store, d->seq, d->file_index, &file))) {
        return;
    }
    file.bytes_total = file.bytes_transferred = d->get.saved.offset;
    file.transferred = true;
    take_mtime(d, &file);
    bool ok = bcj2__engine_check(e, bcj2__store_update_file(e->core->store, d->seq, &file,
                                                            bcj2__os_wall()));
    bcj2__store_file_done(&file);
    ok = ok && bcj2__engine_check(e, bcj2__notify_file(e->core, d->seq, d->file_index));
    if (ok && report_url(e, d, true)) {
        e->durable = true;
        if (d->work == DRIVE_COPY) { /* who sees the row finds it unlocked */
            bcj2__copy_done(d->copy);
        } else {
            bcj2__temp_file_unlock(d->sink_fd);
        }
        bcj2__drive_next_file(e, d);
    }
}

/* ---- what an answer's head is kept for ---- */

static char *head_text(const struct hdrs *head)
{
    struct buf text = BUF_INIT(2 * LIMIT_HEAD_BYTES);
    const char *at = head->text.data;
    if (head->http_major >= 2) {
        (void)bcj2__buf_printf(&text, "HTTP/%u %u\r\n", (unsigned)head->http_major,
                               (unsigned)head->status);
    } else {
        (void)bcj2__buf_printf(&text, "HTTP/%u.%u %u\r\n", (unsigned)head->http_major,
                               (unsigned)head->http_minor, (unsigned)head->status);
    }
    for (uint32_t i = 0; i < head->count; i++) {
        const char *value = at + strlen(at) + 1;
        (void)bcj2__buf_printf(&text, "%s: %s\r\n", at, value);
        at = value + strlen(value) + 1;
    }
    char *result = bcj2__buf_take(&text);
    bcj2__buf_done(&text);
    return result;
}

static uint32_t redirect_policy(const struct drive *d)
{
    return d->http.row.security_flags & BCJ2_HTTP_REDIRECT_POLICY_MASK;
}

/* A redirect that the job does not allow fails it; where it led is the file's name for a Resume, unless
   that would show another server what is private to this one. */
static void note_refused(struct engine *e, struct drive *d, const struct hdrs *head)
{
    CLEANUP_BUF struct buf url = BUF_INIT(LIMIT_URL_BYTES);
    const char *location = bcj2__hdrs_get(head, "Location");
    if (location == NULL || !bcj2__url_resolve(d->get_url, location, &url) ||
        (bcj2__http_options_private(&d->http) &&
         !bcj2__url_same_origin(bcj2__buf_cstr(&url), d->get_url))) {
        return;
    }
    if (bcj2__drive_ours(e, d)) {
        (void)store_url(e, d, bcj2__buf_cstr(&url));
    }
}

void bcj2__drive_file_head(struct engine *e, struct drive *d, const struct net_event *event)
{
    const struct hdrs *head = event->head;
    if (head == NULL || head->status == 0) {
        return;
    }
    char *text = head_text(head);
    if (text != NULL) { /* else what is there is what is known */
        bcj2__mem_free(d->response_headers);
        d->response_headers = text;
    }
    if (redirect_policy(d) == BCJ2_HTTP_REDIRECT_POLICY_ALLOW_REPORT && head->status / 100 == 2 &&
        event->effective_url != NULL) {
        bcj2__mem_free(d->reported_url);
        d->reported_url = bcj2__mem_strdup(event->effective_url);
    }
    if (redirect_policy(d) == BCJ2_HTTP_REDIRECT_POLICY_DISALLOW && head->status / 100 == 3) {
        note_refused(e, d, head);
    }
}
