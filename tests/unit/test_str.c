/* SPDX-License-Identifier: MIT */
/* base/str: numbers, UTF-8, texts for people. */
#include "../support/suite.h"
#include "str.h"

#include <string.h>

static const struct {
    const char *text;
    bool ok;
    uint64_t value;
} numbers[] = {
    {"0", true, 0},
    {"18446744073709551615", true, UINT64_MAX},
    {"18446744073709551616", false, 0},
    {"99999999999999999999", false, 0},
    {"000000000000000000001", false, 0},
    {"00000000000000000001", true, 1},
    {"", false, 0},
    {"-1", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"0x10", false, 0},
};

START_TEST(parse_u64)
{
    uint64_t value = 7;
    ck_assert_int_eq(bcj2__str_parse_u64(numbers[_i].text, strlen(numbers[_i].text), &value),
                     numbers[_i].ok);
    ck_assert_uint_eq(value, numbers[_i].ok ? numbers[_i].value : 7);
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    size_t utf16;
} utf8[] = {
    {"", true, 0},
    {"abc", true, 3},
    {"\xc3\xa4\xc3\xb6", true, 2},
    {"\xe2\x82\xac", true, 1},
    {"\xf0\x9f\x98\x80", true, 2},
    {"\xf4\x8f\xbf\xbf", true, 2},
    {"\xf4\x90\x80\x80", false, 0},
    {"\xc0\x80", false, 0},
    {"\xe0\x80\x80", false, 0},
    {"\xed\xa0\x80", false, 0},
    {"\xff", false, 0},
    {"\xc3", false, 0},
    {"a\x80", false, 0},
};

START_TEST(utf8_table)
{
    size_t units = 0;
    ck_assert_int_eq(bcj2__str_utf8(utf8[_i].text, &units), utf8[_i].ok);
    ck_assert_uint_eq(units, utf8[_i].utf16);
}
END_TEST

START_TEST(texts_for_people)
{
    char text[48];
    bcj2__str_size(812, text);
    ck_assert_str_eq(text, "812 B");
    bcj2__str_size(1536, text);
    ck_assert_str_eq(text, "1.5 KiB");
    bcj2__str_size(UINT64_MAX, text);
    ck_assert_str_eq(text, "16.0 EiB");
    bcj2__str_duration(552, text);
    ck_assert_str_eq(text, "9 min 12 s");
    bcj2__str_duration(0, text);
    ck_assert_str_eq(text, "0 s");
    bcj2__str_duration(86400 * 3, text);
    ck_assert_str_eq(text, "3 d");
}
END_TEST

START_TEST(same_and_trim)
{
    size_t length = 0;
    ck_assert(bcj2__str_same("ETag", "etag"));
    ck_assert(!bcj2__str_same("etag", "etags"));
    ck_assert(!bcj2__str_same("etags", "etag"));
    const char *text = bcj2__str_trim(" \t a b \t", 8, &length);
    ck_assert_uint_eq(length, 3);
    ck_assert(strncmp(text, "a b", 3) == 0);
    (void)bcj2__str_trim("   ", 3, &length);
    ck_assert_uint_eq(length, 0);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "str", 10);
    tcase_add_loop_test(tc, parse_u64, 0, sizeof numbers / sizeof numbers[0]);
    tcase_add_loop_test(tc, utf8_table, 0, sizeof utf8 / sizeof utf8[0]);
    tcase_add_test(tc, texts_for_people);
    tcase_add_test(tc, same_and_trim);
}

SUITE_MAIN("str", add_cases)
