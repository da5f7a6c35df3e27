/* SPDX-License-Identifier: MIT */
/* What a request says about TLS, in libcurl's options. Files are looked at before libcurl gets their
   names: it says little about one it cannot read, and would wait at a FIFO. Not here: what a failure of
   TLS means (net_failure.c). */
#include "net_internal.h"
#include "detail.h"
#include "limit.h"
#include "mem.h"
#include "os.h"
#include "str.h"

#include <string.h>

/* False: it cannot be read, and x has failed. */
static bool readable(struct xfer *x, const char *path)
{
    struct os_stat st;
    int fd = -1;
    if (path == NULL || x->failure != NET_OK) {
        return x->failure == NET_OK;
    }
    x->local_status = bcj2__os_open_source(path, &fd, &st);
    (void)bcj2__os_close(fd);
    if (BCJ2_FAILED(x->local_status)) {
        bcj2__net_fail(x, NET_TLS_FILE, bcj2__detail_get());
        return false;
    }
    return true;
}

/* The oldest and the newest version in one number; TLS 1.2 is the oldest unless an older one is asked
   for, or one is the newest. */
static long versions(bcj2_tls_version min, bcj2_tls_version max)
{
    static const long oldest[] = {CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_TLSv1_1,
                                  CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_TLSv1_3};
    static const long newest[] = {CURL_SSLVERSION_MAX_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_1,
                                  CURL_SSLVERSION_MAX_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_3};
    bool limited = max >= BCJ2_TLS_VERSION_1_0 && max <= BCJ2_TLS_VERSION_1_3;
    if (min < BCJ2_TLS_VERSION_1_0 || min > BCJ2_TLS_VERSION_1_3) {
        min = limited ? MIN(max, BCJ2_TLS_VERSION_1_2) : BCJ2_TLS_VERSION_1_2;
    }
    return oldest[min - BCJ2_TLS_VERSION_1_0] |
           (limited ? newest[max - BCJ2_TLS_VERSION_1_0] : (long)CURL_SSLVERSION_MAX_DEFAULT);
}

static CURLcode set_trust(struct xfer *x, const struct net_tls *tls)
{
    CURL *easy = x->easy;
    CURLcode result = CURLE_OK;
    if (tls->ca_file != NULL && readable(x, tls->ca_file)) {
        SET(result, easy, CURLOPT_CAINFO, tls->ca_file);
        SET(result, easy, CURLOPT_CAPATH, NULL); /* the system's would be trusted as well */
    }
    if (tls->pinned_key != NULL &&
        (bcj2__str_starts(tls->pinned_key, "sha256//") || readable(x, tls->pinned_key))) {
        SET(result, easy, CURLOPT_PINNEDPUBLICKEY, tls->pinned_key);
    }
    if ((tls->security_flags & BCJ2_SSL_IGNORE_CERT_CN_INVALID) != 0) {
        SET(result, easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if ((tls->security_flags & BCJ2_SSL_IGNORE_UNKNOWN_CA) != 0) {
        SET(result, easy, CURLOPT_SSL_VERIFYPEER, 0L);
    }
    if (result == CURLE_OK && (tls->security_flags & BCJ2_SSL_ENABLE_CRL_CHECK) != 0 &&
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYSTATUS, 1L) != CURLE_OK) {
        bcj2__net_fail(x, NET_TLS_REVOCATION_UNKNOWN, "this libcurl cannot check for revocation");
    }
    return result;
}

/* ---- client certificates ---- */

/* libcurl tells connections apart by the name of the certificate's file, but not by key and password: who
   names a wrong one would be let in by a connection made with the right one. So each combination
   spells the file's name in its own way, with "./" this often before it. */
struct net_identity {
    struct net_identity *next;
    char *certificate, *key, *password; /* no key: in the certificate's file; no password: "" */
    uint32_t spelling;
};

/* More for one file are not kept apart by name: their connections are not kept. */
#define SPELLINGS 16u

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void free_identity(struct net_identity *i)
{
    bcj2__mem_free(i->certificate);
    bcj2__mem_free(i->key);
    bcj2__mem_free_secret(i->password);
    bcj2__mem_free(i);
}

void bcj2__net_free_identities(struct net *n)
{
    while (n->identities != NULL) {
        struct net_identity *i = n->identities;
        n->identities = i->next;
        free_identity(i);
    }
}

static bool add_identity(struct net *n, const struct net_tls *tls, uint32_t spelling)
{
    struct net_identity *i = bcj2__mem_calloc(1, sizeof *i);
    if (i == NULL) {
        return false;
    }
    i->certificate = bcj2__mem_strdup(tls->certificate);
    i->key = bcj2__mem_strdup(tls->key);
    i->password = bcj2__mem_strdup(tls->key_password != NULL ? tls->key_password : "");
    i->spelling = spelling;
    if (i->certificate == NULL || (tls->key != NULL && i->key == NULL) || i->password == NULL) {
        free_identity(i);
        return false;
    }
    i->next = n->identities;
    n->identities = i;
    return true;
}

/* SPELLINGS: it has none. */
static uint32_t spelling_of(struct net *n, const struct net_tls *tls)
{
    const char *password = tls->key_password != NULL ? tls->key_password : "";
    uint32_t next = 0;
    for (const struct net_identity *i = n->identities; i != NULL; i = i->next) {
        if (!same(i->certificate, tls->certificate)) {
            continue;
        }
        if (same(i->key, tls->key) && same(i->password, password)) {
            return i->spelling;
        }
        next++;
    }
    return next < SPELLINGS && add_identity(n, tls, next) ? next : SPELLINGS;
}

static CURLcode set_certificate(struct xfer *x, const struct net_tls *tls)
{
    CURL *easy = x->easy;
    if (tls->certificate == NULL || !readable(x, tls->certificate) || !readable(x, tls->key)) {
        return CURLE_OK;
    }
    CURLcode result = CURLE_OK;
    CLEANUP_BUF struct buf name = BUF_INIT(LIMIT_PATH_BYTES + 2 * SPELLINGS);
    uint32_t spelling = spelling_of(x->net, tls);
    bool absolute = tls->certificate[0] == '/';
    (void)bcj2__buf_text(&name, absolute ? "/" : "");
    for (uint32_t i = 0; i < spelling % SPELLINGS; i++) {
        (void)bcj2__buf_text(&name, "./");
    }
    (void)bcj2__buf_text(&name, tls->certificate + (absolute ? 1 : 0));
    if (!bcj2__buf_ok(&name)) {
        return CURLE_OUT_OF_MEMORY;
    }
    if (spelling == SPELLINGS) {
        SET(result, easy, CURLOPT_FRESH_CONNECT, 1L);
        SET(result, easy, CURLOPT_FORBID_REUSE, 1L);
    }
    SET(result, easy, CURLOPT_SSLCERT, bcj2__buf_cstr(&name));
    SET(result, easy, CURLOPT_SSLKEY, tls->key != NULL ? tls->key : tls->certificate);
    /* never none: OpenSSL would ask for it at the terminal */
    SET(result, easy, CURLOPT_KEYPASSWD, tls->key_password != NULL ? tls->key_password : "");
    return result;
}

CURLcode bcj2__net_set_tls(struct xfer *x, const struct net_tls *tls)
{
    static const struct net_tls defaults;
    CURLcode result = CURLE_OK;
    tls = tls != NULL ? tls : &defaults;
    SET(result, x->easy, CURLOPT_SSLVERSION, versions(tls->min, tls->max));
    if (x->net->ca_file != NULL) {
        SET(result, x->easy, CURLOPT_CAINFO, x->net->ca_file);
    }
    if (result == CURLE_OK) {
        result = set_trust(x, tls);
    }
    return result == CURLE_OK ? set_certificate(x, tls) : result;
}

CURLcode bcj2__net_drop_certificate(struct xfer *x)
{
    CURLcode result = curl_easy_setopt(x->easy, CURLOPT_SSLCERT, NULL);
    SET(result, x->easy, CURLOPT_SSLKEY, NULL);
    SET(result, x->easy, CURLOPT_KEYPASSWD, NULL);
    return result;
}
