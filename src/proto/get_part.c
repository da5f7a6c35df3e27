/* SPDX-License-Identifier: MIT */
/* A ranged download: which bytes of the resource belong where in the file, and how many are asked at
   once (wire-protocol 4.1, 4.5). See get.h. */
#include "get_parts.h"
#include "macro.h"

#define FRAGMENT_MS 5000u /* a fragment should take so long */

/* ---- ranges ---- */

/* How long a range is in a resource of that size. False: it is not inside. */
static bool range_length(const struct get_range *range, uint64_t size, uint64_t *ret)
{
    if (range->length != GET_TO_END) {
        *ret = range->length;
        return range->offset <= size && range->length <= size - range->offset;
    }
    *ret = range->offset <= size ? size - range->offset : 0;
    return *ret > 0 || (range->offset == 0 && size == 0);
}

bool bcj2__get_part_total(const struct get_plan *plan, uint64_t size, uint64_t *ret)
{
    uint64_t total = 0, length = 0;
    if (plan->range_count == 0) {
        *ret = size;
        return true;
    }
    for (uint32_t i = 0; i < plan->range_count; i++) {
        /* ranges that are inside and do not overlap cannot be more than the resource */
        if (!range_length(&plan->ranges[i], size, &length) || length > UINT64_MAX - total) {
            return false;
        }
        total += length;
    }
    *ret = total;
    return true;
}

bool bcj2__get_part_is_all(const struct get *m)
{
    const struct get_plan *plan = &m->plan;
    return plan->range_count == 0 ||
           (plan->range_count == 1 && plan->ranges[0].offset == 0 && m->saved.total_known &&
            m->saved.total == m->saved.remote_total);
}

/* The place of saved.offset in the resource, and the bytes that follow there without a gap. */
static void locate(const struct get *m, uint64_t *ret_first, uint64_t *ret_length)
{
    const struct get_saved *s = &m->saved;
    uint64_t before = s->offset, length = 0;
    *ret_first = s->offset;
    *ret_length = s->total - s->offset;
    for (uint32_t i = 0; i < m->plan.range_count; i++) {
        (void)range_length(&m->plan.ranges[i], s->remote_total, &length);
        if (before < length) {
            *ret_first = m->plan.ranges[i].offset + before;
            *ret_length = length - before;
            return;
        }
        before -= length;
    }
}

void bcj2__get_part_next(const struct get *m, uint64_t *ret_first, uint64_t *ret_last)
{
    uint64_t length = 0;
    locate(m, ret_first, &length);
    if (!m->plan.foreground) {
        length = MIN(length, m->fragment);
    }
    *ret_last = *ret_first + length - 1;
}

/* ---- fragments ---- */

static uint32_t bounded(uint64_t fragment)
{
    return (uint32_t)MIN(MAX(fragment, LIMIT_DOWNLOAD_FRAGMENT_MIN), LIMIT_FRAGMENT_MAX);
}

void bcj2__get_part_start(struct get *m)
{
    m->fragment = bounded(m->plan.fragment == 0 ? LIMIT_FRAGMENT_START : m->plan.fragment);
}

void bcj2__get_part_took(struct get *m, uint64_t bytes, uint64_t elapsed_ms)
{
    /* The rest of a file tells little of the rate: most of its time is the way there and back. */
    if (bytes >= m->fragment) {
        uint64_t ms = MAX(elapsed_ms, 1);
        m->fragment = bounded(bytes > UINT64_MAX / FRAGMENT_MS ? bytes / ms * FRAGMENT_MS
                                                               : bytes * FRAGMENT_MS / ms);
    }
}

void bcj2__get_part_broke(struct get *m)
{
    m->fragment = bounded(m->fragment / 2);
}
