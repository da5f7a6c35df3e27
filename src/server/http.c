/* SPDX-License-Identifier: MIT */
/* libmicrohttpd: starting and stopping it, and the way of a request through its callbacks. */
#include "http.h"
#include "application.h"
#include "connection.h"
#include "listen.h"
#include "linger.h"
#include "mem.h"
#include "request.h"
#include "server.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- answers ---- */

static enum MHD_Result queue(struct request *r, unsigned status, struct MHD_Response *response,
                             bool close)
{
    if (response == NULL) {
        return MHD_NO;
    }
    if (close) {
        (void)MHD_add_response_header(response, "Connection", "close");
        r->lingers = true;
    }
    r->stage = REQUEST_SENT;
    enum MHD_Result result = MHD_queue_response(r->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *empty_response(void)
{
    static char nothing[1];
    return MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
}

enum MHD_Result request_answer_plain(struct request *r, unsigned status, bool close)
{
    struct MHD_Response *response = empty_response();
    if (response != NULL && status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(response, "Allow", "GET, HEAD, BITS_POST");
    }
    return queue(r, status, response, close);
}

/* Each "Name: value" line of the list to the response. */
static bool add_lines(struct MHD_Response *response, const struct buf *lines)
{
    char name[64];
    for (const char *line = bcj2__buf_cstr(lines); *line != '\0'; line += strlen(line) + 1) {
        const char *colon = strchr(line, ':');
        if (colon == NULL || !bcj2__str_copy(name, sizeof name, line, (size_t)(colon - line)) ||
            MHD_add_response_header(response, name, colon + 2) != MHD_YES) {
            return false;
        }
    }
    return true;
}

enum MHD_Result request_answer_ack(struct request *r, bool close)
{
    struct buf lines = BUF_INIT(LIMIT_HEAD_BYTES);
    struct MHD_Response *response = empty_response();
    bool ok = response != NULL &&
              bcj2__bup_srv_build(&r->server->config.rules, &r->answer, &lines) &&
              add_lines(response, &lines);
    bcj2__buf_done(&lines);
    if (!ok) {
        if (response != NULL) {
            MHD_destroy_response(response);
        }
        return MHD_NO;
    }
    return queue(r, r->answer.status, response, close);
}

/* ---- a request ---- */

static void *request_line(void *argument, const char *target, struct MHD_Connection *connection)
{
    struct request *r = bcj2__mem_calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    r->server = argument;
    r->connection = connection;
    r->fd = -1;
    r->raw_target = target;
    r->target = bcj2__mem_strdup(target == NULL ? "" : target);
    r->path = BUF_INIT(LIMIT_PATH_BYTES);
    bcj2__hdrs_init(&r->head);
    if (r->target == NULL) {
        bcj2__mem_free(r);
        return NULL;
    }
    return r;
}

static bool is_bits(const struct request *r, const char *method)
{
    if (strcmp(method, BUP_METHOD) == 0) {
        return true;
    }
    const char *override = bcj2__hdrs_get(&r->head, "X-Http-Method-Override");
    return strcmp(method, "POST") == 0 && override != NULL && strcmp(override, BUP_METHOD) == 0;
}

/* What is wrong with a request that is not a BITS packet; 0: nothing. */
static unsigned refusal(const struct request *r, const char *method)
{
    if (r->head_damaged || r->head.overflow || r->framing_doubtful) {
        return MHD_HTTP_BAD_REQUEST;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    return bcj2__buf_cstr(&r->path)[0] == '\0' ? MHD_HTTP_BAD_REQUEST : 0;
}

/* The first call: the head is there. */
static enum MHD_Result begin(struct request *r, const char *method, const char *version)
{
    request_read_head(r, method, version);
    if (!tree_decode(r->target, &r->path)) {
        bcj2__buf_clear(&r->path);
    }
    if (is_bits(r, method)) {
        return upload_begin(r);
    }
    r->is_head = strcmp(method, "HEAD") == 0;
    r->plain_status = refusal(r, method);
    if (r->plain_status == MHD_HTTP_BAD_REQUEST || bcj2__hdrs_get(&r->head, "Transfer-Encoding")) {
        return request_answer_plain(r, MHD_HTTP_BAD_REQUEST, true);
    }
    const char *length = bcj2__hdrs_get(&r->head, "Content-Length");
    if (length != NULL && strcmp(length, "0") != 0) { /* a body that nobody wants */
        return request_answer_plain(
            r, r->plain_status == 0 ? MHD_HTTP_CONTENT_TOO_LARGE : r->plain_status, true);
    }
    r->stage = r->plain_status == 0 ? REQUEST_GET : REQUEST_REFUSED;
    return MHD_YES;
}

static enum MHD_Result handle(void *argument, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **context)
{
    struct request *r = *context;
    (void)argument;
    (void)url;
    if (r == NULL) {
        return MHD_NO;
    }
    if (r->stage == REQUEST_NEW) {
        connection_head_came(r->server, connection);
        return begin(r, method, version);
    }
    if (*size != 0) {
        return upload_body(r, data, size);
    }
    switch (r->stage) {
    case REQUEST_GET:
        return download(r);
    case REQUEST_REFUSED:
        return request_answer_plain(r, r->plain_status, false);
    default:
        return upload_end(r);
    }
}

static void completed(void *argument, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code)
{
    struct request *r = *context;
    (void)argument;
    if (r == NULL) {
        return;
    }
    upload_done(r);
    connection_head_awaited(r->server, connection);
    if (r->lingers && code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
        int fd = fcntl(connection_socket(connection), F_DUPFD_CLOEXEC, 3);
        if (fd >= 0) {
            linger_add(&r->server->linger, fd);
        }
    }
    bcj2__hdrs_done(&r->head);
    bcj2__buf_done(&r->path);
    bcj2__mem_free_secret(r->target);
    bcj2__mem_free(r);
    *context = NULL;
}

/* Its words would mix with our log; each condition that matters is logged by us. */
static void PRINTF_LIKE(2, 0) no_words(void *argument, const char *format, va_list args)
{
    (void)argument;
    (void)format;
    (void)args;
}

/* ---- the daemon ---- */

static unsigned cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 2 ? 2 : (unsigned)MIN(n, 64);
}

bool http_start(struct server *server, char url[128], char problem[256])
{
    int fd = listen_open(server, url, problem);
    if (fd < 0) {
        return false;
    }
    (void)snprintf(server->own_url, sizeof server->own_url, "%s", url);
    server->daemon =
        MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                             MHD_USE_ERROR_LOG,
                         0, NULL, NULL, handle, server, MHD_OPTION_EXTERNAL_LOGGER, no_words, NULL,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, cores(),
                         MHD_OPTION_CONNECTION_LIMIT, LIMIT_SERVER_CONNECTIONS,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LIMIT_SERVER_CONNECTION_MEMORY,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)server->config.idle_timeout_s,
                         MHD_OPTION_NOTIFY_COMPLETED, completed, server,
                         MHD_OPTION_NOTIFY_CONNECTION, connection_notify, server,
                         MHD_OPTION_URI_LOG_CALLBACK, request_line, server, MHD_OPTION_END);
    if (server->daemon == NULL) {
        (void)snprintf(problem, 256, "the HTTP server cannot be started: %s", strerror(errno));
        (void)close(fd);
        return false;
    }
    return true;
}

void http_stop(struct server *server)
{
    (void)pthread_mutex_lock(&server->pause_lock);
    server->stopping = true; /* from now on nothing is suspended */
    (void)pthread_mutex_unlock(&server->pause_lock);
    timer_stop(&server->timer); /* resumes those that wait for a time */
    application_exec_stop(server);
    (void)pthread_mutex_lock(&server->pause_lock);
    while (server->paused > 0) {
        (void)pthread_cond_wait(&server->pause_ended, &server->pause_lock);
    }
    (void)pthread_mutex_unlock(&server->pause_lock);
    MHD_stop_daemon(server->daemon); /* closes the listening socket */
    server->daemon = NULL;
}
