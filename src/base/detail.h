/* SPDX-License-Identifier: MIT */
/* The words that go with a failing call: a fixed buffer per thread, no memory is allocated. Whoever
   first sees the failure writes it; upper floors pass the status on and leave the words alone. */
#ifndef BCJ2_BASE_DETAIL_H
#define BCJ2_BASE_DETAIL_H

#include <bcj2/status.h>
#include "limit.h"
#include "macro.h"

/* Sets this thread's detail and returns status, for `return bcj2__detail(BCJ2_E_…, "…", …);`. */
bcj2_status bcj2__detail(bcj2_status status, const char *format, ...) PRINTF_LIKE(2, 3);
/* Inline, so that an analyser sees that it never says success. */
static inline bcj2_status bcj2__detail_no_memory(void)
{
    (void)bcj2__detail(BCJ2_E_OUTOFMEMORY, "not enough memory");
    return BCJ2_E_OUTOFMEMORY;
}
const char *bcj2__detail_get(void);
/* A copy, for a call whose own detail is not the one to tell of: bcj2__detail(status, "%s", kept) after it. */
void bcj2__detail_keep(char kept[LIMIT_DETAIL_BYTES]);

#endif
