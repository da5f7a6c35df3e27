/* SPDX-License-Identifier: MIT */
/* The matrix of states and methods (job-semantics 1.1): each method of job.h and file.h, in each of the nine
   states, for each of the three types: what it returns and where the job is then. Every state is reached the
   way a job reaches it, against small servers in this process. Not here: what a method does with good and
   bad arguments (test_conformance.c, test_api_*.c). */
#include "matrix.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One letter a state, in the order of their values. */
static bcj2_status status_of(char letter)
{
    switch (letter) {
    case 'o':
        return BCJ2_OK;
    case 'A': /* only root may; the tests may run as root */
        return geteuid() == 0 ? BCJ2_OK : BCJ2_E_ACCESSDENIED;
    case 'F':
        return BCJ2_S_FALSE;
    case 'P':
        return BCJ2_S_PARTIAL_COMPLETE;
    case 'I':
        return BCJ2_E_INVALID_STATE;
    case 'N':
        return BCJ2_E_NOTIMPL;
    case 'U':
        return BCJ2_E_ERROR_INFORMATION_UNAVAILABLE;
    case 'E':
        return BCJ2_E_EMPTY;
    case 'M':
        return BCJ2_E_TOO_MANY_FILES;
    case 'R':
        return BCJ2_E_READ_ONLY_PROPERTY_AFTER_RESUME;
    default:
        ck_abort_msg("no status is called %c", letter);
    }
}

static void check(const struct matrix_row *row, struct matrix_subject *subject)
{
    bcj2_job_state before = subject->state;
    char letter = row->expected[subject->type][before];
    bcj2_job_state after =
        row->after == NULL ? before : (bcj2_job_state)(row->after[subject->type][before] - '0');
    bcj2_status s = row->call(subject);
    ck_assert_msg(s == status_of(letter), "%s, type %d, state %d: 0x%08x (%s), expected 0x%08x",
                  row->name, (int)subject->type, (int)before, (unsigned)s,
                  BCJ2_FAILED(s) ? bcj2_last_detail() : "", (unsigned)status_of(letter));
    ck_assert_msg(BCJ2_SUCCEEDED(s) || bcj2_last_detail()[0] != '\0', "%s says no reason",
                  row->name);
    bcj2_job_state is = queue_state(subject->job);
    ck_assert_msg(is == after, "%s, type %d, state %d: state %d afterwards, expected %d", row->name,
                  (int)subject->type, (int)before, (int)is, (int)after);
}

/* ---- tests ---- */

/* What changes no state, all of it on one job. */
START_TEST(methods_that_leave_the_state)
{
    struct matrix_subject subject;
    bcj2_job_type type = _i / MATRIX_STATES;
    matrix_reach(&subject, type, _i % MATRIX_STATES);
    for (size_t i = 0; i < matrix_row_count; i++) {
        if (matrix_rows[i].after == NULL) {
            check(&matrix_rows[i], &subject);
        }
    }
    matrix_done(&subject);
}
END_TEST

/* What may change it, each on a job of its own. */
START_TEST(methods_that_change_the_state)
{
    for (size_t i = 0; i < matrix_row_count; i++) {
        if (matrix_rows[i].after != NULL) {
            struct matrix_subject subject;
            matrix_reach(&subject, _i / MATRIX_STATES, _i % MATRIX_STATES);
            matrix_take_slot(&subject); /* what is to run is QUEUED then, and stays it */
            check(&matrix_rows[i], &subject);
            matrix_done(&subject);
        }
    }
}
END_TEST

/* Every function of the two headers that returns a status has a row. */
static void assert_rows_for(const char *header)
{
    static const char *const others[] = {
        "bcj2_upload_reply", /* makes its own job */
        NULL,
    };
    size_t size = 0, found = 0;
    char path[512], name[64];
    (void)snprintf(path, sizeof path, BCJ2_SOURCE_ROOT "/include/bcj2/%s", header);
    char *text = queue_read_file(path, &size);
    const char *mark = "BCJ2_API bcj2_status ";
    for (const char *at = strstr(text, mark); at != NULL; at = strstr(at, mark)) {
        at += strlen(mark);
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "("), at);
        bool known = false;
        for (size_t i = 0; others[i] != NULL; i++) {
            known = known || strcmp(others[i], name) == 0;
        }
        for (size_t i = 0; i < matrix_row_count; i++) {
            known = known || strcmp(matrix_rows[i].name, name) == 0;
        }
        ck_assert_msg(known, "%s has no row in the matrix", name);
        found++;
    }
    ck_assert_uint_gt(found, 10);
    free(text);
}

START_TEST(every_method_has_a_row)
{
    assert_rows_for("job.h");
    assert_rows_for("file.h");
    for (size_t i = 0; i < matrix_row_count; i++) {
        for (int type = 0; type < 3; type++) {
            const struct matrix_row *row = &matrix_rows[i];
            ck_assert_uint_eq(strlen(row->expected[type]), MATRIX_STATES);
            ck_assert(row->after == NULL || strlen(row->after[type]) == MATRIX_STATES);
        }
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "table", 30);
    tcase_add_test(tc, every_method_has_a_row);
    tc = suite_case(suite, "matrix", 60);
    tcase_add_checked_fixture(tc, matrix_start, matrix_stop);
    tcase_add_loop_test(tc, methods_that_leave_the_state, 0, 3 * MATRIX_STATES);
    tcase_add_loop_test(tc, methods_that_change_the_state, 0, 3 * MATRIX_STATES);
}

SUITE_MAIN("matrix", add_cases)
