/* SPDX-License-Identifier: MIT */
/* See job_check.h: the HTTP options. What reaches a header must be free of line ends, and must not
   say what the library itself has to say. */
#include "job_check.h"
#include "detail.h"
#include "limit.h"
#include "macro.h"
#include "str.h"

#include <string.h>

/* ---- custom headers ---- */

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static size_t token_length(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && is_token_char(text[n])) {
        n++;
    }
    return n;
}

/* Of these the library says itself what is right: lengths, ranges, conditions, the connection. */
static bool is_ours(const char *name, size_t length)
{
    static const char *const names[] = {"Host",
                                        "Content-Length",
                                        "Transfer-Encoding",
                                        "Connection",
                                        "Range",
                                        "Content-Range",
                                        "If-Range",
                                        "If-Unmodified-Since",
                                        "If-Match",
                                        "If-None-Match",
                                        "If-Modified-Since",
                                        "Accept-Encoding",
                                        "Keep-Alive",
                                        "Proxy-Connection",
                                        "Upgrade",
                                        "Expect",
                                        "TE",
                                        "Trailer",
                                        "Content-Name",
                                        "Content-Encoding",
                                        "HTTP2-Settings"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strlen(names[i]) == length && bcj2__str_same_n(name, names[i], length)) {
            return true;
        }
    }
    return length >= 5 && bcj2__str_same_n(name, "BITS-", 5);
}

static bcj2_status bad_line(size_t number, const char *why)
{
    return bcj2__detail(BCJ2_E_INVALIDARG, "line %zu of the custom headers %s", number, why);
}

/* Values are never named: they may be secrets. */
static bcj2_status check_line(const char *line, size_t length, size_t number)
{
    size_t name = token_length(line, length);
    if (length == 0) {
        return bad_line(number, "is empty");
    }
    if (name == 0 || name == length || line[name] != ':') {
        return bad_line(number, "is not \"Name: value\"");
    }
    for (size_t i = name + 1; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F) {
            return bad_line(number, "holds a control character");
        }
    }
    if (is_ours(line, name)) {
        return bcj2__detail(BCJ2_E_INVALIDARG,
                            "line %zu of the custom headers: %.*s is the library's to send", number,
                            (int)name, line);
    }
    return BCJ2_OK;
}

bcj2_status bcj2__check_headers(const char *headers)
{
    size_t length = strlen(headers);
    if (length > LIMIT_CUSTOM_HEADERS) {
        return bcj2__detail(BCJ2_E_STRING_TOO_LONG,
                            "the custom headers have %zu bytes, the limit is %d", length,
                            LIMIT_CUSTOM_HEADERS);
    }
    if (!bcj2__str_utf8(headers, NULL)) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "the custom headers are not UTF-8");
    }
    bcj2_status s = BCJ2_OK;
    for (size_t number = 1; *headers != '\0' && BCJ2_SUCCEEDED(s); number++) {
        size_t line = strcspn(headers, "\n");
        size_t end = headers[line] == '\0' ? line : line + 1;
        bool crlf = headers[line] == '\n' && line > 0 && headers[line - 1] == '\r';
        s = check_line(headers, line - (crlf ? 1 : 0), number);
        headers += end;
    }
    return s;
}

/* ---- the others ---- */

bcj2_status bcj2__check_method(const char *method)
{
    size_t length = strlen(method);
    if (length > LIMIT_HTTP_METHOD) {
        return bcj2__detail(BCJ2_E_STRING_TOO_LONG, "the method has %zu bytes, the limit is %d",
                            length, LIMIT_HTTP_METHOD);
    }
    if (length == 0 || token_length(method, length) != length) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "the method is not an HTTP token");
    }
    if (strcmp(method, "HEAD") == 0 || strcmp(method, "CONNECT") == 0) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "%s brings no file", method);
    }
    return BCJ2_OK;
}

/* "sha256//" and the 44 characters of 32 bytes in base64. */
static bool is_pin(const char *text, size_t length)
{
    static const char before[] = "sha256//";
    const size_t prefix = sizeof before - 1, digits = 43;
    if (length != prefix + digits + 1 || memcmp(text, before, prefix) != 0 ||
        text[length - 1] != '=') {
        return false;
    }
    for (size_t i = prefix; i < prefix + digits; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '+' || c == '/')) {
            return false;
        }
    }
    return true;
}

bcj2_status bcj2__check_pinned_key(const char *pinned, bool *ret_is_path)
{
    *ret_is_path = pinned[0] == '/';
    if (*ret_is_path) {
        return bcj2__check_path(pinned, "pinned key's file name");
    }
    if (strlen(pinned) > LIMIT_PINNED_KEY_BYTES) {
        return bcj2__detail(BCJ2_E_STRING_TOO_LONG,
                            "the pinned keys have %zu bytes, the limit is %d", strlen(pinned),
                            LIMIT_PINNED_KEY_BYTES);
    }
    for (size_t length;; pinned += length + 1) {
        length = strcspn(pinned, ";");
        if (!is_pin(pinned, length)) {
            return bcj2__detail(BCJ2_E_INVALIDARG, "a pinned key is \"sha256//\" and 44 characters "
                                                   "of base64, or the absolute path of a file");
        }
        if (pinned[length] == '\0') {
            return BCJ2_OK;
        }
    }
}

bcj2_status bcj2__check_security_flags(uint32_t flags)
{
    const uint32_t known = BCJ2_SSL_ENABLE_CRL_CHECK | BCJ2_SSL_IGNORE_CERT_CN_INVALID |
                           BCJ2_SSL_IGNORE_UNKNOWN_CA | BCJ2_HTTP_REDIRECT_POLICY_MASK |
                           BCJ2_HTTP_REDIRECT_POLICY_ALLOW_HTTPS_TO_HTTP;
    const uint32_t alone = BCJ2_SSL_IGNORE_CERT_DATE_INVALID | BCJ2_SSL_IGNORE_CERT_WRONG_USAGE;
    if ((flags & alone) != 0) {
        return bcj2__detail(BCJ2_E_NOTIMPL,
                            "a certificate's dates and usage cannot be ignored by themselves");
    }
    if ((flags & ~known) != 0) {
        return bcj2__detail(BCJ2_E_NOTIMPL, "unknown security flags 0x%x",
                            (unsigned)(flags & ~known));
    }
    if ((flags & BCJ2_HTTP_REDIRECT_POLICY_MASK) > BCJ2_HTTP_REDIRECT_POLICY_DISALLOW) {
        return bcj2__detail(BCJ2_E_NOTIMPL, "0x%x is no redirect policy",
                            (unsigned)(flags & BCJ2_HTTP_REDIRECT_POLICY_MASK));
    }
    return BCJ2_OK;
}

static bool is_tls_version(bcj2_tls_version version)
{
    return version == BCJ2_TLS_VERSION_DEFAULT ||
           (version >= BCJ2_TLS_VERSION_1_0 && version <= BCJ2_TLS_VERSION_1_3);
}

bcj2_status bcj2__check_tls_versions(bcj2_tls_version min, bcj2_tls_version max)
{
    if (!is_tls_version(min) || !is_tls_version(max)) {
        return bcj2__detail(BCJ2_E_NOTIMPL, "%d to %d: a TLS version is 0, or 10 to 13", (int)min,
                            (int)max);
    }
    if (max != BCJ2_TLS_VERSION_DEFAULT && min > max) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "TLS 1.%d at least, and 1.%d at most",
                            (int)(min - BCJ2_TLS_VERSION_1_0), (int)(max - BCJ2_TLS_VERSION_1_0));
    }
    return BCJ2_OK;
}
