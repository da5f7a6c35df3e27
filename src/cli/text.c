/* SPDX-License-Identifier: MIT */
/* See text.h. The C library's wcwidth() depends on the locale, and a program that sets none would get
   no answer from it. */
#include "text.h"

#include <stdint.h>
#include <string.h>

struct range {
    uint32_t first, last;
};

/* Those that matter in names: what is left out is one column too narrow or too wide. */
static const struct range joined[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},   {0x064B, 0x065F},
    {0x093C, 0x093C}, {0x0941, 0x0948}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},   {0x1AB0, 0x1AFF},
    {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x206F},   {0x20D0, 0x20FF},
    {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF},
};
static const struct range wide[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
    {0x20000, 0x3FFFD},
};

static int is_in(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last) {
            return 1;
        }
    }
    return 0;
}

static int columns_of(uint32_t c)
{
    if (c < 0x300) {
        return 1;
    }
    if (is_in(joined, sizeof joined / sizeof joined[0], c)) {
        return 0;
    }
    return is_in(wide, sizeof wide / sizeof wide[0], c) ? 2 : 1;
}

/* The next character; *text moves behind it. A byte that begins none stands for itself. */
static uint32_t next(const char **text)
{
    const unsigned char *p = (const unsigned char *)*text;
    int more = p[0] >= 0xF0 ? 3 : p[0] >= 0xE0 ? 2 : p[0] >= 0xC0 ? 1 : 0;
    uint32_t c = more == 0 ? p[0] : p[0] & (0x3Fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80) { /* the end of the text, too */
            more = 0;
            c = p[0];
            break;
        }
        c = c << 6 | (p[i] & 0x3Fu);
    }
    *text += more + 1;
    return c;
}

int text_width(const char *text)
{
    int width = 0;
    while (*text != '\0') {
        width += columns_of(next(&text));
    }
    return width;
}

/* How many bytes of text fit into so many columns. */
static size_t fitting(const char *text, int columns)
{
    const char *end = text, *after = text;
    while (*after != '\0') {
        columns -= columns_of(next(&after));
        if (columns < 0) {
            break;
        }
        end = after;
    }
    return (size_t)(end - text);
}

void text_cut(char *text, int columns)
{
    text[fitting(text, columns)] = '\0';
}

void text_add(char *to, size_t size, const char *text, int columns)
{
    size_t length = strlen(to), bytes = fitting(text, columns);
    int fill = columns;
    if (length + bytes < size) {
        memcpy(to + length, text, bytes);
        to[length + bytes] = '\0';
        fill -= text_width(to + length);
        length += bytes;
    }
    for (; fill > 0 && length + 1 < size; fill--) {
        to[length++] = ' ';
    }
    to[length] = '\0';
}

/* The length of the character that begins there; 0: none does (too long a form, a surrogate, or more
   than Unicode has, are none). */
static size_t utf8_length(const unsigned char *p)
{
    static const struct {
        unsigned char first, last; /* of the first byte */
        unsigned char second_least, second_most;
        size_t length;
    } forms[] = {
        {0x01, 0x7F, 0x00, 0xFF, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    size_t i = 0, count = sizeof forms / sizeof forms[0];
    while (i < count && (p[0] < forms[i].first || p[0] > forms[i].last)) {
        i++;
    }
    if (i == count || p[1] < forms[i].second_least || p[1] > forms[i].second_most) {
        return 0;
    }
    for (size_t k = 2; k < forms[i].length; k++) {
        if (p[k] < 0x80 || p[k] > 0xBF) { /* the end of the text, too */
            return 0;
        }
    }
    return forms[i].length;
}

char *text_make_utf8(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0';) {
        size_t length = utf8_length(p);
        if (length == 0) {
            *p = '?';
            length = 1;
        }
        p += length;
    }
    return text;
}
