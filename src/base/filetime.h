/* SPDX-License-Identifier: MIT */
/* FILETIME (100 ns since 1601), Unix time, and times as text. Reading a clock is os/clock's work. */
#ifndef BCJ2_BASE_FILETIME_H
#define BCJ2_BASE_FILETIME_H

#include <stdint.h>
#include <bcj2/types.h>

#define FILETIME_PER_S  10000000u
#define FILETIME_PER_MS 10000u
#define FILETIME_UNIX_0 116444736000000000u /* 1970-01-01 */

#define FILETIME_UTC_SIZE \
    40 /* "2026-01-31T12:00:00.000Z" and its NUL; more for years of five digits */

static inline bcj2_filetime bcj2__filetime_from_unix(int64_t seconds, int64_t nanoseconds)
{
    return (bcj2_filetime)((int64_t)FILETIME_UNIX_0 + seconds * (int64_t)FILETIME_PER_S +
                           nanoseconds / 100);
}

static inline int64_t bcj2__filetime_to_unix(bcj2_filetime time)
{
    return ((int64_t)time - (int64_t)FILETIME_UNIX_0) / (int64_t)FILETIME_PER_S;
}

/* As ISO 8601 writes it, in UTC, to the millisecond. */
void bcj2__filetime_format_utc(bcj2_filetime time, char text[FILETIME_UTC_SIZE]);

#endif
