/* SPDX-License-Identifier: MIT */
/* base/hdrs: heads line by line, limits, doubles. */
#include "../support/suite.h"
#include "hdrs.h"
#include "limit.h"

#include <stdio.h>
#include <string.h>

static bool line(struct hdrs *h, const char *text)
{
    return bcj2__hdrs_line(h, text, strlen(text));
}

START_TEST(a_new_status_line_starts_a_new_head)
{
    struct hdrs h;
    bcj2__hdrs_init(&h);
    ck_assert(line(&h, "HTTP/1.1 100 Continue\r\n"));
    ck_assert(line(&h, "X: 1\r\n"));
    ck_assert(line(&h, "\r\n"));
    ck_assert(line(&h, "HTTP/1.0 200 OK\r\n"));
    ck_assert_ptr_null(bcj2__hdrs_get(&h, "x"));
    ck_assert_uint_eq(h.status, 200);
    ck_assert_uint_eq(h.http_minor, 0);
    ck_assert(line(&h, "etag:  \"a\" \r\n"));
    ck_assert_str_eq(bcj2__hdrs_get(&h, "ETag"), "\"a\"");
    ck_assert(line(&h, "HTTP/2 204 \r\n"));
    ck_assert_uint_eq(h.http_major, 2);
    bcj2__hdrs_done(&h);
}
END_TEST

static const char *const bad_lines[] = {
    "HTTP/1.1 20 x", "HTTP/x.1 200 OK", "HTTP/1.1", "HTTP/",   "HTTP/1.1 099 low",
    "no colon",      ": empty",         "a\x01: x", "a: \x02", "a: b\rc",
};

START_TEST(bad_lines_are_not_trusted)
{
    struct hdrs h;
    bcj2__hdrs_init(&h);
    ck_assert(!line(&h, bad_lines[_i]));
    ck_assert(h.overflow);
    bcj2__hdrs_done(&h);
}
END_TEST

START_TEST(limits_hold)
{
    struct hdrs h;
    bcj2__hdrs_init(&h);
    for (int i = 0; i < LIMIT_HEAD_FIELDS; i++) {
        ck_assert(line(&h, "a: b"));
    }
    ck_assert(!line(&h, "a: b"));
    bcj2__hdrs_clear(&h);
    char *big = malloc(LIMIT_HEAD_BYTES + 10);
    memset(big, 'x', LIMIT_HEAD_BYTES + 9);
    big[LIMIT_HEAD_BYTES + 9] = '\0';
    memcpy(big, "n: ", 3);
    ck_assert(!line(&h, big));
    ck_assert(h.overflow);
    free(big);
    bcj2__hdrs_done(&h);
}
END_TEST

START_TEST(doubles)
{
    struct hdrs h;
    bcj2__hdrs_init(&h);
    ck_assert(line(&h, "A: 1"));
    ck_assert(line(&h, "a: 1"));
    ck_assert(bcj2__hdrs_unanimous(&h, "A"));
    ck_assert(line(&h, "a: 2"));
    ck_assert(!bcj2__hdrs_unanimous(&h, "A"));
    ck_assert_uint_eq(bcj2__hdrs_count(&h, "A"), 3);
    ck_assert(bcj2__hdrs_unanimous(&h, "absent"));
    bcj2__hdrs_done(&h);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "hdrs", 10);
    tcase_add_test(tc, a_new_status_line_starts_a_new_head);
    tcase_add_loop_test(tc, bad_lines_are_not_trusted, 0, sizeof bad_lines / sizeof bad_lines[0]);
    tcase_add_test(tc, limits_hold);
    tcase_add_test(tc, doubles);
}

SUITE_MAIN("hdrs", add_cases)
