/* SPDX-License-Identifier: MIT */
/* core: how long servers rest that cannot be reached. What that does to jobs is in api/test_api_network.c. */
#include "../support/suite.h"
#include "hosts.h"
#include "limit.h"
#include "macro.h"
#include "timeouts.h"

#include <stdio.h>

#define FIRST  10000u
#define A      "a:80"
#define B      "b:80"
#define NO_CAP UINT64_C(1000000000)

static struct hosts *h;

static void enter(void)
{
    bcj2__timeouts.host_rest_ms = FIRST;
    h = bcj2__hosts_create();
    ck_assert_ptr_nonnull(h);
}

static void leave(void)
{
    h = bcj2__hosts_destroy(h);
    ck_assert_ptr_null(bcj2__hosts_destroy(NULL));
}

START_TEST(rests_double_up_to_a_limit)
{
    uint64_t now = 1000, length = FIRST;
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, now), 0);
    for (int i = 0; i < 12; i++) {
        bcj2__hosts_failed(h, A, now, NO_CAP);
        ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, now), now + length);
        ck_assert_uint_eq(bcj2__hosts_rests_until(h, B, now), 0);
        ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, now + length - 1), now + length);
        ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, now + length), 0);
        now += length;
        length = MIN(length * 2, (uint64_t)LIMIT_HOST_REST_MS);
    }
    ck_assert_uint_eq(length, LIMIT_HOST_REST_MS);
    ck_assert(bcj2__hosts_answered(h, A));
    ck_assert(!bcj2__hosts_answered(h, A));
    bcj2__hosts_failed(h, A, now, NO_CAP);
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, now), now + FIRST);
    bcj2__hosts_forget(h);
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, now), 0);
}
END_TEST

START_TEST(others_may_go_when_the_job_may)
{
    bcj2__hosts_failed(h, A, 0, 5000);
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, 0), 5000);
    bcj2__hosts_failed(h, B, 7, 0);
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, B, 7), 0);
    bcj2__hosts_failed(h, "", 0, NO_CAP);
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, "", 0), 0);
}
END_TEST

START_TEST(several_failures_at_a_time_are_one)
{
    bcj2__hosts_failed(h, A, 0, NO_CAP);
    bcj2__hosts_failed(h, A, 1, NO_CAP);
    bcj2__hosts_failed(h, A, 9999, NO_CAP);
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, 9999), FIRST);
}
END_TEST

START_TEST(one_tries)
{
    bcj2__hosts_begin(h, A, 7); /* not a host that rests: nothing to note */
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, 0), 0);
    bcj2__hosts_failed(h, A, 0, NO_CAP);
    bcj2__hosts_begin(h, A, 8);
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, FIRST), UINT64_MAX);
    bcj2__hosts_end(h, 7);
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, FIRST), UINT64_MAX);
    bcj2__hosts_end(h, 8); /* suspended, say: the next may try */
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, FIRST), 0);
    bcj2__hosts_begin(h, A, 9);
    bcj2__hosts_failed(h, A, FIRST, NO_CAP);
    ck_assert_uint_eq(bcj2__hosts_rests_until(h, A, FIRST), 3 * FIRST);
}
END_TEST

/* No more than a number of them are kept; who would be free first goes first. */
START_TEST(hosts_are_bounded)
{
    char host[32];
    for (unsigned i = 0; i < LIMIT_RESTING_HOSTS + 10; i++) {
        (void)snprintf(host, sizeof host, "h%u:80", i);
        bcj2__hosts_failed(h, host, i, NO_CAP);
    }
    for (unsigned i = 0; i < LIMIT_RESTING_HOSTS + 10; i++) {
        (void)snprintf(host, sizeof host, "h%u:80", i);
        ck_assert_uint_eq(bcj2__hosts_rests_until(h, host, 1000), i < 10 ? 0 : i + FIRST);
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "hosts", 10);
    tcase_add_checked_fixture(tc, enter, leave);
    tcase_add_test(tc, rests_double_up_to_a_limit);
    tcase_add_test(tc, others_may_go_when_the_job_may);
    tcase_add_test(tc, several_failures_at_a_time_are_one);
    tcase_add_test(tc, one_tries);
    tcase_add_test(tc, hosts_are_bounded);
}

SUITE_MAIN("hosts", add_cases)
