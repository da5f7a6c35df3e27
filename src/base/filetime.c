/* SPDX-License-Identifier: MIT */
/* See filetime.h. */
#include "filetime.h"
#include "macro.h"

#include <stdbool.h>
#include <stdio.h>

/* 1601 begins a cycle of 400 years: each part of it has its leap day at its end. */
void bcj2__filetime_format_utc(bcj2_filetime time, char text[FILETIME_UTC_SIZE])
{
    static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t seconds = time / FILETIME_PER_S;
    uint32_t milliseconds = (uint32_t)(time % FILETIME_PER_S / FILETIME_PER_MS);
    uint32_t second = (uint32_t)(seconds % 86400);
    uint32_t days = (uint32_t)(seconds / 86400);
    uint32_t year = 1601 + 400 * (days / 146097);
    days %= 146097;
    uint32_t centuries = MIN(days / 36524, 3u);
    days -= centuries * 36524;
    uint32_t fours = days / 1461;
    days -= fours * 1461;
    uint32_t years = MIN(days / 365, 3u);
    days -= years * 365;
    year += centuries * 100 + fours * 4 + years;
    bool leap = years == 3 && (fours != 24 || centuries == 3);
    uint32_t month = 0;
    for (uint32_t length; days >= (length = month_days[month] + (month == 1 && leap)); month++) {
        days -= length;
    }
    (void)snprintf(text, FILETIME_UTC_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year, month + 1,
                   days + 1, second / 3600, second / 60 % 60, second % 60, milliseconds);
}
