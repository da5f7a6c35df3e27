/* SPDX-License-Identifier: MIT */
/* base: memory that fails on demand, bounded buffers, GUIDs, statuses, details. */
#include "../support/suite.h"
#include "buf.h"
#include "detail.h"
#include "guid.h"
#include "mem.h"
#include "status.h"

#include <stdio.h>
#include <string.h>

START_TEST(nth_allocation_fails_once)
{
    bcj2__mem_fail_at(2);
    char *a = bcj2__mem_strdup("a");
    char *b = bcj2__mem_strdup("b");
    char *c = bcj2__mem_strdup("c");
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_null(b);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(bcj2__mem_fail_left(), 0);
    bcj2__mem_free(a);
    bcj2__mem_free(c);
}
END_TEST

START_TEST(buffers_do_not_outgrow_their_maximum)
{
    struct buf b = BUF_INIT(5);
    ck_assert(bcj2__buf_text(&b, "abc"));
    ck_assert(bcj2__buf_printf(&b, "%d", 42));
    ck_assert(!bcj2__buf_text(&b, "x"));
    ck_assert(!bcj2__buf_ok(&b));
    ck_assert_str_eq(bcj2__buf_cstr(&b), "abc42");
    ck_assert_ptr_null(bcj2__buf_take(&b));
    bcj2__buf_clear(&b);
    bcj2__mem_fail_at(1);
    struct buf c = BUF_INIT(100);
    ck_assert(!bcj2__buf_text(&c, "no memory"));
    ck_assert(c.no_memory);
    bcj2__buf_done(&b);
    bcj2__buf_done(&c);
}
END_TEST

static const struct {
    const char *text;
    bool ok;
} guids[] = {
    {"{7df0354d-249b-430f-820d-3d2a9bef4931}", true},
    {"7DF0354D-249B-430F-820D-3D2A9BEF4931", true},
    {"{7df0354d-249b-430f-820d-3d2a9bef4931", false},
    {"7df0354d-249b-430f-820d-3d2a9bef493", false},
    {"7df0354d-249b-430f-820d-3d2a9bef49312", false},
    {"7df0354dx249b-430f-820d-3d2a9bef4931", false},
    {"7df0354d-249b-430f-820d-3d2a9bef493g", false},
    {"", false},
};

START_TEST(guid_table)
{
    bcj2_guid g = {0};
    ck_assert_int_eq(bcj2__guid_parse(guids[_i].text, &g), guids[_i].ok);
    if (guids[_i].ok) {
        char text[BCJ2_GUID_TEXT_SIZE];
        bcj2__guid_format(&g, text);
        ck_assert_str_eq(text, guids[0].text);
    }
}
END_TEST

START_TEST(random_guids_are_version_4)
{
    bcj2_guid a = bcj2__guid_random(), b = bcj2__guid_random();
    ck_assert(!bcj2__guid_equal(&a, &b));
    ck_assert_uint_eq(a.data3 >> 12, 4);
    ck_assert_uint_eq(a.data4[0] >> 6, 2);
}
END_TEST

/* Every macro of status.h has its row: name and sentence. */
START_TEST(every_status_has_a_name)
{
    FILE *f = fopen(BCJ2_SOURCE_ROOT "/include/bcj2/status.h", "r");
    ck_assert_ptr_nonnull(f);
    char text[256];
    int seen = 0;
    while (fgets(text, sizeof text, f) != NULL) {
        const char *at = strstr(text, "((bcj2_status)0x");
        if (strncmp(text, "#define BCJ2_", 13) != 0 || at == NULL ||
            strstr(text, "HTTP_ERROR(n)") != NULL) {
            continue;
        }
        bcj2_status s = (bcj2_status)strtoul(at + 14, NULL, 16);
        ck_assert_msg(strncmp(bcj2__status_name(s), "0x", 2) != 0, "no name for %s", text);
        size_t length = strlen(bcj2__status_text(s));
        ck_assert_int_eq(bcj2__status_text(s)[length - 1], '.');
        seen++;
    }
    (void)fclose(f);
    ck_assert_int_gt(seen, 150);
    ck_assert_str_eq(bcj2__status_name(BCJ2_E_HTTP_ERROR(599)), "0x80190257");
    ck_assert_str_eq(bcj2__status_name(BCJ2_E_TOO_LARGE), "BG_E_TOO_LARGE");
}
END_TEST

START_TEST(details_may_quote_the_last_one)
{
    ck_assert_str_eq(bcj2__detail_get(), "");
    assert_status(bcj2__detail(BCJ2_E_FAIL, "one %d", 1), BCJ2_E_FAIL);
    (void)bcj2__detail(BCJ2_E_FAIL, "two after %s", bcj2__detail_get());
    ck_assert_str_eq(bcj2__detail_get(), "two after one 1");
}
END_TEST

START_TEST(details_can_be_kept_over_another)
{
    char kept[LIMIT_DETAIL_BYTES], longest[LIMIT_DETAIL_BYTES + 10];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    for (int i = 0; i < 2; i++) {
        const char *words = i == 0 ? "100 %s" : longest; /* of the longest what a detail can hold */
        (void)bcj2__detail(BCJ2_E_FAIL, "%s", words);
        bcj2__detail_keep(kept);
        (void)bcj2__detail(BCJ2_E_INVALIDARG, "another");
        assert_status(bcj2__detail(BCJ2_E_FAIL, "%s", kept), BCJ2_E_FAIL);
        ck_assert_str_eq(bcj2__detail_get(), kept);
        ck_assert_uint_eq(strlen(kept), i == 0 ? 6 : LIMIT_DETAIL_BYTES - 1);
        ck_assert_int_eq(strncmp(kept, words, strlen(kept)), 0);
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "base", 10);
    tcase_add_test(tc, nth_allocation_fails_once);
    tcase_add_test(tc, buffers_do_not_outgrow_their_maximum);
    tcase_add_loop_test(tc, guid_table, 0, sizeof guids / sizeof guids[0]);
    tcase_add_test(tc, random_guids_are_version_4);
    tcase_add_test(tc, every_status_has_a_name);
    tcase_add_test(tc, details_may_quote_the_last_one);
    tcase_add_test(tc, details_can_be_kept_over_another);
}

SUITE_MAIN("base", add_cases)
