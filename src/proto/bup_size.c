/* SPDX-License-Identifier: MIT */
/* The upload client: how much is sent at once (wire-protocol 2.3 rules 4 and 6, 2.4). */
#include "bup_parts.h"
#include "macro.h"

#define FAST_MS 1000u
#define SLOW_MS 10000u

void bcj2__bup_size_check(struct bup *m)
{
    struct bup_saved *s = &m->saved;
    if (s->ceiling == 0) {
        s->ceiling = LIMIT_FRAGMENT_MAX;
    }
    if (s->fragment == 0) {
        s->fragment = m->priority == BCJ2_JOB_PRIORITY_FOREGROUND ? LIMIT_FRAGMENT_START_FOREGROUND
                                                                  : LIMIT_FRAGMENT_START;
    }
    s->ceiling = MIN(MAX(s->ceiling, LIMIT_FRAGMENT_MIN), LIMIT_FRAGMENT_MAX);
    s->fragment = MIN(MAX(s->fragment, LIMIT_FRAGMENT_MIN), s->ceiling);
}

void bcj2__bup_size_session(struct bup *m)
{
    m->saved.ceiling = LIMIT_FRAGMENT_MAX;
    bcj2__bup_size_check(m);
}

void bcj2__bup_size_acked(struct bup *m, uint64_t elapsed_ms)
{
    /* 13 M doubled fits in 32 bits */
    if (elapsed_ms < FAST_MS) {
        m->saved.fragment *= 2;
    } else if (elapsed_ms > SLOW_MS) {
        m->saved.fragment /= 2;
    }
    bcj2__bup_size_check(m);
}

void bcj2__bup_size_interrupted(struct bup *m)
{
    m->saved.fragment = MAX(m->saved.fragment / 2, LIMIT_FRAGMENT_MIN);
}

bool bcj2__bup_size_refused(struct bup *m)
{
    if (m->length <= LIMIT_FRAGMENT_MIN) {
        return false;
    }
    /* doubling must not come back to the size that was refused: the half of it is the most that
       is tried in this session */
    m->saved.ceiling = (uint32_t)(m->length / 2);
    m->saved.fragment = m->saved.ceiling;
    bcj2__bup_size_check(m);
    return true;
}

void bcj2__bup_size_next(const struct bup *m, uint64_t *ret_first, uint64_t *ret_length)
{
    uint64_t size = m->saved.source.size;
    if (size == 0) { /* one fragment of nothing (2.8) */
        *ret_first = *ret_length = 0;
        return;
    }
    if (m->saved.acked >= size) { /* the last byte again, for its answer (rule 4) */
        *ret_first = size - 1;
        *ret_length = 1;
        return;
    }
    uint64_t most = m->probe ? LIMIT_FRAGMENT_MIN : m->saved.fragment;
    *ret_first = m->saved.acked;
    *ret_length = MIN(most, size - m->saved.acked);
}
