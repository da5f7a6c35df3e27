/* SPDX-License-Identifier: MIT */
/* Strict reading and checking of text: numbers, UTF-8, ASCII comparison that no locale changes.
   Not here: URLs (url.h), HTTP heads (hdrs.h). */
#ifndef BCJ2_BASE_STR_H
#define BCJ2_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool bcj2__str_parse_u64(const char *text, size_t length, uint64_t *ret); /* digits only, 1 to 20 */
bool bcj2__str_parse_u32(const char *text, uint32_t *ret);                /* the whole string */
bool bcj2__str_parse_i64(const char *text,
                         int64_t *ret);            /* the whole string; a leading '-' is fine */
bool bcj2__str_same(const char *a, const char *b); /* ASCII, case ignored */
bool bcj2__str_same_n(const char *a, const char *b, size_t length);
bool bcj2__str_starts(const char *text, const char *prefix);
/* The part of text without blanks (space, tab) at both ends. */
const char *bcj2__str_trim(const char *text, size_t length, size_t *ret_length);
/* Copies text into a fixed array; false (and "") if it does not fit. */
bool bcj2__str_copy(char *to, size_t size, const char *text, size_t length);
/* UTF-8 without surrogates and overlong forms; *ret_utf16 (may be NULL) gets the UTF-16 units. */
bool bcj2__str_utf8(const char *text, size_t *ret_utf16);
/* "1.5 KiB", "812 B"; for people. */
void bcj2__str_size(uint64_t bytes, char text[32]);
/* "9 min 12 s", "3 d 4 h"; for people. */
void bcj2__str_duration(uint64_t seconds, char text[48]);

#endif
