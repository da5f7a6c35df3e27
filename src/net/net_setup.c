/* SPDX-License-Identifier: MIT */
/* The options of an easy handle: everything about a request that libcurl is told, in one place. */
#include "net_internal.h"
#include "detail.h"
#include "limit.h"
#include "mem.h"
#include "os.h"
#include "str.h"
#include "timeouts.h"

#include <bcj2/version.h>
#include <string.h>

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)user;
    (void)purpose;
    int fd = bcj2__os_socket(address->family, address->socktype, address->protocol);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static bool add_line(struct xfer *x, const char *line)
{
    struct curl_slist *grown = curl_slist_append(x->lines, line);
    if (grown == NULL) {
        return false;
    }
    x->lines = grown;
    return true;
}

/* libcurl takes "Name:" for "leave it out" and "Name;" for an empty value. */
static bool add_field(struct xfer *x, const char *line)
{
    size_t length = strlen(line), value_length = 0;
    const char *colon = memchr(line, ':', length);
    if (colon != NULL) {
        (void)bcj2__str_trim(colon + 1, length - (size_t)(colon + 1 - line), &value_length);
    }
    if (colon == NULL || value_length != 0) {
        return add_line(x, line);
    }
    struct buf empty = BUF_INIT(LIMIT_HEAD_BYTES);
    bool ok = bcj2__buf_append(&empty, line, (size_t)(colon - line)) &&
              bcj2__buf_text(&empty, ";") && add_line(x, empty.data);
    bcj2__buf_done(&empty);
    return ok;
}

static bool add_fields(struct xfer *x, const char *lines)
{
    for (const char *line = lines; line != NULL && line[0] != '\0'; line += strlen(line) + 1) {
        if (!add_field(x, line)) {
            return false;
        }
    }
    return true;
}

static bool make_lines(struct xfer *x, const struct net_request *request)
{
    /* A body goes out at once, with no type: it has none. */
    bool ok = add_fields(x, request->lines) &&
              (x->has_body ? add_line(x, "Expect:") && add_line(x, "Content-Type:")
                           : add_line(x, "Accept-Encoding: identity"));
    if (!ok || request->private_lines == NULL) {
        return ok;
    }
    for (x->last_public = x->lines; x->last_public->next != NULL;) {
        x->last_public = x->last_public->next;
    }
    return add_fields(x, request->private_lines);
}

static CURLcode set_connection(const struct xfer *x)
{
    CURL *easy = x->easy;
#if LIBCURL_VERSION_NUM >= 0x075500
    CURLcode result = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    CURLcode result = curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    SET(result, easy, CURLOPT_CONNECTTIMEOUT_MS, (long)bcj2__timeouts.connect_ms);
    SET(result, easy, CURLOPT_NOSIGNAL, 1L);
    /* the URL as it was given: what "../" means is for the server to say */
    SET(result, easy, CURLOPT_PATH_AS_IS, 1L);
    SET(result, easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(result, easy, CURLOPT_TCP_NODELAY, 1L);
    SET(result, easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(result, easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* An abort must not wait for the resolver's thread: it ends by itself. */
    SET(result, easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    return result;
}

static CURLcode set_callbacks(struct xfer *x)
{
    CURL *easy = x->easy;
    CURLcode result = curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
    SET(result, easy, CURLOPT_ERRORBUFFER, x->detail);
    SET(result, easy, CURLOPT_HEADERFUNCTION, bcj2__net_on_header);
    SET(result, easy, CURLOPT_HEADERDATA, x);
    /* what a proxy says to CONNECT is not the server's: taken for its answer, it would outlive a
       certificate that could not be verified */
    SET(result, easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(result, easy, CURLOPT_WRITEFUNCTION, bcj2__net_on_write);
    SET(result, easy, CURLOPT_WRITEDATA, x);
    SET(result, easy, CURLOPT_NOPROGRESS, 0L);
    SET(result, easy, CURLOPT_XFERINFOFUNCTION, bcj2__net_on_progress);
    SET(result, easy, CURLOPT_XFERINFODATA, x);
    SET(result, easy, CURLOPT_PREREQFUNCTION, bcj2__net_on_request);
    SET(result, easy, CURLOPT_PREREQDATA, x);
    return result;
}

static CURLcode set_body(struct xfer *x, const char *method)
{
    CURL *easy = x->easy;
    long chunk = x->body_length >= NET_SEND_BUFFER ? NET_SEND_BUFFER : 64L * 1024;
    CURLcode result = curl_easy_setopt(easy, CURLOPT_POST, 1L);
    SET(result, easy, CURLOPT_CUSTOMREQUEST, method);
    SET(result, easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_length);
    SET(result, easy, CURLOPT_READFUNCTION, bcj2__net_on_read);
    SET(result, easy, CURLOPT_READDATA, x);
    SET(result, easy, CURLOPT_SEEKFUNCTION, bcj2__net_on_seek);
    SET(result, easy, CURLOPT_SEEKDATA, x);
    SET(result, easy, CURLOPT_UPLOAD_BUFFERSIZE, chunk);
    SET(result, easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return result;
}

static CURLcode set_download(struct xfer *x, const struct net_request *request)
{
    CURL *easy = x->easy;
    CURLcode result = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (x->is_head) {
        SET(result, easy, CURLOPT_NOBODY, 1L);
    } else if (strcmp(request->method, "GET") != 0) {
        SET(result, easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    SET(result, easy, CURLOPT_HTTP_VERSION,
        (long)(request->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    if (x->sink_fd >= 0) {
        SET(result, easy, CURLOPT_BUFFERSIZE, NET_RECEIVE_BUFFER);
    }
    return result;
}

bcj2_status bcj2__net_setup(struct xfer *x, const struct net_request *request)
{
    x->url = bcj2__mem_strdup(request->url);
    if (x->url == NULL || !make_lines(x, request)) {
        return bcj2__detail_no_memory();
    }
    CURLcode result = set_callbacks(x);
    if (result == CURLE_OK) {
        result = set_connection(x);
    }
    if (result == CURLE_OK) {
        result = bcj2__net_set_tls(x, request->tls);
    }
    if (result == CURLE_OK) {
        result = x->has_body ? set_body(x, request->method) : set_download(x, request);
    }
    SET(result, x->easy, CURLOPT_URL, x->url);
    SET(result, x->easy, CURLOPT_USERAGENT, "libbcj2/" BCJ2_VERSION);
    SET(result, x->easy, CURLOPT_HTTPHEADER, x->lines);
    return bcj2__net_status_of(result);
}
