/* SPDX-License-Identifier: MIT */
/* proto/retry: each row of job-semantics 7.2, 7.3 and 7.5. */
#include "../support/suite.h"
#include "macro.h"
#include "retry.h"

#define NEVER UINT64_MAX
#define NOW   1000000u

static const struct failure transient = {.transient = true};
static const struct failure fatal = {.transient = false};
static const struct failure no_network = {.transient = true, .tied_to_network = true};
static const struct failure asks_60 = {.transient = true, .retry_after_s = 60};

static const struct {
    const char *rule;
    struct retry state;
    const struct failure *failure;
    struct retry_verdict verdict;
} rows[] = {
    {"7.2 measured from now, by the delay",
     {600, 1209600, false, 0, false},
     &transient,
     {false, false, true, NOW, NOW + 600000, NOW + 1209600000ull}},
    {"7.3 starts at the first error of a series",
     {5, 100, true, NOW - 7000, false},
     &transient,
     {false, true, true, NOW - 7000, NOW + 5000, NOW + 93000}},
    {"7.3 zero: every transient error is fatal",
     {5, 0, false, 0, false},
     &transient,
     {true, false, false, 0, NEVER, NEVER}},
    {"7.2 delay over the time-out: no retry",
     {100, 50, false, 0, true},
     &transient,
     {true, true, false, 0, NEVER, NEVER}},
    {"7.2 delay equal to the time-out: one retry",
     {50, 50, false, 0, false},
     &transient,
     {false, false, true, NOW, NOW + 50000, NOW + 50000}},
    {"7.3 the time-out is over",
     {5, 100, true, NOW - 100000, false},
     &transient,
     {true, true, false, 0, NEVER, NEVER}},
    {"7.2 not applied to the network: waits for it",
     {100, 50, false, 0, true},
     &no_network,
     {false, false, true, NOW, NEVER, NOW + 50000}},
    {"7.3 zero holds without a network too",
     {5, 0, false, 0, false},
     &no_network,
     {true, false, false, 0, NEVER, NEVER}},
    {"7.5 a lost network is not counted, in a series neither",
     {5, 100, true, NOW, true},
     &no_network,
     {false, false, true, NOW, NEVER, NOW + 100000}},
    {"5.1 the server's wish, if longer",
     {5, 100, false, 0, true},
     &asks_60,
     {false, true, true, NOW, NOW + 60000, NOW + 100000}},
    {"5.1 the job's delay, if longer",
     {90, 100, false, 0, true},
     &asks_60,
     {false, true, true, NOW, NOW + 90000, NOW + 100000}},
    {"fatal while CONNECTING",
     {5, 100, false, 0, false},
     &fatal,
     {true, false, false, 0, NEVER, NEVER}},
    {"7.5 fatal while TRANSFERRING",
     {5, 100, false, 0, true},
     &fatal,
     {true, true, false, 0, NEVER, NEVER}},
    {"7.5 a failed retry counts while CONNECTING",
     {5, 100, true, NOW, false},
     &fatal,
     {true, true, false, 0, NEVER, NEVER}},
};

START_TEST(verdicts)
{
    struct retry_verdict v = bcj2__retry_after_failure(&rows[_i].state, rows[_i].failure, NOW);
    const struct retry_verdict *want = &rows[_i].verdict;
    ck_assert_msg(v.give_up == want->give_up, "%s", rows[_i].rule);
    ck_assert_msg(v.counted == want->counted, "%s", rows[_i].rule);
    ck_assert_msg(v.series == want->series, "%s", rows[_i].rule);
    ck_assert_msg(v.series_start_ms == want->series_start_ms, "%s", rows[_i].rule);
    ck_assert_msg(v.next_ms == want->next_ms, "%s", rows[_i].rule);
    ck_assert_msg(v.give_up_ms == want->give_up_ms, "%s", rows[_i].rule);
}
END_TEST

START_TEST(clocks_at_their_end)
{
    struct retry r = {UINT32_MAX, UINT32_MAX, false, 0, false};
    struct retry_verdict v = bcj2__retry_after_failure(&r, &transient, UINT64_MAX - 1);
    ck_assert(!v.give_up);
    ck_assert_uint_eq(v.next_ms, UINT64_MAX);
    ck_assert_uint_eq(v.give_up_ms, UINT64_MAX);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "retry", 10);
    tcase_add_loop_test(tc, verdicts, 0, ARRAY_LEN(rows));
    tcase_add_test(tc, clocks_at_their_end);
}

SUITE_MAIN("retry", add_cases)
