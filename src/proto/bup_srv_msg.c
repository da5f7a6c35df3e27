/* SPDX-License-Identifier: MIT */
/* The server's reading of a request's head, strict, and the writing of an Ack. See bup_srv.h. */
#include "bup_srv.h"
#include "guid.h"
#include "str.h"

#include <inttypes.h>
#include <string.h>

/* Why a head is refused; status 0: it is not. */
struct refusal {
    uint32_t status;
    bcj2_status code; /* BCJ2_OK: the status says it all */
};
static const struct refusal fine = {0, BCJ2_OK};
static const struct refusal invalid = {400, BCJ2_E_INVALIDARG};

static bool values_fit(const struct hdrs *h)
{
    const char *p = h->text.data, *end = p == NULL ? NULL : p + h->text.length;
    while (p != NULL && p < end) {
        const char *value = p + strlen(p) + 1;
        size_t length = strlen(value);
        if (length > LIMIT_HEADER_VALUE_BYTES) {
            return false;
        }
        p = value + length + 1;
    }
    return true;
}

/* Rows 1, 2 and 4. (Row 3: this server asks for no authentication.) */
static struct refusal check_head(const struct bup_srv_rules *rules, const struct bup_srv_head *head)
{
    const struct hdrs *h = head->fields;
    if (h->http_major != 1 || h->http_minor != 1) {
        return (struct refusal){505, BCJ2_OK};
    }
    if (!rules->uploads_enabled) {
        return (struct refusal){501, BCJ2_E_ACCESSDENIED};
    }
    if (head->bytes > LIMIT_HEAD_BYTES) {
        return (struct refusal){431, BCJ2_E_INVALIDARG};
    }
    return head->damaged || h->overflow || !values_fit(h) ? invalid : fine;
}

/* Rows 5 to 7. */
static struct refusal read_framing(const struct hdrs *h, struct bup_srv_request *ret)
{
    const char *type = bcj2__hdrs_get(h, "BITS-Packet-Type");
    ret->packet = type == NULL ? BUP_PACKET_NONE : bcj2__bup_msg_packet_parse(type);
    if (ret->packet == BUP_PACKET_NONE || ret->packet == BUP_PACKET_ACK ||
        bcj2__hdrs_count(h, "BITS-Packet-Type") != 1) {
        ret->packet = BUP_PACKET_NONE;
        return invalid;
    }
    const char *length = bcj2__hdrs_get(h, "Content-Length");
    if (length == NULL || bcj2__hdrs_get(h, "Transfer-Encoding") != NULL) {
        return (struct refusal){411, BCJ2_E_INVALIDARG};
    }
    if (bcj2__hdrs_count(h, "Content-Length") != 1 ||
        !bcj2__str_parse_u64(length, strlen(length), &ret->length)) {
        return invalid;
    }
    return ret->length != 0 && ret->packet != BUP_PACKET_FRAGMENT ? invalid : fine;
}

/* Row 10: an id of 1 to 100 visible characters. */
static bool read_session_id(const struct hdrs *h, struct bup_srv_request *ret)
{
    const char *id = bcj2__hdrs_get(h, "BITS-Session-Id");
    if (id == NULL || id[0] == '\0' || bcj2__hdrs_count(h, "BITS-Session-Id") != 1) {
        return false;
    }
    for (const char *p = id; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7F) {
            return false;
        }
    }
    if (!bcj2__str_copy(ret->session_id, sizeof ret->session_id, id, strlen(id))) {
        return false;
    }
    ret->session_is_guid = bcj2__guid_parse(id, &ret->session);
    return true;
}

/* Rows 8 to 10, and what only a Fragment has. */
static struct refusal read_rest(const struct bup_srv_head *head, struct bup_srv_request *ret)
{
    const struct hdrs *h = head->fields;
    bool wants_session = ret->packet == BUP_PACKET_FRAGMENT || ret->packet == BUP_PACKET_CLOSE ||
                         ret->packet == BUP_PACKET_CANCEL;
    bool has_session = wants_session && read_session_id(h, ret);
    if (head->place == BUP_SRV_PLACE_FORBIDDEN) {
        return (struct refusal){403, BCJ2_E_ACCESSDENIED};
    }
    if (ret->packet == BUP_PACKET_PING) {
        return fine;
    }
    if (head->place == BUP_SRV_PLACE_DIRECTORY || (wants_session && !has_session)) {
        return invalid;
    }
    const char *coding = bcj2__hdrs_get(h, "Content-Encoding");
    if (coding != NULL && !bcj2__str_same(coding, "identity")) {
        return invalid;
    }
    ret->range =
        bcj2__hdrs_count(h, "Content-Range") == 1 ? bcj2__hdrs_get(h, "Content-Range") : NULL;
    return fine;
}

bool bcj2__bup_srv_read(const struct bup_srv_rules *rules, const struct bup_srv_head *head,
                        struct bup_srv_request *ret, struct bup_srv_answer *ret_answer)
{
    *ret = (struct bup_srv_request){.packet = BUP_PACKET_NONE};
    struct refusal r = check_head(rules, head);
    if (r.status == 0) {
        r = read_framing(head->fields, ret);
    }
    if (r.status == 0) {
        r = read_rest(head, ret);
    }
    if (r.status == 0) {
        return true;
    }
    *ret_answer = bcj2__bup_srv_error(ret, r.status, r.code);
    ret_answer->has_code = r.code != BCJ2_OK;
    return false;
}

bool bcj2__bup_srv_protocol_offered(const struct hdrs *fields)
{
    const char *list = bcj2__hdrs_get(fields, "BITS-Supported-Protocols");
    while (list != NULL && *list != '\0') {
        list += strspn(list, " ,\t");
        size_t length = strcspn(list, " ,\t");
        if (length == sizeof BUP_PROTOCOL_ID - 1 &&
            bcj2__str_same_n(list, BUP_PROTOCOL_ID, length)) {
            return true;
        }
        list += length;
    }
    return false;
}

/* ---- the Ack ---- */

static void line(struct buf *b, const char *name, const char *value)
{
    (void)bcj2__buf_printf(b, "%s: %s", name, value);
    (void)bcj2__buf_append(b, "", 1);
}

static void add_created(const struct bup_srv_rules *rules, const struct bup_srv_answer *answer,
                        struct buf *b)
{
    line(b, "BITS-Protocol", BUP_PROTOCOL_ID);
    line(b, "BITS-Session-Id", answer->session_id);
    if (rules->host_id != NULL) {
        line(b, "BITS-Host-Id", rules->host_id);
        (void)bcj2__buf_printf(b, "BITS-Host-Id-Fallback-Timeout: %" PRIu32,
                               rules->host_fallback_s);
        (void)bcj2__buf_append(b, "", 1);
    }
    line(b, "Accept-Encoding", "identity");
}

static void add_error(const struct bup_srv_answer *answer, struct buf *b)
{
    static const char *const names[] = {"BITS-Error-Code", "BITS-Error"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)bcj2__buf_printf(b, "%s: 0x%08" PRIx32, names[i], (uint32_t)answer->code);
        (void)bcj2__buf_append(b, "", 1);
    }
    (void)bcj2__buf_printf(b, "BITS-Error-Context: 0x%" PRIx32, answer->context);
    (void)bcj2__buf_append(b, "", 1);
}

bool bcj2__bup_srv_build(const struct bup_srv_rules *rules, const struct bup_srv_answer *answer,
                         struct buf *ret_lines)
{
    line(ret_lines, "Pragma", "no-cache");
    line(ret_lines, "BITS-Packet-Type", "Ack");
    if (answer->created) {
        add_created(rules, answer, ret_lines);
    } else if (answer->session_id[0] != '\0') {
        line(ret_lines, "BITS-Session-Id", answer->session_id);
    }
    if (answer->has_offset) {
        (void)bcj2__buf_printf(ret_lines, "BITS-Received-Content-Range: %" PRIu64, answer->offset);
        (void)bcj2__buf_append(ret_lines, "", 1);
    }
    if (answer->reply_url[0] != '\0') {
        line(ret_lines, "BITS-Reply-URL", answer->reply_url);
    }
    if (answer->has_code) {
        add_error(answer, ret_lines);
    }
    return bcj2__buf_append(ret_lines, "", 1) && bcj2__buf_ok(ret_lines);
}
