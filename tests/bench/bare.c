/* SPDX-License-Identifier: MIT */
/* See bare.h. */
#include "bare.h"
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The best of what was tried for large fragments; the library uses the same. */
#define SEND_BUFFER    (512L * 1024)
#define RECEIVE_BUFFER (256L * 1024)

static size_t on_read(char *to, size_t size, size_t count, void *user)
{
    struct bare *b = user;
    uint64_t left = b->end - b->offset;
    size_t room = size * count;
    ssize_t n = pread(b->fd, to, left < room ? (size_t)left : room, (off_t)b->offset);
    if (n < 0) {
        return CURL_READFUNC_ABORT;
    }
    b->offset += (uint64_t)n;
    return (size_t)n;
}

static size_t on_write(char *data, size_t size, size_t count, void *user)
{
    struct bare *b = user;
    size_t bytes = size * count;
    if (b->sink < 0 || pwrite(b->sink, data, bytes, (off_t)b->received) != (ssize_t)bytes) {
        return 0;
    }
    b->received += bytes;
    return bytes;
}

/* The value of a header line if it has that name. */
static int header(const char *line, size_t length, const char *name, char *to, size_t size)
{
    size_t n = strlen(name);
    if (length <= n || strncasecmp(line, name, n) != 0 || line[n] != ':') {
        return 0;
    }
    const char *value = line + n + 1;
    size_t left = length - n - 1;
    while (left > 0 && *value == ' ') {
        value++;
        left--;
    }
    while (left > 0 && (value[left - 1] == '\r' || value[left - 1] == '\n')) {
        left--;
    }
    bench_check(left < size, "a header's length");
    (void)memcpy(to, value, left);
    to[left] = '\0';
    return 1;
}

static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    struct bare *b = user;
    char number[32];
    size_t length = size * count;
    (void)header(line, length, "BITS-Session-Id", b->session, sizeof b->session);
    (void)header(line, length, "BITS-Reply-URL", b->reply, sizeof b->reply);
    if (header(line, length, "BITS-Received-Content-Range", number, sizeof number)) {
        b->total = strtoull(number, NULL, 10);
    }
    return length;
}

static void add_line(struct bare *b, const char *name, const char *value)
{
    char line[512];
    bench_check(snprintf(line, sizeof line, "%s: %s", name, value) < (int)sizeof line, "a line");
    struct curl_slist *longer = curl_slist_append(b->lines, line);
    bench_check(longer != NULL, "memory");
    b->lines = longer;
}

static void clear(struct bare *b)
{
    curl_easy_reset(b->easy);
    curl_slist_free_all(b->lines);
    b->lines = NULL;
    (void)curl_easy_setopt(b->easy, CURLOPT_PRIVATE, b);
    (void)curl_easy_setopt(b->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(b->easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(b->easy, CURLOPT_HEADERDATA, b);
    (void)curl_easy_setopt(b->easy, CURLOPT_WRITEFUNCTION, on_write);
    (void)curl_easy_setopt(b->easy, CURLOPT_WRITEDATA, b);
}

static void post(struct bare *b, const char *packet, uint64_t first, uint64_t length)
{
    clear(b);
    b->offset = first;
    b->end = first + length;
    add_line(b, "BITS-Packet-Type", packet);
    if (b->session[0] != '\0') {
        add_line(b, "BITS-Session-Id", b->session);
    } else {
        add_line(b, "BITS-Supported-Protocols", "{7df0354d-249b-430f-820d-3d2a9bef4931}");
    }
    if (length > 0) {
        char range[80];
        (void)snprintf(range, sizeof range, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
                       b->end - 1, b->size);
        add_line(b, "Content-Range", range);
    }
    struct curl_slist *longer = curl_slist_append(b->lines, "Expect:");
    longer = curl_slist_append(longer, "Content-Type:");
    bench_check(longer != NULL, "memory");
    b->lines = longer;
    (void)curl_easy_setopt(b->easy, CURLOPT_URL, b->url);
    (void)curl_easy_setopt(b->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(b->easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(b->easy, CURLOPT_CUSTOMREQUEST, "BITS_POST");
    (void)curl_easy_setopt(b->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    (void)curl_easy_setopt(b->easy, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(b->easy, CURLOPT_READDATA, b);
    (void)curl_easy_setopt(b->easy, CURLOPT_HTTPHEADER, b->lines);
    if (length > (uint64_t)SEND_BUFFER) {
        (void)curl_easy_setopt(b->easy, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
    }
}

void bare_begin(struct bare *b, CURL *easy, const char *url, int fd, uint64_t size, int sink)
{
    *b = (struct bare){.easy = easy, .url = url, .fd = fd, .size = size, .sink = sink};
}

void bare_create(struct bare *b)
{
    post(b, "Create-Session", 0, 0);
}

void bare_fragment(struct bare *b)
{
    uint64_t left = b->size - b->total;
    post(b, "Fragment", b->total, left < BARE_FRAGMENT ? left : BARE_FRAGMENT);
}

/* The server may name the reply relative to the upload. */
static void resolve_reply(struct bare *b)
{
    char *absolute = NULL;
    CURLU *url = curl_url();
    bench_check(url != NULL && curl_url_set(url, CURLUPART_URL, b->url, 0) == CURLUE_OK &&
                    curl_url_set(url, CURLUPART_URL, b->reply, 0) == CURLUE_OK &&
                    curl_url_get(url, CURLUPART_URL, &absolute, 0) == CURLUE_OK &&
                    strlen(absolute) < sizeof b->reply,
                b->reply);
    (void)strcpy(b->reply, absolute);
    curl_free(absolute);
    curl_url_cleanup(url);
}

void bare_get(struct bare *b)
{
    clear(b);
    resolve_reply(b);
    (void)curl_easy_setopt(b->easy, CURLOPT_URL, b->reply);
    (void)curl_easy_setopt(b->easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
}

void bare_close(struct bare *b)
{
    post(b, "Close-Session", 0, 0);
}

void bare_end(struct bare *b)
{
    curl_slist_free_all(b->lines);
    b->lines = NULL;
}

void bare_answered(const struct bare *b, CURLcode result)
{
    long status = 0;
    (void)curl_easy_getinfo(b->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result != CURLE_OK || status != 200 || b->session[0] == '\0') {
        (void)fprintf(stderr, "%s: %s, status %ld\n", b->url, curl_easy_strerror(result), status);
        exit(EXIT_FAILURE);
    }
}
