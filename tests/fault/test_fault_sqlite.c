/* SPDX-License-Identifier: MIT */
/* SQLite's own system calls fail once, by kind. */
#include "../support/sqlite_fault.h"
#include "../support/suite.h"
#include "macro.h"
#include "scenario.h"

#include <errno.h>

static const struct {
    enum sqlite_call call;
    int errno_value;
    const char *name;
} calls[] = {
    {SQLITE_CALL_OPEN, EMFILE, "open: EMFILE"}, {SQLITE_CALL_OPEN, EIO, "open: EIO"},
    {SQLITE_CALL_READ, EIO, "read: EIO"},       {SQLITE_CALL_WRITE, ENOSPC, "write: ENOSPC"},
    {SQLITE_CALL_WRITE, EIO, "write: EIO"},     {SQLITE_CALL_TRUNCATE, EIO, "truncate: EIO"},
    {SQLITE_CALL_UNLINK, EIO, "unlink: EIO"},   {SQLITE_CALL_MAP, ENOMEM, "map: ENOMEM"},
    {SQLITE_CALL_SYNC, EIO, "sync: EIO"},
};

static void plan(const struct fault *f, unsigned kth)
{
    size_t i = *(const int *)f->what;
    sqlite_fault_plan(calls[i].call, calls[i].errno_value, kth == 0 ? UINT32_MAX : kth, 1);
}

static bool clear(void)
{
    return sqlite_fault_clear();
}

START_TEST(each_call_of_sqlite_fails_once)
{
    const struct fault f = {.name = calls[_i].name,
                            .plan = plan,
                            .clear = clear,
                            .uses = sqlite_fault_uses,
                            .what = &_i,
                            .looks_damaged = calls[_i].call == SQLITE_CALL_READ,
                            .samples = 8};
    sqlite_fault_install();
    scenario_sweep(&f);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "SQLite's calls", getenv("BCJ2_TEST_LONG") == NULL ? 100 : 3600);
    tcase_add_loop_test(tc, each_call_of_sqlite_fails_once, 0, (int)ARRAY_LEN(calls));
}

SUITE_MAIN("fault_sqlite", add_cases)
