/* SPDX-License-Identifier: MIT */
/* See hdrs.h. */
#include "hdrs.h"
#include "limit.h"
#include "str.h"

#include <string.h>

static const char *const failure_texts[] = {
    [NET_OK] = "no failure",
    [NET_NAME_NOT_RESOLVED] = "host not found",
    [NET_CANNOT_CONNECT] = "cannot connect",
    [NET_CONNECTION_BROKE] = "connection broke",
    [NET_TIMEOUT] = "no answer in time",
    [NET_BAD_HTTP] = "the answer is not HTTP",
    [NET_TLS_CERTIFICATE] = "the server's certificate could not be verified",
    [NET_TLS_REVOKED] = "the server's certificate was revoked",
    [NET_TLS_REVOCATION_UNKNOWN] = "the certificate's revocation could not be checked",
    [NET_TLS_PIN] = "the server's key is not the pinned one",
    [NET_TLS_CLIENT_WANTED] = "the server wants a client certificate, or another one",
    [NET_TLS_CLIENT_KEY] = "the client certificate cannot be used",
    [NET_TLS_FILE] = "a file that TLS needs could not be read",
    [NET_TLS_HANDSHAKE] = "no TLS connection could be made",
    [NET_PROXY_NOT_RESOLVED] = "proxy not found",
    [NET_PROXY_CANNOT_CONNECT] = "cannot connect to the proxy",
    [NET_NO_NETWORK] = "no network",
    [NET_REDIRECT_REFUSED] = "redirect refused",
    [NET_LOCAL_READ] = "the local file could not be read",
    [NET_LOCAL_WRITE] = "the local file could not be written",
    [NET_LOCAL_SHORT] = "the local file changed",
    [NET_ABORTED] = "stopped",
    [NET_NO_MEMORY] = "not enough memory",
    [NET_OTHER] = "the transfer failed",
};
_Static_assert(ARRAY_LEN(failure_texts) == NET_FAILURE_COUNT, "a text for each failure");

const char *bcj2__net_failure_text(enum net_failure failure)
{
    return (size_t)failure < NET_FAILURE_COUNT ? failure_texts[failure] : failure_texts[NET_OTHER];
}

void bcj2__hdrs_init(struct hdrs *h)
{
    *h = (struct hdrs){.text = BUF_INIT(LIMIT_HEAD_BYTES)};
}

void bcj2__hdrs_done(struct hdrs *h)
{
    bcj2__buf_done(&h->text);
    h->count = 0;
}

void bcj2__hdrs_clear(struct hdrs *h)
{
    bcj2__buf_clear(&h->text);
    h->status = 0;
    h->http_major = h->http_minor = 0;
    h->count = 0;
    h->overflow = false;
}

static bool has_control(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (((unsigned char)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7F) {
            return true;
        }
    }
    return false;
}

bool bcj2__hdrs_add(struct hdrs *h, const char *name, size_t name_length, const char *value,
                    size_t value_length)
{
    value = bcj2__str_trim(value, value_length, &value_length);
    if (name_length == 0 || h->count >= LIMIT_HEAD_FIELDS || has_control(name, name_length) ||
        has_control(value, value_length)) {
        h->overflow = true;
        return false;
    }
    (void)bcj2__buf_append(&h->text, name, name_length);
    (void)bcj2__buf_append(&h->text, "", 1);
    (void)bcj2__buf_append(&h->text, value, value_length);
    (void)bcj2__buf_append(&h->text, "", 1);
    if (!bcj2__buf_ok(&h->text)) {
        h->overflow = true;
        return false;
    }
    h->count++;
    return true;
}

/* "HTTP/1.1 200 OK": version and status, or false. */
static bool status_line(struct hdrs *h, const char *line, size_t length)
{
    size_t i = 5;
    uint64_t major = 0, minor = 0, status = 0;
    if (i >= length || line[i] < '0' || line[i] > '9') {
        return false;
    }
    major = (uint64_t)(line[i++] - '0');
    if (i + 1 < length && line[i] == '.') {
        if (!bcj2__str_parse_u64(line + i + 1, 1, &minor)) {
            return false;
        }
        i += 2;
    }
    if (i + 4 > length || line[i] != ' ' || !bcj2__str_parse_u64(line + i + 1, 3, &status) ||
        status < 100) {
        return false;
    }
    h->http_major = (uint8_t)major;
    h->http_minor = (uint8_t)minor;
    h->status = (uint32_t)status;
    return true;
}

bool bcj2__hdrs_line(struct hdrs *h, const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) {
        length--;
    }
    if (length == 0) {
        return !h->overflow;
    }
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        bcj2__hdrs_clear(h);
        if (!status_line(h, line, length)) {
            h->overflow = true;
        }
        return !h->overflow;
    }
    const char *colon = memchr(line, ':', length);
    if (colon == NULL) {
        h->overflow = true;
        return false;
    }
    return bcj2__hdrs_add(h, line, (size_t)(colon - line), colon + 1,
                          length - (size_t)(colon - line) - 1);
}

/* The value of the n-th field of that name, or NULL. */
static const char *nth(const struct hdrs *h, const char *name, uint32_t n)
{
    const char *p = h->text.data, *end = p == NULL ? NULL : p + h->text.length;
    while (p != NULL && p < end) {
        const char *value = p + strlen(p) + 1;
        if (bcj2__str_same(p, name) && n-- == 0) {
            return value;
        }
        p = value + strlen(value) + 1;
    }
    return NULL;
}

const char *bcj2__hdrs_get(const struct hdrs *h, const char *name)
{
    return nth(h, name, 0);
}

uint32_t bcj2__hdrs_count(const struct hdrs *h, const char *name)
{
    uint32_t n = 0;
    while (nth(h, name, n) != NULL) {
        n++;
    }
    return n;
}

bool bcj2__hdrs_unanimous(const struct hdrs *h, const char *name)
{
    const char *first = nth(h, name, 0), *next = NULL;
    for (uint32_t n = 1; first != NULL && (next = nth(h, name, n)) != NULL; n++) {
        if (strcmp(first, next) != 0) {
            return false;
        }
    }
    return true;
}
