/* SPDX-License-Identifier: MIT */
/* See store_ranges.h. Not here: which ranges make sense (core). */
#include "store_ranges.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <cjson/cJSON.h>
#include "detail.h"
#include "mem.h"
#include "str.h"

static bool add_number(cJSON *pair, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    cJSON *item = cJSON_CreateString(text);
    return item != NULL && cJSON_AddItemToArray(pair, item);
}

static bool add_range(cJSON *list, const struct store_range *range)
{
    cJSON *pair = cJSON_CreateArray();
    return pair != NULL && cJSON_AddItemToArray(list, pair) && add_number(pair, range->offset) &&
           add_number(pair, range->length);
}

bcj2_status bcj2__store_ranges_format(const struct store_file *file, char **ret)
{
    *ret = NULL;
    if (file->range_count == 0) {
        return BCJ2_OK;
    }
    cJSON *list = cJSON_CreateArray();
    bool ok = list != NULL;
    for (uint32_t i = 0; ok && i < file->range_count; i++) {
        ok = add_range(list, &file->ranges[i]);
    }
    char *text = ok ? cJSON_PrintUnformatted(list) : NULL;
    *ret = bcj2__mem_strdup(text);
    cJSON_free(text);
    cJSON_Delete(list);
    return *ret == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
}

static bool read_number(const cJSON *pair, int index, uint64_t *ret)
{
    const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(pair, index));
    return text != NULL && bcj2__str_parse_u64(text, strlen(text), ret);
}

/* False: it is no list of pairs. */
static bool read_list(const cJSON *list, struct store_range *to)
{
    const cJSON *pair;
    cJSON_ArrayForEach(pair, list)
    {
        if (cJSON_GetArraySize(pair) != 2 || !read_number(pair, 0, &to->offset) ||
            !read_number(pair, 1, &to->length)) {
            return false;
        }
        to++;
    }
    return true;
}

bcj2_status bcj2__store_ranges_parse(const struct store *s, const char *text,
                                     struct store_file *file)
{
    file->ranges = NULL;
    file->range_count = 0;
    if (text == NULL) {
        return BCJ2_OK;
    }
    cJSON *list = cJSON_Parse(text);
    int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    struct store_range *ranges =
        count == 0 ? NULL : bcj2__mem_calloc((size_t)count, sizeof *ranges);
    bcj2_status status = BCJ2_OK;
    if (count > 0 && ranges == NULL) {
        status = bcj2__detail_no_memory();
    } else if (count == 0 || !read_list(list, ranges)) {
        status = bcj2__detail(BCJ2_E_DATABASE_CORRUPT,
                              "the queue in %s holds a damaged list of ranges", s->directory);
    }
    cJSON_Delete(list);
    if (status != BCJ2_OK) {
        bcj2__mem_free(ranges);
        return status;
    }
    file->ranges = ranges;
    file->range_count = (uint32_t)count;
    return BCJ2_OK;
}
