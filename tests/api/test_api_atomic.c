/* SPDX-License-Identifier: MIT */
/* R-ATOM for the calls on files and properties: each allocation of each call fails once; then the call
   fails with E_OUTOFMEMORY and the job is as it was, or it succeeded all the same. The transfer as a
   whole is swept in tests/fault. */
#include "../support/queue.h"

#include "macro.h"
#include "mem.h"

#include <stdio.h>
#include <string.h>

static bcj2_file *first; /* of the job under test */
static char *text, *other_text;
static bcj2_file_range *some_ranges;
static uint32_t number;

static bcj2_status add_set(bcj2_job *job)
{
    const bcj2_file_info files[] = {{"http://h/1", queue_path("out/1")},
                                    {"/mnt/2", queue_path("out/2")}};
    return bcj2_add_file_set(job, 2, files);
}

static bcj2_status add_ranges(bcj2_job *job)
{
    static const bcj2_file_range ranges[] = {{10, 5}, {0, 5}};
    return bcj2_add_file_with_ranges(job, "http://h/3", queue_path("out/3"), 2, ranges);
}

static bcj2_status replace_prefix(bcj2_job *job)
{
    return bcj2_replace_remote_prefix(job, "http://h/", "https://longer.example/");
}

static bcj2_status set_remote_name(bcj2_job *job)
{
    return bcj2_file_set_remote_name(first, "http://127.0.0.1:1/next");
}

static bcj2_status set_headers(bcj2_job *job)
{
    return bcj2_set_custom_headers(job, "A: b\r\nC: d");
}

static bcj2_status set_certificate(bcj2_job *job)
{
    return bcj2_set_client_certificate(job, queue_path("up.bin"), queue_path("up.bin"), "p");
}

static bcj2_status set_ca_file(bcj2_job *job)
{
    return bcj2_set_ca_file(job, queue_path("up.bin"));
}

static bcj2_status set_pin(bcj2_job *job)
{
    return bcj2_set_pinned_public_key(job, queue_path("up.bin"));
}

static bcj2_status set_flags(bcj2_job *job)
{
    return bcj2_set_security_flags(job, BCJ2_HTTP_REDIRECT_POLICY_DISALLOW);
}

static bcj2_status set_tls(bcj2_job *job)
{
    return bcj2_set_tls_versions(job, BCJ2_TLS_VERSION_1_2, BCJ2_TLS_VERSION_1_3);
}

static bcj2_status get_headers(bcj2_job *job)
{
    return bcj2_get_custom_headers(job, &text);
}

static bcj2_status get_certificate(bcj2_job *job)
{
    return bcj2_get_client_certificate(job, &text, &other_text);
}

static bcj2_status get_method(bcj2_job *job)
{
    return bcj2_get_http_method(job, &text);
}

static bcj2_status get_url(bcj2_job *job)
{
    return bcj2_file_get_remote_name(first, &text);
}

static bcj2_status get_ranges(bcj2_job *job)
{
    return bcj2_file_get_ranges(first, &some_ranges, &number);
}

static bcj2_status get_status_text(bcj2_job *job)
{
    return bcj2_get_status_text(job, &text);
}

static bcj2_status take_ownership(bcj2_job *job)
{
    bcj2_status s = bcj2_take_ownership(job);
    return s == BCJ2_E_ACCESSDENIED ? BCJ2_OK : s; /* not root */
}

static const struct {
    const char *name;
    bcj2_status (*call)(bcj2_job *job);
} calls[] = {
    {"add_file_set", add_set},
    {"add_file_with_ranges", add_ranges},
    {"file_set_remote_name", set_remote_name},
    {"set_custom_headers", set_headers},
    {"set_client_certificate", set_certificate},
    {"set_ca_file", set_ca_file},
    {"set_pinned_public_key", set_pin},
    {"set_security_flags", set_flags},
    {"set_tls_versions", set_tls},
    {"get_custom_headers", get_headers},
    {"get_client_certificate", get_certificate},
    {"get_http_method", get_method},
    {"file_get_remote_name", get_url},
    {"file_get_ranges", get_ranges},
    {"get_status_text", get_status_text},
    {"replace_remote_prefix", replace_prefix},
    {"take_ownership", take_ownership},
    {"resume", bcj2_resume},
};

static void let_go(void)
{
    bcj2_free(text);
    bcj2_free(other_text);
    bcj2_free(some_ranges);
    text = other_text = NULL;
    some_ranges = NULL;
}

/* Fails the nth allocation of a call. True: there was no nth one. */
static bool fail_nth(bcj2_job *job, size_t i, uint64_t nth)
{
    char *before = queue_json(job);
    bcj2__mem_fail_at(nth);
    bcj2_status s = calls[i].call(job);
    bool over = bcj2__mem_fail_left() != 0;
    bcj2__mem_fail_at(0);
    ck_assert_msg(BCJ2_SUCCEEDED(s) || (!over && s == BCJ2_E_OUTOFMEMORY),
                  "%s, allocation %u: 0x%08x, %s", calls[i].name, (unsigned)nth, (unsigned)s,
                  bcj2_last_detail());
    if (BCJ2_FAILED(s)) {
        char *after = queue_json(job);
        ck_assert_str_eq(after, before);
        bcj2_free(after);
        ck_assert(text == NULL && other_text == NULL && some_ranges == NULL);
    }
    bcj2_free(before);
    let_go();
    return over;
}

START_TEST(each_allocation_of_each_call_fails_once)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_file_enum *files = NULL;
    bcj2_guid id;
    bcj2_job *job = NULL;
    options.flags = BCJ2_MANAGER_CONTROL_ONLY; /* nothing else allocates meanwhile */
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    assert_status(bcj2_manager_create_job(queue_manager, "x", BCJ2_JOB_TYPE_DOWNLOAD, &id, &job),
                  BCJ2_OK);
    assert_status(add_ranges(job), BCJ2_OK);
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &first), BCJ2_OK);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        uint64_t nth = 1;
        while (!fail_nth(job, i, nth)) {
            nth++;
            ck_assert_uint_lt(nth, 500);
        }
    }
    bcj2_file_unref(first);
    bcj2_file_enum_unref(files);
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "memory", 60);
    tcase_add_checked_fixture(tc, queue_prepare, queue_stop);
    tcase_add_test(tc, each_allocation_of_each_call_fails_once);
}

SUITE_MAIN("api_atomic", add_cases)
