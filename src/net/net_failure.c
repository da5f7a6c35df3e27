/* SPDX-License-Identifier: MIT */
/* libcurl's codes in our words. The one place that knows them; pure functions of what was seen. */
#include "net_internal.h"
#include "detail.h"

#include <errno.h>
#include <string.h>

static bool says(const struct net_fault *fault, const char *words)
{
    return strstr(fault->detail, words) != NULL;
}

static enum net_failure no_connection(const struct net_fault *fault)
{
    if (fault->to_proxy) {
        return NET_PROXY_CANNOT_CONNECT;
    }
    /* A host that cannot be reached (EHOSTUNREACH) says nothing about the network. */
    if (fault->os_error == ENETUNREACH || fault->os_error == ENETDOWN) {
        return NET_NO_NETWORK;
    }
    return NET_CANNOT_CONNECT;
}

/* A handshake that ended because the connection did is no verdict on TLS; libcurl has one code for
   both. */
static bool broke_in_handshake(const struct net_fault *fault)
{
    return says(fault, "unexpected eof") || says(fault, "SSL_ERROR_SYSCALL") ||
           says(fault, "SSL_ERROR_ZERO_RETURN") || says(fault, "Connection reset") ||
           says(fault, "Broken pipe");
}

/* Alerts of a server about our certificate, or that there is none: in the handshake, or at the first
   read where TLS 1.3 sends them later. */
static bool wants_other_certificate(const struct net_fault *fault)
{
    return says(fault, "alert") &&
           (says(fault, "certificate") || says(fault, "unknown ca") || says(fault, "unknown CA"));
}

/* NET_OTHER: it has nothing to do with TLS either. */
static enum net_failure tls_failure(const struct net_fault *fault)
{
    switch (fault->code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return NET_TLS_CERTIFICATE;
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return NET_TLS_PIN;
    case CURLE_SSL_INVALIDCERTSTATUS: /* revoked, unknown, none, not to be trusted */
        return says(fault, "revocation reason") ? NET_TLS_REVOKED : NET_TLS_REVOCATION_UNKNOWN;
    case CURLE_SSL_CRL_BADFILE:
        return NET_TLS_REVOCATION_UNKNOWN;
    case CURLE_SSL_CONNECT_ERROR:
        return broke_in_handshake(fault)        ? NET_CONNECTION_BROKE
               : wants_other_certificate(fault) ? NET_TLS_CLIENT_WANTED
                                                : NET_TLS_HANDSHAKE;
    case CURLE_SSL_CERTPROBLEM:
        return NET_TLS_CLIENT_KEY;
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
        return NET_TLS_HANDSHAKE;
    default:
        return NET_OTHER;
    }
}

/* One code stands for three things: a connection that broke, a body that is not chunked as it says,
   and a server that refuses our certificate, or that we have none, after a TLS 1.3 handshake. */
static enum net_failure broken_answer(const struct net_fault *fault)
{
    if (says(fault, "hunked-") || says(fault, "chunk hex")) {
        return NET_BAD_HTTP;
    }
    return wants_other_certificate(fault) ? NET_TLS_CLIENT_WANTED : NET_CONNECTION_BROKE;
}

enum net_failure bcj2__net_failure_of(const struct net_fault *fault)
{
    switch (fault->code) {
    case CURLE_OK:
        return NET_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
        return NET_NAME_NOT_RESOLVED;
    case CURLE_COULDNT_RESOLVE_PROXY:
        return NET_PROXY_NOT_RESOLVED;
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
        return no_connection(fault);
    case CURLE_PROXY:
        return NET_PROXY_CANNOT_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return fault->connected ? NET_TIMEOUT : no_connection(fault);
    case CURLE_RECV_ERROR:
        return broken_answer(fault);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND: /* see bcj2__net_on_seek() */
    case CURLE_HTTP2_STREAM:
    case CURLE_QUIC_CONNECT_ERROR:
    case CURLE_UNRECOVERABLE_POLL:
        return NET_CONNECTION_BROKE;
    case CURLE_UNSUPPORTED_PROTOCOL: /* of an answer: HTTP/0.9 or an unknown one */
        return fault->connected ? NET_BAD_HTTP : NET_OTHER;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP3:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_FILESIZE_EXCEEDED: /* a Content-Length beyond 64 bits */
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE: /* a line of a head beyond libcurl's limit */
#endif
        return NET_BAD_HTTP;
    case CURLE_OUT_OF_MEMORY: /* before libcurl 8.6 also such a line */
        return fault->head_begun ? NET_BAD_HTTP : NET_NO_MEMORY;
    default:
        return tls_failure(fault);
    }
}

bcj2_status bcj2__net_status_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return BCJ2_OK;
    case CURLE_OUT_OF_MEMORY:
        return bcj2__detail_no_memory();
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_NOT_BUILT_IN:
        return bcj2__detail(BCJ2_E_NOT_SUPPORTED, "this libcurl lacks a needed feature: %s",
                            curl_easy_strerror(code));
    default:
        return bcj2__detail(BCJ2_E_FAIL, "libcurl: %s", curl_easy_strerror(code));
    }
}

bcj2_status bcj2__net_multi_status(CURLMcode code, const char *what)
{
    switch (code) {
    case CURLM_OK:
        return BCJ2_OK;
    case CURLM_OUT_OF_MEMORY:
        return bcj2__detail_no_memory();
    default:
        return bcj2__detail(BCJ2_E_FAIL, "libcurl, %s: %s", what, curl_multi_strerror(code));
    }
}

void bcj2__net_clean_detail(char *detail)
{
    for (char *p = detail; *p != '\0'; p++) {
        if (*p == '?') {
            *p = '\0';
            return;
        }
        if ((unsigned char)*p < 0x20 || *p == 0x7F) {
            *p = ' ';
        }
    }
}
