/* SPDX-License-Identifier: MIT */
/* See str.h. */
#include "str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool bcj2__str_parse_u64(const char *text, size_t length, uint64_t *ret)
{
    if (length == 0 || length > 20) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

bool bcj2__str_parse_u32(const char *text, uint32_t *ret)
{
    uint64_t value = 0;
    if (!bcj2__str_parse_u64(text, strlen(text), &value) || value > UINT32_MAX) {
        return false;
    }
    *ret = (uint32_t)value;
    return true;
}

bool bcj2__str_parse_i64(const char *text, int64_t *ret)
{
    bool negative = text[0] == '-';
    uint64_t value = 0;
    if (!bcj2__str_parse_u64(text + negative, strlen(text + negative), &value) ||
        value > (uint64_t)INT64_MAX) {
        return false;
    }
    *ret = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static char lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c - 'A' + 'a') : c;
}

bool bcj2__str_same_n(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
        if (a[i] == '\0') {
            return true;
        }
    }
    return true;
}

bool bcj2__str_same(const char *a, const char *b)
{
    return bcj2__str_same_n(a, b, SIZE_MAX);
}

bool bcj2__str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

const char *bcj2__str_trim(const char *text, size_t length, size_t *ret_length)
{
    while (length > 0 && (text[0] == ' ' || text[0] == '\t')) {
        text++;
        length--;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        length--;
    }
    *ret_length = length;
    return text;
}

bool bcj2__str_copy(char *to, size_t size, const char *text, size_t length)
{
    if (length >= size) {
        to[0] = '\0';
        return false;
    }
    memcpy(to, text, length);
    to[length] = '\0';
    return true;
}

/* Length of the well-formed sequence at s, 0 if there is none. */
static size_t utf8_sequence(const unsigned char *s)
{
    if (s[0] < 0x80) {
        return 1;
    }
    size_t length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F)) {
        return 0;
    }
    return length;
}

bool bcj2__str_utf8(const char *text, size_t *ret_utf16)
{
    size_t units = 0;
    const unsigned char *s = (const unsigned char *)text;
    while (*s != '\0') {
        size_t length = utf8_sequence(s);
        if (length == 0) {
            return false;
        }
        units += length == 4 ? 2 : 1;
        s += length;
    }
    if (ret_utf16 != NULL) {
        *ret_utf16 = units;
    }
    return true;
}

void bcj2__str_size(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit < 6) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void bcj2__str_duration(uint64_t seconds, char text[48])
{
    static const struct {
        uint64_t size;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t first = 0;
    while (first < 3 && seconds < units[first].size) {
        first++;
    }
    uint64_t whole = seconds / units[first].size;
    uint64_t rest = first < 3 ? seconds % units[first].size / units[first + 1].size : 0;
    if (rest != 0) {
        (void)snprintf(text, 48, "%" PRIu64 " %s %" PRIu64 " %s", whole, units[first].name, rest,
                       units[first + 1].name);
    } else {
        (void)snprintf(text, 48, "%" PRIu64 " %s", whole, units[first].name);
    }
}
