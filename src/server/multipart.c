/* SPDX-License-Identifier: MIT */
/* See multipart.h. The body is made of pieces: text in memory, or a stretch of the file. */
#include "multipart.h"
#include "guid.h"
#include "mem.h"
#include "server.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES 65536

struct piece {
    char *text;      /* NULL: of the file */
    uint64_t offset; /* in the file */
    uint64_t length;
};

struct body {
    struct request *request;
    int fd;
    struct piece *pieces;
    size_t count;
    size_t current;      /* the piece that is being sent, */
    uint64_t current_at; /* and where it begins in the body */
};

static void body_free(void *argument)
{
    struct body *b = argument;
    for (size_t i = 0; i < b->count; i++) {
        bcj2__mem_free(b->pieces[i].text);
    }
    (void)close(b->fd);
    bcj2__mem_free(b->pieces);
    bcj2__mem_free(b);
}

static ssize_t body_read(void *argument, uint64_t at, char *data, size_t max)
{
    struct body *b = argument;
    while (b->current < b->count && at >= b->current_at + b->pieces[b->current].length) {
        b->current_at += b->pieces[b->current++].length;
    }
    if (b->current == b->count) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    const struct piece *piece = &b->pieces[b->current];
    uint64_t inside = at - b->current_at;
    size_t want = (size_t)MIN((uint64_t)max, piece->length - inside);
    want = request_allowance(b->request, want);
    if (b->request->pace_due_ms > bcj2__os_now_ms()) {
        request_pace(b->request); /* nothing now; asked again when it may go on */
        return 0;
    }
    ssize_t n = (ssize_t)want;
    if (piece->text != NULL) {
        memcpy(data, piece->text + inside, want);
    } else {
        n = tree_pread(b->fd, data, want, (off_t)(piece->offset + inside));
    }
    if (n <= 0) {
        return MHD_CONTENT_READER_END_WITH_ERROR; /* the file became shorter */
    }
    request_passed(b->request, (size_t)n);
    return n;
}

/* Text piece i; false: no memory. */
static bool set_text(struct body *b, size_t i, char *text)
{
    b->pieces[i] = (struct piece){.text = text, .length = text == NULL ? 0 : strlen(text)};
    return text != NULL;
}

static bool fill(struct body *b, uint64_t size, const struct byte_range *ranges, size_t count,
                 const char *boundary)
{
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        if (count > 1) {
            ok = set_text(b, b->count++,
                          bcj2__mem_printf("%s--%s\r\nContent-Type: application/octet-stream\r\n"
                                           "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64
                                           "\r\n\r\n",
                                           i == 0 ? "" : "\r\n", boundary, ranges[i].first,
                                           ranges[i].last, size));
        }
        b->pieces[b->count++] = (struct piece){.offset = ranges[i].first,
                                               .length = ranges[i].last - ranges[i].first + 1};
    }
    return ok &&
           (count == 1 || set_text(b, b->count++, bcj2__mem_printf("\r\n--%s--\r\n", boundary)));
}

static uint64_t length_of(const struct body *b)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < b->count; i++) {
        sum += b->pieces[i].length;
    }
    return sum;
}

struct MHD_Response *multipart_response(struct request *r, int fd, uint64_t size,
                                        const struct byte_range *ranges, size_t count)
{
    char boundary[BCJ2_GUID_TEXT_SIZE], type[sizeof boundary + 40];
    bcj2_guid random = bcj2__guid_random();
    bcj2__guid_format(&random, boundary);
    boundary[strlen(boundary) - 1] = '\0'; /* without the braces */
    struct body *b = bcj2__mem_calloc(1, sizeof *b);
    if (b == NULL) {
        (void)close(fd);
        return NULL;
    }
    *b = (struct body){.request = r, .fd = fd};
    b->pieces = bcj2__mem_calloc(count * 2 + 1, sizeof *b->pieces);
    bool ok = b->pieces != NULL && fill(b, size, ranges, count, boundary + 1);
    uint64_t length = r->server->config.no_length ? MHD_SIZE_UNKNOWN : length_of(b);
    struct MHD_Response *response =
        ok ? MHD_create_response_from_callback(length, BLOCK_BYTES, body_read, b, body_free) : NULL;
    if (response == NULL) {
        body_free(b);
    } else if (count > 1) {
        (void)snprintf(type, sizeof type, "multipart/byteranges; boundary=%s", boundary + 1);
        (void)MHD_add_response_header(response, "Content-Type", type);
    }
    return response;
}
