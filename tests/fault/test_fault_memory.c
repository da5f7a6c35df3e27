/* SPDX-License-Identifier: MIT */
/* Every allocation of the library fails once. libcurl's, SQLite's and cJSON's own are theirs. */
#include "../support/suite.h"
#include "scenario.h"

#include "mem.h"

static uint64_t planned;

static void plan(const struct fault *f, unsigned kth)
{
    planned = kth == 0 ? UINT32_MAX : kth;
    bcj2__mem_fail_at(planned);
}

static unsigned uses(void)
{
    return (unsigned)(planned - bcj2__mem_fail_left());
}

static bool clear(void)
{
    bool fired = bcj2__mem_fail_left() == 0;
    bcj2__mem_fail_at(0);
    return fired;
}

START_TEST(each_allocation_fails_once)
{
    const struct fault f = {.name = "memory",
                            .plan = plan,
                            .clear = clear,
                            .uses = uses,
                            .expected = BCJ2_E_OUTOFMEMORY,
                            .samples = 30};
    scenario_sweep(&f);
}
END_TEST

START_TEST(each_allocation_fails_once_in_a_download)
{
    const struct fault f = {.name = "memory",
                            .plan = plan,
                            .clear = clear,
                            .uses = uses,
                            .expected = BCJ2_E_OUTOFMEMORY,
                            .scenario = SCENARIO_DOWNLOAD,
                            .may_be_unused = true,
                            .samples = 6};
    scenario_sweep(&f);
}
END_TEST

START_TEST(each_allocation_fails_once_in_a_copy)
{
    const struct fault f = {.name = "memory",
                            .plan = plan,
                            .clear = clear,
                            .uses = uses,
                            .expected = BCJ2_E_OUTOFMEMORY,
                            .scenario = SCENARIO_COPY,
                            .may_be_unused = true,
                            .samples = 6};
    scenario_sweep(&f);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "memory", getenv("BCJ2_TEST_LONG") == NULL ? 100 : 3600);
    tcase_add_test(tc, each_allocation_fails_once);
    tcase_add_test(tc, each_allocation_fails_once_in_a_download);
    tcase_add_test(tc, each_allocation_fails_once_in_a_copy);
}

SUITE_MAIN("fault_memory", add_cases)
