/* SPDX-License-Identifier: MIT */
/* A session on disk: its folders and files, its record, and finding all of them at start. See
   sessions.h. The record is JSON, replaced atomically:

       {"version":1, "path":"/in/a.bin", "url":"http://…", "total":"8192", "synced":"0",
        "boot_id":"…", "device":"…", "inode":"…", "moved":false, "has_reply_file":false,
        "done":{"status":200, "code":"0x00000000", "context":0, "reply_url":"/in/…"}}

   64-bit numbers are text, because JSON's are doubles. "total" is missing before the first
   fragment, "done" before the end. */
#include "guid.h"
#include "mem.h"
#include "record.h"
#include "server.h"
#include "sessions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SCAN_DEPTH 64 /* of folders below the root */

/* ---- folders and files ---- */

int session_open_folder(const struct server *server, const struct session *session,
                        const char *kind, bool make)
{
    size_t length = 0;
    char relative[sizeof TREE_SESSIONS + 16 + BCJ2_GUID_TEXT_SIZE];
    (void)tree_name(session->path, &length);
    int upload_folder = tree_open_folder(&server->tree, session->path, length);
    if (upload_folder < 0) {
        return -1;
    }
    (void)snprintf(relative, sizeof relative, TREE_SESSIONS "/%s/%s", kind, session->id_text);
    int folder = tree_open_below(upload_folder, relative, make);
    (void)close(upload_folder);
    return folder;
}

int session_open_request(const struct server *server, const struct session *session, int flags)
{
    int folder = session_open_folder(server, session, "Requests", false);
    if (folder < 0) {
        return -1;
    }
    int fd = openat(folder, SESSION_REQUEST_FILE, flags | O_NOFOLLOW | O_CLOEXEC);
    (void)close(folder);
    struct stat st;
    if (fd >= 0 &&
        (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_ino != session->inode)) {
        (void)close(fd);
        errno = ENOENT;
        return -1;
    }
    return fd;
}

bool session_sync_folders(const struct server *server, const struct session *session,
                          const char *kind)
{
    enum { ID, KIND, SESSIONS, UPLOAD, LEVELS };
    int folder = session_open_folder(server, session, kind, false);
    bool ok = folder >= 0;
    for (int level = ID; ok && level < LEVELS; level++) {
        ok = fsync(folder) == 0;
        int parent = ok ? openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        int error = errno;
        (void)close(folder);
        errno = error;
        folder = parent;
        ok = ok && folder >= 0;
    }
    if (folder >= 0) {
        (void)close(folder);
    }
    return ok;
}

bool session_make_files(struct server *server, struct session *session)
{
    int folder = session_open_folder(server, session, "Requests", true);
    if (folder < 0) {
        return false;
    }
    int fd = openat(folder, SESSION_REQUEST_FILE,
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat st;
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    if (ok) {
        session->device = (uint64_t)st.st_dev;
        session->inode = (uint64_t)st.st_ino;
        char *text = record_text(server, session);
        ok = text != NULL &&
             tree_replace_file(folder, SESSION_RECORD_FILE, text, strlen(text), false) == 0;
        bcj2__mem_free(text);
    }
    int error = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)close(folder);
    errno = error;
    return ok;
}

struct session_record {
    uint64_t number;
    bool has_total;
    char *text;
};

struct session_record *session_record_make(struct server *server, struct session *session)
{
    struct session_record *record = bcj2__mem_alloc(sizeof *record);
    char *text = record == NULL ? NULL : record_text(server, session);
    if (text == NULL) {
        bcj2__mem_free(record);
        errno = ENOMEM;
        return NULL;
    }
    *record = (struct session_record){++session->records_made, session->m.total_known, text};
    session->total_recorded = session->total_recorded || record->has_total;
    return record;
}

bool session_record_write(struct server *server, struct session *session,
                          struct session_record *record, bool sync)
{
    bool ok = true;
    int error = 0;
    (void)pthread_mutex_lock(&session->record_lock);
    if (record->number > session->record_written) {
        int folder = session_open_folder(server, session, "Requests", false);
        ok = folder >= 0 && tree_replace_file(folder, SESSION_RECORD_FILE, record->text,
                                              strlen(record->text), sync) == 0;
        error = errno;
        session->record_written = ok ? record->number : session->record_written;
        if (folder >= 0) {
            (void)close(folder);
        }
    }
    (void)pthread_mutex_unlock(&session->record_lock);
    bcj2__mem_free_secret(record->text);
    bcj2__mem_free(record);
    errno = error;
    return ok;
}

bool session_save(struct server *server, struct session *session)
{
    struct session_record *record = session_record_make(server, session);
    return record != NULL && session_record_write(server, session, record, false);
}

/* The folder {id} of one kind, with the files that can be in it; the record goes first: without it
   the rest is rubbish that the next start clears. */
static void delete_folder(const struct server *server, const struct session *session,
                          const char *kind)
{
    static const char *const names[] = {SESSION_RECORD_FILE, SESSION_RECORD_FILE ".new",
                                        SESSION_REQUEST_FILE, SESSION_REPLY_FILE};
    int folder = session_open_folder(server, session, kind, false);
    if (folder < 0) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)unlinkat(folder, names[i], 0);
    }
    int parent = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)close(folder);
    if (parent >= 0) {
        (void)unlinkat(parent, session->id_text, AT_REMOVEDIR);
        (void)close(parent);
    }
}

/* The reply first: after a kill between the two the record still leads to the session, and the Close
   or Cancel that was not answered comes again. */
void session_delete_files(struct server *server, const struct session *session)
{
    delete_folder(server, session, "Replies");
    delete_folder(server, session, "Requests");
}

/* ---- loading ---- */

static uint64_t idle_ms(const struct stat *a, const struct stat *b)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t last = (int64_t)MAX(a->st_mtim.tv_sec, b->st_mtim.tv_sec);
    return (int64_t)now.tv_sec > last ? (uint64_t)((int64_t)now.tv_sec - last) * 1000 : 0;
}

/* The file moved, but the record of it was lost: its destination has its inode. */
static bool is_at_destination(const struct server *server, const struct session *session,
                              struct stat *ret)
{
    size_t length = 0;
    const char *name = tree_name(session->path, &length);
    int folder = tree_open_folder(&server->tree, session->path, length);
    if (folder < 0) {
        return false;
    }
    bool same = fstatat(folder, name, ret, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(ret->st_mode) &&
                (uint64_t)ret->st_ino == session->inode && (uint64_t)ret->st_dev == session->device;
    (void)close(folder);
    return same;
}

/* How much of the request file can be believed: all of it after a kill, what was synced after a
   reboot. The rest is cut off. */
static bool adopt_content(struct server *server, struct session *session, int folder,
                          bool same_boot, struct stat *ret)
{
    int fd = openat(folder, SESSION_REQUEST_FILE, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        bool moved = session->moved || is_at_destination(server, session, ret);
        session->moved = moved;
        session->m.next = moved && session->m.total_known ? session->m.total : 0;
        return session->m.phase == BUP_SRV_WAIT_CLOSE || moved;
    }
    bool ok = fstat(fd, ret) == 0 && S_ISREG(ret->st_mode);
    uint64_t size = ok ? (uint64_t)ret->st_size : 0;
    session->inode = ok ? (uint64_t)ret->st_ino : 0;
    session->m.next = same_boot ? size : MIN(size, session->synced);
    session->synced = MIN(session->synced, session->m.next);
    if (session->m.total_known && session->m.next > session->m.total) {
        session->m.next = session->m.total;
    }
    if (ok && session->m.next < size) {
        ok = ftruncate(fd, (off_t)session->m.next) == 0;
    }
    (void)close(fd);
    return ok;
}

struct session *session_load(struct server *server, int folder, const bcj2_guid *id,
                             const char *upload_folder)
{
    struct stat record_stat = {0}, file_stat = {0};
    bool same_boot = false;
    struct session *session = record_read(server, folder, id, &same_boot, &record_stat);
    if (session == NULL) {
        return NULL;
    }
    size_t length = 0;
    (void)tree_name(session->path, &length);
    bool here =
        strlen(upload_folder) == length && strncmp(session->path, upload_folder, length) == 0;
    if (!here || !adopt_content(server, session, folder, same_boot, &file_stat)) {
        session_free(session);
        return NULL;
    }
    if (session->m.phase == BUP_SRV_WAIT_CLOSE) {
        session->m.next = session->m.total;
    } else if (session->moved && !session->m.total_known) {
        session->m.total_known = true;
        session->m.total = session->m.next = (uint64_t)file_stat.st_size;
    }
    bcj2__bup_srv_stored(&session->m, 0);
    session->expires_ms = session_expiry(server, idle_ms(&record_stat, &file_stat));
    return session;
}

/* ---- finding them ---- */

struct scan {
    struct server *server;
    void (*add)(struct server *, struct session *);
};

static DIR *open_for_reading(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL && fd >= 0) {
        (void)close(fd);
    }
    return dir;
}

/* What a kill left of a session that was just being made or deleted: a folder of Requests or Replies
   without a record. */
static void clear_rubbish(int parent, const char *name)
{
    static const char *const names[] = {SESSION_RECORD_FILE ".new", SESSION_REQUEST_FILE,
                                        SESSION_REPLY_FILE};
    int folder = tree_open_below(parent, name, false);
    if (folder < 0) {
        return;
    }
    if (faccessat(folder, SESSION_RECORD_FILE, F_OK, 0) != 0 && errno == ENOENT) {
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            (void)unlinkat(folder, names[i], 0);
        }
        (void)unlinkat(parent, name, AT_REMOVEDIR);
    }
    (void)close(folder);
}

/* Replies of sessions that are no more. */
static void scan_replies(int sessions_folder)
{
    DIR *dir = open_for_reading(sessions_folder, "Replies");
    int requests = tree_open_below(sessions_folder, "Requests", false);
    const struct dirent *entry = NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        bcj2_guid id;
        if (bcj2__guid_parse(entry->d_name, &id) && requests >= 0 &&
            faccessat(requests, entry->d_name, F_OK, 0) != 0 && errno == ENOENT) {
            clear_rubbish(dirfd(dir), entry->d_name);
        }
    }
    if (requests >= 0) {
        (void)close(requests);
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static void scan_requests(const struct scan *scan, int sessions_folder, const char *upload_folder)
{
    DIR *dir = open_for_reading(sessions_folder, "Requests");
    const struct dirent *entry = NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        bcj2_guid id;
        if (!bcj2__guid_parse(entry->d_name, &id)) {
            continue;
        }
        int folder = tree_open_below(dirfd(dir), entry->d_name, false);
        struct session *session =
            folder < 0 ? NULL : session_load(scan->server, folder, &id, upload_folder);
        if (folder >= 0) {
            (void)close(folder);
        }
        if (session != NULL) {
            scan->add(scan->server, session);
        } else {
            clear_rubbish(dirfd(dir), entry->d_name);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static void scan_folder(const struct scan *scan, int parent, const char *name, struct buf *path,
                        unsigned depth)
{
    DIR *dir = open_for_reading(parent, name);
    const struct dirent *entry = NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISDIR(st.st_mode)) {
            continue;
        }
        if (strcmp(entry->d_name, TREE_SESSIONS) == 0) {
            int sessions_folder = tree_open_below(dirfd(dir), TREE_SESSIONS, false);
            if (sessions_folder >= 0) {
                scan_requests(scan, sessions_folder, bcj2__buf_cstr(path));
                scan_replies(sessions_folder);
                (void)close(sessions_folder);
            }
        } else if (depth < SCAN_DEPTH) {
            size_t length = path->length;
            if (bcj2__buf_printf(path, "/%s", entry->d_name)) {
                scan_folder(scan, dirfd(dir), entry->d_name, path, depth + 1);
                path->length = length;
                path->data[length] = '\0';
            } else {
                path->failed = false; /* too long to be uploaded to */
            }
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

void session_scan(struct server *server, void (*add)(struct server *, struct session *))
{
    struct scan scan = {server, add};
    struct buf path = BUF_INIT(LIMIT_PATH_BYTES);
    scan_folder(&scan, server->tree.root, ".", &path, 0);
    bcj2__buf_done(&path);
}
