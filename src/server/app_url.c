/* SPDX-License-Identifier: MIT */
/* --app-url and the notification properties: the upload is posted to an HTTP application, by value
   or by reference (wire-protocol 3.4). */
#include "application.h"
#include "mem.h"
#include "server.h"
#include "str.h"
#include "url.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <curl/curl.h>
#include <bcj2/version.h>

/* One request to the application. */
struct post {
    struct application *application;
    CURL *easy;
    struct curl_slist *fields;
    uint64_t offset, size; /* of the upload */
    int reply;             /* -1 until the first byte of the body */
    uint64_t replied;
    bool reply_failed;                          /* it could not be written */
    uint64_t started_ms, asked_ms, answered_ms; /* the three timers */
};

/* The configured URL, resolved against that of the upload, with the upload's query. The host of the
   upload's URL is what the client wrote into its Host field: who posts there lets clients choose where
   to; a relative URL is on this server. */
static bool make_url(const struct application *a, struct buf *ret)
{
    const char *upload = a->session->url;
    const char *query = strchr(upload, '?');
    struct url parts;
    char problem[128];
    CLEANUP_BUF struct buf base = BUF_INIT((size_t)LIMIT_URL_BYTES + sizeof a->server->own_url);
    if (!bcj2__url_parse(upload, &parts, problem) ||
        !bcj2__buf_append(&base, a->server->own_url, strcspn(a->server->own_url + 7, "/") + 7) ||
        !bcj2__buf_append(&base, parts.path, parts.path_length) ||
        !bcj2__url_resolve(bcj2__buf_cstr(&base), a->server->config.notification_url, ret)) {
        return false;
    }
    if (query != NULL && query[1] != '\0') {
        bool has_query = strchr(bcj2__buf_cstr(ret), '?') != NULL;
        (void)bcj2__buf_printf(ret, "%c%s", has_query ? '&' : '?', query + 1);
    }
    return bcj2__buf_ok(ret);
}

static size_t read_upload(char *data, size_t size, size_t count, void *argument)
{
    struct post *post = argument;
    size_t want = (size_t)MIN((uint64_t)(size * count), post->size - post->offset);
    ssize_t n = tree_pread(post->application->upload, data, want, (off_t)post->offset);
    if (n < 0 || (n == 0 && want > 0)) {
        return CURL_READFUNC_ABORT;
    }
    post->offset += (uint64_t)n;
    return (size_t)n;
}

static int seek_upload(void *argument, curl_off_t offset, int origin)
{
    struct post *post = argument;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > post->size) {
        return CURL_SEEKFUNC_FAIL;
    }
    post->offset = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static bool is_success(CURL *easy)
{
    long status = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
}

static size_t write_reply(char *data, size_t size, size_t count, void *argument)
{
    struct post *post = argument;
    size_t length = size * count;
    if (!is_success(post->easy)) {
        return length; /* the body of an error is nobody's reply */
    }
    if (post->reply < 0) { /* by reference the application may have made it: then that one counts */
        post->reply = openat(post->application->replies, SESSION_REPLY_FILE,
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (post->reply < 0 && errno == EEXIST) {
            return length;
        }
    }
    post->reply_failed = post->reply < 0 || tree_pwrite(post->reply, data, length,
                                                        (off_t)post->replied) != (ssize_t)length;
    post->replied += length;
    return post->reply_failed ? 0 : length;
}

static size_t read_field(char *line, size_t size, size_t count, void *argument)
{
    static const char copy[] = "BITS-Copy-File-To-Destination:";
    static const char static_url[] = "BITS-Static-Response-URL:";
    struct post *post = argument;
    struct application *a = post->application;
    size_t length = size * count;
    if (post->answered_ms == 0) {
        post->answered_ms = bcj2__os_now_ms();
    }
    if (length >= sizeof copy - 1 && bcj2__str_same_n(line, copy, sizeof copy - 1)) {
        a->copy = true;
    } else if (length >= sizeof static_url - 1 &&
               bcj2__str_same_n(line, static_url, sizeof static_url - 1)) {
        size_t value = length - (sizeof static_url - 1);
        while (value > 0 && strchr("\r\n", line[length - 1]) != NULL) {
            length--;
            value--;
        }
        const char *url = bcj2__str_trim(line + sizeof static_url - 1, value, &value);
        bcj2__mem_free(a->static_url);
        a->static_url = value == 0 ? NULL : bcj2__mem_strndup(url, value);
    }
    return size * count;
}

/* Each of sending, waiting for the head, and receiving has the whole time. */
static int watch(void *argument, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                 curl_off_t up)
{
    struct post *post = argument;
    uint64_t now = bcj2__os_now_ms(), since = post->started_ms;
    (void)down_total;
    (void)down;
    (void)up_total;
    if (post->asked_ms == 0 && (uint64_t)up >= post->size) {
        post->asked_ms = now;
    }
    if (post->answered_ms != 0) {
        since = post->answered_ms;
    } else if (post->asked_ms != 0) {
        since = post->asked_ms;
    }
    bool late = now - since > post->application->server->config.application_timeout_ms;
    return late || server_is_stopping(post->application->server);
}

static void add_field(struct post *post, const char *name, const char *value)
{
    char *line = bcj2__mem_printf("%s: %s", name, value);
    struct curl_slist *longer = line == NULL ? NULL : curl_slist_append(post->fields, line);
    if (longer != NULL) {
        post->fields = longer;
    }
    bcj2__mem_free_secret(line);
}

static void add_file_field(struct post *post, const char *name, const char *kind, const char *file)
{
    const struct session *session = post->application->session;
    size_t length = 0;
    (void)tree_name(session->path, &length);
    char *path =
        bcj2__mem_printf("%s%.*s/" TREE_SESSIONS "/%s/%s/%s", post->application->server->tree.path,
                         (int)length, session->path, kind, session->id_text, file);
    if (path != NULL) {
        add_field(post, name, path);
    }
    bcj2__mem_free(path);
}

static void set_options(struct post *post, const char *url, bool by_reference)
{
    CURL *easy = post->easy;
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->size);
    (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_upload);
    (void)curl_easy_setopt(easy, CURLOPT_READDATA, post);
    (void)curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_upload);
    (void)curl_easy_setopt(easy, CURLOPT_SEEKDATA, post);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_reply);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, read_field);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, post);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, watch);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFODATA, post);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "bcj2-server/" BCJ2_VERSION);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    add_field(post, "BITS-Original-Request-URL", post->application->session->url);
    if (by_reference) {
        add_file_field(post, "BITS-Request-DataFile-Name", "Requests", SESSION_REQUEST_FILE);
        add_file_field(post, "BITS-Response-DataFile-Name", "Replies", SESSION_REPLY_FILE);
    }
    post->fields = curl_slist_append(post->fields, "Expect:");
    post->fields = curl_slist_append(post->fields, "Content-Type: application/octet-stream");
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->fields);
}

static void judge(struct post *post, CURLcode result)
{
    struct application *a = post->application;
    long status = 0;
    (void)curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_ABORTED_BY_CALLBACK && !server_is_stopping(a->server)) {
        application_timed_out(a);
    } else if (post->reply_failed) {
        application_failed(a, 500);
        a->code = BCJ2_E_DISK_FULL;
        a->context = 5;
    } else if (result != CURLE_OK) {
        char shown[256];
        bcj2__url_for_people(a->server->config.notification_url, shown);
        event(&a->server->log, "error %s: %s", shown, curl_easy_strerror(result));
        application_failed(a, 502);
    } else if (status >= 200 && status < 300) {
        a->status = 200;
    } else { /* a 1xx cannot end a request; anything else goes on as it came */
        application_failed(a, status < 300 || status > 599 ? 502 : (uint32_t)status);
    }
}

void application_url(struct application *a)
{
    bool by_reference = a->server->config.notification == NOTIFY_BY_REFERENCE;
    struct post post = {.application = a, .easy = curl_easy_init(), .reply = -1};
    struct buf url = BUF_INIT(LIMIT_URL_BYTES);
    post.size = by_reference ? 0 : a->session->m.total;
    post.started_ms = bcj2__os_now_ms();
    if (post.easy == NULL || !make_url(a, &url)) {
        application_failed(a, 502);
    } else {
        set_options(&post, bcj2__buf_cstr(&url), by_reference);
        judge(&post, curl_easy_perform(post.easy));
    }
    if (post.reply >= 0) {
        (void)close(post.reply);
    }
    curl_slist_free_all(post.fields);
    curl_easy_cleanup(post.easy);
    bcj2__buf_done(&url);
}
