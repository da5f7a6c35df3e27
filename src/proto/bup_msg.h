/* SPDX-License-Identifier: MIT */
/* The packets of the BITS upload protocol as header fields, both sides: names, building, strict and
   tolerant reading (wire-protocol section 1). Not here: what follows from a packet (bup.h at the
   client, bup_srv.h at the server). */
#ifndef BCJ2_PROTO_BUP_MSG_H
#define BCJ2_PROTO_BUP_MSG_H

#include <stdbool.h>
#include <stdint.h>
#include <bcj2/status.h>
#include "buf.h"
#include "hdrs.h"
#include "limit.h"

#define BUP_METHOD      "BITS_POST"
#define BUP_PROTOCOL_ID "{7df0354d-249b-430f-820d-3d2a9bef4931}"
#define BUP_NEVER       UINT32_MAX /* BITS-Host-Id-Fallback-Timeout: no fallback */

enum bup_packet {
    BUP_PACKET_NONE = 0,
    BUP_PACKET_PING,
    BUP_PACKET_CREATE,
    BUP_PACKET_FRAGMENT,
    BUP_PACKET_CLOSE,
    BUP_PACKET_CANCEL,
    BUP_PACKET_ACK,
    BUP_PACKET_COUNT
};

const char *bcj2__bup_msg_packet_name(enum bup_packet packet); /* "Create-Session" */
enum bup_packet bcj2__bup_msg_packet_parse(const char *text);  /* case ignored; NONE if unknown */

/* hresult-lax: [0x|0X|x] 1 to 8 hexadecimal digits. */
bool bcj2__bup_msg_parse_hresult(const char *text, bcj2_status *ret);

/* ---- client: building ---- */

struct bup_out {
    enum bup_packet packet;
    const char *session_id;        /* FRAGMENT, CLOSE, CANCEL */
    const char *content_name;      /* FRAGMENT; NULL: left out */
    uint64_t first, length, total; /* FRAGMENT */
};

/* The header lines of a request, each "Name: value" with NUL after it, the last followed by one
   more NUL. Content-Length, Host, User-Agent and Accept are the transport's. */
bool bcj2__bup_msg_build(const struct bup_out *out, struct buf *ret_lines);

/* The Content-Name of a local path: its last part with illegal characters percent-encoded, cut to
   260 bytes at a character's end. */
void bcj2__bup_msg_content_name(const char *path, char ret[LIMIT_CONTENT_NAME_BYTES + 1]);

/* ---- client: reading, tolerant (1.4) ---- */

struct bup_ack {
    bool is_ack;      /* BITS-Packet-Type (or -Package-Type) says Ack */
    bool conflicting; /* a field that decides is there twice with different values */
    bool has_session_id, has_protocol, has_offset, has_error, has_context;
    char session_id[LIMIT_SESSION_ID_BYTES + 1]; /* only if it is valid */
    bool session_id_bad;                         /* there, but not 1 to 100 visible characters */
    char protocol[64];
    uint64_t offset;       /* BITS-Received-Content-Range */
    bool offset_bad;       /* there, but not a number */
    bcj2_status error;     /* BITS-Error-Code, else BITS-Error; absent on 200 and 201 */
    uint32_t context;      /* 5 or 7 (others: has_context false) */
    const char *host_id;   /* into the head; NULL if absent, empty or not a host-id */
    bool host_id_bad;      /* there, but not a host-id */
    uint32_t fallback_s;   /* BUP_NEVER if absent */
    const char *reply_url; /* into the head; NULL if absent or empty */
    bool encoding_ok;      /* Accept-Encoding is absent or contains identity */
};

void bcj2__bup_msg_read_ack(const struct hdrs *head, struct bup_ack *ret);

/* ---- server: reading, strict, and building: see bup_srv.h, which uses the names above ---- */

#endif
