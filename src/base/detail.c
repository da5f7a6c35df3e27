/* SPDX-License-Identifier: MIT */
/* See detail.h. */
#include "detail.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char text[LIMIT_DETAIL_BYTES];

bcj2_status bcj2__detail(bcj2_status status, const char *format, ...)
{
    /* the arguments may point into the old text */
    char fresh[LIMIT_DETAIL_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fresh, sizeof fresh, format, args);
    va_end(args);
    (void)snprintf(text, sizeof text, "%s", fresh);
    return status;
}

const char *bcj2__detail_get(void)
{
    return text;
}

void bcj2__detail_keep(char kept[LIMIT_DETAIL_BYTES])
{
    (void)snprintf(kept, LIMIT_DETAIL_BYTES, "%s", text);
}
