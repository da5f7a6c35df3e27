/* SPDX-License-Identifier: MIT */
/* Every system call of the library fails once, by name. */
#include "../support/suite.h"
#include "os_fault.h"
#include "scenario.h"

static void plan(const struct fault *f, unsigned kth)
{
    const struct os_fault_call *call = f->what;
    os_fault_plan(call, kth == 0 ? OS_FAULT_COUNTS_ONLY : call->errno_value, kth);
}

static bool clear(void)
{
    return os_fault_clear();
}

START_TEST(each_system_call_fails_once)
{
    const struct fault f = {.name = os_fault_calls[_i].name,
                            .plan = plan,
                            .clear = clear,
                            .uses = os_fault_uses,
                            .what = &os_fault_calls[_i],
                            .samples = 3};
    os_fault_install();
    scenario_sweep(&f);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "system calls", getenv("BCJ2_TEST_LONG") == NULL ? 100 : 3600);
    tcase_add_loop_test(tc, each_system_call_fails_once, 0, (int)os_fault_call_count);
}

SUITE_MAIN("fault_os", add_cases)
