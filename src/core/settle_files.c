/* SPDX-License-Identifier: MIT */
/* See settle_parts.h: the files of a download. Files are given their names some at a time: all of them are
   made ready, then one transaction notes which files are about to move (device and inode), they move, their
   folders are synced, and one transaction says that they have. After a kill in between, "the target is the
   noted file" means that it has moved. */
#include "settle_parts.h"
#include "detail.h"
#include "guid.h"
#include "mem.h"

#include <string.h>

#define AT_A_TIME 32u

struct place {
    struct store_file file;
    int fd;    /* of the temporary file, locked: nobody writes it any more */
    bool done; /* it has its name */
};

struct places {
    struct place list[AT_A_TIME];
    uint32_t count;
};

char *bcj2__settle_file_temp_name(const bcj2_guid *job, const char *beside, uint32_t index)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    bcj2__guid_format(job, id);
    const char *base = bcj2__os_base_of(beside);
    return bcj2__mem_printf("%.*s.bcj2-%.36s-%u.tmp", (int)(base - beside), beside, id + 1,
                            (unsigned)index);
}

/* ---- Complete ---- */

/* The next ones without their names. BCJ2_S_FALSE: none. */
static bcj2_status find(struct core *c, int64_t seq, struct places *places)
{
    uint32_t from = 0;
    bcj2_status s = BCJ2_OK;
    while (places->count < AT_A_TIME && s == BCJ2_OK) {
        struct place *p = &places->list[places->count];
        *p = (struct place){.fd = -1};
        s = bcj2__store_next_unrenamed(c->store, seq, from, &p->file);
        if (s == BCJ2_OK) {
            from = p->file.index + 1;
            places->count++;
        }
    }
    return s == BCJ2_S_FALSE && places->count > 0 ? BCJ2_OK : s;
}

/* Has an earlier Complete moved it already? */
static bcj2_status moved_before(struct place *p)
{
    struct os_stat st = {0};
    if (!p->file.completing) {
        return BCJ2_OK;
    }
    bcj2_status s = bcj2__os_stat(p->file.local_name, false, &st);
    p->done = BCJ2_SUCCEEDED(s) && st.exists && st.device == p->file.completing_device &&
              st.inode == p->file.completing_inode;
    return s;
}

/* Whole, with the mode and the time it is to have, and nobody's but ours. */
static bcj2_status make_ready(struct place *p)
{
    struct os_stat st = {0};
    bcj2_status s = moved_before(p);
    if (BCJ2_FAILED(s) || p->done) {
        return s;
    }
    s = bcj2__os_reopen(p->file.temp_name, &p->fd, &st);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_lock_user_file(p->fd, OS_LOCK_EXCLUSIVE);
    }
    if (BCJ2_SUCCEEDED(s) && st.size != p->file.bytes_total) {
        s = bcj2__detail(BCJ2_E_FAIL, "%s has %llu bytes, the file had %llu", p->file.temp_name,
                         (unsigned long long)st.size, (unsigned long long)p->file.bytes_total);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_chmod_by_umask(p->fd);
    }
    if (BCJ2_SUCCEEDED(s) && p->file.has_mtime) {
        s = bcj2__os_set_mtime(p->fd, p->file.mtime_s, p->file.mtime_ns);
    }
    p->file.completing = true;
    p->file.completing_device = st.device;
    p->file.completing_inode = st.inode;
    return s;
}

/* One durable transaction for all of them. */
static bcj2_status note(struct core *c, int64_t seq, const struct places *places)
{
    bcj2_filetime now = bcj2__os_wall();
    bcj2_status s = places->count > 0 ? bcj2__store_begin(c->store, true) : BCJ2_S_FALSE;
    if (s != BCJ2_OK) {
        return s;
    }
    for (uint32_t i = 0; i < places->count && BCJ2_SUCCEEDED(s); i++) {
        s = bcj2__store_update_file(c->store, seq, &places->list[i].file, now);
    }
    return bcj2__store_end(c->store, true, s);
}

/* All up to the first that cannot; only those are left in the list. */
static bcj2_status for_each(struct places *places, bcj2_status (*step)(struct place *))
{
    for (uint32_t i = 0; i < places->count; i++) {
        bcj2_status s = step(&places->list[i]);
        if (BCJ2_FAILED(s)) {
            for (uint32_t rest = i; rest < places->count; rest++) {
                (void)bcj2__os_close(places->list[rest].fd);
                bcj2__store_file_done(&places->list[rest].file);
            }
            places->count = i;
            return s;
        }
    }
    return BCJ2_OK;
}

static bcj2_status give_name(struct place *p)
{
    bcj2_status s = p->done ? BCJ2_OK : bcj2__os_rename(p->file.temp_name, p->file.local_name);
    p->done = BCJ2_SUCCEEDED(s);
    return s;
}

static bool same_folder(const struct place *a, const struct place *b)
{
    size_t length = (size_t)(bcj2__os_base_of(a->file.local_name) - a->file.local_name);
    return length == (size_t)(bcj2__os_base_of(b->file.local_name) - b->file.local_name) &&
           memcmp(a->file.local_name, b->file.local_name, length) == 0;
}

/* Files beside each other in the list mostly are beside each other on the disk. */
static bcj2_status sync_folders(const struct places *places)
{
    bcj2_status s = BCJ2_OK;
    for (uint32_t i = 0; i < places->count && BCJ2_SUCCEEDED(s); i++) {
        if (i == 0 || !same_folder(&places->list[i], &places->list[i - 1])) {
            s = bcj2__os_sync_folder_of(places->list[i].file.local_name);
        }
    }
    return s;
}

static void say_renamed(struct places *places)
{
    for (uint32_t i = 0; i < places->count; i++) {
        struct store_file *file = &places->list[i].file;
        file->renamed = true;
        file->completing = false;
        bcj2__mem_free(file->temp_name);
        file->temp_name = NULL;
    }
}

/* Those that were moved before one that could not be stay moved; their rows say so. */
static bcj2_status place(struct core *c, int64_t seq, struct places *places)
{
    bcj2_status ready = for_each(places, make_ready);
    char why[LIMIT_DETAIL_BYTES];
    bcj2__detail_keep(why);
    bcj2_status s = note(c, seq, places);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    bcj2_status moved = for_each(places, give_name);
    if (BCJ2_FAILED(moved)) {
        bcj2__detail_keep(why);
        ready = moved;
    }
    s = sync_folders(places);
    if (BCJ2_SUCCEEDED(s)) {
        say_renamed(places);
        s = note(c, seq, places);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    return BCJ2_FAILED(ready) ? bcj2__detail(ready, "%s", why) : BCJ2_OK;
}

static void let_go(struct places *places)
{
    for (uint32_t i = 0; i < places->count; i++) {
        (void)bcj2__os_close(places->list[i].fd);
        bcj2__store_file_done(&places->list[i].file);
    }
    places->count = 0;
}

bcj2_status bcj2__settle_place_files(struct core *c, int64_t seq)
{
    struct places *places = bcj2__mem_calloc(1, sizeof *places);
    if (places == NULL) {
        return bcj2__detail_no_memory();
    }
    bcj2_status s = BCJ2_OK;
    while (s == BCJ2_OK) {
        s = find(c, seq, places);
        if (s == BCJ2_OK) {
            s = place(c, seq, places);
        }
        let_go(places);
    }
    bcj2__mem_free(places);
    return s == BCJ2_S_FALSE ? BCJ2_OK : s;
}

/* ---- Cancel, and what Complete leaves ---- */

/* The note that it is gone; if it is not stored, at worst an unlink of nothing is tried again. */
static bcj2_status forget(struct core *c, int64_t seq, struct store_file *file)
{
    bcj2__mem_free(file->temp_name);
    file->temp_name = NULL;
    bcj2_status s = bcj2__store_begin(c->store, false);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_update_file(c->store, seq, file, bcj2__os_wall());
    return bcj2__store_end(c->store, false, s);
}

bcj2_status bcj2__settle_forget_files(struct core *c, int64_t seq)
{
    bcj2_status result = BCJ2_OK, s = BCJ2_OK;
    for (uint32_t from = 0; s == BCJ2_OK;) {
        struct store_file file = {0};
        s = bcj2__store_next_temporary(c->store, seq, from, &file);
        if (s == BCJ2_OK) {
            from = file.index + 1;
            if (BCJ2_SUCCEEDED(bcj2__os_unlink(file.temp_name))) {
                (void)forget(c, seq, &file);
            } else {
                bcj2__log(&c->log, LOG_WARNING, "job %lld: temporary file stays: %s",
                          (long long)seq, bcj2__detail_get());
                result = BCJ2_S_UNABLE_TO_DELETE_FILES;
            }
        }
        bcj2__store_file_done(&file);
    }
    return BCJ2_FAILED(s) ? BCJ2_S_UNABLE_TO_DELETE_FILES : result;
}
