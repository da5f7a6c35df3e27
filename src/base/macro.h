/* SPDX-License-Identifier: MIT */
/* Small language helpers used everywhere below the API. Not here: anything with a state. */
#ifndef BCJ2_BASE_MACRO_H
#define BCJ2_BASE_MACRO_H

#include <stddef.h>

#define ARRAY_LEN(a)           (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)              ((a) < (b) ? (a) : (b))
#define MAX(a, b)              ((a) > (b) ? (a) : (b))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* CLEANUP(f) T x: f(&x) runs when x leaves its scope. */
#define CLEANUP(f) __attribute__((cleanup(f)))

#endif
