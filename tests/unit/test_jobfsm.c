/* SPDX-License-Identifier: MIT */
/* proto/jobfsm: the matrix of job-semantics 1.1 and the transitions of 3.2, every cell. */
#include "../support/suite.h"
#include "detail.h"
#include "jobfsm.h"
#include "macro.h"

#include <string.h>

/* One character a state, in their order QUEUED .. CANCELLED: the state after the event, '-' for
   INVALID_STATE, 'E' for EMPTY. */
static const struct {
    enum job_event event;
    const char *upload, *download;
} rows[] = {
    /*                     QCTSERFAX */
    {JOB_EV_SUSPEND, "3333436--", NULL},
    {JOB_EV_RESUME, "0120000--", NULL},            /* T2, T9, T11, T17 */
    {JOB_EV_RESUME_EMPTY, "012EEEE--", NULL},      /* T3 */
    {JOB_EV_CANCEL, "8888888--", NULL},            /* T20 */
    {JOB_EV_COMPLETE, "------7--", "7777777--"},   /* T18 */
    {JOB_EV_NOT_PLACED, "---------", "6666666--"}, /* T19 */
    {JOB_EV_START, "1--------", NULL},             /* T4 */
    {JOB_EV_CONNECTED, "-22------", NULL},         /* T5 */
    {JOB_EV_YIELD, "-00------", NULL},             /* T13 */
    {JOB_EV_TRANSIENT, "555------", NULL},         /* T6, T7, T14 */
    {JOB_EV_FATAL, "-44------", NULL},             /* T8, T22 */
    {JOB_EV_RETRY, "-----0---", NULL},             /* T9 */
    {JOB_EV_GIVE_UP, "444--4---", NULL},           /* T10 */
    {JOB_EV_DONE, "-66------", NULL},              /* T16 */
    {JOB_EV_RESTART, "000345678", NULL},           /* 3.7 */
};
_Static_assert(ARRAY_LEN(rows) == JOB_EVENT_COUNT, "a row for each event");

static void check_row(bcj2_job_type type, enum job_event event, const char *cells)
{
    ck_assert_uint_eq(strlen(cells), 9);
    for (bcj2_job_state state = 0; state < 9; state++) {
        bcj2_job_state next = -1;
        bcj2_status status = bcj2__jobfsm_step(type, state, event, &next);
        switch (cells[state]) {
        case '-':
            assert_status(status, BCJ2_E_INVALID_STATE);
            ck_assert_int_eq(next, -1);
            break;
        case 'E':
            assert_status(status, BCJ2_E_EMPTY);
            ck_assert_int_eq(next, -1);
            break;
        default:
            assert_status(status, BCJ2_OK);
            ck_assert_int_eq(next, cells[state] - '0');
        }
    }
}

START_TEST(every_cell)
{
    ck_assert_int_eq(rows[_i].event, _i);
    check_row(BCJ2_JOB_TYPE_UPLOAD, rows[_i].event, rows[_i].upload);
    check_row(BCJ2_JOB_TYPE_UPLOAD_REPLY, rows[_i].event, rows[_i].upload);
    check_row(BCJ2_JOB_TYPE_DOWNLOAD, rows[_i].event,
              rows[_i].download == NULL ? rows[_i].upload : rows[_i].download);
}
END_TEST

START_TEST(outside_the_table)
{
    bcj2_job_state next = -1;
    assert_status(bcj2__jobfsm_step(BCJ2_JOB_TYPE_UPLOAD, 9, JOB_EV_CANCEL, &next),
                  BCJ2_E_INVALID_STATE);
    assert_status(bcj2__jobfsm_step(BCJ2_JOB_TYPE_UPLOAD, -1, JOB_EV_CANCEL, &next),
                  BCJ2_E_INVALID_STATE);
    assert_status(bcj2__jobfsm_step(BCJ2_JOB_TYPE_UPLOAD, 0, JOB_EVENT_COUNT, &next),
                  BCJ2_E_INVALID_STATE);
    assert_status(bcj2__jobfsm_step(BCJ2_JOB_TYPE_DOWNLOAD, 9, JOB_EV_COMPLETE, &next),
                  BCJ2_E_INVALID_STATE);
    assert_status(bcj2__jobfsm_step(BCJ2_JOB_TYPE_DOWNLOAD, -1, JOB_EV_COMPLETE, &next),
                  BCJ2_E_INVALID_STATE);
    ck_assert_int_eq(next, -1);
}
END_TEST

START_TEST(refusals_say_why)
{
    bcj2_job_state next = -1;
    (void)bcj2__jobfsm_step(BCJ2_JOB_TYPE_UPLOAD, BCJ2_JOB_STATE_SUSPENDED, JOB_EV_COMPLETE, &next);
    ck_assert_str_eq(bcj2__detail_get(), "complete is not possible: the job is SUSPENDED");
    (void)bcj2__jobfsm_step(BCJ2_JOB_TYPE_UPLOAD, BCJ2_JOB_STATE_SUSPENDED, JOB_EV_RESUME_EMPTY,
                            &next);
    ck_assert_str_eq(bcj2__detail_get(), "the job has no file to transfer");
    for (int event = 0; event < JOB_EVENT_COUNT; event++) {
        ck_assert_str_ne(bcj2__jobfsm_event_name(event), "?");
    }
    ck_assert_str_eq(bcj2__jobfsm_event_name(JOB_EVENT_COUNT), "?");
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "jobfsm", 10);
    tcase_add_loop_test(tc, every_cell, 0, ARRAY_LEN(rows));
    tcase_add_test(tc, outside_the_table);
    tcase_add_test(tc, refusals_say_why);
}

SUITE_MAIN("jobfsm", add_cases)
