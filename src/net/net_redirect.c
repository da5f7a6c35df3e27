/* SPDX-License-Identifier: MIT */
/* Redirects, followed by hand: libcurl would carry header lines and client certificates to any host.
   What belongs to the request's own origin is dropped for good at the first hop to another. Not here:
   putting the transfer back among the running (net_engine.c). */
#include "net_internal.h"
#include "limit.h"
#include "mem.h"
#include "os.h"
#include "str.h"
#include "url.h"

bool bcj2__net_is_redirect(const struct xfer *x)
{
    if (x->redirects == NET_REDIRECTS_NONE) {
        return false;
    }
    switch (x->head.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: {
        const char *location = bcj2__hdrs_get(&x->head, "Location");
        return location != NULL && location[0] != '\0';
    }
    default:
        return false;
    }
}

static bool is_https(const char *url)
{
    return bcj2__str_same_n(url, "https:", 6);
}

/* Where the head points; NULL: nowhere we go, and x has failed. mem_free_secret. */
static char *target(struct xfer *x)
{
    struct buf url = BUF_INIT(LIMIT_URL_BYTES);
    if (x->hops >= LIMIT_REDIRECTS) {
        bcj2__net_fail(x, NET_REDIRECT_REFUSED, "too many redirects");
        return NULL;
    }
    if (!bcj2__url_resolve(x->url, bcj2__hdrs_get(&x->head, "Location"), &url)) {
        bool no_memory = url.no_memory;
        bcj2__net_fail(x, no_memory ? NET_NO_MEMORY : NET_REDIRECT_REFUSED,
                       no_memory ? "no memory for the URL of a redirect"
                                 : "a redirect to what is no http or https URL without user name");
        bcj2__buf_done(&url);
        return NULL;
    }
    if (is_https(x->url) && !is_https(url.data) && x->redirects != NET_REDIRECTS_FOLLOW_DOWNGRADE) {
        bcj2__net_fail(x, NET_REDIRECT_REFUSED, "a redirect from https to http");
        bcj2__buf_done(&url);
        return NULL;
    }
    char *result = bcj2__buf_take(&url);
    bcj2__buf_done(&url);
    return result;
}

static CURLcode leave_origin(struct xfer *x)
{
    if (x->last_public != NULL) {
        bcj2__net_wipe_lines(x->last_public->next);
        x->last_public->next = NULL;
        x->last_public = NULL;
    }
    return bcj2__net_drop_certificate(x);
}

/* A 303 is fetched; so is, as everybody does it, what a POST is redirected to by 301 and 302. */
static CURLcode change_method(struct xfer *x)
{
    bool becomes_get =
        (x->head.status == 303 && !x->is_head) || (x->head.status < 303 && x->is_post);
    if (!becomes_get) {
        return CURLE_OK;
    }
    x->is_post = false;
    CURLcode result = curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, NULL);
    SET(result, x->easy, CURLOPT_HTTPGET, 1L);
    return result;
}

/* As a transfer that has not begun, on its next hop. */
static void start_over(struct xfer *x, char *url)
{
    bcj2__mem_free_secret(x->url);
    x->url = url;
    x->hops++;
    bcj2__hdrs_clear(&x->head);
    x->head_complete = false;
    x->connected = x->reused = false;
    x->connections_made = 0;
    x->received = x->seen_received = 0;
    x->detail[0] = x->why[0] = '\0';
    x->phase = XFER_CONNECTING;
    x->moved_ms = bcj2__os_now_ms();
}

bool bcj2__net_redirect(struct xfer *x)
{
    char *url = target(x);
    if (url == NULL) {
        return false;
    }
    CURLcode result = bcj2__url_same_origin(x->url, url) ? CURLE_OK : leave_origin(x);
    if (result == CURLE_OK) {
        result = change_method(x);
    }
    SET(result, x->easy, CURLOPT_URL, url);
    if (result != CURLE_OK) {
        bcj2__mem_free_secret(url);
        bcj2__net_fail(x, NET_NO_MEMORY, "no memory to follow a redirect");
        return false;
    }
    start_over(x, url);
    return true;
}
