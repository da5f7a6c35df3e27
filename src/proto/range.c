/* SPDX-License-Identifier: MIT */
/* See range.h. */
#include "range.h"
#include "macro.h"
#include "str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Digits at *text, which moves behind them; a number over 64 bits becomes the largest one. */
static bool take_number(const char **text, uint64_t *ret)
{
    const char *p = *text;
    uint64_t value = 0;
    if (*p < '0' || *p > '9') {
        return false;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    *text = p;
    *ret = value;
    return true;
}

static bool take_char(const char **text, char c)
{
    if (**text != c) {
        return false;
    }
    (*text)++;
    return true;
}

static void skip_blanks(const char **text)
{
    *text += strspn(*text, " \t");
}

/* A number that fits, for fields whose value must be exact. */
static bool take_exact(const char **text, uint64_t *ret)
{
    size_t length = strspn(*text, "0123456789");
    if (!bcj2__str_parse_u64(*text, length, ret)) {
        return false;
    }
    *text += length;
    return true;
}

bool bcj2__range_parse_content(const char *text, struct content_range *ret)
{
    struct content_range r = {0};
    if (!bcj2__str_same_n(text, "bytes", 5) || (text[5] != ' ' && text[5] != '\t')) {
        return false;
    }
    const char *p = text + 5;
    skip_blanks(&p);
    if (take_char(&p, '*')) {
        r.unsatisfied = true;
    } else if (!take_exact(&p, &r.first) || !take_char(&p, '-') || !take_exact(&p, &r.last) ||
               r.first > r.last) {
        return false;
    }
    if (!take_char(&p, '/')) {
        return false;
    }
    if (!r.unsatisfied && take_char(&p, '*')) {
        r.total_known = false;
    } else if (take_exact(&p, &r.total)) {
        r.total_known = true;
    } else {
        return false;
    }
    skip_blanks(&p);
    if (*p != '\0' || (!r.unsatisfied && r.total_known && r.last >= r.total)) {
        return false;
    }
    *ret = r;
    return true;
}

bool bcj2__range_strong_etag(const char *etag)
{
    size_t length = strlen(etag);
    if (length < 2 || etag[0] != '"' || etag[length - 1] != '"') {
        return false;
    }
    for (size_t i = 1; i < length - 1; i++) {
        unsigned char c = (unsigned char)etag[i];
        if (c == '"' || c <= 0x20 || c == 0x7F) {
            return false;
        }
    }
    return true;
}

/* One range-spec at *text. False: it is none, which voids the whole field. *ret_usable: it overlaps
   the content; *ret_everything: a suffix of nothing, which is all of it. */
static bool take_spec(const char **text, uint64_t size, struct byte_range *ret, bool *ret_usable,
                      bool *ret_everything)
{
    uint64_t first = 0, last = UINT64_MAX;
    if (take_char(text, '-')) {
        uint64_t suffix = 0;
        if (!take_number(text, &suffix)) {
            return false;
        }
        *ret_everything = size == 0 && suffix > 0;
        *ret_usable = size > 0 && suffix > 0;
        if (*ret_usable) {
            *ret = (struct byte_range){suffix >= size ? 0 : size - suffix, size - 1};
        }
        return true;
    }
    if (!take_number(text, &first) || !take_char(text, '-')) {
        return false;
    }
    if (**text >= '0' && **text <= '9') {
        (void)take_number(text, &last);
        if (last < first) {
            return false;
        }
    }
    *ret_everything = false;
    *ret_usable = first < size;
    if (*ret_usable) {
        *ret = (struct byte_range){first, MIN(last, size - 1)};
    }
    return true;
}

size_t bcj2__range_parse_request(const char *text, uint64_t size, struct byte_range *ret,
                                 size_t max, bool *ret_satisfiable)
{
    size_t count = 0, seen = 0;
    bool everything = false, too_many = false;
    *ret_satisfiable = true;
    if (!bcj2__str_same_n(text, "bytes=", 6)) {
        return 0;
    }
    const char *p = text + 6;
    while (*p != '\0') {
        struct byte_range range = {0};
        bool usable = false, all = false;
        p += strspn(p, ", \t"); /* empty list elements are allowed */
        if (*p == '\0') {
            break;
        }
        if (!take_spec(&p, size, &range, &usable, &all)) {
            return 0;
        }
        skip_blanks(&p);
        if (*p != ',' && *p != '\0') {
            return 0;
        }
        too_many = too_many || ++seen > max;
        everything = everything || all;
        if (usable && !too_many) {
            ret[count++] = range;
        }
    }
    if (seen == 0) {
        return 0;
    }
    if (too_many) {
        *ret_satisfiable = false;
        return 0;
    }
    *ret_satisfiable = count > 0 || everything;
    return count;
}

/* ---- dates ---- */

static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char day_names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct civil {
    uint32_t year, month, day, hour, minute, second; /* month and day from 1 */
};

/* Days from 1970-01-01 to a date of the Gregorian calendar; years count from March, so that the
   leap day is the last of its year. */
static int64_t days_from_civil(uint32_t year, uint32_t month, uint32_t day)
{
    int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void civil_from_days(int64_t days, struct civil *ret)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    ret->day = (uint32_t)(doy - (153 * mp + 2) / 5 + 1);
    ret->month = (uint32_t)(mp < 10 ? mp + 3 : mp - 9);
    ret->year = (uint32_t)(yoe + era * 400 + (ret->month <= 2 ? 1 : 0));
}

static bool take_digits(const char **text, size_t count, uint32_t *ret)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (uint32_t)(c - '0');
    }
    *text += count;
    *ret = value;
    return true;
}

static bool take_month(const char **text, uint32_t *ret)
{
    for (uint32_t i = 0; i < 12; i++) {
        if (bcj2__str_same_n(*text, month_names[i], 3)) {
            *text += 3;
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_time(const char **text, struct civil *c)
{
    return take_digits(text, 2, &c->hour) && take_char(text, ':') &&
           take_digits(text, 2, &c->minute) && take_char(text, ':') &&
           take_digits(text, 2, &c->second);
}

/* "06 Nov 1994 08:49:37 GMT" and "06-Nov-94 08:49:37 GMT", behind the day's name. */
static bool parse_comma_date(const char *p, struct civil *c)
{
    char separator = ' ';
    skip_blanks(&p);
    if (!take_digits(&p, 2, &c->day)) {
        return false;
    }
    separator = *p == '-' ? '-' : ' ';
    if (!take_char(&p, separator) || !take_month(&p, &c->month) || !take_char(&p, separator)) {
        return false;
    }
    if (separator == ' ') {
        if (!take_digits(&p, 4, &c->year)) {
            return false;
        }
    } else {
        if (!take_digits(&p, 2, &c->year)) {
            return false;
        }
        /* two digits: a server that still sends them means this century or the end of the last */
        c->year += c->year < 70 ? 2000 : 1900;
    }
    return take_char(&p, ' ') && take_time(&p, c) && bcj2__str_same(p, " GMT");
}

/* "Sun Nov  6 08:49:37 1994" */
static bool parse_asctime(const char *p, struct civil *c)
{
    if (strcspn(p, " ") != 3) {
        return false;
    }
    p += 3;
    if (!take_char(&p, ' ') || !take_month(&p, &c->month) || !take_char(&p, ' ')) {
        return false;
    }
    if (*p == ' ') {
        p++;
        if (!take_digits(&p, 1, &c->day)) {
            return false;
        }
    } else if (!take_digits(&p, 2, &c->day)) {
        return false;
    }
    return take_char(&p, ' ') && take_time(&p, c) && take_char(&p, ' ') &&
           take_digits(&p, 4, &c->year) && *p == '\0';
}

static uint32_t days_of_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

bool bcj2__range_parse_date(const char *text, int64_t *ret_unix)
{
    struct civil c = {0};
    const char *comma = strchr(text, ',');
    bool ok = comma != NULL ? parse_comma_date(comma + 1, &c) : parse_asctime(text, &c);
    if (!ok || c.day == 0 || c.day > days_of_month(c.year, c.month) || c.hour > 23 ||
        c.minute > 59 || c.second > 60) {
        return false;
    }
    *ret_unix = days_from_civil(c.year, c.month, c.day) * 86400 +
                (int64_t)(c.hour * 3600 + c.minute * 60 + c.second);
    return true;
}

void bcj2__range_format_date(int64_t unix_seconds, char text[40])
{
    /* what HTTP can write has four digits of year */
    int64_t last = days_from_civil(9999, 12, 31) * 86400 + 86399;
    int64_t t = MIN(MAX(unix_seconds, 0), last);
    int64_t days = t / 86400, second = t % 86400;
    struct civil c = {0};
    civil_from_days(days, &c);
    (void)snprintf(text, 40, "%s, %02u %s %04u %02d:%02d:%02d GMT", day_names[(days + 4) % 7],
                   (unsigned)c.day, month_names[c.month - 1], (unsigned)c.year,
                   (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
}
