/* SPDX-License-Identifier: MIT */
/* Every system call of the library fails once, by name: in one manager, and in one of several that share
   the queue. What only those use is swept there alone. */
#include "../support/suite.h"
#include "os_fault.h"
#include "scenario.h"

#include <string.h>

static void plan(const struct fault *f, unsigned kth)
{
    const struct os_fault_call *call = f->what;
    os_fault_plan(call, kth == 0 ? OS_FAULT_COUNTS_ONLY : call->errno_value, kth);
}

static bool clear(void)
{
    return os_fault_clear();
}

/* One manager alone has nobody to talk to. */
static bool is_between_managers(const char *name)
{
    static const char *const names[] = {"watch", "connect", "send", "recv"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* What a manager does when it opens is the same for every job: only the long form sweeps it for each. */
static bool is_of_opening(const char *name)
{
    static const char *const names[] = {"bind",   "listen", "accept", "mkdir",    "realpath",
                                        "statfs", "link",   "chmod",  "faccessat"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        found = found || strcmp(names[i], name) == 0;
    }
    return found && getenv("BCJ2_TEST_LONG") == NULL;
}

START_TEST(each_system_call_fails_once)
{
    const struct fault f = {.name = os_fault_calls[_i].name,
                            .plan = plan,
                            .clear = clear,
                            .uses = os_fault_uses,
                            .what = &os_fault_calls[_i],
                            .samples = 3};
    if (is_between_managers(f.name)) {
        return;
    }
    os_fault_install();
    scenario_sweep(&f);
}
END_TEST

START_TEST(each_system_call_fails_once_in_a_download)
{
    const struct fault f = {.name = os_fault_calls[_i].name,
                            .plan = plan,
                            .clear = clear,
                            .uses = os_fault_uses,
                            .what = &os_fault_calls[_i],
                            .scenario = SCENARIO_DOWNLOAD,
                            .may_be_unused = true,
                            .samples = 1};
    if (is_between_managers(f.name) || is_of_opening(f.name)) {
        return;
    }
    os_fault_install();
    scenario_sweep(&f);
}
END_TEST

START_TEST(each_system_call_fails_once_in_a_copy)
{
    const struct fault f = {.name = os_fault_calls[_i].name,
                            .plan = plan,
                            .clear = clear,
                            .uses = os_fault_uses,
                            .what = &os_fault_calls[_i],
                            .scenario = SCENARIO_COPY,
                            .may_be_unused = true,
                            .samples = 1};
    if (is_between_managers(f.name) || is_of_opening(f.name)) {
        return;
    }
    os_fault_install();
    scenario_sweep(&f);
}
END_TEST

START_TEST(each_system_call_fails_once_in_one_of_several)
{
    const struct fault f = {.name = os_fault_calls[_i].name,
                            .plan = plan,
                            .clear = clear,
                            .uses = os_fault_uses,
                            .what = &os_fault_calls[_i],
                            .together = true,
                            .samples = is_between_managers(os_fault_calls[_i].name) ? 6 : 1};
    os_fault_install();
    scenario_sweep(&f);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "system calls", getenv("BCJ2_TEST_LONG") == NULL ? 100 : 3600);
    tcase_add_loop_test(tc, each_system_call_fails_once, 0, (int)os_fault_call_count);
    tcase_add_loop_test(tc, each_system_call_fails_once_in_a_download, 0, (int)os_fault_call_count);
    tcase_add_loop_test(tc, each_system_call_fails_once_in_a_copy, 0, (int)os_fault_call_count);
    tcase_add_loop_test(tc, each_system_call_fails_once_in_one_of_several, 0,
                        (int)os_fault_call_count);
}

SUITE_MAIN("fault_os", add_cases)
