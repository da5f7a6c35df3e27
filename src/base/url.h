/* SPDX-License-Identifier: MIT */
/* http and https URLs as text: checking what a caller gives, changing the host, resolving what a
   server sends (RFC 3986), and a form without secrets for people. Nothing is escaped on the way but
   in bcj2__url_resolve(). */
#ifndef BCJ2_BASE_URL_H
#define BCJ2_BASE_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "limit.h"

/* Views into the text. */
struct url {
    bool https;
    const char *host; /* with the brackets of an IPv6 address */
    size_t host_length;
    uint32_t port; /* the scheme's default if not given */
    bool port_given;
    const char *path;    /* from the first '/' (or the '?', or the end) */
    size_t path_length;  /* without query */
    const char *query;   /* from the '?', or the end */
    size_t query_length; /* without fragment */
};

/* Splits an absolute URL. On failure *ret_problem (static text) says what is wrong with it: "no
   host", "scheme must be http or https", "character 0x20 at 12 must be escaped", … */
bool bcj2__url_parse(const char *text, struct url *ret, char ret_problem[128]);

/* Is it the name of a file on this machine: an absolute path, or a file URL? Then not http. */
bool bcj2__url_is_file(const char *text);
/* The path of such a name: an absolute path as it is, of "file:///a%20b" and
   "file://localhost/a%20b" the decoded "/a b". False: *ret_problem (static text) says why not. */
bool bcj2__url_file_path(const char *text, struct buf *ret, char ret_problem[128]);

/* Is it host [":" port], at most 300 bytes, and nothing else? */
bool bcj2__url_host_id_valid(const char *host_id);

/* url with its host (and its port, if host_id has one) replaced, without fragment. */
bool bcj2__url_with_host(const char *url, const char *host_id, struct buf *ret);

/* reference as a server sent it, made clean (trimmed, '\' before the query becomes '/', illegal
   bytes percent-encoded) and resolved against base. False: not http(s), no host, or too long. */
bool bcj2__url_resolve(const char *base, const char *reference, struct buf *ret);

/* "https://host:8443" of a URL, to compare origins. */
bool bcj2__url_same_origin(const char *a, const char *b);

/* Is it this machine by its name: localhost, 127.…, [::1]? */
bool bcj2__url_is_loopback(const char *url);

/* "host:port" in lower case, the port always: who answers, or does not. "" if it is no http(s) URL, or
   longer than LIMIT_HOST_ID_BYTES. */
#define URL_HOST_SIZE (LIMIT_HOST_ID_BYTES + 1)
void bcj2__url_host(const char *url, char host[URL_HOST_SIZE]);

/* Without query and fragment, cut to fit: fit for logs and error texts. */
void bcj2__url_for_people(const char *url, char text[256]);

#endif
