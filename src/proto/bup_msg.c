/* SPDX-License-Identifier: MIT */
/* See bup_msg.h. */
#include "bup_msg.h"
#include "str.h"
#include "url.h"

#include <inttypes.h>
#include <string.h>

static const char *const packet_names[] = {
    [BUP_PACKET_NONE] = "",
    [BUP_PACKET_PING] = "Ping",
    [BUP_PACKET_CREATE] = "Create-Session",
    [BUP_PACKET_FRAGMENT] = "Fragment",
    [BUP_PACKET_CLOSE] = "Close-Session",
    [BUP_PACKET_CANCEL] = "Cancel-Session",
    [BUP_PACKET_ACK] = "Ack",
};
_Static_assert(ARRAY_LEN(packet_names) == BUP_PACKET_COUNT, "a name for each packet");

const char *bcj2__bup_msg_packet_name(enum bup_packet packet)
{
    return (size_t)packet < BUP_PACKET_COUNT ? packet_names[packet] : "";
}

enum bup_packet bcj2__bup_msg_packet_parse(const char *text)
{
    for (size_t i = BUP_PACKET_PING; i < BUP_PACKET_COUNT; i++) {
        if (bcj2__str_same(text, packet_names[i])) {
            return (enum bup_packet)i;
        }
    }
    return BUP_PACKET_NONE;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool bcj2__bup_msg_parse_hresult(const char *text, bcj2_status *ret)
{
    uint32_t value = 0;
    size_t digits = 0;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text += 2;
    } else if (text[0] == 'x') {
        text += 1;
    }
    for (; text[digits] != '\0'; digits++) {
        int v = hex_value(text[digits]);
        if (v < 0 || digits == 8) {
            return false;
        }
        value = value << 4 | (uint32_t)v;
    }
    if (digits == 0) {
        return false;
    }
    *ret = (bcj2_status)value;
    return true;
}

/* ---- building ---- */

static void add_line(struct buf *lines, const char *name, const char *value)
{
    (void)bcj2__buf_printf(lines, "%s: %s", name, value);
    (void)bcj2__buf_append(lines, "", 1);
}

bool bcj2__bup_msg_build(const struct bup_out *out, struct buf *ret_lines)
{
    bool of_session = out->packet == BUP_PACKET_FRAGMENT || out->packet == BUP_PACKET_CLOSE ||
                      out->packet == BUP_PACKET_CANCEL;
    if (out->packet <= BUP_PACKET_NONE || out->packet >= BUP_PACKET_ACK ||
        (of_session && out->session_id == NULL)) {
        return false;
    }
    add_line(ret_lines, "BITS-Packet-Type", packet_names[out->packet]);
    if (out->packet == BUP_PACKET_CREATE) {
        add_line(ret_lines, "BITS-Supported-Protocols", BUP_PROTOCOL_ID);
    }
    if (of_session) {
        add_line(ret_lines, "BITS-Session-Id", out->session_id);
    }
    if (out->packet == BUP_PACKET_FRAGMENT) {
        /* an empty range cannot be written: for an empty file "bytes 0-0/0" stands (D1) */
        bool empty = out->total == 0 && out->first == 0 && out->length == 0;
        if (!empty && (out->length == 0 || out->first >= out->total ||
                       out->length > out->total - out->first)) {
            return false;
        }
        if (out->content_name != NULL && out->content_name[0] != '\0') {
            add_line(ret_lines, "Content-Name", out->content_name);
        }
        uint64_t last = empty ? 0 : out->first + out->length - 1;
        (void)bcj2__buf_printf(ret_lines, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                               out->first, last, out->total);
        (void)bcj2__buf_append(ret_lines, "", 1);
    }
    /* the buffer ends in a NUL of its own, the one that ends the list */
    return bcj2__buf_ok(ret_lines);
}

static size_t character_length(const unsigned char *s, size_t rest)
{
    size_t length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : s[0] >= 0xC0 ? 2 : 1;
    for (size_t i = 1; i < length; i++) {
        if (i >= rest || (s[i] & 0xC0) != 0x80) {
            return 1;
        }
    }
    return length;
}

static bool legal_in_name(unsigned char c)
{
    return c >= 0x20 && c <= 0x7E && strchr("\\/:*?\"<>|", c) == NULL;
}

void bcj2__bup_msg_content_name(const char *path, char ret[LIMIT_CONTENT_NAME_BYTES + 1])
{
    static const char digits[] = "0123456789ABCDEF";
    const char *slash = strrchr(path, '/');
    const unsigned char *s = (const unsigned char *)(slash == NULL ? path : slash + 1);
    size_t length = 0, rest = strlen((const char *)s);
    while (rest > 0) {
        size_t bytes = character_length(s, rest);
        char escaped[12];
        size_t n = 0;
        for (size_t i = 0; i < bytes; i++) {
            if (legal_in_name(s[i])) {
                escaped[n++] = (char)s[i];
            } else {
                escaped[n++] = '%';
                escaped[n++] = digits[s[i] >> 4];
                escaped[n++] = digits[s[i] & 15];
            }
        }
        if (length + n > LIMIT_CONTENT_NAME_BYTES) {
            break;
        }
        memcpy(ret + length, escaped, n);
        length += n;
        s += bytes;
        rest -= bytes;
    }
    ret[length] = '\0';
}

/* ---- reading ---- */

/* Fields whose value decides what happens next: two different ones are a broken answer. */
static const char *const deciding[] = {
    "BITS-Packet-Type", "BITS-Package-Type", "BITS-Session-Id",
    "BITS-Protocol",    "BITS-Host-Id",      "BITS-Received-Content-Range",
    "BITS-Reply-URL",   "BITS-Error-Code",   "BITS-Error",
};

static bool any_conflict(const struct hdrs *head)
{
    for (size_t i = 0; i < ARRAY_LEN(deciding); i++) {
        if (!bcj2__hdrs_unanimous(head, deciding[i])) {
            return true;
        }
    }
    return false;
}

static bool visible_only(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < 0x21 || *text > 0x7E) {
            return false;
        }
    }
    return true;
}

/* Is "identity" (or "*") in the list? Parameters after ';' do not matter. */
static bool allows_identity(const char *list)
{
    if (list == NULL || list[0] == '\0') {
        return true;
    }
    while (*list != '\0') {
        size_t item = strcspn(list, ","), length = 0;
        const char *name = bcj2__str_trim(list, strcspn(list, ",;"), &length);
        if ((length == 8 && bcj2__str_same_n(name, "identity", 8)) ||
            (length == 1 && name[0] == '*')) {
            return true;
        }
        list += item + (list[item] == ',' ? 1 : 0);
    }
    return false;
}

static void read_error(const struct hdrs *head, struct bup_ack *ret)
{
    /* some servers send error fields with a success: they mean nothing there (1.4) */
    if (head->status == 200 || head->status == 201) {
        return;
    }
    const char *code = bcj2__hdrs_get(head, "BITS-Error-Code");
    const char *short_code = bcj2__hdrs_get(head, "BITS-Error");
    const char *context = bcj2__hdrs_get(head, "BITS-Error-Context");
    ret->has_error = (code != NULL && bcj2__bup_msg_parse_hresult(code, &ret->error)) ||
                     (short_code != NULL && bcj2__bup_msg_parse_hresult(short_code, &ret->error));
    bcj2_status value = 0;
    if (context != NULL && bcj2__bup_msg_parse_hresult(context, &value) &&
        (value == 5 || value == 7)) {
        ret->has_context = true;
        ret->context = (uint32_t)value;
    }
}

static void read_session(const struct hdrs *head, struct bup_ack *ret)
{
    const char *id = bcj2__hdrs_get(head, "BITS-Session-Id");
    const char *protocol = bcj2__hdrs_get(head, "BITS-Protocol");
    if (id != NULL && id[0] != '\0') {
        ret->has_session_id =
            visible_only(id) &&
            bcj2__str_copy(ret->session_id, sizeof ret->session_id, id, strlen(id));
        ret->session_id_bad = !ret->has_session_id;
    }
    if (protocol != NULL) {
        /* one that does not fit is none we know: the empty text says so */
        ret->has_protocol = true;
        (void)bcj2__str_copy(ret->protocol, sizeof ret->protocol, protocol, strlen(protocol));
    }
}

static void read_host(const struct hdrs *head, struct bup_ack *ret)
{
    static const char *const names[] = {"BITS-Host-Id-Fallback-Timeout",
                                        "BITS-HostId-Fallback-Timeout",
                                        "BITS-Host-Fallback-Timeout"};
    const char *host = bcj2__hdrs_get(head, "BITS-Host-Id");
    if (host != NULL && host[0] != '\0') {
        ret->host_id_bad = !bcj2__url_host_id_valid(host);
        ret->host_id = ret->host_id_bad ? NULL : host;
    }
    ret->fallback_s = BUP_NEVER;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *seconds = bcj2__hdrs_get(head, names[i]);
        if (seconds != NULL) {
            (void)bcj2__str_parse_u32(seconds, &ret->fallback_s);
            return;
        }
    }
}

void bcj2__bup_msg_read_ack(const struct hdrs *head, struct bup_ack *ret)
{
    *ret = (struct bup_ack){0};
    const char *type = bcj2__hdrs_get(head, "BITS-Packet-Type");
    if (type == NULL) {
        type = bcj2__hdrs_get(head, "BITS-Package-Type");
    }
    ret->is_ack = type != NULL && bcj2__bup_msg_packet_parse(type) == BUP_PACKET_ACK;
    ret->conflicting = any_conflict(head);
    read_session(head, ret);
    read_host(head, ret);
    read_error(head, ret);
    const char *offset = bcj2__hdrs_get(head, "BITS-Received-Content-Range");
    if (offset != NULL) {
        ret->has_offset = bcj2__str_parse_u64(offset, strlen(offset), &ret->offset);
        ret->offset_bad = !ret->has_offset;
    }
    const char *reply = bcj2__hdrs_get(head, "BITS-Reply-URL");
    ret->reply_url = reply != NULL && reply[0] != '\0' ? reply : NULL;
    ret->encoding_ok = allows_identity(bcj2__hdrs_get(head, "Accept-Encoding"));
}
