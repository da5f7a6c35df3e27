/* SPDX-License-Identifier: MIT */
/* See header_lines.h. */
#include "header_lines.h"
#include "input.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The length of "Name" in "Name: value"; 0: it is no such line. */
static size_t name_length(const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length);
    for (size_t i = 0; i < length; i++) {
        if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7F) {
            return 0;
        }
    }
    return colon == NULL ? 0 : (size_t)(colon - line);
}

/* Whether there is anything behind "Name:". */
static bool has_value(const char *line, size_t length, size_t name)
{
    size_t at = name + 1;
    while (at < length && (line[at] == ' ' || line[at] == '\t')) {
        at++;
    }
    return at < length;
}

/* The line that begins there, without its end; *next is where the one after it begins. */
static size_t line_length(const char *line, const char **next)
{
    size_t length = strcspn(line, "\n");
    *next = line + length + (line[length] == '\n' ? 1 : 0);
    return length > 0 && line[length - 1] == '\r' ? length - 1 : length;
}

static char *add_line(char *end, const char *line, size_t length)
{
    memcpy(end, line, length);
    memcpy(end + length, "\r\n", 3);
    return end + length + 2;
}

enum header_lines_result header_lines_put(char **text, const char *line, size_t length)
{
    size_t name = name_length(line, length);
    const char *old = *text == NULL ? "" : *text, *next;
    if (name == 0) {
        return HEADER_LINES_NO_HEADER;
    }
    /* each old line may lack its CR */
    char *made = malloc(2 * strlen(old) + length + 5), *end = made;
    if (made == NULL) {
        return HEADER_LINES_NO_MEMORY;
    }
    for (const char *at = old; *at != '\0'; at = next) {
        size_t old_length = line_length(at, &next);
        bool same = name_length(at, old_length) == name && strncasecmp(at, line, name) == 0;
        if (!same && old_length > 0) {
            end = add_line(end, at, old_length);
        }
    }
    if (has_value(line, length, name)) {
        end = add_line(end, line, length);
    }
    input_wipe(*text);
    *text = made;
    if (end == made) {
        free(made);
        *text = NULL;
    }
    return HEADER_LINES_OK;
}

enum header_lines_result header_lines_put_all(char **text, const char *lines, size_t *ret_number)
{
    const char *next;
    *ret_number = 0;
    for (const char *at = lines; *at != '\0'; at = next) {
        size_t length = line_length(at, &next);
        (*ret_number)++;
        enum header_lines_result result =
            length == 0 ? HEADER_LINES_OK : header_lines_put(text, at, length);
        if (result != HEADER_LINES_OK) {
            return result;
        }
    }
    return HEADER_LINES_OK;
}

size_t header_lines_count(const char *text)
{
    size_t count = 0;
    const char *next;
    for (const char *at = text; *at != '\0'; at = next) {
        count += line_length(at, &next) > 0 ? 1 : 0;
    }
    return count;
}
