/* SPDX-License-Identifier: MIT */
/* proto/classify: each row of wire-protocol 5.1, 5.2 and 5.3, and the rules of 2.7. */
#include "../support/suite.h"
#include "../support/head.h"
#include "classify.h"
#include "macro.h"

#include <stdio.h>
#include <string.h>

/* 5.1: first to last has this class */
static const struct {
    uint32_t first, last;
    bool transient;
} classes[] = {
    {100, 199, true},  {200, 299, true},  {300, 305, false}, {306, 306, true},  {307, 308, false},
    {309, 399, true},  {400, 407, false}, {408, 409, true},  {410, 424, false}, {425, 425, true},
    {426, 428, false}, {429, 429, true},  {430, 499, false}, {500, 500, true},  {501, 501, false},
    {502, 504, true},  {505, 505, false}, {506, 599, true},  {600, 999, true},
};

START_TEST(status_classes_5_1)
{
    for (uint32_t status = classes[_i].first; status <= classes[_i].last; status++) {
        char text[64];
        struct hdrs h;
        (void)snprintf(text, sizeof text, "HTTP/1.1 %u X", (unsigned)status);
        head_from(&h, text);
        struct failure f = bcj2__classify_answer(&h, "test");
        ck_assert_int_eq(bcj2__classify_http_transient(status), classes[_i].transient);
        ck_assert_int_eq(f.transient, classes[_i].transient);
        ck_assert_uint_eq((uint32_t)f.code, 0x80190000u + status);
        ck_assert_int_eq(f.context, BCJ2_ERROR_CONTEXT_REMOTE_FILE);
        ck_assert_uint_eq(f.http_status, status);
        ck_assert_int_eq(f.net, NET_OK);
        ck_assert(!f.tied_to_network);
        ck_assert_str_eq(f.what, "test");
        bcj2__hdrs_done(&h);
    }
}
END_TEST

/* 5.2 and 2.7 */
static const struct {
    const char *head;
    uint32_t code;
    int context;
    bool transient;
} answers[] = {
    {"500\nBITS-Error-Code: 0x8020001F\nBITS-Error-Context: 0x5", 0x8020001F, 5, false},
    {"403\nBITS-Error-Code: 0x80070005", 0x80070005, 5, false},
    {"501\nBITS-Error-Code: 0x80070005", 0x80070005, 5, false},
    {"503\nBITS-Error-Code: 0x80070005", 0x80070005, 5, false},
    {"416\nBITS-Error-Code: 0x00000000\nBITS-Error-Context: 0x5", 0x801901A0, 5, false},
    {"400\nBITS-Error-Code: 0x80070057", 0x80070057, 5, false},
    {"500\nBITS-Error-Code: 0x80070057", 0x80070057, 5, false},
    {"500\nBITS-Error-Code: 0x80200020\nBITS-Error-Context: 0x5", 0x80200020, 5, false},
    {"500\nBITS-Error-Code: 0x80070112", 0x80070070, 5, true},
    {"408\nBITS-Error-Code: 0x80070112\nBITS-Error-Context: 0x7", 0x80190198, 7, true},
    {"500\nBITS-Error-Code: 0x80070070", 0x80070070, 5, true},
    {"400\nBITS-Error-Code: 0x80070070", 0x80070070, 5, true},
    {"500\nBITS-Error-Code: 0x80200022", 0x80200022, 5, false},
    {"403\nBITS-Error-Code: 0x80200023", 0x80200023, 5, false},
    {"403\nBITS-Error-Code: 0x80190193\nBITS-Error-Context: 0x7", 0x80190193, 7, false},
    {"503\nBITS-Error-Code: 0x801901F7\nBITS-Error-Context: 0x7", 0x801901F7, 7, true},
    {"408\nBITS-Error-Code: 0x800705B4\nBITS-Error-Context: 7", 0x800705B4, 7, true},
    {"500\nBITS-Error-Code: 0x80004005", 0x80004005, 5, true},
    {"404\nBITS-Error: 0x80004005\nBITS-Error-Context: 0x7", 0x80004005, 7, false},
    /* 2.7: not a failure, unparsable, or the context alone */
    {"500\nBITS-Error-Code: 0x00000001", 0x801901F4, 5, true},
    {"500\nBITS-Error-Code: what", 0x801901F4, 5, true},
    {"404\nBITS-Error-Context: 0x7", 0x80190194, 7, false},
    {"404\nBITS-Error-Context: 0x9", 0x80190194, 5, false},
};

START_TEST(codes_5_2)
{
    char text[256];
    struct hdrs h;
    (void)snprintf(text, sizeof text, "HTTP/1.1 %.3s X%s", answers[_i].head, answers[_i].head + 3);
    head_from(&h, text);
    struct failure f = bcj2__classify_answer(&h, "test");
    ck_assert_uint_eq((uint32_t)f.code, answers[_i].code);
    ck_assert_int_eq(f.context, answers[_i].context);
    ck_assert_int_eq(f.transient, answers[_i].transient);
    bcj2__hdrs_done(&h);
}
END_TEST

/* 5.3, the rows that are failures of a transfer */
static const struct {
    enum net_failure net;
    uint32_t code;
    int context;
    bool transient;
} nets[] = {
    {NET_OK, 0x8000FFFF, 1, true}, /* never asked */
    {NET_NAME_NOT_RESOLVED, 0x80072EE7, 5, true},
    {NET_CANNOT_CONNECT, 0x80072EFD, 5, true},
    {NET_CONNECTION_BROKE, 0x80072EFE, 5, true},
    {NET_TIMEOUT, 0x80072EE2, 5, true},
    {NET_BAD_HTTP, 0x80072F78, 5, true},
    {NET_TLS_CERTIFICATE, 0x80072F8F, 5, false},
    {NET_TLS_REVOKED, 0x80072F8A, 5, false},
    {NET_TLS_REVOCATION_UNKNOWN, 0x80072F19, 5, false},
    {NET_TLS_PIN, 0x80072F8F, 5, false},
    {NET_TLS_CLIENT_WANTED, 0x80072F0C, 5, false},
    {NET_TLS_CLIENT_KEY, 0x80072F9A, 5, false},
    {NET_TLS_FILE, 0x80004005, 4, false},
    {NET_TLS_HANDSHAKE, 0x80072F7D, 5, true},
    {NET_PROXY_NOT_RESOLVED, 0x80072EE7, 6, true},
    {NET_PROXY_CANNOT_CONNECT, 0x80072EFD, 6, true},
    {NET_NO_NETWORK, 0x80200010, 2, true},
    {NET_REDIRECT_REFUSED, 0x8020001B, 5, false},
    {NET_LOCAL_READ, 0x80004005, 4, false},
    {NET_LOCAL_WRITE, 0x80004005, 4, false},
    {NET_LOCAL_SHORT, 0x8020001D, 4, false},
    {NET_ABORTED, 0x80004004, 2, true},
    {NET_NO_MEMORY, 0x8007000E, 2, true},
    {NET_OTHER, 0x800703EB, 6, true},
};
_Static_assert(ARRAY_LEN(nets) == NET_FAILURE_COUNT, "a row for each failure");

START_TEST(failures_5_3)
{
    struct failure f = bcj2__classify_net(nets[_i].net, BCJ2_OK, "test");
    ck_assert_int_eq(nets[_i].net, _i);
    ck_assert_uint_eq((uint32_t)f.code, nets[_i].code);
    ck_assert_int_eq(f.context, nets[_i].context);
    ck_assert_int_eq(f.transient, nets[_i].transient);
    ck_assert_int_eq(f.tied_to_network, nets[_i].net == NET_NO_NETWORK);
    ck_assert_int_eq(f.net, nets[_i].net);
    ck_assert_uint_eq(f.http_status, 0);
}
END_TEST

/* 5.3 and job-semantics R63: local files */
static const struct {
    bcj2_status status;
    bool transient;
} locals[] = {
    {BCJ2_E_ACCESSDENIED, false},     {BCJ2_E_WIN32_FILE_NOT_FOUND, false},
    {BCJ2_E_DISK_FULL, false},        {BCJ2_E_IO_DEVICE, false},
    {BCJ2_E_SHARING_VIOLATION, true}, {BCJ2_E_LOCK_VIOLATION, true},
};

START_TEST(local_files_5_3)
{
    static const enum net_failure of_files[] = {NET_LOCAL_READ, NET_LOCAL_WRITE, NET_TLS_FILE};
    for (size_t i = 0; i < ARRAY_LEN(of_files); i++) {
        struct failure f = bcj2__classify_net(of_files[i], locals[_i].status, "test");
        ck_assert_int_eq(f.code, locals[_i].status);
        ck_assert_int_eq(f.context, BCJ2_ERROR_CONTEXT_LOCAL_FILE);
        ck_assert_int_eq(f.transient, locals[_i].transient);
    }
}
END_TEST

START_TEST(failures_of_our_own)
{
    struct failure f = bcj2__classify_local(BCJ2_E_REMOTE_FILE_CHANGED,
                                            BCJ2_ERROR_CONTEXT_REMOTE_FILE, true, "why");
    assert_status(f.code, BCJ2_E_REMOTE_FILE_CHANGED);
    ck_assert_int_eq(f.context, BCJ2_ERROR_CONTEXT_REMOTE_FILE);
    ck_assert(f.transient && !f.tied_to_network);
    ck_assert_str_eq(f.what, "why");
}
END_TEST

static const struct {
    const char *head;
    uint32_t seconds;  /* what the field says */
    uint32_t honoured; /* what the failure takes of it */
} delays[] = {
    {"503\nRetry-After: 120", 120, 120},
    {"429\nRetry-After: 1", 1, 1},
    {"425\nRetry-After: 7", 7, 7},
    {"500\nRetry-After: 7", 7, 0},
    {"404\nRetry-After: 7", 7, 0},
    {"503", 0, 0},
    {"503\nRetry-After: soon", 0, 0},
    {"503\nRetry-After: -1", 0, 0},
    {"503\nRetry-After: 99999999999", 4294967295u, 4294967295u},
    {"503\nRetry-After: Tue, 03 Feb 2026 10:15:09 GMT\nDate: Tue, 03 Feb 2026 10:14:09 GMT", 60,
     60},
    {"503\nRetry-After: Tue, 03 Feb 2026 10:15:09 GMT\nDate: Tue, 03 Feb 2026 10:16:09 GMT", 0, 0},
    {"503\nRetry-After: Tue, 03 Feb 2026 10:15:09 GMT", 0, 0},
    {"503\nRetry-After: 5\nBITS-Error-Code: 0x80070005", 5, 0}, /* fatal by its code */
};

START_TEST(retry_after)
{
    char text[256];
    struct hdrs h;
    (void)snprintf(text, sizeof text, "HTTP/1.1 %.3s X%s", delays[_i].head, delays[_i].head + 3);
    head_from(&h, text);
    ck_assert_uint_eq(bcj2__classify_retry_after(&h), delays[_i].seconds);
    ck_assert_uint_eq(bcj2__classify_answer(&h, "").retry_after_s, delays[_i].honoured);
    bcj2__hdrs_done(&h);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "classify", 10);
    tcase_add_loop_test(tc, status_classes_5_1, 0, ARRAY_LEN(classes));
    tcase_add_loop_test(tc, codes_5_2, 0, ARRAY_LEN(answers));
    tcase_add_loop_test(tc, failures_5_3, 0, ARRAY_LEN(nets));
    tcase_add_loop_test(tc, local_files_5_3, 0, ARRAY_LEN(locals));
    tcase_add_test(tc, failures_of_our_own);
    tcase_add_loop_test(tc, retry_after, 0, ARRAY_LEN(delays));
}

SUITE_MAIN("classify", add_cases)
