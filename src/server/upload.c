/* SPDX-License-Identifier: MIT */
/* BITS_POST: its head, and its end with the Ack. The body is upload_body.c's, what happens when an
   upload is complete is finish.c's. */
#include "connection.h"
#include "finish.h"
#include "mem.h"
#include "request.h"
#include "server.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- before the body ---- */

/* Rows 8 and 9 of 3.2: what does the path name? */
static enum bup_srv_place place_of(const struct request *r)
{
    const char *path = bcj2__buf_cstr(&r->path);
    if (path[0] == '\0' || tree_is_reserved(path)) {
        return BUP_SRV_PLACE_FORBIDDEN;
    }
    size_t folder_length = 0;
    const char *name = tree_name(path, &folder_length);
    if (name[0] == '\0') {
        return BUP_SRV_PLACE_DIRECTORY;
    }
    int folder = tree_open_folder(&r->server->tree, path, folder_length);
    if (folder < 0) { /* Create says whether it is only missing */
        return errno == ENOENT ? BUP_SRV_PLACE_FILE : BUP_SRV_PLACE_FORBIDDEN;
    }
    struct stat st;
    enum bup_srv_place place = BUP_SRV_PLACE_FILE;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        place = S_ISDIR(st.st_mode)   ? BUP_SRV_PLACE_DIRECTORY
                : S_ISREG(st.st_mode) ? BUP_SRV_PLACE_FILE
                                      : BUP_SRV_PLACE_FORBIDDEN;
    }
    (void)close(folder);
    return place;
}

/* Reads over a small body, then answers; a large one is not waited for. */
static enum MHD_Result refuse(struct request *r)
{
    if (r->framing_doubtful || r->bits.length > LIMIT_SERVER_DRAIN_BYTES) {
        return request_answer_ack(r, true);
    }
    r->stage = REQUEST_DRAIN;
    return MHD_YES;
}

/* One session, one writer: an older connection of the session counts as broken. */
static void take_over(struct request *r, struct session *session)
{
    if (session->writer != NULL) {
        (void)shutdown(connection_socket(session->writer->connection), SHUT_RDWR);
    }
    session->writer = r;
}

/* The stage for a fragment that can be stored. */
static enum request_stage begin_store(struct request *r, struct session *session)
{
    r->fd = session_open_request(r->server, session, O_RDWR);
    if (r->fd < 0) { /* somebody deleted it */
        r->answer = bcj2__bup_srv_no_session(&r->bits);
        return REQUEST_DRAIN;
    }
    take_over(r, session);
    if (!session->total_recorded && r->plan.last + 1 < r->plan.total) {
        (void)session_save(r->server, session);
    }
    return REQUEST_BODY;
}

static enum MHD_Result begin_fragment(struct request *r)
{
    struct session *session = r->session;
    (void)pthread_mutex_lock(&session->lock);
    r->plan = bcj2__bup_srv_fragment(&r->server->config.rules, &session->m, &r->bits);
    r->stage = REQUEST_DRAIN;
    if (session->gone) {
        r->answer = bcj2__bup_srv_no_session(&r->bits);
    } else if (r->plan.move == BUP_SRV_STORE) {
        r->stage = begin_store(r, session);
    } else if (r->plan.move == BUP_SRV_FINISH) {
        r->stage = REQUEST_FINISH;
    } else {
        take_over(r, session);
        r->answer = r->plan.answer;
    }
    (void)pthread_mutex_unlock(&session->lock);
    return r->stage == REQUEST_DRAIN ? refuse(r) : MHD_YES;
}

enum MHD_Result upload_begin(struct request *r)
{
    const struct bup_srv_rules *rules = &r->server->config.rules;
    struct bup_srv_head head = {.fields = &r->head,
                                .bytes = r->head_bytes,
                                .damaged = r->head_damaged,
                                .place = place_of(r)};
    if (!bcj2__bup_srv_read(rules, &head, &r->bits, &r->answer)) {
        return refuse(r);
    }
    if (r->bits.packet == BUP_PACKET_PING) {
        r->answer = bcj2__bup_srv_ok(&r->bits);
        r->stage = REQUEST_READY;
        return MHD_YES;
    }
    if (r->bits.packet == BUP_PACKET_CREATE) {
        r->stage = REQUEST_CREATE;
        return MHD_YES;
    }
    if (r->bits.session_is_guid) {
        r->session =
            sessions_find(&r->server->sessions, &r->bits.session, bcj2__buf_cstr(&r->path));
    }
    if (r->session == NULL) {
        r->answer = bcj2__bup_srv_no_session(&r->bits);
        return refuse(r);
    }
    if (r->bits.packet == BUP_PACKET_FRAGMENT) {
        return begin_fragment(r);
    }
    r->stage = REQUEST_READY; /* Close, Cancel: when the request is whole */
    return MHD_YES;
}

/* ---- after the body ---- */

/* With the session's lock held, once a fragment. */
static void log_fragment(struct request *r, const struct session *session, unsigned status)
{
    char text[16] = "broken";
    if (r->logged) {
        return;
    }
    r->logged = true;
    if (status != 0) {
        (void)snprintf(text, sizeof text, "%u", status);
    }
    event(&r->server->log,
          "fragment %s %" PRIu64 "-%" PRIu64 "/%" PRIu64 " new %" PRIu64 " duplicate %" PRIu64
          " next %" PRIu64 " status %s",
          session->id_text, r->plan.first, r->plan.last, r->plan.total, r->stored,
          r->plan.answer.status >= 400 ? 0 : r->seen - r->stored, session->m.next, text);
}

/* Every byte is there: the stage that follows. */
static enum request_stage finish(struct request *r, struct session *session)
{
    enum bup_srv_finish next = bcj2__bup_srv_finish(&session->m, &r->bits, &r->answer);
    if (next == BUP_SRV_FINISH_CACHED) {
        return REQUEST_READY;
    }
    bool pending = next == BUP_SRV_FINISH_SHARE || finish_start(r->server, session);
    if (!pending) {
        session->m.phase = BUP_SRV_RECEIVING;
    }
    if (!pending || !request_suspend(r)) {
        return REQUEST_BROKEN;
    }
    r->next_waiter = session->waiters;
    session->waiters = r;
    return REQUEST_WAITING;
}

/* Sends r->answer; a fragment's is logged first. */
static enum MHD_Result answer(struct request *r)
{
    struct session *session = r->session;
    if (session != NULL && r->bits.packet == BUP_PACKET_FRAGMENT) {
        (void)pthread_mutex_lock(&session->lock);
        if (r->answer.status == 200) {
            session_touch(r->server, session);
        }
        log_fragment(r, session, r->answer.status);
        if (session->writer == r) {
            session->writer = NULL;
        }
        (void)pthread_mutex_unlock(&session->lock);
    }
    return request_answer_ack(r, false);
}

static enum MHD_Result end_fragment(struct request *r)
{
    struct session *session = r->session;
    enum request_stage stage = REQUEST_READY;
    (void)pthread_mutex_lock(&session->lock);
    if (session->gone) {
        r->answer = bcj2__bup_srv_no_session(&r->bits);
    } else if (r->stage == REQUEST_BODY && session->writer != r) {
        stage = REQUEST_BROKEN;
    } else if (r->stage == REQUEST_FINISH ||
               !bcj2__bup_srv_body_end(&session->m, &r->bits, &r->answer)) {
        stage = finish(r, session);
    }
    if (session->writer == r) {
        session->writer = NULL;
    }
    r->stage = stage; /* from here on a WAITING request is the finisher's */
    (void)pthread_mutex_unlock(&session->lock);
    if (stage == REQUEST_READY) {
        return answer(r);
    }
    return stage == REQUEST_WAITING ? MHD_YES : MHD_NO;
}

static enum MHD_Result end_create(struct request *r)
{
    struct server *server = r->server;
    const char *path = bcj2__buf_cstr(&r->path), *host = bcj2__hdrs_get(&r->head, "Host");
    char *url = bcj2__mem_printf("http://%s%s", host == NULL ? "localhost" : host,
                                 r->target[0] == '/' ? r->target : path);
    struct stat st;
    size_t length = 0;
    const char *name = tree_name(path, &length);
    int folder = tree_open_folder(&server->tree, path, length);
    if (!bcj2__bup_srv_protocol_offered(&r->head)) {
        r->answer = bcj2__bup_srv_error(&r->bits, 400, BCJ2_E_INVALIDARG);
    } else if (folder < 0) {
        r->answer = bcj2__bup_srv_error(&r->bits, 404, BCJ2_E_PATH_NOT_FOUND);
    } else if (!server->config.overwrite && fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        r->answer = bcj2__bup_srv_exists(&server->config.rules, &r->bits);
    } else if (url == NULL ||
               (r->session = sessions_create(&server->sessions, path, url)) == NULL) {
        bool too_many = errno == EAGAIN;
        event(&server->log, "error a session cannot be made: %s",
              too_many ? "there are too many" : strerror(errno));
        r->answer = too_many ? bcj2__bup_srv_error(&r->bits, 503, BCJ2_E_HTTP_ERROR_503)
                             : bcj2__bup_srv_error(&r->bits, 500, BCJ2_E_DISK_FULL);
    } else {
        r->answer = (struct bup_srv_answer){.status = 200, .created = true};
        (void)bcj2__str_copy(r->answer.session_id, sizeof r->answer.session_id, r->session->id_text,
                             strlen(r->session->id_text));
        event(&server->log, "create %s", r->session->id_text);
    }
    if (folder >= 0) {
        (void)close(folder);
    }
    bcj2__mem_free_secret(url);
    return request_answer_ack(r, false);
}

/* Close and Cancel. */
static enum MHD_Result end_session(struct request *r)
{
    struct session *session = r->session;
    bool cancel = r->bits.packet == BUP_PACKET_CANCEL;
    (void)pthread_mutex_lock(&session->lock);
    if (session->gone) {
        r->answer = bcj2__bup_srv_no_session(&r->bits);
    } else {
        int fd = session->moved ? -1 : session_open_request(r->server, session, O_RDWR);
        bool vanished = fd < 0 && !session->moved && !cancel;
        r->answer = vanished ? bcj2__bup_srv_error(&r->bits, 404, BCJ2_E_WIN32_FILE_NOT_FOUND)
                             : bcj2__bup_srv_ok(&r->bits);
        if (fd >= 0) {
            (void)close(fd);
        }
        take_over(r, session);
        session->writer = NULL;
        session_end(r->server, session, cancel ? "cancel" : "close");
    }
    (void)pthread_mutex_unlock(&session->lock);
    return request_answer_ack(r, false);
}

enum MHD_Result upload_end(struct request *r)
{
    switch (r->stage) {
    case REQUEST_BODY:
    case REQUEST_FINISH:
        return end_fragment(r);
    case REQUEST_CREATE:
        return end_create(r);
    case REQUEST_READY:
        if (r->bits.packet == BUP_PACKET_CLOSE || r->bits.packet == BUP_PACKET_CANCEL) {
            return end_session(r);
        }
        return answer(r);
    case REQUEST_WAITING:
        return MHD_YES;
    default:
        return answer(r);
    }
}

void upload_done(struct request *r)
{
    if (r->fd >= 0) {
        (void)close(r->fd);
        r->fd = -1;
    }
    struct session *session = r->session;
    if (session == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&session->lock);
    if (session->writer == r) {
        session->writer = NULL;
    }
    if (r->bits.packet == BUP_PACKET_FRAGMENT) {
        log_fragment(r, session, r->stage == REQUEST_SENT ? r->answer.status : 0);
        if (!session->gone && session->m.total_known && !session->total_recorded) {
            (void)session_save(r->server, session);
        }
    }
    (void)pthread_mutex_unlock(&session->lock);
    session_release(r->server, session);
    r->session = NULL;
}
