/* SPDX-License-Identifier: MIT */
/* os: the timer that sleep does not stop, as the system has it and with calls that fail. Nothing here puts
   the machine to sleep: what the clock does then is the system's word. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "detail.h"
#include "os.h"
#include "os_fakes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAR_MS 3600000

static int timer;

static void make(void)
{
    begin();
    assert_status(bcj2__os_timer_open(&timer), BCJ2_OK);
    ck_assert_int_ge(timer, 3);
}

static void let_go(void)
{
    bcj2__os_close_own(timer);
    end();
}

static bool readable(int wait_ms)
{
    struct pollfd p = {.fd = timer, .events = POLLIN};
    int n = poll(&p, 1, wait_ms);
    ck_assert_int_ge(n, 0);
    ck_assert_int_eq(p.revents & ~POLLIN, 0);
    return n == 1;
}

START_TEST(due_when_its_time_has_come)
{
    ck_assert_int_ne(fcntl(timer, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert(!readable(0));
    uint64_t due = bcj2__os_now_ms() + 20;
    assert_status(bcj2__os_timer_set(timer, due), BCJ2_OK);
    ck_assert(readable(10000));
    ck_assert_uint_ge(bcj2__os_now_ms(), due);
    ck_assert(readable(0)); /* until it is set again */
}
END_TEST

START_TEST(what_has_passed_is_due_at_once)
{
    uint64_t now = bcj2__os_now_ms();
    const uint64_t passed[] = {0, 1, 999, 1000, now / 2, now};
    for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
        assert_status(bcj2__os_timer_set(timer, passed[i]), BCJ2_OK);
        ck_assert_msg(readable(10000), "not due: %llu", (unsigned long long)passed[i]);
        assert_status(bcj2__os_timer_set(timer, UINT64_MAX), BCJ2_OK);
        ck_assert(!readable(0));
    }
}
END_TEST

/* Later, in ages, never: whether it was due before or not. */
START_TEST(another_time_replaces_the_first)
{
    const uint64_t later[] = {bcj2__os_now_ms() + FAR_MS, UINT64_MAX / 4, UINT64_MAX - 1,
                              UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        assert_status(bcj2__os_timer_set(timer, bcj2__os_now_ms()), BCJ2_OK);
        ck_assert(readable(10000));
        assert_status(bcj2__os_timer_set(timer, later[i]), BCJ2_OK);
        ck_assert(!readable(0));
        assert_status(bcj2__os_timer_set(timer, bcj2__os_now_ms() + 20), BCJ2_OK);
        assert_status(bcj2__os_timer_set(timer, later[i]), BCJ2_OK);
        ck_assert(!readable(60));
    }
    assert_status(bcj2__os_timer_set(timer, bcj2__os_now_ms() + 20), BCJ2_OK);
    ck_assert(readable(10000));
}
END_TEST

START_TEST(a_failure_is_told)
{
    int none = 5;
    plan_failure("timer", EMFILE, 1);
    ck_assert(BCJ2_FAILED(bcj2__os_timer_open(&none)));
    ck_assert_int_eq(none, -1);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "making a timer"));
    plan_failure("timer_set", EIO, 1);
    assert_status(bcj2__os_timer_set(timer, 1), BCJ2_E_IO_DEVICE);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "setting a timer"));
    ck_assert(!readable(0));
    plan_failure("timer_set", EINTR, 2);
    assert_status(bcj2__os_timer_set(timer, 1), BCJ2_OK);
    ck_assert_int_eq(plan.calls, 3);
    ck_assert(readable(10000));
}
END_TEST

START_TEST(a_forked_child_has_it_not)
{
    int ended = 0;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        bool closed = fcntl(timer, F_GETFD) == -1;
        bcj2__os_close_own(timer); /* and that is fine */
        _exit(closed ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
    assert_status(bcj2__os_timer_set(timer, 1), BCJ2_OK);
    ck_assert(readable(10000));
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "timer", 30);
    tcase_add_checked_fixture(tc, make, let_go);
    tcase_add_test(tc, due_when_its_time_has_come);
    tcase_add_test(tc, what_has_passed_is_due_at_once);
    tcase_add_test(tc, another_time_replaces_the_first);
    tcase_add_test(tc, a_failure_is_told);
    tcase_add_test(tc, a_forked_child_has_it_not);
}

SUITE_MAIN("os_timer", add_cases)
