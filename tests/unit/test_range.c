/* SPDX-License-Identifier: MIT */
/* proto/range: Content-Range, Range, dates and strong entity tags. */
#include "../support/suite.h"
#include "macro.h"
#include "range.h"

#include <string.h>

static const struct {
    const char *text;
    bool ok;
    struct content_range value;
} content[] = {
    {"bytes 0-9/10", true, {false, 0, 9, true, 10}},
    {"Bytes 5-5/10", true, {false, 5, 5, true, 10}},
    {"bytes  7-8/* ", true, {false, 7, 8, false, 0}},
    {"bytes */10", true, {true, 0, 0, true, 10}},
    {"bytes */0", true, {true, 0, 0, true, 0}},
    {"bytes 0-18446744073709551614/18446744073709551615",
     true,
     {false, 0, 18446744073709551614u, true, 18446744073709551615u}},
    {"bytes */*", false, {0}},
    {"bytes 9-0/10", false, {0}},
    {"bytes 0-10/10", false, {0}},
    {"bytes 0-0/0", false, {0}},
    {"bytes 0-9/18446744073709551616", false, {0}},
    {"bytes 0-9", false, {0}},
    {"bytes 0-9/", false, {0}},
    {"bytes -9/10", false, {0}},
    {"bytes +0-9/10", false, {0}},
    {"bytes 0-9/10 x", false, {0}},
    {"bytes=0-9/10", false, {0}},
    {"bytes", false, {0}},
    {"items 0-9/10", false, {0}},
    {"", false, {0}},
};

START_TEST(content_table)
{
    struct content_range r = {0};
    ck_assert_int_eq(bcj2__range_parse_content(content[_i].text, &r), content[_i].ok);
    ck_assert_int_eq(r.unsatisfied, content[_i].value.unsatisfied);
    ck_assert_uint_eq(r.first, content[_i].value.first);
    ck_assert_uint_eq(r.last, content[_i].value.last);
    ck_assert_int_eq(r.total_known, content[_i].value.total_known);
    ck_assert_uint_eq(r.total, content[_i].value.total);
}
END_TEST

static const struct {
    const char *text;
    uint64_t size;
    bool satisfiable;
    size_t count;
    struct byte_range ranges[4];
} requests[] = {
    {"bytes=0-0", 10, true, 1, {{0, 0}}},
    {"Bytes=3-", 10, true, 1, {{3, 9}}},
    {"bytes=3-99", 10, true, 1, {{3, 9}}},
    {"bytes=-4", 10, true, 1, {{6, 9}}},
    {"bytes=-40", 10, true, 1, {{0, 9}}},
    {"bytes=7-8, 0-1 ,,4-4", 10, true, 3, {{7, 8}, {0, 1}, {4, 4}}}, /* in request order */
    {"bytes=0-3,2-5", 10, true, 2, {{0, 3}, {2, 5}}},                /* never merged */
    {"bytes=20-30,1-2", 10, true, 1, {{1, 2}}},
    {"bytes=0-99999999999999999999999", 10, true, 1, {{0, 9}}},
    {"bytes=10-", 10, false, 0, {{0, 0}}},
    {"bytes=-0", 10, false, 0, {{0, 0}}},
    {"bytes=0-0", 0, false, 0, {{0, 0}}},
    {"bytes=-1", 0, true, 0, {{0, 0}}},
    {"bytes=0-0,1-1,2-2,3-3,4-4", 10, false, 0, {{0, 0}}}, /* more than asked for */
    {"bytes=", 10, true, 0, {{0, 0}}},
    {"bytes=,", 10, true, 0, {{0, 0}}},
    {"bytes=5-4", 10, true, 0, {{0, 0}}},
    {"bytes=1-2x", 10, true, 0, {{0, 0}}},
    {"bytes=1-2,x", 10, true, 0, {{0, 0}}},
    {"bytes=-", 10, true, 0, {{0, 0}}},
    {"bytes 0-1", 10, true, 0, {{0, 0}}},
    {"lines=0-1", 10, true, 0, {{0, 0}}},
    {"", 10, true, 0, {{0, 0}}},
};

START_TEST(request_table)
{
    struct byte_range got[4] = {{0, 0}};
    bool satisfiable = false;
    size_t n = bcj2__range_parse_request(requests[_i].text, requests[_i].size, got, ARRAY_LEN(got),
                                         &satisfiable);
    ck_assert_uint_eq(n, requests[_i].count);
    ck_assert_int_eq(satisfiable, requests[_i].satisfiable);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(got[i].first, requests[_i].ranges[i].first);
        ck_assert_uint_eq(got[i].last, requests[_i].ranges[i].last);
    }
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    int64_t seconds;
} dates[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", true, 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", true, 784111777},
    {"Sun Nov  6 08:49:37 1994", true, 784111777},
    {"Wed Nov 16 08:49:37 1994", true, 784975777},
    {"Tue, 03 Feb 2026 10:15:09 GMT", true, 1770113709},
    {"Thu, 01 Jan 1970 00:00:00 GMT", true, 0},
    {"Thu, 29 Feb 2024 23:59:59 GMT", true, 1709251199},
    {"Tue, 29 Feb 2000 00:00:00 GMT", true, 951782400},
    {"Sat, 31 Dec 2016 23:59:60 GMT", true, 1483228800},
    {"Monday, 01-Jan-69 00:00:00 GMT", true, 3124224000},
    {"Thu, 29 Feb 2023 00:00:00 GMT", false, 0},
    {"Thu, 29 Feb 1900 00:00:00 GMT", false, 0},
    {"Sun, 06 Nov 1994 24:49:37 GMT", false, 0},
    {"Sun, 06 Nov 1994 08:60:37 GMT", false, 0},
    {"Sun, 00 Nov 1994 08:49:37 GMT", false, 0},
    {"Sun, 06 Foo 1994 08:49:37 GMT", false, 0},
    {"Sun, 06 Nov 1994 08:49:37", false, 0},
    {"Sun, 06 Nov 1994 08:49:37 CET", false, 0},
    {"Sun, 06-Nov 94 08:49:37 GMT", false, 0},
    {"Sun, 6 Nov 1994 08:49:37 GMT", false, 0},
    {"Sun Nov  6 08:49:37 1994 ", false, 0},
    {"Sun Nov 6 08:49:37 1994", false, 0},
    {"784111777", false, 0},
    {",", false, 0},
    {"", false, 0},
};

START_TEST(date_table)
{
    int64_t seconds = 0;
    ck_assert_int_eq(bcj2__range_parse_date(dates[_i].text, &seconds), dates[_i].ok);
    ck_assert_int_eq(seconds, dates[_i].seconds);
}
END_TEST

START_TEST(dates_come_back)
{
    char text[40];
    bcj2__range_format_date(1770113709, text);
    ck_assert_str_eq(text, "Tue, 03 Feb 2026 10:15:09 GMT");
    bcj2__range_format_date(INT64_MIN, text);
    ck_assert_str_eq(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    bcj2__range_format_date(INT64_MAX, text);
    ck_assert_str_eq(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    /* a step that is no divisor of a day, over two leap-year rules */
    for (int64_t t = 0; t < 8000000000; t += 7654321) {
        int64_t back = -1;
        bcj2__range_format_date(t, text);
        ck_assert(bcj2__range_parse_date(text, &back));
        ck_assert_int_eq(back, t);
    }
}
END_TEST

static const struct {
    const char *text;
    bool strong;
} etags[] = {
    {"\"5fc-1c9a\"", true}, {"\"\"", true},         {"W/\"x\"", false}, {"x", false},
    {"\"x", false},         {"\"", false},          {"", false},        {"\"a\"b\"", false},
    {"\"a b\"", false},     {"\"\x80\xff\"", true},
};

START_TEST(etag_table)
{
    ck_assert_int_eq(bcj2__range_strong_etag(etags[_i].text), etags[_i].strong);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "range", 10);
    tcase_add_loop_test(tc, content_table, 0, ARRAY_LEN(content));
    tcase_add_loop_test(tc, request_table, 0, ARRAY_LEN(requests));
    tcase_add_loop_test(tc, date_table, 0, ARRAY_LEN(dates));
    tcase_add_test(tc, dates_come_back);
    tcase_add_loop_test(tc, etag_table, 0, ARRAY_LEN(etags));
}

SUITE_MAIN("range", add_cases)
