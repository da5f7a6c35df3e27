/* SPDX-License-Identifier: MIT */
/* link: what is heard although nobody looked in time: numbers in the wrong order, a runner that came and
   went, one that hung up at the door, messages that wait or for which there was no memory. */
#include "limit.h"
#include "link_frame.h"
#include "link_rig.h"
#include "macro.h"
#include "mem.h"

#include <unistd.h>

static bool sleeps(const struct side *s)
{
    return bcj2__link_deadline(s->l) == UINT64_MAX;
}

START_TEST(an_earlier_number_is_not_told)
{
    struct side *a = rig_open(false), *b = rig_open(false), *control = rig_open(true);
    until(b->client == 1 && control->client == 1);
    bcj2__link_ring(control->l, 7);
    bcj2__link_ring(control->l, 6);
    rig_close(a); /* has read neither */
    until(b->runner == 1 && control->client == 2 && b->changed > 0);
    rig_quiet();
    ck_assert_uint_eq(b->change, 7);
}
END_TEST

/* It may have changed something. */
START_TEST(a_runner_that_came_and_went_is_news)
{
    struct side *control = rig_open(true);
    rig_quiet();
    int before = control->changed;
    rig_close(rig_open(false)); /* while nobody looks */
    until(control->changed > before);
    ck_assert_int_eq(control->client, 0);
    until(sleeps(control));
}
END_TEST

/* Who told a runner that died rings the bell for those who came since. */
START_TEST(a_change_told_to_a_dead_runner_is_rung_for_others)
{
    struct side *a = rig_open(false), *told = rig_open(true);
    until(told->client == 1);
    bcj2__link_ring(told->l, 7);
    rig_close(a);
    struct side *other = rig_open(true);
    while (!sleeps(other)) {
        rig_step(other);
    }
    int before = other->changed;
    until(other->changed > before);
}
END_TEST

/* A process that rang and ended before it was let in: it is gone, and that counts as its change. */
START_TEST(who_hangs_up_at_the_door_was_there)
{
    uint8_t frame[LINK_FRAME_HEADER_BYTES];
    struct side *a = rig_open(false);
    int fd = rig_connect();
    bcj2__link_frame_header(frame, LINK_KIND_CHANGED, 9, 0);
    rig_write(fd, frame, sizeof frame);
    (void)close(fd);
    until(a->gone == 1);
}
END_TEST

/* They wait, and so do those behind them; what stands between them is told with them. */
START_TEST(messages_that_nobody_fetches_wait)
{
    struct link_event e;
    struct link_fd fds[4];
    int told[LINK_EV_GONE + 1] = {0};
    struct side *a = rig_open(false), *b = rig_open(false);
    until(b->client == 1);
    rig_quiet();
    assert_status(bcj2__link_send(b->l, 0, LINK_KIND_REGISTER, 1, "one", 3), BCJ2_OK);
    bcj2__link_ring(b->l, 5);
    assert_status(bcj2__link_send(b->l, 0, LINK_KIND_REGISTER, 2, "two", 3), BCJ2_OK);
    ck_assert_uint_eq(bcj2__link_fds(a->l, fds, ARRAY_LEN(fds)), 2); /* the listener, and b */
    assert_status(bcj2__link_step(a->l), BCJ2_OK);
    ck_assert_uint_eq(bcj2__link_deadline(a->l), 0);
    ck_assert_uint_eq(bcj2__link_fds(a->l, fds, ARRAY_LEN(fds)), 1); /* b is not read now */
    while (bcj2__link_next(a->l, &e)) {
        told[e.type]++;
    }
    ck_assert_int_eq(told[LINK_EV_MESSAGE], 2);
    ck_assert_int_eq(told[LINK_EV_CHANGED], 1);
    ck_assert(sleeps(a));
}
END_TEST

/* What does not go for lack of memory leaves no trace in what goes later. */
START_TEST(messages_without_memory)
{
    static char large[LIMIT_LINK_DATA_BYTES];
    struct side *a = rig_open(false), *b = rig_open(false);
    until(b->client == 1);
    int failures = 0;
    for (uint64_t nth = 1; nth <= 8; nth++) {
        bcj2__mem_fail_at(nth);
        bcj2_status s = bcj2__link_send(b->l, 0, LINK_KIND_DELIVER, nth, large, sizeof large);
        bcj2__mem_fail_at(0);
        ck_assert(s == BCJ2_OK || s == BCJ2_E_OUTOFMEMORY);
        failures += s == BCJ2_OK ? 0 : 1;
        assert_status(bcj2__link_send(b->l, 0, LINK_KIND_DELIVER, 100 + nth, "small", 5), BCJ2_OK);
        until(a->messages > 0 && a->last.id == 100 + nth);
        ck_assert_str_eq(a->data, "small");
    }
    ck_assert_int_gt(failures, 0);
    ck_assert_int_eq(a->gone, 0);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "hearing", 60);
    tcase_add_checked_fixture(tc, rig_begin, rig_end);
    tcase_add_test(tc, an_earlier_number_is_not_told);
    tcase_add_test(tc, a_runner_that_came_and_went_is_news);
    tcase_add_test(tc, a_change_told_to_a_dead_runner_is_rung_for_others);
    tcase_add_test(tc, who_hangs_up_at_the_door_was_there);
    tcase_add_test(tc, messages_that_nobody_fetches_wait);
    tcase_add_test(tc, messages_without_memory);
}

SUITE_MAIN("link_hearing", add_cases)
