/* SPDX-License-Identifier: MIT */
/* See notify_files.h. */
#include "notify_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <bcj2/notify.h>
#include "detail.h"
#include "mem.h"
#include "store_event.h"

static const char *const kinds[] = {"lock", "input"};

char *bcj2__notify_files_path(const struct core *c, int64_t event_seq, const char *what)
{
    return bcj2__mem_printf("%s/notify-%" PRId64 ".%s", c->directory, event_seq, what);
}

void bcj2__notify_files_remove(const struct core *c, int64_t event_seq)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        CLEANUP_FREE char *path = bcj2__notify_files_path(c, event_seq, kinds[i]);
        if (path != NULL) {
            (void)bcj2__os_unlink(path); /* what cannot be removed is in nobody's way */
        }
    }
}

/* A row that cannot be read keeps its files. */
static bool is_over(struct core *c, int64_t event_seq)
{
    struct store_event event;
    bcj2_status s = bcj2__store_event(c->store, event_seq, &event);
    return s == BCJ2_S_FALSE || (s == BCJ2_OK && event.result != BCJ2_EVENT_OWED);
}

static void look_at(void *core, const char *name)
{
    struct core *c = core;
    int64_t seq = 0;
    char again[64];
    if (sscanf(name, "notify-%" SCNd64, &seq) != 1) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        (void)snprintf(again, sizeof again, "notify-%" PRId64 ".%s", seq, kinds[i]);
        if (strcmp(again, name) == 0 && is_over(c, seq)) {
            bcj2__notify_files_remove(c, seq);
        }
    }
}

void bcj2__notify_files_sweep(struct core *c)
{
    if (BCJ2_FAILED(bcj2__os_each_name(c->directory, look_at, c))) {
        bcj2__log(&c->log, LOG_WARNING, "files of events may stay behind: %s", bcj2__detail_get());
    }
}
