/* SPDX-License-Identifier: MIT */
/* See drive.h: the upload. The source is opened, looked at with every answer, and sent from where it is. */
#include "drive.h"
#include "detail.h"
#include "job.h"
#include "mem.h"
#include "timeouts.h"
#include "url.h"

#include <string.h>

/* The file as it is now, for the machine. One that is gone, or has given its name to another, has
   changed: its size is that of no file. */
static struct bup_source source_now(const struct drive *d)
{
    struct os_stat st = {0};
    if (BCJ2_FAILED(bcj2__os_stat(d->local_name, true, &st)) || !st.exists ||
        st.device != d->source_device || st.inode != d->source_inode) {
        return (struct bup_source){.size = UINT64_MAX};
    }
    return (struct bup_source){.size = st.size, .mtime_s = st.mtime_s, .mtime_ns = st.mtime_ns};
}

/* Writes what a step of the upload machine says; the wish itself waits for the commit. */
static void apply(struct engine *e, struct drive *d)
{
    struct bup_step *step = &d->step;
    if (step->note != NULL) {
        bcj2__log(&e->core->log, LOG_INFO, "job %lld: %s", (long long)d->seq, step->note);
    }
    if ((step->connected && !bcj2__drive_connected(e, d)) ||
        (step->progress && !bcj2__drive_progressed(e, d)) ||
        (step->save != BUP_SAVE_NOT && !bcj2__drive_save(e, d))) {
        return;
    }
    e->durable = e->durable || step->save == BUP_SAVE_DURABLE;
    switch (step->want) {
    case BUP_WANT_SEND:
        d->act = DRIVE_ACT_SEND;
        break;
    case BUP_WANT_FETCH:
        bcj2__drive_reply_begin(e, d);
        break;
    case BUP_WANT_DONE:
        bcj2__drive_done(e, d, step->farewell);
        break;
    case BUP_WANT_FAIL:
        bcj2__drive_fail(e, d, &step->failure, step->farewell, NULL);
        break;
    }
}

void bcj2__drive_bup(struct engine *e, struct drive *d, const struct bup_event *event)
{
    if (d->ended || !bcj2__drive_ours(e, d)) {
        return;
    }
    d->asking = false;
    d->in_flight = 0;
    d->step = bcj2__bup_step(&d->bup, event);
    apply(e, d);
}

/* ---- the source ---- */

/* A source that the server has whole is not needed any more: its user may have removed it. */
static bcj2_status open_source(struct drive *d, struct bup_source *ret)
{
    struct os_stat st = {0};
    if (d->bup.saved.phase >= BUP_REPLY) {
        *ret = d->bup.saved.source;
        d->bytes_total = ret->size;
        return BCJ2_OK;
    }
    bcj2_status s = bcj2__os_open_source(d->local_name, &d->source_fd, &st);
    d->source_device = st.device;
    d->source_inode = st.inode;
    d->bytes_total = BCJ2_SUCCEEDED(s) ? st.size : BCJ2_SIZE_UNKNOWN;
    *ret = (struct bup_source){.size = st.size, .mtime_s = st.mtime_s, .mtime_ns = st.mtime_ns};
    return s;
}

static void no_source(struct engine *e, struct drive *d, bcj2_status s)
{
    bcj2__drive_fail_locally(e, d, s, "opening the file to upload", bcj2__detail_get());
}

void bcj2__drive_upload_begin(struct engine *e, struct drive *d)
{
    struct bup_event event = {.type = BUP_EV_START,
                              .now_ms = e->now_ms,
                              .failing_ms = d->failing_ms};
    bcj2_status s = open_source(d, &event.source);
    if (BCJ2_FAILED(s)) {
        no_source(e, d, s);
        return;
    }
    bcj2__drive_bup(e, d, &event);
}

/* The file as it is at an answer. No byte was sent before there is a session: what has the name then is
   the file to upload, whatever was opened before. False: there is none; the job has failed. */
static bool source_at_answer(struct engine *e, struct drive *d, struct bup_source *ret)
{
    *ret = source_now(d);
    if (d->bup.saved.phase != BUP_NONE) {
        return true;
    }
    d->bytes_total = ret->size;
    if (ret->size != UINT64_MAX) {
        return true;
    }
    (void)bcj2__os_close(d->source_fd);
    d->source_fd = -1;
    bcj2_status s = open_source(d, ret);
    if (BCJ2_FAILED(s) && bcj2__drive_ours(e, d)) {
        no_source(e, d, s);
    }
    return BCJ2_SUCCEEDED(s);
}

/* ---- what happens to its request ---- */

static void no_answer(struct engine *e, struct drive *d, enum net_failure failure,
                      bcj2_status local_status)
{
    const struct bup_event event = {
        .type = BUP_EV_NO_ANSWER,
        .now_ms = e->now_ms,
        .failure = failure,
        .local_status = local_status,
        .immediate_retries_allowed = d->retries_allowed,
    };
    bcj2__drive_bup(e, d, &event);
}

void bcj2__drive_upload_failed_to_start(struct engine *e, struct drive *d)
{
    no_answer(e, d, NET_NO_MEMORY, BCJ2_E_OUTOFMEMORY);
}

void bcj2__drive_upload_event(struct engine *e, struct drive *d, const struct net_event *event)
{
    if (event->type != NET_EV_DONE) {
        return;
    }
    if (event->failure != NET_OK) {
        if (event->detail[0] != '\0') {
            bcj2__log(&e->core->log, LOG_INFO, "job %lld: %s: %s", (long long)d->seq,
                      bcj2__net_failure_text(event->failure), event->detail);
        }
        no_answer(e, d, event->failure, event->local_status);
        return;
    }
    struct bup_event answer = {
        .type = BUP_EV_ANSWER,
        .now_ms = e->now_ms,
        .head = event->head,
        .elapsed_ms = event->elapsed_ms,
    };
    if (source_at_answer(e, d, &answer.source)) {
        bcj2__drive_bup(e, d, &answer);
    }
}

/* Bytes of the present fragment that have left us but are not stored as progress yet. */
static bool unsaved_upload(const struct engine *e, const struct drive *d, uint64_t *ret_sent)
{
    struct net_progress p = {0};
    if (!d->asking || !bcj2__net_progress(e->net, d->token, &p)) {
        return false;
    }
    *ret_sent = p.sent;
    return p.sent != d->in_flight;
}

/* The server's word comes with the answer; until then people see what left us: on a slow line, and while
   the application works on the last fragment. */
void bcj2__drive_upload_progress(struct engine *e, struct drive *d)
{
    uint64_t sent = 0;
    if (unsaved_upload(e, d, &sent) && e->now_ms - d->asked_ms >= DRIVE_SAVE_EVERY_MS &&
        bcj2__drive_ours(e, d)) {
        d->in_flight = sent;
        d->asked_ms = e->now_ms;
        (void)bcj2__drive_save(e, d);
    }
}

uint64_t bcj2__drive_upload_deadline(const struct engine *e, const struct drive *d)
{
    uint64_t sent = 0;
    return unsaved_upload(e, d, &sent) ? d->asked_ms + DRIVE_SAVE_EVERY_MS : UINT64_MAX;
}

/* ---- after the commit ---- */

static bcj2_status send(struct engine *e, struct drive *d)
{
    CLEANUP_BUF struct buf lines = BUF_INIT(LIMIT_HEAD_BYTES);
    CLEANUP_BUF struct buf url = BUF_INIT(LIMIT_URL_BYTES + LIMIT_HOST_ID_BYTES);
    struct bup_out out = d->step.request;
    out.content_name = d->content_name;
    bool built = bcj2__bup_msg_build(&out, &lines) &&
                 (d->step.host_id == NULL
                      ? bcj2__buf_append(&url, d->remote_name, strcspn(d->remote_name, "#"))
                      : bcj2__url_with_host(d->remote_name, d->step.host_id, &url));
    if (!built) {
        return bcj2__detail_no_memory();
    }
    struct net_tls tls;
    struct net_request request = {
        .token = d->token,
        .method = BUP_METHOD,
        .url = bcj2__buf_cstr(&url),
        .lines = bcj2__buf_cstr(&lines),
        .has_body = true,
        .body_fd = d->source_fd,
        .body_offset = out.first,
        .body_length = out.packet == BUP_PACKET_FRAGMENT ? out.length : 0,
        .body_guarded = out.packet == BUP_PACKET_FRAGMENT,
        .body_file_size = d->bup.saved.source.size,
        .body_mtime_s = d->bup.saved.source.mtime_s,
        .body_mtime_ns = d->bup.saved.source.mtime_ns,
        .sink_fd = -1,
        .response_timeout_ms =
            d->step.last ? bcj2__timeouts.last_response_ms : bcj2__timeouts.response_ms,
    };
    /* the server may have named another host: it has the file's bytes, it may have the rest */
    bcj2__http_options_fill(&d->http, true, &request, &tls);
    return bcj2__net_start(e->net, &request);
}

void bcj2__drive_upload_act(struct engine *e, struct drive *d)
{
    d->act = DRIVE_ACT_NONE;
    d->asking = BCJ2_SUCCEEDED(send(e, d));
    d->asked_ms = e->now_ms;
    if (!d->asking) {
        d->not_started = e->again = true;
    }
}
