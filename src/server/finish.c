/* SPDX-License-Identifier: MIT */
/* See finish.h. */
#include "finish.h"
#include "application.h"
#include "mem.h"
#include "request.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct ending {
    struct server *server;
    struct session *session; /* held */
    struct bup_srv_outcome outcome;
    int upload;      /* the request file; -1 */
    char *reply_url; /* becomes the session's */
    bool has_reply_file;
    bool moved;
};

/* Without an application the file only moves. */
static bool is_moving(const struct server *server)
{
    return server->config.app_exec == NULL && server->config.notification == NOTIFY_NONE;
}

static void fail(struct ending *e, uint32_t status, bcj2_status code)
{
    e->outcome = (struct bup_srv_outcome){.status = status, .code = code, .context = 5};
}

/* The system said no (errno). */
static void fail_on_disk(struct ending *e, const char *what)
{
    event(&e->server->log, "error %s cannot be %s: %s", e->session->id_text, what, strerror(errno));
    fail(e, 500, BCJ2_E_DISK_FULL);
}

/* ---- to its destination ---- */

static bool same_file(int folder, const char *name, const struct session *session)
{
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_ino == session->inode && (uint64_t)st.st_dev == session->device;
}

/* Gives the file its name without replacing another; a kill between the two steps leaves both
   names, which the next try finds. */
static int link_new(int from, int folder, const char *name, const struct session *session)
{
    return linkat(from, SESSION_REQUEST_FILE, folder, name, 0) == 0 ||
                   (errno == EEXIST && same_file(folder, name, session))
               ? 0
               : -1;
}

/* The same, replacing what is there. */
static int link_over(int from, int folder, const char *name, const struct session *session)
{
    static const char second[] = SESSION_REQUEST_FILE ".second";
    if (same_file(folder, name, session)) {
        return 0;
    }
    (void)unlinkat(from, second, 0);
    return linkat(from, SESSION_REQUEST_FILE, from, second, 0) == 0 &&
                   renameat(from, second, folder, name) == 0
               ? 0
               : -1;
}

static void place_in(struct ending *e, int from, int folder, const char *name)
{
    const struct config *config = &e->server->config;
    int result = config->overwrite ? link_over(from, folder, name, e->session)
                                   : link_new(from, folder, name, e->session);
    if (result != 0 && (errno == EEXIST || errno == EISDIR || errno == ENOTEMPTY)) {
        fail(e, config->rules.conflict_409 ? 409 : 403, BCJ2_E_ACCESSDENIED);
    } else if (result != 0 || fsync(folder) != 0) {
        fail_on_disk(e, "moved");
    } else if (is_moving(e->server)) {
        e->moved = unlinkat(from, SESSION_REQUEST_FILE, 0) == 0;
    }
}

/* The file gets the name it was uploaded to; with an application it keeps its own one, too, so that
   the application can be asked again after a crash. */
static void place(struct ending *e)
{
    struct server *server = e->server;
    size_t length = 0;
    const char *name = tree_name(e->session->path, &length);
    int folder = tree_open_folder(&server->tree, e->session->path, length);
    int from = session_open_folder(server, e->session, "Requests", false);
    if (folder < 0 || from < 0) {
        fail(e, 404, BCJ2_E_PATH_NOT_FOUND);
    } else if (fchmod(e->upload, server->tree.public_mode) != 0) {
        fail(e, 500, BCJ2_E_DISK_FULL);
    } else {
        place_in(e, from, folder, name);
    }
    if (folder >= 0) {
        (void)close(folder);
    }
    if (from >= 0) {
        (void)close(from);
    }
}

/* ---- to the disk ---- */

static bool sync_reply(struct ending *e, int replies)
{
    int fd = openat(replies, SESSION_REPLY_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0 && session_sync_folders(e->server, e->session, "Replies");
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

/* ---- the application ---- */

/* The URL of the reply that stands in the session's folder. False: it would be too long. */
static bool set_reply_url(struct ending *e)
{
    struct buf url = BUF_INIT(LIMIT_SERVER_REPLY_URL_BYTES);
    const struct session *session = e->session;
    size_t length = 0;
    (void)tree_name(session->path, &length);
    if (e->server->config.iis_style_reply_url) {
        (void)bcj2__buf_printf(&url, TREE_SESSIONS "\\Replies\\%s\\" SESSION_REPLY_FILE,
                               session->id_text);
    } else {
        struct buf path = BUF_INIT(LIMIT_PATH_BYTES * 2);
        (void)bcj2__buf_printf(&path, "%.*s/" TREE_SESSIONS "/Replies/%s/" SESSION_REPLY_FILE,
                               (int)length, session->path, session->id_text);
        (void)tree_encode(bcj2__buf_cstr(&path), &url);
        bcj2__buf_done(&path);
    }
    e->reply_url = bcj2__buf_take(&url);
    bcj2__buf_done(&url);
    return e->reply_url != NULL;
}

/* What the application left behind becomes the reply. */
static void take_reply(struct ending *e, struct application *a)
{
    struct stat st;
    bool there = fstatat(a->replies, SESSION_REPLY_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                 S_ISREG(st.st_mode) && st.st_size > 0;
    if (a->static_url != NULL) {
        e->reply_url = a->static_url;
        a->static_url = NULL;
        if (strlen(e->reply_url) > LIMIT_SERVER_REPLY_URL_BYTES) {
            fail(e, 400, BCJ2_E_INVALIDARG);
        }
        return;
    }
    if (!there) {
        return;
    }
    e->has_reply_file = true;
    if (!set_reply_url(e)) {
        fail(e, 400, BCJ2_E_INVALIDARG);
    } else if (!sync_reply(e, a->replies)) {
        fail(e, 500, BCJ2_E_DISK_FULL);
    }
}

static void ask_application(struct ending *e)
{
    struct server *server = e->server;
    struct application a = {.server = server, .session = e->session, .upload = e->upload};
    a.replies = session_open_folder(server, e->session, "Replies", true);
    if (a.replies < 0) {
        fail(e, 500, BCJ2_E_DISK_FULL);
        return;
    }
    (void)unlinkat(a.replies, SESSION_REPLY_FILE, 0); /* of a run that failed */
    if (server->config.app_exec != NULL) {
        application_exec(&a);
    } else {
        application_url(&a);
    }
    e->outcome = (struct bup_srv_outcome){
        .status = a.status, .code = a.code, .context = a.context, .asked_application = true};
    event(&server->log, "notify %s status %u", e->session->id_text, (unsigned)a.status);
    if (a.status >= 200 && a.status < 300) {
        take_reply(e, &a);
        if (e->outcome.status < 300 && fsync(e->upload) != 0) {
            fail_on_disk(e, "synced");
        }
        if (a.copy && e->outcome.status < 300) {
            place(e);
        }
    }
    if (e->outcome.status >= 300 || e->outcome.status < 200) {
        (void)unlinkat(a.replies, SESSION_REPLY_FILE, 0);
        e->has_reply_file = false;
    }
    bcj2__mem_free(a.static_url);
    (void)close(a.replies);
}

/* ---- the whole ---- */

/* Puts the outcome into the session; with its lock held. */
static void apply(struct ending *e)
{
    struct session *session = e->session;
    session->moved = session->moved || e->moved;
    session->has_reply_file = e->has_reply_file;
    if (e->reply_url != NULL) {
        bcj2__mem_free(session->reply_url);
        session->reply_url = e->reply_url;
        e->reply_url = NULL;
    }
    e->outcome.reply_url = session->reply_url;
    bcj2__bup_srv_finished(&session->m, &e->outcome);
}

/* The final answer is on the disk before anybody gets it. */
static void record_outcome(struct ending *e)
{
    struct session *session = e->session;
    (void)pthread_mutex_lock(&session->lock);
    struct session_record *record = NULL;
    bool gone = session->gone;
    if (!gone) {
        apply(e);
        record = session_record_make(e->server, session);
        session->m.phase = BUP_SRV_FINISHING; /* for others it goes on */
    }
    (void)pthread_mutex_unlock(&session->lock);
    if (gone) {
        return;
    }
    if (record == NULL || !session_record_write(e->server, session, record, true) ||
        !session_sync_folders(e->server, session, "Requests")) {
        fail_on_disk(e, "recorded");
    }
}

static void answer_waiters(struct ending *e)
{
    struct session *session = e->session;
    (void)pthread_mutex_lock(&session->lock);
    if (session->gone) { /* closed meanwhile: what the application made then goes, too */
        session_delete_files(e->server, session);
    } else {
        bcj2__bup_srv_finished(&session->m, &e->outcome);
    }
    struct request *r = session->waiters, *next = NULL;
    session->waiters = NULL;
    for (; r != NULL; r = next) {
        next = r->next_waiter;
        r->answer = session->gone
                        ? bcj2__bup_srv_no_session(&r->bits)
                        : bcj2__bup_srv_outcome_answer(&session->m, &r->bits, &e->outcome);
        r->stage = REQUEST_READY;
        request_resume(r);
    }
    (void)pthread_mutex_unlock(&session->lock);
}

static void run(void *argument)
{
    struct ending *e = argument;
    e->outcome = (struct bup_srv_outcome){.status = 200};
    e->upload = e->moved ? -1 : session_open_request(e->server, e->session, O_RDONLY);
    if (e->moved) {
        ; /* it was at its destination when the server started */
    } else if (e->upload < 0) {
        fail_on_disk(e, "read");
    } else if (!is_moving(e->server)) {
        ask_application(e);
    } else if (fsync(e->upload) != 0) {
        fail_on_disk(e, "synced");
    } else {
        place(e);
    }
    if (e->upload >= 0) {
        (void)close(e->upload);
    }
    record_outcome(e);
    answer_waiters(e);
    session_release(e->server, e->session);
    bcj2__mem_free(e->reply_url);
    bcj2__mem_free(e);
}

bool finish_start(struct server *server, struct session *session)
{
    struct ending *e = bcj2__mem_calloc(1, sizeof *e);
    if (e == NULL || (e->session = sessions_find_by_id(&server->sessions, &session->id)) == NULL) {
        bcj2__mem_free(e);
        return false;
    }
    e->server = server;
    e->moved = session->moved;
    if (!workers_do(&server->workers, run, e)) {
        session_release(server, session);
        bcj2__mem_free(e);
        return false;
    }
    return true;
}
