/* SPDX-License-Identifier: MIT */
/* Answer heads written as text in tests of what reads them. */
#ifndef BCJ2_TESTS_HEAD_H
#define BCJ2_TESTS_HEAD_H

#include <check.h>
#include <string.h>
#include "hdrs.h"

/* A head from its lines, separated by '\n'; to be ended with bcj2__hdrs_done(). */
static inline void head_from(struct hdrs *h, const char *text)
{
    bcj2__hdrs_init(h);
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        ck_assert(bcj2__hdrs_line(h, text, length));
        text += length + (text[length] == '\n' ? 1 : 0);
    }
}

#endif
