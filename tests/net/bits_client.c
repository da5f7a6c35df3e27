/* SPDX-License-Identifier: MIT */
/* See bits_client.h. */
#include "bits_client.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_SIZE 16384

struct bits bits_open(const struct test_server *server, const char *path)
{
    return (struct bits){.server = server, .fd = raw_open(server_port(server)), .path = path};
}

void bits_close(struct bits *b)
{
    raw_close(b->fd);
    raw_free(&b->answer);
}

void bits_reconnect(struct bits *b)
{
    raw_close(b->fd);
    b->fd = raw_open(server_port(b->server));
}

void bits_read(struct bits *b)
{
    raw_free(&b->answer);
    raw_read(b->fd, true, &b->answer);
    ck_assert(b->answer.status == 0 || b->answer.body_length == 0); /* no Ack has a body */
}

static void send_head(struct bits *b, const char *packet, const char *extra, size_t length)
{
    char head[HEAD_SIZE], session[100] = "";
    if (b->session[0] != '\0') {
        (void)snprintf(session, sizeof session, "BITS-Session-Id: %s\r\n", b->session);
    }
    int n = snprintf(head, sizeof head,
                     "BITS_POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nBITS-Packet-Type: %s\r\n"
                     "%s%sContent-Length: %zu\r\n\r\n",
                     b->path, b->host_port != 0 ? b->host_port : server_port(b->server), packet,
                     session, extra, length);
    ck_assert_int_lt(n, HEAD_SIZE);
    raw_send(b->fd, head, (size_t)n);
}

unsigned bits_packet(struct bits *b, const char *packet, const char *extra)
{
    send_head(b, packet, extra, 0);
    bits_read(b);
    return b->answer.status;
}

unsigned bits_create(struct bits *b)
{
    b->session[0] = '\0';
    unsigned status =
        bits_packet(b, "Create-Session",
                    "BITS-Supported-Protocols: {7df0354d-249b-430f-820d-3d2a9bef4931}\r\n");
    ck_assert_uint_eq(status, 200);
    (void)snprintf(b->session, sizeof b->session, "%s", raw_field(&b->answer, "BITS-Session-Id"));
    return status;
}

void bits_fragment_head(struct bits *b, const char *range, size_t length)
{
    char field[200];
    (void)snprintf(field, sizeof field, "Content-Range: %s\r\n", range);
    send_head(b, "Fragment", field, length);
}

unsigned bits_fragment(struct bits *b, uint64_t first, const void *data, size_t length,
                       uint64_t total)
{
    char range[100];
    (void)snprintf(range, sizeof range, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
                   length == 0 ? first : first + length - 1, total);
    bits_fragment_head(b, range, length);
    raw_send(b->fd, data, length);
    bits_read(b);
    return b->answer.status;
}

uint64_t bits_offset(const struct bits *b)
{
    const char *text = raw_field(&b->answer, "BITS-Received-Content-Range");
    ck_assert_ptr_nonnull(text);
    return strtoull(text, NULL, 10);
}

uint32_t bits_error(const struct bits *b)
{
    char code[40] = "";
    const char *text = raw_field(&b->answer, "BITS-Error-Code");
    (void)snprintf(code, sizeof code, "%s", text == NULL ? "" : text);
    text = raw_field(&b->answer, "BITS-Error");
    ck_assert_str_eq(text == NULL ? "" : text, code);
    return (uint32_t)strtoul(code, NULL, 16);
}

uint32_t bits_context(const struct bits *b)
{
    const char *text = raw_field(&b->answer, "BITS-Error-Context");
    return text == NULL ? 0 : (uint32_t)strtoul(text, NULL, 16);
}

unsigned bits_get(struct bits *b, const char *path, const char *extra)
{
    char head[HEAD_SIZE];
    int n = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n", path, extra);
    ck_assert_int_lt(n, HEAD_SIZE);
    raw_send(b->fd, head, (size_t)n);
    raw_free(&b->answer);
    raw_read(b->fd, true, &b->answer);
    return b->answer.status;
}

char *bits_pattern(size_t size)
{
    char *data = malloc(size + 1);
    ck_assert_ptr_nonnull(data);
    uint32_t state = 12345;
    for (size_t i = 0; i < size; i++) {
        state = state * 1103515245u + 12345u;
        data[i] = (char)(state >> 16);
    }
    return data;
}
