/* SPDX-License-Identifier: MIT */
/* See drive.h: the life of a running job. */
#include "drive.h"
#include "detail.h"
#include "hosts.h"
#include "job.h"
#include "job_state.h"
#include "mem.h"
#include "network.h"
#include "temp_file.h"
#include "url.h"

#include <stdio.h>
#include <string.h>

bool bcj2__drive_ours(struct engine *e, struct drive *d)
{
    bcj2_job_state state = 0;
    if (!bcj2__engine_transaction(e)) {
        return false;
    }
    bcj2_status s = bcj2__store_job_state(e->core->store, d->seq, &state);
    if (s == BCJ2_E_NOT_FOUND || (BCJ2_SUCCEEDED(s) && state != d->believed)) {
        bcj2__drive_reconcile(e, d);
        return false;
    }
    return bcj2__engine_check(e, s);
}

static uint64_t time_spent(const struct engine *e, const struct drive *d)
{
    return d->spent_ms + (e->now_ms - d->counted_ms);
}

static bool save_time(struct engine *e, struct drive *d)
{
    uint64_t was = d->spent_saved_ms;
    if (d->spent_anew) {
        return true;
    }
    d->spent_saved_ms = time_spent(e, d);
    return bcj2__engine_check(e, bcj2__store_set_download_ms(e->core->store, d->seq, was,
                                                             d->spent_saved_ms, bcj2__os_wall()));
}

bool bcj2__drive_save(struct engine *e, struct drive *d)
{
    struct store_transfer row = {.exists = true,
                                 .bup = d->bup.saved,
                                 .get = d->get.saved,
                                 .get_file = d->type == BCJ2_JOB_TYPE_DOWNLOAD ? d->file_index : 0};
    /* a session is about the file as it was when it began */
    uint64_t total = d->bup.saved.phase == BUP_NONE ? d->bytes_total : d->bup.saved.source.size;
    struct store_file file = {
        .index = d->file_index,
        .bytes_total = total,
        .bytes_transferred = MIN(d->bup.saved.acked + d->in_flight, total),
        .transferred = d->bup.saved.phase >= BUP_REPLY,
    };
    if (d->type == BCJ2_JOB_TYPE_DOWNLOAD || d->work == DRIVE_COPY) {
        const struct get_saved *get = &d->get.saved;
        file.bytes_total = get->total_known ? get->total : BCJ2_SIZE_UNKNOWN;
        file.bytes_transferred = get->offset;
        file.transferred = false;
        if (d->temp == NULL) {
            return bcj2__engine_transaction(e) && save_time(e, d); /* no file has been begun */
        }
    }
    memcpy(row.get_boot_id, d->get_boot_id, sizeof row.get_boot_id);
    return bcj2__engine_transaction(e) && save_time(e, d) &&
           bcj2__engine_check(e, bcj2__store_set_transfer(e->core->store, d->seq, &row)) &&
           bcj2__engine_check(e, bcj2__store_set_file_progress(e->core->store, d->seq, &file,
                                                               bcj2__os_wall()));
}

bool bcj2__drive_connected(struct engine *e, struct drive *d)
{
    if (d->believed == BCJ2_JOB_STATE_TRANSFERRING) {
        return true;
    }
    return bcj2__engine_check(e, bcj2__job_state_move_believed(e->core, d->seq, d->type,
                                                               &d->believed, JOB_EV_CONNECTED));
}

bool bcj2__drive_progressed(struct engine *e, struct drive *d)
{
    struct store_job job = {0};
    if (d->unclean_ends > 0) { /* whatever ended its runner, it gets on */
        d->unclean_ends = 0;
        if (!bcj2__engine_check(e, bcj2__store_set_unclean_ends(e->core->store, d->seq, 0,
                                                                bcj2__os_wall()))) {
            return false;
        }
    }
    if (!d->series) {
        return true;
    }
    d->series = false;
    bool ok = bcj2__engine_check(e, bcj2__store_job_by_seq(e->core->store, d->seq, &job));
    job.series_start = (struct store_deadline){0};
    ok = ok && bcj2__engine_check(e, bcj2__store_set_retry(e->core->store, &job, bcj2__os_wall()));
    bcj2__store_job_done(&job);
    return ok;
}

/* ---- start ---- */

static bcj2_status load(struct engine *e, struct drive *d, struct store_job *job,
                        struct store_file *file)
{
    struct store_transfer transfer = {0};
    bcj2_status s = bcj2__store_job_by_seq(e->core->store, d->seq, job);
    if (BCJ2_SUCCEEDED(s) && job->type != BCJ2_JOB_TYPE_DOWNLOAD) {
        s = bcj2__store_file(e->core->store, d->seq, 0, file);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_transfer(e->core->store, d->seq, &transfer);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    d->id = job->id;
    d->type = job->type;
    d->priority = job->priority;
    d->believed = job->state;
    d->spent_ms = d->spent_saved_ms = job->download_ms;
    d->max_download_s = job->max_download_s;
    d->retries_allowed = job->no_progress_s != 0;
    d->retry_delay_s = job->retry_delay_s;
    d->unclean_ends = job->unclean_ends;
    d->series = job->series_start.set;
    d->failing_ms = bcj2__job_since_ms(&job->series_start, e->now_ms);
    if (d->type != BCJ2_JOB_TYPE_DOWNLOAD) {
        d->remote_name = TAKE(file->remote_name);
        d->local_name = TAKE(file->local_name);
        d->temp = TAKE(job->reply_temp);
        bcj2__bup_msg_content_name(d->local_name, d->content_name);
        bcj2__bup_init(&d->bup, d->type, d->priority, &transfer.bup);
    }
    d->file_index = transfer.get_file;
    d->get.saved = transfer.get;
    memcpy(d->get_boot_id, transfer.get_boot_id, sizeof d->get_boot_id);
    return BCJ2_OK;
}

static struct drive *new_drive(struct engine *e, int64_t seq)
{
    struct drive *d = bcj2__mem_calloc(1, sizeof *d);
    if (d != NULL) {
        d->token = e->next_token++;
        d->seq = seq;
        d->source_fd = d->sink_fd = -1;
        d->started_ms = d->counted_ms = e->now_ms;
        d->bytes_total = BCJ2_SIZE_UNKNOWN;
        e->drives[e->drive_count++] = d;
    }
    return d;
}

/* Who is first was read before the transaction: somebody may have suspended it, say, since. */
static bool still_queued(struct engine *e, int64_t seq)
{
    bcj2_job_state state = BCJ2_JOB_STATE_QUEUED;
    bcj2_status s = bcj2__store_job_state(e->core->store, seq, &state);
    return s != BCJ2_E_NOT_FOUND && bcj2__engine_check(e, s) && state == BCJ2_JOB_STATE_QUEUED;
}

/* It may have been suspended and resumed since we last looked, and we have not heard of it yet: then its
   last run does not know that it is over. Two runs of a job would both believe that it is theirs. */
static void end_last_run(struct engine *e, int64_t seq)
{
    for (uint32_t i = 0; i < e->drive_count; i++) {
        if (e->drives[i]->seq == seq) {
            bcj2__drive_reconcile(e, e->drives[i]);
        }
    }
}

/* Without its options it sends nothing. */
static bool load_options(struct engine *e, struct drive *d)
{
    bcj2_status s = bcj2__http_options_load(e->core, d->seq, &d->http);
    /* no descriptor, a disk that stutters: others go on meanwhile */
    bool transient = s == BCJ2_E_FAIL;
    if (s != BCJ2_E_DECRYPTION_FAILED && s != BCJ2_E_ACCESSDENIED && !transient) {
        bool ok = bcj2__engine_check_job(e, d->seq, s);
        d->ended = d->ended || !ok;
        return ok;
    }
    const struct failure f = bcj2__classify_local(s, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                                                  transient, "opening the job's secrets");
    bcj2__drive_fail(e, d, &f, BUP_PACKET_NONE, bcj2__detail_get());
    return false;
}

static void begin(struct engine *e, struct drive *d)
{
    if (!load_options(e, d)) {
        return;
    }
    if (d->type == BCJ2_JOB_TYPE_DOWNLOAD) {
        bcj2__drive_next_file(e, d);
    } else if (bcj2__url_is_file(d->remote_name)) {
        bcj2__drive_copy_upload(e, d);
    } else {
        bcj2__drive_upload_begin(e, d);
    }
}

void bcj2__drive_start(struct engine *e, int64_t seq)
{
    struct store_job job = {0};
    struct store_file file = {0};
    struct drive *d = NULL;
    if (!bcj2__engine_transaction(e) || !still_queued(e, seq)) {
        return;
    }
    end_last_run(e, seq);
    d = new_drive(e, seq);
    bcj2_status s = d == NULL ? bcj2__detail_no_memory() : load(e, d, &job, &file);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__job_state_move_believed(e->core, seq, d->type, &d->believed, JOB_EV_START);
    }
    if (BCJ2_SUCCEEDED(s)) {
        bcj2__hosts_begin(e->core->hosts, job.host, d->token);
    }
    bcj2__store_job_done(&job);
    bcj2__store_file_done(&file);
    if (bcj2__engine_check_job(e, seq, s)) {
        begin(e, d);
    } else if (d != NULL) {
        d->ended = true;
    }
}

/* ---- what happens to it ---- */

/* Who could not be reached rests; who answered does not. Of a proxy nothing follows for the host. */
static void note_host(struct engine *e, const struct drive *d, const struct net_event *event)
{
    char host[URL_HOST_SIZE];
    bcj2__url_host(event->url, host);
    if (event->failure == NET_NAME_NOT_RESOLVED || event->failure == NET_CANNOT_CONNECT) {
        bcj2__hosts_failed(e->core->hosts, host, e->now_ms, (uint64_t)d->retry_delay_s * 1000);
    } else if (event->connected && bcj2__hosts_answered(e->core->hosts, host)) {
        e->schedule = true;
    }
    if (event->effective_url != NULL && d->get_url != NULL) { /* who sent us there has answered */
        bcj2__url_host(d->get_url, host);
        e->schedule = bcj2__hosts_answered(e->core->hosts, host) || e->schedule;
    }
}

void bcj2__drive_net_event(struct engine *e, struct drive *d, const struct net_event *event)
{
    struct net_event seen = *event;
    if (d->ended) {
        return;
    }
    seen.failure = bcj2__network_blame(e, event);
    note_host(e, d, &seen);
    if (d->work == DRIVE_GET) {
        bcj2__drive_get_event(e, d, &seen);
    } else {
        bcj2__drive_upload_event(e, d, &seen);
    }
}

/* When it has run for as long as it may. */
static uint64_t time_over_ms(const struct drive *d)
{
    uint64_t all_ms = (uint64_t)d->max_download_s * 1000;
    return d->counted_ms + (all_ms > d->spent_ms ? all_ms - d->spent_ms : 0);
}

uint64_t bcj2__drive_deadline(const struct engine *e, const struct drive *d)
{
    if (d->ended) {
        return UINT64_MAX;
    }
    uint64_t at = d->work == DRIVE_GET      ? bcj2__drive_flow_deadline(e, d)
                  : d->work == DRIVE_UPLOAD ? bcj2__drive_upload_deadline(e, d)
                                            : UINT64_MAX;
    return MIN(at, time_over_ms(d));
}

static void end_by_time(struct engine *e, struct drive *d)
{
    char detail[96];
    (void)snprintf(detail, sizeof detail, "the transfer has taken the %u seconds that it may take.",
                   (unsigned)d->max_download_s);
    const struct failure f =
        bcj2__classify_local(BCJ2_E_MAXDOWNLOAD_TIMEOUT, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                             false, NULL);
    bcj2__drive_fail(e, d, &f, BUP_PACKET_NONE, detail);
}

void bcj2__drive_turn(struct engine *e, struct drive *d)
{
    if (d->ended) {
        return;
    }
    bool over = time_over_ms(d) <= e->now_ms;
    if (over && !bcj2__drive_ours(e, d)) {
        return;
    }
    if (over) {
        bcj2__drive_look(e, d); /* a Resume may have come that we have not heard of */
        over = time_over_ms(d) <= e->now_ms;
    }
    if (over) {
        end_by_time(e, d);
    } else if (d->not_started) {
        d->not_started = false;
        if (d->work == DRIVE_GET) {
            bcj2__drive_get_failed_to_start(e, d);
        } else {
            bcj2__drive_upload_failed_to_start(e, d);
        }
    } else if (d->opened) {
        d->opened = false;
        bcj2__drive_get_opened(e, d);
    } else if (d->flowing) {
        bcj2__drive_flow_progress(e, d);
    } else if (d->asking) {
        bcj2__drive_upload_progress(e, d);
    }
}

/* ---- after the commit ---- */

void bcj2__drive_act(struct engine *e, struct drive *d)
{
    if (d->ended) {
        d->act = DRIVE_ACT_NONE;
        bcj2__net_abort(e->net, d->token);
        return;
    }
    if (d->act == DRIVE_ACT_SEND) {
        bcj2__drive_upload_act(e, d);
    } else if (d->act == DRIVE_ACT_COPY) {
        bcj2__drive_copy_act(e, d);
    } else {
        bcj2__drive_flow_act(e, d);
    }
}

void bcj2__drive_free(struct engine *e, struct drive *d)
{
    bcj2__net_abort(e->net, d->token);
    bcj2__hosts_end(e->core->hosts, d->token);
    (void)bcj2__os_close(d->source_fd);
    bcj2__temp_file_close(&d->sink_fd);
    if (d->copy != NULL) {
        bcj2__copy_done(d->copy);
        bcj2__mem_free(d->copy);
    }
    if (d->discard && d->temp != NULL) {
        (void)bcj2__os_unlink(d->temp); /* made after the Cancel looked for it */
    }
    bcj2__mem_free(d->remote_name);
    bcj2__mem_free(d->local_name);
    bcj2__mem_free(d->temp);
    bcj2__mem_free(d->get_url);
    bcj2__mem_free(d->get_other_url);
    bcj2__mem_free(d->response_headers);
    bcj2__mem_free(d->reported_url);
    bcj2__mem_free(d->ranges);
    bcj2__http_options_done(&d->http);
    bcj2__mem_wipe(d, sizeof *d); /* session ids are capabilities */
    bcj2__mem_free(d);
}
