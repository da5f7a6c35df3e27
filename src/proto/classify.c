/* SPDX-License-Identifier: MIT */
/* See classify.h. */
#include "classify.h"
#include "bup_msg.h"
#include "macro.h"
#include "range.h"
#include "str.h"

#include <string.h>

#define HTTP_ERROR(status) ((bcj2_status)(0x80190000u + (status)))

/* What Microsoft's protocol document prints for a full disk (and, copied, for time-outs): decimal
   112 taken for a hexadecimal number (D11). */
#define PRINTED_DISK_FULL ((bcj2_status)0x80070112)

bool bcj2__classify_http_transient(uint32_t http_status)
{
    switch (http_status / 100) {
    case 3:
        return http_status == 306 || http_status > 308;
    case 4:
        return http_status == 408 || http_status == 409 || http_status == 425 || http_status == 429;
    case 5:
        return http_status != 501 && http_status != 505;
    default:
        return true;
    }
}

/* Codes of the wire whose class does not follow from the status (5.2). */
static const struct {
    bcj2_status code;
    bool transient;
} coded[] = {
    {BCJ2_E_SESSION_NOT_FOUND, false},
    {BCJ2_E_ACCESSDENIED, false},
    {BCJ2_E_INVALIDARG, false},
    {BCJ2_E_TOO_LARGE, false},
    {BCJ2_E_DISK_FULL, true},
    {BCJ2_E_CLIENT_SERVER_PROTOCOL_MISMATCH, false},
    {BCJ2_E_SERVER_EXECUTE_ENABLE, false},
};

static bool code_or_status_transient(bcj2_status code, uint32_t http_status)
{
    for (size_t i = 0; i < ARRAY_LEN(coded); i++) {
        if (coded[i].code == code) {
            return coded[i].transient;
        }
    }
    return bcj2__classify_http_transient(http_status);
}

uint32_t bcj2__classify_retry_after(const struct hdrs *head)
{
    const char *text = bcj2__hdrs_get(head, "Retry-After");
    const char *date = bcj2__hdrs_get(head, "Date");
    uint64_t seconds = 0;
    int64_t then = 0, now = 0;
    if (text == NULL) {
        return 0;
    }
    if (bcj2__str_parse_u64(text, strlen(text), &seconds)) {
        return (uint32_t)MIN(seconds, UINT32_MAX);
    }
    if (date == NULL || !bcj2__range_parse_date(text, &then) ||
        !bcj2__range_parse_date(date, &now) || then <= now) {
        return 0;
    }
    return (uint32_t)MIN(then - now, (int64_t)UINT32_MAX);
}

struct failure bcj2__classify_answer(const struct hdrs *head, const char *what)
{
    struct bup_ack ack;
    bcj2__bup_msg_read_ack(head, &ack);
    uint32_t status = head->status;
    bcj2_status code = HTTP_ERROR(status);
    if (ack.has_error && ack.error < 0) { /* the top bit: a failure */
        code = ack.error;
    }
    if (code == PRINTED_DISK_FULL) {
        code = status == 408 ? HTTP_ERROR(status) : BCJ2_E_DISK_FULL;
    }
    struct failure f = {
        .code = code,
        .context = ack.has_context && ack.context == 7 ? BCJ2_ERROR_CONTEXT_REMOTE_APPLICATION
                                                       : BCJ2_ERROR_CONTEXT_REMOTE_FILE,
        .http_status = status,
        .transient = code_or_status_transient(code, status),
        .what = what,
    };
    if (f.transient && (status == 503 || status == 425 || status == 429)) {
        f.retry_after_s = bcj2__classify_retry_after(head);
    }
    return f;
}

/* Failures without an answer (5.3). Local files stand apart: their code is the file system's. */
static const struct {
    bcj2_status code;
    bcj2_error_context context;
    bool transient;
} broken[] = {
    [NET_OK] = {BCJ2_E_UNEXPECTED, BCJ2_ERROR_CONTEXT_UNKNOWN, true},
    [NET_NAME_NOT_RESOLVED] = {BCJ2_E_WINHTTP_NAME_NOT_RESOLVED, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                               true},
    [NET_CANNOT_CONNECT] = {BCJ2_E_WINHTTP_CANNOT_CONNECT, BCJ2_ERROR_CONTEXT_REMOTE_FILE, true},
    [NET_CONNECTION_BROKE] = {BCJ2_E_WINHTTP_CONNECTION_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                              true},
    [NET_TIMEOUT] = {BCJ2_E_WINHTTP_TIMEOUT, BCJ2_ERROR_CONTEXT_REMOTE_FILE, true},
    [NET_BAD_HTTP] = {BCJ2_E_WINHTTP_INVALID_SERVER_RESPONSE, BCJ2_ERROR_CONTEXT_REMOTE_FILE, true},
    [NET_TLS_CERTIFICATE] = {BCJ2_E_WINHTTP_SECURE_FAILURE, BCJ2_ERROR_CONTEXT_REMOTE_FILE, false},
    [NET_TLS_REVOKED] = {BCJ2_E_WINHTTP_SECURE_CERT_REVOKED, BCJ2_ERROR_CONTEXT_REMOTE_FILE, false},
    [NET_TLS_REVOCATION_UNKNOWN] = {BCJ2_E_WINHTTP_SECURE_CERT_REV_FAILED,
                                    BCJ2_ERROR_CONTEXT_REMOTE_FILE, false},
    [NET_TLS_PIN] = {BCJ2_E_WINHTTP_SECURE_FAILURE, BCJ2_ERROR_CONTEXT_REMOTE_FILE, false},
    [NET_TLS_CLIENT_WANTED] = {BCJ2_E_WINHTTP_CLIENT_AUTH_CERT_NEEDED,
                               BCJ2_ERROR_CONTEXT_REMOTE_FILE, false},
    [NET_TLS_CLIENT_KEY] = {BCJ2_E_WINHTTP_CLIENT_CERT_NO_ACCESS_PRIVATE_KEY,
                            BCJ2_ERROR_CONTEXT_REMOTE_FILE, false},
    [NET_TLS_FILE] = {BCJ2_E_FAIL, BCJ2_ERROR_CONTEXT_LOCAL_FILE, false},
    /* no certificate was refused: a server that restarts fails like this too */
    [NET_TLS_HANDSHAKE] = {BCJ2_E_WINHTTP_SECURE_CHANNEL_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                           true},
    [NET_PROXY_NOT_RESOLVED] = {BCJ2_E_WINHTTP_NAME_NOT_RESOLVED,
                                BCJ2_ERROR_CONTEXT_GENERAL_TRANSPORT, true},
    [NET_PROXY_CANNOT_CONNECT] = {BCJ2_E_WINHTTP_CANNOT_CONNECT,
                                  BCJ2_ERROR_CONTEXT_GENERAL_TRANSPORT, true},
    [NET_NO_NETWORK] = {BCJ2_E_NETWORK_DISCONNECTED, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                        true},
    [NET_REDIRECT_REFUSED] = {BCJ2_E_INVALID_SERVER_RESPONSE, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                              false},
    [NET_LOCAL_READ] = {BCJ2_E_FAIL, BCJ2_ERROR_CONTEXT_LOCAL_FILE, false},
    [NET_LOCAL_WRITE] = {BCJ2_E_FAIL, BCJ2_ERROR_CONTEXT_LOCAL_FILE, false},
    [NET_LOCAL_SHORT] = {BCJ2_E_LOCAL_FILE_CHANGED, BCJ2_ERROR_CONTEXT_LOCAL_FILE, false},
    [NET_ABORTED] = {BCJ2_E_ABORT, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER, true},
    [NET_NO_MEMORY] = {BCJ2_E_OUTOFMEMORY, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER, true},
    [NET_OTHER] = {BCJ2_E_CAN_NOT_COMPLETE, BCJ2_ERROR_CONTEXT_GENERAL_TRANSPORT, true},
};
_Static_assert(ARRAY_LEN(broken) == NET_FAILURE_COUNT, "a row for each failure");

struct failure bcj2__classify_net(enum net_failure net, bcj2_status local_status, const char *what)
{
    enum net_failure row = (size_t)net < NET_FAILURE_COUNT ? net : NET_OTHER;
    struct failure f = {
        .code = broken[row].code,
        .context = broken[row].context,
        .net = net,
        .transient = broken[row].transient,
        .tied_to_network = net == NET_NO_NETWORK,
        .what = what,
    };
    bool local = net == NET_LOCAL_READ || net == NET_LOCAL_WRITE || net == NET_TLS_FILE;
    if (local && local_status < 0) {
        f.code = local_status;
        /* another program holds the file: that passes (job-semantics R63) */
        f.transient =
            local_status == BCJ2_E_SHARING_VIOLATION || local_status == BCJ2_E_LOCK_VIOLATION;
    }
    return f;
}

struct failure bcj2__classify_local(bcj2_status code, bcj2_error_context context, bool transient,
                                    const char *what)
{
    return (struct failure){.code = code, .context = context, .transient = transient, .what = what};
}
