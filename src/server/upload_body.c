/* SPDX-License-Identifier: MIT */
/* BITS_POST, the body: into the session's file, kept small enough to be lost in a power cut, at the
   rate that is allowed. See request.h; what comes before and after is upload.c's. */
#include "connection.h"
#include "mem.h"
#include "request.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void sync_behind(void *argument);

struct sync_job {
    struct server *server;
    struct session *session; /* held */
    uint64_t upto;
};

/* Keeps what a power cut can take small. Called with the session's lock. */
static void start_sync(struct request *r, struct session *session)
{
    struct sync_job *job = bcj2__mem_alloc(sizeof *job);
    struct session *held = sessions_find_by_id(&r->server->sessions, &session->id);
    if (job != NULL && held != NULL) {
        *job = (struct sync_job){r->server, held, session->m.next};
        session->syncing = true;
        if (workers_do(&r->server->workers, sync_behind, job)) {
            return;
        }
        session->syncing = false;
    }
    if (held != NULL) {
        session_release(r->server, held);
    }
    bcj2__mem_free(job);
}

/* An older connection that was taken over may be among them. With the session's lock. */
static void resume_stalled(struct session *session)
{
    struct request *r = session->stalled, *next = NULL;
    session->stalled = NULL;
    for (; r != NULL; r = next) {
        next = r->next_waiter;
        request_resume(r);
    }
}

static void sync_behind(void *argument)
{
    struct sync_job *job = argument;
    struct session *session = job->session;
    int fd = session_open_request(job->server, session, O_RDWR);
    bool ok = fd >= 0 && fdatasync(fd) == 0;
    bool lost = fd >= 0 && !ok; /* the next sync would succeed without what this one lost */
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)pthread_mutex_lock(&session->lock);
    struct session_record *record = NULL;
    if (lost && !session->gone) {
        session_end(job->server, session, "lose");
    } else if (ok && !session->gone && job->upto > session->synced) {
        session->synced = job->upto;
        /* while it is being finished the record to come has the outcome, this one would not */
        if (session->m.phase != BUP_SRV_FINISHING) {
            record = session_record_make(job->server, session);
        }
    }
    session->syncing = false;
    resume_stalled(session);
    (void)pthread_mutex_unlock(&session->lock);
    if (record != NULL && session_record_write(job->server, session, record, true)) {
        (void)session_sync_folders(job->server, session, "Requests");
    }
    session_release(job->server, session);
    bcj2__mem_free(job);
}

/* The disk said no: the rest of the body is read over. */
static void store_failed(struct request *r, const struct session *session, int error)
{
    event(&r->server->log, "error %s cannot be written: %s", session->id_text, strerror(error));
    r->answer = bcj2__bup_srv_error(&r->bits, 500, BCJ2_E_DISK_FULL);
    r->answer.has_offset = true;
    r->answer.offset = session->m.next;
    r->plan.answer = r->answer;
    r->stage = REQUEST_DRAIN;
}

/* A sync is due after half of what may be unsynced; one that is late holds the upload up. */
static void keep_synced(struct request *r, struct session *session)
{
    uint64_t unsynced = session->m.next - session->synced;
    if (unsynced >= LIMIT_SERVER_UNSYNCED_BYTES / 2 && !session->syncing) {
        start_sync(r, session);
    }
    if (unsynced >= LIMIT_SERVER_UNSYNCED_BYTES && session->syncing && request_suspend(r)) {
        r->next_waiter = session->stalled;
        session->stalled = r;
    }
}

/* Bytes of the body, in order; those the session has already are skipped. */
static void store(struct request *r, struct session *session, const char *data, size_t size)
{
    size_t skip = r->seen < r->plan.skip ? (size_t)MIN(size, r->plan.skip - r->seen) : 0;
    r->seen += size;
    if (skip == size) {
        return;
    }
    ssize_t n = tree_pwrite(r->fd, data + skip, size - skip, (off_t)session->m.next);
    int error = errno;
    if (n > 0) {
        bcj2__bup_srv_stored(&session->m, (uint64_t)n);
        r->stored += (uint64_t)n;
    }
    if (n != (ssize_t)(size - skip)) {
        store_failed(r, session, error);
    } else {
        keep_synced(r, session);
    }
}

/* Has the client gone in the middle of the body? libmicrohttpd 0.9.75 with epoll misses the end of a
   connection that came together with its last bytes, and would wait for more. */
static bool client_is_gone(const struct request *r)
{
    char byte = 0;
    return r->seen < r->bits.length &&
           recv(connection_socket(r->connection), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

enum MHD_Result upload_body(struct request *r, const char *data, size_t *size)
{
    size_t now = request_allowance(r, *size);
    bool stalled = false;
    if (r->stage == REQUEST_BODY) {
        struct session *session = r->session;
        (void)pthread_mutex_lock(&session->lock);
        bool broken = session->gone || session->writer != r;
        if (!broken) {
            store(r, session, data, now);
            stalled = session->stalled == r;
        }
        (void)pthread_mutex_unlock(&session->lock);
        if (broken) {
            return MHD_NO;
        }
    } else {
        r->seen += now;
    }
    bool all_taken = now == *size;
    *size -= now;
    if (stalled) {
        return MHD_YES;
    }
    if (all_taken && client_is_gone(r)) {
        return MHD_NO;
    }
    request_passed(r, now);
    request_pace(r);
    return MHD_YES;
}
