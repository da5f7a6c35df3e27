/* SPDX-License-Identifier: MIT */
/* What a request says about TLS, in libcurl's options. Files are looked at before libcurl gets their
   names: it says little about one it cannot read, and would wait at a FIFO. Not here: what a failure of
   TLS means (net_failure.c). */
#include "net_internal.h"
#include "detail.h"
#include "os.h"
#include "str.h"

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

static CURLcode set_certificate(struct xfer *x, const struct net_tls *tls)
{
    CURL *easy = x->easy;
    if (tls->certificate == NULL || !readable(x, tls->certificate) || !readable(x, tls->key)) {
        return CURLE_OK;
    }
    CURLcode result = curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->certificate);
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
