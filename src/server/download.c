/* SPDX-License-Identifier: MIT */
/* GET and HEAD of replies and ordinary files: validators, conditions, ranges (wire-protocol 3.5,
   4.6). */
#include "guid.h"
#include "mem.h"
#include "multipart.h"
#include "range.h"
#include "request.h"
#include "server.h"
#include "str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct resource {
    int fd;
    uint64_t size;
    int64_t modified; /* Unix seconds */
    char etag[48], last_modified[40];
};

/* ---- what is there ---- */

/* BITS-Sessions is closed, but for the reply of a session that lives. */
static bool is_live_reply(struct request *r, const char *path)
{
    static const char middle[] = "/" TREE_SESSIONS "/Replies/";
    const char *at = strstr(path, middle);
    char id_text[BCJ2_GUID_TEXT_SIZE];
    bcj2_guid id;
    if (at == NULL ||
        !bcj2__str_copy(id_text, sizeof id_text, at + sizeof middle - 1,
                        strcspn(at + sizeof middle - 1, "/")) ||
        !bcj2__guid_parse(id_text, &id)) {
        return false;
    }
    struct session *session = sessions_find_by_id(&r->server->sessions, &id);
    if (session == NULL) {
        return false;
    }
    size_t folder = 0;
    (void)tree_name(session->path, &folder);
    char *expected = bcj2__mem_printf("%.*s%s%s/" SESSION_REPLY_FILE, (int)folder, session->path,
                                      middle, session->id_text);
    (void)pthread_mutex_lock(&session->lock);
    bool live = expected != NULL && strcmp(expected, path) == 0 && !session->gone &&
                session->has_reply_file && session->m.phase == BUP_SRV_WAIT_CLOSE;
    (void)pthread_mutex_unlock(&session->lock);
    if (live) {
        session_touch(r->server, session);
    }
    session_release(r->server, session);
    bcj2__mem_free(expected);
    return live;
}

/* The same file has the same tag, a changed one another: size, time in nanoseconds and inode. */
static void make_etag(const struct stat *st, char *etag, size_t size)
{
    uint64_t parts[] = {(uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec,
                        (uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_ino};
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (unsigned shift = 0; shift < 64; shift += 8) {
            hash = (hash ^ (parts[i] >> shift & 0xFF)) * UINT64_C(1099511628211);
        }
    }
    (void)snprintf(etag, size, "\"%" PRIx64 "-%" PRIx64 "\"", parts[0], hash);
}

static bool open_resource(struct request *r, struct resource *ret)
{
    const char *path = bcj2__buf_cstr(&r->path);
    struct stat st;
    if (tree_is_reserved(path) && !is_live_reply(r, path)) {
        return false;
    }
    ret->fd = tree_open_file(&r->server->tree, path, &st);
    if (ret->fd < 0) {
        return false;
    }
    ret->size = (uint64_t)st.st_size;
    ret->modified = (int64_t)st.st_mtim.tv_sec;
    make_etag(&st, ret->etag, sizeof ret->etag);
    bcj2__range_format_date(ret->modified, ret->last_modified);
    return true;
}

/* ---- conditions ---- */

/* Is the tag in a list of tags, or the list "*"? weak: W/ counts as equal. */
static bool tag_listed(const char *list, const char *tag, bool weak)
{
    if (strcmp(list, "*") == 0) {
        return true;
    }
    size_t length = strlen(tag);
    for (const char *p = list; *p != '\0'; p += strcspn(p, ",")) {
        p += strspn(p, ", \t");
        bool is_weak = strncmp(p, "W/", 2) == 0;
        p += is_weak ? 2 : 0;
        size_t rest = strncmp(p, tag, length) == 0 ? length : 0;
        if (rest > 0 && strchr(", \t", p[rest]) != NULL && (weak || !is_weak)) {
            return true;
        }
    }
    return false;
}

static const char *field(const struct request *r, const char *name)
{
    return bcj2__hdrs_get(&r->head, name);
}

/* 412, 304, or 0: go on (RFC 9110 13.2.2). */
static unsigned precondition(const struct request *r, const struct resource *f)
{
    int64_t date = 0;
    const char *match = field(r, "If-Match"), *none = field(r, "If-None-Match");
    const char *unmodified = field(r, "If-Unmodified-Since");
    const char *modified = field(r, "If-Modified-Since");
    if (match != NULL) {
        if (!tag_listed(match, f->etag, false)) {
            return MHD_HTTP_PRECONDITION_FAILED;
        }
    } else if (unmodified != NULL && bcj2__range_parse_date(unmodified, &date) &&
               f->modified > date) {
        return MHD_HTTP_PRECONDITION_FAILED;
    }
    if (none != NULL) {
        return tag_listed(none, f->etag, true) ? MHD_HTTP_NOT_MODIFIED : 0;
    }
    if (modified != NULL && bcj2__range_parse_date(modified, &date) && f->modified <= date) {
        return MHD_HTTP_NOT_MODIFIED;
    }
    return 0;
}

/* May the Range be used? With If-Range only for the very same file. */
static bool range_applies(const struct request *r, const struct resource *f)
{
    const char *condition = field(r, "If-Range");
    if (r->server->config.no_ranges || field(r, "Range") == NULL) {
        return false;
    }
    if (condition == NULL || strcmp(condition, f->etag) == 0) {
        return true;
    }
    /* a date is only good for a file that did not change in the second it was sent */
    return strcmp(condition, f->last_modified) == 0 && f->modified < (int64_t)time(NULL) - 1;
}

/* ---- the answer ---- */

static enum MHD_Result send_response(struct request *r, const struct resource *f, unsigned status,
                                     struct MHD_Response *response)
{
    if (response == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "ETag", f->etag);
    (void)MHD_add_response_header(response, "Last-Modified", f->last_modified);
    if (!r->server->config.no_ranges) {
        (void)MHD_add_response_header(response, "Accept-Ranges", "bytes");
    }
    if (status == MHD_HTTP_RANGE_NOT_SATISFIABLE) {
        char range[40];
        (void)snprintf(range, sizeof range, "bytes */%" PRIu64, f->size);
        (void)MHD_add_response_header(response, "Content-Range", range);
    }
    r->stage = REQUEST_SENT;
    enum MHD_Result result = MHD_queue_response(r->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_nothing(struct request *r, const struct resource *f, unsigned status)
{
    static char nothing[1];
    (void)close(f->fd);
    return send_response(r, f, status,
                         MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT));
}

/* One stretch of the file: by the system, unless we have to see it pass. */
static struct MHD_Response *stretch(struct request *r, const struct resource *f,
                                    const struct byte_range *range)
{
    const struct config *config = &r->server->config;
    if (config->limit_rate != 0 || config->no_length) {
        return multipart_response(r, f->fd, f->size, range, 1);
    }
    struct MHD_Response *response =
        MHD_create_response_from_fd_at_offset64(range->last - range->first + 1, f->fd,
                                                range->first);
    if (response == NULL) {
        (void)close(f->fd);
    }
    return response;
}

static enum MHD_Result send_ranges(struct request *r, const struct resource *f,
                                   const struct byte_range *ranges, size_t count)
{
    struct MHD_Response *response = count == 1
                                        ? stretch(r, f, &ranges[0])
                                        : multipart_response(r, f->fd, f->size, ranges, count);
    if (response != NULL && count == 1) {
        char text[80];
        (void)snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, ranges[0].first,
                       ranges[0].last, f->size);
        (void)MHD_add_response_header(response, "Content-Range", text);
    }
    return send_response(r, f, MHD_HTTP_PARTIAL_CONTENT, response);
}

static enum MHD_Result send_whole(struct request *r, const struct resource *f)
{
    if (f->size == 0) {
        return send_nothing(r, f, MHD_HTTP_OK);
    }
    struct byte_range all = {0, f->size - 1};
    return send_response(r, f, MHD_HTTP_OK, stretch(r, f, &all));
}

static enum MHD_Result send_asked(struct request *r, const struct resource *f)
{
    struct byte_range *ranges = bcj2__mem_calloc(LIMIT_SERVER_RANGES, sizeof *ranges);
    bool satisfiable = true;
    if (ranges == NULL) {
        (void)close(f->fd);
        return MHD_NO;
    }
    size_t count = bcj2__range_parse_request(field(r, "Range"), f->size, ranges,
                                             LIMIT_SERVER_RANGES, &satisfiable);
    enum MHD_Result result = !satisfiable ? send_nothing(r, f, MHD_HTTP_RANGE_NOT_SATISFIABLE)
                             : count == 0 ? send_whole(r, f)
                                          : send_ranges(r, f, ranges, count);
    bcj2__mem_free(ranges);
    return result;
}

enum MHD_Result download(struct request *r)
{
    struct resource f = {.fd = -1};
    if (!open_resource(r, &f)) {
        return request_answer_plain(r, MHD_HTTP_NOT_FOUND, false);
    }
    unsigned refused = precondition(r, &f);
    if (refused != 0) {
        return send_nothing(r, &f, refused);
    }
    bool asked = !r->is_head && range_applies(r, &f); /* Range means nothing to HEAD */
    return asked ? send_asked(r, &f) : send_whole(r, &f);
}
