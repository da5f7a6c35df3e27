/* SPDX-License-Identifier: MIT */
/* The engine: one multi handle, the running transfers and the events they make. Easy handles and their
   buffers are kept for the next transfer, connections by libcurl. Not here: how transfers move and are
   waited for (net_poll.c), what a transfer notes about itself (net_xfer.c). */
#include "net_internal.h"
#include "detail.h"
#include "mem.h"
#include "os.h"
#include "url.h"

#include <stdatomic.h>
#include <string.h>

/* libcurl's global part is made once and never undone: the program may use libcurl too. */
static bcj2_status global_init(void)
{
    static atomic_flag busy = ATOMIC_FLAG_INIT;
    static bool done;
    while (atomic_flag_test_and_set(&busy)) {
        /* another thread is in here, once in the life of the process */
    }
    CURLcode result = done ? CURLE_OK : curl_global_init(CURL_GLOBAL_DEFAULT);
    done = done || result == CURLE_OK;
    atomic_flag_clear(&busy);
    return bcj2__net_status_of(result);
}

/* ---- transfers ---- */

/* The state of a transfer that has not begun; what is kept between transfers stays. */
static void fill_xfer(struct net *n, struct xfer *x, const struct net_request *request)
{
    uint64_t now = bcj2__os_now_ms();
    *x = (struct xfer){
        .net = n,
        .easy = x->easy,
        .head = x->head,
        .token = request->token,
        .has_body = request->has_body,
        .redirects = request->has_body ? NET_REDIRECTS_NONE : request->redirects,
        .is_head = strcmp(request->method, "HEAD") == 0,
        .is_post = strcmp(request->method, "POST") == 0,
        .body_fd = request->body_fd,
        .body_offset = request->body_offset,
        .body_length = request->has_body ? request->body_length : 0,
        .body_guarded = request->body_guarded,
        .body_file_size = request->body_file_size,
        .body_mtime_s = request->body_mtime_s,
        .body_mtime_ns = request->body_mtime_ns,
        .response_timeout_ms = request->response_timeout_ms,
        .phase = XFER_CONNECTING,
        .started_ms = now,
        .moved_ms = now,
        .asks_at_body = request->pause_at_body,
        .sink_fd = request->sink_fd,
        .sink_end = UINT64_MAX,
    };
}

bcj2_status bcj2__net_start(struct net *n, const struct net_request *request)
{
    bcj2__net_free_spent(n);
    if (bcj2__net_find(n, request->token) != NULL) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "a transfer with this token is running");
    }
    struct xfer *x = bcj2__net_take(n);
    if (x == NULL) {
        return bcj2__detail_no_memory();
    }
    fill_xfer(n, x, request);
    bcj2_status status = bcj2__net_setup(x, request);
    if (BCJ2_SUCCEEDED(status) && x->failure == NET_OK) {
        status = bcj2__net_multi_status(curl_multi_add_handle(n->multi, x->easy), "adding");
    }
    if (BCJ2_FAILED(status)) {
        bcj2__net_keep(n, x);
        return status;
    }
    bcj2__net_link(n, x);
    n->moved = true;
    if (x->failure != NET_OK) { /* known before anything was sent */
        bcj2__net_clean_detail(x->why);
        x->phase = XFER_OVER;
        bcj2__net_due(x, XFER_DONE_DUE);
    }
    return BCJ2_OK;
}

/* The transfer goes on at another URL; false: it ends here. */
static bool go_on(struct xfer *x)
{
    if (!bcj2__net_redirect(x)) {
        return false;
    }
    if (curl_multi_add_handle(x->net->multi, x->easy) != CURLM_OK) {
        bcj2__net_fail(x, NET_NO_MEMORY, "no memory to follow a redirect");
        return false;
    }
    x->net->moved = true;
    return true;
}

void bcj2__net_finish(struct xfer *x, CURLcode result)
{
    (void)curl_multi_remove_handle(x->net->multi, x->easy);
    bcj2__net_conclude(x, result);
    if (x->failure == NET_OK && bcj2__net_is_redirect(x) && go_on(x)) {
        return;
    }
    if (x->due == XFER_HEAD_DUE || x->awaits_answer) {
        return; /* the head is to be told and answered first; bcj2__net_continue() finds that it is over */
    }
    if (x->asks_at_body && x->head_complete && !bcj2__net_is_redirect(x)) {
        x->asks_at_body = false;
        x->awaits_answer = true;
        bcj2__net_due(x, XFER_HEAD_DUE);
    } else {
        bcj2__net_due(x, XFER_DONE_DUE);
    }
}

bcj2_status bcj2__net_continue(struct net *n, uint64_t token, uint64_t sink_offset, bool ignore)
{
    bcj2__net_free_spent(n);
    struct xfer *x = bcj2__net_find(n, token);
    if (x == NULL || !x->awaits_answer || x->due != XFER_NOTHING_DUE) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "no transfer with this token waits at its body");
    }
    x->awaits_answer = false;
    x->sink_offset = sink_offset;
    x->sink_fd = ignore ? -1 : x->sink_fd;
    x->head_ms = x->moved_ms = bcj2__os_now_ms();
    if (x->phase == XFER_OVER) {
        if (ignore) {
            x->failure = NET_OK;
            x->why[0] = '\0';
        }
        bcj2__net_due(x, XFER_DONE_DUE);
        return BCJ2_OK;
    }
    x->phase = XFER_RECEIVING;
    n->moved = true;
    /* Some versions of libcurl hand over what they held back in here, and the sink may fail. */
    CURLcode result = curl_easy_pause(x->easy, CURLPAUSE_CONT);
    if (result != CURLE_OK || x->failure != NET_OK || x->cut) {
        bcj2__net_finish(x, result == CURLE_OK ? CURLE_WRITE_ERROR : result);
    }
    return BCJ2_OK;
}

void bcj2__net_bound(struct net *n, uint64_t token, uint64_t sink_end)
{
    struct xfer *x = bcj2__net_find(n, token);
    if (x != NULL) {
        x->sink_end = sink_end;
    }
}

void bcj2__net_abort(struct net *n, uint64_t token)
{
    bcj2__net_free_spent(n);
    struct xfer *x = bcj2__net_find(n, token);
    if (x == NULL) {
        return;
    }
    if (x->phase != XFER_OVER) {
        (void)curl_multi_remove_handle(n->multi, x->easy);
    }
    bcj2__net_forget_event(n, x);
    bcj2__net_unlink(n, x);
    bcj2__net_keep(n, x);
}

bool bcj2__net_progress(const struct net *n, uint64_t token, struct net_progress *ret)
{
    const struct xfer *x = bcj2__net_find(n, token);
    if (x == NULL) {
        return false;
    }
    *ret = (struct net_progress){
        .sent = x->sent,
        .written = x->written,
        .sending = x->phase != XFER_OVER && x->has_body &&
                   (x->phase == XFER_CONNECTING || x->sent < x->body_length),
    };
    return true;
}

uint32_t bcj2__net_running(const struct net *n)
{
    return n->running_count;
}

/* ---- events ---- */

/* A download's URL is one that a server made up, and the path of a reply often holds its session's id: of
   such a one only the host is named. */
static void url_for_log(const struct xfer *x, char text[256])
{
    bcj2__url_for_people(x->url, text);
    char *host = strstr(text, "://");
    if (!x->has_body && host != NULL) {
        host += 3;
        host[strcspn(host, "/")] = '\0';
    }
}

static void log_done(const struct xfer *x, uint64_t elapsed_ms)
{
    const struct log *log = x->net->log;
    if (log == NULL || log->callback == NULL) {
        return;
    }
    char url[256];
    url_for_log(x, url);
    bcj2__log(log, LOG_DEBUG, "%s: status %u, %s, %llu bytes sent, %llu written, %llu ms%s%s", url,
              (unsigned)x->head.status, bcj2__net_failure_text(x->failure),
              (unsigned long long)x->sent, (unsigned long long)x->written,
              (unsigned long long)elapsed_ms, x->why[0] == '\0' ? "" : ": ", x->why);
}

bool bcj2__net_next(struct net *n, struct net_event *ret)
{
    bcj2__net_free_spent(n);
    struct xfer *x = n->first_event;
    if (x == NULL) {
        return false;
    }
    n->first_event = x->next_event;
    if (n->first_event == NULL) {
        n->last_event = NULL;
    }
    bool done = x->due == XFER_DONE_DUE;
    x->due = XFER_NOTHING_DUE;
    *ret = (struct net_event){
        .type = done ? NET_EV_DONE : NET_EV_HEAD,
        .token = x->token,
        .head = &x->head,
        .failure = done ? x->failure : NET_OK,
        .local_status = x->local_status,
        .elapsed_ms = bcj2__os_now_ms() - x->started_ms,
        .sent = x->sent,
        .written = x->written,
        .sink_offset = x->sink_offset,
        .reused = x->reused,
        .connected = x->connected,
        .detail = done ? x->why : "",
        .url = x->url,
        .effective_url = x->hops > 0 ? x->url : NULL,
    };
    if (done) {
        log_done(x, ret->elapsed_ms);
        bcj2__net_unlink(n, x);
        n->spent = x;
    }
    return true;
}

/* ---- the engine itself ---- */

bcj2_status bcj2__net_create(const struct log *log, struct net **ret)
{
    *ret = NULL;
    bcj2_status status = global_init();
    if (BCJ2_FAILED(status)) {
        return status;
    }
    struct net *n = bcj2__mem_calloc(1, sizeof *n);
    if (n == NULL) {
        return bcj2__detail_no_memory();
    }
    n->log = log;
    const char *ca_file = bcj2__os_env("CURL_CA_BUNDLE");
    ca_file = ca_file != NULL ? ca_file : bcj2__os_env("SSL_CERT_FILE");
    n->ca_file = bcj2__mem_strdup(ca_file);
    n->multi = curl_multi_init();
    if ((ca_file != NULL && n->ca_file == NULL) || n->multi == NULL) {
        bcj2__net_destroy(n);
        return bcj2__detail_no_memory();
    }
    /* One transfer a connection: a paused one must not hold up another's. */
    CURLMcode code = curl_multi_setopt(n->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    if (code == CURLM_OK) {
        code = curl_multi_setopt(n->multi, CURLMOPT_MAXCONNECTS, (long)NET_KEPT_CONNECTIONS);
    }
    status = bcj2__net_multi_status(code, "setting up");
    if (BCJ2_FAILED(status)) {
        bcj2__net_destroy(n);
        return status;
    }
    *ret = n;
    return BCJ2_OK;
}

void *bcj2__net_destroy(struct net *n)
{
    if (n == NULL) {
        return NULL;
    }
    bcj2__net_free_spent(n);
    while (n->running != NULL) {
        bcj2__net_abort(n, n->running->token);
    }
    while (n->kept != NULL) {
        struct xfer *x = n->kept;
        n->kept = x->next;
        bcj2__net_free(x);
    }
    if (n->multi != NULL) {
        (void)curl_multi_cleanup(n->multi);
    }
    bcj2__net_free_identities(n);
    bcj2__mem_free(n->watched);
    bcj2__mem_free(n->ca_file);
    bcj2__mem_free(n);
    return NULL;
}
