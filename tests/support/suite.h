/* SPDX-License-Identifier: MIT */
/* What each Check suite of this tree shares: main() and shorthands. Not here: servers (servers.h).
 */
#ifndef BCJ2_TESTS_SUITE_H
#define BCJ2_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs one suite; CK_FORK and CK_VERBOSITY of the environment are honoured. The last line that
   Check prints ("100%: Checks: …") is what `make test` adds up. */
#define SUITE_MAIN(name, add_cases)                       \
    int main(void)                                        \
    {                                                     \
        Suite *suite = suite_create(name);                \
        add_cases(suite);                                 \
        SRunner *runner = srunner_create(suite);          \
        srunner_run_all(runner, CK_ENV);                  \
        int failed = srunner_ntests_failed(runner);       \
        srunner_free(runner);                             \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE; \
    }

/* A case with a time limit in seconds, added to a suite. */
static inline TCase *suite_case(Suite *suite, const char *name, double seconds)
{
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, seconds);
    suite_add_tcase(suite, tc);
    return tc;
}

#define assert_status(expression, expected)                                           \
    do {                                                                              \
        bcj2_status got_ = (expression);                                              \
        ck_assert_msg(got_ == (expected), "%s: 0x%08x, expected 0x%08x", #expression, \
                      (unsigned)got_, (unsigned)(expected));                          \
    } while (0)

#endif
