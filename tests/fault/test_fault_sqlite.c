/* SPDX-License-Identifier: MIT */
/* SQLite's own system calls fail once, by kind. */
#include "../support/queue.h"
#include "../support/sqlite_fault.h"
#include "../support/suite.h"
#include "macro.h"
#include "scenario.h"

#include <errno.h>
#include <string.h>

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

START_TEST(each_call_of_sqlite_fails_once_in_a_download)
{
    const struct fault f = {.name = calls[_i].name,
                            .plan = plan,
                            .clear = clear,
                            .uses = sqlite_fault_uses,
                            .what = &_i,
                            .looks_damaged = calls[_i].call == SQLITE_CALL_READ,
                            .scenario = SCENARIO_DOWNLOAD,
                            .may_be_unused = true,
                            .samples = 1};
    sqlite_fault_install();
    scenario_sweep(&f);
}
END_TEST

START_TEST(each_call_of_sqlite_fails_once_in_a_copy)
{
    const struct fault f = {.name = calls[_i].name,
                            .plan = plan,
                            .clear = clear,
                            .uses = sqlite_fault_uses,
                            .what = &_i,
                            .looks_damaged = calls[_i].call == SQLITE_CALL_READ,
                            .scenario = SCENARIO_COPY,
                            .may_be_unused = true,
                            .samples = 1};
    sqlite_fault_install();
    scenario_sweep(&f);
}
END_TEST

/* Here a change that is on the disk could stay unheard elsewhere. */
START_TEST(each_call_of_sqlite_fails_once_in_one_of_several)
{
    const struct fault f = {.name = calls[_i].name,
                            .plan = plan,
                            .clear = clear,
                            .uses = sqlite_fault_uses,
                            .what = &_i,
                            .looks_damaged = calls[_i].call == SQLITE_CALL_READ,
                            .together = true,
                            .samples = 2};
    sqlite_fault_install();
    scenario_sweep(&f);
}
END_TEST

/* SQLite opens what it cannot open for writing for reading only, for good. With one manager open another
   opens: it says that it failed, or it works. */
START_TEST(a_queue_that_was_opened_can_be_written)
{
    unsigned fired = 0, kth = 1;
    sqlite_fault_install();
    queue_start();
    for (bool more = true; more; kth++) {
        bcj2_manager *m = NULL;
        bcj2_job *job = NULL;
        bcj2_guid id;
        sqlite_fault_plan(SQLITE_CALL_OPEN, EMFILE, kth, 1);
        bcj2_status s = bcj2_manager_open(queue_path("queue"), NULL, &m);
        more = sqlite_fault_clear();
        fired += more;
        if (BCJ2_SUCCEEDED(s)) {
            assert_status(bcj2_manager_create_job(m, "x", BCJ2_JOB_TYPE_UPLOAD, &id, &job),
                          BCJ2_OK);
        } else {
            ck_assert(more);
            assert_detail("queue");
        }
        bcj2_job_unref(job);
        bcj2_manager_close(m);
    }
    ck_assert_uint_gt(fired, 1);
    queue_stop();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "SQLite's calls", getenv("BCJ2_TEST_LONG") == NULL ? 100 : 3600);
    tcase_add_loop_test(tc, each_call_of_sqlite_fails_once, 0, (int)ARRAY_LEN(calls));
    tcase_add_loop_test(tc, each_call_of_sqlite_fails_once_in_a_download, 0, (int)ARRAY_LEN(calls));
    tcase_add_loop_test(tc, each_call_of_sqlite_fails_once_in_a_copy, 0, (int)ARRAY_LEN(calls));
    tcase_add_loop_test(tc, each_call_of_sqlite_fails_once_in_one_of_several, 0,
                        (int)ARRAY_LEN(calls));
    tcase_add_test(tc, a_queue_that_was_opened_can_be_written);
}

SUITE_MAIN("fault_sqlite", add_cases)
