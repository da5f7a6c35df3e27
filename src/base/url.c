/* SPDX-License-Identifier: MIT */
/* See url.h. */
#include "url.h"
#include "limit.h"
#include "str.h"

#include <stdio.h>
#include <string.h>

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Characters that may stand in a URI as they are ('%' is looked at by itself). */
static bool is_legal(char c)
{
    return c != '\0' && (is_alpha(c) || is_digit(c) || strchr("-._~:/?#[]@!$&'()*+,;=", c) != NULL);
}

static bool is_host_char(char c)
{
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
}

/* The length of the host at text: a name, an IPv4 or a bracketed IPv6 address; 0 if there is none.
 */
static size_t host_length(const char *text)
{
    size_t n = 0;
    if (text[0] == '[') {
        for (n = 1; is_hex(text[n]) || text[n] == ':' || text[n] == '.'; n++) {
        }
        return text[n] == ']' && n > 2 ? n + 1 : 0;
    }
    while (is_host_char(text[n])) {
        n++;
    }
    return n;
}

/* Reads [":" port] at text; its length, or SIZE_MAX if it is not a port. */
static size_t port_length(const char *text, uint32_t *ret_port, bool *ret_given)
{
    *ret_given = false;
    if (text[0] != ':') {
        return 0;
    }
    size_t n = 1;
    while (is_digit(text[n])) {
        n++;
    }
    uint64_t port = 0;
    if (!bcj2__str_parse_u64(text + 1, n - 1, &port) || port == 0 || port > 65535) {
        return SIZE_MAX;
    }
    *ret_port = (uint32_t)port;
    *ret_given = true;
    return n;
}

static bool legal_characters(const char *text, char problem[128])
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] == '%') {
            if (!is_hex(text[i + 1]) || !is_hex(text[i + 2])) {
                (void)snprintf(problem, 128, "'%%' at position %zu is not followed by two digits",
                               i);
                return false;
            }
        } else if (!is_legal(text[i])) {
            (void)snprintf(problem, 128, "character 0x%02x at position %zu must be escaped",
                           (unsigned)(unsigned char)text[i], i);
            return false;
        }
    }
    return true;
}

bool bcj2__url_parse(const char *text, struct url *ret, char problem[128])
{
    struct url u = {0};
    const char *p = NULL;
    size_t length = strlen(text);
    if (length > LIMIT_URL_BYTES) {
        (void)snprintf(problem, 128, "%zu bytes, the limit is %d", length, LIMIT_URL_BYTES);
        return false;
    }
    if (!legal_characters(text, problem)) {
        return false;
    }
    if (bcj2__str_same_n(text, "http://", 7)) {
        p = text + 7;
        u.port = 80;
    } else if (bcj2__str_same_n(text, "https://", 8)) {
        p = text + 8;
        u.https = true;
        u.port = 443;
    } else {
        (void)snprintf(problem, 128, "the scheme must be http or https");
        return false;
    }
    if (memchr(p, '@', strcspn(p, "/?#")) != NULL) {
        (void)snprintf(problem, 128, "a user name in the URL is not accepted");
        return false;
    }
    u.host = p;
    u.host_length = host_length(p);
    if (u.host_length == 0) {
        (void)snprintf(problem, 128, "it has no host");
        return false;
    }
    p += u.host_length;
    size_t port = port_length(p, &u.port, &u.port_given);
    if (port == SIZE_MAX || (p[port] != '\0' && strchr("/?#", p[port]) == NULL)) {
        (void)snprintf(problem, 128, "the host or the port is not valid");
        return false;
    }
    u.path = p + port;
    u.path_length = strcspn(u.path, "?#");
    u.query = u.path + u.path_length;
    u.query_length = strcspn(u.query, "#");
    *ret = u;
    return true;
}

bool bcj2__url_host_id_valid(const char *host_id)
{
    uint32_t port = 0;
    bool given = false;
    size_t length = strlen(host_id), host = host_length(host_id);
    if (length > LIMIT_HOST_ID_BYTES || host == 0) {
        return false;
    }
    size_t rest = port_length(host_id + host, &port, &given);
    return rest != SIZE_MAX && host + rest == length;
}

bool bcj2__url_with_host(const char *url, const char *host_id, struct buf *ret)
{
    struct url u = {0};
    char problem[128];
    if (!bcj2__url_parse(url, &u, problem) || !bcj2__url_host_id_valid(host_id)) {
        return false;
    }
    (void)bcj2__buf_printf(ret, "%s://%s", u.https ? "https" : "http", host_id);
    if (u.port_given && host_id[host_length(host_id)] != ':') {
        (void)bcj2__buf_printf(ret, ":%u", (unsigned)u.port);
    }
    return bcj2__buf_append(ret, u.path, u.path_length + u.query_length);
}

/* The reference without blanks at its ends, '\' before the query as '/', illegal bytes escaped. */
static bool clean(const char *reference, struct buf *ret)
{
    size_t length = 0;
    const char *text = bcj2__str_trim(reference, strlen(reference), &length);
    bool in_query = false;
    for (size_t i = 0; i < length && text[i] != '#'; i++) {
        char c = text[i];
        in_query = in_query || c == '?';
        if (c == '\\' && !in_query) {
            c = '/';
        }
        bool escaped = c == '%' && i + 2 < length && is_hex(text[i + 1]) && is_hex(text[i + 2]);
        if (escaped || is_legal(c)) {
            (void)bcj2__buf_append(ret, &c, 1);
        } else {
            (void)bcj2__buf_printf(ret, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
    return bcj2__buf_ok(ret);
}

/* Appends path with "." and ".." segments removed (RFC 3986 5.2.4). start is where the path begins
   in the buffer: ".." never climbs over it. */
static void append_path(struct buf *ret, const char *path, size_t length)
{
    size_t start = ret->length;
    size_t i = 0;
    while (i < length) {
        const char *segment = path + i + 1; /* path[i] is '/' */
        const char *end = memchr(segment, '/', length - i - 1);
        size_t n = end == NULL ? length - i - 1 : (size_t)(end - segment);
        bool last = end == NULL;
        bool dot = n == 1 && segment[0] == '.';
        bool dots = n == 2 && segment[0] == '.' && segment[1] == '.';
        if (dots) {
            while (ret->length > start && ret->data[ret->length - 1] != '/') {
                ret->length--;
            }
            if (ret->length > start) {
                ret->length--;
            }
        }
        if (!dot && !dots) {
            (void)bcj2__buf_append(ret, path + i, n + 1);
        } else if (last) {
            (void)bcj2__buf_text(ret, "/");
        }
        i += n + 1;
    }
}

/* The resolved URL: an absolute reference stays, "//host" takes the scheme, "/path" the host, "?q"
   the path, anything else the folder. */
static bool resolve_clean(const char *base, const struct url *b, const char *ref, struct buf *ret)
{
    size_t scheme = 0;
    while (is_alpha(ref[scheme]) || (scheme > 0 && (is_digit(ref[scheme]) || ref[scheme] == '+' ||
                                                    ref[scheme] == '-' || ref[scheme] == '.'))) {
        scheme++;
    }
    if (scheme > 0 && ref[scheme] == ':') {
        return bcj2__buf_text(ret, ref);
    }
    if (bcj2__str_starts(ref, "//")) {
        return bcj2__buf_printf(ret, "%s:%s", b->https ? "https" : "http", ref);
    }
    (void)bcj2__buf_append(ret, base, (size_t)(b->path - base));
    size_t ref_path = strcspn(ref, "?");
    if (ref_path == 0) {
        (void)bcj2__buf_append(ret, b->path, b->path_length);
        if (ref[0] == '\0') {
            return bcj2__buf_append(ret, b->query, b->query_length);
        }
        return bcj2__buf_text(ret, ref);
    }
    struct buf path = BUF_INIT((size_t)LIMIT_URL_BYTES * 2);
    if (ref[0] != '/') {
        size_t folder = b->path_length;
        while (folder > 0 && b->path[folder - 1] != '/') {
            folder--;
        }
        (void)bcj2__buf_append(&path, b->path, folder);
        if (folder == 0) {
            (void)bcj2__buf_text(&path, "/");
        }
    }
    (void)bcj2__buf_append(&path, ref, ref_path);
    bool ok = bcj2__buf_ok(&path);
    if (ok) {
        append_path(ret, path.data, path.length);
        ok = bcj2__buf_text(ret, ref + ref_path);
    }
    bcj2__buf_done(&path);
    return ok;
}

bool bcj2__url_resolve(const char *base, const char *reference, struct buf *ret)
{
    struct url b = {0}, result = {0};
    char problem[128];
    CLEANUP_BUF struct buf ref = BUF_INIT((size_t)LIMIT_URL_BYTES * 3);
    if (!bcj2__url_parse(base, &b, problem) || !clean(reference, &ref)) {
        return false;
    }
    return resolve_clean(base, &b, bcj2__buf_cstr(&ref), ret) &&
           bcj2__url_parse(bcj2__buf_cstr(ret), &result, problem);
}

bool bcj2__url_same_origin(const char *a, const char *b)
{
    struct url x = {0}, y = {0};
    char problem[128];
    return bcj2__url_parse(a, &x, problem) && bcj2__url_parse(b, &y, problem) &&
           x.https == y.https && x.port == y.port && x.host_length == y.host_length &&
           bcj2__str_same_n(x.host, y.host, x.host_length);
}

bool bcj2__url_is_loopback(const char *url)
{
    static const char local[] = "localhost", v4[] = "127.", v6[] = "[::1]";
    struct url u = {0};
    char problem[128];
    if (!bcj2__url_parse(url, &u, problem)) {
        return false;
    }
    size_t n = u.host_length, digits = 0;
    if (n > 0 && u.host[n - 1] == '.') {
        n--;
    }
    while (digits < n && (is_digit(u.host[digits]) || u.host[digits] == '.')) {
        digits++;
    }
    const char *end = u.host + n;
    bool named = n >= sizeof local - 1 &&
                 bcj2__str_same_n(end - (sizeof local - 1), local, sizeof local - 1);
    return (named && (n == sizeof local - 1 || end[-(int)sizeof local] == '.')) ||
           (digits == n && n > sizeof v4 - 1 && memcmp(u.host, v4, sizeof v4 - 1) == 0) ||
           (n == sizeof v6 - 1 && memcmp(u.host, v6, n) == 0);
}

void bcj2__url_host(const char *url, char host[URL_HOST_SIZE])
{
    struct url u = {0};
    char problem[128];
    host[0] = '\0';
    if (!bcj2__url_parse(url, &u, problem) || u.host_length + sizeof ":65535" > URL_HOST_SIZE) {
        return;
    }
    (void)snprintf(host, URL_HOST_SIZE, "%.*s:%u", (int)u.host_length, u.host, (unsigned)u.port);
    for (char *p = host; *p != '\0'; p++) {
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    }
}

void bcj2__url_for_people(const char *url, char text[256])
{
    /* what stands before an '@' may be a password, also in a URL that is refused for it */
    const char *scheme = strstr(url, "://");
    const char *rest = scheme == NULL ? url : scheme + 3;
    size_t authority = strcspn(rest, "/?#");
    for (size_t i = authority; i > 0; i--) {
        if (rest[i - 1] == '@') {
            rest += i;
            break;
        }
    }
    size_t length = strcspn(rest, "?#");
    int scheme_length = scheme == NULL ? 0 : (int)MIN(scheme + 3 - url, 64);
    bool cut = (size_t)scheme_length + length > 255;
    (void)snprintf(text, 256, "%.*s%.*s%s", scheme_length, url,
                   (int)(cut ? 252 - (size_t)scheme_length : length), rest, cut ? "..." : "");
    /* nor may one that is refused for a line end put a line into a log */
    for (char *p = text; *p != '\0'; p++) {
        *p = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
    }
}
