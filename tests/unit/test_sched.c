/* SPDX-License-Identifier: MIT */
/* proto/schedule: each rule of job-semantics 7.7, and that its moves end. */
#include "../support/suite.h"
#include "macro.h"
#include "schedule.h"

#include <string.h>

#define F     BCJ2_JOB_PRIORITY_FOREGROUND
#define H     BCJ2_JOB_PRIORITY_HIGH
#define N     BCJ2_JOB_PRIORITY_NORMAL
#define L     BCJ2_JOB_PRIORITY_LOW

#define NEVER UINT64_MAX

static const struct {
    const char *rule;
    struct sched_slots slots;
    struct sched_running running[4];
    size_t running_count;
    const char *waiting; /* letters of FHNL */
    enum sched_move move;
    bcj2_job_priority priority;
    size_t index;
    uint64_t slice_end_ms;
} rows[] = {
    {"nothing waits", {64, 1, 0, 0}, {{0}}, 0, "", SCHED_NOTHING, 0, 0, NEVER},
    {"foreground first", {64, 1, 0, 0}, {{0}}, 0, "FHNL", SCHED_START, F, 0, NEVER},
    {"all foreground jobs run", {64, 1, 0, 0}, {{F}, {F}}, 2, "F", SCHED_START, F, 0, NEVER},
    {"up to their slots", {2, 1, 0, 0}, {{F}, {F}}, 2, "F", SCHED_NOTHING, 0, 0, NEVER},
    {"one that stops holds its slot",
     {2, 1, 0, 0},
     {{F}, {F, 0, true}},
     2,
     "F",
     SCHED_NOTHING,
     0,
     0,
     NEVER},
    {"more than the slots", {1, 1, 0, 0}, {{F, 9}, {F, 3}}, 2, "", SCHED_STOP, 0, 1, NEVER},
    {"and one background job besides",
     {2, 1, 0, 0},
     {{F}, {F}},
     2,
     "FNL",
     SCHED_START,
     N,
     0,
     NEVER},
    {"higher level first", {64, 1, 0, 0}, {{0}}, 0, "HNL", SCHED_START, H, 0, NEVER},
    {"lowest level alone", {64, 1, 0, 0}, {{0}}, 0, "L", SCHED_START, L, 0, NEVER},
    {"one at a time", {64, 1, 0, 0}, {{N}}, 1, "NL", SCHED_NOTHING, 0, 0, NEVER},
    {"two slots", {64, 2, 0, 0}, {{N}}, 1, "L", SCHED_START, L, 0, NEVER},
    {"higher pre-empts lower", {64, 1, 0, 0}, {{N}}, 1, "H", SCHED_STOP, 0, 0, NEVER},
    {"the lowest goes", {64, 2, 0, 0}, {{N, 1}, {L, 2}}, 2, "H", SCHED_STOP, 0, 1, NEVER},
    {"of one level, who has run longest",
     {64, 2, 0, 0},
     {{L, 5}, {L, 2}},
     2,
     "N",
     SCHED_STOP,
     0,
     1,
     NEVER},
    {"lower does not pre-empt", {64, 1, 0, 0}, {{H}}, 1, "NL", SCHED_NOTHING, 0, 0, NEVER},
    {"wait for who stops", {64, 1, 0, 0}, {{L, 0, true}}, 1, "H", SCHED_NOTHING, 0, 0, NEVER},
    {"a stop is enough for one",
     {64, 2, 0, 0},
     {{L, 0, true}, {L}},
     2,
     "H",
     SCHED_NOTHING,
     0,
     0,
     NEVER},
    {"foreground never waits for background",
     {64, 1, 0, 0},
     {{H}},
     1,
     "F",
     SCHED_START,
     F,
     0,
     NEVER},
    {"priorities changed: one too many",
     {64, 1, 0, 0},
     {{N, 1}, {L, 2}},
     2,
     "",
     SCHED_STOP,
     0,
     1,
     NEVER},
    {"no slots", {64, 0, 0, 0}, {{0}}, 0, "HNL", SCHED_NOTHING, 0, 0, NEVER},
    {"slice not over", {64, 1, 50, 30}, {{N, 21}}, 1, "NL", SCHED_NOTHING, 0, 0, 51},
    {"slice over, one of the level waits",
     {64, 1, 51, 30},
     {{N, 21}},
     1,
     "NL",
     SCHED_STOP,
     0,
     0,
     NEVER},
    {"slice over, only a lower one waits",
     {64, 1, 99, 30},
     {{N, 21}},
     1,
     "L",
     SCHED_NOTHING,
     0,
     0,
     NEVER},
    {"slice over, nobody waits", {64, 1, 99, 30}, {{N, 21}}, 1, "", SCHED_NOTHING, 0, 0, NEVER},
    {"foreground has no slices", {1, 1, 99, 30}, {{F, 1}}, 1, "F", SCHED_NOTHING, 0, 0, NEVER},
    {"an endless slice", {64, 1, 99, UINT64_MAX}, {{N, 21}}, 1, "N", SCHED_NOTHING, 0, 0, NEVER},
};

START_TEST(rules_7_7)
{
    static const char letters[] = "FHNL";
    bool waiting[4] = {false, false, false, false};
    for (const char *c = rows[_i].waiting; *c != '\0'; c++) {
        waiting[strchr(letters, *c) - letters] = true;
    }
    struct sched_verdict v =
        bcj2__sched_next(&rows[_i].slots, rows[_i].running, rows[_i].running_count, waiting);
    ck_assert_msg(v.move == rows[_i].move, "%s", rows[_i].rule);
    ck_assert_msg(v.priority == rows[_i].priority, "%s", rows[_i].rule);
    ck_assert_msg(v.index == rows[_i].index, "%s", rows[_i].rule);
    ck_assert_msg(v.slice_end_ms == rows[_i].slice_end_ms, "%s", rows[_i].rule);
}
END_TEST

/* A queue that carries the moves out must come to rest, with its slots in use and no higher job
   waiting behind a lower one. */
START_TEST(moves_end)
{
    struct sched_slots slots = {2, 3, 0, 0};
    struct sched_running running[16];
    size_t count = 0, waiting_count[4] = {4, 2, 3, 5};
    for (int arrival = 0; arrival < 2; arrival++) {
        size_t moves = 0;
        struct sched_verdict v = {.move = SCHED_START};
        while (v.move != SCHED_NOTHING) {
            bool waiting[4];
            for (int p = 0; p < 4; p++) {
                waiting[p] = waiting_count[p] > 0;
            }
            v = bcj2__sched_next(&slots, running, count, waiting);
            if (v.move == SCHED_START) {
                ck_assert_uint_gt(waiting_count[v.priority], 0);
                waiting_count[v.priority]--;
                ck_assert_uint_lt(count, ARRAY_LEN(running));
                running[count++] = (struct sched_running){v.priority, moves, false};
            } else if (v.move == SCHED_STOP) {
                ck_assert_uint_lt(v.index, count);
                waiting_count[running[v.index].priority]++;
                running[v.index] = running[--count];
            }
            ck_assert_uint_lt(++moves, 50);
        }
        ck_assert_uint_eq(count, 5);
        size_t high = 0;
        for (size_t i = 0; i < count; i++) {
            high += running[i].priority == H ? 1 : 0;
        }
        ck_assert_uint_eq(high, arrival == 0 ? 2 : 3);
        waiting_count[H] += 4; /* the second time they push the others out */
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "sched", 10);
    tcase_add_loop_test(tc, rules_7_7, 0, ARRAY_LEN(rows));
    tcase_add_test(tc, moves_end);
}

SUITE_MAIN("sched", add_cases)
