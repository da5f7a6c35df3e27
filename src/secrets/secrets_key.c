/* SPDX-License-Identifier: MIT */
/* See secrets_key.h. The file is a mark and the key. It is written under another name, synced, and
   gets its own by a link: whoever sees it sees all of it, and what is sealed with it is never on
   the disk before it. */
#include "secrets_key.h"

#include <string.h>
#include <sodium.h>
#include "detail.h"
#include "macro.h"
#include "mem.h"
#include "os.h"
#include "secrets.h"

#define KEY_FILE_NEW SECRETS_KEY_FILE ".new"

static const uint8_t mark[8] = {'b', 'c', 'j', '2', 'k', 'e', 'y', '1'};

struct key_file {
    uint8_t mark[sizeof mark];
    uint8_t key[SECRETS_KEY_BYTES];
};

static bcj2_status path_in(const char *directory, const char *name, char **ret)
{
    *ret = bcj2__mem_printf("%s/%s", directory, name);
    return *ret == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
}

static bcj2_status write_new(const char *path, const struct key_file *content)
{
    int fd = -1;
    bcj2_status s = bcj2__os_unlink(path); /* left by a process that was killed */
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_create(path, &fd);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_pwrite(fd, content, sizeof *content, 0);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_sync(fd);
    }
    (void)bcj2__os_close(fd);
    return s;
}

static bcj2_status make(const char *directory, const char *path)
{
    CLEANUP_FREE char *path_new = NULL;
    bcj2_status s = path_in(directory, KEY_FILE_NEW, &path_new);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    struct key_file content;
    memcpy(content.mark, mark, sizeof mark);
    randombytes_buf(content.key, sizeof content.key);
    s = write_new(path_new, &content);
    bcj2__mem_wipe(&content, sizeof content);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_link(path_new, path);
        s = s == BCJ2_E_SHARING_VIOLATION ? BCJ2_OK : s; /* there is one: that is the key */
    }
    bcj2_status removed = bcj2__os_unlink(path_new);
    s = BCJ2_FAILED(s) ? s : removed;
    return BCJ2_FAILED(s) ? s : bcj2__os_sync_folder_of(path);
}

/* Somebody else's eyes on the key would make the seal worthless: such a file is refused. */
static bcj2_status check(const char *path, const struct os_stat *st)
{
    const uint32_t others = 077;
    if ((st->mode & others) != 0) {
        return bcj2__detail(BCJ2_E_ACCESSDENIED,
                            "%s has the mode 0%o: it must be for its owner only (0600)", path,
                            (unsigned)st->mode);
    }
    if (st->size != sizeof(struct key_file)) {
        return bcj2__detail(BCJ2_E_DECRYPTION_FAILED,
                            "%s is damaged: it has %llu bytes instead of %u", path,
                            (unsigned long long)st->size, (unsigned)sizeof(struct key_file));
    }
    return BCJ2_OK;
}

static bcj2_status read_key(const char *path, uint8_t ret_key[SECRETS_KEY_BYTES])
{
    int fd = -1;
    struct os_stat st;
    struct key_file content = {{0}, {0}};
    size_t length = 0;
    bcj2_status s = bcj2__os_reopen(path, &fd, &st); /* ours, regular, one link, no symbolic one */
    if (BCJ2_SUCCEEDED(s)) {
        s = check(path, &st);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_pread(fd, &content, sizeof content, 0, &length);
    }
    if (BCJ2_SUCCEEDED(s) &&
        (length != sizeof content || memcmp(content.mark, mark, sizeof mark) != 0)) {
        s = bcj2__detail(BCJ2_E_DECRYPTION_FAILED, "%s is damaged: it is no key", path);
    }
    if (BCJ2_SUCCEEDED(s)) {
        memcpy(ret_key, content.key, sizeof content.key);
    }
    bcj2__mem_wipe(&content, sizeof content);
    (void)bcj2__os_close(fd);
    return s;
}

bcj2_status bcj2__secrets_key(const char *directory, bool may_make,
                              uint8_t ret_key[SECRETS_KEY_BYTES])
{
    CLEANUP_FREE char *path = NULL;
    struct os_stat st;
    bcj2_status s = path_in(directory, SECRETS_KEY_FILE, &path);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_stat(path, false, &st);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    if (!st.exists && !may_make) {
        return bcj2__detail(BCJ2_E_DECRYPTION_FAILED,
                            "%s is missing: what was sealed with it cannot be read any more", path);
    }
    if (st.exists && st.links == 2) { /* a kill came between the link and the unlink */
        CLEANUP_FREE char *path_new = NULL;
        s = path_in(directory, KEY_FILE_NEW, &path_new);
        s = BCJ2_FAILED(s) ? s : bcj2__os_unlink(path_new);
    }
    if (!st.exists) {
        s = make(directory, path);
    }
    return BCJ2_FAILED(s) ? s : read_key(path, ret_key);
}
