/* SPDX-License-Identifier: MIT */
/* One transfer: what libcurl's callbacks note down, which time-out counts, and the verdict at the
   end. A callback never starts, ends or resumes a transfer: it notes, and asks libcurl to stop or
   to wait. Not here: the multi handle and the events (net_engine.c). */
#include "net_internal.h"
#include "detail.h"
#include "limit.h"
#include "os.h"
#include "str.h"
#include "timeouts.h"
#include "url.h"

#include <stdio.h>
#include <string.h>

static bool is_drained(const struct xfer *x)
{
    return x->sink_fd < 0 && !x->asks_at_body && !x->awaits_answer;
}

void bcj2__net_fail(struct xfer *x, enum net_failure failure, const char *why)
{
    x->failure = failure;
    (void)snprintf(x->why, sizeof x->why, "%s", why);
}

/* Is the file still the one that the request meant? */
static bool guard_holds(const struct xfer *x)
{
    struct os_stat now = {0};
    return !x->body_guarded ||
           (BCJ2_SUCCEEDED(bcj2__os_fstat(x->body_fd, "the file to send", &now)) &&
            now.size == x->body_file_size && now.mtime_s == x->body_mtime_s &&
            now.mtime_ns == x->body_mtime_ns);
}

/* ---- callbacks ---- */

size_t bcj2__net_on_read(char *to, size_t size, size_t count, void *user)
{
    struct xfer *x = user;
    /* libcurl would send what is beyond the announced length too: stop exactly there. */
    uint64_t left = x->body_length - x->body_taken;
    size_t wanted = (size_t)MIN((uint64_t)size * count, left), got = 0;
    if (wanted == 0) {
        return 0;
    }
    x->local_status = bcj2__os_pread(x->body_fd, to, wanted, x->body_offset + x->body_taken, &got);
    if (BCJ2_FAILED(x->local_status)) {
        bcj2__net_fail(x, NET_LOCAL_READ, bcj2__detail_get());
        return CURL_READFUNC_ABORT;
    }
    if (got < wanted) {
        bcj2__net_fail(x, NET_LOCAL_SHORT, "the file ended before the part to send did");
        return CURL_READFUNC_ABORT;
    }
    /* looked at after the last byte was read: then all of them are of the same file */
    if (x->body_taken + got == x->body_length && !guard_holds(x)) {
        bcj2__net_fail(x, NET_LOCAL_SHORT, "the file changed while it was being sent");
        return CURL_READFUNC_ABORT;
    }
    x->body_taken += got;
    return got;
}

/* libcurl rewinds a body when a kept connection turns out to be dead, to send it again on a new
   one. Only a body no larger than a probe may go out twice unasked: for others the upload's state
   machine asks the server first where to go on. */
int bcj2__net_on_seek(void *user, curl_off_t offset, int origin)
{
    struct xfer *x = user;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > x->body_length ||
        ((uint64_t)offset < x->body_taken && x->body_length > LIMIT_FRAGMENT_MIN)) {
        return CURL_SEEKFUNC_FAIL;
    }
    x->body_taken = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* One line of a 1xx head. A server may say that it works, but not for ever. */
static bool interim_line(struct xfer *x, size_t length, bool begins)
{
    x->interim_heads += begins ? 1 : 0;
    x->interim_bytes += (uint32_t)MIN(length, (size_t)LIMIT_HEAD_BYTES);
    if (x->interim_heads > LIMIT_INTERIM_HEADS || x->interim_bytes > LIMIT_HEAD_BYTES) {
        bcj2__net_fail(x, NET_BAD_HTTP, "too many interim answers");
        return false;
    }
    return true;
}

size_t bcj2__net_on_header(char *line, size_t size, size_t count, void *user)
{
    struct xfer *x = user;
    size_t length = size * count;
    if (x->head_complete) {
        return length; /* a trailer */
    }
    bool begins = length >= 5 && memcmp(line, "HTTP/", 5) == 0;
    if (!bcj2__hdrs_line(&x->head, line, length)) {
        if (x->head.text.no_memory) {
            bcj2__net_fail(x, NET_NO_MEMORY, "no memory for the head of the answer");
        } else {
            bcj2__net_fail(x, NET_BAD_HTTP, "the head of the answer is malformed or too large");
        }
        return 0;
    }
    if (x->head.status < 200) { /* the answer is still to come, and its clock runs */
        return interim_line(x, length, begins) ? length : 0;
    }
    if (begins || line[0] == '\r' || line[0] == '\n') {
        /* not at each line between: a head as a whole has the time of a stall */
        x->moved_ms = bcj2__os_now_ms();
    }
    if (x->phase == XFER_SENDING || x->phase == XFER_WAITING) {
        x->phase = XFER_RECEIVING;
    }
    if (line[0] == '\r' || line[0] == '\n') {
        x->head_complete = true;
        x->head_ms = x->moved_ms;
    }
    return length;
}

size_t bcj2__net_on_write(char *data, size_t size, size_t count, void *user)
{
    struct xfer *x = user;
    size_t length = size * count;
    if (length == 0) {
        return 0;
    }
    if (bcj2__net_is_redirect(x)) {
        x->received += length;
        if (x->received > LIMIT_ERROR_BODY_BYTES) {
            bcj2__net_fail(x, NET_BAD_HTTP, "the body of a redirect is too large");
            return 0;
        }
        return length;
    }
    if (x->asks_at_body) {
        x->asks_at_body = false;
        x->awaits_answer = true;
        x->phase = XFER_PAUSED;
        bcj2__net_due(x, XFER_HEAD_DUE);
    }
    if (x->awaits_answer) {
        return CURL_WRITEFUNC_PAUSE;
    }
    x->received += length;
    if (x->sink_fd < 0) {
        x->cut = x->received > LIMIT_ERROR_BODY_BYTES;
        return x->cut ? 0 : length;
    }
    size_t wanted = (size_t)MIN(length, x->sink_end - MIN(x->sink_end, x->sink_offset));
    x->local_status = bcj2__os_pwrite(x->sink_fd, data, wanted, x->sink_offset);
    if (BCJ2_FAILED(x->local_status)) {
        bcj2__net_fail(x, NET_LOCAL_WRITE, bcj2__detail_get());
        return 0;
    }
    x->sink_offset += wanted;
    x->written += wanted;
    x->cut = wanted < length;
    return x->cut ? 0 : length;
}

int bcj2__net_on_progress(void *user, curl_off_t to_receive, curl_off_t received,
                          curl_off_t to_send, curl_off_t sent)
{
    struct xfer *x = user;
    (void)to_receive;
    (void)to_send;
    if ((uint64_t)sent != x->sent || (uint64_t)received != x->seen_received) {
        x->sent = (uint64_t)sent;
        x->seen_received = (uint64_t)received;
        x->moved_ms = bcj2__os_now_ms();
    }
    if (x->phase == XFER_SENDING && x->sent >= x->body_length) {
        x->phase = XFER_WAITING;
    }
    return 0;
}

/* A connection is there and the request goes out now: the first time, or the same again on a new connection. */
int bcj2__net_on_request(void *user, char *remote_ip, char *local_ip, int remote_port,
                         int local_port)
{
    struct xfer *x = user;
    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    /* A libcurl that sends a body again rewinds it only if some of it reached the socket. */
    if (bcj2__net_on_seek(x, 0, SEEK_SET) != CURL_SEEKFUNC_OK) {
        bcj2__net_fail(x, NET_CONNECTION_BROKE,
                       "the connection was closed while the body was being sent");
        return CURL_PREREQFUNC_ABORT;
    }
    long made = 0;
    (void)curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &made);
    x->reused = made == x->connections_made;
    x->connections_made = made;
    bcj2__hdrs_clear(&x->head);
    x->head_complete = false;
    x->interim_heads = x->interim_bytes = 0;
    x->connected = true;
    x->sent = x->seen_received = 0;
    x->moved_ms = bcj2__os_now_ms();
    x->phase = x->body_length > 0 ? XFER_SENDING : XFER_WAITING;
    return CURL_PREREQFUNC_OK;
}

/* ---- time-outs ---- */

uint64_t bcj2__net_deadline(const struct xfer *x)
{
    uint64_t receive_stall_ms = bcj2__timeouts.receive_stall_ms;
    switch (x->phase) {
    case XFER_SENDING:
        return x->moved_ms + bcj2__timeouts.send_stall_ms;
    case XFER_WAITING:
        return x->moved_ms + x->response_timeout_ms;
    case XFER_RECEIVING:
        /* What nobody wants may not dribble for ever. */
        if (x->head_complete && (is_drained(x) || bcj2__net_is_redirect(x)) &&
            x->sent >= x->body_length) {
            return MIN(x->head_ms, x->moved_ms) + receive_stall_ms;
        }
        return x->moved_ms + receive_stall_ms;
    case XFER_CONNECTING:
    case XFER_PAUSED:
    case XFER_OVER:
        break;
    }
    return UINT64_MAX;
}

/* ---- the end ---- */

/* Was it the proxy that could not be reached? Before libcurl 8.7 only its words tell: they name the
   host and port it tried. */
static bool went_to_proxy(const struct xfer *x)
{
#if LIBCURL_VERSION_NUM >= 0x080700
    long used = 0;
    return curl_easy_getinfo(x->easy, CURLINFO_USED_PROXY, &used) == CURLE_OK && used != 0;
#else
    static const char start[] = "Failed to connect to ";
    struct url parts;
    char problem[128], origin[LIMIT_URL_BYTES + 32];
    if (!bcj2__str_starts(x->detail, start) || !bcj2__url_parse(x->url, &parts, problem)) {
        return false;
    }
    bool bracketed = parts.host[0] == '[';
    (void)snprintf(origin, sizeof origin, "%.*s port %u ",
                   (int)parts.host_length - (bracketed ? 2 : 0), parts.host + (bracketed ? 1 : 0),
                   (unsigned)parts.port);
    return !bcj2__str_same_n(x->detail + sizeof start - 1, origin, strlen(origin));
#endif
}

/* A proxy refused to open a tunnel: its status is the answer. Only that: nobody has vouched for what it
   says in the fields of its head, and the server it stands before said nothing. */
static bool tunnel_was_refused(struct xfer *x)
{
    long status = 0;
    if (x->connected ||
        curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &status) != CURLE_OK ||
        status < 300 || status > 999) {
        return false;
    }
    bcj2__hdrs_clear(&x->head);
    x->head.status = (uint32_t)status;
    x->head.http_major = x->head.http_minor = 1;
    x->head_complete = true;
    return true;
}

static enum net_failure failure_of(const struct xfer *x, CURLcode result)
{
    long os_error = 0;
    (void)curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &os_error);
    struct net_fault fault = {
        .code = result,
        .connected = x->connected,
        .head_begun = x->head.status != 0 && !x->head_complete,
        .to_proxy = went_to_proxy(x),
        .os_error = (int)os_error,
        .detail = x->detail,
    };
    return bcj2__net_failure_of(&fault);
}

/* The answer's head is there and nobody wants its body: however the connection ended then, this is
   the answer. So is one that came before the request was completely sent. */
static bool answer_stands(const struct xfer *x)
{
    switch (x->failure) {
    case NET_LOCAL_READ:
    case NET_LOCAL_SHORT:
    case NET_LOCAL_WRITE:
    case NET_NO_MEMORY:
        return false;
    default:
        return x->head_complete && is_drained(x);
    }
}

static void note_numbers(struct xfer *x)
{
    curl_off_t sent = 0;
    if (curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &sent) == CURLE_OK && sent > 0) {
        x->sent = MAX(x->sent, (uint64_t)sent);
    }
}

void bcj2__net_conclude(struct xfer *x, CURLcode result)
{
    note_numbers(x);
    if (x->cut) {
        result = CURLE_OK;
    }
    if (x->failure == NET_OK && result != CURLE_OK && !tunnel_was_refused(x)) {
        bcj2__net_fail(x, failure_of(x, result),
                       x->detail[0] != '\0' ? x->detail : curl_easy_strerror(result));
    }
    if (x->failure != NET_OK && bcj2__net_is_redirect(x)) {
        bcj2__hdrs_clear(&x->head); /* the redirect is not the answer */
        x->head_complete = false;
    }
    if (answer_stands(x)) {
        x->failure = NET_OK;
    }
    if (x->failure == NET_OK && !x->head_complete) {
        /* Some versions of libcurl are content with a head that was cut off. */
        bcj2__net_fail(x, NET_CONNECTION_BROKE, "the connection ended within the head");
    }
    bcj2__net_clean_detail(x->why);
    if (x->failure == NET_OK) {
        x->why[0] = '\0';
    }
    x->phase = XFER_OVER;
}
