/* SPDX-License-Identifier: MIT */
/* See drive.h: the download of one resource into a temporary file. The order that keeps a kill harmless: the temporary
   file's name is stored before the file is made; old bytes are cut off before the validators of new ones
   are stored; validators are stored before the first byte that goes with them is written. */
#include "drive.h"
#include "detail.h"
#include "mem.h"
#include "status.h"
#include "timeouts.h"
#include "url.h"

#include <string.h>

/* ---- the file ---- */

/* Bytes of the file that belong to the answer whose validators are stored. In this boot that is what the
   file has: bytes come in order and the kernel keeps what was written. */
uint64_t bcj2__drive_get_believed(const struct get_saved *saved, uint64_t size, bool same_boot)
{
    if (!saved->begun) {
        return 0;
    }
    uint64_t offset = same_boot ? size : MIN(size, saved->synced);
    return saved->total_known ? MIN(offset, saved->total) : offset;
}

static void step_get(struct engine *e, struct drive *d, const struct get_event *event);

static struct get_plan plan_of(const struct drive *d)
{
    bool reply = d->type != BCJ2_JOB_TYPE_DOWNLOAD;
    return (struct get_plan){
        .reply = reply,
        .foreground = d->priority == BCJ2_JOB_PRIORITY_FOREGROUND,
        .once = !reply && d->http.row.method != NULL,
        .has_alternative = d->get_other_url != NULL,
        .fragment = d->get.fragment,
        .ranges = reply ? NULL : d->ranges,
        .range_count = reply ? 0 : d->range_count,
    };
}

void bcj2__drive_get_opened(struct engine *e, struct drive *d)
{
    struct os_stat st = {0};
    struct get_saved saved = d->get.saved;
    char boot_id[OS_BOOT_ID_SIZE];
    if (!bcj2__drive_ours(e, d)) {
        return;
    }
    if (BCJ2_FAILED(d->open_status)) {
        bcj2__drive_fail_locally(e, d, d->open_status, "opening the temporary file",
                                 d->open_detail);
        return;
    }
    bcj2__os_boot_id(boot_id);
    bool same_boot = strcmp(boot_id, d->get_boot_id) == 0;
    bcj2_status s = bcj2__os_fstat(d->sink_fd, d->temp, &st);
    saved.offset = bcj2__drive_get_believed(&saved, st.size, same_boot);
    saved.synced = MIN(saved.synced, saved.offset);
    if (BCJ2_SUCCEEDED(s) && !same_boot && st.size > saved.offset) {
        /* gone before the row says that its bytes are of this boot */
        s = bcj2__os_truncate(d->sink_fd, saved.offset);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__drive_fail_locally(e, d, s, "looking at the temporary file", bcj2__detail_get());
        return;
    }
    memcpy(d->get_boot_id, boot_id, sizeof d->get_boot_id);
    const struct get_plan plan = plan_of(d);
    bcj2__get_init(&d->get, &plan, &saved);
    d->saved_offset = saved.offset;
    d->sync_asked = saved.synced;
    d->sync_ms = e->now_ms;
    const struct get_event event = {.type = GET_EV_START, .now_ms = e->now_ms};
    step_get(e, d, &event);
}

/* ---- the machine ---- */

/* Stores the download's facts and its progress, as the getters show it. */
bool bcj2__drive_get_save(struct engine *e, struct drive *d)
{
    if (!bcj2__drive_save(e, d) ||
        !(d->type == BCJ2_JOB_TYPE_UPLOAD_REPLY ? bcj2__drive_reply_save(e, d)
                                                : bcj2__drive_file_save(e, d))) {
        return false;
    }
    d->saved_offset = d->get.saved.offset;
    d->saved_ms = e->now_ms;
    return true;
}

/* What the file has behind the beginning of an accepted body, or behind the whole reply, belongs to
   nothing. */
static bool cut_file(struct engine *e, struct drive *d, uint64_t size)
{
    struct os_stat st = {0};
    bcj2_status s = bcj2__os_fstat(d->sink_fd, d->temp, &st);
    if (BCJ2_SUCCEEDED(s) && st.size > size) {
        s = bcj2__os_truncate(d->sink_fd, size);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__drive_fail_locally(e, d, s, "cutting the temporary file", bcj2__detail_get());
        return false;
    }
    return true;
}

static void apply_get(struct engine *e, struct drive *d)
{
    struct get_step *step = &d->get_step;
    if (step->note != NULL) {
        bcj2__log(&e->core->log, LOG_INFO, "job %lld: %s", (long long)d->seq, step->note);
    }
    if (step->restarted) {
        d->sync_asked = 0; /* a sync that is under way is about the old bytes */
        e->durable = true; /* or a power cut brings back what is known of them, beside new ones */
    }
    if ((step->connected && !bcj2__drive_connected(e, d)) ||
        (step->cut && !cut_file(e, d, step->offset)) ||
        ((step->save || step->restarted) && !bcj2__drive_get_save(e, d))) {
        return;
    }
    switch (step->want) {
    case GET_WANT_REQUEST:
        d->act = DRIVE_ACT_GET;
        break;
    case GET_WANT_BODY:
        d->act = DRIVE_ACT_BODY;
        break;
    case GET_WANT_IGNORE:
        d->act = DRIVE_ACT_IGNORE;
        break;
    case GET_WANT_DONE:
        d->act = DRIVE_ACT_SYNC;
        break;
    case GET_WANT_FAIL:
        bcj2__drive_fail(e, d, &step->failure, BUP_PACKET_NONE,
                         step->failure.context == BCJ2_ERROR_CONTEXT_LOCAL_FILE
                             ? bcj2__status_text(step->failure.code)
                             : NULL);
        break;
    }
}

static void step_get(struct engine *e, struct drive *d, const struct get_event *event)
{
    if (d->ended || !bcj2__drive_ours(e, d)) {
        return;
    }
    d->get_step = bcj2__get_step(&d->get, event);
    apply_get(e, d);
}

void bcj2__drive_get_event(struct engine *e, struct drive *d, const struct net_event *event)
{
    struct get_event step = {
        .now_ms = e->now_ms,
        .head = event->head,
        .elapsed_ms = event->elapsed_ms,
        .written = d->flowing ? event->sink_offset : d->get.saved.offset,
        .failure = event->failure,
        .local_status = event->local_status,
        .immediate_retries_allowed = d->retries_allowed,
    };
    if (d->type == BCJ2_JOB_TYPE_DOWNLOAD) {
        bcj2__drive_file_head(e, d, event);
    }
    if (event->type == NET_EV_HEAD) {
        step.type = GET_EV_HEAD;
    } else {
        step.type = event->failure == NET_OK ? GET_EV_BODY_END : GET_EV_NO_ANSWER;
        bool progressed = d->flowing && event->sink_offset > d->flow_offset;
        d->flowing = false;
        if (progressed && (!bcj2__drive_ours(e, d) || !bcj2__drive_progressed(e, d))) {
            return;
        }
    }
    step_get(e, d, &step);
}

void bcj2__drive_get_failed_to_start(struct engine *e, struct drive *d)
{
    const struct get_event event = {
        .type = GET_EV_NO_ANSWER,
        .now_ms = e->now_ms,
        .written = d->get.saved.offset,
        .failure = NET_NO_MEMORY,
        .local_status = BCJ2_E_OUTOFMEMORY,
    };
    step_get(e, d, &event);
}

/* ---- after the commit ---- */

static const char *get_method(const struct drive *d)
{
    bool own = d->type == BCJ2_JOB_TYPE_DOWNLOAD && d->http.row.method != NULL;
    return own ? d->http.row.method : "GET";
}

static enum net_redirects redirects(const struct drive *d)
{
    uint32_t flags = d->type == BCJ2_JOB_TYPE_DOWNLOAD ? d->http.row.security_flags : 0;
    if ((flags & BCJ2_HTTP_REDIRECT_POLICY_MASK) == BCJ2_HTTP_REDIRECT_POLICY_DISALLOW) {
        return NET_REDIRECTS_NONE;
    }
    return (flags & BCJ2_HTTP_REDIRECT_POLICY_ALLOW_HTTPS_TO_HTTP) != 0
               ? NET_REDIRECTS_FOLLOW_DOWNGRADE
               : NET_REDIRECTS_FOLLOW;
}

bcj2_status bcj2__drive_get_send(struct engine *e, struct drive *d)
{
    const struct get_request *r = &d->get_step.request;
    CLEANUP_BUF struct buf lines = BUF_INIT(LIMIT_HEAD_BYTES);
    if (r->range) {
        (void)bcj2__buf_printf(&lines, "Range: bytes=%llu-", (unsigned long long)r->first);
        if (r->last != GET_TO_END) {
            (void)bcj2__buf_printf(&lines, "%llu", (unsigned long long)r->last);
        }
        (void)bcj2__buf_append(&lines, "", 1);
    }
    if (r->if_range != NULL) {
        (void)bcj2__buf_printf(&lines, "If-Range: %s", r->if_range);
        (void)bcj2__buf_append(&lines, "", 1);
    }
    if (r->if_unmodified_since != NULL) {
        (void)bcj2__buf_printf(&lines, "If-Unmodified-Since: %s", r->if_unmodified_since);
        (void)bcj2__buf_append(&lines, "", 1);
    }
    (void)bcj2__buf_append(&lines, "", 1);
    if (!bcj2__buf_ok(&lines)) {
        return bcj2__detail_no_memory();
    }
    const char *url = r->alternative && d->get_other_url != NULL ? d->get_other_url : d->get_url;
    struct net_tls tls;
    struct net_request request = {
        .token = d->token,
        .method = r->head ? "HEAD" : get_method(d),
        .url = url,
        .lines = lines.data,
        .body_fd = -1,
        .redirects = redirects(d),
        .http2 = true,
        .pause_at_body = true,
        .sink_fd = d->sink_fd,
        .response_timeout_ms = bcj2__timeouts.response_ms,
    };
    /* a reply may lie on another server, which is not to see what the job's own may see */
    bcj2__http_options_fill(&d->http, bcj2__url_same_origin(url, d->remote_name), &request, &tls);
    bcj2__net_abort(e->net, d->token); /* of an answer that was not wanted to its end */
    return bcj2__net_start(e->net, &request);
}
