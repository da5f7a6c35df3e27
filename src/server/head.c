/* SPDX-License-Identifier: MIT */
/* A request's head as libmicrohttpd read it, looked at again: it keeps of two lengths the first,
   takes a length together with chunking, joins folded lines wrongly, and cuts values at a NUL. */
#include "request.h"
#include "str.h"

#include <stdint.h>
#include <string.h>

/* libmicrohttpd before 1.0 cuts the head into strings where it stands in memory. So the end of one
   field and the name of the next are exactly a CR and an LF apart, or the head had a NUL, a folded
   line or a bare LF in it. */
struct walk {
    struct request *request;
    uintptr_t start, end; /* of the head */
    uintptr_t expected;   /* where the next name must begin; 0: not known */
    bool in_place;        /* the fields stand there, at least the first */
    uint32_t fields;
};

#define LINE_END 2 /* CR LF */

static enum MHD_Result add_field(void *argument, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct walk *w = argument;
    struct request *r = w->request;
    (void)kind;
    value = value == NULL ? "" : value;
    (void)bcj2__hdrs_add(&r->head, name, strlen(name), value, strlen(value));
    uintptr_t at = (uintptr_t)name;
    bool inside = at >= w->start && at < w->end;
    if (w->fields++ == 0) {
        w->in_place = inside;
    }
    if (w->in_place && (!inside || (w->expected != 0 && at != w->expected))) {
        r->head_damaged = true;
    }
    w->expected = (uintptr_t)value + strlen(value) + LINE_END;
    return MHD_YES;
}

/* Two lengths, or a length with chunking: nobody can say where the next request begins. */
static bool framing_doubtful(const struct hdrs *h)
{
    uint32_t lengths = bcj2__hdrs_count(h, "Content-Length");
    bool coded = bcj2__hdrs_get(h, "Transfer-Encoding") != NULL;
    return lengths > 1 || (lengths > 0 && coded);
}

/* A blank anywhere, or a control byte in the query, which goes on to the application as it is. (Those
   in the path make it one that must not be used.) */
static bool is_unclean(const char *target)
{
    const char *query = strchr(target, '?');
    for (const char *p = query; p != NULL && *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7F) {
            return true;
        }
    }
    return strchr(target, ' ') != NULL;
}

void request_read_head(struct request *r, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct walk w = {.request = r, .start = (uintptr_t)method};
    r->head_bytes = info == NULL ? 0 : info->header_size;
    w.end = w.start + r->head_bytes;
    bool one = strcmp(version, "HTTP/1.1") == 0;
    r->head.http_major = strncmp(version, "HTTP/1.", 7) == 0 ? 1 : 0;
    r->head.http_minor = one ? 1 : 0;
    if (MHD_get_version()[0] == '0') {
        w.expected = (uintptr_t)version + strlen(version) + LINE_END;
        /* a NUL or a second blank in the request line */
        r->head_damaged = (uintptr_t)r->raw_target != w.start + strlen(method) + 1 ||
                          (uintptr_t)version != (uintptr_t)r->raw_target + strlen(r->target) + 1;
    }
    (void)MHD_get_connection_values(r->connection, MHD_HEADER_KIND, add_field, &w);
    bool unclean = is_unclean(r->target);
    if (MHD_get_version()[0] != '0') {
        r->head_damaged = false; /* newer ones refuse such heads themselves */
    } else if (w.in_place && w.expected + LINE_END != w.end) {
        r->head_damaged = true;
    }
    r->head_damaged = r->head_damaged || unclean;
    r->framing_doubtful = framing_doubtful(&r->head) || r->head_damaged || r->head.overflow;
}
