/* SPDX-License-Identifier: MIT */
/* See notify.h. */
#include "notify.h"

#include <bcj2/notify.h>

bool bcj2__notify_wanted(const struct notify_channels *c, uint32_t kind)
{
    return (c->flags & BCJ2_NOTIFY_DISABLE) == 0 && (c->flags & kind) != 0;
}

static bool has_command(const struct notify_channels *c, uint32_t kind)
{
    return c->command && (kind & (BCJ2_NOTIFY_JOB_TRANSFERRED | BCJ2_NOTIFY_JOB_ERROR)) != 0;
}

enum notify_turn bcj2__notify_first(const struct notify_channels *c, uint32_t kind)
{
    if (!bcj2__notify_wanted(c, kind)) {
        return NOTIFY_NOBODY;
    }
    if ((c->callbacks & kind) != 0) {
        return NOTIFY_CALLBACK;
    }
    return has_command(c, kind) ? NOTIFY_COMMAND : NOTIFY_NOBODY;
}

struct notify_step bcj2__notify_next(const struct notify_channels *c, uint32_t kind,
                                     enum notify_turn turn, enum notify_result result)
{
    if (result == NOTIFY_TAKEN) {
        return (struct notify_step){.delivered = true, .turn = NOTIFY_NOBODY};
    }
    if (result == NOTIFY_REFUSED && turn == NOTIFY_CALLBACK && bcj2__notify_wanted(c, kind) &&
        has_command(c, kind)) {
        return (struct notify_step){.turn = NOTIFY_COMMAND};
    }
    return (struct notify_step){.turn = bcj2__notify_first(c, kind),
                                .wait = result == NOTIFY_REFUSED};
}

enum notify_result bcj2__notify_returned(uint32_t kind, int32_t status)
{
    bool taken = kind == BCJ2_NOTIFY_FILE_TRANSFERRED ? status >= 0 : status == BCJ2_OK;
    return taken ? NOTIFY_TAKEN : NOTIFY_REFUSED;
}
