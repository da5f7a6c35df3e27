/* SPDX-License-Identifier: MIT */
/* proto/notify: each row of job-semantics 5.1 and 5.2. */
#include "../support/suite.h"

#include <bcj2/notify.h>
#include "macro.h"
#include "notify.h"

#define DONE   BCJ2_NOTIFY_JOB_TRANSFERRED
#define FAILED BCJ2_NOTIFY_JOB_ERROR
#define FILE_  BCJ2_NOTIFY_FILE_TRANSFERRED
#define ALL    0x1Bu /* callbacks for every kind */

static const struct {
    const char *rule;
    struct notify_channels channels;
    uint32_t kind;
    enum notify_turn first;
} firsts[] = {
    {"5.1 the callback comes before the command line", {3, ALL, true}, DONE, NOTIFY_CALLBACK},
    {"5.1 errors, too", {3, ALL, true}, FAILED, NOTIFY_CALLBACK},
    {"5.2.4 no callback: the command line", {3, 0, true}, DONE, NOTIFY_COMMAND},
    {"5.2.4 errors, too", {3, 0, true}, FAILED, NOTIFY_COMMAND},
    {"no callback of this kind is as none", {3, FAILED, true}, DONE, NOTIFY_COMMAND},
    {"5.2.7 no channel: it waits", {3, 0, false}, DONE, NOTIFY_NOBODY},
    {"5.2.7 errors, too", {3, DONE, false}, FAILED, NOTIFY_NOBODY},
    {"5.2.1 its flag is not set", {FAILED, ALL, true}, DONE, NOTIFY_NOBODY},
    {"5.2.1 the other one", {DONE, ALL, true}, FAILED, NOTIFY_NOBODY},
    {"5.2.1 no flag", {0, ALL, true}, DONE, NOTIFY_NOBODY},
    {"5.1 disabled, whatever else is set", {0x3F, ALL, true}, DONE, NOTIFY_NOBODY},
    {"5.1 disabled alone", {4, ALL, true}, FAILED, NOTIFY_NOBODY},
    {"5.1 files: a callback", {0x13, ALL, true}, FILE_, NOTIFY_CALLBACK},
    {"5.1 files: never the command line", {0x13, 3, true}, FILE_, NOTIFY_NOBODY},
    {"5.1 files: by their own flag", {3, ALL, true}, FILE_, NOTIFY_NOBODY},
};

START_TEST(whose_turn_is_first)
{
    ck_assert_msg(bcj2__notify_first(&firsts[_i].channels, firsts[_i].kind) == firsts[_i].first,
                  "%s", firsts[_i].rule);
}
END_TEST

static const struct {
    const char *rule;
    struct notify_channels channels;
    uint32_t kind;
    enum notify_turn turn;
    enum notify_result result;
    struct notify_step step;
} steps[] = {
    {"5.2.2 the callback took it: delivered, no command",
     {3, ALL, true},
     DONE,
     NOTIFY_CALLBACK,
     NOTIFY_TAKEN,
     {true, NOTIFY_NOBODY, false}},
    {"5.2.3 it refused: the command line, at once",
     {3, ALL, true},
     DONE,
     NOTIFY_CALLBACK,
     NOTIFY_REFUSED,
     {false, NOTIFY_COMMAND, false}},
    {"5.2.5 it refused, no command line: again later",
     {3, ALL, false},
     FAILED,
     NOTIFY_CALLBACK,
     NOTIFY_REFUSED,
     {false, NOTIFY_CALLBACK, true}},
    {"5.2.4 the program ended with 0: delivered",
     {3, ALL, true},
     DONE,
     NOTIFY_COMMAND,
     NOTIFY_TAKEN,
     {true, NOTIFY_NOBODY, false}},
    {"5.2.6 both failed: all again, from the callback, later",
     {3, ALL, true},
     DONE,
     NOTIFY_COMMAND,
     NOTIFY_REFUSED,
     {false, NOTIFY_CALLBACK, true}},
    {"5.4 it failed, there is no callback: again later",
     {3, 0, true},
     FAILED,
     NOTIFY_COMMAND,
     NOTIFY_REFUSED,
     {false, NOTIFY_COMMAND, true}},
    {"5.4 it failed, and the command line was removed meanwhile",
     {3, 0, false},
     FAILED,
     NOTIFY_COMMAND,
     NOTIFY_REFUSED,
     {false, NOTIFY_NOBODY, true}},
    {"5.2.3 the process with the callback is gone: the command line, at once",
     {3, 0, true},
     DONE,
     NOTIFY_CALLBACK,
     NOTIFY_LOST,
     {false, NOTIFY_COMMAND, false}},
    {"5.2.7 it is gone, and there is nobody else",
     {3, 0, false},
     DONE,
     NOTIFY_CALLBACK,
     NOTIFY_LOST,
     {false, NOTIFY_NOBODY, false}},
    {"5.1 switched off while the callback ran",
     {4, ALL, true},
     DONE,
     NOTIFY_CALLBACK,
     NOTIFY_REFUSED,
     {false, NOTIFY_NOBODY, true}},
    {"5.3 a file's callback failed: that callback again, never the command",
     {0x13, ALL, true},
     FILE_,
     NOTIFY_CALLBACK,
     NOTIFY_REFUSED,
     {false, NOTIFY_CALLBACK, true}},
};

START_TEST(who_is_next)
{
    struct notify_step got =
        bcj2__notify_next(&steps[_i].channels, steps[_i].kind, steps[_i].turn, steps[_i].result);
    ck_assert_msg(got.delivered == steps[_i].step.delivered && got.turn == steps[_i].step.turn &&
                      got.wait == steps[_i].step.wait,
                  "%s: %d %d %d", steps[_i].rule, got.delivered, (int)got.turn, got.wait);
}
END_TEST

static const struct {
    uint32_t kind;
    bcj2_status status;
    enum notify_result result;
} returns[] = {
    {DONE, BCJ2_OK, NOTIFY_TAKEN},        {DONE, BCJ2_S_FALSE, NOTIFY_REFUSED},
    {DONE, BCJ2_E_FAIL, NOTIFY_REFUSED},  {DONE, 0x12345678, NOTIFY_REFUSED},
    {FAILED, BCJ2_OK, NOTIFY_TAKEN},      {FAILED, BCJ2_S_FALSE, NOTIFY_REFUSED},
    {FAILED, INT32_MIN, NOTIFY_REFUSED},  {FILE_, BCJ2_OK, NOTIFY_TAKEN},
    {FILE_, BCJ2_S_FALSE, NOTIFY_TAKEN},  {FILE_, INT32_MAX, NOTIFY_TAKEN},
    {FILE_, BCJ2_E_FAIL, NOTIFY_REFUSED}, {FILE_, -1, NOTIFY_REFUSED},
};

START_TEST(what_a_callback_returns)
{
    ck_assert_int_eq(bcj2__notify_returned(returns[_i].kind, returns[_i].status),
                     returns[_i].result);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "turns", 10);
    tcase_add_loop_test(tc, whose_turn_is_first, 0, (int)ARRAY_LEN(firsts));
    tcase_add_loop_test(tc, who_is_next, 0, (int)ARRAY_LEN(steps));
    tcase_add_loop_test(tc, what_a_callback_returns, 0, (int)ARRAY_LEN(returns));
}

SUITE_MAIN("notify", add_cases)
