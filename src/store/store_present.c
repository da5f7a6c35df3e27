/* SPDX-License-Identifier: MIT */
/* Are the database and its log still where they were when they were opened? A folder may be removed or
   renamed, or a file in it, while SQLite has it open: it would go on writing into files that nobody finds
   any more, and what it was given would be lost. Looking takes an lstat each. Not here: who is told
   (core). */
#include "store_db.h"

#include "detail.h"
#include "mem.h"

bcj2_status bcj2__store_note_places(struct store *s)
{
    static const char *const names[STORE_PLACES] = {STORE_DATABASE, STORE_DATABASE "-wal",
                                                    STORE_DATABASE "-shm"};
    for (size_t i = 0; i < STORE_PLACES; i++) {
        struct store_place *p = &s->places[i];
        struct os_stat st = {0};
        bcj2_status status = bcj2__store_path_in(s, names[i], &p->path);
        if (status == BCJ2_OK) {
            status = bcj2__os_stat(p->path, false, &st);
        }
        if (status != BCJ2_OK) {
            return status;
        }
        p->known = st.exists;
        p->device = st.device;
        p->inode = st.inode;
    }
    return BCJ2_OK;
}

void bcj2__store_forget_places(struct store *s)
{
    for (size_t i = 0; i < STORE_PLACES; i++) {
        bcj2__mem_free(s->places[i].path);
        s->places[i] = (struct store_place){0};
    }
}

bool bcj2__store_vanished(const struct store *s)
{
    return atomic_load(&s->vanished);
}

bcj2_status bcj2__store_present(struct store *s)
{
    for (size_t i = 0; i < STORE_PLACES && !atomic_load(&s->vanished); i++) {
        const struct store_place *p = &s->places[i];
        struct os_stat st = {0};
        if (!p->known) {
            continue;
        }
        bcj2_status status = bcj2__os_stat(p->path, false, &st);
        if (status != BCJ2_OK) {
            return status;
        }
        if (!st.exists || st.device != p->device || st.inode != p->inode) {
            atomic_store(&s->vanished, true);
        }
    }
    return !atomic_load(&s->vanished)
               ? BCJ2_OK
               : bcj2__detail(BCJ2_E_PATH_NOT_FOUND,
                              "the queue in %s was removed, moved or replaced while it was open",
                              s->directory);
}
