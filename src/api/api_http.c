/* SPDX-License-Identifier: MIT */
/* <bcj2/job.h>: the HTTP options. */
#include "api.h"
#include "mem.h"

bcj2_status bcj2_set_custom_headers(bcj2_job *job, const char *headers)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_headers(job, headers));
}

bcj2_status bcj2_make_custom_headers_write_only(bcj2_job *job)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_headers_write_only(job));
}

bcj2_status bcj2_set_client_certificate(bcj2_job *job, const char *certificate_file,
                                        const char *key_file, const char *key_password)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_client_certificate(job, certificate_file, key_file, key_password));
}

bcj2_status bcj2_set_ca_file(bcj2_job *job, const char *ca_file)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_ca_file(job, ca_file));
}

bcj2_status bcj2_set_pinned_public_key(bcj2_job *job, const char *pinned_key)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_pinned_key(job, pinned_key));
}

bcj2_status bcj2_set_security_flags(bcj2_job *job, uint32_t flags)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_security_flags(job, flags));
}

bcj2_status bcj2_set_http_method(bcj2_job *job, const char *method)
{
    REQUIRE(job);
    REQUIRE(method);
    FORWARD(job, bcj2__job_set_method(job, method));
}

bcj2_status bcj2_set_tls_versions(bcj2_job *job, bcj2_tls_version min, bcj2_tls_version max)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_tls_versions(job, min, max));
}

/* ---- getters ---- */

bcj2_status bcj2_get_custom_headers(bcj2_job *job, char **ret_headers)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_headers);
    FORWARD(job, bcj2__job_headers(job, ret_headers));
}

bcj2_status bcj2_get_http_method(bcj2_job *job, char **ret_method)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_method);
    FORWARD(job, bcj2__job_method(job, ret_method));
}

/* Reads the options and gives some of them back through a function; the rest is freed here. */
static bcj2_status with_http(bcj2_job *job, bcj2_status (*give)(struct store_http *http, void *ret),
                             void *ret)
{
    struct store_http http = {0};
    bcj2_status s = bcj2__job_http(job, &http);
    if (BCJ2_SUCCEEDED(s)) {
        s = give(&http, ret);
    }
    bcj2__store_http_done(&http);
    return s;
}

static bcj2_status give_ca_file(struct store_http *http, void *ret)
{
    char **to = ret;
    *to = TAKE(http->ca_file);
    return *to == NULL ? BCJ2_S_FALSE : BCJ2_OK;
}

static bcj2_status give_pinned_key(struct store_http *http, void *ret)
{
    char **to = ret;
    *to = TAKE(http->pinned_key);
    return *to == NULL ? BCJ2_S_FALSE : BCJ2_OK;
}

static bcj2_status give_security_flags(struct store_http *http, void *ret)
{
    *(uint32_t *)ret = http->security_flags;
    return BCJ2_OK;
}

struct certificate_files {
    char **certificate, **key;
};

static bcj2_status give_client_certificate(struct store_http *http, void *ret)
{
    const struct certificate_files *to = ret;
    *to->certificate = TAKE(http->client_certificate);
    *to->key = TAKE(http->client_key);
    return *to->certificate == NULL ? BCJ2_S_FALSE : BCJ2_OK;
}

struct tls_versions {
    bcj2_tls_version *min, *max;
};

static bcj2_status give_tls_versions(struct store_http *http, void *ret)
{
    const struct tls_versions *to = ret;
    *to->min = http->tls_min;
    *to->max = http->tls_max;
    return BCJ2_OK;
}

bcj2_status bcj2_get_client_certificate(bcj2_job *job, char **ret_certificate_file,
                                        char **ret_key_file)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_certificate_file);
    REQUIRE_OUT(ret_key_file);
    struct certificate_files files = {ret_certificate_file, ret_key_file};
    FORWARD(job, with_http(job, give_client_certificate, &files));
}

bcj2_status bcj2_get_ca_file(bcj2_job *job, char **ret_ca_file)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_ca_file);
    FORWARD(job, with_http(job, give_ca_file, ret_ca_file));
}

bcj2_status bcj2_get_pinned_public_key(bcj2_job *job, char **ret_pinned_key)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_pinned_key);
    FORWARD(job, with_http(job, give_pinned_key, ret_pinned_key));
}

bcj2_status bcj2_get_security_flags(bcj2_job *job, uint32_t *ret_flags)
{
    REQUIRE(job);
    REQUIRE(ret_flags);
    FORWARD(job, with_http(job, give_security_flags, ret_flags));
}

bcj2_status bcj2_get_tls_versions(bcj2_job *job, bcj2_tls_version *ret_min,
                                  bcj2_tls_version *ret_max)
{
    REQUIRE(job);
    REQUIRE(ret_min);
    REQUIRE(ret_max);
    struct tls_versions versions = {ret_min, ret_max};
    FORWARD(job, with_http(job, give_tls_versions, &versions));
}
