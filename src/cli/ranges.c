/* SPDX-License-Identifier: MIT */
/* See ranges.h. */
#include "ranges.h"
#include "out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The digits at *text; false: there are none, or the number has more than 64 bits. */
static bool read_number(const char **text, uint64_t *ret)
{
    const char *p = *text;
    uint64_t value = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    bool any = p > *text;
    *text = p;
    *ret = value;
    return any;
}

/* "A-B" or "A-", and the comma behind it; false: it is neither. */
static bool read_range(const char **text, bcj2_file_range *ret)
{
    uint64_t last = 0;
    if (!read_number(text, &ret->initial_offset) || *(*text)++ != '-') {
        return false;
    }
    ret->length = BCJ2_LENGTH_TO_EOF;
    if (**text != ',' && **text != '\0') {
        if (!read_number(text, &last) || last < ret->initial_offset ||
            last - ret->initial_offset >= BCJ2_LENGTH_TO_EOF - 1) {
            return false;
        }
        ret->length = last - ret->initial_offset + 1;
    }
    if (**text == ',') {
        (*text)++;
        return **text != '\0';
    }
    return **text == '\0';
}

int ranges_read(struct cli *cli, const char *text, bcj2_file_range **ret_ranges,
                uint32_t *ret_count)
{
    size_t most = 1;
    for (const char *p = text; *p != '\0'; p++) {
        most += *p == ',' ? 1 : 0;
    }
    bcj2_file_range *ranges = most > UINT32_MAX ? NULL : calloc(most, sizeof *ranges);
    if (ranges == NULL) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot read the ranges");
    }
    uint32_t count = 0;
    for (const char *p = text; *p != '\0' || count == 0;) {
        if (!read_range(&p, &ranges[count++])) {
            free(ranges);
            return out_bad(cli, "--range must be like 0-99,500-, not \"%.60s\"", text);
        }
    }
    *ret_ranges = ranges;
    *ret_count = count;
    return EXIT_DONE;
}

void ranges_format(const bcj2_file_range *ranges, uint32_t count, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < count && length < size; i++) {
        uint64_t first = ranges[i].initial_offset;
        const char *between = i == 0 ? "" : ",";
        int n = ranges[i].length == BCJ2_LENGTH_TO_EOF
                    ? snprintf(text + length, size - length, "%s%" PRIu64 "-", between, first)
                    : snprintf(text + length, size - length, "%s%" PRIu64 "-%" PRIu64, between,
                               first, first + ranges[i].length - 1);
        length += n > 0 ? (size_t)n : 0;
    }
}
